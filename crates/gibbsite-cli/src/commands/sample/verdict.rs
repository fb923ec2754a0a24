//! Whether to believe the draws: thresholds on the diagnostics, each with a remedy.

use gibbsite::adapt::CoordinateBias;
use gibbsite::diagnostics::MIN_DRAWS;
use gibbsite::run::{Phase, Warning};

use super::draw::{Bias, Drawn};
use super::exact::{self, Quantity};
use super::report::{Report, Tail};
use super::{energies, ladder, mixing};
use crate::outcome::Outcome;
use crate::text;

/// Standard errors beyond which a difference is real.
const MAX_Z: f64 = 4.0;

/// Share of the standard deviation beyond which a bias matters.
const MAX_BIAS: f64 = 0.02;

/// Share of divergent proposals beyond which a part of the space may be out of reach; fewer are counted, not warned of.
const MAX_DIVERGED: f64 = 0.002;

impl Report {
    /// Adds the warnings; those that forbid the use of the draws make the verdict bad.
    pub fn judge(&self, out: &mut Outcome, drawn: &Drawn, names: &[String]) {
        for warning in &drawn.warnings {
            let bad = match warning {
                Warning::Divergences { phase: Phase::WarmUp, .. } => false,
                Warning::Divergences { n_diverged, n, .. } if *n_diverged as f64 <= MAX_DIVERGED * *n as f64 => {
                    continue;
                }
                // Where tails are thin a trajectory that enters them fast is thrown back, as any other rejection, and the
                // exact check sees that nothing is missed.
                Warning::Divergences { .. } => !self.agrees_with_exact(),
                _ => true,
            };
            let place = match warning {
                Warning::Divergences { phase: Phase::Draws, .. } => energies::where_diverged(drawn, names),
                _ => None,
            };
            let place = place.map_or_else(String::new, |place| format!(": {place}"));
            out.warn(format!("{warning}{place}"), bad);
        }
        energies::judge(out, &self.ebfmi);
        if let Some(ladder) = &drawn.ladder {
            ladder::judge(out, ladder);
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
            mixing::judge(self, out, drawn, names, &frozen);
        }
        if let Some(bias) = &drawn.bias {
            judge_bias(out, bias, names);
        }
        self.judge_against_exact(out, drawn, names);
        judge_tails(out, &self.tails, names);
    }

    fn judge_against_exact(&self, out: &mut Outcome, drawn: &Drawn, names: &[String]) {
        let gaps = self.exact.as_deref().unwrap_or_default();
        if let Some(worst) = exact::largest(gaps).filter(|g| g.is_real()) {
            let (what, drawn_value, exact_value) = match worst.quantity {
                Quantity::Mean(j) => (format!("mean of {}", name(j, names)), worst.drawn, worst.exact),
                Quantity::Spread(j) => {
                    (format!("spread of {}", name(j, names)), worst.drawn.sqrt(), worst.exact.sqrt())
                }
                Quantity::Energy => ("mean energy".to_string(), worst.drawn, worst.exact),
            };
            let n_real = gaps.iter().filter(|g| g.is_real()).count();
            let more = if n_real > 1 { format!(" (and {} more are off)", n_real - 1) } else { String::new() };
            let message = format!(
                "the {what} is {} in the draws but {} by quadrature, {:.0} standard errors apart{more}: modes are missed or \
                 the chains are biased; {}",
                text::digits(drawn_value, 4),
                text::digits(exact_value, 4),
                worst.z.abs(),
                if drawn.is_exact() {
                    "use --sampler hmc"
                } else if drawn.dim <= 2 {
                    "use --sampler grid"
                } else {
                    "ask for more --chains and --warmup, or cut the support between the modes with --bounds"
                }
            );
            out.warn(message, true);
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

    /// Whether exact expectations are known and the draws have them.
    fn agrees_with_exact(&self) -> bool {
        self.exact.as_deref().is_ok_and(|gaps| !gaps.is_empty() && !gaps.iter().any(exact::Gap::is_real))
    }

    /// Why the draws may be used.
    pub fn good_news(&self, drawn: &Drawn) -> String {
        match (drawn.is_exact(), self.has_errors()) {
            (true, true) => "good: the draws are exact and independent".into(),
            (true, false) => "the draws are exact and independent, but too few for error bars".into(),
            _ => mixing::good_news(self, drawn),
        }
    }

    /// What the comparison with exact expectations says, for people.
    pub fn exact_line(&self) -> String {
        match &self.exact {
            Ok(gaps) => match exact::largest(gaps) {
                Some(g) => {
                    format!("against quadrature, the largest of {} differences is {:.1} errors", gaps.len(), g.z.abs())
                }
                None => "none: the tails are too heavy for error bars".into(),
            },
            Err(why) => format!("none ({why}): a mode that no chain has seen would be missed unseen"),
        }
    }
}

/// Moments that do not exist have estimates all the same; they mean nothing.
fn judge_tails(out: &mut Outcome, tails: &[Tail], names: &[String]) {
    let heaviest = |which: &[usize]| {
        let worst = which.iter().copied().max_by(|a, b| tails[*a].k.total_cmp(&tails[*b].k));
        worst.map_or_else(String::new, |j| match tails[j].at_least {
            Some(k) => format!("by quadrature the Pareto k of {} is {k} at least", name(j, names)),
            None => format!(
                "Pareto k of {} is {} +- {}",
                name(j, names),
                text::digits(tails[j].k, 2),
                text::digits(tails[j].std_err, 1)
            ),
        })
    };
    let no_mean: Vec<usize> = (0..tails.len()).filter(|j| !tails[*j].has_mean()).collect();
    if !no_mean.is_empty() {
        let message = format!(
            "mean and sd of {} do not exist, or cannot be trusted ({}; from 1 on there is no mean): use the median and the quantiles",
            list(&no_mean, names),
            heaviest(&no_mean)
        );
        out.warn(message, true);
    }
    let no_variance: Vec<usize> =
        (0..tails.len()).filter(|j| tails[*j].has_mean() && !tails[*j].has_variance()).collect();
    if !no_variance.is_empty() {
        let message = format!(
            "the sd of {} does not exist, or cannot be trusted, nor can the errors ({}; from 0.5 on there is no variance): use \
             the quantiles",
            list(&no_variance, names),
            heaviest(&no_variance)
        );
        out.warn(message, false);
    }
}

/// The larger z-score of mean and variance.
pub fn largest(b: &CoordinateBias) -> f64 {
    if b.variance_z.abs() > b.mean_z.abs() { b.variance_z } else { b.mean_z }
}

/// The larger of the relative errors of mean and standard deviation.
fn size(b: &CoordinateBias) -> f64 {
    (b.sd_ratio - 1.0).abs().max((b.mean_difference / b.sd).abs())
}

fn judge_bias(out: &mut Outcome, bias: &Bias, names: &[String]) {
    let bias = &bias.coordinates;
    let biased: Vec<usize> = (0..bias.len()).filter(|&j| largest(&bias[j]).abs() > MAX_Z).collect();
    let Some(worst) = biased.iter().copied().max_by(|a, b| size(&bias[*a]).total_cmp(&size(&bias[*b]))) else { return };
    let b = &bias[worst];
    let message = format!(
        "the step size of ula biases {} against mala ({}: sd ratio {:.3}, z {:.1}), which the errors include; give a smaller \
         --step-size, or use --sampler mala",
        list(&biased, names),
        name(worst, names),
        b.sd_ratio,
        largest(b)
    );
    out.warn(message, size(b) > MAX_BIAS);
}

fn name(j: usize, names: &[String]) -> String {
    names.get(j).cloned().unwrap_or_else(|| format!("x{}", j + 1))
}

/// Names of the coordinates, the first few of them.
pub fn list(which: &[usize], names: &[String]) -> String {
    let shown: Vec<String> = which.iter().take(4).map(|j| name(*j, names)).collect();
    let more = which.len().saturating_sub(4);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}
