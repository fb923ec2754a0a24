//! Effective sample sizes: how many independent draws would estimate as well as these.
//!
//! All of them are NaN if a draw is not finite, or with fewer than [`MIN_DRAWS`](super::MIN_DRAWS) draws per chain or no
//! chain; and 1 if every chain (half chain, where chains are split) is frozen, for then the draws tell of one state each
//! and nothing of the rest. None exceeds `S log10(S)` for S draws. All panic if the chains differ in length.
//!
//! Of half chains of 5 draws or fewer no pair of autocorrelations is summed and tau is 2: half of what ArviZ gives there.
//!
//! Source: Vehtari, Gelman, Simpson, Carpenter and Buerkner (2021), "Rank-normalization, folding, and localization: an
//! improved R-hat", sections 3.2 and 4.3; details as in the R package `posterior`.

use super::autocovariance::MeanAutocovariance;
use super::chains::{Draws, NormalScores, Order, mean, variance};

/// Effective sample size of the bulk: of the rank-normalised split chains. Below about 100 per chain, R-hat and the
/// other estimates are themselves unreliable.
pub fn ess_bulk<C: AsRef<[f64]>>(chains: &[C]) -> f64 {
    Draws::gather(chains)
        .map_or(f64::NAN, |draws| basic(draws.order().rank_normalised(draws.n_draws, &NormalScores::new(&draws))))
}

/// Effective sample size of the tails: the smaller of those of the 5 % and 95 % quantiles.
pub fn ess_tail<C: AsRef<[f64]>>(chains: &[C]) -> f64 {
    Draws::gather(chains).map_or(f64::NAN, |draws| tail(&draws, &draws.order()))
}

/// Effective sample size of the mean: of the split chains.
pub fn ess_mean<C: AsRef<[f64]>>(chains: &[C]) -> f64 {
    Draws::gather(chains).map_or(f64::NAN, of_mean)
}

/// Effective sample size of the standard deviation: of (x - mean)^2.
pub fn ess_sd<C: AsRef<[f64]>>(chains: &[C]) -> f64 {
    Draws::gather(chains).map_or(f64::NAN, |draws| of_sd(&draws))
}

/// Effective sample size of the median: [`ess_quantile`] at 1/2.
pub fn ess_median<C: AsRef<[f64]>>(chains: &[C]) -> f64 {
    ess_quantile(chains, 0.5)
}

/// Effective sample size of the quantile of probability `p`: of the indicator that a draw is at or below it, in split
/// chains. Where the quantile is the largest draw (an atom at the top of a discrete quantity) "below" replaces "at or
/// below". NaN for `p` outside [0, 1].
pub fn ess_quantile<C: AsRef<[f64]>>(chains: &[C], p: f64) -> f64 {
    Draws::gather(chains).map_or(f64::NAN, |draws| of_quantile(&draws, &draws.order(), p))
}

/// Effective sample size of the mean from the chains as they are, not split: blind to a chain that drifts.
pub fn ess_raw<C: AsRef<[f64]>>(chains: &[C]) -> f64 {
    Draws::gather(chains).map_or(f64::NAN, basic)
}

/// [`ess_tail`] of draws whose order is known.
pub(super) fn tail(draws: &Draws, order: &Order) -> f64 {
    of_quantile(draws, order, 0.05).min(of_quantile(draws, order, 0.95))
}

/// [`ess_mean`].
pub(super) fn of_mean(draws: Draws) -> f64 {
    basic(draws.split())
}

/// [`ess_sd`].
pub(super) fn of_sd(draws: &Draws) -> f64 {
    let centre = mean(&draws.values);
    basic(draws.map(|v| (v - centre) * (v - centre)).split())
}

/// [`ess_quantile`] of draws whose order is known.
pub(super) fn of_quantile(draws: &Draws, order: &Order, p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    basic(draws.below_quantile(order, p))
}

/// `S / tau` with the integrated autocorrelation time tau of Geyer's (1992) initial positive, then monotone, sequence of
/// the autocorrelations `rho_t = 1 - (W - mean_chains c_t) / V`, where W is the mean variance within chains and
/// `V = (n - 1) / n W + var(chain means)`.
pub(super) fn basic(draws: Draws) -> f64 {
    let Some(mut chains) = Centred::new(draws) else { return 1.0 };
    let between = if chains.means.len() > 1 { variance(&chains.means) } else { 0.0 };
    chains.size() / chains.time(chains.biased + between).0
}

/// [`basic`] of what happens within the chains alone, whatever their means: chains that disagree are not taken for slow ones.
///
/// Autocovariances of chains less their own means are too low by `V tau / n` each, and add up to 0 over all lags. The sequence
/// that ends at lag T holds `tau_0 = (tau - (2 T + 1) tau / n) / (1 - tau / n)`, which is solved for tau; at most n.
pub(super) fn within(draws: Draws) -> f64 {
    let Some(mut chains) = Centred::new(draws) else { return 1.0 };
    let n = chains.n_draws as f64;
    let (tau, last) = chains.time(chains.biased);
    let kept = 1.0 - (2.0 * last as f64 + 1.0 - tau) / n;
    chains.size() / if kept > tau / n { tau / kept } else { n }
}

/// Chains less their means, and their autocovariances as far as they were asked for.
struct Centred {
    autocovariance: MeanAutocovariance,
    means: Vec<f64>,
    n_draws: usize,
    /// Mean variance within chains, divisor n.
    biased: f64,
}

impl Centred {
    /// `None` if nothing moves, or chains are single draws.
    fn new(mut draws: Draws) -> Option<Self> {
        let n_draws = draws.n_draws;
        let means: Vec<f64> = draws.chains().map(mean).collect();
        for (chain, m) in draws.values.chunks_exact_mut(n_draws).zip(&means) {
            chain.iter_mut().for_each(|v| *v -= m);
        }
        if n_draws < 2 || draws.values.iter().all(|v| *v == 0.0) {
            return None;
        }
        let mut autocovariance = MeanAutocovariance::new(draws.values, n_draws);
        let biased = autocovariance.lag(0);
        Some(Self { autocovariance, means, n_draws, biased })
    }

    fn size(&self) -> f64 {
        (self.n_draws * self.means.len()) as f64
    }

    /// tau for the variance `total` of all draws, at least 1 / log10(S), and the lag at which the sequence ends.
    fn time(&mut self, total: f64) -> (f64, usize) {
        let (n, size) = (self.n_draws, self.size());
        let within = self.biased * n as f64 / (n as f64 - 1.0);
        let autocovariance = &mut self.autocovariance;
        let mut rho_at = |t: usize| 1.0 - (within - autocovariance.lag(t)) / total;

        // Initial positive sequence of the sums of pairs; the first even lag after the last pair improves antithetic chains.
        let mut rho = vec![1.0, rho_at(1)];
        let (mut even, mut odd, mut t) = (1.0, rho[1], 0);
        while t + 5 < n && even + odd > 0.0 {
            t += 2;
            (even, odd) = (rho_at(t), rho_at(t + 1));
            rho.extend(if even + odd >= 0.0 { [even, odd] } else { [0.0, 0.0] });
        }
        let last = t;
        if even > 0.0 {
            rho[last] = even;
        }
        // Initial monotone sequence.
        for t in (2..last.saturating_sub(1)).step_by(2) {
            let before = rho[t - 2] + rho[t - 1];
            if rho[t] + rho[t + 1] > before {
                (rho[t], rho[t + 1]) = (0.5 * before, 0.5 * before);
            }
        }
        // With no pair at all (5 draws or fewer, or rho_1 <= -1), rho_0 counts as the sum, which gives tau = 2 as in
        // `posterior`: cautious, where the formula itself would give 0.
        let sum: f64 = rho[..last.max(1)].iter().sum();
        let tau = -1.0 + 2.0 * sum + rho[last];
        (if tau.is_nan() { f64::NAN } else { tau.max(1.0 / size.log10()) }, last)
    }
}
