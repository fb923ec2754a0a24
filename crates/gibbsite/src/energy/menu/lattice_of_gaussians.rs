//! 25 equal Gaussians on a square lattice, normalised: the product of two mixtures of five.

use super::{Dims, Entry, POSITIVE, Param};

pub(super) const LATTICE_OF_GAUSSIANS: Entry = Entry {
    name: "25-gaussians",
    about: "25 Gaussians of sd s on a 5 x 5 lattice of spacing a, normalised; entropy 0.0652883442",
    source: "Dumoulin et al. 2017, sec. 4.1",
    params: &[
        Param { name: "a", default: 2.0, about: "spacing", range: POSITIVE },
        Param { name: "s", default: 0.05, about: "standard deviation", range: POSITIVE },
    ],
    dims: Dims::Fixed(2),
    formula: "log(50*pi) + 2*log(s) \
        - logsumexp(-(x-2*a)^2/(2*s^2), -(x-a)^2/(2*s^2), -x^2/(2*s^2), -(x+a)^2/(2*s^2), -(x+2*a)^2/(2*s^2)) \
        - logsumexp(-(y-2*a)^2/(2*s^2), -(y-a)^2/(2*s^2), -y^2/(2*s^2), -(y+a)^2/(2*s^2), -(y+2*a)^2/(2*s^2))",
    bounds: &[],
    log_z: Some(|_| 0.0),
};
