//! Linear forms a.x + b that an energy is a function of.
//!
//! If they leave a direction out, E is constant along it; if there are as many as coordinates, they become the
//! coordinates (the Jacobian is constant). Ranks are decided with error bounds, so that rounding refutes nothing.

use std::collections::HashSet;

use super::Verdict;
use super::exact::{Tracked, same_product};
use super::prove::Problem;
use super::rewrite::{affine_nodes, rebuild};
use crate::energy::formula::graph::{Graph, Id, arguments};

/// Most coordinates for which linear forms are compared.
const MAX_LINEAR: usize = 64;
/// Most entries of all forms together.
const MAX_ENTRIES: usize = 20_000;

/// A node that is a multiple of one of the forms, plus a constant.
struct Use {
    node: Id,
    form: usize,
    factor: f64,
}

/// Refutes an energy that is constant along a direction, else changes to the coordinates of its forms where there are as
/// many as coordinates.
pub fn linear_forms(problem: &mut Problem) -> Option<Verdict> {
    let n = problem.supports.len();
    let order = problem.graph.schedule(&[problem.root]);
    if n > MAX_LINEAR || order.len() * n > MAX_ENTRIES {
        return None;
    }
    let affine = affine_nodes(&problem.graph, &order, n);
    let mut forms: Vec<Vec<f64>> = Vec::new();
    let mut uses: Vec<Use> = Vec::new();
    for node in outermost(&problem.graph, problem.root, |id| affine.contains_key(&id)) {
        let v = &affine[&node].0;
        if v.iter().any(|a| !a.is_finite()) {
            return None;
        }
        let Some(pivot) = largest(v) else { continue };
        let same = |f: &Vec<f64>| f.iter().zip(v).all(|(a, b)| same_product(*a, v[pivot], *b, f[pivot]));
        let form = forms.iter().position(same).unwrap_or_else(|| {
            forms.push(v.clone());
            forms.len() - 1
        });
        uses.push(Use { node, form, factor: v[pivot] / forms[form][pivot] });
    }
    match null_space(&forms, n) {
        Null::Vector(v) => {
            return Some(problem.refuse_straight(v, "the energy does not change at all along a direction".into()));
        }
        Null::Unknown => return None,
        Null::Trivial => {}
    }
    let axes = forms.iter().all(|f| f.iter().filter(|a| **a != 0.0).count() == 1);
    if forms.len() != n || axes {
        return None;
    }
    let inverse = {
        use faer::linalg::solvers::DenseSolveCore;
        faer::Mat::from_fn(n, n, |i, j| forms[i][j]).partial_piv_lu().inverse()
    };
    let mut graph = Graph::default();
    let root = rebuild(&problem.graph, problem.root, &mut graph, |id, to| {
        let by = uses.iter().find(|u| u.node == id)?;
        let x = to.x(by.form);
        let slope = to.constant(by.factor);
        let offset = to.constant(affine[&id].1);
        let scaled = to.mul(slope, x);
        Some(to.add(scaled, offset))
    });
    problem.graph = graph;
    (problem.root, problem.whole) = (root, root);
    problem.back = Some((0..n).map(|k| (0..n).map(|i| inverse[(i, k)]).collect()).collect());
    problem.names = (1..=n).map(|k| format!("u{k}")).collect();
    problem.notes.push("in the coordinates of its linear forms".into());
    None
}

/// The nodes nearest to the root for which `wanted` holds.
fn outermost(graph: &Graph, root: Id, wanted: impl Fn(Id) -> bool) -> Vec<Id> {
    let mut found = Vec::new();
    let mut stack = vec![root];
    let mut seen = HashSet::new();
    while let Some(id) = stack.pop() {
        if !seen.insert(id) {
            continue;
        }
        if wanted(id) { found.push(id) } else { stack.extend(arguments(graph.node(id))) }
    }
    found
}

/// The index of the largest entry, unless all are zero.
fn largest(v: &[f64]) -> Option<usize> {
    (0..v.len()).max_by(|&i, &j| v[i].abs().total_cmp(&v[j].abs())).filter(|&i| v[i] != 0.0)
}

/// What is known of the vectors orthogonal to all rows.
#[derive(Debug, PartialEq)]
enum Null {
    /// Only zero.
    Trivial,
    /// There is one, this (to rounding).
    Vector(Vec<f64>),
    /// Rounding hides it.
    Unknown,
}

/// Gaussian elimination with full pivoting and error bounds.
fn null_space(rows: &[Vec<f64>], n: usize) -> Null {
    let mut a: Vec<Vec<Tracked>> = rows.iter().map(|r| r.iter().map(|v| Tracked::coefficient(*v)).collect()).collect();
    let mut pivots: Vec<usize> = Vec::new();
    // Fewer rows than coordinates always leave a direction out.
    let certain = rows.len() >= n;
    for step in 0..a.len().min(n) {
        let mut best = (0.0, 0, 0);
        for (i, row) in a.iter().enumerate().skip(step) {
            for (j, entry) in row.iter().enumerate() {
                let fit = if certain { entry.is_nonzero() } else { entry.value != 0.0 };
                if fit && !pivots.contains(&j) && entry.value.abs() > best.0 {
                    best = (entry.value.abs(), i, j);
                }
            }
        }
        if best.0 == 0.0 {
            let hidden =
                a[step..].iter().any(|r| r.iter().enumerate().any(|(j, e)| !pivots.contains(&j) && !e.is_zero()));
            if certain && hidden {
                return Null::Unknown;
            }
            break;
        }
        a.swap(step, best.1);
        let j = best.2;
        pivots.push(j);
        let pivot_row = a[step].clone();
        for (i, row) in a.iter_mut().enumerate() {
            if i != step && row[j].value != 0.0 {
                let factor = row[j].div(pivot_row[j]).neg();
                for (k, (x, p)) in row.iter_mut().zip(&pivot_row).enumerate() {
                    *x = if k == j { Tracked { value: 0.0, error: 0.0 } } else { x.add(factor.mul(*p)) };
                }
            }
        }
    }
    let Some(free) = (0..n).find(|j| !pivots.contains(j)) else { return Null::Trivial };
    let mut v = vec![0.0; n];
    v[free] = 1.0;
    for (row, &j) in a.iter().zip(&pivots) {
        v[j] = -row[free].value / row[j].value;
    }
    Null::Vector(v)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_decides_nothing() {
        assert_eq!(null_space(&[vec![1.0, 0.0], vec![1.0, 1e-15]], 2), Null::Trivial);
        assert_eq!(null_space(&[vec![1.0, -1.0], vec![1.0, -1.00000000000005]], 2), Null::Trivial);
        assert_eq!(null_space(&[vec![0.1, 0.3], vec![0.3, 0.9]], 2), Null::Unknown);
        assert_eq!(null_space(&[vec![1.0, -1.0], vec![2.0, -2.0]], 2), Null::Vector(vec![1.0, 1.0]));
        assert!(matches!(null_space(&[vec![0.6, 0.8]], 2), Null::Vector(_)));
        let cycle = [vec![1.0, -1.0, 0.0], vec![0.0, 1.0, -1.0], vec![-1.0, 0.0, 1.0]];
        assert_eq!(null_space(&cycle, 3), Null::Vector(vec![1.0, 1.0, 1.0]));
    }
}
