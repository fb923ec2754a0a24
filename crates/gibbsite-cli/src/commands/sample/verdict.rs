//! Whether to believe the draws: thresholds on the diagnostics, each with a remedy.

use gibbsite::adapt::CoordinateBias;
use gibbsite::diagnostics::{MIN_DRAWS, Summary, summary};
use gibbsite::run::{Phase, Warning};
use rayon::prelude::*;

use super::distance::Distance;
use super::draw::Drawn;
use crate::outcome::Outcome;
use crate::text;

/// R-hat above which chains disagree (Vehtari, Gelman, Simpson, Carpenter and Buerkner 2021).
const MAX_RHAT: f64 = 1.01;

/// Effective draws below which quantiles and R-hat itself are noise (the same authors: 100 for each of four chains).
const MIN_ESS: f64 = 400.0;

/// Standard errors beyond which a difference is real.
const MAX_Z: f64 = 4.0;

/// Share of divergent proposals beyond which a part of the space may be out of reach; fewer are told, not condemned.
const MAX_DIVERGED: f64 = 0.002;

/// The diagnostics of every coordinate and of the energy.
pub struct Report {
    /// One per coordinate.
    pub coordinates: Vec<Summary>,
    /// Of the energy.
    pub energy: Summary,
    /// To the exact density, where it is known.
    pub distance: Option<Distance>,
}

impl Report {
    /// Summarises the draws.
    pub fn new(drawn: &Drawn, distance: Option<Distance>) -> Self {
        let of = |j: usize| summary(&drawn.coordinate(j));
        let coordinates = match drawn.dim {
            1 => vec![of(0)],
            dim => (0..dim).into_par_iter().map(of).collect(),
        };
        Self { coordinates, energy: summary(&drawn.energies()), distance }
    }

    /// The least effective sample size over the coordinates, NaN if one is unknown.
    pub fn least_ess(&self) -> f64 {
        let least = |a: f64, b: f64| if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) };
        self.coordinates.iter().map(|s| s.ess_bulk).fold(f64::INFINITY, least)
    }

    /// Adds the warnings; those that forbid the use of the draws make the verdict bad.
    pub fn judge(&self, out: &mut Outcome, drawn: &Drawn, names: &[String]) {
        for warning in &drawn.warnings {
            let bad = match warning {
                Warning::Divergences { phase: Phase::WarmUp, .. } => false,
                Warning::Divergences { n_diverged, n, .. } => *n_diverged as f64 > MAX_DIVERGED * *n as f64,
                _ => true,
            };
            out.warn(warning.to_string(), bad);
        }
        let frozen: Vec<usize> = (0..drawn.dim)
            .filter(|&j| drawn.values.iter().skip(j).step_by(drawn.dim).all(|v| *v == drawn.values[j]))
            .collect();
        if !frozen.is_empty() && drawn.energy.len() > 1 {
            let message = format!("{} never moved: no diagnostic can vouch for it", list(&frozen, names));
            out.warn(format!("{message}; does the energy depend on it, and is the step size sane?"), true);
        }
        if drawn.n_draws < MIN_DRAWS {
            let message = format!(
                "{} draws a chain are too few for R-hat and effective sample sizes; at least {MIN_DRAWS} are needed (--draws)",
                drawn.n_draws
            );
            out.warn(message, !drawn.is_exact());
        } else if !drawn.is_exact() {
            self.judge_mixing(out, names, &frozen);
        }
        if let Some(bias) = &drawn.bias {
            judge_bias(out, bias, names);
        }
        if let Some(d) = &self.distance
            && d.is_far(drawn.is_exact())
        {
            let message = format!(
                "the draws are {} in total variation from the exact density, where noise explains {}: {}",
                text::digits(d.total_variation, 2),
                text::digits(d.expected, 2),
                if drawn.is_exact() {
                    "the grid has not resolved this energy; use --sampler hmc"
                } else {
                    "the chains miss part of it, or the sampler is biased; use --sampler grid"
                }
            );
            out.warn(message, true);
        }
    }

    fn judge_mixing(&self, out: &mut Outcome, names: &[String], frozen: &[usize]) {
        let moving = || self.coordinates.iter().enumerate().filter(|(j, _)| !frozen.contains(j));
        let which = |bad: &dyn Fn(&Summary) -> bool| -> Vec<usize> {
            moving().filter(|(_, s)| bad(s)).map(|(j, _)| j).collect()
        };
        let apart = which(&|s| s.rhat.is_nan() || s.rhat > MAX_RHAT);
        if !apart.is_empty() {
            let worst = apart.iter().map(|j| self.coordinates[*j].rhat).fold(f64::NAN, f64::max);
            let message = format!(
                "R-hat of {} is {worst:.3} > {MAX_RHAT}: the chains have not found the same distribution; {}",
                list(&apart, names),
                match (worst > 1.1, names.len()) {
                    (true, 1..=2) => "they may sit in different wells: use --sampler grid",
                    (true, _) =>
                        "they may sit in different wells: see `gibbsite minimize`, or sample hotter with --beta",
                    _ => "ask for more --warmup and --draws",
                }
            );
            out.warn(message, true);
        } else if self.energy.rhat > MAX_RHAT {
            let message = format!(
                "R-hat of the energy is {:.3} > {MAX_RHAT}: ask for more --warmup and --draws",
                self.energy.rhat
            );
            out.warn(message, true);
        }
        let few = which(&|s| s.ess_bulk < MIN_ESS);
        if !few.is_empty() {
            let least = few.iter().map(|j| self.coordinates[*j].ess_bulk).fold(f64::NAN, f64::min);
            let message = format!(
                "only {least:.0} effective draws of {} (at least {MIN_ESS} are needed): ask for more --draws, or thin less",
                list(&few, names)
            );
            out.warn(message, true);
        }
        let few = which(&|s| s.ess_tail < MIN_ESS && s.ess_bulk >= MIN_ESS);
        if !few.is_empty() {
            let message = format!(
                "fewer than {MIN_ESS} effective draws in the tails of {}: quantiles are noisy",
                list(&few, names)
            );
            out.warn(message, false);
        }
    }

    /// Why the draws may be used.
    pub fn good_news(&self, drawn: &Drawn) -> String {
        if drawn.is_exact() {
            return "good: the draws are exact and independent".into();
        }
        let rhat = self.coordinates.iter().map(|s| s.rhat).fold(f64::NAN, f64::max);
        format!("good: R-hat at most {rhat:.3}, at least {} effective draws", text::count(self.least_ess() as u64))
    }
}

/// The larger z-score of mean and variance.
pub fn largest(b: &CoordinateBias) -> f64 {
    if b.variance_z.abs() > b.mean_z.abs() { b.variance_z } else { b.mean_z }
}

/// A difference that is real, and large enough to matter: 2 % of the standard deviation.
fn is_biased(b: &CoordinateBias) -> bool {
    largest(b).abs() > MAX_Z && ((b.sd_ratio - 1.0).abs() > 0.02 || b.mean_z.abs() > MAX_Z)
}

fn judge_bias(out: &mut Outcome, bias: &[CoordinateBias], names: &[String]) {
    let biased: Vec<usize> = (0..bias.len()).filter(|&j| is_biased(&bias[j])).collect();
    if biased.is_empty() {
        return;
    }
    let worst = biased.iter().copied().max_by(|a, b| largest(&bias[*a]).abs().total_cmp(&largest(&bias[*b]).abs()));
    let detail = worst.map_or_else(String::new, |j| {
        let b = &bias[j];
        format!(" ({}: sd ratio {:.3}, z {:.1})", name(j, names), b.sd_ratio, largest(b))
    });
    let message = format!(
        "the step size of ula biases {} against mala{detail}: give a smaller --step-size, or use --sampler mala",
        list(&biased, names)
    );
    out.warn(message, true);
}

fn name(j: usize, names: &[String]) -> String {
    names.get(j).cloned().unwrap_or_else(|| format!("x{}", j + 1))
}

/// Names of the coordinates, the first few of them.
fn list(which: &[usize], names: &[String]) -> String {
    let shown: Vec<String> = which.iter().take(4).map(|j| name(*j, names)).collect();
    let more = which.len().saturating_sub(4);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}
