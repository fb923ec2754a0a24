//! Every kernel leaves every target invariant, the biased ones leave their own known law invariant, and broken twins of all
//! of them are found out by the same test (`common/invariance.rs`).

mod common;

use common::invariance::{assert_broken, assert_invariant, transitions, worst};
use common::targets::{ByHand, Target, bounded, bounded_energy, funnel, gaussian, modes, normal, quartic};
use common::twins::{self, Twin};
use gibbsite::energy::gaussian::Gaussian;
use gibbsite::energy::{Differentiable, Energy, Transformed};
use gibbsite::kernel::{Ensemble, Hmc, Independence, Mala, Metric, Nuts, Rwm, Slice, Ula, Underdamped};
use gibbsite::points::{Matrix, Points, Space};

/// Transitions of a test.
const N_STEPS: u64 = 20;

/// All exact kernels on one target of `scale`, with proposals of standard deviation `wide`. A new kernel is one more line.
fn every_kernel<E: Differentiable>(target: &Target<E>, scale: f64, wide: f64) {
    let t = target;
    let d = t.energy.space().dim();
    let unequal = || Metric::diagonal((0..d).map(|j| 1.0 + 0.5 * j as f64).collect());
    let proposals = Gaussian::diagonal(vec![0.0; d], &vec![wide; d]).unwrap();
    assert_invariant(t, "rwm", &Rwm::new(1.5 * scale), N_STEPS);
    assert_invariant(t, "mala", &Mala::new(0.4 * scale * scale), N_STEPS);
    assert_invariant(t, "hmc", &Hmc::new(0.7 * scale, 4), N_STEPS);
    assert_invariant(t, "nuts", &Nuts::new(0.6 * scale), N_STEPS);
    assert_invariant(t, "nuts that cuts steps", &Nuts { max_change: 0.3, ..Nuts::new(1.2 * scale) }, N_STEPS);
    let malt = Underdamped::new(0.7 * scale, 5, 1.0 / scale);
    assert_invariant(t, "underdamped", &malt, N_STEPS);
    assert_invariant(t, "scaled underdamped", &Underdamped { metric: unequal(), ..malt }, N_STEPS);
    assert_invariant(t, "slice", &Slice::new(2.0 * scale), N_STEPS);
    let narrow = Slice { max_width: 4, metric: unequal(), ..Slice::new(0.4 * scale) };
    assert_invariant(t, "slice of limited width", &narrow, N_STEPS);
    assert_invariant(t, "ensemble", &Ensemble::new(16), N_STEPS);
    assert_invariant(t, "smallest ensemble", &Ensemble { group: 2 * (d + 1), a: 3.0 }, N_STEPS);
    assert_invariant(t, "independence", &Independence::new(proposals), N_STEPS);
}

#[test]
fn a_correlated_gaussian_is_left_alone() {
    every_kernel(&gaussian(), 0.8, 2.0);
}

#[test]
fn a_double_well_is_left_alone() {
    every_kernel(&quartic(), 0.8, 1.5);
}

#[test]
fn modes_are_left_alone() {
    every_kernel(&modes(), 0.5, 4.0);
}

#[test]
fn positive_and_bounded_variables_are_left_alone() {
    every_kernel(&bounded(), 1.0, 2.5);
}

#[test]
fn a_funnel_is_left_alone() {
    every_kernel(&funnel(), 0.6, 2.0);
}

/// A covariance that is diagonal plus of rank one.
#[test]
fn low_rank_preconditioners_leave_the_target_alone() {
    let h = std::f64::consts::FRAC_1_SQRT_2;
    let vectors = Matrix::from_columns(2, 1, vec![h, h]);
    let metric = Metric::low_rank(vec![1.0, 3.0], vectors, vec![1.3]);
    let target = gaussian();
    let malt = Underdamped { metric: metric.clone(), ..Underdamped::new(0.5, 5, 1.0) };
    assert_invariant(&target, "underdamped", &malt, N_STEPS);
    assert_invariant(&target, "mala", &Mala { step_size: 0.4, metric }, N_STEPS);
}

/// On `N(0, 1)` unadjusted Langevin has the variance `1 / (1 - eps / 2)`: from there it passes, from 1 it does not.
#[test]
fn unadjusted_langevin_has_its_known_bias() {
    let eps = 0.8;
    assert_invariant(&normal(1.0 / (1.0 - 0.5 * eps)), "ula", &Ula::new(eps), N_STEPS);
    let exact = normal(1.0);
    assert_broken(&exact, "ula", |x| transitions(&exact.energy, &Ula::new(eps), x, N_STEPS));
}

/// The stationary variance of BAOAB on `x^2 / 2` with a fresh momentum every `n_steps`, from the covariance of (x, p): it is
/// the fixed point of "start from the variances (v, 1), return the variance of x".
fn baoab_variance(h: f64, n_steps: usize, friction: f64) -> f64 {
    let keep = (-friction * h).exp();
    // Rows of x and p as functions of the start (x, p), and the covariance that noise adds.
    let (mut m, mut s) = ([[1.0, 0.0], [0.0, 1.0]], [[0.0f64; 2]; 2]);
    let kick: [[f64; 2]; 2] = [[1.0, 0.0], [-0.5 * h, 1.0]];
    let drift = [[1.0, 0.5 * h], [0.0, 1.0]];
    let times = |a: [[f64; 2]; 2], b: [[f64; 2]; 2]| {
        std::array::from_fn(|i| std::array::from_fn(|j| a[i][0] * b[0][j] + a[i][1] * b[1][j]))
    };
    let transpose = |a: [[f64; 2]; 2]| [[a[0][0], a[1][0]], [a[0][1], a[1][1]]];
    for _ in 0..n_steps {
        for part in [kick, drift, [[1.0, 0.0], [0.0, keep]], drift, kick] {
            m = times(part, m);
            s = times(times(part, s), transpose(part));
            if part[1][1] == keep {
                s[1][1] += 1.0 - keep * keep;
            }
        }
    }
    let variance = (m[0][1] * m[0][1] + s[0][0]) / (1.0 - m[0][0] * m[0][0]);
    // The closed form of the documentation.
    let closed = 1.0 + 0.25 * h * h * m[0][1] * m[0][1] / (1.0 - m[0][0] * m[0][0]);
    assert!((variance - closed).abs() < 1e-12, "{variance} {closed}");
    variance
}

/// BAOAB with fresh momenta has its derived bias; it fades with longer trajectories, not with the step size alone.
#[test]
fn unadjusted_underdamped_langevin_has_its_known_bias() {
    let (h, friction) = (1.6, 0.5);
    for n_steps in [1, 2, 5] {
        let law = normal(baoab_variance(h, n_steps, friction));
        let kernel = Underdamped::unadjusted(h, n_steps, friction);
        assert_invariant(&law, "baoab", &kernel, N_STEPS);
    }
    let exact = normal(1.0);
    let short = Underdamped::unadjusted(h, 1, friction);
    assert_broken(&exact, "baoab", |x| transitions(&exact.energy, &short, x, N_STEPS));
    // An endless trajectory samples the position of an oscillator without bias, even at this step size.
    assert!((baoab_variance(h, 40, friction) - 1.0).abs() < 1e-8);
    assert_invariant(&exact, "long baoab", &Underdamped::unadjusted(h, 40, friction), N_STEPS);
    // Of second order in the step size over trajectories of one duration.
    let excess = |h: f64| baoab_variance(h, (2.0 / h).round() as usize, friction) - 1.0;
    assert!((excess(0.1) / excess(0.2) - 0.25).abs() < 0.01, "{} {}", excess(0.1), excess(0.2));
}

/// Without friction the metropolized kernel is Hamiltonian Monte Carlo: at a step size that it accepts rarely, too.
#[test]
fn underdamped_without_friction_is_exact_too() {
    assert_invariant(&gaussian(), "underdamped", &Underdamped::new(0.8, 3, 0.0), N_STEPS);
}

#[test]
fn broken_twins_are_found_out() {
    let cases: [(&str, Twin, Target<ByHand>, usize); 7] = [
        ("mala without the densities of its proposals", twins::mala, gaussian(), 20),
        ("hmc that accepts always", twins::hmc, gaussian(), 20),
        ("underdamped without the accumulated error", twins::malt, gaussian(), 20),
        ("ensemble without its volume", twins::ensemble, gaussian(), 20),
        ("slice without a random split", twins::slice_split, quartic(), 20),
        ("slice with wrong shrinkage", twins::slice_shrinkage, gaussian(), 20),
        ("independence without the density of its proposals", twins::independence, gaussian(), 20),
    ];
    for (name, twin, target, n_steps) in &cases {
        let right = worst(target, |x| twins::run(*twin, &target.energy, &x, *n_steps, false));
        assert!(right.digits < 6.0, "{name}, mended: {right:?}");
        assert_broken(target, name, |x| twins::run(*twin, &target.energy, &x, *n_steps, true));
    }
}

/// The transformation of bounded variables without its Jacobian.
struct NoJacobian {
    inner: Transformed<ByHand>,
    energy: ByHand,
}

impl Energy for NoJacobian {
    fn space(&self) -> &Space {
        self.inner.space()
    }
    fn energy(&self, u: &Points, out: &mut [f64]) {
        self.energy.energy(&self.inner.to_inner(u), out);
    }
}

#[test]
fn a_missing_jacobian_is_found_out() {
    let target = bounded();
    let energy = NoJacobian { inner: Transformed::new(bounded_energy()), energy: bounded_energy() };
    assert_broken(&target, "no Jacobian", |u| transitions(&energy, &Rwm::new(1.5), u, N_STEPS));
}

/// Chains that depend on each other are found out even where each of them is right: every second one repeats its neighbour.
#[test]
fn dependent_chains_are_found_out() {
    let target = gaussian();
    assert_broken(&target, "repeated chains", |x| {
        let rows: Vec<usize> = (0..x.n()).map(|i| i - i % 2).collect();
        x.select(&rows)
    });
}
