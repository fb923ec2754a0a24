//! Whether chains have found one distribution, and how much they know of it.

use super::*;
use crate::diagnostics::{agreement, summary, z_score_between_chains};

/// Half of the chains are moved by a part of a standard deviation.
#[test]
fn chains_apart_forbid_from_the_limit_of_rhat_on() {
    // One and a half times the upper quantile of a chi-square variable with 31 degrees of freedom, over 31.
    let limit = |ess: f64| (1.0 + 1.5 * 2.3616 * 2.0 * 16.0 / ess).sqrt().clamp(1.01, 1.1);
    let (mut n_apart, mut n_together) = (0, 0);
    for shift in (0..20).map(|k| 0.1 * f64::from(k)) {
        let moved = draws((16, 200, 2), |c, _, j, z| if j == 1 && c % 2 == 0 { z + shift } else { z });
        let s = agreement(&moved.coordinate(1));
        let found = verdict(&Evidence::from(&moved)).findings.into_iter().next();
        if s.rhat <= 1.01 || s.rhat <= limit(s.ess_within) {
            n_together += 1;
            assert!(!matches!(found, Some(Finding { problem: Problem::Disagreement { .. }, .. })), "{found:?}");
            continue;
        }
        n_apart += 1;
        let finding = found.unwrap();
        let near = |a: f64, b: f64| (a - b).abs() < 1e-4;
        let matches = |p: &Problem| {
            matches!(p, Problem::Disagreement { coordinates, worst: 1, rhat, limit: of }
            if *coordinates == [1] && *rhat == s.rhat && near(*of, limit(s.ess_within)))
        };
        assert!(matches(&finding.problem), "{finding:?} {}", limit(s.ess_within));
        assert_eq!((finding.forbids, finding.remedy), (true, Remedy::LongerRun { or_temper: true, or_grid: true }));
    }
    assert!(n_apart > 3 && n_together > 3, "{n_apart} {n_together}");
    // A small disagreement forbids nothing where exact expectations are met.
    let of = |shift: f64| {
        let moved = draws((16, 200, 2), |c, _, j, z| if j == 1 && c % 2 == 0 { z + shift } else { z });
        let evidence = Evidence::from(&moved);
        let exact = Ok(vec![Gap { moment: Moment::Energy, drawn: 0.5, exact: 0.5, z: 1.0 }]);
        let report = Report { exact, ..Report::new(&evidence) };
        (report.coordinates[1].rhat, report.verdict(&evidence).findings.remove(0))
    };
    let ((small, doubtful), (large, bad)) = (of(0.5), of(2.0));
    assert!(small < 1.1 && !doubtful.forbids && doubtful.problem.kind() == "disagreement", "{small} {doubtful:?}");
    assert!(large > 1.1 && bad.forbids && bad.problem.kind() == "disagreement", "{large} {bad:?}");
}

#[test]
fn an_energy_that_disagrees_forbids_where_no_coordinate_does() {
    let of = |shift: f64| {
        let draws = good(3);
        let chain = |c: usize| if c.is_multiple_of(2) { shift } else { 0.0 };
        let energy = draws.energy().iter().enumerate().map(|(i, e)| e + chain(i / 200)).collect();
        let moved = Draws::from_parts(16, 200, 3, draws.values().to_vec(), energy);
        let rhat = summary(&moved.energy_chains()).rhat;
        (rhat, only(&Evidence::from(&moved)))
    };
    let (rhat, finding) = of(2.0);
    let finding = finding.unwrap();
    let Problem::EnergyDisagreement { rhat: told, limit } = finding.problem else { panic!("{finding:?}") };
    assert!(told == rhat && rhat > 1.1 && (1.01..1.03).contains(&limit), "{rhat} {limit}");
    assert!(finding.forbids && finding.to_string().contains(": warm up longer"), "{finding}");
    let (rhat, finding) = of(0.2);
    assert!(rhat > 1.001 && rhat < limit && finding.is_none(), "{rhat} {finding:?}");
}

#[test]
fn a_drift_of_five_errors_forbids() {
    let (mut n_drifting, mut n_still) = (0, 0);
    for slope in (0..16).map(|k| 4e-4 * f64::from(k)) {
        let drifting = draws((64, 100, 2), |_, t, j, z| if j == 0 { z + slope * t as f64 } else { z });
        let half = |c: &Vec<f64>| (c[50..].iter().sum::<f64>() - c[..50].iter().sum::<f64>()) / 50.0;
        let z = z_score_between_chains(&drifting.coordinate(0).iter().map(half).collect::<Vec<_>>(), 0.0);
        match only(&Evidence::from(&drifting)) {
            None => {
                n_still += 1;
                assert!(z <= 5.0, "{z}");
            }
            Some(Finding { problem: Problem::Drift { coordinates, z: found }, forbids: true, remedy }) => {
                n_drifting += 1;
                assert!(coordinates == [0] && (found - z).abs() < 1e-9 && z > 5.0, "{coordinates:?} {found} {z}");
                assert_eq!(remedy, Remedy::MoreWarmUp);
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(n_drifting > 3 && n_still > 3, "{n_drifting} {n_still}");
}

#[test]
fn four_hundred_effective_draws_are_the_least() {
    let (mut in_bulk, mut in_tails, mut enough) = (0, 0, 0);
    for n_draws in (60..400).step_by(10) {
        // Wide and narrow for a while, so that the tails forget more slowly than the bulk.
        let is_wide = |c: usize, t: usize| (c * 7919 + t / 8 * 104_729) % 1009 < 300;
        let few = draws((4, n_draws, 1), |c, t, _, z| if is_wide(c, t) { 6.0 * z } else { z });
        let s = summary(&few.coordinate(0));
        let findings = verdict(&Evidence::from(&few)).findings;
        let bulk = findings.iter().find(|f| matches!(f.problem, Problem::FewEffectiveDraws { .. }));
        let tails = findings.iter().find(|f| matches!(f.problem, Problem::FewInTails { .. }));
        assert_eq!(bulk.is_some(), s.ess_bulk < 400.0, "{n_draws}");
        assert_eq!(tails.is_some(), s.ess_bulk >= 400.0 && s.ess_tail < 400.0, "{n_draws}");
        if let Some(finding) = bulk {
            in_bulk += 1;
            let problem = Problem::FewEffectiveDraws { coordinates: vec![0], ess: s.ess_bulk };
            assert_eq!((&finding.problem, finding.forbids), (&problem, true));
        }
        if let Some(finding) = tails {
            in_tails += 1;
            let problem = Problem::FewInTails { coordinates: vec![0], ess: s.ess_tail };
            assert_eq!((&finding.problem, finding.forbids), (&problem, false));
        }
        enough += usize::from(bulk.is_none() && tails.is_none());
    }
    assert!(in_bulk > 3 && in_tails > 0 && enough > 3, "{in_bulk} {in_tails} {enough}");
}

#[test]
fn remedies_look_at_step_length_and_wells_in_this_order() {
    let remedy = |n_draws: usize, dim: usize, change: &dyn Fn(&mut Evidence<'_>)| {
        let apart = draws((16, n_draws, dim), |c, _, _, z| z + (c % 2) as f64 * 5.0);
        let mut evidence = Evidence::from(&apart);
        change(&mut evidence);
        let findings = verdict(&evidence).findings;
        let of = |wanted: fn(&Problem) -> bool| findings.iter().find(|f| wanted(&f.problem)).unwrap().remedy;
        let apart = of(|p| matches!(p, Problem::Disagreement { .. }));
        (apart, of(|p| matches!(p, Problem::FewEffectiveDraws { .. })))
    };
    let wells = [vec![0.0; 3], vec![5.0; 3]];
    let step = |accept_prob| Some(GivenStep { accept_prob, target_accept: 0.6 });
    let small = Remedy::SmallerStep { accept_prob: 0.19 };
    assert_eq!(remedy(200, 3, &|e| e.step = step(0.19)), (small, small));
    let large = Remedy::LargerStep { accept_prob: 0.99 };
    assert_eq!(remedy(200, 3, &|e| e.step = step(0.99)), (large, large));
    assert_eq!(remedy(99, 3, &|e| e.step = step(0.21)), (Remedy::LongerChains, Remedy::LongerChains));
    assert_eq!(remedy(99, 3, &|e| e.step = step(0.97)).0, Remedy::LongerChains);
    let keep = |or_thin_less, or_grid| Remedy::KeepDrawing { or_thin_less, or_grid };
    let longer = |or_temper, or_grid| Remedy::LongerRun { or_temper, or_grid };
    assert_eq!(remedy(100, 3, &|_| ()), (longer(true, false), keep(false, false)));
    assert_eq!(remedy(100, 2, &|e| e.thin = 2), (longer(true, true), keep(true, true)));
    let temper = Remedy::Temper { n_wells: 2, or_grid: false };
    // The wells outlive the evidence.
    let leaked: &'static [Vec<f64>] = Box::leak(Box::new(wells));
    assert_eq!(remedy(100, 3, &|e| e.wells = leaked).0, temper);
    let mixing: &'static tempering::Verdict =
        Box::leak(Box::new(tempering::Verdict::Mixing { n_round_trips: 50, n_ladders: 16 }));
    let tempered = |e: &mut Evidence<'_>| (e.wells, e.source) = (leaked, Source::Ladders(mixing));
    assert_eq!(remedy(100, 3, &tempered).0, longer(false, false));
}

/// Chains x' = rho x + sqrt(1 - rho^2) z of standard normal draws, which start at stationarity.
fn slow(shape: (usize, usize), rho: f64, seed: u64) -> Draws {
    let (n_chains, n_draws) = shape;
    let mut rng = Streams::new(seed, Run::Draws);
    let xi = rng.normals(Purpose::Proposal, n_chains, n_draws);
    let mut values = Vec::new();
    for c in 0..n_chains {
        let mut x = 0.0;
        values.extend((0..n_draws).map(|t| {
            let z = f64::from(xi.col(t)[c]);
            x = if t == 0 { z } else { rho * x + (1.0 - rho * rho).sqrt() * z };
            x
        }));
    }
    let energy = values.iter().map(|x| x * x / 2.0).collect();
    Draws::from_parts(n_chains, n_draws, 1, values, energy)
}

/// The same with the chains for which `moves` says so 4.6 standard deviations away.
fn with_a_minority(draws: &Draws, moves: impl Fn(usize) -> bool) -> Draws {
    let n = draws.n_draws();
    let values = draws.values().iter().enumerate().map(|(i, x)| if moves(i / n) { x + 4.6 } else { *x }).collect();
    Draws::from_parts(draws.n_chains(), n, 1, values, draws.energy().to_vec())
}

/// A few chains in another mode, however many there are: their own spread must not be taken for slowness.
#[test]
fn a_stuck_minority_forbids_at_any_number_of_chains() {
    for n_chains in [8, 64, 256, 1024] {
        for rho in [0.0, 0.7] {
            let draws = slow((n_chains, 200), rho, 5);
            assert!(
                verdict(&Evidence::from(&draws)).grade() == Grade::Good || rho > 0.0 && n_chains == 8,
                "{n_chains} {rho}"
            );
            for n_stuck in [1, 2] {
                let stuck = with_a_minority(&draws, |c| c < n_stuck);
                let verdict = verdict(&Evidence::from(&stuck));
                let kinds: Vec<&str> = verdict.findings.iter().map(|f| f.problem.kind()).collect();
                assert!(
                    kinds.contains(&"disagreement") || kinds.contains(&"chains_apart"),
                    "{n_stuck} of {n_chains}, rho {rho}: {verdict}"
                );
            }
        }
    }
    let draws = with_a_minority(&slow((1024, 100), 0.0, 5), |c| c == 9);
    let finding = only(&Evidence::from(&draws)).unwrap();
    assert_eq!(finding.problem, Problem::ChainsApart { coordinates: vec![0], n_apart: 1, n_chains: 1024 });
    assert!(
        finding.forbids && finding.to_string().starts_with("1 of 1024 chains sits elsewhere than the others in x1")
    );
}

/// Good runs of fast and of slow chains.
#[test]
fn alarms_are_rarely_false() {
    for (n_chains, n_draws, n_seeds) in [(4, 400, 200), (64, 200, 100), (256, 100, 20)] {
        for rho in [0.0, 0.5, 0.8] {
            let alarm = |seed: &u64| {
                let draws = slow((n_chains, n_draws), rho, *seed);
                let verdict = verdict(&Evidence::from(&draws));
                let told = |f: &Finding| {
                    ["disagreement", "energy_disagreement", "chains_apart", "drift"].contains(&f.problem.kind())
                };
                verdict.findings.iter().any(told)
            };
            let n = (0..n_seeds).filter(alarm).count();
            assert!(100 * n <= n_seeds as usize, "{n} of {n_seeds}: {n_chains} chains, rho {rho}");
        }
    }
}

/// A chain that stays far out for a while is one draw of the tail, not many.
#[test]
fn one_excursion_makes_no_heavy_tail() {
    let away = |c: usize, t: usize| c == 3 && (60..160).contains(&t);
    let stays =
        draws(
            (16, 1000, 1),
            |c, t, _, z| if away(c, t) { 5.0 + 40.0 * ((t - 60) as f64 / 100.0).powi(6) + 0.01 * z } else { z },
        );
    let report = Report::new(&Evidence::from(&stays));
    let tail = report.tails[0];
    assert!(tail.k > 0.5 && tail.std_err > 0.12 * (1.0 + tail.k) && tail.has_mean() && tail.has_variance(), "{tail:?}");
    // Independent draws of a Student t with one degree of freedom have none.
    let cauchy = draws((16, 1000, 2), |_, _, _, z| z);
    let ratio: Vec<f64> = cauchy.values().chunks_exact(2).map(|z| z[0] / z[1]).collect();
    let cauchy = Draws::from_parts(16, 1000, 1, ratio, cauchy.energy().to_vec());
    assert!(!Report::new(&Evidence::from(&cauchy)).tails[0].has_mean());
}
