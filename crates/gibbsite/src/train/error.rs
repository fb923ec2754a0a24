//! What can go wrong in a fit, with a remedy for each.

use std::path::PathBuf;

use thiserror::Error;

use crate::logz::LogZError;
use crate::objective::ObjectiveError;

/// What a guard saw.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Failure {
    /// A gradient, parameter or energy is NaN or infinite.
    #[error("{what} became non-finite at update {update}")]
    NonFinite {
        /// Which value.
        what: &'static str,
        /// Update, from 1.
        update: u64,
    },
    /// Chains diverge.
    #[error("{n_diverged} of {n} chain steps diverged")]
    Diverged {
        /// Divergent chain steps of the epoch.
        n_diverged: u64,
        /// Chain steps of the epoch.
        n: u64,
    },
    /// Chains hardly move.
    #[error("the chains accept only {accept_prob:.4} of their proposals")]
    Stuck {
        /// Mean acceptance of the epoch.
        accept_prob: f64,
    },
    /// Data are far above the samples in energy, and more so from epoch to epoch: the parameters were thrown too far.
    #[error(
        "the parameters run away: the data have mean energy {energy_data:.4}, the samples {energy_samples:.4}, and the gap grows"
    )]
    Overshot {
        /// Mean energy of the data.
        energy_data: f64,
        /// Mean energy of the samples.
        energy_samples: f64,
    },
    /// Samples are far above the data in energy: the chains have left.
    #[error("the samples have left the data: mean energy {energy_samples:.4} against {energy_data:.4}")]
    Runaway {
        /// Mean energy of the data.
        energy_data: f64,
        /// Mean energy of the samples.
        energy_samples: f64,
    },
}

/// Why there is no fit.
#[derive(Debug, Error)]
pub enum TrainError {
    /// Nothing to learn.
    #[error("the energy has no free parameters")]
    NoParameters,
    /// An option outside its range.
    #[error("{option} is {value}, but must be {must}")]
    Option {
        /// Its name.
        option: &'static str,
        /// What was given.
        value: String,
        /// What is possible.
        must: &'static str,
    },
    /// A name that is no parameter.
    #[error("there is no parameter {name}; the energy has {}", known.join(", "))]
    UnknownParameter {
        /// The name.
        name: String,
        /// All parameters.
        known: Vec<String>,
    },
    /// Data and energy differ in dimension.
    #[error("the data have {got} columns, the energy has {expected} coordinates")]
    Dimension {
        /// Columns of the data.
        got: usize,
        /// Coordinates of the energy.
        expected: usize,
    },
    /// Too few rows.
    #[error("{n} rows are left for training; at least {min} are needed")]
    TooFewPoints {
        /// Rows.
        n: usize,
        /// Least number.
        min: usize,
    },
    /// A data point where the energy is infinite or undefined.
    #[error("the energy of row {} of the data is {energy} at {point:?}", row + 1)]
    DataEnergy {
        /// Row, from 0.
        row: usize,
        /// The point.
        point: Vec<f64>,
        /// Its energy.
        energy: f64,
    },
    /// A data point on a bound of its support, where chains cannot be.
    #[error(
        "row {} of the data, {point:?}, lies on a bound of the support, where the chains of this objective cannot start", row + 1
    )]
    OnBound {
        /// Row, from 0.
        row: usize,
        /// The point.
        point: Vec<f64>,
    },
    /// The objective does not apply to this space.
    #[error("{objective} does not apply: {reason}")]
    NotApplicable {
        /// Its name.
        objective: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// The objective is not defined at the first theta.
    #[error("the fit cannot start: {source}")]
    Start {
        /// Why.
        source: ObjectiveError,
    },
    /// Newton's method did not reach an optimum.
    #[error(
        "no optimum after {n_iterations} iterations (decrement {decrement:.1e}); {parameter} = {theta} still moves"
    )]
    NotConverged {
        /// Iterations done.
        n_iterations: usize,
        /// Newton decrement reached.
        decrement: f64,
        /// The parameter that moves most.
        parameter: String,
        /// Its value.
        theta: f64,
    },
    /// Training failed again after every rollback.
    #[error(
        "training failed in epoch {epoch} after {n_rollbacks} rollbacks, each with half the learning rate and step size: {cause}"
    )]
    Failed {
        /// Epoch of the last failure, from 1.
        epoch: usize,
        /// Rollbacks done.
        n_rollbacks: usize,
        /// The last failure.
        cause: Failure,
    },
    /// The training ended at parameters that make no model.
    #[error("the training ended at parameters whose model cannot be normalised: {source}")]
    NotNormalizable {
        /// Why.
        source: LogZError,
    },
    /// The run was asked to stop.
    #[error("stopped after epoch {epoch}")]
    Interrupted {
        /// Epochs done.
        epoch: usize,
    },
    /// A checkpoint cannot be used.
    #[error("the checkpoint {} cannot be used: {reason}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Threads could not be started.
    #[error("cannot start {n_threads} threads: {reason}")]
    Threads {
        /// Threads asked for.
        n_threads: usize,
        /// The system's reason.
        reason: String,
    },
}

impl TrainError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoParameters => "write the constants to be learned as names, for instance a*x^2 + b*x",
            Self::Option { .. } => "change that option",
            Self::UnknownParameter { .. } => "check the spelling; parameters are the names that are no coordinates",
            Self::Dimension { .. } => "choose as many columns with --columns as the energy has coordinates",
            Self::TooFewPoints { .. } => "give more data, or a smaller --valid",
            Self::DataEnergy { .. } => "correct or remove that row, or widen --bounds",
            Self::OnBound { .. } => {
                "use --objective mle in up to 3 dimensions, move the bound a little outwards with --bounds, or remove such rows"
            }
            Self::NotApplicable { .. } => "use --objective mle in up to 3 dimensions, else pcd",
            Self::Start { source: ObjectiveError::LogZ(_) | ObjectiveError::Inaccurate { .. } } => {
                "start from parameters for which exp(-E) decays in every direction, with --init, or keep them there with --positive"
            }
            Self::Start { .. } => "start from other parameters with --init",
            Self::NotConverged { .. } => {
                "the data may not determine that parameter, or its best value may lie at infinity: fix it, drop its term, or start elsewhere with --init"
            }
            Self::Failed { cause: Failure::Stuck { .. }, .. } => "use a smaller --step-size or --lr",
            Self::Failed { cause: Failure::Diverged { .. }, .. } => {
                "use a smaller --step-size or --lr, or --sampler mala"
            }
            Self::Failed { cause: Failure::Runaway { .. }, .. } => {
                "use more --steps, a smaller --lr, or the start of a valid model with --init"
            }
            Self::Failed { .. } => "use a smaller --lr, or start from a valid model with --init",
            Self::NotNormalizable { .. } => {
                "use a smaller --lr, more --steps, or keep the leading coefficient positive with exp() or --positive"
            }
            Self::Interrupted { .. } => "continue with --resume and the same options",
            Self::Checkpoint { .. } => {
                "resume with the data and options the checkpoint was made with, or name an empty folder"
            }
            Self::Threads { .. } => "use --threads 1",
        }
    }
}
