//! Panels: the 21-point rule on a piece of a line, its error, and the choice of the panels to halve.

use super::lines::Line;
use super::rule::{self, KRONROD, N};

/// 21 nodes on `[lo, hi]`.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    pub lo: f64,
    pub hi: f64,
    /// l at the nodes.
    pub ell: [f64; N],
    /// Inner lines at the nodes, empty at the last level.
    pub inner: Vec<Line>,
    /// The integral is `k exp(top)`.
    pub top: f64,
    pub k: f64,
    /// Mean and variance of the energy over the panel under exp(-E).
    energy: Spread,
    /// Errors of the two, those of the inner lines included.
    energy_error: Spread,
    /// Error of the rule and error inherited from inner lines, same units as `k`.
    err: f64,
    inherited: f64,
    /// The error that decides about halving: that of the mean energy counts too, at its own tolerance.
    need: f64,
    splittable: bool,
}

/// Mean and variance of the energy.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spread {
    pub mean: f64,
    pub variance: f64,
}

impl Spread {
    /// That of a mixture of parts with these weights, of any sum. Deviations are taken from the mean, so that an offset of the
    /// energy does not cancel.
    fn of_mixture(parts: impl Iterator<Item = (f64, Spread)> + Clone) -> Self {
        let live = || parts.clone().filter(|(w, _)| *w > 0.0);
        let total: f64 = live().map(|(w, _)| w).sum();
        let Some((_, first)) = live().next() else { return Self::default() };
        let mean = first.mean + live().map(|(w, s)| w * (s.mean - first.mean)).sum::<f64>() / total;
        let variance = live().map(|(w, s)| w * (s.variance + (s.mean - mean).powi(2))).sum::<f64>() / total;
        Self { mean, variance }
    }
}

/// Errors of the mean and the variance of the energy on a line of integral `total`: those of its panels, what errors of their
/// masses move, and what the tail that was cut off would move; on lines of other coordinates than the last, l stands for -E there.
fn energy_error(line: &Line, total: f64, scale: impl Fn(&Panel) -> f64, is_last: bool) -> Spread {
    let Spread { mean, variance } = line.energy;
    let mut error = Spread::default();
    for p in &line.panels {
        let off = (p.energy.mean - mean).abs();
        // Next to a singularity the scale alone may overflow.
        let (mass, of_mass) = (p.k * scale(p) / total, (p.err + p.inherited) * scale(p) / total);
        error.mean += mass * p.energy_error.mean + of_mass * off;
        error.variance += mass * (p.energy_error.variance + 2.0 * off * p.energy_error.mean)
            + of_mass * (p.energy.variance + off * off - variance).abs();
    }
    let best = line.panels.iter().map(|p| p.top).fold(f64::NEG_INFINITY, f64::max);
    let at_best = if is_last { -best - mean } else { 0.0 };
    let off = line.tail.above + at_best;
    let share = line.tail.share / (1.0 + line.tail.share);
    error.mean += share * off.abs() + f64::EPSILON * mean.abs();
    error.variance += share * (off * off + line.tail.spread.powi(2)) + f64::EPSILON * variance;
    error
}

/// How much less an error of the mean energy weighs than one of log Z.
const MOMENT_TOLERANCE: f64 = 1e-4;

/// Applies the rule to l at the 21 nodes of `[lo, hi]` and at its ends.
pub(crate) fn make_panel(lo: f64, hi: f64, ell: &[f64], ends: [f64; 2], inner: Vec<Line>, collect: bool) -> Panel {
    let h = 0.5 * (hi - lo);
    let s = rule::sums(ell, ends, h);
    let err = s.err;
    let mut inherited = 0.0;
    for (i, l) in inner.iter().enumerate() {
        if l.rel_err.is_finite() && ell[i] > s.top - 50.0 {
            inherited += KRONROD[i] * (ell[i] - s.top).exp() * l.rel_err * h;
        }
    }
    let magnitude = ell.iter().filter(|l| l.is_finite()).fold(0.0f64, |m, l| m.max(l.abs().min(s.top.abs() + 50.0)));
    // Rounding of E, and of the position times the slope of E.
    let drop = ell.iter().filter(|l| **l > s.top - 50.0).fold(0.0f64, |m, l| m.max(s.top - l));
    let of_x = 0.5 * lo.abs().max(hi.abs()) * drop / (hi - lo);
    let rounding = s.k * f64::EPSILON * (2.0 + 2.0 * magnitude + of_x);
    let too_narrow = hi - lo <= 64.0 * f64::EPSILON * lo.abs().max(hi.abs());
    let mut fixed = [0.0; N];
    fixed.copy_from_slice(ell);
    let at_node = |i: usize| inner.get(i).map_or(Spread { mean: -fixed[i], variance: 0.0 }, |line| line.energy);
    let energy = Spread::of_mixture((0..N).map(|i| (KRONROD[i] * (fixed[i] - s.top).exp(), at_node(i))));
    // exp(-E) may be known to the last digit where E is not: on lines whose integrals happen to be equal.
    let weight = |i: usize| (fixed[i] - s.top).exp();
    // Where p vanishes so does all that is weighted by it, also an infinite energy.
    let weighted = |i: usize, v: f64| if weight(i) > 0.0 { weight(i) * v } else { 0.0 };
    let deviation = std::array::from_fn(|i| weighted(i, at_node(i).mean - energy.mean));
    let square = std::array::from_fn(|i| {
        let node = at_node(i);
        weighted(i, node.variance + (node.mean - energy.mean).powi(2) - energy.variance)
    });
    let of_mean = rule::error(&deviation, h);
    let need = err.max(MOMENT_TOLERANCE * of_mean);
    let of_inner = |f: fn(&Spread) -> f64| {
        inner.iter().enumerate().map(|(i, l)| KRONROD[i] * weighted(i, f(&l.energy_error))).sum::<f64>() * h
    };
    let per_mass = |error: f64| if s.k > 0.0 { error / s.k } else { 0.0 };
    let energy_error = Spread {
        mean: per_mass(of_mean + of_inner(|e| e.mean)),
        variance: per_mass(rule::error(&square, h) + of_inner(|e| e.variance)),
    };
    let splittable = need > rounding && s.rough.max(need) > 2.0 * inherited && !too_narrow;
    Panel {
        lo,
        hi,
        ell: fixed,
        energy,
        energy_error,
        inner: if collect { inner } else { Vec::new() },
        top: s.top,
        k: s.k,
        err: err.max(0.5 * rounding),
        inherited,
        need,
        splittable,
    }
}

/// Sums the panels of a line; moves those that must be halved to `pending`.
pub(crate) fn select(
    i: u32,
    line: &mut Line,
    tol: f64,
    tail: f64,
    stop: bool,
    is_last: bool,
    pending: &mut Vec<(u32, f64, f64)>,
) {
    let top = line.panels.iter().map(|p| p.top).fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY {
        line.log_z = top;
        return;
    }
    let scale = |p: &Panel| (p.top - top).exp();
    let total: f64 = line.panels.iter().map(|p| p.k * scale(p)).sum();
    let error: f64 = line.panels.iter().map(|p| p.err * scale(p)).sum();
    let inherited: f64 = line.panels.iter().map(|p| p.inherited * scale(p)).sum();
    line.log_z = top + total.ln();
    line.rel_err = (error + inherited) / total + tail;
    line.energy = Spread::of_mixture(line.panels.iter().map(|p| (p.k * scale(p), p.energy)));
    line.energy_error = energy_error(line, total, scale, is_last);
    let needed: f64 = line.panels.iter().map(|p| p.need * scale(p)).sum();
    if needed <= tol * total || stop {
        return;
    }
    // Halve the worst panels until what the others contribute is well below the tolerance.
    let mut order: Vec<usize> = (0..line.panels.len()).collect();
    order.sort_by(|a, b| {
        let (pa, pb) = (&line.panels[*a], &line.panels[*b]);
        (pb.need * scale(pb)).total_cmp(&(pa.need * scale(pa))).then(pa.lo.total_cmp(&pb.lo))
    });
    let mut rest = needed;
    let mut halve = vec![false; line.panels.len()];
    for k in order {
        if rest <= 0.25 * tol * total {
            break;
        }
        let p = &line.panels[k];
        rest -= p.need * scale(p);
        if p.splittable {
            halve[k] = true;
        }
    }
    let mut k = 0;
    line.panels.retain(|p| {
        k += 1;
        if halve[k - 1] {
            let mid = 0.5 * (p.lo + p.hi);
            pending.push((i, p.lo, mid));
            pending.push((i, mid, p.hi));
        }
        !halve[k - 1]
    });
}
