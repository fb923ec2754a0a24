//! Which parameters the data determine where a fit ended: a term whose best coefficient lies at infinity, or at a bound, has an
//! optimum only because the numbers end.

use super::event::TrainWarning;
use super::natural::{Natural, some_of};
use super::std_err::{feature_covariance, from_information};
use crate::energy::Parametric;
use crate::points::Points;

/// A standard error that moves the statistic dE/dtheta_k by this multiple of itself, to first order, says that the parameter
/// may be anything: for `exp(theta_k)`, that its error is above a thousand.
const MAX_RELATIVE: f64 = 1e3;

/// Judges each free parameter by `std_err`, of the Fisher information: a sandwich can be small where the objective is flat.
/// Where there is no model information, that of the data stands in for it. `+inf` and NaN count as flat.
pub(super) fn undetermined<E: Parametric + ?Sized>(
    energy: &mut E,
    data: &Points,
    std_err: Option<&[f64]>,
    free: &[bool],
) -> Vec<TrainWarning> {
    let p = free.len();
    let mut theta = vec![0.0; p];
    energy.read_theta(&mut theta);
    let of_data = from_information(feature_covariance(energy, data), free, data.n());
    let std_err = std_err.unwrap_or(&of_data);
    let natural = Natural::at(energy, &some_of(data), &theta, free);
    let names = energy.theta_names();
    let judge = |k: usize| {
        let name = names[k].clone();
        if !std_err[k].is_finite() {
            Some(TrainWarning::Undetermined { name })
        } else if std_err[k] * natural.rate[k] > MAX_RELATIVE {
            Some(TrainWarning::AtInfinity { name })
        } else {
            None
        }
    };
    (0..p).filter(|&k| free[k]).filter_map(judge).collect()
}
