//! Annealed importance sampling (Neal 2001, "Annealed importance sampling"): exact draws of a reference walk along a path to the
//! target; what the energies change by on the way weighs them.
//!
//! With `E_beta = (1 - beta) E_ref + beta E`, a walker that is at `x_k` when beta goes from `beta_k` to `beta_{k+1}` has
//! `log w = -sum_k (beta_{k+1} - beta_k) (E - E_ref)(x_k)`, and `E[w] = Z / Z_ref` whenever every kernel leaves its level
//! invariant, however badly it mixes.

use rayon::prelude::*;

use super::path::Path;
use super::{Bounds, LogZ, LogZError, log_sum_exp, require_real};
use crate::diagnostics::{ess_of_weights, pareto_k};
use crate::energy::{Bridge, Differentiable, Energy, Tractable};
use crate::kernel::{ChainState, Kernel, Tunable};
use crate::points::Points;
use crate::rng::{Purpose, Run, Streams};

/// Walkers that walk together.
const BLOCK: usize = 64;

/// Probability that a guaranteed bound fails.
pub const DELTA: f64 = 0.05;

/// Groups of walkers of the guaranteed bound.
const N_GROUPS: usize = 16;

/// Fewest walkers whose spread is an error.
const MIN_WALKERS: usize = 64;

/// Walkers on their way, all at one level.
#[derive(Clone, Debug)]
pub(super) struct Walkers {
    x: Points,
    log_w: Vec<f64>,
    /// `E - E_ref` of each.
    gap: Vec<f64>,
    e_ref: Vec<f64>,
    n_evals: u64,
}

impl Walkers {
    /// Exact draws of the reference.
    pub(super) fn draw<R: Tractable, E: Energy + ?Sized>(
        reference: &R,
        energy: &E,
        n: usize,
        streams: &mut Streams,
    ) -> Self {
        let x = reference.sample(n, streams);
        streams.advance();
        let mut walkers = Self { x, log_w: vec![0.0; n], gap: vec![0.0; n], e_ref: vec![0.0; n], n_evals: 0 };
        walkers.evaluate(reference, energy);
        walkers
    }

    fn evaluate<R: Energy + ?Sized, E: Energy + ?Sized>(&mut self, reference: &R, energy: &E) {
        reference.energy(&self.x, &mut self.e_ref);
        energy.energy(&self.x, &mut self.gap);
        self.gap.iter_mut().zip(&self.e_ref).for_each(|(gap, e)| *gap -= e);
        self.n_evals += self.gap.len() as u64;
    }

    /// Moves on by `d_beta`.
    pub(super) fn weigh(&mut self, d_beta: f64) {
        for (log_w, gap) in self.log_w.iter_mut().zip(&self.gap) {
            *log_w -= d_beta * gap;
        }
    }

    /// `(sum W u)^2 / sum W u^2`, u the weights of a move by `d_beta`, W those so far with sum 1: the share of the walkers that
    /// would be effective had they had equal weights before. 0 where it is undefined.
    pub(super) fn conditional_ess(&self, d_beta: f64) -> f64 {
        let before = log_sum_exp(&self.log_w);
        let total = |power: f64| {
            let terms: Vec<f64> =
                self.log_w.iter().zip(&self.gap).map(|(w, gap)| w - before - power * d_beta * gap).collect();
            log_sum_exp(&terms)
        };
        let share = (2.0 * total(1.0) - total(2.0)).exp();
        if share.is_finite() { share } else { 0.0 }
    }

    /// `n_steps` transitions at the level of `bridge`.
    pub(super) fn walk<'a, R, E, K>(
        &mut self,
        bridge: &Bridge<&'a R, &'a E>,
        kernel: &K,
        n_steps: u64,
        streams: &mut Streams,
    ) where
        R: Differentiable + Tractable,
        E: Differentiable + ?Sized,
        K: Kernel<Bridge<&'a R, &'a E>>,
    {
        let mut state = kernel.init(bridge, std::mem::take(&mut self.x));
        let info = kernel.steps(bridge, &mut state, streams, n_steps);
        self.x = state.x().clone();
        self.n_evals += info.n_evals;
        let (reference, energy) = bridge.ends();
        self.evaluate(*reference, *energy);
    }

    /// Draws the walkers anew in proportion to their weights when fewer than half are effective (systematic resampling: Kitagawa
    /// 1996); their weights are equal then, with the same mean.
    pub(super) fn resample(&mut self, streams: &Streams) {
        let n = self.log_w.len();
        let total = log_sum_exp(&self.log_w);
        if !(ess_of_weights(&self.log_w) < 0.5 * n as f64) || !total.is_finite() {
            return;
        }
        let offset = streams.shared_uniform(Purpose::Restart);
        let (mut chosen, mut sum) = (Vec::with_capacity(n), 0.0);
        for (i, log_w) in self.log_w.iter().enumerate() {
            sum += (log_w - total).exp() * n as f64;
            while chosen.len() < n && chosen.len() as f64 + offset < sum {
                chosen.push(i);
            }
        }
        // Rounding may leave out the last one.
        let last = self.log_w.iter().rposition(|w| *w > f64::NEG_INFINITY).unwrap_or(0);
        chosen.resize(n, last);
        self.x = self.x.select(&chosen);
        self.gap = chosen.iter().map(|i| self.gap[*i]).collect();
        self.log_w.fill(total - (n as f64).ln());
    }
}

/// Weighted draws of a target.
#[derive(Clone, Debug)]
pub struct Weighted {
    /// Where the walkers are, `(n, dim)`.
    pub x: Points,
    /// Their log weights, `(n,)`: the mean of the weights estimates `Z / Z_ref`.
    pub log_w: Vec<f64>,
    /// Evaluations of energies and gradients.
    pub n_evals: u64,
}

/// `n` walkers along a path that is fixed, each with streams of its own under `seed`; the same bits for any number of threads.
///
/// # Errors
/// [`LogZError::Undefined`] where the energy is NaN, [`LogZError::Labels`] for energies with labels.
pub fn walk<'a, R, E, K>(
    reference: &'a R,
    energy: &'a E,
    path: &Path<K>,
    n: usize,
    seed: u64,
) -> Result<Weighted, LogZError>
where
    R: Differentiable + Tractable,
    E: Differentiable + ?Sized,
    K: Kernel<Bridge<&'a R, &'a E>> + Clone,
{
    require_real(energy, "ais", usize::MAX)?;
    let streams = Streams::new(seed, Run::Importance);
    let starts: Vec<usize> = (0..n).step_by(BLOCK).collect();
    let blocks: Vec<Walkers> = starts
        .into_par_iter()
        .map(|first| {
            let mut streams = streams.block(first);
            let mut walkers = Walkers::draw(reference, energy, BLOCK.min(n - first), &mut streams);
            let levels = path.betas().windows(2).zip(&path.kernels()[1..]);
            for (betas, kernel) in levels {
                walkers.weigh(betas[1] - betas[0]);
                if betas[1] < 1.0 {
                    walkers.walk(&Bridge::new(reference, energy, betas[1]), kernel, path.n_steps(), &mut streams);
                }
            }
            walkers
        })
        .collect();
    let mut x = Points::zeros(n, energy.space().dim());
    let mut log_w = Vec::with_capacity(n);
    for block in &blocks {
        let first = log_w.len();
        for i in 0..block.x.n() {
            x.real.copy_row(first + i, &block.x.real, i);
        }
        if let Some(i) = block.log_w.iter().position(|w| w.is_nan()) {
            return Err(LogZError::Undefined { point: block.x.real.row(i) });
        }
        log_w.extend(&block.log_w);
    }
    Ok(Weighted { x, log_w, n_evals: blocks.iter().map(|b| b.n_evals).sum() })
}

/// log Z from `n` walkers: `log Z_ref + log mean w`, the standard error by the delta method, effective sample size and Pareto k
/// of the weights.
///
/// `upper` is two standard errors above, in the sense of `statistical`; `lower` is **guaranteed** where every kernel leaves its
/// level invariant: for `m` groups of walkers with mean weights `w_g`, Markov's inequality gives
/// `P(min_g w_g >= c Z / Z_ref) <= c^-m`, so that `log Z >= log Z_ref + min_g log w_g - log(1 / delta) / m` but with probability
/// `delta` = [`DELTA`]. It needs the path to be fixed before the walkers are drawn, which [`Path`] is.
///
/// # Errors
/// Those of [`walk`]; [`LogZError::Draws`] below 64 walkers; [`LogZError::Empty`] when all weights are zero.
pub fn log_z<'a, R, E, K>(
    reference: &'a R,
    energy: &'a E,
    path: &Path<K>,
    n: usize,
    seed: u64,
) -> Result<LogZ, LogZError>
where
    R: Differentiable + Tractable,
    E: Differentiable + ?Sized,
    K: Kernel<Bridge<&'a R, &'a E>> + Tunable + Clone,
{
    if n < MIN_WALKERS {
        return Err(LogZError::Draws { n, min: MIN_WALKERS });
    }
    let walked = walk(reference, energy, path, n, seed)?;
    let frozen = path.kernels()[1..].iter().all(Tunable::rejects);
    summarise(reference.log_z(), &walked, frozen)
}

/// The estimate from weighted walkers; `invariant` says that the kernels left their levels invariant.
fn summarise(log_z_reference: f64, walked: &Weighted, invariant: bool) -> Result<LogZ, LogZError> {
    let log_w = &walked.log_w;
    let log_mean = log_mean_exp(log_w);
    if log_mean == f64::NEG_INFINITY {
        return Err(LogZError::Empty { n_evals: walked.n_evals });
    }
    let n = log_w.len() as f64;
    let variance = log_w.iter().map(|w| (w - log_mean).exp_m1().powi(2)).sum::<f64>() / (n - 1.0);
    let (value, std_err) = (log_z_reference + log_mean, (variance / n).sqrt());
    let groups = log_w.chunks(log_w.len().div_ceil(N_GROUPS));
    let m = groups.len() as f64;
    let least = groups.map(log_mean_exp).fold(f64::INFINITY, f64::min);
    let guaranteed = log_z_reference + least - DELTA.recip().ln() / m;
    let (lower, bounds) = match invariant {
        true => (guaranteed, Bounds::Guaranteed { delta: DELTA }),
        false => (value - 2.0 * std_err, Bounds::Statistical),
    };
    let (ess, k) = (ess_of_weights(log_w), pareto_k(log_w));
    let mut warnings = Vec::new();
    if k.is_nan() || k > 0.7 {
        warnings.push(format!(
            "Pareto k of the weights is {k:.2}, above 0.7: neither the value nor its error can be trusted"
        ));
    }
    Ok(LogZ {
        std_err,
        lower,
        upper: value + 2.0 * std_err,
        bounds,
        exact: false,
        ess: Some(ess),
        pareto_k: Some(k),
        warnings,
        ..LogZ::exact(value, 0.0, "ais", walked.n_evals)
    })
}

/// `log mean exp(log_w)`.
pub(super) fn log_mean_exp(log_w: &[f64]) -> f64 {
    log_sum_exp(log_w) - (log_w.len() as f64).ln()
}
