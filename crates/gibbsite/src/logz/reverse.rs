//! Reverse annealed importance sampling (Burda, Grosse and Salakhutdinov 2015, "Accurate and conservative estimates of MRF
//! log-likelihood using reverse annealing"): draws of the target walk down a path to the reference. Their weights have the mean
//! `Z_ref / Z`, if the draws are exact: where forward weights bound log Z from below, these bound it from above.

use rayon::prelude::*;

use super::annealed::{MIN_WALKERS, Weighted, gather};
use super::path::{BLOCK, Path};
use super::walkers::{Arrived, Walkers};
use super::{Bounds, LogZ, LogZError, bound, require_real, weights};
use crate::energy::{Bridge, Differentiable, Tractable};
use crate::kernel::{Kernel, Tunable};
use crate::points::Points;
use crate::rng::{Run, Streams};

/// Where the streams of the way down begin: those of the way up have fewer steps.
const FIRST_STEP: u64 = 1 << 40;

/// Walkers from `draws` (one row each) down a path that is fixed; the mean of the weights estimates `Z_ref / Z`.
///
/// # Errors
/// Those of [`super::annealed::walk`].
pub fn walk<'a, R, E, K>(
    reference: &'a R,
    energy: &'a E,
    path: &Path<K>,
    draws: &Points,
    seed: u64,
) -> Result<Weighted, LogZError>
where
    R: Differentiable + Tractable,
    E: Differentiable + ?Sized,
    K: Kernel<Bridge<&'a R, &'a E>> + Clone,
{
    walk_as(Run::Importance, reference, energy, path, draws, seed)
}

/// [`walk`] with the streams of a certain purpose.
pub(super) fn walk_as<'a, R, E, K>(
    run: Run,
    reference: &'a R,
    energy: &'a E,
    path: &Path<K>,
    draws: &Points,
    seed: u64,
) -> Result<Weighted, LogZError>
where
    R: Differentiable + Tractable,
    E: Differentiable + ?Sized,
    K: Kernel<Bridge<&'a R, &'a E>> + Clone,
{
    require_real(energy, "reverse ais", usize::MAX)?;
    let mut streams = Streams::new(seed, run);
    streams.seek(FIRST_STEP);
    let n = draws.n();
    let blocks: Vec<Arrived> = (0..n)
        .step_by(BLOCK)
        .collect::<Vec<_>>()
        .into_par_iter()
        .map(|first| {
            let x = draws.rows(first, BLOCK.min(n - first));
            let kernel = &path.kernels()[path.kernels().len() - 1];
            let mut walkers = Walkers::at(reference, energy, kernel, (1.0, x), streams.block(first));
            walkers.descend(path);
            walkers.arrived()
        })
        .collect();
    let down: Vec<f64> = path.betas().iter().rev().copied().collect();
    gather(&blocks, &down, energy.space().dim())
}

/// log Z from draws of the target: `log Z_ref - log mean w`, the standard error by the delta method.
///
/// `upper` holds but with probability [`super::DELTA`] **if the draws are exact and independent** (`if_draws_exact`): draws of a
/// chain that has not seen a mode make it too low, however many they are, and no diagnostic of the weights tells. `lower` is two
/// standard errors below.
///
/// # Errors
/// Those of [`walk`]; [`LogZError::Draws`] below 64 draws; [`LogZError::Empty`] when all weights are zero.
pub fn log_z<'a, R, E, K>(
    reference: &'a R,
    energy: &'a E,
    path: &Path<K>,
    draws: &Points,
    seed: u64,
) -> Result<LogZ, LogZError>
where
    R: Differentiable + Tractable,
    E: Differentiable + ?Sized,
    K: Kernel<Bridge<&'a R, &'a E>> + Tunable + Clone,
{
    let n = draws.n();
    if n < MIN_WALKERS {
        return Err(LogZError::Draws { n, min: MIN_WALKERS });
    }
    let Weighted { log_w, temperatures, n_evals, .. } = walk(reference, energy, path, draws, seed)?;
    // As if it were log(Z_ref / Z).
    let z = weights::summarise("reverse ais", 0.0, &log_w, n_evals, false, None)?;
    let (value, std_err) = (reference.log_z() - z.value, z.std_err);
    let mut z = LogZ { value, lower: value - 2.0 * std_err, upper: value + 2.0 * std_err, temperatures, ..z };
    if path.leaves_invariant() {
        z.upper = reference.log_z() - bound::lower_bound(&log_w);
        z.upper_bounds = Bounds::IfDrawsExact;
    }
    Ok(z)
}
