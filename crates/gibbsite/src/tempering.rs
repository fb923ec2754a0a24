//! Parallel tempering: chains that cross between modes too far apart for any local move.
//!
//! A ladder of levels `k = 0, ..., K-1` leads from a reference, which can be sampled exactly, to the target along the
//! densities `exp(-E_k)`, `E_k = (1 - beta_k) E_reference + beta_k E_target`, `0 = beta_0 < ... < beta_{K-1} = 1`. In every
//! iteration each level explores with its own kernel (level 0 draws anew from the reference), then neighbours swap states:
//! `x_k` and `x_{k+1}` change places with probability
//!
//! `min(1, exp((beta_{k+1} - beta_k) (dE(x_{k+1}) - dE(x_k))))`, `dE = E_target - E_reference`.
//!
//! Swaps alternate deterministically between the pairs (0, 1), (2, 3), ... and (1, 2), (3, 4), ...: the non-reversible scheme
//! (Okabe, Kawata, Okamoto and Mikami 2001), whose states travel straight instead of diffusing. What it can do follows from
//! one number, the communication barrier (Syed, Bouchard-Cote, Deligiannidis and Doucet 2021, "Non-reversible parallel
//! tempering: a scalable highly parallel MCMC scheme", JRSS-B 84); [`barrier`] has the formulas. Warm-up spaces the levels
//! evenly in it, chooses their number, and fits the reference to the target as the variational scheme of Surjanovic, Syed,
//! Bouchard-Cote and Campbell (2022) does, but never narrower than the wells of the energy need; Gaussians at single wells that are
//! known join it.
//!
//! Draws are correct for any ladder; a bad one only moves slowly. What shows that it moves are round trips of replicas from
//! the reference to the target and back, which bring news of other modes: see [`Verdict`].
//!
//! **Many ladders.** `n` starting points make `n` independent ladders, which move through the levels side by side as rows of
//! one block, so that the spread between them is the Monte-Carlo error.
//!
//! **Heavy tails.** The tails of a Gaussian reference are lighter than those of, say, a Cauchy target. All levels exist and
//! swaps remain exact; but no fresh draw of the reference lies far out, so that the tails are explored by the kernels of the
//! upper levels alone, as without tempering, while crossings between modes are as fast as ever.

use crate::energy::gaussian::GaussianMixture;
use crate::energy::{Bridge, Differentiable, Energy, Timed, Tractable};
use crate::kernel::{Info, Kernel, Tunable};
use crate::points::Points;
use crate::run::{Draws, Elapsed, Event, Progress, RunError, RunOptions, Warning, block_size, check};

pub mod barrier;
mod betas;
mod ladder;
mod levels;
mod reference;
mod rungs;
mod saved;
mod session;
mod sums;
mod swap;
mod trips;
mod verdict;
mod warm;
mod watch;
pub use barrier::{MAX_LEVELS, MIN_LEVELS, n_levels, round_trip_rate};
pub use betas::{BetasError, check_betas};
pub use ladder::{Ladder, LadderError, Replicas};
pub use rungs::{Rung, Rungs};
pub use saved::Reference;
pub use session::LadderSession;
pub use trips::Leg;
pub(crate) use verdict::enough;
pub use verdict::{MIN_ROUND_TRIPS, Verdict};

use reference::Wells;

/// How long to run, and from which seed.
#[derive(Clone, Debug, PartialEq)]
pub struct TemperingOptions {
    /// Draws kept per ladder: iterations after warm-up.
    pub n_draws: usize,
    /// Transitions of every level in an iteration.
    pub n_steps: usize,
    /// Iterations of warm-up; 0 uses the kernel as it is and K levels (12 when `n_levels` is `None`) at `(k / (K - 1))^3`.
    pub n_warmup: usize,
    /// Number of levels; chosen from the barrier when `None`.
    pub n_levels: Option<usize>,
    /// Times as many steps between levels as swaps need, where the number of levels is chosen: the rounds of warm-up but the last
    /// one make do with those.
    pub density: usize,
    /// Seed of all streams.
    pub seed: u64,
    /// Ladders of a block, about 64 to 512.
    pub block: usize,
}

impl Default for TemperingOptions {
    fn default() -> Self {
        Self { n_draws: 1000, n_steps: 2, n_warmup: 500, n_levels: None, density: 1, seed: 0, block: 128 }
    }
}

impl TemperingOptions {
    /// Ladders of a block, a multiple of the chains that move together.
    fn block_size(&self, group: usize, dim: usize) -> usize {
        // Threads share out the levels too: few ladders need not be cut.
        block_size(&self.run_options(), group, usize::MAX / 2, dim)
    }

    fn run_options(&self) -> RunOptions {
        let Self { n_draws, n_steps, n_warmup, seed, block, .. } = *self;
        RunOptions { n_draws, thin: n_steps, n_warmup, seed, block }
    }
}

/// What a tempered run gives back.
#[derive(Clone, Debug)]
pub struct Tempered {
    /// The draws at the target, one chain per ladder; energies are those of the target.
    pub draws: Draws,
    /// The levels.
    pub betas: Vec<f64>,
    /// Mean probability that a swap of levels k and k+1 was rejected, `(K-1,)`; NaN where none was tried.
    pub rejection: Vec<f64>,
    /// Swaps tried of each pair, over all ladders, `(K-1,)`.
    pub swap_attempts: Vec<u64>,
    /// Swaps refused because an energy was NaN.
    pub n_undefined_swaps: u64,
    /// The communication barrier Lambda: the sum of the rejections.
    pub barrier: f64,
    /// Round trips from the reference to the target and back that each ladder completed; the first may have begun before this run.
    pub n_round_trips: Vec<u64>,
    /// Round trips per iteration to expect of one ladder when the levels forget between swaps: [`round_trip_rate`].
    pub expected_rate: f64,
    /// Counts of the transitions at each level, `(K,)`; level 0 makes none.
    pub info: Vec<Info>,
    /// log Z of the target with its error, from the same draws; `None` where the ladders are too few for an error.
    pub log_z: Option<LadderLogZ>,
    /// Whether the ladder carried states from the reference to the target.
    pub verdict: Verdict,
    /// What is doubtful, in the order it was found.
    pub warnings: Vec<Warning>,
    /// Where the ladders ended: with [`Ladder::set_replicas`], what [`draw`] continues from.
    pub replicas: Replicas,
}

/// log Z of the target, from the energies that the swaps look at: [`crate::logz::bridge`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LadderLogZ {
    /// The estimate of log Z.
    pub value: f64,
    /// Its standard error, by the jackknife over the ladders. It holds when the ladders make round trips.
    pub std_err: f64,
}

impl Tempered {
    /// Round trips of all ladders.
    pub fn total_round_trips(&self) -> u64 {
        self.n_round_trips.iter().sum()
    }
}

/// Adapts a ladder from a Gaussian reference to `energy` and draws; one ladder for each row of `init`, where all its levels
/// start. The reference is first made of points in all wells that [`crate::run::dispersed_points`] finds (mean, and twice the
/// variance between and within the wells), then fitted to the draws (mean and covariance, in more than 16 dimensions
/// variances), but never narrower than those wells. Where 2 to 16 wells or [components](Differentiable::components) are known, a
/// Gaussian at each of them is added, by its Hessian: together they have four fifths of the weight.
///
/// Energies with bounded supports go through [`crate::energy::Transformed`] first.
///
/// # Errors
/// Options out of range, starting points of the wrong shape or with a non-finite energy, no starting points for the reference
/// or no Gaussian through them, energies with labels, draws too large for memory, and no step size that is accepted.
pub fn temper<E, K>(
    energy: &E,
    kernel: &K,
    init: Points,
    options: &TemperingOptions,
    progress: Progress<'_>,
) -> Result<Tempered, RunError>
where
    E: Differentiable + ?Sized,
    K: for<'a> Kernel<Bridge<&'a GaussianMixture, &'a E>> + Tunable + Clone,
{
    let ladder = warm_up(energy, kernel, init, options, progress)?;
    draw(energy, &ladder, options, progress)
}

/// As [`temper`], from a reference that is given and stays as it is.
///
/// # Errors
/// Those of [`temper`], and a reference of other dimension than the energy.
pub fn temper_from<R, E, K>(
    reference: R,
    energy: &E,
    kernel: &K,
    init: Points,
    options: &TemperingOptions,
    progress: Progress<'_>,
) -> Result<Tempered, RunError>
where
    R: Differentiable + Tractable,
    E: Differentiable + ?Sized,
    K: for<'a> Kernel<Bridge<&'a R, &'a E>> + Tunable + Clone,
{
    let ladder = warm_up_from(reference, energy, kernel, init, options, progress)?;
    draw(energy, &ladder, options, progress)
}

/// Where ladders start: all levels of each at one point.
#[derive(Clone, Debug)]
pub enum Starts {
    /// A ladder for each row.
    Points(Points),
    /// So many ladders, at points in all wells ([`crate::run::dispersed_points`]); the wells are looked for once, for them and for
    /// the reference.
    Dispersed(usize),
}

impl From<Points> for Starts {
    fn from(points: Points) -> Self {
        Self::Points(points)
    }
}

/// The first half of [`temper`]: the ladder, ready to draw.
///
/// # Errors
/// Those of [`temper`]; [`RunError::Falls`] where ladders are to be dispersed and the energy falls without end.
pub fn warm_up<E, K>(
    energy: &E,
    kernel: &K,
    starts: impl Into<Starts>,
    options: &TemperingOptions,
    progress: Progress<'_>,
) -> Result<Ladder<GaussianMixture, K>, RunError>
where
    E: Differentiable + ?Sized,
    K: for<'a> Kernel<Bridge<&'a GaussianMixture, &'a E>> + Tunable + Clone,
{
    warm_up_in_time(energy, kernel, starts, options, progress, &|| 0.0)
}

/// As [`warm_up`], in the time that `elapsed` allows.
///
/// # Errors
/// Those of [`warm_up`], and [`RunError::OutOfTime`].
pub fn warm_up_in_time<E, K>(
    energy: &E,
    kernel: &K,
    starts: impl Into<Starts>,
    options: &TemperingOptions,
    progress: Progress<'_>,
    elapsed: Elapsed<'_>,
) -> Result<Ladder<GaussianMixture, K>, RunError>
where
    E: Differentiable + ?Sized,
    K: for<'a> Kernel<Bridge<&'a GaussianMixture, &'a E>> + Tunable + Clone,
{
    let find = |n_ladders: usize| {
        let wells = Wells::find(&Timed::new(energy, elapsed), options.seed, n_ladders);
        if elapsed() < 1.0 { wells } else { Err(RunError::OutOfTime { n_done: 0, n: options.n_warmup }) }
    };
    let (wells, init) = match starts.into() {
        Starts::Points(init) => {
            check_options(energy, &init, kernel, options)?;
            (find(0)?, init)
        }
        Starts::Dispersed(n_ladders) => {
            let wells = find(n_ladders)?;
            if let Some(direction) = wells.falls {
                return Err(RunError::Falls { direction });
            }
            let init = wells.starts(n_ladders);
            check_options(energy, &init, kernel, options)?;
            (wells, init)
        }
    };
    let reference = wells.reference()?;
    warm::warm_up(energy, reference, |draws| wells.refit(draws), kernel, &init, options, (progress, elapsed))
}

/// The first half of [`temper_from`]: the ladder, ready to draw.
///
/// # Errors
/// Those of [`temper_from`].
pub fn warm_up_from<R, E, K>(
    reference: R,
    energy: &E,
    kernel: &K,
    init: Points,
    options: &TemperingOptions,
    progress: Progress<'_>,
) -> Result<Ladder<R, K>, RunError>
where
    R: Differentiable + Tractable,
    E: Differentiable + ?Sized,
    K: for<'a> Kernel<Bridge<&'a R, &'a E>> + Tunable + Clone,
{
    warm_up_from_in_time(reference, energy, kernel, init, options, progress, &|| 0.0)
}

/// As [`warm_up_from`], in the time that `elapsed` allows.
///
/// # Errors
/// Those of [`warm_up_from`], and [`RunError::OutOfTime`].
pub fn warm_up_from_in_time<R, E, K>(
    reference: R,
    energy: &E,
    kernel: &K,
    init: Points,
    options: &TemperingOptions,
    progress: Progress<'_>,
    elapsed: Elapsed<'_>,
) -> Result<Ladder<R, K>, RunError>
where
    R: Differentiable + Tractable,
    E: Differentiable + ?Sized,
    K: for<'a> Kernel<Bridge<&'a R, &'a E>> + Tunable + Clone,
{
    check_options(energy, &init, kernel, options)?;
    check_reference(&reference, energy)?;
    warm::warm_up(energy, reference, |_| None, kernel, &init, options, (progress, elapsed))
}

/// Draws along a ladder that is ready, `options.n_draws` iterations; nothing adapts. The draws continue where the ladder is: a
/// run of n draws whose [`Tempered::replicas`] are put on the ladder, followed by a run of m, is a run of n + m to the bit.
///
/// # Errors
/// Options out of range, a ladder of other dimension than the energy, labels, draws too large for memory.
pub fn draw<'a, R, E, K>(
    energy: &'a E,
    ladder: &'a Ladder<R, K>,
    options: &TemperingOptions,
    progress: Progress<'_>,
) -> Result<Tempered, RunError>
where
    R: Differentiable + Tractable,
    E: Differentiable + ?Sized,
    K: Kernel<Bridge<&'a R, &'a E>> + Tunable + Clone,
{
    let mut session = LadderSession::start(energy, ladder, options)?;
    let draws = session.piece(options.n_draws, progress)?;
    let run = session.finish(draws);
    run.warnings.iter().for_each(|warning| progress(Event::Warning(warning.clone())));
    Ok(run)
}

fn check_steps(options: &TemperingOptions) -> Result<(), RunError> {
    for (option, value, minimum) in [
        ("the number of draws", options.n_draws, 1),
        ("the number of transitions in an iteration", options.n_steps, 1),
        ("the number of levels", options.n_levels.unwrap_or(MIN_LEVELS), 2),
        ("the density of levels", options.density, 1),
        ("block", options.block, 1),
    ] {
        if value < minimum {
            return Err(RunError::Option { option, value, minimum });
        }
    }
    Ok(())
}

fn check_options<E: Energy + ?Sized>(
    energy: &E,
    init: &Points,
    kernel: &impl Tunable,
    options: &TemperingOptions,
) -> Result<(), RunError> {
    check_steps(options)?;
    check(energy, init, kernel.moves(), &options.run_options())
}

fn check_reference<R: Energy, E: Energy + ?Sized>(reference: &R, energy: &E) -> Result<(), RunError> {
    let (from, to) = (reference.space(), energy.space());
    let (got, expected) = (from.n_coordinates(), to.n_coordinates());
    let fits = from.dim() == to.dim() && from.labels == to.labels;
    if fits { Ok(()) } else { Err(RunError::ReferenceDimension { got, expected }) }
}

#[cfg(test)]
mod tests;
