//! The Hessian from differences of the gradient, with its error, in units in which its diagonal is 1: only there can a
//! curvature be told from zero whatever the units of the coordinates.

use faer::{Mat, Side};

use super::problem::{Problem, dot};
use crate::energy::Differentiable;
use crate::points::Matrix;

/// The Hessian in the free coordinates.
#[derive(Clone, Debug)]
pub(super) struct Hessian {
    /// The free coordinates.
    free: Vec<usize>,
    matrix: Mat<f64>,
    /// Units of the free coordinates: `1 / sqrt(|H_jj|)`.
    units: Vec<f64>,
    /// The eigenvectors of the matrix in these units.
    pub(super) axes: Vec<Axis>,
}

/// An eigenvector of the scaled Hessian.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    /// The eigenvector in the units of x, all coordinates.
    pub(super) v: Vec<f64>,
    /// The eigenvalue, which is `v' H v`.
    pub(super) curvature: f64,
    /// Largest error of the eigenvalue.
    pub(super) error: f64,
}

impl Axis {
    /// Whether the curvature is positive beyond its error.
    pub(super) fn is_positive(&self) -> bool {
        self.curvature > 4.0 * self.error
    }
}

/// The steps of the differences are the first that agree to this with those twice as long.
const AGREEMENT: f64 = 1e-3;
/// Steps tried, each this much shorter than the last.
const SHORTER: f64 = 1.0 / 32.0;
const N_STEPS: usize = 6;

impl Hessian {
    /// At `x` in the coordinates `free`; `None` when a gradient near `x` is not finite.
    pub(super) fn at<E: Differentiable + ?Sized>(
        problem: &mut Problem<'_, E>,
        x: &[f64],
        free: &[usize],
    ) -> Option<Self> {
        let d = free.len();
        let (mut raw, mut doubt) = (Mat::<f64>::zeros(d, d), Mat::<f64>::zeros(d, d));
        for b in 0..d {
            let column = column(problem, x, free, b)?;
            for a in 0..d {
                (raw[(a, b)], doubt[(a, b)]) = column[a];
            }
        }
        let matrix = Mat::from_fn(d, d, |a, b| 0.5 * (raw[(a, b)] + raw[(b, a)]));
        let doubt = Matrix::from_fn(d, d, |a, b| {
            let asymmetry = (raw[(a, b)] - raw[(b, a)]).abs();
            doubt[(a, b)].max(doubt[(b, a)]).max(asymmetry)
        });
        let unit = |a: usize| {
            let h = matrix[(a, a)].abs().max(doubt.get(a, a));
            if h > f64::MIN_POSITIVE { 1.0 / h.sqrt() } else { 1.0 + x[free[a]].abs() }
        };
        let units: Vec<f64> = (0..d).map(unit).collect();
        let scaled = Mat::from_fn(d, d, |a, b| units[a] * matrix[(a, b)] * units[b]);
        let (values, vectors) = eigen(&scaled)?;
        let rounding = f64::EPSILON * d as f64 * values.iter().map(|v| v.abs()).fold(0.0, f64::max);
        let axes = (0..d)
            .map(|k| {
                let w: Vec<f64> = (0..d).map(|a| units[a] * vectors[k][a]).collect();
                let size: Vec<f64> = w.iter().map(|w| w.abs()).collect();
                let error: f64 = (0..d).map(|b| size[b] * dot(&size, doubt.col(b))).sum();
                let mut v = vec![0.0; x.len()];
                (0..d).for_each(|a| v[free[a]] = w[a]);
                Axis { v, curvature: values[k], error: error + rounding }
            })
            .collect();
        Some(Self { free: free.to_vec(), matrix, units, axes })
    }

    /// The Newton step `- H^-1 g` along the axes of positive curvature, and `g' H^-1 g` there.
    pub(super) fn newton(&self, g: &[f64]) -> (Vec<f64>, f64) {
        let (mut step, mut decrement) = (vec![0.0; g.len()], 0.0);
        for axis in self.axes.iter().filter(|a| a.is_positive()) {
            let slope = dot(&axis.v, g);
            decrement += slope * slope / axis.curvature;
            step.iter_mut().zip(&axis.v).for_each(|(s, v)| *s -= slope / axis.curvature * v);
        }
        (step, decrement)
    }

    /// The free coordinates, each with its unit `1 / sqrt(|H_jj|)`.
    pub(super) fn units(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.free.iter().copied().zip(self.units.iter().copied())
    }

    /// Eigenvalues of the Hessian itself, ascending, by Jacobi's method, which gives the small ones of a positive matrix with
    /// full relative accuracy when units of the coordinates made the large ones (Demmel and Veselic 1992).
    pub(super) fn eigenvalues(&self) -> Vec<f64> {
        let mut h = self.matrix.clone();
        let d = h.nrows();
        for _ in 0..30 {
            let mut is_diagonal = true;
            for (p, q) in (0..d).flat_map(|q| (0..q).map(move |p| (p, q))) {
                let (a, b, c) = (h[(p, p)], h[(p, q)], h[(q, q)]);
                if b == 0.0 || b.abs() <= f64::EPSILON * a.abs().sqrt() * c.abs().sqrt() {
                    continue;
                }
                is_diagonal = false;
                let cot = (c - a) / (2.0 * b);
                let tan = cot.signum() / (cot.abs() + (1.0 + cot * cot).sqrt());
                let cos = 1.0 / (1.0 + tan * tan).sqrt();
                let sin = tan * cos;
                for k in (0..d).filter(|k| *k != p && *k != q) {
                    let (x, y) = (h[(k, p)], h[(k, q)]);
                    (h[(k, p)], h[(k, q)]) = (cos * x - sin * y, sin * x + cos * y);
                    (h[(p, k)], h[(q, k)]) = (h[(k, p)], h[(k, q)]);
                }
                (h[(p, p)], h[(q, q)]) = (a - tan * b, c + tan * b);
                (h[(p, q)], h[(q, p)]) = (0.0, 0.0);
            }
            if is_diagonal {
                break;
            }
        }
        let mut values: Vec<f64> = (0..d).map(|k| h[(k, k)]).collect();
        values.sort_by(f64::total_cmp);
        values
    }

    /// Its diagonal in the free coordinates.
    pub(super) fn diagonal(&self) -> Vec<f64> {
        (0..self.free.len()).map(|a| self.matrix[(a, a)]).collect()
    }

    /// `H^-1` in the free coordinates; along axes that are not curved upward beyond the error of the curvature, 1 in the
    /// units of the coordinates takes its place.
    pub(super) fn inverse(&self) -> Matrix<f64> {
        let d = self.free.len();
        let mut inverse = Matrix::new(d, d);
        for axis in &self.axes {
            let curvature = if axis.is_positive() { axis.curvature } else { 1.0 };
            for (a, &j) in self.free.iter().enumerate() {
                for (b, &k) in self.free.iter().enumerate() {
                    inverse.set(a, b, inverse.get(a, b) + axis.v[j] * axis.v[k] / curvature);
                }
            }
        }
        inverse
    }

    /// log |det H|, from the curvatures along the axes.
    pub(super) fn log_det(&self) -> f64 {
        let axes: f64 = self.axes.iter().map(|a| a.curvature.ln()).sum();
        axes - 2.0 * self.units.iter().map(|u| u.ln()).sum::<f64>()
    }

    /// `v' H v` in the free coordinates.
    pub(super) fn quadratic_form(&self, v: &[f64]) -> f64 {
        let term = |(a, &j): (usize, &usize)| {
            let row: f64 = self.free.iter().enumerate().map(|(b, &k)| self.matrix[(a, b)] * v[k]).sum();
            v[j] * row
        };
        self.free.iter().enumerate().map(term).sum()
    }
}

/// Column b of the Hessian by Richardson's extrapolation of central differences, each element with the difference that
/// halving the step makes.
fn column<E: Differentiable + ?Sized>(
    problem: &mut Problem<'_, E>,
    x: &[f64],
    free: &[usize],
    b: usize,
) -> Option<Vec<(f64, f64)>> {
    let k = free[b];
    let mut step = (1e-4 * (1.0 + x[k].abs())).min(1e-4 * problem.width(k));
    let mut best: Option<(f64, Vec<(f64, f64)>)> = None;
    for _ in 0..N_STEPS {
        let (near, far) = (differences(problem, x, k, step), differences(problem, x, k, 2.0 * step));
        let elements: Vec<(f64, f64)> =
            free.iter().map(|&j| ((4.0 * near[j] - far[j]) / 3.0, (near[j] - far[j]).abs())).collect();
        let (size, doubt) = (elements[b].0.abs(), elements[b].1);
        let relative = if doubt == 0.0 { 0.0 } else { doubt / size };
        let is_finite = elements.iter().all(|(v, _)| v.is_finite());
        if is_finite && best.as_ref().is_none_or(|(r, _)| relative < *r) {
            best = Some((relative, elements));
        }
        if is_finite && relative <= AGREEMENT {
            break;
        }
        step *= SHORTER;
    }
    best.map(|(_, elements)| elements)
}

/// `(g(x + step e_k) - g(x - step e_k)) / (2 step)`, one-sided at a bound.
fn differences<E: Differentiable + ?Sized>(problem: &mut Problem<'_, E>, x: &[f64], k: usize, step: f64) -> Vec<f64> {
    let mut y = x.to_vec();
    y[k] = problem.inside(k, x[k] + step);
    let above = y[k];
    let g_above = problem.evaluate(&y).1.to_vec();
    y[k] = problem.inside(k, x[k] - step);
    let width = above - y[k];
    let g_below = problem.evaluate(&y).1;
    g_above.iter().zip(g_below).map(|(a, b)| (a - b) / width).collect()
}

/// Eigenvalues, ascending, and eigenvectors of a symmetric matrix.
fn eigen(matrix: &Mat<f64>) -> Option<(Vec<f64>, Vec<Vec<f64>>)> {
    let d = matrix.nrows();
    if d == 0 {
        return Some((Vec::new(), Vec::new()));
    }
    if (0..d).any(|a| (0..d).any(|b| !matrix[(a, b)].is_finite())) {
        return None;
    }
    let eigen = matrix.self_adjoint_eigen(Side::Lower).ok()?;
    let (values, vectors) = (eigen.S().column_vector(), eigen.U());
    let column = |k: usize| (0..d).map(|a| vectors[(a, k)]).collect();
    Some(((0..d).map(|k| values[k]).collect(), (0..d).map(column).collect()))
}
