//! The two halves of the leapfrog integrator under a [`Metric`]: kicks of the momentum, drifts of the position.

use super::metric::Metric;
use super::metropolis::scale_of;
use crate::points::Matrix;
use crate::scratch;
use crate::simd::simd_fn;

/// Doubles of a vector.
const VECTOR: usize = 8;

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
        return kick_by(part, eps, metric, g, p);
    }
    scratch::with(g.as_slice().len(), |force| {
        metric.pull(eps.len(), g.as_slice(), force);
        add_scaled(-part, eps, &[], force, p.as_mut_slice());
    });
}

/// `p -= part eps A'g`, given the `force`: `g` itself where A is diagonal, else `A'g`.
pub(super) fn kick_by(part: f64, eps: &[f64], metric: &Metric, force: &Matrix<f64>, p: &mut Matrix<f64>) {
    let scale = if metric.is_diagonal() { metric.scale() } else { &[] };
    add_scaled(-part, eps, scale, force.as_slice(), p.as_mut_slice());
}

/// [`kick_by`], then `x += eps A p`.
pub(super) fn kick_drift_by(
    part: f64,
    eps: &[f64],
    metric: &Metric,
    force: &Matrix<f64>,
    p: &mut Matrix<f64>,
    x: &mut Matrix<f64>,
) {
    if metric.is_diagonal() {
        return kick_drift_diagonal(part, eps, metric.scale(), force, p, x);
    }
    kick_by(part, eps, metric, force, p);
    drift(eps, metric, p, x);
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
        // Column by column where that is long; the rest, or a short block, a vector of rows at a time.
        let mut at = n - n % (4 * VECTOR);
        for j in 0..x.n_cols() {
            let s = scale_of(scale, j);
            let kick = -part * s;
            let (eps, g, p, x) = (&eps[..at], &g.col(j)[..at], &mut p.col_mut(j)[..at], &mut x.col_mut(j)[..at]);
            for i in 0..at {
                let moved = (kick * eps[i]).mul_add(g[i], p[i]);
                p[i] = moved;
                x[i] = (s * eps[i]).mul_add(moved, x[i]);
            }
        }
        while at + VECTOR <= n {
            kick_drift_tile::<VECTOR>(at, part, eps, scale, g, p, x);
            at += VECTOR;
        }
        while at < n {
            kick_drift_tile::<1>(at, part, eps, scale, g, p, x);
            at += 1;
        }
    }
}

/// [`kick_drift_diagonal`] for rows `at .. at + T`.
#[inline(always)]
fn kick_drift_tile<const T: usize>(
    at: usize,
    part: f64,
    eps: &[f64],
    scale: &[f64],
    g: &Matrix<f64>,
    p: &mut Matrix<f64>,
    x: &mut Matrix<f64>,
) {
    let mut e = [0.0; T];
    e.copy_from_slice(&eps[at..at + T]);
    for j in 0..x.n_cols() {
        let s = scale_of(scale, j);
        let kick = -part * s;
        let (g, p, x) = (&g.col(j)[at..at + T], &mut p.col_mut(j)[at..at + T], &mut x.col_mut(j)[at..at + T]);
        for r in 0..T {
            let moved = (kick * e[r]).mul_add(g[r], p[r]);
            p[r] = moved;
            x[r] = (s * e[r]).mul_add(moved, x[r]);
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
            let ((eps, eps_rest), (a, a_rest)) = (eps.as_chunks::<VECTOR>(), a.as_chunks::<VECTOR>());
            let (b, b_rest) = b.as_chunks_mut::<VECTOR>();
            for ((eps, a), b) in eps.iter().zip(a).zip(b) {
                for r in 0..VECTOR {
                    b[r] = (c * eps[r]).mul_add(a[r], b[r]);
                }
            }
            for ((eps, a), b) in eps_rest.iter().zip(a_rest).zip(b_rest) {
                *b = (c * eps).mul_add(*a, *b);
            }
        }
    }
}
