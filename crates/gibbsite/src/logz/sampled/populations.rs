//! Sequential Monte Carlo under way.

use super::Estimator;
use super::annealing::{save_temperatures, temperatures};
use crate::energy::gaussian::GaussianMixture;
use crate::energy::{Differentiable, Tractable};
use crate::kernel::Nuts;
use crate::logz::path::Path;
use crate::logz::sequential::{self, Estimates, MIN_POPULATIONS};
use crate::logz::{LogZ, LogZError};
use crate::run::saved::{Saved, SavedError};
use crate::run::{Event, Phase, Progress};

/// Walkers of a population.
const SIZE: usize = 64;

/// Populations between two reports.
const REPORTED: usize = 4;

/// Independent populations along a path that is fixed; see [`crate::logz::sequential`].
pub struct Populations<'a, E: ?Sized> {
    energy: &'a E,
    reference: &'a GaussianMixture,
    path: &'a Path<Nuts>,
    seed: u64,
    estimates: Estimates,
}

impl<'a, E: Differentiable + ?Sized> Populations<'a, E> {
    pub(super) fn new(energy: &'a E, reference: &'a GaussianMixture, path: &'a Path<Nuts>, seed: u64) -> Self {
        let estimates = Estimates { log_w: Vec::new(), temperatures: None, n_evals: 0 };
        Self { energy, reference, path, seed, estimates }
    }
}

impl<E: Differentiable + ?Sized> Estimator for Populations<'_, E> {
    fn name(&self) -> &'static str {
        "smc"
    }

    fn first(&self) -> usize {
        32
    }

    fn n_done(&self) -> usize {
        self.estimates.log_w.len()
    }

    fn extend(&mut self, n: usize, progress: Progress<'_>) -> Result<(), LogZError> {
        let end = self.n_done() + n;
        while self.n_done() < end {
            let next = end.min(self.n_done() + REPORTED);
            let walked =
                sequential::walk(self.reference, self.energy, self.path, self.n_done()..next, SIZE, self.seed)?;
            let all = &mut self.estimates;
            all.log_w.extend(walked.log_w);
            // Of those of the first populations: enough to tell which step is the worst.
            all.temperatures = all.temperatures.or(walked.temperatures);
            all.n_evals += walked.n_evals;
            progress(Event::Progress { phase: Phase::Draws, done: next as u64, total: end as u64 });
        }
        Ok(())
    }

    fn log_z(&self) -> Result<LogZ, LogZError> {
        if self.n_done() < MIN_POPULATIONS {
            return Err(LogZError::Draws { n: SIZE * self.n_done(), min: SIZE * MIN_POPULATIONS });
        }
        let (is_guaranteed, effective) = (self.path.leaves_invariant(), self.path.effective());
        let n_walkers = SIZE * self.n_done();
        sequential::summarise(self.reference.log_z(), &self.estimates, is_guaranteed, n_walkers, effective)
    }

    fn save(&self) -> Saved {
        let mut saved = Saved::default();
        saved.put_numbers("betas", self.path.betas());
        saved.put_numbers("log_w", &self.estimates.log_w);
        saved.put_integers("n_evals", &[self.estimates.n_evals]);
        save_temperatures(self.estimates.temperatures, &mut saved);
        saved
    }

    fn go_on(&mut self, saved: &Saved) -> Result<(), SavedError> {
        let [n_evals] = saved.integers("n_evals")?;
        let (log_w, temperatures) = (saved.numbers("log_w")?.to_vec(), temperatures(saved)?);
        self.estimates = Estimates { log_w, temperatures, n_evals };
        Ok(())
    }
}
