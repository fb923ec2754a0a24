//! Importance sampling, and the choice between what is exact and what is estimated.

use gibbsite::energy::Tractable;
use gibbsite::energy::formula::Formula;
use gibbsite::energy::gaussian::Gaussian;
use gibbsite::logz::importance::{self, StudentT};
use gibbsite::logz::{self, Bounds, LogZError, Options, auto};

use crate::energies::{ln_two_pi, real};

#[test]
fn importance_sampling() {
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
    assert!((by_grid.value - t.log_z()).abs() < 1e-9);
    let z = importance::log_z(&Gaussian::standard(2), &t, 20_000, 3).unwrap();
    assert!(((z.value - ln_two_pi()) / z.std_err).abs() < 4.0);
    // A base much narrower than the target is caught.
    let narrow = Gaussian::diagonal(vec![0.0], &[0.3]).unwrap();
    let bad = importance::log_z(&Gaussian::standard(1), &narrow, 5000, 1).unwrap();
    assert!(bad.pareto_k.unwrap() > 0.7 && !bad.warnings.is_empty(), "{bad:?}");
    assert!(matches!(importance::log_z(&quartic, &base, 3, 0), Err(LogZError::Draws { n: 3, .. })));
}

#[test]
fn a_base_that_adapts() {
    let terms = (1..=5).map(|i| format!("((x{i}-{})/{i})^2/2", i - 1)).collect::<Vec<_>>();
    let five = Formula::parse(&terms.join("+")).unwrap();
    let z = importance::adapted(&five, 20_000, 0).unwrap();
    let exact = 2.5 * ln_two_pi() + 120f64.ln();
    assert!(!z.exact && ((z.value - exact) / z.std_err).abs() < 4.0 && z.std_err < 0.05, "{z:?}");
}

#[test]
fn automatic_choice() {
    let z = auto::log_z(&Formula::parse("x^2/2").unwrap(), &Options::default(), 0.1, 0).unwrap();
    assert!(z.exact && z.bounds == Bounds::Exact && z.method == "quadrature");
    // Five coordinates that depend on each other: too many for quadrature.
    let five = Formula::parse("x1^2/2 + x2^2/2 + x3^2/2 + x4^2/2 + (x5 - 0.5*(x1+x2+x3+x4))^2/2").unwrap();
    let z = auto::log_z(&five, &Options::default(), 0.05, 0).unwrap();
    assert!(!z.exact && z.bounds == Bounds::None && z.method == "cubature" && !z.warnings.is_empty());
    assert!((z.value - 2.5 * ln_two_pi()).abs() < z.std_err && z.std_err < 1e-5, "{z:?}");
    // Seven, and two apart: too many for cubature.
    let nine = "x1^2/2+x2^2/2+x3^2/2+x4^2/2+x5^2/2+x6^2/2 + (x7 - 0.5*(x1+x2+x3+x4+x5+x6))^2/2 + x8^2/2 + x9^2/2";
    let z = auto::log_z(&Formula::parse(nine).unwrap(), &Options::default(), 0.05, 0).unwrap();
    let exact = 4.5 * ln_two_pi();
    println!("9-D: {} +- {} for {exact}, agreement {:?}", z.value, z.std_err, z.agreement);
    assert!(!z.exact && ((z.value - exact) / z.std_err).abs() < 4.0 && z.std_err < 0.05 && z.trusted);
    assert!(z.method == "ais and bridge" && z.agreement.unwrap().abs() < 3.0 && z.lower < exact && z.upper > exact);
    let closed = auto::closed_form(&Gaussian::standard(7));
    assert!(closed.exact && (closed.value - 3.5 * ln_two_pi()).abs() < 1e-13);
}
