//! Markov kernels: one file per sampler. A kernel works on one block of chains on one thread and never sees the others.
//!
//! The energy is an argument of every call, so that training, tempering and annealing reuse the kernels while the
//! energy changes under them; after such a change they call [`Kernel::refresh`].

use crate::points::{Matrix, Points, Space};
use crate::rng::Streams;

/// What one step did, summed over the chains of the block.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Info {
    /// Chains that moved or tried to.
    pub n: u64,
    /// Sum over chains of the acceptance probability (1 for kernels that always accept).
    pub sum_accept: AcceptSum,
    /// Chains whose proposal was divergent or non-finite; such a proposal is rejected, never repaired.
    pub n_diverged: u64,
    /// Gradient (or, for gradient-free kernels, energy) evaluations, summed over chains.
    pub n_evals: u64,
    /// Chains whose trajectory was cut at its greatest length, for kernels that choose it.
    pub n_truncated: u64,
}

impl Info {
    /// Adds the counts of another step or block.
    pub fn add(&mut self, other: Info) {
        self.n += other.n;
        self.sum_accept += other.sum_accept;
        self.n_diverged += other.n_diverged;
        self.n_evals += other.n_evals;
        self.n_truncated += other.n_truncated;
    }

    /// Mean acceptance probability, NaN before the first step.
    pub fn accept_prob(&self) -> f64 {
        self.sum_accept.value() / self.n as f64
    }
}

/// What run, tempering and annealing need of any kernel's state.
pub trait ChainState: Send {
    /// Positions of the chains.
    fn x(&self) -> &Points;

    /// Positions, to be followed by [`Kernel::refresh`] when changed.
    fn x_mut(&mut self) -> &mut Points;

    /// Energies at the positions.
    fn energy(&self) -> &[f64];

    /// Gradients at the positions, for kernels that use them.
    fn grad(&self) -> Option<&Matrix<f64>> {
        None
    }

    /// What is cached of the energy at the positions, for those who know how it changes with the energy and so save a
    /// [`Kernel::refresh`]; `None` for states that cache anything else.
    fn cache(&mut self) -> Option<Cache<'_>> {
        None
    }

    /// Total energy H = E + |p|^2 / 2 at the start of the last transition of each chain; empty for kernels without momenta.
    fn hamiltonian(&self) -> &[f64] {
        &[]
    }

    /// Whether the last transition of chain `i` met a divergence or a non-finite proposal.
    fn diverged(&self, _i: usize) -> bool {
        false
    }
}

/// Values of an energy at the positions of a state.
pub struct Cache<'a> {
    /// Positions, `(n, d)`.
    pub x: &'a Points,
    /// Energies, `(n,)`; NaN for kernels that do not know them.
    pub energy: &'a mut [f64],
    /// Gradients, `(n, d)`; no columns for kernels without.
    pub grad: &'a mut Matrix<f64>,
    /// The version of the energy that the values are of.
    pub version: &'a mut u64,
}

/// A Markov kernel that leaves exp(-E) invariant (or, for unadjusted Langevin, nearly so: its documentation says how far off).
pub trait Kernel<E: ?Sized>: Send + Sync {
    /// Positions and whatever the kernel caches about them, workspaces included.
    type State: ChainState;

    /// Evaluates what the kernel caches at `x`.
    fn init(&self, energy: &E, x: Points) -> Self::State;

    /// One transition of every chain. Draws the randomness of the streams' current step; the caller then calls [`Streams::advance`].
    fn step(&self, energy: &E, state: &mut Self::State, rng: &mut Streams) -> Info;

    /// `n_steps` transitions, advancing the streams after each. The same as calling [`Kernel::step`] that often; kernels
    /// that need not know every energy on the way do less work.
    fn steps(&self, energy: &E, state: &mut Self::State, rng: &mut Streams, n_steps: u64) -> Info {
        let mut info = Info::default();
        for _ in 0..n_steps {
            info.add(self.step(energy, state, rng));
            rng.advance();
        }
        info
    }

    /// Evaluates the cache anew, after theta, beta or the positions changed.
    fn refresh(&self, energy: &E, state: &mut Self::State);

    /// Chains that move together, for kernels whose proposals look at other chains; blocks hold whole groups.
    fn group(&self) -> usize {
        1
    }
}

/// Which coordinates a kernel moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moves {
    /// The real ones.
    Reals,
    /// The labels.
    Labels,
    /// All.
    All,
}

impl Moves {
    /// Whether it moves all coordinates that there are.
    pub fn all_of(self, space: &Space) -> bool {
        (self != Moves::Labels || space.reals.is_empty()) && (self != Moves::Reals || space.labels.is_empty())
    }
}

/// What a run must know of a kernel, and what warm-up adjusts, the same for every kernel.
pub trait Tunable {
    /// Which coordinates it moves; the real ones, unless it says so.
    fn moves(&self) -> Moves {
        Moves::Reals
    }

    /// The step size.
    fn step_size(&self) -> f64;

    /// Sets the step size.
    fn set_step_size(&mut self, step_size: f64);

    /// The acceptance probability that warm-up aims for, `None` for kernels whose step size it does not steer.
    fn target_accept(&self) -> Option<f64>;

    /// The preconditioner, `None` for kernels without one.
    fn metric(&self) -> Option<&Metric>;

    /// How many rejections a divergence counts as when warm-up steers the step size; 0, the default, as the acceptance says.
    fn divergence_cost(&self) -> f64 {
        0.0
    }

    /// Whether the kernel rejects what is not finite, so that a divergence spoils a transition and not the chain.
    fn rejects(&self) -> bool {
        self.target_accept().is_some()
    }

    /// Sets the preconditioner; the identity by default.
    fn set_metric(&mut self, metric: &Metric);
}

/// [`Tunable`] for a kernel with the fields `step_size` and `metric`; the target is an expression in the kernel, and so may be
/// the cost of a divergence.
macro_rules! tunable {
    ($kernel:ident, $(#[$doc:meta])* |$this:ident| $target:expr $(, $(#[$cost_doc:meta])* divergence_cost: $cost:expr)?) => {
        impl $crate::kernel::Tunable for $kernel {
            fn step_size(&self) -> f64 {
                self.step_size
            }

            fn set_step_size(&mut self, step_size: f64) {
                self.step_size = step_size;
            }

            $(#[$doc])*
            fn target_accept(&self) -> Option<f64> {
                let $this = self;
                $target
            }

            $(
                $(#[$cost_doc])*
                fn divergence_cost(&self) -> f64 {
                    $cost
                }
            )?

            fn metric(&self) -> Option<&$crate::kernel::Metric> {
                Some(&self.metric)
            }

            fn set_metric(&mut self, metric: &$crate::kernel::Metric) {
                self.metric.clone_from(metric);
            }
        }
    };
}

/// [`Tunable`] for a kernel of labels, which has nothing to tune.
macro_rules! untunable {
    ($kernel:ident) => {
        impl $crate::kernel::Tunable for $kernel {
            fn moves(&self) -> $crate::kernel::Moves {
                $crate::kernel::Moves::Labels
            }

            /// 1: there is none.
            fn step_size(&self) -> f64 {
                1.0
            }

            fn set_step_size(&mut self, _step_size: f64) {}

            fn target_accept(&self) -> Option<f64> {
                None
            }

            fn rejects(&self) -> bool {
                true
            }

            fn metric(&self) -> Option<&$crate::kernel::Metric> {
                None
            }

            fn set_metric(&mut self, _metric: &$crate::kernel::Metric) {}
        }
    };
}

mod accepted;
pub mod cluster;
pub mod ensemble;
pub mod gibbs;
pub mod grid;
pub mod gwg;
pub mod hmc;
pub mod independence;
mod leapfrog;
pub mod mala;
pub mod metric;
pub mod metropolis;
pub mod nuts;
pub mod rwm;
pub mod slice;
pub mod ula;
pub mod underdamped;
pub use accepted::AcceptSum;
pub(crate) use accepted::on_grid;
pub use cluster::{SwendsenWang, Wolff};
pub use ensemble::Ensemble;
pub use gibbs::Gibbs;
pub use gwg::Gwg;
pub use hmc::Hmc;
pub use independence::Independence;
pub use mala::Mala;
pub use metric::Metric;
pub use metropolis::Chains;
pub use nuts::Nuts;
pub use rwm::Rwm;
pub use slice::Slice;
pub use ula::Ula;
pub use underdamped::Underdamped;
