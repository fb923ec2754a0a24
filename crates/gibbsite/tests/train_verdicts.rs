//! What a fit says about itself: parameters at infinity, redundant ones, distances to the optimum, units, biases, budgets.

use gibbsite::energy::Parametric;
use gibbsite::energy::formula::{Formula, FormulaOptions};
use gibbsite::kernel::Info;
use gibbsite::objective::Contrastive;
use gibbsite::points::{Matrix, Points};
use gibbsite::rng::{Purpose, Run, Streams};
use gibbsite::train::checkpoint::Identity;
use gibbsite::train::stochastic::{Problem, train};
use gibbsite::train::{
    CheckpointOptions, Control, Decay, Fit, ObjectiveKind, OptimizerKind, Sampler, Steps, Stopped, TrainError,
    TrainEvent, TrainOptions, TrainWarning, fit, start_at_score_matching,
};

fn normals(n: usize, dim: usize, seed: u64) -> Points {
    let mut rng = Streams::new(seed, Run::Data);
    let xi = rng.normals(Purpose::Init, n, dim);
    Points::from_real(Matrix::from_fn(n, dim, |i, j| f64::from(xi.col(j)[i])))
}

fn mixture(n: usize, seed: u64, scale: f64) -> Points {
    let mut rng = Streams::new(seed, Run::Data);
    let u = rng.uniforms(Purpose::Choice, n, 1).col(0).to_vec();
    let xi = rng.normals(Purpose::Init, n, 1);
    let side = |i: usize| if u[i] < 0.5 { -2.0 } else { 2.0 };
    Points::from_real(Matrix::from_fn(n, 1, |i, _| scale * (side(i) + 0.5 * f64::from(xi.col(0)[i]))))
}

fn formula(text: &str, theta: &[f64]) -> Formula {
    let mut f = Formula::parse(text).unwrap();
    f.set_theta(theta);
    f
}

const QUARTIC: &str = "a*x^2+b*x+exp(g)*x^4";

fn options(objective: ObjectiveKind) -> TrainOptions {
    TrainOptions { objective, ..TrainOptions::default() }
}

fn run(energy: &mut Formula, data: &Points, options: &TrainOptions) -> Fit {
    fit(energy, data, options, &Control::default(), &mut |_| {}).unwrap()
}

fn warned(fitted: &Fit, which: impl Fn(&TrainWarning) -> bool) -> bool {
    fitted.warnings.iter().any(which)
}

fn is_bad(fitted: &Fit) -> bool {
    warned(fitted, TrainWarning::is_bad)
}

/// Normal data have no use for x^4: half of the data sets put the best g at minus infinity. That must be said, and must not
/// have an error; where the optimum is finite, nothing may be said.
#[test]
fn optima_at_infinity_are_named() {
    for objective in [ObjectiveKind::Mle, ObjectiveKind::Ism] {
        let (mut at_infinity, mut inside) = (0, 0);
        for seed in 0..12 {
            let fitted = run(&mut formula(QUARTIC, &[0.5, 0.0, -3.0]), &normals(500, 1, seed), &options(objective));
            let named = warned(&fitted, |w| *w == TrainWarning::AtInfinity { name: "g".into() });
            let (theta, robust) = (fitted.theta[2], fitted.theta_std_err_robust.as_ref().unwrap()[2]);
            assert_eq!(named, theta < -15.0, "{objective:?} {seed}: {theta} {:?}", fitted.warnings);
            assert_eq!(named, is_bad(&fitted));
            if named {
                assert_eq!((fitted.theta_std_err[2], robust), (f64::INFINITY, f64::INFINITY));
                at_infinity += 1;
            } else {
                assert!(fitted.theta_std_err[2] < 30.0 && robust < 30.0);
                inside += 1;
            }
        }
        assert!(at_infinity >= 2 && inside >= 2, "{at_infinity} {inside}");
    }
}

/// The mean of the data asks for a negative b, which --positive forbids: b = 0, at its bound.
#[test]
fn optima_at_a_bound_are_named() {
    let mut data = normals(500, 1, 3);
    data.real.as_mut_slice().iter_mut().for_each(|x| *x += 0.3);
    let o = TrainOptions { positive: vec!["a".into(), "b".into()], ..options(ObjectiveKind::Mle) };
    let fitted = run(&mut formula("a*x^2+b*x", &[1.0, 1.0]), &data, &o);
    assert!(warned(&fitted, |w| *w == TrainWarning::AtInfinity { name: "b".into() }), "{:?}", fitted.warnings);
    assert!(is_bad(&fitted) && fitted.theta_std_err[1] == f64::INFINITY && fitted.theta_std_err[0] < 0.1);
}

/// Theta in units of the data, standard errors with it: the same numbers for data of any size, from the score-matching start.
#[test]
fn results_do_not_depend_on_the_units_of_the_data() {
    let fitted = |scale: f64| {
        let data = mixture(1000, 1, scale);
        let mut energy = formula(QUARTIC, &[0.0, 0.0, 0.0]);
        start_at_score_matching(&mut energy, &data, &[], &[]).unwrap();
        run(&mut energy, &data, &options(ObjectiveKind::Mle))
    };
    let one = fitted(1.0);
    for scale in [70.0, 1e3, 1e-9, 1e12] {
        let other = fitted(scale);
        let units = [scale.powi(-2), 1.0 / scale, 1.0];
        for (k, unit) in units.iter().enumerate() {
            let shift = if k == 2 { 4.0 * scale.ln() } else { 0.0 };
            let off = (other.theta[k] + shift) / unit - one.theta[k];
            assert!(off.abs() < 1e-7, "{scale} {k}: {off}");
            let robust = |f: &Fit| f.theta_std_err_robust.as_ref().unwrap()[k];
            for (a, b) in [(other.theta_std_err[k], one.theta_std_err[k]), (robust(&other), robust(&one))] {
                assert!((a / unit / b - 1.0).abs() < 1e-5, "{scale} {k}: {a} {b}");
            }
        }
    }
}

/// exp(g) x^2 + b x at a mean of 1000 standard deviations: a narrow curved valley in g and b.
#[test]
fn a_far_mean_is_found() {
    let mut data = normals(1000, 1, 4);
    data.real.as_mut_slice().iter_mut().for_each(|x| *x += 1000.0);
    let mut energy = formula("exp(g)*x^2+b*x", &[0.0, 0.0]);
    start_at_score_matching(&mut energy, &data, &[], &[]).unwrap();
    let fitted = run(&mut energy, &data, &options(ObjectiveKind::Mle));
    let x = data.real.col(0);
    let mean = x.iter().sum::<f64>() / 1000.0;
    let var = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 1000.0;
    assert!((fitted.theta_of("g").unwrap() - (0.5 / var).ln()).abs() < 1e-4, "{:?}", fitted.theta);
    assert!((fitted.theta_of("b").unwrap() + mean / var).abs() < 0.1, "{:?}", fitted.theta);
}

/// A redundant parameter leaves the errors of g as they are without it.
#[test]
fn redundancy_does_not_spoil_other_errors() {
    let data = mixture(2000, 2, 1.0);
    for objective in [ObjectiveKind::Mle, ObjectiveKind::Ism] {
        let plain = run(&mut formula(QUARTIC, &[-1.0, 0.0, -2.0]), &data, &options(objective));
        let mut energy = formula(&format!("{QUARTIC}+c*(x^2+x)"), &[0.0; 4]);
        let names = energy.theta_names();
        let at = |name: &str| names.iter().position(|n| n == name).unwrap();
        for (name, value) in [("a", -1.0), ("g", -2.0)] {
            energy.set_param(name, value).unwrap();
        }
        let more = run(&mut energy, &data, &options(objective));
        let robust = |f: &Fit, k: usize| f.theta_std_err_robust.as_ref().unwrap()[k];
        let (g, g_plain) = (at("g"), 2);
        assert!((robust(&more, g) / robust(&plain, g_plain) - 1.0).abs() < 1e-3, "{objective:?}");
        assert!((more.theta_std_err[g] / plain.theta_std_err[g_plain] - 1.0).abs() < 1e-3, "{objective:?}");
        for name in ["a", "b", "c"] {
            assert_eq!(robust(&more, at(name)), f64::INFINITY);
        }
    }
}

/// The distance that is told is the distance that is: that of an exact fit; and the Monte-Carlo error covers it.
#[test]
fn distances_are_those_of_an_exact_fit() {
    let data = mixture(1000, 5, 1.0);
    let exact = run(&mut formula(QUARTIC, &[-1.0, 0.0, -2.0]), &data, &options(ObjectiveKind::Mle));
    let short = TrainOptions {
        lr: 0.001,
        optimizer: OptimizerKind::Sgd,
        precondition: false,
        average: false,
        epochs: 40,
        ..options(ObjectiveKind::Pcd)
    };
    let fitted = run(&mut formula(QUARTIC, &[0.05, 0.0, -0.5]), &data, &short);
    let mcse = fitted.theta_mcse.as_ref().unwrap();
    for k in 0..3 {
        assert!((fitted.theta[k] - exact.theta[k]).abs() <= mcse[k] * (1.0 + 1e-6), "{k}");
    }
    let mut told = 0;
    for w in &fitted.warnings {
        if let TrainWarning::OffOptimum { name, off, .. } = w {
            let truth = fitted.theta_of(name).unwrap() - exact.theta_of(name).unwrap();
            assert!((off - truth).abs() < 1e-6, "{name}: {off} {truth}");
            told += 1;
        }
    }
    println!("{:?} {mcse:?} {told} {:?}", fitted.theta, fitted.warnings);
    assert!(warned(&fitted, |w| matches!(w, TrainWarning::ShortWindow { relaxations } if *relaxations < 5.0)));
}

#[test]
fn verdicts_have_thresholds() {
    let off = |std_errs, mcses| TrainWarning::OffOptimum { name: "a".into(), off: 1.0, std_errs, mcses, remedy: "" };
    for (std_errs, mcses, bad) in [
        (0.9, 50.0, false),
        (1.1, 3.9, false),
        (1.1, 4.1, true),
        (-1.1, -4.1, true),
        (1.1, f64::NAN, true),
        (0.5, f64::NAN, false),
        (f64::NAN, f64::NAN, true),
    ] {
        assert_eq!(off(std_errs, mcses).is_bad(), bad, "{std_errs} {mcses}");
    }
    for (z, bad) in [(9.0, false), (11.0, true), (f64::NAN, true)] {
        assert_eq!(TrainWarning::OffScore { z, remedy: "" }.is_bad(), bad);
    }
    for (std_errs, bad) in [(0.05, false), (0.2, true), (f64::INFINITY, true)] {
        assert_eq!(TrainWarning::OutOfBudget { std_errs }.is_bad(), bad);
    }
    let name = || "a".to_string();
    assert!(TrainWarning::Undetermined { name: name() }.is_bad() && TrainWarning::AtInfinity { name: name() }.is_bad());
    assert!(!TrainWarning::Drift { name: name(), moved: 1.0, z: 9.0 }.is_bad());
}

/// CD and ULA are biased however long they run, and say so with their own remedies.
#[test]
fn biases_are_always_named() {
    let data = normals(400, 4, 6);
    let text = "exp(a)*x1^2+exp(b)*x2^2+exp(c)*x3^2+exp(d)*x4^2";
    let start = [-0.7; 4];
    for (o, remedy) in [
        (TrainOptions { sampler: Sampler::Ula, ..options(ObjectiveKind::Pcd) }, "--sampler mala"),
        (TrainOptions { steps: Steps::constant(3), ..options(ObjectiveKind::Cd) }, "--objective pcd"),
    ] {
        let fitted = run(&mut formula(text, &start), &data, &TrainOptions { epochs: 30, ..o });
        let named = |w: &TrainWarning| {
            matches!(w, TrainWarning::Biased { remedy: r, measured: false, .. } if r.contains(remedy))
                && w.to_string().contains("biased by construction")
        };
        assert!(warned(&fitted, named), "{:?}", fitted.warnings);
    }
    let fitted = run(&mut formula(text, &start), &data, &TrainOptions { epochs: 30, ..options(ObjectiveKind::Pcd) });
    assert!(!warned(&fitted, |w| matches!(w, TrainWarning::Biased { .. })));
}

#[test]
fn few_rows_few_epochs_and_large_steps_are_named() {
    let mle = run(
        &mut formula(QUARTIC, &[-1.0, 0.0, -1.0]),
        &Points::from_rows(&[[0.3], [-1.1], [0.9]]),
        &options(ObjectiveKind::Mle),
    );
    assert!(warned(&mle, |w| *w == TrainWarning::FewRows { n: 3, n_free: 3 }) && is_bad(&mle));
    let rows = Points::from_rows(&[[0.3], [-1.1], [0.9], [1.7], [-0.4]]);
    let held = run(&mut formula("a*x^2", &[1.0]), &rows, &TrainOptions { valid: 0.2, ..options(ObjectiveKind::Mle) });
    assert!(warned(&held, |w| *w == TrainWarning::FewHeldOut { n: 1 }), "{:?}", held.warnings);
    let data = mixture(500, 7, 1.0);
    let start = [-1.2, 0.0, -2.0];
    let pcd = |o: TrainOptions| run(&mut formula(QUARTIC, &start), &data, &o);
    let few = pcd(TrainOptions { epochs: 7, ..options(ObjectiveKind::Pcd) });
    assert!(warned(&few, |w| *w == TrainWarning::FewEpochs { n: 7, min: 8 }), "{:?}", few.warnings);
    assert!(few.theta_mcse.unwrap().iter().all(|m| m.is_finite()), "the walk gives what the iterates do not");
    let large = pcd(TrainOptions { step_size: Some(2.0), ..options(ObjectiveKind::Pcd) });
    assert!(warned(&large, |w| matches!(w, TrainWarning::LowAcceptance { accept_prob } if *accept_prob < 0.4)));
}

#[test]
fn points_on_a_bound_are_refused_in_their_own_units() {
    let bounds = vec![("x".into(), 0.0, f64::INFINITY)];
    let o = FormulaOptions { bounds, params: vec![("k".into(), 1.0)], ..Default::default() };
    let mut energy = Formula::with_options("k*x", &o).unwrap();
    let data = Points::from_rows(&[[1.0], [0.5], [0.0], [2.0]]);
    let error = fit(&mut energy, &data, &options(ObjectiveKind::Pcd), &Control::default(), &mut |_| {}).unwrap_err();
    assert!(matches!(&error, TrainError::OnBound { row: 2, point } if point == &[0.0]), "{error}");
    assert!(error.to_string().contains("row 3") && error.hint().contains("mle"), "{error}");
    let mle = run(&mut energy, &data, &options(ObjectiveKind::Mle));
    assert!((mle.theta[0] - 4.0 / 3.5).abs() < 1e-8);
}

/// A spent budget gives the best so far, and says how far that is.
#[test]
fn budgets_stop_exact_fits() {
    let data = normals(300, 2, 8);
    let text = "exp(a)*x^2+exp(b)*y^2+c*x*y+exp(d)*x^4";
    let start = [1.0, 1.0, 0.3, -1.0];
    let stopped = run(
        &mut formula(text, &start),
        &data,
        &TrainOptions { max_evals: Some(400_000), ..options(ObjectiveKind::Mle) },
    );
    assert_eq!(stopped.stopped, Stopped::Budget);
    assert!(warned(&stopped, |w| matches!(w, TrainWarning::OutOfBudget { .. })), "{:?}", stopped.warnings);
    assert_ne!(stopped.theta, start);
    let whole = run(&mut formula(text, &start), &data, &options(ObjectiveKind::Mle));
    assert_eq!(whole.stopped, Stopped::Converged);
}

/// A prolonged training has the bytes of a long one; with a schedule that depends on the number of epochs it is refused.
#[test]
fn trainings_can_be_prolonged() {
    let data = mixture(300, 9, 1.0);
    let o = |epochs| TrainOptions { epochs, step_size: Some(0.05), ..options(ObjectiveKind::Pcd) };
    let whole = run(&mut formula(QUARTIC, &[-1.0, 0.0, -2.0]), &data, &o(24));
    let dir = tempfile::tempdir().unwrap();
    let control = |resume| Control {
        checkpoint: Some(CheckpointOptions { dir: dir.path().into(), every: 5, resume }),
        ..Control::default()
    };
    let go = |o: &TrainOptions, resume| {
        fit(&mut formula(QUARTIC, &[-1.0, 0.0, -2.0]), &data, o, &control(resume), &mut |_: &TrainEvent| {})
    };
    go(&o(16), false).unwrap();
    let stale = dir.path().join(".checkpoint.gibbs-state.123-0.tmp");
    std::fs::write(&stale, "half a file").unwrap();
    let prolonged = go(&o(24), true).unwrap();
    assert!(!stale.exists());
    assert_eq!((prolonged.theta, prolonged.theta_mcse), (whole.theta, whole.theta_mcse));
    for (change, says) in [
        (TrainOptions { decay: Decay::Cosine, ..o(30) }, "decay"),
        (TrainOptions { epochs: 10, ..o(10) }, "24 epochs already"),
        (TrainOptions { batch: 100, ..o(24) }, "batch was 256 and is 100"),
    ] {
        let error = go(&change, true).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    // The adaptation of the step size ends half-way.
    let dir2 = tempfile::tempdir().unwrap();
    let control = |resume| Control {
        checkpoint: Some(CheckpointOptions { dir: dir2.path().into(), every: 5, resume }),
        ..Control::default()
    };
    let adaptive = |epochs| TrainOptions { step_size: None, ..o(epochs) };
    let go = |o: &TrainOptions, resume| {
        fit(&mut formula(QUARTIC, &[-1.0, 0.0, -2.0]), &data, o, &control(resume), &mut |_: &TrainEvent| {})
    };
    go(&adaptive(16), false).unwrap();
    let error = go(&adaptive(24), true).unwrap_err().to_string();
    assert!(error.contains("adaptation of the step size"), "{error}");
}

/// No chains: the gradient is that of the data alone.
struct NoChains;

impl Contrastive<Formula> for NoChains {
    fn negative_phase(&mut self, _: &Formula, _: &Points, _: usize, _: &mut [f64]) -> Info {
        Info { n: 1, sum_accept: 1.0.into(), n_diverged: 0, n_evals: 1, n_truncated: 0 }
    }
    fn set_step_size(&mut self, _: f64) {}
    fn mean_energy(&mut self, _: &Formula) -> f64 {
        0.0
    }
    fn samples(&self) -> Points {
        Points::zeros(1, 1)
    }
    fn save(&self, _: &mut Vec<f64>, _: &mut Vec<u64>) {}
    fn restore(&mut self, _: &[f64], _: &[u64]) -> bool {
        true
    }
}

/// Three rows in batches of two: gradients 1 and, for half a batch, 1/2, under every rule.
#[test]
fn short_batches_weigh_their_gradient() {
    let data = Points::from_rows(&[[1.0]; 3]);
    let lr = 0.01;
    let adam = 1.0 + (0.14 / 0.19) / (0.001_249f64 / 0.001_999).sqrt();
    for (optimizer, moved) in [(OptimizerKind::Sgd, 1.5), (OptimizerKind::Momentum, 2.4), (OptimizerKind::Adam, adam)] {
        let options = TrainOptions {
            optimizer,
            lr,
            precondition: false,
            batch: 2,
            epochs: 1,
            step_size: Some(0.1),
            ..options(ObjectiveKind::Pcd)
        };
        let identity = Identity { data: 0, energy: 0, start: 0, options: options.clone() };
        let problem = Problem { data: &data, free: &[true], identity, options: &options, control: &Control::default() };
        let mut energy = formula("a*x", &[0.0]);
        let nan = &mut |_: &Formula| (f64::NAN, f64::NAN);
        let state = train(&mut energy, &mut NoChains, &problem, 0.1, nan, &mut |_| {}).unwrap();
        assert!((state.theta[0] + lr * moved).abs() < 1e-8, "{optimizer:?}: {}", state.theta[0] / lr);
    }
}
