//! log Z in up to six real dimensions without chance: nested trapezoidal rules that follow the mass.
//!
//! `Z = int dz_1 int dz_2 ... int dz_d exp(-E)`, every integral by the trapezoidal rule on a lattice `t_i = (i + phase) h` of
//! its own, `z = c + m sinh(t / m)`. For an analytic integrand that decays at both ends the error of that rule is the Fourier
//! transform of the integrand at the frequency `1 / h` (Trefethen and Weideman 2014), which falls exponentially: the cost
//! is a few nodes per width and dimension. The sinh makes algebraic tails exponential ones (Takahasi and Mori 1974, the
//! outer half of their double exponential). Of every line:
//!
//! - only nodes whose terms matter to Z are visited, from the expected peaks outward, so that of the lattice a ball is
//!   evaluated, not a cube, and a shell or a bent valley costs what it fills;
//! - centre, scale and step are expected to be those of the line beside it, extrapolated, and chosen anew where the mass is
//!   found elsewhere: the conditional scale of a funnel may change by orders of magnitude along it;
//! - the step is halved until the transform at 3/8 of a cycle per step is below a tolerance.
//!
//! The coordinates are nested in their order or backward, whichever takes fewer evaluations in the first pass: a funnel is
//! easy with its neck outermost and hard the other way round. They are whitened by the triangular factor of the inverse Hessian at the bottom of a well. Several wells share
//! out Z: each integrates `exp(-E) k_w / sum_v k_v` in its own coordinates, `k_v` an algebraic kernel about well v. Bounded
//! coordinates go through [`Transformed`].
//!
//! # The error
//! The whole is done at tolerance after tolerance, each time with new phases, which are hashes of where the line is: errors
//! of two passes have nothing in common (with random phases each is unbiased: Cranley and Patterson 1976). The error is three
//! times the last change plus a tenth of the one before. Smooth energies gain two or more digits a pass and the error is
//! far too large; one that has kinks or needs more lines than the budget allows changes slowly and is refused.
//!
//! # What can still be missed
//! A well that no descent finds (a needle in six dimensions, as narrow as a hundredth of the distances between the starts,
//! unless the energy names the place: [`crate::energy::Energy::landmarks`]), and mass cut off by a wall of energy on a
//! line where no neighbour leads to it. As a guard the value must not lie significantly below an importance estimate from
//! Student kernels about the wells and the ends of other descents; it sees mass of some percent of Z near any of those.

mod chart;
mod guard;
mod guess;
mod line;
mod nest;
mod wells;

pub use guess::MAX_DIM;

use crate::energy::{Differentiable, Energy, Transformed};
use crate::logz::{LogZ, LogZError, UNSEEN_MODE, log_sum_exp, require_real};
use crate::points::Support;
use chart::Atlas;
use guess::Accuracy;
use line::Endless;
use nest::{Failure, Nest};

/// How accurate log Z is to be, and what it may cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Relative error of Z (absolute in log Z) at which to stop; 1e-6 by default.
    pub tol: f64,
    /// Energy evaluations after which no pass is begun; 2e7 by default. A pass that turns out to need more is given up.
    pub max_evals: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { tol: 1e-6, max_evals: 20_000_000 }
    }
}

/// Error of log Z above which a value is refused.
pub const MAX_ERROR: f64 = 1e-4;

/// Of each pass the tolerance of the lines and the depth in nats to which terms count.
const PASSES: [(f64, f64); 8] =
    [(0.2, 14.0), (0.1, 18.0), (0.04, 22.0), (0.012, 26.0), (3e-3, 30.0), (5e-4, 34.0), (5e-5, 38.0), (5e-6, 42.0)];

/// Most wells: every one has its own integral, and every point is shared out among all.
const MAX_WELLS: usize = 16;

/// Most nodes of a line in the first pass; twice as many in each that follows.
const MAX_NODES: usize = 64;

/// The first pass is repeated until Z is known to half a nat, at most this often; each time by this much lower at the most,
/// because terms that seemed not to matter may.
const LOST: f64 = 0.5;
const MAX_TRIES: usize = 8;
const MAX_DROP: f64 = 12.0;

/// log Z by nested trapezoidal rules, in 1 to 6 real dimensions; the same bits for any number of threads.
/// Dimensions 1 to 3 are better served by [`super::log_z`], which knows more of divergence.
///
/// It is an estimate without bounds, however small its numerical error: of the search for modes nothing is proved, and a
/// warning says so.
///
/// `n_evals` does not count the search for the wells and for the order of the coordinates.
///
/// # Errors
/// [`LogZError::TooHard`] where the error does not reach [`MAX_ERROR`] within the budget, there are more than 16 wells, or the
/// importance estimate is significantly above the value; [`LogZError::Diverges`], [`LogZError::DivergesAtEnd`] or [`LogZError::Unseen`] where the mass
/// does not end along a line, or descents fall without end; [`LogZError::Undefined`] and [`LogZError::Unbounded`] with the
/// point; [`LogZError::Empty`] where no finite energy is found; [`LogZError::Dimension`] and [`LogZError::Labels`].
pub fn log_z<E: Differentiable + ?Sized>(energy: &E, options: &Options) -> Result<LogZ, LogZError> {
    require_real(energy, "cubature", MAX_DIM)?;
    let outer = Transformed::new(energy);
    let (atlas, start) = wells::find(&outer)?;
    if atlas.charts.len() > MAX_WELLS {
        return Err(LogZError::TooHard { limit: options.max_evals });
    }
    let backward = atlas.reversed();
    let mut passes: Option<(Passes<'_, &E>, f64)> = None;
    for atlas in std::iter::once(&atlas).chain(&backward) {
        let mut next = Passes { energy: &outer, atlas, limit: options.max_evals, log_ref: start, n_evals: 0 };
        match next.first() {
            Ok(value) if passes.as_ref().is_none_or(|old| next.is_better(value, old)) => passes = Some((next, value)),
            Ok(_) | Err(Failure::Budget) => {}
            Err(failure) => return Err(explain(failure, &outer, options.max_evals)),
        }
    }
    let Some((mut passes, first)) = passes else {
        return Err(LogZError::TooHard { limit: options.max_evals });
    };
    let failed = |failure| explain(failure, &outer, options.max_evals);
    let mut values = vec![first];
    let mut costs = vec![passes.n_evals];
    let mut error = f64::INFINITY;
    for level in 1..PASSES.len() {
        if let [.., a, b] = costs[..] {
            // What the next one will take if the growth goes on.
            let next = b.max(b.saturating_mul(b) / a.max(1));
            if next > passes.left() {
                break;
            }
        }
        let before = passes.n_evals;
        let value = match passes.within(level, passes.left()) {
            Ok(value) => value,
            Err(Failure::Budget) => break,
            Err(failure) => return Err(failed(failure)),
        };
        values.push(value);
        costs.push(passes.n_evals - before);
        if let [.., a, b, c] = values[..] {
            error = 3.0 * (c - b).abs() + 0.1 * (b - a).abs() + 1e-13 * c.abs().max(1.0);
            if error < options.tol {
                break;
            }
        }
    }
    let Some(value) = values.last().copied().filter(|_| error < MAX_ERROR) else {
        return Err(LogZError::TooHard { limit: options.max_evals });
    };
    let is_below = guard::is_below(&outer, &atlas, value + error).map_err(|e| e.in_inner(&outer))?;
    if is_below {
        return Err(LogZError::TooHard { limit: options.max_evals });
    }
    let n_evals = passes.n_evals + guard::N_DRAWS as u64;
    let warnings = vec![UNSEEN_MODE.to_string()];
    Ok(LogZ { warnings, ..LogZ::exact(value, error, "cubature", n_evals).without_bounds() })
}

/// The integral at rising accuracy.
struct Passes<'a, E> {
    energy: &'a Transformed<E>,
    atlas: &'a Atlas,
    limit: u64,
    /// log Z as far as it is known.
    log_ref: f64,
    n_evals: u64,
}

impl<E: Energy> Passes<'_, E> {
    fn left(&self) -> u64 {
        self.limit.saturating_sub(self.n_evals)
    }

    /// The first pass, repeated until it knows which terms matter.
    fn first(&mut self) -> Result<f64, Failure> {
        for _ in 0..MAX_TRIES {
            let log_ref = self.log_ref;
            let value = self.within(0, self.limit / 8)?;
            if (value - log_ref).abs() < LOST {
                return Ok(value);
            }
            self.log_ref = value.max(log_ref - MAX_DROP);
        }
        Err(Failure::Budget)
    }

    /// Whether this order of the coordinates promises more than the `old` one: more mass, or the same for half the price.
    fn is_better(&self, value: f64, (old, old_value): &(Self, f64)) -> bool {
        let more = value - old_value;
        more > LOST || (more > -LOST && 2 * self.n_evals < old.n_evals)
    }

    fn within(&mut self, level: usize, limit: u64) -> Result<f64, Failure> {
        let (tau, depth) = PASSES[level];
        let accuracy = Accuracy { ln_tau: tau.ln(), depth, max_nodes: MAX_NODES << level };
        let mut logs = Vec::with_capacity(self.atlas.charts.len());
        for (well, chart) in self.atlas.charts.iter().enumerate() {
            let scale = chart.log_det();
            let floor = self.log_ref - depth - scale;
            let seed = level as u64 + 1;
            let nest = Nest { energy: self.energy, atlas: self.atlas, well, accuracy, floor, seed };
            let (log, n) = nest.run(limit.min(self.left()))?;
            self.n_evals += n;
            logs.push(log + scale);
        }
        self.log_ref = log_sum_exp(&logs);
        Ok(self.log_ref)
    }
}

/// The failure in the terms of the energy.
fn explain<E: Energy>(failure: Failure, energy: &Transformed<E>, limit: u64) -> LogZError {
    let (point, how) = match failure {
        Failure::Budget => return LogZError::TooHard { limit },
        Failure::Undefined(u) => return LogZError::Undefined { point: energy.point_to_inner(u) },
        Failure::Unbounded(u) => return LogZError::Unbounded { point: energy.point_to_inner(u) },
        Failure::Endless { point, how } => (point, how),
    };
    let far = (0..point.len()).max_by(|&a, &b| point[a].abs().total_cmp(&point[b].abs())).unwrap_or(0);
    let end = match energy.inner().space().reals[far] {
        Support::Real => f64::INFINITY,
        // Softplus runs to its bound as u falls.
        Support::Above(a) if point[far] < 0.0 => a,
        Support::Below(b) if point[far] < 0.0 => b,
        Support::Interval(a, b) => {
            if point[far] < 0.0 {
                a
            } else {
                b
            }
        }
        _ => f64::INFINITY,
    };
    if end.is_finite() {
        return LogZError::DivergesAtEnd { axis: far, end };
    }
    let outward = energy.point_to_inner(point);
    let norm = outward.iter().map(|v| v * v).sum::<f64>().sqrt();
    let round = |v: f64| if v.abs() < 1e-6 { 0.0 } else { v };
    let direction = outward.iter().map(|v| round(v / norm)).collect();
    match how {
        Endless::Flat { .. } => LogZError::Diverges { direction },
        Endless::Slow { distance, .. } => LogZError::Unseen { direction, distance },
    }
}
