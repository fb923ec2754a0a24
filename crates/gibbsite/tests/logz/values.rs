//! Closed forms and 40-digit quadrature of the landscapes that everybody knows.

use gibbsite::energy::formula::Formula;
use gibbsite::logz;
use gibbsite::points::Support;

use crate::energies::{check, ln_two_pi, on, real};

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

/// Neal's funnel: the first coordinate is the logarithm of the variance of the others.
fn funnel(x: &[f64]) -> f64 {
    let prior = x[0] * x[0] / 18.0 + 3f64.ln() + 0.5 * ln_two_pi();
    prior
        + (x.len() - 1) as f64 * 0.5 * (x[0] + ln_two_pi())
        + 0.5 * (-x[0]).exp() * x[1..].iter().map(|v| v * v).sum::<f64>()
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
    check("funnel 3", real(3, funnel), 0.0, 1e-8);
}

/// Independent dimensions: half a billion energies as one integral, a few thousand as three.
#[test]
fn rastrigin_in_three_dimensions() {
    let sum = "30 + x^2 + y^2 + z^2 - 10*(cos(2*pi*x) + cos(2*pi*y) + cos(2*pi*z))";
    check("rastrigin 3", Formula::parse(sum).unwrap(), -1.484564850 * 3.0, 5e-9);
}

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
