//! The line a report prints for one quantity: estimates, their errors, and whether to believe them.

use super::agreement::Agreement;
use super::chains::{Draws, NormalScores, mean, variance};
use super::{ess, mcse, rhat};

/// Estimates of one scalar quantity with their diagnostics; each field is what the function of its name returns.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Summary {
    /// Mean of all draws.
    pub mean: f64,
    /// Standard deviation of all draws, divisor S - 1.
    pub sd: f64,
    /// Median.
    pub median: f64,
    /// 5 % quantile.
    pub q05: f64,
    /// 95 % quantile.
    pub q95: f64,
    /// Rank-normalised split R-hat.
    pub rhat: f64,
    /// Effective sample size of the bulk.
    pub ess_bulk: f64,
    /// Effective sample size of the tails.
    pub ess_tail: f64,
    /// Monte-Carlo standard error of the mean.
    pub mcse_mean: f64,
    /// Monte-Carlo standard error of the standard deviation.
    pub mcse_sd: f64,
}

/// Summarises the draws `(chain, draw)` of one quantity. Every field is NaN if a draw is not finite, or with fewer than
/// [`MIN_DRAWS`](super::MIN_DRAWS) draws per chain or no chain.
///
/// # Panics
/// If the chains differ in length.
pub fn summary<C: AsRef<[f64]>>(chains: &[C]) -> Summary {
    summary_and_agreement(chains).0
}

/// [`summary`] with the [`Agreement`] of the chains, which shares its ranks.
///
/// # Panics
/// If the chains differ in length.
pub fn summary_and_agreement<C: AsRef<[f64]>>(chains: &[C]) -> (Summary, Agreement) {
    let Some(draws) = Draws::gather(chains) else {
        let nan = f64::NAN;
        let unknown = Summary {
            mean: nan,
            sd: nan,
            median: nan,
            q05: nan,
            q95: nan,
            rhat: nan,
            ess_bulk: nan,
            ess_tail: nan,
            mcse_mean: nan,
            mcse_sd: nan,
        };
        return (unknown, Agreement::unknown());
    };
    let (order, scores) = (draws.order(), NormalScores::new(&draws));
    let location = order.rank_normalised(draws.n_draws, &scores);
    let scale = order.folded().rank_normalised(draws.n_draws, &scores);
    let rhat = rhat::ranked(&location, &scale);
    let agreement = Agreement::new(&location, &scale, rhat);
    let summary = Summary {
        mean: mean(&draws.values),
        sd: variance(&draws.values).sqrt(),
        median: order.median(),
        q05: order.quantile(0.05),
        q95: order.quantile(0.95),
        rhat,
        ess_bulk: ess::basic(location),
        ess_tail: ess::tail(&draws, &order),
        mcse_mean: mcse::of_mean(&draws),
        mcse_sd: mcse::of_sd(&draws),
    };
    (summary, agreement)
}
