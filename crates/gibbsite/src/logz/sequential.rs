//! Sequential Monte Carlo (Del Moral, Doucet and Jasra 2006, "Sequential Monte Carlo samplers"): annealed importance sampling
//! whose walkers are drawn anew in proportion to their weights when few of them carry the most.

use std::ops::Range;

use rayon::prelude::*;

use super::path::{BLOCK, Path};
use super::walkers::{Arrived, Walkers, worst_step};
use super::{LogZ, LogZError, Temperatures, require_real, weights};
use crate::energy::{Bridge, Differentiable, Tractable};
use crate::kernel::{Kernel, Tunable};
use crate::rng::{Run, Streams};

/// Where the streams begin: annealed walkers under the same seed have fewer steps.
const FIRST_STEP: u64 = 1 << 41;

/// Fewest independent populations: their spread is the error, resampling and all.
pub const MIN_POPULATIONS: usize = 16;

/// Fewest walkers of a population.
const MIN_WALKERS: usize = 8;

/// Estimates by independent populations.
#[derive(Clone, Debug)]
pub struct Estimates {
    /// Their logarithms: the mean of the estimates themselves is `Z / Z_ref`.
    pub log_w: Vec<f64>,
    /// The temperatures and the worst step between them.
    pub temperatures: Option<Temperatures>,
    /// Evaluations of energies and gradients.
    pub n_evals: u64,
}

/// Estimates by `populations`, by number, of `size` walkers each along a path that is fixed; the same bits for any number of
/// threads.
///
/// # Errors
/// Those of [`super::annealed::walk`].
pub fn walk<'a, R, E, K>(
    reference: &'a R,
    energy: &'a E,
    path: &Path<K>,
    populations: Range<usize>,
    size: usize,
    seed: u64,
) -> Result<Estimates, LogZError>
where
    R: Differentiable + Tractable,
    E: Differentiable + ?Sized,
    K: Kernel<Bridge<&'a R, &'a E>> + Clone,
{
    require_real(energy, "smc", usize::MAX)?;
    let mut streams = Streams::new(seed, Run::Importance);
    streams.seek(FIRST_STEP);
    let arrived: Vec<Arrived> = populations
        .into_par_iter()
        .map(|population| {
            let streams = streams.block(population * size);
            let mut walkers = Walkers::at_reference(reference, energy, &path.kernels()[0], size, streams);
            walkers.climb(path, true);
            walkers.arrived()
        })
        .collect();
    arrived.iter().try_for_each(Arrived::check)?;
    let steps: Vec<_> = arrived.iter().map(|a| a.steps.clone()).collect();
    Ok(Estimates {
        log_w: arrived.iter().map(Arrived::log_estimate).collect(),
        temperatures: worst_step(path.betas(), &steps),
        n_evals: arrived.iter().map(|a| a.n_evals).sum(),
    })
}

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
    K: Kernel<Bridge<&'a R, &'a E>> + Tunable + Clone,
{
    let min = MIN_POPULATIONS * MIN_WALKERS;
    if n < min {
        return Err(LogZError::Draws { n, min });
    }
    let n_populations = MIN_POPULATIONS.max(n / BLOCK);
    let estimates = walk(reference, energy, path, 0..n_populations, n / n_populations, seed)?;
    summarise(reference.log_z(), &estimates, path.leaves_invariant(), n, path.effective())
}

/// log Z from estimates by populations.
///
/// The standard error is not less than that of as many annealed walkers, `n_walkers`, where it is known which share of them is
/// `effective`: walkers that are drawn anew never come from a place that none of them has reached.
pub(super) fn summarise(
    log_z_reference: f64,
    estimates: &Estimates,
    is_guaranteed: bool,
    n_walkers: usize,
    effective: Option<f64>,
) -> Result<LogZ, LogZError> {
    let Estimates { log_w, temperatures, n_evals } = estimates;
    let z = weights::summarise("smc", log_z_reference, log_w, *n_evals, is_guaranteed, None)?;
    let told = effective.map_or(0.0, |share| weights::std_err_of_share(share, n_walkers));
    let std_err = (z.std_err * weights::t_over_normal(log_w.len() as f64 - 1.0)).max(told);
    let wide = LogZ::statistical(z.value, std_err, "smc", *n_evals);
    // A few dozen estimates show no tail.
    let (lower, bounds) = if is_guaranteed { (z.lower, z.bounds) } else { (wide.lower, wide.bounds) };
    Ok(LogZ { lower, bounds, ess: z.ess, temperatures: *temperatures, ..wide })
}
