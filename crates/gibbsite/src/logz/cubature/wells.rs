//! Where the mass is looked for: the wells that descents find, and coordinates in which each is about a standard Gaussian.

use super::chart::{Atlas, Chart};
use crate::energy::{Differentiable, Energy, Transformed};
use crate::logz::LogZError;
use crate::minimize::{Escape, Fall, Minima, MinimizeOptions, covariance_at, minimize, minimize_from, widths};
use crate::points::{Matrix, Points};
use crate::run::{dispersed_points, places};

/// Descents beside those that look for wells; they also find how the energy falls without end.
const N_STARTS: usize = 64;

/// Steps of a descent.
const MAX_STEPS: usize = 300;

/// Wells with this many nats less than the heaviest are left to the others' shares.
const MAX_LIGHTER: f64 = 25.0;

/// Two bottoms this close, in squared widths, are one.
const SAME: f64 = 0.1;

/// The wells of an energy on the whole line, and the largest integral over one of them in Laplace's approximation.
pub(super) fn find<E: Differentiable>(energy: &Transformed<E>) -> Result<(Atlas, f64), LogZError> {
    let options = MinimizeOptions { n_starts: N_STARTS, max_starts: N_STARTS, ..MinimizeOptions::default() };
    let found = minimize(energy, &options).map_err(|_| LogZError::Empty { n_evals: 0 })?;
    if let Some((escape, _)) = found.escapes.iter().find(|(e, _)| e.fall == Fall::WithoutEnd) {
        return Err(LogZError::Diverges { direction: escape.towards.clone() });
    }
    let mut bottoms = dispersed_points(energy, 2, 0).map(|s| s.wells).unwrap_or_default();
    bottoms.extend(isolated(&found));
    if let Some(starts) = places(energy) {
        // Nothing to minimise is excluded: there are starts.
        bottoms.extend(minimize_from(energy, &starts, MAX_STEPS).iter().flat_map(isolated));
    }
    if bottoms.is_empty() {
        // A ring or a valley: any point of it will do.
        let lowest = found.minima.first().map(|m| m.x.clone());
        bottoms.extend(lowest.or_else(|| found.lowest_unconverged.clone().map(|(x, _)| x)));
    }
    let mut wells: Vec<(Chart, f64)> = Vec::new();
    for x in bottoms {
        if wells.iter().any(|(c, _)| c.distance2(&x) < SAME) {
            continue;
        }
        let e = value(energy, &x);
        if let Some(chart) = chart(energy, x, e) {
            let log = -e + chart.log_det() + 0.5 * energy.space().dim() as f64 * (2.0 * std::f64::consts::PI).ln();
            wells.push((chart, log));
        }
    }
    let top = wells.iter().map(|w| w.1).fold(f64::NEG_INFINITY, f64::max);
    let charts: Vec<Chart> = wells.into_iter().filter(|w| w.1 > top - MAX_LIGHTER).map(|w| w.0).collect();
    if charts.is_empty() {
        return Err(nothing(&found.escapes, found.n_starts));
    }
    Ok((Atlas { charts }, top))
}

/// Why there is no well.
fn nothing(escapes: &[(Escape, usize)], n_starts: usize) -> LogZError {
    match escapes.iter().find(|(e, _)| e.fall == Fall::TowardsInfinity) {
        Some((escape, _)) => LogZError::Unseen { direction: escape.towards.clone(), distance: 1e15 },
        None => LogZError::Empty { n_evals: n_starts as u64 },
    }
}

fn isolated(found: &Minima) -> Vec<Vec<f64>> {
    let is_isolated = |m: &&crate::minimize::Minimum| !m.continuum && m.at_bound.is_empty();
    found.minima.iter().filter(is_isolated).map(|m| m.x.clone()).collect()
}

fn value<E: Energy + ?Sized>(energy: &E, x: &[f64]) -> f64 {
    let mut e = [f64::NAN];
    energy.energy(&Points::from_rows(&[x]), &mut e);
    e[0]
}

/// Coordinates about the bottom `x` of a well.
pub(super) fn chart_at<E: Differentiable + ?Sized>(energy: &E, x: Vec<f64>) -> Option<Chart> {
    let e = value(energy, &x);
    chart(energy, x, e)
}

/// Coordinates about the bottom `x` of a well, where the energy is `e`, by its Hessian; by its widths along the coordinates
/// where it is no parabola.
fn chart<E: Differentiable + ?Sized>(energy: &E, x: Vec<f64>, e: f64) -> Option<Chart> {
    let d = x.len();
    let widths = widths(energy, &x, e);
    let curved = covariance_at(energy, &x).filter(|(_, curvatures)| {
        (0..d).all(|j| widths[j].is_none_or(|w| (0.5..2.0).contains(&(w * curvatures[j].max(0.0).sqrt()))))
    });
    let diagonal = || Matrix::from_fn(d, d, |j, k| if j == k { widths[j].unwrap_or(1.0).powi(2) } else { 0.0 });
    let by_hessian = curved.and_then(|(covariance, _)| Chart::new(x.clone(), &covariance));
    by_hessian.or_else(|| Chart::new(x.clone(), &diagonal()))
}
