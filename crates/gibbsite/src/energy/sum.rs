//! The sum of two energies: the product of their densities.

use super::{Differentiable, Energy, Jet, Parametric};
use crate::points::{Matrix, Points, Space};
use crate::scratch;

/// `A(x) + B(x)` on one space. The parameters are those of `A`, then those of `B`.
#[derive(Clone, Debug)]
pub struct Sum<A, B> {
    a: A,
    b: B,
}

impl<A: Energy, B: Energy> Sum<A, B> {
    /// The sum; the space is that of `a`.
    ///
    /// # Panics
    /// If the two have different numbers of coordinates or labels of different arity.
    pub fn new(a: A, b: B) -> Self {
        assert_eq!(a.space().dim(), b.space().dim(), "the parts of a sum must have the same coordinates");
        assert_eq!(a.space().labels, b.space().labels, "the parts of a sum must have the same labels");
        Self { a, b }
    }

    /// The two parts.
    pub fn parts(&self) -> (&A, &B) {
        (&self.a, &self.b)
    }
}

fn add(to: &mut [f64], from: &[f64]) {
    to.iter_mut().zip(from).for_each(|(t, f)| *t += f);
}

impl<A: Energy, B: Energy> Energy for Sum<A, B> {
    fn space(&self) -> &Space {
        self.a.space()
    }

    fn energy(&self, x: &Points, out: &mut [f64]) {
        self.a.energy(x, out);
        scratch::with(out.len(), |e| {
            self.b.energy(x, e);
            add(out, e);
        });
    }

    fn version(&self) -> u64 {
        self.a.version().wrapping_add(self.b.version().rotate_left(32))
    }
}

impl<A: Differentiable, B: Differentiable> Differentiable for Sum<A, B> {
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        self.a.energy_grad(x, e, grad);
        scratch::with(e.len(), |eb| {
            scratch::with_matrix(grad.n_rows(), grad.n_cols(), |gb| {
                self.b.energy_grad(x, eb, gb);
                add(e, eb);
                add(grad.as_mut_slice(), gb.as_slice());
            });
        });
    }

    fn grad(&self, x: &Points, grad: &mut Matrix<f64>) {
        self.a.grad(x, grad);
        scratch::with_matrix(grad.n_rows(), grad.n_cols(), |gb| {
            self.b.grad(x, gb);
            add(grad.as_mut_slice(), gb.as_slice());
        });
    }

    fn components(&self) -> Vec<Box<dyn Differentiable + '_>> {
        let (a, b) = (self.a.components().into_iter(), self.b.components().into_iter());
        let of_a = a.map(|c| Box::new(Sum::new(c, &self.b)) as Box<dyn Differentiable + '_>);
        let of_b = b.map(|c| Box::new(Sum::new(&self.a, c)) as Box<dyn Differentiable + '_>);
        of_a.chain(of_b).collect()
    }
}

impl<A: Parametric, B: Parametric> Parametric for Sum<A, B> {
    fn n_theta(&self) -> usize {
        self.a.n_theta() + self.b.n_theta()
    }

    fn theta_names(&self) -> Vec<String> {
        let mut names = self.a.theta_names();
        names.extend(self.b.theta_names());
        names
    }

    fn read_theta(&self, out: &mut [f64]) {
        let (a, b) = out.split_at_mut(self.a.n_theta());
        self.a.read_theta(a);
        self.b.read_theta(b);
    }

    fn set_theta(&mut self, theta: &[f64]) {
        let (a, b) = theta.split_at(self.a.n_theta());
        self.a.set_theta(a);
        self.b.set_theta(b);
    }

    fn grad_theta(&self, x: &Points, w: &[f64], out: &mut [f64]) {
        let (a, b) = out.split_at_mut(self.a.n_theta());
        self.a.grad_theta(x, w, a);
        self.b.grad_theta(x, w, b);
    }

    fn theta_features(&self, x: &Points, out: &mut Matrix<f64>) {
        let n_a = self.a.n_theta();
        scratch::with_matrix(x.n(), n_a, |part| {
            self.a.theta_features(x, part);
            (0..n_a).for_each(|k| out.col_mut(k).copy_from_slice(part.col(k)));
        });
        let n_b = self.b.n_theta();
        scratch::with_matrix(x.n(), n_b, |part| {
            self.b.theta_features(x, part);
            (0..n_b).for_each(|k| out.col_mut(n_a + k).copy_from_slice(part.col(k)));
        });
    }
}

impl<A: Jet, B: Jet> Jet for Sum<A, B> {
    fn jet(&self, x: &Points, v: &Matrix<f64>, e: &mut [f64], d1: &mut [f64], d2: &mut [f64]) {
        self.a.jet(x, v, e, d1, d2);
        let n = x.n();
        scratch::with(3 * n, |part| {
            let (eb, rest) = part.split_at_mut(n);
            let (d1b, d2b) = rest.split_at_mut(n);
            self.b.jet(x, v, eb, d1b, d2b);
            add(e, eb);
            add(d1, d1b);
            add(d2, d2b);
        });
    }

    fn grad_theta_jet(&self, x: &Points, v: &Matrix<f64>, w: [&[f64]; 3], out: &mut [f64]) {
        let (a, b) = out.split_at_mut(self.a.n_theta());
        self.a.grad_theta_jet(x, v, w, a);
        self.b.grad_theta_jet(x, v, w, b);
    }
}

#[cfg(test)]
mod tests {
    use super::super::transformed::tests::Gamma;
    use super::*;

    #[test]
    fn adds_values_and_hands_slices_of_theta_to_the_parts() {
        let mut sum = Sum::new(Gamma::new(3.0), Gamma::new(2.0));
        let x = Points::from_rows(&[[1.5], [0.3]]);
        let (mut e, mut grad) = ([0.0; 2], Matrix::new(2, 1));
        sum.energy_grad(&x, &mut e, &mut grad);
        assert!((e[0] - (3.0 - 3.0 * 1.5f64.ln())).abs() < 1e-15);
        assert!((grad.get(1, 0) - (2.0 - 3.0 / 0.3)).abs() < 1e-13);
        assert_eq!(sum.n_theta(), 2);
        let before = sum.version();
        sum.set_theta(&[5.0, 4.0]);
        assert_ne!(sum.version(), before);
        let mut theta = [0.0; 2];
        sum.read_theta(&mut theta);
        assert_eq!(theta, [5.0, 4.0]);
        let mut features = Matrix::new(2, 2);
        sum.theta_features(&x, &mut features);
        let mut g = [0.0; 2];
        sum.grad_theta(&x, &[1.0, -2.0], &mut g);
        for k in 0..2 {
            assert!((g[k] - (features.get(0, k) - 2.0 * features.get(1, k))).abs() < 1e-15);
        }
    }
}
