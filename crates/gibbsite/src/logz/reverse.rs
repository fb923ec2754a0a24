//! Reverse annealed importance sampling (Burda, Grosse and Salakhutdinov 2015, "Accurate and conservative estimates of MRF
//! log-likelihood using reverse annealing"): draws of the target walk down a path to the reference. Their weights have the mean
//! `Z_ref / Z`, if the draws are exact: where forward weights bound log Z from below, these bound it from above.

use super::annealed::MIN_WALKERS;
use super::path::Path;
use super::walk::{Start, Weighted, walk};
use super::{Bounds, LogZ, LogZError, bound, require_draws, weights};
use crate::energy::{Bridge, Differentiable, Tractable};
use crate::kernel::{Kernel, Tunable};
use crate::points::Points;
use crate::rng::{Run, Streams};

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
    K: Kernel<Bridge<&'a R, &'a E>> + Tunable,
{
    require_draws(draws.n(), MIN_WALKERS)?;
    let streams = Streams::new(seed, Run::Importance);
    let Weighted { log_w, temperatures, n_evals, .. } = walk(reference, energy, path, Start::Target(draws), &streams)?;
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
