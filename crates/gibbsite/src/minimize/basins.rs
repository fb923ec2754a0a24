//! Wells in many coordinates, where Hessians cost too much: descents with a short memory, ends told apart by the energy
//! between them.

use rayon::prelude::*;

use super::bfgs::{Stop, bfgs};
use super::memory::Recent;
use super::problem::{At, Problem};
use super::widths::widths;
use crate::energy::{Differentiable, Energy};
use crate::points::{Matrix, Points};

/// The bottom of a well.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Basin {
    /// Where.
    pub(crate) x: Vec<f64>,
    /// The energy there.
    pub(crate) energy: f64,
    /// How far from the bottom the energy rises by half a nat, by coordinate ([`widths`]); `None` where it does not.
    pub(crate) widths: Vec<Option<f64>>,
}

impl Basin {
    /// `-E + sum_j log w_j`: log of the probability of the well, up to a common constant, as if its Hessian were diagonal.
    /// `None` where a width is missing.
    pub(crate) fn log_weight(&self) -> Option<f64> {
        let log_widths: Option<f64> = self.widths.iter().map(|w| w.map(f64::ln)).sum();
        log_widths.map(|w| w - self.energy)
    }
}

/// Two ends are in one well where the energy on the straight line between them rises by less than this: chains cross it.
const BARRIER: f64 = 1.0;

/// Points on that line.
const N_BETWEEN: usize = 31;

/// More wells than this are a continuum (ends on a ring or in a valley), or so many that any starts are spread over them.
const MAX_BASINS: usize = 32;

/// The separate wells that descents from `starts` (one row each) end in, deepest first; none where there are more than 32 of
/// them, or none converged. An end at a bound of the support is left out.
pub(crate) fn basins_from<E: Differentiable + ?Sized>(energy: &E, starts: &Points, max_steps: usize) -> Vec<Basin> {
    let mut ends: Vec<(Vec<f64>, f64)> = (0..starts.n())
        .into_par_iter()
        .filter_map(|i| {
            let mut problem = Problem::new(energy);
            let mut at = At::new(&mut problem, starts.real.row(i));
            let is_inside = |at: &At| at.is_finite() && !at.held.contains(&true);
            let stop = at.is_finite().then(|| bfgs(&mut problem, &mut at, max_steps, &mut Recent::default()));
            (matches!(stop, Some(Stop::AtRest)) && is_inside(&at)).then_some((at.x, at.e))
        })
        .collect();
    ends.sort_by(|a, b| a.1.total_cmp(&b.1).then_with(|| a.0.partial_cmp(&b.0).unwrap_or(std::cmp::Ordering::Equal)));
    let mut separate: Vec<(Vec<f64>, f64)> = Vec::new();
    for end in ends {
        // From the deepest on, an end is new if it is walled off from every one before.
        if separate.iter().all(|old| barrier(energy, old, &end) > BARRIER) {
            separate.push(end);
            if separate.len() > MAX_BASINS {
                return Vec::new();
            }
        }
    }
    separate.into_par_iter().map(|(x, e)| Basin { widths: widths(energy, &x, e), x, energy: e }).collect()
}

/// How far the energy rises above the higher of two points on the straight line between them; infinite where it is NaN.
fn barrier<E: Energy + ?Sized>(energy: &E, a: &(Vec<f64>, f64), b: &(Vec<f64>, f64)) -> f64 {
    let between = Matrix::from_fn(N_BETWEEN, a.0.len(), |i, j| {
        let t = (i + 1) as f64 / (N_BETWEEN + 1) as f64;
        (1.0 - t) * a.0[j] + t * b.0[j]
    });
    let mut e = [f64::NAN; N_BETWEEN];
    energy.energy(&Points::from_real(between), &mut e);
    e.iter().map(|e| if e.is_nan() { f64::INFINITY } else { *e }).fold(f64::NEG_INFINITY, f64::max) - a.1.max(b.1)
}
