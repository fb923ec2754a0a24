//! The verdict on the draws in the words of the command line: what is wrong, and which options help.

use gibbsite::verdict::exact::NoExact;
use gibbsite::verdict::{Evidence, Finding, MIN_RHAT_LIMIT, Problem, Remedy, Report, Verdict};

use serde_json::json;

use crate::outcome::Outcome;
use crate::text;

/// Adds what was found to the warnings, and to scripts as the field `verdict`; findings that forbid the use of the draws make
/// the verdict bad.
pub fn tell(out: &mut Outcome, verdict: &Verdict, names: &[String]) {
    let mut findings = Vec::new();
    for finding in &verdict.findings {
        let words = finding.in_words(names, &remedy(finding));
        findings.push(json!({"kind": finding.problem.kind(), "forbids": finding.forbids, "message": words}));
        out.warn(words, finding.forbids);
    }
    out.put("verdict", json!({"grade": verdict.grade().to_string(), "findings": findings}));
}

/// Which options help.
fn remedy(finding: &Finding) -> String {
    let grid = |possible: bool, text: &'static str| if possible { text } else { "" };
    match finding.remedy {
        // Noisy quantiles are no call to act.
        _ if matches!(finding.problem, Problem::FewInTails { .. }) => String::new(),
        Remedy::SmallerStep { accept_prob } => {
            format!(
                "only {} of the steps are accepted: give a smaller --step-size, or none",
                text::percent(accept_prob)
            )
        }
        Remedy::LargerStep { accept_prob } => format!(
            "{} of the steps are accepted, so they are small: give a larger --step-size, or none",
            text::percent(accept_prob)
        ),
        Remedy::SmallerStepOrOtherCoordinates => {
            "give a smaller --step-size, or write the energy in other coordinates".into()
        }
        Remedy::SmallerStepOrAdjusted => "give a smaller --step-size, or use --sampler mala".into(),
        Remedy::OtherCoordinates { or_temper } => {
            let temper = if or_temper { ", or try --sampler tempering" } else { "" };
            format!("write the energy in other coordinates{temper}")
        }
        Remedy::CheckEnergyAndStep => "does the energy depend on it, and is the step size sane?".into(),
        Remedy::MoreDraws { at_least } => format!("at least {at_least} are needed (--draws)"),
        Remedy::LongerChains => "the chains are short: ask for more --draws".into(),
        Remedy::KeepDrawing { or_thin_less, or_grid } => {
            let thin = if or_thin_less { ", or thin less" } else { "" };
            format!("ask for more --draws{thin}{}", grid(or_grid, ", or use --sampler grid"))
        }
        Remedy::LongerRun { or_temper: true, or_grid } => {
            let grid = grid(or_grid, ", or grid");
            format!("ask for more --warmup and --draws, or try --sampler tempering{grid}")
        }
        Remedy::LongerRun { or_temper: false, or_grid } => {
            format!("ask for more --warmup and --draws{}", grid(or_grid, ", or use --sampler grid"))
        }
        Remedy::Temper { n_wells, or_grid } => {
            let grid = grid(or_grid, ", or grid");
            format!("there are {n_wells} wells, between which they hardly move: try --sampler tempering{grid}")
        }
        Remedy::MoreWarmUp => "ask for more --warmup".into(),
        Remedy::MoreChains => {
            "ask for more --chains and --warmup, or cut the support between the modes with --bounds".into()
        }
        Remedy::SingularityAtZero | Remedy::WallOrLogSumExp => finding.remedy.to_string(),
        Remedy::MarkovChains => "use --no-exact, with which pilot chains choose a sampler".into(),
        Remedy::Grid => "use --sampler grid".into(),
        Remedy::Quantiles { and_median: true } => "use the median and the quantiles".into(),
        Remedy::Quantiles { and_median: false } => "use the quantiles".into(),
        Remedy::MoreLevels { .. } | Remedy::CloserReference => "ask for more --warmup".into(),
        Remedy::MoreTransitions => "ask for a larger --thin".into(),
    }
}

/// Why the draws may be used.
pub fn good_news(report: &Report, evidence: &Evidence<'_>) -> String {
    match (evidence.is_independent(), report.has_errors()) {
        (true, true) => return "good: the draws are exact and independent".into(),
        (true, false) => return "the draws are exact and independent, but too few for error bars".into(),
        _ => {}
    }
    let ess = text::count(report.least_ess() as u64);
    let Some(worst) = report.worst_rhat() else { return format!("good: at least {ess} effective draws") };
    let s = &report.coordinates[worst];
    let why = if s.rhat > MIN_RHAT_LIMIT {
        let n_chains = evidence.draws.n_chains();
        let each = s.ess_bulk / n_chains as f64;
        format!(" (as expected of {n_chains} chains with {each:.0} effective draws each)")
    } else {
        String::new()
    };
    format!("good: R-hat at most {:.3}{why}, at least {ess} effective draws", s.rhat)
}

/// What the comparison with exact expectations says.
pub fn exact_line(report: &Report) -> String {
    match (&report.exact, report.largest_gap()) {
        (Ok(gaps), Some(g)) => {
            let which =
                if gaps.len() == 1 { "the difference" } else { &format!("the largest of {} differences", gaps.len()) };
            format!("against exact expectations, {which} is {:.1} errors", g.z.abs())
        }
        (Ok(_), None) => "none: the tails are too heavy for error bars".into(),
        (Err(why), _) => {
            let why = if *why == NoExact::NotTried { "as asked".into() } else { why.to_string() };
            format!("none ({why}): a mode that no chain has seen would be missed unseen")
        }
    }
}
