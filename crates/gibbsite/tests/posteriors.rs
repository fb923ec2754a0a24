//! The six posteriors of posteriordb by the No-U-Turn sampler: means and mean squares against the reference, and clean
//! diagnostics. Skipped, with a word, where the data are not there.

mod targets;

use gibbsite::diagnostics::summary;
use gibbsite::kernel::Nuts;
use gibbsite::run::{RunOptions, dispersed_points, sample};

#[test]
fn nuts_agrees_with_the_reference() {
    for target in targets::posteriors() {
        let energy = target.unconstrained();
        let starts = dispersed_points(&energy, 64, 1).unwrap();
        let options = RunOptions { n_draws: 500, n_warmup: 400, seed: 1, block: 32, ..RunOptions::default() };
        let kernel = Nuts { target_accept: 0.9, ..Nuts::new(0.5) };
        let mut run = sample(&energy, &kernel, starts.points, &options, &|_| {}).unwrap();
        energy.draws_to_inner(&mut run.draws);
        let rhat = (0..target.dim()).map(|j| summary(&run.draws.coordinate(j)).rhat).fold(0.0, f64::max);
        let scores = target.scores(&run.draws);
        let worst = scores.iter().max_by(|a, b| a.z.abs().total_cmp(&b.z.abs())).unwrap();
        println!(
            "{:<20} R-hat {rhat:.4}, {} divergences, {:.1} steps a draw, step {:.3}, rank {}, worst z {:.2} ({})",
            target.name,
            run.info.n_diverged,
            run.info.n_evals as f64 / run.info.n as f64,
            run.kernel.step_size,
            run.kernel.metric.rank(),
            worst.z,
            worst.name
        );
        assert!(worst.z.abs() < 4.0, "{}: {} is {:.2} errors off", target.name, worst.name, worst.z);
        assert!(scores.iter().all(|s| s.z.is_finite()), "{}", target.name);
        if target.name != "low_dim_gauss_mix" {
            assert!(rhat < 1.01, "{}: R-hat {rhat}", target.name);
            assert_eq!(run.info.n_diverged, 0, "{}: divergences", target.name);
        }
    }
}
