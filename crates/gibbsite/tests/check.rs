//! Which energies are models.

use gibbsite::check::{Normalizable, Verdict, normalizable_formula};
use gibbsite::energy::formula::{Formula, FormulaOptions};
use gibbsite::energy::menu::MENU;

fn formula(source: &str, dim: usize) -> Formula {
    let options = FormulaOptions { dim: source.contains("x[").then_some(dim), ..Default::default() };
    Formula::with_options(source, &options).unwrap_or_else(|e| panic!("{source}: {e}"))
}

fn bounded(source: &str, bounds: &[(&str, f64, f64)]) -> Formula {
    let bounds = bounds.iter().map(|(n, a, b)| (n.to_string(), *a, *b)).collect();
    Formula::with_options(source, &FormulaOptions { bounds, ..Default::default() }).unwrap()
}

fn verdict(source: &str) -> Verdict {
    normalizable_formula(&formula(source, 5))
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
    let norm = |v: &[f64]| v.iter().map(|a| a * a).sum::<f64>().sqrt();
    dot / (norm(a) * norm(b))
}

/// Formulas that are no models, each with directions one of which must be named (empty: any).
const NO: &[(&str, &[&[f64]])] = &[
    ("20 + e - 20*exp(-0.2*sqrt((x^2+y^2)/2)) - exp((cos(2*pi*x) + cos(2*pi*y))/2)", &[]),
    ("x", &[&[-1.0]]),
    ("x^3", &[&[-1.0]]),
    ("-x^2", &[&[1.0], &[-1.0]]),
    ("0*x", &[&[1.0], &[-1.0]]),
    ("x^2*y^2-x", &[&[1.0, 0.0]]),
    ("0.4*log(1+x^2)", &[&[1.0], &[-1.0]]),
    ("x^2*y^2", &[&[1.0, 0.0], &[-1.0, 0.0], &[0.0, 1.0], &[0.0, -1.0]]),
    ("exp(x)", &[&[-1.0]]),
    ("-cosh(x)", &[&[1.0], &[-1.0]]),
    ("sin(x)", &[&[1.0], &[-1.0]]),
    ("x^2-y^2", &[&[0.0, 1.0], &[0.0, -1.0]]),
    ("x*y", &[&[1.0, -1.0], &[-1.0, 1.0]]),
    ("softplus(x)", &[&[-1.0]]),
    ("x^2+y", &[&[0.0, -1.0]]),
    ("(x+y)^4", &[&[1.0, -1.0], &[-1.0, 1.0]]),
    ("log(1+x^2+y^2)", &[]),
    ("0.5*log(1+x^2)", &[&[1.0], &[-1.0]]),
    ("(y-x^2)^2", &[]),
    ("x^4+y^4-2.2*x^3*y", &[]),
    ("x^2-4*x*y+4*y^2", &[&[2.0, 1.0], &[-2.0, -1.0]]),
    ("x^2+y^2-2.01*x*y", &[&[1.0, 1.0], &[-1.0, -1.0]]),
    ("x^2*y^2+x^2", &[&[0.0, 1.0], &[0.0, -1.0]]),
    ("x^2-x^4", &[&[1.0], &[-1.0]]),
    ("abs(x)-2*abs(x)", &[&[1.0], &[-1.0]]),
    ("tanh(x)+erf(x)", &[&[1.0], &[-1.0]]),
    ("x^2*exp(-x)", &[&[1.0]]),
];

#[test]
fn what_is_no_model_is_refused_with_the_direction() {
    for (source, directions) in NO {
        let v = verdict(source);
        assert_eq!(v.normalizable, Normalizable::No, "{source}: {}", v.reason);
        let along = v.falls_along.unwrap_or_else(|| panic!("{source}: no direction"));
        assert!((along.iter().map(|a| a * a).sum::<f64>() - 1.0).abs() < 1e-12, "{source}: {along:?}");
        let named = directions.is_empty() || directions.iter().any(|d| cosine(d, &along) > 0.999);
        assert!(named, "{source}: {along:?} ({})", v.reason);
    }
    // A plane of flat directions: any vector of it.
    let v = verdict("(x-2*y+0.3*z)^2");
    assert_eq!(v.normalizable, Normalizable::No);
    assert!(cosine(&[1.0, -2.0, 0.3], &v.falls_along.unwrap()).abs() < 1e-12);
}

const YES: &[&str] = &[
    "x^2",
    "x^4-100*x^2",
    "x^2+y^2+x*y",
    "abs(x)",
    "cosh(x)",
    "x^2*y^2+x^2+y^2",
    "log(1+x^2)",
    "1.5*log(1+x^2)",
    "3*log(1+x^2+y^2)",
    "-logsumexp(-(x-15)^2/2, log(9)-(x+15)^2/2)",
    "sum(i, 1..d-1, 100*(x[i+1]-x[i]^2)^2 + (1-x[i])^2)",
    "sum(i, 1..d, (x[i]^2-1)^2/4) + sum(i, 1..d-1, (x[i]-x[i+1])^2/2)",
    "sum(i, 1..d, (x[i] - 2/d*sum(j, 1..d, x[j]))^4 - 6*(x[i] - 2/d*sum(j, 1..d, x[j]))^2)",
    "x^2/(2*exp(y)) + y/2 + y^2/18",
    "(x+y)^2 + (x-y)^4",
    "x^4 + y^4 - 1.5*x^3*y",
    "x^2 + y^4 - x*y^2",
    "x^2 + 1/x^2",
    "softplus(x) + softplus(-x)",
    "x^2 + 10*sin(x)",
    "max(x^2, abs(y)) + 0.1*abs(x)",
    "abs(x-y) + abs(x+y)",
    "(x^2+y^2+z^2-1)^2",
    "sqrt(1+x^2+y^2)",
    "x^2*log(1+x^2)",
    "exp(x)-x",
];

#[test]
fn what_is_a_model_is_proved() {
    for source in YES {
        let v = verdict(source);
        assert_eq!(v.normalizable, Normalizable::Yes, "{source}: {} {:?}", v.reason, v.falls_along);
    }
    for (a, b) in [(0.3, 2.0), (-5.0, -7.0), (0.0, 0.0)] {
        for g in [-3.0, 0.0, 2.0] {
            let mut f = formula("a*x^2+b*x+exp(g)*x^4", 1);
            for (name, value) in [("a", a), ("b", b), ("g", g)] {
                f.set_param(name, value).unwrap();
            }
            assert_eq!(normalizable_formula(&f).normalizable, Normalizable::Yes);
        }
    }
}

#[test]
fn the_menu() {
    for entry in MENU {
        let f = entry.build(&[]).unwrap().formula;
        let wanted = if entry.name == "ackley" { Normalizable::No } else { Normalizable::Yes };
        let v = normalizable_formula(&f);
        assert_eq!(v.normalizable, wanted, "{}: {}", entry.name, v.reason);
        assert!(!v.reason.is_empty());
    }
}

#[test]
fn bounds_count() {
    let is = |source: &str, bounds: &[(&str, f64, f64)]| normalizable_formula(&bounded(source, bounds)).normalizable;
    let inf = f64::INFINITY;
    assert_eq!(is("-x^2", &[("x", -1.0, 1.0)]), Normalizable::Yes);
    assert_eq!(is("x", &[("x", 0.0, inf)]), Normalizable::Yes);
    assert_eq!(is("x", &[("x", -inf, 0.0)]), Normalizable::No);
    assert_eq!(is("x^3", &[("x", -2.0, inf)]), Normalizable::Yes);
    assert_eq!(is("x-log(x)", &[("x", 0.0, inf)]), Normalizable::Yes);
    assert_eq!(is("x + y", &[("x", 0.0, inf), ("y", 3.0, inf)]), Normalizable::Yes);
    assert_eq!(is("x - y", &[("x", 0.0, inf), ("y", 3.0, inf)]), Normalizable::No);
    assert_eq!(is("x*y + y^2", &[("x", 1.0, 2.0)]), Normalizable::Yes);
    assert_eq!(is("x*y", &[("x", 1.0, 2.0)]), Normalizable::No);
    assert_eq!(is("x*y^2", &[("x", 1.0, 2.0)]), Normalizable::Yes);
    // 1/x is not integrable at 0, so a yes would be wrong.
    assert_ne!(is("x + log(x)", &[("x", 0.0, inf)]), Normalizable::Yes);
    assert_ne!(is("x^2 + 2*log(abs(x))", &[]), Normalizable::Yes);
    assert_ne!(is("x^2 + log(x)", &[]), Normalizable::Yes);
}
