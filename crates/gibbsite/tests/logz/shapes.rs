//! Shapes that a grid may miss: narrow, far apart, kinked, slow to decay, and parts that are independent.

use gibbsite::energy::Energy;
use gibbsite::energy::formula::{Formula, FormulaOptions};
use gibbsite::logz::{self, LogZError, Options};
use gibbsite::points::Support;

use crate::energies::{check, ln_two_pi, on, real};

/// Narrow or wide in one coordinate and not in another.
#[test]
fn coordinates_of_any_scale() {
    for (a, b) in [(1.0, 1e-4), (1e-4, 1.0), (1e-3, 1e-3), (1e3, 1e-3), (1e-8, 1e5)] {
        let z = ln_two_pi() + f64::ln(a) + f64::ln(b);
        check("scales", real(2, move |x| 0.5 * ((x[0] / a).powi(2) + (x[1] / b).powi(2))), z, 1e-10);
    }
    let e = |x: &[f64]| 0.5 * ((x[0] / 1e2).powi(2) + (x[1] / 1e-3).powi(2) + x[2] * x[2]);
    check("scales in 3-D", real(3, e), 1.5 * ln_two_pi() + 0.1f64.ln(), 1e-8);
    check("1e9", real(1, |x| 0.5 * (x[0] / 1e9).powi(2)), 0.5 * ln_two_pi() + 1e9f64.ln(), 1e-12);
    check("2-D Cauchy", real(2, |x| 1.5 * (1.0 + x[0] * x[0] + x[1] * x[1]).ln()), ln_two_pi(), 1e-10);
}

/// Lines on which two narrow modes share a cell of the first grid, and a crowd of equal modes.
#[test]
fn every_mode_counts() {
    let pi = std::f64::consts::PI;
    // log(2 pi sigma r sqrt(2 pi)), the tails below zero being negligible.
    let ring = |s: f64, r: f64| (2.0 * pi * r * s * (2.0 * pi).sqrt()).ln();
    let far = |x: &[f64]| 0.5 * (((x[0] - 50.0).hypot(x[1] - 20.0) - 2.0) / 0.01).powi(2);
    check("far ring", real(2, far), ring(0.01, 2.0), 1e-9);
    check("thin ring", real(2, |x| 0.5 * ((x[0].hypot(x[1]) - 2.0) / 0.001).powi(2)), ring(0.001, 2.0), 1e-9);
    let parabola = |x: &[f64]| 1e5 * (x[0] - x[1] * x[1]).powi(2) + (1.0 - x[1]).powi(2);
    check("thin parabola", real(2, parabola), (pi / 1e5f64.sqrt()).ln(), 1e-10);
    // 30 wells of 5 cos(2 pi x): 30 I_0(5).
    let wells = on(&[Support::Interval(-15.0, 15.0)], move |x| 5.0 * (2.0 * pi * x[0]).cos());
    check("30 wells", wells, (30.0f64 * 27.239871823604442).ln(), 1e-12);
}

/// Walls, hinges and kinks that the nodes straddle.
#[test]
fn kinks_are_resolved() {
    let hinge = |x: &[f64]| 4780.735 * (x[0] - 0.5618).max(0.0);
    let z = 0.5618 + (1.0 - f64::exp(-4780.735 * 0.4382)) / 4780.735;
    check("hinge", on(&[Support::Interval(0.0, 1.0)], hinge), z.ln(), 1e-12);
    let soft = |x: &[f64]| 39852.117 * (x[0].abs() - 7.028).max(0.0).powi(2);
    check("soft box", real(1, soft), (2.0 * 7.028 + (std::f64::consts::PI / 39852.117).sqrt()).ln(), 1e-12);
    check("steep", real(1, |x| 7473.185 * (x[0] - 0.8996).abs()), (2.0 / 7473.185f64).ln(), 1e-11);
    check("pyramid", real(2, |x| x[0].abs().max(x[1].abs())), 8f64.ln(), 1e-10);
}

/// Exponentials that underflow between two modes hide the second one from a grid; the formula names it.
#[test]
fn modes_that_the_formula_names_are_found() {
    for (text, log_z) in [
        ("-log(exp(-x^2/2)+exp(-(x-400)^2/2))", 2f64.ln() + 0.5 * ln_two_pi()),
        ("-log(exp(-x^2/2)+exp(-(x+1000)^2/2))", 2f64.ln() + 0.5 * ln_two_pi()),
        ("-log(exp(-x^2/2)+exp(-(2*x-1800)^2/2))", 1.5f64.ln() + 0.5 * ln_two_pi()),
        ("-logsumexp(-x^2/2,-((x-7000)/0.001)^2/2)", 1.001f64.ln() + 0.5 * ln_two_pi()),
        ("-log(exp(-x^2/2)+exp(-(x-a)^2/2))", 2f64.ln() + 0.5 * ln_two_pi()),
    ] {
        let params = if text.contains("-a") { vec![("a".to_string(), 650.0)] } else { Vec::new() };
        let options = FormulaOptions { params, ..Default::default() };
        let energy = Formula::with_options(text, &options).unwrap();
        let found = logz::integrate(&energy, &Options::default()).unwrap();
        assert!((found.log_z - log_z).abs() < 1e-9, "{text}: {found:?}, not {log_z}");
        assert_eq!(found.gap.is_some(), text.starts_with("-log("), "{text}: {found:?}");
    }
    // What nothing names is not found, but said to be possible.
    let hidden = |x: &[f64]| -((-x[0] * x[0] / 2.0).exp() + (-(x[0] - 1e5).powi(2) / 2.0).exp()).ln();
    let found = logz::integrate(&real(1, hidden), &Options::default()).unwrap();
    let gap = found.gap.unwrap();
    assert!((30.0..39.0).contains(&gap.from) || gap.to < -30.0, "{gap:?}");
    assert!(found.to_log_z().warnings.iter().any(|w| w.contains("logsumexp")), "{found:?}");
    // A wall that the bounds tell, and an energy that overflows, are no gaps.
    for text in ["x^2", "exp(x^2)", "x^8-x"] {
        let energy = Formula::parse(text).unwrap();
        assert_eq!(logz::integrate(&energy, &Options::default()).unwrap().gap, None, "{text}");
    }
}

/// What decays slowly does not diverge, however far out it must be followed.
#[test]
fn slow_decay_is_no_divergence() {
    use std::f64::consts::PI;
    // log Gamma(21).
    let gamma = (1..=20).map(|k| f64::from(k).ln()).sum::<f64>();
    let root = move |x: &[f64]| x[0].abs().powf(0.05) + x[1] * x[1];
    let found = logz::integrate(&real(2, root), &Options::default()).unwrap();
    let truth = 2f64.ln() + gamma + 0.5 * PI.ln();
    assert!((found.log_z - truth).abs() < 1e-6, "{found:?}, not {truth}");
    let i = logz::integrate(&real(2, |x| 1.2 * (1.0 + x[0] * x[0] + x[1] * x[1]).ln()), &Options::default()).unwrap();
    assert!((i.log_z - (PI / 0.2).ln()).abs() < 1e-8, "{i:?}");
    assert!((i.mean_energy - 6.0).abs() < 1e-5, "{i:?}");
    // Of a density r^-4 in three dimensions a large share lies far out; quadrature may give up, but knows of no divergence.
    let heavy = |x: &[f64]| 2.0 * (1.0 + x.iter().map(|v| v * v).sum::<f64>()).ln();
    let quick = logz::log_z(&real(3, heavy), &Options { tol: Some(1e-3) });
    assert!(!matches!(quick, Err(LogZError::Diverges { .. })), "{quick:?}");
}

/// Independent parts are integrated each for itself, in any number of dimensions.
#[test]
fn parts_multiply() {
    let formula =
        |text: &str, dim| Formula::with_options(text, &FormulaOptions { dim, ..FormulaOptions::default() }).unwrap();
    let wells = formula("sum(i, 1..d/2, x[2*i-1]^4 - 6*x[2*i-1]^2 - x[2*i-1]/2 + x[2*i]^2/2)", Some(64));
    check("many-well 64", wells, 32.0 * 10.293479707073867954, 1e-10);
    let pairs = formula("sum(i, 1..d/2, x[2*i-1]^2 + x[2*i-1]*x[2*i] + x[2*i]^2)", Some(10));
    check("five pairs", pairs, 5.0 * (2.0 * std::f64::consts::PI / 3f64.sqrt()).ln(), 1e-9);
    let mixed = formula("x*y + x^2 + y^2 + z^4", None);
    let found = logz::integrate(&mixed, &Options::default()).unwrap();
    let whole =
        logz::integrate(&real(3, |x| x[0] * x[1] + x[0] * x[0] + x[1] * x[1] + x[2].powi(4)), &Options::default());
    let whole = whole.unwrap();
    assert!((found.log_z - whole.log_z).abs() < 1e-8 && (found.mean_energy - whole.mean_energy).abs() < 1e-6);
    assert!((found.heat_capacity - whole.heat_capacity).abs() < 1e-6 && found.n_evals * 10 < whole.n_evals);
    let coupled = formula("(x + y + z + sum(i, 1..1, x))^2 + x^2 + y^2 + z^2", None);
    assert!(Energy::parts(&coupled).is_empty());
    // A part that cannot be normalised is named in the coordinates of the whole.
    let open = logz::integrate(&formula("x^2 + z^2 - y", None), &Options::default());
    assert!(matches!(open, Err(LogZError::Diverges { direction }) if direction == [0.0, 1.0, 0.0]));
}
