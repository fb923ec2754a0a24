//! What to do about a problem.

use std::fmt;

use super::words::percent;
use crate::run::Warning;
use crate::tempering;

/// In words, for a library and a command line alike.
const SINGULARITY_AT_ZERO: &str = "write the energy in the distance from there, so that the singularity is at 0, where floating-point numbers are dense";

/// A way out. [`fmt::Display`] names what this crate has for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Remedy {
    /// The step size that was given is too large.
    SmallerStep {
        /// Share of the steps that are accepted.
        accept_prob: f64,
    },
    /// The step size that was given is too small.
    LargerStep {
        /// Share of the steps that are accepted.
        accept_prob: f64,
    },
    /// A smaller step size, or other coordinates.
    SmallerStepOrOtherCoordinates,
    /// A smaller step size, or a sampler that accepts and rejects.
    SmallerStepOrAdjusted,
    /// Other coordinates, in which the curvature varies less.
    OtherCoordinates {
        /// Whether tempering may help, too.
        or_temper: bool,
    },
    /// Does the energy depend on the coordinate, and is the step size sane?
    CheckEnergyAndStep,
    /// More draws of each chain.
    MoreDraws {
        /// How many at least.
        at_least: usize,
    },
    /// The chains are short: more draws of each.
    LongerChains,
    /// More draws.
    KeepDrawing {
        /// Whether thinning less gives more, too.
        or_thin_less: bool,
        /// Whether exact draws from a grid are possible.
        or_grid: bool,
    },
    /// More warm-up and more draws.
    LongerRun {
        /// Whether tempering may help, too.
        or_temper: bool,
        /// Whether exact draws from a grid are possible.
        or_grid: bool,
    },
    /// Tempering, which crosses between wells.
    Temper {
        /// How many there are.
        n_wells: usize,
        /// Whether exact draws from a grid are possible.
        or_grid: bool,
    },
    /// More warm-up.
    MoreWarmUp,
    /// More chains and more warm-up, or a support that leaves one mode.
    MoreChains,
    /// The energy in a coordinate whose singularity is at 0, where floating-point numbers are dense.
    SingularityAtZero,
    /// A wall told with bounds, or exponentials that do not underflow.
    WallOrLogSumExp,
    /// Chains instead of a grid that does not resolve the energy; which, is for pilot chains to choose.
    MarkovChains,
    /// Exact draws from a grid.
    Grid,
    /// The quantiles, which exist whatever the moments do.
    Quantiles {
        /// Whether the mean is to be replaced, too, by the median.
        and_median: bool,
    },
    /// More levels of the ladder.
    MoreLevels {
        /// How many at least.
        n_levels: usize,
    },
    /// A reference that is closer to the target, or more warm-up to fit one.
    CloserReference,
    /// More transitions of every level between swaps.
    MoreTransitions,
}

impl Remedy {
    /// Against what a run found doubtful.
    pub(super) fn of_warning(warning: &Warning) -> Self {
        match warning {
            Warning::Divergences { .. } => Remedy::SmallerStepOrOtherCoordinates,
            Warning::Acceptance { adapted: true, .. } | Warning::Lost { .. } => Remedy::MoreWarmUp,
            Warning::Acceptance { accept_prob, .. } => Remedy::SmallerStep { accept_prob: *accept_prob },
            Warning::Truncated { .. } => Remedy::OtherCoordinates { or_temper: false },
            Warning::StuckChains { .. } => Remedy::CheckEnergyAndStep,
        }
    }

    /// Against a ladder that does not carry.
    pub(super) fn of_ladder(verdict: &tempering::Verdict) -> Self {
        match verdict {
            tempering::Verdict::LadderTooShort { n_levels, .. } => Remedy::MoreLevels { n_levels: *n_levels },
            tempering::Verdict::ReferenceTooFar { .. } => Remedy::CloserReference,
            tempering::Verdict::NoRoundTrips { n_iterations, expected, .. } => {
                let enough = (2.0 * expected).ceil();
                if expected.is_nan() {
                    Remedy::LongerChains
                } else if enough > *n_iterations as f64 {
                    Remedy::MoreDraws { at_least: enough as usize }
                } else {
                    Remedy::MoreTransitions
                }
            }
            tempering::Verdict::FewRoundTrips { n_round_trips, n_ladders, n_iterations, .. } => {
                let enough = tempering::enough(*n_round_trips, *n_ladders, *n_iterations);
                Remedy::MoreDraws { at_least: enough.ceil() as usize }
            }
            tempering::Verdict::Mixing { .. } => Remedy::KeepDrawing { or_thin_less: false, or_grid: false },
        }
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grid = |possible: bool| if possible { ", or draw from kernel::grid" } else { "" };
        match *self {
            Remedy::SmallerStep { accept_prob } => write!(
                f,
                "only {} of the steps are accepted: give a smaller step size, or let warm-up find one",
                percent(accept_prob)
            ),
            Remedy::LargerStep { accept_prob } => write!(
                f,
                "{} of the steps are accepted, so they are small: give a larger step size, or let warm-up find one",
                percent(accept_prob)
            ),
            Remedy::SmallerStepOrOtherCoordinates => {
                f.write_str("use a smaller step size, or write the energy in other coordinates")
            }
            Remedy::SmallerStepOrAdjusted => f.write_str("use a smaller step size, or kernel::Mala"),
            Remedy::OtherCoordinates { or_temper } => {
                let temper = if or_temper { ", or try run::auto or tempering" } else { "" };
                write!(f, "write the energy in other coordinates{temper}")
            }
            Remedy::CheckEnergyAndStep => f.write_str("does the energy depend on it, and is the step size sane?"),
            Remedy::MoreDraws { at_least } => write!(f, "at least {at_least} are needed"),
            Remedy::LongerChains => f.write_str("the chains are short: draw more"),
            Remedy::KeepDrawing { or_thin_less, or_grid } => {
                let thin = if or_thin_less { ", or thin less" } else { "" };
                write!(f, "draw more{thin}{}", grid(or_grid))
            }
            Remedy::LongerRun { or_temper, or_grid } => {
                let temper = if or_temper { ", or try tempering (run::auto, tempering::temper)" } else { "" };
                write!(f, "warm up longer and draw more{temper}{}", grid(or_grid))
            }
            Remedy::Temper { n_wells, or_grid } => write!(
                f,
                "there are {n_wells} wells, between which they hardly move: try tempering (run::auto, tempering::temper){}",
                grid(or_grid)
            ),
            Remedy::MoreWarmUp => f.write_str("warm up longer"),
            Remedy::MoreChains => f.write_str("use more chains and more warm-up, or cut the support between the modes"),
            Remedy::SingularityAtZero => f.write_str(SINGULARITY_AT_ZERO),
            Remedy::WallOrLogSumExp => f.write_str("bound the support there, or write exponentials with logsumexp"),
            Remedy::MarkovChains => f.write_str("use run::auto"),
            Remedy::Grid => f.write_str("draw from kernel::grid"),
            Remedy::Quantiles { and_median: true } => f.write_str("use the median and the quantiles"),
            Remedy::Quantiles { and_median: false } => f.write_str("use the quantiles"),
            Remedy::MoreLevels { n_levels } => {
                write!(f, "use at least {n_levels} levels, or more warm-up if the ladder chooses its own")
            }
            Remedy::CloserReference => f.write_str(
                "give a reference closer to the target (tempering::temper_from), or more warm-up to fit one",
            ),
            Remedy::MoreTransitions => f.write_str("make more transitions of every level between swaps"),
        }
    }
}
