//! One call from an energy and data to parameters with errors.

use super::contrastive::train_with_chains;
use super::determined::undetermined;
use super::distance::{Distance, biases, distance, judge};
use super::error::TrainError;
use super::event::{OnEvent, TrainEvent, TrainWarning};
use super::history::{History, Row};
use super::likelihood::{LogLikelihood, log_likelihood};
use super::newton::{NewtonOptions, minimise};
use super::options::{Control, ObjectiveKind, TrainOptions};
use super::positive::Positive;
use super::prepare::{check_data, check_inside, find_free, positive_flags};
use super::split::split;
use super::std_err;
use crate::energy::{Energy, Jet, Parametric};
use crate::logz::{LogZError, Options};
use crate::objective::{FullBatch, Ism, Mle};
use crate::points::Points;

/// Why a fit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Newton's method is at the optimum.
    Converged,
    /// All epochs are done.
    Epochs,
    /// The budget of evaluations is spent ([`TrainOptions::max_evals`]): the result is the best so far.
    Budget,
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
    /// Why it ended.
    pub stopped: Stopped,
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
    check_data(energy, data)?;
    let chains = matches!(options.objective, ObjectiveKind::Cd | ObjectiveKind::Pcd);
    if chains {
        check_inside(energy, data)?;
    }
    let (train_data, valid_data) = split(data, options.valid, options.seed);
    let n = train_data.n();
    if n < 2 {
        return Err(TrainError::TooFewPoints { n, min: 2 });
    }
    let mut energy = Positive::new(energy, positive);
    let energy = &mut energy;
    let names = energy.theta_names();
    let mut warnings = Vec::new();
    let free = find_free(energy, &train_data, &options.fixed, &mut warnings)?;
    warnings.iter().for_each(|w| on_event(&TrainEvent::Warning(w)));
    let n_free = free.iter().filter(|f| **f).count();
    if n_free == 0 {
        return Err(TrainError::NoParameters);
    }
    if n <= n_free {
        warnings.push(TrainWarning::FewRows { n, n_free });
    }
    if valid_data.n() == 1 {
        warnings.push(TrainWarning::FewHeldOut { n: 1 });
    }
    let mut raw = match options.objective {
        ObjectiveKind::Mle => {
            let mut mle = Mle::new(&train_data).with_budget(options.max_evals);
            deterministic(&mut mle, energy, &free, on_event)?
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
            train_with_chains(energy, &train_data, &valid_data, &free, options, control, on_event)?
        }
    };
    energy.set_theta(&raw.phi);
    let mut log_z = None;
    let mut way = None;
    let fisher = match Mle::new(&train_data).integrate(energy, &Options::default()) {
        Ok(q) => {
            log_z = Some((q.log_z, q.error));
            way = chains.then(|| distance(energy, &q, &train_data, &free));
            let fisher = std_err::from_quadrature(energy, &q, &free, n);
            if options.objective == ObjectiveKind::Mle {
                raw.robust = Some(std_err::robust_mle(energy, q, &train_data, &free));
            }
            Some(fisher)
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
    let doubts = undetermined(energy, &train_data, fisher.as_deref(), &free);
    let mut std_err = match (&raw.robust, fisher) {
        (Some(robust), _) if options.objective == ObjectiveKind::Ism => robust.clone(),
        (_, Some(fisher)) => fisher,
        (_, None) => vec![f64::NAN; free.len()],
    };
    // A sandwich, or the error of a coefficient at its bound, may look confident where nothing is known.
    for k in (0..free.len()).filter(|&k| doubts.iter().any(|w| w.is_about(&names[k]))) {
        std_err[k] = f64::INFINITY;
        raw.robust.iter_mut().for_each(|robust| robust[k] = f64::INFINITY);
    }
    if chains {
        warnings.extend(biases(options, matches!(way, Some(Distance::Walked(_)))));
    }
    let off = way.map_or_else(Vec::new, |way| judge(&mut raw, &way, &std_err, &names, energy.slope(), options));
    warnings.append(&mut raw.warnings);
    warnings.extend(doubts);
    warnings.extend(off);
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
        stopped: raw.stopped,
        n_rollbacks: raw.n_rollbacks,
        history: History { theta_names: names.clone(), rows: in_theta(raw.rows, energy) },
        theta_names: names,
        warnings,
    })
}

/// A result in the coordinates phi of the optimiser.
pub(super) struct Raw {
    pub(super) phi: Vec<f64>,
    pub(super) robust: Option<Vec<f64>>,
    pub(super) mcse: Option<Vec<f64>>,
    pub(super) samples: Option<Points>,
    pub(super) value: f64,
    pub(super) grad_norm: f64,
    pub(super) n_rollbacks: usize,
    pub(super) rows: Vec<Row>,
    pub(super) stopped: Stopped,
    pub(super) warnings: Vec<TrainWarning>,
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
        stopped: if minimum.stopped { Stopped::Budget } else { Stopped::Converged },
        warnings: minimum
            .stopped
            .then(|| TrainWarning::OutOfBudget { std_errs: minimum.decrement * (objective.data().n() as f64).sqrt() })
            .into_iter()
            .collect(),
    })
}

fn in_theta<E: Parametric + ?Sized>(mut rows: Vec<Row>, energy: &Positive<E>) -> Vec<Row> {
    rows.iter_mut().for_each(|r| r.theta = energy.theta_of(&r.theta));
    rows
}
