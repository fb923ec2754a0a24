//! The Mueller-Brown surface: three minima and two saddles, the standard test of path finding in chemistry.

use super::{Dims, Entry, POSITIVE, Param};

pub(super) const MUELLER_BROWN: Entry = Entry {
    name: "mueller-brown",
    about: "three minima, on the box [-3.5, 2.5] x [-2, 3.5]",
    source: "Mueller and Brown 1979, table 1",
    params: &[Param { name: "beta", default: 0.1, about: "inverse temperature", range: POSITIVE }],
    dims: Dims::Fixed(2),
    formula: "beta*(-200*exp(-(x-1)^2 - 10*y^2) - 100*exp(-x^2 - 10*(y-0.5)^2) \
        - 170*exp(-6.5*(x+0.5)^2 + 11*(x+0.5)*(y-1.5) - 6.5*(y-1.5)^2) \
        + 15*exp(0.7*(x+1)^2 + 0.6*(x+1)*(y-1) + 0.7*(y-1)^2))",
    bounds: &[("x", -3.5, 2.5), ("y", -2.0, 3.5)],
    log_z: None,
};
