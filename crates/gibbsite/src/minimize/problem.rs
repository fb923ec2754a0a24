//! An energy seen one point at a time, inside its support, and how far its values can be trusted.

use crate::energy::Differentiable;
use crate::points::{Matrix, Points, Support};

/// Coordinates beyond this, in units of the largest bound of the support (at least 1), are at infinity.
const HORIZON: f64 = 1e15;

/// An energy evaluated at one point at a time, with its workspaces.
pub(super) struct Problem<'a, E: ?Sized> {
    energy: &'a E,
    supports: Vec<Support>,
    horizon: f64,
    x: Points,
    grad: Matrix<f64>,
    /// Evaluations so far.
    pub(super) n_evaluations: usize,
}

impl<'a, E: Differentiable + ?Sized> Problem<'a, E> {
    pub(super) fn new(energy: &'a E) -> Self {
        let supports = energy.space().reals.clone();
        let d = supports.len();
        let bounds = supports.iter().flat_map(|s| [s.lower(), s.upper()]).filter(|b| b.is_finite());
        let horizon = (HORIZON * bounds.fold(1.0, |largest: f64, b| largest.max(b.abs()))).min(1e300);
        Self { energy, supports, horizon, x: Points::zeros(1, d), grad: Matrix::new(1, d), n_evaluations: 0 }
    }

    /// E and its gradient at x.
    pub(super) fn evaluate(&mut self, x: &[f64]) -> (f64, &[f64]) {
        self.x.real.as_mut_slice().copy_from_slice(x);
        let mut e = [f64::NAN];
        self.energy.energy_grad(&self.x, &mut e, &mut self.grad);
        self.n_evaluations += 1;
        (e[0], self.grad.as_slice())
    }

    /// E alone at x.
    pub(super) fn value(&mut self, x: &[f64]) -> f64 {
        self.x.real.as_mut_slice().copy_from_slice(x);
        let mut e = [f64::NAN];
        self.energy.energy(&self.x, &mut e);
        self.n_evaluations += 1;
        e[0]
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

    /// Whether x is so far out that it counts as infinite.
    pub(super) fn is_beyond_horizon(&self, x: &[f64]) -> bool {
        largest(x) > self.horizon
    }

    /// `x + t v`, each coordinate brought back to the support.
    pub(super) fn step(&self, x: &[f64], t: f64, v: &[f64]) -> Vec<f64> {
        (0..x.len()).map(|j| self.inside(j, x[j] + t * v[j])).collect()
    }

    /// The t at which `x_j + t p` meets a bound of coordinate j.
    fn meets(&self, j: usize, x: f64, p: f64) -> f64 {
        match p {
            p if p > 0.0 => (self.supports[j].upper() - x) / p,
            p if p < 0.0 => (self.supports[j].lower() - x) / p,
            _ => f64::INFINITY,
        }
    }

    /// The largest t for which `x + t p` lies in the support.
    pub(super) fn reach(&self, x: &[f64], p: &[f64]) -> f64 {
        (0..x.len()).map(|j| self.meets(j, x[j], p[j])).fold(f64::INFINITY, f64::min)
    }

    /// `x + t p` at the end of the support, `t = reach(x, p)`: rounding must not leave the coordinates that meet their
    /// bounds just short of them.
    pub(super) fn step_to_wall(&self, x: &[f64], t: f64, p: &[f64]) -> Vec<f64> {
        let mut y = self.step(x, t, p);
        for j in (0..x.len()).filter(|&j| self.meets(j, x[j], p[j]) <= t) {
            y[j] = if p[j] > 0.0 { self.supports[j].upper() } else { self.supports[j].lower() };
        }
        y
    }

    /// Width of the support of coordinate j.
    pub(super) fn width(&self, j: usize) -> f64 {
        self.supports[j].upper() - self.supports[j].lower()
    }

    /// Whether coordinate j lies on an end of its support.
    pub(super) fn is_on_wall(&self, j: usize, x: f64) -> bool {
        x == self.supports[j].lower() || x == self.supports[j].upper()
    }

    /// Whether coordinate j sits on a bound beyond which the energy would fall further.
    fn is_held(&self, j: usize, x: f64, g: f64) -> bool {
        let s = self.supports[j];
        (x <= s.lower() && g > 0.0) || (x >= s.upper() && g < 0.0)
    }

    /// How far rounding moves E near x: the largest second difference over steps of a few units in the last place (the
    /// first row of the difference table of Moré and Wild 2011), which the true curvature is far too small to make.
    pub(super) fn noise(&mut self, x: &[f64], e: f64) -> f64 {
        let mut largest = f64::EPSILON * e.abs();
        for k in 0..8u64 {
            let units = f64::EPSILON * (2 + k / 2) as f64;
            let v: Vec<f64> = (0..x.len()).map(|j| units * x[j].abs() * sign(k, j)).collect();
            let (above, below) = (self.value(&self.step(x, 1.0, &v)), self.value(&self.step(x, -1.0, &v)));
            let second = (above - e + (below - e)).abs();
            if second.is_finite() {
                largest = largest.max(second);
            }
        }
        4.0 * largest + f64::MIN_POSITIVE
    }
}

/// A fixed pattern of signs that differs from one k to the next (the finaliser of SplitMix64: Steele, Lea and Flood 2014).
pub(super) fn sign(k: u64, j: usize) -> f64 {
    let mut z = (k << 32 | j as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    if (z ^ (z >> 31)) & 1 == 0 { 1.0 } else { -1.0 }
}

/// Where an iteration stands.
#[derive(Clone, Debug)]
pub(super) struct At {
    pub(super) x: Vec<f64>,
    pub(super) e: f64,
    pub(super) g: Vec<f64>,
    /// Coordinates on a bound beyond which the energy would fall further.
    pub(super) held: Vec<bool>,
}

impl At {
    pub(super) fn new<E: Differentiable + ?Sized>(problem: &mut Problem<'_, E>, x: Vec<f64>) -> Self {
        let (e, g) = problem.evaluate(&x);
        let g = g.to_vec();
        let held = (0..x.len()).map(|j| problem.is_held(j, x[j], g[j])).collect();
        Self { x, e, g, held }
    }

    /// A finite energy, and a finite slope in every free coordinate (at a bound the slope may be infinite).
    pub(super) fn is_finite(&self) -> bool {
        self.e.is_finite() && self.g.iter().zip(&self.held).all(|(g, held)| *held || g.is_finite())
    }

    /// The coordinates that are not held.
    pub(super) fn free(&self) -> Vec<usize> {
        (0..self.x.len()).filter(|&j| !self.held[j]).collect()
    }

    /// The gradient with zeros in the held coordinates.
    pub(super) fn free_gradient(&self) -> Vec<f64> {
        self.g.iter().zip(&self.held).map(|(g, held)| if *held { 0.0 } else { *g }).collect()
    }
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The largest absolute element.
pub(super) fn largest(x: &[f64]) -> f64 {
    x.iter().map(|x| x.abs()).fold(0.0, f64::max)
}
