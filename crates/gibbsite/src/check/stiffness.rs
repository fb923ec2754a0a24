//! How different the scales of an energy are at its deepest known minimum.

use crate::energy::Differentiable;
use crate::points::{Matrix, Points, Support};

/// Most coordinates for which the Hessian is formed.
const MAX_DIM: usize = 64;
/// Descent steps from each start.
const STEPS: usize = 200;

/// Largest over smallest eigenvalue of the Hessian (differences of gradients) at the lowest point that gradient descent
/// with the steps of Barzilai and Borwein (1988, eq. 5) reaches; `None` where that is no proper minimum.
pub fn stiffness<E: Differentiable + ?Sized>(energy: &E, starts: &Points) -> Option<f64> {
    let d = starts.dim();
    if d == 0 || d > MAX_DIM || energy.space().reals.iter().any(|s| *s != Support::Real) {
        return None;
    }
    let mut e = vec![0.0; starts.n()];
    energy.energy(starts, &mut e);
    let mut order: Vec<usize> = (0..e.len()).filter(|&i| e[i].is_finite()).collect();
    order.sort_by(|&a, &b| e[a].total_cmp(&e[b]));
    let ends = order.iter().take(4).filter_map(|&i| descend(energy, starts.real.row(i)));
    let (_, x) = ends.min_by(|a, b| a.0.total_cmp(&b.0))?;
    let h = 1e-4;
    let points = Points::from_real(Matrix::from_fn(2 * d, d, |i, j| {
        let step = if i / 2 == j { h * (1.0 + x[j].abs()) } else { 0.0 };
        x[j] + if i % 2 == 0 { step } else { -step }
    }));
    let mut values = vec![0.0; 2 * d];
    let mut grad = Matrix::new(2 * d, d);
    energy.energy_grad(&points, &mut values, &mut grad);
    let slope = |i: usize, j: usize| (grad.get(2 * i, j) - grad.get(2 * i + 1, j)) / (2.0 * h * (1.0 + x[i].abs()));
    let hessian = faer::Mat::from_fn(d, d, |i, j| 0.5 * (slope(i, j) + slope(j, i)));
    let eigen = hessian.self_adjoint_eigenvalues(faer::Side::Lower).ok()?;
    let low = eigen.iter().copied().fold(f64::INFINITY, f64::min);
    let high = eigen.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (low > 1e-9 * high && high.is_finite()).then(|| high / low)
}

/// The lowest point reached and its energy.
fn descend<E: Differentiable + ?Sized>(energy: &E, start: Vec<f64>) -> Option<(f64, Vec<f64>)> {
    let d = start.len();
    let mut x = Points::from_rows(&[&start]);
    let mut e = [0.0];
    let mut grad = Matrix::new(1, d);
    energy.energy_grad(&x, &mut e, &mut grad);
    let mut best = (e[0], start);
    let norm = |g: &Matrix<f64>| g.as_slice().iter().map(|v| v * v).sum::<f64>().sqrt();
    let mut step = 1e-3 / norm(&grad).max(1e-3);
    for _ in 0..STEPS {
        let (old_x, old_grad) = (x.real.clone(), grad.clone());
        for j in 0..d {
            x.real.set(0, j, old_x.get(0, j) - step * old_grad.get(0, j));
        }
        energy.energy_grad(&x, &mut e, &mut grad);
        if !e[0].is_finite() {
            x.real = old_x;
            grad = old_grad;
            step *= 0.1;
            continue;
        }
        if e[0] < best.0 {
            best = (e[0], x.real.row(0));
        }
        let (mut sy, mut ss) = (0.0, 0.0);
        for j in 0..d {
            let s = x.real.get(0, j) - old_x.get(0, j);
            ss += s * s;
            sy += s * (grad.get(0, j) - old_grad.get(0, j));
        }
        if ss == 0.0 || norm(&grad) < 1e-10 {
            break;
        }
        step = if sy > 0.0 { ss / sy } else { 2.0 * step };
    }
    best.0.is_finite().then_some(best)
}
