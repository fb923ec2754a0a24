//! The same scales, rotated: a dense precision matrix.

use super::{Target, log_spaced_sd};
use gibbsite::points::Matrix;

/// Coordinates.
const DIM: usize = 100;
/// Coordinates rounded up to whole vectors.
const PADDED: usize = 104;
/// Doubles of a vector.
const LANES: usize = 8;

/// `E = x' P x / 2` with `P = Q diag(1 / s^2) Q'` and a fixed orthogonal Q.
pub struct Rotated {
    /// Rows of P, padded with zeros.
    rows: Vec<[f64; PADDED]>,
}

impl Rotated {
    pub fn new() -> Self {
        let q = orthogonal();
        let sd = log_spaced_sd(DIM);
        let element = |i: usize, j: usize| (0..DIM).map(|k| q[k][i] * q[k][j] / (sd[k] * sd[k])).sum();
        let padded = |i: usize, j: usize| if j < DIM { element(i, j) } else { 0.0 };
        let rows = (0..DIM).map(|i| std::array::from_fn(|j| padded(i, j))).collect();
        Self { rows }
    }
}

/// Gram and Schmidt on numbers of a linear congruential generator (Knuth, MMIX).
fn orthogonal() -> Vec<Vec<f64>> {
    let mut state = 1u64;
    let mut number = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    let mut q: Vec<Vec<f64>> = Vec::with_capacity(DIM);
    for _ in 0..DIM {
        let mut v: Vec<f64> = (0..DIM).map(|_| number()).collect();
        // Twice is enough.
        for _ in 0..2 {
            for u in &q {
                let dot: f64 = u.iter().zip(&v).map(|(u, v)| u * v).sum();
                v.iter_mut().zip(u).for_each(|(v, u)| *v -= dot * u);
            }
        }
        let norm = v.iter().map(|v| v * v).sum::<f64>().sqrt();
        v.iter_mut().for_each(|v| *v /= norm);
        q.push(v);
    }
    q
}

impl Target for Rotated {
    fn dim(&self) -> usize {
        DIM
    }

    fn batch(&self, x: &Matrix<f64>, e: &mut [f64], grad: &mut Matrix<f64>) {
        let n = x.n_rows();
        let mut at = 0;
        while at + 16 <= n {
            tile::<16, 5>(at, &self.rows, x, e, grad);
            at += 16;
        }
        while at + 8 <= n {
            tile::<8, 10>(at, &self.rows, x, e, grad);
            at += 8;
        }
        while at < n {
            let row: [f64; DIM] = std::array::from_fn(|j| x.get(at, j));
            let product = self.product(&row);
            let mut sum = 0.0f64;
            for j in 0..DIM {
                let p = product[j / LANES][j % LANES];
                grad.set(at, j, p);
                sum = p.mul_add(row[j], sum);
            }
            e[at] = 0.5 * sum;
            at += 1;
        }
    }

    #[inline]
    fn one(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        let product = self.product(x);
        let mut sums = [0.0f64; LANES];
        for (v, p) in product.iter().enumerate() {
            for l in 0..LANES.min(DIM - v * LANES) {
                grad[v * LANES + l] = -p[l];
                sums[l] = p[l].mul_add(x[v * LANES + l], sums[l]);
            }
        }
        -0.5 * sums.iter().sum::<f64>()
    }
}

impl Rotated {
    /// `P x`: all of it stays in registers. P is symmetric, so its rows are its columns.
    #[inline(always)]
    fn product(&self, x: &[f64]) -> [[f64; LANES]; PADDED / LANES] {
        let mut product = [[0.0f64; LANES]; PADDED / LANES];
        for (x, row) in x.iter().zip(&self.rows) {
            for (v, p) in product.iter_mut().enumerate() {
                for l in 0..LANES {
                    p[l] = row[v * LANES + l].mul_add(*x, p[l]);
                }
            }
        }
        product
    }
}

/// `T` rows of `x P`, `COLS` columns at a time, a divisor of `DIM`.
#[inline(always)]
fn tile<const T: usize, const COLS: usize>(
    at: usize,
    p: &[[f64; PADDED]],
    x: &Matrix<f64>,
    e: &mut [f64],
    grad: &mut Matrix<f64>,
) {
    let n = x.n_rows();
    let x = x.as_slice();
    let mut sum = [0.0f64; T];
    for first in (0..DIM).step_by(COLS) {
        let mut acc = [[0.0f64; T]; COLS];
        for (j, p) in p.iter().enumerate() {
            let x: &[f64; T] = x[j * n + at..].first_chunk().expect("whole tiles");
            let p: &[f64; COLS] = p[first..].first_chunk().expect("whole groups of columns");
            for c in 0..COLS {
                for r in 0..T {
                    acc[c][r] = x[r].mul_add(p[c], acc[c][r]);
                }
            }
        }
        for (c, acc) in acc.iter().enumerate() {
            let j = first + c;
            grad.col_mut(j)[at..at + T].copy_from_slice(acc);
            for r in 0..T {
                sum[r] = acc[r].mul_add(x[j * n + at + r], sum[r]);
            }
        }
    }
    for r in 0..T {
        e[at + r] = 0.5 * sum[r];
    }
}
