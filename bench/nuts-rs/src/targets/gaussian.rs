//! Independent normal coordinates of very different scales.

use super::{Target, log_spaced_sd, over_rows};
use gibbsite::points::Matrix;

/// `E = sum_j (x_j / s_j)^2 / 2`.
pub struct Gaussian {
    precision: Vec<f64>,
}

impl Gaussian {
    pub fn new(dim: usize) -> Self {
        Self { precision: log_spaced_sd(dim).iter().map(|s| 1.0 / (s * s)).collect() }
    }
}

impl Target for Gaussian {
    fn dim(&self) -> usize {
        self.precision.len()
    }

    fn batch(&self, x: &Matrix<f64>, e: &mut [f64], grad: &mut Matrix<f64>) {
        over_rows!(x.n_rows(), tile(&self.precision, x, e, grad));
    }

    #[inline]
    fn one(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        const LANES: usize = 8;
        let d = self.precision.len();
        let (x, grad) = (&x[..d], &mut grad[..d]);
        let whole = d - d % LANES;
        let mut sums = [0.0f64; LANES];
        for at in (0..whole).step_by(LANES) {
            for l in 0..LANES {
                let (x, p) = (x[at + l], self.precision[at + l]);
                let g = -p * x;
                grad[at + l] = g;
                sums[l] = g.mul_add(x, sums[l]);
            }
        }
        let mut sum: f64 = sums.iter().sum();
        for j in whole..d {
            grad[j] = -self.precision[j] * x[j];
            sum = grad[j].mul_add(x[j], sum);
        }
        0.5 * sum
    }
}

#[inline(always)]
fn tile<const T: usize>(at: usize, precision: &[f64], x: &Matrix<f64>, e: &mut [f64], grad: &mut Matrix<f64>) {
    let (n, x, grad) = (x.n_rows(), x.as_slice(), grad.as_mut_slice());
    let mut sum = [0.0f64; T];
    for (p, i) in precision.iter().zip((at..).step_by(n)) {
        let (x, mut g) = (&x[i..i + T], [0.0; T]);
        for r in 0..T {
            g[r] = p * x[r];
            sum[r] = g[r].mul_add(x[r], sum[r]);
        }
        grad[i..i + T].copy_from_slice(&g);
    }
    for r in 0..T {
        e[at + r] = 0.5 * sum[r];
    }
}
