//! Temporary buffers without an allocation per call: energies that wrap others need room for positions and gradients,
//! and their methods take `&self`. Each thread keeps the buffers it has used; nested calls get different ones.

use std::cell::RefCell;

use crate::points::{Matrix, Points};

thread_local! {
    static SLICES: RefCell<Vec<Vec<f64>>> = const { RefCell::new(Vec::new()) };
    static MATRICES: RefCell<Vec<Matrix<f64>>> = const { RefCell::new(Vec::new()) };
    static POINTS: RefCell<Vec<Points>> = const { RefCell::new(Vec::new()) };
}

/// Calls `f` with a buffer of `len` numbers left over from earlier use: write before reading.
pub fn with<R>(len: usize, f: impl FnOnce(&mut [f64]) -> R) -> R {
    let mut buffer = SLICES.with_borrow_mut(Vec::pop).unwrap_or_default();
    if buffer.len() < len {
        buffer.resize(len, 0.0);
    }
    let result = f(&mut buffer[..len]);
    SLICES.with_borrow_mut(|pool| pool.push(buffer));
    result
}

/// Calls `f` with a matrix `(n_rows, n_cols)` of zeros.
pub fn with_matrix<R>(n_rows: usize, n_cols: usize, f: impl FnOnce(&mut Matrix<f64>) -> R) -> R {
    let mut buffer = MATRICES.with_borrow_mut(Vec::pop).unwrap_or_default();
    buffer.reshape(n_rows, n_cols);
    let result = f(&mut buffer);
    MATRICES.with_borrow_mut(|pool| pool.push(buffer));
    result
}

/// Calls `f` with `n` points of `dim` real coordinates, zeros, and no labels.
pub fn with_real<R>(n: usize, dim: usize, f: impl FnOnce(&mut Points) -> R) -> R {
    let mut buffer = POINTS.with_borrow_mut(Vec::pop).unwrap_or_default();
    buffer.real.reshape(n, dim);
    buffer.label.reshape(n, 0);
    let result = f(&mut buffer);
    POINTS.with_borrow_mut(|pool| pool.push(buffer));
    result
}

/// Calls `f` with points that have the labels of `like` and, at first, real coordinates of zero.
pub fn with_points<R>(like: &Points, f: impl FnOnce(&mut Points) -> R) -> R {
    let mut buffer = POINTS.with_borrow_mut(Vec::pop).unwrap_or_default();
    buffer.real.reshape(like.n(), like.dim());
    buffer.label.reshape(like.label.n_rows(), like.label.n_cols());
    buffer.label.as_mut_slice().copy_from_slice(like.label.as_slice());
    let result = f(&mut buffer);
    POINTS.with_borrow_mut(|pool| pool.push(buffer));
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_buffers_differ() {
        for _ in 0..2 {
            with(3, |a| {
                a.fill(1.0);
                with(5, |b| {
                    assert_eq!(b.len(), 5);
                    b.fill(2.0);
                });
                assert_eq!(a, [1.0; 3]);
            });
        }
    }
}
