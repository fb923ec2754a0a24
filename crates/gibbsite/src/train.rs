//! Fitting the parameters of an energy to data: [`fit`] chooses between Newton's method, for objectives with an exact
//! gradient, and the contrastive loop, and reports each parameter with its errors.
//!
//! ```
//! use gibbsite::energy::formula::Formula;
//! use gibbsite::points::Points;
//! use gibbsite::train::{Control, TrainOptions, fit};
//!
//! let mut energy = Formula::parse("0.5 * exp(-2*s) * (x - m)^2")?;
//! let data = Points::from_rows(&[[1.0], [3.0], [2.0], [6.0]]);
//! let fitted = fit(&mut energy, &data, &TrainOptions::default(), &Control::default(), &mut |_| {})?;
//! assert!((fitted.theta_of("m").unwrap() - 3.0).abs() < 1e-8);
//! assert!((fitted.theta_of("s").unwrap() - 0.5 * 3.5_f64.ln()).abs() < 1e-8);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod checkpoint;
mod contrastive;
mod dense;
mod determined;
mod distance;
mod error;
mod event;
mod fit;
pub mod guard;
mod history;
pub mod identify;
mod likelihood;
mod mcse;
mod natural;
pub mod newton;
mod optimizer;
mod options;
mod positive;
mod precondition;
mod prepare;
mod relaxation;
mod schedule;
mod split;
mod start;
pub mod state;
pub mod std_err;
pub mod stochastic;
mod unlogged;

pub use error::{Failure, TrainError};
pub use event::{OnEvent, TrainEvent, TrainWarning};
pub use fit::{Fit, Stopped, fit};
pub use history::{History, Row};
pub use likelihood::{LogLikelihood, log_likelihood};
pub use mcse::{drift, mcse};
pub use optimizer::{Optimizer, OptimizerKind};
pub use options::{
    CheckpointOptions, Control, ObjectiveKind, PoolStart, Sampler, TrainOptions, default_epochs, epochs_for, evals_for,
};
pub use positive::Positive;
pub use schedule::{Decay, Steps};
pub use split::split;
pub use start::start_at_score_matching;
