//! Monte-Carlo standard errors: the standard deviation of an estimate over repetitions of the run.
//!
//! All of them are NaN where the effective sample size they rest on is; all panic if the chains differ in length. If
//! every draw is one shared constant they are 0, as the sample standard deviation is: the effective sample size of 1
//! tells that apart from an exact answer.

use super::chains::{Draws, Order, mean, variance};
use super::ess;
use super::special::beta_quantile;

/// Standard error of the mean: `sd / sqrt(ess_mean)`.
pub fn mcse_mean<C: AsRef<[f64]>>(chains: &[C]) -> f64 {
    Draws::gather(chains).map_or(f64::NAN, |draws| of_mean(&draws))
}

/// Standard error of the standard deviation, without assuming normality:
/// `sqrt((m_4 - m_2^2) / (4 m_2 ess))` with the central moments m_k and the effective sample size of (x - mean)^2.
///
/// Source: Kenney and Keeping (1951), "Mathematics of Statistics", part 2, p. 141; as in the R package `posterior`.
pub fn mcse_sd<C: AsRef<[f64]>>(chains: &[C]) -> f64 {
    Draws::gather(chains).map_or(f64::NAN, |draws| of_sd(&draws))
}

/// Standard error of the median: [`mcse_quantile`] at 1/2.
pub fn mcse_median<C: AsRef<[f64]>>(chains: &[C]) -> f64 {
    mcse_quantile(chains, 0.5)
}

/// Standard error of the quantile of probability `p`: half the distance between the draws at the 16 % and 84 % quantiles
/// of Beta(ess p + 1, ess (1 - p) + 1), the distribution of the probability below the estimate. NaN for `p` outside [0, 1].
///
/// Source: Vehtari et al. (2021), section 4.4.
pub fn mcse_quantile<C: AsRef<[f64]>>(chains: &[C], p: f64) -> f64 {
    Draws::gather(chains).map_or(f64::NAN, |draws| of_quantile(&draws, &draws.order(), p))
}

/// [`mcse_mean`].
pub(super) fn of_mean(draws: &Draws) -> f64 {
    (variance(&draws.values) / ess::of_mean(draws.clone())).sqrt()
}

/// [`mcse_sd`].
pub(super) fn of_sd(draws: &Draws) -> f64 {
    let centre = mean(&draws.values);
    let squares = draws.map(|v| (v - centre) * (v - centre));
    let m2 = mean(&squares.values);
    if m2 == 0.0 {
        return 0.0;
    }
    // m_4 - m_2^2 as the variance of the squares, which cannot be negative.
    let n = squares.values.len() as f64;
    let spread = variance(&squares.values) * (n - 1.0) / n;
    (spread / ess::of_mean(squares) / m2 / 4.0).sqrt()
}

/// [`mcse_quantile`] of draws whose order is known.
fn of_quantile(draws: &Draws, order: &Order, p: f64) -> f64 {
    let ess = ess::of_quantile(draws, order, p);
    if ess.is_nan() {
        return f64::NAN;
    }
    let n = order.sorted.len();
    // The probabilities are Phi(-1) and Phi(1) to the seven digits of the reference.
    let [lo, hi] = [0.1586553, 0.8413447].map(|q| n as f64 * beta_quantile(q, ess * p + 1.0, ess * (1.0 - p) + 1.0));
    let below = order.sorted[(lo.floor() as usize).clamp(1, n) - 1];
    let above = order.sorted[(hi.ceil() as usize).clamp(1, n) - 1];
    0.5 * (above - below)
}
