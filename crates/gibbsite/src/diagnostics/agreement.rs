//! Whether chains that are said to disagree are only slow, and which of them sit elsewhere.

use super::chains::{Draws, NormalScores, mean, variance};
use super::{ess, rhat};

/// Standard errors of its mean beyond which a chain is elsewhere.
const MAX_Z: f64 = 6.0;

/// Rank-normal scores that its mean must be off at the least: chains which mix are never so far, even where half a chain
/// holds only five effective draws.
const MIN_DISTANCE: f64 = 1.0;

/// R-hat up to which nobody asks for [`Agreement::ess_within`].
const AGREED: f64 = 1.01;

/// How chains compare with each other, given what happens within each.
///
/// An effective sample size over all chains counts chains that disagree as slow ones, for the spread of their means is part of
/// it. A threshold that allows for slowness must not: see [`Agreement::ess_within`]. And R-hat averages over the chains, so
/// that the more there are, the less one of them in another mode shows: see [`Agreement::n_apart`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// R-hat, as [`rhat`](super::rhat()).
    pub rhat: f64,
    /// Effective sample size of the rank-normalised chains, the smaller of location and scale, from the autocovariances within
    /// the chains alone: what the draws would be worth if the chains agreed. NaN where nothing asks for it: R-hat is at
    /// most 1.01 and no chain is one rank-normal score off.
    pub ess_within: f64,
    /// Number of chains that sit elsewhere: the mean of their rank-normal scores, or that of the scores of |x - median|, is off
    /// by more than one score and by more than six standard errors. The errors are those of tau within the chains.
    pub n_apart: usize,
}

/// The agreement of the chains of one quantity. Unknown (NaN, and no chain apart) if a draw is not finite, or with fewer than
/// [`MIN_DRAWS`](super::MIN_DRAWS) draws per chain or no chain.
///
/// # Panics
/// If the chains differ in length.
pub fn agreement<C: AsRef<[f64]>>(chains: &[C]) -> Agreement {
    Draws::gather(chains).map_or(Agreement::unknown(), |draws| {
        let (order, scores) = (draws.order(), NormalScores::new(&draws));
        let location = order.rank_normalised(draws.n_draws, &scores);
        let scale = order.folded().rank_normalised(draws.n_draws, &scores);
        Agreement::new(&location, &scale, rhat::ranked(&location, &scale))
    })
}

impl Agreement {
    /// Of chains that cannot be compared.
    pub(crate) fn unknown() -> Self {
        Self { rhat: f64::NAN, ess_within: f64::NAN, n_apart: 0 }
    }

    /// Of rank-normalised split chains, of the draws and of |x - median|.
    pub(super) fn new(location: &Draws, scale: &Draws, rhat: f64) -> Self {
        let both = [location, scale].map(|draws| (draws, distances(draws)));
        let far = |d: &[f64]| d.iter().any(|d| *d > MIN_DISTANCE);
        if rhat <= AGREED && !both.iter().any(|(_, d)| far(d)) {
            return Self { rhat, ess_within: f64::NAN, n_apart: 0 };
        }
        let mut ess_within = f64::INFINITY;
        let mut apart = vec![false; both[0].1.len()];
        for (draws, distance) in both {
            // The whole chains, which know slower movements than their halves.
            let whole = Draws { values: draws.values.clone(), n_draws: 2 * draws.n_draws };
            let ess = ess::within(whole);
            ess_within = ess_within.min(ess);
            let each = ess / distance.len() as f64;
            let error = (draws.chains().map(variance).sum::<f64>() / draws.chains().count() as f64 / each).sqrt();
            for (apart, d) in apart.iter_mut().zip(&distance) {
                *apart |= *d > MIN_DISTANCE.max(MAX_Z * error);
            }
        }
        Self { rhat, ess_within, n_apart: apart.iter().filter(|a| **a).count() }
    }
}

/// Of each chain of two halves, how far its mean is from that of the others.
fn distances(split: &Draws) -> Vec<f64> {
    let halves: Vec<f64> = split.chains().map(mean).collect();
    let chains: Vec<f64> = halves.chunks_exact(2).map(|h| 0.5 * (h[0] + h[1])).collect();
    let (n, sum) = (chains.len() as f64, chains.iter().sum::<f64>());
    if chains.len() < 2 {
        return vec![0.0; chains.len()];
    }
    chains.iter().map(|c| (c - (sum - c) / (n - 1.0)).abs()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Run, Streams};

    /// Chains x' = rho x + sqrt(1 - rho^2) xi that start at stationarity.
    fn ar1(rho: f64, n_chains: usize, n: usize, seed: u64) -> Vec<Vec<f64>> {
        let mut rng = Streams::new(seed, Run::Draws);
        let xi = rng.normals(Purpose::Proposal, n_chains, n);
        let chain = |c: usize| {
            let next = |x: &mut f64, t: usize| {
                let xi = f64::from(xi.col(t)[c]);
                *x = if t == 0 { xi } else { rho * *x + (1.0 - rho * rho).sqrt() * xi };
                Some(*x)
            };
            (0..n).scan(0.0, next).collect()
        };
        (0..n_chains).map(chain).collect()
    }

    /// Slow chains have the effective sample size that tau says, and chains apart do not look slow.
    #[test]
    fn the_ess_within_is_that_of_the_chains_if_they_agreed() {
        for (rho, n) in [(0.0f64, 200), (0.5, 400), (0.9, 1000), (0.95, 1000), (0.97, 1000)] {
            let mut chains = ar1(rho, 64, n, 3);
            let tau = (1.0 + rho) / (1.0 - rho);
            let true_ess = (64 * n) as f64 / tau;
            let of = |chains: &[Vec<f64>]| {
                let draws = Draws::gather(chains).unwrap();
                ess::within(draws.order().rank_normalised(draws.n_draws, &NormalScores::new(&draws)))
            };
            let together = of(&chains) / true_ess;
            chains.iter_mut().step_by(2).flatten().for_each(|x| *x += 3.0);
            let apart = of(&chains) / true_ess;
            println!("rho {rho}: {together:.3} of the true ess, apart {apart:.3}");
            assert!((0.8..1.3).contains(&together) && (0.7..1.5).contains(&apart), "{rho} {together} {apart}");
        }
    }

    #[test]
    fn one_chain_elsewhere_is_seen_among_any_number() {
        for n_chains in [4, 16, 64, 256, 1024] {
            let mut chains = ar1(0.3, n_chains, 100, 1);
            assert_eq!(agreement(&chains).n_apart, 0);
            chains[2].iter_mut().for_each(|x| *x += 8.0);
            assert_eq!(agreement(&chains).n_apart, 1, "{n_chains}");
            // At the same place, but in a hole of it.
            chains[2] = ar1(0.3, 1, 100, 9)[0].iter().map(|x| 0.001 * x).collect();
            assert_eq!(agreement(&chains).n_apart, 1, "{n_chains}");
        }
    }

    #[test]
    fn chains_that_mix_are_together_and_frozen_ones_unknown() {
        let far = (0..200).filter(|seed| agreement(&ar1(0.95, 64, 400, *seed)).n_apart > 0).count();
        assert!(far <= 1, "{far}");
        let alone = agreement(&ar1(0.0, 1, 100, 1));
        assert!(alone.n_apart == 0 && alone.rhat.is_finite());
        assert!(agreement(&[[f64::NAN; 8]; 4]).rhat.is_nan() && agreement(&[[1.0; 8]; 4]).n_apart == 0);
    }
}
