//! Sums taken apart: the terms of an energy, and the groups of coordinates that no term couples.

use std::collections::{BTreeMap, HashSet};

use super::graph::{Graph, Id, Node, arguments};

/// Groups of coordinates that are independent of each other, each with its part of the energy `root` in n coordinates.
///
/// Every coordinate is in exactly one group (one that does not occur is alone, with the energy 0), groups are ordered by
/// their first coordinate, and the parts add up to `root`, whose constant is in the first. Hence Z is the product over
/// groups of `integral exp(-part)`.
pub(crate) fn independent(graph: &mut Graph, root: Id, n: usize) -> Vec<(Vec<usize>, Id)> {
    let list = terms(graph, root);
    let variables: Vec<Vec<usize>> = list.iter().map(|t| coordinates(graph, *t)).collect();
    let mut sets = DisjointSets::new(n);
    for v in &variables {
        for &j in v.iter().skip(1) {
            sets.join(v[0], j);
        }
    }
    let mut groups: BTreeMap<usize, (Vec<usize>, Vec<Id>)> = BTreeMap::new();
    for j in 0..n {
        groups.entry(sets.first(j)).or_default().0.push(j);
    }
    for (t, v) in list.iter().zip(&variables) {
        let g = v.first().map_or(0, |&j| sets.first(j));
        groups.entry(g).or_default().1.push(*t);
    }
    groups.into_values().map(|(v, parts)| (v, graph.sum(&parts))).collect()
}

/// Disjoint sets of coordinates, each known by its first member.
struct DisjointSets {
    parent: Vec<usize>,
}

impl DisjointSets {
    fn new(n: usize) -> Self {
        Self { parent: (0..n).collect() }
    }

    fn first(&mut self, mut i: usize) -> usize {
        while self.parent[i] != i {
            self.parent[i] = self.parent[self.parent[i]];
            i = self.parent[i];
        }
        i
    }

    fn join(&mut self, i: usize, j: usize) {
        let (a, b) = (self.first(i), self.first(j));
        self.parent[a.max(b)] = a.min(b);
    }
}

/// The arguments of nested additions, in order.
pub(crate) fn add_chain(graph: &Graph, root: Id) -> Vec<Id> {
    let mut out = Vec::new();
    let mut stack = vec![root];
    while let Some(id) = stack.pop() {
        match *graph.node(id) {
            Node::Add(a, b) => stack.extend([b, a]),
            _ => out.push(id),
        }
    }
    out
}

/// The terms of a sum, factors without coordinates distributed over inner sums. They add up to `root`; finite constants
/// are left out where they are zero and are one term (the last) otherwise.
pub(crate) fn terms(graph: &mut Graph, root: Id) -> Vec<Id> {
    let mut out = Vec::new();
    let mut uniform = Vec::new();
    let mut stack = vec![(graph.constant(1.0), root)];
    while let Some((c, id)) = stack.pop() {
        match graph.node(id).clone() {
            _ if graph.is_uniform(id) => uniform.push(graph.mul(c, id)),
            Node::Add(a, b) => stack.extend([(c, b), (c, a)]),
            Node::Mul(u, a) if graph.is_uniform(u) => stack.push((graph.mul(c, u), a)),
            // c0 + c1 a
            Node::Poly(a, linear) if linear.len() == 2 => {
                uniform.push(graph.mul(c, linear[0]));
                stack.push((graph.mul(c, linear[1]), a));
            }
            _ => out.push(graph.mul(c, id)),
        }
    }
    let constant = graph.sum(&uniform);
    if graph.as_const(constant) != Some(0.0) {
        out.push(constant);
    }
    out
}

/// The coordinates that `root` depends on, ascending; costs the size of the expression, not of the graph.
pub(crate) fn coordinates(graph: &Graph, root: Id) -> Vec<usize> {
    let mut seen = HashSet::from([root]);
    let mut visited = vec![root];
    let mut at = 0;
    while at < visited.len() {
        visited.extend(arguments(graph.node(visited[at])).into_iter().filter(|a| seen.insert(*a)));
        at += 1;
    }
    let mut out: Vec<usize> = visited
        .into_iter()
        .filter_map(|id| match graph.node(id) {
            Node::X(j) => Some(*j as usize),
            _ => None,
        })
        .collect();
    out.sort_unstable();
    out.dedup();
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::Energy;
    use crate::energy::formula::{Formula, FormulaOptions, compile};
    use crate::points::{Matrix, Points};

    fn groups_of(source: &str) -> (Formula, Graph, Vec<(Vec<usize>, Id)>) {
        let options = FormulaOptions {
            dim: source.contains("x[").then_some(6),
            params: if source.contains("a*") { vec![("a".into(), 1.5)] } else { vec![] },
            ..Default::default()
        };
        let f = Formula::with_options(source, &options).unwrap();
        let (graph, root) = f.graph();
        let mut graph = graph.clone();
        let n = f.space().dim();
        let groups = independent(&mut graph, root, n);
        (f, graph, groups)
    }

    #[test]
    fn coordinates_that_no_term_couples_are_apart() {
        let cases: [(&str, &[&[usize]]); 7] = [
            ("x^2 + y^4 + 3", &[&[0], &[1]]),
            ("2*(x^2 + y^2 - z*y) + 7", &[&[0], &[1, 2]]),
            ("-a*(x^2 + 3*(y^2 - 1)) + a", &[&[0], &[1]]),
            ("(x + y)^2 + z^2", &[&[0, 1], &[2]]),
            ("sum(i, 1..d/2, x[2*i-1]*x[2*i])", &[&[0, 1], &[2, 3], &[4, 5]]),
            ("x*z + y^2", &[&[0, 2], &[1]]),
            ("x^2 + 0*y + z", &[&[0], &[1], &[2]]),
        ];
        for (source, wanted) in cases {
            let (_, _, groups) = groups_of(source);
            let found: Vec<Vec<usize>> = groups.iter().map(|g| g.0.clone()).collect();
            assert_eq!(found, wanted, "{source}");
        }
    }

    #[test]
    fn parts_depend_on_their_own_coordinates_and_add_up() {
        for source in ["2*(x^2 + y^2 - z*y) + 7", "-a*(x^2 + 3*(y^2 - 1)) + a", "x^2 + 0*y + z - 4", "0*x + 0*y + 5"] {
            let (f, graph, groups) = groups_of(source);
            let n = f.space().dim();
            let x = Points::from_real(Matrix::from_fn(3, n, |i, j| 0.3 + i as f64 - 0.7 * j as f64));
            let mut total = [0.0; 3];
            for (variables, part) in &groups {
                assert!(coordinates(&graph, *part).iter().all(|j| variables.contains(j)), "{source}");
                let mut program = compile::compile(&graph, &[*part]);
                let mut theta = vec![0.0; crate::energy::Parametric::n_theta(&f)];
                crate::energy::Parametric::read_theta(&f, &mut theta);
                program.set_theta(&theta);
                let mut e = vec![0.0; 3];
                program.run(&x.real, None, &mut e, &mut []);
                total.iter_mut().zip(&e).for_each(|(t, e)| *t += e);
            }
            let mut e = vec![0.0; 3];
            f.energy(&x, &mut e);
            for (a, b) in total.iter().zip(&e) {
                assert!((a - b).abs() < 1e-12, "{source}: {a} {b}");
            }
        }
    }
}
