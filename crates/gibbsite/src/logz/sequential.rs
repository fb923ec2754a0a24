//! Sequential Monte Carlo (Del Moral, Doucet and Jasra 2006, "Sequential Monte Carlo samplers"): annealed importance sampling
//! whose walkers are drawn anew in proportion to their weights when few of them carry the most.

use super::path::{BLOCK, Path};
use super::walk::{Estimates, Start, walk};
use super::{LogZ, LogZError, require_draws, weights};
use crate::energy::{Bridge, Differentiable, Tractable};
use crate::kernel::{Kernel, Tunable};
use crate::rng::{Run, Streams};

/// Fewest independent populations: their spread is the error, resampling and all.
pub const MIN_POPULATIONS: usize = 16;

/// Fewest walkers of a population.
const MIN_WALKERS: usize = 8;

/// log Z from 16 or more independent populations, of 64 walkers each where `n` is enough: `log Z_ref` plus the log of the mean of
/// their estimates, each unbiased.
///
/// The standard error is that of the estimates, wider by what their degrees of freedom lack against a normal. `lower` is
/// guaranteed as in [`super::annealed::log_z`], `ess` the effective number of populations.
///
/// # Errors
/// [`LogZError::Draws`] below 128 walkers, [`LogZError::Empty`] when all weights of all populations are zero, and those of
/// [`walk`].
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
    require_draws(n, MIN_POPULATIONS * MIN_WALKERS)?;
    let n_populations = MIN_POPULATIONS.max(n / BLOCK);
    let start = Start::Populations { numbers: 0..n_populations, size: n / n_populations };
    let walked = walk(reference, energy, path, start, &Streams::new(seed, Run::Importance))?;
    summarise(reference.log_z(), path, &walked.estimates(), n)
}

/// log Z from estimates by populations.
///
/// The standard error is not less than that of as many annealed walkers, `n_walkers`, where it is known which share of them is
/// effective: walkers that are drawn anew never come from a place that none of them has reached.
pub(super) fn summarise<K: Tunable>(
    log_z_reference: f64,
    path: &Path<K>,
    estimates: &Estimates,
    n_walkers: usize,
) -> Result<LogZ, LogZError> {
    let Estimates { log_w, temperatures, n_evals } = estimates;
    let is_guaranteed = path.leaves_invariant();
    let z = weights::summarise("smc", log_z_reference, log_w, *n_evals, is_guaranteed, None)?;
    let told = path.effective().map_or(0.0, |share| weights::std_err_of_share(share, n_walkers));
    let std_err = (z.std_err * weights::t_over_normal(log_w.len() as f64 - 1.0)).max(told);
    let wide = LogZ::statistical(z.value, std_err, "smc", *n_evals);
    // A few dozen estimates show no tail.
    let (lower, bounds) = if is_guaranteed { (z.lower, z.bounds) } else { (wide.lower, wide.bounds) };
    Ok(LogZ { lower, bounds, ess: z.ess, temperatures: *temperatures, ..wide })
}
