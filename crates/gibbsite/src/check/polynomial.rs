//! Expressions of degree two, as a symmetric matrix.

use std::collections::BTreeMap;

use crate::energy::formula::graph::{Graph, Id, Node};
use crate::energy::formula::groups::terms;

/// Monomials of degree at most 2, by their coordinates in ascending order.
type Poly = BTreeMap<Vec<u32>, f64>;

/// The symmetric matrix A, row-major, of the second-degree part x'Ax, if `root` is a polynomial of degree 2 or less.
pub fn quadratic_form(graph: &mut Graph, root: Id, variables: &[usize]) -> Option<Vec<f64>> {
    let n = variables.len();
    let place: BTreeMap<u32, usize> = variables.iter().enumerate().map(|(i, j)| (*j as u32, i)).collect();
    let mut form = vec![0.0; n * n];
    let mut size = vec![0.0; n * n];
    for t in terms(graph, root) {
        for (monomial, c) in expand(graph, t, 0)? {
            if let [a, b] = monomial[..] {
                let (i, j) = (*place.get(&a)?, *place.get(&b)?);
                let half = 0.5 * c;
                form[i * n + j] += half;
                form[j * n + i] += half;
                size[i * n + j] += half.abs();
                size[j * n + i] += half.abs();
            }
        }
    }
    // Coefficients that cancel to rounding.
    for (a, s) in form.iter_mut().zip(&size) {
        if a.abs() <= 1e-14 * s {
            *a = 0.0;
        }
    }
    form.iter().any(|a| *a != 0.0).then_some(form)
}

fn multiply(a: &Poly, b: &Poly) -> Option<Poly> {
    let mut out = Poly::new();
    for (u, c) in a {
        for (v, d) in b {
            if u.len() + v.len() > 2 {
                return None;
            }
            let mut w = [u.as_slice(), v.as_slice()].concat();
            w.sort_unstable();
            *out.entry(w).or_default() += c * d;
        }
    }
    Some(out)
}

fn expand(graph: &Graph, id: Id, depth: usize) -> Option<Poly> {
    if depth > 4096 {
        return None;
    }
    let next = |id: Id| expand(graph, id, depth + 1);
    match graph.node(id) {
        Node::Const(bits) => {
            let c = f64::from_bits(*bits);
            c.is_finite().then(|| Poly::from([(vec![], c)]))
        }
        Node::X(j) => Some(Poly::from([(vec![*j], 1.0)])),
        Node::Add(a, b) => {
            let mut sum = next(*a)?;
            for (w, c) in next(*b)? {
                *sum.entry(w).or_default() += c;
            }
            Some(sum)
        }
        Node::Mul(a, b) => multiply(&next(*a)?, &next(*b)?),
        Node::PowI(a, 2) => {
            let a = next(*a)?;
            multiply(&a, &a)
        }
        Node::Poly(a, c) if c.len() <= 3 => {
            let a = next(*a)?;
            let mut sum = Poly::new();
            let mut power = Poly::from([(vec![], 1.0)]);
            for (k, c) in c.iter().enumerate() {
                let c = graph.as_const(*c).filter(|c| c.is_finite())?;
                if k > 0 {
                    power = multiply(&power, &a)?;
                }
                for (w, p) in &power {
                    *sum.entry(w.clone()).or_default() += c * p;
                }
            }
            Some(sum)
        }
        _ => None,
    }
}
