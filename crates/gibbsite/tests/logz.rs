//! log Z, expectations and exact draws in one to three dimensions, against closed forms and 40-digit quadrature.

use gibbsite::energy::Energy;
use gibbsite::logz::{self, LogZError, Options};
use gibbsite::points::{Points, Space, Support};

/// An energy from a plain function of one point.
struct F<F>(Space, F);

impl<G: Fn(&[f64]) -> f64 + Send + Sync> Energy for F<G> {
    fn space(&self) -> &Space {
        &self.0
    }
    fn energy(&self, x: &Points, out: &mut [f64]) {
        let d = x.dim();
        let mut at = [0.0; 8];
        for (i, o) in out.iter_mut().enumerate() {
            for j in 0..d {
                at[j] = x.real.get(i, j);
            }
            *o = (self.1)(&at[..d]);
        }
    }
}

fn on<G: Fn(&[f64]) -> f64 + Send + Sync>(supports: &[Support], f: G) -> F<G> {
    let mut space = Space::real(supports.len());
    space.reals = supports.to_vec();
    F(space, f)
}

fn real<G: Fn(&[f64]) -> f64 + Send + Sync>(dim: usize, f: G) -> F<G> {
    F(Space::real(dim), f)
}

#[track_caller]
fn check<E: Energy>(name: &str, energy: E, expected: f64, tol: f64) {
    let t = std::time::Instant::now();
    let z = logz::log_z(&energy, &Options::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
    let ms = t.elapsed().as_secs_f64() * 1e3;
    let err = (z.value - expected).abs();
    println!("{name:24} {:.15} err {err:.1e} claimed {:.1e} evals {} {ms:.3} ms", z.value, z.std_err, z.n_evals);
    assert!(err <= tol, "{name}: {} instead of {expected}, off by {err:.2e}", z.value);
    // References of 9 digits cannot judge the claimed error.
    assert!(
        tol >= 1e-9 || err <= 3.0 * z.std_err + 4e-15 * expected.abs().max(1.0),
        "{name}: error {err:.1e} but {:.1e} claimed",
        z.std_err
    );
}

fn ln_two_pi() -> f64 {
    (2.0 * std::f64::consts::PI).ln()
}

#[test]
fn one_dimension() {
    let quartic = |x: &[f64]| 0.5 * x[0] * x[0] + 0.1 * x[0].powi(4);
    let z = 2.14970592859059558630379812266f64;
    check("quartic", real(1, quartic), z.ln(), 1e-13);
    check("quartic + 1e4", real(1, move |x| quartic(x) + 1e4), z.ln() - 1e4, 1e-11);
    check("quartic - 1e4", real(1, move |x| quartic(x) - 1e4), z.ln() + 1e4, 1e-11);
    check("double well", real(1, |x| x[0].powi(4) - 6.0 * x[0] * x[0] - 0.5 * x[0]), 9.3745411738691952122, 1e-13);
    check("4(x^2-1)^2", real(1, |x| 4.0 * (x[0] * x[0] - 1.0).powi(2)), -0.053571853615895059498, 1e-13);
    check("x^4", real(1, |x| x[0].powi(4)), 0.59487534413813214795, 1e-13);
    check("gaussian", real(1, |x| 0.5 * x[0] * x[0]), 0.5 * ln_two_pi(), 1e-13);
    check("narrow far", real(1, |x| 0.5 * ((x[0] - 437.123) / 1e-3).powi(2)), 0.5 * ln_two_pi() + 1e-3f64.ln(), 1e-11);
    check("very narrow", real(1, |x| 0.5 * (x[0] / 1e-7).powi(2)), 0.5 * ln_two_pi() + 1e-7f64.ln(), 1e-12);
    check("very wide", real(1, |x| 0.5 * ((x[0] - 3e5) / 1e5).powi(2)), 0.5 * ln_two_pi() + 1e5f64.ln(), 1e-12);
    check("abs", real(1, |x| x[0].abs()), 2f64.ln(), 1e-13);
    check("abs shifted", real(1, |x| (x[0] - 1.234).abs()), 2f64.ln(), 1e-12);
    check("cauchy", real(1, |x| (1.0 + x[0] * x[0]).ln()), std::f64::consts::PI.ln(), 1e-12);
    check("student 0.2", real(1, |x| 0.6 * (1.0 + x[0] * x[0]).ln()), 2.42684373658967114732456110164, 1e-11);
    check("cosh", real(1, |x| x[0].cosh()), -0.171917218346842787381525786575, 1e-12);
    check("x^4-100x^2", real(1, |x| x[0].powi(4) - 100.0 * x[0] * x[0]), 2498.61642847023540770100368332, 1e-11);
    check(
        "exp(2x)-exp(x)+x^2",
        real(1, |x| (2.0 * x[0]).exp() - x[0].exp() + x[0] * x[0]),
        0.361763508729932616125809475802,
        1e-12,
    );
    let pair = |x: &[f64]| {
        let a = -0.5 * ((x[0] - 2.0) / 1e-3).powi(2);
        let b = -0.5 * ((x[0] + 2.0) / 1e-3).powi(2);
        let m = a.max(b);
        -(m + ((a - m).exp() + (b - m).exp()).ln())
    };
    check("two spikes", real(1, pair), 0.5 * ln_two_pi() + 2e-3f64.ln(), 1e-12);
}

#[test]
fn bounded_supports() {
    use Support::{Above, Below, Interval};
    check("exponential", on(&[Above(0.0)], |x| x[0]), 0.0, 1e-13);
    check("exponential from 3", on(&[Above(3.0)], |x| x[0]), -3.0, 1e-13);
    check("below", on(&[Below(-1.0)], |x| 0.5 * (x[0] + 1.0).powi(2)), 0.5 * ln_two_pi() - 2f64.ln(), 1e-13);
    check("uniform", on(&[Interval(2.0, 5.0)], |_| 0.0), 3f64.ln(), 1e-13);
    check("x^-1/2", on(&[Interval(0.0, 1.0)], |x| 0.5 * x[0].ln()), 2f64.ln(), 1e-12);
    check("log x", on(&[Interval(0.0, 1.0)], |x| -x[0].ln()), 0.5f64.ln(), 1e-13);
    check("gamma 0.3", on(&[Above(0.0)], |x| 0.7 * x[0].ln() + x[0]), 2.9915689876875906f64.ln(), 1e-12);
    check("pareto 1.2", on(&[Above(1.0)], |x| 2.2 * x[0].ln()), -(1.2f64.ln()), 1e-12);
    check("inverse gamma", on(&[Above(0.0)], |x| 3.0 * x[0].ln() + 1.0 / x[0]), 0.0, 1e-12);
    check(
        "beta(.5,.5) ends",
        on(&[Interval(0.0, 1.0)], |x| 0.5 * x[0].ln() + 0.5 * (1.0 - x[0]).ln()),
        std::f64::consts::PI.ln(),
        1e-7,
    );
    check("wall inside", real(1, |x| if x[0].abs() < 1.7 { 0.0 } else { f64::INFINITY }), 3.4f64.ln(), 1e-11);
    check("square", on(&[Interval(0.0, 2.0), Interval(-1.0, 3.0)], |_| 1.0), 8f64.ln() - 1.0, 1e-11);
}

fn mueller_brown(beta: f64) -> impl Fn(&[f64]) -> f64 + Send + Sync {
    let (a, b, c) = ([-1.0, -1.0, -6.5, 0.7], [0.0, 0.0, 11.0, 0.6], [-10.0, -10.0, -6.5, 0.7]);
    let (big, x0, y0) = ([-200.0, -100.0, -170.0, 15.0], [1.0, 0.0, -0.5, -1.0], [0.0, 0.5, 1.5, 1.0]);
    move |p| {
        let term = |k: usize| {
            let (x, y) = (p[0] - x0[k], p[1] - y0[k]);
            big[k] * f64::exp(a[k] * x * x + b[k] * x * y + c[k] * y * y)
        };
        beta * (0..4).map(term).sum::<f64>()
    }
}

fn ring(r: f64, sigma: f64) -> impl Fn(&[f64]) -> f64 + Send + Sync {
    move |x| 0.5 * ((x[0].hypot(x[1]) - r) / sigma).powi(2)
}

#[test]
fn two_dimensions() {
    let well = |x: f64| x.powi(4) - 6.0 * x * x - 0.5 * x;
    check("many-well", real(2, move |x| well(x[0]) + 0.5 * x[1] * x[1]), 10.293479707073867954, 1e-10);
    check(
        "rosenbrock",
        real(2, |x| 100.0 * (x[1] - x[0] * x[0]).powi(2) + (1.0 - x[0]).powi(2)),
        -1.1578552071446455,
        1e-10,
    );
    check(
        "rosenbrock swapped",
        real(2, |x| 100.0 * (x[0] - x[1] * x[1]).powi(2) + (1.0 - x[1]).powi(2)),
        -1.1578552071446455,
        1e-10,
    );
    check("ring 2 .2", real(2, ring(2.0, 0.2)), 1.8405248677398632573, 1e-10);
    check("ring 3 .1", real(2, ring(3.0, 0.1)), 1.5528427952880823299, 1e-10);
    let funnel = |x: &[f64]| {
        let prior = x[0] * x[0] / 18.0 + 3f64.ln() + 0.5 * ln_two_pi();
        prior
            + (x.len() - 1) as f64 * 0.5 * (x[0] + ln_two_pi())
            + 0.5 * (-x[0]).exp() * x[1..].iter().map(|v| v * v).sum::<f64>()
    };
    check("funnel", real(2, funnel), 0.0, 1e-10);
    let plane = [Support::Interval(-3.5, 2.5), Support::Interval(-2.0, 3.5)];
    check("mueller-brown .05", on(&plane, mueller_brown(0.05)), 5.366133242308764, 1e-10);
    check("mueller-brown .1", on(&plane, mueller_brown(0.1)), 11.729590558342231, 1e-10);
    let himmelblau = |x: &[f64]| (x[0] * x[0] + x[1] - 11.0).powi(2) + (x[0] + x[1] * x[1] - 7.0).powi(2);
    check("himmelblau", real(2, himmelblau), -0.898679212, 1e-9);
    check("rastrigin 2", real(2, rastrigin), -1.484564850 * 2.0, 2e-9);
    check("styblinski-tang 2", real(2, styblinski), 38.318415031 * 2.0, 2e-9);
    check(
        "haario s=10",
        real(2, |x| x[0] * x[0] / 200.0 + 0.5 * (x[1] - 0.1 * (x[0] * x[0] - 100.0)).powi(2)),
        ln_two_pi() + 10f64.ln(),
        1e-10,
    );
    let grid25 = |x: &[f64]| {
        let one = |x: f64| {
            let terms: Vec<f64> = (0..5).map(|k| -0.5 * ((x - (2.0 * k as f64 - 4.0)) / 0.05).powi(2)).collect();
            logz::log_sum_exp(&terms)
        };
        -one(x[0]) - one(x[1])
    };
    check("25 gaussians", real(2, grid25), ln_two_pi() + 25f64.ln() + 2.0 * 0.05f64.ln(), 1e-9);
    check(
        "correlated .999",
        real(2, |x| (x[0] * x[0] + x[1] * x[1] - 2.0 * 0.999 * x[0] * x[1]) / (2.0 * (1.0 - 0.999f64.powi(2)))),
        ln_two_pi() + 0.5 * (1.0 - 0.999f64.powi(2)).ln(),
        1e-9,
    );
    check("offset 1e4", real(2, |x| 1e4 + 0.5 * (x[0] * x[0] + x[1] * x[1])), ln_two_pi() - 1e4, 1e-9);
}

fn rastrigin(x: &[f64]) -> f64 {
    x.iter().map(|v| 10.0 + v * v - 10.0 * (2.0 * std::f64::consts::PI * v).cos()).sum()
}

fn styblinski(x: &[f64]) -> f64 {
    x.iter().map(|v| 0.5 * (v.powi(4) - 16.0 * v * v + 5.0 * v)).sum()
}

#[test]
fn three_dimensions() {
    check("gaussian 3", real(3, |x| 0.5 * x.iter().map(|v| v * v).sum::<f64>()), 1.5 * ln_two_pi(), 1e-9);
    check("styblinski-tang 3", real(3, styblinski), 38.318415031 * 3.0, 3e-9);
    let funnel = |x: &[f64]| {
        let prior = x[0] * x[0] / 18.0 + 3f64.ln() + 0.5 * ln_two_pi();
        prior
            + (x.len() - 1) as f64 * 0.5 * (x[0] + ln_two_pi())
            + 0.5 * (-x[0]).exp() * x[1..].iter().map(|v| v * v).sum::<f64>()
    };
    check("funnel 3", real(3, funnel), 0.0, 1e-8);
}

/// Independent dimensions: half a billion energies as one integral, a few thousand as three.
#[test]
fn rastrigin_in_three_dimensions() {
    use gibbsite::energy::formula::Formula;
    let sum = "30 + x^2 + y^2 + z^2 - 10*(cos(2*pi*x) + cos(2*pi*y) + cos(2*pi*z))";
    check("rastrigin 3", Formula::parse(sum).unwrap(), -1.484564850 * 3.0, 5e-9);
}

#[track_caller]
fn diverges<E: Energy>(name: &str, energy: E) -> Vec<f64> {
    match logz::log_z(&energy, &Options::default()) {
        Err(LogZError::Diverges { direction }) => {
            println!("{name}: {direction:?}");
            let norm: f64 = direction.iter().map(|v| v * v).sum();
            assert!((norm - 1.0).abs() < 1e-5, "{name}: {direction:?} is no unit vector");
            direction
        }
        other => panic!("{name}: should be refused, got {other:?}"),
    }
}

#[test]
fn improper_energies_are_refused() {
    assert_eq!(diverges("x", real(1, |x| x[0])), [-1.0]);
    assert_eq!(diverges("x^3", real(1, |x| x[0].powi(3))), [-1.0]);
    diverges("-x^2", real(1, |x| -x[0] * x[0]));
    diverges("0*x", real(1, |x| 0.0 * x[0]));
    diverges("0.4 log(1+x^2)", real(1, |x| 0.4 * (1.0 + x[0] * x[0]).ln()));
    diverges("0.5 log(1+x^2)", real(1, |x| 0.5 * (1.0 + x[0] * x[0]).ln()));
    diverges("min(x^2, 1e5)", real(1, |x| (x[0] * x[0]).min(1e5)));
    diverges("cos", real(1, |x| x[0].cos()));
    let d = diverges("plane", real(3, |x| (x[0] - 2.0 * x[1] + 0.3 * x[2]).powi(2)));
    assert!((d[0] - 2.0 * d[1] + 0.3 * d[2]).abs() < 0.05, "{d:?}");
    assert_eq!(diverges("x^2y^2-x", real(2, |x| x[0] * x[0] * x[1] * x[1] - x[0])), [1.0, 0.0]);
    diverges("x^2 alone", real(2, |x| x[0] * x[0]));
    diverges("saddle", real(2, |x| x[0] * x[0] - x[1] * x[1]));
    let ackley = |x: &[f64]| {
        let (q, c): (f64, f64) =
            x.iter().fold((0.0, 0.0), |(q, c), v| (q + v * v, c + (2.0 * std::f64::consts::PI * v).cos()));
        let d = x.len() as f64;
        -20.0 * (-0.2 * (q / d).sqrt()).exp() - (c / d).exp() + 20.0 + std::f64::consts::E
    };
    diverges("ackley 1", real(1, ackley));
    diverges("ackley 2", real(2, ackley));
    let at_end = logz::log_z(&on(&[Support::Above(0.0)], |x| x[0].ln() + x[0]), &Options::default());
    assert!(matches!(at_end, Err(LogZError::DivergesAtEnd { axis: 0, end: 0.0 })), "{at_end:?}");
}

#[test]
fn undefined_and_empty_energies_are_named() {
    let z = logz::log_z(&real(1, |x| x[0] - x[0].ln()), &Options::default());
    assert!(matches!(&z, Err(LogZError::Undefined { point }) if point[0] < 0.0), "{z:?}");
    let z = logz::log_z(&real(2, |x| x[0] * x[0] + x[1] * x[1] - x[1].sqrt()), &Options::default());
    assert!(matches!(&z, Err(LogZError::Undefined { point }) if point[1] < 0.0), "{z:?}");
    let z = logz::log_z(&real(1, |_| f64::INFINITY), &Options::default());
    assert!(matches!(z, Err(LogZError::Empty { .. })), "{z:?}");
    let z = logz::log_z(&real(4, |x| x[0]), &Options::default());
    assert!(matches!(z, Err(LogZError::Dimension { dim: 4, .. })), "{z:?}");
}

#[test]
fn good_energies_are_not_refused() {
    for (name, e) in [
        ("xy", real(2, (|x: &[f64]| x[0] * x[0] + x[1] * x[1] + x[0] * x[1]) as fn(&[f64]) -> f64)),
        ("x2y2", real(2, |x| x[0] * x[0] * x[1] * x[1] + x[0] * x[0] + x[1] * x[1])),
        ("cosh-x^2", real(1, |x| x[0].cosh() - x[0] * x[0])),
        ("gauss + student", real(2, |x| 0.5 * x[0] * x[0] + (1.0 + x[1] * x[1]).ln())),
        ("student + gauss", real(2, |x| 0.5 * x[1] * x[1] + (1.0 + x[0] * x[0]).ln())),
    ] {
        let z = logz::log_z(&e, &Options::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        println!("{name} {} +- {:.1e} evals {}", z.value, z.std_err, z.n_evals);
        assert!(z.std_err < 1e-9, "{name}");
    }
}

#[test]
fn simpson_as_a_textbook() {
    use gibbsite::logz::simpson;
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
    use Support::Interval;
    let hinge = |x: &[f64]| 4780.735 * (x[0] - 0.5618).max(0.0);
    let z = 0.5618 + (1.0 - f64::exp(-4780.735 * 0.4382)) / 4780.735;
    check("hinge", on(&[Interval(0.0, 1.0)], hinge), z.ln(), 1e-12);
    let soft = |x: &[f64]| 39852.117 * (x[0].abs() - 7.028).max(0.0).powi(2);
    check("soft box", real(1, soft), (2.0 * 7.028 + (std::f64::consts::PI / 39852.117).sqrt()).ln(), 1e-12);
    check("steep", real(1, |x| 7473.185 * (x[0] - 0.8996).abs()), (2.0 / 7473.185f64).ln(), 1e-11);
    check("pyramid", real(2, |x| x[0].abs().max(x[1].abs())), 8f64.ln(), 1e-10);
}

/// Simpson's error covers the true one where the grid sees the shape, also at kinks; elsewhere a warning says that it does not.
#[test]
fn simpson_says_how_far_it_can_be_trusted() {
    let abs = real(1, |x| (x[0] - 0.31234).abs());
    let truth = (2.0 - f64::exp(-6.31234) - f64::exp(-5.68766)).ln();
    for n in [400, 1000, 4000] {
        let z = logz::simpson::log_z(&abs, &[-6.0], &[6.0], n).unwrap();
        assert!(
            (z.value - truth).abs() < 5.0 * z.std_err && z.std_err < 1e-3,
            "{n}: {} +- {}",
            z.value - truth,
            z.std_err
        );
    }
    let smooth = logz::simpson::log_z(&real(1, |x| x[0] * x[0]), &[-6.0], &[6.0], 96).unwrap();
    let error = (smooth.value - 0.5 * std::f64::consts::PI.ln()).abs();
    assert!(error < 3.0 * smooth.std_err + 1e-15 && smooth.std_err < 1e-6 && smooth.warnings.is_empty());
    for (width, n) in [(1e6, 4000), (6.0, 8), (6.0, 6)] {
        let z = logz::simpson::log_z(&real(1, |x| x[0] * x[0]), &[-width], &[width], n).unwrap();
        assert_eq!(z.warnings.len(), 1, "{width} {n}: {z:?}");
    }
}

/// Independent parts are integrated each for itself, in any number of dimensions.
#[test]
fn parts_multiply() {
    use gibbsite::energy::formula::{Formula, FormulaOptions};
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

#[test]
fn thermodynamics_of_a_gaussian() {
    use gibbsite::uses::density::{Thermodynamics, log_density};
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

/// Kolmogorov-Smirnov distance to a distribution function, times sqrt n.
fn ks(mut x: Vec<f64>, cdf: impl Fn(f64) -> f64) -> f64 {
    let n = x.len() as f64;
    x.sort_by(f64::total_cmp);
    let gap = |(i, x): (usize, &f64)| (cdf(*x) - i as f64 / n).abs().max((cdf(*x) - (i + 1) as f64 / n).abs());
    n.sqrt() * x.iter().enumerate().map(gap).fold(0.0, f64::max)
}

#[test]
fn grid_draws_are_exact() {
    use gibbsite::kernel::grid::Grid;
    let laplace = real(1, |x| (x[0] - 0.7).abs());
    let cdf = |x: f64| if x < 0.7 { 0.5 * (x - 0.7).exp() } else { 1.0 - 0.5 * (0.7 - x).exp() };
    let n = 40_000;
    let x = Grid::new(&laplace).unwrap().sample(n, 1).unwrap();
    // P(sqrt(n) D > 2.2) = 1e-4.
    assert!(ks(x.real.col(0).to_vec(), cdf) < 2.2);
    assert!(ks(x.real.col(0).to_vec(), |x| cdf(x + 0.05)) > 2.2, "a shifted target must fail");
    // Every draw is F^-1 of the uniform of its stream.
    let mut streams = gibbsite::rng::Streams::new(1, gibbsite::rng::Run::Draws);
    let u = streams.uniforms(gibbsite::rng::Purpose::Proposal, 256, 1);
    let worst = (0..256).map(|i| (cdf(x.real.get(i, 0)) - u.col(0)[i]).abs()).fold(0.0, f64::max);
    assert!(worst < 1e-10, "{worst:.1e}");
    let well = real(1, |x| x[0].powi(4) - 6.0 * x[0] * x[0] - 0.5 * x[0]);
    let grid = Grid::new(&well).unwrap();
    let x = grid.sample(n, 2).unwrap();
    let right = x.real.col(0).iter().filter(|x| **x > 0.0).count() as f64 / n as f64;
    let p: f64 = 0.84430709621113917918;
    assert!(((right - p) / (p * (1.0 - p) / n as f64).sqrt()).abs() < 4.0);
    // The first draws of a longer run are those of a shorter one, and blocks do not matter.
    let short = grid.sample(300, 2).unwrap();
    assert_eq!(short, x.rows(0, 300));
    let streams = gibbsite::rng::Streams::new(2, gibbsite::rng::Run::Draws);
    assert_eq!(grid.block(100, 77, &streams).unwrap(), x.rows(100, 77));
    let half = on(&[Support::Interval(0.0, 1.0)], |x| 0.5 * x[0].ln());
    let x = Grid::new(&half).unwrap().sample(n, 3).unwrap();
    assert!(ks(x.real.col(0).to_vec(), f64::sqrt) < 2.2);
}

#[test]
fn grid_draws_in_two_dimensions() {
    use gibbsite::kernel::grid::Grid;
    let banana = real(2, |x| 0.5 * x[0] * x[0] + 50.0 * (x[1] - x[0] * x[0]).powi(2));
    let n = 3000;
    let x = Grid::new(&banana).unwrap().sample(n, 5).unwrap();
    let normal = |z: f64| 0.5 * (1.0 + erf(z / 2f64.sqrt()));
    assert!(ks(x.real.col(0).to_vec(), normal) < 2.2);
    let residual = (0..n).map(|i| 10.0 * (x.real.get(i, 1) - x.real.get(i, 0).powi(2))).collect();
    assert!(ks(residual, normal) < 2.2);
    let short = Grid::new(&banana).unwrap().sample(300, 5).unwrap();
    assert_eq!(short, x.rows(0, 300));
}

/// By Simpson's rule; 1e-9 is plenty for a distance of 1e-2.
fn erf(x: f64) -> f64 {
    let n = 200;
    let f = |k: usize| (-(x * k as f64 / n as f64).powi(2)).exp();
    let sum: f64 = (0..n / 2).map(|k| f(2 * k) + 4.0 * f(2 * k + 1) + f(2 * k + 2)).sum();
    2.0 / std::f64::consts::PI.sqrt() * x / n as f64 / 3.0 * sum
}

#[test]
fn importance_sampling() {
    use gibbsite::energy::gaussian::Gaussian;
    use gibbsite::logz::importance::{self, StudentT};
    let quartic = real(1, |x| 0.5 * x[0] * x[0] + 0.1 * x[0].powi(4) + 1e4);
    let exact = 2.14970592859059558f64.ln() - 1e4;
    let base = Gaussian::standard(1);
    let z: Vec<f64> = (0..64)
        .map(|seed| {
            let z = importance::log_z(&quartic, &base, 2000, seed).unwrap();
            assert!(z.pareto_k.unwrap() < 0.5 && z.warnings.is_empty() && z.ess.unwrap() > 1000.0, "{z:?}");
            (z.value - exact) / z.std_err
        })
        .collect();
    let (mean, n) = (z.iter().sum::<f64>() / 64.0, 64.0f64);
    let var = z.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    assert!((mean * n.sqrt()).abs() < 4.0, "bias {mean}");
    assert!((var - 1.0).abs() < 4.0 * (2.0 / n).sqrt(), "the errors are wrong by {}", var.sqrt());
    // The base of a t distribution is normalised.
    let t = StudentT::new(Gaussian::diagonal(vec![1.0, -1.0], &[2.0, 0.5]).unwrap(), 2);
    let by_grid = logz::log_z(&t, &Options::default()).unwrap();
    assert!((by_grid.value - gibbsite::energy::Tractable::log_z(&t)).abs() < 1e-9);
    let z = importance::log_z(&Gaussian::standard(2), &t, 20_000, 3).unwrap();
    assert!(((z.value - ln_two_pi()) / z.std_err).abs() < 4.0);
    // A base much narrower than the target is caught.
    let narrow = Gaussian::diagonal(vec![0.0], &[0.3]).unwrap();
    let bad = importance::log_z(&Gaussian::standard(1), &narrow, 5000, 1).unwrap();
    assert!(bad.pareto_k.unwrap() > 0.7 && !bad.warnings.is_empty(), "{bad:?}");
    assert!(matches!(importance::log_z(&quartic, &base, 3, 0), Err(LogZError::Draws { n: 3, .. })));
}

#[test]
fn automatic_choice() {
    use gibbsite::energy::formula::Formula;
    use gibbsite::logz::{Bounds, auto};
    let z = auto::log_z(&Formula::parse("x^2/2").unwrap(), &Options::default(), 0.1, 0).unwrap();
    assert!(z.exact && z.bounds == Bounds::Exact && z.method == "quadrature");
    // Five coordinates that depend on each other: too many for quadrature.
    let five = Formula::parse("x1^2/2 + x2^2/2 + x3^2/2 + x4^2/2 + (x5 - 0.5*(x1+x2+x3+x4))^2/2").unwrap();
    let z = auto::log_z(&five, &Options::default(), 0.05, 0).unwrap();
    let exact = 2.5 * ln_two_pi();
    println!("5-D: {} +- {} for {exact}, agreement {:?}", z.value, z.std_err, z.agreement);
    assert!(!z.exact && ((z.value - exact) / z.std_err).abs() < 4.0 && z.std_err < 0.05 && z.trusted);
    assert!(z.method == "ais and bridge" && z.agreement.unwrap().abs() < 3.0 && z.lower < exact && z.upper > exact);
    let closed = auto::closed_form(&gibbsite::energy::gaussian::Gaussian::standard(7));
    assert!(closed.exact && (closed.value - 3.5 * ln_two_pi()).abs() < 1e-13);
}

#[test]
fn a_base_that_adapts() {
    use gibbsite::energy::formula::Formula;
    let text = "sum(i,1..5,((x[i]-i+1)/i)^2/2)";
    let five = Formula::parse(text).unwrap();
    let z = logz::importance::adapted(&five, 20_000, 0).unwrap();
    let exact = 2.5 * ln_two_pi() + 120f64.ln();
    assert!(!z.exact && ((z.value - exact) / z.std_err).abs() < 4.0 && z.std_err < 0.05, "{z:?}");
}

/// E[x^2] of 0.5 x^2 + 0.1 x^4, by 30-digit quadrature.
const QUARTIC_VARIANCE: f64 = 0.615527185732942951528622495531;

/// The same values from the file of references, where it is there.
#[test]
fn shared_references() {
    let dir = std::env::var("GIBBSITE_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").into());
    let Ok(text) = std::fs::read_to_string(format!("{dir}/refs/exact_refs.json")) else {
        println!("skipped: no references in {dir}");
        return;
    };
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let find = |name: &str| -> f64 {
        let rows = json["continuous"].as_array().unwrap();
        let row = rows.iter().find(|r| r["name"].as_str().is_some_and(|n| n.starts_with(name))).unwrap();
        row["logZ"].as_str().unwrap().parse().unwrap()
    };
    let well = |x: f64| x.powi(4) - 6.0 * x * x - 0.5 * x;
    check("double well", real(1, move |x| well(x[0])), find("double well 1-D"), 1e-12);
    check("many-well", real(2, move |x| well(x[0]) + 0.5 * x[1] * x[1]), find("many-well 2-D"), 1e-10);
    check("4(x^2-1)^2", real(1, |x| 4.0 * (x[0] * x[0] - 1.0).powi(2)), find("E=4(x^2-1)^2"), 1e-12);
    check("x^4", real(1, |x| x[0].powi(4)), find("E=x^4"), 1e-12);
    let rosenbrock = |x: &[f64]| 100.0 * (x[1] - x[0] * x[0]).powi(2) + (1.0 - x[0]).powi(2);
    check("rosenbrock", real(2, rosenbrock), find("2-D Rosenbrock"), 1e-10);
    let plane = [Support::Interval(-3.5, 2.5), Support::Interval(-2.0, 3.5)];
    check(
        "mueller-brown .05",
        on(&plane, mueller_brown(0.05)),
        find("Mueller-Brown (standard A=(-200,-100,-170,15)), beta=0.05"),
        1e-10,
    );
    check(
        "mueller-brown .1",
        on(&plane, mueller_brown(0.1)),
        find("Mueller-Brown (standard A=(-200,-100,-170,15)), beta=0.1"),
        1e-10,
    );
    check("ring 2 .2", real(2, ring(2.0, 0.2)), find("ring energy E=(|x|-2.0)"), 1e-10);
    check("ring 3 .1", real(2, ring(3.0, 0.1)), find("ring energy E=(|x|-3.0)"), 1e-10);
}

/// Threads share blocks of lines; the blocks do not know them.
#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let rosenbrock = real(2, |x| 100.0 * (x[1] - x[0] * x[0]).powi(2) + (1.0 - x[0]).powi(2));
    let with = |n: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        pool.install(|| {
            let q = logz::quadrature(&rosenbrock, &Options::default()).unwrap();
            let x = gibbsite::kernel::grid::Grid::new(&rosenbrock).unwrap().sample(400, 9).unwrap();
            (q.log_z.to_bits(), q.error.to_bits(), q.w.iter().map(|w| w.to_bits()).collect::<Vec<_>>(), x)
        })
    };
    assert!(with(1) == with(2));
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
        let options = gibbsite::energy::formula::FormulaOptions { params, ..Default::default() };
        let energy = gibbsite::energy::formula::Formula::with_options(text, &options).unwrap();
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
        let energy = gibbsite::energy::formula::Formula::parse(text).unwrap();
        assert_eq!(logz::integrate(&energy, &Options::default()).unwrap().gap, None, "{text}");
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
