//! Parallel tempering against closed forms, on targets whose modes no local kernel connects; resumption, threads, memory.

use gibbsite::diagnostics::z_score_between_chains;
use gibbsite::energy::formula::Formula;
use gibbsite::energy::gaussian::{Gaussian, GaussianMixture};
use gibbsite::energy::{Differentiable, menu};
use gibbsite::kernel::{Hmc, Nuts};
use gibbsite::math::erf;
use gibbsite::points::{Matrix, Points, Space};
use gibbsite::run::saved::Saved;
use gibbsite::run::{Event, RunError, Session, initial_points_with_gradient};
use gibbsite::tempering::{
    BetasError, Ladder, LadderError, LadderSession, Leg, Replicas, Tempered, TemperingOptions, Verdict, draw, temper,
    temper_from, warm_up,
};

fn quiet(_: Event) {}

fn options(n_warmup: usize, n_draws: usize) -> TemperingOptions {
    TemperingOptions { n_draws, n_warmup, seed: 1, ..TemperingOptions::default() }
}

/// The z-score of the mean of `f` over the draws, from the spread between the ladders.
fn z_of(run: &Tempered, truth: f64, f: impl Fn(&[f64]) -> f64) -> f64 {
    let (n, dim) = (run.draws.n_draws(), run.draws.dim());
    let mean = |chain: &[f64]| chain.chunks(dim).map(&f).sum::<f64>() / n as f64;
    let means: Vec<f64> = run.draws.values().chunks(n * dim).map(mean).collect();
    z_score_between_chains(&means, truth)
}

fn assert_mixing(run: &Tempered) {
    assert!(run.verdict.is_good(), "{}: rejection {:?}", run.verdict, run.rejection);
    assert_eq!(run.n_undefined_swaps, 0);
}

fn assert_log_z(run: &Tempered, truth: f64) {
    let estimate = run.log_z.unwrap();
    let z = (estimate.value - truth) / estimate.std_err;
    assert!(z.abs() < 4.0 && estimate.std_err < 0.3, "{estimate:?}, truth {truth}");
}

const FAR: &str = "-log(0.3*exp(-((x1+10)^2+x2^2+x3^2+x4^2)/2) + 0.7*exp(-((x1-10)^2+x2^2+x3^2+x4^2)/2))";

#[test]
fn modes_twenty_standard_deviations_apart_get_their_weights() {
    let energy = Formula::parse(FAR).unwrap();
    // Everything starts in the light mode.
    let init =
        Points::from_real(Matrix::from_fn(64, 4, |i, j| if j == 0 { -10.0 } else { (i % 5) as f64 / 4.0 - 0.5 }));
    let ladder = warm_up(&energy, &Hmc::new(0.5, 4), init, &options(300, 300), &quiet).unwrap();
    // The reference has found both modes; the scales are those of one, not the distance of the two.
    let means: Vec<f64> = ladder.reference().parts().map(|(part, _)| part.mean()[0]).collect();
    assert!(means.len() == 3 && (means[0] - 4.0).abs() < 1.5, "{means:?}");
    let target = &ladder.kernels()[ladder.kernels().len() - 1];
    assert!(target.metric.scale().iter().all(|s| (s - 1.0).abs() < 0.1), "{:?}", target.metric);
    let run = draw(&energy, &ladder, &options(300, 300), &quiet).unwrap();
    assert_mixing(&run);
    let z = z_of(&run, 0.7, |x| f64::from(u8::from(x[0] > 0.0)));
    assert!(z.abs() < 4.0, "{z}");
    let z = z_of(&run, 4.0, |x| x[0]);
    assert!(z.abs() < 4.0, "{z}");
    for j in 1..4 {
        let z = z_of(&run, 1.0, |x| x[j] * x[j]);
        assert!(z.abs() < 4.0, "coordinate {j}: {z}");
    }
    let two_pi = 2.0 * std::f64::consts::PI;
    assert_log_z(&run, 2.0 * two_pi.ln());
    // Half of the swaps, alike everywhere.
    let mean = run.barrier / run.rejection.len() as f64;
    for r in &run.rejection {
        assert!((r - mean).abs() < 0.12 && (0.1..0.75).contains(r), "{:?}", run.rejection);
    }
    let rate = run.total_round_trips() as f64 / (64.0 * 300.0);
    assert!(rate > 0.25 * run.expected_rate && rate < 1.1 * run.expected_rate, "{rate} {}", run.expected_rate);
}

#[test]
fn twenty_five_gaussians_are_all_found() {
    let energy = menu::find("25-gaussians").unwrap().build(&[]).unwrap().formula;
    let init = initial_points_with_gradient(&energy, 64, 0).unwrap();
    let run = temper(&energy, &Hmc::new(0.1, 4), init, &options(300, 400), &quiet).unwrap();
    assert_mixing(&run);
    let mut worst = 0.0f64;
    for a in -2..=2 {
        for b in -2..=2 {
            let inside = |x: &[f64]| (x[0] - 2.0 * f64::from(a)).abs() < 1.0 && (x[1] - 2.0 * f64::from(b)).abs() < 1.0;
            worst = worst.max(z_of(&run, 0.04, |x| f64::from(u8::from(inside(x)))).abs());
        }
    }
    assert!(worst < 4.0, "{worst}");
    assert_log_z(&run, 0.0);
}

/// Sixteen double wells; all 64 ladders start with every pair in the light well.
#[test]
fn many_wells_get_their_weights_from_a_wrong_start() {
    let built = menu::find("many-well").unwrap().build(&[]).unwrap();
    let init = Points::from_real(Matrix::from_fn(64, 32, |_, j| if j % 2 == 0 { -1.7 } else { 0.1 }));
    let run = temper(&built.formula, &Hmc::new(0.2, 5), init, &options(250, 250), &quiet).unwrap();
    assert_mixing(&run);
    for pair in 0..16 {
        let z = z_of(&run, 0.844_307_096_21, |x| f64::from(u8::from(x[2 * pair] > 0.0)));
        assert!(z.abs() < 4.0, "pair {pair}: {z}");
    }
    let z = z_of(&run, 0.844_307_096_21, |x| {
        (0..16).map(|pair| f64::from(u8::from(x[2 * pair] > 0.0))).sum::<f64>() / 16.0
    });
    assert!(z.abs() < 4.0, "all pairs: {z}");
    assert_log_z(&run, built.log_z.unwrap());
}

/// Tails that the reference does not have, and a neck: the error of log Z must still be one.
#[test]
fn the_error_of_log_z_holds_under_heavy_tails() {
    let pi = std::f64::consts::PI;
    for (text, log_z) in [("log(1+x^2)", pi.ln()), ("x1^2/18 + x1/2 + x2^2*exp(-x1)/2", (6.0 * pi).ln())] {
        let energy = Formula::parse(text).unwrap();
        let dim = gibbsite::energy::Energy::space(&energy).dim();
        let init = Points::from_real(Matrix::from_fn(64, dim, |i, _| (i % 7) as f64 / 3.0 - 1.0));
        let run = temper(&energy, &Hmc::new(0.3, 4), init, &options(200, 500), &quiet).unwrap();
        assert_mixing(&run);
        assert_log_z(&run, log_z);
    }
}

/// From N(0, 1) to N(m, 1) the barrier is `m / sqrt(pi)` and a swap is rejected with probability `erf((beta' - beta) m / 2)`.
#[test]
fn the_barrier_between_gaussians_is_the_closed_form() {
    let m = 6.0;
    let target = Gaussian::diagonal(vec![m], &[1.0]).unwrap();
    let options = TemperingOptions { n_levels: Some(13), ..options(400, 400) };
    let init = Points::from_real(Matrix::from_fn(64, 1, |_, _| m));
    let run = temper_from(Gaussian::standard(1), &target, &Hmc::new(0.5, 3), init, &options, &quiet).unwrap();
    assert_mixing(&run);
    for (k, r) in run.rejection.iter().enumerate() {
        let width = run.betas[k + 1] - run.betas[k];
        let exact = erf(0.5 * width * m);
        assert!((r - exact).abs() < 0.01, "pair {k}: {r}, {exact}");
        // The barrier is uniform in beta: so are the levels.
        assert!((width * 12.0 - 1.0).abs() < 0.12, "{:?}", run.betas);
    }
    let exact = m / std::f64::consts::PI.sqrt();
    assert!((run.barrier / exact - 1.0).abs() < 0.02, "{} {exact}", run.barrier);
    assert_log_z(&run, 0.5 * (2.0 * std::f64::consts::PI).ln());
}

/// A ladder with `n` rows on `n_levels` levels from N(0, 1), all at the same points.
fn plain(n_levels: usize, n: usize) -> Ladder<Gaussian, Hmc> {
    let betas = (0..n_levels).map(|k| k as f64 / (n_levels - 1) as f64).collect();
    let x = Points::from_real(Matrix::from_fn(n, 1, |i, _| (i as f64 / n as f64) - 0.5));
    Ladder::new(Gaussian::standard(1), betas, vec![Hmc::new(0.4, 3); n_levels], Replicas::new(vec![x; n_levels]))
        .unwrap()
}

/// Where target and reference are the same every swap is accepted, and replicas march: counted here by marching them.
#[test]
fn round_trips_are_counted_right_when_every_swap_is_accepted() {
    let target = Gaussian::standard(1);
    for n_levels in [2, 3, 6, 7] {
        let n_draws = 101;
        let run = draw(&target, &plain(n_levels, 5), &options(0, n_draws), &quiet).unwrap();
        let mut at: Vec<usize> = (0..n_levels).collect();
        let mut leg = vec![0; n_levels];
        leg[0] = 1;
        let mut expected = 0;
        for t in 0..n_draws {
            for k in (t % 2..n_levels - 1).step_by(2) {
                at.swap(k, k + 1);
            }
            expected += u64::from(leg[at[0]] == 2);
            leg[at[0]] = 1;
            if leg[at[n_levels - 1]] == 1 {
                leg[at[n_levels - 1]] = 2;
            }
        }
        assert_eq!(run.n_round_trips, vec![expected; 5], "{n_levels} levels");
        assert_eq!((run.expected_rate, run.barrier), (0.5, 0.0));
        // In the long run one of all replicas arrives every second iteration.
        assert!((expected as f64 - 0.5 * n_draws as f64).abs() <= 1.5 * n_levels as f64, "{expected}");
        let last: Vec<u32> = run.replicas.replica.iter().map(|level| level[3]).collect();
        assert_eq!(last, at.iter().map(|r| *r as u32).collect::<Vec<_>>());
        assert_eq!(run.swap_attempts[0], 5 * n_draws.div_ceil(2) as u64);
    }
}

#[test]
fn a_run_continues_to_the_bit() {
    let energy = Formula::parse("-log(0.4*exp(-(x+3)^2*2) + 0.6*exp(-(x-3)^2/2))").unwrap();
    let mut ladder = warm_up(&energy, &Hmc::new(0.3, 3), Points::zeros(70, 1), &options(60, 1), &quiet).unwrap();
    let whole = draw(&energy, &ladder, &options(60, 37), &quiet).unwrap();
    let first = draw(&energy, &ladder, &options(60, 14), &quiet).unwrap();
    ladder.set_replicas(first.replicas.clone()).unwrap();
    let second = draw(&energy, &ladder, &options(60, 23), &quiet).unwrap();
    assert!(whole.replicas == second.replicas);
    for c in 0..70 {
        for t in 0..37 {
            let part = if t < 14 { first.draws.get(c, t, 0) } else { second.draws.get(c, t - 14, 0) };
            assert_eq!(whole.draws.get(c, t, 0), part);
        }
        assert_eq!(whole.n_round_trips[c], first.n_round_trips[c] + second.n_round_trips[c]);
    }
    for (k, attempts) in whole.swap_attempts.iter().enumerate() {
        assert_eq!(*attempts, first.swap_attempts[k] + second.swap_attempts[k]);
    }
}

/// Cut at odd places and carried over as bytes, a run says the same as in one piece, its sums and log Z included.
#[test]
fn pieces_say_what_the_whole_says() {
    let energy = Formula::parse("-logsumexp(-(x+4)^2/2, 1-(x-4)^2/2) + y^2").unwrap();
    let init = initial_points_with_gradient(&energy, 21, 3).unwrap();
    let options = TemperingOptions { block: 8, ..options(60, 50) };
    let kernel = Nuts::new(0.5);
    let ladder = warm_up(&energy, &kernel, init, &options, &quiet).unwrap();
    let whole = draw(&energy, &ladder, &options, &quiet).unwrap();
    let mut values: Vec<Vec<f64>> = vec![Vec::new(); 21];
    let mut saved = LadderSession::start(&energy, &ladder, &options).unwrap().save();
    for n in [1, 17, 3, 29] {
        let read = Saved::from_bytes(&saved.to_bytes().unwrap()).unwrap();
        let ladder = Ladder::<GaussianMixture, _>::restore(&read, &kernel, 21, &Space::real(2)).unwrap();
        let mut session = LadderSession::start(&energy, &ladder, &options).unwrap();
        session.go_on(&read).unwrap();
        let piece = session.draw(n, &quiet).unwrap();
        let chain = |c: usize| &piece.values()[c * n * 2..(c + 1) * n * 2];
        values.iter_mut().enumerate().for_each(|(c, v)| v.extend_from_slice(chain(c)));
        saved = session.save();
        if session.n_done() == 50 {
            let run = session.finish(piece);
            assert_eq!(values.concat(), whole.draws.values());
            assert_eq!((&run.rejection, &run.n_round_trips), (&whole.rejection, &whole.n_round_trips));
            assert_eq!((&run.info, run.log_z, &run.verdict), (&whole.info, whole.log_z, &whole.verdict));
            assert_eq!(run.replicas, whole.replicas);
        }
    }
    // What is of another size, or missing, is named.
    let restored = |saved: &Saved, n: usize, dim: usize| {
        Ladder::<GaussianMixture, _>::restore(saved, &kernel, n, &Space::real(dim))
    };
    assert!(restored(&saved, 22, 2).is_err() && restored(&saved, 21, 3).is_err());
    assert!(restored(&Saved::default(), 21, 2).is_err());
    let mut elsewhere = LadderSession::start(&energy, &ladder, &options).unwrap();
    assert!(elsewhere.go_on(&saved).unwrap_err().to_string().contains("iteration"));
}

#[test]
fn threads_and_blocks_change_no_bit() {
    let energy = Formula::parse("-log(0.4*exp(-(x+3)^2*2-y^2) + 0.6*exp(-(x-3)^2/2-y^2))").unwrap();
    let run = |n_threads: usize, block: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        let options = TemperingOptions { block, ..options(80, 30) };
        pool.install(|| temper(&energy, &Hmc::new(0.3, 3), Points::zeros(50, 2), &options, &quiet).unwrap())
    };
    let one = run(1, 16);
    for (other, blocks_too) in [(run(2, 16), false), (run(3, 16), false), (run(2, 64), true)] {
        assert_eq!(
            (&one.betas, &one.rejection, &one.n_round_trips),
            (&other.betas, &other.rejection, &other.n_round_trips)
        );
        assert!(one.draws == other.draws, "another block size: {blocks_too}");
        assert!(one.replicas == other.replicas, "another block size: {blocks_too}");
        assert_eq!(one.log_z, other.log_z);
    }
}

#[test]
fn short_ladders_and_short_runs_are_judged() {
    let far = Gaussian::diagonal(vec![40.0], &[1.0]).unwrap();
    let short = TemperingOptions { n_levels: Some(3), ..options(100, 50) };
    let init = Points::from_real(Matrix::from_fn(16, 1, |_, _| 40.0));
    let run = temper_from(Gaussian::standard(1), &far, &Hmc::new(0.5, 3), init.clone(), &short, &quiet).unwrap();
    assert!(matches!(run.verdict, Verdict::LadderTooShort { .. }), "{}", run.verdict);
    let brief = draw(&far, &plain(4, 8), &options(0, 3), &quiet).unwrap();
    assert!(!brief.verdict.is_good(), "{}", brief.verdict);
    // Left to itself the ladder gets the levels it needs: the barrier is 16 / sqrt(pi) = 9.03.
    let far = Gaussian::diagonal(vec![16.0], &[1.0]).unwrap();
    let run = temper_from(Gaussian::standard(1), &far, &Hmc::new(0.5, 3), init, &options(400, 600), &quiet).unwrap();
    assert!((18..=22).contains(&run.betas.len()), "{}", run.betas.len());
    assert_mixing(&run);
}

#[test]
fn ladders_that_do_not_fit_are_refused() {
    let standard = || Gaussian::standard(1);
    let x = |n: usize, d: usize| Points::zeros(n, d);
    let new = |betas: &[f64], n_kernels: usize, x: Vec<Points>| {
        Ladder::new(standard(), betas.to_vec(), vec![Hmc::new(0.1, 1); n_kernels], Replicas::new(x)).map(|_| ())
    };
    assert_eq!(new(&[1.0], 1, vec![x(2, 1)]), Err(LadderError::Betas(BetasError::TooFew { n: 1 })));
    for (betas, wrong) in [
        ([0.1, 0.5, 1.0], BetasError::First { beta: 0.1 }),
        ([0.0, 0.0, 1.0], BetasError::Falls { number: 2, before: 0.0, beta: 0.0 }),
        ([0.0, 1.0, 1.0], BetasError::Falls { number: 3, before: 1.0, beta: 1.0 }),
        ([0.0, 0.5, 0.9], BetasError::Last { beta: 0.9 }),
    ] {
        assert_eq!(new(&betas, 3, vec![x(2, 1); 3]), Err(LadderError::Betas(wrong)), "{betas:?}");
    }
    assert!(matches!(new(&[0.0, 1.0], 3, vec![x(2, 1); 2]), Err(LadderError::Levels { what: "kernels", .. })));
    assert!(matches!(new(&[0.0, 1.0], 2, vec![x(2, 1); 3]), Err(LadderError::Levels { what: "positions", .. })));
    assert!(matches!(new(&[0.0, 1.0], 2, vec![x(2, 1), x(3, 1)]), Err(LadderError::Shape { level: 1, .. })));
    assert!(matches!(new(&[0.0, 1.0], 2, vec![x(2, 2); 2]), Err(LadderError::Shape { level: 0, .. })));
    let mut ladder = plain(3, 4);
    let mut replicas = ladder.replicas().clone();
    replicas.replica[1][2] = 0;
    assert_eq!(ladder.set_replicas(replicas), Err(LadderError::Permutation { ladder: 2, last: 2 }));
    assert_eq!(ladder.replicas().leg[0][0], Leg::Up);

    let energy = Formula::parse("x1^2 + x2^2").unwrap();
    let refused = temper_from(standard(), &energy, &Hmc::new(0.1, 1), x(4, 2), &options(10, 10), &quiet);
    assert_eq!(refused.unwrap_err(), RunError::ReferenceDimension { got: 1, expected: 2 });
    let refused = draw(&energy, &plain(3, 4), &options(10, 10), &quiet);
    assert_eq!(refused.unwrap_err(), RunError::ReferenceDimension { got: 1, expected: 2 });
    let one_level = TemperingOptions { n_levels: Some(1), ..options(10, 10) };
    let refused = temper(&energy, &Hmc::new(0.1, 1), x(4, 2), &one_level, &quiet).unwrap_err();
    assert_eq!(refused.to_string(), "the number of levels is 1, but must be at least 2");
    let refused = temper(&energy, &Hmc::new(0.1, 1), x(4, 3), &options(10, 10), &quiet).unwrap_err();
    assert_eq!(refused, RunError::Dimension { got: 3, expected: 2 });
}

/// Kernels of an energy behind a pointer, as a program that picks energies by name has them.
#[test]
fn energies_behind_a_pointer_are_tempered() {
    let energy: Box<dyn Differentiable> = Box::new(Formula::parse("x^2/2").unwrap());
    let run = temper(&*energy, &Nuts::new(0.1), Points::zeros(64, 1), &options(80, 100), &quiet).unwrap();
    let z = z_of(&run, 1.0, |x| x[0] * x[0]);
    assert!(z.abs() < 4.0, "{z}");
    // The fitted reference is the target: nothing is rejected.
    assert!(run.barrier < 0.5, "{}", run.barrier);
}
