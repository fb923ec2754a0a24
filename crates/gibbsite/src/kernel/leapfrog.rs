//! The two halves of the leapfrog integrator under a [`Metric`]: kicks of the momentum, drifts of the position.

use super::metric::Metric;
use super::metropolis::scale_of;
use crate::points::Matrix;
use crate::scratch;
use crate::simd::{load, over_tiles, simd_fn, store};

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
        return kick_drift_diagonal(part, eps, metric.scale(), g.as_slice(), p.as_mut_slice(), x.as_mut_slice());
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
        return kick_drift_diagonal(part, eps, metric.scale(), force.as_slice(), p.as_mut_slice(), x.as_mut_slice());
    }
    kick_by(part, eps, metric, force, p);
    drift(eps, metric, p, x);
}

/// A half-kick and a drift from one place to another: `q = p - eps/2 A'g`, given the `force` of [`kick_by`], then `y = x + eps A q`.
pub(super) fn leap(
    eps: &[f64],
    metric: &Metric,
    force: &Matrix<f64>,
    p: &Matrix<f64>,
    x: &Matrix<f64>,
    q: &mut Matrix<f64>,
    y: &mut Matrix<f64>,
) {
    if metric.is_diagonal() {
        let (q, y) = (q.as_mut_slice(), y.as_mut_slice());
        return leap_diagonal(eps, metric.scale(), force.as_slice(), p.as_slice(), x.as_slice(), q, y);
    }
    q.as_mut_slice().copy_from_slice(p.as_slice());
    y.as_mut_slice().copy_from_slice(x.as_slice());
    kick_by(0.5, eps, metric, force, q);
    drift(eps, metric, q, y);
}

/// [`kick_by`], then adds `|p|^2 / 2` of each row to `out`.
pub(super) fn kick_and_add_kinetic(
    part: f64,
    eps: &[f64],
    metric: &Metric,
    force: &Matrix<f64>,
    p: &mut Matrix<f64>,
    out: &mut [f64],
) {
    let scale = if metric.is_diagonal() { metric.scale() } else { &[] };
    kick_kinetic(-part, eps, scale, force.as_slice(), p.as_mut_slice(), out);
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
    fn kick_drift_diagonal(part: f64, eps: &[f64], scale: &[f64], g: &[f64], p: &mut [f64], x: &mut [f64]) {
        over_tiles!(64; eps.len(), kick_drift_tile(part, eps, scale, g, p, x));
    }
}

/// [`kick_drift_diagonal`] for rows `at .. at + T`.
#[inline(always)]
fn kick_drift_tile<const T: usize>(
    at: usize,
    part: f64,
    eps: &[f64],
    scale: &[f64],
    g: &[f64],
    p: &mut [f64],
    x: &mut [f64],
) {
    let n = eps.len();
    let eps = load::<T>(eps, at);
    for (j, i) in (at..x.len()).step_by(n).enumerate() {
        let s = scale_of(scale, j);
        let kick = -part * s;
        let (g, mut moved, mut to) = (load::<T>(g, i), load::<T>(p, i), load::<T>(x, i));
        for r in 0..T {
            moved[r] = (kick * eps[r]).mul_add(g[r], moved[r]);
            to[r] = (s * eps[r]).mul_add(moved[r], to[r]);
        }
        store(p, i, &moved);
        store(x, i, &to);
    }
}

simd_fn! {
    /// `q_j = p_j - eps/2 s_j g_j`, then `y_j = x_j + eps s_j q_j`.
    fn leap_diagonal(eps: &[f64], scale: &[f64], g: &[f64], p: &[f64], x: &[f64], q: &mut [f64], y: &mut [f64]) {
        over_tiles!(64; eps.len(), leap_tile(eps, scale, g, p, x, q, y));
    }
}

/// [`leap_diagonal`] for rows `at .. at + T`.
#[inline(always)]
fn leap_tile<const T: usize>(
    at: usize,
    eps: &[f64],
    scale: &[f64],
    g: &[f64],
    p: &[f64],
    x: &[f64],
    q: &mut [f64],
    y: &mut [f64],
) {
    let n = eps.len();
    let eps = load::<T>(eps, at);
    for (j, i) in (at..x.len()).step_by(n).enumerate() {
        let s = scale_of(scale, j);
        let kick = -0.5 * s;
        let (g, mut moved, mut to) = (load::<T>(g, i), load::<T>(p, i), load::<T>(x, i));
        for r in 0..T {
            moved[r] = (kick * eps[r]).mul_add(g[r], moved[r]);
            to[r] = (s * eps[r]).mul_add(moved[r], to[r]);
        }
        store(q, i, &moved);
        store(y, i, &to);
    }
}

simd_fn! {
    /// `p_j += part eps s_j g_j`, then `out += |p|^2 / 2`.
    fn kick_kinetic(part: f64, eps: &[f64], scale: &[f64], g: &[f64], p: &mut [f64], out: &mut [f64]) {
        over_tiles!(64; eps.len(), kick_kinetic_tile(part, eps, scale, g, p, out));
    }
}

/// [`kick_kinetic`] for rows `at .. at + T`.
#[inline(always)]
fn kick_kinetic_tile<const T: usize>(
    at: usize,
    part: f64,
    eps: &[f64],
    scale: &[f64],
    g: &[f64],
    p: &mut [f64],
    out: &mut [f64],
) {
    let n = eps.len();
    let (eps, mut sum) = (load::<T>(eps, at), load::<T>(out, at));
    for (j, i) in (at..p.len()).step_by(n).enumerate() {
        let c = part * scale_of(scale, j);
        let (g, mut moved) = (load::<T>(g, i), load::<T>(p, i));
        for r in 0..T {
            moved[r] = (c * eps[r]).mul_add(g[r], moved[r]);
            sum[r] = (0.5 * moved[r]).mul_add(moved[r], sum[r]);
        }
        store(p, i, &moved);
    }
    store(out, at, &sum);
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
