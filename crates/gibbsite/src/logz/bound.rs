//! A lower bound of a mean that holds whatever the distribution: what weights that are unbiased and never negative prove.

use super::log_sum_exp;

/// Probability with which a guaranteed bound fails.
///
/// `w_1, w_2, ...` are independent, never negative, and each has the mean `r = Z / Z_ref`: forward weights along a path that was
/// fixed before they were drawn, by kernels that leave their levels invariant. Were the mean `z`, a gambler who stakes a share
/// `lambda` of his capital on every weight would own `M(z) = prod_i (1 - lambda + lambda w_i / z)`: a fair game at `z = r`, so that
/// `P(M(r) >= 1 / delta) <= delta` for Markov's inequality, whenever he stops (Ville 1939). `M` falls in z, and the `z` at which it
/// is `1 / delta` is below `r` but with probability `delta`, however poor the weights are. Here `M` is shared by 17 gamblers with
/// the stakes `1, 1/2, 1/4, ...`, one of which suits the spread of the weights (Waudby-Smith and Ramdas 2024, "Estimating means of
/// bounded random variables by betting"); gambler j, from 1, begins with `1 / (j (j + 1))` of the capital. The bound lies some
/// three standard errors below a good estimate.
pub const DELTA: f64 = 0.05;

/// Gamblers, each with half the stake of the one before.
const N_STAKES: usize = 17;

/// Halvings of the interval that holds the bound.
const N_BISECTIONS: usize = 24;

/// What the log of the mean of independent, non-negative, unbiased weights is at the least, but with probability [`DELTA`], from
/// their logarithms; `-inf` where they are all zero, or none.
pub(super) fn lower_bound(log_w: &[f64]) -> f64 {
    let log_mean = log_sum_exp(log_w) - (log_w.len() as f64).ln();
    if !log_mean.is_finite() {
        return f64::NEG_INFINITY;
    }
    let proved = |log_z: f64| log_capital(log_w, log_z) >= -DELTA.ln();
    // At the mean the capital is at most 1: the logarithm is concave.
    let (mut low, mut high, mut step) = (log_mean, log_mean, 1e-3);
    while !proved(low) {
        high = low;
        low -= step;
        step *= 2.0;
    }
    for _ in 0..N_BISECTIONS {
        let middle = 0.5 * (low + high);
        if proved(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// `log M(z)`.
fn log_capital(log_w: &[f64], log_z: f64) -> f64 {
    let mut log_capital = [0.0; N_STAKES];
    for chunk in log_w.chunks(8) {
        let mut product = [1.0; N_STAKES];
        for w in chunk {
            // A weight beyond the range of numbers proves as much as one at its end.
            let gain = (w - log_z).min(80.0).exp_m1();
            let mut stake = 1.0;
            for p in &mut product {
                *p *= stake * gain + 1.0;
                stake *= 0.5;
            }
        }
        log_capital.iter_mut().zip(product).for_each(|(l, p)| *l += p.ln());
    }
    log_capital.iter_mut().zip(1..).for_each(|(l, j)| *l -= f64::from(j * (j + 1)).ln());
    log_sum_exp(&log_capital)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Run, Streams};

    #[test]
    fn equal_weights_prove_what_their_number_allows() {
        // The boldest gambler, with half of the capital: z^-n = 2 * 20.
        let n = 64;
        let bound = lower_bound(&vec![3.0; n]);
        assert!(bound < 3.0 && bound > 3.0 - 40f64.ln() / n as f64 - 1e-6, "{bound}");
        assert_eq!(lower_bound(&[]), f64::NEG_INFINITY);
        assert_eq!(lower_bound(&[f64::NEG_INFINITY; 3]), f64::NEG_INFINITY);
    }

    /// Weights `exp(s z - s^2 / 2)` have mean 1; with s = 3 their sample mean is nearly always too small, with s = 0.3 it is good.
    #[test]
    fn the_bound_fails_as_seldom_as_it_says_and_is_no_farther_than_a_few_errors() {
        for (s, n) in [(0.3, 200), (1.0, 400), (3.0, 100)] {
            let mut n_false = 0;
            let mut total = 0.0;
            for seed in 0..400 {
                let mut streams = Streams::new(seed, Run::Importance);
                let z = streams.normals(Purpose::Init, n, 1);
                let log_w: Vec<f64> = z.col(0).iter().map(|z| s * f64::from(*z) - 0.5 * s * s).collect();
                let bound = lower_bound(&log_w);
                n_false += usize::from(bound > 0.0);
                total += bound / 400.0;
            }
            assert!(n_false <= 20, "s = {s}: {n_false} of 400");
            if s <= 1.0 {
                let std_err = ((s * s).exp_m1() / n as f64).sqrt();
                assert!(total > -4.5 * std_err, "s = {s}: {total} with standard error {std_err}");
            }
        }
    }
}
