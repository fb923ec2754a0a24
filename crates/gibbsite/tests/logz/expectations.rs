//! Expectations by the nodes of the quadrature, and what follows from those of the energy.

use gibbsite::logz::{self, Options};
use gibbsite::points::{Points, Support};
use gibbsite::uses::density::{Thermodynamics, log_density};

use crate::energies::{ln_two_pi, on, real};

/// E[x^2] of 0.5 x^2 + 0.1 x^4, by 30-digit quadrature.
const QUARTIC_VARIANCE: f64 = 0.615527185732942951528622495531;

#[test]
fn expectations() {
    let quartic = real(1, |x| 0.5 * x[0] * x[0] + 0.1 * x[0].powi(4));
    let q = logz::quadrature(&quartic, &Options::default()).unwrap();
    let sum: f64 = q.w.iter().sum();
    assert!((sum - 1.0).abs() < 1e-13);
    let variance = q.expect_fn(|x| x[0] * x[0]);
    assert!((variance - QUARTIC_VARIANCE).abs() < 1e-13, "{variance}");
    assert!(q.mean()[0].abs() < 1e-14);
    // x dE/dx has expectation 1 (integration by parts).
    assert!((q.expect_fn(|x| x[0] * x[0] + 0.4 * x[0].powi(4)) - 1.0).abs() < 1e-12);
    // The fitted mixture of the reference table.
    let (a, b) = (-1.26361354, 0.13228975);
    let fitted = real(1, move |x| a * x[0] * x[0] + b * x[0].powi(4));
    let q = logz::quadrature(&fitted, &Options::default()).unwrap();
    assert!((q.expect_fn(|x| x[0] * x[0]) - 4.25).abs() < 1e-6);
    assert!((q.expect_fn(|x| x[0].powi(4)) - 22.1875).abs() < 1e-5);
    // The right well of the double well.
    let q = logz::quadrature(&real(1, |x| x[0].powi(4) - 6.0 * x[0] * x[0] - 0.5 * x[0]), &Options::default()).unwrap();
    assert!((q.expect_fn(|x| f64::from(x[0] > 0.0)) - 0.84430709621113917918).abs() < 1e-12);
    // A correlated Gaussian in 2-D, and 3-D moments.
    let q =
        logz::quadrature(&real(2, |x| 0.5 * (x[0] * x[0] - x[0] * x[1] + x[1] * x[1])), &Options::default()).unwrap();
    let (x, y) = (q.points.real.col(0), q.points.real.col(1));
    println!("2-D nodes {}", q.n());
    assert!((q.covariance(x, x) - 4.0 / 3.0).abs() < 1e-9 && (q.covariance(x, y) - 2.0 / 3.0).abs() < 1e-9);
    let q =
        logz::quadrature(&real(3, |x| 0.5 * (x[0] * x[0] + x[1] * x[1] + x[2] * x[2])), &Options::default()).unwrap();
    println!("3-D nodes {} evals {}", q.n(), q.n_evals);
    assert!((q.sd()[1] - 1.0).abs() < 1e-7);
}

#[test]
fn reweighting_says_when_it_fails() {
    let well = |a: f64| real(1, move |x: &[f64]| a * x[0] * x[0] + 0.1 * x[0].powi(4));
    let q = logz::quadrature(&well(-1.0), &Options::default()).unwrap();
    let near = q.reweight(&well(-1.01)).unwrap();
    let exact = logz::log_z(&well(-1.01), &Options::default()).unwrap();
    assert!(
        (near.log_z - exact.value).abs() < 1e-11 && near.is_good(1e-9),
        "{} {}",
        near.log_z - exact.value,
        near.error
    );
    for a in [-3.0, 40.0, -0.2] {
        let far = q.reweight(&well(a)).unwrap();
        let exact = logz::log_z(&well(a), &Options::default()).unwrap();
        let err = (far.log_z - exact.value).abs();
        println!("a = {a}: error {err:.1e}, claimed {:.1e}", far.error);
        assert!(err <= 10.0 * far.error, "a = {a}: {err:.1e} but {:.1e} claimed", far.error);
    }
    let shifted = q.reweight(&real(1, |x| 50.0 * (x[0] - 9.0).powi(2))).unwrap();
    assert!(!shifted.is_good(1e-3), "mass outside the nodes must be noticed");
    let two = logz::quadrature(&real(2, |x| 0.5 * (x[0] * x[0] + x[1] * x[1])), &Options::default()).unwrap();
    let near = two.reweight(&real(2, |x| 0.505 * (x[0] * x[0] + x[1] * x[1]))).unwrap();
    assert!((near.log_z - ln_two_pi() + 1.01f64.ln()).abs() < 1e-8 && near.error < 1e-6, "{}", near.error);
}

#[test]
fn offsets_do_not_spoil_the_moments_of_the_energy() {
    for offset in [0.0, 1e8, -1e8] {
        let found = logz::integrate(&real(1, |x| x[0] * x[0] + offset), &Options::default()).unwrap();
        assert!((found.mean_energy - offset - 0.5).abs() < 1e-7, "{}", found.mean_energy);
        assert!((found.heat_capacity - 0.5).abs() < 1e-7, "{}", found.heat_capacity);
    }
}

/// Where the integral has an error, so have the entropy and the mean energy.
#[test]
fn moments_of_the_energy_have_errors() {
    for c in [0.8, 0.9, 0.95] {
        // 1 - x is the coordinate: E = c log z, Z = 1 / (1 - c), E[E] = -c / (1 - c), Var[E] its square.
        let energy = on(&[Support::Interval(0.0, 1.0)], move |x| c * (1.0 - x[0]).ln());
        let i = logz::integrate(&energy, &Options::default()).unwrap();
        let mean = -c / (1.0 - c);
        for (value, error, truth) in
            [(i.mean_energy, i.mean_energy_error, mean), (i.heat_capacity, i.heat_capacity_error, mean * mean)]
        {
            assert!((value - truth).abs() < 4.0 * error + 1e-9, "{c}: {value} +- {error}, not {truth}");
        }
        assert!(c < 0.95 || (i.mean_energy_error > 1.0 && i.heat_capacity_error > 50.0), "{i:?}");
    }
    let i = logz::integrate(&real(1, |x| x[0].powi(4) - x[0]), &Options::default()).unwrap();
    assert!(i.mean_energy_error < 1e-9 && i.heat_capacity_error < 1e-8, "{i:?}");
    let both = on(&[Support::Interval(0.0, 1.0)], |x| 0.98 * (x[0].ln() + (1.0 - x[0]).ln()));
    let i = logz::integrate(&both, &Options::default()).unwrap();
    assert!(i.mean_energy_error.is_finite() && i.mean_energy_error > 1.0, "{i:?}");
}

#[test]
fn thermodynamics_of_a_gaussian() {
    let g = real(2, |x| 0.5 * (x[0] * x[0] + x[1] * x[1]) + 7.0);
    let t = Thermodynamics::from(&logz::integrate(&g, &Options::default()).unwrap());
    assert!((t.entropy - ln_two_pi() - 1.0).abs() < 1e-9);
    assert!((t.mean_energy - 8.0).abs() < 1e-9 && (t.heat_capacity - 1.0).abs() < 1e-8);
    assert!((t.free_energy - 7.0 + ln_two_pi()).abs() < 1e-9);
    let z = logz::log_z(&g, &Options::default()).unwrap();
    let p = log_density(&g, &Points::from_rows(&[[0.0, 0.0], [3.0, 4.0]]), &z);
    assert!((p.log_density[0] + ln_two_pi()).abs() < 1e-10 && (p.log_density[1] + ln_two_pi() + 12.5).abs() < 1e-10);
    // Outside the support the density is zero, exactly.
    let half = on(&[Support::Above(0.0)], |x| x[0]);
    let p = log_density(&half, &Points::from_rows(&[[-1.0], [2.0]]), &logz::log_z(&half, &Options::default()).unwrap());
    assert_eq!((p.log_density[0], p.std_err[0]), (f64::NEG_INFINITY, 0.0));
    assert!((p.log_density[1] + 2.0).abs() < 1e-12);
}
