//! Probes far out, for energies of which only values are known: they can refute, never prove.

use super::Verdict;
use super::points::random_points;
use crate::energy::Energy;
use crate::points::{Matrix, Points, Support};

/// Exponents of the radii, base 10.
const DECADES: std::ops::RangeInclusive<i32> = 1..=8;
/// Points around each ray.
const N_AROUND: usize = 12;

/// Looks along rays: if E grows by less than `d log r` on a whole cone, or by less than `log r` in a whole tube, exp(-E)
/// is not integrable there. Directions: axes, pairs of axes and `n_random` random ones.
pub fn probe<E: Energy + ?Sized>(energy: &E, seed: u64, n_random: usize) -> Verdict {
    let space = energy.space();
    let d = space.dim();
    if !space.labels.is_empty() || d == 0 {
        return Verdict::unproven("only real coordinates are probed");
    }
    if space.reals.iter().all(|s| s.lower().is_finite() && s.upper().is_finite()) {
        return Verdict::unproven("the support is bounded; whether the energy is bounded below on it is not known");
    }
    let mut lowest: Option<(f64, Vec<f64>, &str)> = None;
    let noise = random_points(&crate::points::Space::real(d), n_random.max(4 * N_AROUND), seed, 77);
    for v in directions(&space.reals, &noise, n_random) {
        for (width, limit, region) in [(0.02, d as f64, "in a cone around it"), (0.0, 1.0, "in a tube around it")] {
            if let Some(slope) = largest_slope(energy, &v, width, &noise)
                && slope <= limit * (1.0 + 1e-6) + 1e-6
                && lowest.as_ref().is_none_or(|l| slope < l.0 - 1e-9)
            {
                lowest = Some((slope, v.clone(), region));
            }
        }
    }
    match lowest {
        Some((slope, v, region)) => {
            let how = if slope < -1e-6 { "falls" } else { "does not grow fast enough" };
            let reason = format!("probed up to r = 1e8 along a direction, the energy {how} {region}");
            Verdict { falls_along: Some(v), ..Verdict::no(reason) }
        }
        None => Verdict::unproven("the energy grows along every direction that was probed, which is no proof"),
    }
}

fn directions(supports: &[Support], noise: &Points, n_random: usize) -> Vec<Vec<f64>> {
    let d = supports.len();
    let mut list: Vec<Vec<f64>> = Vec::new();
    for j in 0..d.min(64) {
        for sign in [1.0, -1.0] {
            let mut v = vec![0.0; d];
            v[j] = sign;
            list.push(v);
        }
    }
    for a in 0..d.min(8) {
        for b in a + 1..d.min(8) {
            for (p, q) in [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)] {
                let mut v = vec![0.0; d];
                (v[a], v[b]) = (p, q);
                list.push(v);
            }
        }
    }
    list.extend((0..n_random.min(noise.n())).map(|i| noise.real.row(i)));
    // Directions must stay on the support for ever.
    for v in &mut list {
        for (v, s) in v.iter_mut().zip(supports) {
            if (*v > 0.0 && s.upper().is_finite()) || (*v < 0.0 && s.lower().is_finite()) {
                *v = 0.0;
            }
        }
        let norm = v.iter().map(|a| a * a).sum::<f64>().sqrt();
        v.iter_mut().for_each(|a| *a = *a / norm + 0.0);
    }
    list.retain(|v| v.iter().all(|a| a.is_finite()));
    list
}

/// The largest slope dE/dlog r over the decades beyond 100, over all points around the ray; `None` if not finite.
fn largest_slope<E: Energy + ?Sized>(energy: &E, v: &[f64], width: f64, noise: &Points) -> Option<f64> {
    let supports = &energy.space().reals;
    let d = v.len();
    let anchor = |s: Support| match s {
        Support::Real => 0.0,
        Support::Above(a) => a + 1.0,
        Support::Below(b) => b - 1.0,
        Support::Interval(a, b) => 0.5 * (a + b),
    };
    let n_decades = DECADES.count();
    let x = Points::from_real(Matrix::from_fn(N_AROUND * n_decades, d, |row, j| {
        let (i, r) = (row / n_decades, 10f64.powi(1 + (row % n_decades) as i32));
        let z = noise.real.get(4 * i + 1, j).clamp(-3.0, 3.0);
        let sideways =
            if matches!(supports[j], Support::Real) { z * if width > 0.0 { width * r } else { 1.0 } } else { 0.0 };
        anchor(supports[j]) + r * v[j] + if i == 0 || d == 1 { 0.0 } else { sideways }
    }));
    let mut e = vec![0.0; x.n()];
    energy.energy(&x, &mut e);
    let mut largest = f64::NEG_INFINITY;
    for path in e.chunks_exact(n_decades) {
        for pair in path.windows(2).skip(1) {
            let slope = (pair[1] - pair[0]) / std::f64::consts::LN_10;
            if !pair[0].is_finite() || !pair[1].is_finite() {
                // -inf falls beyond all numbers.
                if pair[1] == f64::NEG_INFINITY {
                    continue;
                }
                return None;
            }
            largest = largest.max(slope);
        }
    }
    Some(largest)
}
