//! Minima of an energy from many starts.
