//! The anharmonic oscillator: a x^2 + b x^4.

use super::{ANY, Dims, Entry, POSITIVE, Param};

pub(super) const QUARTIC: Entry = Entry {
    name: "quartic",
    about: "the anharmonic oscillator; a < 0 makes two wells",
    source: "Bender and Wu 1969, eq. 1.1",
    params: &[
        Param { name: "a", default: 0.5, about: "stiffness", range: ANY },
        Param { name: "b", default: 0.1, about: "anharmonicity", range: POSITIVE },
    ],
    dims: Dims::Fixed(1),
    formula: "a*x^2 + b*x^4",
    bounds: &[],
    log_z: None,
};
