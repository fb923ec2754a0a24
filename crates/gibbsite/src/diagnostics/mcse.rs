//! Monte-Carlo standard errors: the standard deviation of an estimate over repetitions of the run.
//!
//! All of them are NaN where the effective sample size they rest on is; all panic if the chains differ in length.
//!
//! If every draw is one shared constant they are NaN, unknown: the draws carry the information of one, and the spread of
//! one draw is 0/0. An error of 0 would read as a perfect answer of a variable that never moved. Chains frozen at different
//! values count as one draw with the spread of their values.

use super::chains::{Draws, Order, mean, variance};
use super::ess;
use super::special::beta_quantile;

/// Standard error of the mean: `sd / sqrt(ess_mean)`.
pub fn mcse_mean<C: AsRef<[f64]>>(chains: &[C]) -> f64 {
    Draws::gather(chains).map_or(f64::NAN, |draws| of_mean(&draws))
}

/// Standard error of the standard deviation, without assuming normality:
/// `sqrt((m_4 - m_2^2) / (4 m_2 ess))` with the central moments m_k and the effective sample size of (x - mean)^2. NaN where
/// (x - mean)^2 is one constant (a quantity with two values, half of the draws at each): the error is of second order there.
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
/// It may be 0 where the draws move: of a quantity with atoms, if the quantile is well inside one.
///
/// Source: Vehtari et al. (2021), section 4.4.
pub fn mcse_quantile<C: AsRef<[f64]>>(chains: &[C], p: f64) -> f64 {
    Draws::gather(chains).map_or(f64::NAN, |draws| of_quantile(&draws, &draws.order(), p))
}

/// [`mcse_mean`].
pub(super) fn of_mean(draws: &Draws) -> f64 {
    known((variance(&draws.values) / ess::of_mean(draws.clone())).sqrt())
}

/// An error, or NaN for the 0 of a quantity that never moved.
fn known(error: f64) -> f64 {
    if error == 0.0 { f64::NAN } else { error }
}

/// [`mcse_sd`].
pub(super) fn of_sd(draws: &Draws) -> f64 {
    let centre = mean(&draws.values);
    let squares = draws.map(|v| (v - centre) * (v - centre));
    let m2 = mean(&squares.values);
    // m_4 - m_2^2 as the variance of the squares, which cannot be negative.
    let n = squares.values.len() as f64;
    let spread = variance(&squares.values) * (n - 1.0) / n;
    // The rounding of x, and of the mean as a sum over eight lanes; squares that differ by no more are one constant.
    let (lo, hi) = draws.values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), v| (lo.min(*v), hi.max(*v)));
    let rounding = f64::EPSILON * (lo.abs().max(hi.abs()) + 0.125 * n * (hi - lo));
    if spread.sqrt() <= 4.0 * rounding * m2.sqrt() {
        return f64::NAN;
    }
    (spread / ess::of_mean(squares) / m2 / 4.0).sqrt()
}

/// [`mcse_quantile`] of draws whose order is known.
fn of_quantile(draws: &Draws, order: &Order, p: f64) -> f64 {
    let ess = ess::of_quantile(draws, order, p);
    let n = order.sorted.len();
    if ess.is_nan() || order.sorted[0] == order.sorted[n - 1] {
        return f64::NAN;
    }
    // The probabilities are Phi(-1) and Phi(1) to the seven digits of the reference.
    let [lo, hi] = [0.1586553, 0.8413447].map(|q| n as f64 * beta_quantile(q, ess * p + 1.0, ess * (1.0 - p) + 1.0));
    let below = order.sorted[(lo.floor() as usize).clamp(1, n) - 1];
    let above = order.sorted[(hi.ceil() as usize).clamp(1, n) - 1];
    0.5 * (above - below)
}
