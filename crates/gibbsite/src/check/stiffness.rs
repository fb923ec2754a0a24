//! How different the scales of an energy are at its deepest known minimum.

use crate::energy::{Differentiable, Energy};
use crate::minimize::minimize_from;
use crate::points::{Matrix, Points, Support};

/// Most coordinates for which minima are looked for.
const MAX_DIM: usize = 64;
/// Starts, the lowest of the points given.
const N_STARTS: usize = 8;
/// Descent steps from each.
const MAX_STEPS: usize = 500;

/// Largest over smallest eigenvalue of the Hessian at the deepest minimum that descents from `starts` find; `None` where
/// that is no proper minimum, and in one dimension, where there is nothing to compare.
pub fn stiffness<E: Differentiable + ?Sized>(energy: &E, starts: &Points) -> Option<f64> {
    let d = starts.dim();
    if !(2..=MAX_DIM).contains(&d) || energy.space().reals.iter().any(|s| *s != Support::Real) {
        return None;
    }
    let lowest = lowest(energy, starts);
    let found = minimize_from(energy, &lowest, MAX_STEPS).ok()?;
    let deepest = found.minima.first().filter(|m| !m.degenerate)?;
    let (low, high) = {
        let curvatures = deepest.curvatures.as_ref()?;
        (curvatures.first()?, curvatures.last()?)
    };
    (*low > 0.0 && high.is_finite()).then(|| high / low)
}

fn lowest<E: Energy + ?Sized>(energy: &E, points: &Points) -> Points {
    let mut e = vec![0.0; points.n()];
    energy.energy(points, &mut e);
    let mut order: Vec<usize> = (0..e.len()).filter(|&i| e[i].is_finite()).collect();
    order.sort_by(|&a, &b| e[a].total_cmp(&e[b]));
    order.truncate(N_STARTS);
    Points::from_real(Matrix::from_fn(order.len(), points.dim(), |i, j| points.real.get(order[i], j)))
}
