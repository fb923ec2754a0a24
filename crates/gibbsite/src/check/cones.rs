//! Coupled coordinates: the growth of an energy over all directions at once.
//!
//! Every point far out is `x_i = t^(w_i) u_i` with u on the surface of the unit cube. The surface is cut into boxes; a box
//! is settled when the bounds of E over it decide whether exp(-E) is integrable there. All boxes settled in favour prove
//! that Z is finite (with E bounded below on bounded sets); one settled against proves that it is not.

use super::Verdict;
use super::asymptotic::{Bound, Interval};
use super::facts::{Facts, facts};
use super::growth::{Evaluator, Tail, describe, falling, tail};
use super::prove::{View, locally};
use crate::energy::formula::graph::Id;
use crate::energy::formula::groups::{coordinates, terms};
use crate::points::Support;

/// Node evaluations one cover of the sphere may cost.
const BUDGET: usize = 60_000;
/// Node evaluations of the first, quick cover.
const QUICK: usize = 20_000;
/// Narrowest box.
const MIN_WIDTH: f64 = 1.0 / 512.0;

/// Decides a group of two or more coupled coordinates, at least one of which (`open`) is unbounded.
pub fn decide(view: View<'_>, variables: &[usize], open: &[usize], root: Id, f: Facts) -> Verdict {
    let mut view = view;
    if f.defined
        && let Some(verdict) = quadratic(&mut view, variables, root, f)
    {
        return verdict;
    }
    let local = locally(f);
    if local.is_none()
        && let Some(verdict) = drop_couplings(&mut view, open, root)
    {
        return verdict;
    }
    let graph = &*view.graph;
    let mut search = Search {
        evaluator: Evaluator::new(graph, root),
        supports: view.supports,
        open,
        closed: variables.iter().copied().filter(|j| !open.contains(j)).collect(),
    };
    let ones = vec![1.0; open.len()];
    let quick = search.cover(&ones, QUICK);
    if let (Cover::Proved(low), None) = (&quick, &local) {
        return grows(&view, open, low);
    }
    if !f.defined {
        return Verdict::unproven(&local.unwrap_or_default());
    }
    let cone = match quick {
        Cover::Refuted(direction, hi) => Some((direction, hi, 1.0)),
        _ => None,
    };
    // The sharper of the two; simple directions first.
    let simple = search.refute();
    let sharper = match (simple, cone) {
        (Some(a), Some(b)) => Some(if b.1.compare(&a.1).is_lt() { b } else { a }),
        (a, b) => a.or(b),
    };
    if let Some((direction, hi, width)) = sharper {
        return falls(&view, direction, &hi, width);
    }
    if let Some(reason) = local {
        return Verdict::unproven(&reason);
    }
    let mut weights = vec![ones.clone()];
    if open.len() <= 3 {
        for k in 0..open.len() {
            for w in [0.5, 2.0] {
                let mut v = ones.clone();
                v[k] = w;
                weights.push(v);
            }
        }
    }
    let tries = weights.iter().map(|w| (w, QUICK)).skip(1).chain([(&ones, BUDGET)]);
    for (w, budget) in tries {
        match search.cover(w, budget) {
            Cover::Proved(low) => return grows(&view, open, &low),
            Cover::Refuted(direction, hi) => return falls(&view, direction, &hi, 1.0),
            Cover::Open => {}
        }
    }
    Verdict::unproven(&format!("no proof that the energy grows in every direction of {}", list(&view, open)))
}

fn list(view: &View<'_>, variables: &[usize]) -> String {
    let shown: Vec<&str> = variables.iter().take(4).map(|j| view.names[*j].as_str()).collect();
    format!("({}{})", shown.join(", "), if variables.len() > 4 { ", ..." } else { "" })
}

fn grows(view: &View<'_>, open: &[usize], low: &Bound) -> Verdict {
    let rate = describe(low, "r");
    Verdict::yes(&format!("the energy grows at least like {rate} in every direction of {}", list(view, open)))
}

fn falls(view: &View<'_>, direction: Vec<f64>, hi: &Bound, width: f64) -> Verdict {
    let rate = falling(hi, "r");
    let region = match width {
        1.0 => "in a cone around it",
        0.0 => "in a tube around it",
        _ => "in a narrowing neighbourhood of infinite weight",
    };
    view.no(direction, format!("along a direction the energy {rate}, {region}"))
}

/// A quadratic form is integrable if and only if it is positive definite.
fn quadratic(view: &mut View<'_>, variables: &[usize], root: Id, f: Facts) -> Option<Verdict> {
    let n = variables.len();
    if n > 256 || !variables.iter().all(|&j| view.supports[j] == Support::Real) || !f.below {
        return None;
    }
    let form = super::polynomial::quadratic_form(view.graph, root, variables)?;
    let matrix = faer::Mat::from_fn(n, n, |i, j| form[i * n + j]);
    let eigen = matrix.self_adjoint_eigen(faer::Side::Lower).ok()?;
    let values: Vec<f64> = eigen.S().column_vector().iter().copied().collect();
    let k = (0..n).min_by(|&a, &b| values[a].total_cmp(&values[b]))?;
    let top = values.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    if values[k] > 1e-13 * top * n as f64 {
        return Some(Verdict::yes("the energy is a positive definite quadratic form"));
    }
    let mut direction = vec![0.0; view.supports.len()];
    // Entries that are zero but for rounding are shown as zero; the sign is the one that falls, or the first positive.
    for (i, &j) in variables.iter().enumerate() {
        let v = eigen.U()[(i, k)];
        direction[j] = if v.abs() < 1e-12 { 0.0 } else { v };
    }
    if direction.iter().find(|v| **v != 0.0).is_some_and(|v| *v < 0.0) {
        direction.iter_mut().for_each(|v| *v = -*v);
    }
    let how = if values[k] < -1e-13 * top * n as f64 { "falls without bound" } else { "does not grow" };
    Some(view.no(direction, format!("the energy is quadratic and {how} along a direction")))
}

/// exp(-E) is at most a constant times a product over coordinates if all coupling terms are bounded below.
fn drop_couplings(view: &mut View<'_>, open: &[usize], root: Id) -> Option<Verdict> {
    let all = facts(view.graph, root, view.supports);
    let mut alone: std::collections::HashMap<usize, Vec<Id>> = Default::default();
    for t in terms(view.graph, root) {
        match coordinates(view.graph, t)[..] {
            [j] => alone.entry(j).or_default().push(t),
            _ => {
                let known = all.get(t as usize).copied().filter(|f| f.defined);
                let f = known.unwrap_or_else(|| facts(view.graph, t, view.supports)[t as usize]);
                if f.lo.is_nan() || f.lo == f64::NEG_INFINITY || !f.defined {
                    return None;
                }
            }
        }
    }
    let mut x = vec![Interval::constant(0.0); view.supports.len()];
    let mut slowest: Option<Bound> = None;
    for j in open {
        let own = alone.get(j)?;
        let sum = view.graph.sum(own);
        if locally(facts(view.graph, sum, view.supports)[sum as usize]).is_some() {
            return None;
        }
        let mut evaluator = Evaluator::new(view.graph, sum);
        for (sign, end) in [(1.0, view.supports[*j].upper()), (-1.0, view.supports[*j].lower())] {
            if end.is_infinite() {
                x[*j] = Interval::power(1.0, sign, sign);
                let e = evaluator.value(&x);
                if tail(&e, 1.0) != Tail::Converges {
                    return None;
                }
                if slowest.as_ref().is_none_or(|s| e.lo.compare(s).is_lt()) {
                    slowest = Some(e.lo);
                }
            }
        }
        x[*j] = Interval::constant(0.0);
    }
    let rate = slowest.map_or(String::new(), |s| describe(&s, "|x_j|"));
    // Coordinates on a bounded interval contribute terms that are bounded below there.
    for (j, own) in &alone {
        if !open.contains(j) {
            let sum = view.graph.sum(own);
            let f = facts(view.graph, sum, view.supports)[sum as usize];
            if locally(f).is_some() {
                return None;
            }
        }
    }
    Some(Verdict::yes(&format!(
        "the terms of single coordinates grow at least like {rate} in {} and those that couple them are bounded below",
        list(view, open)
    )))
}

enum Cover {
    /// The slowest growth found.
    Proved(Bound),
    Refuted(Vec<f64>, Bound),
    Open,
}

struct Search<'a> {
    evaluator: Evaluator<'a>,
    supports: &'a [Support],
    open: &'a [usize],
    closed: Vec<usize>,
}

/// A box of directions: one open coordinate at +-1, the others (and the bounded coordinates) in ranges.
struct Cell {
    face: usize,
    sign: f64,
    open: Vec<(f64, f64)>,
    closed: Vec<(f64, f64)>,
}

impl Search<'_> {
    fn signs(&self, j: usize) -> (f64, f64) {
        let s = self.supports[j];
        let lower = if s.lower().is_finite() { 0.0 } else { -1.0 };
        let upper = if s.upper().is_finite() { 0.0 } else { 1.0 };
        (lower, upper)
    }

    fn finite_end(&self, j: usize) -> f64 {
        let s = self.supports[j];
        [s.lower(), s.upper()].into_iter().find(|e| e.is_finite()).unwrap_or(0.0)
    }

    fn cover(&mut self, w: &[f64], budget: usize) -> Cover {
        let total: f64 = w.iter().sum();
        let mut stack = Vec::new();
        for (face, &j) in self.open.iter().enumerate() {
            let (low, high) = self.signs(j);
            for sign in [-1.0, 1.0] {
                if sign >= low && sign <= high {
                    let open = self.open.iter().map(|&j| self.signs(j)).collect();
                    let closed =
                        self.closed.iter().map(|&j| (self.supports[j].lower(), self.supports[j].upper())).collect();
                    stack.push(Cell { face, sign, open, closed });
                }
            }
        }
        let mut left = budget / self.evaluator.n_nodes().max(1);
        let mut slowest: Option<Bound> = None;
        let mut unsettled = false;
        let mut x = vec![Interval::constant(0.0); self.supports.len()];
        while let Some(cell) = stack.pop() {
            if left == 0 {
                return Cover::Open;
            }
            left -= 1;
            for (k, &j) in self.open.iter().enumerate() {
                let (lo, hi) = if k == cell.face { (cell.sign, cell.sign) } else { cell.open[k] };
                let far = Interval::power(w[k], lo, hi);
                let offset = self.finite_end(j);
                x[j] = if offset == 0.0 { far } else { far.add(&Interval::constant(offset)) };
            }
            for (&j, &(lo, hi)) in self.closed.iter().zip(&cell.closed) {
                x[j] = Interval::between(lo, hi);
            }
            let e = self.evaluator.value(&x);
            match tail(&e, total) {
                Tail::Converges => {
                    if slowest.as_ref().is_none_or(|s| e.lo.compare(s).is_lt()) {
                        slowest = Some(e.lo);
                    }
                }
                Tail::Diverges => {
                    if w.iter().any(|w| *w != 1.0) {
                        // A curved cone has no direction of its own; leave it to the others.
                        return Cover::Open;
                    }
                    let mut v = vec![0.0; self.supports.len()];
                    for (k, &j) in self.open.iter().enumerate() {
                        v[j] = if k == cell.face { cell.sign } else { 0.5 * (cell.open[k].0 + cell.open[k].1) };
                    }
                    return Cover::Refuted(v, e.hi);
                }
                Tail::Open => match split(cell) {
                    Some((a, b)) => stack.extend([a, b]),
                    None => unsettled = true,
                },
            }
        }
        match slowest {
            Some(low) if !unsettled => Cover::Proved(low),
            _ => Cover::Open,
        }
    }

    /// Looks for a simple direction with a neighbourhood of infinite weight: `x = t v + t^w [-1, 1]`, of volume
    /// `t^((n-1) w) dt`. Returns the one in which the energy is lowest.
    fn refute(&mut self) -> Option<(Vec<f64>, Bound, f64)> {
        let n = self.open.len();
        let mut directions: Vec<Vec<f64>> = Vec::new();
        for k in 0..n.min(64) {
            for sign in [1.0, -1.0] {
                let mut v = vec![0.0; n];
                v[k] = sign;
                directions.push(v);
            }
        }
        if n == 3 {
            for bits in 0..8 {
                directions.push((0..3).map(|k| if bits >> k & 1 == 0 { 1.0 } else { -1.0 }).collect());
            }
        }
        if n <= 6 {
            for a in 0..n {
                for b in a + 1..n {
                    for (p, q) in [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)] {
                        let mut v = vec![0.0; n];
                        (v[a], v[b]) = (p, q);
                        directions.push(v);
                    }
                }
            }
        }
        let mut x = vec![Interval::constant(0.0); self.supports.len()];
        for &j in &self.closed {
            x[j] = Interval::between(self.supports[j].lower(), self.supports[j].upper());
        }
        let mut best: Option<(Vec<f64>, Bound, f64)> = None;
        for v in directions {
            let fits = self.open.iter().zip(&v).all(|(&j, v)| {
                let (low, high) = self.signs(j);
                (low..=high).contains(v)
            });
            if !fits {
                continue;
            }
            let main = v.iter().position(|a| *a != 0.0)?;
            for w in [1.0, 0.0, -0.5, -1.0, -2.0] {
                let width = if w == 1.0 { 1.0 / 32.0 } else { 1.0 };
                for (k, &j) in self.open.iter().enumerate() {
                    let along = Interval::power(1.0, v[k], v[k]);
                    // Stay on the support of half-bounded coordinates.
                    let (low, high) = self.signs(j);
                    let spread = (
                        if low == 0.0 && v[k] == 0.0 { 0.0 } else { -width },
                        if high == 0.0 && v[k] == 0.0 { 0.0 } else { width },
                    );
                    let around = Interval::power(w, spread.0, spread.1);
                    x[j] = if k == main { along } else { along.add(&around) };
                    let offset = self.finite_end(j);
                    if offset != 0.0 {
                        x[j] = x[j].add(&Interval::constant(offset));
                    }
                }
                let e = self.evaluator.value(&x);
                if tail(&e, 1.0 + (n as f64 - 1.0) * w) == Tail::Diverges {
                    if best.as_ref().is_none_or(|b| e.hi.compare(&b.1).is_lt()) {
                        let mut full = vec![0.0; self.supports.len()];
                        self.open.iter().zip(&v).for_each(|(&j, v)| full[j] = *v);
                        best = Some((full, e.hi, w));
                    }
                    break;
                }
            }
        }
        best
    }
}

/// Halves the widest range.
fn split(cell: Cell) -> Option<(Cell, Cell)> {
    let n_open = cell.open.len();
    let width = |k: usize| {
        if k == cell.face {
            0.0
        } else if k < n_open {
            cell.open[k].1 - cell.open[k].0
        } else {
            // Bounded coordinates count relative to their size.
            let (lo, hi) = cell.closed[k - n_open];
            (hi - lo) / (1.0 + lo.abs().max(hi.abs()))
        }
    };
    let k = (0..n_open + cell.closed.len()).max_by(|&a, &b| width(a).total_cmp(&width(b)))?;
    if width(k) < MIN_WIDTH {
        return None;
    }
    let half = |upper: bool| {
        let mut open = cell.open.clone();
        let mut closed = cell.closed.clone();
        let range = if k < n_open { &mut open[k] } else { &mut closed[k - n_open] };
        let middle = 0.5 * (range.0 + range.1);
        if upper {
            range.0 = middle
        } else {
            range.1 = middle
        }
        Cell { face: cell.face, sign: cell.sign, open, closed }
    };
    Some((half(false), half(true)))
}
