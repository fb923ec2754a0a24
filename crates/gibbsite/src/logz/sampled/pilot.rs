//! The ladder that all estimates go on from.

use super::refine::extend;
use super::{Along, Annealing, Ladders, Populations, Stop};
use crate::energy::gaussian::GaussianMixture;
use crate::energy::{Bridge, Differentiable, Discrete, Independent, Timed, Tractable};
use crate::kernel::{ChainState, Gibbs, Kernel, Nuts, Tunable};
use crate::logz::path::Path;
use crate::logz::{LogZ, LogZError, importance, require_moved, require_real, reverse};
use crate::points::Points;
use crate::rng::{Run, Streams};
use crate::run::auto::level_kernel;
use crate::run::saved::{Saved, SavedError};
use crate::run::{Elapsed, Progress, RunError};
use crate::tempering::{self, Ladder, Reference, Starts, TemperingOptions};

/// Ladders side by side: their spread is the error.
const N_LADDERS: usize = 32;

/// Times as many levels as swaps alone need: thermodynamic integration needs them close, and bridges lose nothing.
const DENSITY: usize = 4;

/// Step size at which the search for one begins.
const STEP_SIZE: f64 = 0.5;

/// Iterations of the ladders from which a path takes draws of the target.
const N_ITERATIONS: usize = 64;

/// Draws of importance sampling about all wells that are known.
const N_DRAWS: usize = 1 << 15;

/// One in so many evaluations of the budget may be spent on the pilots of a path.
const PATH: u64 = 4;

/// Chains that tell how often labels have which value, and their transitions; the first half is not counted.
const BASE_CHAINS: usize = 64;
const BASE_STEPS: usize = 100;

/// The share of a base that is uniform, so that no value is out of reach.
const UNIFORM: f64 = 0.05;

/// A warm ladder between a reference and an energy.
pub struct Pilot<'a, E: ?Sized, R = GaussianMixture, K = Nuts> {
    energy: &'a E,
    ladder: Ladder<R, K>,
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
        require_real(energy, "ladders", usize::MAX)?;
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
        Self::restored(energy, &level_kernel(STEP_SIZE), seed, saved)
    }
}

impl<'a, E: Discrete + ?Sized> Pilot<'a, E, Independent, Gibbs> {
    /// Warms 32 ladders of Gibbs samplers up from labels that are independent of each other, which have their values as often as
    /// they have in short chains of the target, and a little more evenly.
    ///
    /// # Errors
    /// Energies with real coordinates, or that are infinite or undefined where chains start; [`RunError::OutOfTime`].
    pub fn of_labels(
        energy: &'a E,
        seed: u64,
        progress: Progress<'_>,
        elapsed: Elapsed<'_>,
    ) -> Result<Self, LogZError> {
        require_moved(energy, Gibbs.moves(), "ladders")?;
        let (base, mut n_evals) = base(energy, seed)?;
        let init = Independent::uniform(energy.space().clone()).sample(N_LADDERS, &mut Streams::new(seed, Run::Probe));
        let options = options(seed);
        let ladder = tempering::warm_up_from_in_time(base, energy, &Gibbs, init, &options, progress, elapsed)?;
        n_evals += ladder.n_evals();
        Ok(Self { energy, seed, n_evals, ladder })
    }

    /// The pilot that [`Pilot::save`] kept, of the same energy and seed.
    ///
    /// # Errors
    /// Entries that are missing or of another size.
    pub fn restore_labels(energy: &'a E, seed: u64, saved: &Saved) -> Result<Self, SavedError> {
        Self::restored(energy, &Gibbs, seed, saved)
    }
}

/// Labels that are independent of each other, and the evaluations that they cost.
fn base<E: Discrete + ?Sized>(energy: &E, seed: u64) -> Result<(Independent, u64), RunError> {
    let space = energy.space();
    let mut streams = Streams::new(seed, Run::Pilot);
    let x = Independent::uniform(space.clone()).sample(BASE_CHAINS, &mut streams);
    streams.advance();
    let mut state = Gibbs.init(energy, x);
    let mut counts: Vec<Vec<f64>> = space.labels.iter().map(|v| vec![0.0; v.arity()]).collect();
    for t in 0..BASE_STEPS {
        Gibbs.step(energy, &mut state, &mut streams);
        streams.advance();
        if t >= BASE_STEPS / 2 {
            for (site, counts) in counts.iter_mut().enumerate() {
                state.x().label.col(site).iter().for_each(|label| counts[usize::from(*label)] += 1.0);
            }
        }
    }
    let n = (BASE_CHAINS * (BASE_STEPS - BASE_STEPS / 2)) as f64;
    let even = |counts: Vec<f64>| {
        let uniform = UNIFORM / counts.len() as f64;
        counts.into_iter().map(move |count| (1.0 - UNIFORM) * count / n + uniform)
    };
    let weights: Vec<f64> = counts.into_iter().flat_map(even).collect();
    Ok((Independent::new(space.clone(), &weights), (BASE_CHAINS * BASE_STEPS) as u64))
}

impl<'a, E, R, K> Pilot<'a, E, R, K>
where
    E: Differentiable + ?Sized,
    R: Reference,
    K: for<'b> Kernel<Bridge<&'b R, &'b E>> + Tunable + Clone,
{
    fn restored(energy: &'a E, kernel: &K, seed: u64, saved: &Saved) -> Result<Self, SavedError> {
        let ladder = Ladder::restore(saved, kernel, N_LADDERS, energy.space())?;
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
    pub fn ladder(&self) -> &Ladder<R, K> {
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
    pub fn path(&self, stop: &Stop<'_>, told: &mut dyn FnMut(usize)) -> Result<Path<K>, LogZError>
    where
        Self: Timely<K>,
    {
        let mut ladders = self.ladders(Along::Bridges)?;
        extend(&mut ladders, N_ITERATIONS, &|_| {}, stop.elapsed)?;
        let mut path = self.adapted_path(&ladders.target_draws(), stop, told)?;
        path.set_pilots(path.effective(), path.n_evals() + ladders.n_evals());
        Ok(path)
    }

    /// The path at temperatures that are given.
    ///
    /// # Errors
    /// Temperatures that do not rise from 0 to 1.
    pub fn path_at(&self, betas: Vec<f64>) -> Result<Path<K>, LogZError> {
        Ok(Path::at(&self.ladder, betas, 1)?)
    }

    /// Annealed importance sampling along a path.
    pub fn annealing<'p>(&'p self, path: &'p Path<K>) -> Annealing<'p, E, R, K> {
        Annealing::new(self.energy, self.ladder.reference(), path, self.seed)
    }

    /// Sequential Monte Carlo along a path.
    pub fn populations<'p>(&'p self, path: &'p Path<K>) -> Populations<'p, E, R, K> {
        Populations::new(self.energy, self.ladder.reference(), path, self.seed)
    }

    /// The ladders as they go on.
    ///
    /// # Errors
    /// What keeps chains from running.
    pub fn ladders(&self, along: Along) -> Result<Ladders<'_, E, R, K>, LogZError> {
        Ok(Ladders::start(self.energy, &self.ladder, &options(self.seed), along)?)
    }
}

/// Work on an energy that ends when the time is over.
pub trait Timely<K> {
    /// [`Path::adapted`] with these draws of the target.
    ///
    /// # Errors
    /// Those of [`Path::adapted`].
    fn adapted_path(&self, draws: &Points, stop: &Stop<'_>, told: &mut dyn FnMut(usize)) -> Result<Path<K>, LogZError>;

    /// [`reverse::log_z`] from these draws of the target.
    ///
    /// # Errors
    /// Those of [`reverse::log_z`].
    fn reversed(&self, path: &Path<K>, draws: &Points, elapsed: Elapsed<'_>) -> Result<LogZ, LogZError>;

    /// Importance sampling about all wells that are known, where there are such.
    ///
    /// # Errors
    /// Those of [`importance::adapted`].
    fn importance(&self, elapsed: Elapsed<'_>) -> Option<Result<LogZ, LogZError>>;
}

/// The parts of [`Timely`] that do not look at what the coordinates are.
macro_rules! timely {
    ($kernel:ty) => {
        fn adapted_path(
            &self,
            draws: &Points,
            stop: &Stop<'_>,
            told: &mut dyn FnMut(usize),
        ) -> Result<Path<$kernel>, LogZError> {
            let (energy, budget) = (Timed::new(self.energy, stop.elapsed), stop.budget / PATH);
            Path::adapted(&energy, &self.ladder, draws, budget, self.seed, told, stop.elapsed)
        }

        fn reversed(&self, path: &Path<$kernel>, draws: &Points, elapsed: Elapsed<'_>) -> Result<LogZ, LogZError> {
            reverse::log_z(self.ladder.reference(), &Timed::new(self.energy, elapsed), path, draws, self.seed)
        }
    };
}

impl<E: Differentiable + ?Sized> Timely<Nuts> for Pilot<'_, E> {
    timely!(Nuts);

    fn importance(&self, elapsed: Elapsed<'_>) -> Option<Result<LogZ, LogZError>> {
        Some(importance::adapted(&Timed::new(self.energy, elapsed), N_DRAWS, self.seed))
    }
}

impl<E: Discrete + ?Sized> Timely<Gibbs> for Pilot<'_, E, Independent, Gibbs> {
    timely!(Gibbs);

    fn importance(&self, _: Elapsed<'_>) -> Option<Result<LogZ, LogZError>> {
        None
    }
}

/// How the ladders run.
fn options(seed: u64) -> TemperingOptions {
    TemperingOptions { density: DENSITY, seed, ..TemperingOptions::default() }
}
