//! Standard errors of fitted parameters: how far theta would move on other data of the same size.

use super::dense::{Correlation, Inverse};
use super::newton::hessian;
use crate::energy::{Jet, Parametric};
use crate::logz::Quadrature;
use crate::objective::mle::{fisher, weighted_covariance};
use crate::objective::{FullBatch, Ism, Mle};
use crate::points::{Matrix, Points};

/// Square roots of variances over sqrt(n); NaN for a parameter that is held, `+inf` for one that is not determined.
fn roots(variances: &[f64], free: &[bool], n: usize) -> Vec<f64> {
    (0..free.len()).map(|k| if free[k] { (variances[k] / n as f64).sqrt() } else { f64::NAN }).collect()
}

pub(super) fn held(mut h: Matrix<f64>, free: &[bool]) -> Matrix<f64> {
    for k in (0..free.len()).filter(|&k| !free[k]) {
        for l in 0..free.len() {
            h.set(k, l, 0.0);
            h.set(l, k, 0.0);
        }
    }
    h
}

fn inverse(h: Matrix<f64>, free: &[bool]) -> Option<Inverse> {
    Correlation::new(&held(h, free), 0.0).map(|c| c.inverse())
}

/// Standard errors of an information matrix of one data point: `sqrt(diag(I^-1) / n)`.
pub(super) fn from_information(information: Matrix<f64>, free: &[bool], n: usize) -> Vec<f64> {
    inverse(information, free).map_or_else(|| vec![f64::NAN; free.len()], |c| roots(&c.variances(), free, n))
}

/// `sqrt(diag(I^-1) / n)` with the Fisher information `I = Cov_p[dE/dtheta]`: right if the model is.
pub fn from_quadrature<E: Parametric + ?Sized>(energy: &E, q: &Quadrature, free: &[bool], n: usize) -> Vec<f64> {
    let mut info = Matrix::new(free.len(), free.len());
    fisher(energy, q, &mut info);
    from_information(info, free, n)
}

/// As [`from_quadrature`] with the covariance over samples of the model.
pub fn from_samples<E: Parametric + ?Sized>(energy: &E, samples: &Points, free: &[bool], n: usize) -> Vec<f64> {
    from_information(feature_covariance(energy, samples), free, n)
}

/// Covariance of dE/dtheta over points.
pub(super) fn feature_covariance<E: Parametric + ?Sized>(energy: &E, x: &Points) -> Matrix<f64> {
    let mut f = Matrix::new(x.n(), energy.n_theta());
    energy.theta_features(x, &mut f);
    let mut out = Matrix::new(0, 0);
    weighted_covariance(&mut f, &vec![1.0 / x.n() as f64; x.n()], &mut out);
    out
}

/// The sandwich `H^-1 V H^-1 / n` of maximum likelihood (Huber 1967; White 1982): right also if the model is wrong.
/// H is the Hessian of the mean negative log-likelihood at the energy's theta, whose quadrature is `q`, V the covariance of
/// dE/dtheta over the data.
pub fn robust_mle<E: Parametric + ?Sized>(energy: &mut E, q: Quadrature, data: &Points, free: &[bool]) -> Vec<f64> {
    let v = feature_covariance(energy, data);
    sandwich(&mut Mle::new(data).at(q), energy, v, data.n(), free)
}

/// The sandwich of score matching: V is the covariance over the data of one point's gradient (Hyvarinen 2005, section 3;
/// Song et al. 2020).
pub fn score_matching<E: Jet + ?Sized>(objective: &mut Ism, energy: &mut E, n: usize, free: &[bool]) -> Vec<f64> {
    let mut rows = objective.gradient_rows(energy);
    let mut v = Matrix::new(0, 0);
    weighted_covariance(&mut rows, &vec![1.0 / n as f64; n], &mut v);
    sandwich(objective, energy, v, n, free)
}

/// `H^-1 V H^-1 / n` with the Hessian of the objective at the energy's theta.
fn sandwich<E: Parametric + ?Sized, O: FullBatch<E>>(
    objective: &mut O,
    energy: &mut E,
    v: Matrix<f64>,
    n: usize,
    free: &[bool],
) -> Vec<f64> {
    let mut theta = vec![0.0; free.len()];
    energy.read_theta(&mut theta);
    let bread = hessian(objective, energy, &theta, free).ok().and_then(|h| inverse(h, free));
    bread.map_or_else(|| vec![f64::NAN; free.len()], |h| roots(&h.sandwich(&held(v, free)), free, n))
}
