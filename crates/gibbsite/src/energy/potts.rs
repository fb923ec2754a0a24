//! The Potts model (Potts 1952): sites of q colours, of which equal neighbours are rewarded.

use super::couplings::{Couplings, Edge, EdgeError};
use super::{Discrete, Energy, Pairwise};
use crate::points::{Matrix, Points, Space, Values};

/// `E(s) = -sum_{i<j} J_ij [s_i = s_j] - sum_i h_i(s_i)` over pairs that are coupled.
#[derive(Clone, Debug, PartialEq)]
pub struct Potts {
    space: Space,
    couplings: Couplings,
    field: Matrix<f64>,
}

impl Potts {
    /// Couplings, and the field h of each site and colour, `(d, q)`.
    ///
    /// # Errors
    /// [`EdgeError`].
    ///
    /// # Panics
    /// Unless q is 2 to 256.
    pub fn new(edges: &[Edge], field: Matrix<f64>) -> Result<Self, EdgeError> {
        let couplings = Couplings::new(field.n_rows(), edges)?;
        Ok(Self { space: Space::labelled(field.n_rows(), &Values::count(field.n_cols())), couplings, field })
    }

    /// The field h, `(d, q)`.
    pub fn field(&self) -> &Matrix<f64> {
        &self.field
    }
}

impl Energy for Potts {
    fn space(&self) -> &Space {
        &self.space
    }

    fn energy(&self, x: &Points, out: &mut [f64]) {
        out.fill(0.0);
        for ((a, b), weight) in self.couplings.pairs().zip(self.couplings.weights()) {
            for ((out, a), b) in out.iter_mut().zip(x.label.col(a)).zip(x.label.col(b)) {
                *out -= if a == b { *weight } else { 0.0 };
            }
        }
        for site in 0..self.field.n_rows() {
            for (out, s) in out.iter_mut().zip(x.label.col(site)) {
                *out -= self.field.get(site, usize::from(*s));
            }
        }
    }
}

super::no_gradient!(Potts);

impl Discrete for Potts {
    fn blocks(&self) -> &[Vec<usize>] {
        self.couplings.blocks()
    }

    fn logits(&self, x: &Points, sites: &[usize], out: &mut Matrix<f64>) {
        let q = self.field.n_cols();
        for (k, &site) in sites.iter().enumerate() {
            let first = k * (q - 1);
            for value in 1..q {
                out.col_mut(first + value - 1).fill(self.field.get(site, value) - self.field.get(site, 0));
            }
            for (other, weight) in self.couplings.of(site) {
                for (i, s) in x.label.col(other).iter().enumerate() {
                    match usize::from(*s) {
                        0 => (first..first + q - 1).for_each(|k| out.set(i, k, out.get(i, k) - weight)),
                        s => out.set(i, first + s - 1, out.get(i, first + s - 1) + weight),
                    }
                }
            }
        }
    }
}

impl Pairwise for Potts {
    fn couplings(&self) -> &Couplings {
        &self.couplings
    }

    fn log_pair(&self, weight: f64, a: u8, b: u8) -> f64 {
        if a == b { weight } else { 0.0 }
    }

    fn log_site(&self, site: usize, label: u8) -> f64 {
        self.field.get(site, usize::from(label))
    }
}
