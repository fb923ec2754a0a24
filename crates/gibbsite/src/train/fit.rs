//! One call from an energy and data to parameters with errors.

use super::checkpoint::ProblemHash;
use super::error::TrainError;
use super::event::{OnEvent, TrainEvent, TrainWarning};
use super::history::{History, Row};
use super::identify::{column_sd, identify};
use super::mcse::{drift, mcse};
use super::newton::{NewtonOptions, minimise};
use super::options::{Control, ObjectiveKind, PoolStart, Sampler, TrainOptions};
use super::positive::Positive;
use super::split::split;
use super::state::State;
use super::std_err;
use super::stochastic::{Problem, batch_lengths, train};
use crate::energy::{Differentiable, Energy, Jet, Parametric, Transformed};
use crate::kernel::{Kernel, Mala, Tunable, Ula};
use crate::logz::{LogZError, Options, quadrature};
use crate::objective::reduce::sum;
use crate::objective::{Cd, FullBatch, Ism, Mle, Pcd};
use crate::points::{Matrix, Points};
use crate::rng::{Purpose, Run, Streams};

/// A mean log-likelihood, in nats per row and in the units of the data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogLikelihood {
    /// The mean over the rows.
    pub mean: f64,
    /// Its standard error, over rows like these.
    pub std_err: f64,
    /// Rows.
    pub n: usize,
}

/// A fit. All vectors have one element per parameter, in the units of the energy as the user wrote it.
#[derive(Clone, Debug)]
pub struct Fit {
    /// What was minimised.
    pub objective: ObjectiveKind,
    /// Parameter names.
    pub theta_names: Vec<String>,
    /// Parameters.
    pub theta: Vec<f64>,
    /// Standard errors from the Fisher information (for score matching the sandwich): NaN where a parameter is held fixed,
    /// infinite where it is not determined.
    pub theta_std_err: Vec<f64>,
    /// Standard errors that hold also if the model is wrong (sandwich); `None` for contrastive objectives.
    pub theta_std_err_robust: Option<Vec<f64>>,
    /// Monte-Carlo errors of contrastive training: the spread of the averaged (or last) iterates. `None` where exact.
    pub theta_mcse: Option<Vec<f64>>,
    /// Which parameters were held fixed because they only shift the energy.
    pub fixed: Vec<bool>,
    /// The objective at theta, for objectives with a value.
    pub objective_value: f64,
    /// Its gradient at theta, norm (with respect to the logarithms of positive parameters).
    pub grad_norm: f64,
    /// log Z and its error, where exact.
    pub log_z: Option<(f64, f64)>,
    /// Of the training rows, where log Z is exact.
    pub train: Option<LogLikelihood>,
    /// Of the held-out rows, where there are any and log Z is exact.
    pub valid: Option<LogLikelihood>,
    /// Training rows.
    pub n_train: usize,
    /// Epochs, or iterations of Newton's method.
    pub epochs: usize,
    /// Rollbacks.
    pub n_rollbacks: usize,
    /// The course of the training.
    pub history: History,
    /// What makes the result doubtful.
    pub warnings: Vec<TrainWarning>,
}

impl Fit {
    /// A parameter by name.
    pub fn theta_of(&self, name: &str) -> Option<f64> {
        self.theta_names.iter().position(|n| n == name).map(|k| self.theta[k])
    }
}

/// Fits the parameters of `energy` to `data`, starting at its parameters; the energy holds the result.
///
/// # Errors
/// [`TrainError`]; the energy then holds the last good parameters, which are no result.
pub fn fit<E: Jet + ?Sized>(
    energy: &mut E,
    data: &Points,
    options: &TrainOptions,
    control: &Control,
    on_event: OnEvent,
) -> Result<Fit, TrainError> {
    options.validate()?;
    let positive = positive_flags(energy, &options.positive)?;
    let (train_data, valid_data) = split(data, options.valid, options.seed);
    check_data(energy, &train_data)?;
    let mut energy = Positive::new(energy, positive);
    let energy = &mut energy;
    let names = energy.theta_names();
    let mut warnings = Vec::new();
    let free = find_free(energy, &train_data, &mut warnings);
    warnings.iter().for_each(|w| on_event(&TrainEvent::Warning(w)));
    if !free.contains(&true) {
        return Err(TrainError::NoParameters);
    }
    let n = train_data.n();
    let raw = match options.objective {
        ObjectiveKind::Mle => {
            let mut mle = Mle::new(&train_data);
            let mut raw = deterministic(&mut mle, energy, &free, on_event)?;
            raw.robust = Some(std_err::robust_mle(&mut mle, energy, &train_data, &free));
            raw
        }
        ObjectiveKind::Ism => {
            if !energy.space().is_unbounded() {
                let reason =
                    "score matching needs a density that vanishes smoothly at the ends of its support, so no bounds";
                return Err(TrainError::NotApplicable { objective: "ism", reason });
            }
            let mut ism = Ism::new(&train_data);
            let mut raw = deterministic(&mut ism, energy, &free, on_event)?;
            raw.robust = Some(std_err::score_matching(&mut ism, energy, n, &free));
            raw
        }
        ObjectiveKind::Cd | ObjectiveKind::Pcd => {
            contrastive_dispatch(energy, &train_data, &valid_data, &free, options, control, on_event)?
        }
    };
    energy.set_theta(&raw.phi);
    let mut log_z = None;
    let mut left = None;
    let fisher = match quadrature(energy, &Options::default()) {
        Ok(q) => {
            log_z = Some((q.log_z, q.error));
            left = std_err::step_left(energy, &q, &train_data, &free);
            Some(std_err::from_quadrature(energy, &q, &free, n))
        }
        Err(source) if !matches!(source, LogZError::Dimension { .. } | LogZError::Labels { .. }) => {
            return Err(TrainError::NotNormalizable { source });
        }
        Err(e) => {
            warnings.push(TrainWarning::NoLikelihood { reason: e.to_string() });
            raw.samples.as_ref().map(|x| {
                warnings.push(TrainWarning::SampledErrors { n: x.n() });
                std_err::from_samples(energy, x, &free, n)
            })
        }
    };
    let std_err = match (&raw.robust, fisher) {
        (Some(robust), _) if options.objective == ObjectiveKind::Ism => robust.clone(),
        (_, Some(fisher)) => fisher,
        (_, None) => vec![f64::NAN; free.len()],
    };
    warnings.extend(raw.warnings);
    warnings.extend(doubts(&names, &free, &std_err, left.as_deref(), raw.mcse.as_deref()));
    if raw.n_rollbacks > 0 {
        warnings.push(TrainWarning::RolledBack { n: raw.n_rollbacks });
    }
    let scale = |v: Vec<f64>| -> Vec<f64> { v.iter().zip(energy.slope()).map(|(v, s)| v * s).collect() };
    let likelihood = |x: &Points| log_z.filter(|_| x.n() > 0).map(|(z, _)| log_likelihood(energy, x, z));
    Ok(Fit {
        objective: options.objective,
        theta: energy.theta_of(&raw.phi),
        theta_std_err: scale(std_err),
        theta_std_err_robust: raw.robust.map(scale),
        theta_mcse: raw.mcse.map(scale),
        fixed: free.iter().map(|f| !f).collect(),
        objective_value: raw.value,
        grad_norm: raw.grad_norm,
        log_z,
        train: likelihood(&train_data),
        valid: likelihood(&valid_data),
        n_train: n,
        epochs: raw.rows.len(),
        n_rollbacks: raw.n_rollbacks,
        history: History { theta_names: names.clone(), rows: in_theta(raw.rows, energy) },
        theta_names: names,
        warnings,
    })
}

/// Parameters that are not determined and, for contrastive objectives, those that are further from the maximum of the
/// likelihood than their Monte-Carlo error explains.
fn doubts(
    names: &[String],
    free: &[bool],
    std_err: &[f64],
    left: Option<&[f64]>,
    mcse: Option<&[f64]>,
) -> Vec<TrainWarning> {
    let mut found = Vec::new();
    for k in (0..free.len()).filter(|&k| free[k]) {
        if std_err[k] == f64::INFINITY || std_err[k].is_nan() {
            found.push(TrainWarning::Undetermined { name: names[k].clone() });
        } else if let (Some(left), Some(mcse)) = (left, mcse)
            && !(left[k].abs() <= 4.0 * mcse[k] + 0.5 * std_err[k])
        {
            found.push(TrainWarning::OffOptimum {
                name: names[k].clone(),
                off: left[k],
                std_errs: left[k] / std_err[k],
            });
        }
    }
    found
}

/// A result in the coordinates phi of the optimiser.
struct Raw {
    phi: Vec<f64>,
    robust: Option<Vec<f64>>,
    mcse: Option<Vec<f64>>,
    samples: Option<Points>,
    value: f64,
    grad_norm: f64,
    n_rollbacks: usize,
    rows: Vec<Row>,
    warnings: Vec<TrainWarning>,
}

fn deterministic<E: Parametric + ?Sized, O: FullBatch<E>>(
    objective: &mut O,
    energy: &mut E,
    free: &[bool],
    on_event: OnEvent,
) -> Result<Raw, TrainError> {
    let options = NewtonOptions::default();
    let mut rows = Vec::new();
    on_event(&TrainEvent::Start { epoch: 0, n_epochs: options.max_iterations });
    let minimum = minimise(objective, energy, free, &options, &mut |i| {
        let row = Row {
            epoch: i.iteration,
            theta: i.theta.to_vec(),
            objective: i.value,
            energy_data: i.energies.0,
            energy_samples: i.energies.1,
            accept_prob: f64::NAN,
            step_size: f64::NAN,
            lr: f64::NAN,
            valid: f64::NAN,
            valid_std_err: f64::NAN,
        };
        on_event(&TrainEvent::Epoch { row: &row, n_epochs: options.max_iterations });
        rows.push(row);
    })?;
    let mut phi = vec![0.0; energy.n_theta()];
    energy.read_theta(&mut phi);
    let grad_norm = minimum.grad.iter().map(|g| g * g).sum::<f64>().sqrt();
    Ok(Raw {
        phi,
        robust: None,
        mcse: None,
        samples: None,
        value: minimum.value,
        grad_norm,
        n_rollbacks: 0,
        rows,
        warnings: Vec::new(),
    })
}

/// Bounded supports train in unconstrained coordinates u: dE'/dtheta at u is dE/dtheta at x(u).
fn contrastive_dispatch<E: Parametric + Differentiable>(
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
    let mut outer = Transformed::new(ByMut(energy));
    let u = outer.to_outer(data);
    check_data(&outer, &u)?;
    let mut raw = contrastive(&mut outer, &u, free, options, control, &mut |e| likelihood(e.inner().0), on_event)?;
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
    let scale = if options.step_size.is_none() { column_sd(data) } else { Vec::new() };
    let step_size =
        if options.step_size.is_none() { first_step_size(energy, data, &scale, options, step_size) } else { step_size };
    match options.sampler {
        Sampler::Ula => with_kernel(Ula { step_size, scale }, energy, data, free, options, control, valid, on_event),
        Sampler::Mala => with_kernel(Mala { step_size, scale }, energy, data, free, options, control, valid, on_event),
    }
}

/// Halves the step size until MALA accepts 95 % of its proposals at the data, under the first theta. For ULA
/// half of that: its bias is of first order in the step size.
fn first_step_size<E: Differentiable>(
    energy: &E,
    data: &Points,
    scale: &[f64],
    options: &TrainOptions,
    start: f64,
) -> f64 {
    let mut rng = Streams::new(options.seed, Run::WarmUp);
    let mut mala = Mala { step_size: start, scale: scale.to_vec() };
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
    let problem = Problem { data, free, hash: problem_hash(energy, data, free, options), options, control };
    let step_size = kernel.step_size();
    let (state, samples) = if options.objective == ObjectiveKind::Cd {
        let batches: Vec<Points> =
            batch_lengths(data.n(), options.batch).into_iter().map(|n| data.rows(0, n)).collect();
        let mut cd = Cd::new(kernel, energy, &batches.iter().collect::<Vec<_>>(), &streams, threads);
        (
            train(energy, &mut cd, &problem, step_size, valid, on_event)?,
            crate::objective::Contrastive::<E>::samples(&cd),
        )
    } else {
        let n_pool = options.pool.unwrap_or(options.batch).next_multiple_of(options.batch);
        let start = pool_start(data, n_pool, options);
        let mut pcd = Pcd::new(kernel, energy, &start, options.batch, options.restart, data, &streams, threads);
        (
            train(energy, &mut pcd, &problem, step_size, valid, on_event)?,
            crate::objective::Contrastive::<E>::samples(&pcd),
        )
    };
    Ok(summarise(energy, state, samples, free, options.average))
}

/// Drift, in standard errors, above which a training counts as unfinished.
const MAX_DRIFT: f64 = 4.0;

/// Averages, their Monte-Carlo errors, and whether they still drift.
fn summarise<E: Parametric>(energy: &E, state: State, samples: Points, free: &[bool], average: bool) -> Raw {
    let p = free.len();
    let n = state.epoch;
    let half = n / 2;
    let mut phi = state.theta.clone();
    let mut errors = vec![f64::NAN; p];
    let mut warnings = Vec::new();
    for k in (0..p).filter(|&k| free[k]) {
        let series: Vec<f64> = (half..n).map(|e| state.epoch_means[e * p + k]).collect();
        let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
        errors[k] = mcse(&series);
        let (moved, z) = drift(&series);
        if z.abs() > MAX_DRIFT {
            errors[k] = errors[k].hypot(moved);
            warnings.push(TrainWarning::Drift { name: energy.theta_names()[k].clone(), moved, z });
        }
        if average {
            phi[k] = mean(&series);
        } else {
            let ends: Vec<f64> = state.rows[half..].iter().map(|r| r.theta[k]).collect();
            let m = mean(&ends);
            let last = (ends.iter().map(|v| (v - m).powi(2)).sum::<f64>() / (ends.len() as f64 - 1.0)).sqrt();
            errors[k] = errors[k].max(last);
        }
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
        warnings,
    }
}

fn in_theta<E: Parametric + ?Sized>(mut rows: Vec<Row>, energy: &Positive<E>) -> Vec<Row> {
    rows.iter_mut().for_each(|r| r.theta = energy.theta_of(&r.theta));
    rows
}

fn positive_flags<E: Parametric + ?Sized>(energy: &E, positive: &[String]) -> Result<Vec<bool>, TrainError> {
    let known = energy.theta_names();
    let mut theta = vec![0.0; known.len()];
    energy.read_theta(&mut theta);
    let mut flags = vec![false; known.len()];
    for name in positive {
        let Some(k) = known.iter().position(|n| n == name) else {
            return Err(TrainError::UnknownParameter { name: name.clone(), known });
        };
        if theta[k] <= 0.0 || theta[k].is_nan() {
            let value = format!("{name} = {}", theta[k]);
            return Err(TrainError::Option {
                option: "init",
                value,
                must: "positive for a parameter that is kept positive",
            });
        }
        flags[k] = true;
    }
    Ok(flags)
}

fn check_data<E: Energy + ?Sized>(energy: &E, data: &Points) -> Result<(), TrainError> {
    let (got, expected) = (data.dim(), energy.space().dim());
    if got != expected {
        return Err(TrainError::Dimension { got, expected });
    }
    if data.n() < 2 {
        return Err(TrainError::TooFewPoints { n: data.n(), min: 2 });
    }
    let mut e = vec![0.0; data.n()];
    energy.energy(data, &mut e);
    match e.iter().position(|e| !e.is_finite()) {
        Some(row) => Err(TrainError::DataEnergy { row, point: data.real.row(row), energy: e[row] }),
        None => Ok(()),
    }
}

fn find_free<E: Parametric + ?Sized>(energy: &mut E, data: &Points, warnings: &mut Vec<TrainWarning>) -> Vec<bool> {
    let names = energy.theta_names();
    let mut theta = vec![0.0; names.len()];
    energy.read_theta(&mut theta);
    let found = identify(energy, data);
    let mut free = vec![true; names.len()];
    for k in found.offsets {
        free[k] = false;
        warnings.push(TrainWarning::Offset { name: names[k].clone(), value: theta[k] });
    }
    for group in found.redundant {
        warnings.push(TrainWarning::Redundant { names: group.into_iter().map(|k| names[k].clone()).collect() });
    }
    free
}

/// Mean of `-E - log Z` over the rows, with its standard error.
pub fn log_likelihood<E: Energy + ?Sized>(energy: &E, x: &Points, log_z: f64) -> LogLikelihood {
    let n = x.n();
    let mut e = vec![0.0; n];
    energy.energy(x, &mut e);
    let mean = sum(&e) / n as f64;
    let var = e.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / (n as f64 - 1.0);
    LogLikelihood { mean: -mean - log_z, std_err: (var / n as f64).sqrt(), n }
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

/// Data, energy (by its names and values) and options.
fn problem_hash<E: Parametric>(energy: &E, data: &Points, free: &[bool], options: &TrainOptions) -> u64 {
    let mut hash = ProblemHash::default();
    hash.bytes(format!("{options:?}|{:?}|{:?}|{free:?}|{}", energy.theta_names(), energy.space(), data.n()).as_bytes());
    hash.numbers(data.real.as_slice());
    let mut theta = vec![0.0; free.len()];
    energy.read_theta(&mut theta);
    hash.numbers(&theta);
    let probe = data.rows(0, data.n().min(64));
    let mut e = vec![0.0; probe.n()];
    energy.energy(&probe, &mut e);
    hash.numbers(&e);
    // Terms that vanish at theta still show in dE/dtheta.
    let mut features = Matrix::new(probe.n(), theta.len());
    energy.theta_features(&probe, &mut features);
    hash.numbers(features.as_slice());
    hash.finish()
}

/// A mutable borrow as an energy, so that a composite can hold it.
struct ByMut<'a, E: ?Sized>(&'a mut E);

impl<E: Energy + ?Sized> Energy for ByMut<'_, E> {
    fn space(&self) -> &crate::points::Space {
        self.0.space()
    }
    fn energy(&self, x: &Points, out: &mut [f64]) {
        self.0.energy(x, out);
    }
    fn version(&self) -> u64 {
        self.0.version()
    }
}

impl<E: Differentiable + ?Sized> Differentiable for ByMut<'_, E> {
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        self.0.energy_grad(x, e, grad);
    }
}

impl<E: Parametric + ?Sized> Parametric for ByMut<'_, E> {
    fn n_theta(&self) -> usize {
        self.0.n_theta()
    }
    fn theta_names(&self) -> Vec<String> {
        self.0.theta_names()
    }
    fn read_theta(&self, out: &mut [f64]) {
        self.0.read_theta(out);
    }
    fn set_theta(&mut self, theta: &[f64]) {
        self.0.set_theta(theta);
    }
    fn grad_theta(&self, x: &Points, w: &[f64], out: &mut [f64]) {
        self.0.grad_theta(x, w, out);
    }
    fn theta_features(&self, x: &Points, out: &mut Matrix<f64>) {
        self.0.theta_features(x, out);
    }
}
