//! Two normalised Gaussians on the line, at -m and +m.

use super::{Dims, Entry, POSITIVE, Param};

pub(super) const GAUSSIAN_MIXTURE: Entry = Entry {
    name: "gaussian-mixture",
    about: "(1-w) N(-m, s^2) + w N(m, s^2), normalised",
    source: "Pearson 1894",
    params: &[
        Param { name: "m", default: 2.0, about: "half the distance of the means", range: POSITIVE },
        Param { name: "s", default: 0.5, about: "standard deviation of both", range: POSITIVE },
        Param {
            name: "w",
            default: 0.5,
            about: "weight of the right one",
            range: (f64::MIN_POSITIVE, 0.999_999_999_999),
        },
    ],
    dims: Dims::Fixed(1),
    formula: "log(2*pi)/2 + log(s) - logsumexp(log(1-w) - (x+m)^2/(2*s^2), log(w) - (x-m)^2/(2*s^2))",
    bounds: &[],
    log_z: Some(|_| 0.0),
};
