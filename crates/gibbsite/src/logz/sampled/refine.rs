//! More work until the error is small enough.

use super::{Estimator, Keep};
use crate::logz::{LogZ, LogZError};
use crate::run::{Elapsed, Event, Progress};

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
    /// Ends the work, wherever it is, once the time is over; asked between pieces of it ([`Estimator::piece`]).
    pub elapsed: Elapsed<'a>,
}

impl Stop<'_> {
    /// Whether the time is over.
    pub fn is_late(&self) -> bool {
        (self.elapsed)() >= 1.0
    }

    /// The same where so many evaluations have been made already.
    #[must_use]
    pub fn after(self, n_evals: u64) -> Self {
        Self { budget: self.budget.saturating_sub(n_evals), ..self }
    }
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
/// Those of the estimator and of the keeper; [`LogZError::OutOfTime`] where the time is over before there is an estimate.
pub fn refine(
    estimator: &mut dyn Estimator,
    stop: &Stop<'_>,
    keep: &mut dyn Keep,
    progress: Progress<'_>,
    told: &mut dyn FnMut(&LogZ),
) -> Result<LogZ, LogZError> {
    let first = stop.first.unwrap_or(estimator.first());
    go_on(estimator, keep)?;
    let mut more = first.saturating_sub(estimator.n_done());
    loop {
        if more > 0 {
            extend(estimator, more, progress, stop.elapsed)?;
            keep.store(estimator.name(), &estimator.save())?;
        }
        let n = estimator.n_done();
        let mut z = match estimator.log_z() {
            // No round is cut short but by the clock.
            Err(LogZError::Draws { .. } | LogZError::Rungs { .. }) if n < first => {
                return Err(LogZError::OutOfTime { method: estimator.name() });
            }
            found => found?,
        };
        told(&z);
        let precise = z.std_err <= stop.tol;
        let doubt = estimator.doubt();
        let may_pass = doubt.as_ref().is_some_and(|d| d.may_pass);
        let is_done = n >= stop.least && precise && (!may_pass || n >= first * MOST_DOUBTFUL);
        let is_at_end = z.n_evals >= stop.budget;
        if is_done || is_at_end || stop.is_late() {
            if stop.first.is_some() && n < first {
                let share = 100.0 * n as f64 / first as f64;
                z.warnings.push(format!("only {share:.0} % of the work asked for was done before the time limit"));
            }
            if !precise {
                let why = if is_at_end { "within the budget of work" } else { "before the time limit" };
                z.warnings.push(format!("the tolerance {} was not reached {why}", stop.tol));
            }
            if let Some(doubt) = doubt {
                z.trusted = false;
                z.warnings.push(doubt.said);
            }
            return Ok(z);
        }
        let wanted = n as f64 * 1.2 * (z.std_err / stop.tol).powi(2);
        let wanted = if wanted.is_finite() { (wanted.ceil() as usize).saturating_sub(n) } else { usize::MAX };
        // Not more than the budget has left, by what there is.
        let left = (n as f64 * (stop.budget as f64 / z.n_evals.max(1) as f64 - 1.0)).ceil() as usize;
        more = wanted.clamp(n.div_ceil(2), 3 * n).max(stop.least.saturating_sub(n)).min(left.max(1));
    }
}

/// Takes up what was kept, if nothing has been done yet.
pub(super) fn go_on(estimator: &mut dyn Estimator, keep: &mut dyn Keep) -> Result<(), LogZError> {
    if estimator.n_done() == 0
        && let Some(saved) = keep.load(estimator.name())?
    {
        estimator.go_on(&saved)?;
    }
    Ok(())
}

/// Does `n` units of work more, piece by piece while there is time.
pub(super) fn extend(
    estimator: &mut dyn Estimator,
    n: usize,
    progress: Progress<'_>,
    elapsed: Elapsed<'_>,
) -> Result<(), LogZError> {
    let end = estimator.n_done() + n;
    while estimator.n_done() < end && elapsed() < 1.0 {
        let next = end.min(estimator.n_done() + estimator.piece());
        let of_all = |event| match event {
            // The piece knows of itself and of what was done before.
            Event::Progress { phase, done, total } => {
                let total = (total as f64 * end as f64 / next as f64) as u64;
                progress(Event::Progress { phase, done, total });
            }
            event => progress(event),
        };
        estimator.extend(next - estimator.n_done(), &of_all)?;
    }
    Ok(())
}
