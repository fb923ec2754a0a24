//! Elementary functions as straight-line polynomials, so that loops over chains vectorise; the same bits on every instruction set.
//!
//! Every function of one number here is `#[inline(always)]` and free of branches, tables and calls (square roots and sign
//! bits aside): conditions select between computed values, and integers reach and leave floating point through the bits of
//! `x + 1.5 * 2^52`. A loop over a slice inside `simd_fn!` therefore becomes a loop over vectors; [`mod@slice`] holds
//! such loops ready made.
//!
//! Largest errors seen against 50 digits, in units in the last place: `ln`, `ln_1p` 0.6; `sin`, `cos`, `cosh` 0.7; `tan`,
//! `sinh` 0.8; `exp`, `tanh`, `erf`, `pow` 1.0; `exp_m1` 1.3; `softplus` 1.4; `logistic` 2.1. Results below the normal range
//! round gradually to subnormals and then to zero. NaN arguments give NaN (`pow(NaN, 0)` and `pow(1, NaN)` are 1, as in C);
//! which NaN may differ between instruction sets, every other result is the same bits on all of them.
//!
//! Methods: Cody and Waite (1980), *Software Manual for the Elementary Functions*, for the argument reductions; the
//! kernels of `ln`, `sin` and `cos` are those of FDLIBM (Sun Microsystems, 1993); the other polynomials are minimax fits
//! (Remez exchange in 60 digits).

mod exp;
mod log;
mod pow;
mod prob;
mod product;
pub mod slice;
mod special;
mod trig;

pub use exp::{cosh, exp, exp_m1, sinh, tanh};
pub use log::{ln, ln_1p};
pub use pow::{pow, powi};
pub use prob::{log_add_exp, log_diff_exp, log_sum_exp, logistic, softplus};
pub(crate) use product::rows_times;
pub use special::erf;
pub use trig::{TRIG_MAX, cos, sin, tan};

/// `1.5 * 2^52`: adding it rounds a number below `2^51` in size to an integer, held in the low bits of the sum.
const ROUNDER: f64 = 6755399441055744.0;
/// The high part of ln 2: its 32 low bits are zero, so that an exponent times it is exact.
const LN2_HI: f64 = 6.93147180369123816490e-01;
/// The low part of ln 2.
const LN2_LO: f64 = 1.90821492927058770002e-10;

/// `2^k` for an integer `k` in -1022..=1023 given as a double.
#[inline(always)]
fn exp2_int(k: f64) -> f64 {
    let biased = (k + ROUNDER).to_bits().wrapping_sub(ROUNDER.to_bits()).wrapping_add(1023);
    f64::from_bits(biased << 52)
}

/// `c[0] + c[1] x + ...` by Horner's rule in fused steps.
#[inline(always)]
fn poly<const N: usize>(x: f64, c: &[f64; N]) -> f64 {
    let mut p = c[N - 1];
    let mut i = N - 1;
    while i > 0 {
        i -= 1;
        p = p.mul_add(x, c[i]);
    }
    p
}

/// `a + b` as a rounded sum and its rounding error, exact if `|a| >= |b|` or `a` is 0 (Dekker 1971).
#[inline(always)]
fn fast_two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    (s, b - (s - a))
}

/// `a + b` as a rounded sum and its rounding error, exact for any sizes (Knuth 1969).
#[inline(always)]
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    let t = s - a;
    (s, (a - (s - t)) + (b - t))
}

/// `a b` as a rounded product and its rounding error.
#[inline(always)]
fn two_prod(a: f64, b: f64) -> (f64, f64) {
    let p = a * b;
    (p, a.mul_add(b, -p))
}

/// `x` held to `[low, high]`; NaN stays NaN.
#[inline(always)]
fn clamp(x: f64, low: f64, high: f64) -> f64 {
    let x = if x > high { high } else { x };
    if x < low { low } else { x }
}
