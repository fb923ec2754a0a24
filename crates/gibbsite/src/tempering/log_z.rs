//! log Z by bridges along the ladder, with an error from the spread between ladders.

use crate::math::exp;

/// log Z of the target, from the energies that the swaps look at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LadderLogZ {
    /// The estimate of log Z.
    pub value: f64,
    /// Its standard error, by the jackknife over the ladders. It holds when the ladders make round trips.
    pub std_err: f64,
}

/// Fewest ladders whose spread is an error.
const MIN_LADDERS: usize = 8;

/// A running `log sum exp`, NaN once a term is.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogSum {
    /// The largest term so far.
    pub(super) max: f64,
    /// Sum of `exp(log_term - max)`.
    pub(super) sum: f64,
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

/// What one ladder says about the two levels of a pair.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bridged {
    /// Sum over the draws of the lower level of `exp(-(beta_{k+1} - beta_k) dE / 2)`.
    pub(super) up: LogSum,
    /// Sum over the draws of the upper level of `exp((beta_{k+1} - beta_k) dE / 2)`.
    pub(super) down: LogSum,
}

/// `log Z = log Z_reference + sum_k log(E_k[exp(-d_k dE / 2)] / E_{k+1}[exp(d_k dE / 2)])`, `d_k = beta_{k+1} - beta_k`: the
/// geometric bridge of Meng and Wong (1996), from `pairs[k][i]`, the sums over the draws of ladder i. Each expectation is
/// the mean over all ladders; leaving out one ladder at a time gives the error (Quenouille 1956; Tukey 1958).
///
/// The squares of the two averaged quantities have the expectations `Z_{k+1} / Z_k` and `Z_k / Z_{k+1}`: both variances are
/// finite whatever the tails. That of the usual stepping stone, `E_k[exp(-d_k dE)]`, is not when the target has heavier tails
/// than the reference, and its error bar then is no error bar.
///
/// `None` with fewer than 8 ladders, and where a sum is not finite.
pub(super) fn estimate(log_z_reference: f64, pairs: &[Vec<Bridged>]) -> Option<LadderLogZ> {
    let n = pairs.first()?.len();
    if n < MIN_LADDERS {
        return None;
    }
    let mut value = log_z_reference;
    let mut without = vec![0.0; n];
    for pair in pairs {
        let up: Vec<f64> = pair.iter().map(|b| b.up.value()).collect();
        let down: Vec<f64> = pair.iter().map(|b| b.down.value()).collect();
        for (sign, sums) in [(1.0, up), (-1.0, down)] {
            value += sign * log_mean(&sums, &mut |i, log_mean| without[i] += sign * log_mean);
        }
    }
    let mean = without.iter().sum::<f64>() / n as f64;
    let spread: f64 = without.iter().map(|w| (w - mean).powi(2)).sum();
    let std_err = (spread * (n - 1) as f64 / n as f64).sqrt();
    (value.is_finite() && std_err.is_finite()).then_some(LadderLogZ { value, std_err })
}

/// The log of the mean of `exp(log_terms)`; tells each log of the mean without term i.
fn log_mean(log_terms: &[f64], without: &mut dyn FnMut(usize, f64)) -> f64 {
    let n = log_terms.len();
    let max = log_terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let terms: Vec<f64> = log_terms.iter().map(|t| (t - max).exp()).collect();
    // Sums before and after, not the sum less one term: that would lose its digits where one ladder dominates.
    let mut after = vec![0.0; n + 1];
    for i in (0..n).rev() {
        after[i] = after[i + 1] + terms[i];
    }
    let mut before = 0.0;
    for i in 0..n {
        without(i, max + ((before + after[i + 1]) / (n - 1) as f64).ln());
        before += terms[i];
    }
    max + (after[0] / n as f64).ln()
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
        // One pair, ratios close to 1: the error of the logarithm is that of the ratio. Sums are over two draws each.
        let pair: Vec<Bridged> = (0..16)
            .map(|i| {
                let up = (1.0 + 1e-6 * f64::from(i * 7 % 16)).ln();
                Bridged { up: sum_of(&[up, up]), down: sum_of(&[1.0, 1.0]) }
            })
            .collect();
        let values: Vec<f64> = (0..16).map(|i| 1e-6 * f64::from(i * 7 % 16)).collect();
        let got = estimate(2.0, &[pair]).unwrap();
        let mean = values.iter().sum::<f64>() / 16.0;
        let sd = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 15.0).sqrt();
        assert!((got.value - 2.0 - mean.ln_1p() + 1.0).abs() < 1e-12, "{got:?}");
        assert!((got.std_err / (sd / 4.0) - 1.0).abs() < 1e-4, "{got:?}");
        let one = |log_term| Bridged { up: sum_of(&[log_term]), down: sum_of(&[0.0]) };
        assert_eq!(estimate(0.0, &[vec![one(0.0); 7]]), None);
        assert_eq!(estimate(0.0, &[vec![one(f64::NAN); 9]]), None);
    }

    #[test]
    fn one_ladder_that_dominates_does_not_cost_the_digits_of_the_others() {
        let mut terms = vec![0.0; 9];
        terms[4] = 60.0;
        let mut without = vec![0.0; 9];
        log_mean(&terms, &mut |i, v| without[i] = v);
        assert!(without[4].abs() < 1e-15 && (without[0] - 60.0 + 8.0f64.ln()).abs() < 1e-12, "{without:?}");
    }
}
