//! Cubature: its values against closed forms within its own errors, and what it refuses.

use std::f64::consts::PI;

use gibbsite::energy::formula::{Formula, FormulaOptions};
use gibbsite::logz::cubature::{MAX_ERROR, Options, log_z};
use gibbsite::logz::{self, Bounds, LogZ, LogZError, UNSEEN_MODE};

fn run(text: &str) -> Result<LogZ, LogZError> {
    log_z(&Formula::parse(text).unwrap(), &Options { tol: 1e-5, ..Options::default() })
}

fn bounded(text: &str, bounds: &[(&str, f64, f64)]) -> Result<LogZ, LogZError> {
    let bounds = bounds.iter().map(|(name, a, b)| (name.to_string(), *a, *b)).collect();
    let energy = Formula::with_options(text, &FormulaOptions { bounds, ..FormulaOptions::default() }).unwrap();
    log_z(&energy, &Options::default())
}

/// The error it claims holds, and is no larger than `claim`.
#[track_caller]
fn check(name: &str, z: Result<LogZ, LogZError>, truth: f64, claim: f64) {
    let z = z.unwrap_or_else(|e| panic!("{name}: {e}"));
    let error = (z.value - truth).abs();
    println!("{name:12} {:.10} claimed {:.1e} off {error:.1e} evals {}", z.value, z.std_err, z.n_evals);
    assert!(!z.exact && z.bounds == Bounds::None && z.method == "cubature" && z.warnings == [UNSEEN_MODE]);
    assert!(error <= z.std_err, "{name}: {} is off by {error:.1e}, claimed {:.1e}", z.value, z.std_err);
    assert!(z.std_err <= claim, "{name}: claims {:.1e}", z.std_err);
}

/// log of (2 pi)^{d / 2}.
fn gaussian(d: usize) -> f64 {
    0.5 * d as f64 * (2.0 * PI).ln()
}

/// `sum_{j=first}^{d} x_j^2`.
fn squares(first: usize, d: usize) -> String {
    (first..=d).map(|j| format!("x{j}^2")).collect::<Vec<_>>().join("+")
}

/// Surface of the unit sphere in d dimensions, in logarithms, for d = 4, 5.
fn log_sphere(d: usize) -> f64 {
    if d == 4 { (2.0 * PI * PI).ln() } else { (8.0 / 3.0 * PI * PI).ln() }
}

/// log of the integral of `r^{d-1} exp(-(r - radius)^2)` over r > 0.
fn radial(d: usize, radius: f64) -> f64 {
    let options = FormulaOptions { bounds: vec![("x".into(), 0.0, f64::INFINITY)], ..FormulaOptions::default() };
    let energy = Formula::with_options(&format!("(x-{radius})^2-{}*log(x)", d - 1), &options).unwrap();
    logz::log_z(&energy, &logz::Options::default()).unwrap().value
}

fn two_gaussians(at: f64, d: usize) -> String {
    let rest = squares(2, d);
    format!("-logsumexp(-((x1-{at})^2+{rest})/2, log(3)-((x1+{at})^2+{rest})/2)")
}

#[test]
fn gaussians() {
    for d in [4, 5, 6] {
        check("standard", run(&format!("({})/2", squares(1, d))), gaussian(d), 1e-5);
    }
    // Correlated, with a condition of about 100 and far from the origin.
    let chain = "(x1-50)^2/2+5*(x2-0.9*x1)^2/2+5*(x3-0.9*x2)^2/2+5*(x4-0.9*x3)^2/2";
    check("correlated", run(chain), gaussian(4) - 1.5 * 5f64.ln(), 1e-5);
}

#[test]
fn quartics_and_tails() {
    // Gamma(1/4) / 2.
    let quartic = 1.812_804_954_110_954f64.ln();
    check("quartic", run("x1^4+x2^4+x3^4+x4^4"), 4.0 * quartic, 1e-5);
    check("student", run(&format!("5*log(1+{})", squares(1, 4))), (PI * PI / 12.0).ln(), 1e-5);
}

#[test]
fn shells() {
    for d in [4, 5] {
        let truth = log_sphere(d) + radial(d, 3.0);
        check("shell", run(&format!("(sqrt({})-3)^2", squares(1, d))), truth, 1e-5);
    }
}

#[test]
fn several_wells() {
    check("apart", run(&two_gaussians(4.0, 4)), gaussian(4) + 4f64.ln(), 1e-5);
    check("far apart", run(&two_gaussians(20.0, 4)), gaussian(4) + 4f64.ln(), 1e-5);
    // A needle that descents do not find, but the formula names.
    let needle = "-logsumexp(-((x1-8)^2+x2^2+x3^2+x4^2)/0.02, log(3e-4)-((x1+8)^2+x2^2+x3^2+x4^2)/2)";
    check("needle", run(needle), gaussian(4) + 4e-4f64.ln(), 1e-5);
    // A tenth as wide as the other: what it holds of the share of the other, none of whose lines sees it, does not matter.
    let narrow = "-logsumexp(log(1e4)-((x1-12)^2+x2^2+x3^2+x4^2)/0.02, -(x1^2+x2^2+x3^2+x4^2)/2)";
    check("narrow", run(narrow), gaussian(4) + 2f64.ln(), 1e-5);
}

/// Descents end all over both shells, but no separate well is among them; lines from the inner one do not reach the outer.
#[test]
fn mass_that_no_line_reaches_is_not_forgotten() {
    let r = format!("sqrt({})", squares(1, 4));
    let truth = log_sphere(4) + logz::log_sum_exp(&[radial(4, 3.0), radial(4, 12.0)]);
    let energy = Formula::parse(&format!("-logsumexp(-({r}-3)^2,-({r}-12)^2)")).unwrap();
    match log_z(&energy, &Options { tol: 1e-4, max_evals: 5_000_000 }) {
        Ok(z) => assert!((z.value - truth).abs() < z.std_err, "{z:?}"),
        Err(e) => assert!(matches!(e, LogZError::TooHard { .. }), "{e}"),
    }
}

#[test]
fn a_funnel() {
    let funnel = format!("x1^2/18+({})*exp(-x1)/2+1.5*x1", squares(2, 4));
    check("funnel", run(&funnel), gaussian(4) + 3f64.ln(), 1e-5);
    // The neck last: the coordinates are nested backward.
    let funnel = format!("x4^2/18+({})*exp(-x4)/2+1.5*x4", squares(1, 3));
    check("funnel", run(&funnel), gaussian(4) + 3f64.ln(), 1e-5);
}

#[test]
fn supports_with_ends() {
    let inf = f64::INFINITY;
    // Gamma(3), normals with a width that depends on it, and a uniform.
    let z = bounded("x1-2*log(x1)+x1*(x2^2+x3^2)/2+0*x4", &[("x1", 0.0, inf), ("x4", -1.0, 2.0)]);
    // int x^2 exp(-x) 2 pi / x dx = 2 pi, times 3.
    check("bounded", z, (6.0 * PI).ln(), 1e-5);
    let z = bounded("x1+log(x1)+x2^2+x3^2+x4^2", &[("x1", 0.0, inf)]);
    assert!(matches!(z, Err(LogZError::DivergesAtEnd { .. } | LogZError::TooHard { .. })), "{z:?}");
}

#[test]
fn what_has_no_integral_is_refused() {
    let flat = run("x1^2+x2^2+x3^2+0*x4");
    assert!(matches!(flat, Err(LogZError::Diverges { .. })), "{flat:?}");
    let falls = run("x1^2+x2^2+x3^2+x4");
    assert!(matches!(falls, Err(LogZError::Diverges { .. })), "{falls:?}");
    let valley = run("x1^2*x2^2+x3^2+x4^2");
    assert!(valley.is_err(), "{valley:?}");
    // 1 / (1 + |x|) along a line.
    let slow = run("x1^2+x2^2+x3^2+0.5*log(1+x4^2)");
    assert!(matches!(slow, Err(LogZError::Diverges { .. })), "{slow:?}");
}

#[test]
fn what_it_cannot_do_is_refused() {
    let few = Options { max_evals: 1_000_000, ..Options::default() };
    let on = |text: &str| log_z(&Formula::parse(text).unwrap(), &few);
    // Divergent only in the radius, kinks, and a valley bent too sharply.
    for text in [
        "2*log(1+x1^2+x2^2+x3^2+x4^2)",
        "abs(x1)+abs(x2)+abs(x3)+abs(x4)",
        "100*(x2-x1^2)^2+(1-x1)^2+100*(x3-x2^2)^2+100*(x4-x3^2)^2",
    ] {
        let z = on(text);
        assert!(z.is_err(), "{text}: {z:?}");
    }
    let undefined = on("x1^2+x2^2+x3^2+x4^2+0.1*sqrt(x1+1)");
    assert!(matches!(undefined, Err(LogZError::Undefined { .. })), "{undefined:?}");
    let dims = on(&squares(1, 7));
    assert!(matches!(dims, Err(LogZError::Dimension { dim: 7, .. })), "{dims:?}");
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let energy = Formula::parse(&two_gaussians(3.0, 4)).unwrap();
    let on = |n: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        pool.install(|| log_z(&energy, &Options { tol: 1e-4, ..Options::default() })).unwrap()
    };
    let one = on(1);
    assert_eq!(one, on(3));
    assert!((one.value - gaussian(4) - 4f64.ln()).abs() < one.std_err);
}

/// Whatever is not refused must be within its error: a wide sweep, of which much is refused.
#[test]
#[ignore = "a minute"]
fn sweep() {
    let rosenbrock = |b: f64| {
        let text = format!("{b}*(x2-x1^2)^2+(1-x1)^2+{b}*(x3-x2^2)^2+{b}*(x4-x3^2)^2");
        (text, 2.0 * PI.ln() - 1.5 * b.ln())
    };
    let quartic = 1.812_804_954_110_954f64.ln();
    let mut cases = vec![
        ("x1^4+x2^4+x3^4+x4^4+x5^4".to_string(), 5.0 * quartic),
        ("x1^4+x2^4+x3^4+x4^4+x5^4+x6^4".to_string(), 6.0 * quartic),
        (two_gaussians(4.0, 5), gaussian(5) + 4f64.ln()),
        (two_gaussians(2.0, 5), gaussian(5) + 4f64.ln()),
        (two_gaussians(1.2, 4), gaussian(4) + 4f64.ln()),
        (format!("x1^2/18+({})*exp(-x1)/2+2*x1", squares(2, 5)), gaussian(5) + 3f64.ln()),
        (format!("x4^2/18+({})*exp(-x4)/2+1.5*x4", squares(1, 3)), gaussian(4) + 3f64.ln()),
        (format!("3.5*log(1+{})", squares(1, 4)), (PI * PI / (2.5 * 1.5)).ln()),
        (format!("2.5*log(1+{})", squares(1, 4)), (PI * PI / (1.5 * 0.5)).ln()),
        (format!("6*log(1+{})", squares(1, 6)), (PI.powi(3) / 60.0).ln()),
        ("abs(x1)+abs(x2)+abs(x3)+abs(x4)".to_string(), 16f64.ln()),
        (format!("(sqrt({})-6)^2", squares(1, 4)), log_sphere(4) + radial(4, 6.0)),
        (
            "-logsumexp(log(1e4)-((x1-0.5)^2+x2^2+x3^2+x4^2)/0.02, -(x1^2+x2^2+x3^2+x4^2)/2)".to_string(),
            gaussian(4) + 2f64.ln(),
        ),
        ("(x2-x1^2)^2+x1^2/2+x3^2/2+(x4-x3^2/2)^2/2+(x5-x1*x3)^2/2".to_string(), 0.5 * PI.ln() + 2.0 * (2.0 * PI).ln()),
        ("(x2-x1^2/4)^2+x1^2/2+x3^2/2+(x4-x3*x1/4)^2/2".to_string(), 0.5 * PI.ln() + 1.5 * (2.0 * PI).ln()),
        ("(x1^2+x2^2+x3^2)/2+abs(x4)^1.5".to_string(), gaussian(3) + (2.0 * 0.902_745_292_950_933_6f64).ln()),
        ("(x1^2+x2^2+x3^2)/2+max(x4,0)+max(-x4,0)".to_string(), gaussian(3) + 2f64.ln()),
    ];
    cases.extend([0.2, 1.0, 5.0, 20.0, 100.0].map(rosenbrock));
    for (text, truth) in cases {
        let t = std::time::Instant::now();
        let z = log_z(&Formula::parse(&text).unwrap(), &Options::default());
        let seconds = t.elapsed().as_secs_f64();
        match z {
            Ok(z) => {
                let error = (z.value - truth).abs();
                println!("{:.1e} claimed {:.1e} evals {} {seconds:.2} s: {text}", error, z.std_err, z.n_evals);
                assert!(error <= z.std_err && z.std_err <= MAX_ERROR, "{text}: {} instead of {truth}", z.value);
            }
            Err(e) => println!("{e} {seconds:.2} s: {text}"),
        }
    }
}
