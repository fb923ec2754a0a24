//! Starting points in every well that descents find: chains that all start in one of two far wells agree, and are wrong.

use super::{RunError, start};
use crate::energy::{Differentiable, constrain};
use crate::minimize::{Minimum, minimize_from};
use crate::points::{Matrix, Points};
use crate::rng::{Purpose, Run, Streams};

/// Descents of the search.
const N_DESCENTS: usize = 160;

/// Half-widths of the boxes the descents start in, in turn: wells of unit width a hundred units apart are found.
const WIDTHS: [f64; 5] = [2.0, 6.0, 18.0, 54.0, 162.0];

/// Steps of a descent; what takes longer is no place to start from.
const MAX_STEPS: usize = 300;

/// Coordinates beyond which no search is made: its Hessians cost a gradient for each.
const MAX_DIM: usize = 64;

/// Wells with less than this share of the probability (by Laplace's approximation) are left to chance: a chain put there
/// could stay for the whole run and would weigh far too much.
const MIN_WEIGHT: f64 = 1e-4;

/// The same in nats above the deepest well, where Laplace's approximation does not exist.
const MAX_DEPTH: f64 = 10.0;

/// Starting points, and what the search for wells found.
#[derive(Clone, Debug, PartialEq)]
pub struct Starts {
    /// One row per chain.
    pub points: Points,
    /// Separate minima that hold more than a ten-thousandth of the probability, deepest first; none where no search was
    /// made (in more than 64 coordinates) or none converged. A ring or valley of minima is not among them.
    pub wells: Vec<Vec<f64>>,
}

/// One starting point per chain, overdispersed over the wells of the energy.
///
/// Chains 0, 2, 4, ... start as by [`super::initial_points_with_gradient`]. Where 160 descents from boxes of half-width 2 to
/// 162 find several minima, chains 1, 3, 5, ... start in them in turn, the deepest first, each at the minimum plus
/// `s U(-2, 2)` in every coordinate, `s` one standard deviation along the stiffest direction (1 at most). All wells are
/// given alike, whatever their weights: chains that cannot pass between them then disagree, and R-hat sees it. With one
/// well or none all chains start as by [`super::initial_points_with_gradient`].
///
/// # Errors
/// [`RunError::NoStart`] after 100 attempts for one chain.
pub fn dispersed_points<E: Differentiable + ?Sized>(
    energy: &E,
    n_chains: usize,
    seed: u64,
) -> Result<Starts, RunError> {
    let mut points = start::initial_points_with_gradient(energy, n_chains, seed)?;
    let wells = find_wells(energy, seed);
    if wells.len() < 2 || n_chains < 2 {
        return Ok(Starts { points, wells: places(wells) });
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
    Ok(Starts { points, wells: places(wells) })
}

fn places(wells: Vec<Minimum>) -> Vec<Vec<f64>> {
    wells.into_iter().map(|w| w.x).collect()
}

/// The minima worth starting in, deepest first.
fn find_wells<E: Differentiable + ?Sized>(energy: &E, seed: u64) -> Vec<Minimum> {
    let supports = &energy.space().reals;
    let dim = supports.len();
    if dim == 0 || dim > MAX_DIM {
        return Vec::new();
    }
    let mut rng = Streams::new(seed, Run::Probe);
    let u = rng.uniforms(Purpose::Init, N_DESCENTS, dim);
    let at = |i: usize, j: usize| constrain(supports[j], WIDTHS[i % WIDTHS.len()] * (2.0 * u.col(j)[i] - 1.0));
    let from = Points::from_real(Matrix::from_fn(N_DESCENTS, dim, at));
    // The one error there is, nothing to minimise, is excluded above.
    let minima = minimize_from(energy, &from, MAX_STEPS).map_or_else(|_| Vec::new(), |found| found.minima);
    let matters = |m: &Minimum| match m.weight {
        Some(weight) => weight > MIN_WEIGHT,
        None => m.above_lowest < MAX_DEPTH,
    };
    minima.into_iter().filter(|m| m.at_bound.is_empty() && !m.continuum && matters(m)).collect()
}

/// `n` points around the wells, in turn.
fn around(wells: &[Minimum], n: usize, seed: u64) -> Points {
    let dim = wells[0].x.len();
    let mut rng = Streams::new(seed, Run::Probe);
    rng.advance();
    let u = rng.uniforms(Purpose::Init, n, dim);
    let at = |i: usize, j: usize| {
        let well = &wells[i % wells.len()];
        let stiffest = well.curvatures.as_ref().and_then(|c| c.last()).copied().unwrap_or(1.0);
        well.x[j] + (4.0 * u.col(j)[i] - 2.0) / stiffest.max(1.0).sqrt()
    };
    Points::from_real(Matrix::from_fn(n, dim, at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::formula::Formula;
    use crate::run::initial_points_with_gradient;

    #[test]
    fn far_wells_are_populated() {
        let text = "-log(0.5*exp(-((x1+1)^2+x2^2+x3^2)/2)+0.5*exp(-((x1-12)^2+x2^2+x3^2)/2))";
        let energy = Formula::parse(text).unwrap();
        for seed in 0..20 {
            let starts = dispersed_points(&energy, 64, seed).unwrap();
            assert_eq!(starts.wells.len(), 2, "seed {seed}");
            let x = starts.points.real.col(0);
            let far = x.iter().filter(|x| (8.0..16.0).contains(*x)).count();
            assert!((12..=32).contains(&far), "seed {seed}: {far} of 64 in the far well");
            assert_eq!(starts, dispersed_points(&energy, 64, seed).unwrap());
        }
    }

    #[test]
    fn one_well_changes_nothing() {
        for text in ["0.5*x^2+0.1*x^4", "(sqrt(x^2+y^2)-2)^2/0.08", "log(1+x^2)"] {
            let energy = Formula::parse(text).unwrap();
            let starts = dispersed_points(&energy, 32, 3).unwrap();
            assert!(starts.wells.len() < 2, "{text}: {}", starts.wells.len());
            assert_eq!(starts.points, initial_points_with_gradient(&energy, 32, 3).unwrap(), "{text}");
        }
    }

    /// A dent 30 nats above the floor holds nothing; chains started there would never leave.
    #[test]
    fn shallow_dents_are_left_out() {
        let energy = Formula::parse("x^2/2 - 40*exp(-50*(x-12)^2)").unwrap();
        let starts = dispersed_points(&energy, 64, 0).unwrap();
        assert_eq!(starts.wells.len(), 1);
    }
}
