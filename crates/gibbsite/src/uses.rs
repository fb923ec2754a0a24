//! Uses of a model.

pub mod anomaly;
pub mod density;
