//! Ackley's function, which is bounded: exp(-E) does not decay and Z is infinite. It is on the menu as the standard
//! example of a landscape that is no model until it is given bounds.

use super::{DIM, Dims, Entry, Param};

pub(super) const ACKLEY: Entry = Entry {
    name: "ackley",
    about: "improper without bounds: it stays below 20 + e everywhere, so Z is infinite",
    source: "Ackley 1987, sec. 1",
    params: &[Param { name: "d", default: 2.0, about: "dimensions", range: DIM }],
    dims: Dims::AtLeast(1),
    formula: "20 + e - 20*exp(-0.2*sqrt(sum(i, 1..d, x[i]^2)/d)) - exp(sum(i, 1..d, cos(2*pi*x[i]))/d)",
    bounds: &[],
    log_z: None,
};
