//! The Gaussian with full covariance: an energy with known log Z and exact draws, the base of importance sampling.

use super::{Differentiable, Energy, Tractable};
use crate::points::{Matrix, Points, Space};
use crate::rng::{Purpose, Streams};

/// E(x) = (x - mean)' P (x - mean) / 2 with P the inverse covariance; log Z = d/2 log(2 pi) + log det L, covariance L L'.
#[derive(Clone, Debug)]
pub struct Gaussian {
    space: Space,
    mean: Vec<f64>,
    /// Lower Cholesky factor L of the covariance, `(d, d)`.
    chol: Matrix<f64>,
    log_z: f64,
}

/// A covariance that is not positive definite.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GaussianError {
    /// A pivot of the Cholesky factorisation is not positive.
    #[error("the covariance is not positive definite: pivot {index} is {pivot}")]
    NotPositiveDefinite {
        /// Row of the pivot.
        index: usize,
        /// Its value.
        pivot: f64,
    },
    /// The covariance is not `(d, d)`.
    #[error("the covariance is {rows} x {cols} for a mean of length {dim}")]
    Shape {
        /// Rows given.
        rows: usize,
        /// Columns given.
        cols: usize,
        /// Length of the mean.
        dim: usize,
    },
}

impl Gaussian {
    /// From mean `(d,)` and covariance `(d, d)`.
    ///
    /// # Errors
    /// [`GaussianError`] when the covariance is not `(d, d)` or not positive definite.
    pub fn new(mean: Vec<f64>, covariance: &Matrix<f64>) -> Result<Self, GaussianError> {
        let d = mean.len();
        let (rows, cols) = (covariance.n_rows(), covariance.n_cols());
        if (rows, cols) != (d, d) {
            return Err(GaussianError::Shape { rows, cols, dim: d });
        }
        let mut chol = Matrix::new(d, d);
        for i in 0..d {
            for j in 0..=i {
                let dot: f64 = (0..j).map(|k| chol.get(i, k) * chol.get(j, k)).sum();
                let rest = covariance.get(i, j) - dot;
                if i == j {
                    if !(rest > 0.0 && rest.is_finite()) {
                        return Err(GaussianError::NotPositiveDefinite { index: i, pivot: rest });
                    }
                    chol.set(i, i, rest.sqrt());
                } else {
                    chol.set(i, j, rest / chol.get(j, j));
                }
            }
        }
        let log_det: f64 = (0..d).map(|i| chol.get(i, i).ln()).sum();
        let log_z = 0.5 * d as f64 * (2.0 * std::f64::consts::PI).ln() + log_det;
        Ok(Self { space: Space::real(d), mean, chol, log_z })
    }

    /// Mean 0 and covariance 1 in `dim` dimensions.
    pub fn standard(dim: usize) -> Self {
        let chol = Matrix::from_fn(dim, dim, |i, j| if i == j { 1.0 } else { 0.0 });
        let log_z = 0.5 * dim as f64 * (2.0 * std::f64::consts::PI).ln();
        Self { space: Space::real(dim), mean: vec![0.0; dim], chol, log_z }
    }

    /// Independent coordinates with standard deviations `sd`, shape `(d,)`.
    ///
    /// # Errors
    /// [`GaussianError::NotPositiveDefinite`] when one is not positive.
    pub fn diagonal(mean: Vec<f64>, sd: &[f64]) -> Result<Self, GaussianError> {
        let d = sd.len();
        Self::new(mean, &Matrix::from_fn(d, d, |i, j| if i == j { sd[i] * sd[i] } else { 0.0 }))
    }

    /// The mean.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// mean + L z for standard normal z, shape `(n, d)`.
    pub(crate) fn place(&self, z: &Matrix<f64>) -> Points {
        let d = self.mean.len();
        Points::from_real(Matrix::from_fn(z.n_rows(), d, |i, j| {
            self.mean[j] + (0..=j).map(|k| self.chol.get(j, k) * z.get(i, k)).sum::<f64>()
        }))
    }

    /// y = L^-1 (x - mean), shape `(n, d)`.
    pub(crate) fn whiten(&self, x: &Points) -> Matrix<f64> {
        let (n, d) = (x.n(), self.mean.len());
        let mut y = Matrix::new(n, d);
        for j in 0..d {
            for i in 0..n {
                let dot: f64 = (0..j).map(|k| self.chol.get(j, k) * y.get(i, k)).sum();
                y.set(i, j, (x.real.get(i, j) - self.mean[j] - dot) / self.chol.get(j, j));
            }
        }
        y
    }
}

impl Energy for Gaussian {
    fn space(&self) -> &Space {
        &self.space
    }

    fn energy(&self, x: &Points, out: &mut [f64]) {
        let y = self.whiten(x);
        out.fill(0.0);
        for j in 0..y.n_cols() {
            for (o, y) in out.iter_mut().zip(y.col(j)) {
                *o += 0.5 * y * y;
            }
        }
    }
}

impl Differentiable for Gaussian {
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        self.energy(x, e);
        let y = self.whiten(x);
        // grad = L'^-1 y, from the last coordinate backwards.
        for j in (0..self.mean.len()).rev() {
            for i in 0..x.n() {
                let dot: f64 = (j + 1..self.mean.len()).map(|k| self.chol.get(k, j) * grad.get(i, k)).sum();
                grad.set(i, j, (y.get(i, j) - dot) / self.chol.get(j, j));
            }
        }
    }
}

impl Tractable for Gaussian {
    fn log_z(&self) -> f64 {
        self.log_z
    }

    /// Draws by normals of f32 precision; draw i is stream i of the block, at the current step.
    fn sample(&self, n: usize, rng: &mut Streams) -> Points {
        let d = self.mean.len();
        let z = rng.normals(Purpose::Init, n, d);
        let z = Matrix::from_fn(n, d, |i, j| z.col(j)[i] as f64);
        self.place(&z)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Run;

    fn correlated() -> Gaussian {
        let c = Matrix::from_columns(2, 2, vec![4.0, 1.5, 1.5, 1.0]);
        Gaussian::new(vec![1.0, -2.0], &c).unwrap()
    }

    #[test]
    fn energy_and_gradient() {
        let g = correlated();
        let x = Points::from_rows(&[[2.0, -1.0], [0.0, 3.0]]);
        let (mut e, mut grad) = ([0.0; 2], Matrix::new(2, 2));
        g.energy_grad(&x, &mut e, &mut grad);
        // Inverse of [[4, 1.5], [1.5, 1]] has determinant 1.75.
        for i in 0..2 {
            let (a, b) = (x.real.get(i, 0) - 1.0, x.real.get(i, 1) + 2.0);
            let (ga, gb) = ((a - 1.5 * b) / 1.75, (4.0 * b - 1.5 * a) / 1.75);
            assert!((e[i] - 0.5 * (a * ga + b * gb)).abs() < 1e-13);
            assert!((grad.get(i, 0) - ga).abs() < 1e-13 && (grad.get(i, 1) - gb).abs() < 1e-13);
        }
        assert!((g.log_z() - (2.0 * std::f64::consts::PI).ln() - 0.5 * 1.75f64.ln()).abs() < 1e-14);
    }

    #[test]
    fn draws_have_the_moments() {
        let g = correlated();
        let n = 20_000;
        let x = g.sample(n, &mut Streams::new(1, Run::Importance));
        let mean = |j: usize| x.real.col(j).iter().sum::<f64>() / n as f64;
        assert!(((mean(0) - 1.0) / (2.0 / (n as f64).sqrt())).abs() < 4.0);
        assert!(((mean(1) + 2.0) * (n as f64).sqrt()).abs() < 4.0);
        let cov: f64 = (0..n).map(|i| (x.real.get(i, 0) - 1.0) * (x.real.get(i, 1) + 2.0)).sum::<f64>() / n as f64;
        let sd = ((4.0 + 1.5 * 1.5) / n as f64).sqrt();
        assert!(((cov - 1.5) / sd).abs() < 4.0, "{cov}");
    }

    #[test]
    fn bad_covariances_are_refused() {
        let c = Matrix::from_columns(2, 2, vec![1.0, 2.0, 2.0, 1.0]);
        assert!(matches!(Gaussian::new(vec![0.0; 2], &c), Err(GaussianError::NotPositiveDefinite { index: 1, .. })));
        assert!(Gaussian::diagonal(vec![0.0], &[f64::NAN]).is_err());
    }
}
