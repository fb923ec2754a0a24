//! What can be wrong with draws, with its numbers.

use super::evidence::bias_z;
use super::exact::{Gap, Moment};
use super::words::{digits, list, name, share_in_words};
use super::{Corner, Crowd, Distance, MIN_ESS, Tail};
use crate::adapt::CoordinateBias;
use crate::diagnostics::MIN_EBFMI;
use crate::logz;
use crate::run::Warning;
use crate::tempering;

/// A check that failed. Coordinates are counted from 0, in increasing order.
#[derive(Clone, Debug, PartialEq)]
pub enum Problem {
    /// What the run itself found. Divergences while drawing count where they are more than
    /// [`MAX_DIVERGED`](super::MAX_DIVERGED) of the proposals, and forbid the use of the draws unless exact expectations are
    /// known and met. Trajectories cut at their greatest length count beyond [`MAX_TRUNCATED`](super::MAX_TRUNCATED), and
    /// forbid nothing.
    Warned {
        /// What it was.
        warning: Warning,
        /// Where divergences gather, if they do.
        corner: Option<Corner>,
    },
    /// Draws with a coordinate or an energy that is not finite.
    NotFinite {
        /// How many.
        n: usize,
        /// Of how many.
        n_draws: usize,
    },
    /// Draws within rounding of an end of the support. Forbids the use of the draws where their share exceeds its own noise.
    Crowded(Crowd),
    /// The quadrature that exact draws come from has a larger error than their number explains.
    Unconverged {
        /// Relative error of the distribution function.
        error: f64,
        /// One over the square root of the number of draws.
        noise: f64,
    },
    /// The energy jumps to infinity inside its support: beyond, exact draws may miss a mode.
    Gap(logz::Gap),
    /// The momenta of a Hamiltonian kernel do not reach all energies: the mean E-BFMI is below [`MIN_EBFMI`]. The chains may
    /// still have reached them, in time: R-hat and effective sample sizes judge that.
    MissingInformation {
        /// Mean over the chains.
        ebfmi: f64,
    },
    /// The ladder of tempered chains does not carry.
    Ladder(tempering::Verdict),
    /// Coordinates whose draws are all equal.
    Frozen {
        /// Which.
        coordinates: Vec<usize>,
    },
    /// Fewer than [`MIN_DRAWS`](crate::diagnostics::MIN_DRAWS) draws a chain.
    TooFewDraws {
        /// Draws of a chain.
        n_draws: usize,
    },
    /// R-hat above [`rhat_limit`](super::rhat_limit), or unknown: the chains have not found one distribution. Forbids the use of
    /// the draws unless R-hat is at most [`MAX_RHAT_LIMIT`](super::MAX_RHAT_LIMIT) and exact expectations are known and met.
    Disagreement {
        /// Of which coordinates.
        coordinates: Vec<usize>,
        /// The one of the largest R-hat.
        worst: usize,
        /// Its R-hat.
        rhat: f64,
        /// Its limit.
        limit: f64,
    },
    /// The same of the energy, where no coordinate shows it.
    EnergyDisagreement {
        /// R-hat of the energy.
        rhat: f64,
        /// Its limit.
        limit: f64,
    },
    /// Some chains sit elsewhere than the others, see [`Agreement::n_apart`](crate::diagnostics::Agreement::n_apart): too few
    /// for R-hat. Forbids the use of the draws unless exact expectations are known and met.
    ChainsApart {
        /// In which coordinates; none where only the energy shows it.
        coordinates: Vec<usize>,
        /// How many chains, in the coordinate that has most.
        n_apart: usize,
        /// All chains.
        n_chains: usize,
    },
    /// Over all chains the later half differs from the earlier by more than [`MAX_DRIFT`](super::MAX_DRIFT) standard errors.
    Drift {
        /// Of which coordinates.
        coordinates: Vec<usize>,
        /// The largest difference, in standard errors.
        z: f64,
    },
    /// Fewer than [`MIN_ESS`] effective draws.
    FewEffectiveDraws {
        /// Of which coordinates.
        coordinates: Vec<usize>,
        /// The least of their effective sample sizes.
        ess: f64,
    },
    /// Fewer than [`MIN_ESS`] effective draws in the tails, where there are enough in the bulk.
    FewInTails {
        /// Of which coordinates.
        coordinates: Vec<usize>,
        /// The least of their effective sample sizes.
        ess: f64,
    },
    /// Mean or variance differ by more than [`MAX_BIAS_Z`](super::MAX_BIAS_Z) standard errors from those of an unbiased
    /// sampler. Forbids the use of the draws where that is more than [`MAX_BIAS`](super::MAX_BIAS) standard deviations.
    Biased {
        /// Of which coordinates.
        coordinates: Vec<usize>,
        /// The one of the largest bias.
        worst: usize,
        /// Its bias.
        bias: CoordinateBias,
    },
    /// A mean that is known exactly is not met, by more than [`exact::MAX_Z`](super::exact::MAX_Z) standard errors.
    Misses {
        /// The one that is farthest off.
        gap: Gap,
        /// How many more are off.
        n_more: usize,
    },
    /// The histogram of the draws is farther from the exact probabilities than noise explains.
    Far {
        /// How far.
        distance: Distance,
        /// Whether the draws are said to be exact and independent.
        independent: bool,
    },
    /// Means that do not exist, or cannot be trusted.
    NoMean {
        /// Of which coordinates.
        coordinates: Vec<usize>,
        /// The one of the heaviest tail.
        worst: usize,
        /// Its tail.
        tail: Tail,
    },
    /// The same of variances, where the mean exists.
    NoVariance {
        /// Of which coordinates.
        coordinates: Vec<usize>,
        /// The one of the heaviest tail.
        worst: usize,
        /// Its tail.
        tail: Tail,
    },
}

impl Problem {
    /// What is wrong, with these `names` of the coordinates; those beyond are x1, x2, ...
    pub fn in_words(&self, names: &[String]) -> String {
        match self {
            Problem::Warned { warning, corner } => {
                let place = corner.as_ref().map_or_else(String::new, |c| format!(": {}", gather(c, names)));
                format!("{warning}{place}")
            }
            Problem::NotFinite { n, n_draws } => format!(
                "{n} of {n_draws} draws have an energy or a coordinate that is not finite: they lie where the density is \
                 infinite or 0 in floating-point numbers"
            ),
            Problem::Crowded(crowd) => crowded(crowd, names),
            Problem::Unconverged { error, noise } => format!(
                "the quadrature from which the draws come has converged only to {}, which is more than their noise of {}: they \
                 are not exact",
                digits(*error, 1),
                digits(*noise, 1)
            ),
            Problem::Gap(gap) => gap.to_string(),
            Problem::MissingInformation { ebfmi } => format!(
                "E-BFMI is {} < {MIN_EBFMI}: a change of momentum reaches only a part of the energies, because the tails are \
                 heavy or the curvature varies (a funnel)",
                digits(*ebfmi, 2)
            ),
            Problem::Ladder(verdict) => verdict.to_string(),
            Problem::Frozen { coordinates } => {
                format!("{} never moved: no diagnostic can vouch for it", list(coordinates, names))
            }
            Problem::TooFewDraws { n_draws } => {
                let draws = if *n_draws == 1 { "draw a chain is" } else { "draws a chain are" };
                format!("{n_draws} {draws} too few for R-hat and effective sample sizes")
            }
            Problem::Disagreement { coordinates, rhat, limit, .. } => format!(
                "R-hat of {} is {rhat:.3} > {limit:.3}: the chains have not found the same distribution",
                list(coordinates, names)
            ),
            Problem::EnergyDisagreement { rhat, limit } => format!("R-hat of the energy is {rhat:.3} > {limit:.3}"),
            Problem::ChainsApart { coordinates, n_apart, n_chains } => {
                let of = if coordinates.is_empty() { "the energy".into() } else { list(coordinates, names) };
                let sit = if *n_apart == 1 { "sits" } else { "sit" };
                format!("{n_apart} of {n_chains} chains {sit} elsewhere than the others in {of}, and stay")
            }
            Problem::Drift { coordinates, .. } => format!(
                "{} drifts: over all chains, the later half of the draws differs from the earlier half",
                list(coordinates, names)
            ),
            Problem::FewEffectiveDraws { coordinates, ess } => {
                format!("only {ess:.0} effective draws of {} (at least {MIN_ESS} are needed)", list(coordinates, names))
            }
            Problem::FewInTails { coordinates, .. } => format!(
                "fewer than {MIN_ESS} effective draws in the tails of {}: quantiles are noisy",
                list(coordinates, names)
            ),
            Problem::Biased { coordinates, worst, bias } => format!(
                "the step size of ula biases {} against mala ({}: sd ratio {:.3}, z {:.1}), which the errors include",
                list(coordinates, names),
                name(*worst, names),
                bias.sd_ratio,
                bias_z(bias)
            ),
            Problem::Misses { gap, n_more } => misses(gap, *n_more, names),
            Problem::Far { distance, independent } => format!(
                "the draws are {} in total variation from the exact density, where noise explains {}: {}",
                digits(distance.total_variation, 2),
                digits(distance.expected, 2),
                if *independent {
                    "the grid has not resolved this energy"
                } else {
                    "the chains miss part of it, or the sampler is biased"
                }
            ),
            Problem::NoMean { coordinates, worst, tail } => format!(
                "mean and sd of {} do not exist, or cannot be trusted ({}; from 1 on there is no mean)",
                list(coordinates, names),
                heavy(*worst, tail, names)
            ),
            Problem::NoVariance { coordinates, worst, tail } => format!(
                "the sd of {} does not exist, or cannot be trusted, nor can the errors ({}; from 0.5 on there is no variance)",
                list(coordinates, names),
                heavy(*worst, tail, names)
            ),
        }
    }

    /// A stable name for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            Problem::Warned { warning: Warning::Divergences { .. }, .. } => "divergences",
            Problem::Warned { warning: Warning::Acceptance { .. }, .. } => "acceptance",
            Problem::Warned { warning: Warning::Truncated { .. }, .. } => "truncated",
            Problem::Warned { warning: Warning::StuckChains { .. }, .. } => "stuck_chains",
            Problem::Warned { warning: Warning::Lost { .. }, .. } => "lost_chains",
            Problem::NotFinite { .. } => "not_finite",
            Problem::Crowded(_) => "crowded",
            Problem::Unconverged { .. } => "unconverged",
            Problem::Gap(_) => "gap",
            Problem::MissingInformation { .. } => "missing_information",
            Problem::Ladder(_) => "ladder",
            Problem::Frozen { .. } => "frozen",
            Problem::TooFewDraws { .. } => "too_few_draws",
            Problem::Disagreement { .. } => "disagreement",
            Problem::EnergyDisagreement { .. } => "energy_disagreement",
            Problem::ChainsApart { .. } => "chains_apart",
            Problem::Drift { .. } => "drift",
            Problem::FewEffectiveDraws { .. } => "few_effective_draws",
            Problem::FewInTails { .. } => "few_in_tails",
            Problem::Biased { .. } => "biased",
            Problem::Misses { .. } => "misses",
            Problem::Far { .. } => "far",
            Problem::NoMean { .. } => "no_mean",
            Problem::NoVariance { .. } => "no_variance",
        }
    }

    /// Whether [`Problem::in_words`] says what to do about it.
    pub fn names_remedy(&self) -> bool {
        matches!(self, Problem::Warned { .. } | Problem::Ladder(_) | Problem::Gap(_))
    }

    /// Whether the remedy follows after a colon, for want of one in the sentence.
    pub(super) fn is_followed_by_colon(&self) -> bool {
        use Problem::{EnergyDisagreement, FewEffectiveDraws, NoMean, NoVariance};
        matches!(self, EnergyDisagreement { .. } | FewEffectiveDraws { .. } | NoMean { .. } | NoVariance { .. })
    }
}

fn crowded(crowd: &Crowd, names: &[String]) -> String {
    let name = name(crowd.coordinate, names);
    format!(
        "{name} lies within rounding of {} in {} of {} draws: its density has a singularity there which floating-point numbers \
         do not resolve",
        digits(crowd.bound, 6),
        crowd.n,
        crowd.n_draws
    )
}

fn gather(corner: &Corner, names: &[String]) -> String {
    let (side, share) = if corner.below < 0.5 { ("below", 1.0 - corner.below) } else { ("above", corner.below) };
    let name = name(corner.coordinate, names);
    format!(
        "they gather where {name} is about {}, {side} {} of its draws",
        digits(corner.median, 3),
        share_in_words(share)
    )
}

fn misses(gap: &Gap, n_more: usize, names: &[String]) -> String {
    let (what, drawn, exact) = match gap.moment {
        Moment::Mean(j) => (format!("mean of {}", name(j, names)), gap.drawn, gap.exact),
        Moment::Spread(j) => (format!("spread of {}", name(j, names)), gap.drawn.sqrt(), gap.exact.sqrt()),
        Moment::Energy => ("mean energy".to_string(), gap.drawn, gap.exact),
    };
    let more = if n_more > 0 { format!(" (and {n_more} more are off)") } else { String::new() };
    format!(
        "the {what} is {} in the draws but {} exactly, {:.0} standard errors apart{more}: modes are missed or the chains \
         are biased",
        digits(drawn, 4),
        digits(exact, 4),
        gap.z.abs()
    )
}

fn heavy(j: usize, tail: &Tail, names: &[String]) -> String {
    let name = name(j, names);
    match tail.at_least {
        Some(k) => format!("the Pareto k of {name} is known to be {} or more", digits(k, 2)),
        None => format!("Pareto k of {name} is {} +- {}", digits(tail.k, 2), digits(tail.std_err, 1)),
    }
}
