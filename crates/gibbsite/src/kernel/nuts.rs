//! The No-U-Turn sampler (Hoffman and Gelman 2014) in its multinomial form (Betancourt 2017, "A conceptual introduction to
//! Hamiltonian Monte Carlo", appendix A): Hamiltonian trajectories that grow until they turn back.

use super::hmc::MAX_ENERGY_ERROR;
use super::{Cache, ChainState, Info, Kernel, Metric};
use crate::energy::Differentiable;
use crate::points::{Matrix, Points};
use crate::rng::{Purpose, Streams};

mod branch;
mod halving;
mod lanes;
use lanes::{Fate, Finished, Lanes};

/// The No-U-Turn sampler. A fresh momentum `p ~ N(0, I)`; then the trajectory doubles, forwards or backwards in time with
/// equal probability, until it turns: until `rho . p <= 0` at one of its ends, `rho` the sum of its momenta.
///
/// A state z of the trajectory has weight `exp(H(x, p) - H(z))`. Within a new half one is chosen in proportion to the weights;
/// the new half replaces the choice of the old one with probability `min(1, w_new / w_old)`, which favours far states. A half
/// in which any of its own binary subtrees turns, or whose `H` rises by more than [`MAX_ENERGY_ERROR`], is discarded. Turns
/// are also looked for between each subtree and the first momentum of its neighbour (as in Stan since 2019), without which
/// trajectories of about a whole period go unnoticed.
///
/// A leapfrog step along which `H` changes by more than [`max_change`](Nuts::max_change) is cut into the fewest parts, a power
/// of two, along which it does not, so that trajectories pass through places where the energy bends sharply instead of diverging
/// there (Bou-Rabee, Carpenter, Kleppe and Liu 2025, "The within-orbit adaptive leapfrog no-U-turn sampler"). The number of parts
/// is a function of the state and the direction; where the way back would take another number, the half is discarded.
///
/// All chains of a block take their leapfrog steps together, and so grow subtrees of the same shape; chains that have
/// finished leave, and the others are moved together so that vectors stay full.
#[derive(Clone, Debug, PartialEq)]
pub struct Nuts {
    /// Step size `eps` of the leapfrog integrator.
    pub step_size: f64,
    /// Doublings after which a trajectory ends, 10 by default: at most `2^max_depth - 1` leapfrog steps.
    pub max_depth: u32,
    /// The acceptance probability, averaged over a trajectory, that warm-up aims for: 0.8 by default, as Stan. Nearer to 1 the
    /// steps are smaller: fewer divergences where the energy bends sharply, more work elsewhere.
    pub target_accept: f64,
    /// Change of H along a leapfrog step beyond which the step is cut into 2, 4, ... 256 smaller ones: 3 by default, which
    /// well-scaled energies hardly ever exceed. Infinite: never. Acceptance, which steers the step size, is that of whole steps.
    pub max_change: f64,
    /// The preconditioner `A`: momenta are normal in `z`, where `x = A z`.
    pub metric: Metric,
}

impl Nuts {
    /// The No-U-Turn sampler without preconditioner.
    pub fn new(step_size: f64) -> Self {
        Self { step_size, max_depth: 10, target_accept: 0.8, max_change: 3.0, metric: Metric::default() }
    }
}

tunable! {
    Nuts,
    |kernel| Some(kernel.target_accept)
}

/// A block of chains, and the trajectories that grow.
#[derive(Clone, Debug)]
pub struct Trajectories {
    x: Points,
    energy: Vec<f64>,
    grad: Matrix<f64>,
    hamiltonian: Vec<f64>,
    diverged: Vec<bool>,
    lanes: Lanes,
    version: u64,
}

impl ChainState for Trajectories {
    fn x(&self) -> &Points {
        &self.x
    }

    fn x_mut(&mut self) -> &mut Points {
        &mut self.x
    }

    fn energy(&self) -> &[f64] {
        &self.energy
    }

    fn grad(&self) -> Option<&Matrix<f64>> {
        Some(&self.grad)
    }

    fn cache(&mut self) -> Option<Cache<'_>> {
        Some(Cache { x: &self.x, energy: &mut self.energy, grad: &mut self.grad, version: &mut self.version })
    }

    fn hamiltonian(&self) -> &[f64] {
        &self.hamiltonian
    }

    fn diverged(&self, i: usize) -> bool {
        self.diverged[i]
    }
}

impl<E: Differentiable + ?Sized> Kernel<E> for Nuts {
    type State = Trajectories;

    fn init(&self, energy: &E, x: Points) -> Trajectories {
        let (n, d) = (x.n(), x.dim());
        let mut state = Trajectories {
            energy: vec![f64::NAN; n],
            grad: Matrix::new(n, d),
            hamiltonian: vec![f64::NAN; n],
            diverged: vec![false; n],
            lanes: Lanes::new(n, d),
            version: 0,
            x,
        };
        self.refresh(energy, &mut state);
        state
    }

    fn step(&self, energy: &E, state: &mut Trajectories, rng: &mut Streams) -> Info {
        debug_assert_eq!(
            state.version,
            energy.version(),
            "stale cache: call Kernel::refresh after the energy has changed"
        );
        let (n, d) = (state.x.n(), state.x.dim());
        let Trajectories { x, energy: e, grad, hamiltonian, diverged, lanes, .. } = state;
        let (mut info, mut n_halved) = (Info { n: n as u64, ..Info::default() }, 0);
        diverged.fill(false);
        lanes.begin(&self.metric, &x.real, e, grad, rng.normals(Purpose::Proposal, n, d), hamiltonian);
        let mut finished = |f: Finished<'_>| {
            x.real.copy_rows(f.chains, &f.tree.x, f.lanes);
            grad.copy_rows(f.chains, &f.tree.g, f.lanes);
            for (&chain, &lane) in f.chains.iter().zip(f.lanes) {
                e[chain] = f.tree.e[lane];
                diverged[chain] = f.fate[lane] == Fate::Diverged;
                info.n_diverged += u64::from(f.fate[lane] == Fate::Diverged);
                info.n_truncated += u64::from(f.fate[lane] == Fate::Growing);
                info.sum_accept += f.accept_prob(lane);
                info.n_evals += f.n_steps[lane] as u64;
            }
        };
        for depth in 0..self.max_depth {
            lanes.turn_to(&self.metric, self.step_size, depth, rng);
            let n_leaves = 1 << depth;
            for leaf in 0..n_leaves {
                lanes.leap(&self.metric, leaf);
                let front = &mut lanes.front;
                energy.energy_grad(&front.x, &mut front.e, &mut front.g);
                lanes.kick_and_weigh(&self.metric, -MAX_ENERGY_ERROR);
                n_halved += lanes.halve(energy, &self.metric, leaf, self.max_change);
                lanes.stop_divergent(-MAX_ENERGY_ERROR);
                lanes.add_leaf(&self.metric, depth, leaf, rng);
                let joined = leaf + 1 == n_leaves;
                let (n_left, n_there) = if joined { (2 * n_leaves, 0) } else { (n_leaves - leaf - 1, leaf + 1) };
                lanes.compact(n_left, n_there, &mut finished);
                if lanes.n_growing == 0 {
                    break;
                }
            }
            if lanes.n_growing == 0 {
                break;
            }
        }
        lanes.finish(&mut finished);
        info.n_evals += n_halved;
        info
    }

    fn refresh(&self, energy: &E, state: &mut Trajectories) {
        energy.energy_grad(&state.x, &mut state.energy, &mut state.grad);
        state.version = energy.version();
    }
}
