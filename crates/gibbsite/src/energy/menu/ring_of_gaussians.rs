//! Eight equal Gaussians on a circle, normalised. The source divides its coordinates by 1.414, not by the root of 2.

use super::{Dims, Entry, POSITIVE, Param};

pub(super) const RING_OF_GAUSSIANS: Entry = Entry {
    name: "8-gaussians",
    about: "eight Gaussians of sd s on a circle of radius r, normalised; entropy 2.8318804061",
    source: "Metz, Poole, Pfau and Sohl-Dickstein 2017; the scale of Grathwohl et al. 2019",
    params: &[
        Param { name: "r", default: 4.0 / 1.414, about: "radius", range: POSITIVE },
        Param { name: "s", default: 0.5 / 1.414, about: "standard deviation", range: POSITIVE },
    ],
    dims: Dims::Fixed(2),
    formula: "log(16*pi) + 2*log(s) - logsumexp(\
        -((x-r)^2 + y^2)/(2*s^2), -((x+r)^2 + y^2)/(2*s^2), \
        -(x^2 + (y-r)^2)/(2*s^2), -(x^2 + (y+r)^2)/(2*s^2), \
        -((x-r/sqrt(2))^2 + (y-r/sqrt(2))^2)/(2*s^2), -((x+r/sqrt(2))^2 + (y-r/sqrt(2))^2)/(2*s^2), \
        -((x-r/sqrt(2))^2 + (y+r/sqrt(2))^2)/(2*s^2), -((x+r/sqrt(2))^2 + (y+r/sqrt(2))^2)/(2*s^2))",
    bounds: &[],
    log_z: Some(|_| 0.0),
};
