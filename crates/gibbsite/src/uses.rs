//! Uses of a model.
