//! Swaps between neighbouring levels.

use super::trips::Leg;
use crate::kernel::{AcceptSum, ChainState, on_grid};
use crate::math::exp;
use crate::points::Points;
use crate::rng::{Purpose, Streams};

/// Log of the acceptance ratio of a swap, from the difference of the two betas and `dE = E_to - E_from` at the lower and at
/// the upper level.
pub(super) type Rule = fn(d_beta: f64, lower: f64, upper: f64) -> f64;

/// `(beta' - beta) (dE' - dE)`, primes at the upper level: what leaves the product of the densities
/// `exp(-E_from - beta dE)` of both levels invariant when the two states change places.
pub(super) fn metropolis(d_beta: f64, lower: f64, upper: f64) -> f64 {
    d_beta * (upper - lower)
}

/// What is known about the state in each row of a block of chains at one level; it moves along when states are swapped.
#[derive(Clone, Debug, Default)]
pub(super) struct Riders {
    /// E_from.
    pub(super) e_from: Vec<f64>,
    /// E_to.
    pub(super) e_to: Vec<f64>,
    /// Which replica.
    pub(super) replica: Vec<u32>,
    /// Where it goes.
    pub(super) leg: Vec<Leg>,
}

impl Riders {
    fn swap_row(&mut self, other: &mut Self, i: usize) {
        std::mem::swap(&mut self.e_from[i], &mut other.e_from[i]);
        std::mem::swap(&mut self.e_to[i], &mut other.e_to[i]);
        std::mem::swap(&mut self.replica[i], &mut other.replica[i]);
        std::mem::swap(&mut self.leg[i], &mut other.leg[i]);
    }

    /// `E_to - E_from` of row `i`.
    pub(super) fn difference(&self, i: usize) -> f64 {
        self.e_to[i] - self.e_from[i]
    }
}

/// What the swaps of one pair of levels did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct SwapCounts {
    pub(super) n_attempts: u64,
    /// Sum of acceptance probabilities.
    pub(super) sum_accept: AcceptSum,
    /// Swaps refused because an energy or the difference of two is NaN.
    pub(super) n_undefined: u64,
}

impl SwapCounts {
    pub(super) fn add(&mut self, other: Self) {
        self.n_attempts += other.n_attempts;
        self.sum_accept += other.sum_accept;
        self.n_undefined += other.n_undefined;
    }

    /// Mean probability of rejection, NaN before the first attempt.
    pub(super) fn rejection(&self) -> f64 {
        1.0 - self.sum_accept.value() / self.n_attempts as f64
    }
}

/// Tries to swap every row of two neighbouring levels; returns the counts and whether any row moved.
pub(super) fn swap<S: ChainState>(
    rule: Rule,
    d_beta: f64,
    rng: &mut Streams,
    lower: (&mut S, &mut Riders),
    upper: (&mut S, &mut Riders),
) -> (SwapCounts, bool) {
    let ((low, low_riders), (up, up_riders)) = (lower, upper);
    let n = low_riders.e_to.len();
    let u = rng.uniforms(Purpose::Accept, n, 1);
    let mut counts = SwapCounts { n_attempts: n as u64, ..SwapCounts::default() };
    let mut moved = false;
    for (i, u) in u.col(0).iter().enumerate() {
        let log_ratio = rule(d_beta, low_riders.difference(i), up_riders.difference(i));
        let accept_prob = if log_ratio.is_nan() {
            counts.n_undefined += 1;
            0.0
        } else {
            exp(log_ratio.min(0.0))
        };
        counts.sum_accept += on_grid(accept_prob);
        if *u < accept_prob {
            swap_positions(low.x_mut(), up.x_mut(), i);
            low_riders.swap_row(up_riders, i);
            moved = true;
        }
    }
    (counts, moved)
}

fn swap_positions(a: &mut Points, b: &mut Points, i: usize) {
    a.real.swap_rows(i, &mut b.real, i);
    a.label.swap_rows(i, &mut b.label, i);
}
