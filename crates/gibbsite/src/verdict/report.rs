//! The diagnostics of a run: of every coordinate, of the energy, and against what is known exactly.

use rayon::prelude::*;

use super::distance::{self, Distance};
use super::exact::{self, Gap, NoExact};
use super::unresolved::{self, Crowd};
use super::{Evidence, Tail, energies, modes, tail};
use crate::diagnostics::{Agreement, MIN_DRAWS, Occupancy, Summary, summary, summary_and_agreement};
use crate::energy::{Discrete, Energy};
use crate::points::Space;

/// What there is to say about the draws.
#[derive(Clone, Debug)]
pub struct Report {
    /// One per coordinate. The errors of a biased sampler include its measured bias.
    pub coordinates: Vec<Summary>,
    /// Of the energy.
    pub energy: Summary,
    /// Whether the chains agree, one per coordinate.
    pub agreement: Vec<Agreement>,
    /// The same of the energy.
    pub energy_agreement: Agreement,
    /// One per coordinate.
    pub tails: Vec<Tail>,
    /// Draws with a coordinate or an energy that is not finite.
    pub n_not_finite: usize,
    /// Ends of the support at which draws lie within rounding; [`Report::check_support`] looks for them.
    pub crowds: Vec<Crowd>,
    /// To the exact density, where it is known.
    pub distance: Option<Distance>,
    /// Against exact expectations; or why there are none.
    pub exact: Result<Vec<Gap>, NoExact>,
    /// Mean E-BFMI of the chains; `None` without momenta.
    pub ebfmi: Option<f64>,
    /// The weights of the wells, where there are two to twelve.
    pub modes: Option<Occupancy>,
}

impl Report {
    /// Summarises the draws; nothing exact is tried.
    pub fn new(evidence: &Evidence<'_>) -> Self {
        let draws = evidence.draws;
        let of = |j: usize| {
            let chains = draws.coordinate(j);
            let (mut s, agreement) = summarise(&chains, evidence.is_independent());
            if let Some(b) = evidence.bias.map(|b| b.coordinates[j]) {
                s.mcse_mean = s.mcse_mean.hypot(b.mean_difference);
                s.mcse_sd = s.mcse_sd.hypot(b.sd * (b.sd_ratio - 1.0));
            }
            let tail = Tail {
                at_least: tail::proved(evidence, j),
                ..tail::of_draws(&chains, &s, Some(&agreement).filter(|_| !evidence.is_independent()))
            };
            (s, (agreement, tail))
        };
        let (coordinates, (agreement, tails)) = match draws.dim() {
            1 => vec![of(0)].into_iter().unzip(),
            dim => (0..dim).into_par_iter().map(of).collect::<Vec<_>>().into_iter().unzip(),
        };
        let (mut energy, energy_agreement) = summarise(&draws.energy_chains(), evidence.is_independent());
        if let Some(bias) = evidence.bias {
            energy.mcse_mean = energy.mcse_mean.hypot(bias.energy);
        }
        Self {
            coordinates,
            energy,
            agreement,
            energy_agreement,
            tails,
            n_not_finite: unresolved::n_not_finite(evidence),
            crowds: Vec::new(),
            distance: None,
            exact: Err(NoExact::NotTried),
            ebfmi: energies::mean(&evidence.ebfmi),
            modes: modes::weights(evidence),
        }
    }

    /// Looks for draws within rounding of an end of the support: there numbers do not resolve the density.
    ///
    /// # Panics
    /// If the draws have another number of coordinates than the space.
    pub fn check_support(&mut self, space: &Space, evidence: &Evidence<'_>) {
        self.crowds = unresolved::crowds(space, evidence);
    }

    /// Holds the draws against the exact density, where quadrature gives it: in one to three dimensions, for up to 30 million
    /// evaluations of `energy`. Chains that all sit in one of two wells agree with each other; only this tells.
    ///
    /// # Panics
    /// If the draws have another number of coordinates than the energy.
    pub fn check_exactly<E: Energy + ?Sized>(&mut self, energy: &E, evidence: &Evidence<'_>) {
        match exact::integrate(energy) {
            Ok(q) => {
                for (j, tail) in self.tails.iter_mut().enumerate() {
                    tail.at_least = tail.at_least.into_iter().chain(exact::least_shape(&q, j)).reduce(f64::max);
                }
                self.distance = distance::to_exact(energy, evidence, &q, self.least_ess());
                self.exact = exact::compare(&q, evidence, &self.tails);
            }
            Err(why) => self.exact = Err(why),
        }
    }

    /// Holds draws of labels against sums over all states, where these are at most about a million.
    ///
    /// # Panics
    /// If the draws have another number of coordinates than the energy.
    pub fn check_labels<E: Discrete + ?Sized>(&mut self, energy: &E, evidence: &Evidence<'_>) {
        self.exact = exact::compare_labels(energy, evidence);
    }

    /// The least effective sample size over the coordinates, NaN if one is unknown.
    pub fn least_ess(&self) -> f64 {
        let least = |a: f64, b: f64| if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) };
        self.coordinates.iter().map(|s| s.ess_bulk).fold(f64::INFINITY, least)
    }

    /// The coordinate of the largest R-hat, one that is unknown before all others.
    pub fn worst_rhat(&self) -> Option<usize> {
        self.worst_rhat_of(0..self.coordinates.len())
    }

    pub(super) fn worst_rhat_of(&self, which: impl IntoIterator<Item = usize>) -> Option<usize> {
        which.into_iter().max_by(|a, b| self.coordinates[*a].rhat.total_cmp(&self.coordinates[*b].rhat))
    }

    /// Whether every mean has an error bar.
    pub fn has_errors(&self) -> bool {
        self.coordinates.iter().all(|s| s.mcse_mean.is_finite())
    }

    /// Whether exact expectations are known and the draws have them.
    pub fn agrees_with_exact(&self) -> bool {
        self.exact.as_deref().is_ok_and(|gaps| !gaps.is_empty() && !gaps.iter().any(Gap::is_real))
    }

    /// The difference from an exact expectation that has the largest z, if any was compared.
    pub fn largest_gap(&self) -> Option<&Gap> {
        let gaps = self.exact.as_deref().unwrap_or_default();
        gaps.iter().max_by(|a, b| a.z.abs().total_cmp(&b.z.abs()))
    }
}

/// [`summary`], also of chains too short for it. Independent draws are then one chain; else the error of the mean is what
/// the spread between the chains says, that of the standard deviation counts each chain as one draw, and R-hat and effective
/// sample sizes stay unknown.
fn summarise(chains: &[Vec<f64>], independent: bool) -> (Summary, Agreement) {
    let n_draws = chains.first().map_or(0, Vec::len);
    if n_draws >= MIN_DRAWS {
        return summary_and_agreement(chains);
    }
    let all = chains.concat();
    let pooled = summary(&[&all]);
    if independent && pooled.mean.is_finite() {
        return (pooled, Agreement::unknown());
    }
    let nan = f64::NAN;
    let (mean, sd) = mean_sd(&all);
    let means: Vec<f64> = chains.iter().map(|c| mean_sd(c).0).collect();
    let mcse_mean =
        if independent { sd / (all.len() as f64).sqrt() } else { mean_sd(&means).1 / (means.len() as f64).sqrt() };
    let mcse_sd = pooled.mcse_sd * (n_draws as f64).sqrt();
    let s = Summary { mean, sd, mcse_mean, mcse_sd, rhat: nan, ess_bulk: nan, ess_tail: nan, ..pooled };
    (s, Agreement::unknown())
}

/// Mean and standard deviation (divisor n - 1; NaN of one value).
fn mean_sd(x: &[f64]) -> (f64, f64) {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    (mean, (x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt())
}
