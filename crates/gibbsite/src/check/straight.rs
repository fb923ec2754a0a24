//! Straight rays on which exp(-E) does not decay, for energies whose valleys may be curved.

use super::asymptotic::{Bound, Interval};
use super::evaluate::Evaluator;
use super::growth::{Tail, tail};
use super::prove::Problem;
use super::show::show;
use crate::energy::formula::groups::coordinates;
use crate::points::Support;

/// Longest formula of a curve that is shown.
const MAX_SHOWN: usize = 40;

/// A direction along which the whole energy does not outgrow `d log t` on a ray: the one proposed or an axis, whichever has
/// the lower energy. The ray starts where the coordinates `at` have the values given, the others are 0 (or at the end of their support), and those
/// that were integrated out are in the middle of their distribution.
pub fn direction(problem: &mut Problem, proposed: Option<&[f64]>, at: &[(usize, f64)]) -> Option<Vec<f64>> {
    let n = problem.supports.len();
    let mut candidates: Vec<Vec<f64>> = proposed.map(|v| v.to_vec()).into_iter().collect();
    for j in 0..n.min(64) {
        let s = problem.supports[j];
        for (sign, open) in [(1.0, s.upper().is_infinite()), (-1.0, s.lower().is_infinite())] {
            if open {
                candidates.push(problem.axis(j, sign));
            }
        }
    }
    let mut best: Option<(Vec<f64>, Bound)> = None;
    for v in candidates {
        let e = on_ray(problem, &v, at);
        let low = tail(&e, n as f64) == Tail::Diverges;
        if low && best.as_ref().is_none_or(|(_, hi)| e.hi.compare(hi).is_lt()) {
            best = Some((v, e.hi));
        }
    }
    best.map(|(v, _)| v)
}

/// The whole energy on the ray along `v`.
fn on_ray(problem: &Problem, v: &[f64], at: &[(usize, f64)]) -> Interval {
    let mut start: Vec<Interval> = problem.supports.iter().map(|s| Interval::constant(origin(*s))).collect();
    for &(j, value) in at {
        start[j] = Interval::constant(value);
    }
    // The last to be integrated out depends on none of the others that were.
    for d in problem.dropped.iter().rev() {
        if v[d.coordinate] == 0.0 {
            start[d.coordinate] = Evaluator::new(&problem.graph, d.curve).value(&start);
        }
    }
    let ray: Vec<Interval> = start.iter().zip(v).map(|(x, v)| x.add(&Interval::power(1.0, *v, *v))).collect();
    Evaluator::new(&problem.graph, problem.whole).value(&ray)
}

/// Zero if it is in the support, else the end nearest to it.
fn origin(support: Support) -> f64 {
    0.0f64.max(support.lower()).min(support.upper())
}

/// Where the weight goes, for a refutation without a straight direction.
pub fn curve(problem: &Problem) -> String {
    let curves: Vec<String> = problem
        .dropped
        .iter()
        .filter(|d| !coordinates(&problem.graph, d.curve).is_empty())
        .filter_map(|d| {
            let formula = show(&problem.graph, d.curve, &problem.names).filter(|f| f.len() <= MAX_SHOWN)?;
            Some(format!("{} = {formula}", problem.names[d.coordinate]))
        })
        .take(2)
        .collect();
    let widening = problem.dropped.iter().any(|d| !d.uniform);
    match (curves.is_empty(), widening) {
        (false, false) => format!("it does so along the curve {}, not on a straight ray", curves.join(", ")),
        (false, true) => {
            format!("it does so around {}, in a region that widens, not on a straight ray", curves.join(", "))
        }
        (true, true) => "it does so in a region that widens, not on a straight ray".into(),
        (true, false) => "it does so along a curve, not on a straight ray".into(),
    }
}
