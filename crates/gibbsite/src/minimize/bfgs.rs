//! BFGS with the weak Wolfe line search of Lewis and Overton (2013), which also converges at kinks; bounds are an active
//! set (Bertsekas 1982).

use super::Escape;
use super::problem::{At, Problem, dot};
use crate::energy::Differentiable;
use crate::points::Matrix;

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

/// Descends from `at` until no step descends, or the expected gain is nothing against what has been gained.
pub(super) fn bfgs<E: Differentiable + ?Sized>(problem: &mut Problem<'_, E>, at: &mut At, max_steps: usize) -> Stop {
    let d = at.x.len();
    let identity = || Matrix::from_fn(d, d, |i, j| if i == j { 1.0 } else { 0.0 });
    let (mut h, mut fresh) = (identity(), true);
    let mut length = FIRST_STEP;
    let start = at.e;
    for _ in 0..max_steps {
        let g = at.free_gradient();
        let slope = dot(&g, &g).sqrt();
        if slope == 0.0 || !slope.is_finite() {
            return Stop::AtRest;
        }
        let mut p: Vec<f64> = (0..d).map(|i| if at.held[i] { 0.0 } else { -dot(h.col(i), &g) }).collect();
        if fresh || dot(&p, &g) >= 0.0 || problem.reach(&at.x, &p) <= 0.0 {
            (h, fresh) = (identity(), true);
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
                (h, fresh) = (identity(), true);
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
            if update(&mut h, &s, &y, fresh) {
                fresh = false;
            }
        } else {
            (h, fresh) = (identity(), true);
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

/// `H = (I - r s y') H (I - r y s') + r s s'`, `r = 1 / y's` (Nocedal and Wright 2006, equation 6.17). Says whether it was
/// done: not where the curvature along s is not positive.
fn update(h: &mut Matrix<f64>, s: &[f64], y: &[f64], fresh: bool) -> bool {
    let (d, sy, yy) = (s.len(), dot(s, y), dot(y, y));
    let is_positive = sy > 1e-10 * (dot(s, s) * yy).sqrt();
    if !(is_positive && sy.is_finite() && yy.is_finite()) {
        return false;
    }
    if fresh {
        (0..d).for_each(|i| h.set(i, i, sy / yy));
    }
    let hy: Vec<f64> = (0..d).map(|i| dot(h.col(i), y)).collect();
    let c = (1.0 + dot(y, &hy) / sy) / sy;
    for j in 0..d {
        for i in 0..d {
            let v = h.get(i, j) + c * s[i] * s[j] - (hy[i] * s[j] + s[i] * hy[j]) / sy;
            h.set(i, j, v);
        }
    }
    true
}
