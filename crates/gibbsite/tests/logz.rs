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
    assert!(
        err <= 3.0 * z.std_err + 4e-15 * expected.abs().max(1.0),
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
    check("rastrigin 2", real(2, |x| rastrigin(x)), -1.484564850 * 2.0, 2e-9);
    check("styblinski-tang 2", real(2, |x| styblinski(x)), 38.318415031 * 2.0, 2e-9);
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
    check("styblinski-tang 3", real(3, |x| styblinski(x)), 38.318415031 * 3.0, 3e-9);
    let funnel = |x: &[f64]| {
        let prior = x[0] * x[0] / 18.0 + 3f64.ln() + 0.5 * ln_two_pi();
        prior
            + (x.len() - 1) as f64 * 0.5 * (x[0] + ln_two_pi())
            + 0.5 * (-x[0]).exp() * x[1..].iter().map(|v| v * v).sum::<f64>()
    };
    check("funnel 3", real(3, funnel), 0.0, 1e-8);
}

#[test]
fn rastrigin_in_three_dimensions() {
    check("rastrigin 3", real(3, |x| rastrigin(x)), -1.484564850 * 3.0, 5e-9);
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
