//! The checks, in their order: each holds a number of the report against its threshold.

use super::evidence::bias_z;
use super::{Evidence, Finding, Problem, Remedy, Report, Source, Verdict, energies, mixing};
use crate::adapt::CoordinateBias;
use crate::diagnostics::{MIN_DRAWS, MIN_EBFMI};
use crate::run::{Phase, Warning};

/// Standard errors beyond which a bias is real.
pub const MAX_BIAS_Z: f64 = 4.0;

/// Share of the standard deviation beyond which a bias matters.
pub const MAX_BIAS: f64 = 0.02;

/// Share of divergent proposals beyond which a part of the space may be out of reach; fewer are counted, not warned of.
pub const MAX_DIVERGED: f64 = 0.002;

/// Share of trajectories cut at their greatest length beyond which that is told.
pub const MAX_TRUNCATED: f64 = 0.01;

/// Fewest draws of a chain that are called stuck when they are equal.
const MIN_STUCK: usize = 20;

impl Report {
    /// What fails of these numbers and of what the run itself found.
    pub fn verdict(&self, evidence: &Evidence<'_>) -> Verdict {
        let mut findings = Vec::new();
        self.judge_resolution(evidence, &mut findings);
        Self::judge_gap(evidence, &mut findings);
        self.judge_warnings(evidence, &mut findings);
        Self::judge_stuck(evidence, &mut findings);
        if let Some(ebfmi) = self.ebfmi.filter(|e| *e < MIN_EBFMI) {
            let remedy = Remedy::OtherCoordinates { or_temper: true };
            findings.push(Finding { problem: Problem::MissingInformation { ebfmi }, forbids: false, remedy });
        }
        if let Source::Ladders(ladder) = evidence.source
            && !ladder.is_good()
        {
            let remedy = Remedy::of_ladder(ladder);
            findings.push(Finding { problem: Problem::Ladder(ladder.clone()), forbids: true, remedy });
        }
        let frozen = frozen(evidence);
        if !frozen.is_empty() {
            // Labels may be as good as certain; all of them, hardly.
            let n_reals = evidence.draws.dim() - evidence.n_labels;
            let forbids = frozen[0] < n_reals || frozen.len() == evidence.draws.dim();
            let problem = Problem::Frozen { coordinates: frozen.clone() };
            findings.push(Finding { problem, forbids, remedy: Remedy::CheckEnergyAndStep });
        }
        let n_draws = evidence.draws.n_draws();
        if n_draws < MIN_DRAWS {
            let (problem, remedy) = (Problem::TooFewDraws { n_draws }, Remedy::MoreDraws { at_least: MIN_DRAWS });
            findings.push(Finding { problem, forbids: !evidence.is_independent(), remedy });
        } else if !evidence.is_independent() {
            mixing::judge(self, evidence, &frozen, &mut findings);
        }
        if let Some(bias) = evidence.bias {
            judge_bias(&bias.coordinates, &mut findings);
        }
        self.judge_against_exact(evidence, &mut findings);
        self.judge_tails(&mut findings);
        findings.sort_by_key(|f| !f.forbids);
        let rhat = self.worst_rhat().map_or(f64::NAN, |j| self.coordinates[j].rhat);
        Verdict { findings, rhat, ess: self.least_ess() }
    }

    /// Whether numbers resolve the density, and the quadrature the distribution function.
    fn judge_resolution(&self, evidence: &Evidence<'_>, findings: &mut Vec<Finding>) {
        // The noise of a share, as large as that of a mean in standard deviations.
        let noise = 1.0 / (evidence.n() as f64).sqrt();
        let singular = self.n_not_finite > 0 || !self.crowds.is_empty();
        if self.n_not_finite > 0 {
            let problem = Problem::NotFinite { n: self.n_not_finite, n_draws: evidence.n() };
            findings.push(Finding { problem, forbids: true, remedy: Remedy::SingularityAtZero });
        }
        for crowd in &self.crowds {
            let (problem, remedy) = (Problem::Crowded(*crowd), Remedy::SingularityAtZero);
            findings.push(Finding { problem, forbids: crowd.share() > noise, remedy });
        }
        if let Some(error) = evidence.cdf_error.filter(|error| !(*error <= noise)) {
            let remedy = if singular { Remedy::SingularityAtZero } else { Remedy::MarkovChains };
            findings.push(Finding { problem: Problem::Unconverged { error, noise }, forbids: true, remedy });
        }
    }

    /// Where a mode may hide from exact draws.
    fn judge_gap(evidence: &Evidence<'_>, findings: &mut Vec<Finding>) {
        if let Some(gap) = evidence.gap {
            findings.push(Finding { problem: Problem::Gap(gap), forbids: false, remedy: Remedy::WallOrLogSumExp });
        }
    }

    fn judge_warnings(&self, evidence: &Evidence<'_>, findings: &mut Vec<Finding>) {
        for warning in evidence.warnings {
            let (forbids, corner) = match warning {
                Warning::Divergences { phase: Phase::WarmUp, .. } | Warning::Lost { .. } => (false, None),
                Warning::Divergences { n_diverged, n, .. } if *n_diverged as f64 <= MAX_DIVERGED * *n as f64 => {
                    continue;
                }
                // Where tails are thin a trajectory that enters them fast is thrown back, as any other rejection, and the
                // exact check sees that nothing is missed.
                Warning::Divergences { .. } => (!self.agrees_with_exact(), energies::corner(evidence)),
                // They are slow; whether too slow is for R-hat and effective sample sizes.
                Warning::Truncated { n_truncated, n } if *n_truncated as f64 <= MAX_TRUNCATED * *n as f64 => continue,
                Warning::Truncated { .. } => (false, None),
                _ => (true, None),
            };
            let problem = Problem::Warned { warning: warning.clone(), corner };
            findings.push(Finding { problem, forbids, remedy: Remedy::of_warning(warning) });
        }
    }

    /// Chains that never moved among others that did, where the run itself has not told: ladders, and draws of unknown origin.
    fn judge_stuck(evidence: &Evidence<'_>, findings: &mut Vec<Finding>) {
        let draws = evidence.draws;
        let is_told = evidence.warnings.iter().any(|w| matches!(w, Warning::StuckChains { .. }));
        if is_told || evidence.is_independent() || draws.n_draws() < MIN_STUCK {
            return;
        }
        let (n_stuck, n_chains) = (draws.n_stuck(), draws.n_chains());
        if (1..n_chains).contains(&n_stuck) {
            let warning = Warning::StuckChains { n_stuck, n_chains };
            let remedy = Remedy::of_warning(&warning);
            findings.push(Finding { problem: Problem::Warned { warning, corner: None }, forbids: true, remedy });
        }
    }

    fn judge_against_exact(&self, evidence: &Evidence<'_>, findings: &mut Vec<Finding>) {
        let independent = evidence.is_independent();
        if let Some(gap) = self.largest_gap().filter(|g| g.is_real()) {
            let gaps = self.exact.as_deref().unwrap_or_default();
            let n_more = gaps.iter().filter(|g| g.is_real()).count() - 1;
            let remedy = match evidence.draws.dim() {
                _ if independent => Remedy::MarkovChains,
                ..=2 => Remedy::Grid,
                _ => Remedy::MoreChains,
            };
            findings.push(Finding { problem: Problem::Misses { gap: *gap, n_more }, forbids: true, remedy });
        }
        if let Some(distance) = self.distance.filter(|d| d.is_far(independent)) {
            let remedy = if independent { Remedy::MarkovChains } else { Remedy::Grid };
            findings.push(Finding { problem: Problem::Far { distance, independent }, forbids: true, remedy });
        }
    }

    fn judge_tails(&self, findings: &mut Vec<Finding>) {
        let tails = &self.tails;
        let heaviest = |which: &[usize]| which.iter().copied().max_by(|a, b| tails[*a].k.total_cmp(&tails[*b].k));
        let coordinates: Vec<usize> = (0..tails.len()).filter(|j| !tails[*j].has_mean()).collect();
        if let Some(worst) = heaviest(&coordinates) {
            let problem = Problem::NoMean { coordinates, worst, tail: tails[worst] };
            findings.push(Finding { problem, forbids: true, remedy: Remedy::Quantiles { and_median: true } });
        }
        let coordinates: Vec<usize> =
            (0..tails.len()).filter(|j| tails[*j].has_mean() && !tails[*j].has_variance()).collect();
        if let Some(worst) = heaviest(&coordinates) {
            let problem = Problem::NoVariance { coordinates, worst, tail: tails[worst] };
            findings.push(Finding { problem, forbids: false, remedy: Remedy::Quantiles { and_median: false } });
        }
    }
}

/// Coordinates whose draws are all equal, where there are two or more.
fn frozen(evidence: &Evidence<'_>) -> Vec<usize> {
    if evidence.n() < 2 {
        return Vec::new();
    }
    let first = evidence.draws.values();
    (0..evidence.draws.dim()).filter(|&j| evidence.column(j).all(|v| v == first[j])).collect()
}

/// The larger of the relative errors of mean and standard deviation.
fn size(b: &CoordinateBias) -> f64 {
    (b.sd_ratio - 1.0).abs().max((b.mean_difference / b.sd).abs())
}

fn judge_bias(bias: &[CoordinateBias], findings: &mut Vec<Finding>) {
    let coordinates: Vec<usize> = (0..bias.len()).filter(|&j| bias_z(&bias[j]).abs() > MAX_BIAS_Z).collect();
    let worst = coordinates.iter().copied().max_by(|a, b| size(&bias[*a]).total_cmp(&size(&bias[*b])));
    if let Some(worst) = worst {
        let forbids = size(&bias[worst]) > MAX_BIAS;
        let problem = Problem::Biased { coordinates, worst, bias: bias[worst] };
        findings.push(Finding { problem, forbids, remedy: Remedy::SmallerStepOrAdjusted });
    }
}
