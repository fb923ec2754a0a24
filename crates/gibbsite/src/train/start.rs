//! Where a fit starts, when nobody says.

use super::determined::undetermined;
use super::error::TrainError;
use super::event::TrainWarning;
use super::natural::{Natural, some_of};
use super::newton::{NewtonOptions, minimise};
use super::positive::Positive;
use super::prepare::{check_data, find_free, positive_flags};
use super::unlogged::Unlogged;
use crate::energy::{Energy, Jet, Parametric};
use crate::objective::Ism;
use crate::points::Points;

/// Moves the energy to the score-matching estimate: a consistent start that needs no log Z, and for energies linear in theta one
/// linear system, in any units of the data. Whether it can be normalised is for the caller to ask.
///
/// # Errors
/// [`TrainError::NotApplicable`] for bounded supports, and where the estimate has a parameter at infinity; else as
/// [`super::fit`]. The energy's theta is then as before.
pub fn start_at_score_matching<E: Jet + ?Sized>(
    energy: &mut E,
    data: &Points,
    positive: &[String],
    fixed: &[String],
) -> Result<(), TrainError> {
    check_data(energy, data)?;
    if !energy.space().is_unbounded() {
        return Err(TrainError::NotApplicable { objective: "ism", reason: "the support is bounded" });
    }
    let flags = positive_flags(energy, positive)?;
    if linear_system(energy, data, &flags, fixed)? {
        return Ok(());
    }
    let mut energy = Positive::new(energy, flags);
    let mut phi = vec![0.0; energy.n_theta()];
    energy.read_theta(&mut phi);
    let free = find_free(&mut energy, data, fixed, &mut Vec::new())?;
    let found = minimise(&mut Ism::new(data), &mut energy, &free, &NewtonOptions::default(), &mut |_| {});
    let result = match found {
        Ok(_)
            if undetermined(&mut energy, data, None, &free)
                .iter()
                .any(|w| matches!(w, TrainWarning::AtInfinity { .. })) =>
        {
            Err(TrainError::NotApplicable { objective: "ism", reason: "its estimate lies at infinity" })
        }
        Ok(_) => Ok(()),
        Err(error) => Err(error),
    };
    if result.is_err() {
        energy.set_theta(&phi);
    }
    result
}

/// Score matching in the coefficients, exponents and positive parameters included: whether the estimate is inside of them. The
/// energy then holds it, else it is as before.
fn linear_system<E: Jet + ?Sized>(
    energy: &mut E,
    data: &Points,
    positive: &[bool],
    fixed: &[String],
) -> Result<bool, TrainError> {
    let mut theta = vec![0.0; energy.n_theta()];
    energy.read_theta(&mut theta);
    let free = find_free(energy, data, fixed, &mut Vec::new())?;
    let x = some_of(data);
    let mut unlogged = Unlogged::new(energy, &x);
    // A coefficient of 1 may be wrong by the fourth power of the units: one that moves the energy by a nat is not.
    let mut c = vec![0.0; theta.len()];
    unlogged.read_theta(&mut c);
    let natural = Natural::at(&mut unlogged, &x, &c, &free);
    for k in 0..c.len() {
        if free[k] && (positive[k] || unlogged.is_exponent(k)) && natural.sd[k] > 0.0 {
            c[k] = 1.0 / natural.sd[k];
        }
    }
    unlogged.set_theta(&c);
    let found = minimise(&mut Ism::new(data), &mut unlogged, &free, &NewtonOptions::default(), &mut |_| {});
    let mut estimate = vec![0.0; theta.len()];
    energy.read_theta(&mut estimate);
    let inside = estimate.iter().zip(positive).all(|(t, positive)| t.is_finite() && (!positive || *t > 0.0));
    if found.is_ok() && inside {
        return Ok(true);
    }
    energy.set_theta(&theta);
    Ok(false)
}
