//! The natural logarithm: `x = 2^k m` with `m` in `[sqrt(1/2), sqrt(2))`, then FDLIBM's kernel of `ln(m)`.

use super::{LN2_HI, LN2_LO, exp2_int, fast_two_sum, poly, two_sum};

/// `ln((1 + s) / (1 - s)) / s - 2` divided by `s^2`, in `s^2` (FDLIBM `e_log.c`).
const LOG: [f64; 7] = [
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
    1.818357216161805012e-01,
    1.531383769920937332e-01,
    1.479819860511658591e-01,
];
/// The bits of `sqrt(1/2)`, rounded down: `m` starts here.
const M_LOW: u64 = 0x3fe6_a09e_0000_0000;

/// `x = 2^k m`: `k` as a double and `m` in `[sqrt(1/2), sqrt(2))`, for positive finite `x`, subnormal ones too.
#[inline(always)]
pub(super) fn split(x: f64) -> (f64, f64) {
    const TWO_52: u64 = 0x4330_0000_0000_0000;
    let small = x < f64::MIN_POSITIVE;
    let (x, shift) = if small { (x * 18014398509481984.0, 54.0) } else { (x, 0.0) };
    let u = x.to_bits().wrapping_add(0x3ff0_0000_0000_0000 - M_LOW);
    // The exponent field reads as an integer below the leading bit of 2^52.
    let k = f64::from_bits((u >> 52) | TWO_52) - (4503599627370496.0 + 1023.0) - shift;
    let m = f64::from_bits((u & 0x000f_ffff_ffff_ffff).wrapping_add(M_LOW));
    (k, m)
}

/// `k ln 2 + ln(1 + f) + c` for `f` in `[sqrt(1/2) - 1, sqrt(2) - 1)` and a small `c`.
#[inline(always)]
fn log_kernel(k: f64, f: f64, c: f64) -> f64 {
    let s = f / (2.0 + f);
    let z = s * s;
    let half_sq = 0.5 * f * f;
    let w = s.mul_add(z.mul_add(poly(z, &LOG), half_sq), k.mul_add(LN2_LO, c));
    // ln(1 + f) = f - half_sq + s (half_sq + R)
    let (hi, lo) = fast_two_sum(k * LN2_HI, f);
    let (hi, lo2) = fast_two_sum(hi, -half_sq);
    let half_sq_lo = (0.5 * f).mul_add(f, -half_sq);
    hi + (w + ((lo + lo2) - half_sq_lo))
}

/// Natural logarithm: -inf at 0 of either sign, NaN below 0.
#[inline(always)]
pub fn ln(x: f64) -> f64 {
    let (k, m) = split(x);
    ends(x, log_kernel(k, m - 1.0, 0.0))
}

/// `ln(1 + x)`, accurate near 0: -inf at -1, NaN below -1.
#[inline(always)]
pub fn ln_1p(x: f64) -> f64 {
    let (u, u_lo) = two_sum(1.0, x);
    let (k, m) = split(u);
    // Within the central octave 1 + x is not rounded at all; elsewhere its rounding error adds u_lo / u.
    let central = k == 0.0;
    let f = if central { x } else { m - 1.0 };
    let k_low = if k > 1000.0 { 1000.0 } else { k };
    let d = u_lo * exp2_int(-k_low);
    let c = if central { 0.0 } else { d * f.mul_add(f - 1.0, 1.0) };
    let y = ends(u, log_kernel(k, f, c));
    if x.abs() < super::exp::TINY { x } else { y }
}

/// `ln(1 + x)` for `x` in `[0, 1]`, where it takes a third of the steps.
#[inline(always)]
pub(super) fn ln_1p_unit(x: f64) -> f64 {
    let upper = x > std::f64::consts::SQRT_2 - 1.0;
    let (k, f) = if upper { (1.0, 0.5 * (x - 1.0)) } else { (0.0, x) };
    log_kernel(k, f, 0.0)
}

/// The logarithm `y` of `u`, put right where `u` is zero, infinite, negative or NaN.
#[inline(always)]
fn ends(u: f64, y: f64) -> f64 {
    let y = if u == 0.0 { f64::NEG_INFINITY } else { y };
    let y = if u == f64::INFINITY { u } else { y };
    if u >= 0.0 { y } else { f64::NAN }
}
