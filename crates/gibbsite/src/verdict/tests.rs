//! Every finding, on both sides of its threshold. Thresholds are written out here: that of the code may not move unseen.

use super::exact::{Gap, Moment, NoExact};
use super::*;
use crate::adapt::CoordinateBias;
use crate::energy::formula::Formula;
use crate::logz;
use crate::rng::{Purpose, Run, Streams};
use crate::run::{Divergence, Draws, Phase, Warning};
use crate::tempering;

mod against_exact;
mod chains;

/// Independent standard normals z, changed into `f(chain, draw, j, z)`; energies are those of the normals.
fn draws(shape: (usize, usize, usize), f: impl Fn(usize, usize, usize, f64) -> f64) -> Draws {
    let (n_chains, n_draws, dim) = shape;
    let mut rng = Streams::new(7, Run::Draws);
    let z = rng.normals(Purpose::Proposal, n_chains * n_draws, dim);
    let z = |i: usize, j: usize| f64::from(z.col(j)[i]);
    let all = || 0..n_chains * n_draws;
    let values = all().flat_map(|i| (0..dim).map(move |j| (i, j)));
    let values = values.map(|(i, j)| f(i / n_draws, i % n_draws, j, z(i, j))).collect();
    let energy = all().map(|i| (0..dim).map(|j| z(i, j).powi(2) / 2.0).sum()).collect();
    Draws::from_parts(n_chains, n_draws, dim, values, energy)
}

fn good(dim: usize) -> Draws {
    draws((16, 200, dim), |_, _, _, z| z)
}

fn verdict(evidence: &Evidence<'_>) -> Verdict {
    Report::new(evidence).verdict(evidence)
}

/// The only finding, if there is one.
fn only(evidence: &Evidence<'_>) -> Option<Finding> {
    at_most_one(verdict(evidence))
}

fn at_most_one(verdict: Verdict) -> Option<Finding> {
    assert!(verdict.findings.len() <= 1, "{verdict}");
    verdict.findings.into_iter().next()
}

#[test]
fn independent_draws_are_good() {
    let draws = good(3);
    let verdict = verdict(&Evidence::from(&draws));
    assert!(verdict.is_good() && verdict.grade() == Grade::Good, "{verdict}");
    assert!((1.0..1.01).contains(&verdict.rhat) && (2500.0..4000.0).contains(&verdict.ess), "{verdict}");
    assert!(verdict.to_string().starts_with("good: R-hat at most 1.00"), "{verdict}");
}

#[test]
fn divergences_count_beyond_two_in_a_thousand_and_forbid_unless_all_is_met() {
    let (draws, n) = (good(1), 1000);
    let divergences = |phase, n_diverged| [Warning::Divergences { phase, n_diverged, n }];
    let found = |warnings: &[Warning], exact| {
        let evidence = Evidence { warnings, ..Evidence::from(&draws) };
        let report = Report { exact, ..Report::new(&evidence) };
        at_most_one(report.verdict(&evidence))
    };
    let met = |z| Ok(vec![Gap { moment: Moment::Energy, drawn: 0.5, exact: 0.5, z }]);
    assert_eq!(found(&divergences(Phase::Draws, 2), Err(NoExact::NotTried)), None);
    let three = divergences(Phase::Draws, 3);
    let finding = found(&three, Err(NoExact::NotTried)).unwrap();
    assert_eq!((finding.forbids, finding.remedy), (true, Remedy::SmallerStepOrOtherCoordinates));
    assert_eq!(finding.to_string(), three[0].to_string());
    assert!(!found(&three, met(1.0)).unwrap().forbids && found(&three, Ok(Vec::new())).unwrap().forbids);
    assert!(!found(&divergences(Phase::WarmUp, 500), Err(NoExact::NotTried)).unwrap().forbids);
    for (warning, remedy) in [
        (Warning::Acceptance { accept_prob: 0.1, target: 0.8, adapted: true }, Remedy::MoreWarmUp),
        (
            Warning::Acceptance { accept_prob: 0.1, target: 0.8, adapted: false },
            Remedy::SmallerStep { accept_prob: 0.1 },
        ),
        (Warning::StuckChains { n_stuck: 1, n_chains: 16 }, Remedy::CheckEnergyAndStep),
    ] {
        let finding = found(&[warning], met(1.0)).unwrap();
        assert_eq!((finding.forbids, finding.remedy), (true, remedy));
    }
}

/// One cut trajectory is no news, and many are slow rather than wrong.
#[test]
fn truncated_trajectories_count_beyond_one_in_a_hundred_and_forbid_nothing() {
    let draws = good(1);
    let of = |n_truncated| {
        only(&Evidence { warnings: &[Warning::Truncated { n_truncated, n: 1000 }], ..Evidence::from(&draws) })
    };
    assert_eq!((of(1), of(10)), (None, None));
    let finding = of(11).unwrap();
    assert_eq!((finding.forbids, finding.remedy), (false, Remedy::OtherCoordinates { or_temper: false }));
}

#[test]
fn what_forbids_comes_first() {
    let draws = good(2);
    let warnings = [Warning::Truncated { n_truncated: 500, n: 1000 }];
    let moments = [None, Some(0)];
    let evidence = Evidence { warnings: &warnings, moments: &moments, ..Evidence::from(&draws) };
    let verdict = verdict(&evidence);
    let kinds: Vec<&str> = verdict.findings.iter().map(|f| f.problem.kind()).collect();
    assert_eq!(kinds, ["no_mean", "truncated"]);
}

#[test]
fn divergences_gather_in_a_corner_or_nowhere() {
    let draws = good(2);
    let warnings = [Warning::Divergences { phase: Phase::Draws, n_diverged: 30, n: 1000 }];
    let corner = |n: usize, x: f64| {
        let at = |i| Divergence { chain: 0, draw: i, x: vec![0.0, x] };
        let divergences: Vec<Divergence> = (0..n).map(at).collect();
        let evidence = Evidence { warnings: &warnings, divergences: &divergences, ..Evidence::from(&draws) };
        match only(&evidence).unwrap() {
            Finding { problem: Problem::Warned { corner, .. }, .. } => corner,
            other => panic!("{other:?}"),
        }
    };
    // 8 % and 12 % of the normals are below.
    let low = corner(3, -1.41).unwrap();
    assert!(low.coordinate == 1 && low.median == -1.41 && (0.06..0.1).contains(&low.below), "{low:?}");
    assert!(corner(3, 1.41).unwrap().below > 0.9);
    assert_eq!((corner(3, -1.16), corner(3, 1.16), corner(2, -3.0)), (None, None, None));
    let words = Problem::Warned { warning: warnings[0].clone(), corner: Some(low) }.in_words(&["a".into(), "b".into()]);
    assert!(words.ends_with(": they gather where b is about -1.41, below 92 % of its draws"), "{words}");
    let words = |below| {
        let corner = Some(Corner { coordinate: 0, median: -9.0, below });
        Problem::Warned { warning: warnings[0].clone(), corner }.in_words(&[])
    };
    assert!(words(0.001).ends_with("below more than 99.5 % of its draws"), "{}", words(0.001));
    assert!(words(1.0).ends_with("above all of its draws"), "{}", words(1.0));
}

#[test]
fn momenta_that_do_not_reach_all_energies_are_doubtful() {
    let draws = good(1);
    let of = |ebfmi: f64| only(&Evidence { ebfmi: vec![ebfmi, f64::NAN], ..Evidence::from(&draws) });
    assert_eq!(of(0.31), None);
    let finding = of(0.29).unwrap();
    assert_eq!(finding.problem, Problem::MissingInformation { ebfmi: 0.29 });
    assert_eq!((finding.forbids, finding.remedy), (false, Remedy::OtherCoordinates { or_temper: true }));
    let words = finding.to_string();
    assert!(words.starts_with("E-BFMI is 0.29 < 0.3: ") && words.contains("; write the energy in other"), "{words}");
}

#[test]
fn ladders_that_do_not_carry_forbid() {
    use tempering::Verdict as Ladder;
    let draws = good(1);
    let of = |ladder: &Ladder| only(&Evidence { source: Source::Ladders(ladder), ..Evidence::from(&draws) });
    assert_eq!(of(&Ladder::Mixing { n_round_trips: 20, n_ladders: 16 }), None);
    let stays = |expected| Ladder::NoRoundTrips { n_without: 9, n_ladders: 16, n_iterations: 200, expected };
    for (ladder, remedy) in [
        (Ladder::LadderTooShort { pair: 1, rejection: 0.95, n_levels: 7 }, Remedy::MoreLevels { n_levels: 7 }),
        (Ladder::ReferenceTooFar { barrier: 60.0 }, Remedy::CloserReference),
        (stays(150.0), Remedy::MoreDraws { at_least: 300 }),
        (stays(90.0), Remedy::MoreTransitions),
        (stays(f64::NAN), Remedy::LongerChains),
    ] {
        let finding = of(&ladder).unwrap();
        assert_eq!((finding.forbids, finding.remedy), (true, remedy));
        assert_eq!(finding.to_string(), ladder.to_string());
    }
}

#[test]
fn coordinates_that_never_moved_forbid() {
    let frozen = draws((16, 200, 3), |_, t, j, z| if j == 1 || (j == 2 && t > 0) { 0.5 } else { z });
    let finding = only(&Evidence::from(&draws((16, 200, 2), |_, _, j, z| if j == 1 { 0.5 } else { z }))).unwrap();
    assert_eq!(finding.problem, Problem::Frozen { coordinates: vec![1] });
    assert_eq!((finding.forbids, finding.remedy), (true, Remedy::CheckEnergyAndStep));
    // One draw that differs is a movement; what it is worth is for the other checks.
    assert_eq!(verdict(&Evidence::from(&frozen)).findings[0].problem, Problem::Frozen { coordinates: vec![1] });
    // A single draw shows no movement.
    let one = draws((1, 1, 1), |_, _, _, z| z);
    assert!(matches!(only(&Evidence::from(&one)).unwrap().problem, Problem::TooFewDraws { n_draws: 1 }));
}

/// A chain that stands at the middle of the others, which R-hat does not see.
#[test]
fn a_chain_that_never_moved_is_told() {
    let stuck = |n: usize| draws((32, n, 2), |c, _, j, z| if c == 5 { 0.3 + j as f64 } else { z });
    let known = stuck(200);
    let finding = verdict(&Evidence::from(&known)).findings.remove(0);
    assert_eq!((finding.problem.kind(), finding.forbids), ("stuck_chains", true));
    let warnings = [Warning::StuckChains { n_stuck: 1, n_chains: 32 }];
    let few = stuck(19);
    let found = verdict(&Evidence { warnings: &warnings, ..Evidence::from(&known) }).findings;
    assert_eq!(found.iter().filter(|f| f.problem.kind() == "stuck_chains").count(), 1);
    assert_eq!(
        verdict(&Evidence::from(&few)).findings.iter().filter(|f| f.problem.kind() == "stuck_chains").count(),
        0
    );
}

#[test]
fn four_draws_of_a_chain_are_the_least() {
    for n_draws in [3, 4] {
        let few = draws((2000, n_draws, 1), |_, _, _, z| z);
        let finding = only(&Evidence::from(&few));
        assert_eq!(finding.is_some(), n_draws == 3);
        let Some(finding) = finding else { continue };
        assert_eq!((finding.problem.clone(), finding.forbids), (Problem::TooFewDraws { n_draws }, true));
        assert_eq!(finding.remedy, Remedy::MoreDraws { at_least: 4 });
        let independent = Evidence { source: Source::Independent, ..Evidence::from(&few) };
        assert!(!only(&independent).unwrap().forbids);
        assert_eq!(verdict(&independent).grade(), Grade::Doubtful);
    }
}

#[test]
fn a_bias_of_four_errors_is_told_and_one_of_two_percent_forbids() {
    let draws = good(2);
    let of = |variance_z: f64, sd_ratio: f64| {
        let none = CoordinateBias { mean_difference: 0.0, mean_z: 0.0, sd: 1.0, sd_ratio: 1.0, variance_z: 0.0 };
        let coordinates = vec![none, CoordinateBias { sd_ratio, variance_z, ..none }];
        let bias = Bias { coordinates, energy: 0.01 };
        only(&Evidence { bias: Some(&bias), ..Evidence::from(&draws) })
    };
    assert_eq!((of(3.9, 1.1), of(-3.9, 0.9)), (None, None));
    let finding = of(4.1, 1.019).unwrap();
    assert!(!finding.forbids && finding.remedy == Remedy::SmallerStepOrAdjusted);
    assert!(matches!(&finding.problem, Problem::Biased { coordinates, worst: 1, .. } if *coordinates == [1]));
    assert!(finding.to_string().contains("(x2: sd ratio 1.019, z 4.1)"), "{finding}");
    assert!(of(-4.1, 0.979).unwrap().forbids && of(4.1, 1.021).unwrap().forbids);
    let report = Report::new(&Evidence::from(&draws));
    let bias = Bias {
        coordinates: vec![
            CoordinateBias { mean_difference: 3.0, mean_z: 0.0, sd: 1.0, sd_ratio: 5.0, variance_z: 0.0 };
            2
        ],
        energy: 2.0,
    };
    let biased = Report::new(&Evidence { bias: Some(&bias), ..Evidence::from(&draws) });
    assert_eq!(biased.coordinates[0].mcse_mean, report.coordinates[0].mcse_mean.hypot(3.0));
    assert_eq!(biased.coordinates[0].mcse_sd, report.coordinates[0].mcse_sd.hypot(4.0));
    assert_eq!(biased.energy.mcse_mean, report.energy.mcse_mean.hypot(2.0));
}

#[test]
fn the_weights_of_two_to_twelve_wells_are_counted() {
    let two = draws((16, 200, 2), |c, t, j, z| 0.1 * z + if j == 0 && (c + t) % 4 == 0 { 8.0 } else { 0.0 });
    let of = |n: usize| {
        let wells: Vec<Vec<f64>> = (0..n).map(|k| vec![8.0 * k as f64, 0.0]).collect();
        Report::new(&Evidence { wells: &wells, ..Evidence::from(&two) }).modes
    };
    assert_eq!((of(1), of(13)), (None, None));
    assert!(of(12).is_some_and(|m| m.modes.len() == 12));
    let weights = of(2).unwrap();
    assert_eq!((weights.modes[0].weight, weights.modes[1].weight), (0.75, 0.25));
    assert!(weights.mixes && weights.modes[0].std_err > 0.0);
    // Five of sixteen chains change the mode once: the weights are those of the starts, and have no error.
    let few = draws((16, 200, 2), |c, t, j, z| {
        0.1 * z + if j == 0 && (c % 4 == 0) != (c % 3 == 0 && t > 120) { 8.0 } else { 0.0 }
    });
    let wells = [vec![0.0, 0.0], vec![8.0, 0.0]];
    let weights = Report::new(&Evidence { wells: &wells, ..Evidence::from(&few) }).modes.unwrap();
    assert!(weights.n_changes() > 3 && !weights.mixes && weights.modes.iter().all(|m| m.std_err.is_nan()));
}

#[test]
fn runs_are_evidence() {
    use crate::kernel::{Nuts, Rwm};
    use crate::run::auto::{AutoOptions, auto};
    use crate::run::{RunOptions, dispersed_points, sample};
    let energy = Formula::parse("-logsumexp(-((x1-8)^2 + x2^2)/2, -((x1+8)^2 + x2^2)/2)").unwrap();
    let starts = dispersed_points(&energy, 32, 0).unwrap();
    let options = RunOptions { n_draws: 150, n_warmup: 100, ..RunOptions::default() };
    let run = sample(&energy, &Nuts::new(0.5), starts.points.clone(), &options, &|_| {}).unwrap();
    let evidence = Evidence { wells: &starts.wells, ..Evidence::from(&run) };
    assert_eq!(evidence.ebfmi.len(), 32);
    let apart = verdict(&evidence).findings.into_iter().find(|f| matches!(f.problem, Problem::Disagreement { .. }));
    assert_eq!(apart.unwrap().remedy, Remedy::Temper { n_wells: 2, or_grid: true });
    let run = sample(&energy, &Rwm::new(1.0), starts.points, &options, &|_| {}).unwrap();
    assert!(Evidence::from(&run).ebfmi.is_empty());
    let options = AutoOptions { n_draws: 200, n_warmup: Some(100), ..AutoOptions::default() };
    let run = auto(&energy, &options, &|_| {}).unwrap();
    let evidence = Evidence::from(&run);
    assert!(matches!(evidence.source, Source::Ladders(_)) && evidence.wells.len() == 2);
    assert!(judge(&energy, &run).grade() < Grade::Bad, "{}", judge(&energy, &run));
}

#[test]
fn a_verdict_reads_line_by_line() {
    let draws = draws((16, 200, 2), |c, _, _, z| z + (c % 2) as f64 * 5.0);
    let verdict = verdict(&Evidence::from(&draws));
    let text = verdict.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("bad: R-hat at most ") && lines.len() == 3, "{text}");
    assert!(lines[1].starts_with("- R-hat of x1, x2 is ") && lines[1].contains("tempering::temper"), "{text}");
    assert!(lines[2].starts_with("- only ") && lines[2].contains("draw more, or draw from kernel::grid"), "{text}");
}

#[test]
fn no_draws_are_too_few() {
    for (n_chains, n_draws) in [(0, 0), (4, 0)] {
        let none = Draws::from_parts(n_chains, n_draws, 2, Vec::new(), Vec::new());
        let verdict = judge(&Formula::parse("x^2 + y^2").unwrap(), &none);
        assert_eq!(verdict.findings[0].problem, Problem::TooFewDraws { n_draws: 0 });
        assert_eq!(verdict.grade(), Grade::Bad);
    }
}

/// Exact draws of a quadrature that has not converged, energies that are not finite, draws at the end of the numbers.
#[test]
fn what_numbers_do_not_resolve_forbids() {
    let draws = good(1);
    let of = |cdf_error| {
        only(&Evidence { source: Source::Independent, cdf_error: Some(cdf_error), ..Evidence::from(&draws) })
    };
    // 3,200 draws have a noise of 0.018.
    assert_eq!(of(0.017), None);
    let finding = of(0.3).unwrap();
    assert_eq!((finding.forbids, finding.remedy), (true, Remedy::MarkovChains));
    assert!(
        finding.to_string().contains("has converged only to 0.3, which is more than their noise of 0.02"),
        "{finding}"
    );
    assert!(of(f64::NAN).is_some());
    let gap = Some(logz::Gap { axis: 0, from: 38.0, to: 362.0 });
    let finding = only(&Evidence { source: Source::Independent, gap, ..Evidence::from(&draws) }).unwrap();
    assert!(!finding.forbids && finding.to_string().contains("coordinate 1 between 38"), "{finding}");

    let mut energy = draws.energy().to_vec();
    energy[7] = f64::NEG_INFINITY;
    let infinite = Draws::from_parts(16, 200, 1, draws.values().to_vec(), energy);
    let problems: Vec<Problem> = verdict(&Evidence::from(&infinite)).findings.into_iter().map(|f| f.problem).collect();
    assert!(problems.contains(&Problem::NotFinite { n: 1, n_draws: 3200 }), "{problems:?}");
    let independent = Evidence { source: Source::Independent, ..Evidence::from(&infinite) };
    assert_eq!(verdict(&independent).grade(), Grade::Bad);

    let space = Formula::with_options("x", &bounds("x", 0.0, 1.0)).unwrap();
    let at_one = |share: f64| {
        let draws = super::tests::draws((16, 200, 1), |_, t, _, z| {
            let u = (0.5 + 0.1 * z).clamp(0.01, 0.99);
            if (t as f64) < 200.0 * share {
                1.0 - 2e-16 * z.abs()
            } else if t == 199 {
                1e-300
            } else {
                u
            }
        });
        let evidence = Evidence { source: Source::Independent, ..Evidence::from(&draws) };
        let mut report = Report::new(&evidence);
        report.check_support(crate::energy::Energy::space(&space), &evidence);
        let mut findings = report.verdict(&evidence).findings;
        findings.retain(|f| f.problem.kind() == "crowded");
        findings
    };
    assert_eq!(at_one(0.0), []);
    let finding = &at_one(0.1)[0];
    assert!(
        matches!(finding.problem, Problem::Crowded(Crowd { coordinate: 0, bound: 1.0, n: 320, .. })),
        "{finding:?}"
    );
    assert!(finding.forbids && finding.to_string().starts_with("x1 lies within rounding of 1 in 320 of 3200 draws"));
    assert!(!at_one(0.005)[0].forbids);
}

fn bounds(name: &str, lower: f64, upper: f64) -> crate::energy::formula::FormulaOptions {
    let bounds = vec![(name.to_string(), lower, upper)];
    crate::energy::formula::FormulaOptions { bounds, ..Default::default() }
}
