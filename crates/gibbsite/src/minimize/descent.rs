//! One descent: BFGS with backtracking (Nocedal and Wright 2006, equation 6.17), projected on the support (the active-set
//! rule of Bertsekas 1982), then Newton steps.

use super::Candidate;
use super::hessian::Hessian;
use crate::energy::Differentiable;
use crate::points::{Matrix, Points, Support};

/// What became of one start.
pub(super) enum End {
    Minimum(Box<Candidate>),
    Saddle,
    Unconverged,
    Unbounded,
    NotFinite,
}

/// An energy evaluated at one point at a time, with its workspaces.
pub(super) struct Problem<'a, E: ?Sized> {
    energy: &'a E,
    supports: Vec<Support>,
    x: Points,
    grad: Matrix<f64>,
}

impl<'a, E: Differentiable + ?Sized> Problem<'a, E> {
    pub(super) fn new(energy: &'a E) -> Self {
        let supports = energy.space().reals.clone();
        let d = supports.len();
        Self { energy, supports, x: Points::zeros(1, d), grad: Matrix::new(1, d) }
    }

    /// E and its gradient at x.
    pub(super) fn evaluate(&mut self, x: &[f64]) -> (f64, &[f64]) {
        self.x.real.as_mut_slice().copy_from_slice(x);
        let mut e = [f64::NAN];
        self.energy.energy_grad(&self.x, &mut e, &mut self.grad);
        (e[0], self.grad.as_slice())
    }

    /// The nearest value inside the support of coordinate j.
    pub(super) fn inside(&self, j: usize, v: f64) -> f64 {
        let s = self.supports[j];
        if v < s.lower() {
            s.lower()
        } else if v > s.upper() {
            s.upper()
        } else {
            v
        }
    }

    /// Whether coordinate j sits on a bound beyond which the energy would fall further.
    fn is_held(&self, j: usize, x: f64, g: f64) -> bool {
        let s = self.supports[j];
        (x <= s.lower() && g > 0.0) || (x >= s.upper() && g < 0.0)
    }
}

/// Where the iteration stands.
#[derive(Clone)]
struct At {
    x: Vec<f64>,
    e: f64,
    g: Vec<f64>,
}

impl At {
    fn new<E: Differentiable + ?Sized>(problem: &mut Problem<'_, E>, x: Vec<f64>) -> Self {
        let (e, g) = problem.evaluate(&x);
        Self { e, g: g.to_vec(), x }
    }

    fn is_finite(&self) -> bool {
        self.e.is_finite() && self.g.iter().all(|g| g.is_finite())
    }

    fn held<E: Differentiable + ?Sized>(&self, problem: &Problem<'_, E>) -> Vec<bool> {
        (0..self.x.len()).map(|j| problem.is_held(j, self.x[j], self.g[j])).collect()
    }

    /// Largest gradient component in the free coordinates.
    fn slope(&self, held: &[bool]) -> f64 {
        self.g.iter().zip(held).filter(|(_, held)| !**held).map(|(g, _)| g.abs()).fold(0.0, f64::max)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Descends from `x`; a saddle is left along its steepest direction, at most three times.
pub(super) fn descend<E: Differentiable + ?Sized>(problem: &mut Problem<'_, E>, x: &[f64], max_steps: usize) -> End {
    let mut at = At::new(problem, x.to_vec());
    if !at.is_finite() {
        return End::NotFinite;
    }
    for _ in 0..4 {
        match bfgs(problem, &mut at, max_steps) {
            Stop::Converged => {}
            Stop::Unbounded => return End::Unbounded,
            Stop::Unconverged => return End::Unconverged,
        }
        let Some((hessian, flattens)) = polish(problem, &mut at) else { return End::Unconverged };
        let tolerance = 1e-6 * hessian.size().max(SMALL_CURVATURE);
        match hessian.eigenvalues.first() {
            Some(&lowest) if lowest < -10.0 * tolerance => {
                let step = 1e-2 * (1.0 + at.x.iter().map(|x| x.abs()).fold(0.0, f64::max));
                let mut x = at.x.clone();
                for (&j, v) in hessian.free.iter().zip(&hessian.eigenvectors[0]) {
                    x[j] = problem.inside(j, x[j] + step * v);
                }
                let next = At::new(problem, x);
                if !(next.is_finite() && next.e <= at.e) {
                    return End::Saddle;
                }
                at = next;
            }
            lowest => {
                let held = at.held(problem);
                let at_bound = (0..held.len()).filter(|&j| held[j]).collect();
                let degenerate = flattens || lowest.is_some_and(|l| *l <= tolerance);
                return End::Minimum(Box::new(Candidate {
                    x: at.x,
                    energy: at.e,
                    gradient: at.g,
                    hessian,
                    at_bound,
                    degenerate,
                    continuum: false,
                    n_found: 1,
                }));
            }
        }
    }
    End::Saddle
}

enum Stop {
    Converged,
    Unbounded,
    Unconverged,
}

/// Gradient at which a descent has converged, relative to 1 + the first one (at most 1000); Newton's method takes it further.
const SLOPE: f64 = 1e-8;
/// As [`SLOPE`], relative to `sqrt(1 + |E|)`, when rounding forbids any further descent.
const SLOPE_AT_REST: f64 = 1e-4;
/// Curvatures below 1e-6 of this count as zero even when all are.
const SMALL_CURVATURE: f64 = 1e-3;

fn bfgs<E: Differentiable + ?Sized>(problem: &mut Problem<'_, E>, at: &mut At, max_steps: usize) -> Stop {
    let d = at.x.len();
    let identity = || Matrix::from_fn(d, d, |i, j| if i == j { 1.0 } else { 0.0 });
    let mut h = identity();
    let mut fresh = true;
    let mut held = at.held(problem);
    let converged = SLOPE * (1.0 + at.slope(&held).min(1e3));
    for _ in 0..max_steps {
        let now = at.held(problem);
        if now != held {
            (held, h, fresh) = (now, identity(), true);
        }
        let slope = at.slope(&held);
        if slope <= converged {
            return Stop::Converged;
        }
        let g: Vec<f64> = (0..d).map(|j| if held[j] { 0.0 } else { at.g[j] }).collect();
        let mut p: Vec<f64> = (0..d).map(|i| if held[i] { 0.0 } else { -dot(h.col(i), &g) }).collect();
        if dot(&p, &g) >= 0.0 {
            (h, fresh) = (identity(), true);
            p = g.iter().map(|g| -g).collect();
        }
        if fresh {
            let scale = (1.0 / slope).min(1.0);
            p.iter_mut().for_each(|p| *p *= scale);
        }
        let Some(next) = backtrack(problem, at, &p) else {
            if fresh {
                return if slope <= SLOPE_AT_REST * (1.0 + at.e.abs()).sqrt() {
                    Stop::Converged
                } else {
                    Stop::Unconverged
                };
            }
            (h, fresh) = (identity(), true);
            continue;
        };
        if next.e == f64::NEG_INFINITY || next.e < -1e15 || next.x.iter().any(|x| x.abs() > 1e10) {
            return Stop::Unbounded;
        }
        let s: Vec<f64> = (0..d).map(|j| if held[j] { 0.0 } else { next.x[j] - at.x[j] }).collect();
        let y: Vec<f64> = (0..d).map(|j| if held[j] { 0.0 } else { next.g[j] - at.g[j] }).collect();
        update(&mut h, &s, &y, fresh);
        fresh = false;
        *at = next;
    }
    Stop::Unconverged
}

/// Armijo's rule on the projected step; `None` when no step descends.
fn backtrack<E: Differentiable + ?Sized>(problem: &mut Problem<'_, E>, at: &At, p: &[f64]) -> Option<At> {
    let mut t = 1.0;
    for _ in 0..50 {
        let x: Vec<f64> = (0..p.len()).map(|j| problem.inside(j, at.x[j] + t * p[j])).collect();
        let predicted: f64 = (0..p.len()).map(|j| at.g[j] * (x[j] - at.x[j])).sum();
        let next = At::new(problem, x);
        let descends = next.e <= at.e + 1e-4 * predicted && next.e < at.e && predicted < 0.0;
        if descends && (next.is_finite() || next.e == f64::NEG_INFINITY) {
            return Some(next);
        }
        t *= 0.5;
    }
    None
}

/// `H = (I - r s y') H (I - r y s') + r s s'`, `r = 1 / y's`; skipped where the curvature is not positive.
fn update(h: &mut Matrix<f64>, s: &[f64], y: &[f64], fresh: bool) {
    let (d, sy, yy) = (s.len(), dot(s, y), dot(y, y));
    let is_positive = sy > 1e-10 * (dot(s, s) * yy).sqrt();
    if !is_positive {
        return;
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
}

/// Newton steps along the directions of positive curvature as long as the gradient shrinks. Returns the last Hessian, and
/// whether its lowest curvature fell away on the last stretch (as at the bottom of x^4), which makes it singular.
fn polish<E: Differentiable + ?Sized>(problem: &mut Problem<'_, E>, at: &mut At) -> Option<(Hessian, bool)> {
    let held = at.held(problem);
    let free: Vec<usize> = (0..held.len()).filter(|&j| !held[j]).collect();
    let mut hessian = Hessian::at(problem, &at.x, &free)?;
    let before = hessian.eigenvalues.first().copied().unwrap_or(0.0);
    for _ in 0..60 {
        let tolerance = 1e-6 * hessian.size();
        let mut x = at.x.clone();
        for (k, &curvature) in hessian.eigenvalues.iter().enumerate().filter(|(_, c)| **c > tolerance) {
            let length = hessian.component(k, &at.g) / curvature;
            for (a, &j) in hessian.free.iter().enumerate() {
                x[j] -= length * hessian.eigenvectors[k][a];
            }
        }
        (0..x.len()).for_each(|j| x[j] = problem.inside(j, x[j]));
        let next = At::new(problem, x);
        if !(next.is_finite() && next.slope(&held) < 0.5 * at.slope(&held)) {
            break;
        }
        *at = next;
        hessian = Hessian::at(problem, &at.x, &free)?;
    }
    let flattens = hessian.eigenvalues.first().is_some_and(|after| *after < 0.01 * before);
    Some((hessian, flattens))
}
