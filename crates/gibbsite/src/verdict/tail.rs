//! How heavy the tails of a coordinate are: moments that do not exist have estimates all the same, which mean nothing.

use super::Evidence;
use super::mixing::{MIN_ESS, agree};
use crate::diagnostics::{Agreement, Summary, ess_mean, tail_length, tail_shape};

/// The tail of a coordinate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tail {
    /// Pareto shape of |x - median|: moments of order 1/k and above do not exist. NaN if unknown.
    pub k: f64,
    /// Its standard error, for as many effective draws as the tail has; infinite with too few to tell.
    pub std_err: f64,
    /// What is known of k, whatever the draws have seen, from the growth of the energy or from quadrature: at least 1 where
    /// the mean diverges, at least 1/2 where the variance does.
    pub at_least: Option<f64>,
}

/// Standard error of k beyond which it tells nothing: that of about 700 draws.
const MAX_TAIL_ERROR: f64 = 0.12;

/// The tail as the draws of one coordinate show it, summarised by `s`. `agreement` is that of chains; independent draws have
/// none.
pub(super) fn of_draws(chains: &[Vec<f64>], s: &Summary, agreement: Option<&Agreement>) -> Tail {
    let (k, std_err) = tail_shape(&chains.concat());
    let tail = |std_err: f64| Tail { k, std_err, at_least: None };
    // Of chains that hardly move, and of those that sit apart, the tail is where they happened to stay.
    let apart = agreement.is_some_and(|a| !agree(a, chains.len()));
    if apart || s.ess_bulk.min(s.ess_tail) < MIN_ESS {
        return tail(f64::INFINITY);
    }
    // A tail of no consequence as it is needs no better error.
    if tail(std_err).has_variance() && tail(std_err).has_fourth_moment() {
        return tail(std_err);
    }
    // A few excursions of many draws each are no more than a few draws of the tail.
    let mut distances: Vec<f64> = chains.iter().flatten().map(|x| (x - s.median).abs()).collect();
    let n_tail = tail_length(distances.len()).min(distances.len() - 1);
    let at = distances.len() - 1 - n_tail;
    let (_, cutoff, _) = distances.select_nth_unstable_by(at, f64::total_cmp);
    let cutoff = *cutoff;
    let indicator = |c: &Vec<f64>| c.iter().map(|x| f64::from((x - s.median).abs() > cutoff)).collect();
    let outside: Vec<Vec<f64>> = chains.iter().map(indicator).collect();
    let share = ess_mean(&outside) / (chains.len() * chains[0].len()) as f64;
    tail(if share.is_nan() { f64::INFINITY } else { std_err / share.min(1.0).sqrt() })
}

/// What the proofs of the evidence say of coordinate `j`: a moment of order n that is infinite needs k >= 1 / n.
pub(super) fn proved(evidence: &Evidence<'_>, j: usize) -> Option<f64> {
    evidence.moments.get(j).copied().flatten().map(|largest| 1.0 / (f64::from(largest) + 1.0))
}

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
