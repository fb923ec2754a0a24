//! The preconditioner that all kernels share: which directions are long, which are short.

use crate::math::rows_times;
use crate::points::Matrix;
use crate::scratch;
use crate::simd::simd_fn;

/// A linear map `x = A z` under which z is roughly isotropic: `A = diag(s) (I + V diag(r - 1) V')`.
///
/// `s` are scales of the coordinates; the k columns of `V` are orthonormal directions (in the scaled coordinates) in which
/// the standard deviation is r instead of 1: a covariance `A A'` that is diagonal plus of low rank. Kernels step in z, so
/// that noise is `A xi` and forces are `A' dE/dx`; the default is the identity.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metric {
    scale: Vec<f64>,
    low_rank: Option<LowRank>,
}

/// What a metric has beyond its scales.
#[derive(Clone, Debug, PartialEq)]
struct LowRank {
    /// V, shape `(d, k)`.
    vectors: Matrix<f64>,
    /// r, shape `(k,)`.
    stretch: Vec<f64>,
    /// diag(r - 1) V', shape `(k, d)`.
    up: Matrix<f64>,
}

impl Metric {
    /// Scales alone, shape `(d,)`; none means ones.
    pub fn diagonal(scale: Vec<f64>) -> Self {
        Self { scale, low_rank: None }
    }

    /// Scales `(d,)`, orthonormal columns `(d, k)` and the standard deviation along each, `(k,)`.
    ///
    /// # Panics
    /// If the shapes do not match.
    pub fn low_rank(scale: Vec<f64>, vectors: Matrix<f64>, stretch: Vec<f64>) -> Self {
        assert_eq!(vectors.n_rows(), scale.len(), "one row of vectors for each coordinate");
        assert_eq!(vectors.n_cols(), stretch.len(), "one stretch for each vector");
        if stretch.is_empty() {
            return Self::diagonal(scale);
        }
        let up = Matrix::from_fn(stretch.len(), scale.len(), |q, j| (stretch[q] - 1.0) * vectors.get(j, q));
        Self { scale, low_rank: Some(LowRank { vectors, stretch, up }) }
    }

    /// The scales `s`; empty means ones.
    pub fn scale(&self) -> &[f64] {
        &self.scale
    }

    /// Number k of directions beside the scales.
    pub fn rank(&self) -> usize {
        self.low_rank.as_ref().map_or(0, |l| l.stretch.len())
    }

    /// The directions `V` `(d, k)` and the standard deviations `r` `(k,)` along them.
    pub fn directions(&self) -> Option<(&Matrix<f64>, &[f64])> {
        self.low_rank.as_ref().map(|l| (&l.vectors, l.stretch.as_slice()))
    }

    /// Whether `A` is diagonal, so that kernels may fuse it into their loops.
    pub fn is_diagonal(&self) -> bool {
        self.low_rank.is_none()
    }

    /// `out = A z` for each row: from isotropic steps to steps of x. Columns of length `n`, `d` of them.
    pub(crate) fn spread(&self, n: usize, z: &[f64], out: &mut [f64]) {
        out.copy_from_slice(z);
        if let Some(l) = &self.low_rank {
            l.add(n, z, out);
        }
        multiply_columns(n, &self.scale, out);
    }

    /// `out = A' g` for each row: from dE/dx to forces on z.
    pub(crate) fn pull(&self, n: usize, g: &[f64], out: &mut [f64]) {
        out.copy_from_slice(g);
        multiply_columns(n, &self.scale, out);
        if let Some(l) = &self.low_rank {
            scratch::with(out.len(), |scaled| {
                scaled.copy_from_slice(out);
                l.add(n, scaled, out);
            });
        }
    }
}

impl LowRank {
    /// `out += V diag(r - 1) V' z`.
    fn add(&self, n: usize, z: &[f64], out: &mut [f64]) {
        scratch::with(n * self.stretch.len(), |along| {
            rows_times(n, z, &self.vectors, along);
            scratch::with(out.len(), |step| {
                rows_times(n, along, &self.up, step);
                add(step, out);
            });
        });
    }
}

simd_fn! {
    /// Multiplies column `j` by `scale[j]`; no scales are ones.
    fn multiply_columns(n: usize, scale: &[f64], x: &mut [f64]) {
        if n == 0 {
            return;
        }
        for (x, s) in x.chunks_exact_mut(n).zip(scale) {
            for x in x {
                *x *= s;
            }
        }
    }
}

simd_fn! {
    /// `b += a`.
    fn add(a: &[f64], b: &mut [f64]) {
        for (b, a) in b.iter_mut().zip(a) {
            *b += a;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Metric {
        let (c, s) = (0.6f64, 0.8f64);
        let v = Matrix::from_columns(3, 2, vec![c, s, 0.0, -s * c, c * c, s]);
        Metric::low_rank(vec![2.0, 0.5, 3.0], v, vec![5.0, 0.1])
    }

    /// A by its definition.
    fn dense(m: &Metric) -> Matrix<f64> {
        let (v, r) = m.directions().unwrap();
        let d = m.scale().len();
        Matrix::from_fn(d, d, |i, j| {
            let low: f64 = (0..r.len()).map(|q| v.get(i, q) * (r[q] - 1.0) * v.get(j, q)).sum();
            m.scale()[i] * (low + f64::from(u8::from(i == j)))
        })
    }

    #[test]
    fn spread_and_pull_are_a_matrix_and_its_transpose() {
        let m = example();
        let a = dense(&m);
        let n = 19;
        let z = Matrix::from_fn(n, 3, |i, j| ((i * 3 + j) % 7) as f64 - 3.0);
        let (mut x, mut f) = (vec![0.0; 3 * n], vec![0.0; 3 * n]);
        m.spread(n, z.as_slice(), &mut x);
        m.pull(n, z.as_slice(), &mut f);
        for i in 0..n {
            for j in 0..3 {
                let spread: f64 = (0..3).map(|k| a.get(j, k) * z.get(i, k)).sum();
                let pull: f64 = (0..3).map(|k| a.get(k, j) * z.get(i, k)).sum();
                assert!((x[j * n + i] - spread).abs() < 1e-13);
                assert!((f[j * n + i] - pull).abs() < 1e-13);
            }
        }
    }

    #[test]
    fn the_default_is_the_identity() {
        let m = Metric::default();
        let mut out = [0.0; 4];
        m.spread(2, &[1.0, 2.0, 3.0, 4.0], &mut out);
        assert_eq!(out, [1.0, 2.0, 3.0, 4.0]);
        assert!(m.is_diagonal() && m.rank() == 0);
    }
}
