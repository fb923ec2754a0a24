//! What independent weights with the same mean say of it.

use super::{Bounds, LogZ, LogZError, bound, log_sum_exp};
use crate::diagnostics::{ess_of_weights, pareto_k};

/// Above it neither a mean of weights nor its error can be trusted (Vehtari et al. 2024).
pub const MAX_PARETO_K: f64 = 0.7;

/// The share of effective weights from which on the shape of their tail does not matter.
const EVEN: f64 = 0.9;

/// Whether the tail of weights with this Pareto k leaves them an error that can be trusted; NaN is no tail that is known.
pub fn is_trusted(pareto_k: f64) -> bool {
    pareto_k <= MAX_PARETO_K
}

/// `log mean exp(log_w)`.
pub(super) fn log_mean_exp(log_w: &[f64]) -> f64 {
    log_sum_exp(log_w) - (log_w.len() as f64).ln()
}

/// Standard error of [`log_mean_exp`] by the delta method: `sd(w) / (mean(w) sqrt n)`.
pub(super) fn std_err(log_w: &[f64], log_mean: f64) -> f64 {
    let n = log_w.len() as f64;
    let variance = log_w.iter().map(|w| (w - log_mean).exp_m1().powi(2)).sum::<f64>() / (n - 1.0);
    (variance / n).sqrt()
}

/// The 97.5 % quantile of Student's t with `dof` degrees of freedom over that of the normal: what makes value -+ 1.96 of an error
/// from few estimates a 95 % interval (Hill 1970, the first terms of the expansion in `1 / dof`).
pub(super) fn t_over_normal(dof: f64) -> f64 {
    1.0 + (1.2104 + (1.4420 + 1.3042 / dof) / dof) / dof
}

/// The standard error of the log of the mean of `n` weights of which this share is effective.
pub(super) fn std_err_of_share(effective: f64, n: usize) -> f64 {
    ((1.0 / effective - 1.0) / n as f64).sqrt()
}

/// log Z from weights whose mean is `Z / Z_ref`: `log Z_ref + log mean w`.
///
/// `lower` is guaranteed but with probability [`super::DELTA`] where `is_guaranteed` says that the weights are unbiased and were
/// drawn after all choices had been made; else lower and upper are two standard errors away. A Pareto k above 0.7 is a warning, unless nine in ten weights are effective.
/// Where it is known which share of such weights is `effective` the standard error is not less than that share says.
///
/// # Errors
/// [`LogZError::Empty`] when all weights are zero.
pub(super) fn summarise(
    method: &'static str,
    log_z_reference: f64,
    log_w: &[f64],
    n_evals: u64,
    is_guaranteed: bool,
    effective: Option<f64>,
) -> Result<LogZ, LogZError> {
    let log_mean = log_mean_exp(log_w);
    if log_mean == f64::NEG_INFINITY {
        return Err(LogZError::Empty { n_evals });
    }
    let told = effective.map_or(0.0, |share| std_err_of_share(share, log_w.len()));
    let (value, std_err) = (log_z_reference + log_mean, std_err(log_w, log_mean).max(told));
    let k = pareto_k(log_w);
    let mut z = LogZ {
        ess: Some(ess_of_weights(log_w)),
        pareto_k: Some(k),
        ..LogZ::statistical(value, std_err, method, n_evals)
    };
    if is_guaranteed {
        z.lower = log_z_reference + bound::lower_bound(log_w);
        z.bounds = Bounds::Guaranteed { delta: bound::DELTA };
    }
    // Weights that are nearly equal have no tail that matters, whatever its shape.
    let is_even = z.ess.is_some_and(|ess| ess > EVEN * log_w.len() as f64);
    if !is_even && !is_trusted(k) {
        z.trusted = false;
        z.warnings.push(format!(
            "Pareto k of the weights is {k:.2}, above {MAX_PARETO_K}: neither the value nor its error can be trusted"
        ));
    }
    Ok(z)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_t() {
        for (dof, t) in [(7.0, 2.364_624), (15.0, 2.131_450), (31.0, 2.039_513), (63.0, 1.998_341)] {
            assert!((t_over_normal(dof) / (t / 1.959_964) - 1.0).abs() < 1e-3, "{dof}");
        }
    }

    #[test]
    fn equal_weights_are_exact() {
        let z = summarise("ais", 2.0, &[1.0; 100], 7, true, None).unwrap();
        assert_eq!((z.value, z.std_err, z.ess, z.n_evals), (3.0, 0.0, Some(100.0), 7));
        assert!(z.warnings.is_empty() && z.lower < 3.0 && z.upper == 3.0, "{z:?}");
        assert_eq!(z.bounds, Bounds::Guaranteed { delta: 0.05 });
        assert!(matches!(
            summarise("ais", 0.0, &[f64::NEG_INFINITY; 9], 1, true, None),
            Err(LogZError::Empty { n_evals: 1 })
        ));
    }
}
