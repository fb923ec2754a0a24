//! What warm-up learns from the states it sees: slopes at every level, mean and covariance at the target.

use crate::points::Matrix;
use crate::simd::simd_fn;

/// Draws that the present scale counts for.
const PRIOR_DRAWS: f64 = 5.0;

/// Sums of the squared slopes `(dE/dx_j)^2` of each row.
///
/// Under `exp(-E)` the mean of the squared slope is the mean curvature, `E[(dE/dx_j)^2] = E[d^2E/dx_j^2]`, and
/// `E[(dE/dx_j)^2]^(-1/2)` is the width of a well in coordinate j. The variance of the positions, which warm-up without
/// tempering uses, would not do: swaps carry a row from mode to mode, and the scale would be the distance of the modes.
#[derive(Clone, Debug)]
pub(super) struct Slopes {
    n: f64,
    sum: Matrix<f64>,
}

impl Slopes {
    pub(super) fn new(n_rows: usize, dim: usize) -> Self {
        Self { n: 0.0, sum: Matrix::new(n_rows, dim) }
    }

    pub(super) fn clear(&mut self) {
        self.n = 0.0;
        self.sum.as_mut_slice().fill(0.0);
    }

    /// Adds the gradients at one iteration.
    pub(super) fn add(&mut self, grad: &Matrix<f64>) {
        self.n += 1.0;
        add_squares(grad.as_slice(), self.sum.as_mut_slice());
    }
}

simd_fn! {
    /// `sum += g^2`.
    fn add_squares(g: &[f64], sum: &mut [f64]) {
        for (s, g) in sum.iter_mut().zip(g) {
            *s = g.mul_add(*g, *s);
        }
    }
}

simd_fn! {
    /// Adds `(a_i - shift_a) (b_i - shift_b)` to the sum, one after the other.
    fn add_products(a: &[f64], shift_a: f64, b: &[f64], shift_b: f64, sum: &mut f64) {
        for (a, b) in a.iter().zip(b) {
            *sum = (a - shift_a).mul_add(b - shift_b, *sum);
        }
    }
}

/// Sets each scale to the width that the slopes of all blocks say, shrunk towards the present one by the weight of five
/// draws. A mean of squares that is zero or not finite leaves the scale as it is: there the energy is flat, or has no slope.
pub(super) fn update_scale<'a>(scale: &mut [f64], blocks: impl Iterator<Item = &'a Slopes> + Clone) {
    for (j, s) in scale.iter_mut().enumerate() {
        let (mut sum, mut n) = (0.0, 0.0);
        for b in blocks.clone() {
            b.sum.col(j).iter().for_each(|v| sum += v);
            n += b.n * b.sum.n_rows() as f64;
        }
        let curvature = (sum + PRIOR_DRAWS / (*s * *s)) / (n + PRIOR_DRAWS);
        if n > 0.0 && sum > 0.0 && curvature.is_finite() {
            *s = 1.0 / curvature.sqrt();
        }
    }
}

/// Dimensions up to which a whole covariance is pooled; beyond, variances alone.
pub(super) const MAX_FULL: usize = 16;

/// Sums of the positions seen, less the first one, and of their products.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    n: f64,
    centre: Vec<f64>,
    sum: Vec<f64>,
    /// Products `(d, d)`, or squares `(d, 1)` in more than [`MAX_FULL`] dimensions.
    products: Matrix<f64>,
}

impl Pool {
    pub(super) fn new(dim: usize) -> Self {
        let n_cols = if dim <= MAX_FULL { dim } else { 1 };
        Self { n: 0.0, centre: vec![0.0; dim], sum: vec![0.0; dim], products: Matrix::new(dim, n_cols) }
    }

    /// Adds every row, in order, so that it does not matter how rows are cut into blocks.
    pub(super) fn add(&mut self, x: &Matrix<f64>) {
        let dim = self.sum.len();
        if self.n == 0.0 && x.n_rows() > 0 {
            (0..dim).for_each(|j| self.centre[j] = x.get(0, j));
        }
        self.n += x.n_rows() as f64;
        for j in 0..dim {
            let (xj, cj) = (x.col(j), self.centre[j]);
            xj.iter().for_each(|v| self.sum[j] += v - cj);
            if dim <= MAX_FULL {
                for k in 0..=j {
                    let (xk, ck) = (x.col(k), self.centre[k]);
                    add_products(xj, cj, xk, ck, &mut self.products.col_mut(k)[j]);
                }
            } else {
                add_products(xj, cj, xj, cj, &mut self.products.col_mut(0)[j]);
            }
        }
    }

    /// Mean and covariance. Covariances of different coordinates are shrunk by `n / (n + 5 d)`: few draws would show narrow
    /// directions that are not there, and a reference that is too narrow costs more than one that is too wide.
    pub(super) fn moments(&self) -> Moments {
        const PRIOR_DRAWS_PER_DIM: f64 = 5.0;
        let dim = self.sum.len();
        let trust = self.n / (self.n + PRIOR_DRAWS_PER_DIM * dim as f64);
        let shift: Vec<f64> = self.sum.iter().map(|s| s / self.n).collect();
        let covariance = if dim <= MAX_FULL {
            let at = |j: usize, k: usize| self.products.get(j.max(k), j.min(k)) / self.n - shift[j] * shift[k];
            Matrix::from_fn(dim, dim, |j, k| if j == k { at(j, j) } else { trust * at(j, k) })
        } else {
            Matrix::from_fn(dim, 1, |j, _| self.products.get(j, 0) / self.n - shift[j] * shift[j])
        };
        Moments { mean: (0..dim).map(|j| self.centre[j] + shift[j]).collect(), covariance }
    }
}

/// Mean `(d,)` and covariance `(d, d)`, or variances `(d, 1)` in more than [`MAX_FULL`] dimensions.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Moments {
    pub(super) mean: Vec<f64>,
    pub(super) covariance: Matrix<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_have_the_moments_of_all_rows_however_cut() {
        for dim in [3, MAX_FULL + 1] {
            let at = |i: usize, j: usize| 1e3 * j as f64 + ((i * 7 + j * 5) % 11) as f64;
            let x = |rows: std::ops::Range<usize>| Matrix::from_fn(rows.len(), dim, |i, j| at(rows.start + i, j));
            let (mut whole, mut cut) = (Pool::new(dim), Pool::new(dim));
            whole.add(&x(0..30));
            [0..7, 7..30].into_iter().for_each(|rows| cut.add(&x(rows)));
            let moments = whole.moments();
            assert_eq!(moments, cut.moments());
            let mean = |j: usize| (0..30).map(|i| at(i, j)).sum::<f64>() / 30.0;
            let product = |i: usize, j: usize, k: usize| (at(i, j) - mean(j)) * (at(i, k) - mean(k));
            let covariance = |j: usize, k: usize| (0..30).map(|i| product(i, j, k)).sum::<f64>() / 30.0;
            for j in 0..dim {
                assert!((moments.mean[j] - mean(j)).abs() < 1e-9);
                let col = if dim <= MAX_FULL { j } else { 0 };
                assert!((moments.covariance.get(j, col) - covariance(j, j)).abs() < 1e-9, "{:?}", moments.covariance);
            }
            if dim <= MAX_FULL {
                let shrunk = covariance(2, 0) * 30.0 / (30.0 + 5.0 * dim as f64);
                assert!((moments.covariance.get(2, 0) - shrunk).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn slopes_give_the_width_of_a_well_wherever_the_rows_are() {
        // Two wells of width 0.5 at -100 and 100: slopes (x - centre) / 0.25 of normal scores.
        let z = |i: usize| crate::diagnostics::normal_quantile((i as f64 + 0.5) / 1000.0);
        let mut slopes = Slopes::new(1000, 1);
        slopes.add(&Matrix::from_fn(1000, 1, |i, _| 0.5 * z(i) / 0.25));
        let mut scale = [1.0];
        update_scale(&mut scale, [slopes].iter());
        assert!((scale[0] - 0.5).abs() < 0.01, "{scale:?}");
        update_scale(&mut scale, [Slopes::new(4, 1)].iter());
        assert!((scale[0] - 0.5).abs() < 0.01, "{scale:?}");
    }
}
