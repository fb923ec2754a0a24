//! Single directions and their neighbourhoods: cones, tubes and cusps.

use super::asymptotic::{Bound, Interval};
use super::growth::{Tail, moments, tail};
use super::prove::lower_limit;
use super::sphere::Search;

/// A direction with a neighbourhood in which exp(-E) is not integrable.
pub struct Falling {
    pub direction: Vec<f64>,
    /// Upper bound of the energy there.
    pub hi: Bound,
    /// The neighbourhood is as wide as t to this power.
    pub width: f64,
}

impl Search<'_> {
    /// Looks for a simple direction with a neighbourhood of infinite weight: `x = t v + t^w [-1, 1]`, of volume
    /// `t^((n-1) w) dt`. Returns the one in which the energy is lowest.
    pub fn refute(&mut self) -> Option<Falling> {
        let n = self.open.len();
        let mut best: Option<Falling> = None;
        for v in self.directions() {
            for width in [1.0, 0.0, -0.5, -1.0, -2.0] {
                let e = self.neighbourhood(&v, width)?;
                if tail(&e, 1.0 + (n as f64 - 1.0) * width) == Tail::Diverges {
                    if best.as_ref().is_none_or(|b| e.hi.compare(&b.hi).is_lt()) {
                        best = Some(Falling { direction: self.in_full(&v), hi: e.hi, width });
                    }
                    break;
                }
            }
        }
        best
    }

    /// The strictest limit on moments that a cone around a simple direction sets.
    pub fn moments(&mut self) -> Option<u32> {
        let n = self.open.len();
        let mut limit = None;
        for v in self.directions() {
            let e = self.neighbourhood(&v, 1.0)?;
            limit = lower_limit(limit, moments(&e, n as f64));
        }
        limit
    }

    /// Directions of the unbounded coordinates: axes, diagonals of pairs and, in three dimensions, of the cube.
    fn directions(&self) -> Vec<Vec<f64>> {
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
        directions.retain(|v| {
            self.open.iter().zip(v).all(|(&j, v)| {
                let (low, high) = self.signs(j);
                (low..=high).contains(v)
            })
        });
        directions
    }

    fn in_full(&self, v: &[f64]) -> Vec<f64> {
        let mut full = vec![0.0; self.supports.len()];
        self.open.iter().zip(v).for_each(|(&j, v)| full[j] = *v);
        full
    }

    /// The energy in the neighbourhood of v of the given width; bounded coordinates anywhere.
    fn neighbourhood(&mut self, v: &[f64], w: f64) -> Option<Interval> {
        let mut x = vec![Interval::constant(0.0); self.supports.len()];
        for &j in &self.closed {
            x[j] = Interval::between(self.supports[j].lower(), self.supports[j].upper());
        }
        let main = v.iter().position(|a| *a != 0.0)?;
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
        Some(self.evaluator.value(&x))
    }
}
