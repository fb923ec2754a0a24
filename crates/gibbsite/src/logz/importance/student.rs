//! Student's t in many dimensions: a Gaussian with tails.

use crate::energy::gaussian::Gaussian;
use crate::energy::{Energy, Tractable};
use crate::points::{Matrix, Points, Space};
use crate::rng::{Purpose, Streams};

/// A multivariate Student t around a mean, with few degrees of freedom for tails heavier than those of most energies.
#[derive(Clone, Debug)]
pub struct StudentT {
    pub(super) gaussian: Gaussian,
    /// Half the degrees of freedom, an integer so that the chi-square is a sum of exponentials.
    half_dof: usize,
    log_norm: f64,
}

impl StudentT {
    /// The t distribution with `2 half_dof` degrees of freedom, located and scaled as `gaussian`.
    ///
    /// # Panics
    /// If `half_dof` is 0.
    pub fn new(gaussian: Gaussian, half_dof: usize) -> Self {
        assert!(half_dof > 0, "degrees of freedom must be positive");
        let (d, nu) = (gaussian.mean().len() as f64, 2.0 * half_dof as f64);
        // Gamma((nu + d)/2) / Gamma(nu/2) / (nu/2)^(d/2) / (2 pi)^(d/2) / det L.
        let log_norm = crate::diagnostics::ln_gamma(0.5 * (nu + d))
            - crate::diagnostics::ln_gamma(0.5 * nu)
            - 0.5 * d * (0.5 * nu).ln()
            - gaussian.log_z();
        Self { gaussian, half_dof, log_norm }
    }
}

impl Energy for StudentT {
    fn space(&self) -> &Space {
        self.gaussian.space()
    }

    /// (nu + d)/2 log(1 + y'y / nu) with y = L^-1 (x - mean).
    fn energy(&self, x: &Points, out: &mut [f64]) {
        self.gaussian.energy(x, out);
        let nu = 2.0 * self.half_dof as f64;
        let power = 0.5 * (nu + x.dim() as f64);
        out.iter_mut().for_each(|e| *e = power * (2.0 * *e / nu).ln_1p());
    }
}

impl Tractable for StudentT {
    fn log_z(&self) -> f64 {
        -self.log_norm
    }

    fn sample(&self, n: usize, rng: &mut Streams) -> Points {
        let choice = choices(n, self.half_dof, rng);
        self.gaussian.place(&directions(&choice, self.gaussian.mean().len(), rng))
    }
}

/// What chooses a draw, row by row.
pub(super) struct Choice {
    /// The scale of the draw in units of the Gaussian's: `sqrt(nu / chi^2)`, with `chi^2 = -2 log(u_1 ... u_k)` of `nu = 2k` degrees
    /// of freedom.
    scale: Vec<f64>,
    /// One uniform more.
    pub(super) u: Vec<f64>,
}

/// The choices of `n` draws.
pub(super) fn choices(n: usize, half_dof: usize, rng: &mut Streams) -> Choice {
    let u = rng.uniforms(Purpose::Choice, n, half_dof + 1);
    let mut log_u = vec![0.0; n];
    for k in 0..half_dof {
        log_u.iter_mut().zip(u.col(k)).for_each(|(s, u)| *s += u.ln());
    }
    let scale = log_u.iter().map(|log_u| 1.0 / (-2.0 * log_u / (2.0 * half_dof as f64)).sqrt()).collect();
    Choice { scale, u: u.col(half_dof).to_vec() }
}

/// Draws about 0 with the identity for scale.
pub(super) fn directions(choice: &Choice, dim: usize, rng: &mut Streams) -> Matrix<f64> {
    let n = choice.scale.len();
    let z = rng.normals(Purpose::Init, n, dim);
    Matrix::from_fn(n, dim, |i, j| z.col(j)[i] as f64 * choice.scale[i])
}
