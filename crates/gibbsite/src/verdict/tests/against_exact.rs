//! Draws against exact expectations, and moments that do not exist.

use super::*;

#[test]
fn five_errors_from_an_exact_value_forbid() {
    let of = |dim: usize, source, zs: &[f64]| {
        let draws = good(dim);
        let evidence = Evidence { source, ..Evidence::from(&draws) };
        let gap = |z: &f64| Gap { moment: Moment::Spread(0), drawn: 4.0, exact: 9.0, z: *z };
        let exact = Ok(zs.iter().map(gap).collect());
        at_most_one(Report { exact, ..Report::new(&evidence) }.verdict(&evidence))
    };
    assert_eq!(of(1, Source::Chains, &[4.9, -4.9]), None);
    let finding = of(1, Source::Chains, &[1.0, -5.1, 5.05]).unwrap();
    assert!(matches!(finding.problem, Problem::Misses { gap: Gap { z: -5.1, .. }, n_more: 1 }), "{finding:?}");
    assert_eq!((finding.forbids, finding.remedy), (true, Remedy::Grid));
    let words = finding.to_string();
    assert!(words.starts_with("the spread of x1 is 2 in the draws but 3 exactly, 5 standard errors apart (and 1 more"));
    assert_eq!(of(3, Source::Chains, &[6.0]).unwrap().remedy, Remedy::MoreChains);
    assert_eq!(of(2, Source::Independent, &[6.0]).unwrap().remedy, Remedy::MarkovChains);
}

#[test]
fn a_histogram_farther_than_noise_forbids() {
    let draws = good(1);
    let of = |source, total_variation| {
        let evidence = Evidence { source, ..Evidence::from(&draws) };
        let distance = Some(Distance { total_variation, expected: 0.01, kl: 0.0 });
        at_most_one(Report { distance, ..Report::new(&evidence) }.verdict(&evidence))
    };
    // 2.5 times the noise and 0.01 more; of independent draws 1.6 times, and 0.004 more.
    assert_eq!((of(Source::Chains, 0.0349), of(Source::Independent, 0.0199)), (None, None));
    let (chains, exact) = (of(Source::Chains, 0.0351).unwrap(), of(Source::Independent, 0.0201).unwrap());
    assert_eq!(
        (chains.forbids, chains.remedy, exact.forbids, exact.remedy),
        (true, Remedy::Grid, true, Remedy::MarkovChains)
    );
    assert!(matches!(exact.problem, Problem::Far { independent: true, .. }));
}

#[test]
fn moments_that_do_not_exist_are_told() {
    let draws = good(2);
    let evidence = Evidence::from(&draws);
    let of = |k: f64, std_err: f64, at_least: Option<f64>| {
        let thin = Tail { k: 0.0, std_err: 0.05, at_least: None };
        let report = Report { tails: vec![thin, Tail { k, std_err, at_least }], ..Report::new(&evidence) };
        at_most_one(report.verdict(&evidence))
    };
    let mean = |f: Option<Finding>| {
        matches!(f, Some(Finding { problem: Problem::NoMean { worst: 1, .. }, forbids: true, .. }))
    };
    let sd = |f: Option<Finding>| {
        matches!(f, Some(Finding { problem: Problem::NoVariance { worst: 1, .. }, forbids: false, .. }))
    };
    // Two standard errors below.
    assert!(mean(of(0.9, 0.051, None)) && sd(of(0.9, 0.049, None)));
    assert!(sd(of(0.4, 0.051, None)) && of(0.4, 0.049, None).is_none());
    // An error of more than 0.12 (1 + k) tells nothing.
    assert!(mean(of(1.5, 0.29, None)) && of(1.5, 0.31, None).is_none() && of(f64::NAN, f64::NAN, None).is_none());
    // Quadrature knows, whatever the draws have seen.
    assert!(mean(of(0.0, 0.05, Some(1.0))) && sd(of(0.0, 0.05, Some(0.5))));
    let finding = of(0.9, 0.06, None).unwrap();
    assert_eq!(finding.remedy, Remedy::Quantiles { and_median: true });
    assert!(
        finding.to_string().contains("(Pareto k of x2 is 0.9 +- 0.06; from 1 on there is no mean): use the median")
    );
    assert_eq!(of(0.4, 0.06, None).unwrap().remedy, Remedy::Quantiles { and_median: false });
    let tail = |k, std_err| Tail { k, std_err, at_least: None };
    assert!(tail(0.24, 0.05).has_fourth_moment() && !tail(0.26, 0.05).has_fourth_moment());
    assert!(
        tail(0.9, f64::INFINITY).has_fourth_moment()
            && !Tail { at_least: Some(0.5), ..tail(0.0, 0.1) }.has_fourth_moment()
    );
}

/// Chains with too few effective draws know nothing of their tails.
#[test]
fn tails_of_chains_that_hardly_move_are_unknown() {
    let cauchy =
        |t: usize, z: f64| if t.is_multiple_of(40) { z } else { z / (0.05 + ((t * 31) % 97) as f64 / 97.0).powi(4) };
    let moving = draws((16, 200, 1), |_, t, _, z| cauchy(t, z));
    assert!(Report::new(&Evidence::from(&moving)).tails[0].std_err.is_finite());
    let stays = draws((16, 200, 1), |c, t, _, z| cauchy(t, z) * 1e-3 + c as f64);
    assert_eq!(Report::new(&Evidence::from(&stays)).tails[0].std_err, f64::INFINITY);
}

#[test]
fn exact_expectations_are_met_or_the_reason_is_told() {
    let of = |text: &str, draws: &Draws| {
        let (energy, evidence) = (Formula::parse(text).unwrap(), Evidence::from(draws));
        let mut report = Report::new(&evidence);
        assert_eq!(report.exact, Err(NoExact::NotTried));
        report.check_exactly(&energy, &evidence);
        (report.exact.clone(), report.verdict(&evidence))
    };
    let (gaps, verdict) = of("x^2/2 + y^2/2", &good(2));
    assert!(gaps.is_ok_and(|g| g.len() == 5) && verdict.is_good(), "{verdict}");
    // All in one of two wells that are alike.
    let (gaps, verdict) = of("-logsumexp(-(x-4)^2/2, -(x+4)^2/2)", &draws((16, 200, 1), |_, _, _, z| z + 4.0));
    assert!(gaps.is_ok() && verdict.grade() == Grade::Bad, "{verdict}");
    let problems: Vec<&Problem> = verdict.findings.iter().map(|f| &f.problem).collect();
    assert!(matches!(problems[..], [Problem::Misses { n_more: 0, .. }, Problem::Far { .. }]), "{verdict}");
    // The mean of a Cauchy distribution, of which normal draws know nothing.
    let findings = of("log(1+x^2)", &good(1)).1.findings;
    assert!(
        findings.iter().any(|f| matches!(f.problem, Problem::NoMean { tail: Tail { at_least: Some(1.0), .. }, .. }))
    );
    let (gaps, verdict) = of("(x1^2 + x2^2 + x3^2 + x4^2)/2", &good(4));
    assert_eq!(gaps, Err(NoExact::Dimension { max: 3 }));
    assert!(verdict.is_good() && gaps.unwrap_err().to_string() == "there is no quadrature beyond 3 dimensions");
    assert!(matches!(of("-x", &good(1)).0, Err(NoExact::Quadrature(_))));
    let few = |n_chains: usize| of("x^2/2", &draws((n_chains, 9, 1), |_, _, _, z| z)).0;
    assert!(few(11) == Err(NoExact::FewDraws) && few(12).is_ok());
}

#[test]
fn a_quadrature_that_costs_too_much_or_does_not_converge_is_no_judge() {
    let energy = Formula::parse("x^2/2 + y^2/2").unwrap();
    let n_evals = exact::integrate(&energy).unwrap().n_evals;
    assert!(exact::integrate_within(&energy, n_evals).is_ok());
    assert_eq!(exact::integrate_within(&energy, n_evals - 1).unwrap_err(), NoExact::TooCostly { max: n_evals - 1 });
    assert_eq!(NoExact::TooCostly { max: 30_000_000 }.to_string(), "quadrature needs more than 30 million evaluations");
    assert_eq!(NoExact::Inaccurate { error: 1e-3 }.to_string(), "quadrature converges only to 1e-3");
}

/// What growth proves counts, whatever the draws have seen.
#[test]
fn proved_moments_are_used() {
    let draws = good(3);
    let of = |moments: &[Option<u32>]| verdict(&Evidence { moments, ..Evidence::from(&draws) }).findings;
    assert!(of(&[]).is_empty() && of(&[None, None, Some(2)]).is_empty());
    let found = of(&[None, Some(1), Some(0)]);
    assert!(
        matches!(&found[0].problem, Problem::NoMean { coordinates, .. } if *coordinates == [2]) && found[0].forbids
    );
    assert!(matches!(&found[1].problem, Problem::NoVariance { coordinates, .. } if *coordinates == [1]), "{found:?}");
    assert!(found[0].to_string().contains("the Pareto k of x3 is known to be 1 or more"), "{}", found[0]);
}

/// Exact draws on ridges and peaks that midpoints miss: the draws are right, and the rule says nothing of them.
#[test]
fn exact_draws_on_narrow_ridges_are_not_far() {
    use crate::kernel::grid::Grid;
    let distance = |text: &str| {
        let energy = Formula::parse(text).unwrap();
        let n = 20_000;
        let x = Grid::new(&energy).unwrap().sample(n, 0).unwrap();
        let mut e = vec![0.0; n];
        crate::energy::Energy::energy(&energy, &x, &mut e);
        let dim = x.dim();
        let values = (0..n * dim).map(|i| x.real.get(i / dim, i % dim)).collect();
        let draws = Draws::from_parts(20, n / 20, dim, values, e);
        let evidence = Evidence { source: Source::Independent, ..Evidence::from(&draws) };
        let mut report = Report::new(&evidence);
        report.check_exactly(&energy, &evidence);
        assert!(report.verdict(&evidence).is_good(), "{text}: {}", report.verdict(&evidence));
        report.distance
    };
    assert!(distance("(1-x)^2/2 + 1e5*(y-x^2)^2").is_none());
    assert!(distance("-logsumexp(-x^2/2, -(x-1e4)^2/2)").is_none());
    assert!(distance("(1-x)^2/2 + 10*(y-x^2)^2").is_some() && distance("x^4").is_some());
}
