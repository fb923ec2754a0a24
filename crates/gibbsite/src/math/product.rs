//! Products of a batch with a small matrix, row by row: what preconditioners and Gaussians need.

use crate::points::Matrix;
use crate::simd::simd_fn;

/// Rows and columns of the result computed together: their sums stay in registers.
const ROWS: usize = 16;
const COLS: usize = 4;

simd_fn! {
    /// `out = x w`, shapes `(n, d) (d, k) -> (n, k)`; `x` and `out` are columns of length `n`, one after the other.
    ///
    /// Every element is summed over `d` in order by fused products, so that a row's result depends on that row alone.
    pub(crate) fn rows_times(n: usize, x: &[f64], w: &Matrix<f64>, out: &mut [f64]) {
        let (d, k) = (w.n_rows(), w.n_cols());
        let (x, out) = (&x[..n * d], &mut out[..n * k]);
        let w = w.as_slice();
        let whole = n - n % ROWS;
        for first in (0..k).step_by(COLS) {
            let n_cols = COLS.min(k - first);
            // Short groups of columns repeat the last one.
            let at: [usize; COLS] = std::array::from_fn(|c| (first + c.min(n_cols - 1)) * d);
            for row in (0..whole).step_by(ROWS) {
                let mut acc = [[0.0f64; ROWS]; COLS];
                for j in 0..d {
                    let x = &x[j * n + row..j * n + row + ROWS];
                    for c in 0..COLS {
                        let w = w[at[c] + j];
                        for r in 0..ROWS {
                            acc[c][r] = x[r].mul_add(w, acc[c][r]);
                        }
                    }
                }
                for c in 0..n_cols {
                    out[(first + c) * n + row..(first + c) * n + row + ROWS].copy_from_slice(&acc[c]);
                }
            }
            for row in whole..n {
                for c in 0..n_cols {
                    let mut acc = 0.0f64;
                    for j in 0..d {
                        acc = x[j * n + row].mul_add(w[at[c] + j], acc);
                    }
                    out[(first + c) * n + row] = acc;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_product_and_rows_are_alone() {
        for (n, d, k) in [(1, 1, 1), (16, 3, 4), (37, 5, 7), (64, 20, 9), (15, 2, 3)] {
            let x = Matrix::from_fn(n, d, |i, j| ((i * 7 + j * 3) % 11) as f64 / 3.0 - 1.5);
            let w = Matrix::from_fn(d, k, |i, j| ((i * 5 + j * 2) % 13) as f64 / 7.0 - 0.9);
            let mut out = vec![f64::NAN; n * k];
            rows_times(n, x.as_slice(), &w, &mut out);
            for i in 0..n {
                let row = Matrix::from_fn(1, d, |_, j| x.get(i, j));
                let mut alone = vec![0.0; k];
                rows_times(1, row.as_slice(), &w, &mut alone);
                for q in 0..k {
                    let exact: f64 = (0..d).map(|j| x.get(i, j) * w.get(j, q)).sum();
                    assert!((out[q * n + i] - exact).abs() < 1e-13);
                    assert_eq!(out[q * n + i], alone[q]);
                }
            }
        }
    }
}
