//! Sums over chains and data, compiled for every instruction set (a bare `mul_add` is a function call on the baseline).

use crate::simd::{self, simd_fn};

simd_fn! {
    /// `sum_i a_i b_i`, in an order that depends on the length only.
    pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
        simd::dot(a, b)
    }
}

simd_fn! {
    /// `sum_i a_i`, in an order that depends on the length only.
    pub(crate) fn sum(a: &[f64]) -> f64 {
        simd::sum(a)
    }
}
