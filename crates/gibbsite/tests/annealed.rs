//! Annealed importance sampling and sequential Monte Carlo: closed forms, the trap cases, bounds and errors that hold.

use gibbsite::energy::formula::Formula;
use gibbsite::energy::gaussian::Gaussian;
use gibbsite::energy::{Energy, Tractable};
use gibbsite::kernel::Hmc;
use gibbsite::logz::path::Path;
use gibbsite::logz::{Bounds, LogZ, annealed, sequential};
use gibbsite::points::Points;
use gibbsite::tempering::{TemperingOptions, warm_up};

/// By annealed importance sampling and by sequential Monte Carlo.
fn estimates(text: &str, n: usize, share: f64, seed: u64) -> [LogZ; 2] {
    let energy = Formula::parse(text).unwrap();
    let options = TemperingOptions { n_warmup: 200, seed, ..TemperingOptions::default() };
    let init = Points::zeros(32, energy.space().dim());
    let ladder = warm_up(&energy, &Hmc::new(0.5, 5), init, &options, &|_| {}).unwrap();
    let path = Path::of_ladder(&energy, &ladder, 256, share, 1, seed).unwrap();
    let ais = annealed::log_z(ladder.reference(), &energy, &path, n, seed).unwrap();
    [ais, sequential::log_z(ladder.reference(), &energy, &path, n, seed).unwrap()]
}

#[test]
fn known_integrals() {
    let two_pi = (2.0 * std::f64::consts::PI).ln();
    for (text, truth) in [
        ("x1^2/2 + x2^2/18 + x3^2*2", 1.5 * two_pi + 3f64.ln() - 2f64.ln()),
        ("-logsumexp(-((x1-6)^2+x2^2)/2, 1-((x1+6)^2+x2^2)/2)", two_pi + 1.0f64.exp().ln_1p()),
        // The integral of exp(-(x^2 - 4)^2 / 2) by the trapezoidal rule.
        ("(x1^2-4)^2/2 + x2^2/2", 0.5 * two_pi + 1.288_606_800_421_471_4f64.ln()),
    ] {
        for z in estimates(text, 512, 0.95, 1) {
            assert!((z.value - truth).abs() < 4.0 * z.std_err, "{text}: {z:?}, not {truth}");
            assert!(z.std_err < 0.1, "{text}: {z:?}");
            assert!(z.bounds == Bounds::Guaranteed { delta: 0.05 } && z.lower < truth, "{text}: {z:?}");
        }
    }
}

#[test]
fn a_reference_that_is_the_target_gives_its_integral_exactly() {
    let gaussian = Gaussian::diagonal(vec![1.0, -2.0], &[0.5, 3.0]).unwrap();
    let path = Path::new(vec![0.0, 0.3, 1.0], vec![Hmc::new(0.3, 4); 3], 2).unwrap();
    let ais = annealed::log_z(&gaussian, &gaussian, &path, 128, 3).unwrap();
    let smc = sequential::log_z(&gaussian, &gaussian, &path, 128, 3).unwrap();
    for (z, ess) in [(ais, 128.0), (smc, 16.0)] {
        assert_eq!(z.value, gaussian.log_z());
        assert!(z.std_err == 0.0 && (z.ess.unwrap() - ess).abs() < 1e-9, "{z:?}");
    }
}

/// 95 % intervals of the value cover the truth in 90 to 99 of 100 runs, and the guaranteed bound holds in 95 at least.
#[test]
fn intervals_and_bounds_hold() {
    let two_pi = (2.0 * std::f64::consts::PI).ln();
    for (text, truth) in [
        ("x1^2/2 + x2^2/18 + 0.2*x1*x2", two_pi - 0.5 * (1.0f64 / 9.0 - 0.04).ln()),
        ("(x1^2-4)^2/2 + x2^2/2", 0.5 * two_pi + 1.288_606_800_421_471_4f64.ln()),
    ] {
        let z: Vec<[LogZ; 2]> = (0..100).map(|seed| estimates(text, 256, 0.9, seed)).collect();
        for method in 0..2 {
            let z = z.iter().map(|z| &z[method]);
            let n_covered = z.clone().filter(|z| (z.value - truth).abs() < 1.96 * z.std_err).count();
            let n_true = z.filter(|z| z.lower <= truth).count();
            assert!((90..=99).contains(&n_covered), "{text}, method {method}: {n_covered}");
            assert!(n_true >= 95, "{text}, method {method}: {n_true}");
        }
    }
}
