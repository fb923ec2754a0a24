//! Annealed importance sampling under way.

use super::Estimator;
use super::gathered::Gathered;
use crate::energy::gaussian::GaussianMixture;
use crate::energy::{Bridge, Differentiable, Tractable};
use crate::kernel::{Kernel, Nuts, Tunable};
use crate::logz::annealed::{self, MIN_WALKERS};
use crate::logz::path::{BLOCK, Path};
use crate::logz::walk::Start;
use crate::logz::{LogZ, LogZError, require_draws};
use crate::run::Progress;
use crate::run::saved::{Saved, SavedError};

/// Walkers between two reports.
const REPORTED: usize = 4 * BLOCK;

/// Independent walkers along a path that is fixed; see [`crate::logz::annealed`].
pub struct Annealing<'a, E: ?Sized, R = GaussianMixture, K = Nuts>(Gathered<'a, E, R, K>);

impl<'a, E, R, K> Annealing<'a, E, R, K>
where
    E: Differentiable + ?Sized,
    R: Differentiable + Tractable,
    K: Kernel<Bridge<&'a R, &'a E>> + Tunable,
{
    pub(super) fn new(energy: &'a E, reference: &'a R, path: &'a Path<K>, seed: u64) -> Self {
        Self(Gathered::new(energy, reference, path, seed))
    }
}

impl<'a, E, R, K> Estimator for Annealing<'a, E, R, K>
where
    E: Differentiable + ?Sized,
    R: Differentiable + Tractable,
    K: Kernel<Bridge<&'a R, &'a E>> + Tunable,
{
    fn name(&self) -> &'static str {
        "ais"
    }

    fn first(&self) -> usize {
        512
    }

    fn piece(&self) -> usize {
        REPORTED
    }

    fn n_done(&self) -> usize {
        self.0.n()
    }

    /// `n` is rounded up to a multiple of 64.
    fn extend(&mut self, n: usize, progress: Progress<'_>) -> Result<(), LogZError> {
        self.0.extend(n.next_multiple_of(BLOCK), REPORTED, Start::Reference, progress)
    }

    fn log_z(&self) -> Result<LogZ, LogZError> {
        require_draws(self.n_done(), MIN_WALKERS)?;
        annealed::summarise(self.0.reference.log_z(), self.0.path, &self.0.estimates)
    }

    fn save(&self) -> Saved {
        self.0.save()
    }

    fn go_on(&mut self, saved: &Saved) -> Result<(), SavedError> {
        if saved.numbers("log_w")?.len() % BLOCK != 0 {
            let expected = format!("as many numbers as a multiple of {BLOCK}");
            return Err(SavedError::Entry { name: "log_w".into(), expected });
        }
        self.0.go_on(saved)
    }
}
