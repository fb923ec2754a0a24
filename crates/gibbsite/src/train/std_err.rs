//! Standard errors of fitted parameters: how far theta would move on other data of the same size.

use super::dense::{Correlation, sandwich};
use super::newton::hessian;
use crate::energy::{Jet, Parametric};
use crate::logz::Quadrature;
use crate::objective::mle::{fisher, model_mean, weighted_covariance};
use crate::objective::{FullBatch, Ism};
use crate::points::{Matrix, Points};

/// Square roots of the diagonal over sqrt(n); NaN for a parameter that is held, `+inf` for one that is not determined.
fn roots(covariance: &Matrix<f64>, free: &[bool], n: usize) -> Vec<f64> {
    (0..free.len()).map(|k| if free[k] { (covariance.get(k, k) / n as f64).sqrt() } else { f64::NAN }).collect()
}

fn held(mut h: Matrix<f64>, free: &[bool]) -> Matrix<f64> {
    for k in (0..free.len()).filter(|&k| !free[k]) {
        for l in 0..free.len() {
            h.set(k, l, 0.0);
            h.set(l, k, 0.0);
        }
    }
    h
}

fn inverse(h: Matrix<f64>, free: &[bool]) -> Option<Matrix<f64>> {
    Correlation::new(&held(h, free), 0.0).map(|c| c.inverse())
}

/// `sqrt(diag(I^-1) / n)` with the Fisher information `I = Cov_p[dE/dtheta]`: right if the model is.
pub fn from_quadrature<E: Parametric + ?Sized>(energy: &E, q: &Quadrature, free: &[bool], n: usize) -> Vec<f64> {
    let mut info = Matrix::new(free.len(), free.len());
    fisher(energy, q, &mut info);
    inverse(info, free).map_or_else(|| vec![f64::NAN; free.len()], |c| roots(&c, free, n))
}

/// The Newton step `I^-1 (E_data[dE/dtheta] - E_p[dE/dtheta])` that is left to the maximum of the likelihood: how far a
/// contrastive training is from what it approximates. `None` where the information is singular.
pub fn step_left<E: Parametric + ?Sized>(energy: &E, q: &Quadrature, data: &Points, free: &[bool]) -> Option<Vec<f64>> {
    let p = free.len();
    let mut info = Matrix::new(p, p);
    fisher(energy, q, &mut info);
    let mut grad = vec![0.0; p];
    model_mean(energy, q, &mut grad);
    grad.iter_mut().for_each(|g| *g = -*g);
    energy.grad_theta(data, &vec![1.0 / data.n() as f64; data.n()], &mut grad);
    let inverse = inverse(info, free)?;
    Some((0..p).map(|k| (0..p).filter(|&l| free[l]).map(|l| inverse.get(k, l) * grad[l]).sum()).collect())
}

/// As [`from_quadrature`] with the covariance over samples of the model.
pub fn from_samples<E: Parametric + ?Sized>(energy: &E, samples: &Points, free: &[bool], n: usize) -> Vec<f64> {
    inverse(feature_covariance(energy, samples), free)
        .map_or_else(|| vec![f64::NAN; free.len()], |c| roots(&c, free, n))
}

/// Covariance of dE/dtheta over points.
fn feature_covariance<E: Parametric + ?Sized>(energy: &E, x: &Points) -> Matrix<f64> {
    let mut f = Matrix::new(x.n(), energy.n_theta());
    energy.theta_features(x, &mut f);
    let mut out = Matrix::new(0, 0);
    weighted_covariance(&mut f, &vec![1.0 / x.n() as f64; x.n()], &mut out);
    out
}

/// The sandwich `H^-1 V H^-1 / n` of maximum likelihood (Huber 1967; White 1982): right also if the model is wrong.
/// H is the Hessian of the mean negative log-likelihood, V the covariance of dE/dtheta over the data.
pub fn robust_mle<E, O>(objective: &mut O, energy: &mut E, data: &Points, free: &[bool]) -> Vec<f64>
where
    E: Parametric + ?Sized,
    O: FullBatch<E>,
{
    let v = feature_covariance(energy, data);
    bread(objective, energy, free)
        .map_or_else(|| vec![f64::NAN; free.len()], |h| roots(&sandwich(&h, &held(v, free)), free, data.n()))
}

/// The sandwich of score matching: V is the covariance over the data of one point's gradient (Hyvarinen 2005, section 3;
/// Song et al. 2020).
pub fn score_matching<E: Jet + ?Sized>(objective: &mut Ism, energy: &mut E, n: usize, free: &[bool]) -> Vec<f64> {
    let mut rows = objective.gradient_rows(energy);
    let mut v = Matrix::new(0, 0);
    weighted_covariance(&mut rows, &vec![1.0 / n as f64; n], &mut v);
    bread(objective, energy, free)
        .map_or_else(|| vec![f64::NAN; free.len()], |h| roots(&sandwich(&h, &held(v, free)), free, n))
}

/// The inverse Hessian at the energy's theta.
fn bread<E: Parametric + ?Sized, O: FullBatch<E>>(
    objective: &mut O,
    energy: &mut E,
    free: &[bool],
) -> Option<Matrix<f64>> {
    let mut theta = vec![0.0; free.len()];
    energy.read_theta(&mut theta);
    let h = hessian(objective, energy, &theta, free).ok()?;
    inverse(h, free)
}
