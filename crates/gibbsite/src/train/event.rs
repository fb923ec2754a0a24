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
    /// A contrastive training ended away from the maximum of the likelihood, as the exact fit from there says.
    #[error(
        "{name} is {off:+.3} from the maximum of the likelihood ({std_errs:.1} standard errors{}): {remedy}", in_mcses(*mcses)
    )]
    OffOptimum {
        /// The parameter.
        name: String,
        /// How far it is, measured by the exact fit.
        off: f64,
        /// The same in standard errors of the parameter.
        std_errs: f64,
        /// The same in the Monte-Carlo error that the iterates alone give (NaN where they give none).
        mcses: f64,
        /// What to do about it.
        remedy: &'static str,
    },
    /// As [`TrainWarning::OffOptimum`], known only from the gradient: how far is not known.
    #[error(
        "the gradient of the likelihood is {z:.1} times its standard error where the training ended, which the Monte-Carlo errors do not explain: {remedy}"
    )]
    OffScore {
        /// The score statistic `sqrt(n g' I^-1 g)`.
        z: f64,
        /// What to do about it.
        remedy: &'static str,
    },
    /// Chains that do not sample the model, however long the training is.
    #[error("{why}; {remedy}{}", if *measured { "" } else { "; theta_mcse does not know of it" })]
    Biased {
        /// The cause.
        why: &'static str,
        /// What to do about it.
        remedy: &'static str,
        /// Whether the exact fit measured the bias, so that the Monte-Carlo errors include it.
        measured: bool,
    },
    /// The averages cover too few relaxation times of the parameters.
    #[error(
        "the averages cover only {relaxations:.1} relaxation times of the parameters, so theta_mcse is widened: use more --epochs or a larger --lr"
    )]
    ShortWindow {
        /// How many.
        relaxations: f64,
    },
    /// Too few epochs for a Monte-Carlo error.
    #[error("{n} epochs give no Monte-Carlo error: at least {min} are needed")]
    FewEpochs {
        /// Epochs done.
        n: usize,
        /// Least number.
        min: usize,
    },
    /// Chains that hardly move.
    #[error("the chains accept only {accept_prob:.3} of their proposals: use a smaller --step-size")]
    LowAcceptance {
        /// Mean acceptance in the second half of the training.
        accept_prob: f64,
    },
    /// As many parameters as rows, or more.
    #[error("{n} rows do not determine {n_free} parameters: give more data or fewer parameters")]
    FewRows {
        /// Training rows.
        n: usize,
        /// Parameters that are learned.
        n_free: usize,
    },
    /// Held-out rows too few for an error.
    #[error(
        "{n} held-out row(s) give no error of the mean log-likelihood: at least 2 are needed, with a larger --valid or more data"
    )]
    FewHeldOut {
        /// Held-out rows.
        n: usize,
    },
    /// The budget of evaluations ended an exact fit early.
    #[error("the budget ended the fit {std_errs:.1e} standard errors before the optimum: give more --max-seconds")]
    OutOfBudget {
        /// How far the optimum is, by the Newton step that is left.
        std_errs: f64,
    },
    /// The data do not determine a parameter where the fit ended.
    #[error(
        "{name} is not determined where the fit ended: the likelihood is flat along it; drop its term, or start elsewhere with --init"
    )]
    Undetermined {
        /// The parameter.
        name: String,
    },
    /// The best value of a parameter is infinite, or at the bound that keeps it positive.
    #[error(
        "{name} is not determined: its best value lies at infinity (or at its bound), where its term vanishes; drop the term"
    )]
    AtInfinity {
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

fn in_mcses(mcses: f64) -> String {
    if mcses.is_nan() { String::new() } else { format!(", {mcses:.1} Monte-Carlo errors") }
}

/// Distance from the maximum of the likelihood at which a result is bad, in standard errors of the parameter ...
const OFF_STD_ERRS: f64 = 1.0;
/// ... if it is also above so many Monte-Carlo errors; above those alone it is worth a warning.
pub(super) const OFF_MCSES: f64 = 4.0;
/// Standard errors from the optimum at which a result of a spent budget is bad.
const OUT_OF_BUDGET: f64 = 0.1;
/// Score statistic at which a result is bad.
const OFF_SCORE: f64 = 10.0;

impl TrainWarning {
    /// Whether it says that this parameter is not determined.
    pub(super) fn is_about(&self, parameter: &str) -> bool {
        matches!(self, Self::Undetermined { name } | Self::AtInfinity { name } if name == parameter)
    }

    /// Whether the result should not be used as it is.
    pub fn is_bad(&self) -> bool {
        match self {
            // Not beyond dispute: within one standard error, or explained by the spread of the iterates.
            Self::OffOptimum { std_errs, mcses, .. } => {
                !(std_errs.abs() <= OFF_STD_ERRS) && !(mcses.abs() <= OFF_MCSES)
            }
            Self::OffScore { z, .. } => !(z.abs() <= OFF_SCORE),
            Self::Undetermined { .. } | Self::AtInfinity { .. } | Self::FewRows { .. } => true,
            Self::OutOfBudget { std_errs } => !(*std_errs <= OUT_OF_BUDGET),
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
