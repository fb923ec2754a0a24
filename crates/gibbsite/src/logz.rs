//! log Z = log of the integral of exp(-E(x)), with an error and bounds. One file per estimator.
//!
//! Exact methods (closed form, quadrature) are preferred to cubature, and cubature to Monte Carlo; every answer says which was used and how far
//! it can be trusted.

pub mod adaptive;
pub mod annealed;
pub mod auto;
mod bound;
pub mod bridge;
pub mod cubature;
pub mod elimination;
pub mod enumeration;
pub mod factors;
pub mod importance;
mod jackknife;
pub mod kaufman;
pub mod laplace;
pub(crate) mod lines;
pub(crate) mod panel;
pub mod path;
pub mod quadrature;
pub mod reverse;
pub(crate) mod rule;
pub mod sampled;
mod scan;
pub mod sequential;
pub mod simpson;
pub mod stepping_stone;
pub mod thermodynamic;
pub mod walk;
mod walkers;
mod weights;

pub use adaptive::{Gap, Integral, Options, integrate, log_z, quadrature};
pub use bound::DELTA;
pub use quadrature::Quadrature;
pub use weights::{MAX_PARETO_K, is_trusted};

/// The warning of every value that rests on a search for modes, or on draws.
pub const UNSEEN_MODE: &str =
    "a mode that no search and no draw has come upon would be missing, from the value and from its error";

/// What `lower` and `upper` of a [`LogZ`] mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bounds {
    /// The value is exact up to the numerical error, and the bounds are value -+ that error.
    Exact,
    /// The bounds hold with probability at least `1 - delta`.
    Guaranteed {
        /// Probability that they fail.
        delta: f64,
    },
    /// The bounds hold if the draws they were computed from are exact draws of the target.
    IfDrawsExact,
    /// Value -+ 2 standard errors.
    Statistical,
    /// No bounds.
    None,
}

impl Bounds {
    /// The name used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Bounds::Exact => "exact",
            Bounds::Guaranteed { .. } => "guaranteed",
            Bounds::IfDrawsExact => "if_draws_exact",
            Bounds::Statistical => "statistical",
            Bounds::None => "none",
        }
    }
}

/// An estimate of log Z (natural logarithm, in the units of E).
#[derive(Clone, Debug, PartialEq)]
pub struct LogZ {
    /// The estimate.
    pub value: f64,
    /// Standard error, or the estimated numerical error of a deterministic method. NaN when the method gives none.
    pub std_err: f64,
    /// Lower bound, in the sense of `bounds`.
    pub lower: f64,
    /// Upper bound, in the sense of `upper_bounds`.
    pub upper: f64,
    /// What `lower` means.
    pub bounds: Bounds,
    /// What `upper` means: it may be less certain than `lower`.
    pub upper_bounds: Bounds,
    /// How it was computed: `closed form`, `quadrature`, `simpson`, `importance`, ...
    pub method: &'static str,
    /// Whether the value is exact up to numerical error.
    pub exact: bool,
    /// Effective sample size of a Monte Carlo estimate.
    pub ess: Option<f64>,
    /// Pareto shape of the importance weights.
    pub pareto_k: Option<f64>,
    /// The temperatures of a path or a ladder.
    pub temperatures: Option<Temperatures>,
    /// Difference of two independent methods in joint standard errors, where two were run.
    pub agreement: Option<f64>,
    /// Whether the error bar may be believed; if not, `warnings` says why.
    pub trusted: bool,
    /// What a reader should know before using the value.
    pub warnings: Vec<String>,
    /// Evaluations of energies and gradients. Estimators count their own; [`LogZ::after`] adds those of pilots.
    pub n_evals: u64,
}

impl LogZ {
    /// An exact value with numerical error `error`.
    pub fn exact(value: f64, error: f64, method: &'static str, n_evals: u64) -> Self {
        Self {
            value,
            std_err: error,
            lower: value - error,
            upper: value + error,
            bounds: Bounds::Exact,
            upper_bounds: Bounds::Exact,
            method,
            exact: true,
            ess: None,
            pareto_k: None,
            temperatures: None,
            agreement: None,
            trusted: true,
            warnings: Vec::new(),
            n_evals,
        }
    }
}

/// The temperatures of a path or a ladder, and where they are farthest apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Temperatures {
    /// How many, the reference and the target included.
    pub n: usize,
    /// The beta at which the worst step begins.
    pub worst_beta: f64,
    /// Its overlap, in [0, 1]: the share of walkers that it leaves effective, or of swaps that it accepts.
    pub worst_overlap: f64,
}

/// Why log Z could not be computed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LogZError {
    /// The energy is NaN.
    #[error("the energy is undefined (NaN) at {}", show(.point))]
    Undefined {
        /// Where.
        point: Vec<f64>,
    },
    /// The energy is minus infinity.
    #[error("the energy is minus infinity at {}", show(.point))]
    Unbounded {
        /// Where.
        point: Vec<f64>,
    },
    /// The integral of exp(-E) does not converge.
    #[error("exp(-E) does not decay along the direction {}: its integral is infinite", show(.direction))]
    Diverges {
        /// Unit vector towards infinity along which exp(-E) does not decay fast enough.
        direction: Vec<f64>,
    },
    /// exp(-E) decays too slowly for its integral to be followed, though ever faster: nothing is known of Z.
    #[error(
        "exp(-E) hardly decays along the direction {} up to a distance of {distance:.0e}: whether its integral is finite \
         cannot be seen from there", show(.direction)
    )]
    Unseen {
        /// Unit vector towards infinity.
        direction: Vec<f64>,
        /// Largest coordinate of the last point seen.
        distance: f64,
    },
    /// The integral of exp(-E) does not converge at a finite end of the support.
    #[error("exp(-E) is not integrable at the end {} of coordinate {}", .end, .axis + 1)]
    DivergesAtEnd {
        /// Coordinate, from 0.
        axis: usize,
        /// The end of its support.
        end: f64,
    },
    /// exp(-E) is zero wherever it was evaluated.
    #[error("exp(-E) is zero at all {n_evals} points tried")]
    Empty {
        /// Points tried.
        n_evals: u64,
    },
    /// Too many dimensions for the method.
    #[error("{method} works in 1 to {max} dimensions, not in {dim}")]
    Dimension {
        /// The method.
        method: &'static str,
        /// Dimensions of the energy.
        dim: usize,
        /// Most dimensions the method can do.
        max: usize,
    },
    /// The method is for real coordinates.
    #[error("{method} needs real coordinates only; the energy has {n_labels} labels")]
    Labels {
        /// The method.
        method: &'static str,
        /// Number of labels.
        n_labels: usize,
    },
    /// The method is for labels.
    #[error("{method} is for labels alone; the energy has {dim} real coordinates")]
    Reals {
        /// The method.
        method: &'static str,
        /// Number of real coordinates.
        dim: usize,
    },
    /// Too many states for the method.
    #[error("{method} can go through {max:.0} states, there are {n_states:.3e}")]
    States {
        /// The method.
        method: &'static str,
        /// States of the energy.
        n_states: f64,
        /// Most states the method can do.
        max: f64,
    },
    /// The box of a fixed grid is not usable.
    #[error("coordinate {} has the range {lower} to {upper}; it needs finite lower < upper", .axis + 1)]
    Box {
        /// Coordinate, from 0.
        axis: usize,
        /// Lower end.
        lower: f64,
        /// Upper end.
        upper: f64,
    },
    /// As many ends as coordinates are needed.
    #[error("{given} lower or upper ends for {dim} coordinates")]
    BoxLength {
        /// Ends given.
        given: usize,
        /// Coordinates.
        dim: usize,
    },
    /// Simpson's rule needs an even number of intervals.
    #[error("Simpson's rule needs an even number of intervals of at least 2, not {n}")]
    Intervals {
        /// Intervals asked for.
        n: usize,
    },
    /// More points than is sensible.
    #[error("{points:.3e} grid points are more than the limit of {limit:.0e}")]
    TooManyPoints {
        /// Points asked for.
        points: f64,
        /// The limit.
        limit: f64,
    },
    /// Quadrature does not converge within its budget.
    #[error("quadrature does not converge within {limit} evaluations of the energy")]
    TooHard {
        /// The budget.
        limit: u64,
    },
    /// The temperatures between reference and target make no path.
    #[error(transparent)]
    Path(#[from] path::PathError),
    /// The ladder between reference and target could not be run.
    #[error(transparent)]
    Run(#[from] crate::run::RunError),
    /// The time was over before there was anything to show for it.
    #[error("the time ran out before there was an estimate by {method}")]
    OutOfTime {
        /// The method.
        method: &'static str,
    },
    /// A state that was kept cannot be used, or could not be.
    #[error("{0}")]
    Checkpoint(String),
    /// A state that was kept is not that of this work.
    #[error(transparent)]
    Saved(#[from] crate::run::saved::SavedError),
    /// The sums along a ladder give no estimate.
    #[error("{method} needs at least 8 ladders with finite sums along all levels; there are {n_ladders} ladders")]
    Rungs {
        /// The method.
        method: &'static str,
        /// Ladders there are.
        n_ladders: usize,
    },
    /// A number of draws too small to give an error.
    #[error("{n} draws are too few; at least {min} are needed")]
    Draws {
        /// Draws asked for.
        n: usize,
        /// Least number.
        min: usize,
    },
}

impl LogZ {
    /// The same value, not exact and with no bounds.
    pub fn without_bounds(self) -> Self {
        Self { exact: false, bounds: Bounds::None, upper_bounds: Bounds::None, ..self }
    }

    /// The same where so many evaluations had been made before.
    #[must_use]
    pub fn after(self, n_evals: u64) -> Self {
        Self { n_evals: self.n_evals + n_evals, ..self }
    }

    /// An estimate with two standard errors on either side.
    pub(crate) fn statistical(value: f64, std_err: f64, method: &'static str, n_evals: u64) -> Self {
        Self {
            std_err,
            lower: value - 2.0 * std_err,
            upper: value + 2.0 * std_err,
            bounds: Bounds::Statistical,
            upper_bounds: Bounds::Statistical,
            exact: false,
            ..Self::exact(value, 0.0, method, n_evals)
        }
    }
}

impl LogZError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Undefined { .. } => {
                "restrict the support to where the energy is defined, for instance with --bounds \"x=0..inf\""
            }
            Self::Unbounded { .. } => {
                "an energy must be bounded below near almost every point; check the formula there"
            }
            Self::Diverges { .. } => {
                "add a term that grows in that direction, such as 0.01*x^2, or restrict the support with --bounds"
            }
            Self::Unseen { .. } => {
                "see `gibbsite check` for a proof; a logarithm of such a coordinate may be the better one to work in"
            }
            Self::DivergesAtEnd { .. } => {
                "the energy falls too fast at that end; weaken the singularity or move the end"
            }
            Self::Empty { .. } => "check the support and the sign of the energy",
            Self::Dimension { .. } | Self::Labels { .. } | Self::Reals { .. } | Self::States { .. } => {
                "use another method, such as auto"
            }
            Self::Box { .. } => "give finite --lower and --upper with lower < upper",
            Self::BoxLength { .. } => "give one end for all coordinates or one for each",
            Self::Intervals { .. } => "make --n even",
            Self::TooManyPoints { .. } => "make --n smaller, or use --method auto",
            Self::TooHard { .. } => {
                "use another way (`logz --method auto`, `sample --sampler nuts`), or restrict the support with --bounds"
            }
            Self::OutOfTime { .. }
            | Self::Path(path::PathError::OutOfTime { .. })
            | Self::Run(crate::run::RunError::OutOfTime { .. }) => "allow more time",
            Self::Path(_) | Self::Run(_) => {
                "temperatures rise from 0 to 1; `gibbsite check` and `gibbsite sample` say more about the energy"
            }
            Self::Checkpoint(_) | Self::Saved(_) => "choose another folder, or start anew in an empty one",
            Self::Rungs { .. } => "an energy that is infinite or NaN in places may need --bounds, or another method",
            Self::Draws { .. } => "ask for more draws",
        }
    }
}

impl LogZError {
    /// The same error of a transformed energy with its point in the coordinates of the inner one.
    pub fn in_inner<E: crate::energy::Energy>(self, energy: &crate::energy::Transformed<E>) -> Self {
        match self {
            Self::Undefined { point } => Self::Undefined { point: energy.point_to_inner(point) },
            Self::Unbounded { point } => Self::Unbounded { point: energy.point_to_inner(point) },
            other => other,
        }
    }

    /// The same error of the whole energy of `dim` coordinates, found in its part of these `coordinates`.
    fn of_part(self, coordinates: &[usize], dim: usize) -> Self {
        let spread = |v: Vec<f64>| {
            let mut whole = vec![0.0; dim];
            coordinates.iter().zip(v).for_each(|(&j, v)| whole[j] = v);
            whole
        };
        match self {
            Self::Undefined { point } => Self::Undefined { point: spread(point) },
            Self::Unbounded { point } => Self::Unbounded { point: spread(point) },
            Self::Diverges { direction } => Self::Diverges { direction: spread(direction) },
            Self::Unseen { direction, distance } => Self::Unseen { direction: spread(direction), distance },
            Self::DivergesAtEnd { axis, end } => Self::DivergesAtEnd { axis: coordinates[axis], end },
            Self::Box { axis, lower, upper } => Self::Box { axis: coordinates[axis], lower, upper },
            other => other,
        }
    }
}

fn show(v: &[f64]) -> String {
    let parts: Vec<String> =
        v.iter().map(|x| format!("{x:.6}").trim_end_matches('0').trim_end_matches('.').to_string()).collect();
    format!("({})", parts.join(", "))
}

/// log(sum_i exp(a_i)), computed relative to the largest term; `-inf` for no terms.
pub fn log_sum_exp(a: &[f64]) -> f64 {
    let top = a.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !top.is_finite() {
        return if a.iter().any(|v| v.is_nan()) { f64::NAN } else { top };
    }
    let sum: f64 = a.iter().map(|v| (v - top).exp()).sum();
    top + sum.ln()
}

/// Real coordinates only, and at most `max` of them.
pub(crate) fn require_real<E: crate::energy::Energy + ?Sized>(
    energy: &E,
    method: &'static str,
    max: usize,
) -> Result<usize, LogZError> {
    let space = energy.space();
    let dim = space.dim();
    if !space.labels.is_empty() {
        return Err(LogZError::Labels { method, n_labels: space.labels.len() });
    }
    if dim == 0 || dim > max {
        return Err(LogZError::Dimension { method, dim, max });
    }
    Ok(dim)
}

/// Coordinates, and a kernel that moves them all.
pub(crate) fn require_moved<E: crate::energy::Energy + ?Sized>(
    energy: &E,
    moves: crate::kernel::Moves,
    method: &'static str,
) -> Result<(), LogZError> {
    let space = energy.space();
    match space.n_coordinates() {
        0 => Err(LogZError::Dimension { method, dim: 0, max: usize::MAX }),
        _ if moves.all_of(space) => Ok(()),
        _ if moves == crate::kernel::Moves::Labels => Err(LogZError::Reals { method, dim: space.dim() }),
        _ => Err(LogZError::Labels { method, n_labels: space.labels.len() }),
    }
}

/// Draws enough for an error.
fn require_draws(n: usize, min: usize) -> Result<(), LogZError> {
    if n < min { Err(LogZError::Draws { n, min }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_sum_exp_shifts() {
        assert_eq!(log_sum_exp(&[]), f64::NEG_INFINITY);
        assert!((log_sum_exp(&[1e4, 1e4]) - 1e4 - 2f64.ln()).abs() < 1e-11);
        assert!((log_sum_exp(&[-1e4, -1e4]) + 1e4 - 2f64.ln()).abs() < 1e-11);
        assert!(log_sum_exp(&[0.0, f64::NAN]).is_nan());
        assert_eq!(log_sum_exp(&[f64::NEG_INFINITY]), f64::NEG_INFINITY);
    }

    #[test]
    fn errors_read_well() {
        let e = LogZError::Diverges { direction: vec![1.0, 0.0] };
        assert_eq!(e.to_string(), "exp(-E) does not decay along the direction (1, 0): its integral is infinite");
        assert!(!e.hint().is_empty());
    }
}
