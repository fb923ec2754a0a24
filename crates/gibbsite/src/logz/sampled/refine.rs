//! More work until the error is small enough.

use super::{Estimator, Keep};
use crate::logz::{LogZ, LogZError};
use crate::run::Progress;

/// Work that is done on account of a doubt alone, as a multiple of the first round's.
const MOST_DOUBTFUL: usize = 32;

/// When to stop.
#[derive(Clone, Copy)]
pub struct Stop<'a> {
    /// Standard error to reach.
    pub tol: f64,
    /// Work of the first round; [`Estimator::first`] if it is `None`.
    pub first: Option<usize>,
    /// Work that is done whatever the error is, in units of the estimator.
    pub least: usize,
    /// Evaluations of energies and gradients beyond which no round begins; [`budget`] gives them for a time.
    pub budget: u64,
    /// An emergency stop, asked between rounds.
    pub interrupted: &'a dyn Fn() -> bool,
}

/// Evaluations that a thread does in `seconds`, by a fixed table of costs and not by the clock, so that the same work is done
/// everywhere: `100 + 10 dim` nanoseconds for each.
pub fn budget(seconds: f64, dim: usize) -> u64 {
    (seconds * 1e9 / (100.0 + 10.0 * dim as f64)) as u64
}

/// Extends an estimate until its standard error is `tol` or less and nothing speaks against it. After every round it is kept under
/// its name, and `told`; it goes on from what was kept.
///
/// A round does what the error so far asks for, at least half as much again as there is and at most three times as much. A
/// tolerance that was not reached is a warning; a doubt that stays makes the estimate untrusted.
///
/// # Errors
/// Those of the estimator and of the keeper.
pub fn refine(
    estimator: &mut dyn Estimator,
    stop: &Stop<'_>,
    keep: &mut dyn Keep,
    progress: Progress<'_>,
    told: &mut dyn FnMut(&LogZ),
) -> Result<LogZ, LogZError> {
    let first = stop.first.unwrap_or(estimator.first());
    if estimator.n_done() == 0 {
        match keep.load(estimator.name())? {
            Some(saved) => estimator.go_on(&saved)?,
            None => extend(estimator, first, keep, progress)?,
        }
    }
    loop {
        let n = estimator.n_done();
        let mut z = estimator.log_z()?;
        told(&z);
        let precise = z.std_err <= stop.tol;
        let doubt = estimator.doubt();
        let is_done = n >= stop.least && precise && (doubt.is_none() || n >= first * MOST_DOUBTFUL);
        let is_at_end = z.n_evals >= stop.budget;
        let interrupted = !is_done && (stop.interrupted)();
        if is_done || is_at_end || interrupted {
            if !precise {
                let why = if is_at_end { "within the budget of work" } else { "before the time limit" };
                z.warnings.push(format!("the tolerance {} was not reached {why}", stop.tol));
            }
            if let Some(doubt) = doubt {
                z.trusted = false;
                z.warnings.push(doubt);
            }
            return Ok(z);
        }
        let wanted = n as f64 * 1.2 * (z.std_err / stop.tol).powi(2);
        let more = if wanted.is_finite() { (wanted.ceil() as usize).saturating_sub(n) } else { usize::MAX };
        // Not more than the budget has left, by what there is.
        let left = (n as f64 * (stop.budget as f64 / z.n_evals.max(1) as f64 - 1.0)).ceil() as usize;
        let more = more.clamp(n.div_ceil(2), 3 * n).max(stop.least.saturating_sub(n)).min(left.max(1));
        extend(estimator, more, keep, progress)?;
    }
}

/// Does more and keeps it.
fn extend(
    estimator: &mut dyn Estimator,
    n: usize,
    keep: &mut dyn Keep,
    progress: Progress<'_>,
) -> Result<(), LogZError> {
    estimator.extend(n, progress)?;
    keep.store(estimator.name(), &estimator.save())
}
