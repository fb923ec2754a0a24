//! Two symmetric wells at +b and -b, with a barrier of height h between them.

use super::{Dims, Entry, POSITIVE, Param};

pub(super) const DOUBLE_WELL: Entry = Entry {
    name: "double-well",
    about: "wells at +b and -b, barrier h",
    source: "Kramers 1940, sec. 3",
    params: &[
        Param { name: "h", default: 2.0, about: "barrier height", range: POSITIVE },
        Param { name: "b", default: 1.0, about: "position of the wells", range: POSITIVE },
    ],
    dims: Dims::Fixed(1),
    formula: "h*(x^2/b^2 - 1)^2",
    bounds: &[],
    log_z: None,
};
