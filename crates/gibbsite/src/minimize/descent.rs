//! One start from beginning to end: descend, judge the place where nothing falls any more, go on where it is no minimum.

use super::Escape;
use super::bfgs::{Stop, bfgs};
use super::candidate::Candidate;
use super::memory::Whole;
use super::problem::{At, Problem, largest};
use super::settle::{Settled, settle};
use crate::energy::Differentiable;

/// What became of one start.
pub(super) enum End {
    Minimum(Box<Candidate>),
    Escape(Escape),
    Unconverged { x: Vec<f64>, energy: f64 },
    NotFinite,
}

/// Times a descent goes on from a saddle, an inflection or the side of a kink.
const MAX_ROUNDS: usize = 10;

/// A descent that is this many times farther out than its start, and still falls, is on its way to infinity.
const FAR: f64 = 1e6;

/// Descends from `x`. Returns the end and how much energy was lost on the way.
pub(super) fn descend<E: Differentiable + ?Sized>(
    problem: &mut Problem<'_, E>,
    x: Vec<f64>,
    max_steps: usize,
) -> (End, f64) {
    let mut at = At::new(problem, x);
    if !at.is_finite() {
        return (End::NotFinite, 0.0);
    }
    let start = at.clone();
    let mut memory = Whole::new(at.x.len());
    for _ in 0..MAX_ROUNDS {
        let is_last = match bfgs(problem, &mut at, max_steps, &mut memory) {
            Stop::AtRest => false,
            Stop::Escape(escape) => return (End::Escape(escape), 0.0),
            // At a kink the steps may run out next to the bottom.
            Stop::OutOfSteps => true,
        };
        match settle(problem, at, &start) {
            Settled::Minimum(found) => {
                let gained = start.e - found.energy;
                return (End::Minimum(found), gained);
            }
            Settled::Escape(escape) => return (End::Escape(escape), 0.0),
            Settled::Lower(next) => at = next,
        }
        if is_last {
            break;
        }
    }
    if largest(&at.x) > FAR * (1.0 + largest(&start.x)) {
        return (End::Escape(Escape::to_infinity(problem, &at.x)), 0.0);
    }
    let gained = start.e - at.e;
    (End::Unconverged { x: at.x, energy: at.e }, gained)
}
