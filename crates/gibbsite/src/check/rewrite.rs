//! Rewriting expressions: parameters become numbers, subexpressions become coordinates.

use std::collections::HashMap;

use crate::energy::formula::graph::{Graph, Id, Node};
use crate::energy::formula::groups::add_chain;

/// Rebuilds `root` in the graph `to`; `replace` may give a node of `to` for a node of `from`, else it is rebuilt from its
/// arguments, which folds constants and collects powers anew.
pub fn rebuild(from: &Graph, root: Id, to: &mut Graph, mut replace: impl FnMut(Id, &mut Graph) -> Option<Id>) -> Id {
    let mut map: HashMap<Id, Id> = HashMap::new();
    let mut stack = vec![(root, false)];
    while let Some((id, ready)) = stack.pop() {
        if map.contains_key(&id) {
            continue;
        }
        if !ready {
            if let Some(new) = replace(id, to) {
                map.insert(id, new);
                continue;
            }
            stack.push((id, true));
            stack.extend(crate::energy::formula::graph::arguments(from.node(id)).into_iter().map(|a| (a, false)));
            continue;
        }
        let new = copy(from.node(id), &map, to);
        map.insert(id, new);
    }
    map[&root]
}

fn copy(node: &Node, map: &HashMap<Id, Id>, to: &mut Graph) -> Id {
    match node {
        Node::Const(bits) => to.constant(f64::from_bits(*bits)),
        Node::Theta(k) => to.theta(*k as usize),
        Node::X(j) => to.x(*j as usize),
        Node::V(j) => to.v(*j as usize),
        Node::Add(a, b) => to.add(map[a], map[b]),
        Node::Mul(a, b) => to.mul(map[a], map[b]),
        Node::Div(a, b) => to.div(map[a], map[b]),
        Node::PowI(a, n) => to.powi(map[a], *n),
        Node::Pow(a, b) => to.pow(map[a], map[b]),
        Node::Min(a, b) => to.min(map[a], map[b]),
        Node::Max(a, b) => to.max(map[a], map[b]),
        Node::Below(a, b) => to.below(map[a], map[b]),
        Node::Call(f, a) => to.call(*f, map[a]),
        Node::Poly(a, c) => {
            let coefficients = c.iter().map(|c| map[c]).collect();
            to.poly(map[a], coefficients)
        }
        Node::LogSumExp(args) => {
            let args: Vec<Id> = args.iter().map(|a| map[a]).collect();
            to.log_sum_exp(&args)
        }
    }
}

/// The expression with the parameters at the values `theta`. Sums of many terms are rebuilt as one sum.
pub fn specialise(graph: &Graph, root: Id, theta: &[f64]) -> (Graph, Id) {
    let mut out = Graph::default();
    let terms = add_chain(graph, root);
    let mut seen: HashMap<Id, Id> = HashMap::new();
    let ids: Vec<Id> = terms
        .into_iter()
        .map(|t| {
            *seen.entry(t).or_insert_with(|| {
                rebuild(graph, t, &mut out, |id, to| match graph.node(id) {
                    Node::Theta(k) => Some(to.constant(theta[*k as usize])),
                    _ => None,
                })
            })
        })
        .collect();
    let root = out.sum(&ids);
    (out, root)
}

/// An affine form: gradient (n,) and constant.
pub type Affine = (Vec<f64>, f64);

/// Every node of `order` that is affine in the n coordinates.
pub fn affine_nodes(graph: &Graph, order: &[Id], n: usize) -> HashMap<Id, Affine> {
    let mut map: HashMap<Id, Affine> = HashMap::new();
    for &id in order {
        let scaled = |(v, c): &Affine, by: f64| (v.iter().map(|a| a * by).collect::<Vec<f64>>(), c * by);
        let form = match graph.node(id) {
            Node::Const(bits) => Some((vec![0.0; n], f64::from_bits(*bits))),
            Node::X(j) => {
                let mut v = vec![0.0; n];
                v[*j as usize] = 1.0;
                Some((v, 0.0))
            }
            Node::Add(a, b) => match (map.get(a), map.get(b)) {
                (Some((u, c)), Some((v, d))) => Some((u.iter().zip(v).map(|(a, b)| cancel(*a, *b)).collect(), c + d)),
                _ => None,
            },
            Node::Mul(u, a) => match (graph.as_const(*u), map.get(a)) {
                (Some(u), Some(form)) => Some(scaled(form, u)),
                _ => None,
            },
            Node::Poly(a, c) if c.len() == 2 => match (map.get(a), graph.as_const(c[0]), graph.as_const(c[1])) {
                (Some(form), Some(c0), Some(c1)) => {
                    let (v, c) = scaled(form, c1);
                    Some((v, c + c0))
                }
                _ => None,
            },
            _ => None,
        };
        if let Some(form) = form {
            map.insert(id, form);
        }
    }
    map
}

/// a + b; not a number where they cancel to rounding but not exactly, because the sign is not known then.
fn cancel(a: f64, b: f64) -> f64 {
    let sum = a + b;
    let unknown = sum != 0.0 && sum.abs() <= 4.0 * f64::EPSILON * a.abs().max(b.abs());
    if unknown { f64::NAN } else { sum }
}
