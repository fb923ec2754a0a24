//! Energies that have no integral are refused by name, those that have one are not.

use gibbsite::energy::Energy;
use gibbsite::logz::{self, LogZError, Options};
use gibbsite::points::Support;

use crate::energies::{on, real};

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
