//! Runs a kernel: chains in blocks over threads, warm-up, draws, progress events.
//!
//! A block of chains does all its steps on one thread, so that it stays in cache. Blocks depend on the options only, and
//! streams on the chain, so the draws are the same bits for any number of threads.

use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::adapt::{Adapt, WarmedUp};
use crate::energy::Energy;
use crate::energy::gaussian::GaussianError;
use crate::kernel::{ChainState, Info, Kernel, Moves, Tunable};
use crate::points::{Points, Space};
use crate::rng::{Run, Streams};

pub mod auto;
mod draws;
mod pilot;
pub mod saved;
pub mod session;
mod start;
pub mod store;
mod wells;
pub use draws::Draws;
pub use pilot::{Pilot, Quantity, pilot};
pub use session::{KernelSession, Session};
pub use start::{initial_points, initial_points_with_gradient};
pub use wells::{Starts, dispersed_points};
pub(crate) use wells::{component_wells, cover, places};

/// How long to run, and from which seed.
#[derive(Clone, Debug, PartialEq)]
pub struct RunOptions {
    /// Draws kept per chain.
    pub n_draws: usize,
    /// Transitions per kept draw.
    pub thin: usize,
    /// Warm-up transitions per chain; 0 uses the kernel as it is.
    pub n_warmup: usize,
    /// Seed of all streams.
    pub seed: u64,
    /// Chains of a block at most, about 64 to 512; in more than 16 dimensions blocks are smaller. It changes no bit of the draws.
    pub block: usize,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self { n_draws: 1000, thin: 1, n_warmup: 1000, seed: 0, block: 256 }
    }
}

/// What a run is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Warm-up.
    WarmUp,
    /// The draws.
    Draws,
}

/// What a run tells while it runs. Progress comes from any thread, in no promised order.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// `done` of `total` chain transitions of a phase.
    Progress {
        /// Which part of the run.
        phase: Phase,
        /// Chain transitions done.
        done: u64,
        /// Chain transitions in all.
        total: u64,
    },
    /// Something is wrong, though not wrong enough to stop.
    Warning(Warning),
}

/// Where a run reports to.
pub type Progress<'a> = &'a (dyn Fn(Event) + Sync);

/// The share of the time allowed that has passed: from 1 on it is over; 0 for ever where nothing limits it. The clock is the
/// caller's, and work is interrupted between pieces of it.
pub type Elapsed<'a> = &'a (dyn Fn() -> f64 + Sync);

/// What makes draws doubtful.
#[derive(Clone, Debug, PartialEq, Error, Serialize, Deserialize)]
pub enum Warning {
    /// Proposals with a huge energy error or a non-finite value.
    #[error("{n_diverged} of {n} proposals diverged {during}; a smaller step size or another parametrisation may help",
        during = match phase { Phase::WarmUp => "during warm-up", Phase::Draws => "while sampling" })]
    Divergences {
        /// When.
        phase: Phase,
        /// Divergent proposals.
        n_diverged: u64,
        /// All proposals.
        n: u64,
    },
    /// The acceptance probability is far below its target.
    #[error("acceptance probability {accept_prob:.3} is far below the target {target:.3}; {}",
        if *adapted { "more warm-up may help" } else { "give a smaller step size" })]
    Acceptance {
        /// Mean over the draws.
        accept_prob: f64,
        /// What warm-up aims for.
        target: f64,
        /// Whether warm-up chose the step size.
        adapted: bool,
    },
    /// Trajectories cut at their greatest length before they turned.
    #[error(
        "{n_truncated} of {n} trajectories reached their greatest length before they turned: they are slow rather than \
             wrong; the energy may need other coordinates"
    )]
    Truncated {
        /// Trajectories cut.
        n_truncated: u64,
        /// All trajectories.
        n: u64,
    },
    /// Chains that were in a well of no weight when warm-up ended.
    #[error(
        "{n_lost} of {n_chains} chains were in wells of less than exp(-{shortfall:.0}) of the weight where the others are when \
             warm-up ended; they have gone on from where others were"
    )]
    Lost {
        /// How many.
        n_lost: usize,
        /// All chains.
        n_chains: usize,
        /// Log weight, in nats, by which their wells fall short at the least.
        shortfall: f64,
    },
    /// Chains that never moved.
    #[error("{n_stuck} of {n_chains} chains never moved")]
    StuckChains {
        /// Chains whose draws are all equal.
        n_stuck: usize,
        /// All chains.
        n_chains: usize,
    },
}

/// Why a run could not be done.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum RunError {
    /// An option outside its range.
    #[error("{option} is {value}, but must be at least {minimum}")]
    Option {
        /// Its name.
        option: &'static str,
        /// Its value.
        value: usize,
        /// The least possible value.
        minimum: usize,
    },
    /// The starting points have the wrong shape.
    #[error("starting points have {got} coordinates, the energy has {expected}")]
    Dimension {
        /// Coordinates of the points.
        got: usize,
        /// Coordinates of the energy.
        expected: usize,
    },
    /// The energy has coordinates that the kernel does not move.
    #[error("the energy has {n} {what}, which this sampler does not move")]
    Unmoved {
        /// How many.
        n: usize,
        /// Which: discrete variables, or real ones.
        what: &'static str,
    },
    /// The energy at a starting point is not finite.
    #[error("chain {chain} starts at {x:?}, where the energy is {energy}")]
    BadStart {
        /// Which chain.
        chain: usize,
        /// Where.
        x: Vec<f64>,
        /// The energy there.
        energy: f64,
    },
    /// No starting point was found for a chain.
    #[error("no starting point for chain {chain} after {n_attempts} attempts: at {x:?} the energy is {energy}{gradient}",
        gradient = if *gradient_finite { "" } else { " and its gradient not finite" })]
    NoStart {
        /// Which chain.
        chain: usize,
        /// Random points tried.
        n_attempts: usize,
        /// The last point tried.
        x: Vec<f64>,
        /// The energy there.
        energy: f64,
        /// Whether the gradient there was finite (true when it was not asked for).
        gradient_finite: bool,
    },
    /// The reference of a tempered run has the wrong shape.
    #[error("the reference has {got} real coordinates, the energy has {expected}")]
    ReferenceDimension {
        /// Coordinates of the reference.
        got: usize,
        /// Coordinates of the energy.
        expected: usize,
    },
    /// The energy falls without end, so that there is hardly a density to draw from.
    #[error("the energy falls without end along the direction {direction:.6?}")]
    Falls {
        /// Unit vector towards infinity.
        direction: Vec<f64>,
    },
    /// No Gaussian fits the starting points.
    #[error("no Gaussian reference fits the starting points; give a reference")]
    NoReference {
        /// Why not.
        #[source]
        cause: GaussianError,
    },
    /// The draws do not fit into memory.
    #[error("{n_chains} chains x {n_draws} draws x {dim} coordinates do not fit into memory")]
    TooLarge {
        /// Chains.
        n_chains: usize,
        /// Draws per chain.
        n_draws: usize,
        /// Coordinates.
        dim: usize,
    },
    /// No step size gives any acceptance.
    #[error("no step size is accepted: at {step_size:e} the acceptance probability is {accept_prob:.3}")]
    NoStepSize {
        /// The smallest step size tried.
        step_size: f64,
        /// The acceptance probability there.
        accept_prob: f64,
    },
    /// The time was over before warm-up was.
    #[error("the time ran out in the warm-up of the ladder, after {n_done} of {n} iterations")]
    OutOfTime {
        /// Iterations done.
        n_done: usize,
        /// All of them.
        n: usize,
    },
    /// A kernel without accept or reject left the finite numbers; its draws mean nothing.
    #[error("{n_diverged} of {n} steps diverged at step size {step_size}; use a smaller one, or a kernel that rejects")]
    Diverged {
        /// Divergent steps.
        n_diverged: u64,
        /// All steps.
        n: u64,
        /// The step size.
        step_size: f64,
    },
}

/// What a run gives back.
#[derive(Clone, Debug)]
pub struct Outcome<K> {
    /// The draws.
    pub draws: Draws,
    /// The kernel as it was adapted; it was fixed while sampling.
    pub kernel: K,
    /// Counts over the draws.
    pub info: Info,
    /// Counts over the warm-up.
    pub warm_up: Info,
    /// What is doubtful, in the order it was found.
    pub warnings: Vec<Warning>,
    /// Where transitions diverged, the first [`MAX_DIVERGENCES`] in the order of draws and chains; of the transitions between
    /// kept draws only the last is looked at.
    pub divergences: Vec<Divergence>,
    /// Where the chains ended.
    pub last: Points,
}

/// Divergences located at most; all are counted.
pub const MAX_DIVERGENCES: usize = 1000;

/// A transition that diverged.
#[derive(Clone, Debug, PartialEq)]
pub struct Divergence {
    /// Which chain.
    pub chain: usize,
    /// Which draw.
    pub draw: usize,
    /// Where the chain was and stayed.
    pub x: Vec<f64>,
}

/// Warms the kernel up from `init` (one row per chain), then draws.
///
/// Energies with bounded supports go through [`crate::energy::Transformed`] first; draws come in the coordinates of `energy`.
///
/// # Errors
/// Options out of range, starting points of the wrong shape or with a non-finite energy, energies with labels, draws too
/// large for memory, no step size that is accepted, and divergence of a kernel that never rejects.
pub fn sample<E: Energy + ?Sized, K: Adapt<E>>(
    energy: &E,
    kernel: &K,
    init: Points,
    options: &RunOptions,
    progress: Progress<'_>,
) -> Result<Outcome<K>, RunError> {
    check(energy, &init, kernel.moves(), options)?;
    let warm = warmed_up(energy, kernel, init, options, progress)?;
    sample_warm(energy, warm, options, progress)
}

/// Draws with a kernel that is already warm, and says what is doubtful, as [`sample`] does.
///
/// # Errors
/// Draws too large for memory, and divergence of a kernel that never rejects.
pub fn sample_warm<E: Energy + ?Sized, K: Adapt<E>>(
    energy: &E,
    warm: WarmedUp<K>,
    options: &RunOptions,
    progress: Progress<'_>,
) -> Result<Outcome<K>, RunError> {
    let mut outcome = draw(energy, warm, options, 0, progress)?;
    let stuck = (outcome.draws.n_stuck(), outcome.draws.n_chains());
    for warning in judge(&outcome.kernel, &outcome.info, stuck, options)? {
        warn(&mut outcome.warnings, progress, warning);
    }
    Ok(outcome)
}

/// The kernel after its warm-up, or as it is where none is asked for.
fn warmed_up<E: Energy + ?Sized, K: Adapt<E>>(
    energy: &E,
    kernel: &K,
    init: Points,
    options: &RunOptions,
    progress: Progress<'_>,
) -> Result<WarmedUp<K>, RunError> {
    if options.n_warmup > 0 {
        return kernel.warm_up(energy, init, options, progress);
    }
    Ok(WarmedUp { kernel: kernel.clone(), x: init, info: Info::default(), warnings: Vec::new() })
}

/// What is doubtful about draws: `info` counts all of them, `stuck` the chains that never moved and all chains.
fn judge<K: Tunable>(
    kernel: &K,
    info: &Info,
    (n_stuck, n_chains): (usize, usize),
    options: &RunOptions,
) -> Result<Vec<Warning>, RunError> {
    let mut warnings = Vec::new();
    let Info { n, n_diverged, n_truncated, .. } = *info;
    if n_diverged > 0 {
        if !kernel.rejects() {
            return Err(RunError::Diverged { n_diverged, n, step_size: kernel.step_size() });
        }
        warnings.push(Warning::Divergences { phase: Phase::Draws, n_diverged, n });
    }
    if let Some(target) = kernel.target_accept() {
        let (accept_prob, adapted) = (info.accept_prob(), options.n_warmup > 0);
        if accept_prob < target / 3.0 {
            warnings.push(Warning::Acceptance { accept_prob, target, adapted });
        }
    }
    if n_truncated > 0 {
        warnings.push(Warning::Truncated { n_truncated, n });
    }
    if n_stuck > 0 && n >= 20 * n_chains as u64 {
        warnings.push(Warning::StuckChains { n_stuck, n_chains });
    }
    Ok(warnings)
}

/// Draws with a kernel that is already warm, from transition `first_step` of the streams on: with the positions a run of
/// `n` draws ended at and `first_step = n thin`, the draws continue that run to the bit.
///
/// # Errors
/// Draws too large for memory.
pub fn draw<E: Energy + ?Sized, K: Kernel<E>>(
    energy: &E,
    warm: WarmedUp<K>,
    options: &RunOptions,
    first_step: u64,
    progress: Progress<'_>,
) -> Result<Outcome<K>, RunError> {
    let WarmedUp { kernel, x, info: warm_up, warnings } = warm;
    let (n_chains, dim) = (x.n(), x.n_coordinates());
    let mut streams = Streams::new(options.seed, Run::Draws);
    streams.seek(first_step);
    let size = block_size(options, kernel.group(), n_chains, dim);
    let mut blocks = Block::deal(energy, &kernel, &x, size, &streams);
    let hamiltonian = blocks.first().is_some_and(|b| !b.state.hamiltonian().is_empty());
    let mut draws = Draws::with_room(n_chains, options.n_draws, dim, hamiltonian)?;
    let total = (n_chains * options.n_draws * options.thin) as u64;
    let done = AtomicU64::new(0);
    let report_every = options.n_draws.div_ceil(50);
    let work = |b: usize, block: &mut Block<K::State>, mut room: draws::Room<'_>| {
        let mut divergences = Vec::new();
        for t in 0..options.n_draws {
            let n_diverged = block.info.n_diverged;
            block.steps(energy, &kernel, options.thin as u64);
            room.record(t, &block.state);
            if block.info.n_diverged > n_diverged {
                let at = (0..block.state.x().n()).filter(|i| block.state.diverged(*i));
                let located = at.map(|i| Divergence {
                    chain: b * size + i,
                    draw: t,
                    x: block.state.x().values(i, energy.space()),
                });
                divergences.extend(located.take(MAX_DIVERGENCES - divergences.len()));
            }
            if (t + 1) % report_every == 0 || t + 1 == options.n_draws {
                let steps = if (t + 1) % report_every == 0 { report_every } else { options.n_draws % report_every };
                let more = (steps * options.thin * block.state.x().n()) as u64;
                let done = done.fetch_add(more, Ordering::Relaxed) + more;
                progress(Event::Progress { phase: Phase::Draws, done, total });
            }
        }
        divergences
    };
    let rooms = draws.rooms(size, &energy.space().labels);
    let located = blocks.par_iter_mut().zip(rooms).enumerate().map(|(b, (block, room))| work(b, block, room));
    // The first of all blocks are among the first of each.
    let mut divergences: Vec<Divergence> = located.flatten_iter().collect();
    divergences.sort_by_key(|d| (d.draw, d.chain));
    divergences.truncate(MAX_DIVERGENCES);
    let info = Block::total(&blocks);
    Ok(Outcome { draws, kernel, info, warm_up, warnings, divergences, last: Block::gather(&blocks, &x) })
}

/// Numbers of a coordinate matrix beyond which a block gets fewer chains, 64 at the least, so that it stays in cache.
const BLOCK_NUMBERS: usize = 4096;

/// Chains below which a block is not cut so that every thread has one: vectors of fewer cost as much.
const SHARED_BLOCK: usize = 16;

/// Chains of a block of `n_chains` in `dim` dimensions, a multiple of the chains that move together. Blocks change no bit of
/// the draws, so that their size may look at the threads.
pub(crate) fn block_size(options: &RunOptions, group: usize, n_chains: usize, dim: usize) -> usize {
    let share = n_chains.div_ceil(rayon::current_num_threads()).next_multiple_of(SHARED_BLOCK);
    let in_cache = (BLOCK_NUMBERS / dim.max(1)).max(64);
    options.block.min(in_cache).min(share).next_multiple_of(group.max(1))
}

/// A block of chains with its streams and counts.
pub(crate) struct Block<S> {
    pub(crate) state: S,
    pub(crate) rng: Streams,
    pub(crate) info: Info,
}

impl<S: ChainState> Block<S> {
    /// Cuts the chains into blocks of `size` and evaluates them.
    pub(crate) fn deal<E: Energy + ?Sized, K: Kernel<E, State = S>>(
        energy: &E,
        kernel: &K,
        x: &Points,
        size: usize,
        streams: &Streams,
    ) -> Vec<Self> {
        let starts: Vec<usize> = (0..x.n()).step_by(size).collect();
        starts
            .into_par_iter()
            .map(|first| {
                let rows = x.rows(first, size.min(x.n() - first));
                Block { state: kernel.init(energy, rows), rng: streams.block(first), info: Info::default() }
            })
            .collect()
    }

    /// `n_steps` transitions.
    pub(crate) fn steps<E: Energy + ?Sized, K: Kernel<E, State = S>>(&mut self, energy: &E, kernel: &K, n_steps: u64) {
        self.info.add(kernel.steps(energy, &mut self.state, &mut self.rng, n_steps));
    }

    /// Puts chain `i` to where row `k` of `at` is, for each of the `places` `(i, k)`.
    pub(crate) fn place<E: Energy + ?Sized, K: Kernel<E, State = S>>(
        blocks: &mut [Self],
        energy: &E,
        kernel: &K,
        places: &[(usize, usize)],
        at: &Points,
    ) {
        let mut first = 0;
        for b in blocks {
            let n = b.state.x().n();
            for (i, k) in places.iter().filter(|(i, _)| (first..first + n).contains(i)) {
                b.state.x_mut().copy_row(i - first, at, *k);
            }
            kernel.refresh(energy, &mut b.state);
            first += n;
        }
    }

    /// Counts of all blocks.
    pub(crate) fn total(blocks: &[Self]) -> Info {
        let mut info = Info::default();
        blocks.iter().for_each(|b| info.add(b.info));
        info
    }

    /// Positions of all chains, in order; `like` gives the shape.
    pub(crate) fn gather(blocks: &[Self], like: &Points) -> Points {
        let mut x = like.room(like.n());
        let mut first = 0;
        for b in blocks {
            let rows = b.state.x();
            for j in 0..like.real.n_cols() {
                x.real.col_mut(j)[first..first + rows.n()].copy_from_slice(rows.real.col(j));
            }
            for j in 0..like.label.n_cols() {
                x.label.col_mut(j)[first..first + rows.n()].copy_from_slice(rows.label.col(j));
            }
            first += rows.n();
        }
        x
    }
}

/// Keeps a warning and tells it.
pub(crate) fn warn(warnings: &mut Vec<Warning>, progress: Progress<'_>, warning: Warning) {
    progress(Event::Warning(warning.clone()));
    warnings.push(warning);
}

pub(crate) fn check<E: Energy + ?Sized>(
    energy: &E,
    init: &Points,
    moves: Moves,
    options: &RunOptions,
) -> Result<(), RunError> {
    for (option, value, minimum) in [
        ("the number of chains", init.n(), 1),
        ("the number of coordinates", init.n_coordinates(), 1),
        ("the number of draws", options.n_draws, 1),
        ("thin", options.thin, 1),
        ("block", options.block, 1),
    ] {
        if value < minimum {
            return Err(RunError::Option { option, value, minimum });
        }
    }
    let space = energy.space();
    check_moves(space, moves)?;
    let (got, expected) = (init.n_coordinates(), space.n_coordinates());
    if got != expected || init.dim() != space.dim() {
        return Err(RunError::Dimension { got, expected });
    }
    let mut e = vec![0.0; init.n()];
    energy.energy(init, &mut e);
    match e.iter().position(|e| !e.is_finite()) {
        Some(chain) => Err(RunError::BadStart { chain, x: init.values(chain, space), energy: e[chain] }),
        None => Ok(()),
    }
}

/// Refuses coordinates that would stay where they are.
pub(crate) fn check_moves(space: &Space, moves: Moves) -> Result<(), RunError> {
    match moves {
        moves if moves.all_of(space) => Ok(()),
        Moves::Labels => Err(RunError::Unmoved { n: space.dim(), what: "real variables" }),
        _ => Err(RunError::Unmoved { n: space.labels.len(), what: "discrete variables" }),
    }
}
