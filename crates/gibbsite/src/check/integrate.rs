//! Integrates coordinates out that occur in one term only.
//!
//! With `b = a x_v + h(rest)` and a constant, shifting and scaling x_v removes h: `integral exp(-phi(b)) dx_v` is the
//! constant `integral exp(-phi(a s)) ds`, so the term can be dropped. With a factor, `integral exp(-g(rest) |b|^m) dx_v` is
//! a constant times `g^(-1/m)`, so that the term becomes `log(g)/m`. Both need h to be a number almost everywhere.

use super::facts::{Facts, facts};
use super::prove::{Problem, lower_limit};
use super::rewrite::rebuild;
use super::{Normalizable, Verdict, line};
use crate::energy::formula::function::Function;
use crate::energy::formula::graph::{Graph, Id, Node};
use crate::energy::formula::groups::{add_chain, coordinates, terms};
use crate::points::Support;

/// A coordinate that was integrated out: at every value of the others, p is centred on `curve`.
#[derive(Clone, Debug)]
pub struct Dropped {
    pub coordinate: usize,
    /// `x_v` where b is zero, as an expression of the other coordinates.
    pub curve: Id,
    /// Whether the width around the curve is the same everywhere.
    pub uniform: bool,
}

enum Integral {
    /// Finite and independent of the other coordinates.
    Constant {
        curve: Id,
        moments: Option<u32>,
    },
    /// Finite; minus its logarithm is this, up to a constant.
    Term {
        curve: Id,
        term: Id,
    },
    Infinite,
    Unknown,
}

/// Integrates out what it can, one coordinate of a term at a time. Returns a refutation if an integral is infinite.
pub fn integrate_out(problem: &mut Problem) -> Option<Verdict> {
    let n = problem.supports.len();
    let mut alive = vec![true; n];
    loop {
        let list = terms(&mut problem.graph, problem.root);
        let mut occurrences = vec![Vec::new(); n];
        let variables: Vec<Vec<usize>> = list.iter().map(|t| coordinates(&problem.graph, *t)).collect();
        for (i, v) in variables.iter().enumerate() {
            v.iter().for_each(|&j| occurrences[j].push(i));
        }
        let all = facts(&problem.graph, &list, &problem.supports);
        let mut gone = vec![false; list.len()];
        let mut new_terms: Vec<Id> = Vec::new();
        for v in 0..n {
            let [i] = occurrences[v][..] else { continue };
            let fits = alive[v] && !gone[i] && problem.supports[v] == Support::Real && variables[i].len() > 1;
            if !fits || !all[list[i] as usize].defined {
                continue;
            }
            let (curve, uniform) = match integral(problem, list[i], v, &all) {
                Integral::Unknown => continue,
                Integral::Infinite => {
                    let name = &problem.names[v];
                    let reason = format!("exp(-E) does not decay in {name}: its integral over {name} is infinite");
                    let axis = problem.axis(v, 1.0);
                    return Some(problem.refuse_straight(axis, reason));
                }
                Integral::Constant { curve, moments } => {
                    problem.moments = lower_limit(problem.moments, moments);
                    (curve, true)
                }
                Integral::Term { curve, term } => {
                    new_terms.push(term);
                    (curve, false)
                }
            };
            gone[i] = true;
            alive[v] = false;
            problem.dropped.push(Dropped { coordinate: v, curve, uniform });
        }
        if !gone.contains(&true) {
            break;
        }
        let kept: Vec<Id> = list.iter().zip(&gone).filter(|(_, g)| !**g).map(|(t, _)| *t).chain(new_terms).collect();
        problem.root = problem.graph.sum(&kept);
        let used = coordinates(&problem.graph, problem.root);
        let free = (0..n).filter(|&j| alive[j] && !used.contains(&j)).find_map(|j| Some((j, problem.open_end(j)?)));
        if let Some((j, sign)) = free {
            let reason = format!(
                "after integrating over {} nothing depends on {}: a valley of constant weight goes on for ever",
                names(problem),
                problem.names[j]
            );
            let axis = problem.axis(j, sign);
            return Some(problem.refuse(Some(axis), &[], reason));
        }
    }
    if !problem.dropped.is_empty() {
        problem.notes.push(format!("{} can be integrated out in closed form", names(problem)));
    }
    None
}

/// The coordinates that were integrated out, as text.
pub fn names(problem: &Problem) -> String {
    let all: Vec<&str> = problem.dropped.iter().take(4).map(|d| problem.names[d.coordinate].as_str()).collect();
    format!("{}{}", all.join(", "), if problem.dropped.len() > 4 { ", ..." } else { "" })
}

fn integral(problem: &mut Problem, term: Id, v: usize, all: &[Facts]) -> Integral {
    if let Some(found) = scaled_power(&mut problem.graph, term, v, all) {
        return found;
    }
    // phi(b) through functions of one argument only.
    let graph = &mut problem.graph;
    let mut at = term;
    let curve = loop {
        if let Some(curve) = centre(graph, at, v, all) {
            break curve;
        }
        at = match *graph.node(at) {
            Node::Mul(u, a) if graph.is_uniform(u) => a,
            Node::Add(a, u) if graph.is_uniform(u) => a,
            Node::PowI(a, _) | Node::Call(_, a) | Node::Poly(a, _) => a,
            _ => return Integral::Unknown,
        };
    };
    let mut line = Graph::default();
    let root = rebuild(graph, term, &mut line, |id, to| (id == at).then(|| to.x(0)));
    let mut phi = Problem::new(line, root, vec![Support::Real], vec!["x".into()]);
    let verdict = line::decide(&mut phi, 0, root);
    match verdict.normalizable {
        Normalizable::Yes => Integral::Constant { curve, moments: verdict.moments },
        Normalizable::No => Integral::Infinite,
        Normalizable::Unproven => Integral::Unknown,
    }
}

/// The integral of exp(-g |b|^m) over x_v, if the term is of that form, with g positive almost everywhere.
fn scaled_power(graph: &mut Graph, term: Id, v: usize, all: &[Facts]) -> Option<Integral> {
    let (c, factors) = factors(graph, term);
    let with_v: Vec<usize> = (0..factors.len()).filter(|&k| coordinates(graph, factors[k].0).contains(&v)).collect();
    let [k] = with_v[..] else { return None };
    let (base, power) = factors[k];
    let (base, even) = match *graph.node(base) {
        Node::Call(Function::Abs, inner) => (inner, true),
        _ => (base, power % 2 == 0),
    };
    if !(c > 0.0 && power > 0 && even) {
        return None;
    }
    let rest: Vec<(Id, i32)> = (0..factors.len()).filter(|i| *i != k).map(|i| factors[i]).collect();
    let positive = rest.iter().all(|(g, p)| {
        let f = all[*g as usize];
        f.finite && f.null_zeros && (f.lo >= 0.0 || p % 2 == 0)
    });
    if !positive {
        return None;
    }
    let curve = centre(graph, base, v, all)?;
    if rest.is_empty() {
        return Some(Integral::Constant { curve, moments: None });
    }
    let mut logs = Vec::new();
    for (g, p) in rest {
        let size = if all[g as usize].lo >= 0.0 { g } else { graph.call(Function::Abs, g) };
        let log = graph.call(Function::Log, size);
        let weight = graph.constant(p as f64 / power as f64);
        logs.push(graph.mul(weight, log));
    }
    Some(Integral::Term { curve, term: graph.sum(&logs) })
}

/// A term as constant times powers.
fn factors(graph: &Graph, term: Id) -> (f64, Vec<(Id, i32)>) {
    let mut c = 1.0;
    let mut out = Vec::new();
    let mut stack = vec![(term, 1)];
    while let Some((id, power)) = stack.pop() {
        match *graph.node(id) {
            Node::Mul(a, b) => stack.extend([(a, power), (b, power)]),
            Node::Div(a, b) => stack.extend([(a, power), (b, -power)]),
            Node::PowI(a, n) if i32::checked_mul(power, n).is_some() => stack.push((a, power * n)),
            _ => match graph.as_const(id) {
                Some(value) => c *= value.powi(power),
                None => out.push((id, power)),
            },
        }
    }
    (c, out)
}

/// Where `b = 0`, for x_v, if `b` is a constant non-zero multiple of x_v plus something finite without x_v.
fn centre(graph: &mut Graph, b: Id, v: usize, all: &[Facts]) -> Option<Id> {
    let is_v = |graph: &Graph, id: Id| matches!(graph.node(id), Node::X(j) if *j as usize == v);
    let number = |graph: &Graph, id: Id| graph.as_const(id).filter(|u| u.is_finite());
    let mut slope = None;
    let mut rest = Vec::new();
    for part in add_chain(graph, b) {
        let linear = match graph.node(part) {
            Node::X(_) if is_v(graph, part) => Some((1.0, 0.0)),
            Node::Mul(u, a) if is_v(graph, *a) => number(graph, *u).map(|u| (u, 0.0)),
            Node::Poly(a, c) if c.len() == 2 && is_v(graph, *a) => {
                number(graph, c[1]).and_then(|u| Some((u, number(graph, c[0])?)))
            }
            _ => None,
        };
        match linear {
            Some((u, c)) if slope.is_none() && u != 0.0 => {
                slope = Some(u);
                rest.push(graph.constant(c));
            }
            _ if coordinates(graph, part).contains(&v) || !all[part as usize].finite => return None,
            _ => rest.push(part),
        }
    }
    let sum = graph.sum(&rest);
    let factor = graph.constant(-1.0 / slope?);
    Some(graph.mul(factor, sum))
}
