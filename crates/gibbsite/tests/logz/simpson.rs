//! Simpson's rule on a box.

use gibbsite::logz::{LogZError, simpson};

use crate::energies::real;

#[test]
fn simpson_as_a_textbook() {
    let quartic = |x: &[f64]| 0.5 * x[0] * x[0] + 0.1 * x[0].powi(4);
    let z = simpson::log_z(&real(1, quartic), &[-6.0], &[6.0], 4000).unwrap();
    assert!((z.value.exp() - 2.149706).abs() < 1e-6, "{}", z.value.exp());
    assert!(z.std_err < 1e-10);
    for offset in [1e4, -1e4] {
        let shifted = simpson::log_z(&real(1, move |x| quartic(x) + offset), &[-6.0], &[6.0], 4000).unwrap();
        assert!((shifted.value + offset - z.value).abs() < 1e-11);
    }
    // Simpson is exact for cubics: integral of 1 + x^3 over [0, 2] is 6; products of them in 2-D and 3-D.
    let cubic = |x: &[f64]| -x.iter().map(|v| (1.0 + v.powi(3)).ln()).sum::<f64>();
    for dim in 1..=3 {
        let z = simpson::log_z(&real(dim, cubic), &[0.0], &[2.0], 2).unwrap();
        assert!((z.value - dim as f64 * 6f64.ln()).abs() < 1e-13);
    }
    // The error estimate is right for a rule that has not converged (the power 4 of h).
    let coarse = simpson::log_z(&real(1, quartic), &[-6.0], &[6.0], 24).unwrap();
    let off = (coarse.value - 2.14970592859059558f64.ln()).abs();
    assert!(off < 20.0 * coarse.std_err && coarse.std_err > 1e-10, "{off} {}", coarse.std_err);
    assert!(matches!(simpson::log_z(&real(1, quartic), &[-6.0], &[6.0], 7), Err(LogZError::Intervals { n: 7 })));
    assert!(matches!(simpson::log_z(&real(1, quartic), &[6.0], &[-6.0], 8), Err(LogZError::Box { axis: 0, .. })));
    assert!(matches!(simpson::log_z(&real(1, quartic), &[f64::NAN], &[6.0], 8), Err(LogZError::Box { .. })));
    assert!(matches!(simpson::log_z(&real(3, cubic), &[0.0, 0.0], &[1.0], 8), Err(LogZError::BoxLength { .. })));
    assert!(matches!(simpson::log_z(&real(3, cubic), &[0.0], &[1.0], 100_000), Err(LogZError::TooManyPoints { .. })));
    let nan = simpson::log_z(&real(1, |x| x[0].ln()), &[-1.0], &[1.0], 8);
    assert!(matches!(nan, Err(LogZError::Undefined { point }) if point == [-1.0]));
}

/// Simpson's error covers the true one where the grid sees the shape, also at kinks; elsewhere a warning says that it does not.
#[test]
fn simpson_says_how_far_it_can_be_trusted() {
    let abs = real(1, |x| (x[0] - 0.31234).abs());
    let truth = (2.0 - f64::exp(-6.31234) - f64::exp(-5.68766)).ln();
    for n in [400, 1000, 4000] {
        let z = simpson::log_z(&abs, &[-6.0], &[6.0], n).unwrap();
        assert!(
            (z.value - truth).abs() < 5.0 * z.std_err && z.std_err < 1e-3,
            "{n}: {} +- {}",
            z.value - truth,
            z.std_err
        );
    }
    let smooth = simpson::log_z(&real(1, |x| x[0] * x[0]), &[-6.0], &[6.0], 96).unwrap();
    let error = (smooth.value - 0.5 * std::f64::consts::PI.ln()).abs();
    assert!(error < 3.0 * smooth.std_err + 1e-15 && smooth.std_err < 1e-6 && smooth.warnings.is_empty());
    for (width, n) in [(1e6, 4000), (6.0, 8), (6.0, 6)] {
        let z = simpson::log_z(&real(1, |x| x[0] * x[0]), &[-width], &[width], n).unwrap();
        assert_eq!(z.warnings.len(), 1, "{width} {n}: {z:?}");
    }
}
