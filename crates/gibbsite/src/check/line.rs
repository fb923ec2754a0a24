//! One coordinate: the bounds at the ends are exact in the leading term, and so are those at singular points.

use super::Verdict;
use super::asymptotic::{Bound, Interval};
use super::evaluate::Evaluator;
use super::facts::facts_of;
use super::growth::{Tail, describe, falling, moments, tail};
use super::integrate::names;
use super::prove::{Problem, locally, lower_limit};
use super::singular::{Near, near_points};

/// Decides the part `root` of an energy, in which only coordinate j occurs.
pub fn decide(problem: &mut Problem, j: usize, root: u32) -> Verdict {
    let far = far_out(problem, j, root);
    let f = facts_of(&problem.graph, root, &problem.supports);
    let name = problem.names[j].clone();
    let after =
        if problem.dropped.is_empty() { String::new() } else { format!("after integrating over {}, ", names(problem)) };
    if let (Some((sign, hi)), true) = (&far.falls, f.defined) {
        let end = if *sign > 0.0 { "inf" } else { "-inf" };
        let rate = falling(hi, &format!("|{name}|"));
        let reason = format!("{after}as {name} -> {end} the energy {rate}, and not faster than log |{name}|");
        let axis = problem.axis(j, *sign);
        return problem.refuse(Some(axis), &[], reason);
    }
    let mut notes = Vec::new();
    if let Some(reason) = locally(f) {
        if !f.defined {
            return Verdict::unproven(&reason);
        }
        match near_points(&problem.graph, j, root, &problem.supports) {
            Near::Integrable(points) => {
                let shown: Vec<String> = points.iter().take(3).map(f64::to_string).collect();
                let more = if points.len() > 3 { ", ..." } else { "" };
                notes.push(format!("exp(-E) is integrable at {name} = {}{more}", shown.join(", ")));
            }
            Near::NotIntegrable(point, hi) => {
                let distance = match point {
                    0.0 => format!("(1/|{name}|)"),
                    p if p < 0.0 => format!("(1/|{name} + {}|)", -p),
                    p => format!("(1/|{name} - {p}|)"),
                };
                let rate = falling(&hi, &distance);
                let reason = format!("{after}exp(-E) is not integrable at {name} = {point}: near it the energy {rate}");
                return problem.refuse(None, &[(j, point)], reason);
            }
            Near::Undecided(point) => return Verdict::unproven(&format!("{reason} ({name} = {point})")),
            Near::Unknown => return Verdict::unproven(&reason),
        }
    }
    if far.open {
        return Verdict::unproven(&format!("the growth of the energy in {name} could not be bounded"));
    }
    let growth = match far.lows.iter().min_by(|a, b| a.compare(b)) {
        None if notes.is_empty() => format!("{name} is bounded and so is the energy from below"),
        None => format!("{name} is bounded"),
        Some(low) => {
            let far = format!("|{name}|");
            format!("the energy grows like {} for large {far}", describe(low, &far))
        }
    };
    notes.insert(0, growth);
    Verdict { moments: far.moments, ..Verdict::yes(&notes.join("; ")) }
}

/// What happens at the infinite ends.
struct Far {
    /// Lower bounds where exp(-E) is integrable.
    lows: Vec<Bound>,
    /// The end, as a sign, where E is lowest of those where exp(-E) is not integrable.
    falls: Option<(f64, Bound)>,
    /// An end is undecided.
    open: bool,
    moments: Option<u32>,
}

fn far_out(problem: &Problem, j: usize, root: u32) -> Far {
    let mut x = vec![Interval::constant(0.0); problem.supports.len()];
    let support = problem.supports[j];
    let mut evaluator = Evaluator::new(&problem.graph, root);
    let mut far = Far { lows: Vec::new(), falls: None, open: false, moments: None };
    for (sign, end) in [(1.0, support.upper()), (-1.0, support.lower())] {
        if end.is_finite() {
            continue;
        }
        x[j] = Interval::power(1.0, sign, sign);
        let e = evaluator.value(&x);
        match tail(&e, 1.0) {
            Tail::Converges => {
                far.moments = lower_limit(far.moments, moments(&e, 1.0));
                far.lows.push(e.lo);
            }
            Tail::Diverges => {
                if far.falls.as_ref().is_none_or(|(_, hi)| e.hi.compare(hi).is_lt()) {
                    far.falls = Some((sign, e.hi));
                }
            }
            Tail::Open => far.open = true,
        }
    }
    far
}
