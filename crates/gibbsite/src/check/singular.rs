//! Finite points where an energy of one coordinate may fall without bound, and whether exp(-E) is integrable there.
//!
//! With `x = r +- 1/t` the integral near r is `integral exp(-E) t^-2 dt`, which the bounds for large t decide as they decide
//! the infinite ends. Away from the points where a logarithm, a quotient or a power is singular, E is bounded on bounded
//! sets; so if all of them can be found and settled, nothing else can go wrong at a finite point.

use super::asymptotic::{Bound, Interval};
use super::evaluate::Evaluator;
use super::exact::same_product;
use super::facts::{Facts, facts};
use super::growth::{Tail, tail};
use super::rewrite::affine_nodes;
use super::solve::solve;
use crate::energy::formula::function::Function;
use crate::energy::formula::graph::{Graph, Id, Node, arguments};
use crate::points::Support;

/// Most points that are looked at.
const MAX_POINTS: usize = 32;
/// Relative distance from an end of the support within which rounding decides on which side a point is.
const NEAR_END: f64 = 1e-13;

/// What is known about the singular points.
pub enum Near {
    /// exp(-E) is integrable at all of them.
    Integrable(Vec<f64>),
    /// It is not at this one, beside which the energy is at most that, in t = 1/|x - r|.
    NotIntegrable(f64, Bound),
    /// The bounds do not decide it at this one.
    Undecided(f64),
    /// The points could not be found.
    Unknown,
}

/// Looks at all finite points of the support where the part `root` of an energy, in coordinate j, is singular.
pub fn near_points(graph: &Graph, j: usize, root: Id, supports: &[Support]) -> Near {
    let order = graph.schedule(&[root]);
    let all = facts(graph, &[root], supports);
    let Some(points) = singular_points(graph, &order, &all, supports[j]) else { return Near::Unknown };
    let affine = affine_nodes(graph, &order, supports.len());
    let mut evaluator = Evaluator::new(graph, root);
    let mut undecided = None;
    for &point in &points {
        let vanishing = vanishing(&affine.iter().map(|(id, (v, c))| (*id, v[j], *c)).collect::<Vec<_>>(), point);
        for (sign, inside) in [(1.0, point < supports[j].upper()), (-1.0, point > supports[j].lower())] {
            if !inside {
                continue;
            }
            let beside = Interval::power(-1.0, sign, sign);
            let mut x = vec![Interval::constant(0.0); supports.len()];
            x[j] = Interval::constant(point).add(&beside);
            let given: Vec<(Id, Interval)> =
                vanishing.iter().map(|(id, slope)| (*id, beside.mul(&Interval::constant(*slope)))).collect();
            let e = evaluator.value_where(&x, &given);
            match tail(&e, -1.0) {
                Tail::Converges => {}
                Tail::Diverges => return Near::NotIntegrable(point, e.hi),
                Tail::Open => undecided = Some(point),
            }
        }
    }
    match undecided {
        Some(point) => Near::Undecided(point),
        None => Near::Integrable(points),
    }
}

/// Affine nodes `slope x + c` that are zero at the point, with their slopes; none where rounding hides which are.
fn vanishing(affine: &[(Id, f64, f64)], point: f64) -> Vec<(Id, f64)> {
    let found: Vec<_> = affine.iter().filter(|(_, slope, c)| *slope != 0.0 && -c / slope == point).collect();
    let one_root = found.windows(2).all(|w| same_product(w[0].1, w[1].2, w[1].1, w[0].2));
    if one_root { found.into_iter().map(|(id, slope, _)| (*id, *slope)).collect() } else { Vec::new() }
}

/// All points of the support, with its ends, where a node may be infinite; `None` if they cannot all be found.
fn singular_points(graph: &Graph, order: &[Id], all: &[Facts], support: Support) -> Option<Vec<f64>> {
    let mut points: Vec<f64> = Vec::new();
    for &id in order {
        if all[id as usize].bounded() {
            continue;
        }
        let node = graph.node(id);
        let (argument, value) = match node {
            Node::Call(Function::Log, a) => (*a, 0.0),
            Node::Call(Function::Log1p, a) => (*a, -1.0),
            Node::Div(_, b) => (*b, 0.0),
            Node::PowI(a, n) if *n < 0 => (*a, 0.0),
            Node::Pow(a, _) => (*a, 0.0),
            Node::Call(Function::Tan, _) => return None,
            // Infinite only where an argument is.
            _ if arguments(node).iter().any(|a| !all[*a as usize].bounded()) => continue,
            _ => return None,
        };
        points.extend(solve(graph, argument, value, all)?);
    }
    let (lower, upper) = (support.lower(), support.upper());
    for end in [lower, upper].into_iter().filter(|e| e.is_finite()) {
        if points.iter().any(|p| *p != end && (p - end).abs() <= NEAR_END * end.abs().max(p.abs())) {
            return None;
        }
    }
    points.retain(|p| *p >= lower && *p <= upper);
    points.sort_by(f64::total_cmp);
    points.dedup();
    // One zero.
    points.iter_mut().for_each(|p| *p += 0.0);
    points.dedup();
    (points.len() <= MAX_POINTS && points.iter().all(|p| p.is_finite())).then_some(points)
}
