//! A path of temperatures between a tractable reference and a target, with a kernel for each: what annealed and sequential
//! estimates walk along.

use rayon::prelude::*;
use thiserror::Error;

use super::walk::{Start, walk};
use super::walkers::Walkers;
use super::weights::log_mean_exp;
use super::{LogZError, log_sum_exp};
use crate::diagnostics::ess_of_weights;
use crate::energy::{Bridge, Differentiable, Energy, Tractable};
use crate::kernel::{ChainState, Kernel, Tunable};
use crate::points::Points;
use crate::rng::{Run, Streams};
use crate::run::Elapsed;
use crate::tempering::{BetasError, Ladder, check_betas};

/// Temperatures after which a path is given up.
const MAX_TEMPERATURES: usize = 100_000;

/// Halvings of an interval that find the next temperature.
const N_BISECTIONS: usize = 40;

/// Walkers of a pilot.
const N_PILOT: usize = 256;

/// Walkers that walk together.
pub(crate) const BLOCK: usize = 64;

/// The share of the walkers that a step leaves effective on the shortest path that is tried.
const FIRST_SHARE: f64 = 0.97;

/// The share of effective walkers at the end of a path that is long enough.
const ENOUGH_EFFECTIVE: f64 = 0.6;

/// The share at which a path will do that cannot be made better by making it longer.
const LEAST_EFFECTIVE: f64 = 0.25;

/// The share of the work that a path of twice the length must not exceed to be worth it.
const WORTH: f64 = 0.8;

/// The share of the time left that looking for a better path may take.
const SHARE_OF_TIME: f64 = 0.25;

/// Mixed into the seed, so that the draws that chose the temperatures are not those that are weighted.
const PILOT: u64 = 0x7061_7468;

/// Levels `0 = beta_0 < ... < beta_K = 1` on [`Bridge`]s from a reference to a target, and the kernel that moves at each; at
/// level 0 draws are exact and at level K nothing needs to move.
#[derive(Clone, Debug)]
pub struct Path<K> {
    betas: Vec<f64>,
    kernels: Vec<K>,
    n_steps: u64,
    effective: Option<f64>,
    n_evals: u64,
}

/// Why levels make no path.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum PathError {
    /// The betas do not rise from 0 to 1.
    #[error(transparent)]
    Betas(#[from] BetasError),
    /// There must be a kernel for each level.
    #[error("{got} kernels for {n_levels} betas")]
    Kernels {
        /// Kernels given.
        got: usize,
        /// Number of betas.
        n_levels: usize,
    },
    /// The time was over before the path had come to the target.
    #[error("the time ran out in the search for a path of temperatures, at beta = {beta}")]
    OutOfTime {
        /// Where it had come to.
        beta: f64,
    },
    /// The temperatures that the target needs are too many.
    #[error("at beta = {beta} there are {n_levels} temperatures already: the reference is too far from the target")]
    TooLong {
        /// Where the path has come to.
        beta: f64,
        /// Temperatures so far.
        n_levels: usize,
    },
}

impl<K> Path<K> {
    /// Levels as given, each with `n_steps` transitions of its kernel.
    ///
    /// # Errors
    /// [`PathError`].
    pub fn new(betas: Vec<f64>, kernels: Vec<K>, n_steps: u64) -> Result<Self, PathError> {
        check_betas(&betas)?;
        if kernels.len() != betas.len() {
            return Err(PathError::Kernels { got: kernels.len(), n_levels: betas.len() });
        }
        Ok(Self { betas, kernels, n_steps, effective: None, n_evals: 0 })
    }

    /// The levels.
    pub fn betas(&self) -> &[f64] {
        &self.betas
    }

    /// The kernel of each level.
    pub fn kernels(&self) -> &[K] {
        &self.kernels
    }

    /// Whether every kernel leaves its level invariant; unadjusted ones do not.
    pub fn leaves_invariant(&self) -> bool
    where
        K: Tunable,
    {
        self.kernels[1..self.kernels.len() - 1].iter().all(Tunable::rejects)
    }

    /// The share of the walkers up this path whose weights are effective, where pilots have told: what the weights of walkers show
    /// of it may be too much.
    pub fn effective(&self) -> Option<f64> {
        self.effective
    }

    /// Evaluations of energies and gradients by which pilots found this path; those of the pilots that are not part of any estimate.
    pub fn n_evals(&self) -> u64 {
        self.n_evals
    }

    /// Takes over what pilots told of the same path: [`Path::effective`] and [`Path::n_evals`].
    pub fn set_pilots(&mut self, effective: Option<f64>, n_evals: u64) {
        (self.effective, self.n_evals) = (effective, n_evals);
    }

    /// Transitions at each level.
    pub fn n_steps(&self) -> u64 {
        self.n_steps
    }
}

/// A path and the walkers that chose it, at its end.
type Chosen<'a, R, E, K> = (Path<K>, Vec<Walkers<'a, R, E, <K as Kernel<Bridge<&'a R, &'a E>>>::State>>);

impl<K: Clone> Path<K> {
    /// Temperatures for the kernels of a ladder that has warmed up: each so far from the one before that the conditional
    /// effective sample size of 256 pilot walkers, `(sum W u)^2 / sum W u^2` with `u` their new weights, is `share` of all (Zhou,
    /// Johansen and Aston 2016). The pilot has streams of its own, so that a run along the path, which is then fixed, is weighted
    /// by draws that had no say in it.
    ///
    /// # Errors
    /// [`PathError::TooLong`].
    pub fn of_ladder<'a, R, E>(
        energy: &'a E,
        ladder: &'a Ladder<R, K>,
        share: f64,
        n_steps: u64,
        seed: u64,
    ) -> Result<Self, PathError>
    where
        R: Differentiable + Tractable,
        E: Differentiable + ?Sized,
        K: Kernel<Bridge<&'a R, &'a E>>,
    {
        let streams = Streams::new(seed ^ PILOT, Run::Pilot);
        Ok(Self::choose(energy, ladder, share, n_steps, N_PILOT, &streams, &|| 0.0)?.0)
    }

    /// As [`Path::of_ladder`] by `n` walkers, who are at the end of the path then, if they reach it in time.
    pub(super) fn choose<'a, R, E>(
        energy: &'a E,
        ladder: &'a Ladder<R, K>,
        share: f64,
        n_steps: u64,
        n: usize,
        streams: &Streams,
        elapsed: Elapsed<'_>,
    ) -> Result<Chosen<'a, R, E, K>, PathError>
    where
        R: Differentiable + Tractable,
        E: Differentiable + ?Sized,
        K: Kernel<Bridge<&'a R, &'a E>>,
    {
        let first = kernel_at(ladder, 0.0);
        let starts: Vec<usize> = (0..n).step_by(BLOCK).collect();
        let at = |start: usize| {
            let n = BLOCK.min(n - start);
            Walkers::at_reference(ladder.reference(), energy, &first, n, streams.block(start))
        };
        let mut walkers: Vec<_> = starts.into_par_iter().map(at).collect();
        let (mut betas, mut kernels) = (vec![0.0], vec![first]);
        let mut beta = 0.0;
        while beta < 1.0 {
            if betas.len() >= MAX_TEMPERATURES {
                return Err(PathError::TooLong { beta, n_levels: betas.len() });
            }
            beta = next_beta(&walkers, beta, share);
            let kernel = kernel_at(ladder, beta);
            walkers.par_iter_mut().for_each(|walkers| walkers.follow(&[(beta, &kernel)], n_steps, true));
            betas.push(beta);
            kernels.push(kernel);
            if elapsed() >= 1.0 {
                return Err(PathError::OutOfTime { beta });
            }
        }
        let n_evals = walkers.iter().map(|w| w.arrived().n_evals).sum();
        Ok((Self { betas, kernels, n_steps, effective: None, n_evals }, walkers))
    }

    /// Temperatures as given, with the kernels of a ladder that has warmed up.
    ///
    /// # Errors
    /// [`PathError::Betas`].
    pub fn at<R: Energy>(ladder: &Ladder<R, K>, betas: Vec<f64>, n_steps: u64) -> Result<Self, PathError> {
        let kernels = betas.iter().map(|beta| kernel_at(ladder, *beta)).collect();
        Self::new(betas, kernels, n_steps)
    }

    /// A path along which annealed weights are worth having: that of [`Path::of_ladder`], with steps that are halved until six in
    /// ten walkers are effective at its end; or a quarter is and halving has saved less than a fifth of the work, which goes
    /// with the number of temperatures times the variance of the weights; or the next pilots would take more than `budget`
    /// evaluations, or go beyond a quarter of the time that `elapsed` leaves. Once the time is over it is the best path so far, and
    /// what the energy is by then does not count. `told` gets the number of temperatures of every path that is tried. The pilots
    /// are not part of any estimate.
    ///
    /// The effective share is the lesser of two: that of the weights of 256 walkers up the path, and that which `draws` of the
    /// target say on their way down. Of weights w with mean r it is `r^2 / E[w^2]`, and `E[w^2] = r E_down[1 / w_down]`: walkers up
    /// that never reach a narrow part of the target show no large weight, draws from there show it. See [`Path::effective`].
    ///
    /// # Errors
    /// [`LogZError::Path`], and those of [`walk`].
    pub fn adapted<'a, R, E>(
        energy: &'a E,
        ladder: &'a Ladder<R, K>,
        draws: &Points,
        budget: u64,
        seed: u64,
        told: &mut dyn FnMut(usize),
        elapsed: Elapsed<'_>,
    ) -> Result<Self, LogZError>
    where
        R: Differentiable + Tractable,
        E: Differentiable + ?Sized,
        K: Kernel<Bridge<&'a R, &'a E>> + Tunable,
    {
        let begun = elapsed();
        let until = SHARE_OF_TIME.mul_add(1.0 - begun, begun);
        let choosing = Streams::new(seed ^ PILOT, Run::Pilot);
        let (mut path, _) = Self::choose(energy, ladder, FIRST_SHARE, 1, N_PILOT, &choosing, elapsed)?;
        let streams = Streams::new(seed, Run::Pilot);
        let mut total = path.n_evals;
        let (mut best, mut work_before) = (None, f64::INFINITY);
        loop {
            told(path.betas.len());
            let before = elapsed();
            let reference = ladder.reference();
            let up = walk(reference, energy, &path, Start::Reference(0..N_PILOT), &streams);
            let down = walk(reference, energy, &path, Start::Target(draws), &streams);
            let now = elapsed();
            if now >= 1.0 {
                return best.ok_or(PathError::OutOfTime { beta: 1.0 }.into());
            }
            let (up, down) = (up?, down?);
            let n_evals = up.n_evals + down.n_evals;
            total += n_evals;
            let effective = (ess_of_weights(&up.log_w) / N_PILOT as f64).min(effective_share(down.log_w));
            path.set_pilots(Some(effective), total);
            let work = path.betas.len() as f64 * (1.0 / effective - 1.0);
            let gains = work < WORTH * work_before;
            let is_good = effective >= ENOUGH_EFFECTIVE || effective >= LEAST_EFFECTIVE && !gains;
            if is_good || 2 * n_evals > budget || 2.0f64.mul_add(now - before, now) > until {
                return Ok(path);
            }
            work_before = work;
            let longer = Self::at(ladder, halved(&path.betas), 1)?;
            best = Some(std::mem::replace(&mut path, longer));
        }
    }
}

/// A level more between any two: halfway on a logarithmic scale where beta more than doubles.
fn halved(betas: &[f64]) -> Vec<f64> {
    let between = |a: f64, b: f64| if a > 0.0 && b > 2.0 * a { (a * b).sqrt() } else { 0.5 * (a + b) };
    let mut new: Vec<f64> = betas.windows(2).flat_map(|b| [b[0], between(b[0], b[1])]).collect();
    new.push(1.0);
    // Levels that are an ulp apart have nothing between them.
    new.dedup();
    new
}

/// `1 / (E[w] E[1 / w])`, w the weights of walkers on their way down: the effective share of walkers on their way up. The smallest
/// hundredth of the weights is raised to the least of the others: so small a part of the target changes log Z by 0.01 if it is
/// missed, and would have paths made as long as it alone needs.
fn effective_share(mut log_w: Vec<f64>) -> f64 {
    log_w.sort_by(f64::total_cmp);
    let n_raised = (log_w.len() / 100).min(log_w.len().saturating_sub(1));
    if let Some(least) = log_w.get(n_raised).copied() {
        log_w[..n_raised].fill(least);
    }
    let inverse: Vec<f64> = log_w.iter().map(|w| -w).collect();
    (-log_mean_exp(&log_w) - log_mean_exp(&inverse)).exp()
}

/// The kernel of the level of the ladder at `beta` or next above it, where steps are not too long.
fn kernel_at<R: Energy, K: Clone>(ladder: &Ladder<R, K>, beta: f64) -> K {
    let level = ladder.betas().iter().position(|b| *b >= beta && *b > 0.0).unwrap_or(ladder.betas().len() - 1);
    ladder.kernels()[level].clone()
}

/// The largest beta at which `share` of the walkers is effective; 1 if it is within reach.
fn next_beta<R, E, S>(pilot: &[Walkers<'_, R, E, S>], beta: f64, share: f64) -> f64
where
    R: Differentiable + Tractable,
    E: Differentiable + ?Sized,
    S: ChainState,
{
    let log_w: Vec<f64> = pilot.iter().flat_map(Walkers::log_w).copied().collect();
    let gap: Vec<f64> = pilot.iter().flat_map(Walkers::gap).copied().collect();
    let enough = |to: f64| conditional_ess(&log_w, &gap, to - beta) >= share;
    if enough(1.0) {
        return 1.0;
    }
    let (mut low, mut high) = (beta, 1.0);
    for _ in 0..N_BISECTIONS {
        let middle = 0.5 * (low + high);
        if enough(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    // Progress even where any step is too long.
    if low > beta { low } else { high }
}

/// `(sum W u)^2 / sum W u^2`, u the weights of a move by `d_beta`, W those so far with sum 1: the share of the walkers that
/// would be effective had they had equal weights before. 0 where it is undefined.
fn conditional_ess(log_w: &[f64], gap: &[f64], d_beta: f64) -> f64 {
    let before = log_sum_exp(log_w);
    let total = |power: f64| {
        let terms: Vec<f64> = log_w.iter().zip(gap).map(|(w, gap)| w - before - power * d_beta * gap).collect();
        log_sum_exp(&terms)
    };
    let share = (2.0 * total(1.0) - total(2.0)).exp();
    if share.is_finite() { share } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Hmc;

    #[test]
    fn levels_rise_from_0_to_1() {
        let path = |betas: &[f64]| Path::new(betas.to_vec(), vec![Hmc::new(0.1, 3); betas.len()], 1).map(|p| p.betas);
        assert!(path(&[0.0, 1.0]).is_ok() && path(&[0.0, 0.1, 1.0]).is_ok());
        assert!(matches!(path(&[]), Err(PathError::Betas(BetasError::TooFew { n: 0 }))));
        assert!(matches!(path(&[0.0, 0.5, 0.5, 1.0]), Err(PathError::Betas(BetasError::Falls { number: 3, .. }))));
        let short = Path::new(vec![0.0, 1.0], vec![Hmc::new(0.1, 3)], 1);
        assert_eq!(short.unwrap_err(), PathError::Kernels { got: 1, n_levels: 2 });
    }
}
