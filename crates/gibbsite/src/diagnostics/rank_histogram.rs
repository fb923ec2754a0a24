//! Histograms of ranks: does every chain have its share of all draws, low, middle and high?

use super::chains::{Draws, mean};
use super::ess;
use super::special::chi_square_tail;

/// Ranks of the draws of each chain among the draws of all chains, counted in equal bins.
///
/// If the chains agree, every chain has ranks that are uniform, and counts near `expected`. A chain that is too often low or
/// high has found another place, one with too many middle ranks is too narrow.
///
/// Source: Vehtari, Gelman, Simpson, Carpenter and Buerkner (2021), "Rank-normalization, folding, and localization: an
/// improved R-hat", section 4 and figure 3.
#[derive(Clone, Debug, PartialEq)]
pub struct RankHistogram {
    /// `counts[chain][bin]`; the first bin holds the least ranks.
    pub counts: Vec<Vec<u64>>,
    /// Mean count of a chain, per bin: draws of a chain over number of bins, but for rounding and ties.
    pub expected: Vec<f64>,
    /// Standard deviation of a count about `expected` if the m chains have one distribution, per bin: binomial, widened by the
    /// integrated autocorrelation time tau of the bin's indicator within the chains, `sqrt(n q (1 - q) (1 - 1/m) tau)`, where
    /// q is the bin's share of all draws. NaN for a single chain, whose ranks are uniform whatever it does.
    pub count_sd: Vec<f64>,
    /// For each chain the probability of counts as uneven as its own or more, if the chains have one distribution and mix as
    /// fast as they seem to. `X^2 = sum_k (count - expected)^2 / expected` is a sum of K - 1 squares, each widened by
    /// `(1 - 1/m) tau_j`, where tau_j is the autocorrelation time of a pattern of bins, cos(pi j u) of the middle rank u. It is
    /// taken for a multiple of a chi-square variable of the same mean and variance, the second-order correction of Rao and
    /// Scott (1981), "The analysis of categorical data from complex sample surveys", section 4: `X^2 / ((1 - 1/m) c (1 + a^2))`
    /// with `(K - 1) / (1 + a^2)` degrees of freedom, for the mean c and the coefficient of variation a of the tau_j. NaN for a
    /// single chain and where all draws share a bin.
    ///
    /// Rejects nearly as often as it says of chains with some ten independent draws to a bin. Chains that do not move at all
    /// are one draw each, and reject nothing.
    pub p_value: Vec<f64>,
}

/// Histograms of the ranks of every chain in `n_bins` equal bins. Ties share their average rank.
///
/// `None` if a draw is not finite, a chain has fewer than [`MIN_DRAWS`](super::MIN_DRAWS) draws, or there is no chain.
///
/// # Panics
/// If `n_bins` is 0, or the chains differ in length.
pub fn rank_histogram<C: AsRef<[f64]>>(chains: &[C], n_bins: usize) -> Option<RankHistogram> {
    assert!(n_bins > 0, "a histogram needs at least one bin");
    let draws = Draws::gather(chains)?;
    let (n, m) = (draws.n_draws as f64, chains.len() as f64);
    let bin = draws.order().bins_of_ranks(n_bins);
    let mut counts = vec![vec![0u64; n_bins]; chains.len()];
    for (counts, bins) in counts.iter_mut().zip(bin.chunks_exact(draws.n_draws)) {
        bins.iter().for_each(|b| counts[*b as usize] += 1);
    }
    let expected: Vec<f64> = (0..n_bins).map(|k| counts.iter().map(|c| c[k] as f64).sum::<f64>() / m).collect();
    // Each chain is a part of what it is compared with, hence 1 - 1/m.
    let others = if m > 1.0 { 1.0 - 1.0 / m } else { f64::NAN };
    let tau = |f: &dyn Fn(usize) -> f64| autocorrelation_time(&bin, draws.n_draws, f);
    let count_sd = (0..n_bins)
        .map(|k| {
            let binomial = expected[k] * (1.0 - expected[k] / n);
            (binomial * others * tau(&|bin| f64::from(bin == k))).sqrt()
        })
        .collect();

    let used: Vec<usize> = (0..n_bins).filter(|k| expected[*k] > 0.0).collect();
    let middle: Vec<f64> = (0..n_bins).map(|k| (expected[..k].iter().sum::<f64>() + 0.5 * expected[k]) / n).collect();
    let pattern = |j: usize| tau(&|bin| (std::f64::consts::PI * j as f64 * middle[bin]).cos());
    let times: Vec<f64> = (1..used.len()).map(pattern).collect();
    let squares = times.iter().map(|t| t * t).sum::<f64>();
    let total = times.iter().sum::<f64>();
    // c (1 + a^2) and (K - 1) / (1 + a^2).
    let (widening, freedom) = (others * squares / total, total * total / squares);
    let p_value = |counts: &Vec<u64>| {
        let squares = used.iter().map(|k| (counts[*k] as f64 - expected[*k]).powi(2) / expected[*k]);
        chi_square_tail(squares.sum::<f64>() / widening, freedom)
    };
    Some(RankHistogram { p_value: counts.iter().map(p_value).collect(), counts, expected, count_sd })
}

/// Draws to one independent draw, of a function of the bin: from autocovariances within the chains only, so that chains which
/// disagree are not excused by it. At most the length of a chain, which those have that never leave a bin.
fn autocorrelation_time(bin: &[u32], n_draws: usize, f: &dyn Fn(usize) -> f64) -> f64 {
    let mut values: Vec<f64> = bin.iter().map(|b| f(*b as usize)).collect();
    for chain in values.chunks_exact_mut(n_draws) {
        let centre = mean(chain);
        chain.iter_mut().for_each(|v| *v -= centre);
    }
    let n = values.len() as f64;
    (n / ess::basic(Draws { values, n_draws })).min(n_draws as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::ks_statistic;
    use crate::rng::{Purpose, Run, Streams};

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

    #[test]
    fn counts_of_known_ranks() {
        let h = rank_histogram(&[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]], 4).unwrap();
        assert_eq!(h.counts, [[2, 2, 0, 0], [0, 0, 2, 2]]);
        assert_eq!(h.expected, [1.0; 4]);
        // Ties share a bin: half of all draws are equal.
        let h = rank_histogram(&[[0.0, 0.0, 1.0, 2.0], [0.0, 0.0, -1.0, 3.0]], 4).unwrap();
        assert_eq!(h.counts, [[0, 2, 1, 1], [1, 2, 0, 1]]);
        assert_eq!(h.expected, [0.5, 2.0, 0.5, 1.0]);
        assert!(rank_histogram(&[[0.0, 1.0, f64::NAN, 2.0]], 4).is_none());
        assert!(rank_histogram(&[[0.0; 3]], 4).is_none() && rank_histogram::<Vec<f64>>(&[], 4).is_none());
        let alone = rank_histogram(&ar1(0.0, 1, 100, 1), 5).unwrap();
        assert!(alone.counts[0] == [20; 5] && alone.p_value[0].is_nan() && alone.count_sd[0].is_nan());
    }

    /// Over many runs the p-values of a chain are uniform, and counts spread as the band says.
    #[test]
    fn p_values_are_uniform_where_chains_agree() {
        for rho in [0.0, 0.7, 0.9] {
            let (mut p, mut scores) = (Vec::new(), Vec::new());
            for seed in 0..300 {
                let h = rank_histogram(&ar1(rho, 4, 2000, seed), 12).unwrap();
                p.push(h.p_value[0]);
                scores.extend((0..12).map(|k| (h.counts[0][k] as f64 - h.expected[k]) / h.count_sd[k]));
            }
            p.sort_by(f64::total_cmp);
            let below = |level: f64| p.iter().filter(|p| **p < level).count() as f64 / p.len() as f64;
            let ks = ks_statistic(&p, |p| p) * (p.len() as f64).sqrt();
            let spread = (scores.iter().map(|z| z * z).sum::<f64>() / scores.len() as f64).sqrt();
            println!("rho {rho}: 5 % {:.3}, 1 % {:.3}, ks {ks:.2}, sd {spread:.3}", below(0.05), below(0.01));
            assert!(below(0.05) < 0.1 && below(0.01) < 0.04 && (spread - 1.0).abs() < 0.1);
        }
    }

    #[test]
    fn chains_that_do_not_fit_are_told() {
        let mut chains = ar1(0.5, 8, 1000, 2);
        chains[3].iter_mut().for_each(|x| *x += 0.5);
        chains[6].iter_mut().for_each(|x| *x *= 0.6);
        let h = rank_histogram(&chains, 20).unwrap();
        assert!(h.p_value[3] < 1e-6 && h.p_value[6] < 1e-6, "{:?}", h.p_value);
        assert!((0..8).filter(|c| ![3, 6].contains(c)).all(|c| h.p_value[c] > 1e-3));
        // A chain that never moved among others that do.
        let mut chains = ar1(0.5, 4, 1000, 2);
        chains[1].fill(0.1);
        assert!(rank_histogram(&chains, 20).unwrap().p_value[1] < 1e-6);
    }

    /// One draw each tells nothing against agreement; one value for all has one bin and no p-value.
    #[test]
    fn frozen_chains_reject_nothing() {
        let apart: Vec<Vec<f64>> = (0..6).map(|c| vec![f64::from(c); 100]).collect();
        assert!(rank_histogram(&apart, 10).unwrap().p_value.iter().all(|p| *p > 0.05));
        let shared = rank_histogram(&vec![vec![0.1; 100]; 4], 10).unwrap();
        assert!(shared.p_value.iter().all(|p| p.is_nan()) && shared.counts[2][5] == 100);
    }
}
