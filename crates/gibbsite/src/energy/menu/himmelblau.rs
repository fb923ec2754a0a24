//! Himmelblau's function: four minima of equal depth.

use super::{Dims, Entry};

pub(super) const HIMMELBLAU: Entry = Entry {
    name: "himmelblau",
    about: "four minima of depth 0; log Z = -0.898679212",
    source: "Himmelblau 1972, problem 11",
    params: &[],
    dims: Dims::Fixed(2),
    formula: "(x^2 + y - 11)^2 + (x + y^2 - 7)^2",
    bounds: &[],
    log_z: None,
};
