//! The walk along a path between a reference and a target that annealed estimates are made of: up from the one or down from the
//! other, blocks of walkers shared out over threads.

use std::ops::Range;

use rayon::prelude::*;

use super::path::{BLOCK, Path};
use super::walkers::{Arrived, Walkers, worst_step};
use super::weights::log_mean_exp;
use super::{LogZError, Temperatures, require_moved};
use crate::energy::{Bridge, Differentiable, Tractable};
use crate::kernel::{Kernel, Tunable};
use crate::points::Points;
use crate::rng::Streams;

/// Where the streams of the way down begin: those of the way up have fewer steps.
const FIRST_STEP_DOWN: u64 = 1 << 40;

/// Where the streams of populations begin.
const FIRST_STEP_OF_POPULATIONS: u64 = 1 << 41;

/// Who sets out, and from which end of a path.
#[derive(Clone, Debug)]
pub enum Start<'d> {
    /// Up the path from exact draws of the reference: the walkers of these numbers, each with streams of its own. Walkers 0 to 100
    /// and 100 to 200 are walkers 0 to 200, to the bit, if the cut is a multiple of 64.
    Reference(Range<usize>),
    /// Up the path in populations, whose walkers are drawn anew in proportion to their weights when few of them carry the most.
    Populations {
        /// The populations of these numbers.
        numbers: Range<usize>,
        /// Walkers of each, one at the least.
        size: usize,
    },
    /// Down the path from draws of the target, a walker for each row.
    Target(&'d Points),
}

/// Where walkers have come to, and what they weigh.
#[derive(Clone, Debug)]
pub struct Weighted {
    /// Where the walkers are, `(n, dim)`.
    pub x: Points,
    /// Their log weights, `(n,)`: the mean of the weights estimates `Z / Z_ref` at the target, `Z_ref / Z` at the reference.
    pub log_w: Vec<f64>,
    /// How many walkers one after the other are a population: of walkers that were drawn anew only the mean weights of populations
    /// are independent.
    pub population: Option<usize>,
    /// The temperatures and the worst step between them.
    pub temperatures: Option<Temperatures>,
    /// Evaluations of energies and gradients.
    pub n_evals: u64,
}

/// Independent estimates with the same mean, by walkers or by populations of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Estimates {
    /// Their logarithms.
    pub(super) log_w: Vec<f64>,
    /// The temperatures and the worst step between them.
    pub(super) temperatures: Option<Temperatures>,
    /// Evaluations of energies and gradients.
    pub(super) n_evals: u64,
}

/// Walkers from `start` to the other end of a path that is fixed; the same bits for any number of threads. Of `streams` the seed and
/// the purpose count, not the step: starts of different kinds begin at steps far apart, so that they share no random number.
///
/// # Errors
/// [`LogZError::Undefined`] where the energy is NaN, [`LogZError::Unbounded`] where it is minus infinity, [`LogZError::Labels`]
/// for energies with labels.
///
/// # Panics
/// For populations of no walkers.
pub fn walk<'a, R, E, K>(
    reference: &'a R,
    energy: &'a E,
    path: &Path<K>,
    start: Start<'_>,
    streams: &Streams,
) -> Result<Weighted, LogZError>
where
    R: Differentiable + Tractable,
    E: Differentiable + ?Sized,
    K: Kernel<Bridge<&'a R, &'a E>> + Tunable,
{
    let (method, first_step, numbers, block, population) = match &start {
        Start::Reference(numbers) => ("ais", 0, numbers.clone(), BLOCK, None),
        Start::Populations { numbers, size } => {
            ("smc", FIRST_STEP_OF_POPULATIONS, numbers.start * size..numbers.end * size, *size, Some(*size))
        }
        Start::Target(draws) => ("reverse ais", FIRST_STEP_DOWN, 0..draws.n(), BLOCK, None),
    };
    require_moved(energy, path.kernels()[0].moves(), method)?;
    let mut streams = streams.clone();
    streams.seek(first_step);
    let mut levels: Vec<(f64, &K)> = path.betas().iter().copied().zip(path.kernels()).collect();
    if let Start::Target(_) = start {
        levels.reverse();
    }
    let end = numbers.end;
    let blocks: Vec<usize> = numbers.step_by(block).collect();
    let blocks: Vec<Arrived> = blocks
        .into_par_iter()
        .map(|first| {
            let (n, streams, (beta, kernel)) = (block.min(end - first), streams.block(first), levels[0]);
            let mut walkers = match start {
                Start::Target(draws) => Walkers::at(reference, energy, kernel, (beta, draws.rows(first, n)), streams),
                _ => Walkers::at_reference(reference, energy, kernel, n, streams),
            };
            walkers.follow(&levels[1..], path.n_steps(), population.is_some());
            walkers.arrived()
        })
        .collect();
    let betas: Vec<f64> = levels.iter().map(|(beta, _)| *beta).collect();
    Weighted::of_blocks(&blocks, &betas, population)
}

impl Weighted {
    /// All blocks as one; `betas` are those of the path in the direction in which they went.
    ///
    /// # Errors
    /// Weights that are no numbers.
    pub(super) fn of_blocks(blocks: &[Arrived], betas: &[f64], population: Option<usize>) -> Result<Self, LogZError> {
        blocks.iter().try_for_each(Arrived::check)?;
        let n = blocks.iter().map(|b| b.log_w.len()).sum();
        let mut x = blocks.first().map_or_else(Points::default, |b| b.x.room(n));
        let mut log_w = Vec::with_capacity(x.n());
        for block in blocks {
            for i in 0..block.log_w.len() {
                x.copy_row(log_w.len() + i, &block.x, i);
            }
            log_w.extend(&block.log_w);
        }
        let steps: Vec<_> = blocks.iter().map(|b| b.steps.clone()).collect();
        let n_evals = blocks.iter().map(|b| b.n_evals).sum();
        Ok(Self { x, log_w, population, temperatures: worst_step(betas, &steps), n_evals })
    }

    /// What is independent of each other: the weights of the walkers, or the mean weights of their populations.
    pub(super) fn estimates(self) -> Estimates {
        let Self { log_w, population, temperatures, n_evals, .. } = self;
        let log_w = match population {
            None => log_w,
            Some(size) => log_w.chunks(size).map(log_mean_exp).collect(),
        };
        Estimates { log_w, temperatures, n_evals }
    }
}

impl Estimates {
    /// More of them, by walks along the same path.
    pub(super) fn extend(&mut self, more: Self) {
        self.log_w.extend(more.log_w);
        // Of the first ones: enough to tell which step is the worst.
        self.temperatures = self.temperatures.or(more.temperatures);
        self.n_evals += more.n_evals;
    }
}
