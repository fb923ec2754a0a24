//! Powers: real exponents through a logarithm of twice the precision, integer ones by multiplication.

use super::exp::exp_with_tail;
use super::log::split;
use super::{LN2_HI, LN2_LO, fast_two_sum, poly, two_prod, two_sum};

/// `(2 atanh(s) - 2 s - 2/3 s^3) / s^5` in `s^2`, to 2^-65.
const ATANH: [f64; 9] = [
    0.4,
    0.28571428571428564,
    0.22222222222228938,
    0.18181818179506923,
    0.1538461578271769,
    0.13333294863226397,
    0.11766884570809011,
    0.1045474351272019,
    0.10776631891939348,
];

/// `ln(x)` for positive finite `x` as an unevaluated sum `hi + lo`, to about 2^-64 of its size.
#[inline(always)]
fn ln_dd(x: f64) -> (f64, f64) {
    let (k, m) = split(x);
    // s = (m - 1) / (m + 1), in two parts.
    let f = m - 1.0;
    let (d, d_lo) = two_sum(2.0, f);
    let inv = 1.0 / d;
    let s = f * inv;
    let s_lo = ((-s).mul_add(d, f) - s * d_lo) * inv;
    // e = s^3 (2/3 + s^2 p), in two parts.
    let (z, z_err) = two_prod(s, s);
    let z_lo = (s + s).mul_add(s_lo, z_err);
    let (c, c_err) = two_prod(s, z);
    let c_lo = s.mul_add(z_lo, s_lo.mul_add(z, c_err));
    let (t, t_err) = fast_two_sum(2.0 / 3.0, z * poly(z, &ATANH));
    let t_lo = t_err + 3.700743415417188e-17;
    let (e, e_err) = two_prod(c, t);
    let e_lo = c.mul_add(t_lo, c_lo.mul_add(t, e_err));
    // ln(x) = k ln 2 + 2 s + e
    let (h, h_lo) = fast_two_sum(k * LN2_HI, s + s);
    let (h, e_rest) = fast_two_sum(h, e);
    let lo = k.mul_add(LN2_LO, h_lo + e_rest) + ((s_lo + s_lo) + e_lo);
    fast_two_sum(h, lo)
}

/// `x^y` for real `x` and `y`, with the special values of C99 F.9.4.4: NaN for a finite negative `x` and a `y` that is no
/// integer; 1 for `y = 0` and for `x = 1`, whatever the other is.
#[inline(always)]
pub fn pow(x: f64, y: f64) -> f64 {
    const TWO_52: f64 = 4503599627370496.0;
    let ax = x.abs();
    let (l, l_lo) = ln_dd(ax);
    let l = if ax == 0.0 { f64::NEG_INFINITY } else { l };
    let l = if ax == f64::INFINITY { ax } else { l };
    let (hi, hi_err) = two_prod(y, l);
    let inside = hi.abs() < 750.0;
    let lo = if inside { y.mul_add(l_lo, hi_err) } else { 0.0 };
    let size = exp_with_tail(hi, lo);

    // Below 2^52, adding 2^52 leaves an integer's parity in the last bit; above, it is there already.
    let ay = y.abs();
    let big = ay >= TWO_52;
    let t = if big { ay } else { ay + TWO_52 };
    let integer = big | (t - TWO_52 == ay);
    let odd = integer & (ay < 2.0 * TWO_52) & (t.to_bits() & 1 == 1);
    let signed = if odd { size.copysign(x) } else { size };

    let no_real = (x < 0.0) & (ax < f64::INFINITY) & !integer;
    let z = if no_real { f64::NAN } else { signed };
    let z = if ax.is_nan() { ax } else { z };
    let one = (y == 0.0) | (x == 1.0) | ((ax == 1.0) & (ay == f64::INFINITY));
    if one { 1.0 } else { z }
}

/// `x^n` by repeated squaring, `1 / x^-n` for negative `n`; the roundings of the squares add up to at most about `|n|`
/// units in the last place. Vectorises where `n` is a constant; [`super::slice::powi`] serves a variable one.
#[inline(always)]
pub fn powi(x: f64, n: i32) -> f64 {
    let mut m = n.unsigned_abs();
    let mut square = x;
    let mut y = if m & 1 == 1 { x } else { 1.0 };
    m >>= 1;
    while m != 0 {
        square *= square;
        if m & 1 == 1 {
            y *= square;
        }
        m >>= 1;
    }
    if n < 0 { 1.0 / y } else { y }
}
