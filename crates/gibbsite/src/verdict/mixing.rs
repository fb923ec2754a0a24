//! Have the chains found one distribution, and how much do they know of it?

use super::{Evidence, Finding, Problem, Remedy, Report, Source};
use crate::diagnostics::{Agreement, Summary, z_score_between_chains};

/// R-hat of few long chains above which they disagree (Vehtari, Gelman, Simpson, Carpenter and Buerkner 2021).
pub const MIN_RHAT_LIMIT: f64 = 1.01;

/// R-hat above which no number of chains helps: half a chain holds less than five effective draws, so that the chains
/// have hardly forgotten where they started.
pub const MAX_RHAT_LIMIT: f64 = 1.1;

/// Effective draws below which quantiles and R-hat itself are noise (the same authors: 100 for each of four chains).
pub const MIN_ESS: f64 = 400.0;

/// Standard errors beyond which a difference between the halves of the chains is a drift.
pub const MAX_DRIFT: f64 = 5.0;

/// Fewest chains whose spread gives such a standard error.
const MIN_CHAINS: usize = 8;

/// Draws of a chain below which it is simply short.
pub const SHORT: usize = 100;

/// A given step size is too large where the acceptance is below its target divided by this.
const BELOW_TARGET: f64 = 3.0;

/// A given step size is too small where more than this share of the steps is accepted.
const MAX_ACCEPTED: f64 = 0.98;

/// Normal score of the share of runs with a larger R-hat although all is well: 3 in 100,000.
const RHAT_SCORE: f64 = 4.0;

/// By how much the excess of R-hat is allowed to be larger still: effective sample sizes are estimates, and too large for
/// slow chains.
const RHAT_SLACK: f64 = 1.5;

/// R-hat above which chains disagree, for m chains with `ess_within` effective draws in all: those of
/// [`Agreement::ess_within`], which chains apart do not lower. (An effective sample size that counts them as slow would raise
/// its own limit, and R-hat would hardly ever exceed it.)
///
/// Halves that do agree have means that vary by their own noise, `var(means) / var = 2 m / ess`, so that R-hat is about
/// `sqrt(1 + 2 m / ess)` however well the chains mix: 1.05 for 64 chains with 1,200 effective draws. That excess is a
/// chi-square variable with k = 2 m - 1 degrees of freedom over k; allowed is one and a half times its upper quantile,
/// `(1 - 2/(9 k) + 4 sqrt(2/(9 k)))^3` (Wilson and Hilferty 1931), between 1.01 and 1.1.
pub fn rhat_limit(n_chains: usize, ess_within: f64) -> f64 {
    let of_mean = 2.0 * n_chains as f64 / ess_within;
    let spread = 2.0 / (9.0 * (2.0 * n_chains as f64 - 1.0));
    let excess = RHAT_SLACK * (1.0 - spread + RHAT_SCORE * spread.sqrt()).powi(3) * of_mean;
    if excess.is_nan() { MIN_RHAT_LIMIT } else { (1.0 + excess).sqrt().clamp(MIN_RHAT_LIMIT, MAX_RHAT_LIMIT) }
}

/// Whether R-hat is unknown or above its limit.
fn disagrees(a: &Agreement, n_chains: usize) -> bool {
    a.rhat.is_nan() || a.rhat > rhat_limit(n_chains, a.ess_within)
}

/// Whether the chains have one distribution, as far as R-hat and the chains one by one tell.
pub(super) fn agree(a: &Agreement, n_chains: usize) -> bool {
    !disagrees(a, n_chains) && a.n_apart == 0
}

/// Chains that disagree, drift or know too little; `frozen` coordinates have been told already.
pub(super) fn judge(report: &Report, evidence: &Evidence<'_>, frozen: &[usize], findings: &mut Vec<Finding>) {
    let n_chains = evidence.draws.n_chains();
    let which = |bad: &dyn Fn(usize, &Summary) -> bool| -> Vec<usize> {
        let moving = report.coordinates.iter().enumerate().filter(|(j, _)| !frozen.contains(j));
        moving.filter(|(j, s)| bad(*j, s)).map(|(j, _)| j).collect()
    };
    let apart = which(&|j, _| disagrees(&report.agreement[j], n_chains));
    let elsewhere = which(&|j, _| report.agreement[j].n_apart > 0);
    let of_energy = &report.energy_agreement;
    // Where some movements are much slower than others the chains agree less than tau says. If exact expectations are known and
    // met, that is no reason against the draws.
    let forbids = |rhat: f64| !(rhat <= MAX_RHAT_LIMIT && report.agrees_with_exact());
    if let Some(worst) = report.worst_rhat_of(apart.iter().copied()) {
        let a = &report.agreement[worst];
        let (rhat, limit) = (a.rhat, rhat_limit(n_chains, a.ess_within));
        let problem = Problem::Disagreement { coordinates: apart, worst, rhat, limit };
        findings.push(Finding { problem, forbids: forbids(rhat), remedy: remedy(evidence, true) });
    } else if disagrees(of_energy, n_chains) && !of_energy.rhat.is_nan() {
        let (rhat, limit) = (of_energy.rhat, rhat_limit(n_chains, of_energy.ess_within));
        let problem = Problem::EnergyDisagreement { rhat, limit };
        findings.push(Finding { problem, forbids: forbids(rhat), remedy: remedy(evidence, true) });
    } else if !elsewhere.is_empty() || of_energy.n_apart > 0 {
        let most = elsewhere.iter().map(|j| report.agreement[*j].n_apart).max();
        let n_apart = most.unwrap_or(of_energy.n_apart);
        let problem = Problem::ChainsApart { coordinates: elsewhere, n_apart, n_chains };
        findings.push(Finding { problem, forbids: !report.agrees_with_exact(), remedy: remedy(evidence, true) });
    } else {
        let drifts: Vec<(usize, f64)> =
            which(&|_, _| true).into_iter().map(|j| (j, drift(&evidence.draws.coordinate(j)))).collect();
        let drifting: Vec<(usize, f64)> = drifts.into_iter().filter(|(_, z)| z.abs() > MAX_DRIFT).collect();
        if let Some((_, z)) = drifting.iter().copied().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())) {
            let problem = Problem::Drift { coordinates: drifting.iter().map(|(j, _)| *j).collect(), z };
            findings.push(Finding { problem, forbids: true, remedy: Remedy::MoreWarmUp });
        }
    }
    let least = |which: &[usize], ess: fn(&Summary) -> f64| {
        which.iter().map(|j| ess(&report.coordinates[*j])).fold(f64::NAN, f64::min)
    };
    let few = which(&|_, s| s.ess_bulk < MIN_ESS);
    if !few.is_empty() {
        let problem = Problem::FewEffectiveDraws { ess: least(&few, |s| s.ess_bulk), coordinates: few };
        findings.push(Finding { problem, forbids: true, remedy: remedy(evidence, false) });
    }
    let few = which(&|_, s| s.ess_tail < MIN_ESS && s.ess_bulk >= MIN_ESS);
    if !few.is_empty() {
        let problem = Problem::FewInTails { ess: least(&few, |s| s.ess_tail), coordinates: few };
        findings.push(Finding { problem, forbids: false, remedy: remedy(evidence, false) });
    }
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
fn remedy(evidence: &Evidence<'_>, apart: bool) -> Remedy {
    if let Some(step) = evidence.step {
        let accept_prob = step.accept_prob;
        if accept_prob < step.target_accept / BELOW_TARGET {
            return Remedy::SmallerStep { accept_prob };
        }
        if accept_prob > MAX_ACCEPTED {
            return Remedy::LargerStep { accept_prob };
        }
    }
    if evidence.draws.n_draws() < SHORT {
        return Remedy::LongerChains;
    }
    let or_grid = evidence.draws.dim() <= 2;
    let is_tempered = matches!(evidence.source, Source::Ladders(_));
    match (apart, evidence.wells.len()) {
        (false, _) => Remedy::KeepDrawing { or_thin_less: evidence.thin > 1, or_grid },
        (true, n_wells) if n_wells > 1 && !is_tempered => Remedy::Temper { n_wells, or_grid },
        (true, _) => Remedy::LongerRun { or_temper: !is_tempered, or_grid },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_rhat_grows_with_short_chains() {
        assert_eq!((rhat_limit(4, 4000.0), rhat_limit(64, 50_000.0)), (1.01, 1.01));
        // 64 chains with 1,162 effective draws show 1.054 when all is well.
        let limit = rhat_limit(64, 1162.0);
        assert!(1.054 < limit && limit <= 1.1, "{limit}");
        assert_eq!(rhat_limit(1000, 2000.0), 1.1);
        assert_eq!(rhat_limit(4, f64::NAN), 1.01);
    }

    #[test]
    fn a_drift_is_seen_and_noise_is_not() {
        let noise = |c: usize, t: usize| ((c * 7919 + t * 104_729) % 1009) as f64 / 1009.0;
        let chains = |slope: f64| -> Vec<Vec<f64>> {
            (0..64).map(|c| (0..100).map(|t| noise(c, t) + slope * t as f64).collect()).collect()
        };
        assert!(drift(&chains(0.0)).abs() < MAX_DRIFT, "{}", drift(&chains(0.0)));
        assert!(drift(&chains(0.01)) > MAX_DRIFT);
        assert!(drift(&chains(0.01)[..8]) > MAX_DRIFT);
        assert_eq!(drift(&chains(0.01)[..7]), 0.0);
    }
}
