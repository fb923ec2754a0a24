//! The fully visible Boltzmann machine: pairs of two-valued units.

use super::couplings::{Couplings, Edge};
use super::{Discrete, Energy, Pairwise, Parametric};
use crate::points::{Matrix, Points, Space, Values};
use crate::scratch;
use crate::simd::simd_fn;

/// `E(u) = -sum_{i<j} J_ij u_i u_j - sum_i h_i u_i` over pairs that are coupled (Ackley, Hinton and Sejnowski 1985, "A learning
/// algorithm for Boltzmann machines"; with values -1 and 1 the Ising model, see [`super::ising`]).
///
/// theta: the couplings in the order they were given, then the biases h.
#[derive(Clone, Debug, PartialEq)]
pub struct Boltzmann {
    space: Space,
    couplings: Couplings,
    bias: Vec<f64>,
    n_changes: u64,
}

impl Boltzmann {
    /// Units with these two `values`, biases `(d,)`, and couplings.
    ///
    /// # Errors
    /// [`super::couplings::EdgeError`].
    ///
    /// # Panics
    /// For values that are not two.
    pub fn new(values: &Values, edges: &[Edge], bias: Vec<f64>) -> Result<Self, super::couplings::EdgeError> {
        assert_eq!(values.arity(), 2, "units of a Boltzmann machine have two values");
        let couplings = Couplings::new(bias.len(), edges)?;
        Ok(Self { space: Space::labelled(bias.len(), values), couplings, bias, n_changes: 0 })
    }

    /// The biases h.
    pub fn bias(&self) -> &[f64] {
        &self.bias
    }

    /// The two values, the same of all units.
    pub fn values(&self) -> [f64; 2] {
        let values = &self.space.labels[0];
        [values.get(0), values.get(1)]
    }

    /// `out[i] = h_site + sum_j J u_j`, over neighbours j below `end`.
    fn field(&self, x: &Points, site: usize, end: usize, out: &mut [f64]) {
        let [low, high] = self.values();
        let neighbours = || self.couplings.of(site).filter(|(other, _)| *other < end);
        out.fill(neighbours().fold(self.bias[site], |h, (_, weight)| weight.mul_add(low, h)));
        for (other, weight) in neighbours() {
            add_labels(weight * (high - low), x.label.col(other), out);
        }
    }
}

impl Energy for Boltzmann {
    fn space(&self) -> &Space {
        &self.space
    }

    fn energy(&self, x: &Points, out: &mut [f64]) {
        let [low, high] = self.values();
        out.fill(0.0);
        scratch::with(x.n(), |field| {
            for site in 0..self.bias.len() {
                self.field(x, site, site, field);
                subtract_product([low, high], x.label.col(site), field, out);
            }
        });
    }

    fn version(&self) -> u64 {
        self.n_changes
    }
}

super::no_gradient!(Boltzmann);

impl Discrete for Boltzmann {
    fn blocks(&self) -> &[Vec<usize>] {
        self.couplings.blocks()
    }

    fn logits(&self, x: &Points, sites: &[usize], out: &mut Matrix<f64>) {
        let [low, high] = self.values();
        for (k, &site) in sites.iter().enumerate() {
            let out = out.col_mut(k);
            self.field(x, site, usize::MAX, out);
            out.iter_mut().for_each(|f| *f *= high - low);
        }
    }
}

/// In spins s of -1 and 1, `u = m + r s`: a pair has the coupling r^2 J, a site the bias `r (h + m sum_j J)`.
impl Pairwise for Boltzmann {
    fn couplings(&self) -> &Couplings {
        &self.couplings
    }

    fn log_pair(&self, weight: f64, a: u8, b: u8) -> f64 {
        let [low, high] = self.values();
        let r = 0.5 * (high - low);
        if a == b { r * r * weight } else { -r * r * weight }
    }

    fn log_site(&self, site: usize, label: u8) -> f64 {
        let [low, high] = self.values();
        let (m, r) = (0.5 * (low + high), 0.5 * (high - low));
        let field = self.couplings.of(site).fold(self.bias[site], |h, (_, weight)| m.mul_add(weight, h));
        if label == 0 { -r * field } else { r * field }
    }
}

impl Parametric for Boltzmann {
    fn n_theta(&self) -> usize {
        self.couplings.weights().len() + self.bias.len()
    }

    fn theta_names(&self) -> Vec<String> {
        let pair = |(i, j): (usize, usize)| format!("J_{}_{}", i + 1, j + 1);
        self.couplings.pairs().map(pair).chain((1..=self.bias.len()).map(|i| format!("h_{i}"))).collect()
    }

    fn read_theta(&self, out: &mut [f64]) {
        let (weights, bias) = out.split_at_mut(self.couplings.weights().len());
        weights.copy_from_slice(self.couplings.weights());
        bias.copy_from_slice(&self.bias);
    }

    fn set_theta(&mut self, theta: &[f64]) {
        let (weights, bias) = theta.split_at(self.couplings.weights().len());
        self.couplings.set_weights(weights);
        self.bias.copy_from_slice(bias);
        self.n_changes += 1;
    }

    fn grad_theta(&self, x: &Points, w: &[f64], out: &mut [f64]) {
        let (n_pairs, n) = (self.couplings.weights().len(), x.n());
        let values = self.values();
        let value = |i: usize, site: usize| values[usize::from(x.label.get(i, site))];
        for (out, (a, b)) in out.iter_mut().zip(self.couplings.pairs()) {
            *out -= (0..n).map(|i| w[i] * value(i, a) * value(i, b)).sum::<f64>();
        }
        for (site, out) in out[n_pairs..].iter_mut().enumerate() {
            *out -= (0..n).map(|i| w[i] * value(i, site)).sum::<f64>();
        }
    }

    fn theta_features(&self, x: &Points, out: &mut Matrix<f64>) {
        let n_pairs = self.couplings.weights().len();
        let values = self.values();
        let value = |i: usize, site: usize| values[usize::from(x.label.get(i, site))];
        for (k, (a, b)) in self.couplings.pairs().enumerate() {
            out.col_mut(k).iter_mut().enumerate().for_each(|(i, out)| *out = -value(i, a) * value(i, b));
        }
        for site in 0..self.bias.len() {
            out.col_mut(n_pairs + site).iter_mut().enumerate().for_each(|(i, out)| *out = -value(i, site));
        }
    }
}

simd_fn! {
    /// `out += weight * label`.
    fn add_labels(weight: f64, label: &[u8], out: &mut [f64]) {
        for (out, label) in out.iter_mut().zip(label) {
            *out = weight.mul_add(f64::from(*label), *out);
        }
    }
}

simd_fn! {
    /// `out -= value of the label * field`.
    fn subtract_product(values: [f64; 2], label: &[u8], field: &[f64], out: &mut [f64]) {
        let [low, high] = values;
        for i in 0..out.len() {
            let value = if label[i] == 0 { low } else { high };
            out[i] = (-value).mul_add(field[i], out[i]);
        }
    }
}
