//! The Hessian from central differences of the gradient, and its eigenvalues.

use faer::{Mat, Side};

use super::descent::Problem;
use crate::energy::Differentiable;

/// The Hessian in the free coordinates.
#[derive(Clone, Debug)]
pub(super) struct Hessian {
    /// The free coordinates.
    pub(super) free: Vec<usize>,
    /// Ascending.
    pub(super) eigenvalues: Vec<f64>,
    /// Column k belongs to eigenvalue k; `eigenvectors[k][a]` is its component in `free[a]`.
    pub(super) eigenvectors: Vec<Vec<f64>>,
}

impl Hessian {
    /// At `x` in the coordinates `free`; `None` when a gradient near `x` is not finite.
    pub(super) fn at<E: Differentiable + ?Sized>(
        problem: &mut Problem<'_, E>,
        x: &[f64],
        free: &[usize],
    ) -> Option<Self> {
        let d = free.len();
        let mut h = Mat::<f64>::zeros(d, d);
        for (b, &k) in free.iter().enumerate() {
            let step = 1e-5 * (1.0 + x[k].abs());
            let mut y = x.to_vec();
            y[k] = problem.inside(k, x[k] + step);
            let above = y[k];
            let g_above = problem.evaluate(&y).1.to_vec();
            y[k] = problem.inside(k, x[k] - step);
            let width = above - y[k];
            let g_below = problem.evaluate(&y).1;
            for (a, &j) in free.iter().enumerate() {
                h[(a, b)] = (g_above[j] - g_below[j]) / width;
            }
        }
        let symmetric = Mat::from_fn(d, d, |a, b| 0.5 * (h[(a, b)] + h[(b, a)]));
        if (0..d).any(|a| (0..d).any(|b| !symmetric[(a, b)].is_finite())) {
            return None;
        }
        if d == 0 {
            return Some(Self { free: Vec::new(), eigenvalues: Vec::new(), eigenvectors: Vec::new() });
        }
        let eigen = symmetric.self_adjoint_eigen(Side::Lower).ok()?;
        let (values, vectors) = (eigen.S().column_vector(), eigen.U());
        Some(Self {
            free: free.to_vec(),
            eigenvalues: (0..d).map(|k| values[k]).collect(),
            eigenvectors: (0..d).map(|k| (0..d).map(|a| vectors[(a, k)]).collect()).collect(),
        })
    }

    /// The largest absolute eigenvalue.
    pub(super) fn size(&self) -> f64 {
        self.eigenvalues.iter().map(|v| v.abs()).fold(0.0, f64::max)
    }

    /// Component of `v` (all coordinates) along eigenvector k.
    pub(super) fn component(&self, k: usize, v: &[f64]) -> f64 {
        self.free.iter().zip(&self.eigenvectors[k]).map(|(&j, e)| v[j] * e).sum()
    }

    /// `v' H v` in the free coordinates.
    pub(super) fn quadratic_form(&self, v: &[f64]) -> f64 {
        (0..self.eigenvalues.len()).map(|k| self.eigenvalues[k] * self.component(k, v).powi(2)).sum()
    }
}
