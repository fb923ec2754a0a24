//! Two families of estimates that check each other, and witnesses that may contradict both.

use super::refine::go_on;
use super::{Along, Estimator, Keep, Pilot, Stop, Timely, refine};
use crate::energy::{Bridge, Differentiable};
use crate::kernel::{Kernel, Tunable};
use crate::logz::path::Path;
use crate::logz::{Bounds, LogZ, LogZError};
use crate::run::Progress;
use crate::run::saved::Saved;
use crate::tempering::Reference;

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
    /// By importance sampling about all wells that are known, where any weight was found.
    pub importance: Option<LogZ>,
}

/// Anneals and bridges, each until its standard error is small enough, and compares the two by z, their difference in joint
/// standard errors. Beyond 3 both are given four times as much work, twice at most.
///
/// Where they agree the answer is their mean, weighted by inverse variances, with an error that is never smaller than their
/// difference says (the ratio of Birge 1932). Where they do not it is the larger of the two, for what an estimate has not visited
/// is missing from it, it is not trusted, and `warnings` names the likely cause.
///
/// Two witnesses that take no part in the answer may contradict it. [`importance`](crate::logz::importance) sampling about all wells that are known needs no
/// chain to find its way between them: what is missing from its weights makes it too low, so that an answer far below it is
/// wrong. [`reverse`](crate::logz::reverse) annealing from draws of the ladder is too high where walkers do not find all of the reference: an answer far
/// above it is wrong. An answer that is contradicted is not trusted; importance weights that can be trusted take its place.
///
/// Annealing may take half of the budget and half of the time; bridges what it leaves of both, and one piece of work however late
/// it is. Witnesses are heard while there is time.
///
/// `lower` is the guaranteed bound of the annealed weights, `upper` that of reverse annealing, which holds if the draws are exact.
///
/// # Errors
/// Those of the estimators.
pub fn cross_check<'a, E, R, K>(
    pilot: &Pilot<'a, E, R, K>,
    path: &Path<K>,
    stop: &Stop<'_>,
    keep: &mut dyn Keep,
    progress: Progress<'_>,
    told: &mut dyn FnMut(&LogZ),
) -> Result<CrossChecked, LogZError>
where
    E: Differentiable + ?Sized,
    R: Reference,
    K: for<'b> Kernel<Bridge<&'b R, &'b E>> + Tunable + Clone,
    Pilot<'a, E, R, K>: Timely<K>,
{
    let mut annealing = pilot.annealing(path);
    let mut ladders = pilot.ladders(Along::Bridges)?;
    go_on(&mut ladders, keep)?;
    // How often they were given more work, and how much they were to have then.
    let mut retries = match keep.load(RETRIES)? {
        Some(saved) => saved.integers::<3>(RETRIES)?,
        None => [0; 3],
    };
    loop {
        let [_, n_annealing, n_ladders] = retries.map(|n| n as usize);
        let half = 0.5 * (1.0 + (stop.elapsed)());
        let budget = (stop.budget / 2).min(stop.after(ladders.n_evals()).budget);
        let first = Stop { least: n_annealing, budget, elapsed: &|| (stop.elapsed)() / half, ..*stop };
        let annealed = refine(&mut annealing, &first, keep, progress, told)?;
        if stop.is_late() && ladders.n_done() == 0 {
            ladders.extend(ladders.piece(), progress)?;
        }
        let second = Stop { least: n_ladders, ..stop.after(annealed.n_evals) };
        let bridged = refine(&mut ladders, &second, keep, progress, told)?;
        let z = (annealed.value - bridged.value) / annealed.std_err.hypot(bridged.std_err);
        let has_more = annealed.n_evals + bridged.n_evals < stop.budget && !stop.is_late();
        if z.abs() > MAX_Z && retries[0] < MAX_RETRIES && has_more {
            retries = [retries[0] + 1, 4 * annealing.n_done() as u64, 4 * ladders.n_done() as u64];
            let mut saved = Saved::default();
            saved.put_integers(RETRIES, &retries);
            keep.store(RETRIES, &saved)?;
            continue;
        }
        let mut log_z = combine(&annealed, &bridged);
        let reversed = heard(stop, || Some(pilot.reversed(path, &ladders.target_draws(), stop.elapsed)))?;
        if let Some(reversed) = reversed.as_ref().filter(|r| r.upper_bounds == Bounds::IfDrawsExact) {
            (log_z.upper, log_z.upper_bounds) = (reversed.upper, reversed.upper_bounds);
        }
        let importance = heard(stop, || pilot.importance(stop.elapsed))?;
        for (witness, side) in [(&reversed, Side::Above), (&importance, Side::Below)] {
            if let Some(witness) = witness {
                log_z.n_evals += witness.n_evals;
                confront(&mut log_z, witness, side);
            }
        }
        return Ok(CrossChecked { log_z, annealed, bridged, reversed, importance });
    }
}

/// What a witness says, if it can say anything and there is time for it.
fn heard(
    stop: &Stop<'_>,
    witness: impl FnOnce() -> Option<Result<LogZ, LogZError>>,
) -> Result<Option<LogZ>, LogZError> {
    if stop.is_late() {
        return Ok(None);
    }
    let Some(found) = witness() else { return Ok(None) };
    match found {
        _ if stop.is_late() => Ok(None),
        Err(LogZError::Draws { .. } | LogZError::Empty { .. }) => Ok(None),
        found => found.map(Some),
    }
}

/// Where a witness is if something is missing from it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Above,
    Below,
}

/// Lets a witness contradict the answer.
fn confront(log_z: &mut LogZ, witness: &LogZ, side: Side) {
    let LogZ { value, std_err, method, .. } = *witness;
    let can_speak = witness.trusted && std_err <= MAX_STD_ERR;
    let joint = std_err.hypot(log_z.std_err);
    let wrong_by = |bound: f64| if side == Side::Below { bound - log_z.value } else { log_z.value - bound };
    let beyond = match side {
        Side::Below => matches!(witness.bounds, Bounds::Guaranteed { .. }).then(|| wrong_by(witness.lower)),
        Side::Above => (witness.upper_bounds == Bounds::IfDrawsExact).then(|| wrong_by(witness.upper)),
    };
    let speaks = can_speak && wrong_by(value) > MAX_Z * joint;
    let proves = beyond.is_some_and(|by| by > MAX_Z * log_z.std_err);
    if !(speaks || proves) {
        return;
    }
    let said = match side {
        _ if speaks => format!("{value:.4} +- {std_err:.4}, {:.1} joint standard errors", wrong_by(value) / joint),
        Side::Below => format!("at least {:.4},", witness.lower),
        Side::Above => format!("at most {:.4},", witness.upper),
    };
    let likely = match side {
        Side::Below => "they miss some of a well that is known",
        Side::Above => "the draws of the target that it comes from miss some of it, or the others weigh it wrongly",
    };
    log_z.warnings.push(format!(
        "{method} says {said} from the {:.4} +- {:.4} of the others: {likely}",
        log_z.value, log_z.std_err
    ));
    log_z.trusted = false;
    if speaks && side == Side::Below {
        (log_z.value, log_z.std_err, log_z.method) = (value, std_err, method);
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
    fn witnesses_contradict_what_they_can() {
        let against = |witness: LogZ, side| {
            let mut z = combine(&estimate(1.0, 0.1), &estimate(1.0, 0.1));
            confront(&mut z, &witness, side);
            z
        };
        let at = |value| LogZ::statistical(value, 0.1, "importance", 1);
        for (value, side) in [(1.2, Side::Below), (0.0, Side::Below), (0.9, Side::Above), (2.0, Side::Above)] {
            let z = against(at(value), side);
            assert!(z.trusted && z.warnings.is_empty(), "{value} {z:?}");
        }
        let z = against(at(2.0), Side::Below);
        assert!(!z.trusted && z.value == 2.0 && z.method == "importance" && z.warnings.len() == 1, "{z:?}");
        let z = against(at(0.0), Side::Above);
        assert!(!z.trusted && z.value == 1.0, "{z:?}");
        // Weights that cannot be trusted say nothing but their bound.
        let poor = LogZ { trusted: false, ..at(2.0) };
        assert!(against(poor.clone(), Side::Below).trusted);
        let bounds = Bounds::Guaranteed { delta: 0.05 };
        assert!(against(LogZ { lower: 1.1, bounds, ..poor.clone() }, Side::Below).trusted);
        let z = against(LogZ { lower: 1.5, bounds, ..poor.clone() }, Side::Below);
        assert!(!z.trusted && z.value == 1.0 && z.warnings[0].contains("at least 1.5"), "{z:?}");
        assert!(!against(LogZ { upper: 0.5, upper_bounds: Bounds::IfDrawsExact, ..poor }, Side::Above).trusted);
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
