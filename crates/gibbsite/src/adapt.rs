//! Warm-up: step size and scale.
