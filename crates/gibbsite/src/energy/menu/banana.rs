//! A Gaussian bent along a parabola.

use super::{ANY, Dims, Entry, LN_TAU, POSITIVE, Param};

pub(super) const BANANA: Entry = Entry {
    name: "banana",
    about: "a Gaussian of width s along x, bent by b",
    source: "Haario, Saksman and Tamminen 1999, sec. 4",
    params: &[
        Param { name: "b", default: 0.03, about: "bend", range: ANY },
        Param { name: "s", default: 10.0, about: "standard deviation along x", range: POSITIVE },
    ],
    dims: Dims::Fixed(2),
    formula: "x^2/(2*s^2) + (y + b*x^2 - b*s^2)^2/2",
    bounds: &[],
    // The bend preserves volume.
    log_z: Some(|p| LN_TAU + p[1].ln()),
};
