//! Warm-up: step size by dual averaging, preconditioner from pooled draws and gradients. Nothing adapts while sampling.
//!
//! All chains share one step size and one metric. They move a round at a time; after each round the mean acceptance over
//! all chains updates the step size. Sums are exact or in the order of the chains, so threads and blocks change no bit.

use rayon::prelude::*;

use crate::energy::{Differentiable, Energy};
use crate::kernel::{Hmc, Info, Kernel, Mala, Metric, Nuts, Rwm, Tunable, Ula};
use crate::points::Points;
use crate::rng::{Run, Streams};
use crate::run::{Block, Event, Phase, Progress, RunError, RunOptions, Warning, block_size, warn};

mod bias;
mod burn_in;
mod dual_averaging;
mod lost;
mod metric;
mod underdamped;
mod widths;
pub use bias::{CoordinateBias, compare, ula_reference};
pub use dual_averaging::DualAveraging;
use metric::{Collected, Thinning};

/// Unadjusted Langevin takes this fraction of the step size at which adjusted Langevin is accepted well. On N(0, 1) that is
/// 1.7, so that the step is 0.05 and the standard deviation 1.3 % too large; effective draws fall in proportion to it.
pub const ULA_FRACTION: f64 = 0.03;

/// Divergences of one round count at most this much, so that a step size that is a little too large is not overshot by far.
const MAX_DIVERGENCE_COST: f64 = 0.3;

/// Transitions between two updates of the step size.
const ROUND: usize = 2;

/// A kernel whose warm-up is done, and where its chains are.
#[derive(Clone, Debug)]
pub struct WarmedUp<K> {
    /// The adapted kernel.
    pub kernel: K,
    /// Positions, one row per chain.
    pub x: Points,
    /// Counts over the warm-up.
    pub info: Info,
    /// What is doubtful.
    pub warnings: Vec<Warning>,
}

/// A kernel that knows how to warm up.
pub trait Adapt<E: Energy + ?Sized>: Kernel<E> + Tunable + Clone {
    /// Adapts the kernel from starting points `x`, `options.n_warmup` transitions per chain.
    ///
    /// # Errors
    /// [`RunError::NoStepSize`], and [`RunError::Diverged`] for kernels that never reject.
    fn warm_up(
        &self,
        energy: &E,
        x: Points,
        options: &RunOptions,
        progress: Progress<'_>,
    ) -> Result<WarmedUp<Self>, RunError> {
        adapt(energy, self.clone(), x, options, options.n_warmup, progress)
    }
}

impl<E: Energy + ?Sized> Adapt<E> for Rwm {}
impl<E: Differentiable + ?Sized> Adapt<E> for Mala {}
impl<E: Differentiable + ?Sized> Adapt<E> for Hmc {}
impl<E: Differentiable + ?Sized> Adapt<E> for Nuts {}

/// Adjusted Langevin finds scale and step size in the first nine tenths; the unadjusted kernel takes [`ULA_FRACTION`] of
/// that step and moves on to its own stationary distribution in the last tenth.
impl<E: Differentiable + ?Sized> Adapt<E> for Ula {
    fn warm_up(
        &self,
        energy: &E,
        x: Points,
        options: &RunOptions,
        progress: Progress<'_>,
    ) -> Result<WarmedUp<Self>, RunError> {
        let n_settle = options.n_warmup / 10;
        let mala = Mala { step_size: self.step_size / ULA_FRACTION, metric: self.metric.clone() };
        let warm = adapt(energy, mala, x, options, options.n_warmup - n_settle, progress)?;
        let kernel = Ula { step_size: warm.kernel.step_size * ULA_FRACTION, metric: warm.kernel.metric };
        let mut streams = Streams::new(options.seed, Run::WarmUp);
        // Far beyond the steps of the adjusted kernel, below the 2^56 pages of a stream.
        streams.seek(1 << 40);
        let mut blocks =
            Block::deal(energy, &kernel, &warm.x, block_size(options, 1, warm.x.n(), warm.x.dim()), &streams);
        blocks.par_iter_mut().for_each(|b| b.steps(energy, &kernel, n_settle as u64));
        let mut info = Block::total(&blocks);
        if info.n_diverged > 0 {
            return Err(RunError::Diverged { n_diverged: info.n_diverged, n: info.n, step_size: kernel.step_size });
        }
        info.add(warm.info);
        Ok(WarmedUp { x: Block::gather(&blocks, &warm.x), kernel, info, warnings: warm.warnings })
    }
}

/// A stretch of warm-up; at the end of those that adapt the metric it is set anew and the step size searched again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    n_steps: usize,
    adapts_metric: bool,
}

/// Windows that double, then at last 15 % for the step size alone. The first window holds about 600 transitions over all
/// chains, between 8 and 25 of each: Stan's 25 for a single chain, fewer where many chains tell the same sooner.
fn schedule(n_warmup: usize, n_chains: usize) -> Vec<Window> {
    let fixed = |n_steps| Window { n_steps, adapts_metric: false };
    if n_warmup < 30 {
        return vec![fixed(n_warmup)];
    }
    let end = (3 * n_warmup).div_ceil(20);
    let mut left = n_warmup - end;
    let mut windows = Vec::new();
    let mut size = 600usize.div_ceil(n_chains).clamp(8, 25);
    while left > 0 {
        // The last window takes what would not fill the next one.
        let n_steps = if left < 3 * size { left } else { size };
        windows.push(Window { n_steps, adapts_metric: true });
        left -= n_steps;
        size *= 2;
    }
    windows.push(fixed(end));
    windows
}

fn adapt<E: Energy + ?Sized, K: Kernel<E> + Tunable + Clone>(
    energy: &E,
    mut kernel: K,
    x: Points,
    options: &RunOptions,
    n_warmup: usize,
    progress: Progress<'_>,
) -> Result<WarmedUp<K>, RunError> {
    let mut warnings = Vec::new();
    let (n_chains, dim) = (x.n(), x.dim());
    let mut metric = Metric::diagonal(vec![1.0; dim]);
    kernel.set_metric(&metric);
    let mut streams = Streams::new(options.seed, Run::WarmUp);
    let size = block_size(options, kernel.group(), n_chains, dim);
    search_step_size(energy, &mut kernel, &x, size, &streams)?;
    streams.seek(1);
    let mut blocks = Block::deal(energy, &kernel, &x, size, &streams);
    let windows = schedule(n_warmup, n_chains);
    let mut done = 0;
    for (w, window) in windows.iter().enumerate() {
        let target = kernel.target_accept().unwrap_or(1.0);
        let mut averaging = DualAveraging::new(kernel.step_size(), target);
        let thinning = Thinning::new(n_chains, window.n_steps);
        let mut collected: Vec<Collected> =
            blocks.iter().enumerate().map(|(b, block)| Collected::new(b * size, &block.state, thinning)).collect();
        let before_window = Block::total(&blocks);
        let mut left = window.n_steps;
        while left > 0 {
            let n_steps = left.min(ROUND);
            let before = Block::total(&blocks);
            let round = |(block, collected): (&mut Block<K::State>, &mut Collected)| {
                for _ in 0..n_steps {
                    block.steps(energy, &kernel, 1);
                    if window.adapts_metric {
                        collected.add(&block.state);
                    }
                }
            };
            match blocks.as_mut_slice() {
                [block] => round((block, &mut collected[0])),
                many => many.par_iter_mut().zip(&mut collected).for_each(round),
            }
            let after = Block::total(&blocks);
            kernel.set_step_size(averaging.update(steering_accept(&kernel, before, after)));
            left -= n_steps;
            let reports = (done + n_steps) * 50 / n_warmup > done * 50 / n_warmup;
            done += n_steps;
            if reports {
                let count = |steps: usize| (steps * n_chains) as u64;
                progress(Event::Progress { phase: Phase::WarmUp, done: count(done), total: count(options.n_warmup) });
            }
        }
        kernel.set_step_size(averaging.average());
        let info = Block::total(&blocks);
        let (n, n_diverged) = (info.n - before_window.n, info.n_diverged - before_window.n_diverged);
        // Early on the step size still overshoots; only a large share says that something is wrong.
        let limit = if w + 1 == windows.len() && w > 0 { 0.1 } else { 0.25 };
        if n_diverged as f64 > limit * n as f64 && warnings.is_empty() {
            warn(&mut warnings, progress, Warning::Divergences { phase: Phase::WarmUp, n_diverged, n });
        }
        if window.adapts_metric {
            // The last of these windows: every chain has had its time to find its way.
            if w + 2 == windows.len() {
                let lost = lost::find(&collected);
                if !lost.chains.is_empty() {
                    collected.iter_mut().for_each(|c| c.leave_out(&lost.chains));
                    let at = Block::gather(&blocks, &x);
                    let places = lost.places(n_chains);
                    Block::place(&mut blocks, energy, &kernel, &places, &at);
                    let (n_lost, shortfall) = (lost.chains.len(), lost.shortfall);
                    warn(&mut warnings, progress, Warning::Lost { n_lost, n_chains, shortfall });
                }
            }
            metric = metric::update(&metric, &collected);
            kernel.set_metric(&metric);
            let at = Block::gather(&blocks, &x);
            search_step_size(energy, &mut kernel, &at, size, &blocks[0].rng)?;
            blocks.iter_mut().for_each(|b| b.rng.advance());
        }
    }
    Ok(WarmedUp { kernel, info: Block::total(&blocks), x: Block::gather(&blocks, &x), warnings })
}

/// The acceptance that steers the step size after the transitions between two counts: the mean, less the cost of divergences.
pub(crate) fn steering_accept<K: Tunable>(kernel: &K, before: Info, after: Info) -> f64 {
    let accepted = after.sum_accept - before.sum_accept;
    let diverged = (after.n_diverged - before.n_diverged) as f64;
    let n = (after.n - before.n) as f64;
    let cost = (kernel.divergence_cost() * diverged / n).min(MAX_DIVERGENCE_COST);
    (accepted / n - cost).max(0.0)
}

/// Doubles or halves the step size until the mean acceptance of one transition from `x` crosses the target
/// (Hoffman and Gelman 2014, algorithm 4, over all chains).
pub(crate) fn search_step_size<E: Energy + ?Sized, K: Kernel<E> + Tunable>(
    energy: &E,
    kernel: &mut K,
    x: &Points,
    block: usize,
    streams: &Streams,
) -> Result<(), RunError> {
    const MAX_DOUBLINGS: usize = 60;
    let Some(target) = kernel.target_accept() else { return Ok(()) };
    let accept_at = |kernel: &K| {
        let mut blocks = Block::deal(energy, kernel, x, block, streams);
        blocks.par_iter_mut().for_each(|b| b.steps(energy, kernel, 1));
        Block::total(&blocks).accept_prob()
    };
    let mut accept_prob = accept_at(kernel);
    let grows = accept_prob > target;
    for _ in 0..MAX_DOUBLINGS {
        kernel.set_step_size(kernel.step_size() * if grows { 2.0 } else { 0.5 });
        accept_prob = accept_at(kernel);
        if (accept_prob > target) != grows {
            if grows {
                // Start from the side where steps are accepted.
                kernel.set_step_size(kernel.step_size() * 0.5);
            }
            return Ok(());
        }
    }
    // A step that is accepted at any size moves on a flat energy; one that never is moves on none.
    if grows { Ok(()) } else { Err(RunError::NoStepSize { step_size: kernel.step_size(), accept_prob }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_add_up() {
        for n_chains in [1, 4, 64, 4096] {
            for n in [1, 10, 29, 30, 100, 150, 500, 1000, 1234, 10_000] {
                let windows = schedule(n, n_chains);
                assert_eq!(windows.iter().map(|w| w.n_steps).sum::<usize>(), n);
                assert!(!windows[windows.len() - 1].adapts_metric);
                assert_eq!(windows.len() > 1, n >= 30);
            }
        }
    }
}
