//! Gibbsite: energy-based models as usable probability models.
//!
//! An energy E(x) defines p(x) = exp(-E(x)) / Z. This crate checks, samples, normalises and fits such models.

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
pub mod table;
pub mod train;
pub mod uses;
