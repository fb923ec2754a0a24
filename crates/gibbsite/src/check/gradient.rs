//! Analytic gradients against differences of energies.

use crate::energy::Differentiable;
use crate::points::{Matrix, Points};

/// Steps of the differences, relative to the size of the coordinate: the best agreement counts, so that neither rounding
/// (small steps) nor curvature (large ones) spoils a right gradient.
const STEPS: [f64; 4] = [3e-2, 3e-3, 3e-4, 3e-5];
/// Most coordinates compared.
const MAX_COORDINATES: usize = 64;

/// The largest disagreement found.
pub struct Worst {
    /// `|dE/dx_j - difference| / (|gradient| + |difference|)`, largest over points and coordinates.
    pub rel_error: f64,
    /// The point where it was found.
    pub at: Vec<f64>,
}

/// Compares dE/dx_j with Richardson-extrapolated central differences at all points where E is finite.
pub fn compare<E: Differentiable + ?Sized>(energy: &E, x: &Points) -> Worst {
    let (n, d) = (x.n(), x.dim());
    let mut e = vec![0.0; n];
    let mut grad = Matrix::new(n, d);
    energy.energy_grad(x, &mut e, &mut grad);
    let mut worst = Worst { rel_error: 0.0, at: vec![0.0; d] };
    let size: Vec<f64> = (0..n).map(|i| (0..d).map(|j| grad.get(i, j).abs()).fold(0.0, f64::max)).collect();
    let mut y = x.clone();
    let mut difference = |j: usize, step: f64, out: &mut [f64]| {
        let h = |v: f64| step * (1.0 + v.abs());
        let mut up = vec![0.0; n];
        let mut down = vec![0.0; n];
        for (y, x) in y.real.col_mut(j).iter_mut().zip(x.real.col(j)) {
            *y = x + h(*x);
        }
        energy.energy(&y, &mut up);
        for (y, x) in y.real.col_mut(j).iter_mut().zip(x.real.col(j)) {
            *y = x - h(*x);
        }
        energy.energy(&y, &mut down);
        y.real.col_mut(j).copy_from_slice(x.real.col(j));
        for i in 0..n {
            let v = x.real.get(i, j);
            out[i] = (up[i] - down[i]) / ((v + h(v)) - (v - h(v)));
        }
    };
    let (mut coarse, mut fine) = (vec![0.0; n], vec![0.0; n]);
    for j in (0..d).step_by(d.div_ceil(MAX_COORDINATES).max(1)) {
        let mut best = vec![f64::INFINITY; n];
        for step in STEPS {
            difference(j, step, &mut coarse);
            difference(j, 0.5 * step, &mut fine);
            for i in 0..n {
                let value = (4.0 * fine[i] - coarse[i]) / 3.0;
                // Rounding of E limits what a difference can say.
                let h = step * (1.0 + x.real.get(i, j).abs());
                let floor = 8.0 * f64::EPSILON * e[i].abs() / h + 1e-12;
                let error = ((value - grad.get(i, j)).abs() - floor).max(0.0) / (size[i] + value.abs() + floor);
                if error < best[i] {
                    best[i] = error;
                }
            }
        }
        for i in 0..n {
            let wrong = if grad.get(i, j).is_nan() { f64::INFINITY } else { best[i] };
            let comparable = best[i].is_finite() || grad.get(i, j).is_nan();
            if e[i].is_finite() && comparable && wrong > worst.rel_error {
                worst = Worst { rel_error: wrong, at: x.real.row(i) };
            }
        }
    }
    worst
}
