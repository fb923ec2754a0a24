//! Independent Gaussians whose standard deviations run geometrically from 1 to sqrt(condition).

use super::{DIM, Dims, Entry, LN_TAU, Param};

pub(super) const GAUSSIAN: Entry = Entry {
    name: "gaussian",
    about: "zero mean; variances run geometrically from 1 to `condition`",
    source: "Gauss 1809",
    params: &[
        Param { name: "d", default: 1.0, about: "dimensions", range: DIM },
        Param { name: "condition", default: 1.0, about: "largest over smallest variance", range: (1.0, 1e12) },
    ],
    dims: Dims::AtLeast(1),
    formula: "sum(i, 1..d, x[i]^2/(2*condition^((i-1)/max(d-1,1))))",
    bounds: &[],
    // The mean exponent of the variances is 1/2, or 0 in one dimension.
    log_z: Some(|p| p[0] * LN_TAU / 2.0 + if p[0] > 1.0 { p[0] / 4.0 * p[1].ln() } else { 0.0 }),
};
