//! What a fit looks at before it starts: the options' names, the data, and which parameters can be learned at all.

use super::error::TrainError;
use super::event::TrainWarning;
use super::identify::identify;
use crate::energy::{Energy, Parametric, Transformed};
use crate::points::Points;

/// Which parameters are kept positive.
pub(super) fn positive_flags<E: Parametric + ?Sized>(energy: &E, positive: &[String]) -> Result<Vec<bool>, TrainError> {
    let known = energy.theta_names();
    let mut theta = vec![0.0; known.len()];
    energy.read_theta(&mut theta);
    let mut flags = vec![false; known.len()];
    for name in positive {
        let Some(k) = known.iter().position(|n| n == name) else {
            return Err(TrainError::UnknownParameter { name: name.clone(), known });
        };
        if theta[k] <= 0.0 || theta[k].is_nan() {
            let value = format!("{name} = {}", theta[k]);
            return Err(TrainError::Option {
                option: "init",
                value,
                must: "positive for a parameter that is kept positive",
            });
        }
        flags[k] = true;
    }
    Ok(flags)
}

/// Refuses data that the energy cannot be fitted to.
pub(super) fn check_data<E: Energy + ?Sized>(energy: &E, data: &Points) -> Result<(), TrainError> {
    let (got, expected) = (data.dim(), energy.space().dim());
    if got != expected {
        return Err(TrainError::Dimension { got, expected });
    }
    if data.n() < 2 {
        return Err(TrainError::TooFewPoints { n: data.n(), min: 2 });
    }
    let mut e = vec![0.0; data.n()];
    energy.energy(data, &mut e);
    match e.iter().position(|e| !e.is_finite()) {
        Some(row) => Err(TrainError::DataEnergy { row, point: data.real.row(row), energy: e[row] }),
        None => Ok(()),
    }
}

/// Refuses data points on a bound, which are infinitely far out in the coordinates of chains.
pub(super) fn check_inside<E: Energy + ?Sized>(energy: &E, data: &Points) -> Result<(), TrainError> {
    if energy.space().is_unbounded() {
        return Ok(());
    }
    let u = Transformed::new(energy).to_outer(data);
    let outside = |row: &usize| (0..u.dim()).any(|j| !u.real.get(*row, j).is_finite());
    match (0..u.n()).find(outside) {
        Some(row) => Err(TrainError::OnBound { row, point: data.real.row(row) }),
        None => Ok(()),
    }
}

/// Which parameters move: all but those in `fixed` and those that only shift the energy.
pub(super) fn find_free<E: Parametric + ?Sized>(
    energy: &mut E,
    data: &Points,
    fixed: &[String],
    warnings: &mut Vec<TrainWarning>,
) -> Result<Vec<bool>, TrainError> {
    let names = energy.theta_names();
    if let Some(name) = fixed.iter().find(|name| !names.contains(name)) {
        return Err(TrainError::UnknownParameter { name: name.clone(), known: names });
    }
    let mut theta = vec![0.0; names.len()];
    energy.read_theta(&mut theta);
    let mut free: Vec<bool> = names.iter().map(|name| !fixed.contains(name)).collect();
    let found = identify(energy, data, &free);
    for k in found.offsets {
        free[k] = false;
        warnings.push(TrainWarning::Offset { name: names[k].clone(), value: theta[k] });
    }
    for group in found.redundant {
        warnings.push(TrainWarning::Redundant { names: group.into_iter().map(|k| names[k].clone()).collect() });
    }
    Ok(free)
}
