//! All minima of an energy from many starts: where the modes are, how deep, and what share of the probability each holds.
//!
//! Every start descends by BFGS, then Newton's method on the Hessian (differences of the gradient) polishes the end. Whether
//! it is a minimum is judged by the energies around it: a saddle or an inflection is left, a kink is searched to its bottom,
//! a tail that never rises again is told apart.

use rayon::prelude::*;
use thiserror::Error;

use crate::energy::Differentiable;
use crate::points::{Matrix, Points};

mod basins;
mod bfgs;
mod candidate;
mod descent;
mod escape;
mod hessian;
mod kink;
mod line;
mod memory;
mod problem;
mod settle;
mod starts;
mod widths;
pub(crate) use basins::{Basin, basins_from};
use candidate::{Candidate, add, report};
use descent::{End, descend};
pub use escape::{Escape, Fall};
use problem::Problem;
pub(crate) use widths::widths;

/// How to search.
#[derive(Clone, Debug, PartialEq)]
pub struct MinimizeOptions {
    /// Random starts.
    pub n_starts: usize,
    /// While some minimum was found by one start only, the starts are doubled up to this many: not when half of the starts
    /// found minima of their own, and up to about two million evaluations of the energy.
    pub max_starts: usize,
    /// Seed of the starts.
    pub seed: u64,
    /// Descent steps per start.
    pub max_steps: usize,
}

impl Default for MinimizeOptions {
    fn default() -> Self {
        Self { n_starts: 256, max_starts: 4096, seed: 0, max_steps: 1000 }
    }
}

/// A local minimum.
#[derive(Clone, Debug, PartialEq)]
pub struct Minimum {
    /// Where.
    pub x: Vec<f64>,
    /// The energy there.
    pub energy: f64,
    /// Energy above the lowest minimum found.
    pub above_lowest: f64,
    /// Eigenvalues of the Hessian, ascending, in the coordinates that are not held at a bound; `None` at a kink.
    pub curvatures: Option<Vec<f64>>,
    /// Coordinates held at a bound of the support, where the energy still falls outward.
    pub at_bound: Vec<usize>,
    /// Whether the energy rises more slowly than quadratically in some direction, so that the basin weight does not exist in
    /// Laplace's approximation.
    pub degenerate: bool,
    /// Whether it stands for a continuum of minima of equal energy (a ring, a valley).
    pub continuum: bool,
    /// Whether the energy has a kink there, as |x| at 0: no curvature and no weight.
    pub kink: bool,
    /// Share of the probability in Laplace's approximation,
    /// `exp(-E) (2 pi)^{d/2} det(H)^{-1/2}` with a factor `1 / |dE/dx_j|` for each coordinate at a bound (1/2 for one that is
    /// on the bound with slope zero), normalised over the minima that have one. `None` where the approximation does not
    /// exist; then what the others share is less than 1 by an unknown amount.
    pub weight: Option<f64>,
    /// Logarithm of what `weight` is the share of: of the integral of exp(-E) over the basin in Laplace's approximation.
    pub log_weight: Option<f64>,
    /// Starts that ended here.
    pub n_found: usize,
}

/// The minima found, deepest first, and what became of the other starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Minima {
    /// The minima, by energy.
    pub minima: Vec<Minimum>,
    /// Starts in all.
    pub n_starts: usize,
    /// Starts where the energy or its gradient was not finite.
    pub n_not_finite: usize,
    /// Starts that had not converged after `max_steps`, or whose end is neither a minimum nor can be left.
    pub n_unconverged: usize,
    /// The lowest end of those, and its energy.
    pub lowest_unconverged: Option<(Vec<f64>, f64)>,
    /// Starts along which the energy fell without a minimum.
    pub n_escaped: usize,
    /// One such fall of each kind, with the number of starts.
    pub escapes: Vec<(Escape, usize)>,
}

impl Minima {
    /// Number of minima that one start, and that two starts found.
    fn n_rare(&self) -> (usize, usize) {
        let count = |n: usize| self.minima.iter().filter(|m| m.n_found == n && !m.continuum).count();
        (count(1), count(2))
    }

    /// Estimated number of minima, those not found included, from the number found by one start, `f1`, and by two, `f2`:
    /// `n + f1^2 / (2 f2)`, or `n + f1 (f1 - 1) / 2` without any found by two (Chao 1984); a lower bound when some
    /// basins are far smaller than others.
    pub fn n_estimated(&self) -> f64 {
        let (once, twice) = (self.n_rare().0 as f64, self.n_rare().1 as f64);
        let unseen = if twice > 0.0 { once * once / (2.0 * twice) } else { once * (once - 1.0) / 2.0 };
        self.minima.len() as f64 + unseen
    }

    /// Estimated probability that one more start finds a new minimum: the share of starts that were the only one to find
    /// theirs (Good 1953).
    pub fn unseen_share(&self) -> f64 {
        self.n_rare().0 as f64 / self.n_starts as f64
    }
}

/// Why there is nothing to report.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum MinimizeError {
    /// The energy has labels.
    #[error("the energy has {n_labels} discrete variables; minimisation is for real coordinates")]
    Labels {
        /// Number of labels.
        n_labels: usize,
    },
    /// The energy has no coordinates, or no starts were asked for.
    #[error("nothing to minimise: {dim} coordinates, {n_starts} starts")]
    Nothing {
        /// Coordinates.
        dim: usize,
        /// Starts.
        n_starts: usize,
    },
}

/// Finds the minima of `energy` inside its support from random starts: `U(-w, w)` with w of 2, 5 and 10 in turn on whole
/// lines, by its shape within a bounded support, and around the minima that the first half of them found. Works for up to
/// about 50 coordinates.
///
/// # Errors
/// [`MinimizeError`] when there is nothing to minimise.
pub fn minimize<E: Differentiable + ?Sized>(energy: &E, options: &MinimizeOptions) -> Result<Minima, MinimizeError> {
    let space = energy.space();
    if !space.labels.is_empty() {
        return Err(MinimizeError::Labels { n_labels: space.labels.len() });
    }
    if space.dim() == 0 || options.n_starts == 0 {
        return Err(MinimizeError::Nothing { dim: space.dim(), n_starts: options.n_starts });
    }
    let mut search = Search::default();
    let mut n = options.n_starts.div_ceil(2);
    loop {
        let starts = starts::draw(&space.reals, options.seed, search.n_starts, n, &search.minima);
        search.run(energy, &starts, options.max_steps);
        let may_grow = n >= options.n_starts && search.may_complete() && 2 * search.n_evaluations <= MAX_EVALUATIONS;
        let next = (2 * n).min(if may_grow { options.max_starts } else { options.n_starts });
        if next <= n {
            return Ok(search.report());
        }
        n = next;
    }
}

/// As [`minimize`], from given starts (one row each).
///
/// # Errors
/// [`MinimizeError`] when there is nothing to minimise.
pub fn minimize_from<E: Differentiable + ?Sized>(
    energy: &E,
    starts: &Points,
    max_steps: usize,
) -> Result<Minima, MinimizeError> {
    minimize_in_rounds(energy, starts, max_steps, |_| None)
}

/// As [`minimize_from`], in rounds: `more` sees the minima found so far and gives the starts of the next round, or none.
///
/// # Errors
/// [`MinimizeError`] when there is nothing to minimise.
pub(crate) fn minimize_in_rounds<E: Differentiable + ?Sized>(
    energy: &E,
    starts: &Points,
    max_steps: usize,
    mut more: impl FnMut(&[Minimum]) -> Option<Points>,
) -> Result<Minima, MinimizeError> {
    if starts.dim() == 0 || starts.n() == 0 {
        return Err(MinimizeError::Nothing { dim: starts.dim(), n_starts: starts.n() });
    }
    let mut search = Search::default();
    search.run(energy, starts, max_steps);
    while let Some(next) = more(&report(search.minima.clone())) {
        search.run(energy, &next, max_steps);
    }
    Ok(search.report())
}

/// The inverse of the Hessian at `x`, in all coordinates, with units of the coordinates where it is not positive, and the
/// diagonal of the Hessian; `None` when a gradient near `x` is not finite.
pub(crate) fn covariance_at<E: Differentiable + ?Sized>(energy: &E, x: &[f64]) -> Option<(Matrix<f64>, Vec<f64>)> {
    let free: Vec<usize> = (0..x.len()).collect();
    let hessian = hessian::Hessian::at(&mut Problem::new(energy), x, &free)?;
    Some((hessian.inverse(), hessian.diagonal()))
}

/// Evaluations after which no starts are added.
const MAX_EVALUATIONS: usize = 2_000_000;

/// What has been found so far.
#[derive(Default)]
struct Search {
    minima: Vec<Candidate>,
    unconverged: Vec<(Vec<f64>, f64)>,
    escapes: Vec<(Escape, usize)>,
    n_not_finite: usize,
    n_starts: usize,
    n_evaluations: usize,
    /// The scale on which energies are compared: the largest fall of a descent, at most 1.
    unit: f64,
}

impl Search {
    fn run<E: Differentiable + ?Sized>(&mut self, energy: &E, starts: &Points, max_steps: usize) {
        let ends: Vec<(End, f64, usize)> = (0..starts.n())
            .into_par_iter()
            .map(|i| {
                let mut problem = Problem::new(energy);
                let (end, fallen) = descend(&mut problem, starts.real.row(i), max_steps);
                (end, fallen, problem.n_evaluations)
            })
            .collect();
        self.n_starts += ends.len();
        self.n_evaluations += ends.iter().map(|(_, _, n)| n).sum::<usize>();
        self.unit = ends.iter().map(|(_, fallen, _)| *fallen).fold(self.unit, f64::max).min(1.0);
        let mut problem = Problem::new(energy);
        for (end, _, _) in ends {
            match end {
                End::Minimum(new) => add(&mut self.minima, *new, &mut problem, self.unit),
                End::Escape(escape) => match self.escapes.iter_mut().find(|(old, _)| old.fall == escape.fall) {
                    Some((_, n)) => *n += 1,
                    None => self.escapes.push((escape, 1)),
                },
                End::Unconverged { x, energy } => self.unconverged.push((x, energy)),
                End::NotFinite => self.n_not_finite += 1,
            }
        }
    }

    /// Whether minima are missing, and not so many that more starts are in vain.
    fn may_complete(&self) -> bool {
        let n_rare = self.minima.iter().filter(|m| m.is_rare()).count();
        n_rare > 0 && 2 * n_rare < self.n_starts
    }

    fn report(self) -> Minima {
        Minima {
            n_starts: self.n_starts,
            n_not_finite: self.n_not_finite,
            n_unconverged: self.unconverged.len(),
            lowest_unconverged: self.unconverged.into_iter().min_by(|a, b| a.1.total_cmp(&b.1)),
            n_escaped: self.escapes.iter().map(|(_, n)| n).sum(),
            escapes: self.escapes,
            minima: report(self.minima),
        }
    }
}

#[cfg(test)]
mod tests;
