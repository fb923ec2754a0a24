//! Sequential Monte Carlo (Del Moral, Doucet and Jasra 2006, "Sequential Monte Carlo samplers"): annealed importance sampling
//! whose walkers are drawn anew in proportion to their weights when few of them carry the most.

use rayon::prelude::*;

use super::path::Path;
use super::walkers::{DELTA, Walkers, log_mean_exp, lower_bound};
use super::{Bounds, LogZ, LogZError, require_real};
use crate::diagnostics::ess_of_weights;
use crate::energy::{Bridge, Differentiable, Tractable};
use crate::kernel::{Kernel, Tunable};
use crate::rng::{Run, Streams};

/// Independent populations: their spread is the error, resampling and all.
const N_POPULATIONS: usize = 16;

/// The 97.5 % quantile of t with 15 degrees of freedom over that of the normal: 2.1314 / 1.9600.
const T_OVER_NORMAL: f64 = 1.0875;

/// Fewest walkers of a population.
const MIN_WALKERS: usize = 8;

/// log Z from 16 independent populations of `n / 16` walkers along a path that is fixed: `log Z_ref` plus the log of the mean of
/// their estimates, each unbiased; the same bits for any number of threads.
///
/// The standard error is that of the 16 estimates, wider by what 15 degrees of freedom lack against a normal. `lower` is
/// guaranteed as in [`super::annealed::log_z`], `ess` the effective number of populations.
///
/// # Errors
/// [`LogZError::Draws`] below 128 walkers, [`LogZError::Undefined`] where the energy is NaN, [`LogZError::Empty`] when all weights
/// of all populations are zero, [`LogZError::Labels`] for energies with labels.
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
    require_real(energy, "smc", usize::MAX)?;
    let (size, min) = (n / N_POPULATIONS, N_POPULATIONS * MIN_WALKERS);
    if n < min {
        return Err(LogZError::Draws { n, min });
    }
    let streams = Streams::new(seed, Run::Importance);
    let populations: Vec<Walkers> = (0..N_POPULATIONS)
        .into_par_iter()
        .map(|population| {
            let mut streams = streams.block(population * size);
            let mut walkers = Walkers::draw(reference, energy, size, &mut streams);
            for (betas, kernel) in path.betas().windows(2).zip(&path.kernels()[1..]) {
                walkers.weigh(betas[1] - betas[0]);
                if betas[1] < 1.0 {
                    walkers.resample(&streams);
                    walkers.walk(&Bridge::new(reference, energy, betas[1]), kernel, path.n_steps(), &mut streams);
                }
            }
            walkers
        })
        .collect();
    if let Some(point) = populations.iter().find_map(Walkers::undefined) {
        return Err(LogZError::Undefined { point });
    }
    let estimates: Vec<f64> = populations.iter().map(Walkers::log_estimate).collect();
    let n_evals = populations.iter().map(Walkers::n_evals).sum();
    let log_mean = log_mean_exp(&estimates);
    if log_mean == f64::NEG_INFINITY {
        return Err(LogZError::Empty { n_evals });
    }
    let m = N_POPULATIONS as f64;
    let variance = estimates.iter().map(|w| (w - log_mean).exp_m1().powi(2)).sum::<f64>() / (m - 1.0);
    let std_err = (variance / m).sqrt() * T_OVER_NORMAL;
    let value = reference.log_z() + log_mean;
    let (lower, bounds) = match path.kernels()[1..].iter().all(Tunable::rejects) {
        true => (reference.log_z() + lower_bound(&estimates), Bounds::Guaranteed { delta: DELTA }),
        false => (value - 2.0 * std_err, Bounds::Statistical),
    };
    let ess = ess_of_weights(&estimates);
    Ok(LogZ {
        std_err,
        lower,
        upper: value + 2.0 * std_err,
        bounds,
        exact: false,
        ess: Some(ess),
        ..LogZ::exact(value, 0.0, "smc", n_evals)
    })
}
