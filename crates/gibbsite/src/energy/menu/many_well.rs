//! d/2 independent copies of a tilted double well times a Gaussian: 2^(d/2) modes and a known log Z.

use super::{DIM, Dims, Entry, LN_TAU, Param};

/// log of the integral of exp(-(x^4 - 6 x^2 - x/2)), by 40-digit quadrature.
const LOG_Z_WELL: f64 = 9.374_541_173_869_195_2;

pub(super) const MANY_WELL: Entry = Entry {
    name: "many-well",
    about: "pairs (tilted double well, Gaussian): 2^(d/2) modes; right-well weight 0.84430709621",
    source: "Noe, Olsson, Koehler and Wu 2019; Midgley et al. 2023, app. F",
    params: &[Param { name: "d", default: 32.0, about: "dimensions, even", range: DIM }],
    dims: Dims::Even,
    formula: "sum(i, 1..d/2, x[2*i-1]^4 - 6*x[2*i-1]^2 - x[2*i-1]/2 + x[2*i]^2/2)",
    bounds: &[],
    log_z: Some(|p| p[0] / 2.0 * (LOG_Z_WELL + LN_TAU / 2.0)),
};
