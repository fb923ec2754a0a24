//! The exponential and the hyperbolic functions, all from `x = k ln 2 + r` with `|r| <= ln(2) / 2`.

use super::{LN2_HI, LN2_LO, ROUNDER, clamp, exp2_int, fast_two_sum, poly};

/// `(e^r - 1 - r) / r^2` on `|r| <= ln(2) / 2`, to 2^-61 of the result.
const EXP: [f64; 11] = [
    0.5,
    0.1666666666666667,
    0.041666666666666685,
    0.008333333333326112,
    0.001388888888887428,
    0.0001984126987490231,
    2.480158734761728e-05,
    2.7557255296258357e-06,
    2.7557252661031024e-07,
    2.510526033532379e-08,
    2.092166780266167e-09,
];
/// `(sinh(r) - r) / r^3` in `r^2`.
const SINH: [f64; 6] = [
    0.16666666666666666,
    0.008333333333333333,
    0.00019841269841263276,
    2.7557319247276173e-06,
    2.505207103303592e-08,
    1.6086650553325891e-10,
];
/// `(cosh(r) - 1) / r^2` in `r^2`.
const COSH: [f64; 6] = [
    0.5,
    0.04166666666666668,
    0.001388888888887904,
    2.480158733652874e-05,
    2.7557263186876145e-07,
    2.0918171741672916e-09,
];

/// `x = k ln 2 + r + c`: the integer `k` as a double, `r`, and the rounding error `c` of `r`.
#[inline(always)]
fn reduce(x: f64) -> (f64, f64, f64) {
    let k = x.mul_add(std::f64::consts::LOG2_E, ROUNDER) - ROUNDER;
    let hi = k.mul_add(-LN2_HI, x);
    let r = k.mul_add(-LN2_LO, hi);
    let c = k.mul_add(-LN2_LO, hi - r);
    (k, r, c)
}

/// `e^(x + lo)` for a small correction `lo`; underflow and overflow as in [`exp`].
#[inline(always)]
pub(super) fn exp_with_tail(x: f64, lo: f64) -> f64 {
    let x = clamp(x, -746.0, 710.0);
    let k = x.mul_add(std::f64::consts::LOG2_E, ROUNDER) - ROUNDER;
    let r = k.mul_add(-LN2_HI, x) + k.mul_add(-LN2_LO, lo);
    let p = 1.0 + (r * r).mul_add(poly(r, &EXP), r);
    // 2^k in two factors, neither of which leaves the normal range: the second product rounds, once.
    let half = (0.5 * k + ROUNDER) - ROUNDER;
    p * exp2_int(half) * exp2_int(k - half)
}

/// `e^x`. Rounds gradually through the subnormals: 0 below -745.13, infinite above 709.78.
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    exp_with_tail(x, 0.0)
}

/// `e^x` for `x` in `[-700, 700]`, saving the steps that handle the ends of the range.
#[inline(always)]
pub(super) fn exp_moderate(x: f64) -> f64 {
    let k = x.mul_add(std::f64::consts::LOG2_E, ROUNDER) - ROUNDER;
    let r = k.mul_add(-LN2_LO, k.mul_add(-LN2_HI, x));
    let p = 1.0 + (r * r).mul_add(poly(r, &EXP), r);
    p * exp2_int(k)
}

/// `e^x - 1`, accurate near 0.
#[inline(always)]
pub fn exp_m1(x: f64) -> f64 {
    let (k, r, c) = reduce(clamp(x, -50.0, 710.0));
    let w = (r * r).mul_add(poly(r, &EXP), c.mul_add(r, c));
    // Half of 2^k (1 + r + w) - 1, so that 2^k is finite; r and w apart, since 2^k - 1 may cancel most of 2^k r.
    let s = exp2_int(k - 1.0);
    let y = 2.0 * s.mul_add(w, s.mul_add(r, s - 0.5));
    if x.abs() < TINY { x } else { y }
}

/// Below this size, `2^-54`, odd functions of slope 1 at 0 equal their argument; selecting it keeps the sign of zero.
pub(super) const TINY: f64 = 5.551115123125783e-17;

/// A quarter of `sinh(a)` and `cosh(a)` for `0 <= a <= 710.6`, each as a rounded value and a correction to it.
#[inline(always)]
fn sinh_cosh_quarter(a: f64) -> ((f64, f64), (f64, f64)) {
    let (k, r, c) = reduce(a);
    let z = r * r;
    let s = (z * r).mul_add(poly(z, &SINH), c); // sinh(r + c) = r + s
    let h = z.mul_add(poly(z, &COSH), c * r); // cosh(r + c) = 1 + h
    // e^a = 2^k (cosh + sinh) and e^-a = 2^-k (cosh - sinh) of r.
    let up = exp2_int(k - 3.0);
    let down = exp2_int(-3.0 - if k > 1000.0 { 1000.0 } else { k });
    let (plus, plus_lo) = fast_two_sum(up, down);
    let (minus, minus_lo) = fast_two_sum(up, -down);
    let sinh = add3(minus, r, plus, s.mul_add(plus, h.mul_add(minus, minus_lo)));
    let cosh = add3(plus, r, minus, h.mul_add(plus, s.mul_add(minus, plus_lo)));
    (sinh, cosh)
}

/// `b + r m + w` as a rounded value and a correction.
#[inline(always)]
fn add3(b: f64, r: f64, m: f64, w: f64) -> (f64, f64) {
    let t = r.mul_add(m, b);
    let t_lo = r.mul_add(m, b - t);
    let (hi, lo) = fast_two_sum(t, w);
    (hi, lo + t_lo)
}

/// Hyperbolic sine.
#[inline(always)]
pub fn sinh(x: f64) -> f64 {
    let ((hi, lo), _) = sinh_cosh_quarter(clamp(x.abs(), 0.0, 710.6));
    let y = (4.0 * (hi + lo)).copysign(x);
    if x.abs() < TINY { x } else { y }
}

/// Hyperbolic cosine.
#[inline(always)]
pub fn cosh(x: f64) -> f64 {
    let (_, (hi, lo)) = sinh_cosh_quarter(clamp(x.abs(), 0.0, 710.6));
    4.0 * (hi + lo)
}

/// Hyperbolic tangent.
#[inline(always)]
pub fn tanh(x: f64) -> f64 {
    let ((s, s_lo), (c, c_lo)) = sinh_cosh_quarter(clamp(x.abs(), 0.0, 20.0));
    let inv = 1.0 / c;
    let q = s * inv;
    // The remainder of the division, with both corrections: s + s_lo - q (c + c_lo).
    let rest = (-q).mul_add(c, s) + (-q).mul_add(c_lo, s_lo);
    let y = rest.mul_add(inv, q).copysign(x);
    if x.abs() < TINY { x } else { y }
}
