//! Are error bars the size of errors? Over 200 seeds, intervals of 1.96 reported standard errors must hold the truth in 90 to
//! 99 % of the runs, for every estimate and kernel.

use gibbsite::adapt::Adapt;
use gibbsite::diagnostics::{mcse_mean, mcse_median, mcse_quantile, mcse_sd, summary};
use gibbsite::energy::formula::Formula;
use gibbsite::kernel::{Hmc, Mala, Nuts, Rwm};
use gibbsite::run::{Draws, RunOptions, initial_points_with_gradient, sample};
use rayon::prelude::*;

const N_SEEDS: u64 = 200;

/// x is quartic, y follows it: `y = 0.8 x + N(0, 1/2)`.
const ENERGY: &str = "0.5*x^2 + 0.1*x^4 + (y - 0.8*x)^2";

/// `E f(x)` under `exp(-x^2/2 - x^4/10)`.
fn expect(f: impl Fn(f64) -> f64) -> f64 {
    let at = |k: i32| f64::from(k) * 1e-3;
    let p = |x: f64| (-0.5 * x * x - 0.1 * x.powi(4)).exp();
    let z: f64 = (-8000..=8000).map(|k| p(at(k))).sum();
    (-8000..=8000).map(|k| f(at(k)) * p(at(k))).sum::<f64>() / z
}

/// The 5 % quantile of x.
fn quantile_05() -> f64 {
    let (mut low, mut high) = (-4.0, 0.0);
    while high - low > 1e-9 {
        let middle = 0.5 * (low + high);
        // Half of the step at the middle counts, so that the rule stays of second order.
        let below = expect(|x| f64::from(u8::from(x < middle)));
        if below < 0.05 { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// Name, estimate and standard error of everything that is checked, against the truth.
fn estimates(draws: &Draws, variance: f64, q05: f64) -> Vec<(&'static str, f64)> {
    let (x, y) = (draws.coordinate(0), draws.coordinate(1));
    let squares: Vec<Vec<f64>> = x.iter().map(|c| c.iter().map(|v| v * v).collect()).collect();
    let (sx, sy, s2) = (summary(&x), summary(&y), summary(&squares));
    let sd_y = (0.64 * variance + 0.5).sqrt();
    vec![
        ("mean of x", sx.mean / mcse_mean(&x)),
        ("mean of y", sy.mean / sy.mcse_mean),
        ("mean of x^2", (s2.mean - variance) / s2.mcse_mean),
        ("sd of x", (sx.sd - variance.sqrt()) / mcse_sd(&x)),
        ("sd of y", (sy.sd - sd_y) / sy.mcse_sd),
        ("median of x", sx.median / mcse_median(&x)),
        ("5 % quantile of x", (sx.q05 - q05) / mcse_quantile(&x, 0.05)),
    ]
}

fn covers<K: Adapt<Formula>>(name: &str, kernel: &K, n_chains: usize, n_draws: usize) {
    let energy = Formula::parse(ENERGY).unwrap();
    let (variance, q05) = (expect(|x| x * x), quantile_05());
    assert!((variance - 0.615_527_186).abs() < 1e-8, "{variance}");
    let of_seed = |seed: u64| {
        let init = initial_points_with_gradient(&energy, n_chains, seed).unwrap();
        let options = RunOptions { n_draws, n_warmup: 150, seed, ..RunOptions::default() };
        estimates(&sample(&energy, kernel, init, &options, &|_| {}).unwrap().draws, variance, q05)
    };
    let all: Vec<_> = (0..N_SEEDS).into_par_iter().map(of_seed).collect();
    for (k, (what, _)) in all[0].iter().enumerate() {
        let held = all.iter().filter(|seed| seed[k].1.abs() < 1.96).count() as f64 / N_SEEDS as f64;
        println!("{name}, {n_chains} chains: {what}: {:.1} %", 100.0 * held);
        assert!(
            (0.90..=0.99).contains(&held),
            "{name}: {what} is within its error in {:.1} % of the runs",
            100.0 * held
        );
    }
}

#[test]
fn errors_of_nuts() {
    covers("nuts", &Nuts::new(0.5), 4, 400);
    covers("nuts", &Nuts::new(0.5), 32, 100);
}

#[test]
fn errors_of_hmc() {
    covers("hmc", &Hmc::new(0.5, 5), 8, 300);
}

#[test]
fn errors_of_mala() {
    covers("mala", &Mala::new(0.5), 8, 800);
}

#[test]
fn errors_of_rwm() {
    covers("rwm", &Rwm::new(1.0), 8, 3000);
}

/// Errors that take every draw for independent are too small, and the same check sees it.
#[test]
fn naive_errors_do_not_hold() {
    let energy = Formula::parse(ENERGY).unwrap();
    let held = (0..N_SEEDS).into_par_iter().filter(|seed| {
        let init = initial_points_with_gradient(&energy, 8, *seed).unwrap();
        let options = RunOptions { n_draws: 500, n_warmup: 150, seed: *seed, ..RunOptions::default() };
        let x = sample(&energy, &Rwm::new(1.0), init, &options, &|_| {}).unwrap().draws.coordinate(0);
        let s = summary(&x);
        s.mean.abs() < 1.96 * s.sd / (8.0f64 * 500.0).sqrt()
    });
    let held = held.count() as f64 / N_SEEDS as f64;
    assert!(held < 0.8, "{held}");
}
