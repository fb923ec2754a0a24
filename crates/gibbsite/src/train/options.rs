//! What can be chosen about a training.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use super::error::TrainError;
use super::optimizer::OptimizerKind;
use super::schedule::{Decay, Steps};

/// What is minimised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectiveKind {
    /// Exact maximum likelihood, in up to three dimensions.
    Mle,
    /// Contrastive divergence from the data.
    Cd,
    /// Persistent contrastive divergence.
    Pcd,
    /// Exact (Hyvarinen) score matching.
    Ism,
}

impl ObjectiveKind {
    /// Names as on the command line.
    pub const ALL: [(&'static str, Self); 4] =
        [("mle", Self::Mle), ("cd", Self::Cd), ("pcd", Self::Pcd), ("ism", Self::Ism)];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mle => "mle",
            Self::Cd => "cd",
            Self::Pcd => "pcd",
            Self::Ism => "ism",
        }
    }
}

/// The kernel of the chains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampler {
    /// Unadjusted Langevin: fast, with a bias of first order in the step size.
    Ula,
    /// Metropolis-adjusted Langevin: no bias.
    Mala,
}

/// Where persistent chains start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolStart {
    /// At data points, drawn with replacement.
    Data,
    /// At Gaussian noise with the mean and standard deviations of the data.
    Noise,
}

/// Everything that decides the result of a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrainOptions {
    /// What is minimised.
    pub objective: ObjectiveKind,
    /// Passes over the training data (contrastive objectives).
    pub epochs: usize,
    /// Data points of an update, and chains that it moves.
    pub batch: usize,
    /// Learning rate.
    pub lr: f64,
    /// Its decay.
    pub decay: Decay,
    /// First-order rule.
    pub optimizer: OptimizerKind,
    /// Whether the optimiser works in whitened parameters, in which the Fisher information is close to the identity.
    pub precondition: bool,
    /// Kernel of the chains.
    pub sampler: Sampler,
    /// Chain steps of an update.
    pub steps: Steps,
    /// Step size of the chains, in squared units of the data. `None`: in units of each column's variance, chosen
    /// so that MALA accepts 95 % of its proposals at the first theta; with MALA it then follows the acceptance
    /// during the first half of the training.
    pub step_size: Option<f64>,
    /// Persistent chains, rounded up to a multiple of `batch`; `None` means `batch`.
    pub pool: Option<usize>,
    /// Share of the moved chains that restart at data points in each update.
    pub restart: f64,
    /// Where persistent chains start.
    pub start: PoolStart,
    /// Share of the rows held out.
    pub valid: f64,
    /// Report the mean of the iterates of the second half (Polyak and Juditsky 1992) instead of the last one.
    pub average: bool,
    /// Names of parameters that are kept positive.
    pub positive: Vec<String>,
    /// Names of parameters that are held at the value they start with.
    pub fixed: Vec<String>,
    /// Seed of everything.
    pub seed: u64,
    /// Rollbacks before the training gives up.
    pub max_rollbacks: usize,
    /// Energy evaluations at the nodes of quadratures after which an exact fit stops with the best so far.
    pub max_evals: Option<u64>,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            objective: ObjectiveKind::Mle,
            epochs: 100,
            batch: 256,
            lr: 0.05,
            decay: Decay::Constant,
            optimizer: OptimizerKind::Sgd,
            precondition: true,
            sampler: Sampler::Mala,
            steps: Steps { first: 30, last: 30 },
            step_size: None,
            pool: None,
            restart: 0.0,
            start: PoolStart::Data,
            valid: 0.0,
            average: true,
            positive: Vec::new(),
            fixed: Vec::new(),
            seed: 0,
            max_rollbacks: 3,
            max_evals: None,
        }
    }
}

impl TrainOptions {
    /// Whether the step size of the chains follows their acceptance: for MALA, during the first half of the epochs.
    pub(super) fn follows_acceptance(&self) -> bool {
        self.step_size.is_none() && self.sampler == Sampler::Mala
    }

    /// A schedule that depends on the number of epochs, if there is one: such a training cannot be prolonged.
    pub(super) fn depends_on_epochs(&self) -> Option<&'static str> {
        if self.decay != Decay::Constant {
            Some("the decay of the learning rate")
        } else if self.steps.first != self.steps.last {
            Some("the number of chain steps")
        } else if self.follows_acceptance() {
            Some("the adaptation of the step size (a given --step-size has none)")
        } else {
            None
        }
    }

    /// # Errors
    /// [`TrainError::Option`] names the first option out of range.
    pub fn validate(&self) -> Result<(), TrainError> {
        let bad =
            |option, value: &dyn ToString, must| Err(TrainError::Option { option, value: value.to_string(), must });
        let positive = |v: f64| v > 0.0 && v.is_finite();
        if self.epochs == 0 {
            return bad("epochs", &self.epochs, "at least 1");
        }
        if self.batch == 0 {
            return bad("batch", &self.batch, "at least 1");
        }
        if !positive(self.lr) {
            return bad("lr", &self.lr, "positive and finite");
        }
        if self.steps.first == 0 || self.steps.last == 0 {
            return bad("steps", &self.steps.first.min(self.steps.last), "at least 1");
        }
        if let Some(e) = self.step_size.filter(|e| !positive(*e)) {
            return bad("step-size", &e, "positive and finite");
        }
        if let Some(pool) = self.pool.filter(|p| *p < self.batch) {
            return bad("pool", &pool, "at least the batch");
        }
        if !(0.0..=1.0).contains(&self.restart) {
            return bad("restart", &self.restart, "between 0 and 1");
        }
        if !(0.0..1.0).contains(&self.valid) {
            return bad("valid", &self.valid, "at least 0 and below 1");
        }
        Ok(())
    }
}

/// Epochs that a time budget stands for, by a fixed cost table: the same budget gives the same training on every machine.
///
/// A chain step is taken as 4 ns per coordinate and parameter, an update as 20 microseconds.
pub fn epochs_for(max_seconds: f64, n_data: usize, dim: usize, n_theta: usize, options: &TrainOptions) -> usize {
    let updates = n_data.div_ceil(options.batch) as f64;
    let steps = 0.5 * (options.steps.first + options.steps.last) as f64;
    let per_step = 4e-9 * (dim.max(1) * (1 + n_theta)) as f64;
    let epoch = updates * (2e-5 + options.batch as f64 * (steps + 2.0) * per_step);
    ((max_seconds / epoch) as usize).clamp(1, 10_000_000)
}

/// Where checkpoints go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointOptions {
    /// The folder; it is created.
    pub dir: PathBuf,
    /// Epochs between checkpoints.
    pub every: usize,
    /// Continue from the checkpoint in the folder, if there is one.
    pub resume: bool,
}

/// Energy evaluations that a time budget stands for in an exact fit, by a fixed cost table: a tenth of a microsecond each, and
/// a tenth of that more for each statistic.
pub fn evals_for(max_seconds: f64, n_theta: usize) -> u64 {
    (max_seconds / (1e-7 * (1.0 + 0.1 * n_theta as f64))).clamp(1.0, 1e15) as u64
}

/// Epochs by default: 100, or as many as it takes for the averaged half of the training to hold 80 relaxation times of the
/// whitened parameters (1 / lr updates each). Small data sets have few updates an epoch, so this costs little.
pub fn default_epochs(n_data: usize, options: &TrainOptions) -> usize {
    let per_epoch = n_data as f64 / options.batch.min(n_data.max(1)) as f64;
    let needed = 160.0 / (options.lr * per_epoch);
    (needed.ceil() as usize).clamp(100, 8000)
}

/// What does not change the result.
#[derive(Clone, Debug, Default)]
pub struct Control<'a> {
    /// Checkpoints, for objectives that train in epochs.
    pub checkpoint: Option<CheckpointOptions>,
    /// Set it to stop after the current epoch.
    pub stop: Option<&'a AtomicBool>,
    /// Threads; 0 and 1 mean the caller's.
    pub n_threads: usize,
}
