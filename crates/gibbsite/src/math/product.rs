//! Products of a batch with a small matrix, row by row: what preconditioners and Gaussians need.

use crate::points::Matrix;
use crate::simd::simd_fn;

simd_fn! {
    /// `out = x w`, shapes `(n, d) (d, k) -> (n, k)`; `x` and `out` are columns of length `n`, one after the other.
    ///
    /// Every element is summed over `d` in order by fused products, so that a row's result depends on that row alone.
    pub(crate) fn rows_times(n: usize, x: &[f64], w: &Matrix<f64>, out: &mut [f64]) {
        let (d, k) = (w.n_rows(), w.n_cols());
        let (x, out) = (&x[..n * d], &mut out[..n * k]);
        let mut row = 0;
        while row + 16 <= n {
            let mut first = 0;
            while first < k {
                tile::<16, 4>(n, row, first, x, w, out);
                first += 4;
            }
            row += 16;
        }
        // Fewer rows take more columns, to have as many sums that do not wait for each other.
        while row + 8 <= n {
            few_rows::<8>(n, row, x, w, out);
            row += 8;
        }
        while row < n {
            few_rows::<1>(n, row, x, w, out);
            row += 1;
        }
    }
}

/// All columns of `R` rows.
#[inline(always)]
fn few_rows<const R: usize>(n: usize, row: usize, x: &[f64], w: &Matrix<f64>, out: &mut [f64]) {
    let k = w.n_cols();
    let mut first = 0;
    while first + 4 < k {
        tile::<R, 8>(n, row, first, x, w, out);
        first += 8;
    }
    if first < k {
        tile::<R, 4>(n, row, first, x, w, out);
    }
}

/// `R` rows and `C` columns of the result, from `row` and `first` on: their sums stay in registers.
#[inline(always)]
fn tile<const R: usize, const C: usize>(
    n: usize,
    row: usize,
    first: usize,
    x: &[f64],
    w: &Matrix<f64>,
    out: &mut [f64],
) {
    let d = w.n_rows();
    let n_cols = C.min(w.n_cols() - first);
    // Short groups of columns repeat the last one.
    let columns: [&[f64]; C] = std::array::from_fn(|c| &w.col(first + c.min(n_cols - 1))[..d]);
    let mut acc = [[0.0f64; R]; C];
    for j in 0..d {
        let x = &x[j * n + row..j * n + row + R];
        for c in 0..C {
            let w = columns[c][j];
            for r in 0..R {
                acc[c][r] = x[r].mul_add(w, acc[c][r]);
            }
        }
    }
    for (c, acc) in acc.iter().enumerate().take(n_cols) {
        out[(first + c) * n + row..(first + c) * n + row + R].copy_from_slice(acc);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_product_and_rows_are_alone() {
        for (n, d, k) in [(1, 1, 1), (16, 3, 4), (37, 5, 7), (64, 20, 9), (15, 2, 3), (9, 30, 12), (27, 4, 13)] {
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
