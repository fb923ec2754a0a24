//! How heavy the tails of a coordinate are: moments that do not exist have estimates all the same, which mean nothing.

/// The tail of a coordinate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tail {
    /// Pareto shape of |x - median|: moments of order 1/k and above do not exist. NaN if unknown.
    pub k: f64,
    /// Its standard error; infinite with too few effective draws to tell.
    pub std_err: f64,
    /// What quadrature says of k, whatever the draws have seen: at least 1 where the mean diverges, at least 1/2 where the
    /// variance does.
    pub at_least: Option<f64>,
}

/// Standard error of k beyond which it tells nothing: that of about 700 draws.
const MAX_TAIL_ERROR: f64 = 0.12;

impl Tail {
    /// Whether the mean exists, as far as the draws tell: k is two standard errors below 1, or unknown.
    pub fn has_mean(&self) -> bool {
        !self.reaches(1.0)
    }

    /// The same of the variance: below 1/2.
    pub fn has_variance(&self) -> bool {
        !self.reaches(0.5)
    }

    /// The same of the fourth moment: below 1/4. Without the margin: a comparison more is worth more than one that is sure.
    pub fn has_fourth_moment(&self) -> bool {
        self.at_least.is_none() && (self.k < 0.25 || self.k.is_nan() || self.std_err == f64::INFINITY)
    }

    fn reaches(&self, k: f64) -> bool {
        // The error grows with k, so that a tail beyond all moments is told by few draws.
        self.at_least.is_some_and(|at_least| at_least >= k)
            || self.std_err / (1.0 + self.k.max(0.0)) < MAX_TAIL_ERROR && self.k + 2.0 * self.std_err >= k
    }
}
