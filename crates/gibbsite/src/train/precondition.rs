//! Whitened parameters: the features dE/dtheta of a formula are often nearly collinear (x^2 and x^4), and a first-order rule
//! then needs very many updates. In coordinates z with `theta = L^-T z`, `L L' = Cov_chains[dE/dtheta]`, the Fisher
//! information is close to the identity: stochastic gradient descent becomes natural gradient descent (Amari 1998).

use crate::energy::Parametric;
use crate::objective::mle::weighted_covariance;
use crate::points::{Matrix, Points};

/// The factor L, recomputed from the chains once per epoch.
#[derive(Debug)]
pub struct Whiten {
    covariance: Matrix<f64>,
    /// Lower triangular, `(n_theta, n_theta)`.
    l: Matrix<f64>,
}

/// Parameters up to which the factor is worth its price, chains needed per parameter, ridge on the correlation scale.
const MAX_THETA: usize = 256;
const CHAINS_PER_THETA: usize = 8;
const RIDGE: f64 = 1e-5;

impl Whiten {
    /// Workspaces; `None` with too many parameters for so many chains.
    pub fn new(n_theta: usize, n_chains: usize) -> Option<Self> {
        (n_theta <= MAX_THETA && n_chains >= CHAINS_PER_THETA * n_theta).then(|| Self {
            covariance: Matrix::new(n_theta, n_theta),
            l: Matrix::from_fn(n_theta, n_theta, |i, j| f64::from(u8::from(i == j))),
        })
    }

    /// Factorises the covariance at the energy's theta over the positions of the chains. A parameter that is not `free` or has
    /// no variance, or a covariance that is not finite, leaves its rows the identity: a fixed one must not take part of a
    /// step that the others then answer.
    pub fn update<E: Parametric + ?Sized>(&mut self, energy: &E, chains: &Points, free: &[bool]) {
        let mut features = Matrix::new(chains.n(), self.l.n_rows());
        energy.theta_features(chains, &mut features);
        weighted_covariance(&mut features, &vec![1.0 / chains.n() as f64; chains.n()], &mut self.covariance);
        let (c, l) = (&self.covariance, &mut self.l);
        let p = l.n_rows();
        let usable = |k: usize| free[k] && c.get(k, k) > 0.0 && (0..p).all(|i| c.get(i, k).is_finite());
        for i in 0..p {
            for j in 0..=i {
                let known: f64 = (0..j).map(|k| l.get(i, k) * l.get(j, k)).sum();
                let value = match (usable(i) && usable(j), i == j) {
                    (true, true) => (c.get(i, i) * (1.0 + RIDGE) - known).max(RIDGE * c.get(i, i)).sqrt(),
                    (true, false) => (c.get(i, j) - known) / l.get(j, j),
                    (false, true) => 1.0,
                    (false, false) => 0.0,
                };
                l.set(i, j, value);
            }
        }
    }

    /// A gradient in theta to the gradient in z: `L^-1 g`, in place, shortened to length sqrt(n_theta) if it is longer.
    ///
    /// A unit of z is one standard deviation of the model's statistics, so the cap is a trust region: far from the optimum,
    /// where the covariance changes from update to update, it keeps the steps short; near it, it never acts.
    pub fn gradient(&self, g: &mut [f64]) {
        for i in 0..g.len() {
            for k in 0..i {
                g[i] -= self.l.get(i, k) * g[k];
            }
            g[i] /= self.l.get(i, i);
        }
        let norm = g.iter().map(|v| v * v).sum::<f64>().sqrt();
        let cap = (g.len() as f64).sqrt();
        if norm > cap {
            g.iter_mut().for_each(|v| *v *= cap / norm);
        }
    }

    /// A step in z to the step in theta: `L^-T d`, in place.
    pub fn step(&self, d: &mut [f64]) {
        for i in (0..d.len()).rev() {
            for k in i + 1..d.len() {
                d[i] -= self.l.get(k, i) * d[k];
            }
            d[i] /= self.l.get(i, i);
        }
    }
}
