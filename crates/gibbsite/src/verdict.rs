//! Whether to believe the draws of a run: every diagnostic held against its threshold, what fails named with its numbers and
//! a remedy.
//!
//! [`judge`] does it all. Its parts are pure functions on an [`Evidence`]: [`Report::new`] summarises the draws,
//! [`Report::check_exactly`] holds them against quadrature where there is one, [`Report::verdict`] weighs the numbers.
//! All thresholds are constants of this room.
//!
//! ```
//! use gibbsite::energy::formula::Formula;
//! use gibbsite::kernel::Nuts;
//! use gibbsite::run::{RunOptions, dispersed_points, sample};
//! use gibbsite::verdict::{Grade, Problem, judge};
//!
//! let energy = Formula::parse("(x1^2 + x2^2)/2")?;
//! let start = dispersed_points(&energy, 64, 0)?.points;
//! let options = RunOptions { n_draws: 200, n_warmup: 200, ..RunOptions::default() };
//! let run = sample(&energy, &Nuts::new(0.5), start.clone(), &options, &|_| {})?;
//! assert!(judge(&energy, &run).is_good());
//!
//! let run = sample(&energy, &Nuts::new(0.5), start, &RunOptions { n_draws: 3, ..options }, &|_| {})?;
//! let verdict = judge(&energy, &run);
//! assert_eq!(verdict.grade(), Grade::Bad);
//! assert!(matches!(verdict.findings[0].problem, Problem::TooFewDraws { n_draws: 3 }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;

mod distance;
mod energies;
mod evidence;
pub mod exact;
mod findings;
mod mixing;
mod modes;
mod problem;
mod remedy;
mod report;
mod tail;
mod unresolved;
mod words;
pub use distance::Distance;
pub use energies::Corner;
pub use evidence::{Bias, Evidence, GivenStep, Source};
pub use findings::{MAX_BIAS, MAX_BIAS_Z, MAX_DIVERGED, MAX_TRUNCATED};
pub use mixing::{MAX_DRIFT, MAX_RHAT_LIMIT, MIN_ESS, MIN_RHAT_LIMIT, SHORT, rhat_limit};
pub use modes::MAX_WELLS;
pub use problem::Problem;
pub use remedy::Remedy;
pub use report::Report;
pub use tail::Tail;
pub use unresolved::Crowd;

use crate::energy::Energy;

/// How good draws are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Nothing speaks against them.
    Good,
    /// They may be used; what is found limits what they say.
    Doubtful,
    /// They must not be used.
    Bad,
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Grade::Good => "good",
            Grade::Doubtful => "doubtful",
            Grade::Bad => "bad",
        })
    }
}

/// A check that failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Which, of what, and its numbers.
    pub problem: Problem,
    /// Whether the draws must not be used because of it.
    pub forbids: bool,
    /// What to do about it.
    pub remedy: Remedy,
}

impl Finding {
    /// In a sentence, with these `names` of the coordinates (those beyond are x1, x2, ...) and the remedy in these words; none
    /// for problems that name their remedy themselves ([`Problem::names_remedy`]).
    pub fn in_words(&self, names: &[String], remedy: &str) -> String {
        let problem = self.problem.in_words(names);
        if self.problem.names_remedy() || remedy.is_empty() {
            return problem;
        }
        let mark = if self.problem.is_followed_by_colon() { ':' } else { ';' };
        format!("{problem}{mark} {remedy}")
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_words(&[], &self.remedy.to_string()))
    }
}

/// The judgement of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What failed: what forbids the use of the draws before what does not, else in the order of the checks.
    pub findings: Vec<Finding>,
    /// The largest R-hat of a coordinate; NaN if one is unknown.
    pub rhat: f64,
    /// The least effective sample size of a coordinate; NaN if one is unknown.
    pub ess: f64,
}

impl Verdict {
    /// Bad if a finding forbids the use of the draws, doubtful if there is any.
    pub fn grade(&self) -> Grade {
        if self.findings.iter().any(|f| f.forbids) {
            Grade::Bad
        } else if self.findings.is_empty() {
            Grade::Good
        } else {
            Grade::Doubtful
        }
    }

    /// Whether nothing at all was found.
    pub fn is_good(&self) -> bool {
        self.grade() == Grade::Good
    }
}

/// The grade with R-hat and effective draws, then one line for each finding.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: R-hat at most {:.3}, at least {:.0} effective draws", self.grade(), self.rhat, self.ess)?;
        self.findings.iter().try_for_each(|finding| write!(f, "\n- {finding}"))
    }
}

/// All that can be said of a run of `energy`, which may cost a quadrature of up to 30 million evaluations in one to three
/// dimensions: the draws are held against exact expectations there. [`Report`] does the same without.
///
/// The draws and `energy` must have the same coordinates: those of [`crate::energy::Transformed`] come with the transformed
/// energy, or after [`crate::energy::Transformed::draws_to_inner`] with the inner one.
///
/// # Panics
/// If the draws have another number of coordinates than the energy.
pub fn judge<'a, E: Energy + ?Sized>(energy: &E, run: impl Into<Evidence<'a>>) -> Verdict {
    let evidence = run.into();
    assert_eq!(evidence.draws.dim(), energy.space().dim(), "draws and energy must have the same coordinates");
    let mut report = Report::new(&evidence);
    report.check_support(energy.space(), &evidence);
    report.check_exactly(energy, &evidence);
    report.verdict(&evidence)
}

#[cfg(test)]
mod tests;
