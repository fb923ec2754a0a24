//! Neal's funnel: x1 ~ N(0, 9) is the log variance of all other coordinates.

use super::{DIM, Dims, Entry, POSITIVE, Param};

pub(super) const FUNNEL: Entry = Entry {
    name: "funnel",
    about: "x1 ~ N(0, s^2) is the log variance of the others, which are N(0, exp(x1)); normalised",
    source: "Neal 2003, sec. 8",
    params: &[
        Param { name: "d", default: 10.0, about: "dimensions", range: DIM },
        Param { name: "s", default: 3.0, about: "standard deviation of x1", range: POSITIVE },
    ],
    dims: Dims::AtLeast(2),
    formula: "x[1]^2/(2*s^2) + log(2*pi)/2 + log(s) + sum(i, 2..d, x[i]^2*exp(-x[1])/2 + x[1]/2 + log(2*pi)/2)",
    bounds: &[],
    log_z: Some(|_| 0.0),
};
