//! The functions of [`super`] over slices: `exp(src, dst)` sets `dst[i] = exp(src[i])`, one vector at a time.
//!
//! The shorter slice sets the length. All are deterministic, and give the bits of the scalar functions.

use super::TRIG_MAX;
use crate::simd::simd_fn;

macro_rules! unary {
    ($($name:ident)*) => { $(
        simd_fn! {
            #[doc = concat!("`dst[i] = ", stringify!($name), "(src[i])`, as [`super::", stringify!($name), "()`].")]
            pub fn $name(src: &[f64], dst: &mut [f64]) {
                for (d, s) in dst.iter_mut().zip(src) {
                    *d = super::$name(*s);
                }
            }
        }
    )* };
}

unary! { exp exp_m1 ln ln_1p sinh cosh tanh erf softplus logistic }

macro_rules! binary {
    ($($name:ident)*) => { $(
        simd_fn! {
            #[doc = concat!("`dst[i] = ", stringify!($name), "(a[i], b[i])`, as [`super::", stringify!($name), "()`].")]
            pub fn $name(a: &[f64], b: &[f64], dst: &mut [f64]) {
                for (d, (a, b)) in dst.iter_mut().zip(a.iter().zip(b)) {
                    *d = super::$name(*a, *b);
                }
            }
        }
    )* };
}

binary! { pow log_add_exp log_diff_exp }

macro_rules! periodic {
    ($($name:ident $vector:ident)*) => { $(
        simd_fn! {
            fn $vector(src: &[f64], dst: &mut [f64]) {
                for (d, s) in dst.iter_mut().zip(src) {
                    *d = super::$name(*s);
                }
            }
        }

        #[doc = concat!("`dst[i] = ", stringify!($name), "(src[i])`, as [`super::", stringify!($name), "()`]; beyond")]
        #[doc = "[`TRIG_MAX`] the standard library's value, which is the platform's."]
        pub fn $name(src: &[f64], dst: &mut [f64]) {
            $vector(src, dst);
            if any_beyond(src) {
                for (d, s) in dst.iter_mut().zip(src).filter(|(_, s)| s.abs() > TRIG_MAX) {
                    *d = s.$name();
                }
            }
        }
    )* };
}

periodic! { sin sin_vector cos cos_vector tan tan_vector }

simd_fn! {
    /// Whether any element is larger in size than [`TRIG_MAX`].
    fn any_beyond(x: &[f64]) -> bool {
        let mut count = 0u64;
        for v in x {
            count += u64::from(v.abs() > TRIG_MAX);
        }
        count > 0
    }
}

/// One loop for each exponent listed, which the compiler turns into multiplications; blocks of squares for the others.
macro_rules! powers {
    ($src:ident $n:ident $dst:ident: $($k:literal)*) => {
        match $n {
            $($k => for (d, s) in $dst.iter_mut().zip($src) {
                *d = super::powi(*s, $k);
            })*
            _ => powi_blocks($src, $n, $dst),
        }
    };
}

simd_fn! {
    /// `dst[i] = src[i]^n`, as [`super::powi`].
    pub fn powi(src: &[f64], n: i32, dst: &mut [f64]) {
        powers!(src n dst: -2 -1 1 2 3 4 5 6 7 8 10 12);
    }
}

/// `dst[i] = src[i]^n` for any `n`: one pass over a block for each bit of `n`.
#[inline(always)]
fn powi_blocks(src: &[f64], n: i32, dst: &mut [f64]) {
    const BLOCK: usize = 64;
    for (src, dst) in src.chunks(BLOCK).zip(dst.chunks_mut(BLOCK)) {
        let mut square = [1.0; BLOCK];
        let mut y = [1.0; BLOCK];
        square[..src.len()].copy_from_slice(src);
        let mut m = n.unsigned_abs();
        while m != 0 {
            if m & 1 == 1 {
                for (y, s) in y.iter_mut().zip(&square) {
                    *y *= s;
                }
            }
            m >>= 1;
            if m != 0 {
                for s in &mut square {
                    *s *= *s;
                }
            }
        }
        if n < 0 {
            for y in &mut y {
                *y = 1.0 / *y;
            }
        }
        for (d, y) in dst.iter_mut().zip(&y) {
            *d = *y;
        }
    }
}
