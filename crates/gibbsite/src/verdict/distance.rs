//! How far the draws are from the exact density, in one and two dimensions.

use super::Evidence;
use crate::diagnostics::{kl, total_variation};
use crate::energy::{Energy, Transformed};
use crate::logz::Quadrature;
use crate::points::{Matrix, Points};

/// Distances between the histogram of the draws and the exact probabilities of its bins; everything outside the bins is
/// one more bin.
#[derive(Clone, Copy, Debug, PartialEq)]
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

/// Bins per coordinate and points of the midpoint rule per bin and coordinate, on average.
const SHAPE: [(usize, usize); 2] = [(60, 40), (20, 16)];

/// Quarters of the points that a second rule has, which tells the error of the first.
const COARSE: usize = 3;

/// Largest difference between the two: as a part of the noise, and beyond it.
const MAX_RULE_ERROR: (f64, f64) = (0.25, 0.002);

/// Largest probability that the midpoints may miss, beyond the same part of the noise: nodes next to the ends of the bins
/// carry that much.
const MAX_MISSED: f64 = 0.004;

/// Fewest draws whose histogram says anything.
const MIN_DRAWS: usize = 100;

/// Probability left out of the bins at each end of a coordinate.
const ENDS: f64 = 0.002;

/// The distance, given the quadrature; in one and two dimensions, `None` where the bins are not resolved. `ess` is the
/// effective number of draws.
pub(super) fn to_exact<E: Energy + ?Sized>(
    energy: &E,
    evidence: &Evidence<'_>,
    q: &Quadrature,
    ess: f64,
) -> Option<Distance> {
    let (dim, n, values) = (evidence.draws.dim(), evidence.n(), evidence.draws.values());
    if !(1..=2).contains(&dim) || n < MIN_DRAWS || !values.iter().all(|v| v.is_finite()) {
        return None;
    }
    let energy = Transformed::new(energy);
    let x = Points::from_real(Matrix::from_fn(n, dim, |i, j| values[i * dim + j]));
    let u = energy.to_outer(&x).real;
    let (n_bins, n_points) = SHAPE[dim - 1];
    let axes: Vec<Axis> = (0..dim).map(|j| Axis::new(u.col(j), n_bins)).collect::<Option<_>>()?;
    let exact = bin_masses(&energy, &axes, n_points, q.log_z)?;
    let drawn_share = bin_shares(&u, &axes);
    let ess = if ess.is_finite() { ess.clamp(1.0, n as f64) } else { 1.0 };
    // E |p_hat - p| = sqrt(2 p (1 - p) / (pi n)) for a normal error.
    let noise = |p: &f64| (p * (1.0 - p) / ess).max(0.0).sqrt();
    let expected = (exact.iter().map(noise).sum::<f64>() / std::f64::consts::TAU.sqrt()).min(1.0);
    // Flanks of peaks at the ends of a long bin may be missed by any number of midpoints, but not by the adaptive nodes.
    let missed = exact[exact.len() - 1] - mass_outside(&energy.to_outer(&q.points).real, &q.w, &axes);
    if missed > MAX_RULE_ERROR.0 * expected + MAX_MISSED {
        return None;
    }
    // Another number of points gives other masses where a ridge is narrower than their distance: that would say more about
    // the rule than about the draws.
    let coarse = bin_masses(&energy, &axes, COARSE * n_points / 4, q.log_z)?;
    if total_variation(&coarse, &exact) > MAX_RULE_ERROR.0 * expected + MAX_RULE_ERROR.1 {
        return None;
    }
    Some(Distance { total_variation: total_variation(&drawn_share, &exact), expected, kl: kl(&drawn_share, &exact) })
}

/// The bins of one unconstrained coordinate u, by `t = asinh((u - centre) / width)`: bounds are out of the way, and a tail
/// over many magnitudes is a few units long, on which the midpoint rule converges.
struct Axis {
    centre: f64,
    width: f64,
    /// Quantiles of the draws in t, so that every bin holds draws.
    edges: Vec<f64>,
}

impl Axis {
    /// Median and quartiles of the draws are centre and width. `None` where too many draws are equal.
    fn new(u: &[f64], n_bins: usize) -> Option<Self> {
        let mut sorted = u.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let at = |q: f64| sorted[(q * (sorted.len() - 1) as f64).round() as usize];
        let (centre, width) = (at(0.5), 0.5 * (at(0.75) - at(0.25)));
        if !(width > 0.0 && width.is_finite() && centre.is_finite()) {
            return None;
        }
        let edge = |k: usize| ENDS + (1.0 - 2.0 * ENDS) * k as f64 / n_bins as f64;
        let mut edges: Vec<f64> = (0..=n_bins).map(|k| ((at(edge(k)) - centre) / width).asinh()).collect();
        edges.dedup();
        (edges.len() > 2 && edges.iter().all(|t| t.is_finite())).then_some(Self { centre, width, edges })
    }

    fn n_bins(&self) -> usize {
        self.edges.len() - 1
    }

    /// The bin of u.
    fn bin(&self, u: f64) -> Option<usize> {
        let t = ((u - self.centre) / self.width).asinh();
        let above = self.edges.partition_point(|e| *e <= t);
        let last = t == self.edges[self.n_bins()];
        if last { Some(self.n_bins() - 1) } else { (1..=self.n_bins()).contains(&above).then(|| above - 1) }
    }

    /// Midpoints of every bin. Half of them are shared evenly, half by length, for a bin between two wells is long and
    /// holds the flanks of both.
    fn nodes(&self, n_points: usize) -> Vec<Node> {
        let n_bins = self.n_bins();
        let whole = self.edges[n_bins] - self.edges[0];
        let mut nodes = Vec::with_capacity((n_points + 1) * n_bins);
        for bin in 0..n_bins {
            let (lo, hi) = (self.edges[bin], self.edges[bin + 1]);
            let by_length = 0.5 * (n_points * n_bins) as f64 * (hi - lo) / whole;
            let n = n_points / 2 + by_length.ceil() as usize;
            let step = (hi - lo) / n as f64;
            nodes.extend((0..n).map(|i| {
                let t = lo + (i as f64 + 0.5) * step;
                Node { bin, u: self.centre + self.width * t.sinh(), log_length: (step * self.width * t.cosh()).ln() }
            }));
        }
        nodes
    }
}

/// A point of the midpoint rule of one coordinate.
struct Node {
    bin: usize,
    u: f64,
    /// Logarithm of the length of u it stands for.
    log_length: f64,
}

/// Exact probability of every bin (first coordinate fastest), then of everything outside.
fn bin_masses<E: Energy>(energy: &E, axes: &[Axis], n_points: usize, log_z: f64) -> Option<Vec<f64>> {
    let nodes: Vec<Vec<Node>> = axes.iter().map(|a| a.nodes(n_points)).collect();
    let total: usize = nodes.iter().map(Vec::len).product();
    // The nodes, one of each coordinate, of cell k.
    let cell = |k: usize| nodes.iter().scan(k, |rest, n| Some(&n[std::mem::replace(rest, *rest / n.len()) % n.len()]));
    let mut masses = vec![0.0; axes.iter().map(Axis::n_bins).product::<usize>() + 1];
    const ROWS: usize = 4096;
    let mut e = vec![0.0; ROWS];
    for first in (0..total).step_by(ROWS) {
        let len = ROWS.min(total - first);
        let at = |i: usize, j: usize| cell(first + i).nth(j).map_or(f64::NAN, |node| node.u);
        energy.energy(&Points::from_real(Matrix::from_fn(len, axes.len(), at)), &mut e[..len]);
        for (i, e) in e[..len].iter().enumerate() {
            let (mut bin, mut log_cell, mut stride) = (0, 0.0, 1);
            for (node, axis) in cell(first + i).zip(axes) {
                bin += stride * node.bin;
                log_cell += node.log_length;
                stride *= axis.n_bins();
            }
            masses[bin] += (log_cell - e - log_z).exp();
        }
    }
    let inside: f64 = masses.iter().sum();
    let last = masses.len() - 1;
    masses[last] = (1.0 - inside).max(0.0);
    // Midpoints that miss narrow peaks would say more about the rule than about the draws.
    (inside.is_finite() && inside < 1.002).then_some(masses)
}

/// Weight of the nodes outside all bins.
fn mass_outside(u: &Matrix<f64>, w: &[f64], axes: &[Axis]) -> f64 {
    let outside = |i: &usize| axes.iter().enumerate().any(|(j, axis)| axis.bin(u.get(*i, j)).is_none());
    (0..w.len()).filter(|i| w[*i] > 0.0).filter(outside).map(|i| w[i]).sum()
}

/// Share of the draws in the same bins.
fn bin_shares(u: &Matrix<f64>, axes: &[Axis]) -> Vec<f64> {
    let n_bins: usize = axes.iter().map(Axis::n_bins).product();
    let mut counts = vec![0u64; n_bins + 1];
    for i in 0..u.n_rows() {
        let bin = axes.iter().enumerate().try_fold((0, 1), |(bin, stride), (j, axis)| {
            Some((bin + stride * axis.bin(u.get(i, j))?, stride * axis.n_bins()))
        });
        counts[bin.map_or(n_bins, |(bin, _)| bin)] += 1;
    }
    counts.iter().map(|c| *c as f64 / u.n_rows() as f64).collect()
}
