//! Sine, cosine and tangent: `x = k pi/2 + r`, with pi/2 in three parts, then FDLIBM's kernels on `|r| <= pi/4`.

use super::{ROUNDER, fast_two_sum, poly, two_prod, two_sum};

/// The largest size of an argument, `2^45`, for which [`sin`], [`cos`] and [`tan`] answer; beyond it they give NaN, and the
/// loops in [`super::slice`] repair those elements with the standard library's functions.
pub const TRIG_MAX: f64 = 35184372088832.0;

/// pi/2 as an unevaluated sum of three doubles.
const PI_2: [f64; 3] = [std::f64::consts::FRAC_PI_2, 6.123233995736766e-17, -1.4973849048591698e-33];
/// `(sin(r) - r) / r^3` in `r^2` (FDLIBM `k_sin.c`).
const SIN: [f64; 6] = [
    -1.66666666666666324348e-01,
    8.33333333332248946124e-03,
    -1.98412698298579493134e-04,
    2.75573137070700676789e-06,
    -2.50507602534068634195e-08,
    1.58969099521155010221e-10,
];
/// `(cos(r) - 1 + r^2 / 2) / r^4` in `r^2` (FDLIBM `k_cos.c`).
const COS: [f64; 6] = [
    4.16666666666666019037e-02,
    -1.38888888888741095749e-03,
    2.48015872894767294178e-05,
    -2.75573143513906633035e-07,
    2.08757232129817482790e-09,
    -1.13596475577881948265e-11,
];

/// The sine and cosine of `r`, each as a rounded value and a correction, and `k` modulo 4 (in the low bits).
#[inline(always)]
fn sin_cos_parts(x: f64) -> ((f64, f64), (f64, f64), u64) {
    let x = if x.abs() <= TRIG_MAX { x } else { f64::NAN };
    let t = x.mul_add(std::f64::consts::FRAC_2_PI, ROUNDER);
    let k = t - ROUNDER;
    // The first difference is exact: both terms are multiples of 2^-53, and it is below 1.
    let r = k.mul_add(-PI_2[0], x);
    let (p, p_lo) = two_prod(k, PI_2[1]);
    let (r, r_lo) = two_sum(r, -p);
    let (r, c) = fast_two_sum(r, k.mul_add(-PI_2[2], r_lo - p_lo));

    let z = r * r;
    let half = 0.5 * z;
    let sin = fast_two_sum(r, (z * r).mul_add(poly(z, &SIN), (-half).mul_add(c, c)));
    let (w, w_lo) = fast_two_sum(1.0, -half);
    let half_lo = (0.5 * r).mul_add(r, -half);
    let cos = fast_two_sum(w, (z * z).mul_add(poly(z, &COS), (w_lo - half_lo) - r * c));
    (sin, cos, t.to_bits())
}

/// `value` with its sign flipped where bit 1 of the quadrant is set.
#[inline(always)]
fn flip(value: f64, quadrant: u64) -> f64 {
    f64::from_bits(value.to_bits() ^ ((quadrant & 2) << 62))
}

/// Sine of `x` radians; NaN for `|x| >` [`TRIG_MAX`].
#[inline(always)]
pub fn sin(x: f64) -> f64 {
    let (s, c, q) = sin_cos_parts(x);
    let y = flip(if q & 1 == 0 { s.0 } else { c.0 }, q);
    if x.abs() < super::exp::TINY { x } else { y }
}

/// Cosine of `x` radians; NaN for `|x| >` [`TRIG_MAX`].
#[inline(always)]
pub fn cos(x: f64) -> f64 {
    let (s, c, q) = sin_cos_parts(x);
    flip(if q & 1 == 0 { c.0 } else { s.0 }, q.wrapping_add(q & 1))
}

/// Tangent of `x` radians; NaN for `|x| >` [`TRIG_MAX`].
#[inline(always)]
pub fn tan(x: f64) -> f64 {
    let (s, c, q) = sin_cos_parts(x);
    let even = q & 1 == 0;
    // tan(r + pi/2) = -cos(r) / sin(r)
    let (n, n_lo) = if even { s } else { c };
    let (d, d_lo) = if even { c } else { (-s.0, -s.1) };
    let inv = 1.0 / d;
    let ratio = n * inv;
    let rest = (-ratio).mul_add(d, n) + (-ratio).mul_add(d_lo, n_lo);
    let y = rest.mul_add(inv, ratio);
    if x.abs() < super::exp::TINY { x } else { y }
}
