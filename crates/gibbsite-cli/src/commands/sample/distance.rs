//! How far the draws are from the exact density, in one and two dimensions.

use gibbsite::diagnostics::{ess_bulk, kl, total_variation};
use gibbsite::energy::Energy;
use gibbsite::energy::formula::Formula;
use gibbsite::logz::{Options, log_z};
use gibbsite::points::{Matrix, Points};

use super::draw::Drawn;
use crate::resolve::Resolved;

/// Distances between the histogram of the draws and the exact probabilities of its bins; everything outside the bins is
/// one more bin.
pub struct Distance {
    /// Total variation, in [0, 1].
    pub total_variation: f64,
    /// The total variation that as many independent exact draws as the effective sample size would show on average.
    pub expected: f64,
    /// KL(draws || exact) of the bins, in nats.
    pub kl: f64,
}

impl Distance {
    /// Whether the difference is more than noise: independent draws leave little room, effective sample sizes are themselves
    /// estimates.
    pub fn is_far(&self, independent: bool) -> bool {
        let (factor, slack) = if independent { (1.6, 0.004) } else { (2.5, 0.01) };
        self.total_variation > factor * self.expected + slack
    }
}

/// Bins per coordinate and points of the midpoint rule per bin and coordinate.
const SHAPE: [(usize, usize); 2] = [(60, 40), (20, 10)];

/// The distance, where log Z is exact: one and two dimensions.
pub fn to_exact(model: &Resolved, drawn: &Drawn) -> Option<Distance> {
    let dim = drawn.dim;
    let n = drawn.energy.len();
    if dim > 2 || n < 100 || !drawn.values.iter().all(|v| v.is_finite()) {
        return None;
    }
    let z = log_z(&model.formula, &Options { tol: Some(1e-6) }).ok()?;
    let (n_bins, n_points) = SHAPE[dim - 1];
    let edges: Vec<(f64, f64)> = (0..dim).map(|j| range(drawn, j)).collect::<Option<_>>()?;
    let exact = bin_masses(&model.formula, &edges, n_bins, n_points, z.value)?;
    let drawn_share = bin_shares(drawn, &edges, n_bins);
    let ess = (0..dim).map(|j| ess_bulk(&drawn.coordinate(j))).fold(f64::INFINITY, f64::min);
    let ess = if ess.is_finite() { ess.clamp(1.0, n as f64) } else { 1.0 };
    // E |p_hat - p| = sqrt(2 p (1 - p) / (pi n)) for a normal error.
    let noise = |p: &f64| (p * (1.0 - p) / ess).max(0.0).sqrt();
    Some(Distance {
        total_variation: total_variation(&drawn_share, &exact),
        expected: (exact.iter().map(noise).sum::<f64>() / std::f64::consts::TAU.sqrt()).min(1.0),
        kl: kl(&drawn_share, &exact),
    })
}

/// The range between the 0.2 % and the 99.8 % quantile of the draws.
fn range(drawn: &Drawn, j: usize) -> Option<(f64, f64)> {
    let mut x: Vec<f64> = drawn.values.iter().skip(j).step_by(drawn.dim).copied().collect();
    x.sort_unstable_by(f64::total_cmp);
    let at = |q: f64| x[(q * (x.len() - 1) as f64).round() as usize];
    let (lo, hi) = (at(0.002), at(0.998));
    (lo < hi).then_some((lo, hi))
}

/// Exact probability of every bin (first coordinate fastest), then of everything outside.
fn bin_masses(formula: &Formula, edges: &[(f64, f64)], n_bins: usize, n_points: usize, log_z: f64) -> Option<Vec<f64>> {
    let dim = edges.len();
    let per_line = n_bins * n_points;
    let total = per_line.pow(dim as u32);
    let step: Vec<f64> = edges.iter().map(|(lo, hi)| (hi - lo) / per_line as f64).collect();
    let log_cell: f64 = step.iter().map(|h| h.ln()).sum();
    let mut masses = vec![0.0; n_bins.pow(dim as u32) + 1];
    let index = |k: usize, j: usize| k / per_line.pow(j as u32) % per_line;
    const ROWS: usize = 4096;
    let mut e = vec![0.0; ROWS];
    for first in (0..total).step_by(ROWS) {
        let len = ROWS.min(total - first);
        let at = |i: usize, j: usize| edges[j].0 + (index(first + i, j) as f64 + 0.5) * step[j];
        let x = Points::from_real(Matrix::from_fn(len, dim, at));
        formula.energy(&x, &mut e[..len]);
        for (i, e) in e[..len].iter().enumerate() {
            let bin = (0..dim).rev().fold(0, |bin, j| bin * n_bins + index(first + i, j) / n_points);
            masses[bin] += (log_cell - e - log_z).exp();
        }
    }
    let inside: f64 = masses.iter().sum();
    let last = masses.len() - 1;
    masses[last] = (1.0 - inside).max(0.0);
    // Midpoints that miss narrow peaks would say more about the rule than about the draws.
    (inside.is_finite() && inside < 1.002).then_some(masses)
}

/// Share of the draws in the same bins.
fn bin_shares(drawn: &Drawn, edges: &[(f64, f64)], n_bins: usize) -> Vec<f64> {
    let dim = edges.len();
    let mut counts = vec![0u64; n_bins.pow(dim as u32) + 1];
    let outside = counts.len() - 1;
    for row in drawn.values.chunks_exact(dim) {
        let bin = (0..dim).rev().try_fold(0, |bin, j| {
            let (lo, hi) = edges[j];
            let inside = (lo..=hi).contains(&row[j]);
            inside.then(|| bin * n_bins + (((row[j] - lo) / (hi - lo) * n_bins as f64) as usize).min(n_bins - 1))
        });
        counts[bin.unwrap_or(outside)] += 1;
    }
    let n: u64 = counts.iter().sum();
    counts.iter().map(|c| *c as f64 / n as f64).collect()
}
