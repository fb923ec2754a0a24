//! All minima of an energy from many starts: where the modes are, how deep, and what share of the probability each holds.
//!
//! Every start descends by projected BFGS, then Newton's method on the Hessian (differences of the gradient) polishes the
//! end. The Hessian tells minima from saddles and from flat valleys, and scales the distance below which two ends are one.

use rayon::prelude::*;
use thiserror::Error;

use crate::energy::Differentiable;
use crate::points::{Points, Support};
use crate::rng::{Purpose, Run, Streams};

mod descent;
mod hessian;
use descent::{End, Problem, descend};

/// How to search.
#[derive(Clone, Debug, PartialEq)]
pub struct MinimizeOptions {
    /// Random starts.
    pub n_starts: usize,
    /// Seed of the starts.
    pub seed: u64,
    /// Descent steps per start.
    pub max_steps: usize,
}

impl Default for MinimizeOptions {
    fn default() -> Self {
        Self { n_starts: 256, seed: 0, max_steps: 1000 }
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
    /// Eigenvalues of the Hessian, ascending, in the coordinates that are not held at a bound.
    pub curvatures: Vec<f64>,
    /// Coordinates held at a bound of the support, where the energy still falls outward.
    pub at_bound: Vec<usize>,
    /// Whether the Hessian is singular, so that the basin weight does not exist in Laplace's approximation.
    pub degenerate: bool,
    /// Whether it stands for a continuum of minima of equal energy (a ring, a valley).
    pub continuum: bool,
    /// Share of the probability in Laplace's approximation,
    /// `exp(-E) (2 pi)^{d/2} det(H)^{-1/2}` with a factor `1 / |dE/dx_j|` for each coordinate at a bound, normalised over the
    /// minima found. `None` for all of them when one is degenerate.
    pub weight: Option<f64>,
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
    /// Starts that had not converged after `max_steps`.
    pub n_unconverged: usize,
    /// Starts that ended on a saddle.
    pub n_saddles: usize,
    /// Starts along which the energy fell without end.
    pub n_unbounded: usize,
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

/// Finds the minima of `energy` inside its support from random starts, `U(-w, w)` with w of 2, 5 and 10 in turn on whole
/// lines, within a bounded support by its shape; as deep as `options` say. Works for up to about 50 coordinates.
///
/// # Errors
/// [`MinimizeError`] when there is nothing to minimise.
pub fn minimize<E: Differentiable + ?Sized>(energy: &E, options: &MinimizeOptions) -> Result<Minima, MinimizeError> {
    let space = energy.space();
    if !space.labels.is_empty() {
        return Err(MinimizeError::Labels { n_labels: space.labels.len() });
    }
    minimize_from(energy, &random_starts(&space.reals, options), options.max_steps)
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
    let n_starts = starts.n();
    if starts.dim() == 0 || n_starts == 0 {
        return Err(MinimizeError::Nothing { dim: starts.dim(), n_starts });
    }
    let ends: Vec<End> = (0..n_starts)
        .into_par_iter()
        .map(|i| descend(&mut Problem::new(energy), &starts.real.row(i), max_steps))
        .collect();
    let count = |f: &dyn Fn(&End) -> bool| ends.iter().filter(|e| f(e)).count();
    let mut found = Minima {
        n_starts,
        n_not_finite: count(&|e| matches!(e, End::NotFinite)),
        n_unconverged: count(&|e| matches!(e, End::Unconverged)),
        n_saddles: count(&|e| matches!(e, End::Saddle)),
        n_unbounded: count(&|e| matches!(e, End::Unbounded)),
        minima: Vec::new(),
    };
    let mut minima: Vec<Candidate> = Vec::new();
    for end in ends {
        if let End::Minimum(new) = end {
            match minima.iter_mut().find(|old| old.is_same(&new)) {
                Some(old) => old.n_found += 1,
                None => minima.push(*new),
            }
        }
    }
    found.minima = report(merge_continua(minima));
    Ok(found)
}

/// A minimum with what the comparisons need.
struct Candidate {
    x: Vec<f64>,
    energy: f64,
    gradient: Vec<f64>,
    hessian: hessian::Hessian,
    at_bound: Vec<usize>,
    degenerate: bool,
    continuum: bool,
    n_found: usize,
}

impl Candidate {
    fn same_energy(&self, other: &Self) -> bool {
        (self.energy - other.energy).abs() <= 1e-6 * (1.0 + self.energy.abs())
    }

    /// Whether two ends are one: the energy between them by the curvature, `(x - y)' H (x - y)`, is below 1e-6 (the flat
    /// directions of a degenerate minimum use an absolute distance).
    fn is_same(&self, other: &Self) -> bool {
        if !self.same_energy(other) || self.at_bound != other.at_bound || self.degenerate != other.degenerate {
            return false;
        }
        let difference: Vec<f64> = self.x.iter().zip(&other.x).map(|(a, b)| a - b).collect();
        if self.degenerate {
            let size = self.x.iter().map(|x| x.abs()).fold(1.0, f64::max);
            return difference.iter().all(|d| d.abs() < 0.02 * size);
        }
        self.hessian.quadratic_form(&difference).abs() < 1e-6
    }

    /// Log of the unnormalised basin weight.
    fn log_weight(&self) -> f64 {
        let curvatures = &self.hessian.eigenvalues;
        let gaussian: f64 = curvatures.iter().map(|c| 0.5 * ((2.0 * std::f64::consts::PI).ln() - c.ln())).sum();
        let bounds: f64 = self.at_bound.iter().map(|&j| -self.gradient[j].abs().ln()).sum();
        -self.energy + gaussian + bounds
    }
}

/// More than this many degenerate ends of one energy are taken for a continuum.
const MAX_ISOLATED: usize = 8;

fn merge_continua(minima: Vec<Candidate>) -> Vec<Candidate> {
    let (mut kept, mut flat): (Vec<_>, Vec<_>) = minima.into_iter().partition(|m| !m.degenerate);
    while let Some(mut first) = flat.pop() {
        let (same, other): (Vec<_>, Vec<_>) = flat.into_iter().partition(|m| m.same_energy(&first));
        flat = other;
        if same.len() + 1 > MAX_ISOLATED {
            first.continuum = true;
            first.n_found += same.iter().map(|m| m.n_found).sum::<usize>();
            kept.push(first);
        } else {
            kept.extend(same);
            kept.push(first);
        }
    }
    kept
}

fn report(mut minima: Vec<Candidate>) -> Vec<Minimum> {
    minima.sort_by(|a, b| {
        a.energy.total_cmp(&b.energy).then_with(|| a.x.partial_cmp(&b.x).unwrap_or(std::cmp::Ordering::Equal))
    });
    let lowest = minima.first().map_or(0.0, |m| m.energy);
    let any_degenerate = minima.iter().any(|m| m.degenerate);
    let log_weights: Vec<f64> = minima.iter().map(Candidate::log_weight).collect();
    let largest = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = log_weights.iter().map(|w| (w - largest).exp()).sum();
    let weigh = |w: f64| if any_degenerate { None } else { Some((w - largest).exp() / total) };
    minima
        .into_iter()
        .zip(log_weights)
        .map(|(m, w)| Minimum {
            above_lowest: m.energy - lowest,
            weight: weigh(w),
            x: m.x,
            energy: m.energy,
            curvatures: m.hessian.eigenvalues,
            at_bound: m.at_bound,
            degenerate: m.degenerate,
            continuum: m.continuum,
            n_found: m.n_found,
        })
        .collect()
}

fn random_starts(supports: &[Support], options: &MinimizeOptions) -> Points {
    const WIDTHS: [f64; 3] = [2.0, 5.0, 10.0];
    let n = options.n_starts;
    let mut starts = Points::zeros(n, supports.len());
    let mut rng = Streams::new(options.seed, Run::Probe);
    let u = rng.uniforms(Purpose::Init, n, supports.len());
    for (j, support) in supports.iter().enumerate() {
        for (i, (x, u)) in starts.real.col_mut(j).iter_mut().zip(u.col(j)).enumerate() {
            let width = WIDTHS[i % 3];
            *x = match *support {
                Support::Real => width * (2.0 * u - 1.0),
                Support::Above(a) => a + width * u,
                Support::Below(b) => b - width * u,
                Support::Interval(a, b) => a + (b - a) * u,
            };
        }
    }
    starts
}

#[cfg(test)]
mod tests;
