//! Two families of estimates that check each other.

use super::{Along, Estimator, Keep, Pilot, Stop, refine};
use crate::energy::Differentiable;
use crate::kernel::Nuts;
use crate::logz::path::Path;
use crate::logz::{Bounds, LogZ, LogZError, reverse};
use crate::run::Progress;
use crate::run::saved::Saved;

/// Joint standard errors beyond which two estimates contradict each other.
const MAX_Z: f64 = 3.0;

/// Standard error above which an estimate checks nothing.
const MAX_STD_ERR: f64 = 1.0;

/// Times that estimates which contradict each other are given more work.
const MAX_RETRIES: u64 = 2;

/// Under which they are kept.
const RETRIES: &str = "retries";

/// An estimate that two families agree on, or not.
#[derive(Clone, Debug)]
pub struct CrossChecked {
    /// The answer.
    pub log_z: LogZ,
    /// By annealed importance sampling.
    pub annealed: LogZ,
    /// By bridges along the ladder.
    pub bridged: LogZ,
    /// By annealing from draws of the ladder back to the reference, where that could be done.
    pub reversed: Option<LogZ>,
}

/// Anneals and bridges, each until its standard error is small enough, and compares the two by z, their difference in joint
/// standard errors. Beyond 3 both are given four times as much work, twice at most.
///
/// Where they agree the answer is their mean, weighted by inverse variances, with an error that is never smaller than their
/// difference says (the ratio of Birge 1932). Where they do not it is the larger of the two, for what an estimate has not visited
/// is missing from it, it is not trusted, and `warnings` names the likely cause.
///
/// `lower` is the guaranteed bound of the annealed weights, `upper` that of [`reverse`] annealing from draws of the ladder, which
/// holds if these are exact.
///
/// # Errors
/// Those of the estimators.
pub fn cross_check<E: Differentiable + ?Sized>(
    pilot: &Pilot<'_, E>,
    path: &Path<Nuts>,
    stop: &Stop<'_>,
    keep: &mut dyn Keep,
    progress: Progress<'_>,
    told: &mut dyn FnMut(&LogZ),
) -> Result<CrossChecked, LogZError> {
    let mut annealing = pilot.annealing(path);
    let mut ladders = pilot.ladders(Along::Bridges)?;
    // How often they were given more work, and how much they were to have then.
    let mut retries = match keep.load(RETRIES)? {
        Some(saved) => saved.integers::<3>(RETRIES)?,
        None => [0; 3],
    };
    loop {
        let [_, n_annealing, n_ladders] = retries.map(|n| n as usize);
        let annealed = refine(&mut annealing, &Stop { least: n_annealing, ..*stop }, keep, progress, told)?;
        let bridged = refine(&mut ladders, &Stop { least: n_ladders, ..*stop }, keep, progress, told)?;
        let z = (annealed.value - bridged.value) / annealed.std_err.hypot(bridged.std_err);
        if z.abs() > MAX_Z && retries[0] < MAX_RETRIES && !(stop.interrupted)() {
            retries = [retries[0] + 1, 4 * annealing.n_done() as u64, 4 * ladders.n_done() as u64];
            let mut saved = Saved::default();
            saved.put_integers(RETRIES, &retries);
            keep.store(RETRIES, &saved)?;
            continue;
        }
        let mut log_z = combine(&annealed, &bridged);
        let draws = ladders.target_draws();
        let reversed = reverse::log_z(pilot.ladder().reference(), pilot.energy(), path, &draws, pilot.seed());
        let reversed = match reversed {
            Err(LogZError::Draws { .. } | LogZError::Empty { .. }) => None,
            found => Some(found?),
        };
        if let Some(reversed) = reversed.as_ref().filter(|r| r.upper_bounds == Bounds::IfDrawsExact) {
            (log_z.upper, log_z.upper_bounds) = (reversed.upper, reversed.upper_bounds);
            log_z.n_evals += reversed.n_evals;
        }
        return Ok(CrossChecked { log_z, annealed, bridged, reversed });
    }
}

/// One answer of two.
fn combine(annealed: &LogZ, bridged: &LogZ) -> LogZ {
    let joint = annealed.std_err.hypot(bridged.std_err);
    let difference = annealed.value - bridged.value;
    // Two errors of zero and no difference are no contradiction.
    let z = if difference == 0.0 { 0.0 } else { difference / joint };
    let useless = [annealed, bridged].into_iter().find(|e| !(e.std_err <= MAX_STD_ERR));
    let (value, std_err, method) = if let Some(useless) = useless {
        let other = if useless.method == annealed.method { bridged } else { annealed };
        (other.value, other.std_err, other.method)
    } else if z.abs() > MAX_Z {
        let larger = if difference > 0.0 { annealed } else { bridged };
        (larger.value, larger.std_err, larger.method)
    } else if joint == 0.0 {
        (annealed.value, 0.0, "ais and bridge")
    } else {
        let share = (bridged.std_err / joint).powi(2);
        let value = share.mul_add(difference, bridged.value);
        let std_err = annealed.std_err * bridged.std_err / joint * z.abs().max(1.0);
        (value, std_err, "ais and bridge")
    };
    let mut out = LogZ {
        ess: annealed.ess,
        pareto_k: annealed.pareto_k,
        temperatures: annealed.temperatures,
        agreement: Some(z),
        trusted: annealed.trusted && bridged.trusted && z.abs() <= MAX_Z && useless.is_none(),
        lower: annealed.lower,
        bounds: annealed.bounds,
        ..LogZ::statistical(value, std_err, method, annealed.n_evals + bridged.n_evals)
    };
    if let Some(LogZ { method, std_err, .. }) = useless {
        out.warnings.push(format!(
            "{method} has a standard error of {std_err:.1e} and checks nothing: the other estimate stands alone"
        ));
    } else if !(z.abs() <= MAX_Z) {
        out.warnings.push(format!(
            "annealing says {:.4} +- {:.4}, bridges along the ladder say {:.4} +- {:.4}, {:.1} joint standard errors apart: {}",
            annealed.value,
            annealed.std_err,
            bridged.value,
            bridged.std_err,
            z.abs(),
            cause(annealed, bridged)
        ));
    }
    for warning in annealed.warnings.iter().chain(&bridged.warnings) {
        if !out.warnings.contains(warning) {
            out.warnings.push(warning.clone());
        }
    }
    out
}

/// Why they may contradict each other.
fn cause(annealed: &LogZ, bridged: &LogZ) -> &'static str {
    if !bridged.trusted {
        "the tempered chains have not come from the reference to the target and back often enough"
    } else if annealed.value < bridged.value {
        "annealed walkers miss a part of the target that tempered chains reach, or their weights have a heavier tail than they show"
    } else {
        "tempered chains miss a part of the target that annealed walkers reach, or have not been in equilibrium"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(value: f64, std_err: f64) -> LogZ {
        LogZ::statistical(value, std_err, "ais", 1)
    }

    #[test]
    fn an_error_that_is_useless_is_no_agreement() {
        for useless in [7e5, f64::INFINITY, f64::NAN] {
            let annealed = LogZ::statistical(0.0, useless, "ais", 1);
            let z = combine(&annealed, &LogZ::statistical(1.0, 0.05, "bridge", 1));
            assert!(!z.trusted && z.value == 1.0 && z.std_err == 0.05 && z.method == "bridge", "{z:?}");
            assert!(z.warnings[0].contains("checks nothing"), "{z:?}");
        }
    }

    #[test]
    fn estimates_that_agree_are_weighted_and_those_that_do_not_are_not_trusted() {
        let z = combine(&estimate(1.0, 0.3), &estimate(1.2, 0.1));
        assert!((z.value - 1.18).abs() < 1e-12 && (z.std_err - 0.03 / 0.1f64.sqrt()).abs() < 1e-12, "{z:?}");
        assert!(z.trusted && (z.agreement.unwrap() + 0.2 / 0.1f64.sqrt()).abs() < 1e-12);
        // Two errors apart: the error is twice as large.
        let z = combine(&estimate(0.0, 0.1), &estimate(0.2 * 2f64.sqrt(), 0.1));
        assert!((z.std_err - 2.0 * 0.1 / 2f64.sqrt()).abs() < 1e-12 && z.trusted, "{z:?}");
        let z = combine(&estimate(0.0, 0.1), &estimate(1.0, 0.1));
        assert!(!z.trusted && z.value == 1.0 && z.warnings[0].contains("miss a part of the target"), "{z:?}");
        let z = combine(&estimate(2.0, 0.0), &estimate(2.0, 0.0));
        assert_eq!((z.value, z.std_err, z.agreement, z.trusted), (2.0, 0.0, Some(0.0), true));
    }
}
