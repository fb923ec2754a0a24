//! Annealed importance sampling (Neal 2001, "Annealed importance sampling"): exact draws of a reference walk along a path to the
//! target; what the energies change by on the way weighs them.
//!
//! With `E_beta = (1 - beta) E_ref + beta E`, a walker that is at `x_k` when beta goes from `beta_k` to `beta_{k+1}` has
//! `log w = -sum_k (beta_{k+1} - beta_k) (E - E_ref)(x_k)`, and `E[w] = Z / Z_ref` whenever every kernel leaves its level
//! invariant, however badly it mixes.

use rayon::prelude::*;

use super::path::Path;
use super::walkers::{DELTA, Walkers, log_mean_exp, lower_bound};
use super::{Bounds, LogZ, LogZError, require_real};
use crate::diagnostics::{ess_of_weights, pareto_k};
use crate::energy::{Bridge, Differentiable, Tractable};
use crate::kernel::{Kernel, Tunable};
use crate::points::Points;
use crate::rng::{Run, Streams};

/// Walkers that walk together.
const BLOCK: usize = 64;

/// Groups of walkers of the guaranteed bound.
const N_GROUPS: usize = 16;

/// Fewest walkers whose spread is an error.
const MIN_WALKERS: usize = 64;

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
    if let Some(point) = blocks.iter().find_map(Walkers::undefined) {
        return Err(LogZError::Undefined { point });
    }
    for block in &blocks {
        let (rows, weights) = block.weighted();
        for i in 0..rows.n() {
            x.real.copy_row(log_w.len() + i, &rows.real, i);
        }
        log_w.extend(weights);
    }
    Ok(Weighted { x, log_w, n_evals: blocks.iter().map(Walkers::n_evals).sum() })
}

/// log Z from `n` walkers: `log Z_ref + log mean w`, the standard error by the delta method, effective sample size and Pareto k
/// of the weights.
///
/// The standard error is that of the weights seen. Where a part of the target is reached by few walkers, or by none, both value
/// and error are too small and Pareto k need not tell: on the 10-D funnel the value is several of its errors too low. Compare
/// with [`super::sequential`], or with the ladder's [`crate::tempering::LadderLogZ`], before it is believed.
///
/// `upper` is two standard errors above, in the sense of `statistical`; `lower` is **guaranteed**, but with probability
/// [`DELTA`], where every kernel leaves its level invariant: Markov's inequality on 16 groups of walkers ([`DELTA`] tells how).
/// It needs the path to be fixed before the walkers are drawn, which [`Path`] is.
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
    let groups: Vec<f64> = log_w.chunks(log_w.len().div_ceil(N_GROUPS)).map(log_mean_exp).collect();
    let (lower, bounds) = match invariant {
        true => (log_z_reference + lower_bound(&groups), Bounds::Guaranteed { delta: DELTA }),
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
