//! The Gaussian with full covariance: an energy with known log Z and exact draws, the base of importance sampling, the
//! proposal of independence sampling and the reference of tempering. Linear in d where coordinates are independent.

use super::{Differentiable, Energy, Tractable};
use crate::math::rows_times;
use crate::points::{Matrix, Points, Space};
use crate::rng::{Numbers, Purpose, Streams};
use crate::scratch;
use crate::simd::simd_fn;

mod mixture;
pub use mixture::GaussianMixture;

/// E(x) = (x - mean)' P (x - mean) / 2 with P the inverse covariance; log Z = d/2 log(2 pi) + log det L, covariance L L'.
#[derive(Clone, Debug, PartialEq)]
pub struct Gaussian {
    space: Space,
    mean: Vec<f64>,
    factor: Factor,
    log_z: f64,
}

/// The lower Cholesky factor L of the covariance, and its inverse.
#[derive(Clone, Debug, PartialEq)]
enum Factor {
    /// Independent coordinates: the standard deviations and their reciprocals.
    Diagonal { sd: Vec<f64>, inverse: Vec<f64> },
    /// L', L'^-1 and L^-1, each `(d, d)`: what rows of points are multiplied with.
    Full { spread: Matrix<f64>, whiten: Matrix<f64>, pull: Matrix<f64> },
}

/// A covariance that is not positive definite.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GaussianError {
    /// A pivot of the Cholesky factorisation is not positive.
    #[error("the covariance is not positive definite: pivot {index} is {pivot}")]
    NotPositiveDefinite {
        /// Row of the pivot.
        index: usize,
        /// Its value.
        pivot: f64,
    },
    /// The covariance is not `(d, d)`.
    #[error("the covariance is {rows} x {cols} for a mean of length {dim}")]
    Shape {
        /// Rows given.
        rows: usize,
        /// Columns given.
        cols: usize,
        /// Length of the mean.
        dim: usize,
    },
}

impl Gaussian {
    /// From mean `(d,)` and covariance `(d, d)`.
    ///
    /// # Errors
    /// [`GaussianError`] when the covariance is not `(d, d)` or not positive definite.
    pub fn new(mean: Vec<f64>, covariance: &Matrix<f64>) -> Result<Self, GaussianError> {
        let d = mean.len();
        let (rows, cols) = (covariance.n_rows(), covariance.n_cols());
        if (rows, cols) != (d, d) {
            return Err(GaussianError::Shape { rows, cols, dim: d });
        }
        let mut chol = Matrix::new(d, d);
        for i in 0..d {
            for j in 0..=i {
                let dot: f64 = (0..j).map(|k| chol.get(i, k) * chol.get(j, k)).sum();
                let rest = covariance.get(i, j) - dot;
                if i == j {
                    if !(rest > 0.0 && rest.is_finite()) {
                        return Err(GaussianError::NotPositiveDefinite { index: i, pivot: rest });
                    }
                    chol.set(i, i, rest.sqrt());
                } else {
                    chol.set(i, j, rest / chol.get(j, j));
                }
            }
        }
        Ok(Self::dependent(mean, &chol))
    }

    /// From mean `(d,)` and the lower Cholesky factor L of the covariance, `(d, d)`, of which the lower triangle is read:
    /// with [`Gaussian::cholesky`] the same Gaussian to the bit.
    ///
    /// # Errors
    /// [`GaussianError`] when L is not `(d, d)`, an entry is not finite (the pivot is then NaN) or one of its diagonal is not
    /// positive.
    pub fn from_cholesky(mean: Vec<f64>, cholesky: &Matrix<f64>) -> Result<Self, GaussianError> {
        let d = mean.len();
        let (rows, cols) = (cholesky.n_rows(), cholesky.n_cols());
        if (rows, cols) != (d, d) {
            return Err(GaussianError::Shape { rows, cols, dim: d });
        }
        for index in 0..d {
            let l = cholesky.get(index, index);
            let finite = (0..=index).all(|j| cholesky.get(index, j).is_finite());
            let pivot = if finite { l * l.abs() } else { f64::NAN };
            if !(pivot > 0.0 && pivot.is_finite()) {
                return Err(GaussianError::NotPositiveDefinite { index, pivot });
            }
        }
        let lower = Matrix::from_fn(d, d, |i, j| if j <= i { cholesky.get(i, j) } else { 0.0 });
        Ok(Self::dependent(mean, &lower))
    }

    /// From the Cholesky factor, zero above its diagonal.
    fn dependent(mean: Vec<f64>, chol: &Matrix<f64>) -> Self {
        let d = mean.len();
        let log_det: f64 = (0..d).map(|i| chol.get(i, i).ln()).sum();
        let log_z = 0.5 * d as f64 * (2.0 * std::f64::consts::PI).ln() + log_det;
        Self { space: Space::real(d), mean, factor: Factor::full(chol), log_z }
    }

    /// Mean 0 and covariance 1 in `dim` dimensions.
    pub fn standard(dim: usize) -> Self {
        Self::isotropic(dim, 1.0)
    }

    /// Mean 0 and the same standard deviation in all directions, which is positive.
    pub(crate) fn isotropic(dim: usize, sd: f64) -> Self {
        Self::independent(vec![0.0; dim], vec![sd; dim])
    }

    /// Independent coordinates with standard deviations `sd`, shape `(d,)`.
    ///
    /// # Errors
    /// [`GaussianError::NotPositiveDefinite`] when one is not positive, or its square not a positive number, [`GaussianError::Shape`] when
    /// there is not one for each coordinate.
    pub fn diagonal(mean: Vec<f64>, sd: &[f64]) -> Result<Self, GaussianError> {
        if mean.len() != sd.len() {
            return Err(GaussianError::Shape { rows: sd.len(), cols: sd.len(), dim: mean.len() });
        }
        // As a pivot, with its sign: a negative standard deviation is a slip.
        match sd.iter().map(|s| s * s.abs()).enumerate().find(|(_, v)| !(*v > 0.0 && v.is_finite())) {
            Some((index, pivot)) => Err(GaussianError::NotPositiveDefinite { index, pivot }),
            None => Ok(Self::independent(mean, sd.to_vec())),
        }
    }

    fn independent(mean: Vec<f64>, sd: Vec<f64>) -> Self {
        let d = mean.len();
        let log_det: f64 = sd.iter().map(|s| s.ln()).sum();
        let log_z = 0.5 * d as f64 * (2.0 * std::f64::consts::PI).ln() + log_det;
        let inverse = sd.iter().map(|s| s.recip()).collect();
        Self { space: Space::real(d), mean, factor: Factor::Diagonal { sd, inverse }, log_z }
    }

    /// The mean.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The standard deviations `(d,)` of a Gaussian that was made of them; `None` for one that was made of a covariance.
    pub fn sd(&self) -> Option<&[f64]> {
        match &self.factor {
            Factor::Diagonal { sd, .. } => Some(sd),
            Factor::Full { .. } => None,
        }
    }

    /// The lower Cholesky factor L of the covariance L L', `(d, d)`.
    pub fn cholesky(&self) -> Matrix<f64> {
        let d = self.mean.len();
        match &self.factor {
            Factor::Diagonal { sd, .. } => Matrix::from_fn(d, d, |i, j| if i == j { sd[i] } else { 0.0 }),
            Factor::Full { spread, .. } => Matrix::from_fn(d, d, |i, j| spread.get(j, i)),
        }
    }

    /// mean + L z for standard normal z, shape `(n, d)`.
    pub(crate) fn place(&self, z: &Matrix<f64>) -> Points {
        let mut x = Points::zeros(z.n_rows(), self.mean.len());
        self.place_into(z.n_rows(), z.as_slice(), x.real.as_mut_slice());
        x
    }

    /// As [`Gaussian::place`]; columns of length `n`.
    fn place_into(&self, n: usize, z: &[f64], x: &mut [f64]) {
        match &self.factor {
            Factor::Diagonal { sd, .. } => scale_columns(n, sd, z, x),
            Factor::Full { spread, .. } => rows_times(n, z, spread, x),
        }
        add_to_columns(n, &self.mean, x);
    }

    /// y = L^-1 (x - mean); columns of length `n`.
    fn whiten(&self, x: &Points, y: &mut [f64]) {
        let n = x.n();
        match &self.factor {
            Factor::Diagonal { inverse, .. } => centre_columns(&x.real, &self.mean, inverse, y),
            Factor::Full { whiten, .. } => scratch::with(y.len(), |centred| {
                centre_columns(&x.real, &self.mean, &[], centred);
                rows_times(n, centred, whiten, y);
            }),
        }
    }

    /// L'^-1 y.
    fn pull_into(&self, n: usize, y: &[f64], grad: &mut [f64]) {
        match &self.factor {
            Factor::Diagonal { inverse, .. } => scale_columns(n, inverse, y, grad),
            Factor::Full { pull, .. } => rows_times(n, y, pull, grad),
        }
    }
}

impl Factor {
    /// From L; by substitution, column after column of the inverse.
    fn full(chol: &Matrix<f64>) -> Self {
        let d = chol.n_rows();
        let mut pull = Matrix::new(d, d);
        for j in 0..d {
            for i in j..d {
                let dot: f64 = (j..i).map(|k| chol.get(i, k) * pull.get(k, j)).sum();
                let one = if i == j { 1.0 } else { 0.0 };
                pull.set(i, j, (one - dot) / chol.get(i, i));
            }
        }
        let transpose = |m: &Matrix<f64>| Matrix::from_fn(d, d, |i, j| m.get(j, i));
        Factor::Full { spread: transpose(chol), whiten: transpose(&pull), pull }
    }
}

simd_fn! {
    /// `y_j = s_j (x_j - m_j)`; no scales are ones.
    fn centre_columns(x: &Matrix<f64>, mean: &[f64], scale: &[f64], y: &mut [f64]) {
        let n = x.n_rows();
        for j in 0..x.n_cols() {
            let (m, s) = (mean[j], if scale.is_empty() { 1.0 } else { scale[j] });
            let (x, y) = (&x.col(j)[..n], &mut y[j * n..(j + 1) * n]);
            for i in 0..n {
                y[i] = s * (x[i] - m);
            }
        }
    }
}

simd_fn! {
    /// `y_j = s_j x_j`, columns of length `n`.
    fn scale_columns(n: usize, scale: &[f64], x: &[f64], y: &mut [f64]) {
        for (j, s) in scale.iter().enumerate() {
            let (x, y) = (&x[j * n..(j + 1) * n], &mut y[j * n..(j + 1) * n]);
            for i in 0..n {
                y[i] = s * x[i];
            }
        }
    }
}

simd_fn! {
    /// Adds `m_j` to column `j`, of length `n`.
    fn add_to_columns(n: usize, mean: &[f64], x: &mut [f64]) {
        for (j, m) in mean.iter().enumerate() {
            for x in &mut x[j * n..(j + 1) * n] {
                *x += m;
            }
        }
    }
}

simd_fn! {
    /// `out = |y|^2 / 2` of each row.
    fn half_squares(y: &[f64], out: &mut [f64]) {
        let n = out.len();
        out.fill(0.0);
        if n == 0 {
            return;
        }
        for y in y.chunks_exact(n) {
            for i in 0..n {
                out[i] = (0.5 * y[i]).mul_add(y[i], out[i]);
            }
        }
    }
}

simd_fn! {
    /// Normals as doubles, columns of length `n`.
    fn widen(z: Numbers<'_, f32>, n: usize, out: &mut [f64]) {
        for j in 0..out.len().checked_div(n).unwrap_or(0) {
            let (z, out) = (&z.col(j)[..n], &mut out[j * n..(j + 1) * n]);
            for i in 0..n {
                out[i] = f64::from(z[i]);
            }
        }
    }
}

impl Energy for Gaussian {
    fn space(&self) -> &Space {
        &self.space
    }

    fn energy(&self, x: &Points, out: &mut [f64]) {
        scratch::with(x.n() * self.mean.len(), |y| {
            self.whiten(x, y);
            half_squares(y, out);
        });
    }
}

impl Differentiable for Gaussian {
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        scratch::with(x.n() * self.mean.len(), |y| {
            self.whiten(x, y);
            half_squares(y, e);
            self.pull_into(x.n(), y, grad.as_mut_slice());
        });
    }

    fn grad(&self, x: &Points, grad: &mut Matrix<f64>) {
        scratch::with(x.n() * self.mean.len(), |y| {
            self.whiten(x, y);
            self.pull_into(x.n(), y, grad.as_mut_slice());
        });
    }
}

impl Tractable for Gaussian {
    fn log_z(&self) -> f64 {
        self.log_z
    }

    /// Draws by normals of f32 precision; draw i is stream i of the block, at the current step.
    fn sample(&self, n: usize, rng: &mut Streams) -> Points {
        let mut x = Points::zeros(n, self.mean.len());
        self.sample_into(&mut x, rng);
        x
    }

    fn sample_into(&self, out: &mut Points, rng: &mut Streams) {
        let (n, d) = (out.n(), self.mean.len());
        scratch::with(n * d, |z| {
            widen(rng.normals(Purpose::Init, n, d), n, z);
            self.place_into(n, z, out.real.as_mut_slice());
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Run;

    fn correlated() -> Gaussian {
        let c = Matrix::from_columns(2, 2, vec![4.0, 1.5, 1.5, 1.0]);
        Gaussian::new(vec![1.0, -2.0], &c).unwrap()
    }

    #[test]
    fn energy_and_gradient() {
        let g = correlated();
        let x = Points::from_rows(&[[2.0, -1.0], [0.0, 3.0]]);
        let (mut e, mut grad) = ([0.0; 2], Matrix::new(2, 2));
        g.energy_grad(&x, &mut e, &mut grad);
        // Inverse of [[4, 1.5], [1.5, 1]] has determinant 1.75.
        for i in 0..2 {
            let (a, b) = (x.real.get(i, 0) - 1.0, x.real.get(i, 1) + 2.0);
            let (ga, gb) = ((a - 1.5 * b) / 1.75, (4.0 * b - 1.5 * a) / 1.75);
            assert!((e[i] - 0.5 * (a * ga + b * gb)).abs() < 1e-13);
            assert!((grad.get(i, 0) - ga).abs() < 1e-13 && (grad.get(i, 1) - gb).abs() < 1e-13);
        }
        assert!((g.log_z() - (2.0 * std::f64::consts::PI).ln() - 0.5 * 1.75f64.ln()).abs() < 1e-14);
    }

    /// Against the quadratic form by substitution, in more dimensions and with rows that do not fill vectors.
    #[test]
    fn full_and_diagonal_agree_with_substitution() {
        for (n, d) in [(1, 1), (37, 3), (64, 10)] {
            let b = Matrix::from_fn(d, d, |i, j| ((i * 5 + j * 3) % 7) as f64 / 7.0 - 0.4);
            let cov = Matrix::from_fn(d, d, |i, j| {
                (0..d).map(|k| b.get(i, k) * b.get(j, k)).sum::<f64>() + if i == j { 0.5 } else { 0.0 }
            });
            let mean: Vec<f64> = (0..d).map(|j| j as f64 - 1.0).collect();
            let sd: Vec<f64> = (0..d).map(|j| 0.5 + j as f64).collect();
            let squares = Matrix::from_fn(d, d, |i, j| if i == j { sd[i] * sd[i] } else { 0.0 });
            let dense = Gaussian::new(mean.clone(), &squares).unwrap();
            let diagonal = Gaussian::diagonal(mean.clone(), &sd).unwrap();
            let x = Points::from_real(Matrix::from_fn(n, d, |i, j| ((i * 7 + j * 3) % 11) as f64 / 3.0 - 1.5));
            let values = |g: &Gaussian| {
                let (mut e, mut grad, mut alone) = (vec![0.0; n], Matrix::new(n, d), Matrix::new(n, d));
                g.energy_grad(&x, &mut e, &mut grad);
                g.grad(&x, &mut alone);
                assert_eq!(grad, alone);
                (e, grad, g.place(&x.real).real)
            };
            let (a, b) = (values(&dense), values(&diagonal));
            let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12 * (1.0 + a.abs()));
            assert!(
                close(&a.0, &b.0) && close(a.1.as_slice(), b.1.as_slice()) && close(a.2.as_slice(), b.2.as_slice())
            );
            assert!((dense.log_z() - diagonal.log_z()).abs() < 1e-12);
            // Covariance times gradient is the distance from the mean, whose product with the gradient is twice the energy.
            let (e, grad, _) = values(&Gaussian::new(mean.clone(), &cov).unwrap());
            for i in 0..n {
                let centred = |j: usize| x.real.get(i, j) - mean[j];
                for j in 0..d {
                    let back: f64 = (0..d).map(|k| cov.get(j, k) * grad.get(i, k)).sum();
                    assert!((back - centred(j)).abs() < 1e-11 * (1.0 + centred(j).abs()), "{back} {}", centred(j));
                }
                let twice: f64 = (0..d).map(|j| centred(j) * grad.get(i, j)).sum();
                assert!((0.5 * twice - e[i]).abs() < 1e-11 * (1.0 + e[i]), "{twice} {}", e[i]);
            }
        }
    }

    #[test]
    fn draws_have_the_moments() {
        let g = correlated();
        let n = 20_000;
        let x = g.sample(n, &mut Streams::new(1, Run::Importance));
        let mean = |j: usize| x.real.col(j).iter().sum::<f64>() / n as f64;
        assert!(((mean(0) - 1.0) / (2.0 / (n as f64).sqrt())).abs() < 4.0);
        assert!(((mean(1) + 2.0) * (n as f64).sqrt()).abs() < 4.0);
        let cov: f64 = (0..n).map(|i| (x.real.get(i, 0) - 1.0) * (x.real.get(i, 1) + 2.0)).sum::<f64>() / n as f64;
        let sd = ((4.0 + 1.5 * 1.5) / n as f64).sqrt();
        assert!(((cov - 1.5) / sd).abs() < 4.0, "{cov}");
    }

    #[test]
    fn bad_covariances_are_refused() {
        let c = Matrix::from_columns(2, 2, vec![1.0, 2.0, 2.0, 1.0]);
        assert!(matches!(Gaussian::new(vec![0.0; 2], &c), Err(GaussianError::NotPositiveDefinite { index: 1, .. })));
        assert!(Gaussian::diagonal(vec![0.0], &[f64::NAN]).is_err());
        assert!(Gaussian::diagonal(vec![0.0], &[0.0]).is_err());
        assert!(matches!(Gaussian::diagonal(vec![0.0], &[1.0, 1.0]), Err(GaussianError::Shape { .. })));
        let factor = |l: [f64; 4]| Gaussian::from_cholesky(vec![0.0; 2], &Matrix::from_columns(2, 2, l.to_vec()));
        for l in
            [[1.0, 0.0, 0.0, -1.0], [1.0, 0.0, 0.0, 0.0], [1.0, f64::NAN, 0.0, 1.0], [1.0, 0.0, 0.0, f64::INFINITY]]
        {
            assert!(matches!(factor(l), Err(GaussianError::NotPositiveDefinite { index: 1, .. })), "{l:?}");
        }
        let wide = Matrix::new(2, 3);
        assert!(matches!(Gaussian::from_cholesky(vec![0.0; 2], &wide), Err(GaussianError::Shape { .. })));
    }

    #[test]
    fn factors_make_the_same_gaussian_to_the_bit() {
        let g = correlated();
        assert_eq!(Gaussian::from_cholesky(g.mean().to_vec(), &g.cholesky()).unwrap(), g);
        assert_eq!(g.sd(), None);
        let g = Gaussian::diagonal(vec![1.0, -2.0], &[0.3, 7.0]).unwrap();
        assert_eq!(Gaussian::diagonal(g.mean().to_vec(), g.sd().unwrap()).unwrap(), g);
        let full = Gaussian::from_cholesky(g.mean().to_vec(), &g.cholesky()).unwrap();
        assert_eq!((full.cholesky(), full.log_z()), (g.cholesky(), g.log_z()));
    }
}
