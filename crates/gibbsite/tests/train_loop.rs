//! The contrastive loop and its failures: batches, pools, resume, threads, rollback, refusals.

use std::sync::atomic::{AtomicBool, Ordering};

use gibbsite::energy::Parametric;
use gibbsite::energy::formula::{Formula, FormulaOptions};
use gibbsite::kernel::{Info, Kernel, Metric, Tunable, Ula};
use gibbsite::objective::{Cd, Contrastive, Pcd};
use gibbsite::points::{Matrix, Points};
use gibbsite::rng::{Purpose, Run, Streams};
use gibbsite::train::{
    CheckpointOptions, Control, Fit, ObjectiveKind, OptimizerKind, Sampler, Steps, TrainError, TrainEvent,
    TrainOptions, TrainWarning, fit,
};

fn mixture(n: usize, seed: u64) -> Points {
    let mut rng = Streams::new(seed, Run::Data);
    let u = rng.uniforms(Purpose::Choice, n, 1).col(0).to_vec();
    let xi = rng.normals(Purpose::Init, n, 1);
    Points::from_real(Matrix::from_fn(n, 1, |i, _| {
        (if u[i] < 0.5 { -2.0 } else { 2.0 }) + 0.5 * f64::from(xi.col(0)[i])
    }))
}

fn quartic() -> Formula {
    let mut f = Formula::parse("a*x^2+b*x+exp(g)*x^4").unwrap();
    f.set_theta(&[0.05, 0.0, -0.5]);
    f
}

fn options(objective: ObjectiveKind) -> TrainOptions {
    TrainOptions { objective, ..TrainOptions::default() }
}

fn run(energy: &mut Formula, data: &Points, options: &TrainOptions) -> Fit {
    fit(energy, data, options, &Control::default(), &mut |_| {}).unwrap()
}

/// Chains at their data that do not move: both phases cancel exactly for any length of the batch.
#[test]
fn ragged_batches_weigh_both_phases_alike() {
    let (energy, data, streams) = (quartic(), mixture(136, 3), Streams::new(0, Run::Train));
    for n in [136, 100, 36, 1] {
        let batch = data.rows(0, n);
        let mut cd = Cd::new(Ula::new(1e-300), &energy, &[&batch], &streams, None);
        let mut grad = vec![0.0; 3];
        cd.negative_phase(&energy, &batch, 1, &mut grad);
        energy.grad_theta(&batch, &vec![1.0 / n as f64; n], &mut grad);
        assert!(grad.iter().all(|g| g.abs() < 1e-12), "{n}: {grad:?}");
    }
    // A persistent pool of 256 against a short batch: the negative phase is the mean over 256 chains.
    let pool = mixture(256, 4);
    let mut pcd = Pcd::new(Ula::new(1e-300), &energy, &pool, 256, 0.0, &data, &streams, None);
    let mut mean = vec![0.0; 3];
    energy.grad_theta(&pool, &[-1.0 / 256.0; 256], &mut mean);
    for n in [136, 36] {
        let mut grad = vec![0.0; 3];
        pcd.negative_phase(&energy, &data.rows(0, n), 1, &mut grad);
        assert!(grad.iter().zip(&mean).all(|(a, b)| (a - b).abs() < 1e-12 * (1.0 + b.abs())), "{n}");
    }
}

#[test]
fn contrastive_divergence_starts_at_the_data() {
    let (energy, streams) = (quartic(), Streams::new(0, Run::Train));
    let batches = [mixture(300, 6), mixture(300, 7)];
    let mut cd = Cd::new(Ula::new(1e-12), &energy, &[&batches[0]], &streams, None);
    for batch in &batches {
        cd.negative_phase(&energy, batch, 3, &mut [0.0; 3]);
        let far =
            cd.samples().real.col(0).iter().zip(batch.real.col(0)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(far > 0.0 && far < 2e-5, "{far}");
    }
}

/// A pool of two groups: each update moves one of them, in turn.
#[test]
fn a_larger_pool_is_visited_in_turn() {
    let (energy, data, streams) = (quartic(), mixture(64, 6), Streams::new(0, Run::Train));
    let mut pcd = Pcd::new(Ula::new(0.01), &energy, &mixture(128, 8), 64, 0.0, &data, &streams, None);
    let mut positions = vec![];
    for update in 0..3 {
        let (mut x, mut steps) = (vec![], vec![]);
        pcd.save(&mut x, &mut steps);
        positions.push(x);
        if update < 2 {
            pcd.negative_phase(&energy, &data, 2, &mut [0.0; 3]);
        }
    }
    let [before, first, second] = &positions[..] else { panic!() };
    assert!((0..64).all(|i| first[i] != before[i]) && first[64..] == before[64..]);
    assert!((64..128).all(|i| second[i] != first[i]) && second[..64] == first[..64]);
}

/// Negative control: a kernel whose refresh does nothing keeps gradients of an old theta, and is found out.
struct Forgetful(Ula);

impl Kernel<Formula> for Forgetful {
    type State = <Ula as Kernel<Formula>>::State;
    fn init(&self, energy: &Formula, x: Points) -> Self::State {
        self.0.init(energy, x)
    }
    fn step(&self, energy: &Formula, state: &mut Self::State, rng: &mut Streams) -> Info {
        self.0.step(energy, state, rng)
    }
    fn refresh(&self, _: &Formula, _: &mut Self::State) {}
}

impl Tunable for Forgetful {
    fn step_size(&self) -> f64 {
        self.0.step_size
    }
    fn set_step_size(&mut self, step_size: f64) {
        self.0.step_size = step_size;
    }
    fn target_accept(&self) -> Option<f64> {
        None
    }
    fn metric(&self) -> Option<&Metric> {
        self.0.metric()
    }
    fn set_metric(&mut self, _: &Metric) {}
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "stale cache")]
fn persistent_chains_without_refresh_are_found_out() {
    let (mut energy, data, streams) = (quartic(), mixture(64, 6), Streams::new(0, Run::Train));
    let mut pcd = Pcd::new(Forgetful(Ula::new(0.01)), &energy, &data, 64, 0.0, &data, &streams, None);
    pcd.negative_phase(&energy, &data, 1, &mut [0.0; 3]);
    energy.set_theta(&[0.1, 0.0, 0.0]);
    pcd.negative_phase(&energy, &data, 1, &mut [0.0; 3]);
}

fn bits(fitted: &Fit) -> Vec<u64> {
    let mcse = fitted.theta_mcse.clone().unwrap_or_default();
    let ends = fitted.history.rows.iter().flat_map(|r| r.theta.clone());
    fitted.theta.iter().chain(&fitted.theta_std_err).chain(&mcse).copied().chain(ends).map(f64::to_bits).collect()
}

#[test]
fn a_killed_run_resumes_to_the_same_bits() {
    let data = mixture(1000, 9);
    for o in [
        TrainOptions { pool: Some(600), restart: 0.05, ..options(ObjectiveKind::Pcd) },
        TrainOptions {
            optimizer: OptimizerKind::Adam,
            steps: Steps { first: 1, last: 9 },
            ..options(ObjectiveKind::Cd)
        },
    ] {
        let o = TrainOptions { epochs: 30, batch: 300, ..o };
        let whole = run(&mut quartic(), &data, &o);
        let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let file = "checkpoint.gibbs-state";
        let stop = AtomicBool::new(false);
        let dir = folder.path().join("c");
        let control = Control {
            checkpoint: Some(CheckpointOptions { dir: dir.clone(), every: 7, resume: false }),
            stop: Some(&stop),
            n_threads: 1,
        };
        let stopped = fit(&mut quartic(), &data, &o, &control, &mut |event| match event {
            // What kill -9 leaves behind: the checkpoint of epoch 14, while the run is in epoch 17.
            TrainEvent::Checkpoint { epoch: 14 } => {
                std::fs::copy(dir.join(file), copy.path().join(file)).unwrap();
            }
            TrainEvent::Epoch { row, .. } if row.epoch == 17 => stop.store(true, Ordering::Relaxed),
            _ => {}
        });
        assert!(matches!(stopped, Err(TrainError::Interrupted { epoch: 17 })));
        let empty = tempfile::tempdir().unwrap();
        for (dir, note) in
            [(copy.path(), "resumed after epoch 14"), (&dir, "resumed after epoch 17"), (empty.path(), "starts afresh")]
        {
            let control = Control {
                checkpoint: Some(CheckpointOptions { dir: dir.into(), every: 5, resume: true }),
                ..Control::default()
            };
            let mut notes = String::new();
            let resumed = fit(&mut quartic(), &data, &o, &control, &mut |e| notes += &format!("{e:?}")).unwrap();
            assert_eq!(bits(&resumed), bits(&whole));
            assert!(notes.contains(note), "{note}");
            let refused =
                fit(&mut quartic(), &data, &TrainOptions { seed: 1, ..o.clone() }, &control, &mut |_| {}).unwrap_err();
            assert!(refused.to_string().contains("seed was 0 and is 1"), "{refused}");
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let data = mixture(1500, 10);
    let o = TrainOptions { epochs: 5, batch: 700, ..options(ObjectiveKind::Pcd) };
    let fits = [1, 2, 3].map(|n_threads| {
        fit(&mut quartic(), &data, &o, &Control { n_threads, ..Control::default() }, &mut |_| {}).unwrap()
    });
    assert_eq!(bits(&fits[0]), bits(&fits[1]));
    assert_eq!(bits(&fits[0]), bits(&fits[2]));
}

#[test]
fn absurd_rates_roll_back_and_then_stop() {
    let data = mixture(1000, 11);
    let absurd = TrainOptions { lr: 1e6, precondition: false, epochs: 10, ..options(ObjectiveKind::Pcd) };
    let mut rollbacks = 0;
    let mut energy = quartic();
    let error = fit(&mut energy, &data, &absurd, &Control::default(), &mut |e| {
        rollbacks += usize::from(matches!(e, TrainEvent::Rollback { .. }));
    })
    .unwrap_err();
    assert!(matches!(error, TrainError::Failed { n_rollbacks: 3, .. }), "{error}");
    assert_eq!(rollbacks, 3);
    // An unstable step size that halves into stability: the fit goes on and says what happened.
    let unstable =
        TrainOptions { sampler: Sampler::Ula, step_size: Some(0.25), epochs: 20, ..options(ObjectiveKind::Pcd) };
    let fitted = run(&mut quartic(), &data, &unstable);
    assert!(fitted.n_rollbacks > 0 && fitted.warnings.contains(&TrainWarning::RolledBack { n: fitted.n_rollbacks }));
}

#[test]
fn offsets_are_held_and_redundancies_reported() {
    let data = mixture(500, 12);
    for objective in [ObjectiveKind::Mle, ObjectiveKind::Pcd] {
        let mut energy = Formula::parse("a*x^2+exp(g)*x^4+c*x^2+k+exp(h)").unwrap();
        energy.set_param("k", 7.0).unwrap();
        let fitted = run(&mut energy, &data, &TrainOptions { epochs: 60, ..options(objective) });
        assert_eq!(fitted.theta_of("k"), Some(7.0));
        for (k, name) in fitted.theta_names.iter().enumerate() {
            let se = fitted.theta_std_err[k];
            assert_eq!(fitted.fixed[k], name == "k" || name == "h");
            match name.as_str() {
                "k" | "h" => assert!(se.is_nan()),
                "a" | "c" => assert_eq!(se, f64::INFINITY),
                _ => assert!(
                    se.is_finite() && se > 0.0,
                    "{objective:?} {name}: {se} {:?} {:?}",
                    fitted.theta,
                    fitted.theta_std_err
                ),
            }
        }
        assert!(fitted.warnings.iter().any(|w| matches!(w, TrainWarning::Redundant { names } if names == &["a", "c"])));
    }
}

#[test]
fn positive_parameters_agree_with_their_logarithms() {
    let data = mixture(2000, 13);
    let by_exp = run(&mut quartic(), &data, &options(ObjectiveKind::Mle));
    let mut energy = Formula::parse("a*x^2+b*x+c*x^4").unwrap();
    energy.set_theta(&[0.05, 0.0, 0.5]);
    let positive = run(&mut energy, &data, &TrainOptions { positive: vec!["c".into()], ..options(ObjectiveKind::Mle) });
    let c = by_exp.theta_of("g").unwrap().exp();
    assert!((positive.theta_of("c").unwrap() / c - 1.0).abs() < 1e-8);
    assert!((positive.theta_std_err[2] / (c * by_exp.theta_std_err[2]) - 1.0).abs() < 1e-6);
}

/// What is held fixed does not move, has no error, and makes no other parameter redundant.
#[test]
fn fixed_parameters_stay() {
    let data = mixture(500, 13);
    let variance = data.real.col(0).iter().map(|x| x * x).sum::<f64>() / 500.0;
    for objective in [ObjectiveKind::Mle, ObjectiveKind::Ism, ObjectiveKind::Pcd] {
        let mut energy = Formula::parse("a*c*x^2").unwrap();
        energy.set_theta(&[1.0, 0.125]);
        let o = TrainOptions {
            fixed: vec!["c".into()],
            epochs: 20,
            steps: Steps { first: 3, last: 3 },
            ..options(objective)
        };
        let fitted = run(&mut energy, &data, &o);
        assert_eq!((fitted.theta_of("c"), &fitted.fixed[..]), (Some(0.125), &[false, true][..]), "{objective:?}");
        assert!(fitted.theta_std_err[1].is_nan() && fitted.theta_std_err[0] > 0.0, "{:?}", fitted.theta_std_err);
        assert!(!fitted.warnings.iter().any(|w| matches!(w, TrainWarning::Redundant { .. })), "{:?}", fitted.warnings);
        if objective == ObjectiveKind::Mle {
            assert!((fitted.theta[0] * 0.125 * 2.0 * variance - 1.0).abs() < 1e-8, "{:?}", fitted.theta);
        }
    }
    let all = TrainOptions { fixed: vec!["a".into()], ..options(ObjectiveKind::Mle) };
    let refused = |o: &TrainOptions| {
        let mut energy = Formula::parse("a*x^2").unwrap();
        energy.set_theta(&[1.0]);
        fit(&mut energy, &data, o, &Control::default(), &mut |_| {}).unwrap_err()
    };
    assert!(matches!(refused(&all), TrainError::NoParameters));
    let unknown = TrainOptions { fixed: vec!["q".into()], ..all };
    assert!(matches!(refused(&unknown), TrainError::UnknownParameter { name, .. } if name == "q"));
}

/// E = r x on x > 0: the exponential distribution, rate 1 / mean, standard error rate / sqrt(n).
#[test]
fn bounded_supports() {
    let mut rng = Streams::new(14, Run::Data);
    let u = rng.uniforms(Purpose::Choice, 2000, 1).col(0).to_vec();
    let data = Points::from_real(Matrix::from_fn(2000, 1, |i, _| -0.5 * u[i].ln()));
    let truth = 2000.0 / data.real.col(0).iter().sum::<f64>();
    let bounds = vec![("x".into(), 0.0, f64::INFINITY)];
    let o = FormulaOptions { bounds, params: vec![("r".into(), 1.0)], ..Default::default() };
    let energy = || Formula::with_options("r*x", &o).unwrap();
    let mle = run(&mut energy(), &data, &options(ObjectiveKind::Mle));
    assert!((mle.theta[0] - truth).abs() < 1e-8);
    assert!((mle.theta_std_err[0] * 2000f64.sqrt() / truth - 1.0).abs() < 1e-6);
    let pcd = run(&mut energy(), &data, &options(ObjectiveKind::Pcd));
    let z = (pcd.theta[0] - truth) / pcd.theta_mcse.unwrap()[0];
    assert!(z.abs() < 4.0, "{z}");
    let refused = fit(&mut energy(), &data, &options(ObjectiveKind::Ism), &Control::default(), &mut |_| {});
    assert!(matches!(refused, Err(TrainError::NotApplicable { objective: "ism", .. })));
}

#[test]
fn impossible_fits_are_refused() {
    let data = mixture(100, 15);
    let mle = options(ObjectiveKind::Mle);
    let refuse = |text: &str, theta: &[f64], data: &Points, o: &TrainOptions| {
        let mut energy = Formula::parse(text).unwrap();
        energy.set_theta(theta);
        fit(&mut energy, data, o, &Control::default(), &mut |_| {}).unwrap_err()
    };
    let start = refuse("a*x^2", &[-1.0], &data, &mle);
    assert!(matches!(start, TrainError::Start { .. }) && start.hint().contains("--init"), "{start}");
    assert!(matches!(refuse("x^2+c", &[1.0], &data, &mle), TrainError::NoParameters));
    assert!(matches!(refuse("a*x1^2+x2^2", &[1.0], &data, &mle), TrainError::Dimension { got: 1, expected: 2 }));
    assert!(matches!(refuse("a*x^2", &[1.0], &data.rows(0, 1), &mle), TrainError::TooFewPoints { .. }));
    assert!(matches!(refuse("a*log(x)^2", &[1.0], &data, &mle), TrainError::DataEnergy { .. }));
    assert!(matches!(
        refuse("a*x^2", &[1.0], &data, &TrainOptions { lr: -1.0, ..mle.clone() }),
        TrainError::Option { option: "lr", .. }
    ));
    // All data at one point: the best precision is infinite.
    let error = refuse("0.5*exp(s)*(x-m)^2", &[0.0, 0.0], &Points::from_rows(&[[1.0]; 20]), &mle);
    assert!(matches!(error, TrainError::NotConverged { .. }), "{error}");
}

#[test]
fn validation_and_history() {
    let o = TrainOptions { valid: 0.2, epochs: 40, ..options(ObjectiveKind::Pcd) };
    let fitted = run(&mut quartic(), &mixture(1000, 16), &o);
    assert_eq!((fitted.n_train, fitted.valid.unwrap().n), (800, 200));
    let last = fitted.history.rows.last().unwrap();
    assert!(last.valid.is_finite() && last.valid_std_err > 0.0);
    let mut out = Vec::new();
    fitted.history.write_csv(&mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.lines().count(), 41);
    assert!(text.starts_with(
        "epoch,a,b,g,objective,energy_data,energy_samples,gap,accept_prob,step_size,lr,valid,valid_std_err\n"
    ));
    assert!(text.lines().all(|l| l.split(',').count() == 13));
}
