//! Sequential Monte Carlo under way.

use super::Estimator;
use super::gathered::Gathered;
use crate::energy::gaussian::GaussianMixture;
use crate::energy::{Bridge, Differentiable, Tractable};
use crate::kernel::{Kernel, Nuts, Tunable};
use crate::logz::path::Path;
use crate::logz::sequential::{self, MIN_POPULATIONS};
use crate::logz::walk::Start;
use crate::logz::{LogZ, LogZError, require_draws};
use crate::run::Progress;
use crate::run::saved::{Saved, SavedError};

/// Walkers of a population.
const SIZE: usize = 64;

/// Populations between two reports.
const REPORTED: usize = 4;

/// Independent populations along a path that is fixed; see [`crate::logz::sequential`].
pub struct Populations<'a, E: ?Sized, R = GaussianMixture, K = Nuts>(Gathered<'a, E, R, K>);

impl<'a, E, R, K> Populations<'a, E, R, K>
where
    E: Differentiable + ?Sized,
    R: Differentiable + Tractable,
    K: Kernel<Bridge<&'a R, &'a E>> + Tunable,
{
    pub(super) fn new(energy: &'a E, reference: &'a R, path: &'a Path<K>, seed: u64) -> Self {
        Self(Gathered::new(energy, reference, path, seed))
    }
}

impl<'a, E, R, K> Estimator for Populations<'a, E, R, K>
where
    E: Differentiable + ?Sized,
    R: Differentiable + Tractable,
    K: Kernel<Bridge<&'a R, &'a E>> + Tunable,
{
    fn name(&self) -> &'static str {
        "smc"
    }

    fn first(&self) -> usize {
        MIN_POPULATIONS
    }

    fn piece(&self) -> usize {
        REPORTED
    }

    fn n_done(&self) -> usize {
        self.0.n()
    }

    fn extend(&mut self, n: usize, progress: Progress<'_>) -> Result<(), LogZError> {
        self.0.extend(n, REPORTED, |numbers| Start::Populations { numbers, size: SIZE }, progress)
    }

    fn log_z(&self) -> Result<LogZ, LogZError> {
        let n_walkers = SIZE * self.n_done();
        require_draws(n_walkers, SIZE * MIN_POPULATIONS)?;
        sequential::summarise(self.0.reference.log_z(), self.0.path, &self.0.estimates, n_walkers)
    }

    fn save(&self) -> Saved {
        self.0.save()
    }

    fn go_on(&mut self, saved: &Saved) -> Result<(), SavedError> {
        self.0.go_on(saved)
    }
}
