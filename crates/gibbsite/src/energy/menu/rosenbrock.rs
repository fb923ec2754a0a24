//! Rosenbrock's curved valley: narrow across, long along y = x^2.

use super::{Dims, Entry, POSITIVE, Param};

pub(super) const ROSENBROCK: Entry = Entry {
    name: "rosenbrock",
    about: "the curved valley a (y - x^2)^2 + (1 - x)^2",
    source: "Rosenbrock 1960, eq. 2",
    params: &[Param { name: "a", default: 100.0, about: "stiffness across the valley", range: POSITIVE }],
    dims: Dims::Fixed(2),
    formula: "a*(y - x^2)^2 + (1 - x)^2",
    bounds: &[],
    // (x, y) -> (1 - x, y - x^2) preserves volume: two Gaussian integrals.
    log_z: Some(|p| std::f64::consts::PI.ln() - p[0].ln() / 2.0),
};
