//! Estimates from the rungs of independent ladders, with an error from the spread between them.

use super::weights::t_over_normal;
use super::{LogZ, LogZError, Temperatures, log_sum_exp};
use crate::tempering::{Rung, Rungs};

/// Fewest ladders whose spread is an error.
const MIN_LADDERS: usize = 8;

/// log Z of the ladders: `estimate` gives it from all of them, or without one; leaving out one at a time gives the standard error
/// (Quenouille 1956; Tukey 1958), wider by what their number lacks against a normal.
///
/// # Errors
/// [`LogZError::Rungs`] with fewer than 8 ladders, and where a sum is not finite.
pub(super) fn log_z(
    method: &'static str,
    rungs: &Rungs,
    estimate: impl Fn(Option<usize>) -> f64,
) -> Result<LogZ, LogZError> {
    let n = rungs.levels.first().map_or(0, Vec::len);
    if n < MIN_LADDERS {
        return Err(LogZError::Rungs { method, n_ladders: n });
    }
    let value = rungs.log_z_reference + estimate(None);
    let without: Vec<f64> = (0..n).map(|i| estimate(Some(i))).collect();
    let mean = without.iter().sum::<f64>() / n as f64;
    let spread: f64 = without.iter().map(|w| (w - mean).powi(2)).sum();
    let std_err = (spread * (n - 1) as f64 / n as f64).sqrt() * t_over_normal((n - 1) as f64);
    if !value.is_finite() || !std_err.is_finite() {
        return Err(LogZError::Rungs { method, n_ladders: n });
    }
    Ok(LogZ { temperatures: temperatures(rungs), ..LogZ::statistical(value, std_err, method, rungs.n_evals) })
}

/// The log of the mean over all ladders but `without` of `exp(log_sum)`.
pub(super) fn log_mean(level: &[Rung], without: Option<usize>, log_sum: fn(&Rung) -> f64) -> f64 {
    let kept = level.iter().enumerate().filter(|(i, _)| Some(*i) != without);
    let terms: Vec<f64> = kept.map(|(_, rung)| log_sum(rung)).collect();
    log_sum_exp(&terms) - (terms.len() as f64).ln()
}

fn temperatures(rungs: &Rungs) -> Option<Temperatures> {
    let tried = rungs.rejection.iter().enumerate().filter(|(_, r)| !r.is_nan());
    let (k, worst) = tried.max_by(|a, b| a.1.total_cmp(b.1))?;
    Some(Temperatures { n: rungs.betas.len(), worst_beta: rungs.betas[k], worst_overlap: 1.0 - worst })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::diagnostics::normal_quantile;

    /// Rungs of `n_ladders` ladders at `betas`, of the energies `difference(level, ladder, draw)`.
    pub(in super::super) fn rungs(
        betas: &[f64],
        n_ladders: usize,
        n_draws: usize,
        difference: impl Fn(usize, usize, usize) -> f64,
    ) -> Rungs {
        let last = betas.len() - 1;
        let rung = |k: usize, i: usize| {
            let (down, up) = (betas[k] - betas[k.saturating_sub(1)], betas[(k + 1).min(last)] - betas[k]);
            let mut rung = Rung::default();
            (0..n_draws).for_each(|t| rung.add(difference(k, i, t), down, up));
            rung
        };
        Rungs {
            log_z_reference: 0.0,
            betas: betas.to_vec(),
            levels: (0..betas.len()).map(|k| (0..n_ladders).map(|i| rung(k, i)).collect()).collect(),
            rejection: vec![0.5; last],
            n_evals: 0,
        }
    }

    /// Rungs of 8 ladders whose `dE` is normal with mean `m - s^2 beta` and variance `s^2` at beta, and their log Z: that of beta is
    /// `-m beta + s^2 beta^2 / 2`.
    pub(in super::super) fn gaussian_rungs(betas: &[f64], n_draws: usize) -> (Rungs, f64) {
        let (m, s, n) = (2.0, 1.5, n_draws);
        let z = |i: usize, t: usize| normal_quantile(((t * 37 + i * 11) % n) as f64 / n as f64 + 0.5 / n as f64);
        (rungs(betas, 8, n, |k, i, t| m - s * s * betas[k] + s * z(i, t)), 0.5 * s * s - m)
    }

    #[test]
    fn the_jackknife_is_that_of_the_mean_where_the_estimate_is_one() {
        let rungs = rungs(&[0.0, 1.0], 16, 2, |_, i, _| i as f64);
        let value = |i: usize| (i * 7 % 16) as f64;
        let mean = |without: Option<usize>| {
            let kept: Vec<f64> = (0..16).filter(|i| Some(*i) != without).map(value).collect();
            kept.iter().sum::<f64>() / kept.len() as f64
        };
        let z = log_z("test", &rungs, mean).unwrap();
        let sd = ((0..16).map(|i| (f64::from(i) - 7.5).powi(2)).sum::<f64>() / 15.0).sqrt();
        assert!((z.value - 7.5).abs() < 1e-12 && (z.std_err / t_over_normal(15.0) / (sd / 4.0) - 1.0).abs() < 1e-12);
        assert_eq!(z.temperatures, Some(Temperatures { n: 2, worst_beta: 0.0, worst_overlap: 0.5 }));
        assert!(log_z("test", &rungs, |_| f64::NAN).is_err());
    }
}
