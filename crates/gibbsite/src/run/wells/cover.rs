//! Gaussians that cover all that is known of an energy: one for every well that descents find, and for every component.

use super::component_wells;
use crate::energy::gaussian::Gaussian;
use crate::energy::{Differentiable, Tractable};
use crate::minimize::covariance_at;
use crate::points::{Matrix, Points};

/// Most coordinates: every part has a Hessian.
const MAX_DIM: usize = 64;

/// Most parts, the heaviest first.
const MAX_PARTS: usize = 32;

/// Two parts this near, in squared standard deviations of either, with all deviations along the coordinates within this factor, are
/// one.
const SAME: f64 = 0.1;
const SAME_WIDTH: f64 = 1.5;

/// Variance of a part in units of the inverse Hessian.
const INFLATION: f64 = 1.5;

/// Gaussians at `wells` of the energy and at those of its [components](Differentiable::components), each with the logarithm of the
/// integral of exp(-E) over the well in Laplace's approximation, the heaviest first; none in more than 64 coordinates.
pub(crate) fn cover<E: Differentiable + ?Sized>(energy: &E, wells: &[Vec<f64>]) -> Vec<(Gaussian, f64)> {
    if energy.space().dim() > MAX_DIM {
        return Vec::new();
    }
    let mut parts: Vec<(Gaussian, f64)> = wells.iter().filter_map(|x| part(energy, x)).collect();
    for (component, basins) in energy.components().iter().zip(component_wells(energy)) {
        for part in basins.iter().filter_map(|basin| part(component, &basin.x)) {
            if parts.iter().all(|(known, _)| !are_same(known, &part.0)) {
                parts.push(part);
            }
        }
    }
    parts.sort_by(|a, b| b.1.total_cmp(&a.1));
    parts.truncate(MAX_PARTS);
    parts
}

fn part<E: Differentiable + ?Sized>(energy: &E, x: &[f64]) -> Option<(Gaussian, f64)> {
    let mut e = [f64::NAN];
    energy.energy(&Points::from_rows(&[x]), &mut e);
    let (inverse, _) = covariance_at(energy, x)?;
    let d = x.len();
    let covariance = Matrix::from_fn(d, d, |i, j| INFLATION * inverse.get(i, j));
    let gaussian = Gaussian::new(x.to_vec(), &covariance).ok()?;
    let log_weight = gaussian.log_z() - e[0];
    log_weight.is_finite().then_some((gaussian, log_weight))
}

fn are_same(a: &Gaussian, b: &Gaussian) -> bool {
    let (sd_a, sd_b) = (deviations(a), deviations(b));
    let distance2: f64 = (0..sd_a.len()).map(|j| ((a.mean()[j] - b.mean()[j]) / sd_a[j].min(sd_b[j])).powi(2)).sum();
    let is_as_wide = (0..sd_a.len()).all(|j| (1.0 / SAME_WIDTH..SAME_WIDTH).contains(&(sd_a[j] / sd_b[j])));
    distance2 < SAME && is_as_wide
}

/// The standard deviation of every coordinate.
fn deviations(g: &Gaussian) -> Vec<f64> {
    let root = g.cholesky();
    (0..g.mean().len()).map(|j| (0..=j).map(|k| root.get(j, k).powi(2)).sum::<f64>().sqrt()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::formula::{Formula, FormulaOptions};
    use crate::run::dispersed_points;

    fn found(energy: &Formula) -> Vec<(Gaussian, f64)> {
        cover(energy, &dispersed_points(energy, 1, 0).unwrap().wells)
    }

    #[test]
    fn a_needle_in_a_haystack_has_two_parts() {
        let text = "-logsumexp(-sum(i,1..d,x[i]^2)/2, d*log(20) - 200*sum(i,1..d,x[i]^2))";
        let options = FormulaOptions { dim: Some(7), ..FormulaOptions::default() };
        let parts = found(&Formula::with_options(text, &options).unwrap());
        let mut widths: Vec<f64> = parts.iter().map(|(g, _)| deviations(g)[0] / INFLATION.sqrt()).collect();
        widths.sort_by(f64::total_cmp);
        assert!(widths.len() == 2 && (widths[0] - 0.05).abs() < 1e-3 && (widths[1] - 1.0).abs() < 1e-3, "{widths:?}");
        assert!((parts[0].1 - parts[1].1).abs() < 0.01, "{parts:?}");
    }

    #[test]
    fn wells_and_components_that_are_one_have_one_part() {
        let parts = found(&Formula::parse("-logsumexp(-(x-5)^2/2-y^2, log(3)-(x+5)^2/2-y^2)").unwrap());
        assert!(parts.len() == 2 && (parts[0].1 - parts[1].1 - 3f64.ln()).abs() < 0.01, "{parts:?}");
        assert!((parts[0].0.mean()[0] + 5.0).abs() < 1e-3, "{parts:?}");
    }
}
