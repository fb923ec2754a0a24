//! A set of weighted nodes under which sums are integrals over p: moments, gradients of log Z, entropies.

use super::adaptive::Tree;
use super::lines::Line;
use super::rule::{GAUSS, KRONROD, N, NODES};
use super::{LogZError, log_sum_exp};
use crate::energy::Energy;
use crate::points::{Matrix, Points};

/// Nodes x_i with weights w_i = dx_i exp(-E(x_i)) / Z that sum to 1, so that `E_p[f] = sum_i w_i f(x_i)`.
#[derive(Clone, Debug)]
pub struct Quadrature {
    /// Nodes, `(n, d)`.
    pub points: Points,
    /// log w_i, shape `(n,)`.
    pub log_w: Vec<f64>,
    /// w_i = exp(log_w_i), shape `(n,)`; they sum to 1.
    pub w: Vec<f64>,
    /// E(x_i), shape `(n,)`.
    pub energy: Vec<f64>,
    /// log Z.
    pub log_z: f64,
    /// Estimated absolute error of log Z.
    pub error: f64,
    /// Energy evaluations spent.
    pub n_evals: u64,
    /// log dx_i: the weights of the rule without the density.
    log_dx: Vec<f64>,
    /// Ratio of the embedded Gauss weight to the Kronrod weight (a product over coordinates).
    gauss: Vec<f64>,
    /// Whether the node lies in the outermost panel of some line at an infinite end.
    edge: Vec<bool>,
    /// Where each outermost panel starts, and the number of nodes.
    groups: Vec<usize>,
}

/// Nodes of inner lines below this share of the total are dropped, by dimension: all of them stay below the tolerance.
const LOG_DROP: [f64; 3] = [-50.0, -45.0, -38.0];

struct Builder {
    dim: usize,
    rows: Vec<f64>,
    log_dx: Vec<f64>,
    gauss: Vec<f64>,
    energy: Vec<f64>,
    edge: Vec<bool>,
    log_z: f64,
}

impl Builder {
    fn line(
        &mut self,
        line: &Line,
        j: usize,
        at: &mut [f64; 3],
        log_dx: f64,
        gauss: f64,
        edge: bool,
        groups: Option<&mut Vec<usize>>,
    ) {
        let mut groups = groups;
        let last = line.panels.len().saturating_sub(1);
        for (k, p) in line.panels.iter().enumerate() {
            if let Some(g) = groups.as_deref_mut() {
                g.push(self.energy.len());
            }
            let (c, h) = (0.5 * (p.lo + p.hi), 0.5 * (p.hi - p.lo));
            let edge = edge || k == 0 || k == last;
            for i in 0..N {
                let here = log_dx + (KRONROD[i] * h).ln();
                if j > 0 && p.ell[i] + here < self.log_z + LOG_DROP[self.dim - 1] || p.ell[i] == f64::NEG_INFINITY {
                    continue;
                }
                at[j] = c + h * NODES[i];
                let g = gauss * GAUSS[i] / KRONROD[i];
                if j + 1 == self.dim {
                    self.rows.extend_from_slice(&at[..self.dim]);
                    self.log_dx.push(here);
                    self.gauss.push(g);
                    self.energy.push(-p.ell[i]);
                    self.edge.push(edge);
                } else if let Some(inner) = p.inner.get(i) {
                    self.line(inner, j + 1, at, here, g, edge, None);
                }
            }
        }
    }
}

/// Flattens a tree of lines.
pub(crate) fn from_tree(tree: Tree) -> Quadrature {
    let Tree { line, dim, n_evals } = tree;
    let mut b = Builder {
        dim,
        rows: Vec::new(),
        log_dx: Vec::new(),
        gauss: Vec::new(),
        energy: Vec::new(),
        edge: Vec::new(),
        log_z: line.log_z,
    };
    let mut groups = Vec::with_capacity(line.panels.len() + 1);
    b.line(&line, 0, &mut [0.0; 3], 0.0, 1.0, false, Some(&mut groups));
    let n = b.energy.len();
    groups.push(n);
    let points = Points::from_real(Matrix::from_fn(n, dim, |i, j| b.rows[i * dim + j]));
    let mut q = Quadrature {
        points,
        log_w: Vec::new(),
        w: Vec::new(),
        energy: b.energy,
        log_z: line.log_z,
        error: line.rel_err.max(f64::EPSILON),
        n_evals,
        log_dx: b.log_dx,
        gauss: b.gauss,
        edge: b.edge,
        groups,
    };
    q.normalise();
    q
}

impl Quadrature {
    /// Number of nodes.
    pub fn n(&self) -> usize {
        self.energy.len()
    }

    /// `E_p[f] = sum_i w_i f_i` for values `f_values[i] = f(x_i)`, shape `(n,)`.
    ///
    /// # Panics
    /// If the length differs from the number of nodes.
    pub fn expect(&self, f_values: &[f64]) -> f64 {
        assert_eq!(f_values.len(), self.n(), "one value for each node");
        crate::simd::dot(&self.w, f_values)
    }

    /// How far [`Quadrature::expect`] may be off: the difference between the embedded Gauss rule and the Kronrod rule,
    /// `|sum_i g_i w_i (f_i - E_p[f])|`, usually far larger than the error of the latter. The panels were cut for the
    /// integral of exp(-E); where a symmetry makes that easy, f may vary inside them.
    ///
    /// # Panics
    /// If the length differs from the number of nodes.
    pub fn expect_error(&self, f_values: &[f64]) -> f64 {
        let mean = self.expect(f_values);
        self.w.iter().zip(&self.gauss).zip(f_values).map(|((w, g), f)| w * g * (f - mean)).sum::<f64>().abs()
    }

    /// Cov_p[f, g].
    ///
    /// # Panics
    /// If a length differs from the number of nodes.
    pub fn covariance(&self, f: &[f64], g: &[f64]) -> f64 {
        let (mean_f, mean_g) = (self.expect(f), self.expect(g));
        assert_eq!(g.len(), self.n(), "one value for each node");
        self.w.iter().zip(f.iter().zip(g)).map(|(w, (f, g))| w * (f - mean_f) * (g - mean_g)).sum()
    }

    /// `E_p[f]` of a function of the point, values row by row.
    pub fn expect_fn(&self, mut f: impl FnMut(&[f64]) -> f64) -> f64 {
        let mut at = vec![0.0; self.points.dim()];
        let values: Vec<f64> = (0..self.n())
            .map(|i| {
                for (j, a) in at.iter_mut().enumerate() {
                    *a = self.points.real.get(i, j);
                }
                f(&at)
            })
            .collect();
        self.expect(&values)
    }

    /// Means of the coordinates, shape `(d,)`.
    pub fn mean(&self) -> Vec<f64> {
        (0..self.points.dim()).map(|j| self.expect(self.points.real.col(j))).collect()
    }

    /// Standard deviations of the coordinates, shape `(d,)`.
    pub fn sd(&self) -> Vec<f64> {
        let x = &self.points.real;
        (0..self.points.dim()).map(|j| self.covariance(x.col(j), x.col(j)).sqrt()).collect()
    }

    /// The same nodes under an energy that changed a little: one batched evaluation instead of a new quadrature.
    ///
    /// `error` of the result is what the embedded Gauss rule and the mass in the outermost panels say; compare it with the
    /// tolerance you need ([`Quadrature::is_good`]) and build a new quadrature when it is larger. Narrow modes that the new
    /// energy has between the nodes are not seen.
    ///
    /// # Errors
    /// [`LogZError::Undefined`] and [`LogZError::Unbounded`] with the node; [`LogZError::Empty`] if exp(-E) vanishes at every node.
    ///
    /// # Panics
    /// If the energy has another number of coordinates.
    pub fn reweight<E: Energy + ?Sized>(&self, energy: &E) -> Result<Quadrature, LogZError> {
        let mut new = self.clone();
        new.reweight_in_place(energy)?;
        Ok(new)
    }

    /// [`Quadrature::reweight`] without a copy; after an error the weights are stale.
    ///
    /// # Errors
    /// As [`Quadrature::reweight`].
    ///
    /// # Panics
    /// As [`Quadrature::reweight`].
    pub fn reweight_in_place<E: Energy + ?Sized>(&mut self, energy: &E) -> Result<(), LogZError> {
        assert_eq!(energy.space().dim(), self.points.dim(), "the energy must have the coordinates of the nodes");
        energy.energy(&self.points, &mut self.energy);
        self.n_evals += self.n() as u64;
        if let Some(i) = self.energy.iter().position(|e| e.is_nan()) {
            return Err(LogZError::Undefined { point: self.points.real.row(i) });
        }
        if let Some(i) = self.energy.iter().position(|e| *e == f64::NEG_INFINITY) {
            return Err(LogZError::Unbounded { point: self.points.real.row(i) });
        }
        self.normalise();
        if self.log_z == f64::NEG_INFINITY {
            return Err(LogZError::Empty { n_evals: self.n() as u64 });
        }
        // Error: by outermost panel the difference of the two rules, and the mass at the edges.
        let mut error = 0.0;
        for g in self.groups.windows(2) {
            let (mut k, mut gauss) = (0.0, 0.0);
            for i in g[0]..g[1] {
                k += self.w[i];
                gauss += self.w[i] * self.gauss[i];
            }
            error += (k - gauss).abs();
        }
        let at_edge: f64 = self.w.iter().zip(&self.edge).filter(|(_, e)| **e).map(|(w, _)| w).sum();
        // The Kronrod sum is far better than the Gauss sum it is compared with (QUADPACK's power 3/2).
        let rule = if error > 0.0 { error.min((200.0 * error).powf(1.5)) } else { 0.0 };
        self.error = rule.max(f64::EPSILON) + if self.bounded() { 0.0 } else { at_edge * EDGE };
        Ok(())
    }

    /// Nodes u of E(s u) as nodes x = s u of E: log Z grows by sum_j log s_j.
    pub(crate) fn rescale(&mut self, scale: &[f64]) {
        for (j, s) in scale.iter().enumerate() {
            self.points.real.col_mut(j).iter_mut().for_each(|x| *x *= s);
        }
        let log_s: f64 = scale.iter().map(|s| s.ln()).sum();
        self.log_dx.iter_mut().for_each(|v| *v += log_s);
        self.log_z += log_s;
    }

    /// Whether the error of log Z is at most `tol`.
    pub fn is_good(&self, tol: f64) -> bool {
        self.error <= tol
    }

    fn bounded(&self) -> bool {
        !self.edge.iter().any(|e| *e)
    }

    /// log_w, w and log_z from log_dx and energy.
    fn normalise(&mut self) {
        self.log_w.clear();
        self.log_w.extend(self.log_dx.iter().zip(&self.energy).map(|(dx, e)| dx - e));
        self.log_z = log_sum_exp(&self.log_w);
        let log_z = self.log_z;
        self.log_w.iter_mut().for_each(|w| *w -= log_z);
        self.w.clear();
        self.w.extend(self.log_w.iter().map(|w| w.exp()));
    }
}

/// Share of the mass of the outermost panels that is feared to lie beyond them.
const EDGE: f64 = 0.1;
