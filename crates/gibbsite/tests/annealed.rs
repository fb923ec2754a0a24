//! Annealed importance sampling, forward and reverse, and sequential Monte Carlo: closed forms, the trap cases, bounds that hold
//! and one that cannot be claimed.

use gibbsite::energy::formula::Formula;
use gibbsite::energy::gaussian::{Gaussian, GaussianMixture};
use gibbsite::energy::{Energy, Tractable};
use gibbsite::kernel::{Hmc, Ula};
use gibbsite::logz::path::Path;
use gibbsite::logz::walk::{Start, walk};
use gibbsite::logz::{Bounds, LogZ, LogZError, annealed, reverse, sequential};
use gibbsite::points::{Matrix, Points};
use gibbsite::rng::{Run, Streams};
use gibbsite::tempering::{Ladder, Replicas, TemperingOptions, warm_up};

fn two_pi() -> f64 {
    (2.0 * std::f64::consts::PI).ln()
}

fn ladder(energy: &Formula, seed: u64) -> Ladder<GaussianMixture, Hmc> {
    let options = TemperingOptions { n_warmup: 200, seed, ..TemperingOptions::default() };
    let init = Points::zeros(32, energy.space().dim());
    warm_up(energy, &Hmc::new(0.5, 5), init, &options, &|_| {}).unwrap()
}

/// By annealed importance sampling and by sequential Monte Carlo.
fn estimates(text: &str, n: usize, share: f64, seed: u64) -> [LogZ; 2] {
    let energy = Formula::parse(text).unwrap();
    let ladder = ladder(&energy, seed);
    let path = Path::of_ladder(&energy, &ladder, share, 1, seed).unwrap();
    let ais = annealed::log_z(ladder.reference(), &energy, &path, n, seed).unwrap();
    [ais, sequential::log_z(ladder.reference(), &energy, &path, n, seed).unwrap()]
}

#[test]
fn known_integrals() {
    for (text, truth) in [
        ("x1^2/2 + x2^2/18 + x3^2*2", 1.5 * two_pi() + 3f64.ln() - 2f64.ln()),
        ("-logsumexp(-((x1-6)^2+x2^2)/2, 1-((x1+6)^2+x2^2)/2)", two_pi() + 1.0f64.exp().ln_1p()),
        // The integral of exp(-(x^2 - 4)^2 / 2) by the trapezoidal rule.
        ("(x1^2-4)^2/2 + x2^2/2", 0.5 * two_pi() + 1.288_606_800_421_471_4f64.ln()),
    ] {
        for z in estimates(text, 1024, 0.95, 1) {
            assert!((z.value - truth).abs() < 4.0 * z.std_err, "{text}: {z:?}, not {truth}");
            assert!(z.std_err < 0.1 && z.temperatures.unwrap().worst_overlap > 0.5, "{text}: {z:?}");
            assert!(z.bounds == Bounds::Guaranteed { delta: 0.05 } && z.lower < truth, "{text}: {z:?}");
            assert_eq!(z.upper_bounds, Bounds::Statistical);
        }
    }
}

/// Identical energies: zero error, all walkers effective; also with no temperature in between, and from draws of the target.
#[test]
fn a_reference_that_is_the_target_gives_its_integral_exactly() {
    let gaussian = Gaussian::diagonal(vec![1.0, -2.0], &[0.5, 3.0]).unwrap();
    let draws = gaussian.sample(128, &mut Streams::new(5, Run::Draws));
    for betas in [vec![0.0, 1.0], vec![0.0, 0.3, 1.0]] {
        let path = Path::new(betas.clone(), vec![Hmc::new(0.3, 4); betas.len()], 2).unwrap();
        let ais = annealed::log_z(&gaussian, &gaussian, &path, 128, 3).unwrap();
        let smc = sequential::log_z(&gaussian, &gaussian, &path, 128, 3).unwrap();
        let back = reverse::log_z(&gaussian, &gaussian, &path, &draws, 3).unwrap();
        for (z, ess) in [(ais, 128.0), (smc, 16.0), (back, 128.0)] {
            assert!((z.value - gaussian.log_z()).abs() < 1e-13, "{z:?}");
            assert!(z.std_err < 1e-13 && (z.ess.unwrap() - ess).abs() < 1e-9 && z.trusted, "{z:?}");
        }
        // What no step moves is exactly 0, not only nearly.
        if betas.len() == 2 {
            assert_eq!(annealed::log_z(&gaussian, &gaussian, &path, 128, 3).unwrap().std_err, 0.0);
        }
    }
}

/// Without temperatures in between, annealing is importance sampling: one step, no moves.
#[test]
fn no_temperatures_are_importance_sampling() {
    let (wide, narrow) = (Gaussian::diagonal(vec![0.0], &[2.0]).unwrap(), Gaussian::standard(1));
    let path = Path::new(vec![0.0, 1.0], vec![Hmc::new(0.3, 4); 2], 1).unwrap();
    let walked = walk(&wide, &narrow, &path, Start::Reference(0..256), &Streams::new(1, Run::Importance)).unwrap();
    let (mut e, mut e_ref) = (vec![0.0; 256], vec![0.0; 256]);
    narrow.energy(&walked.x, &mut e);
    wide.energy(&walked.x, &mut e_ref);
    for i in 0..256 {
        assert_eq!(walked.log_w[i], -(e[i] - e_ref[i]));
    }
    let none = Path::<Hmc>::new(Vec::new(), Vec::new(), 1);
    assert!(none.is_err() && Path::new(vec![0.0], vec![Hmc::new(0.1, 1)], 1).is_err());
}

/// Energies that are infinite outside a support: walkers there weigh nothing, those inside are right.
#[test]
fn walls_are_no_trouble() {
    struct Half(gibbsite::points::Space);
    impl Energy for Half {
        fn space(&self) -> &gibbsite::points::Space {
            &self.0
        }
        fn energy(&self, x: &Points, out: &mut [f64]) {
            for (e, x) in out.iter_mut().zip(x.real.col(0)) {
                *e = if *x > 0.0 { 0.5 * x * x } else { f64::INFINITY };
            }
        }
    }
    impl gibbsite::energy::Differentiable for Half {
        fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
            self.energy(x, e);
            grad.col_mut(0).copy_from_slice(x.real.col(0));
        }
    }
    let half = Half(gibbsite::points::Space::real(1));
    let wide = Gaussian::diagonal(vec![0.5], &[1.5]).unwrap();
    let betas: Vec<f64> = (0..=10).map(|k| f64::from(k) / 10.0).collect();
    let path = Path::new(betas.clone(), vec![Hmc::new(0.7, 3); 11], 1).unwrap();
    let truth = 0.5 * two_pi() - 2f64.ln();
    let ais = annealed::log_z(&wide, &half, &path, 2048, 1).unwrap();
    let smc = sequential::log_z(&wide, &half, &path, 2048, 1).unwrap();
    for z in [ais, smc] {
        assert!((z.value - truth).abs() < 4.0 * z.std_err && z.std_err < 0.05 && z.lower < truth, "{z:?}");
    }
    // Nothing but walls.
    let nothing = Formula::parse("x^2 - log(max(0, -1 - x^2))").unwrap();
    let all_zero = annealed::log_z(&wide, &nothing, &path, 64, 1);
    assert!(matches!(all_zero, Err(LogZError::Empty { .. })), "{all_zero:?}");
}

/// Draws of the target, exact ones, bound log Z from above; draws of one mode alone do not, and the name of the bound says so.
#[test]
fn reverse_annealing() {
    let energy = Formula::parse("x1^2/2 + x2^2/8").unwrap();
    let (target, reference) = (
        Gaussian::diagonal(vec![0.0; 2], &[1.0, 2.0]).unwrap(),
        Gaussian::diagonal(vec![1.0, 0.0], &[2.0; 2]).unwrap(),
    );
    let truth = target.log_z();
    let betas: Vec<f64> = (0..=20).map(|k| f64::from(k) / 20.0).collect();
    let path = Path::new(betas.clone(), vec![Hmc::new(0.7, 3); 21], 1).unwrap();
    let mut n_inside = 0;
    for seed in 0..100 {
        let draws = target.sample(512, &mut Streams::new(seed, Run::Draws));
        let z = reverse::log_z(&reference, &energy, &path, &draws, seed).unwrap();
        assert!(z.upper_bounds == Bounds::IfDrawsExact && z.bounds == Bounds::Statistical);
        assert!(z.upper > truth, "{z:?}");
        n_inside += usize::from((z.value - truth).abs() < 1.96 * z.std_err);
    }
    assert!((89..=99).contains(&n_inside), "{n_inside}");

    // The mode at -8 is 20 times as heavy.
    let two = Formula::parse("-logsumexp(-(x1-8)^2/2, 3-(x1+8)^2/2)").unwrap();
    let wide = Gaussian::diagonal(vec![0.0], &[9.0]).unwrap();
    let path = Path::new(betas, vec![Hmc::new(0.7, 3); 21], 1).unwrap();
    let one_mode = Gaussian::diagonal(vec![8.0], &[1.0]).unwrap().sample(1024, &mut Streams::new(1, Run::Draws));
    let z = reverse::log_z(&wide, &two, &path, &one_mode, 1).unwrap();
    let truth = 0.5 * two_pi() + 3.0f64.exp().ln_1p();
    assert!(z.upper < truth && z.pareto_k.unwrap() < 0.7, "mass is missing, and the weights look good: {z:?}");
}

/// Kernels that do not leave their level invariant prove nothing.
#[test]
fn unadjusted_kernels_guarantee_nothing() {
    let (wide, narrow) = (Gaussian::diagonal(vec![0.0], &[2.0]).unwrap(), Gaussian::standard(1));
    let path = Path::new(vec![0.0, 0.5, 1.0], vec![Ula::new(0.3); 3], 1).unwrap();
    assert_eq!(annealed::log_z(&wide, &narrow, &path, 128, 1).unwrap().bounds, Bounds::Statistical);
    assert_eq!(sequential::log_z(&wide, &narrow, &path, 128, 1).unwrap().bounds, Bounds::Statistical);
}

/// Walkers that choose their own temperatures are biased: with few of them, on a narrow target, Z comes out too large by far more
/// than chance, and what would be a guaranteed bound of frozen walkers fails. So the run claims none.
#[test]
fn adapting_on_the_weighted_walkers_breaks_the_bound() {
    let narrow = Gaussian::diagonal(vec![0.0], &[0.01]).unwrap();
    let reference = Gaussian::standard(1);
    let levels = |n: usize| (0..n).map(|k| (k as f64 / (n - 1) as f64).powi(4)).collect::<Vec<_>>();
    let betas = levels(9);
    let hmc = |beta: f64| {
        let sd = (1.0 + beta * (1e4 - 1.0f64)).sqrt().recip();
        Hmc::new(0.8 * sd, 6)
    };
    let kernels: Vec<Hmc> = betas.iter().map(|b| hmc(*b)).collect();
    let replicas = Replicas::new(vec![Points::zeros(1, 1); betas.len()]);
    let ladder = Ladder::new(reference.clone(), betas, kernels, replicas).unwrap();
    let truth = narrow.log_z();
    let n_runs = 4000;
    let mut too_large = Vec::new();
    for seed in 0..n_runs {
        let z = annealed::single_pass(&narrow, &ladder, 0.9, 4, seed as u64).unwrap();
        assert_eq!(z.bounds, Bounds::Statistical, "an adaptive run must not claim a guaranteed bound");
        too_large.push((z.value - truth).exp());
    }
    let mean = too_large.iter().sum::<f64>() / n_runs as f64;
    let sd = (too_large.iter().map(|w| (w - mean).powi(2)).sum::<f64>() / (n_runs - 1) as f64).sqrt();
    let z = (mean - 1.0) / (sd / (n_runs as f64).sqrt());
    println!("mean of Z / truth {mean}, {z} standard errors above 1");
    assert!(z > 5.0, "{mean} {z}");
    // The same walkers with temperatures that were chosen by others are unbiased.
    let path = Path::of_ladder(&narrow, &ladder, 0.9, 1, 7).unwrap();
    let walked =
        walk(&reference, &narrow, &path, Start::Reference(0..16_384), &Streams::new(7, Run::Importance)).unwrap();
    let frozen: Vec<f64> = walked.log_w.iter().map(|w| (w + reference.log_z() - truth).exp()).collect();
    let mean = frozen.iter().sum::<f64>() / frozen.len() as f64;
    let sd = (frozen.iter().map(|w| (w - mean).powi(2)).sum::<f64>() / frozen.len() as f64).sqrt();
    assert!(((mean - 1.0) / (sd / (frozen.len() as f64).sqrt())).abs() < 4.0, "{mean} {sd}");
}

/// Blocks of walkers may be walked one after the other, in any number of pieces.
#[test]
fn pieces_are_the_whole() {
    let (wide, narrow) = (Gaussian::diagonal(vec![0.0], &[2.0]).unwrap(), Gaussian::standard(1));
    let path = Path::new(vec![0.0, 0.5, 1.0], vec![Hmc::new(0.7, 3); 3], 1).unwrap();
    let streams = Streams::new(1, Run::Importance);
    let log_w = |start| walk(&wide, &narrow, &path, start, &streams).unwrap().log_w;
    let whole = log_w(Start::Reference(0..256));
    assert_eq!([0..64, 64..192, 192..256].map(|r| log_w(Start::Reference(r))).concat(), whole);
    let populations = |numbers| log_w(Start::Populations { numbers, size: 32 });
    assert_eq!([0..3, 3..20].map(populations).concat(), populations(0..20));
}

/// 95 % intervals of the value cover the truth in 90 to 99 of 100 runs, and the guaranteed bound holds in 95 at least.
#[test]
fn intervals_and_bounds_hold() {
    for (text, truth) in [
        ("x1^2/2 + x2^2/18 + 0.2*x1*x2", two_pi() - 0.5 * (1.0f64 / 9.0 - 0.04).ln()),
        ("(x1^2-4)^2/2 + x2^2/2", 0.5 * two_pi() + 1.288_606_800_421_471_4f64.ln()),
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
