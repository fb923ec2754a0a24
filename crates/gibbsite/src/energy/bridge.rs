//! A path between two energies: what tempering and annealed estimates walk along.

use super::{Differentiable, Discrete, Energy};
use crate::kernel::Cache;
use crate::points::{Matrix, Points, Space};
use crate::scratch;
use crate::simd::simd_fn;

/// `E_beta(x) = (1 - beta) E_from(x) + beta E_to(x)`: the geometric path `p_from^(1 - beta) p_to^beta` between two densities.
///
/// An end with weight 0 is not evaluated, so that `0 * inf = 0`: at `beta = 0` the support is that of `from`, at `beta = 1`
/// that of `to`, in between their intersection.
#[derive(Clone, Debug)]
pub struct Bridge<A, B> {
    from: A,
    to: B,
    beta: f64,
    n_changes: u64,
}

impl<A: Energy, B: Energy> Bridge<A, B> {
    /// The point `beta` on the path; the space is that of `to`.
    ///
    /// # Panics
    /// If `beta` is not in `[0, 1]`, or the ends have different numbers of coordinates or labels of different arity.
    pub fn new(from: A, to: B, beta: f64) -> Self {
        assert_eq!(from.space().dim(), to.space().dim(), "the ends of a bridge must have the same coordinates");
        assert_eq!(from.space().labels, to.space().labels, "the ends of a bridge must have the same labels");
        assert!((0.0..=1.0).contains(&beta), "beta is {beta}, outside of [0, 1]");
        Self { from, to, beta, n_changes: 0 }
    }

    /// Where on the path: 0 is `from`, 1 is `to`.
    pub fn beta(&self) -> f64 {
        self.beta
    }

    /// Moves along the path; kernels must then refresh.
    ///
    /// # Panics
    /// If `beta` is not in `[0, 1]`.
    pub fn set_beta(&mut self, beta: f64) {
        assert!((0.0..=1.0).contains(&beta), "beta is {beta}, outside of [0, 1]");
        self.beta = beta;
        self.n_changes += 1;
    }

    /// Moves along the path to `beta` and takes along what a kernel has cached, without evaluating `to`: with `r = beta' / beta`
    /// both `E_beta' = r E_beta + (1 - r) E_from` and its gradient. `e_from` and `grad_from` are those of `from` at the same
    /// positions. Rounding errors grow with r.
    ///
    /// # Panics
    /// If `beta` is not in `[0, 1]`, or the path is at 0, where nothing is known of `to`.
    pub fn carry(&mut self, beta: f64, e_from: &[f64], grad_from: &Matrix<f64>, cache: Cache<'_>) {
        assert!(self.beta > 0.0, "at beta = 0 nothing is known of the other end");
        let share = 1.0 - beta / self.beta;
        self.set_beta(beta);
        mix_into(share, e_from, cache.energy);
        if cache.grad.n_cols() > 0 {
            mix_into(share, grad_from.as_slice(), cache.grad.as_mut_slice());
        }
        *cache.version = self.version();
        if cfg!(debug_assertions) {
            let mut fresh = vec![0.0; e_from.len()];
            self.energy(cache.x, &mut fresh);
            for ((now, carried), e_from) in fresh.iter().zip(cache.energy.iter()).zip(e_from) {
                let off = (now - carried).abs();
                assert!(!(off > 1e-6 * (1.0 + now.abs() + e_from.abs())), "carried {carried}, but it is {now}");
            }
        }
    }

    /// The two ends.
    pub fn ends(&self) -> (&A, &B) {
        (&self.from, &self.to)
    }

    /// Both energies, whatever `beta`: `e_from[i] = E_from(x_i)`, `e_to[i] = E_to(x_i)`, shapes `(n,)`.
    pub fn both(&self, x: &Points, e_from: &mut [f64], e_to: &mut [f64]) {
        self.from.energy(x, e_from);
        self.to.energy(x, e_to);
    }

    /// `E_beta` from the two energies of [`Bridge::both`].
    pub fn mix(&self, e_from: f64, e_to: f64) -> f64 {
        match self.beta {
            0.0 => e_from,
            1.0 => e_to,
            beta => beta.mul_add(e_to, (1.0 - beta) * e_from),
        }
    }
}

impl<A: Energy, B: Energy> Energy for Bridge<A, B> {
    fn space(&self) -> &Space {
        self.to.space()
    }

    fn energy(&self, x: &Points, out: &mut [f64]) {
        match self.beta {
            0.0 => self.from.energy(x, out),
            1.0 => self.to.energy(x, out),
            beta => {
                self.from.energy(x, out);
                scratch::with(out.len(), |e_to| {
                    self.to.energy(x, e_to);
                    mix_into(beta, e_to, out);
                });
            }
        }
    }

    fn version(&self) -> u64 {
        let ends = self.from.version().wrapping_add(self.to.version().rotate_left(32));
        ends.wrapping_add(self.n_changes.rotate_left(48))
    }
}

impl<A: Differentiable, B: Differentiable> Differentiable for Bridge<A, B> {
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        match self.beta {
            0.0 => self.from.energy_grad(x, e, grad),
            1.0 => self.to.energy_grad(x, e, grad),
            beta => {
                self.from.energy_grad(x, e, grad);
                scratch::with(e.len(), |e_to| {
                    scratch::with_matrix(grad.n_rows(), grad.n_cols(), |grad_to| {
                        self.to.energy_grad(x, e_to, grad_to);
                        mix_into(beta, e_to, e);
                        mix_into(beta, grad_to.as_slice(), grad.as_mut_slice());
                    });
                });
            }
        }
    }

    fn grad(&self, x: &Points, grad: &mut Matrix<f64>) {
        match self.beta {
            0.0 => self.from.grad(x, grad),
            1.0 => self.to.grad(x, grad),
            beta => {
                self.from.grad(x, grad);
                scratch::with_matrix(grad.n_rows(), grad.n_cols(), |grad_to| {
                    self.to.grad(x, grad_to);
                    mix_into(beta, grad_to.as_slice(), grad.as_mut_slice());
                });
            }
        }
    }
}

impl<A: Discrete, B: Discrete> Discrete for Bridge<A, B> {
    /// Those of one end, where the other couples nothing or has the same.
    ///
    /// # Panics
    /// If both ends couple labels, each others.
    fn blocks(&self) -> &[Vec<usize>] {
        let (from, to) = (self.from.blocks(), self.to.blocks());
        let couples_nothing = |blocks: &[Vec<usize>]| blocks.len() == 1;
        assert!(couples_nothing(from) || couples_nothing(to) || from == to, "both ends couple labels, each others");
        if couples_nothing(to) { from } else { to }
    }

    fn logits(&self, x: &Points, sites: &[usize], out: &mut Matrix<f64>) {
        match self.beta {
            0.0 => self.from.logits(x, sites, out),
            1.0 => self.to.logits(x, sites, out),
            beta => {
                self.from.logits(x, sites, out);
                scratch::with_matrix(out.n_rows(), out.n_cols(), |to| {
                    self.to.logits(x, sites, to);
                    mix_into(beta, to.as_slice(), out.as_mut_slice());
                });
            }
        }
    }

    fn slopes(&self, x: &Points, out: &mut Matrix<f64>) {
        match self.beta {
            0.0 => self.from.slopes(x, out),
            1.0 => self.to.slopes(x, out),
            beta => {
                self.from.slopes(x, out);
                scratch::with_matrix(out.n_rows(), out.n_cols(), |to| {
                    self.to.slopes(x, to);
                    mix_into(beta, to.as_slice(), out.as_mut_slice());
                });
            }
        }
    }
}

simd_fn! {
    /// `a = (1 - beta) a + beta b`.
    fn mix_into(beta: f64, b: &[f64], a: &mut [f64]) {
        for (a, b) in a.iter_mut().zip(b) {
            *a = beta.mul_add(*b, (1.0 - beta) * *a);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::transformed::tests::Gamma;
    use super::*;
    use crate::energy::formula::Formula;

    #[test]
    fn is_the_weighted_sum_with_its_gradient() {
        let (a, b) = (Formula::parse("x^2/2 + y^4").unwrap(), Formula::parse("cosh(x*y) - y").unwrap());
        let x = Points::from_rows(&[[0.5, -1.0], [2.0, 0.25], [-1.5, 0.0]]);
        let (mut e_from, mut e_to, mut e) = ([0.0; 3], [0.0; 3], [0.0; 3]);
        let (mut g, mut ga, mut gb) = (Matrix::new(3, 2), Matrix::new(3, 2), Matrix::new(3, 2));
        a.grad(&x, &mut ga);
        b.grad(&x, &mut gb);
        for beta in [0.0, 0.3, 1.0] {
            let bridge = Bridge::new(&a, &b, beta);
            bridge.both(&x, &mut e_from, &mut e_to);
            bridge.energy_grad(&x, &mut e, &mut g);
            for i in 0..3 {
                let expected = (1.0 - beta) * e_from[i] + beta * e_to[i];
                assert!((e[i] - expected).abs() < 1e-13);
                assert_eq!(e[i], bridge.mix(e_from[i], e_to[i]));
                for j in 0..2 {
                    let slope = (1.0 - beta) * ga.get(i, j) + beta * gb.get(i, j);
                    assert!((g.get(i, j) - slope).abs() < 1e-13);
                }
            }
            let (mut energy_alone, mut grad_alone) = ([0.0; 3], Matrix::new(3, 2));
            bridge.energy(&x, &mut energy_alone);
            bridge.grad(&x, &mut grad_alone);
            assert_eq!((energy_alone, grad_alone), (e, g.clone()));
        }
    }

    #[test]
    fn carried_values_are_those_of_the_new_level() {
        let (a, b) = (Formula::parse("x^2/2 + y^4").unwrap(), Formula::parse("cosh(x*y) - y").unwrap());
        let x = Points::from_rows(&[[0.5, -1.0], [2.0, 0.25], [-1.5, 0.0]]);
        let (mut e, mut g) = (vec![0.0; 3], Matrix::new(3, 2));
        let (mut e_from, mut g_from) = (vec![0.0; 3], Matrix::new(3, 2));
        let (mut fresh, mut g_fresh) = (vec![0.0; 3], Matrix::new(3, 2));
        a.energy_grad(&x, &mut e_from, &mut g_from);
        let mut bridge = Bridge::new(&a, &b, 0.4);
        bridge.energy_grad(&x, &mut e, &mut g);
        for beta in [0.6, 1.0, 0.5] {
            let before = bridge.version();
            let mut version = before;
            let cache = Cache { x: &x, energy: &mut e, grad: &mut g, version: &mut version };
            bridge.carry(beta, &e_from, &g_from, cache);
            assert!(version == bridge.version() && version != before);
            bridge.energy_grad(&x, &mut fresh, &mut g_fresh);
            for (carried, fresh) in e.iter().chain(g.as_slice()).zip(fresh.iter().chain(g_fresh.as_slice())) {
                assert!((carried - fresh).abs() < 1e-13 * (1.0 + fresh.abs()), "{beta}: {carried} {fresh}");
            }
        }
    }

    #[test]
    fn nothing_of_infinity_is_nothing() {
        // The energy of a gamma density is infinite at -1.
        let gamma = Gamma::new(3.0);
        let flat = Formula::parse("x^2").unwrap();
        let x = Points::from_rows(&[[-1.0]]);
        let mut bridge = Bridge::new(&flat, &gamma, 0.0);
        let mut e = [0.0];
        bridge.energy(&x, &mut e);
        assert_eq!(e, [1.0]);
        let before = bridge.version();
        bridge.set_beta(0.25);
        assert_ne!(bridge.version(), before);
        bridge.energy(&x, &mut e);
        assert_eq!((e, bridge.beta()), ([f64::INFINITY], 0.25));
    }
}
