//! Restricted Boltzmann machines (Smolensky 1986; Hinton 2002): visible units, hidden ones, and nothing coupled within a layer.

mod marginal;

pub use marginal::Marginal;

use super::{Discrete, Energy, Parametric};
use crate::math::rows_times;
use crate::points::{Matrix, Points, Space, Values};
use crate::scratch;

/// The joint energy of visible labels v and hidden bits h,
/// `E(v, h) = -sum_i b_i(v_i) - sum_j c_j h_j - sum_ij W_ij(v_i) h_j`.
///
/// A visible unit of q values has q - 1 **rows** of W and b, one for each value but the first, whose weights and bias are 0: so
/// nothing is counted twice, and a unit of two values has one row, as usual. The labels are v, then h. [`Rbm::marginal`] is the
/// energy of v alone.
///
/// theta: W row by row, then b, then c.
#[derive(Clone, Debug, PartialEq)]
pub struct Rbm {
    space: Space,
    /// Shape `(n_rows, n_hidden)`, and turned round.
    w: Matrix<f64>,
    w_turned: Matrix<f64>,
    visible_bias: Vec<f64>,
    hidden_bias: Vec<f64>,
    /// Where the rows of each visible unit begin, and where those of the last end.
    first_row: Vec<usize>,
    blocks: Vec<Vec<usize>>,
    n_changes: u64,
}

impl Rbm {
    /// Visible units of these `values`, weights `(n_rows, n_hidden)`, biases of the rows and of the hidden units.
    ///
    /// # Panics
    /// If the shapes do not fit together.
    pub fn new(visible: Vec<Values>, w: Matrix<f64>, visible_bias: Vec<f64>, hidden_bias: Vec<f64>) -> Self {
        let (n_visible, n_hidden) = (visible.len(), hidden_bias.len());
        let mut first_row = vec![0];
        visible.iter().for_each(|v| first_row.push(first_row[first_row.len() - 1] + v.arity() - 1));
        let n_rows = first_row[n_visible];
        assert_eq!((w.n_rows(), w.n_cols()), (n_rows, n_hidden), "weights of other layers");
        assert_eq!(visible_bias.len(), n_rows, "one bias for each value of each visible unit but the first");
        let names = (1..=n_visible).map(|i| format!("v{i}")).chain((1..=n_hidden).map(|j| format!("h{j}")));
        let labels = visible.into_iter().chain(std::iter::repeat_n(Values::bits(), n_hidden));
        let space = Space { reals: Vec::new(), labels: labels.collect(), names: names.collect() };
        let blocks = vec![(0..n_visible).collect(), (n_visible..n_visible + n_hidden).collect()];
        let w_turned = Matrix::from_fn(n_hidden, n_rows, |j, i| w.get(i, j));
        Self { space, w, w_turned, visible_bias, hidden_bias, first_row, blocks, n_changes: 0 }
    }

    /// Visible bits.
    ///
    /// # Panics
    /// As [`Rbm::new`].
    pub fn binary(w: Matrix<f64>, visible_bias: Vec<f64>, hidden_bias: Vec<f64>) -> Self {
        Self::new(vec![Values::bits(); visible_bias.len()], w, visible_bias, hidden_bias)
    }

    /// Number of visible units.
    pub fn n_visible(&self) -> usize {
        self.first_row.len() - 1
    }

    /// Number of hidden units.
    pub fn n_hidden(&self) -> usize {
        self.hidden_bias.len()
    }

    /// The weights W, `(n_rows, n_hidden)`.
    pub fn w(&self) -> &Matrix<f64> {
        &self.w
    }

    /// The biases b of the rows.
    pub fn visible_bias(&self) -> &[f64] {
        &self.visible_bias
    }

    /// The biases c.
    pub fn hidden_bias(&self) -> &[f64] {
        &self.hidden_bias
    }

    /// The energy of the visible units alone.
    pub fn marginal(&self) -> Marginal<'_> {
        Marginal::new(self)
    }

    /// The row of a value of a visible unit; none of the first.
    fn row(&self, unit: usize, label: u8) -> Option<usize> {
        (label > 0).then(|| self.first_row[unit] + usize::from(label) - 1)
    }

    /// Which rows each point has, as zeros and ones.
    fn rows(&self, v: &Matrix<u8>, out: &mut Matrix<f64>) {
        for unit in 0..self.n_visible() {
            for row in self.first_row[unit]..self.first_row[unit + 1] {
                let value = (row - self.first_row[unit] + 1) as u8;
                let column = out.col_mut(row).iter_mut().zip(v.col(unit));
                column.for_each(|(out, label)| *out = f64::from(u8::from(*label == value)));
            }
        }
    }

    /// `out = c + W' v`: what the hidden units are told, `(n, n_hidden)`.
    pub fn hidden_fields(&self, v: &Matrix<u8>, out: &mut Matrix<f64>) {
        let n = v.n_rows();
        scratch::with_matrix(n, self.w.n_rows(), |rows| {
            self.rows(v, rows);
            rows_times(n, rows.as_slice(), &self.w, out.as_mut_slice());
        });
        for (j, c) in self.hidden_bias.iter().enumerate() {
            out.col_mut(j).iter_mut().for_each(|z| *z += c);
        }
    }

    /// `out = b + W h`: what the rows of the visible units are told by the hidden ones, labels from `first` on, `(n, n_rows)`.
    fn visible_fields(&self, x: &Matrix<u8>, first: usize, out: &mut Matrix<f64>) {
        let n = x.n_rows();
        scratch::with_matrix(n, self.n_hidden(), |h| {
            for j in 0..self.n_hidden() {
                h.col_mut(j).iter_mut().zip(x.col(first + j)).for_each(|(h, label)| *h = f64::from(*label));
            }
            rows_times(n, h.as_slice(), &self.w_turned, out.as_mut_slice());
        });
        for (row, b) in self.visible_bias.iter().enumerate() {
            out.col_mut(row).iter_mut().for_each(|z| *z += b);
        }
    }

    /// Subtracts `b(v)`.
    fn subtract_visible_bias(&self, v: &Matrix<u8>, out: &mut [f64]) {
        for unit in 0..self.n_visible() {
            for (out, label) in out.iter_mut().zip(v.col(unit)) {
                *out -= self.row(unit, *label).map_or(0.0, |row| self.visible_bias[row]);
            }
        }
    }
}

impl Energy for Rbm {
    fn space(&self) -> &Space {
        &self.space
    }

    fn energy(&self, x: &Points, out: &mut [f64]) {
        out.fill(0.0);
        self.subtract_visible_bias(&x.label, out);
        scratch::with_matrix(x.n(), self.n_hidden(), |z| {
            self.hidden_fields(&x.label, z);
            for j in 0..self.n_hidden() {
                let h = x.label.col(self.n_visible() + j);
                for ((out, z), h) in out.iter_mut().zip(z.col(j)).zip(h) {
                    *out -= z * f64::from(*h);
                }
            }
        });
    }

    fn version(&self) -> u64 {
        self.n_changes
    }
}

super::no_gradient!(Rbm);

impl Discrete for Rbm {
    fn blocks(&self) -> &[Vec<usize>] {
        &self.blocks
    }

    fn logits(&self, x: &Points, sites: &[usize], out: &mut Matrix<f64>) {
        let (n, n_visible) = (x.n(), self.n_visible());
        let mut k = 0;
        // Whole layers at once, and whatever else is asked for from them.
        let of_visible = |out: &mut Matrix<f64>| self.visible_fields(&x.label, n_visible, out);
        let of_hidden = |out: &mut Matrix<f64>| self.hidden_fields(&x.label, out);
        if sites == self.blocks[0].as_slice() {
            return of_visible(out);
        }
        if sites == self.blocks[1].as_slice() {
            return of_hidden(out);
        }
        scratch::with_matrix(n, self.w.n_rows(), |visible| {
            scratch::with_matrix(n, self.n_hidden(), |hidden| {
                if sites.iter().any(|s| *s < n_visible) {
                    of_visible(visible);
                }
                if sites.iter().any(|s| *s >= n_visible) {
                    of_hidden(hidden);
                }
                for &site in sites {
                    if site >= n_visible {
                        out.col_mut(k).copy_from_slice(hidden.col(site - n_visible));
                        k += 1;
                        continue;
                    }
                    for row in self.first_row[site]..self.first_row[site + 1] {
                        out.col_mut(k).copy_from_slice(visible.col(row));
                        k += 1;
                    }
                }
            });
        });
    }
}

impl Parametric for Rbm {
    fn n_theta(&self) -> usize {
        let (n_rows, n_hidden) = (self.w.n_rows(), self.n_hidden());
        n_rows * n_hidden + n_rows + n_hidden
    }

    fn theta_names(&self) -> Vec<String> {
        let (n_rows, n_hidden) = (self.w.n_rows(), self.n_hidden());
        let w = (1..=n_rows).flat_map(|i| (1..=n_hidden).map(move |j| format!("W_{i}_{j}")));
        w.chain((1..=n_rows).map(|i| format!("b_{i}"))).chain((1..=n_hidden).map(|j| format!("c_{j}"))).collect()
    }

    fn read_theta(&self, out: &mut [f64]) {
        let (n_rows, n_hidden) = (self.w.n_rows(), self.n_hidden());
        out[..n_rows * n_hidden].copy_from_slice(self.w_turned.as_slice());
        out[n_rows * n_hidden..][..n_rows].copy_from_slice(&self.visible_bias);
        out[n_rows * n_hidden + n_rows..].copy_from_slice(&self.hidden_bias);
    }

    fn set_theta(&mut self, theta: &[f64]) {
        let (n_rows, n_hidden) = (self.w.n_rows(), self.n_hidden());
        self.w_turned.as_mut_slice().copy_from_slice(&theta[..n_rows * n_hidden]);
        self.w = Matrix::from_fn(n_rows, n_hidden, |i, j| self.w_turned.get(j, i));
        self.visible_bias.copy_from_slice(&theta[n_rows * n_hidden..][..n_rows]);
        self.hidden_bias.copy_from_slice(&theta[n_rows * n_hidden + n_rows..]);
        self.n_changes += 1;
    }

    fn grad_theta(&self, x: &Points, w: &[f64], out: &mut [f64]) {
        let (n_rows, n_hidden, n_visible) = (self.w.n_rows(), self.n_hidden(), self.n_visible());
        let hidden = |i: usize, j: usize| f64::from(x.label.get(i, n_visible + j));
        add_statistics(self, &x.label, &hidden, w, out, (n_rows, n_hidden));
    }

    fn theta_features(&self, x: &Points, out: &mut Matrix<f64>) {
        features(self, x, out);
    }
}

/// Adds `sum_i w_i dE(x_i)/dtheta` to `out`, where `hidden` gives the hidden units, or what is expected of them.
fn add_statistics(
    rbm: &Rbm,
    v: &Matrix<u8>,
    hidden: &dyn Fn(usize, usize) -> f64,
    w: &[f64],
    out: &mut [f64],
    (n_rows, n_hidden): (usize, usize),
) {
    let (of_w, biases) = out.split_at_mut(n_rows * n_hidden);
    let (of_visible, of_hidden) = biases.split_at_mut(n_rows);
    for (i, w) in w.iter().enumerate() {
        let h: Vec<f64> = (0..n_hidden).map(|j| w * hidden(i, j)).collect();
        for unit in 0..rbm.n_visible() {
            if let Some(row) = rbm.row(unit, v.get(i, unit)) {
                of_visible[row] -= w;
                of_w[row * n_hidden..][..n_hidden].iter_mut().zip(&h).for_each(|(out, h)| *out -= h);
            }
        }
        of_hidden.iter_mut().zip(&h).for_each(|(out, h)| *out -= h);
    }
}

/// dE/dtheta of every point.
fn features<E: Parametric>(energy: &E, x: &Points, out: &mut Matrix<f64>) {
    let mut row = vec![0.0; energy.n_theta()];
    for i in 0..x.n() {
        row.fill(0.0);
        energy.grad_theta(&x.rows(i, 1), &[1.0], &mut row);
        row.iter().enumerate().for_each(|(k, v)| out.set(i, k, *v));
    }
}
