//! What draws along a ladder say of its log Z, summed up level by level and ladder by ladder, so that estimators need no draws.

use crate::math::exp;

/// A running `log sum exp`, NaN once a term is.
#[derive(Clone, Copy, Debug, PartialEq)]
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
    fn add(&mut self, log_term: f64) {
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

/// The draws of one ladder at one level. `dE = E - E_ref`, `d_up` and `d_down` are the distances of beta to the levels above and below.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rung {
    /// Sum of `exp(-d_up dE / 2)`.
    pub(super) up: LogSum,
    /// Sum of `exp(d_down dE / 2)`.
    pub(super) down: LogSum,
    /// Sum of `exp(-d_up dE)`.
    pub(super) whole: LogSum,
    /// All draws.
    pub(super) n_draws: f64,
    /// Draws with a finite dE.
    pub(super) n: f64,
    /// Their mean dE.
    pub(super) mean: f64,
    /// Sum of the squared differences from it.
    pub(super) squares: f64,
}

impl Rung {
    /// Adds a draw.
    pub(crate) fn add(&mut self, difference: f64, d_down: f64, d_up: f64) {
        self.n_draws += 1.0;
        if d_up > 0.0 {
            self.up.add(-0.5 * d_up * difference);
            self.whole.add(-d_up * difference);
        }
        if d_down > 0.0 {
            self.down.add(0.5 * d_down * difference);
        }
        if difference.is_finite() {
            // Welford (1962).
            self.n += 1.0;
            let before = difference - self.mean;
            self.mean += before / self.n;
            self.squares = before.mul_add(difference - self.mean, self.squares);
        }
    }

    /// `log sum exp(-d_up dE / 2)`; NaN where an energy was.
    pub fn log_half_up(&self) -> f64 {
        self.up.value()
    }

    /// `log sum exp(d_down dE / 2)`; NaN where an energy was.
    pub fn log_half_down(&self) -> f64 {
        self.down.value()
    }

    /// `log sum exp(-d_up dE)`; NaN where an energy was.
    pub fn log_up(&self) -> f64 {
        self.whole.value()
    }

    /// Number of draws.
    pub fn n_draws(&self) -> f64 {
        self.n_draws
    }

    /// Number of draws with a finite dE, their mean dE, and the sum of the squared differences from it.
    pub fn moments(&self) -> (f64, f64, f64) {
        (self.n, self.mean, self.squares)
    }
}

/// All rungs of a run: what the estimators of [`crate::logz`] read.
#[derive(Clone, Debug, PartialEq)]
pub struct Rungs {
    /// log Z of the reference.
    pub log_z_reference: f64,
    /// The levels, from 0 to 1.
    pub betas: Vec<f64>,
    /// For each level one rung of each ladder.
    pub levels: Vec<Vec<Rung>>,
    /// Mean probability that a swap of levels k and k+1 was rejected; NaN where none was tried.
    pub rejection: Vec<f64>,
    /// Evaluations of energies and gradients.
    pub n_evals: u64,
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
    fn rungs_sum_what_they_say() {
        let mut rung = Rung::default();
        let differences = [1.0, -0.5, 3.0, f64::INFINITY];
        differences.iter().for_each(|d| rung.add(*d, 0.2, 0.4));
        let log_sum = |f: f64| differences.iter().map(|d| (f * d).exp()).sum::<f64>().ln();
        assert!((rung.log_half_up() - log_sum(-0.2)).abs() < 1e-12 && (rung.log_up() - log_sum(-0.4)).abs() < 1e-12);
        assert_eq!(rung.log_half_down(), f64::INFINITY);
        let (n, mean, squares) = rung.moments();
        assert!(n == 3.0 && (mean - 3.5 / 3.0).abs() < 1e-14 && (squares - (10.25 - 3.5 * 3.5 / 3.0)).abs() < 1e-12);
    }
}
