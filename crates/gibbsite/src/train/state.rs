//! Everything a contrastive training depends on between two epochs: one struct for snapshots, rollbacks and checkpoints.

use super::history::Row;
use super::optimizer::Optimizer;
use super::options::TrainOptions;

/// The state after some epochs.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Epochs done.
    pub epoch: usize,
    /// Updates done in all, failed ones included.
    pub n_updates: u64,
    /// Parameters.
    pub theta: Vec<f64>,
    /// Optimiser memory.
    pub optimizer: Optimizer,
    /// Positions of the chains.
    pub positions: Vec<f64>,
    /// Step counters of the chains.
    pub steps: Vec<u64>,
    /// Learning rate before decay.
    pub lr: f64,
    /// Step size of the chains.
    pub step_size: f64,
    /// Rollbacks so far.
    pub n_rollbacks: usize,
    /// Mean theta of every epoch, rows of `n_theta`.
    pub epoch_means: Vec<f64>,
    /// One row per epoch.
    pub rows: Vec<Row>,
}

impl State {
    /// Before the first epoch, without chains.
    pub fn new(theta: Vec<f64>, options: &TrainOptions, step_size: f64) -> Self {
        Self {
            epoch: 0,
            n_updates: 0,
            optimizer: Optimizer::new(options.optimizer, theta.len()),
            theta,
            positions: Vec::new(),
            steps: Vec::new(),
            lr: options.lr,
            step_size,
            n_rollbacks: 0,
            epoch_means: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Takes over what an epoch changes before it is known to be good; history and rates stay.
    pub fn copy_core(&mut self, from: &Self) {
        self.epoch = from.epoch;
        self.n_updates = from.n_updates;
        self.theta.clone_from(&from.theta);
        self.optimizer.m.clone_from(&from.optimizer.m);
        self.optimizer.v.clone_from(&from.optimizer.v);
        self.optimizer.t = from.optimizer.t;
        self.positions.clone_from(&from.positions);
        self.steps.clone_from(&from.steps);
    }
}
