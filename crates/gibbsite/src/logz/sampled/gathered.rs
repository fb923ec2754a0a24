//! Independent estimates along a path, gathered piece by piece: what annealed importance sampling and sequential Monte Carlo under
//! way have in common.

use std::ops::Range;

use crate::energy::{Bridge, Differentiable, Tractable};
use crate::kernel::{Kernel, Tunable};
use crate::logz::path::Path;
use crate::logz::walk::{Estimates, Start, walk};
use crate::logz::{LogZError, Temperatures};
use crate::rng::{Run, Streams};
use crate::run::saved::{Saved, SavedError};
use crate::run::{Event, Phase, Progress};

/// Estimates along a path that is fixed, by walkers or populations that are counted from 0.
pub(super) struct Gathered<'a, E: ?Sized, R, K> {
    energy: &'a E,
    pub(super) reference: &'a R,
    pub(super) path: &'a Path<K>,
    seed: u64,
    pub(super) estimates: Estimates,
}

impl<'a, E, R, K> Gathered<'a, E, R, K>
where
    E: Differentiable + ?Sized,
    R: Differentiable + Tractable,
    K: Kernel<Bridge<&'a R, &'a E>> + Tunable,
{
    /// None yet.
    pub(super) fn new(energy: &'a E, reference: &'a R, path: &'a Path<K>, seed: u64) -> Self {
        Self { energy, reference, path, seed, estimates: Estimates::default() }
    }

    /// Estimates so far.
    pub(super) fn n(&self) -> usize {
        self.estimates.log_w.len()
    }

    /// `n` more, `piece` of them between two reports; `start` is how those of certain numbers set out.
    ///
    /// # Errors
    /// Those of [`walk`].
    pub(super) fn extend(
        &mut self,
        n: usize,
        piece: usize,
        start: impl Fn(Range<usize>) -> Start<'static>,
        progress: Progress<'_>,
    ) -> Result<(), LogZError> {
        let streams = Streams::new(self.seed, Run::Importance);
        let end = self.n() + n;
        while self.n() < end {
            let numbers = self.n()..end.min(self.n() + piece);
            let walked = walk(self.reference, self.energy, self.path, start(numbers), &streams)?;
            self.estimates.extend(walked.estimates());
            progress(Event::Progress { phase: Phase::Draws, done: self.n() as u64, total: end as u64 });
        }
        Ok(())
    }

    /// The estimates, and the temperatures that belong to them.
    pub(super) fn save(&self) -> Saved {
        let Estimates { log_w, temperatures, n_evals } = &self.estimates;
        let mut saved = Saved::default();
        saved.put_numbers("betas", self.path.betas());
        saved.put_numbers("log_w", log_w);
        saved.put_integers("n_evals", &[*n_evals]);
        if let Some(Temperatures { n, worst_beta, worst_overlap }) = *temperatures {
            saved.put_numbers("worst_step", &[n as f64, worst_beta, worst_overlap]);
        }
        saved
    }

    /// Goes on from estimates that [`Gathered::save`] kept.
    ///
    /// # Errors
    /// Entries that are missing or of another size.
    pub(super) fn go_on(&mut self, saved: &Saved) -> Result<(), SavedError> {
        let [n_evals] = saved.integers("n_evals")?;
        let log_w = saved.numbers("log_w")?.to_vec();
        let mut temperatures = None;
        if saved.has_numbers("worst_step") {
            let [n, worst_beta, worst_overlap] = saved.array("worst_step")?;
            temperatures = Some(Temperatures { n: n as usize, worst_beta, worst_overlap });
        }
        self.estimates = Estimates { log_w, temperatures, n_evals };
        Ok(())
    }
}
