//! Coupled coordinates: the growth of an energy over all directions at once.
//!
//! Every point far out is `x_i = t^(w_i) u_i` with u on the surface of the unit cube. The surface is cut into boxes; a box
//! is settled when the bounds of E over it decide whether exp(-E) is integrable there. All boxes settled in favour prove
//! that Z is finite (with E bounded below on bounded sets); one settled against proves that it is not.

use std::collections::HashMap;

use super::asymptotic::{Bound, Interval};
use super::evaluate::Evaluator;
use super::facts::{Facts, facts, facts_of};
use super::growth::{Tail, describe, falling, tail};
use super::prove::{Problem, locally};
use super::sphere::{Cover, Search};
use super::tubes::Falling;
use super::{Verdict, quadratic};
use crate::energy::formula::graph::Id;
use crate::energy::formula::groups::{coordinates, terms};

/// Node evaluations one cover of the sphere may cost.
const BUDGET: usize = 60_000;
/// Node evaluations of the first, quick cover.
const QUICK: usize = 20_000;

/// Decides a group of two or more coupled coordinates, at least one of which (`open`) is unbounded.
pub fn decide(problem: &mut Problem, variables: &[usize], open: &[usize], root: Id, f: Facts) -> Verdict {
    if let Some(verdict) = quadratic::decide(problem, variables, root, f) {
        return verdict;
    }
    let local = locally(f);
    if local.is_none()
        && let Some(verdict) = drop_couplings(problem, open, root)
    {
        return verdict;
    }
    let search = Search::new(&problem.graph, root, &problem.supports, variables, open);
    match look_around(search, f, local) {
        Found::Grows(low, moments) => {
            let rate = describe(&low, "r");
            let reason = format!("the energy grows at least like {rate} in every direction of {}", list(problem, open));
            Verdict { moments, ..Verdict::yes(&reason) }
        }
        Found::Falls(Falling { direction, hi, width }) => {
            let region = match width {
                1.0 => "in a cone around it",
                0.0 => "in a tube around it",
                _ => "in a narrowing neighbourhood of infinite weight",
            };
            let reason = format!("along a direction the energy {}, {region}", falling(&hi, "r"));
            problem.refuse(Some(direction), &[], reason)
        }
        Found::Local(reason) => Verdict::unproven(&reason),
        Found::Nothing => {
            Verdict::unproven(&format!("no proof that the energy grows in every direction of {}", list(problem, open)))
        }
    }
}

enum Found {
    /// In all directions, at least so fast, with the limit on moments.
    Grows(Bound, Option<u32>),
    Falls(Falling),
    /// Something may be wrong at a finite point.
    Local(String),
    Nothing,
}

fn look_around(mut search: Search<'_>, f: Facts, local: Option<String>) -> Found {
    let n = search.open.len();
    let ones = vec![1.0; n];
    let quick = search.cover(&ones, QUICK);
    let grows = |search: &mut Search<'_>, low: Bound| {
        let like_log = matches!(&low, Bound::Fin(a) if a.leading().is_some_and(|l| l.p == 0.0));
        let moments = if like_log { search.moments() } else { None };
        Found::Grows(low, moments)
    };
    let cone = match (quick, &local) {
        (Cover::Proved(low), None) => return grows(&mut search, low),
        (Cover::Refuted(direction, hi), _) => Some(Falling { direction, hi, width: 1.0 }),
        _ => None,
    };
    if !f.defined {
        return Found::Local(local.unwrap_or_default());
    }
    // The sharper of the two; simple directions first.
    let simple = search.refute();
    let sharper = match (simple, cone) {
        (Some(a), Some(b)) => Some(if b.hi.compare(&a.hi).is_lt() { b } else { a }),
        (a, b) => a.or(b),
    };
    if let Some(falling) = sharper {
        return Found::Falls(falling);
    }
    if let Some(reason) = local {
        return Found::Local(reason);
    }
    let mut weights = Vec::new();
    if n <= 3 {
        for k in 0..n {
            for w in [0.5, 2.0] {
                let mut v = ones.clone();
                v[k] = w;
                weights.push((v, QUICK));
            }
        }
    }
    weights.push((ones, BUDGET));
    for (w, budget) in weights {
        match search.cover(&w, budget) {
            Cover::Proved(low) => return grows(&mut search, low),
            Cover::Refuted(direction, hi) => return Found::Falls(Falling { direction, hi, width: 1.0 }),
            Cover::Open => {}
        }
    }
    Found::Nothing
}

fn list(problem: &Problem, variables: &[usize]) -> String {
    let shown: Vec<&str> = variables.iter().take(4).map(|j| problem.names[*j].as_str()).collect();
    format!("({}{})", shown.join(", "), if variables.len() > 4 { ", ..." } else { "" })
}

/// exp(-E) is at most a constant times a product over coordinates if all coupling terms are bounded below.
fn drop_couplings(problem: &mut Problem, open: &[usize], root: Id) -> Option<Verdict> {
    let list_of_terms = terms(&mut problem.graph, root);
    let all = facts(&problem.graph, &list_of_terms, &problem.supports);
    let mut alone: HashMap<usize, Vec<Id>> = HashMap::new();
    for t in list_of_terms {
        match coordinates(&problem.graph, t)[..] {
            [j] => alone.entry(j).or_default().push(t),
            _ => {
                let f = all[t as usize];
                if f.lo.is_nan() || f.lo == f64::NEG_INFINITY || !f.defined {
                    return None;
                }
            }
        }
    }
    let mut x = vec![Interval::constant(0.0); problem.supports.len()];
    let mut slowest: Option<Bound> = None;
    for j in open {
        let own = alone.get(j)?;
        let sum = problem.graph.sum(own);
        if locally(facts_of(&problem.graph, sum, &problem.supports)).is_some() {
            return None;
        }
        let mut evaluator = Evaluator::new(&problem.graph, sum);
        for (sign, end) in [(1.0, problem.supports[*j].upper()), (-1.0, problem.supports[*j].lower())] {
            if end.is_infinite() {
                x[*j] = Interval::power(1.0, sign, sign);
                let e = evaluator.value(&x);
                if tail(&e, 1.0) != Tail::Converges {
                    return None;
                }
                if slowest.as_ref().is_none_or(|s| e.lo.compare(s).is_lt()) {
                    slowest = Some(e.lo);
                }
            }
        }
        x[*j] = Interval::constant(0.0);
    }
    let rate = slowest.map_or(String::new(), |s| describe(&s, "|x_j|"));
    // Coordinates on a bounded interval contribute terms that are bounded below there.
    for (j, own) in &alone {
        if !open.contains(j) {
            let sum = problem.graph.sum(own);
            let f = facts_of(&problem.graph, sum, &problem.supports);
            if locally(f).is_some() {
                return None;
            }
        }
    }
    Some(Verdict::yes(&format!(
        "the terms of single coordinates grow at least like {rate} in {} and those that couple them are bounded below",
        list(problem, open)
    )))
}
