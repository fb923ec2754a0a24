//! Uses of a model.

pub mod anomaly;
pub mod compare;
pub mod density;
