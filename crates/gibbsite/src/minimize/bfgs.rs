//! Quasi-Newton descent with the weak Wolfe line search of Lewis and Overton (2013), which also converges at kinks; bounds
//! are an active set (Bertsekas 1982).

use super::Escape;
use super::memory::Memory;
use super::problem::{At, Problem, dot};
use crate::energy::Differentiable;

/// How a descent ended.
pub(super) enum Stop {
    /// No step descends any more.
    AtRest,
    /// The energy fell without end.
    Escape(Escape),
    /// The steps ran out.
    OutOfSteps,
}

/// Length of the first step, before anything is known of the scale of x.
const FIRST_STEP: f64 = 0.1;

/// Descends from `at` until no step descends, or the expected gain is nothing against what has been gained; `memory` is
/// what is known of the curvature, nothing at first.
pub(super) fn bfgs<E: Differentiable + ?Sized>(
    problem: &mut Problem<'_, E>,
    at: &mut At,
    max_steps: usize,
    memory: &mut impl Memory,
) -> Stop {
    let d = at.x.len();
    let mut fresh = true;
    memory.clear();
    let mut length = FIRST_STEP;
    let start = at.e;
    for _ in 0..max_steps {
        let g = at.free_gradient();
        let slope = dot(&g, &g).sqrt();
        if slope == 0.0 || !slope.is_finite() {
            return Stop::AtRest;
        }
        let mut p = memory.times(&g);
        p.iter_mut().zip(&at.held).for_each(|(p, held)| *p = if *held { 0.0 } else { -*p });
        if fresh || dot(&p, &g) >= 0.0 || problem.reach(&at.x, &p) <= 0.0 {
            memory.clear();
            fresh = true;
            p = g.iter().map(|g| -g * (length / slope)).collect();
        }
        let gain = -dot(&p, &g);
        if !fresh && gain <= f64::EPSILON * (0.1 * at.e.abs() + 1e-4 * (start - at.e)) {
            return Stop::AtRest;
        }
        let next = match search(problem, at, &g, &p) {
            Search::Step(next) => next,
            Search::Escape(escape) => return Stop::Escape(escape),
            Search::Nothing if fresh => return Stop::AtRest,
            Search::Nothing => {
                memory.clear();
                fresh = true;
                continue;
            }
        };
        if next.e < -1e15 * (1.0 + start.abs()) {
            return Stop::Escape(Escape::pole(&next));
        }
        let s: Vec<f64> = (0..d).map(|j| next.x[j] - at.x[j]).collect();
        length = dot(&s, &s).sqrt();
        if next.held == at.held {
            let y: Vec<f64> = next.free_gradient().iter().zip(&g).map(|(a, b)| a - b).collect();
            if is_convex(&s, &y) {
                memory.learn(s, y);
                fresh = false;
            }
        } else {
            memory.clear();
            fresh = true;
        }
        *at = next;
    }
    Stop::OutOfSteps
}

enum Search {
    Step(At),
    Escape(Escape),
    Nothing,
}

/// Bisection for a step that falls enough (Armijo, 1e-4) and over which the slope eases enough (0.9), or that ends at a
/// bound (Lewis and Overton 2013, algorithm 2.6).
fn search<E: Differentiable + ?Sized>(problem: &mut Problem<'_, E>, at: &At, g: &[f64], p: &[f64]) -> Search {
    let slope = dot(g, p);
    let end = problem.reach(&at.x, p);
    let (mut low, mut high, mut t) = (0.0, f64::INFINITY, end.min(1.0));
    let mut best = None;
    for _ in 0..100 {
        let x = if t == end { problem.step_to_wall(&at.x, t, p) } else { problem.step(&at.x, t, p) };
        if x == at.x {
            break;
        }
        let next = At::new(problem, x);
        if next.e == f64::NEG_INFINITY {
            return Search::Escape(Escape::pole(&next));
        }
        let falls = next.is_finite() && next.e < at.e && next.e <= at.e + 1e-4 * t * slope;
        if falls && problem.is_beyond_horizon(&next.x) {
            return Search::Escape(Escape::to_infinity(problem, &next.x));
        }
        if !falls {
            high = t;
        } else if t < end && dot(&next.g, p) < 0.9 * slope {
            low = t;
            best = Some(next);
        } else {
            return Search::Step(next);
        }
        t = if high.is_finite() { 0.5 * (low + high) } else { (2.0 * t).min(end) };
    }
    best.map_or(Search::Nothing, Search::Step)
}

/// Whether the curvature along the step `s`, over which the gradient changes by `y`, is positive.
fn is_convex(s: &[f64], y: &[f64]) -> bool {
    let (sy, yy) = (dot(s, y), dot(y, y));
    sy > 1e-10 * (dot(s, s) * yy).sqrt() && sy.is_finite() && yy.is_finite()
}
