//! Annealed importance sampling under way.

use super::Estimator;
use crate::energy::gaussian::GaussianMixture;
use crate::energy::{Differentiable, Tractable};
use crate::kernel::Nuts;
use crate::logz::annealed::{self, MIN_WALKERS};
use crate::logz::path::{BLOCK, Path};
use crate::logz::{LogZ, LogZError, Temperatures, weights};
use crate::run::saved::{Saved, SavedError};
use crate::run::{Event, Phase, Progress};

/// Walkers between two reports.
const REPORTED: usize = 4 * BLOCK;

/// Independent walkers along a path that is fixed; see [`crate::logz::annealed`].
pub struct Annealing<'a, E: ?Sized> {
    energy: &'a E,
    reference: &'a GaussianMixture,
    path: &'a Path<Nuts>,
    seed: u64,
    log_w: Vec<f64>,
    temperatures: Option<Temperatures>,
    n_evals: u64,
}

impl<'a, E: Differentiable + ?Sized> Annealing<'a, E> {
    pub(super) fn new(energy: &'a E, reference: &'a GaussianMixture, path: &'a Path<Nuts>, seed: u64) -> Self {
        Self { energy, reference, path, seed, log_w: Vec::new(), temperatures: None, n_evals: 0 }
    }
}

impl<E: Differentiable + ?Sized> Estimator for Annealing<'_, E> {
    fn name(&self) -> &'static str {
        "ais"
    }

    fn first(&self) -> usize {
        512
    }

    fn n_done(&self) -> usize {
        self.log_w.len()
    }

    /// `n` is rounded up to a multiple of 64.
    fn extend(&mut self, n: usize, progress: Progress<'_>) -> Result<(), LogZError> {
        let end = self.log_w.len() + n.next_multiple_of(BLOCK);
        while self.log_w.len() < end {
            let first = self.log_w.len();
            let next = end.min(first + REPORTED);
            let walked = annealed::walk(self.reference, self.energy, self.path, first..next, self.seed)?;
            self.log_w.extend(walked.log_w);
            // Of those of the first walkers: enough to tell which step is the worst.
            self.temperatures = self.temperatures.or(walked.temperatures);
            self.n_evals += walked.n_evals;
            progress(Event::Progress { phase: Phase::Draws, done: next as u64, total: end as u64 });
        }
        Ok(())
    }

    fn log_z(&self) -> Result<LogZ, LogZError> {
        if self.log_w.len() < MIN_WALKERS {
            return Err(LogZError::Draws { n: self.log_w.len(), min: MIN_WALKERS });
        }
        let (is_guaranteed, effective) = (self.path.leaves_invariant(), self.path.effective());
        let log_z_reference = self.reference.log_z();
        let z = weights::summarise("ais", log_z_reference, &self.log_w, self.n_evals, is_guaranteed, effective)?;
        Ok(LogZ { temperatures: self.temperatures, ..z })
    }

    fn save(&self) -> Saved {
        let mut saved = Saved::default();
        saved.put_numbers("betas", self.path.betas());
        saved.put_numbers("log_w", &self.log_w);
        saved.put_integers("n_evals", &[self.n_evals]);
        save_temperatures(self.temperatures, &mut saved);
        saved
    }

    fn go_on(&mut self, saved: &Saved) -> Result<(), SavedError> {
        let [n_evals] = saved.integers("n_evals")?;
        let log_w = saved.numbers("log_w")?;
        if log_w.len() % BLOCK != 0 {
            let expected = format!("as many numbers as a multiple of {BLOCK}");
            return Err(SavedError::Entry { name: "log_w".into(), expected });
        }
        self.temperatures = temperatures(saved)?;
        (self.log_w, self.n_evals) = (log_w.to_vec(), n_evals);
        Ok(())
    }
}

/// Keeps what is known of the steps.
pub(super) fn save_temperatures(temperatures: Option<Temperatures>, saved: &mut Saved) {
    if let Some(Temperatures { n, worst_beta, worst_overlap }) = temperatures {
        saved.put_numbers("worst_step", &[n as f64, worst_beta, worst_overlap]);
    }
}

/// What is known of the steps.
pub(super) fn temperatures(saved: &Saved) -> Result<Option<Temperatures>, SavedError> {
    if !saved.has_numbers("worst_step") {
        return Ok(None);
    }
    let [n, worst_beta, worst_overlap] = saved.array("worst_step")?;
    Ok(Some(Temperatures { n: n as usize, worst_beta, worst_overlap }))
}
