//! The levels at work: explore every level, swap neighbours, evaluate anew what moved.
//!
//! Each level is cut into the same blocks of ladders. A block explores on one thread; then each pair of neighbouring blocks
//! swaps on one thread. Blocks depend on the options only and streams on level and ladder, so that the results are the same
//! bits for any number of threads.

use rayon::prelude::*;

use super::rungs::Rung;
use super::sums::Sums;
use super::swap::{self, Riders, Rule, SwapCounts};
use super::watch::Slopes;
use super::{Ladder, Replicas};
use crate::energy::{Bridge, Differentiable, Tractable};
use crate::kernel::{ChainState, Info, Kernel};
use crate::points::Points;
use crate::rng::Streams;

/// What is kept of an iteration beside the swaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watch {
    /// Nothing.
    Nothing,
    /// The slopes at every level.
    Warming,
    /// The terms of log Z.
    Drawing,
}

/// A block of ladders at one level.
pub(super) struct Block<S> {
    pub(super) state: S,
    rng: Streams,
    info: Info,
    riders: Riders,
    /// Swaps with the level above.
    swaps: SwapCounts,
    n_round_trips: Vec<u64>,
    pub(super) slopes: Slopes,
    /// What log Z is made of.
    rungs: Vec<Rung>,
}

/// All levels, their blocks level after level.
pub(super) struct Levels<'a, R, E: ?Sized, S> {
    reference: &'a R,
    bridges: Vec<Bridge<&'a R, &'a E>>,
    blocks: Vec<Block<S>>,
    /// Blocks of one level.
    n_blocks: usize,
    n_ladders: usize,
    n_steps: u64,
    /// Step of the streams at iteration 0.
    first_step: u64,
    iteration: u64,
    rule: Rule,
}

/// How levels are cut up and where their streams start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Ladders of a block.
    pub(super) block: usize,
    /// Transitions of an iteration.
    pub(super) n_steps: usize,
    /// Step of the streams at iteration 0.
    pub(super) first_step: u64,
    /// How swaps are decided.
    pub(super) rule: Rule,
}

impl<'a, R, E, S> Levels<'a, R, E, S>
where
    R: Differentiable + Tractable,
    E: Differentiable + ?Sized,
    S: ChainState,
{
    /// Evaluates every level of the ladder where it is.
    pub(super) fn deal<K>(energy: &'a E, ladder: &'a Ladder<R, K>, layout: Layout, streams: &Streams) -> Self
    where
        K: Kernel<Bridge<&'a R, &'a E>, State = S>,
    {
        let reference = &ladder.reference;
        let Replicas { x, replica, leg, iteration } = &ladder.replicas;
        let bridges: Vec<_> = ladder.betas.iter().map(|b| Bridge::new(reference, energy, *b)).collect();
        let n_ladders = x[0].n();
        let starts: Vec<usize> = (0..n_ladders).step_by(layout.block).collect();
        let places: Vec<(usize, usize)> = (0..x.len()).flat_map(|k| starts.iter().map(move |i| (k, *i))).collect();
        let block = |(k, first): (usize, usize)| {
            let n = layout.block.min(n_ladders - first);
            let rows = first..first + n;
            Block {
                state: ladder.kernels[k].init(&bridges[k], x[k].rows(first, n)),
                rng: streams.block(k * n_ladders + first),
                info: Info::default(),
                riders: Riders {
                    e_from: vec![0.0; n],
                    e_to: vec![0.0; n],
                    replica: replica[k][rows.clone()].to_vec(),
                    leg: leg[k][rows].to_vec(),
                },
                swaps: SwapCounts::default(),
                n_round_trips: vec![0; if k == 0 { n } else { 0 }],
                slopes: Slopes::new(n, x[k].dim()),
                rungs: vec![Rung::default(); n],
            }
        };
        let blocks = places.into_par_iter().map(block).collect();
        Self {
            reference,
            bridges,
            blocks,
            n_blocks: starts.len(),
            n_ladders,
            n_steps: layout.n_steps as u64,
            first_step: layout.first_step,
            iteration: *iteration,
            rule: layout.rule,
        }
    }

    /// One iteration: `n_steps` transitions at every level but the first, fresh exact draws at the first, then swaps of the
    /// pairs (0, 1), (2, 3), ... in even iterations and of (1, 2), (3, 4), ... in odd ones.
    pub(super) fn iterate<K>(&mut self, kernels: &[K], watch: Watch)
    where
        K: Kernel<Bridge<&'a R, &'a E>, State = S>,
    {
        let step = self.first_step + self.iteration * (self.n_steps + 1);
        let (bridges, reference, n_steps, n_blocks) = (&self.bridges, self.reference, self.n_steps, self.n_blocks);
        let n_levels = bridges.len();
        self.blocks.par_iter_mut().enumerate().for_each(|(b, block)| {
            let k = b / n_blocks;
            block.rng.seek(step);
            if k == 0 {
                block.rng.seek(step + n_steps);
                reference.sample_into(block.state.x_mut(), &mut block.rng);
            } else {
                block.info.add(kernels[k].steps(&bridges[k], &mut block.state, &mut block.rng, n_steps));
            }
            block.evaluate(&bridges[k]);
            match watch {
                Watch::Nothing => {}
                Watch::Warming => block.watch_warming(&bridges[k]),
                Watch::Drawing => block.watch_drawing([
                    bridges[k.saturating_sub(1)].beta(),
                    bridges[k].beta(),
                    bridges[(k + 1).min(n_levels - 1)].beta(),
                ]),
            }
        });
        let rule = self.rule;
        let parity = (self.iteration % 2) as usize;
        self.blocks[parity * n_blocks..].par_chunks_exact_mut(2 * n_blocks).enumerate().for_each(|(pair, blocks)| {
            let k = 2 * pair + parity;
            let d_beta = bridges[k + 1].beta() - bridges[k].beta();
            let (lower, upper) = blocks.split_at_mut(n_blocks);
            lower.par_iter_mut().zip(upper).for_each(|(low, up)| {
                let (a, b) = ((&mut low.state, &mut low.riders), (&mut up.state, &mut up.riders));
                let (counts, moved) = swap::swap(rule, d_beta, &mut low.rng, a, b);
                low.swaps.add(counts);
                if moved {
                    if k > 0 {
                        kernels[k].refresh(&bridges[k], &mut low.state);
                    }
                    kernels[k + 1].refresh(&bridges[k + 1], &mut up.state);
                }
            });
        });
        for block in &mut self.blocks[..n_blocks] {
            for (leg, n) in block.riders.leg.iter_mut().zip(&mut block.n_round_trips) {
                *n += u64::from(leg.at_reference());
            }
        }
        for block in &mut self.blocks[(n_levels - 1) * n_blocks..] {
            block.riders.leg.iter_mut().for_each(super::Leg::at_target);
        }
        self.iteration += 1;
    }

    /// The blocks of one level.
    pub(super) fn level(&self, k: usize) -> &[Block<S>] {
        &self.blocks[k * self.n_blocks..(k + 1) * self.n_blocks]
    }

    /// Counts of the transitions at level `k`.
    pub(super) fn info(&self, k: usize) -> Info {
        let mut info = Info::default();
        self.level(k).iter().for_each(|b| info.add(b.info));
        info
    }

    /// Counts of the swaps of each pair of levels.
    pub(super) fn swaps(&self) -> Vec<SwapCounts> {
        let total = |k| {
            let mut counts = SwapCounts::default();
            self.level(k).iter().for_each(|b| counts.add(b.swaps));
            counts
        };
        (0..self.bridges.len() - 1).map(total).collect()
    }

    /// Everything that the run has counted and summed.
    pub(super) fn sums(&self) -> Sums {
        Sums {
            info: (0..self.bridges.len()).map(|k| self.info(k)).collect(),
            swaps: self.swaps(),
            n_round_trips: self.round_trips(),
            rungs: (0..self.bridges.len()).map(|k| self.rungs(k)).collect(),
        }
    }

    /// Goes on counting and summing from there; `sums` are of as many levels and ladders.
    pub(super) fn set_sums(&mut self, sums: &Sums) {
        self.forget();
        let last = self.bridges.len() - 1;
        for (k, blocks) in self.blocks.chunks_exact_mut(self.n_blocks).enumerate() {
            blocks.iter_mut().for_each(|b| b.info = Info::default());
            // Counts, and sums that are exact: it does not matter which block of a level has them.
            blocks[0].info = sums.info[k];
            if k < last {
                blocks[0].swaps = sums.swaps[k];
            }
            let mut first = 0;
            for b in blocks {
                let rows = first..first + b.rungs.len();
                first = rows.end;
                if k == 0 {
                    b.n_round_trips.copy_from_slice(&sums.n_round_trips[rows.clone()]);
                }
                b.rungs.copy_from_slice(&sums.rungs[k][rows]);
            }
        }
    }

    /// Puts everything where `replicas` are; they are of this ladder.
    pub(super) fn set_replicas<K>(&mut self, replicas: &Replicas, kernels: &[K])
    where
        K: Kernel<Bridge<&'a R, &'a E>, State = S>,
    {
        let Replicas { x, replica, leg, iteration } = replicas;
        for (k, blocks) in self.blocks.chunks_exact_mut(self.n_blocks).enumerate() {
            let mut first = 0;
            for b in blocks {
                let n = b.rungs.len();
                *b.state.x_mut() = x[k].rows(first, n);
                kernels[k].refresh(&self.bridges[k], &mut b.state);
                b.riders.replica.copy_from_slice(&replica[k][first..first + n]);
                b.riders.leg.copy_from_slice(&leg[k][first..first + n]);
                first += n;
            }
        }
        self.iteration = *iteration;
    }

    /// Iterations done.
    pub(super) fn iteration(&self) -> u64 {
        self.iteration
    }

    /// Round trips completed by each ladder.
    fn round_trips(&self) -> Vec<u64> {
        self.level(0).iter().flat_map(|b| &b.n_round_trips).copied().collect()
    }

    /// What log Z is made of at level `k`, one rung of each ladder.
    fn rungs(&self, k: usize) -> Vec<Rung> {
        self.level(k).iter().flat_map(|b| &b.rungs).copied().collect()
    }

    /// Forgets all counts and sums, but not the transitions.
    pub(super) fn forget(&mut self) {
        for b in &mut self.blocks {
            b.swaps = SwapCounts::default();
            b.n_round_trips.fill(0);
            b.slopes.clear();
            b.rungs.fill(Rung::default());
        }
    }

    /// Where everything is.
    pub(super) fn replicas(&self) -> Replicas {
        let levels = || (0..self.bridges.len()).map(|k| self.level(k));
        Replicas {
            x: levels().map(|blocks| gather(blocks, self.n_ladders)).collect(),
            replica: levels().map(|b| b.iter().flat_map(|b| &b.riders.replica).copied().collect()).collect(),
            leg: levels().map(|b| b.iter().flat_map(|b| &b.riders.leg).copied().collect()).collect(),
            iteration: self.iteration,
        }
    }
}

impl<S: ChainState> Block<S> {
    /// Both energies of every row; in debug builds compares what the kernel has cached, so that a missing refresh is found.
    fn evaluate<R: Differentiable, E: Differentiable + ?Sized>(&mut self, bridge: &Bridge<&R, &E>) {
        bridge.both(self.state.x(), &mut self.riders.e_from, &mut self.riders.e_to);
        if cfg!(debug_assertions) && bridge.beta() > 0.0 {
            for (i, cached) in self.state.energy().iter().enumerate() {
                let (from, to) = (self.riders.e_from[i], self.riders.e_to[i]);
                let (now, size) = (bridge.mix(from, to), 1.0 + from.abs() + to.abs());
                // Some kernels do not know the energy of where they are; they say so by NaN.
                let differs = (now - cached).abs() > 1e-9 * size;
                assert!(!differs, "stale cache: call Kernel::refresh after a swap (row {i}: {cached}, not {now})");
            }
        }
    }

    fn watch_warming<R: Differentiable, E: Differentiable + ?Sized>(&mut self, bridge: &Bridge<&R, &E>) {
        if bridge.beta() > 0.0 {
            match self.state.grad() {
                Some(grad) => self.slopes.add(grad),
                None => {
                    let x = self.state.x();
                    let slopes = &mut self.slopes;
                    crate::scratch::with_matrix(x.n(), x.dim(), |grad| {
                        bridge.grad(x, grad);
                        slopes.add(grad);
                    });
                }
            }
        }
    }

    /// Adds the terms of log Z, given beta of the level below, of this one and of the one above; equal where there is none.
    fn watch_drawing(&mut self, [below, beta, above]: [f64; 3]) {
        for (i, rung) in self.rungs.iter_mut().enumerate() {
            rung.add(self.riders.difference(i), beta - below, above - beta);
        }
    }
}

/// Positions of one level in the order of the ladders.
fn gather<S: ChainState>(blocks: &[Block<S>], n_ladders: usize) -> Points {
    let mut x = blocks[0].state.x().room(n_ladders);
    let mut first = 0;
    for b in blocks {
        let rows = b.state.x();
        for i in 0..rows.n() {
            x.copy_row(first + i, rows, i);
        }
        first += rows.n();
    }
    x
}
