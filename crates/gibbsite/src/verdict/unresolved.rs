//! Where floating-point numbers end before the density does: at singularities, next to a bound that is not 0.

use super::Evidence;
use crate::points::Space;

/// Rounding units of a bound within which draws lie at it. A density without a singularity there has no draw so near.
const UNITS: f64 = 64.0;

/// Fewest draws at a bound that are told.
const MIN_DRAWS: usize = 3;

/// Draws within 64 rounding units of an end of the support: 1.4e-14 of its size. The density rises so steeply there that a
/// part of about this share of it lies between the bound and the number next to it, where no draw can be; and the draws there
/// are rounded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crowd {
    /// Of which coordinate.
    pub coordinate: usize,
    /// The end.
    pub bound: f64,
    /// How many draws.
    pub n: usize,
    /// Of how many.
    pub n_draws: usize,
}

impl Crowd {
    /// Share of the draws.
    pub fn share(&self) -> f64 {
        self.n as f64 / self.n_draws as f64
    }
}

/// Every crowd of three draws or more. At a bound of 0 numbers are as dense as one needs.
pub(super) fn crowds(space: &Space, evidence: &Evidence<'_>) -> Vec<Crowd> {
    let n_draws = evidence.n();
    let at = |(coordinate, bound): (usize, f64)| {
        let near = UNITS * f64::EPSILON * bound.abs();
        let n = evidence.column(coordinate).filter(|x| (x - bound).abs() <= near).count();
        Crowd { coordinate, bound, n, n_draws }
    };
    assert_eq!(space.reals.len(), evidence.draws.dim(), "draws and space must have the same coordinates");
    let ends = space.reals.iter().enumerate().flat_map(|(j, s)| [(j, s.lower()), (j, s.upper())]);
    let ends = ends.filter(|(_, bound)| bound.is_finite() && *bound != 0.0);
    ends.map(at).filter(|crowd| crowd.n >= MIN_DRAWS).collect()
}

/// Draws with a coordinate or an energy that is not finite.
pub(super) fn n_not_finite(evidence: &Evidence<'_>) -> usize {
    let draws = evidence.draws;
    let states = draws.values().chunks_exact(draws.dim().max(1)).zip(draws.energy());
    states.filter(|(x, e)| !e.is_finite() || !x.iter().all(|v| v.is_finite())).count()
}
