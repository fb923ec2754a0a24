//! Starting points in every well that descents find: chains that all start in one of two far wells agree, and are wrong.

use super::{RunError, start};
use crate::energy::Differentiable;
use crate::points::{Matrix, Points};
use crate::rng::{Purpose, Run, Streams};

mod cover;
mod named;
mod search;
pub(crate) use cover::cover;
pub(crate) use named::{component_wells, places};
use search::{Found, Well, find_wells};

/// Starting points, and what the search for wells found.
#[derive(Clone, Debug, PartialEq)]
pub struct Starts {
    /// One row per chain.
    pub points: Points,
    /// Separate minima that hold more than a ten-thousandth of the probability, deepest first; none where none converged, or,
    /// in more than 64 coordinates, where there are more than 32. A ring or valley of minima is not among them.
    pub wells: Vec<Vec<f64>>,
    /// The unit vector of a direction along which the energy falls without end, should a descent have gone that way: exp(-E) is
    /// hardly normalisable. Not looked for in more than 64 coordinates.
    pub falls: Option<Vec<f64>>,
}

/// One starting point per chain, overdispersed over the wells of the energy.
///
/// Chains 0, 2, 4, ... start as by [`super::initial_points_with_gradient`]. Where descents find several minima, chains
/// 1, 3, 5, ... start in them in turn, the deepest first, each at the minimum plus `s U(-2, 2)` in every coordinate, `s` one
/// standard deviation along the stiffest direction (1 at most), or, in more than 64 coordinates, along the coordinate. All
/// wells are given alike, whatever their weights: chains that cannot pass between them then disagree, and R-hat sees it.
/// With one well or none all chains start as by [`super::initial_points_with_gradient`].
///
/// The descents start in boxes of half-width 2 to 162 about the origin, at the places that the energy names (the wells of its
/// [`Differentiable::components`], and its [`crate::energy::Energy::landmarks`]), and again about every minimum that lies far
/// from the origin or whose width is another than about 1, in units of 1 and of its own widths.
///
/// # Errors
/// [`RunError::NoStart`] after 100 attempts for one chain.
pub fn dispersed_points<E: Differentiable + ?Sized>(
    energy: &E,
    n_chains: usize,
    seed: u64,
) -> Result<Starts, RunError> {
    let mut points = start::initial_points_with_gradient(energy, n_chains, seed)?;
    let Found { wells, falls } = find_wells(energy, seed);
    if wells.len() < 2 || n_chains < 2 {
        return Ok(Starts { points, wells: bottoms(wells), falls });
    }
    let chains: Vec<usize> = (1..n_chains).step_by(2).collect();
    let mut there = around(&wells, chains.len(), seed);
    // Where the well is not what its curvature says, its floor will do.
    let (mut e, mut grad) = (vec![0.0; there.n()], Matrix::new(there.n(), there.dim()));
    energy.energy_grad(&there, &mut e, &mut grad);
    for i in 0..there.n() {
        if !(e[i].is_finite() && (0..there.dim()).all(|j| grad.get(i, j).is_finite())) {
            let floor = &wells[i % wells.len()].x;
            (0..floor.len()).for_each(|j| there.real.set(i, j, floor[j]));
        }
    }
    start::relax(energy, &mut there);
    for (i, chain) in chains.into_iter().enumerate() {
        points.real.copy_row(chain, &there.real, i);
    }
    Ok(Starts { points, wells: bottoms(wells), falls })
}

fn bottoms(wells: Vec<Well>) -> Vec<Vec<f64>> {
    wells.into_iter().map(|w| w.x).collect()
}

/// `n` points around the wells, in turn.
fn around(wells: &[Well], n: usize, seed: u64) -> Points {
    let dim = wells[0].x.len();
    let mut rng = Streams::new(seed, Run::Probe);
    rng.advance();
    let u = rng.uniforms(Purpose::Init, n, dim);
    let at = |i: usize, j: usize| {
        let well = &wells[i % wells.len()];
        well.x[j] + (4.0 * u.col(j)[i] - 2.0) * well.spread[j]
    };
    Points::from_real(Matrix::from_fn(n, dim, at))
}

#[cfg(test)]
mod tests;
