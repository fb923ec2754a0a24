//! Exact maximum likelihood: log Z and its gradient by quadrature, in one to three dimensions.

use super::reduce::dot;
use super::units::{quadrature_in_units, units};
use super::{FullBatch, ObjectiveError};
use crate::energy::{Energy, Parametric};
use crate::logz::{LogZError, Options, Quadrature};
use crate::points::{Matrix, Points};

/// The mean negative log-likelihood `E_data[E] + log Z`, in nats per data point.
///
/// Its gradient is `E_data[dE/dtheta] - E_p[dE/dtheta]`, and its curvature the Fisher information `Cov_p[dE/dtheta]`.
///
/// In two and three dimensions, where a quadrature is dear, values are coarse until a minimiser asks for more
/// ([`FullBatch::refine`]), and nodes are used again as long as theta moves little.
#[derive(Debug)]
pub struct Mle<'a> {
    data: &'a Points,
    w: Vec<f64>,
    e: Vec<f64>,
    scale: Vec<f64>,
    quadrature: Option<Quadrature>,
    /// Mean change of log p since the nodes were made, added up.
    moved: f64,
    coarse: bool,
    budget: Option<u64>,
    n_evals: u64,
}

/// Largest error of log Z at which its gradient is still of use.
const MAX_ERROR: f64 = 1e-5;
/// Tolerance of coarse values, and the Newton decrement from which on they no longer do.
const COARSE: f64 = 1e-6;
const FINE_FROM: f64 = 0.02;
/// Error, and mean change of log p in all, up to which nodes are used again.
const REUSE_ERROR: f64 = 1e-8;
const REUSE_MOVED: f64 = 0.5;
/// What a quadrature that fails is counted as.
const FAILED_EVALS: u64 = 10_000;

impl<'a> Mle<'a> {
    /// All data weigh the same.
    pub fn new(data: &'a Points) -> Self {
        let n = data.n();
        Self {
            data,
            w: vec![1.0 / n as f64; n],
            e: vec![0.0; n],
            scale: units(data),
            quadrature: None,
            moved: 0.0,
            coarse: data.dim() > 1,
            budget: None,
            n_evals: 0,
        }
    }

    /// After so many energy evaluations at nodes, [`ObjectiveError::Budget`] is the answer.
    #[must_use]
    pub fn with_budget(mut self, n_evals: Option<u64>) -> Self {
        self.budget = n_evals;
        self
    }

    /// At the energy's theta, for which `q` is the quadrature: derivatives can be asked for without a new one.
    #[must_use]
    pub fn at(mut self, q: Quadrature) -> Self {
        self.quadrature = Some(q);
        self
    }

    /// The quadrature at the theta of the last [`FullBatch::value_grad`].
    pub fn quadrature(&self) -> Option<&Quadrature> {
        self.quadrature.as_ref()
    }

    /// [`crate::logz::quadrature()`], its search for mass in units of the data.
    ///
    /// # Errors
    /// Those of [`crate::logz::quadrature()`].
    pub fn integrate<E: Energy + ?Sized>(&self, energy: &E, options: &Options) -> Result<Quadrature, LogZError> {
        quadrature_in_units(energy, &self.scale, options)
    }

    fn grad<E: Parametric + ?Sized>(&self, energy: &E, q: &Quadrature, grad: &mut [f64]) -> Result<(), ObjectiveError> {
        model_mean(energy, q, grad);
        grad.iter_mut().for_each(|g| *g = -*g);
        energy.grad_theta(self.data, &self.w, grad);
        finite(grad, "the gradient of the log-likelihood")
    }

    /// The nodes that are there under the energy as it is now, if they still serve.
    fn reused<E: Energy + ?Sized>(&mut self, energy: &E) -> Option<Quadrature> {
        let old = self.quadrature.as_ref().filter(|_| self.data.dim() > 1)?;
        self.n_evals += old.n() as u64;
        let new = old.reweight(energy).ok()?;
        let change: f64 =
            (0..old.n()).filter(|&i| old.w[i] > 0.0).map(|i| old.w[i] * (new.log_w[i] - old.log_w[i]).abs()).sum();
        let tol = if self.coarse { COARSE } else { REUSE_ERROR };
        (new.is_good(tol) && self.moved + change <= REUSE_MOVED).then(|| {
            self.moved += change;
            new
        })
    }

    fn nodes<E: Energy + ?Sized>(&mut self, energy: &E) -> Result<Quadrature, ObjectiveError> {
        if self.budget.is_some_and(|b| self.n_evals >= b) {
            return Err(ObjectiveError::Budget);
        }
        if let Some(q) = self.reused(energy) {
            return Ok(q);
        }
        let tol = self.coarse.then_some(COARSE);
        let q = quadrature_in_units(energy, &self.scale, &Options { tol });
        self.n_evals += q.as_ref().map_or(FAILED_EVALS, |q| q.n_evals);
        let q = q?;
        if q.error > MAX_ERROR || q.error.is_nan() {
            return Err(ObjectiveError::Inaccurate { error: q.error });
        }
        self.moved = 0.0;
        Ok(q)
    }
}

/// `out = E_p[dE/dtheta]` by quadrature.
pub fn model_mean<E: Parametric + ?Sized>(energy: &E, q: &Quadrature, out: &mut [f64]) {
    out.fill(0.0);
    energy.grad_theta(&q.points, &q.w, out);
    if out.iter().all(|v| v.is_finite()) {
        return;
    }
    // Far nodes of no weight may overflow in dE/dtheta: 0 * inf. They contribute nothing.
    let (points, w) = heavy(q);
    out.fill(0.0);
    energy.grad_theta(&points, &w, out);
}

/// `Cov_p[dE/dtheta]`, the Fisher information of one data point, `(n_theta, n_theta)`, by quadrature.
pub fn fisher<E: Parametric + ?Sized>(energy: &E, q: &Quadrature, out: &mut Matrix<f64>) {
    let mut f = Matrix::new(q.n(), energy.n_theta());
    energy.theta_features(&q.points, &mut f);
    if f.as_slice().iter().all(|v| v.is_finite()) {
        return weighted_covariance(&mut f, &q.w, out);
    }
    let (points, w) = heavy(q);
    let mut f = Matrix::new(points.n(), energy.n_theta());
    energy.theta_features(&points, &mut f);
    weighted_covariance(&mut f, &w, out);
}

/// The nodes whose weight is above e^-60 of the total.
fn heavy(q: &Quadrature) -> (Points, Vec<f64>) {
    let rows: Vec<usize> = (0..q.n()).filter(|&i| q.log_w[i] > -60.0).collect();
    (q.points.select(&rows), rows.iter().map(|&i| q.w[i]).collect())
}

/// Covariance of the columns of `f` under weights that sum to 1; leaves `f` centred.
pub fn weighted_covariance(f: &mut Matrix<f64>, w: &[f64], out: &mut Matrix<f64>) {
    let p = f.n_cols();
    out.reshape(p, p);
    for k in 0..p {
        let mean = dot(f.col(k), w);
        f.col_mut(k).iter_mut().for_each(|v| *v -= mean);
    }
    let mut wf = vec![0.0; w.len()];
    for k in 0..p {
        wf.iter_mut().zip(f.col(k).iter().zip(w)).for_each(|(o, (f, w))| *o = f * w);
        for l in 0..=k {
            let c = dot(&wf, f.col(l));
            out.set(k, l, c);
            out.set(l, k, c);
        }
    }
}

pub(super) fn finite(values: &[f64], what: &'static str) -> Result<(), ObjectiveError> {
    if values.iter().all(|v| v.is_finite()) { Ok(()) } else { Err(ObjectiveError::NonFinite { what }) }
}

impl<E: Parametric + ?Sized> FullBatch<E> for Mle<'_> {
    fn value_grad(&mut self, energy: &E, grad: &mut [f64]) -> Result<f64, ObjectiveError> {
        energy.energy(self.data, &mut self.e);
        let mean = dot(&self.w, &self.e);
        finite(&[mean], "the energy of the data")?;
        let q = self.nodes(energy)?;
        self.grad(energy, &q, grad)?;
        let value = mean + q.log_z;
        self.quadrature = Some(q);
        Ok(value)
    }

    fn grad_nearby(&mut self, energy: &E, grad: &mut [f64]) -> Result<(), ObjectiveError> {
        match &self.quadrature {
            Some(q) => self.grad(energy, q, grad),
            None => self.value_grad(energy, grad).map(|_| ()),
        }
    }

    fn data(&self) -> &Points {
        self.data
    }

    fn refine(&mut self, decrement: f64) -> bool {
        if !self.coarse || decrement.is_nan() || decrement > FINE_FROM {
            return false;
        }
        self.coarse = false;
        self.quadrature = None;
        true
    }

    fn curvature(&self, energy: &E, out: &mut Matrix<f64>) -> bool {
        self.quadrature.as_ref().is_some_and(|q| {
            fisher(energy, q, out);
            true
        })
    }

    fn energies(&self) -> (f64, f64) {
        let model = self.quadrature.as_ref().map_or(f64::NAN, |q| q.expect(&q.energy));
        (dot(&self.w, &self.e), model)
    }
}
