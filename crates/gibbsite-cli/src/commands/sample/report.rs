//! The diagnostics of a run: of every coordinate, of the energy, and against what is known exactly.

use gibbsite::diagnostics::{MIN_DRAWS, Summary, summary, tail_shape};
use rayon::prelude::*;

use super::distance::{self, Distance};
use super::draw::Drawn;
use super::exact::{self, Gap};
use super::mixing::MIN_ESS;
use crate::resolve::Resolved;

/// How heavy the tails of a coordinate are.
#[derive(Clone, Copy, Debug)]
pub struct Tail {
    /// Pareto shape of |x - median|: moments of order 1/k and above do not exist. NaN if unknown.
    pub k: f64,
    /// Its standard error; infinite with too few effective draws to tell.
    pub std_err: f64,
    /// What quadrature says of k, whatever the draws have seen: at least 1 where the mean diverges, at least 1/2 where the
    /// variance does.
    pub at_least: Option<f64>,
}

/// Standard error of k beyond which it tells nothing: that of about 700 draws.
const MAX_TAIL_ERROR: f64 = 0.12;

impl Tail {
    /// Whether the mean exists, as far as the draws tell: k is two standard errors below 1, or unknown.
    pub fn has_mean(&self) -> bool {
        !self.reaches(1.0)
    }

    /// The same of the variance: below 1/2.
    pub fn has_variance(&self) -> bool {
        !self.reaches(0.5)
    }

    /// The same of the fourth moment: below 1/4. Without the margin: a comparison more is worth more than one that is sure.
    pub fn has_fourth_moment(&self) -> bool {
        self.at_least.is_none() && (self.k < 0.25 || self.k.is_nan() || self.std_err == f64::INFINITY)
    }

    fn reaches(&self, k: f64) -> bool {
        // The error grows with k, so that a tail beyond all moments is told by few draws.
        self.at_least.is_some_and(|at_least| at_least >= k)
            || self.std_err / (1.0 + self.k.max(0.0)) < MAX_TAIL_ERROR && self.k + 2.0 * self.std_err >= k
    }
}

/// What there is to say about the draws.
pub struct Report {
    /// One per coordinate.
    pub coordinates: Vec<Summary>,
    /// Of the energy.
    pub energy: Summary,
    /// One per coordinate.
    pub tails: Vec<Tail>,
    /// To the exact density, where it is known.
    pub distance: Option<Distance>,
    /// Against exact expectations; or why there are none.
    pub exact: Result<Vec<Gap>, String>,
}

impl Report {
    /// Summarises the draws. The errors of a biased sampler include its measured bias.
    pub fn new(model: &Resolved, drawn: &Drawn, no_exact: bool) -> Self {
        let of = |j: usize| {
            let chains = drawn.coordinate(j);
            let mut s = summarise(&chains, drawn.is_exact());
            if let Some(b) = drawn.bias.as_ref().map(|b| b.coordinates[j]) {
                s.mcse_mean = s.mcse_mean.hypot(b.mean_difference);
                s.mcse_sd = s.mcse_sd.hypot(b.sd * (b.sd_ratio - 1.0));
            }
            let (k, std_err) = tail_shape(&chains.concat());
            // Of chains that hardly move the tail is where they happened to stay.
            let std_err = if s.ess_bulk.min(s.ess_tail) < MIN_ESS { f64::INFINITY } else { std_err };
            (s, Tail { k, std_err, at_least: None })
        };
        let (coordinates, tails): (Vec<Summary>, Vec<Tail>) = match drawn.dim {
            1 => vec![of(0)].into_iter().unzip(),
            dim => (0..dim).into_par_iter().map(of).collect::<Vec<_>>().into_iter().unzip(),
        };
        let mut energy = summarise(&drawn.energies(), drawn.is_exact());
        if let Some(bias) = &drawn.bias {
            energy.mcse_mean = energy.mcse_mean.hypot(bias.energy);
        }
        let mut report = Self { coordinates, energy, tails, distance: None, exact: Ok(Vec::new()) };
        let exact = if no_exact { Err("as asked".into()) } else { exact::integrate(model) };
        match exact {
            Ok(q) => {
                for (j, tail) in report.tails.iter_mut().enumerate() {
                    tail.at_least = exact::tail(&q, j);
                }
                report.distance = distance::to_exact(model, drawn, q.log_z, report.least_ess());
                report.exact = exact::compare(&q, drawn, &report.tails);
            }
            Err(why) => report.exact = Err(why),
        }
        report
    }

    /// The least effective sample size over the coordinates, NaN if one is unknown.
    pub fn least_ess(&self) -> f64 {
        let least = |a: f64, b: f64| if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) };
        self.coordinates.iter().map(|s| s.ess_bulk).fold(f64::INFINITY, least)
    }

    /// Whether every mean has an error bar.
    pub fn has_errors(&self) -> bool {
        self.coordinates.iter().all(|s| s.mcse_mean.is_finite())
    }
}

/// [`summary`], also of chains too short for it. Independent draws are then one chain; else the error of the mean is what
/// the spread between the chains says, that of the standard deviation counts each chain as one draw, and R-hat and effective
/// sample sizes stay unknown.
fn summarise(chains: &[Vec<f64>], independent: bool) -> Summary {
    let n_draws = chains.first().map_or(0, Vec::len);
    if n_draws >= MIN_DRAWS {
        return summary(chains);
    }
    let all = chains.concat();
    let pooled = summary(&[&all]);
    if independent && pooled.mean.is_finite() {
        return pooled;
    }
    let nan = f64::NAN;
    let (mean, sd) = mean_sd(&all);
    let means: Vec<f64> = chains.iter().map(|c| mean_sd(c).0).collect();
    let mcse_mean =
        if independent { sd / (all.len() as f64).sqrt() } else { mean_sd(&means).1 / (means.len() as f64).sqrt() };
    let mcse_sd = pooled.mcse_sd * (n_draws as f64).sqrt();
    Summary { mean, sd, mcse_mean, mcse_sd, rhat: nan, ess_bulk: nan, ess_tail: nan, ..pooled }
}

/// Mean and standard deviation (divisor n - 1; NaN of one value).
fn mean_sd(x: &[f64]) -> (f64, f64) {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    (mean, (x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt())
}
