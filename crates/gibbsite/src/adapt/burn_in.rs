//! Warm-up of kernels that have nothing to adapt: the chains forget where they started.

use rayon::prelude::*;

use super::{Adapt, WarmedUp};
use crate::energy::{Discrete, Energy, Pairwise, Tractable};
use crate::kernel::{Ensemble, Gibbs, Gwg, Independence, Kernel, SwendsenWang, Wolff};
use crate::points::Points;
use crate::rng::{Run, Streams};
use crate::run::{Block, Event, Phase, Progress, RunError, RunOptions, block_size};

/// Reports of progress during a burn-in, at most.
const N_REPORTS: usize = 50;

/// Warm-up of a kernel by [`burn_in`], on energies of a kind.
macro_rules! burns_in {
    ($kernel:ty, $energy:ident $(, $q:ident: $($bound:tt)+)?) => {
        impl<E: $energy + ?Sized $(, $q: $($bound)+)?> Adapt<E> for $kernel {
            fn warm_up(
                &self,
                energy: &E,
                x: Points,
                options: &RunOptions,
                progress: Progress<'_>,
            ) -> Result<WarmedUp<Self>, RunError> {
                Ok(burn_in(energy, self, &x, options, progress))
            }
        }
    };
}
burns_in!(Ensemble, Energy);
burns_in!(Independence<Q>, Energy, Q: Tractable + Clone);
burns_in!(Gibbs, Discrete);
burns_in!(Gwg, Discrete);
burns_in!(SwendsenWang, Pairwise);
burns_in!(Wolff, Pairwise);

/// `options.n_warmup` transitions of every chain.
fn burn_in<E: Energy + ?Sized, K: Kernel<E> + Clone>(
    energy: &E,
    kernel: &K,
    x: &Points,
    options: &RunOptions,
    progress: Progress<'_>,
) -> WarmedUp<K> {
    let streams = Streams::new(options.seed, Run::WarmUp);
    let mut blocks = Block::deal(energy, kernel, x, block_size(options, kernel.group(), x.n(), x.dim()), &streams);
    let mut done = 0;
    while done < options.n_warmup {
        let n_steps = options.n_warmup.div_ceil(N_REPORTS).min(options.n_warmup - done);
        blocks.par_iter_mut().for_each(|b| b.steps(energy, kernel, n_steps as u64));
        done += n_steps;
        let count = |steps: usize| (steps * x.n()) as u64;
        progress(Event::Progress { phase: Phase::WarmUp, done: count(done), total: count(options.n_warmup) });
    }
    let info = Block::total(&blocks);
    WarmedUp { kernel: kernel.clone(), x: Block::gather(&blocks, x), info, warnings: Vec::new() }
}
