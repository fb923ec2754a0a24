//! log Z by stepping stones along the ladder, with an error from the spread between ladders.

use crate::math::exp;

/// log Z of the target as the swaps see it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SteppingStone {
    /// The estimate of log Z.
    pub log_z: f64,
    /// Its standard error, by the jackknife over the ladders. It holds when the ladders make round trips.
    pub std_err: f64,
}

/// Fewest ladders whose spread is an error.
const MIN_LADDERS: usize = 8;

/// A running `log sum exp`, NaN once a term is.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogSum {
    max: f64,
    sum: f64,
}

impl Default for LogSum {
    fn default() -> Self {
        Self { max: f64::NEG_INFINITY, sum: 0.0 }
    }
}

impl LogSum {
    /// Adds `exp(log_term)`.
    pub(super) fn add(&mut self, log_term: f64) {
        if log_term == f64::NEG_INFINITY {
            return;
        }
        if log_term > self.max {
            self.sum = self.sum.mul_add(exp(self.max - log_term), 1.0);
            self.max = log_term;
        } else {
            self.sum += exp(log_term - self.max);
        }
    }

    fn value(self) -> f64 {
        self.max + self.sum.ln()
    }
}

/// `log Z = log Z_reference + sum_k log E_k[exp(-(beta_{k+1} - beta_k) dE)]` (Neal 1993; Xie et al. 2011), from the sums over
/// `n_draws` iterations of each ladder, ladders in rows of each of the levels below the target. The expectation at a level
/// is the mean over all ladders; leaving out one ladder at a time gives the error (Quenouille 1956; Tukey 1958).
///
/// `None` with fewer than 8 ladders, and where a sum is not finite.
pub(super) fn estimate(log_z_reference: f64, levels: &[Vec<LogSum>], n_draws: usize) -> Option<SteppingStone> {
    let n = levels.first()?.len();
    if n < MIN_LADDERS {
        return None;
    }
    let count = n_draws as f64;
    let mut total = log_z_reference;
    let mut without = vec![0.0; n];
    for level in levels {
        let max = level.iter().map(|s| s.value()).fold(f64::NEG_INFINITY, f64::max);
        let terms: Vec<f64> = level.iter().map(|s| (s.value() - max).exp()).collect();
        let sum: f64 = terms.iter().sum();
        total += max + (sum / (n as f64 * count)).ln();
        // Sums before and after, not the sum less one term: that would lose its digits where one ladder dominates.
        let mut after = vec![0.0; n + 1];
        for i in (0..n).rev() {
            after[i] = after[i + 1] + terms[i];
        }
        let mut before = 0.0;
        for i in 0..n {
            without[i] += max + ((before + after[i + 1]) / ((n - 1) as f64 * count)).ln();
            before += terms[i];
        }
    }
    let mean = without.iter().sum::<f64>() / n as f64;
    let spread: f64 = without.iter().map(|w| (w - mean).powi(2)).sum();
    let std_err = (spread * (n - 1) as f64 / n as f64).sqrt();
    (total.is_finite() && std_err.is_finite()).then_some(SteppingStone { log_z: total, std_err })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum_of(terms: &[f64]) -> LogSum {
        let mut sum = LogSum::default();
        terms.iter().for_each(|t| sum.add(*t));
        sum
    }

    #[test]
    fn running_sums_are_sums() {
        for terms in [vec![0.0, 1.0, -3.0], vec![800.0, -800.0, 801.0], vec![f64::NEG_INFINITY, -2.0]] {
            let max = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let expected = max + terms.iter().map(|t| (t - max).exp()).sum::<f64>().ln();
            assert!((sum_of(&terms).value() - expected).abs() < 1e-12);
        }
        assert_eq!(sum_of(&[f64::NEG_INFINITY]).value(), f64::NEG_INFINITY);
        assert!(sum_of(&[0.0, f64::NAN]).value().is_nan());
    }

    #[test]
    fn the_jackknife_is_that_of_the_mean_where_the_logarithm_is_straight() {
        // One level, means close to 1: the error of log(mean) is that of the mean.
        let values: Vec<f64> = (0..16).map(|i| 1.0 + 1e-6 * f64::from(i * 7 % 16)).collect();
        let level: Vec<LogSum> = values.iter().map(|v| sum_of(&[v.ln(), v.ln()])).collect();
        let got = estimate(2.0, &[level], 2).unwrap();
        let mean = values.iter().sum::<f64>() / 16.0;
        let sd = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 15.0).sqrt();
        assert!((got.log_z - 2.0 - mean.ln()).abs() < 1e-12);
        assert!((got.std_err / (sd / 4.0) - 1.0).abs() < 1e-4, "{got:?}");
        assert_eq!(estimate(0.0, &[vec![sum_of(&[0.0]); 7]], 1), None);
        assert_eq!(estimate(0.0, &[vec![sum_of(&[f64::NAN]); 9]], 1), None);
    }
}
