//! Annealed importance sampling (Neal 2001, "Annealed importance sampling"): exact draws of a reference walk along a path to the
//! target; what the energies change by on the way weighs them.
//!
//! With `E_beta = (1 - beta) E_ref + beta E`, a walker that is at `x_k` when beta goes from `beta_k` to `beta_{k+1}` has
//! `log w = -sum_k (beta_{k+1} - beta_k) (E - E_ref)(x_k)`, and `E[w] = Z / Z_ref` whenever every kernel leaves its level
//! invariant, however badly it mixes.

use super::path::{BLOCK, Path};
use super::walk::{Estimates, Start, Weighted, walk};
use super::walkers::{Arrived, Walkers};
use super::{LogZ, LogZError, require_draws, require_moved, weights};
use crate::energy::{Bridge, Differentiable, Tractable};
use crate::kernel::{Kernel, Tunable};
use crate::rng::{Run, Streams};
use crate::tempering::Ladder;

/// Fewest walkers whose spread is an error.
pub const MIN_WALKERS: usize = 64;

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
    K: Kernel<Bridge<&'a R, &'a E>> + Tunable,
{
    require_draws(n, MIN_WALKERS)?;
    let walked = walk(reference, energy, path, Start::Reference(0..n), &Streams::new(seed, Run::Importance))?;
    summarise(reference.log_z(), path, &walked.estimates())
}

/// log Z from walkers up a path.
pub(super) fn summarise<K: Tunable>(
    log_z_reference: f64,
    path: &Path<K>,
    estimates: &Estimates,
) -> Result<LogZ, LogZError> {
    let Estimates { log_w, temperatures, n_evals } = estimates;
    let (is_guaranteed, effective) = (path.leaves_invariant(), path.effective());
    let z = weights::summarise("ais", log_z_reference, log_w, *n_evals, is_guaranteed, effective)?;
    Ok(LogZ { temperatures: *temperatures, ..z })
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
    K: Kernel<Bridge<&'a R, &'a E>> + Tunable + Clone,
{
    require_moved(energy, ladder.kernels()[0].moves(), "ais")?;
    require_draws(n, 2)?;
    let streams = Streams::new(seed, Run::Importance);
    let (path, walkers) = Path::choose(energy, ladder, share, 1, n, &streams, &|| 0.0)?;
    let blocks: Vec<Arrived> = walkers.iter().map(Walkers::arrived).collect();
    let Weighted { log_w, temperatures, n_evals, .. } = Weighted::of_blocks(&blocks, path.betas(), Some(BLOCK))?;
    let z = weights::summarise("ais", ladder.reference().log_z(), &log_w, n_evals, false, None)?;
    Ok(LogZ { temperatures, ..z })
}
