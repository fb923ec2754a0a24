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
    /// Log of the integral relative to `top`.
    pub top: f64,
    pub k: f64,
    /// Error of the rule and error inherited from inner lines, same units as `k`.
    err: f64,
    inherited: f64,
    log_raw: f64,
    splittable: bool,
}

/// Applies the rule to l at the 21 nodes of `[lo, hi]`; `parent_log_raw` is NaN for a panel that was not halved from another.
pub(crate) fn make_panel(lo: f64, hi: f64, ell: &[f64], inner: Vec<Line>, parent_log_raw: f64, collect: bool) -> Panel {
    let h = 0.5 * (hi - lo);
    let s = rule::sums(ell, h);
    let log_raw = s.raw.ln() + s.top;
    // Bisection gains a factor 2^20 where the integrand is smooth, but only 4 or so at a kink: believe the small error
    // estimate of smooth panels only where the gain was seen.
    let smooth = parent_log_raw.is_nan() || log_raw < parent_log_raw - 4.0;
    let err = if smooth { rule::smooth_error(s.raw, s.spread) } else { s.raw };
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
    let splittable = err > rounding && s.raw > 2.0 * inherited && !too_narrow;
    let mut fixed = [0.0; N];
    fixed.copy_from_slice(ell);
    Panel {
        lo,
        hi,
        ell: fixed,
        inner: if collect { inner } else { Vec::new() },
        top: s.top,
        k: s.k,
        err: err.max(0.5 * rounding),
        inherited,
        log_raw,
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
    pending: &mut Vec<(u32, f64, f64, f64)>,
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
    if error <= tol * total || stop {
        return;
    }
    // Halve the worst panels until what the others contribute is well below the tolerance.
    let mut order: Vec<usize> = (0..line.panels.len()).collect();
    order.sort_by(|a, b| {
        let (pa, pb) = (&line.panels[*a], &line.panels[*b]);
        (pb.err * scale(pb)).total_cmp(&(pa.err * scale(pa))).then(pa.lo.total_cmp(&pb.lo))
    });
    let mut rest = error;
    let mut halve = vec![false; line.panels.len()];
    for k in order {
        if rest <= 0.25 * tol * total {
            break;
        }
        let p = &line.panels[k];
        rest -= p.err * scale(p);
        if p.splittable {
            halve[k] = true;
        }
    }
    let mut k = 0;
    line.panels.retain(|p| {
        k += 1;
        if halve[k - 1] {
            let mid = 0.5 * (p.lo + p.hi);
            pending.push((i, p.lo, mid, p.log_raw));
            pending.push((i, mid, p.hi, p.log_raw));
        }
        !halve[k - 1]
    });
}
