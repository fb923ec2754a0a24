//! Potential scale reduction: do the chains, and the halves of each chain, agree?

use super::chains::{Draws, NormalScores, mean, variance};

/// R-hat: the larger of the rank-normalised split R-hat (location) and the same of |x - median| (scale).
///
/// At convergence it is close to 1; above 1.01 the chains do not yet agree. Of frozen chains it is +inf if they stand at
/// different values, and NaN if every draw is one shared constant: 0/0, for such chains neither agree nor disagree about a
/// spread that none of them has seen. NaN, too, if a draw is not finite, or with fewer than
/// [`MIN_DRAWS`](super::MIN_DRAWS) draws per chain or no chain. Where |x - median| is constant (a quantity with two values,
/// half of the draws at each) the location alone decides.
///
/// Of an odd number of draws the middle one is left out of the halves, and |x - median| is folded about the median of all
/// draws, both as in the R package `posterior`; ArviZ folds about the median of the draws it keeps, which differs by some
/// 1e-4.
///
/// Source: Vehtari, Gelman, Simpson, Carpenter and Buerkner (2021), "Rank-normalization, folding, and localization: an
/// improved R-hat", section 4.
///
/// # Panics
/// If the chains differ in length.
pub fn rhat<C: AsRef<[f64]>>(chains: &[C]) -> f64 {
    Draws::gather(chains).map_or(f64::NAN, |draws| {
        let (order, scores) = (draws.order(), NormalScores::new(&draws));
        ranked(&order.rank_normalised(draws.n_draws, &scores), &order.folded().rank_normalised(draws.n_draws, &scores))
    })
}

/// R-hat of the chains as they are: neither split nor ranked (Gelman and Rubin 1992), with n draws in each chain:
/// `sqrt((n - 1) / n + var(chain means) / mean(chain variances))`. Values for frozen, non-finite and too few draws are
/// those of [`rhat`]; NaN for a single chain.
///
/// # Panics
/// If the chains differ in length.
pub fn rhat_raw<C: AsRef<[f64]>>(chains: &[C]) -> f64 {
    Draws::gather(chains).map_or(f64::NAN, |draws| basic(&draws))
}

/// [`rhat`] of the rank-normalised split chains and of the same of |x - median|.
pub(super) fn ranked(location: &Draws, scale: &Draws) -> f64 {
    // Ranks are finite, so that only constants give NaN. A constant location has a constant scale, so the maximum, which
    // passes over a NaN, is NaN where the draws are constant, and the location where the scale alone is.
    basic(location).max(basic(scale))
}

/// `sqrt((n - 1) / n + between / within)`; NaN where both are 0.
fn basic(draws: &Draws) -> f64 {
    let n = draws.n_draws as f64;
    let means: Vec<f64> = draws.chains().map(mean).collect();
    let variances: Vec<f64> = draws.chains().map(variance).collect();
    let (between, within) = (variance(&means), mean(&variances));
    ((n - 1.0) / n + between / within).sqrt()
}
