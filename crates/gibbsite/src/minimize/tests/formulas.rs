//! Landscapes that are hard to judge, written as formulas.

use crate::energy::Energy;
use crate::energy::formula::{Formula, FormulaOptions};
use crate::minimize::{Fall, Minima, MinimizeOptions, minimize};

fn energy(source: &str, options: &FormulaOptions) -> Formula {
    Formula::with_options(source, options).unwrap()
}

fn find(source: &str) -> Minima {
    minimize(&energy(source, &FormulaOptions::default()), &MinimizeOptions::default()).unwrap()
}

fn find_between(source: &str, bounds: &[(&str, f64, f64)]) -> Minima {
    let bounds = bounds.iter().map(|(name, a, b)| (name.to_string(), *a, *b)).collect();
    let options = FormulaOptions { bounds, ..FormulaOptions::default() };
    minimize(&energy(source, &options), &MinimizeOptions::default()).unwrap()
}

fn find_in(source: &str, dim: usize, options: &MinimizeOptions) -> Minima {
    minimize(&energy(source, &FormulaOptions { dim: Some(dim), ..FormulaOptions::default() }), options).unwrap()
}

#[test]
fn corners_and_edges_of_a_box_are_told_apart() {
    let square = [("x", -1.0, 1.0), ("y", -1.0, 1.0)];
    for (formula, bounds, n) in
        [("x*y", &square[..], 2), ("-x^2-y^2", &square[..], 4), ("-x^2", &square[..1], 2), ("y^2-x^2", &square[..1], 2)]
    {
        let found = find_between(formula, bounds);
        assert_eq!(found.minima.len(), n, "{formula}: {found:?}");
        assert!(found.minima.iter().all(|m| (m.weight.unwrap() - 1.0 / n as f64).abs() < 1e-12), "{formula}");
    }
}

/// Three minima of unequal width, one of them cut in half by the bound.
#[test]
fn a_minimum_on_the_bound_weighs_half() {
    let found = find_between("sin(pi*x)^2", &[("x", 0.0, 1.5)]);
    let weights: Vec<f64> = found.minima.iter().map(|m| m.weight.unwrap()).collect();
    let x: Vec<f64> = found.minima.iter().map(|m| m.x[0]).collect();
    assert_eq!(x.len(), 2, "{found:?}");
    let (on_bound, inside) = if x[0] < 0.5 { (0, 1) } else { (1, 0) };
    assert!((weights[on_bound] - 1.0 / 3.0).abs() < 1e-6 && (weights[inside] - 2.0 / 3.0).abs() < 1e-6, "{found:?}");
}

#[test]
fn kinks_are_minima_without_curvature() {
    for (formula, bottom) in [
        ("sqrt(x^2+y^2)", &[0.0, 0.0][..]),
        ("abs(x)+abs(y)", &[0.0, 0.0]),
        ("abs(x)+abs(y-1)", &[0.0, 1.0]),
        ("max(x,-2*x)", &[0.0]),
        ("sqrt(abs(x))", &[0.0]),
        ("abs(x)", &[0.0]),
        ("abs(x-0.3)+y^2", &[0.3, 0.0]),
        ("abs(y-x^2)+(1-x)^2", &[1.0, 1.0]),
        ("abs(x-y)+abs(x+y-2)", &[1.0, 1.0]),
        ("max(abs(x1-1),abs(x2-2))+abs(x3-3)", &[1.0, 2.0, 3.0]),
        ("20+e-20*exp(-0.2*abs(x))-exp(cos(2*pi*x))", &[0.0]),
    ] {
        let found = find(formula);
        let m = &found.minima[0];
        assert!(m.kink && !m.degenerate && m.curvatures.is_none() && m.weight.is_none(), "{formula}: {m:?}");
        assert!(m.x.iter().zip(bottom).all(|(a, b)| (a - b).abs() < 1e-9), "{formula}: {m:?}");
        assert_eq!((found.n_escaped, found.n_unconverged), (0, 0), "{formula}: {found:?}");
    }
}

#[test]
fn ackley_has_its_global_minimum_and_its_others() {
    let formula = "20+e-20*exp(-0.2*sqrt(sum(i,1..d,x[i]^2)/d))-exp(sum(i,1..d,cos(2*pi*x[i]))/d)";
    let bounds = ["x1", "x2"].map(|name| (name.to_string(), -2.5, 2.5)).to_vec();
    let options = FormulaOptions { dim: Some(2), bounds, ..FormulaOptions::default() };
    let found = minimize(&energy(formula, &options), &MinimizeOptions::default()).unwrap();
    assert!(found.minima[0].kink && found.minima[0].energy < 1e-12 && found.minima.len() == 25, "{found:?}");
    let total: f64 = found.minima.iter().filter_map(|m| m.weight).sum();
    assert!((total - 1.0).abs() < 1e-12);
}

#[test]
fn inflections_are_left_and_do_not_void_the_weights() {
    for (formula, bottom) in [("(x^2-1)^3", 0.0), ("x^4-x^3", 0.75), ("x^6-3*x^4+3*x^2", 0.0)] {
        let found = find(formula);
        assert_eq!(found.minima.len(), 1, "{formula}: {found:?}");
        let m = &found.minima[0];
        assert!((m.x[0] - bottom).abs() < 1e-9 && m.weight == Some(1.0) && !m.degenerate, "{formula}: {m:?}");
    }
    let found = find("x^3");
    assert!(found.minima.is_empty() && found.escapes[0].0.fall == Fall::WithoutEnd, "{found:?}");
    assert_eq!(found.escapes[0].0.towards, [-1.0]);
}

#[test]
fn a_degenerate_minimum_leaves_the_weights_of_the_others() {
    let found = find("x^2*(x-1)^4*(1+(x-3)^2)");
    let regular: Vec<_> = found.minima.iter().filter(|m| !m.degenerate).collect();
    assert_eq!((found.minima.len(), regular.len()), (2, 1), "{found:?}");
    assert!(regular[0].x[0].abs() < 1e-9 && regular[0].weight == Some(1.0));
}

#[test]
fn tails_are_no_minima() {
    for (formula, direction) in [("exp(-x)", 1.0), ("tanh(x)", -1.0), ("softplus(-x)", 1.0), ("1/(1+x^2)", 0.0)] {
        let found = find(formula);
        assert!(found.minima.is_empty() && found.n_escaped == 256, "{formula}: {found:?}");
        let escape = &found.escapes[0].0;
        assert_eq!(escape.fall, Fall::TowardsInfinity, "{formula}");
        assert!(direction == 0.0 || escape.towards == [direction], "{formula}: {escape:?}");
    }
    let well = find("-exp(-x^2)");
    assert!(well.minima.len() == 1 && well.minima[0].n_found == 256 && !well.minima[0].degenerate, "{well:?}");
    let valley = find("x^2*y^2-x");
    assert!(valley.minima.is_empty() && valley.escapes[0].0.fall == Fall::WithoutEnd, "{valley:?}");
}

#[test]
fn an_integrable_pole_is_a_pole() {
    let found = find_between("0.5*log(x)+x", &[("x", 0.0, f64::INFINITY)]);
    let (escape, n) = &found.escapes[0];
    assert_eq!((escape.fall, escape.towards[0], *n), (Fall::Pole, 0.0, 256));
    let root = find_between("sqrt(x)", &[("x", 0.0, f64::INFINITY)]);
    assert_eq!((root.minima.len(), root.minima[0].x[0], root.minima[0].weight), (1, 0.0, None), "{root:?}");
}

#[test]
fn curvatures_of_any_ratio_are_regular() {
    let found = find("1e8*x^2+1e-8*y^2");
    let m = &found.minima[0];
    assert!(found.minima.len() == 1 && !m.degenerate && m.x.iter().all(|x| x.abs() < 1e-6), "{found:?}");
    let curvatures = m.curvatures.as_ref().unwrap();
    assert!((curvatures[0] / 2e-8 - 1.0).abs() < 1e-6 && (curvatures[1] / 2e8 - 1.0).abs() < 1e-6, "{m:?}");
    let found = find("1e6*(y-x^2)^2+(1-x)^2");
    let m = &found.minima[0];
    assert!(found.minima.len() == 1 && !m.degenerate && (m.x[0] - 1.0).abs() + (m.x[1] - 1.0).abs() < 1e-7, "{m:?}");
}

#[test]
fn coordinates_and_energies_of_any_size() {
    for (formula, bottoms) in [
        ("((x-1e6)/10)^2", &[1e6][..]),
        ("(x*1e6)^2", &[0.0]),
        ("((1e6*x)^2-1)^2", &[-1e-6, 1e-6]),
        ("((x/1e6)^2-1)^2", &[-1e6, 1e6]),
        ("1e-10*(x^2-1)^2", &[-1.0, 1.0]),
        ("1e10*(x^2-1)^2", &[-1.0, 1.0]),
    ] {
        let found = find(formula);
        let mut x: Vec<f64> = found.minima.iter().map(|m| m.x[0]).collect();
        x.sort_by(f64::total_cmp);
        assert_eq!(x.len(), bottoms.len(), "{formula}: {found:?}");
        assert!(x.iter().zip(bottoms).all(|(a, b)| (a - b).abs() <= 1e-9 * b.abs().max(1e-6)), "{formula}: {x:?}");
        assert!(found.minima.iter().all(|m| !m.degenerate && m.weight.is_some()), "{formula}: {found:?}");
    }
    let himmelblau = "((x/1e6)^2+y/1e6-11)^2+(x/1e6+(y/1e6)^2-7)^2";
    assert_eq!(find(himmelblau).minima.len(), 4);
    assert_eq!(find("1e-10*((x^2+y-11)^2+(x+y^2-7)^2)").minima.len(), 4);
}

#[test]
fn starts_are_added_until_every_minimum_was_found_twice() {
    let wells = "sum(i,1..d,(x[i]^2-1)^2)";
    let found = find_in(wells, 6, &MinimizeOptions::default());
    assert_eq!((found.minima.len(), found.n_estimated()), (64, 64.0));
    // Exactly as many as are asked for; then the estimate says what is missing.
    let few = find_in(wells, 6, &MinimizeOptions { n_starts: 60, max_starts: 60, ..MinimizeOptions::default() });
    assert_eq!(few.n_starts, 60);
    assert!(few.minima.len() < 60 && few.n_estimated() > 45.0 && few.n_estimated() < 100.0, "{}", few.n_estimated());
    assert!(few.unseen_share() > 0.1 && few.unseen_share() < 0.7, "{}", few.unseen_share());
}

#[test]
fn a_level_direction_is_a_continuum() {
    let found = find("(x^2+0*y-1)^2");
    assert_eq!(found.minima.len(), 2, "{found:?}");
    assert!(found.minima.iter().all(|m| m.continuum && m.weight.is_none()), "{found:?}");
}

#[test]
fn unconverged_starts_are_kept_with_the_lowest() {
    let options = MinimizeOptions { max_steps: 2, ..MinimizeOptions::default() };
    let formula = energy("1e4*(y-x^2)^2+(1-x)^2", &FormulaOptions::default());
    assert_eq!(formula.space().dim(), 2);
    let found = minimize(&formula, &options).unwrap();
    assert!(found.n_unconverged > 0, "{found:?}");
    let (x, e) = found.lowest_unconverged.unwrap();
    assert!((1e4 * (x[1] - x[0] * x[0]).powi(2) + (1.0 - x[0]).powi(2) - e).abs() < 1e-9 * (1.0 + e));
}
