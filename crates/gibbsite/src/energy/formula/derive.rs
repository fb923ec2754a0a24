//! Derivatives as more graph: reverse mode for gradients, forward mode for directional derivatives.

use std::collections::HashMap;

use super::graph::{Graph, Id, Node};

/// The partial derivatives of a node in each of its arguments.
fn partials(g: &mut Graph, id: Id) -> Vec<(Id, Id)> {
    let one = g.constant(1.0);
    match g.node(id).clone() {
        Node::Const(_) | Node::Theta(_) | Node::X(_) | Node::V(_) => vec![],
        Node::Add(a, b) => vec![(a, one), (b, one)],
        Node::Mul(a, b) => vec![(a, b), (b, a)],
        Node::Div(a, b) => {
            let da = g.div(one, b);
            let ratio = g.div(id, b);
            let db = g.neg(ratio);
            vec![(a, da), (b, db)]
        }
        Node::PowI(a, n) => {
            let power = g.powi(a, n - 1);
            let n = g.constant(n as f64);
            vec![(a, g.mul(n, power))]
        }
        Node::Pow(a, b) => {
            let exponent = g.sub(b, one);
            let power = g.pow(a, exponent);
            let da = g.mul(b, power);
            if g.as_const(b).is_some() {
                return vec![(a, da)];
            }
            let log = g.call(super::function::Function::Log, a);
            let db = g.mul(log, id);
            vec![(a, da), (b, db)]
        }
        Node::Min(a, b) => {
            let db = g.below(b, a);
            let da = g.below(a, b);
            vec![(a, da), (b, db)]
        }
        Node::Max(a, b) => {
            let db = g.below(a, b);
            let da = g.below(b, a);
            vec![(a, da), (b, db)]
        }
        Node::Below(..) => vec![],
        Node::Call(function, a) => {
            let slope = function.derivative(g, a, id);
            vec![(a, slope)]
        }
        Node::Poly(a, coefficients) => {
            let slopes: Vec<Id> = coefficients
                .iter()
                .enumerate()
                .skip(1)
                .map(|(k, &c)| {
                    let k = g.constant(k as f64);
                    g.mul(k, c)
                })
                .collect();
            let mut result = vec![(a, g.poly(a, slopes))];
            for (k, &c) in coefficients.iter().enumerate() {
                if g.as_const(c).is_none() {
                    result.push((c, g.powi(a, k as i32)));
                }
            }
            result
        }
        Node::LogSumExp(args) => args
            .iter()
            .map(|&a| {
                let excess = g.sub(a, id);
                (a, g.call(super::function::Function::Exp, excess))
            })
            .collect(),
    }
}

/// Reverse mode: the derivatives of `root` in each of `wrt`.
pub fn gradient(g: &mut Graph, root: Id, wrt: &[Id]) -> Vec<Id> {
    let order = g.schedule(&[root]);
    // Only nodes that depend on something in `wrt` carry an adjoint.
    let mut relevant: HashMap<Id, bool> = HashMap::new();
    for &id in &order {
        let depends = wrt.contains(&id) || super::graph::arguments(g.node(id)).iter().any(|a| relevant[a]);
        relevant.insert(id, depends);
    }
    let mut contributions: HashMap<Id, Vec<Id>> = HashMap::new();
    contributions.insert(root, vec![g.constant(1.0)]);
    for &id in order.iter().rev() {
        if !relevant[&id] || wrt.contains(&id) {
            continue;
        }
        let Some(parts) = contributions.remove(&id) else { continue };
        let adjoint = g.sum(&parts);
        for (argument, partial) in partials(g, id) {
            if relevant[&argument] {
                let term = g.mul(adjoint, partial);
                contributions.entry(argument).or_default().push(term);
            }
        }
    }
    wrt.iter()
        .map(|id| match contributions.get(id) {
            Some(parts) => g.sum(parts),
            None => g.constant(0.0),
        })
        .collect()
}

/// Forward mode: the derivative of `root` along the direction whose coordinate j is the node `v[j]` for `x[j]`.
pub fn directional(g: &mut Graph, root: Id, x: &[Id], v: &[Id]) -> Id {
    let zero = g.constant(0.0);
    let mut tangent: HashMap<Id, Id> = HashMap::new();
    for id in g.schedule(&[root]) {
        let t = if let Some(j) = x.iter().position(|&xj| xj == id) {
            v[j]
        } else {
            let mut terms = Vec::new();
            for argument in super::graph::arguments(g.node(id)) {
                if tangent[&argument] != zero {
                    terms.push(argument);
                }
            }
            if terms.is_empty() {
                zero
            } else {
                let parts: Vec<Id> = partials(g, id)
                    .into_iter()
                    .filter(|(argument, _)| terms.contains(argument))
                    .map(|(argument, partial)| g.mul(partial, tangent[&argument]))
                    .collect();
                g.sum(&parts)
            }
        };
        tangent.insert(id, t);
    }
    tangent[&root]
}
