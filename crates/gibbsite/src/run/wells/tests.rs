use super::*;
use crate::energy::formula::{Formula, FormulaOptions};
use crate::run::initial_points_with_gradient;

fn formula(text: &str, dim: usize) -> Formula {
    Formula::with_options(text, &FormulaOptions { dim: Some(dim), ..FormulaOptions::default() }).unwrap()
}

#[test]
fn far_wells_are_populated() {
    let text = "-log(0.5*exp(-((x1+1)^2+x2^2+x3^2)/2)+0.5*exp(-((x1-12)^2+x2^2+x3^2)/2))";
    let energy = Formula::parse(text).unwrap();
    for seed in 0..20 {
        let starts = dispersed_points(&energy, 64, seed).unwrap();
        assert_eq!(starts.wells.len(), 2, "seed {seed}");
        let x = starts.points.real.col(0);
        let far = x.iter().filter(|x| (8.0..16.0).contains(*x)).count();
        assert!((12..=32).contains(&far), "seed {seed}: {far} of 64 in the far well");
        assert_eq!(starts, dispersed_points(&energy, 64, seed).unwrap());
    }
}

#[test]
fn one_well_changes_nothing() {
    for text in ["0.5*x^2+0.1*x^4", "(sqrt(x^2+y^2)-2)^2/0.08", "log(1+x^2)"] {
        let energy = Formula::parse(text).unwrap();
        let starts = dispersed_points(&energy, 32, 3).unwrap();
        assert!(starts.wells.len() < 2, "{text}: {}", starts.wells.len());
        assert_eq!(starts.points, initial_points_with_gradient(&energy, 32, 3).unwrap(), "{text}");
    }
}

/// A dent 30 nats above the floor holds nothing; chains started there would never leave.
#[test]
fn shallow_dents_are_left_out() {
    let energy = Formula::parse("x^2/2 - 40*exp(-50*(x-12)^2)").unwrap();
    let starts = dispersed_points(&energy, 64, 0).unwrap();
    assert_eq!(starts.wells.len(), 1);
}

/// Years, kelvins, metres, microns: wells a few widths apart, anywhere and in any unit.
#[test]
fn wells_are_found_in_any_units() {
    let rest = "+x2^2/2+x3^2/2+x4^2/2";
    for (a, b, s) in [
        (0.0f64, 12.0f64, 1.0),
        (1000.0, 1020.0, 1.0),
        (300.0, 320.0, 1.0),
        (-2015.0, -1995.0, 1.0),
        (1e6, 1.002e6, 100.0),
        (1000.0, 1000.02, 1e-3),
        (0.0, 2e-5, 1e-6),
        (0.0, 2000.0, 100.0),
    ] {
        let text = format!("-logsumexp(-((x1-({a}))/{s})^2/2, 1-((x1-({b}))/{s})^2/2){rest}");
        let energy = Formula::parse(&text).unwrap();
        for seed in 0..5 {
            let wells = dispersed_points(&energy, 64, seed).unwrap().wells;
            let mut x: Vec<f64> = wells.iter().map(|w| w[0]).collect();
            x.sort_by(f64::total_cmp);
            assert_eq!(x.len(), 2, "{a} and {b}, seed {seed}: {x:?}");
            assert!((x[0] - a.min(b)).abs() < s && (x[1] - a.max(b)).abs() < s, "{x:?}");
        }
    }
}

#[test]
fn wells_are_found_in_many_coordinates() {
    for (dim, at, s) in [(65, 0.0, 1.0), (300, 0.0, 1.0), (100, 1000.0, 1.0), (100, 50.0, 1e-3)] {
        let text = format!(
            "-logsumexp(-((x[1]-{at})/{s})^2/2, 1-((x[1]-{at})/{s}-12)^2/2) + x[2]^2/2 + sum(i,3..{dim},x[i]^2/2+0.1*x[i]*x[i-1])"
        );
        let starts = dispersed_points(&formula(&text, dim), 64, 2).unwrap();
        let x: Vec<f64> = starts.wells.iter().map(|w| w[0]).collect();
        assert_eq!(x.len(), 2, "{dim} coordinates about {at}: {x:?}");
        assert!((x[0] - at - 12.0 * s).abs() < 3.0 * s && (x[1] - at).abs() < 3.0 * s, "{x:?}");
    }
}

/// A narrow well may be deeper and hold nothing; one, a sphere of minima, and no end of wells are no wells to start in.
#[test]
fn wells_of_many_coordinates_are_weighed() {
    let narrow = "sum(i,1..80,(x[i]-9)^2)";
    let text = format!("-logsumexp(-sum(i,1..80,x[i]^2)/2, 20-8*{narrow})");
    assert_eq!(dispersed_points(&formula(&text, 80), 16, 0).unwrap().wells.len(), 1);
    let text = "(sqrt(sum(i,1..80,x[i]^2))-9)^2*20";
    assert!(dispersed_points(&formula(text, 80), 16, 0).unwrap().wells.len() < 2);
    let text = "sum(i,1..80,(x[i]^2-4)^2)";
    let energy = formula(text, 80);
    let starts = dispersed_points(&energy, 16, 0).unwrap();
    assert_eq!(starts.wells.len(), 0);
    assert_eq!(starts.points, initial_points_with_gradient(&energy, 16, 0).unwrap());
    let text = "sum(i,1..300,x[i]^2/2)+sum(i,2..300,(x[i]-x[i-1])^2)";
    assert_eq!(dispersed_points(&formula(text, 300), 16, 0).unwrap().wells.len(), 1);
}
