//! The best log Z there is: exact where possible, else without chance, else two estimates that check each other.

use super::sampled::{Forget, Pilot, Stop, budget, cross_check};
use super::{LogZ, LogZError, Options, factors};
use crate::energy::{Differentiable, Tractable, Transformed};

/// Most dimensions of a quadrature, and so of a factor of Z that is exact.
pub const MAX_EXACT_DIM: usize = 3;

/// Seconds that estimates, their pilots among them, may take by the table of [`budget`].
const SECONDS: f64 = 60.0;

/// log Z of a tractable energy: the closed form.
pub fn closed_form<E: Tractable + ?Sized>(energy: &E) -> LogZ {
    let value = energy.log_z();
    LogZ::exact(value, 2.0 * f64::EPSILON * value.abs().max(1.0), "closed form", 0)
}

/// log Z by quadrature and cubature of independent parts of up to six real dimensions ([`factors`]); where that cannot be done,
/// by [`cross_check`] to a standard error of `tol`.
///
/// # Errors
/// [`LogZError`]; an energy that is not integrable is refused with the direction where its parts have up to three dimensions.
/// In more, cubature sees some of it and the others nothing: [`crate::check`] can tell.
pub fn log_z<E: Differentiable + ?Sized>(
    energy: &E,
    options: &Options,
    tol: f64,
    seed: u64,
) -> Result<LogZ, LogZError> {
    super::require_real(energy, "auto", usize::MAX)?;
    match factors::log_z(energy, options) {
        Err(LogZError::Dimension { .. } | LogZError::TooHard { .. }) => {}
        other => return other.map(|found| found.log_z),
    }
    let whole = Transformed::new(energy);
    let budget = budget(SECONDS, energy.space().dim());
    let stop = Stop { tol, first: None, least: 0, budget, elapsed: &|| 0.0 };
    let pilot = Pilot::warm_up(&whole, seed, &|_| {}, stop.elapsed)?;
    let path = pilot.path(&stop, &mut |_| {})?;
    let n_evals = pilot.n_evals() + path.n_evals();
    let found = cross_check(&pilot, &path, &stop.after(n_evals), &mut Forget, &|_| {}, &mut |_| {})?;
    Ok(found.log_z.after(n_evals))
}
