//! Log-likelihoods of data under a normalised energy.

use crate::energy::Energy;
use crate::objective::reduce::sum;
use crate::points::Points;

/// A mean log-likelihood, in nats per row and in the units of the data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogLikelihood {
    /// The mean over the rows.
    pub mean: f64,
    /// Its standard error, over rows like these.
    pub std_err: f64,
    /// Rows.
    pub n: usize,
}

/// Mean of `-E - log Z` over the rows, with its standard error.
pub fn log_likelihood<E: Energy + ?Sized>(energy: &E, x: &Points, log_z: f64) -> LogLikelihood {
    let n = x.n();
    let mut e = vec![0.0; n];
    energy.energy(x, &mut e);
    let mean = sum(&e) / n as f64;
    let var = e.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / (n as f64 - 1.0);
    LogLikelihood { mean: -mean - log_z, std_err: (var / n as f64).sqrt(), n }
}
