//! A ring of radius r and width sigma in the plane.

use super::{Dims, Entry, POSITIVE, Param};

pub(super) const RING: Entry = Entry {
    name: "ring",
    about: "radius r, width sigma",
    source: "folklore; log Z 1.8405248677398633 at r=2, sigma=0.2 by 40-digit quadrature",
    params: &[
        Param { name: "r", default: 2.0, about: "radius", range: POSITIVE },
        Param { name: "sigma", default: 0.2, about: "width", range: POSITIVE },
    ],
    dims: Dims::Fixed(2),
    formula: "(sqrt(x^2 + y^2) - r)^2/(2*sigma^2)",
    bounds: &[],
    log_z: None,
};
