//! Warm-up of a ladder: rounds of doubling length (Surjanovic et al. 2022; the scheme of the program Pigeons, 2023), each of
//! which ends with new levels, and then a stretch for the step sizes alone.

use super::levels::{Layout, Levels, Watch};
use super::watch::{Moments, Pool, update_scale};
use super::{Ladder, Replicas, TemperingOptions, barrier, swap};
use crate::adapt::{DualAveraging, search_step_size, steering_accept};
use crate::energy::{Bridge, Differentiable, Tractable};
use crate::kernel::{ChainState, Info, Kernel, Metric, Tunable};
use crate::points::Points;
use crate::rng::{Run, Streams};
use crate::run::{Elapsed, Event, Phase, Progress, RunError};

/// First step of the streams in warm-up: far beyond the steps of any run of draws.
const FIRST_STEP: u64 = 1 << 40;

/// First step of the streams of the searches for step sizes, one for each round.
const SEARCH_STEP: u64 = 1 << 41;

/// Levels before the first round has shown how many are needed.
const FIRST_LEVELS: usize = 12;

/// Iterations of the first round.
const FIRST_ROUND: usize = 16;

/// A stretch of warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Round {
    n: usize,
    /// What is set anew when it ends.
    ends_with: Ends,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// The reference, the number of levels, and where they are.
    Reference,
    /// The number of levels and where they are.
    Levels,
    /// Nothing: only the step sizes have been adapted.
    Nothing,
}

/// Rounds that double from 16 iterations, of which the last takes what would not fill another; then a fifth for the step
/// sizes. The reference is fitted anew after all rounds but the last, which finds the levels that fit it.
fn schedule(n_warmup: usize) -> Vec<Round> {
    let settle = n_warmup.div_ceil(5);
    let mut left = n_warmup - settle;
    let mut rounds = Vec::new();
    let mut size = FIRST_ROUND;
    while left > 0 {
        let n = if left < 2 * size { left } else { size };
        rounds.push(Round { n, ends_with: Ends::Reference });
        left -= n;
        size *= 2;
    }
    if let Some(last) = rounds.last_mut() {
        last.ends_with = Ends::Levels;
    }
    if settle > 0 {
        rounds.push(Round { n: settle, ends_with: Ends::Nothing });
    }
    rounds
}

/// Adapts a ladder from `init` on every level; `refit` fits a new reference to the moments of the draws at the target;
/// the watch is told of what has been done, and asked whether there is time for more.
pub(super) fn warm_up<R, E, K>(
    energy: &E,
    reference: R,
    refit: impl Fn(&Moments) -> Option<R>,
    kernel: &K,
    init: &Points,
    options: &TemperingOptions,
    (progress, elapsed): (Progress<'_>, Elapsed<'_>),
) -> Result<Ladder<R, K>, RunError>
where
    R: Differentiable + Tractable,
    E: Differentiable + ?Sized,
    K: for<'a> Kernel<Bridge<&'a R, &'a E>> + Tunable + Clone,
{
    let n_levels = options.n_levels.unwrap_or(FIRST_LEVELS);
    let last = (n_levels - 1) as f64;
    // Most of the barrier usually lies near the reference.
    let betas = (0..n_levels).map(|k| (k as f64 / last).powi(3)).collect();
    let mut ladder = Ladder {
        reference,
        betas,
        kernels: vec![kernel.clone(); n_levels],
        replicas: Replicas::new(vec![init.clone(); n_levels]),
        n_evals: 0,
    };
    if options.n_warmup == 0 {
        return Ok(ladder);
    }
    let mut scales = vec![vec![1.0; init.dim()]; n_levels];
    ladder.kernels.iter_mut().zip(&scales).for_each(|(k, s)| k.set_metric(&Metric::diagonal(s.clone())));
    let mut clock = Clock { done: 0, options, n_ladders: init.n(), dim: init.dim(), progress, elapsed };
    for (r, round) in schedule(options.n_warmup).into_iter().enumerate() {
        let search_step = SEARCH_STEP + r as u64;
        let seen = play(energy, &mut ladder, round, search_step, &mut scales, &mut clock)?;
        if round.ends_with == Ends::Nothing {
            break;
        }
        let barrier: f64 = seen.rejection.iter().sum();
        let density = if round.ends_with == Ends::Levels { options.density } else { 1 };
        let n_levels = options.n_levels.unwrap_or(density * (barrier::n_levels(barrier) - 1) + 1);
        let betas = barrier::respace(&ladder.betas, &seen.rejection, n_levels);
        scales = move_levels(&mut ladder, betas, &scales);
        if round.ends_with == Ends::Reference
            && let Some(reference) = refit(&seen.moments)
        {
            ladder.reference = reference;
        }
    }
    // Replicas stay under way: the levels have not moved since the last stretch began.
    ladder.replicas.iteration = 0;
    Ok(ladder)
}

/// What a round has seen, in its second half.
struct Seen {
    rejection: Vec<f64>,
    moments: Moments,
}

/// Reports progress and keeps the time.
struct Clock<'a> {
    done: usize,
    options: &'a TemperingOptions,
    n_ladders: usize,
    dim: usize,
    progress: Progress<'a>,
    elapsed: Elapsed<'a>,
}

impl Clock<'_> {
    /// Refuses to go on when the time is over.
    fn check(&self) -> Result<(), RunError> {
        let (n_done, n) = (self.done, self.options.n_warmup);
        if (self.elapsed)() < 1.0 { Ok(()) } else { Err(RunError::OutOfTime { n_done, n }) }
    }

    fn tick(&mut self) {
        let n_warmup = self.options.n_warmup;
        let before = self.done * 50 / n_warmup;
        self.done += 1;
        if self.done * 50 / n_warmup > before {
            let count = |iterations: usize| (iterations * self.n_ladders * self.options.n_steps) as u64;
            let (done, total) = (count(self.done), count(n_warmup));
            (self.progress)(Event::Progress { phase: Phase::WarmUp, done, total });
        }
    }
}

/// Plays one round: leaves the ladder where it ends, with new step sizes and, unless only those adapt, new scales.
fn play<'a, R, E, K>(
    energy: &'a E,
    ladder: &'a mut Ladder<R, K>,
    round: Round,
    search_step: u64,
    scales: &mut [Vec<f64>],
    clock: &mut Clock<'_>,
) -> Result<Seen, RunError>
where
    R: Differentiable + Tractable,
    E: Differentiable + ?Sized,
    K: for<'b> Kernel<Bridge<&'b R, &'b E>> + Tunable + Clone,
{
    let options = clock.options;
    let block = options.block_size(ladder.kernels[0].group(), ladder.replicas.x[0].dim());
    let mut streams = Streams::new(options.seed, Run::Tempering);
    streams.seek(search_step);
    let n_ladders = clock.n_ladders;
    for k in 1..ladder.betas.len() {
        clock.check()?;
        let bridge = Bridge::new(&ladder.reference, energy, ladder.betas[k]);
        let x = &ladder.replicas.x[k];
        search_step_size(&bridge, &mut ladder.kernels[k], x, block, &streams.block(k * n_ladders))?;
    }
    let mut kernels = ladder.kernels.clone();
    let layout = Layout { block, n_steps: options.n_steps, first_step: FIRST_STEP, rule: swap::metropolis };
    let mut levels = Levels::deal(energy, ladder, layout, &streams);
    let target = |kernel: &K| kernel.target_accept().unwrap_or(1.0);
    let mut averaging: Vec<DualAveraging> =
        kernels.iter().map(|kernel| DualAveraging::new(kernel.step_size(), target(kernel))).collect();
    let adapts = kernels.iter().all(|kernel| kernel.target_accept().is_some());
    let watch = if round.ends_with == Ends::Nothing { Watch::Nothing } else { Watch::Warming };
    let last = kernels.len() - 1;
    let mut pool = Pool::new(clock.dim);
    // One job for the whole round: its iterations are too short to wake the threads for each.
    rayon::scope(|_| {
        let mut before = vec![Info::default(); kernels.len()];
        for t in 0..round.n {
            clock.check()?;
            if t == round.n / 2 {
                levels.forget();
            }
            levels.iterate(&kernels, watch);
            if t >= round.n / 2 {
                levels.level(last).iter().for_each(|b| pool.add(&b.state.x().real));
            }
            if adapts {
                for k in 1..kernels.len() {
                    let (before, after) = (std::mem::replace(&mut before[k], levels.info(k)), levels.info(k));
                    let accept = steering_accept(&kernels[k], before, after);
                    kernels[k].set_step_size(averaging[k].update(accept));
                }
            }
            clock.tick();
        }
        Ok(())
    })?;
    for k in 1..kernels.len() {
        if adapts {
            kernels[k].set_step_size(averaging[k].average());
        }
        if watch == Watch::Warming {
            update_scale(&mut scales[k], levels.level(k).iter().map(|b| &b.slopes));
            kernels[k].set_metric(&Metric::diagonal(scales[k].clone()));
        }
    }
    let replicas = levels.replicas();
    let n_evals: u64 = (1..kernels.len()).map(|k| levels.info(k).n_evals).sum();
    // Of a pair that has not been tried nothing is known but what to aim for.
    const UNTRIED: f64 = 0.5;
    let seen = Seen {
        rejection: levels.swaps().iter().map(|s| if s.n_attempts > 0 { s.rejection() } else { UNTRIED }).collect(),
        moments: pool.moments(),
    };
    drop(levels);
    ladder.kernels = kernels;
    ladder.replicas = replicas;
    ladder.n_evals += n_evals;
    Ok(seen)
}

/// Moves the ladder to new betas: positions come from the nearest old level, step sizes and scales (on a logarithmic scale)
/// from between the two old levels around. Returns the scales. Level 0 has no kernel to take from.
fn move_levels<R, K: Tunable + Clone>(
    ladder: &mut Ladder<R, K>,
    betas: Vec<f64>,
    scales: &[Vec<f64>],
) -> Vec<Vec<f64>> {
    let old = &ladder.betas;
    let last = old.len() - 1;
    let mix = |a: f64, b: f64, t: f64| ((1.0 - t) * a.ln() + t * b.ln()).exp();
    let (mut kernels, mut new_scales, mut x) = (Vec::new(), Vec::new(), Vec::new());
    for beta in &betas {
        let above = old.partition_point(|b| b < beta).clamp(1, last);
        let below = (above - 1).max(1.min(last));
        let width = old[above] - old[below];
        let t = if width > 0.0 { ((beta - old[below]) / width).clamp(0.0, 1.0) } else { 0.0 };
        let mut kernel = ladder.kernels[above].clone();
        kernel.set_step_size(mix(ladder.kernels[below].step_size(), ladder.kernels[above].step_size(), t));
        let scale: Vec<f64> = scales[below].iter().zip(&scales[above]).map(|(a, b)| mix(*a, *b, t)).collect();
        kernel.set_metric(&Metric::diagonal(scale.clone()));
        kernels.push(kernel);
        new_scales.push(scale);
        x.push(ladder.replicas.x[if t < 0.5 { below } else { above }].clone());
    }
    ladder.betas = betas;
    ladder.kernels = kernels;
    let iteration = ladder.replicas.iteration;
    ladder.replicas = Replicas { iteration, ..Replicas::new(x) };
    new_scales
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_add_up_and_end_with_the_step_sizes() {
        for n in [1, 2, 10, 31, 100, 500, 1000, 1234] {
            let rounds = schedule(n);
            assert_eq!(rounds.iter().map(|r| r.n).sum::<usize>(), n);
            assert_eq!(rounds[rounds.len() - 1].ends_with, Ends::Nothing);
            assert!(rounds.iter().rev().skip(2).all(|r| r.ends_with == Ends::Reference), "{rounds:?}");
        }
        assert_eq!(schedule(500).iter().map(|r| r.n).collect::<Vec<_>>(), [16, 32, 64, 128, 160, 100]);
        assert!(schedule(0).is_empty());
    }
}
