//! Finding the mass of a density on a line before integrating it: a grid over many scales, refined around every peak,
//! extended until the tails are negligible, and cut into panels over which the log density changes by a few units.

use crate::points::Support;

mod ends;
pub(crate) use ends::End;
use ends::{FAR_OUT, FLAT_FAR};

/// One evaluation of l(x) on a line; `note` indexes what the caller keeps about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub x: f64,
    pub ell: f64,
    pub note: u32,
}

/// Largest |x| a line is followed to.
const FAR: f64 = 1e300;

/// An energy this far above its minimum that is infinite at the next sample has jumped there: exp underflows from 745 on,
/// while what overflows is larger by orders of magnitude before.
const JUMP: f64 = 1500.0;

/// Rounds of samples on one line.
const MAX_ROUNDS: u32 = 150;

/// The samples of one line, by increasing x.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scan {
    pub s: Vec<Sample>,
    rounds: u32,
    hull_done: bool,
    /// Beyond this |x| the energy overflows to NaN (0 * inf).
    overflow: Option<f64>,
    /// Whether l comes from inner integrals, which lose their peaks when followed too far.
    nested: bool,
    /// Largest |x| to which a density is followed that stays flat: from there on its trend decides.
    flat_far: f64,
    /// Whether a density is followed farther where it will decay yet.
    is_patient: bool,
    /// How far from the origin the line lies: within that distance it may be flat, whatever becomes of it.
    scale: f64,
}

/// A grid over the support: spacing `du` (finer where the reach is short) near the origin, geometric far out to `reach` and
/// towards finite ends.
pub(crate) fn base_grid(support: Support, reach: f64, du: f64) -> Vec<f64> {
    match support {
        Support::Real => {
            let unit = (reach / 40.0).min(1.0);
            let n = ((reach / unit).asinh() / du).ceil() as usize;
            let half: Vec<f64> = (0..n).map(|k| unit * ((k as f64 + 0.5) * du).sinh()).collect();
            half.iter().rev().map(|x| -x).chain(half.iter().copied()).collect()
        }
        Support::Above(a) => half_line(a, reach, du).map(|z| a + z).filter(|x| *x > a).collect(),
        Support::Below(b) => {
            let mut x: Vec<f64> = half_line(b, reach, du).map(|z| b - z).filter(|x| *x < b).collect();
            x.reverse();
            x
        }
        Support::Interval(a, b) => {
            let w = b - a;
            let n = (6.4 / du) as usize;
            let step = w / n as f64;
            let near: Vec<f64> = (1..=16).rev().map(|k| step * 0.5f64.powi(2 * k)).collect();
            let mut x: Vec<f64> = near.iter().map(|z| a + z).collect();
            x.extend((0..n).map(|k| a + step * (k as f64 + 0.5)));
            x.extend(near.iter().rev().map(|z| b - z));
            x.retain(|x| *x > a && *x < b);
            x.dedup();
            x
        }
    }
}

fn half_line(end: f64, reach: f64, du: f64) -> impl Iterator<Item = f64> {
    let first = (1e-12 * end.abs().max(1e-3)).ln();
    let n = ((reach.ln() - first) / du).ceil() as usize;
    (0..n).map(move |k| (first + (k as f64 + 0.5) * du).exp())
}

impl Scan {
    /// No samples yet; in `dim` dimensions altogether, on a line whose other coordinates are `at`.
    pub fn new(nested: bool, dim: usize, at: &[f64]) -> Self {
        let scale = at.iter().fold(1.0f64, |m, x| m.max(x.abs()));
        // In three dimensions far lines are too many to be followed.
        let is_patient = dim < 3;
        let far_out = if is_patient { FAR_OUT * scale } else { 0.0 };
        Self { nested, flat_far: FLAT_FAR[dim.clamp(1, 3) - 1].max(far_out), is_patient, scale, ..Self::default() }
    }

    /// Adds samples and keeps the order.
    pub fn insert(&mut self, new: impl Iterator<Item = Sample>) {
        self.s.extend(new);
        self.s.sort_by(|a, b| a.x.total_cmp(&b.x));
        self.s.dedup_by(|a, b| a.x == b.x);
    }

    /// Drops NaN samples that are mere overflow: their inward neighbour already has an energy above 1e30 (inf - inf).
    /// Returns the first that is not.
    pub fn drop_overflow(&mut self) -> Option<Sample> {
        if !self.s.iter().any(|s| s.ell.is_nan()) {
            return None;
        }
        // Beyond 1e100 NaN is overflow whatever its neighbour (0 * inf): the line ends there.
        for s in self.s.iter().filter(|s| s.ell.is_nan() && s.x.abs() > 1e100) {
            self.overflow = Some(self.overflow.map_or(s.x.abs(), |o| o.min(s.x.abs())));
        }
        self.s.retain(|s| !(s.ell.is_nan() && s.x.abs() > 1e100));
        let vanishing = |s: &Sample| s.ell < -1e30;
        let (mut first, mut last) = (0, self.s.len());
        while first < last && self.s[first].ell.is_nan() && self.s[first].x.abs() > 100.0 {
            first += 1;
        }
        while last > first && self.s[last - 1].ell.is_nan() && self.s[last - 1].x.abs() > 100.0 {
            last -= 1;
        }
        if let Some(bad) = self.s[first..last].iter().find(|s| s.ell.is_nan()) {
            return Some(*bad);
        }
        if first > 0 && (first == last || !vanishing(&self.s[first])) {
            return Some(self.s[first - 1]);
        }
        if last < self.s.len() && !vanishing(&self.s[last - 1]) {
            return Some(self.s[last]);
        }
        self.s.truncate(last);
        self.s.drain(..first);
        None
    }

    fn far(&self) -> f64 {
        self.overflow.unwrap_or(FAR)
    }

    /// The sample with the largest l.
    pub fn best(&self) -> Sample {
        let mut best = Sample { x: f64::NAN, ell: f64::NEG_INFINITY, note: 0 };
        for s in &self.s {
            if s.ell > best.ell || best.x.is_nan() {
                best = *s;
            }
        }
        best
    }

    /// Log of the integral by the trapezoidal rule over the samples: crude, but never blind to a sampled peak.
    pub fn crude(&self) -> f64 {
        let top = self.best().ell;
        if !top.is_finite() {
            return top;
        }
        // Relative to the heaviest cell, not to the highest sample: a singular end is high but light.
        let heavy = |c: &[Sample]| c[0].ell.max(c[1].ell) + (c[1].x - c[0].x).ln();
        let heaviest = self.s.windows(2).map(heavy).fold(f64::NEG_INFINITY, f64::max);
        let mut sum = 0.0;
        for c in self.s.windows(2) {
            if c[0].ell.max(c[1].ell) > heaviest - 750.0 && heavy(c) > heaviest - 50.0 {
                sum += 0.5 * ((c[0].ell - heaviest).exp() + (c[1].ell - heaviest).exp()) * (c[1].x - c[0].x);
            }
        }
        heaviest + sum.ln()
    }

    /// Where the energy jumps to infinity between finite values, or next to an infinite end from a value that is not large
    /// itself: the last x where it is finite, and the first beyond where it is finite again (or the end).
    pub fn gap(&self, support: Support) -> Option<(f64, f64)> {
        let top = self.best().ell;
        let vanishes = |s: &Sample| s.ell == f64::NEG_INFINITY;
        let is_jump = |s: &Sample| s.ell > top - JUMP;
        let (first, last) = (self.s.iter().position(|s| !vanishes(s))?, self.s.iter().rposition(|s| !vanishes(s))?);
        let inner = &self.s[first..=last];
        if let Some(from) = inner.windows(2).position(|w| vanishes(&w[1]) && is_jump(&w[0])) {
            let to = inner[from + 1..].iter().find(|s| !vanishes(s)).map_or(support.upper(), |s| s.x);
            return Some((inner[from].x, to));
        }
        if support.upper() == f64::INFINITY && last + 1 < self.s.len() && is_jump(&self.s[last]) {
            return Some((self.s[last].x, f64::INFINITY));
        }
        let at_lower = support.lower() == f64::NEG_INFINITY && first > 0 && is_jump(&self.s[first]);
        at_lower.then(|| (f64::NEG_INFINITY, self.s[first].x))
    }

    /// Positions to evaluate next; none when the line is understood. Peaks are resolved for at most `limits` rounds and
    /// samples. `floor` is a value of l that does not matter any more.
    pub fn wants(&mut self, support: Support, floor: f64, n_hull: usize, limits: (u32, usize), out: &mut Vec<f64>) {
        out.clear();
        let top = self.best().ell;
        if !top.is_finite() || self.rounds >= MAX_ROUNDS {
            return;
        }
        let total = self.crude();
        for upper in [false, true] {
            if self.end(support, upper, total) == End::Open {
                self.extend(support, upper, out);
            }
        }
        if self.rounds < limits.0 && self.s.len() < limits.1 {
            self.unresolved_peaks(top.max(floor), out);
        }
        if out.is_empty() && !self.hull_done && total > floor {
            self.hull_done = true;
            self.split_hull(top, n_hull, out);
        }
        self.rounds += 1;
    }

    /// Peaks that drop by more than 3 to a neighbour may hide a much higher top, by several times that drop where two narrow ones
    /// share a cell: 4 more points on either side.
    fn unresolved_peaks(&self, top: f64, out: &mut Vec<f64>) {
        let s = &self.s;
        for i in 0..s.len() {
            let here = s[i].ell;
            let drop_left = if i > 0 { here - s[i - 1].ell } else { 0.0 };
            let drop_right = if i + 1 < s.len() { here - s[i + 1].ell } else { 0.0 };
            let drop = drop_left.max(drop_right);
            if !(drop_left >= 0.0 && drop_right >= 0.0 && drop > 3.0 + 64.0 * f64::EPSILON * here.abs())
                || here == f64::NEG_INFINITY
            {
                continue;
            }
            // Next to where the density vanishes nothing says how high a peak may rise.
            if drop == f64::INFINITY && self.rounds > 6 || here + 8.0 * drop < top - 50.0 {
                continue;
            }
            for j in [i.wrapping_sub(1), i] {
                let (Some(a), Some(b)) = (s.get(j), s.get(j.wrapping_add(1))) else { continue };
                let w = (b.x - a.x) / 5.0;
                if w > 32.0 * f64::EPSILON * a.x.abs().max(b.x.abs()) {
                    out.extend((1..5).map(|k| a.x + w * k as f64));
                }
            }
        }
    }

    /// Cells wider than 1/n of the region that holds the mass are cut, so that no mode hides between samples.
    fn split_hull(&self, top: f64, n: usize, out: &mut Vec<f64>) {
        let s = &self.s;
        let inside = |s: &Sample| s.ell > top - 40.0;
        let (Some(lo), Some(hi)) = (s.iter().position(inside), s.iter().rposition(inside)) else { return };
        let (lo, hi) = (lo.saturating_sub(1), (hi + 1).min(s.len() - 1));
        let widest = (s[hi].x - s[lo].x) / n as f64;
        for i in lo..hi {
            let w = s[i + 1].x - s[i].x;
            let pieces = (w / widest).ceil().min(n as f64) as usize;
            if pieces > 1 && w > 1e-10 * s[i].x.abs() {
                out.extend((1..pieces).map(|k| s[i].x + w * k as f64 / pieces as f64));
            }
        }
    }

    /// Panels that hold all but a share `exp(log_cut)` of the mass; l changes by about `max_drop` over each.
    pub fn panels(&self, support: Support, log_cut: f64, max_drop: f64) -> Vec<(f64, f64)> {
        let (mut x, mut l): (Vec<f64>, Vec<f64>) = self.s.iter().map(|s| (s.x, s.ell)).unzip();
        if x.is_empty() {
            return Vec::new();
        }
        let total = self.crude();
        // Power-law ends need panels of bounded ratio; elsewhere the change of l decides.
        let slow = [false, true].map(|upper| {
            let finite = if upper { support.upper() } else { support.lower() }.is_finite();
            self.end_samples(support, upper).is_some_and(|[(z0, l0), (z1, l1)]| {
                let power = (l0 - l1) / (z0.ln() - z1.ln());
                if finite { power.abs() > 1e-2 && power < 20.0 } else { power > -20.0 }
            })
        });
        let origin = [support.lower(), support.upper()].map(|e| if e.is_finite() { e } else { 0.0 });
        if support.lower().is_finite() {
            x.insert(0, support.lower());
            l.insert(0, l[0]);
        }
        if support.upper().is_finite() {
            x.push(support.upper());
            l.push(l[l.len() - 1]);
        }
        let n = x.len();
        let mass = |i: usize| (l[i].max(l[i + 1]) - total + (x[i + 1] - x[i]).ln()).exp();
        let cut = log_cut.exp();
        let (mut lo, mut hi) = (0, n - 1);
        let mut left_out = mass(0);
        while lo + 1 < n - 1 && left_out < cut {
            lo += 1;
            left_out += mass(lo);
        }
        left_out = mass(n - 2);
        while hi > lo + 1 && left_out < cut {
            hi -= 1;
            left_out += mass(hi - 1);
        }
        let mut panels = Vec::new();
        let mut start = lo;
        let (mut low, mut high) = (l[lo], l[lo]);
        for i in lo + 1..=hi {
            let (new_low, new_high) = (low.min(l[i]), high.max(l[i]));
            let log_mass = new_high - total + (x[i] - x[start]).ln();
            let limit = max_drop + 0.3 * (-8.0 - log_mass).max(0.0);
            let drop = if new_high == f64::NEG_INFINITY { 0.0 } else { new_high - new_low };
            let mut ratio = 1.0f64;
            for side in 0..2 {
                if slow[side] {
                    let (near, far) = ((x[start] - origin[side]).abs(), (x[i] - origin[side]).abs());
                    ratio = ratio.max(near.max(far) / near.min(far));
                }
            }
            let crosses_zero = x[start] < 0.0 && x[i] > 0.0;
            if i > start + 1 && (drop > limit || ratio > 3.0 || crosses_zero) {
                panels.push((x[start], x[i - 1]));
                start = i - 1;
                (low, high) = (l[start].min(l[i]), l[start].max(l[i]));
            } else {
                (low, high) = (new_low, new_high);
            }
        }
        panels.push((x[start], x[hi]));
        // Zero is where hand-written energies have their kinks and singularities.
        if let Some(k) = panels.iter().position(|(a, b)| *a < 0.0 && *b > 0.0) {
            let (a, b) = panels[k];
            panels[k] = (a, 0.0);
            panels.insert(k + 1, (0.0, b));
        }
        panels
    }
}
