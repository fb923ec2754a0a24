//! Warm-up of slice sampling: widths from the spread of the chains. There is no step size to steer.

use rayon::prelude::*;

use super::metric::{self, Collected, Thinning};
use super::{Adapt, WarmedUp};
use crate::energy::Energy;
use crate::kernel::{Kernel, Metric, Slice};
use crate::points::Points;
use crate::rng::{Run, Streams};
use crate::run::{Block, Event, Phase, Progress, RunError, RunOptions, block_size};

/// Transitions of the first window; each one after it is twice as long.
const FIRST_WINDOW: usize = 25;

/// Reports of progress, at most, beside one for each window.
const N_REPORTS: usize = 50;

/// In windows that double, the last of which takes what is left; after each the scales become the standard deviations
/// within it, so that the step size is a width in standard deviations.
impl<E: Energy + ?Sized> Adapt<E> for Slice {
    fn warm_up(
        &self,
        energy: &E,
        x: Points,
        options: &RunOptions,
        progress: Progress<'_>,
    ) -> Result<WarmedUp<Self>, RunError> {
        let (mut kernel, dim, n_warmup) = (self.clone(), x.dim(), options.n_warmup);
        kernel.metric = Metric::diagonal(vec![1.0; dim]);
        let streams = Streams::new(options.seed, Run::WarmUp);
        let block = block_size(options, Kernel::<E>::group(&kernel), x.n(), x.dim());
        let mut blocks = Block::deal(energy, &kernel, &x, block, &streams);
        let (mut done, mut size) = (0, FIRST_WINDOW);
        while done < n_warmup {
            let left = n_warmup - done;
            let end = if left < 3 * size { n_warmup } else { done + size };
            let thinning = Thinning::new(x.n(), end - done);
            let mut collected: Vec<Collected> =
                blocks.iter().enumerate().map(|(b, of)| Collected::new(b * block, &of.state, thinning)).collect();
            while done < end {
                let n_steps = n_warmup.div_ceil(N_REPORTS).min(end - done);
                blocks.par_iter_mut().zip(&mut collected).for_each(|(block, collected)| {
                    for _ in 0..n_steps {
                        block.steps(energy, &kernel, 1);
                        collected.add(&block.state);
                    }
                });
                done += n_steps;
                let count = |steps: usize| (steps * x.n()) as u64;
                progress(Event::Progress { phase: Phase::WarmUp, done: count(done), total: count(n_warmup) });
            }
            kernel.metric = metric::update(&kernel.metric, &collected);
            size *= 2;
        }
        let info = Block::total(&blocks);
        Ok(WarmedUp { kernel, x: Block::gather(&blocks, &x), info, warnings: Vec::new() })
    }
}
