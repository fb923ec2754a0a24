//! Stepping stones (Xie, Lewis, Fan, Kuo and Chen 2011, "Improving marginal likelihood estimation for Bayesian phylogenetic model
//! selection"): every level of a ladder is the base of importance sampling for the next.

use super::jackknife::{self, log_mean};
use super::{LogZ, LogZError};
use crate::tempering::{Rung, Rungs};

/// `log Z = log Z_ref + sum_k log E_k[exp(-(beta_{k+1} - beta_k) (E - E_ref))]`.
///
/// The variance of the last terms is infinite where the target has heavier tails than the reference; [`super::bridge`] is safe there.
///
/// # Errors
/// [`LogZError::Rungs`] with fewer than 8 ladders, and where a sum is not finite.
pub fn log_z(rungs: &Rungs) -> Result<LogZ, LogZError> {
    let below = &rungs.levels[..rungs.levels.len() - 1];
    let log_ratio = |level: &Vec<Rung>, without| {
        log_mean(level, without, Rung::log_up) - log_mean(level, without, |r| r.n_draws().ln())
    };
    jackknife::log_z("stepping-stone", rungs, |without| below.iter().map(|level| log_ratio(level, without)).sum())
}
