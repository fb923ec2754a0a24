//! A quadratic form is integrable if and only if it is positive definite.
//!
//! The form is scaled to a unit diagonal, so that the answer does not depend on the units of the coordinates. What rounding
//! could turn is not decided, unless a direction on which the form vanishes can be checked exactly.

use super::Verdict;
use super::exact::{product_error, sum_error};
use super::facts::Facts;
use super::polynomial::{Quadratic, quadratic_part};
use super::prove::Problem;
use crate::energy::formula::graph::Id;
use crate::points::Support;

/// Most coordinates.
const MAX_DIM: usize = 256;
/// Largest denominator of the entries of a direction that is checked exactly.
const MAX_DENOMINATOR: u32 = 12;

/// Decides a group whose energy is a polynomial of degree two.
pub fn decide(problem: &mut Problem, variables: &[usize], root: Id, f: Facts) -> Option<Verdict> {
    let n = variables.len();
    let on_lines = variables.iter().all(|&j| problem.supports[j] == Support::Real);
    if n > MAX_DIM || !on_lines || !f.below || !f.defined {
        return None;
    }
    let form = quadratic_part(&mut problem.graph, root, variables)?;
    let (direction, how) = match falling_direction(&form, n)? {
        Shape::Positive => return Some(Verdict::yes("the energy is a positive definite quadratic form")),
        Shape::Hidden => {
            let reason = "the energy is a quadratic form that is positive definite or not within rounding";
            return Some(Verdict::unproven(reason));
        }
        Shape::Falls(v) => (v, "falls without bound"),
        Shape::Flat(v) => (v, "does not grow"),
    };
    let mut full = vec![0.0; problem.supports.len()];
    variables.iter().zip(&direction).for_each(|(&j, v)| full[j] = *v);
    Some(problem.refuse(Some(full), &[], format!("the energy is quadratic and {how} along a direction")))
}

enum Shape {
    Positive,
    /// Negative along this direction.
    Falls(Vec<f64>),
    /// Zero along this direction, and so is its gradient; what is linear falls or is constant.
    Flat(Vec<f64>),
    /// Within rounding of the border.
    Hidden,
}

/// `None` only if the eigenvalues cannot be computed.
fn falling_direction(form: &Quadratic, n: usize) -> Option<Shape> {
    let entry = |i: usize, j: usize| form.matrix[i * n + j];
    let axis = |i: usize, v: f64| (0..n).map(|k| if k == i { v } else { 0.0 }).collect::<Vec<f64>>();
    for i in 0..n {
        let a = entry(i, i);
        if a.is_zero() {
            // x_i enters linearly: with a partner without bound from below, else as a slope.
            return Some(match (0..n).find(|&j| !entry(i, j).is_zero()) {
                None => Shape::Flat(axis(i, if form.linear[i] > 0.0 { -1.0 } else { 1.0 })),
                Some(j) if entry(i, j).is_nonzero() => {
                    let b = entry(i, j).value;
                    let mut v = axis(j, 1.0);
                    v[i] = -b.signum() * (entry(j, j).value.abs() / b.abs()).max(1.0);
                    Shape::Falls(v)
                }
                Some(_) => Shape::Hidden,
            });
        }
        if !a.is_nonzero() {
            return Some(Shape::Hidden);
        }
        if a.value < 0.0 {
            return Some(Shape::Falls(axis(i, if form.linear[i] > 0.0 { -1.0 } else { 1.0 })));
        }
    }
    let scale: Vec<f64> = (0..n).map(|i| entry(i, i).value.sqrt()).collect();
    let scaled = |i: usize, j: usize| entry(i, j).value / scale[i] / scale[j];
    let matrix = faer::Mat::from_fn(n, n, |i, j| if i == j { 1.0 } else { scaled(i, j) });
    let eigen = matrix.self_adjoint_eigen(faer::Side::Lower).ok()?;
    let values: Vec<f64> = eigen.S().column_vector().iter().copied().collect();
    let k = (0..n).min_by(|&a, &b| values[a].total_cmp(&values[b]))?;
    let top = values.iter().fold(1.0f64, |m, v| m.max(v.abs()));
    // Errors of the entries move an eigenvalue by at most their Frobenius norm (Weyl, 1912); the rest is the solver's.
    let error: f64 = (0..n * n).map(|e| (form.matrix[e].error / scale[e / n] / scale[e % n]).powi(2)).sum();
    let band = error.sqrt() + 16.0 * f64::EPSILON * n as f64 * top;
    let mut v: Vec<f64> = (0..n).map(|i| eigen.U()[(i, k)] / scale[i]).collect();
    if values[k] > band {
        return Some(Shape::Positive);
    }
    let exact = exact_null(form, n, &v);
    if values[k] >= -band && exact.is_none() {
        return Some(Shape::Hidden);
    }
    let flat = exact.is_some();
    if let Some(rational) = exact {
        v = rational;
    }
    // The sign is the one in which the linear part falls, or else the first entry is positive.
    let slope: f64 = v.iter().zip(&form.linear).map(|(v, b)| v * b).sum();
    let first = v.iter().copied().find(|v| *v != 0.0).unwrap_or(1.0);
    if slope > 0.0 || (slope == 0.0 && first < 0.0) {
        v.iter_mut().for_each(|v| *v = -*v);
    }
    Some(if flat { Shape::Flat(v) } else { Shape::Falls(v) })
}

/// A direction near `v` with entries of small denominators on which the matrix vanishes exactly.
fn exact_null(form: &Quadratic, n: usize, v: &[f64]) -> Option<Vec<f64>> {
    if form.matrix.iter().any(|a| a.error != 0.0) {
        return None;
    }
    let top = v.iter().fold(0.0f64, |m, a| if a.abs() > m.abs() { *a } else { m });
    let least =
        v.iter().map(|a| a / top).filter(|a| a.abs() > 1e-9).fold(1.0f64, |m, a| if a.abs() < m.abs() { a } else { m });
    for unit in [1.0, least] {
        for denominator in 1..=MAX_DENOMINATOR {
            let near: Vec<f64> = v.iter().map(|a| (a / top / unit * f64::from(denominator)).round()).collect();
            let zero = near.iter().any(|a| *a != 0.0)
                && (0..n).all(|i| vanishes((0..n).map(|j| (form.matrix[i * n + j].value, near[j]))));
            if zero {
                return Some(near);
            }
        }
    }
    None
}

/// Whether a sum of products is zero and no operation rounded.
fn vanishes(products: impl Iterator<Item = (f64, f64)>) -> bool {
    let mut sum = 0.0;
    for (a, b) in products {
        if product_error(a, b) != 0.0 || sum_error(sum, a * b) != 0.0 {
            return false;
        }
        sum += a * b;
    }
    sum == 0.0
}

#[cfg(test)]
mod tests {
    use super::super::exact::Tracked;
    use super::*;

    fn shape(rows: &[&[f64]]) -> Shape {
        let n = rows.len();
        let matrix = rows.concat().iter().map(|v| Tracked::coefficient(*v)).collect();
        falling_direction(&Quadratic { matrix, linear: vec![0.0; n] }, n).unwrap()
    }

    #[test]
    fn units_do_not_matter() {
        assert!(matches!(shape(&[&[1e14, 0.5], &[0.5, 1.0]]), Shape::Positive));
        assert!(matches!(shape(&[&[1e8, 0.05], &[0.05, 1e-8]]), Shape::Positive));
        assert!(matches!(shape(&[&[1e16, 2e8], &[2e8, 1.0]]), Shape::Falls(_)));
        assert!(matches!(shape(&[&[0.0, 1.0], &[1.0, 5.0]]), Shape::Falls(_)));
    }

    #[test]
    fn the_border_is_exact_or_hidden() {
        assert!(matches!(shape(&[&[1.0, -2.0], &[-2.0, 4.0]]), Shape::Flat(v) if v[0] == 2.0 * v[1]));
        assert!(matches!(shape(&[&[1.0, -0.3], &[-0.3, 0.09]]), Shape::Hidden));
        assert!(matches!(shape(&[&[1.0, 1.0, 0.0], &[1.0, 1.0, 0.0], &[0.0, 0.0, 1.0]]), Shape::Flat(_)));
    }
}
