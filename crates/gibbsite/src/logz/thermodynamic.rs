//! Thermodynamic integration (Kirkwood 1935; Gelman and Meng 1998): log Z changes along a ladder by the mean of what the energy does.

use super::{LogZ, LogZError, bridge, jackknife};
use crate::tempering::{Rung, Rungs};

/// `log Z = log Z_ref - integral over beta from 0 to 1 of E_beta[dE]`, `dE = E - E_ref`, with the derivative `Var_beta[dE]` of the integrand
/// at the levels of a ladder: on `[beta_k, beta_{k+1}]` of length h
///
/// `-h/2 (m_k + m_{k+1}) + h^2/12 (v_k - v_{k+1})`, m the mean and v the variance of dE,
///
/// the trapezoidal rule corrected at its ends (Friel, Hurn and Wyse 2014), whose error is of order `h^5`. In the first and in the
/// last interval, at whose ends dE may have no mean (a support that the reference leaves, tails heavier than its own), the ladder is
/// bridged instead ([`super::bridge`]).
///
/// The standard error is that between the ladders, and the error of the rule: a fifteenth of what it changes by when every second
/// level is left out would be the rest of it to first order; a quarter of it is counted.
///
/// # Errors
/// [`LogZError::Rungs`] with fewer than 8 ladders, and where a mean is not finite.
pub fn log_z(rungs: &Rungs) -> Result<LogZ, LogZError> {
    let last = rungs.betas.len() - 1;
    let ends = |without| {
        let first = bridge::log_ratio(rungs, 0, without);
        if last > 1 { first + bridge::log_ratio(rungs, last - 1, without) } else { first }
    };
    let z = jackknife::log_z("ti", rungs, |without| {
        ends(without) + (1..last.saturating_sub(1)).map(|k| rule(rungs, k, k + 1, without)).sum::<f64>()
    })?;
    let rule_error = 0.25 * halved(rungs, last).abs();
    let std_err = z.std_err.hypot(rule_error);
    Ok(LogZ { temperatures: z.temperatures, ..LogZ::statistical(z.value, std_err, "ti", z.n_evals) })
}

/// The rule from level `a` to level `b`.
fn rule(rungs: &Rungs, a: usize, b: usize, without: Option<usize>) -> f64 {
    let h = rungs.betas[b] - rungs.betas[a];
    let ((m_a, v_a), (m_b, v_b)) = (moments(&rungs.levels[a], without), moments(&rungs.levels[b], without));
    (h * h / 12.0).mul_add(v_a - v_b, -0.5 * h * (m_a + m_b))
}

/// What the sum of the rules changes by when every second level within is left out; of an odd number of intervals the first is
/// left as it is.
fn halved(rungs: &Rungs, last: usize) -> f64 {
    let (first, end) = (1, last.saturating_sub(1));
    let start = first + (end.saturating_sub(first)) % 2;
    (start..end)
        .step_by(2)
        .map(|k| rule(rungs, k, k + 2, None) - rule(rungs, k, k + 1, None) - rule(rungs, k + 1, k + 2, None))
        .sum()
}

/// Mean and variance of dE over all ladders but one.
fn moments(level: &[Rung], without: Option<usize>) -> (f64, f64) {
    let kept = || level.iter().enumerate().filter(|(i, _)| Some(*i) != without).map(|(_, rung)| rung.moments());
    let n: f64 = kept().map(|(n, _, _)| n).sum();
    let mean = kept().map(|(n, mean, _)| n * mean).sum::<f64>() / n;
    let squares: f64 = kept().map(|(n, m, squares)| (n * (m - mean)).mul_add(m - mean, squares)).sum();
    (mean, squares / n)
}

#[cfg(test)]
mod tests {
    use super::super::jackknife::tests::{gaussian_rungs, rungs};
    use super::*;

    /// The mean of dE is linear in beta: the rule is exact.
    #[test]
    fn a_gaussian_ladder() {
        let (rungs, truth) = gaussian_rungs(&[0.0, 0.05, 0.2, 0.5, 0.9, 1.0], 500);
        let got = log_z(&rungs).unwrap();
        assert!((got.value - truth).abs() < 1e-3 && got.std_err < 1e-3, "{got:?}");
    }

    /// A mean of `exp(-4 beta)` where the variance is its slope: between five levels the rule is off by little, and says so.
    #[test]
    fn the_error_of_the_rule_is_counted() {
        let betas: Vec<f64> = (0..=8).map(|k| f64::from(k) / 8.0).collect();
        // Two draws at mean -+ sd have that mean and variance.
        let rungs = rungs(&betas, 8, 2, |k, _, t| {
            let v = 4.0 * (-4.0 * betas[k]).exp();
            v / 4.0 + if t == 0 { v.sqrt() } else { -v.sqrt() }
        });
        let inner = |a: f64, b: f64| ((-4.0 * b).exp() - (-4.0 * a).exp()) / 4.0;
        let sum: f64 = (1..7).map(|k| rule(&rungs, k, k + 1, None)).sum();
        let off = (sum - inner(betas[1], betas[7])).abs();
        let z = log_z(&rungs).unwrap();
        assert!(off > 1e-7 && off < z.std_err && z.std_err < 1e-3, "{off} {z:?}");
    }
}
