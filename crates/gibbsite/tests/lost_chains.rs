//! Chains that sit in a well of no weight when warm-up ends go on from where the others are; those in wells that count stay.

use gibbsite::energy::formula::Formula;
use gibbsite::kernel::Nuts;
use gibbsite::points::{Matrix, Points};
use gibbsite::run::{Outcome, RunOptions, Warning, sample};

const N: usize = 24;
const D: usize = 4;

/// Two normals, about 0 and about 30, of these standard deviations, the second with `exp(log_weight)` times the weight of the
/// first; every eighth chain starts in the second.
fn run(log_weight: f64, sds: [f64; 2]) -> Outcome<Nuts> {
    let term = |at: f64, sd: f64, log_weight: f64| {
        let squares = (1..=D).map(|j| format!("(x{j}-{at})^2")).collect::<Vec<_>>().join("+");
        format!("{} - {}*({squares})", log_weight - D as f64 * sd.ln(), 0.5 / (sd * sd))
    };
    let energy = format!("-logsumexp({}, {})", term(0.0, sds[0], 0.0), term(30.0, sds[1], log_weight));
    let energy = Formula::parse(&energy).unwrap();
    let init = Points::from_real(Matrix::from_fn(N, D, |i, j| {
        let z = ((i * 7 + j * 3) % 5) as f64 / 2.0 - 1.0;
        if i % 8 == 5 { 30.0 + sds[1] * z } else { sds[0] * z }
    }));
    let options = RunOptions { n_draws: 50, n_warmup: 300, seed: 3, ..RunOptions::default() };
    sample(&energy, &Nuts::new(0.5), init, &options, &|_| {}).unwrap()
}

fn n_far(run: &Outcome<Nuts>) -> usize {
    run.draws.coordinate(0).iter().filter(|chain| chain[0] > 15.0).count()
}

#[test]
fn a_chain_in_a_well_of_no_weight_is_moved_and_told_of() {
    let run = run(-60.0, [1.0; 2]);
    assert_eq!(n_far(&run), 0);
    let [Warning::Lost { n_lost: 3, n_chains: N, shortfall }] = run.warnings[..] else { panic!("{:?}", run.warnings) };
    assert!((shortfall - 60.0).abs() < 5.0, "{shortfall}");
    assert!(run.kernel.step_size > 0.3, "{:?}", run.kernel);
}

#[test]
fn chains_in_wells_that_count_stay() {
    // Little weight, but not so little that it is sure; equal weights, though in the wide well energies are 37 nats higher.
    for (log_weight, sds) in [(-15.0, [1.0, 1.0]), (0.0, [1e-4, 1.0]), (0.0, [1.0, 1e-4])] {
        let run = run(log_weight, sds);
        assert!(
            !run.warnings.iter().any(|w| matches!(w, Warning::Lost { .. })),
            "{log_weight} {sds:?}: {:?}",
            run.warnings
        );
        assert_eq!(n_far(&run), 3, "{log_weight} {sds:?}");
    }
}
