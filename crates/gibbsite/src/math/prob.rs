//! Sums of probabilities through their logarithms, and the functions of log-odds.

use super::log::ln_1p_unit;
use super::{exp, exp_m1, ln, ln_1p};
use crate::simd::simd_fn;

/// `ln(1 + e^x)`, without overflow.
#[inline(always)]
pub fn softplus(x: f64) -> f64 {
    let positive = if x < 0.0 { 0.0 } else { x };
    positive + ln_1p_unit(exp(-x.abs()))
}

/// `1 / (1 + e^-x)`, accurate in both tails.
#[inline(always)]
pub fn logistic(x: f64) -> f64 {
    let e = exp(-x.abs());
    (if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
}

/// `ln(e^a + e^b)`, without overflow; two infinities of one sign give that infinity.
#[inline(always)]
pub fn log_add_exp(a: f64, b: f64) -> f64 {
    let max = if a > b { a } else { b };
    let y = max + ln_1p_unit(exp(-(a - b).abs()));
    if a == b { a + std::f64::consts::LN_2 } else { y }
}

/// `ln(e^a - e^b)`, without overflow: NaN for `a < b` and for two `+inf`, -inf for other equal arguments.
#[inline(always)]
pub fn log_diff_exp(a: f64, b: f64) -> f64 {
    let d = a - b;
    // Of the two forms of ln(1 - e^-d), the one that does not cancel.
    let near = ln(-exp_m1(-d));
    let far = ln_1p(-exp(-d));
    let y = a + if d < std::f64::consts::LN_2 { near } else { far };
    if a == b { if a == f64::INFINITY { f64::NAN } else { f64::NEG_INFINITY } } else { y }
}

simd_fn! {
    /// `ln(sum_i e^(x_i))`, without overflow, summed in an order that depends on the length only.
    ///
    /// -inf for an empty slice or one of -inf alone, +inf if one element is and none is NaN. The error is about 1e-16
    /// times the larger of 1 and the result's size.
    pub fn log_sum_exp(x: &[f64]) -> f64 {
        const BLOCK: usize = 64;
        let mut lanes = [f64::NEG_INFINITY; 8];
        let chunks = x.chunks_exact(8);
        for (l, v) in lanes.iter_mut().zip(chunks.remainder()) {
            *l = *v;
        }
        for c in chunks {
            for l in 0..8 {
                lanes[l] = if c[l] > lanes[l] { c[l] } else { lanes[l] };
            }
        }
        let mut max = f64::NEG_INFINITY;
        for v in lanes {
            max = if v > max { v } else { max };
        }
        let shift = if max.is_finite() { max } else { 0.0 };

        let mut lanes = [0.0; 8];
        for chunk in x.chunks(BLOCK) {
            // Elements that are not there have no weight: e^-inf = 0.
            let mut block = [f64::NEG_INFINITY; BLOCK];
            block[..chunk.len()].copy_from_slice(chunk);
            for v in &mut block {
                *v = exp(*v - shift);
            }
            for c in block.chunks_exact(8) {
                for l in 0..8 {
                    lanes[l] += c[l];
                }
            }
        }
        shift + ln(crate::simd::sum(&lanes))
    }
}
