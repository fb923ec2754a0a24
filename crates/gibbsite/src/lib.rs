//! Gibbsite: energy-based models as usable probability models.
//!
//! An energy E(x) defines p(x) = exp(-E(x)) / Z. This crate checks, samples, normalises and fits such models.
//!
//! | module | what is in it |
//! |---|---|
//! | [`points`], [`energy`] | batches of states; the traits of energies, formulas, the menu, composites |
//! | [`check`], [`minimize`] | is an energy a model; where are its minima |
//! | [`kernel`], [`adapt`], [`run`] | Markov kernels, their warm-up, chains over threads |
//! | [`tempering`] | parallel tempering: chains that cross between far modes |
//! | [`logz`] | log Z and expectations by quadrature, Simpson, importance sampling |
//! | [`objective`], [`mod@train`] | what is minimised; the fit with its guards, errors and checkpoints |
//! | [`diagnostics`] | R-hat, effective sample sizes, Monte-Carlo errors, Pareto k |
//! | [`verdict`] | whether to believe draws: each diagnostic against its threshold, with a remedy |
//! | [`table`], [`model_file`] | data and models on disk |
//! | [`uses`] | density, thermodynamics, comparison of two models, anomaly scores |
//! | [`rng`], [`simd`], [`math`], [`scratch`] | random streams, instruction sets, elementary functions, buffers |
//!
//! ```
//! use gibbsite::energy::formula::Formula;
//! use gibbsite::logz::{Options, quadrature};
//!
//! let energy = Formula::parse("0.5*x^2 + 0.1*x^4")?;
//! let exact = quadrature(&energy, &Options::default())?;
//! assert!((exact.log_z.exp() - 2.149_705_928_590_598).abs() < 1e-12);
//! assert!(exact.mean()[0].abs() < 1e-12);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod adapt;
pub mod check;
pub mod diagnostics;
pub mod energy;
pub mod kernel;
pub mod logz;
pub mod math;
pub mod minimize;
pub mod model_file;
pub mod objective;
pub mod points;
pub mod rng;
pub mod run;
pub mod scratch;
pub mod simd;
pub mod suggest;
pub mod table;
pub mod tempering;
pub mod train;
pub mod uses;
pub mod verdict;

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
