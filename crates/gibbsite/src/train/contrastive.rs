//! Contrastive fits: the chains' kernel, their first step size and places, the loop, and averages with Monte-Carlo errors.

use super::checkpoint::{Identity, ProblemHash};
use super::error::TrainError;
use super::event::{OnEvent, TrainWarning};
use super::fit::{Raw, Stopped};
use super::identify::column_sd;
use super::likelihood::log_likelihood;
use super::mcse::{MIN_LENGTH, drift};
use super::options::{Control, ObjectiveKind, PoolStart, Sampler, TrainOptions};
use super::precondition::Whiten;
use super::relaxation::{ENOUGH, Response, Window};
use super::state::State;
use super::std_err::{feature_covariance, held};
use super::stochastic::{Problem, batch_lengths, train};
use crate::energy::{Differentiable, Parametric, Transformed};
use crate::kernel::{Kernel, Mala, Metric, Tunable, Ula};
use crate::logz::{Options, quadrature};
use crate::objective::reduce::sum;
use crate::objective::{Cd, Contrastive, Pcd};
use crate::points::{Matrix, Points};
use crate::rng::{Purpose, Run, Streams};

/// Bounded supports train in unconstrained coordinates u: dE'/dtheta at u is dE/dtheta at x(u).
pub(super) fn train_with_chains<E: Parametric + Differentiable>(
    energy: &mut E,
    data: &Points,
    valid: &Points,
    free: &[bool],
    options: &TrainOptions,
    control: &Control,
    on_event: OnEvent,
) -> Result<Raw, TrainError> {
    let likelihood = |e: &E| {
        if valid.n() == 0 {
            return (f64::NAN, f64::NAN);
        }
        let fit = quadrature(e, &Options { tol: Some(1e-7) }).map(|q| log_likelihood(e, valid, q.log_z));
        fit.map_or((f64::NAN, f64::NAN), |l| (l.mean, l.std_err))
    };
    if energy.space().is_unbounded() {
        return contrastive(energy, data, free, options, control, &mut |e| likelihood(e), on_event);
    }
    let mut outer = Transformed::new(energy);
    let u = outer.to_outer(data);
    let mut raw = contrastive(&mut outer, &u, free, options, control, &mut |e| likelihood(e.inner()), on_event)?;
    raw.samples = raw.samples.map(|u| outer.to_inner(&u));
    Ok(raw)
}

fn contrastive<E: Parametric + Differentiable>(
    energy: &mut E,
    data: &Points,
    free: &[bool],
    options: &TrainOptions,
    control: &Control,
    valid: &mut dyn FnMut(&E) -> (f64, f64),
    on_event: OnEvent,
) -> Result<Raw, TrainError> {
    let step_size = options.step_size.unwrap_or(0.05);
    let metric = Metric::diagonal(if options.step_size.is_none() { column_sd(data) } else { Vec::new() });
    let step_size = if options.step_size.is_none() {
        first_step_size(energy, data, &metric, options, step_size)
    } else {
        step_size
    };
    match options.sampler {
        Sampler::Ula => with_kernel(Ula { step_size, metric }, energy, data, free, options, control, valid, on_event),
        Sampler::Mala => with_kernel(Mala { step_size, metric }, energy, data, free, options, control, valid, on_event),
    }
}

/// Halves the step size until MALA accepts 95 % of its proposals at the data, under the first theta. For ULA
/// half of that: its bias is of first order in the step size.
fn first_step_size<E: Differentiable>(
    energy: &E,
    data: &Points,
    metric: &Metric,
    options: &TrainOptions,
    start: f64,
) -> f64 {
    let mut rng = Streams::new(options.seed, Run::WarmUp);
    let mut mala = Mala { step_size: start, metric: metric.clone() };
    let x = data.rows(0, data.n().min(options.batch));
    for _ in 0..40 {
        let mut state = mala.init(energy, x.clone());
        let info = Kernel::<E>::step(&mala, energy, &mut state, &mut rng);
        rng.advance();
        if info.accept_prob() >= 0.95 {
            break;
        }
        mala.step_size *= 0.5;
    }
    if options.sampler == Sampler::Ula { 0.5 * mala.step_size } else { mala.step_size }
}

fn with_kernel<E: Parametric + Differentiable, K: Kernel<E> + Tunable>(
    kernel: K,
    energy: &mut E,
    data: &Points,
    free: &[bool],
    options: &TrainOptions,
    control: &Control,
    valid: &mut dyn FnMut(&E) -> (f64, f64),
    on_event: OnEvent,
) -> Result<Raw, TrainError> {
    let threads = thread_pool(control.n_threads)?;
    let threads = threads.as_ref();
    let streams = Streams::new(options.seed, Run::Train);
    let problem = Problem { data, free, identity: identity(energy, data, free, options), options, control };
    let step_size = kernel.step_size();
    let (state, samples) = if options.objective == ObjectiveKind::Cd {
        let batches: Vec<Points> =
            batch_lengths(data.n(), options.batch).into_iter().map(|n| data.rows(0, n)).collect();
        let mut cd = Cd::new(kernel, energy, &batches.iter().collect::<Vec<_>>(), &streams, threads);
        (train(energy, &mut cd, &problem, step_size, valid, on_event)?, Contrastive::<E>::samples(&cd))
    } else {
        let n_pool = options.pool.unwrap_or(options.batch).next_multiple_of(options.batch);
        let start = pool_start(data, n_pool, options);
        let mut pcd = Pcd::new(kernel, energy, &start, options.batch, options.restart, data, &streams, threads);
        (train(energy, &mut pcd, &problem, step_size, valid, on_event)?, Contrastive::<E>::samples(&pcd))
    };
    Ok(summarise(energy, state, samples, data.n(), free, options))
}

/// Drift, in standard errors, above which a training counts as unfinished.
const MAX_DRIFT: f64 = 4.0;
/// Mean acceptance below which the step size is too large.
const LOW_ACCEPT: f64 = 0.4;

/// How updates answer to gradients at the end of the training.
fn response<E: Parametric>(
    energy: &E,
    state: &State,
    samples: &Points,
    free: &[bool],
    options: &TrainOptions,
) -> Response {
    if options.precondition && Whiten::new(free.len(), samples.n()).is_some() {
        return Response::Whitened;
    }
    Response::Coordinates {
        step: state.optimizer.step_per_gradient(),
        information: held(feature_covariance(energy, samples), free),
    }
}

/// Averages, their Monte-Carlo errors, and whether they still drift.
fn summarise<E: Parametric>(
    energy: &mut E,
    state: State,
    samples: Points,
    n_data: usize,
    free: &[bool],
    options: &TrainOptions,
) -> Raw {
    let p = free.len();
    let names = energy.theta_names();
    let window = Window::of(&state.rows, n_data as f64 / options.batch.min(n_data) as f64);
    let first = window.first;
    energy.set_theta(&state.theta);
    let response = response(energy, &state, &samples, free, options);
    let relaxations = window.lr * response.slowest();
    let start = &state.rows[first.saturating_sub(1)].theta;
    let moved: Vec<f64> = state.theta.iter().zip(start).map(|(end, start)| end - start).collect();
    let to_go = response.to_go(&moved, window.lr);
    let mut phi = state.theta.clone();
    let mut errors = vec![f64::NAN; p];
    let mut warnings = Vec::new();
    let n = state.rows.len() - first;
    if n < MIN_LENGTH {
        warnings.push(TrainWarning::FewEpochs { n: state.epoch, min: 2 * MIN_LENGTH });
    } else if !(relaxations >= ENOUGH) {
        warnings.push(TrainWarning::ShortWindow { relaxations });
    }
    for k in (0..p).filter(|&k| free[k]) {
        let series: Vec<f64> = (first..state.epoch).map(|e| state.epoch_means[e * p + k]).collect();
        errors[k] = window.mcse(&series, relaxations).hypot(to_go[k]);
        let (moved, z) = drift(&window.evenly(&series));
        if z.abs() > MAX_DRIFT {
            errors[k] = errors[k].hypot(moved);
            warnings.push(TrainWarning::Drift { name: names[k].clone(), moved, z });
        }
        if options.average {
            phi[k] = window.mean(&series);
        } else {
            let ends: Vec<f64> = state.rows[first..].iter().map(|r| r.theta[k]).collect();
            let spread = window.sd(&ends) * (n as f64 / (n as f64 - 1.0)).sqrt();
            errors[k] = errors[k].max(spread);
        }
    }
    let accept_prob = state.rows[first..].iter().map(|r| r.accept_prob).sum::<f64>() / n as f64;
    if accept_prob < LOW_ACCEPT {
        warnings.push(TrainWarning::LowAcceptance { accept_prob });
    }
    Raw {
        phi,
        robust: None,
        mcse: Some(errors),
        samples: Some(samples),
        value: f64::NAN,
        grad_norm: f64::NAN,
        n_rollbacks: state.n_rollbacks,
        rows: state.rows,
        stopped: Stopped::Epochs,
        warnings,
    }
}

fn pool_start(data: &Points, n: usize, options: &TrainOptions) -> Points {
    let mut streams = Streams::new(options.seed, Run::Train);
    match options.start {
        PoolStart::Data => {
            let u = streams.uniforms(Purpose::Init, n, 1);
            let rows: Vec<usize> =
                u.col(0).iter().map(|u| ((u * data.n() as f64) as usize).min(data.n() - 1)).collect();
            data.select(&rows)
        }
        PoolStart::Noise => {
            let sd = column_sd(data);
            let xi = streams.normals(Purpose::Init, n, data.dim());
            let mean: Vec<f64> = (0..data.dim()).map(|j| sum(data.real.col(j)) / data.n() as f64).collect();
            Points::from_real(Matrix::from_fn(n, data.dim(), |i, j| mean[j] + sd[j] * f64::from(xi.col(j)[i])))
        }
    }
}

fn thread_pool(n_threads: usize) -> Result<Option<rayon::ThreadPool>, TrainError> {
    if n_threads < 2 {
        return Ok(None);
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build();
    pool.map(Some).map_err(|e| TrainError::Threads { n_threads, reason: e.to_string() })
}

/// What a checkpoint must have been made with.
fn identity<E: Parametric>(energy: &E, data: &Points, free: &[bool], options: &TrainOptions) -> Identity {
    let mut of_data = ProblemHash::default();
    of_data.bytes(format!("{}|{}", data.n(), data.dim()).as_bytes());
    of_data.numbers(data.real.as_slice());
    let mut of_energy = ProblemHash::default();
    of_energy.bytes(format!("{:?}|{:?}|{free:?}", energy.theta_names(), energy.space()).as_bytes());
    let probe = data.rows(0, data.n().min(64));
    let mut e = vec![0.0; probe.n()];
    energy.energy(&probe, &mut e);
    of_energy.numbers(&e);
    // Terms that vanish at theta still show in dE/dtheta.
    let mut features = Matrix::new(probe.n(), free.len());
    energy.theta_features(&probe, &mut features);
    of_energy.numbers(features.as_slice());
    let mut theta = vec![0.0; free.len()];
    energy.read_theta(&mut theta);
    let mut of_start = ProblemHash::default();
    of_start.numbers(&theta);
    Identity { data: of_data.finish(), energy: of_energy.finish(), start: of_start.finish(), options: options.clone() }
}
