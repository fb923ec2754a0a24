//! The energy of the visible units alone, the hidden ones summed out.

use super::{Rbm, add_statistics};
use crate::energy::{Discrete, Energy};
use crate::math::{logistic, rows_times, softplus};
use crate::points::{Matrix, Points, Space};
use crate::scratch;
use crate::simd::simd_fn;

/// `E(v) = -log sum_h exp(-E(v, h)) = -b(v) - sum_j softplus(c_j + W_j(v))`, the **free energy** (Freund and Haussler 1992). Its log Z is that of the
/// joint energy.
#[derive(Clone, Debug)]
pub struct Marginal<'a> {
    rbm: &'a Rbm,
    space: Space,
    /// Each unit alone: hidden units couple all.
    blocks: Vec<Vec<usize>>,
}

impl<'a> Marginal<'a> {
    pub(super) fn new(rbm: &'a Rbm) -> Self {
        let n = rbm.n_visible();
        let labels = rbm.space().labels[..n].to_vec();
        let space = Space { reals: Vec::new(), labels, names: rbm.space().names[..n].to_vec() };
        Self { rbm, space, blocks: (0..n).map(|i| vec![i]).collect() }
    }

    /// Adds `sum_i w_i dE(v_i)/dtheta` to `out`, theta that of the machine: with hidden units as they are expected.
    pub fn grad_theta(&self, x: &Points, w: &[f64], out: &mut [f64]) {
        let (n_rows, n_hidden) = (self.rbm.w.n_rows(), self.rbm.n_hidden());
        scratch::with_matrix(x.n(), n_hidden, |z| {
            self.rbm.hidden_fields(&x.label, z);
            let hidden = |i: usize, j: usize| logistic(z.get(i, j));
            add_statistics(self.rbm, &x.label, &hidden, w, out, (n_rows, n_hidden));
        });
    }
}

impl Energy for Marginal<'_> {
    fn space(&self) -> &Space {
        &self.space
    }

    fn energy(&self, x: &Points, out: &mut [f64]) {
        out.fill(0.0);
        self.rbm.subtract_visible_bias(&x.label, out);
        scratch::with_matrix(x.n(), self.rbm.n_hidden(), |z| {
            self.rbm.hidden_fields(&x.label, z);
            for j in 0..self.rbm.n_hidden() {
                subtract_softplus(z.col(j), out);
            }
        });
    }

    fn version(&self) -> u64 {
        self.rbm.version()
    }
}

crate::energy::no_gradient!(Marginal<'_>);

impl Discrete for Marginal<'_> {
    fn blocks(&self) -> &[Vec<usize>] {
        &self.blocks
    }

    fn logits(&self, x: &Points, sites: &[usize], out: &mut Matrix<f64>) {
        let Rbm { w, visible_bias, first_row, .. } = self.rbm;
        scratch::with_matrix(x.n(), self.rbm.n_hidden(), |z| {
            self.rbm.hidden_fields(&x.label, z);
            let mut k = 0;
            for &site in sites {
                let label = x.label.col(site);
                let rows = first_row[site]..first_row[site + 1];
                for row in rows.clone() {
                    out.col_mut(k + row - rows.start).fill(visible_bias[row]);
                }
                for j in 0..self.rbm.n_hidden() {
                    for (i, z) in z.col(j).iter().enumerate() {
                        // Without what the unit itself says.
                        let rest = z - self.rbm.row(site, label[i]).map_or(0.0, |row| w.get(row, j));
                        let first = softplus(rest);
                        for row in rows.clone() {
                            let at = k + row - rows.start;
                            out.set(i, at, out.get(i, at) + softplus(rest + w.get(row, j)) - first);
                        }
                    }
                }
                k += rows.len();
            }
        });
    }

    /// To first order, as Grathwohl et al. 2021 do: `b + W E[h | v]`, a product in place of a softplus for each pair of units.
    fn slopes(&self, x: &Points, out: &mut Matrix<f64>) {
        let Rbm { w_turned, visible_bias, .. } = self.rbm;
        scratch::with_matrix(x.n(), self.rbm.n_hidden(), |z| {
            self.rbm.hidden_fields(&x.label, z);
            z.as_mut_slice().iter_mut().for_each(|z| *z = logistic(*z));
            rows_times(x.n(), z.as_slice(), w_turned, out.as_mut_slice());
        });
        for (row, b) in visible_bias.iter().enumerate() {
            out.col_mut(row).iter_mut().for_each(|z| *z += b);
        }
    }
}

simd_fn! {
    /// `out -= softplus(z)`.
    fn subtract_softplus(z: &[f64], out: &mut [f64]) {
        for (out, z) in out.iter_mut().zip(z) {
            *out -= softplus(*z);
        }
    }
}
