//! Positive parameters: training moves phi = log theta, so that a step can never make theta negative.

use crate::energy::{Differentiable, Energy, Jet, Parametric};
use crate::points::{Matrix, Points, Space};

/// The energy of `inner` with parameters phi, where `theta_k = exp(phi_k)` if `positive[k]`, else `theta_k = phi_k`;
/// so `dE/dphi_k = theta_k dE/dtheta_k` or `dE/dtheta_k`.
#[derive(Debug)]
pub struct Positive<'a, E: ?Sized> {
    inner: &'a mut E,
    positive: Vec<bool>,
    /// dtheta_k / dphi_k.
    slope: Vec<f64>,
    any: bool,
}

impl<'a, E: Parametric + ?Sized> Positive<'a, E> {
    /// Borrows `inner` for the training.
    ///
    /// # Panics
    /// If `positive` has not one element per parameter.
    pub fn new(inner: &'a mut E, positive: Vec<bool>) -> Self {
        assert_eq!(positive.len(), inner.n_theta(), "one flag for each parameter");
        let any = positive.contains(&true);
        let mut it = Self { slope: vec![1.0; positive.len()], inner, positive, any };
        it.update_slope();
        it
    }

    /// dtheta_k / dphi_k, the factor of the delta method: `se(theta_k) = slope_k se(phi_k)`.
    pub fn slope(&self) -> &[f64] {
        &self.slope
    }

    /// theta in the units of the inner energy.
    pub fn theta_of(&self, phi: &[f64]) -> Vec<f64> {
        phi.iter().zip(&self.positive).map(|(p, positive)| if *positive { p.exp() } else { *p }).collect()
    }

    fn update_slope(&mut self) {
        let mut theta = vec![0.0; self.positive.len()];
        self.inner.read_theta(&mut theta);
        for k in 0..theta.len() {
            self.slope[k] = if self.positive[k] { theta[k] } else { 1.0 };
        }
    }

    /// Adds `slope_k g_k` to `out`, where `add` adds `g` to its argument.
    fn chain_rule(&self, out: &mut [f64], add: impl FnOnce(&mut [f64])) {
        if !self.any {
            return add(out);
        }
        let mut g = vec![0.0; out.len()];
        add(&mut g);
        for k in 0..out.len() {
            out[k] += self.slope[k] * g[k];
        }
    }
}

impl<E: Energy + ?Sized> Energy for Positive<'_, E> {
    fn space(&self) -> &Space {
        self.inner.space()
    }
    fn energy(&self, x: &Points, out: &mut [f64]) {
        self.inner.energy(x, out);
    }
    fn version(&self) -> u64 {
        self.inner.version()
    }
}

impl<E: Differentiable + ?Sized> Differentiable for Positive<'_, E> {
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        self.inner.energy_grad(x, e, grad);
    }
    fn grad(&self, x: &Points, grad: &mut Matrix<f64>) {
        self.inner.grad(x, grad);
    }
}

impl<E: Parametric + ?Sized> Parametric for Positive<'_, E> {
    fn n_theta(&self) -> usize {
        self.inner.n_theta()
    }
    fn theta_names(&self) -> Vec<String> {
        self.inner.theta_names()
    }
    fn read_theta(&self, out: &mut [f64]) {
        self.inner.read_theta(out);
        for (v, positive) in out.iter_mut().zip(&self.positive) {
            if *positive {
                *v = v.ln();
            }
        }
    }
    fn set_theta(&mut self, phi: &[f64]) {
        if self.any {
            let theta = self.theta_of(phi);
            self.inner.set_theta(&theta);
            self.update_slope();
        } else {
            self.inner.set_theta(phi);
        }
    }
    fn grad_theta(&self, x: &Points, w: &[f64], out: &mut [f64]) {
        self.chain_rule(out, |g| self.inner.grad_theta(x, w, g));
    }
    fn theta_features(&self, x: &Points, out: &mut Matrix<f64>) {
        self.inner.theta_features(x, out);
        if self.any {
            for k in 0..self.positive.len() {
                out.col_mut(k).iter_mut().for_each(|f| *f *= self.slope[k]);
            }
        }
    }
}

impl<E: Jet + ?Sized> Jet for Positive<'_, E> {
    fn jet(&self, x: &Points, v: &Matrix<f64>, e: &mut [f64], d1: &mut [f64], d2: &mut [f64]) {
        self.inner.jet(x, v, e, d1, d2);
    }
    fn grad_theta_jet(&self, x: &Points, v: &Matrix<f64>, w: [&[f64]; 3], out: &mut [f64]) {
        self.chain_rule(out, |g| self.inner.grad_theta_jet(x, v, w, g));
    }
}
