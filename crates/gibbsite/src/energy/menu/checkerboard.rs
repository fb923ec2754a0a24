//! A smooth checkerboard: exp(-E) = logistic(k sin(pi x / 2) sin(pi y / 2)) on a box.
//!
//! A shift by 2 in x flips the sign of the product and logistic(u) + logistic(-u) = 1, so exactly half of the area 64
//! is left whatever k is: Z = 32, as for the sharp checkerboard.

use super::{Dims, Entry, POSITIVE, Param};

pub(super) const CHECKERBOARD: Entry = Entry {
    name: "checkerboard",
    about: "16 cells on [-4, 4]^2 with edges of sharpness k; log Z = log 32 for every k",
    source: "after the sharp one of Grathwohl et al. 2019",
    params: &[Param { name: "k", default: 20.0, about: "sharpness of the edges", range: POSITIVE }],
    dims: Dims::Fixed(2),
    formula: "softplus(-k*sin(pi*x/2)*sin(pi*y/2))",
    bounds: &[("x", -4.0, 4.0), ("y", -4.0, 4.0)],
    log_z: Some(|_| 32f64.ln()),
};
