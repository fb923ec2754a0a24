//! The Styblinski-Tang function: two unequal wells in every dimension.

use super::{DIM, Dims, Entry, Param};

pub(super) const STYBLINSKI_TANG: Entry = Entry {
    name: "styblinski-tang",
    about: "two unequal wells in every dimension; log Z = 38.318415031 per dimension",
    source: "Styblinski and Tang 1990",
    params: &[Param { name: "d", default: 2.0, about: "dimensions", range: DIM }],
    dims: Dims::AtLeast(1),
    formula: "sum(i, 1..d, (x[i]^4 - 16*x[i]^2 + 5*x[i])/2)",
    bounds: &[],
    log_z: None,
};
