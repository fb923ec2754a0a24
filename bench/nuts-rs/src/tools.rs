//! One run of each tool: the same starting points, chains, draws and threads.

mod gibbsite_nuts;
mod nuts_rs_nuts;

pub use gibbsite_nuts::{Batch, run_gibbsite};
pub use nuts_rs_nuts::{Adaptation, run_nuts_rs};

/// Size of a run.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub n_chains: usize,
    pub n_draws: usize,
    pub n_threads: usize,
    /// Chains of a block of Gibbsite's; one block for each thread where none is given.
    pub block: Option<usize>,
}

/// Seconds of a phase.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seconds {
    pub wall: f64,
    /// Of all threads together.
    pub cpu: f64,
}

/// What a run did.
pub struct Run {
    pub warm_up: Seconds,
    pub draws: Seconds,
    /// Leapfrog steps of the draws.
    pub n_steps: u64,
    pub n_diverged: u64,
    /// Index `[coordinate][chain][draw]`.
    pub values: Vec<Vec<Vec<f64>>>,
}
