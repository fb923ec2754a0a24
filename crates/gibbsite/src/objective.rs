//! What training minimises. One file per objective; each reads like its equation.
//!
//! Full-batch objectives ([`FullBatch`]) have a value and an exact gradient, and are minimised by Newton's method.
//! Contrastive ones ([`Contrastive`]) have neither: they estimate the gradient of the negative log-likelihood,
//! `E_data[dE/dtheta] - E_p[dE/dtheta]`, whose second mean they take over chains. The loop adds the first.

use thiserror::Error;

use crate::energy::Energy;
use crate::kernel::Info;
use crate::logz::LogZError;
use crate::points::{Matrix, Points};

pub mod cd;
pub mod chains;
pub mod ism;
pub mod mle;
pub mod pcd;
pub(crate) mod reduce;
mod units;
pub use cd::Cd;
pub use ism::Ism;
pub use mle::Mle;
pub use pcd::Pcd;

/// Why an objective has no value at some theta.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ObjectiveError {
    /// The model cannot be normalised, or not to a useful accuracy.
    #[error("the model cannot be normalised: {0}")]
    LogZ(#[from] LogZError),
    /// Quadrature did not converge.
    #[error("log Z is known only to {error:.1e}")]
    Inaccurate {
        /// Its numerical error.
        error: f64,
    },
    /// The budget of energy evaluations is spent.
    #[error("the budget of energy evaluations is spent")]
    Budget,
    /// A value that must be finite is not.
    #[error("{what} is not finite")]
    NonFinite {
        /// Which value.
        what: &'static str,
    },
}

/// An objective with a value and an exact gradient over all data.
pub trait FullBatch<E: ?Sized> {
    /// The value at the energy's theta and its gradient in theta, shape `(n_theta,)`, in nats per data point.
    ///
    /// # Errors
    /// [`ObjectiveError`] where the objective is not defined; a minimiser takes that as `+inf` and steps back.
    fn value_grad(&mut self, energy: &E, grad: &mut [f64]) -> Result<f64, ObjectiveError>;

    /// The gradient with its expectations under the model, if it has any, taken under the weights of the last
    /// [`FullBatch::value_grad`]: the Hessian is [`FullBatch::curvature`], where offered, plus the derivative of this.
    ///
    /// # Errors
    /// As [`FullBatch::value_grad`].
    fn grad_nearby(&mut self, energy: &E, grad: &mut [f64]) -> Result<(), ObjectiveError>;

    /// The data.
    fn data(&self) -> &Points;

    /// The size of a value that counts as one: 1 nat for likelihoods.
    fn unit(&self) -> f64 {
        1.0
    }

    /// Asks for full accuracy once the Newton decrement is `decrement`; `true` if values are more accurate from now on.
    fn refine(&mut self, decrement: f64) -> bool {
        let _ = decrement;
        false
    }

    /// A positive semi-definite approximation of the Hessian at the theta of the last [`FullBatch::value_grad`],
    /// `(n_theta, n_theta)`; `false` when the objective offers none.
    fn curvature(&self, energy: &E, out: &mut Matrix<f64>) -> bool;

    /// Mean energies of the data and of the model at the last [`FullBatch::value_grad`]; NaN where not known.
    fn energies(&self) -> (f64, f64) {
        (f64::NAN, f64::NAN)
    }
}

/// The negative phase of contrastive training: chains whose mean stands in for the mean under the model.
pub trait Contrastive<E: Energy + ?Sized> {
    /// Moves the chains of this update `n_steps` steps under the energy as it is now and adds `-E_chains[dE/dtheta]` to
    /// `grad`. `batch` holds the data of the update.
    fn negative_phase(&mut self, energy: &E, batch: &Points, n_steps: usize, grad: &mut [f64]) -> Info;

    /// Changes the kernel's step size.
    fn set_step_size(&mut self, step_size: f64);

    /// Mean energy of the chains moved last, under the energy as it is now.
    fn mean_energy(&mut self, energy: &E) -> f64;

    /// Positions of the chains moved last, for error bars.
    fn samples(&self) -> Points;

    /// Appends all positions and step counters: with theta, everything that the next updates depend on.
    fn save(&self, positions: &mut Vec<f64>, steps: &mut Vec<u64>);

    /// Takes back what [`Contrastive::save`] gave. Returns `false` if the lengths do not fit.
    fn restore(&mut self, positions: &[f64], steps: &[u64]) -> bool;
}
