//! What an energy does along a line through a point: rise, fall, stay level, or run away.

use super::Escape;
use super::problem::{At, Problem, largest};
use crate::energy::Differentiable;

/// The energy along a line, to both sides of a point.
pub(super) enum Line {
    /// It rises to both sides like `|t|^power`; `curvature` is `2 rise / t^2` where the rise was first seen.
    Rises { power: f64, curvature: f64 },
    /// It does not change by more than noise.
    Level,
    /// It falls, `by` at most, to its value at `x`.
    Falls { x: Vec<f64>, by: f64 },
    /// It falls to infinity, or never rises on the way there.
    Escape(Escape),
}

/// One side of a line.
enum Side {
    Rises {
        power: f64,
        curvature: f64,
    },
    Falls {
        t: f64,
    },
    /// Level as far as the horizon.
    Horizon(Vec<f64>),
    /// Level as far as the support.
    Wall,
}

/// Looks along `x + t v` to both sides, from rounding up to the horizon.
pub(super) fn scan<E: Differentiable + ?Sized>(
    problem: &mut Problem<'_, E>,
    x: &[f64],
    e: f64,
    v: &[f64],
    noise: f64,
) -> Line {
    let size = largest(v);
    let mut sides = Vec::with_capacity(2);
    for sign in [1.0, -1.0] {
        let u: Vec<f64> = v.iter().map(|v| sign * v / size).collect();
        match side(problem, x, e, &u, noise) {
            Side::Falls { t } => return ride(problem, x, e, &u, t),
            other => sides.push(other),
        }
    }
    let scale = 1.0 / (size * size);
    match (&sides[0], &sides[1]) {
        (Side::Rises { power: p, curvature: c }, Side::Rises { power: q, curvature: k }) => {
            Line::Rises { power: p.min(*q), curvature: 0.5 * (c + k) / scale }
        }
        (Side::Horizon(far), Side::Rises { .. }) | (Side::Rises { .. }, Side::Horizon(far)) => {
            Line::Escape(Escape::to_infinity(problem, far))
        }
        (Side::Rises { power, curvature }, _) | (_, Side::Rises { power, curvature }) => {
            Line::Rises { power: *power, curvature: curvature / scale }
        }
        _ => Line::Level,
    }
}

/// A level end of a descent is the tail of a function such as 1 / (1 + x^2) when it stays level as far as the horizon on the
/// line from the start.
pub(super) fn tail<E: Differentiable + ?Sized>(
    problem: &mut Problem<'_, E>,
    at: &At,
    start: &[f64],
    noise: f64,
) -> Option<Escape> {
    let away: Vec<f64> = at.x.iter().zip(start).map(|(x, start)| x - start).collect();
    let size = largest(&away);
    if size == 0.0 {
        return None;
    }
    let u: Vec<f64> = away.iter().map(|a| a / size).collect();
    match side(problem, &at.x, at.e, &u, noise) {
        Side::Horizon(far) => Some(Escape::to_infinity(problem, &far)),
        _ => None,
    }
}

fn side<E: Differentiable + ?Sized>(problem: &mut Problem<'_, E>, x: &[f64], e: f64, u: &[f64], noise: f64) -> Side {
    let first = 1e-12 * largest(x).max(1e-3);
    let mut t = first;
    loop {
        let y = problem.step(x, t, u);
        let far = problem.step(x, 4.0 * t, u);
        if problem.is_beyond_horizon(&y) {
            return Side::Horizon(y);
        }
        let rise = problem.value(&y) - e;
        if rise < -noise {
            return Side::Falls { t };
        }
        // Not a number counts as a rise: there is no way on.
        if rise.is_nan() || rise > 10.0 * noise {
            let next = problem.value(&far) - e;
            if next < -noise {
                return Side::Falls { t: 4.0 * t };
            }
            let power = (next / rise).ln() / 4f64.ln();
            // Level at t / 8, so that the rise up to here is at least this steep.
            let least = if t > first { (rise / (10.0 * noise)).ln() / 8f64.ln() } else { 0.0 };
            let power = if power.is_nan() { f64::INFINITY } else { power.max(least) };
            return Side::Rises { power, curvature: 2.0 * rise / (t * t) };
        }
        if y == far && y != x {
            return Side::Wall;
        }
        if y == x && problem.reach(x, u) <= 0.0 {
            return Side::Wall;
        }
        t *= 8.0;
    }
}

/// Follows a falling line with steps that grow fourfold, as long as it falls.
fn ride<E: Differentiable + ?Sized>(problem: &mut Problem<'_, E>, x: &[f64], e: f64, u: &[f64], t: f64) -> Line {
    let (mut t, mut lowest, mut best) = (t, e, x.to_vec());
    loop {
        let y = problem.step(x, t, u);
        let here = problem.value(&y);
        if here < lowest && problem.is_beyond_horizon(&y) {
            return Line::Escape(Escape::to_infinity(problem, &y));
        }
        if here == f64::NEG_INFINITY {
            return Line::Escape(Escape::pole(&At::new(problem, y)));
        }
        // The first step is known to fall.
        if here.is_nan() || here >= lowest {
            return Line::Falls { x: best, by: e - lowest };
        }
        (lowest, best) = (here, y);
        t *= 4.0;
    }
}
