//! Have the chains found one distribution, and how much do they know of it?

use gibbsite::diagnostics::{Summary, z_score_between_chains};

use super::draw::Drawn;
use super::report::Report;
use super::verdict::list;
use crate::outcome::Outcome;
use crate::text;

/// R-hat of few long chains above which they disagree (Vehtari, Gelman, Simpson, Carpenter and Buerkner 2021).
const MIN_LIMIT: f64 = 1.01;

/// R-hat above which no number of chains helps: half a chain holds less than five effective draws, so that the chains
/// have hardly forgotten where they started.
const MAX_LIMIT: f64 = 1.1;

/// Effective draws below which quantiles and R-hat itself are noise (the same authors: 100 for each of four chains).
pub const MIN_ESS: f64 = 400.0;

/// Standard errors beyond which a difference between the halves of the chains is a drift.
const MAX_DRIFT: f64 = 5.0;

/// Fewest chains whose spread gives such a standard error.
const MIN_CHAINS: usize = 8;

/// Draws of a chain below which it is simply short.
const SHORT: usize = 100;

/// R-hat above which chains disagree, for 2 m halves of chains with `ess` effective draws in all.
///
/// Halves that do agree have means that vary by their own noise, `var(means) / var = 2 m / ess`, so that R-hat is about
/// `sqrt(1 + 2 m / ess)` however well the chains mix: 1.05 for 64 chains with 1,200 effective draws. Twice that excess is
/// allowed, between 1.01 (four chains with 800) and 1.1.
pub fn rhat_limit(n_chains: usize, ess: f64) -> f64 {
    let excess = 2.0 * 2.0 * n_chains as f64 / ess;
    if excess.is_nan() { MIN_LIMIT } else { (1.0 + excess).sqrt().clamp(MIN_LIMIT, MAX_LIMIT) }
}

fn disagrees(s: &Summary, n_chains: usize) -> bool {
    s.rhat.is_nan() || s.rhat > rhat_limit(n_chains, s.ess_bulk)
}

/// Warns of chains that disagree, drift or know too little; `frozen` coordinates have been told already.
pub fn judge(report: &Report, out: &mut Outcome, drawn: &Drawn, names: &[String], frozen: &[usize]) {
    let which = |bad: &dyn Fn(usize, &Summary) -> bool| -> Vec<usize> {
        let moving = report.coordinates.iter().enumerate().filter(|(j, _)| !frozen.contains(j));
        moving.filter(|(j, s)| bad(*j, s)).map(|(j, _)| j).collect()
    };
    let apart = which(&|_, s| disagrees(s, drawn.n_chains));
    if let Some(worst) = worst_rhat(report, &apart) {
        let s = &report.coordinates[worst];
        let message = format!(
            "R-hat of {} is {:.3} > {:.3}: the chains have not found the same distribution; {}",
            list(&apart, names),
            s.rhat,
            rhat_limit(drawn.n_chains, s.ess_bulk),
            remedy(drawn, true)
        );
        out.warn(message, true);
    } else if disagrees(&report.energy, drawn.n_chains) && !report.energy.rhat.is_nan() {
        let limit = rhat_limit(drawn.n_chains, report.energy.ess_bulk);
        let message = format!("R-hat of the energy is {:.3} > {limit:.3}: {}", report.energy.rhat, remedy(drawn, true));
        out.warn(message, true);
    } else {
        let drifting = which(&|j, _| drift(&drawn.coordinate(j)).abs() > MAX_DRIFT);
        if !drifting.is_empty() {
            let message = format!(
                "{} drifts: over all chains, the later half of the draws differs from the earlier half; ask for more --warmup",
                list(&drifting, names)
            );
            out.warn(message, true);
        }
    }
    let few = which(&|_, s| s.ess_bulk < MIN_ESS);
    if !few.is_empty() {
        let least = few.iter().map(|j| report.coordinates[*j].ess_bulk).fold(f64::NAN, f64::min);
        let message = format!(
            "only {least:.0} effective draws of {} (at least {MIN_ESS} are needed): {}",
            list(&few, names),
            remedy(drawn, false)
        );
        out.warn(message, true);
    }
    let few = which(&|_, s| s.ess_tail < MIN_ESS && s.ess_bulk >= MIN_ESS);
    if !few.is_empty() {
        let message =
            format!("fewer than {MIN_ESS} effective draws in the tails of {}: quantiles are noisy", list(&few, names));
        out.warn(message, false);
    }
}

/// Why the chains may be believed.
pub fn good_news(report: &Report, drawn: &Drawn) -> String {
    let all: Vec<usize> = (0..drawn.dim).collect();
    let ess = text::count(report.least_ess() as u64);
    let Some(worst) = worst_rhat(report, &all) else { return format!("good: at least {ess} effective draws") };
    let s = &report.coordinates[worst];
    let why = if s.rhat > MIN_LIMIT {
        let each = s.ess_bulk / drawn.n_chains as f64;
        format!(" (as expected of {} chains with {each:.0} effective draws each)", drawn.n_chains)
    } else {
        String::new()
    };
    format!("good: R-hat at most {:.3}{why}, at least {ess} effective draws", s.rhat)
}

fn worst_rhat(report: &Report, of: &[usize]) -> Option<usize> {
    of.iter().copied().max_by(|a, b| report.coordinates[*a].rhat.total_cmp(&report.coordinates[*b].rhat))
}

/// Mean of the later half of each chain less that of the earlier, over the chains, in standard errors; 0 for few chains.
fn drift(chains: &[Vec<f64>]) -> f64 {
    if chains.len() < MIN_CHAINS {
        return 0.0;
    }
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let differences: Vec<f64> = chains
        .iter()
        .map(|c| {
            let half = c.len() / 2;
            mean(&c[c.len() - half..]) - mean(&c[..half])
        })
        .collect();
    let z = z_score_between_chains(&differences, 0.0);
    if z.is_nan() { 0.0 } else { z }
}

/// What to do: about the step size where it was given and does not fit, else about the length, else about wells.
fn remedy(drawn: &Drawn, apart: bool) -> String {
    if let (true, Some(target)) = (drawn.step_size_given, drawn.target_accept) {
        let accepted = text::percent(drawn.accept_prob);
        if drawn.accept_prob < target / 3.0 {
            return format!("only {accepted} of the steps are accepted: give a smaller --step-size, or none");
        }
        if drawn.accept_prob > 0.98 {
            return format!(
                "{accepted} of the steps are accepted, so they are small: give a larger --step-size, or none"
            );
        }
    }
    if drawn.n_draws < SHORT {
        return "the chains are short: ask for more --draws".into();
    }
    if apart && drawn.sampler != "tempering" {
        let exact = if drawn.dim <= 2 { ", or grid" } else { "" };
        return if drawn.wells.len() > 1 {
            format!(
                "there are {} wells, between which they hardly move: try --sampler tempering{exact}",
                drawn.wells.len()
            )
        } else {
            format!("ask for more --warmup and --draws, or try --sampler tempering{exact}")
        };
    }
    let grid = if drawn.dim <= 2 { ", or use --sampler grid" } else { "" };
    match (apart, drawn.thin > 1) {
        (true, _) => format!("ask for more --warmup and --draws{grid}"),
        (false, true) => format!("ask for more --draws, or thin less{grid}"),
        (false, false) => format!("ask for more --draws{grid}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_rhat_grows_with_short_chains() {
        assert_eq!(rhat_limit(4, 800.0), MIN_LIMIT);
        assert_eq!(rhat_limit(64, 50_000.0), MIN_LIMIT);
        // 64 chains with 1,162 effective draws show 1.054 when all is well.
        let limit = rhat_limit(64, 1162.0);
        assert!(1.054 < limit && limit <= MAX_LIMIT, "{limit}");
        assert_eq!(rhat_limit(1000, 2000.0), MAX_LIMIT);
        assert_eq!(rhat_limit(4, f64::NAN), MIN_LIMIT);
    }

    #[test]
    fn a_drift_is_seen_and_noise_is_not() {
        let noise = |c: usize, t: usize| ((c * 7919 + t * 104_729) % 1009) as f64 / 1009.0;
        let chains = |slope: f64| -> Vec<Vec<f64>> {
            (0..64).map(|c| (0..100).map(|t| noise(c, t) + slope * t as f64).collect()).collect()
        };
        assert!(drift(&chains(0.0)).abs() < MAX_DRIFT, "{}", drift(&chains(0.0)));
        assert!(drift(&chains(0.01)) > MAX_DRIFT);
        assert_eq!(drift(&chains(0.01)[..4]), 0.0);
    }
}
