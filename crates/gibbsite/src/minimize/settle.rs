//! Is the end of a descent a minimum? Judged by what the energy does around it, at the smallest distances at which it
//! changes by more than rounding; curvatures alone would take inflections, kinks and the tails of exp(-x) for minima.

use super::Escape;
use super::candidate::{Candidate, Shape};
use super::hessian::{Axis, Hessian};
use super::kink;
use super::line::{Line, scan, tail};
use super::problem::{At, Problem};
use crate::energy::Differentiable;

/// The verdict on the end of a descent.
pub(super) enum Settled {
    Minimum(Box<Candidate>),
    /// The energy is lower here: go on.
    Lower(At),
    Escape(Escape),
}

/// Exponents a of a rise `|t|^a` that count as quadratic.
pub(super) const QUADRATIC: std::ops::RangeInclusive<f64> = 1.75..=2.5;
/// Falls of less than this share of what was gained (or of 1) are finished by the search for kinks.
const SMALL_FALL: f64 = 1e-3;
/// Changes of energy below this share of what was gained (or of 1) do not count.
const NOTHING: f64 = 1e-14;

/// Judges `at`, where no step of a descent from `start` descends any more.
pub(super) fn settle<E: Differentiable + ?Sized>(problem: &mut Problem<'_, E>, mut at: At, start: &At) -> Settled {
    let unit = (start.e - at.e).clamp(0.0, 1.0);
    let noise = problem.noise(&at.x, at.e).max(NOTHING * unit);
    let hessian = polish(problem, &mut at, noise);
    let noise = problem.noise(&at.x, at.e).max(NOTHING * unit);
    if let Some(mut hessian) = hessian {
        match judge(problem, &at, &mut hessian, noise) {
            Judged::Minimum(Shape::Degenerate, _) if let Some(escape) = tail(problem, &at, &start.x, noise) => {
                return Settled::Escape(escape);
            }
            Judged::Minimum(shape, is_level) => {
                clear(problem, &mut at, &hessian);
                return Settled::Minimum(Box::new(Candidate::smooth(problem, at, hessian, shape, is_level)));
            }
            Judged::Escape(escape) => return Settled::Escape(escape),
            Judged::Falls { x, by } if by > SMALL_FALL * unit => return Settled::Lower(At::new(problem, x)),
            Judged::Falls { x, .. } => at = At::new(problem, x),
            Judged::Kink => {}
        }
    }
    kink::settle(problem, at, noise, SMALL_FALL * unit)
}

/// Coordinates closer to zero than 1e-12 of their thermal width become zero where the energy is no higher there.
fn clear<E: Differentiable + ?Sized>(problem: &mut Problem<'_, E>, at: &mut At, hessian: &Hessian) {
    let mut x = at.x.clone();
    hessian.units().filter(|(j, unit)| at.x[*j].abs() < 1e-12 * unit).for_each(|(j, _)| x[j] = problem.inside(j, 0.0));
    if x != at.x {
        let next = At::new(problem, x);
        if next.is_finite() && next.e <= at.e && next.held == at.held {
            *at = next;
        }
    }
}

enum Judged {
    /// A minimum, and whether some direction is level.
    Minimum(Shape, bool),
    Kink,
    Falls {
        x: Vec<f64>,
        by: f64,
    },
    Escape(Escape),
}

/// Looks along every axis of the Hessian. Where its curvature is no more than noise, the one that is seen takes its place.
fn judge<E: Differentiable + ?Sized>(
    problem: &mut Problem<'_, E>,
    at: &At,
    hessian: &mut Hessian,
    noise: f64,
) -> Judged {
    let (mut shape, mut is_level) = (Shape::Regular, false);
    for axis in &mut hessian.axes {
        if axis.is_positive() && is_parabola(problem, at, axis, noise) {
            continue;
        }
        match scan(problem, &at.x, at.e, &axis.v, noise) {
            Line::Rises { power, .. } if power < *QUADRATIC.start() => return Judged::Kink,
            Line::Rises { power, curvature } if QUADRATIC.contains(&power) => axis.curvature = curvature,
            Line::Rises { .. } => shape = Shape::Degenerate,
            Line::Level => (shape, is_level) = (Shape::Degenerate, true),
            Line::Falls { x, by } => return Judged::Falls { x, by },
            Line::Escape(escape) => return Judged::Escape(escape),
        }
    }
    Judged::Minimum(shape, is_level)
}

/// Whether the energy rises along an axis, to both sides, as its curvature says.
fn is_parabola<E: Differentiable + ?Sized>(problem: &mut Problem<'_, E>, at: &At, axis: &Axis, noise: f64) -> bool {
    let expected = 100.0 * noise;
    let t = (2.0 * expected / axis.curvature).sqrt();
    [t, -t].into_iter().all(|t| {
        let v: Vec<f64> = axis.v.iter().map(|v| v * t).collect();
        if problem.reach(&at.x, &v) < 1.0 {
            return true;
        }
        let rise = problem.value(&problem.step(&at.x, 1.0, &v)) - at.e;
        (0.25 * expected..=4.0 * expected).contains(&rise)
    })
}

/// Newton steps along the axes of positive curvature as long as they bring the bottom nearer; the last Hessian, `None` if a
/// gradient nearby is not finite.
fn polish<E: Differentiable + ?Sized>(problem: &mut Problem<'_, E>, at: &mut At, noise: f64) -> Option<Hessian> {
    let free = at.free();
    let mut hessian = Hessian::at(problem, &at.x, &free)?;
    for _ in 0..20 {
        let (step, before) = hessian.newton(&at.free_gradient());
        let next = At::new(problem, problem.step(&at.x, 1.0, &step));
        if !next.is_finite() || next.held != at.held || next.e - at.e > before + noise {
            break;
        }
        let after = hessian.newton(&next.free_gradient()).1;
        if after.is_nan() || after >= 0.25 * before {
            break;
        }
        *at = next;
        // A step that hits the bottom, or a short one that nearly does, leaves the Hessian as it is.
        let is_same = after < 1e-12 * before || (before < 100.0 * noise && after < 1e-3 * before);
        if !is_same {
            hessian = Hessian::at(problem, &at.x, &free)?;
        }
    }
    Some(hessian)
}
