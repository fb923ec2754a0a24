//! Analytic gradients against differences of energies.

use crate::energy::Differentiable;
use crate::points::{Matrix, Points};

/// Largest step, relative to 1 + |x|; each of the others is half of the one before.
const FIRST_STEP: f64 = 0.0625;
/// Steps: the smallest resolves curvature on scales of 1e-9.
const N_STEPS: usize = 26;
/// Columns of the table of extrapolations.
const N_ORDERS: usize = 6;
/// Most coordinates compared.
const MAX_COORDINATES: usize = 64;
/// A disagreement counts beyond so many times the estimated error of the difference.
const SAFETY: f64 = 4.0;
/// Relative error up to which any difference is taken for a reference.
const CREDIBLE: f64 = 1e-8;

/// The largest disagreement found.
pub struct Worst {
    /// `|dE/dx_j - difference| / (|gradient| + |difference|)` beyond the error of the difference, largest over points and
    /// coordinates.
    pub rel_error: f64,
    /// The point where it was found.
    pub at: Vec<f64>,
}

/// Compares dE/dx_j with extrapolated central differences (Ridders, 1982) at all points where E is finite. Where no step
/// resolves the energy, nothing is compared.
pub fn compare<E: Differentiable + ?Sized>(energy: &E, x: &Points) -> Worst {
    let (n, d) = (x.n(), x.dim());
    let mut e = vec![0.0; n];
    let mut grad = Matrix::new(n, d);
    energy.energy_grad(x, &mut e, &mut grad);
    let mut worst = Worst { rel_error: 0.0, at: vec![0.0; d] };
    let size: Vec<f64> = (0..n).map(|i| (0..d).map(|j| grad.get(i, j).abs()).fold(0.0, f64::max)).collect();
    for j in (0..d).step_by(d.div_ceil(MAX_COORDINATES).max(1)) {
        let references = differences(energy, x, j);
        for (i, rows) in references.iter().enumerate().filter(|(i, _)| e[*i].is_finite()) {
            let g = grad.get(i, j);
            let wrong = if g.is_nan() {
                f64::INFINITY
            } else {
                credible(rows).map(|r| disagreement(r, g, size[i])).fold(f64::INFINITY, f64::min)
            };
            let wrong = if g.is_nan() || wrong.is_finite() { wrong } else { 0.0 };
            if wrong > worst.rel_error {
                worst = Worst { rel_error: wrong, at: x.real.row(i) };
            }
        }
    }
    worst
}

/// A derivative by differences, with an estimate of its error.
#[derive(Clone, Copy)]
struct Reference {
    value: f64,
    error: f64,
}

/// The references that can tell a wrong gradient: the best, and those not much worse. Where steps are long against the
/// scale of E, differences may agree with each other by chance; a right gradient then agrees with those of shorter steps.
fn credible(rows: &[Reference]) -> impl Iterator<Item = &Reference> {
    let best = rows.iter().map(|r| r.error).fold(f64::INFINITY, f64::min);
    rows.iter().filter(move |r| r.error.is_finite() && (r.error <= CREDIBLE * r.value.abs() || r.error <= 4.0 * best))
}

fn disagreement(reference: &Reference, gradient: f64, size: f64) -> f64 {
    let beyond = (reference.value - gradient).abs() - SAFETY * reference.error - 1e-12;
    beyond.max(0.0) / (size + reference.value.abs() + 1e-12)
}

/// dE/dx_j at every point, one reference a step, by Ridders's method: central differences with halved steps, extrapolated
/// to step 0; in each row of the table the entry that agrees best with its neighbours, their disagreement and the rounding
/// of E being its error.
fn differences<E: Differentiable + ?Sized>(energy: &E, x: &Points, j: usize) -> Vec<Vec<Reference>> {
    let n = x.n();
    let mut found = vec![Vec::with_capacity(N_STEPS); n];
    let mut y = x.clone();
    let (mut up, mut down) = (vec![0.0; n], vec![0.0; n]);
    let mut previous: Vec<[f64; N_ORDERS]> = vec![[f64::NAN; N_ORDERS]; n];
    for k in 0..N_STEPS {
        let step = FIRST_STEP * 0.5f64.powi(k as i32);
        let h = |v: f64| step * (1.0 + v.abs());
        for (sign, out) in [(1.0, &mut up), (-1.0, &mut down)] {
            for (y, x) in y.real.col_mut(j).iter_mut().zip(x.real.col(j)) {
                *y = x + sign * h(*x);
            }
            energy.energy(&y, out);
        }
        for i in 0..n {
            let v = x.real.get(i, j);
            let width = (v + h(v)) - (v - h(v));
            let mut row = [f64::NAN; N_ORDERS];
            row[0] = (up[i] - down[i]) / width;
            let rounding = 8.0 * f64::EPSILON * up[i].abs().max(down[i].abs()) / width;
            let mut best = Reference { value: row[0], error: f64::INFINITY };
            let mut factor = 1.0;
            for m in 1..N_ORDERS.min(k + 1) {
                factor *= 4.0;
                row[m] = (factor * row[m - 1] - previous[i][m - 1]) / (factor - 1.0);
                let apart = (row[m] - row[m - 1]).abs().max((row[m] - previous[i][m - 1]).abs());
                let error = apart + rounding;
                if error < best.error {
                    best = Reference { value: row[m], error };
                }
            }
            found[i].push(best);
            previous[i] = row;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::formula::Formula;

    #[test]
    fn huge_curvature_is_resolved() {
        let f = Formula::parse("exp(1/x) + x^2").unwrap();
        let x = Points::from_rows(&[[0.0046], [0.01], [0.1], [-0.01], [2.0]]);
        for (rows, x) in differences(&f, &x, 0).iter().zip([0.0046f64, 0.01, 0.1, -0.01, 2.0]) {
            let truth = -(1.0 / x).exp() / (x * x) + 2.0 * x;
            let against = |g: f64| credible(rows).map(|r| disagreement(r, g, g.abs())).fold(f64::INFINITY, f64::min);
            assert!(against(truth) < 1e-9, "{x}: {:e}", against(truth));
            assert!(against(1.001 * truth) > 1e-4, "{x}: {:e}", against(1.001 * truth));
        }
    }
}
