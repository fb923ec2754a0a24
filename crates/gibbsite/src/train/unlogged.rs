//! Parameters that enter an energy as `exp(theta_k)` are coefficients in disguise: taken as `c_k = exp(theta_k)`, the energy is
//! linear in them, and what was a narrow curved valley in theta is one linear system.

use crate::energy::{Differentiable, Energy, Jet, Parametric};
use crate::points::{Matrix, Points, Space};

/// The energy of `inner` with parameters `c_k = exp(theta_k)` if `exponent[k]`, else `c_k = theta_k`;
/// so `dE/dc_k = dE/dtheta_k / c_k` or `dE/dtheta_k`. Negative `c_k` of an exponent make the energy NaN.
#[derive(Debug)]
pub(super) struct Unlogged<'a, E: ?Sized> {
    inner: &'a mut E,
    exponent: Vec<bool>,
    /// dtheta_k / dc_k.
    slope: Vec<f64>,
}

impl<'a, E: Parametric + ?Sized> Unlogged<'a, E> {
    /// Looks over the points `x` for parameters that are exponents.
    pub(super) fn new(inner: &'a mut E, x: &Points) -> Self {
        let exponent = exponents(inner, x);
        let mut it = Self { slope: vec![1.0; exponent.len()], inner, exponent };
        it.update_slope();
        it
    }

    /// Whether `theta_k` enters as an exponent.
    pub(super) fn is_exponent(&self, k: usize) -> bool {
        self.exponent[k]
    }

    fn update_slope(&mut self) {
        let mut theta = vec![0.0; self.exponent.len()];
        self.inner.read_theta(&mut theta);
        for k in 0..theta.len() {
            self.slope[k] = if self.exponent[k] { (-theta[k]).exp() } else { 1.0 };
        }
    }

    fn chain_rule(&self, out: &mut [f64], add: impl FnOnce(&mut [f64])) {
        let mut g = vec![0.0; out.len()];
        add(&mut g);
        out.iter_mut().zip(&self.slope).zip(g).for_each(|((o, s), g)| *o += s * g);
    }
}

/// Which statistics dE/dtheta_k double, and alone do so, when theta_k grows by log 2 (and halve when it falls).
fn exponents<E: Parametric + ?Sized>(energy: &mut E, x: &Points) -> Vec<bool> {
    let p = energy.n_theta();
    let mut theta = vec![0.0; p];
    energy.read_theta(&mut theta);
    let statistics = |energy: &E| {
        let mut f = Matrix::new(x.n(), p);
        energy.theta_features(x, &mut f);
        f
    };
    let here = statistics(energy);
    let mut found = vec![true; p];
    for k in 0..p {
        for sign in [1.0, -1.0] {
            let mut moved = theta.clone();
            moved[k] += sign * std::f64::consts::LN_2;
            energy.set_theta(&moved);
            let there = statistics(energy);
            for l in 0..p {
                let factor = if l == k { (sign * std::f64::consts::LN_2).exp() } else { 1.0 };
                let same = |(a, b): (&f64, &f64)| (b - factor * a).abs() <= 1e-12 * b.abs();
                found[k] &= here.col(l).iter().zip(there.col(l)).all(same);
            }
        }
        found[k] &= here.col(k).iter().any(|f| *f != 0.0);
    }
    energy.set_theta(&theta);
    found
}

impl<E: Energy + ?Sized> Energy for Unlogged<'_, E> {
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

impl<E: Differentiable + ?Sized> Differentiable for Unlogged<'_, E> {
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        self.inner.energy_grad(x, e, grad);
    }
}

impl<E: Parametric + ?Sized> Parametric for Unlogged<'_, E> {
    fn n_theta(&self) -> usize {
        self.inner.n_theta()
    }
    fn theta_names(&self) -> Vec<String> {
        self.inner.theta_names()
    }
    fn read_theta(&self, out: &mut [f64]) {
        self.inner.read_theta(out);
        out.iter_mut().zip(&self.exponent).filter(|(_, e)| **e).for_each(|(v, _)| *v = v.exp());
    }
    fn set_theta(&mut self, c: &[f64]) {
        let theta: Vec<f64> = c.iter().zip(&self.exponent).map(|(c, e)| if *e { c.ln() } else { *c }).collect();
        self.inner.set_theta(&theta);
        self.update_slope();
    }
    fn grad_theta(&self, x: &Points, w: &[f64], out: &mut [f64]) {
        self.chain_rule(out, |g| self.inner.grad_theta(x, w, g));
    }
    fn theta_features(&self, x: &Points, out: &mut Matrix<f64>) {
        self.inner.theta_features(x, out);
        for (k, s) in self.slope.iter().enumerate() {
            out.col_mut(k).iter_mut().for_each(|f| *f *= s);
        }
    }
}

impl<E: Jet + ?Sized> Jet for Unlogged<'_, E> {
    fn jet(&self, x: &Points, v: &Matrix<f64>, e: &mut [f64], d1: &mut [f64], d2: &mut [f64]) {
        self.inner.jet(x, v, e, d1, d2);
    }
    fn grad_theta_jet(&self, x: &Points, v: &Matrix<f64>, w: [&[f64]; 3], out: &mut [f64]) {
        self.chain_rule(out, |g| self.inner.grad_theta_jet(x, v, w, g));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::formula::Formula;

    #[test]
    fn finds_exponents_and_is_linear_in_them() {
        let x = Points::from_rows(&[[1.0], [-2.0], [0.5]]);
        let mut f = Formula::parse("exp(g)*x^4 + a*x^2 + exp(h)*(x-m)^2 + k^2*x").unwrap();
        f.set_theta(&[0.3, 0.7, 0.1, 0.2, 0.4]);
        let names = f.theta_names();
        let mut u = Unlogged::new(&mut f, &x);
        let exponents: Vec<&str> =
            names.iter().zip(&u.exponent).filter(|(_, e)| **e).map(|(n, _)| n.as_str()).collect();
        // The statistic of m changes with h.
        assert_eq!(exponents, ["g"]);
        let g = names.iter().position(|n| n == "g").unwrap();
        for c in [0.2, 3.0] {
            let mut theta = vec![0.0; 5];
            u.read_theta(&mut theta);
            theta[g] = c;
            u.set_theta(&theta);
            let mut grad = vec![0.0; 5];
            u.grad_theta(&x, &[1.0, 0.0, 1.0], &mut grad);
            assert!((grad[g] - 1.0625).abs() < 1e-12, "{grad:?}");
        }
    }
}
