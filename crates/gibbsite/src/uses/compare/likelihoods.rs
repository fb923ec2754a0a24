//! Two models on the same data.

use super::Estimate;
use crate::logz::LogZ;

/// Mean log-likelihoods of n rows x_i under two models, in nats a row. The errors of the rows are those of a mean over
/// independent draws, `sd / sqrt(n)`; NaN for fewer than two rows.
///
/// A row that one model excludes (E = +inf) makes its mean -inf and the difference infinite or NaN, with NaN as their errors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Likelihoods {
    /// Rows.
    pub n: usize,
    /// `-mean(E_A) - log Z_A`.
    pub a: Estimate,
    /// `-mean(E_B) - log Z_B`.
    pub b: Estimate,
    /// `a - b = mean(E_B - E_A) + log Z_B - log Z_A`: positive if A fits better. Its error has that of the rows, which are
    /// paired, and that of both log Z.
    pub difference: Estimate,
    /// The part of the error of `difference` that comes from the rows.
    pub std_err_rows: f64,
    /// The part that comes from the two log Z.
    pub std_err_log_z: f64,
    /// Rows of zero density under A.
    pub n_zero_a: usize,
    /// Rows of zero density under B.
    pub n_zero_b: usize,
}

impl Likelihoods {
    /// From the energies of the rows under both models, shape `(n,)` each; a row where an energy is NaN makes the results NaN.
    ///
    /// # Panics
    /// If the numbers of rows differ.
    pub fn new(energy_a: &[f64], energy_b: &[f64], log_z_a: &LogZ, log_z_b: &LogZ) -> Self {
        assert_eq!(energy_a.len(), energy_b.len(), "both energies of every row are needed");
        let of_one = |energy: &[f64], z: &LogZ| {
            let (mean, error) = mean_and_error(energy);
            Estimate::with_errors(-mean - z.value, &[error, z.std_err])
        };
        let differences: Vec<f64> = energy_b.iter().zip(energy_a).map(|(b, a)| b - a).collect();
        let (mean, std_err_rows) = mean_and_error(&differences);
        let std_err_log_z = log_z_a.std_err.hypot(log_z_b.std_err);
        let n_zero = |energy: &[f64]| energy.iter().filter(|e| **e == f64::INFINITY).count();
        Self {
            n: energy_a.len(),
            a: of_one(energy_a, log_z_a),
            b: of_one(energy_b, log_z_b),
            difference: Estimate::with_errors(mean + log_z_b.value - log_z_a.value, &[std_err_rows, std_err_log_z]),
            std_err_rows,
            std_err_log_z,
            n_zero_a: n_zero(energy_a),
            n_zero_b: n_zero(energy_b),
        }
    }
}

/// Mean and `sd / sqrt(n)`.
fn mean_and_error(x: &[f64]) -> (f64, f64) {
    let n = x.len() as f64;
    let first = x.first().copied().unwrap_or(f64::NAN);
    // About the first value, so that a constant is its own mean.
    let mean = if first.is_finite() {
        first + x.iter().map(|v| v - first).sum::<f64>() / n
    } else {
        x.iter().sum::<f64>() / n
    };
    let variance = x.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}
