//! Kernels that adapt have the moments and quantiles of their targets.

use gibbsite::adapt::Adapt;
use gibbsite::energy::Differentiable;
use gibbsite::kernel::{Hmc, Mala, Nuts, Rwm};
use gibbsite::run::{Draws, RunOptions, initial_points_with_gradient, sample};

use crate::energies::{Quartic, correlated, ring};
use crate::quiet;
use crate::truths::{Truth, assert_agrees, truth, truths_of_density, z_scores};

fn options(n_draws: usize, seed: u64) -> RunOptions {
    RunOptions { n_draws, thin: 2, n_warmup: 400, seed, block: 64 }
}

fn run<E: Differentiable, K: Adapt<E>>(energy: &E, kernel: &K, n_draws: usize) -> Draws {
    let init = initial_points_with_gradient(energy, 128, 7).unwrap();
    let out = sample(energy, kernel, init, &options(n_draws, 11), &quiet).unwrap();
    if let Some(target) = out.kernel.target_accept() {
        let got = out.info.accept_prob();
        // Divergences push the acceptance of long trajectories above the target.
        assert!(got > target - 0.08 && got < 0.98, "acceptance {got} against {target}");
    }
    assert!((out.info.n_diverged as f64) < 0.01 * out.info.n as f64, "{:?}", out.info);
    out.draws
}

fn all_exact_kernels<E: Differentiable>(energy: &E, truths: &[Truth<'_>], n_draws: usize) {
    assert_agrees("rwm", &z_scores(&run(energy, &Rwm::new(1.0), 3 * n_draws), truths));
    assert_agrees("mala", &z_scores(&run(energy, &Mala::new(0.1), n_draws), truths));
    assert_agrees("hmc", &z_scores(&run(energy, &Hmc::new(0.1, 6), n_draws), truths));
    assert_agrees("nuts", &z_scores(&run(energy, &Nuts::new(0.1), n_draws), truths));
}

#[test]
fn standard_normal() {
    let truths = truths_of_density(0, 12.0, |x| (-0.5 * x * x).exp());
    all_exact_kernels(&Quartic::new(1.0, 0.0), &truths, 1000);
}

#[test]
fn quartic() {
    let truths = truths_of_density(0, 8.0, |x| (-0.5 * x * x - 0.1 * x.powi(4)).exp());
    assert!((truths[1].exact - 0.615_527_186).abs() < 1e-8, "{}", truths[1].exact);
    all_exact_kernels(&Quartic::new(1.0, 0.1), &truths, 1000);
}

#[test]
fn correlated_gaussian() {
    let mut truths = truths_of_density(0, 12.0, |x| (-0.5 * x * x).exp());
    truths.extend(truths_of_density(1, 60.0, |x| (-0.02 * x * x).exp()));
    truths.push(truth("covariance", |x| x[0] * x[1], 0.8 * 5.0));
    all_exact_kernels(&correlated(), &truths, 1500);
}

#[test]
fn ring_in_two_dimensions() {
    // The radius has density r exp(-E(r)); by symmetry the mean is 0 and the variance half of E[r^2].
    let p = |r: f64| if r > 0.0 { r * (-0.5 * ((r - 2.0) / 0.4).powi(2)).exp() } else { 0.0 };
    let radial = truths_of_density(0, 8.0, p);
    let (mean, variance) = (radial[0].exact, radial[1].exact);
    let mut truths: Vec<Truth<'_>> = radial
        .into_iter()
        .map(|t| Truth {
            name: format!("radius: {}", t.name),
            exact: t.exact,
            f: Box::new(move |x| (t.f)(&[x[0].hypot(x[1])])),
        })
        .collect();
    for j in 0..2 {
        truths.push(truth("mean", move |x| x[j], 0.0));
        truths.push(truth("variance", move |x| x[j] * x[j], 0.5 * (variance + mean * mean)));
    }
    all_exact_kernels(&ring(), &truths, 1500);
}
