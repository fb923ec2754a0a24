//! The chains of a contrastive objective: in blocks of a fixed size, each with its own streams, so that the result does
//! not depend on the number of threads.

use rayon::prelude::*;

use super::reduce::sum;
use crate::energy::Parametric;
use crate::kernel::{ChainState, Info, Kernel};
use crate::points::Points;
use crate::rng::Streams;

/// Chains of one block.
pub const BLOCK: usize = 256;

/// One block: what the kernel keeps, its streams, and its share of the gradient.
pub struct Block<S> {
    pub(super) state: S,
    pub(super) rng: Streams,
    w: Vec<f64>,
    grad: Vec<f64>,
    info: Info,
    e: Vec<f64>,
}

/// A set of chains that an update moves together.
pub struct ChainBlocks<S> {
    pub(super) blocks: Vec<Block<S>>,
}

impl<S: ChainState> ChainBlocks<S> {
    /// Chains at `x`, numbered from `first_chain` on.
    pub fn new<E, K>(kernel: &K, energy: &E, x: &Points, streams: &Streams, first_chain: usize) -> Self
    where
        E: Parametric + ?Sized,
        K: Kernel<E, State = S>,
    {
        let n = x.n();
        let blocks = (0..n)
            .step_by(BLOCK)
            .map(|first| {
                let x = x.rows(first, BLOCK.min(n - first));
                Block {
                    w: vec![-1.0 / n as f64; x.n()],
                    e: vec![0.0; x.n()],
                    state: kernel.init(energy, x),
                    rng: streams.block(first_chain + first),
                    grad: vec![0.0; energy.n_theta()],
                    info: Info::default(),
                }
            })
            .collect();
        Self { blocks }
    }

    /// Number of chains.
    pub fn n(&self) -> usize {
        self.blocks.iter().map(|b| b.state.x().n()).sum()
    }

    /// Puts the chains at the rows of `x`, which has as many.
    pub fn place(&mut self, x: &Points) {
        let mut first = 0;
        for block in &mut self.blocks {
            let to = block.state.x_mut();
            let n = to.n();
            for j in 0..to.dim() {
                to.real.col_mut(j).copy_from_slice(&x.real.col(j)[first..first + n]);
            }
            first += n;
        }
    }

    /// Moves every chain `n_steps` steps under the energy as it is now, then adds `-1/n sum_i dE(x_i)/dtheta` to `grad`.
    pub fn run<E, K>(
        &mut self,
        kernel: &K,
        energy: &E,
        n_steps: usize,
        threads: Option<&rayon::ThreadPool>,
        grad: &mut [f64],
    ) -> Info
    where
        E: Parametric + ?Sized,
        K: Kernel<E, State = S>,
    {
        let one = |block: &mut Block<S>| {
            kernel.refresh(energy, &mut block.state);
            block.info = kernel.steps(energy, &mut block.state, &mut block.rng, n_steps as u64);
            block.grad.fill(0.0);
            energy.grad_theta(block.state.x(), &block.w, &mut block.grad);
        };
        match threads {
            Some(pool) if self.blocks.len() > 1 => pool.install(|| self.blocks.par_iter_mut().for_each(one)),
            _ => self.blocks.iter_mut().for_each(one),
        }
        let mut info = Info::default();
        for block in &self.blocks {
            info.add(block.info);
            grad.iter_mut().zip(&block.grad).for_each(|(g, b)| *g += b);
        }
        info
    }

    /// Mean energy at the positions.
    pub fn mean_energy<E: Parametric + ?Sized>(&mut self, energy: &E) -> f64 {
        let mut total = 0.0;
        for block in &mut self.blocks {
            energy.energy(block.state.x(), &mut block.e);
            total += sum(&block.e);
        }
        total / self.n() as f64
    }

    /// Appends positions and step counters.
    pub fn save(&self, positions: &mut Vec<f64>, steps: &mut Vec<u64>) {
        for block in &self.blocks {
            positions.extend_from_slice(block.state.x().real.as_slice());
            steps.push(block.rng.step());
        }
    }

    /// Takes positions and step counters off the fronts; `false` if there are too few.
    pub fn restore(&mut self, positions: &mut &[f64], steps: &mut &[u64]) -> bool {
        for block in &mut self.blocks {
            let x = block.state.x_mut().real.as_mut_slice();
            let (Some((head, tail)), Some((step, rest))) = (positions.split_at_checked(x.len()), steps.split_first())
            else {
                return false;
            };
            x.copy_from_slice(head);
            block.rng.seek(*step);
            (*positions, *steps) = (tail, rest);
        }
        true
    }

    /// The positions as one batch.
    pub fn samples(&self) -> Points {
        let dim = self.blocks.first().map_or(0, |b| b.state.x().dim());
        let mut out = Points::zeros(self.n(), dim);
        let mut first = 0;
        for block in &self.blocks {
            let x = block.state.x();
            for j in 0..dim {
                out.real.col_mut(j)[first..first + x.n()].copy_from_slice(x.real.col(j));
            }
            first += x.n();
        }
        out
    }
}
