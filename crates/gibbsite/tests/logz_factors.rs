//! log Z factor by factor: exact where every factor is, an estimate where one is by cubature, refused where one has no integral.

use std::f64::consts::PI;

use gibbsite::energy::Scaled;
use gibbsite::energy::formula::{Formula, FormulaOptions};
use gibbsite::logz::factors::{Factored, log_z};
use gibbsite::logz::{self, Bounds, LogZError, Options, UNSEEN_MODE, auto, cubature};

fn formula(text: &str, bounds: &[(&str, f64, f64)]) -> Formula {
    let bounds = bounds.iter().map(|(name, a, b)| (name.to_string(), *a, *b)).collect();
    Formula::with_options(text, &FormulaOptions { bounds, ..FormulaOptions::default() }).unwrap()
}

fn run(text: &str) -> Result<Factored, LogZError> {
    log_z(&formula(text, &[]), &Options::default())
}

/// log of (2 pi)^{d / 2}.
fn gaussian(d: usize) -> f64 {
    0.5 * d as f64 * (2.0 * PI).ln()
}

/// An estimate without bounds, which says what it may miss, within its own error of at most 1e-5.
#[track_caller]
fn check(found: Result<Factored, LogZError>, truth: f64, method: &str) {
    let Factored { log_z: z, integral } = found.unwrap();
    let error = (z.value - truth).abs();
    println!("{method}: off {error:.1e}, claimed {:.1e}, evals {}", z.std_err, z.n_evals);
    assert!(!z.exact && z.bounds == Bounds::None && z.upper_bounds == Bounds::None && integral.is_none());
    assert!(z.method == method && z.trusted && z.warnings == [UNSEEN_MODE], "{z:?}");
    assert!(error <= z.std_err && z.std_err < 1e-5 && (z.lower - z.value + z.std_err).abs() < 1e-12, "{z:?}");
}

/// A chain of four Gaussians far from the origin: (2 pi)^2 / 5^{3/2}.
const CHAIN: &str = "(x1-50)^2/2 + 5*(x3-0.9*x1)^2/2 + 5*(x5-0.9*x3)^2/2 + 5*(x7-0.9*x5)^2/2";

fn chain() -> f64 {
    gaussian(4) - 1.5 * 5f64.ln()
}

/// A quartic and two Gaussians about it: 2 Gamma(5/4) 2 pi.
const CURVED: &str = "x2^4 + (x4-x2)^2/2 + (x6-x4)^2/2";

fn curved() -> f64 {
    1.812_804_954_110_954f64.ln() + gaussian(2)
}

#[test]
fn four_and_three_coordinates() {
    let seven = format!("7 + {CHAIN} + {CURVED}");
    check(run(&seven), chain() + curved() - 7.0, "quadrature and cubature");
}

#[test]
fn scaled_energies_and_the_automatic_choice_go_by_factors() {
    // Gaussians are wider by sqrt(2), the quartic by 2^{1/4}.
    let half = Scaled::new(formula(&format!("7 + {CHAIN} + x2^4 + x4^2/2 + x6^2/2"), &[]), 0.5);
    let by_factors = log_z(&half, &Options::default());
    let automatic = auto::log_z(&half, &Options::default(), 0.05, 0).unwrap();
    assert_eq!(automatic, by_factors.as_ref().unwrap().log_z);
    check(by_factors, chain() + curved() - 3.5 + 3.25 * 2f64.ln(), "quadrature and cubature");
}

#[test]
fn four_and_four_coordinates() {
    let two = "-logsumexp(-((x2-6)^2+x4^2+x6^2+x8^2)/2, log(3)-((x2+6)^2+x4^2+x6^2+x8^2)/2)";
    check(run(&format!("{CHAIN} {two}")), chain() + gaussian(4) + 4f64.ln(), "cubature");
    // A needle that only its own component leads to.
    let needle = "-logsumexp(-((x2-3.7)^2+x4^2+x6^2+x8^2)/0.02, log(3e-4)-((x2+8)^2+x4^2+x6^2+x8^2)/2)";
    check(run(&format!("{CHAIN} {needle}")), chain() + gaussian(4) + 4e-4f64.ln(), "cubature");
}

#[test]
fn the_value_is_the_sum_over_blocks() {
    let by_cubature = |text: &str| cubature::log_z(&formula(text, &[]), &cubature::Options::default()).unwrap();
    let text = "x1^4 + x2^4 + (x3-x1-x2)^2 + (x4-x3)^2";
    let one = by_cubature(text);
    let other = by_cubature(&text.replace('^', "^2*0.5^"));
    let renamed =
        text.replace('^', "^2*0.5^").replace("x1", "x5").replace("x2", "x6").replace("x3", "x7").replace("x4", "x8");
    let both = run(&format!("{text} + {renamed}")).unwrap().log_z;
    assert!((both.value - one.value - other.value).abs() < 1e-12, "{both:?}");
    assert!((both.std_err - one.std_err - other.std_err).abs() < 1e-15 && both.n_evals == one.n_evals + other.n_evals);
}

#[test]
fn what_quadrature_does_is_exact_and_has_moments() {
    let wells = "sum(i,1..d/2, x[2*i-1]^4 - 6*x[2*i-1]^2 - x[2*i-1]/2 + x[2*i]^2/2)";
    let wells = Formula::with_options(wells, &FormulaOptions { dim: Some(32), ..Default::default() }).unwrap();
    for energy in [wells, formula("x1^2*(1+x3^2) + x2^4 + x3^2", &[]), formula("x^4 + y^4 + x*y", &[])] {
        let found = log_z(&energy, &Options::default()).unwrap();
        let integral = logz::integrate(&energy, &Options::default()).unwrap();
        assert_eq!((found.log_z, found.integral), (integral.to_log_z(), Some(integral)));
        assert!(integral.to_log_z().exact && integral.to_log_z().method == "quadrature");
    }
}

#[test]
fn supports_with_ends() {
    let inf = f64::INFINITY;
    // Gamma(3/2) and normals with a width that depends on it, of four coordinates; Gamma(2) and the same of three.
    let text = "x1 - 2*log(x1) + x1*(x3^2+x5^2+x7^2)/2 + x2 - 2*log(x2) + x2*(x4^2+x6^2)/2";
    let bounds = [("x1", 0.0, inf), ("x2", 0.0, inf)];
    let truth = gaussian(5) + 0.5 * PI.ln() - 2f64.ln();
    check(log_z(&formula(text, &bounds), &Options::default()), truth, "quadrature and cubature");
    // An interval, and a mirror.
    let text = "x1^2 + (x2-x1)^2 + (x3-x2)^2 + (x4-x3)^2 + x5^2*x6^2 + x6^2";
    let open = log_z(&formula(text, &[("x5", -2.0, 3.0)]), &Options::default()).unwrap().log_z;
    let half = log_z(&formula(text, &[("x1", 0.0, inf), ("x5", -2.0, 3.0)]), &Options::default()).unwrap().log_z;
    assert!((open.value - half.value - 2f64.ln()).abs() < open.std_err + half.std_err, "{open:?} {half:?}");
}

#[test]
fn a_factor_without_an_integral_is_refused_in_the_coordinates_of_the_whole() {
    let direction = |text: &str| match run(text) {
        Err(LogZError::Diverges { direction }) => direction,
        other => panic!("{text}: {other:?}"),
    };
    // By quadrature; by cubature; beside a part that is too large for either.
    assert_eq!(direction(&format!("{CHAIN} + x2^2 + (x4-x2)^2 - x6 + x2*x4")), [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    let falls = direction("x2^2 + x1^2 + x3^2 + x4^2 - x5*(2+sin(x1+x3+x4))");
    assert!(falls[4] > 0.999 && falls[1] == 0.0, "{falls:?}");
    let large = "(x1+x2+x3+x4+x5+x6+x8)^2 + x1^2+x2^2+x3^2+x4^2+x5^2+x6^2+x8^2";
    assert_eq!(direction(&format!("{large} + x7 + x9^2")), [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0]);
    // At the end of a support.
    for (text, bounded, axis) in [
        (format!("{CHAIN} + x2 + log(x2) + x2*(x4^2+x6^2)"), "x2", 1),
        ("x2^2 + x1^2 + x3^2 + x5 + 3*log(x5) + (x1+x3)^2 + x5*x4^2 + x4^2".to_string(), "x5", 4),
    ] {
        let found = log_z(&formula(&text, &[(bounded, 0.0, f64::INFINITY)]), &Options::default());
        assert!(matches!(found, Err(LogZError::DivergesAtEnd { axis: a, end: 0.0 }) if a == axis), "{text}: {found:?}");
    }
}

#[test]
fn what_is_too_large_or_too_hard_is_refused() {
    let large = "(x1+x2+x3+x4+x5+x6+x7)^2 + x1^2+x2^2+x3^2+x4^2+x5^2+x6^2+x7^2";
    let found = run(&format!("{large} + x8^2"));
    assert!(matches!(found, Err(LogZError::Dimension { dim: 7, max: 6, .. })), "{found:?}");
    // Kinks.
    let found = run("x2^2 + abs(x1)+abs(x3-x1)+abs(x4-x3)+abs(x5-x4)");
    assert!(matches!(found, Err(LogZError::TooHard { .. })), "{found:?}");
    let found = run("x2^2 + x1^2+x3^2+x4^2+x5^2+0.1*sqrt(x1+x3+x4+x5+1)");
    let Err(LogZError::Undefined { point }) = found else { panic!("{found:?}") };
    assert!(point.len() == 5 && point[1] == 0.0 && point.iter().sum::<f64>() < -1.0, "{point:?}");
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let energy = formula(&format!("{CHAIN} + x2^4 + (x4-x2)^2 + x6^2"), &[]);
    let on = |n: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        pool.install(|| log_z(&energy, &Options::default())).unwrap()
    };
    assert_eq!(on(1), on(3));
}
