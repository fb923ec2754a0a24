//! Pure functions on draws: R-hat, effective sample sizes, Monte-Carlo standard errors, ranks, E-BFMI, the weights of modes,
//! the tail of importance weights, and distances from a known distribution. No number is reported without them.
//!
//! Functions on chains take the draws of one scalar quantity as a slice of chains of equal length: `&[Vec<f64>]` or
//! `&[&[f64]]`. Draws that are not finite are never dropped: one of them makes every result NaN.

mod agreement;
mod autocovariance;
mod chains;
mod distance;
mod ebfmi;
mod ess;
mod mcse;
mod modes;
mod occupancy;
mod pareto;
mod rank_histogram;
mod rhat;
mod special;
mod stein;
mod summary;

pub use agreement::{Agreement, agreement};
pub use autocovariance::autocovariance;
pub use chains::MIN_DRAWS;
pub use distance::{histogram, kl, ks_statistic, total_variation, z_score_between_chains};
pub use ebfmi::{MIN_EBFMI, ebfmi};
pub use ess::{ess_bulk, ess_mean, ess_median, ess_quantile, ess_raw, ess_sd, ess_tail};
pub use mcse::{mcse_mean, mcse_median, mcse_quantile, mcse_sd};
pub use modes::{Modes, ModesError};
pub use occupancy::{ModeWeight, Occupancy, occupancy};
pub(crate) use pareto::tail_length;
pub use pareto::{ess_of_weights, pareto_k, psis, tail_shape};
pub use rank_histogram::{RankHistogram, rank_histogram};
pub use rhat::{rhat, rhat_raw};
pub use special::{beta_cdf, beta_quantile, chi_square_tail, ln_gamma, normal_quantile};
pub use stein::{Stein, SteinDeparture};
pub use summary::{Summary, summary, summary_and_agreement};
