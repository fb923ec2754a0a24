//! The ladder that all estimates go on from.

use super::refine::extend;
use super::{Along, Annealing, Ladders, Populations, Stop};
use crate::energy::gaussian::GaussianMixture;
use crate::energy::{Differentiable, Timed};
use crate::kernel::Nuts;
use crate::logz::LogZError;
use crate::logz::path::Path;
use crate::run::auto::level_kernel;
use crate::run::saved::{Saved, SavedError};
use crate::run::{Elapsed, Progress, RunError};
use crate::tempering::{self, Ladder, Starts, TemperingOptions};

/// Ladders side by side: their spread is the error.
const N_LADDERS: usize = 32;

/// Times as many levels as swaps alone need: thermodynamic integration needs them close, and bridges lose nothing.
const DENSITY: usize = 4;

/// Step size at which the search for one begins.
const STEP_SIZE: f64 = 0.5;

/// Iterations of the ladders from which a path takes draws of the target.
const N_ITERATIONS: usize = 64;

/// One in so many evaluations of the budget may be spent on the pilots of a path.
const PATH: u64 = 4;

/// A warm ladder between a mixture of Gaussians and an energy.
pub struct Pilot<'a, E: ?Sized> {
    energy: &'a E,
    ladder: Ladder<GaussianMixture, Nuts>,
    seed: u64,
    n_evals: u64,
}

impl<'a, E: Differentiable + ?Sized> Pilot<'a, E> {
    /// Looks for wells and warms up 32 ladders of the No-U-Turn sampler. Energies with bounded supports go through
    /// [`crate::energy::Transformed`] first.
    ///
    /// # Errors
    /// [`LogZError::Diverges`] where descents find that the energy falls without end; no starting points, no step size that is
    /// accepted, labels; [`RunError::OutOfTime`].
    pub fn warm_up(energy: &'a E, seed: u64, progress: Progress<'_>, elapsed: Elapsed<'_>) -> Result<Self, LogZError> {
        crate::logz::require_real(energy, "ladders", usize::MAX)?;
        let (kernel, starts) = (level_kernel(STEP_SIZE), Starts::Dispersed(N_LADDERS));
        match tempering::warm_up_in_time(energy, &kernel, starts, &options(seed), progress, elapsed) {
            Ok(ladder) => Ok(Self { energy, seed, n_evals: ladder.n_evals(), ladder }),
            Err(RunError::Falls { direction }) => Err(LogZError::Diverges { direction }),
            Err(error) => Err(error.into()),
        }
    }

    /// The pilot that [`Pilot::save`] kept, of the same energy and seed.
    ///
    /// # Errors
    /// Entries that are missing or of another size.
    pub fn restore(energy: &'a E, seed: u64, saved: &Saved) -> Result<Self, SavedError> {
        let ladder = Ladder::restore(saved, &level_kernel(STEP_SIZE), N_LADDERS, energy.space().dim())?;
        let [n_evals] = saved.integers("n_evals")?;
        Ok(Self { energy, ladder, seed, n_evals })
    }

    /// The state of the pilot.
    pub fn save(&self) -> Saved {
        let mut saved = Saved::default();
        self.ladder.save(self.ladder.replicas(), &mut saved);
        saved.put_integers("n_evals", &[self.n_evals]);
        saved
    }

    /// The target.
    pub fn energy(&self) -> &'a E {
        self.energy
    }

    /// The seed of all estimates.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The warm ladder.
    pub fn ladder(&self) -> &Ladder<GaussianMixture, Nuts> {
        &self.ladder
    }

    /// Evaluations of energies and gradients by the chains of the warm-up; the searches for wells and for first step sizes are not
    /// counted.
    pub fn n_evals(&self) -> u64 {
        self.n_evals
    }

    /// A path for annealing, long enough for its weights to be worth having; tells the number of temperatures of every path it
    /// tries. No pilot begins that would take more than a quarter of the budget or of the time.
    ///
    /// # Errors
    /// Those of [`Path::adapted`].
    pub fn path(&self, stop: &Stop<'_>, told: &mut dyn FnMut(usize)) -> Result<Path<Nuts>, LogZError> {
        let mut ladders = self.ladders(Along::Bridges)?;
        extend(&mut ladders, N_ITERATIONS, &|_| {}, stop.elapsed)?;
        let draws = ladders.target_draws();
        let (energy, budget) = (Timed::new(self.energy, stop.elapsed), stop.budget / PATH);
        let mut path = Path::adapted(&energy, &self.ladder, &draws, budget, self.seed, told, stop.elapsed)?;
        path.set_pilots(path.effective(), path.n_evals() + ladders.n_evals());
        Ok(path)
    }

    /// The path at temperatures that are given.
    ///
    /// # Errors
    /// Temperatures that do not rise from 0 to 1.
    pub fn path_at(&self, betas: Vec<f64>) -> Result<Path<Nuts>, LogZError> {
        Ok(Path::at(&self.ladder, betas, 1)?)
    }

    /// Annealed importance sampling along a path.
    pub fn annealing<'p>(&'p self, path: &'p Path<Nuts>) -> Annealing<'p, E> {
        Annealing::new(self.energy, self.ladder.reference(), path, self.seed)
    }

    /// Sequential Monte Carlo along a path.
    pub fn populations<'p>(&'p self, path: &'p Path<Nuts>) -> Populations<'p, E> {
        Populations::new(self.energy, self.ladder.reference(), path, self.seed)
    }

    /// The ladders as they go on.
    ///
    /// # Errors
    /// What keeps chains from running.
    pub fn ladders(&self, along: Along) -> Result<Ladders<'_, E>, LogZError> {
        Ok(Ladders::start(self.energy, &self.ladder, &options(self.seed), along)?)
    }
}

/// How the ladders run.
fn options(seed: u64) -> TemperingOptions {
    TemperingOptions { density: DENSITY, seed, ..TemperingOptions::default() }
}
