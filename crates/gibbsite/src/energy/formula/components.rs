//! The formulas of which a formula is the lowest, softly: one for each argument of its `-logsumexp`, `min` and `-log(exp + exp)`.

use std::collections::HashMap;

use super::Formula;
use super::function::Function;
use super::graph::{Graph, Id, Node, arguments};
use super::groups::add_chain;

/// Components at the most.
const MAX_COMPONENTS: usize = 64;

/// The components of `formula`: first with all of its choices made alike (the first argument everywhere, the second everywhere,
/// ...), then with one of them made and the others left; none where it has no choices.
pub fn components(formula: &Formula) -> Vec<Formula> {
    let mut graph = formula.graph.clone();
    let roots = roots(&mut graph, formula.root);
    roots.into_iter().map(|root| formula.with_root(graph.clone(), root)).collect()
}

/// As [`components`], those of the energy `root`.
pub fn roots(graph: &mut Graph, root: Id) -> Vec<Id> {
    let order = graph.schedule(&[root]);
    let rises = rises(graph, &order);
    // Inner ones before those that they are in.
    let choices: Vec<(Id, Vec<Id>)> =
        order.into_iter().filter_map(|id| Some((id, alternatives(graph, id, *rises.get(&id)?)?))).collect();
    let most = choices.iter().map(|(_, of)| of.len()).max().unwrap_or(0);
    let alike = (0..most).map(|k| choices.iter().filter_map(|(id, of)| Some((*id, *of.get(k)?))).collect());
    let single = choices.iter().flat_map(|(id, of)| of.iter().map(|a| vec![(*id, *a)]));
    let mut roots: Vec<Id> = Vec::new();
    for choice in alike.chain(single) {
        if roots.len() == MAX_COMPONENTS {
            break;
        }
        let root = substitute(graph, root, &choice);
        if !roots.contains(&root) {
            roots.push(root);
        }
    }
    roots
}

/// Whether the last node of `order` (arguments before their users) rises with each of the others, or falls with it; none where it
/// does neither, or that cannot be told from signs.
fn rises(graph: &Graph, order: &[Id]) -> HashMap<Id, bool> {
    let mut known: HashMap<Id, Option<bool>> = order.last().map(|root| (*root, Some(true))).into_iter().collect();
    for id in order.iter().rev() {
        let own = known[id];
        let positive = |c: Id| graph.as_const(c).filter(|c| *c != 0.0).map(|c| c > 0.0);
        let with = |positive: Option<bool>| own.zip(positive).map(|(own, positive)| own == positive);
        let to: Vec<(Id, Option<bool>)> = match graph.node(*id) {
            Node::Add(a, b) | Node::Min(a, b) | Node::Max(a, b) => vec![(*a, own), (*b, own)],
            Node::LogSumExp(args) => args.iter().map(|a| (*a, own)).collect(),
            Node::Mul(u, a) if graph.is_uniform(*u) => vec![(*u, None), (*a, with(positive(*u)))],
            Node::Div(a, u) if graph.is_uniform(*u) => vec![(*u, None), (*a, with(positive(*u)))],
            Node::Poly(a, c) if c.len() == 2 => vec![(*a, with(positive(c[1]))), (c[0], None), (c[1], None)],
            node => arguments(node).into_iter().map(|a| (a, None)).collect(),
        };
        for (a, rises) in to {
            known.entry(a).and_modify(|old| *old = old.filter(|old| Some(*old) == rises)).or_insert(rises);
        }
    }
    known.into_iter().filter_map(|(id, rises)| Some((id, rises?))).collect()
}

/// What the node is about equal to where that makes the energy, which `rises` with it or falls, the lowest; `None` where it is no
/// such choice.
fn alternatives(graph: &mut Graph, id: Id, rises: bool) -> Option<Vec<Id>> {
    if graph.is_uniform(id) {
        return None;
    }
    match graph.node(id).clone() {
        Node::Min(a, b) if rises => Some(vec![a, b]),
        _ if rises => None,
        Node::LogSumExp(args) => Some(args.to_vec()),
        Node::Max(a, b) => Some(vec![a, b]),
        Node::Call(Function::Log, sum) => {
            let terms = add_chain(graph, sum);
            let all = terms.len() > 1 && terms.iter().all(|t| graph.is_uniform(*t) || has_exponential(graph, *t));
            all.then(|| terms.into_iter().map(|t| log(graph, t)).collect())
        }
        Node::Call(Function::Log1p, a) if has_exponential(graph, a) => {
            let zero = graph.constant(0.0);
            Some(vec![zero, log(graph, a)])
        }
        _ => None,
    }
}

/// Whether the node is an exponential times factors without coordinates.
fn has_exponential(graph: &Graph, id: Id) -> bool {
    match *graph.node(id) {
        Node::Call(Function::Exp, _) => true,
        Node::Mul(u, a) | Node::Div(a, u) if graph.is_uniform(u) => has_exponential(graph, a),
        _ => false,
    }
}

/// The logarithm of the node, that of an exponential taken apart so that it does not underflow.
fn log(graph: &mut Graph, id: Id) -> Id {
    match *graph.node(id) {
        Node::Mul(u, a) if graph.is_uniform(u) => {
            let (u, a) = (graph.call(Function::Log, u), log(graph, a));
            graph.add(a, u)
        }
        Node::Div(a, u) if graph.is_uniform(u) => {
            let (u, a) = (graph.call(Function::Log, u), log(graph, a));
            graph.sub(a, u)
        }
        _ => graph.call(Function::Log, id),
    }
}

/// `root` with some of its nodes replaced, within each other too: inner ones come first in `choice`.
fn substitute(graph: &mut Graph, root: Id, choice: &[(Id, Id)]) -> Id {
    let by: HashMap<Id, Id> = choice.iter().copied().collect();
    let roots: Vec<Id> = choice.iter().map(|(_, to)| *to).chain([root]).collect();
    let mut new: HashMap<Id, Id> = HashMap::new();
    for id in graph.schedule(&roots) {
        let at = |old: Id| new[&old];
        let node = graph.node(id).clone();
        let unchanged = arguments(&node).iter().all(|a| at(*a) == *a);
        let made = match node {
            _ if by.contains_key(&id) => new[&by[&id]],
            _ if unchanged => id,
            Node::Const(_) | Node::Theta(_) | Node::X(_) | Node::V(_) => id,
            Node::Add(a, b) => graph.add(at(a), at(b)),
            Node::Mul(a, b) => graph.mul(at(a), at(b)),
            Node::Div(a, b) => graph.div(at(a), at(b)),
            Node::PowI(a, n) => graph.powi(at(a), n),
            Node::Pow(a, b) => graph.pow(at(a), at(b)),
            Node::Min(a, b) => graph.min(at(a), at(b)),
            Node::Max(a, b) => graph.max(at(a), at(b)),
            Node::Below(a, b) => graph.below(at(a), at(b)),
            Node::Call(function, a) => graph.call(function, at(a)),
            Node::Poly(a, coefficients) => graph.poly(at(a), coefficients.to_vec()),
            Node::LogSumExp(args) => graph.log_sum_exp(&args.iter().map(|a| at(*a)).collect::<Vec<_>>()),
        };
        new.insert(id, made);
    }
    new[&root]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::{Differentiable, Energy};
    use crate::points::{Matrix, Points};

    /// Energies of all components at one point.
    fn at(text: &str, x: &[f64]) -> Vec<f64> {
        let x = Points::from_rows(&[x]);
        components(&Formula::parse(text).unwrap())
            .iter()
            .map(|c| {
                let (mut e, mut same, mut grad) = ([0.0], [0.0], Matrix::new(1, x.dim()));
                c.energy(&x, &mut e);
                c.energy_grad(&x, &mut same, &mut grad);
                assert_eq!(e, same);
                e[0]
            })
            .collect()
    }

    #[test]
    fn every_argument_is_a_component() {
        let mixture = "-logsumexp(1-(x-3)^2/2, -x^2/2) + x/4";
        assert_eq!(at(mixture, &[5.0]), [-1.0 + 2.0 + 1.25, 12.5 + 1.25]);
        let written_out = at("-log(0.5*exp(-(x-3)^2/2) + exp(-x^2/2)/4)", &[5.0]);
        for (found, truth) in written_out.iter().zip([2.0 - 0.5f64.ln(), 12.5 - 0.25f64.ln()]) {
            assert!((found - truth).abs() < 1e-14, "{written_out:?}");
        }
        // Far out, where the sum of exponentials is 0.
        assert!(at("-log(0.5*exp(-(x-3)^2/2) + exp(-x^2/2)/4)", &[1e3]).iter().all(|e| e.is_finite()));
        assert_eq!(at("min((x-3)^2, (x+3)^2)", &[1.0]), [4.0, 16.0]);
        assert_eq!(at("-log(1 + exp(-x^2))", &[2.0]), [0.0, 4.0]);
        // No choices.
        for text in
            ["x^2", "log(1+x^2)", "log(x^2+y^2)", "logsumexp(x, -x) + x^2", "log(1+exp(x)) - x", "sin(logsumexp(x, y))"]
        {
            assert_eq!(at(text, &[1.0, 1.0][..if text.contains('y') { 2 } else { 1 }]), [0.0; 0], "{text}");
        }
    }

    #[test]
    fn choices_are_made_alike_and_one_by_one() {
        // Two choices of two: both first, both second, and each alone with the other left.
        let text = "-logsumexp(-x^2, -(x-9)^2) - logsumexp(-y^2, -(y-9)^2)";
        let found = at(text, &[9.0, 9.0]);
        let soft = -(1.0 + (-81.0f64).exp()).ln();
        assert_eq!(found, [162.0, 0.0, 81.0 + soft, soft, soft + 81.0, soft]);
        // Nested: the inner choice inside of the outer one.
        let nested = at("-logsumexp(-x^2, -min((x-5)^2, (x-9)^2))", &[9.0]);
        assert!(nested.contains(&81.0) && nested.contains(&0.0) && nested.contains(&16.0), "{nested:?}");
    }
}
