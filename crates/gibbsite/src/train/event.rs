//! What a training tells while it runs.

use super::error::Failure;
use super::history::Row;

/// What makes a result doubtful, or should be known about it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TrainWarning {
    /// A parameter that cancels.
    #[error("{name} only shifts the energy, which p(x) does not feel: it is held fixed at {value}")]
    Offset {
        /// The parameter.
        name: String,
        /// Where it is held.
        value: f64,
    },
    /// Parameters of which only a combination matters.
    #[error("{} are redundant: the data determine only a combination of them", names.join(", "))]
    Redundant {
        /// The parameters.
        names: Vec<String>,
    },
    /// A parameter has a trend in the second half of the training; the size of it is part of its Monte-Carlo error.
    #[error(
        "{name} still drifts: its mean moves by {moved:.3} ({z:.1} standard errors) from the third to the last quarter; train longer or with a larger --lr"
    )]
    Drift {
        /// The parameter.
        name: String,
        /// Change of its mean from the third quarter to the last.
        moved: f64,
        /// The same in standard errors.
        z: f64,
    },
    /// A contrastive training ended away from the maximum of the likelihood, as the exact gradient says.
    #[error(
        "{name} is {off:+.3} from the maximum of the likelihood ({std_errs:.1} standard errors), which its Monte-Carlo error does not explain: train longer, with more --steps, or start closer with --init"
    )]
    OffOptimum {
        /// The parameter.
        name: String,
        /// How far it is, by the Newton step that is left.
        off: f64,
        /// The same in standard errors of the parameter.
        std_errs: f64,
    },
    /// The data do not determine a parameter where the fit ended.
    #[error(
        "{name} is not determined where the fit ended: the likelihood is flat along it; start elsewhere with --init"
    )]
    Undetermined {
        /// The parameter.
        name: String,
    },
    /// The training had to be rolled back.
    #[error("{n} rollbacks: the learning rate and step size were halved each time")]
    RolledBack {
        /// How often.
        n: usize,
    },
    /// log Z is not exact, so there is no likelihood.
    #[error("no log-likelihood: {reason}")]
    NoLikelihood {
        /// Why.
        reason: String,
    },
    /// Standard errors are from samples.
    #[error("the standard errors are estimated from {n} samples")]
    SampledErrors {
        /// How many.
        n: usize,
    },
    /// A note on resuming.
    #[error("{0}")]
    Resume(String),
}

impl TrainWarning {
    /// Whether the result should not be used as it is.
    pub fn is_bad(&self) -> bool {
        match self {
            Self::OffOptimum { std_errs, .. } => !(std_errs.abs() < 10.0),
            Self::Undetermined { .. } => true,
            _ => false,
        }
    }
}

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub enum TrainEvent<'a> {
    /// The training starts, or goes on, after `epoch` epochs of `n_epochs`.
    Start {
        /// Epochs done before.
        epoch: usize,
        /// Epochs in all; for Newton's method the most iterations.
        n_epochs: usize,
    },
    /// An epoch, or an iteration of Newton's method, is done.
    Epoch {
        /// Its row of the history.
        row: &'a Row,
        /// Epochs in all.
        n_epochs: usize,
    },
    /// A guard failed; the training goes on from the last good state.
    Rollback {
        /// The epoch that failed, from 1.
        epoch: usize,
        /// What was seen.
        cause: &'a Failure,
        /// The learning rate from now on, before decay.
        lr: f64,
    },
    /// A warning.
    Warning(&'a TrainWarning),
    /// A checkpoint was written after `epoch` epochs.
    Checkpoint {
        /// Epochs done.
        epoch: usize,
    },
}

/// Where events go.
pub type OnEvent<'a> = &'a mut dyn FnMut(&TrainEvent);
