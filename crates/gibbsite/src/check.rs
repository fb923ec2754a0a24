//! Is an energy a model?
