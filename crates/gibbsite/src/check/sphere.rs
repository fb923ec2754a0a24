//! All directions at once: the surface of the unit cube, cut into boxes until each is settled.

use super::asymptotic::{Bound, Interval};
use super::evaluate::Evaluator;
use super::growth::{Tail, tail};
use crate::energy::formula::graph::{Graph, Id};
use crate::points::Support;

/// Narrowest box.
const MIN_WIDTH: f64 = 1.0 / 512.0;

/// What a cover of all directions says.
pub enum Cover {
    /// exp(-E) is integrable in all; the slowest growth found.
    Proved(Bound),
    /// It is not in a cone around this direction, where the energy is at most that.
    Refuted(Vec<f64>, Bound),
    /// Undecided.
    Open,
}

/// An energy with the coordinates that are looked at.
pub struct Search<'a> {
    pub evaluator: Evaluator<'a>,
    pub supports: &'a [Support],
    /// Unbounded coordinates.
    pub open: &'a [usize],
    /// Bounded ones.
    pub closed: Vec<usize>,
}

/// A box of directions: one open coordinate at +-1, the others (and the bounded coordinates) in ranges.
struct Cell {
    face: usize,
    sign: f64,
    open: Vec<(f64, f64)>,
    closed: Vec<(f64, f64)>,
}

impl<'a> Search<'a> {
    pub fn new(graph: &'a Graph, root: Id, supports: &'a [Support], variables: &[usize], open: &'a [usize]) -> Self {
        let closed = variables.iter().copied().filter(|j| !open.contains(j)).collect();
        Self { evaluator: Evaluator::new(graph, root), supports, open, closed }
    }

    /// The directions that coordinate j can go for ever: between -1 and 1.
    pub fn signs(&self, j: usize) -> (f64, f64) {
        let s = self.supports[j];
        let lower = if s.lower().is_finite() { 0.0 } else { -1.0 };
        let upper = if s.upper().is_finite() { 0.0 } else { 1.0 };
        (lower, upper)
    }

    /// The finite end of a half-line, else 0.
    pub fn finite_end(&self, j: usize) -> f64 {
        let s = self.supports[j];
        [s.lower(), s.upper()].into_iter().find(|e| e.is_finite()).unwrap_or(0.0)
    }

    /// Covers all directions, with `x_i = t^(w_i) u_i`; `budget` is in evaluations of nodes.
    pub fn cover(&mut self, w: &[f64], budget: usize) -> Cover {
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
