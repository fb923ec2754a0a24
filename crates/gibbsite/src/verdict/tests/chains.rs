//! Whether chains have found one distribution, and how much they know of it.

use super::*;
use crate::diagnostics::{summary, z_score_between_chains};

/// Half of the chains are moved by a part of a standard deviation.
#[test]
fn chains_apart_forbid_from_the_limit_of_rhat_on() {
    let limit = |ess: f64| (1.0 + 4.0 * 16.0 / ess).sqrt().clamp(1.01, 1.1);
    let (mut n_apart, mut n_together) = (0, 0);
    for shift in (0..20).map(|k| 0.1 * f64::from(k)) {
        let moved = draws((16, 200, 2), |c, _, j, z| if j == 1 && c % 2 == 0 { z + shift } else { z });
        let s = summary(&moved.coordinate(1));
        let found = verdict(&Evidence::from(&moved)).findings.into_iter().next();
        if s.rhat <= limit(s.ess_bulk) {
            n_together += 1;
            assert!(!matches!(found, Some(Finding { problem: Problem::Disagreement { .. }, .. })), "{found:?}");
            continue;
        }
        n_apart += 1;
        let finding = found.unwrap();
        let (rhat, limit) = (s.rhat, limit(s.ess_bulk));
        assert_eq!(finding.problem, Problem::Disagreement { coordinates: vec![1], worst: 1, rhat, limit });
        assert_eq!((finding.forbids, finding.remedy), (true, Remedy::LongerRun { or_temper: true, or_grid: true }));
    }
    assert!(n_apart > 3 && n_together > 3, "{n_apart} {n_together}");
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
    assert_eq!(finding.problem, Problem::EnergyDisagreement { rhat, limit: 1.1 });
    assert!(finding.forbids && rhat > 1.1 && finding.to_string().contains("> 1.100: warm up longer"), "{finding}");
    let (rhat, finding) = of(0.4);
    assert!(rhat > 1.01 && rhat < 1.1 && finding.is_none(), "{rhat} {finding:?}");
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
