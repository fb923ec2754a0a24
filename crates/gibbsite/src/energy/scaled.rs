//! An energy times an inverse temperature.

use super::couplings::Couplings;
use super::{Differentiable, Discrete, Energy, Jet, Pairwise, Parametric, Part};
use crate::points::{Matrix, Points, Space};
use crate::scratch;

/// `beta E(x)`: p(x) to the power beta, flatter below 1, sharper above. The parameters are those of `inner`.
#[derive(Clone, Debug)]
pub struct Scaled<E> {
    inner: E,
    beta: f64,
    n_changes: u64,
}

impl<E: Energy> Scaled<E> {
    /// `beta inner`. With `beta = 0` the energy is 0 wherever that of `inner` is finite or `+inf` (0 * inf = 0).
    pub fn new(inner: E, beta: f64) -> Self {
        Self { inner, beta, n_changes: 0 }
    }

    /// The inverse temperature.
    pub fn beta(&self) -> f64 {
        self.beta
    }

    /// Sets the inverse temperature; kernels must then refresh.
    pub fn set_beta(&mut self, beta: f64) {
        self.beta = beta;
        self.n_changes += 1;
    }

    /// The energy that is scaled.
    pub fn inner(&self) -> &E {
        &self.inner
    }

    /// `beta v`, where `0 * inf = 0`; NaN stays.
    fn scale(&self, v: f64) -> f64 {
        if self.beta == 0.0 && v.is_infinite() { 0.0 } else { self.beta * v }
    }

    fn scale_all(&self, values: &mut [f64]) {
        values.iter_mut().for_each(|v| *v = self.scale(*v));
    }
}

impl<E: Energy> Energy for Scaled<E> {
    fn space(&self) -> &Space {
        self.inner.space()
    }

    fn energy(&self, x: &Points, out: &mut [f64]) {
        self.inner.energy(x, out);
        self.scale_all(out);
    }

    fn parts(&self) -> Vec<Part> {
        let scaled = |p: Part| Part { energy: Box::new(Scaled::new(p.energy, self.beta)), ..p };
        self.inner.parts().into_iter().map(scaled).collect()
    }

    fn landmarks(&self) -> Vec<f64> {
        self.inner.landmarks()
    }

    fn version(&self) -> u64 {
        self.inner.version().wrapping_add(self.n_changes << 32)
    }
}

impl<E: Differentiable> Differentiable for Scaled<E> {
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        self.inner.energy_grad(x, e, grad);
        self.scale_all(e);
        self.scale_all(grad.as_mut_slice());
    }

    fn grad(&self, x: &Points, grad: &mut Matrix<f64>) {
        self.inner.grad(x, grad);
        self.scale_all(grad.as_mut_slice());
    }

    fn components(&self) -> Vec<Box<dyn Differentiable + '_>> {
        let scaled = |c| Box::new(Scaled::new(c, self.beta)) as Box<dyn Differentiable + '_>;
        self.inner.components().into_iter().map(scaled).collect()
    }
}

impl<E: Discrete> Discrete for Scaled<E> {
    fn blocks(&self) -> &[Vec<usize>] {
        self.inner.blocks()
    }

    fn logits(&self, x: &Points, sites: &[usize], out: &mut Matrix<f64>) {
        self.inner.logits(x, sites, out);
        self.scale_all(out.as_mut_slice());
    }

    fn slopes(&self, x: &Points, out: &mut Matrix<f64>) {
        self.inner.slopes(x, out);
        self.scale_all(out.as_mut_slice());
    }
}

impl<E: Pairwise> Pairwise for Scaled<E> {
    fn couplings(&self) -> &Couplings {
        self.inner.couplings()
    }

    fn log_pair(&self, weight: f64, a: u8, b: u8) -> f64 {
        self.scale(self.inner.log_pair(weight, a, b))
    }

    fn log_site(&self, site: usize, label: u8) -> f64 {
        self.scale(self.inner.log_site(site, label))
    }
}

impl<E: Parametric> Parametric for Scaled<E> {
    fn n_theta(&self) -> usize {
        self.inner.n_theta()
    }

    fn theta_names(&self) -> Vec<String> {
        self.inner.theta_names()
    }

    fn read_theta(&self, out: &mut [f64]) {
        self.inner.read_theta(out);
    }

    fn set_theta(&mut self, theta: &[f64]) {
        self.inner.set_theta(theta);
    }

    fn grad_theta(&self, x: &Points, w: &[f64], out: &mut [f64]) {
        scratch::with(w.len(), |scaled| {
            scaled.iter_mut().zip(w).for_each(|(s, w)| *s = self.beta * w);
            self.inner.grad_theta(x, scaled, out);
        });
    }

    fn theta_features(&self, x: &Points, out: &mut Matrix<f64>) {
        self.inner.theta_features(x, out);
        self.scale_all(out.as_mut_slice());
    }
}

impl<E: Jet> Jet for Scaled<E> {
    fn jet(&self, x: &Points, v: &Matrix<f64>, e: &mut [f64], d1: &mut [f64], d2: &mut [f64]) {
        self.inner.jet(x, v, e, d1, d2);
        [e, d1, d2].into_iter().for_each(|values| self.scale_all(values));
    }

    fn grad_theta_jet(&self, x: &Points, v: &Matrix<f64>, w: [&[f64]; 3], out: &mut [f64]) {
        let n = x.n();
        scratch::with(3 * n, |scaled| {
            for (s, w) in scaled.chunks_mut(n.max(1)).zip(w) {
                s.iter_mut().zip(w).for_each(|(s, w)| *s = self.beta * w);
            }
            let (w0, rest) = scaled.split_at(n);
            let (w1, w2) = rest.split_at(n);
            self.inner.grad_theta_jet(x, v, [w0, w1, w2], out);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::transformed::tests::Gamma;
    use super::*;

    #[test]
    fn scales_values_and_gradients_and_keeps_zero_times_infinity_zero() {
        let mut energy = Scaled::new(Gamma::new(3.0), 0.5);
        let x = Points::from_rows(&[[2.0], [-1.0]]);
        let (mut e, mut grad) = ([0.0; 2], Matrix::new(2, 1));
        energy.energy_grad(&x, &mut e, &mut grad);
        assert_eq!(e[0], 0.5 * (2.0 - 2.0 * 2.0f64.ln()));
        assert_eq!(e[1], f64::INFINITY);
        assert_eq!(grad.get(0, 0), 0.0);
        let mut g = [0.0];
        energy.grad_theta(&x.rows(0, 1), &[2.0], &mut g);
        assert_eq!(g[0], -(2.0f64.ln()));
        let before = energy.version();
        energy.set_beta(0.0);
        assert_ne!(energy.version(), before);
        energy.energy(&x, &mut e);
        assert_eq!(e, [0.0, 0.0]);
    }
}
