//! Expressions of degree two: a symmetric matrix and a slope.

use std::collections::BTreeMap;

use super::exact::Tracked;
use crate::energy::formula::graph::{Graph, Id, Node};
use crate::energy::formula::groups::terms;

/// Monomials of degree at most 2, by their coordinates in ascending order.
type Poly = BTreeMap<Vec<u32>, Tracked>;

/// `x'Ax + b.x + const`.
pub struct Quadratic {
    /// A, row-major, shape (n, n).
    pub matrix: Vec<Tracked>,
    /// b, shape (n,).
    pub linear: Vec<f64>,
}

/// `root` as a polynomial of degree 2 in the variables, if it is one.
pub fn quadratic_part(graph: &mut Graph, root: Id, variables: &[usize]) -> Option<Quadratic> {
    let n = variables.len();
    let zero = Tracked::coefficient(0.0);
    let place: BTreeMap<u32, usize> = variables.iter().enumerate().map(|(i, j)| (*j as u32, i)).collect();
    let mut matrix = vec![zero; n * n];
    let mut linear = vec![0.0; n];
    let half = Tracked::coefficient(0.5);
    for t in terms(graph, root) {
        for (monomial, c) in expand(graph, t, 0)? {
            match monomial[..] {
                [a] => linear[*place.get(&a)?] += c.value,
                [a, b] => {
                    let (i, j) = (*place.get(&a)?, *place.get(&b)?);
                    // Halving is exact.
                    let c = c.mul(half);
                    matrix[i * n + j] = matrix[i * n + j].add(c);
                    matrix[j * n + i] = matrix[j * n + i].add(c);
                }
                _ => {}
            }
        }
    }
    matrix.iter().any(|a| !a.is_zero()).then_some(Quadratic { matrix, linear })
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
            accumulate(&mut out, w, c.mul(*d));
        }
    }
    Some(out)
}

fn accumulate(poly: &mut Poly, monomial: Vec<u32>, c: Tracked) {
    let sum = poly.get(&monomial).map_or(c, |old| old.add(c));
    poly.insert(monomial, sum);
}

fn expand(graph: &Graph, id: Id, depth: usize) -> Option<Poly> {
    if depth > 4096 {
        return None;
    }
    let next = |id: Id| expand(graph, id, depth + 1);
    match graph.node(id) {
        Node::Const(bits) => {
            let c = f64::from_bits(*bits);
            c.is_finite().then(|| Poly::from([(vec![], Tracked::coefficient(c))]))
        }
        Node::X(j) => Some(Poly::from([(vec![*j], Tracked::coefficient(1.0))])),
        Node::Add(a, b) => {
            let mut sum = next(*a)?;
            for (w, c) in next(*b)? {
                accumulate(&mut sum, w, c);
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
            let mut power = Poly::from([(vec![], Tracked::coefficient(1.0))]);
            for (k, c) in c.iter().enumerate() {
                let c = graph.as_const(*c).filter(|c| c.is_finite())?;
                if k > 0 {
                    power = multiply(&power, &a)?;
                }
                for (w, p) in &power {
                    accumulate(&mut sum, w.clone(), Tracked::coefficient(c).mul(*p));
                }
            }
            Some(sum)
        }
        _ => None,
    }
}
