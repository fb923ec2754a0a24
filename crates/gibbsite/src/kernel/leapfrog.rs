//! The two halves of the leapfrog integrator under a [`Metric`]: kicks of the momentum, drifts of the position.

use super::metric::Metric;
use super::metropolis::scale_of;
use crate::points::Matrix;
use crate::scratch;
use crate::simd::simd_fn;

/// `p -= part eps A'g`, then `x += eps A p`; `eps` has one step size per row.
pub(super) fn kick_drift(
    part: f64,
    eps: &[f64],
    metric: &Metric,
    g: &Matrix<f64>,
    p: &mut Matrix<f64>,
    x: &mut Matrix<f64>,
) {
    if metric.is_diagonal() {
        return kick_drift_diagonal(part, eps, metric.scale(), g, p, x);
    }
    kick(part, eps, metric, g, p);
    drift(eps, metric, p, x);
}

/// `p -= part eps A'g`.
pub(super) fn kick(part: f64, eps: &[f64], metric: &Metric, g: &Matrix<f64>, p: &mut Matrix<f64>) {
    if metric.is_diagonal() {
        return add_scaled(-part, eps, metric.scale(), g.as_slice(), p.as_mut_slice());
    }
    scratch::with(g.as_slice().len(), |force| {
        metric.pull(eps.len(), g.as_slice(), force);
        add_scaled(-part, eps, &[], force, p.as_mut_slice());
    });
}

/// `x += eps A p`.
pub(super) fn drift(eps: &[f64], metric: &Metric, p: &Matrix<f64>, x: &mut Matrix<f64>) {
    if metric.is_diagonal() {
        return add_scaled(1.0, eps, metric.scale(), p.as_slice(), x.as_mut_slice());
    }
    scratch::with(p.as_slice().len(), |step| {
        metric.spread(eps.len(), p.as_slice(), step);
        add_scaled(1.0, eps, &[], step, x.as_mut_slice());
    });
}

simd_fn! {
    /// `p_j -= part eps s_j g_j`, then `x_j += eps s_j p_j`.
    fn kick_drift_diagonal(part: f64, eps: &[f64], scale: &[f64], g: &Matrix<f64>, p: &mut Matrix<f64>, x: &mut Matrix<f64>) {
        let n = eps.len();
        for j in 0..x.n_cols() {
            let s = scale_of(scale, j);
            let kick = -part * s;
            let (g, p, x) = (&g.col(j)[..n], &mut p.col_mut(j)[..n], &mut x.col_mut(j)[..n]);
            for i in 0..n {
                let moved = (kick * eps[i]).mul_add(g[i], p[i]);
                p[i] = moved;
                x[i] = (s * eps[i]).mul_add(moved, x[i]);
            }
        }
    }
}

simd_fn! {
    /// `b_j += part eps s_j a_j`.
    fn add_scaled(part: f64, eps: &[f64], scale: &[f64], a: &[f64], b: &mut [f64]) {
        let n = eps.len();
        if n == 0 {
            return;
        }
        for (j, (a, b)) in a.chunks_exact(n).zip(b.chunks_exact_mut(n)).enumerate() {
            let c = part * scale_of(scale, j);
            for i in 0..n {
                b[i] = (c * eps[i]).mul_add(a[i], b[i]);
            }
        }
    }
}
