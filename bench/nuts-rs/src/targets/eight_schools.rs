//! Eight schools (Rubin 1981), non-centred as in posteriordb: `mu ~ N(0, 5)`, `tau ~ half-Cauchy(5)`, `t_k ~ N(0, 1)`,
//! `y_k ~ N(mu + tau t_k, sigma_k)`.

use super::{Target, over_rows, rows};
use gibbsite::math::{exp, ln_1p};
use gibbsite::points::Matrix;

const N: usize = 8;
const EFFECT: [f64; N] = [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0];
const STD_ERR: [f64; N] = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0];
const PRECISION: [f64; N] = {
    let mut p = [0.0; N];
    let mut k = 0;
    while k < N {
        p[k] = 1.0 / (STD_ERR[k] * STD_ERR[k]);
        k += 1;
    }
    p
};

/// Coordinates `mu, ln tau, t_1 .. t_8`.
pub struct EightSchools;

impl Target for EightSchools {
    fn dim(&self) -> usize {
        N + 2
    }

    fn batch(&self, x: &Matrix<f64>, e: &mut [f64], grad: &mut Matrix<f64>) {
        over_rows!(x.n_rows(), tile(x, e, grad));
    }

    #[inline]
    fn one(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        let (x, grad): (&[f64; N + 2], &mut [f64; N + 2]) = (x.try_into().unwrap(), grad.try_into().unwrap());
        let (mu, log_tau) = (x[0], x[1]);
        let tau = exp(log_tau);
        // dE/dmu and dE/dtau of the likelihood.
        let (mut e, mut by_mu, mut by_tau) = ([0.0f64; N], [0.0f64; N], [0.0f64; N]);
        for k in 0..N {
            let t = x[k + 2];
            let residual = tau.mul_add(t, mu - EFFECT[k]);
            let slope = PRECISION[k] * residual;
            e[k] = residual.mul_add(slope, t * t);
            by_mu[k] = slope;
            by_tau[k] = slope * t;
            grad[k + 2] = -slope.mul_add(tau, t);
        }
        let sum = |v: &[f64; N]| ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
        let q = tau * tau / 25.0;
        grad[0] = -(mu / 25.0 + sum(&by_mu));
        grad[1] = -(2.0 * q / (1.0 + q) - 1.0 + tau * sum(&by_tau));
        -(0.5 * sum(&e) + mu * mu / 50.0 + ln_1p(q) - log_tau)
    }
}

#[inline(always)]
fn tile<const T: usize>(at: usize, x: &Matrix<f64>, e: &mut [f64], grad: &mut Matrix<f64>) {
    let (mu, log_tau) = (rows::<T>(x, 0, at), rows::<T>(x, 1, at));
    let mut tau = [0.0; T];
    for r in 0..T {
        tau[r] = exp(log_tau[r]);
    }
    let (mut sum, mut by_mu, mut by_tau) = ([0.0f64; T], [0.0f64; T], [0.0f64; T]);
    for k in 0..N {
        let t = rows::<T>(x, k + 2, at);
        let grad = &mut grad.col_mut(k + 2)[at..at + T];
        for r in 0..T {
            let residual = tau[r].mul_add(t[r], mu[r] - EFFECT[k]);
            let slope = PRECISION[k] * residual;
            sum[r] += residual.mul_add(slope, t[r] * t[r]);
            by_mu[r] += slope;
            by_tau[r] = slope.mul_add(t[r], by_tau[r]);
            grad[r] = slope.mul_add(tau[r], t[r]);
        }
    }
    for r in 0..T {
        grad.col_mut(0)[at + r] = mu[r] / 25.0 + by_mu[r];
    }
    let grad = &mut grad.col_mut(1)[at..at + T];
    for r in 0..T {
        let q = tau[r] * tau[r] / 25.0;
        grad[r] = 2.0 * q / (1.0 + q) - 1.0 + tau[r] * by_tau[r];
        e[at + r] = 0.5 * sum[r] + mu[r] * mu[r] / 50.0 + ln_1p(q) - log_tau[r];
    }
}
