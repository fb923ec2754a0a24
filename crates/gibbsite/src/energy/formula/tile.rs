//! The operations of formulas on strips of tiles of chains. Each is a function of its own for every instruction set, so that it holds
//! only its own constants in registers, and a loop of constant length, so that it is vector instructions alone. (The elementary
//! functions and powers are those of [`crate::math::slice`].)

use crate::math;
use crate::simd::simd_fn;

/// Chains of a tile: what is left over of a block is padded to whole tiles.
pub const LANES: usize = 16;

/// Chains that a loop takes at once while there are as many.
const WIDE: usize = 4 * LANES;

/// One value of `LANES` chains.
pub type Tile = [f64; LANES];

/// Most tiles that an operation takes at once: long enough to hide the dispatch, short enough that the values of a formula
/// stay in the first cache.
pub const STRIP: usize = 16;

/// `fn name(tiles; uniforms) = value`: the value in every lane, of tiles and of numbers that all lanes share.
macro_rules! lanewise {
    ($($(#[$doc:meta])* fn $name:ident($($tile:ident),*; $($uniform:ident),*) = $value:expr;)*) => { $(
        simd_fn! {
            $(#[$doc])*
            pub fn $name(out: &mut [Tile], $($tile: &[Tile],)* $($uniform: f64),*) {
                #[inline(always)]
                fn part<const L: usize>(i: usize, out: &mut [f64], $($tile: &[f64],)* $($uniform: f64),*) {
                    let out = &mut out[i..i + L];
                    $(let $tile = &$tile[i..i + L];)*
                    for l in 0..L {
                        $(let $tile = $tile[l];)*
                        out[l] = $value;
                    }
                }
                let out = out.as_flattened_mut();
                $(let $tile = $tile.as_flattened();)*
                let wide = out.len() - out.len() % WIDE;
                for i in (0..wide).step_by(WIDE) {
                    part::<WIDE>(i, out, $($tile,)* $($uniform),*);
                }
                for i in (wide..out.len()).step_by(LANES) {
                    part::<LANES>(i, out, $($tile,)* $($uniform),*);
                }
            }
        }
    )* };
}

lanewise! {
    fn add(a, b;) = a + b;
    fn add_uniform(a; u) = a + u;
    fn mul(a, b;) = a * b;
    fn mul_uniform(a; u) = a * u;
    fn mul_add(a, b, c;) = a.mul_add(b, c);
    fn mul_uniform_add(a, c; u) = a.mul_add(u, c);
    fn div(a, b;) = a / b;
    fn uniform_div(a; u) = u / a;
    fn min(a, b;) = smaller(a, b);
    fn max(a, b;) = larger(a, b);
    fn below(a, b;) = step(a, b);
    fn sqrt(a;) = a.sqrt();
    fn abs(a;) = a.abs();
    fn sign(a;) = super::function::sign(a);
}

/// The smaller one; NaN if either is.
#[inline(always)]
pub fn smaller(a: f64, b: f64) -> f64 {
    if a < b || a.is_nan() { a } else { b }
}

/// The larger one; NaN if either is.
#[inline(always)]
pub fn larger(a: f64, b: f64) -> f64 {
    if a > b || a.is_nan() { a } else { b }
}

/// 1 where a < b, 1/2 where they are equal, else 0.
#[inline(always)]
pub fn step(a: f64, b: f64) -> f64 {
    if a < b {
        1.0
    } else if a == b {
        0.5
    } else {
        0.0
    }
}

/// Most coefficients that [`poly`] takes.
pub const MAX_COEFFICIENTS: usize = 9;

simd_fn! {
    /// `sum_k c_k a^k` with 2 to [`MAX_COEFFICIENTS`] coefficients.
    pub fn poly(out: &mut [Tile], a: &[Tile], c: &[f64]) {
        match c.len() {
            2 => horner::<2>(out, a, c),
            3 => horner::<3>(out, a, c),
            4 => horner::<4>(out, a, c),
            5 => horner::<5>(out, a, c),
            6 => horner::<6>(out, a, c),
            7 => horner::<7>(out, a, c),
            8 => horner::<8>(out, a, c),
            _ => horner::<MAX_COEFFICIENTS>(out, a, c),
        }
    }
}

/// Horner's rule with N coefficients held in registers.
#[inline(always)]
fn horner<const N: usize>(out: &mut [Tile], a: &[Tile], c: &[f64]) {
    let c: [f64; N] = *c.first_chunk().expect("a polynomial has all its coefficients");
    let (out, a) = (out.as_flattened_mut(), a.as_flattened());
    let ((out, out_rest), (a, a_rest)) = (out.as_chunks_mut::<WIDE>(), a.as_chunks::<WIDE>());
    // No `for_each`: its closure may be compiled apart from here, without the instruction set.
    for (out, a) in out.iter_mut().zip(a) {
        horner_part(out, a, &c);
    }
    let ((out, _), (a, _)) = (out_rest.as_chunks_mut::<LANES>(), a_rest.as_chunks::<LANES>());
    for (out, a) in out.iter_mut().zip(a) {
        horner_part(out, a, &c);
    }
}

#[inline(always)]
fn horner_part<const N: usize, const L: usize>(out: &mut [f64; L], a: &[f64; L], c: &[f64; N]) {
    for i in 0..L {
        let mut sum = c[N - 1];
        for k in (0..N - 1).rev() {
            sum = sum.mul_add(a[i], c[k]);
        }
        out[i] = sum;
    }
}

/// `log sum_k exp(a_k)`, shifted by the largest.
pub fn log_sum_exp<'a>(out: &mut [Tile], args: impl Iterator<Item = &'a [Tile]> + Clone) {
    for (t, out) in out.iter_mut().enumerate() {
        let (mut top, mut sum) = ([-f64::MAX; LANES], [0.0; LANES]);
        for a in args.clone() {
            raise(&mut top, &a[t]);
        }
        for a in args.clone() {
            add_exp(&mut sum, &a[t], &top);
        }
        add_log(out, &top, &sum);
    }
}

simd_fn! {
    fn raise(top: &mut Tile, a: &Tile) {
        for i in 0..LANES {
            top[i] = larger(a[i], top[i]);
        }
    }
}

simd_fn! {
    fn add_exp(sum: &mut Tile, a: &Tile, top: &Tile) {
        for i in 0..LANES {
            sum[i] += math::exp(a[i] - top[i]);
        }
    }
}

simd_fn! {
    fn add_log(out: &mut Tile, top: &Tile, sum: &Tile) {
        for i in 0..LANES {
            out[i] = top[i] + math::ln(sum[i]);
        }
    }
}
