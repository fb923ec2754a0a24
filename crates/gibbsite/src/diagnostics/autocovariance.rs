//! Autocovariances: all lags of one sequence, and lag by lag averaged over chains (what effective sample sizes need).
//!
//! The first lags are sums of products; a slowly mixing quantity that needs more gets all lags by one Fourier transform.

use crate::simd::{dot, simd_fn};

/// Lags computed as sums of products before the Fourier transform is cheaper.
const N_DIRECT: usize = 24;

/// Autocovariance at every lag with the biased normalisation that keeps the sequence positive definite (Geyer 1992):
/// `c_t = (1/n) sum_{i < n - t} (x_i - mean)(x_{i+t} - mean)`, length n. NaN or infinite draws give NaN.
pub fn autocovariance(x: &[f64]) -> Vec<f64> {
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    let centred: Vec<f64> = x.iter().map(|v| v - mean).collect();
    correlation_sums(&centred, x.len()).iter().map(|s| s / x.len() as f64).collect()
}

/// Mean over chains of the autocovariance, computed as far as it is asked for.
pub(super) struct MeanAutocovariance {
    centred: Vec<f64>,
    n_draws: usize,
    all: Vec<f64>,
}

impl MeanAutocovariance {
    /// Takes centred chains, one after the other, `n_draws` each.
    pub(super) fn new(centred: Vec<f64>, n_draws: usize) -> Self {
        Self { centred, n_draws, all: Vec::new() }
    }

    /// The mean over chains of c_t, `t < n_draws`.
    pub(super) fn lag(&mut self, t: usize) -> f64 {
        if t < N_DIRECT && self.all.is_empty() {
            return products_at_lag(&self.centred, self.n_draws, t) / self.centred.len() as f64;
        }
        if self.all.is_empty() {
            self.all = correlation_sums(&self.centred, self.n_draws);
        }
        self.all[t] / self.centred.len() as f64
    }
}

simd_fn! {
    /// `sum_chains sum_i x_i x_{i+t}` for one lag.
    fn products_at_lag(chains: &[f64], n: usize, t: usize) -> f64 {
        let mut sum = 0.0;
        for x in chains.chunks_exact(n) {
            sum += dot(&x[..n - t], &x[t..]);
        }
        sum
    }
}

/// `sum_chains sum_i x_i x_{i+t}` for every lag t < n: the Wiener-Khinchin theorem on zero-padded chains.
///
/// Two real chains share one complex transform: with z = x + i y, |X_k|^2 + |Y_k|^2 = (|Z_k|^2 + |Z_{-k}|^2) / 2.
fn correlation_sums(chains: &[f64], n: usize) -> Vec<f64> {
    if n == 0 {
        return Vec::new();
    }
    let size = (2 * n).next_power_of_two().max(2 * LANES);
    let twiddles = Twiddles::new(size);
    let mut power = vec![[0.0; LANES]; size / LANES];
    let mut z = Complex { re: vec![0.0; size], im: vec![0.0; size] };
    let (mut re, mut im) = (power.clone(), power.clone());
    for pair in chains.chunks(2 * n) {
        z.re.fill(0.0);
        z.im.fill(0.0);
        z.re[..n].copy_from_slice(&pair[..n]);
        z.im[..pair.len() - n].copy_from_slice(&pair[n..]);
        transform(&twiddles, &mut z, &mut re, &mut im);
        for ((p, x), y) in power.as_flattened_mut().iter_mut().zip(re.as_flattened()).zip(im.as_flattened()) {
            *p += x * x + y * y;
        }
    }
    let at = |v: &[[f64; LANES]], k: usize| {
        let place = k.reverse_bits() >> (usize::BITS - size.trailing_zeros());
        v[place % (size / LANES)][place / (size / LANES)]
    };
    for k in 0..size {
        z.re[k] = 0.5 * (at(&power, k) + at(&power, (size - k) % size));
    }
    z.im.fill(0.0);
    // The spectrum is real and even, so the inverse transform is the forward one over its size.
    transform(&twiddles, &mut z, &mut re, &mut im);
    (0..n).map(|t| at(&re, t) / size as f64).collect()
}

/// Blocks transformed side by side once the first stages have made them independent.
const LANES: usize = 8;

struct Complex {
    re: Vec<f64>,
    im: Vec<f64>,
}

/// `exp(-2 pi i k / m)`, k < m / 2, for m = size, size / 2, ..., 2, one after the other.
struct Twiddles {
    cos: Vec<f64>,
    sin: Vec<f64>,
}

impl Twiddles {
    fn new(size: usize) -> Self {
        let mut twiddles = Self { cos: Vec::with_capacity(size), sin: Vec::with_capacity(size) };
        let mut m = size;
        while m > 1 {
            for k in 0..m / 2 {
                let angle = -std::f64::consts::TAU * k as f64 / m as f64;
                twiddles.cos.push(angle.cos());
                twiddles.sin.push(angle.sin());
            }
            m /= 2;
        }
        twiddles
    }
}

simd_fn! {
    /// `X_k = sum_j z_j exp(-2 pi i j k / size)` for a power of two, radix 2, decimation in frequency (Gentleman and Sande
    /// 1966). The first three stages, in place, leave eight independent blocks; these become lanes, so that every later
    /// stage is a straight loop too. With r = k in bit-reversed order, X_k is in `re[r % m][r / m]`, m = size / 8.
    fn transform(twiddles: &Twiddles, z: &mut Complex, re: &mut [[f64; LANES]], im: &mut [[f64; LANES]]) {
        let (mut cos, mut sin) = (twiddles.cos.as_slice(), twiddles.sin.as_slice());
        let n_blocks = re.len();
        let mut half = z.re.len() / 2;
        while half >= n_blocks {
            let (c, s) = (&cos[..half], &sin[..half]);
            for (re, im) in z.re.chunks_exact_mut(2 * half).zip(z.im.chunks_exact_mut(2 * half)) {
                let (re_a, re_b) = re.split_at_mut(half);
                let (im_a, im_b) = im.split_at_mut(half);
                for k in 0..half {
                    let (x, y) = (re_a[k] - re_b[k], im_a[k] - im_b[k]);
                    (re_a[k], im_a[k]) = (re_a[k] + re_b[k], im_a[k] + im_b[k]);
                    (re_b[k], im_b[k]) = (x * c[k] - y * s[k], x * s[k] + y * c[k]);
                }
            }
            (cos, sin) = (&cos[half..], &sin[half..]);
            half /= 2;
        }
        for (lane, (x, y)) in z.re.chunks_exact(n_blocks).zip(z.im.chunks_exact(n_blocks)).enumerate() {
            for i in 0..n_blocks {
                (re[i][lane], im[i][lane]) = (x[i], y[i]);
            }
        }
        while half > 0 {
            for (re, im) in re.chunks_exact_mut(2 * half).zip(im.chunks_exact_mut(2 * half)) {
                let (re_a, re_b) = re.split_at_mut(half);
                let (im_a, im_b) = im.split_at_mut(half);
                for k in 0..half {
                    let (c, s) = (cos[k], sin[k]);
                    for l in 0..LANES {
                        let (x, y) = (re_a[k][l] - re_b[k][l], im_a[k][l] - im_b[k][l]);
                        (re_a[k][l], im_a[k][l]) = (re_a[k][l] + re_b[k][l], im_a[k][l] + im_b[k][l]);
                        (re_b[k][l], im_b[k][l]) = (x * c - y * s, x * s + y * c);
                    }
                }
            }
            (cos, sin) = (&cos[half..], &sin[half..]);
            half /= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transform_and_direct_sums_agree() {
        for (n, n_chains) in [(1, 1), (5, 1), (100, 3), (257, 4)] {
            let x: Vec<f64> = (0..n * n_chains).map(|i| (i as f64 * 1.7).sin() + (i as f64 * 0.3).cos()).collect();
            let sums = correlation_sums(&x, n);
            for t in 0..n {
                let direct: f64 = x.chunks(n).map(|c| (0..n - t).map(|i| c[i] * c[i + t]).sum::<f64>()).sum();
                assert!((sums[t] - direct).abs() < 1e-11 * sums[0].abs(), "n {n} lag {t}");
                assert!((products_at_lag(&x, n, t) - direct).abs() < 1e-11 * sums[0].abs(), "n {n} lag {t}");
            }
        }
        assert!(autocovariance(&[]).is_empty());
        assert!(autocovariance(&[1.0, f64::NAN, 2.0]).iter().all(|c| c.is_nan()));
    }
}
