//! Annealed importance sampling (Neal 2001, "Annealed importance sampling"): exact draws of a reference walk along a path to the
//! target; what the energies change by on the way weighs them.
//!
//! With `E_beta = (1 - beta) E_ref + beta E`, a walker that is at `x_k` when beta goes from `beta_k` to `beta_{k+1}` has
//! `log w = -sum_k (beta_{k+1} - beta_k) (E - E_ref)(x_k)`, and `E[w] = Z / Z_ref` whenever every kernel leaves its level
//! invariant, however badly it mixes.

use std::ops::Range;

use rayon::prelude::*;

use super::path::{BLOCK, Path};
use super::walkers::{Arrived, Walkers, worst_step};
use super::{LogZ, LogZError, Temperatures, require_real, weights};
use crate::energy::{Bridge, Differentiable, Tractable};
use crate::kernel::{Kernel, Tunable};
use crate::points::Points;
use crate::rng::{Run, Streams};
use crate::tempering::Ladder;

/// Fewest walkers whose spread is an error.
pub const MIN_WALKERS: usize = 64;

/// Weighted draws of a target.
#[derive(Clone, Debug)]
pub struct Weighted {
    /// Where the walkers are, `(n, dim)`.
    pub x: Points,
    /// Their log weights, `(n,)`: the mean of the weights estimates `Z / Z_ref`.
    pub log_w: Vec<f64>,
    /// The temperatures and the worst step between them.
    pub temperatures: Option<Temperatures>,
    /// Evaluations of energies and gradients.
    pub n_evals: u64,
}

/// Walkers `walkers`, by number, along a path that is fixed, each with streams of its own under `seed`: walkers 0 to 100 and 100 to
/// 200 are walkers 0 to 200, to the bit, if the cut is a multiple of 64; the same bits for any number of threads.
///
/// # Errors
/// [`LogZError::Undefined`] where the energy is NaN, [`LogZError::Unbounded`] where it is minus infinity, [`LogZError::Labels`]
/// for energies with labels.
pub fn walk<'a, R, E, K>(
    reference: &'a R,
    energy: &'a E,
    path: &Path<K>,
    walkers: Range<usize>,
    seed: u64,
) -> Result<Weighted, LogZError>
where
    R: Differentiable + Tractable,
    E: Differentiable + ?Sized,
    K: Kernel<Bridge<&'a R, &'a E>> + Clone,
{
    walk_as(Run::Importance, reference, energy, path, walkers, seed)
}

/// [`walk`] with the streams of a certain purpose.
pub(super) fn walk_as<'a, R, E, K>(
    run: Run,
    reference: &'a R,
    energy: &'a E,
    path: &Path<K>,
    walkers: Range<usize>,
    seed: u64,
) -> Result<Weighted, LogZError>
where
    R: Differentiable + Tractable,
    E: Differentiable + ?Sized,
    K: Kernel<Bridge<&'a R, &'a E>> + Clone,
{
    require_real(energy, "ais", usize::MAX)?;
    let streams = Streams::new(seed, run);
    let (dim, end) = (energy.space().dim(), walkers.end);
    let blocks: Vec<usize> = walkers.step_by(BLOCK).collect();
    let blocks: Vec<Arrived> = blocks
        .into_par_iter()
        .map(|first| {
            let n = BLOCK.min(end - first);
            let mut walkers = Walkers::at_reference(reference, energy, &path.kernels()[0], n, streams.block(first));
            walkers.climb(path, false);
            walkers.arrived()
        })
        .collect();
    gather(&blocks, path.betas(), dim)
}

/// All blocks as one.
pub(super) fn gather(blocks: &[Arrived], betas: &[f64], dim: usize) -> Result<Weighted, LogZError> {
    blocks.iter().try_for_each(Arrived::check)?;
    let mut x = Points::zeros(blocks.iter().map(|b| b.log_w.len()).sum(), dim);
    let mut log_w = Vec::with_capacity(x.n());
    for block in blocks {
        for i in 0..block.log_w.len() {
            x.real.copy_row(log_w.len() + i, &block.x.real, i);
        }
        log_w.extend(&block.log_w);
    }
    let steps: Vec<_> = blocks.iter().map(|b| b.steps.clone()).collect();
    let n_evals = blocks.iter().map(|b| b.n_evals).sum();
    Ok(Weighted { x, log_w, temperatures: worst_step(betas, &steps), n_evals })
}

/// log Z from `n` walkers: `log Z_ref + log mean w`, the standard error by the delta method, effective sample size and Pareto k
/// of the weights.
///
/// The standard error is that of the weights seen. Where a part of the target is reached by few walkers, or by none, both value
/// and error are too small and Pareto k need not tell: on the 10-D funnel, along too short a path, the value is several of its
/// errors too low. [`Path::adapted`] finds paths that are long enough; compare with [`super::bridge`] before it is believed.
///
/// `upper` is two standard errors above, in the sense of `statistical`; `lower` is **guaranteed**, but with probability
/// [`super::DELTA`] (which tells how), where every kernel leaves its level invariant. It needs the path to be fixed before the
/// walkers are drawn, which [`Path`] is.
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
    let Weighted { log_w, temperatures, n_evals, .. } = walk(reference, energy, path, 0..n, seed)?;
    let z = weights::summarise("ais", reference.log_z(), &log_w, n_evals, path.leaves_invariant(), path.effective())?;
    Ok(LogZ { temperatures, ..z })
}

/// log Z from `n` walkers that choose their own temperatures on the way, each so that `share` of them stays effective, by the
/// kernels of a ladder: no pilot, but **no guaranteed bound** either.
///
/// A step is the longer, the more alike the walkers happen to be, and then they misjudge it together: the weights are no longer
/// unbiased. Where the energy is narrow walkers that all happen to be near its bottom jump too far, and Z comes out too large. The
/// bias falls with the number of walkers. Walkers are drawn anew where few carry the most.
///
/// # Errors
/// Those of [`log_z`]; [`super::path::PathError::TooLong`].
pub fn single_pass<'a, R, E, K>(
    energy: &'a E,
    ladder: &'a Ladder<R, K>,
    share: f64,
    n: usize,
    seed: u64,
) -> Result<LogZ, LogZError>
where
    R: Differentiable + Tractable,
    E: Differentiable + ?Sized,
    K: Kernel<Bridge<&'a R, &'a E>> + Clone,
{
    require_real(energy, "ais", usize::MAX)?;
    if n < 2 {
        return Err(LogZError::Draws { n, min: 2 });
    }
    let (path, walkers) = Path::choose(energy, ladder, share, 1, n, &Streams::new(seed, Run::Importance))?;
    let blocks: Vec<Arrived> = walkers.iter().map(Walkers::arrived).collect();
    let Weighted { log_w, temperatures, n_evals, .. } = gather(&blocks, path.betas(), energy.space().dim())?;
    let z = weights::summarise("ais", ladder.reference().log_z(), &log_w, n_evals, false, None)?;
    Ok(LogZ { temperatures, ..z })
}
