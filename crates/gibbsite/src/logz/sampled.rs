//! log Z of an energy that can only be sampled: one ladder of tempered chains warms up, and estimators of two families go on
//! from it, each until its error is small enough.
//!
//! **Annealed** ([`Annealing`], [`Populations`]): fresh walkers from the reference along a path that is fixed. Unbiased for Z, so
//! that they tend to be too low in log Z where they are poor, and bound it from below.
//! **Along the ladder** ([`Ladders`]): bridges or thermodynamic integration between tempered chains in equilibrium.
//!
//! Both start from the same reference and kernels; all random numbers are their own.

mod annealing;
mod cross_check;
mod gathered;
mod ladders;
mod pilot;
mod populations;
mod refine;

pub use annealing::Annealing;
pub use cross_check::{CrossChecked, cross_check};
pub use ladders::{Along, Ladders};
pub use pilot::{Pilot, Timely};
pub use populations::Populations;
pub use refine::{Stop, budget, refine};

use super::{LogZ, LogZError};
use crate::run::Progress;
use crate::run::saved::{Saved, SavedError};

/// Where states are kept between rounds, so that work that was interrupted goes on.
pub trait Keep {
    /// What was kept under that name, if anything was.
    ///
    /// # Errors
    /// [`LogZError::Checkpoint`].
    fn load(&mut self, name: &str) -> Result<Option<Saved>, LogZError>;

    /// Keeps a state in place of the one before.
    ///
    /// # Errors
    /// [`LogZError::Checkpoint`].
    fn store(&mut self, name: &str, saved: &Saved) -> Result<(), LogZError>;
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Forget;

impl Keep for Forget {
    fn load(&mut self, _: &str) -> Result<Option<Saved>, LogZError> {
        Ok(None)
    }

    fn store(&mut self, _: &str, _: &Saved) -> Result<(), LogZError> {
        Ok(())
    }
}

/// Why an error is not to be believed.
#[derive(Clone, Debug, PartialEq)]
pub struct Doubt {
    /// The reason.
    pub said: String,
    /// Whether more of the same work may remove it.
    pub may_pass: bool,
}

/// An estimate of log Z under way.
pub trait Estimator {
    /// Its name: `ais`, `smc`, `bridge`, `ti`, ...
    fn name(&self) -> &'static str;

    /// The work of a first round, in units of its own: walkers, populations, or iterations.
    fn first(&self) -> usize;

    /// The work between two looks at the clock: little of it, but enough for all threads.
    fn piece(&self) -> usize;

    /// Work done so far.
    fn n_done(&self) -> usize;

    /// Does `n` units more. Where work is cut into pieces changes no bit of the estimate.
    ///
    /// # Errors
    /// Energies that are undefined somewhere, and what keeps chains from running.
    fn extend(&mut self, n: usize, progress: Progress<'_>) -> Result<(), LogZError>;

    /// The estimate from the work done so far.
    ///
    /// # Errors
    /// No work, or none that gives an estimate.
    fn log_z(&self) -> Result<LogZ, LogZError>;

    /// Why the error is not to be believed, however small.
    fn doubt(&self) -> Option<Doubt> {
        None
    }

    /// The state after the work done so far.
    fn save(&self) -> Saved;

    /// Goes on from what [`Estimator::save`] gave, of the same energy, pilot and seed: nothing here can tell.
    ///
    /// # Errors
    /// Entries that are missing or of another size.
    fn go_on(&mut self, saved: &Saved) -> Result<(), SavedError>;
}
