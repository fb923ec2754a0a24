//! Instruction sets, picked at run time.
//!
//! Kernels are straight loops over chains, written once in portable Rust and compiled three times: for AVX-512, for
//! AVX2 with FMA, and for the baseline of the target. All three give identical bits, because every fused product is
//! spelled `mul_add` and nothing is reassociated. `GIBBSITE_ISA=scalar|avx2|avx512` forces one (never one the machine lacks).

use std::sync::OnceLock;

/// An instruction set that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// The baseline of the target.
    Scalar,
    /// AVX2 and FMA: 4 doubles at a time.
    Avx2,
    /// AVX-512 F, VL, DQ, BW: 8 doubles at a time.
    Avx512,
}

/// The widest instruction set this machine has.
pub fn widest() -> Isa {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512bw")
        {
            return Isa::Avx512;
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return Isa::Avx2;
        }
    }
    Isa::Scalar
}

/// The instruction set in use: `GIBBSITE_ISA` if it names one this machine has, else the widest.
pub fn isa() -> Isa {
    static ISA: OnceLock<Isa> = OnceLock::new();
    *ISA.get_or_init(|| {
        let asked = match std::env::var("GIBBSITE_ISA").as_deref() {
            Ok("scalar") => Isa::Scalar,
            Ok("avx2") => Isa::Avx2,
            _ => Isa::Avx512,
        };
        asked.min(widest())
    })
}

/// Defines a function whose body is compiled for every instruction set and dispatched on [`isa`] at each call.
/// The body must be safe Rust whose callees are `#[inline(always)]`, so that they are compiled with it.
macro_rules! simd_fn {
    ($(#[$doc:meta])* $vis:vis fn $name:ident $(<$($g:ident : $b:path),*>)? ($($arg:ident : $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$doc])*
        #[allow(unsafe_code)]
        $vis fn $name $(<$($g: $b),*>)? ($($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            fn body $(<$($g: $b),*>)? ($($arg: $ty),*) $(-> $ret)? $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2 $(<$($g: $b),*>)? ($($arg: $ty),*) $(-> $ret)? { body($($arg),*) }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
            fn avx512 $(<$($g: $b),*>)? ($($arg: $ty),*) $(-> $ret)? { body($($arg),*) }

            match $crate::simd::isa() {
                // SAFETY: `isa()` never exceeds `widest()`, which detected these features on this machine.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Isa::Avx512 => unsafe { avx512($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Isa::Avx2 => unsafe { avx2($($arg),*) },
                _ => body($($arg),*),
            }
        }
    };
}
pub(crate) use simd_fn;

/// Calls a tile function, generic over its number of rows, for all of `n` rows: tiles of `wide` rows, of 16, of 8, then one by
/// one. What is summed stays in registers only where the tile is narrow; where it is wide, memory is read in longer runs.
macro_rules! over_tiles {
    ($wide:literal; $n:expr, $tile:ident($($arg:expr),*)) => {{
        let n: usize = $n;
        let [wide, sixteen, eight] = [$wide, 16, 8].map(|t| n - n % t);
        for at in (0..wide).step_by($wide) {
            $tile::<$wide>(at, $($arg),*);
        }
        for at in (wide..sixteen).step_by(16) {
            $tile::<16>(at, $($arg),*);
        }
        for at in (sixteen..eight).step_by(8) {
            $tile::<8>(at, $($arg),*);
        }
        for at in eight..n {
            $tile::<1>(at, $($arg),*);
        }
    }};
}
pub(crate) use over_tiles;

/// Elements `i .. i + T`. Loops that load, then compute, then [`store`] become vector code; in-place ones may not.
#[inline(always)]
pub(crate) fn load<const T: usize>(x: &[f64], i: usize) -> [f64; T] {
    let mut out = [0.0; T];
    out.copy_from_slice(&x[i..i + T]);
    out
}

/// Writes elements `i .. i + T`.
#[inline(always)]
pub(crate) fn store<const T: usize>(x: &mut [f64], i: usize, values: &[f64; T]) {
    x[i..i + T].copy_from_slice(values);
}

/// Sums a slice in a fixed order: 8 interleaved partial sums, then their tree. The order depends on the length only.
#[inline(always)]
pub(crate) fn sum(x: &[f64]) -> f64 {
    let mut lanes = [0.0f64; 8];
    let chunks = x.chunks_exact(8);
    let rest = chunks.remainder();
    for c in chunks {
        for l in 0..8 {
            lanes[l] += c[l];
        }
    }
    for (l, v) in rest.iter().enumerate() {
        lanes[l] += v;
    }
    ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]))
}

simd_fn! {
    /// `sum_i a_i b_i` over the shorter length, in the same fixed order as [`sum`].
    pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
        let n = a.len().min(b.len());
        let (a, b) = (&a[..n], &b[..n]);
        let mut lanes = [0.0f64; 8];
        let (ca, cb) = (a.chunks_exact(8), b.chunks_exact(8));
        let (ra, rb) = (ca.remainder(), cb.remainder());
        for (x, y) in ca.zip(cb) {
            for l in 0..8 {
                lanes[l] = x[l].mul_add(y[l], lanes[l]);
            }
        }
        for (l, (x, y)) in ra.iter().zip(rb).enumerate() {
            lanes[l] = x.mul_add(*y, lanes[l]);
        }
        ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]))
    }
}
