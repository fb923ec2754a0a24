//! The funnel (Neal 2003, "Slice sampling", section 8): scales that differ by orders of magnitude from place to place.

use super::{Target, over_rows, rows};
use gibbsite::math::exp;
use gibbsite::points::Matrix;

const DIM: usize = 10;

/// `v ~ N(0, 9)` and nine `x ~ N(0, e^v)`: `E = v^2 / 18 + 9 v / 2 + e^-v sum x^2 / 2`.
pub struct Funnel;

impl Target for Funnel {
    fn dim(&self) -> usize {
        DIM
    }

    fn batch(&self, x: &Matrix<f64>, e: &mut [f64], grad: &mut Matrix<f64>) {
        over_rows!(x.n_rows(), tile(x, e, grad));
    }

    #[inline]
    fn one(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        let (x, grad): (&[f64; DIM], &mut [f64; DIM]) = (x[..].try_into().unwrap(), grad.try_into().unwrap());
        let v = x[0];
        let precision = exp(-v);
        let mut sum = 0.0f64;
        for j in 1..DIM {
            sum = x[j].mul_add(x[j], sum);
            grad[j] = -precision * x[j];
        }
        let half = 0.5 * precision * sum;
        grad[0] = half - v / 9.0 - 0.5 * (DIM - 1) as f64;
        -(v * v / 18.0 + 0.5 * (DIM - 1) as f64 * v + half)
    }
}

#[inline(always)]
fn tile<const T: usize>(at: usize, x: &Matrix<f64>, e: &mut [f64], grad: &mut Matrix<f64>) {
    let v = rows::<T>(x, 0, at);
    let mut precision = [0.0; T];
    let mut sum = [0.0f64; T];
    for r in 0..T {
        precision[r] = exp(-v[r]);
    }
    for j in 1..DIM {
        let x = rows::<T>(x, j, at);
        let grad = &mut grad.col_mut(j)[at..at + T];
        for r in 0..T {
            sum[r] = x[r].mul_add(x[r], sum[r]);
            grad[r] = precision[r] * x[r];
        }
    }
    let grad = &mut grad.col_mut(0)[at..at + T];
    for r in 0..T {
        let half = 0.5 * precision[r] * sum[r];
        grad[r] = v[r] / 9.0 + 0.5 * (DIM - 1) as f64 - half;
        e[at + r] = v[r] * v[r] / 18.0 + 0.5 * (DIM - 1) as f64 * v[r] + half;
    }
}
