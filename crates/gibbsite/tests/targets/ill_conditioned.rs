//! A Gaussian of 100 dimensions whose covariance has eigenvalues from 1e-4 to 1, in directions that mix all coordinates.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use gibbsite::points::{Matrix, Points, Space};
use gibbsite::rng::{Purpose, Run, Streams};
use gibbsite::scratch;

use super::{Evaluate, Target, Truth, Written, indicator, normal_cdf};

const DIM: usize = 100;

/// E = x' P x / 2.
struct IllConditioned {
    space: Space,
    precision: Matrix<f64>,
}

impl Evaluate for IllConditioned {
    fn space(&self) -> &Space {
        &self.space
    }

    fn evaluate(&self, x: &Points, e: &mut [f64], grad: Option<&mut Matrix<f64>>) {
        match grad {
            Some(grad) => self.product(x, e, grad),
            None => scratch::with_matrix(x.n(), DIM, |grad| self.product(x, e, grad)),
        }
    }
}

impl IllConditioned {
    /// The gradients of all chains are one matrix product X P.
    fn product(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        let n = x.n();
        matmul(
            MatMut::from_column_major_slice_mut(grad.as_mut_slice(), n, DIM),
            Accum::Replace,
            MatRef::from_column_major_slice(x.real.as_slice(), n, DIM),
            MatRef::from_column_major_slice(self.precision.as_slice(), DIM, DIM),
            1.0,
            Par::Seq,
        );
        e.fill(0.0);
        for j in 0..DIM {
            for (e, (x, g)) in e.iter_mut().zip(x.real.col(j).iter().zip(grad.col(j))) {
                *e += 0.5 * x * g;
            }
        }
    }
}

/// Eigenvalue k of the covariance: 1e-4 to 1, evenly spaced in the logarithm.
fn eigenvalue(k: usize) -> f64 {
    10f64.powf(-4.0 * (1.0 - k as f64 / (DIM - 1) as f64))
}

/// A uniformly random rotation: reflections in normal vectors of the last m coordinates, m = 2 to 100 (Stewart 1980).
fn rotation() -> Matrix<f64> {
    let mut rng = Streams::new(100, Run::Data);
    let normals = rng.normals(Purpose::Init, DIM, DIM);
    let mut q = Matrix::from_fn(DIM, DIM, |i, j| indicator(i == j));
    for first in (0..DIM - 1).rev() {
        let v: Vec<f64> = (first..DIM).map(|i| f64::from(normals.col(first)[i])).collect();
        let square: f64 = v.iter().map(|v| v * v).sum();
        for j in 0..DIM {
            let column = &mut q.col_mut(j)[first..];
            let dot: f64 = column.iter().zip(&v).map(|(q, v)| q * v).sum();
            column.iter_mut().zip(&v).for_each(|(q, v)| *q -= 2.0 * dot / square * v);
        }
    }
    q
}

/// sum_k q_ik q_jk f(k): the symmetric matrix with eigenvectors q_k and eigenvalues f(k).
fn spectral(q: &Matrix<f64>, i: usize, j: usize, f: impl Fn(usize) -> f64) -> f64 {
    (0..DIM).map(|k| q.get(i, k) * q.get(j, k) * f(k)).sum()
}

/// The Gaussian. Truths: coordinates, and eigenvectors of small, middle and large variance.
pub fn ill_conditioned() -> Target {
    let q = rotation();
    let precision = Matrix::from_fn(DIM, DIM, |i, j| spectral(&q, i, j, |k| 1.0 / eigenvalue(k)));
    let mut truths = Vec::new();
    for j in (0..DIM).step_by(11) {
        truths.push(Truth::exact(format!("x{}", j + 1), move |x| x[j], 0.0));
        truths.push(Truth::exact(format!("x{}^2", j + 1), move |x| x[j] * x[j], spectral(&q, j, j, eigenvalue)));
    }
    let covariance = spectral(&q, 0, 1, eigenvalue);
    truths.push(Truth::exact("x1 x2", |x| x[0] * x[1], covariance));
    for k in [0, 25, 50, 75, 98, 99] {
        let along = q.col(k).to_vec();
        let project = move |x: &[f64]| x.iter().zip(&along).map(|(x, q)| x * q).sum::<f64>();
        let far = project.clone();
        let square = project.clone();
        let sd = eigenvalue(k).sqrt();
        truths.push(Truth::exact(format!("y{k}"), project, 0.0));
        truths.push(Truth::exact(format!("y{k}^2"), move |x| square(x).powi(2), eigenvalue(k)));
        truths.push(Truth::exact(format!("P(y{k} > sd)"), move |x| indicator(far(x) > sd), normal_cdf(-1.0)));
    }
    let log_det: f64 = (0..DIM).map(|k| eigenvalue(k).ln()).sum();
    let log_z = 0.5 * (DIM as f64 * (2.0 * std::f64::consts::PI).ln() + log_det);
    Target::new("ill-conditioned", Written(IllConditioned { space: Space::real(DIM), precision }), truths)
        .with_log_z(log_z)
}
