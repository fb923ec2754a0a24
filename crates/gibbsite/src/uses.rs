//! Uses of a model.

pub mod density;
