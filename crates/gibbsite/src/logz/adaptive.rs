//! Adaptive quadrature of exp(-E) over the whole support, in one to three dimensions or of independent parts of so few.
//!
//! Each line is scanned over many scales for its mass (see `scan.rs`), cut into panels, and integrated by the
//! 21-point Gauss-Kronrod pair with bisection of the worst panels; two and three dimensions nest lines (see
//! `lines.rs`). The order of nesting is the order of the coordinates.

use std::sync::atomic::AtomicU64;

use super::lines::{Context, Diverges, Line};
use super::quadrature::{self, Quadrature};
use super::{LogZ, LogZError, require_real};
use crate::energy::{Energy, Part};
use crate::points::{Matrix, Support};

/// How accurate a quadrature is to be.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Options {
    /// Relative tolerance of Z (absolute in log Z); by default 1e-13, 1e-11 and 3e-9 in 1, 2 and 3 dimensions, and 1e-6 in 4 to 6
    /// where [`super::factors`] goes on by cubature.
    pub tol: Option<f64>,
}

/// Farthest point of the grids before anything is known about the energy.
const REACH: f64 = 1e8;

/// A converged tree of lines and what it cost.
pub(crate) struct Tree {
    pub line: Line,
    pub dim: usize,
    pub n_evals: u64,
}

/// Integrates over all coordinates; with `collect` the nodes of inner lines are kept.
pub(crate) fn tree<E: Energy + ?Sized>(energy: &E, options: &Options, collect: bool) -> Result<Tree, LogZError> {
    let dim = require_real(energy, "quadrature", 3)?;
    let supports = energy.space().reals.clone();
    check_supports(&supports)?;
    let tol = tolerances(dim, options.tol);
    let (du, n_hull) = if dim == 1 { (0.1, 2048) } else { (0.25, 24) };
    let mut context = Context {
        energy,
        supports,
        tol,
        reach: vec![REACH; dim],
        du,
        n_hull,
        landmarks: energy.landmarks(),
        collect,
        n_evals: AtomicU64::new(0),
    };
    let start = Matrix::new(1, 0);
    if dim > 1 {
        // A crude pass finds out how far each coordinate goes, so that the fine pass need not look everywhere.
        context.du = if dim == 2 { du } else { 0.4 };
        let line = first(context.integrate(0, &start, &[f64::NEG_INFINITY], false)?);
        context.du = du;
        verdict(&line, dim, &context)?;
        for (j, reach) in context.reach.iter_mut().enumerate() {
            let s = context.supports[j];
            let offset =
                [s.lower(), s.upper()].into_iter().filter(|e| e.is_finite()).fold(0.0f64, |m, e| m.max(e.abs()));
            *reach = (4.0 * (line.reach[j] + offset)).clamp(1e-290, REACH);
        }
    }
    let line = first(context.integrate(0, &start, &[f64::NEG_INFINITY], true)?);
    verdict(&line, dim, &context)?;
    let n_evals = context.n_evals.into_inner();
    Ok(Tree { line, dim, n_evals })
}

/// Integrates the coordinates after the first `j`, for each row of `prefix`, shape `(n, j)`.
pub(crate) fn conditional_lines<E: Energy + ?Sized>(
    energy: &E,
    prefix: &Matrix<f64>,
    reach: &[f64; 3],
    tol: f64,
) -> Result<Vec<Line>, LogZError> {
    let dim = require_real(energy, "quadrature", 3)?;
    let j = prefix.n_cols();
    let context = Context {
        energy,
        supports: energy.space().reals.clone(),
        tol: vec![tol; dim],
        reach: reach[..dim].to_vec(),
        du: 0.25,
        n_hull: 24,
        landmarks: energy.landmarks(),
        collect: true,
        n_evals: AtomicU64::new(0),
    };
    context.integrate(j, prefix, &vec![f64::NEG_INFINITY; prefix.n_rows()], true)
}

fn first(lines: Vec<Line>) -> Line {
    lines.into_iter().next().unwrap_or_default()
}

fn tolerances(dim: usize, tol: Option<f64>) -> Vec<f64> {
    let tol = tol.unwrap_or([1e-13, 1e-11, 3e-9][dim - 1]).max(1e-15);
    (0..dim).map(|j| (tol * 0.2f64.powi(j as i32)).max(1e-14)).collect()
}

fn check_supports(supports: &[Support]) -> Result<(), LogZError> {
    for (axis, s) in supports.iter().enumerate() {
        let (lower, upper) = (s.lower(), s.upper());
        if lower.is_nan() || upper.is_nan() || lower >= upper {
            return Err(LogZError::Box { axis, lower, upper });
        }
    }
    Ok(())
}

/// Errors of the outermost line.
fn verdict<E: ?Sized>(line: &Line, dim: usize, context: &Context<'_, E>) -> Result<(), LogZError> {
    match line.diverges {
        Some(Diverges::AtEnd(axis, end)) => return Err(LogZError::DivergesAtEnd { axis, end }),
        Some(Diverges::Along(far) | Diverges::Unseen(far)) => {
            let largest = far.iter().fold(0.0f64, |m, v| if v.is_nan() { m } else { m.max(v.abs()) });
            let scaled: Vec<f64> = far[..dim].iter().map(|v| if v.is_nan() { 0.0 } else { v / largest }).collect();
            let norm = scaled.iter().map(|v| v * v).sum::<f64>().sqrt();
            let direction = scaled.iter().map(|v| if (v / norm).abs() < 1e-6 { 0.0 } else { v / norm }).collect();
            let distance = largest;
            return Err(match line.diverges {
                Some(Diverges::Unseen(_)) => LogZError::Unseen { direction, distance },
                _ => LogZError::Diverges { direction },
            });
        }
        None => {}
    }
    if line.log_z == f64::NEG_INFINITY {
        return Err(LogZError::Empty { n_evals: context.n_evals.load(std::sync::atomic::Ordering::Relaxed) });
    }
    if line.log_z.is_nan() {
        return Err(LogZError::Undefined { point: line.peak[..dim].to_vec() });
    }
    Ok(())
}

/// log Z with the mean and variance of the energy, by adaptive quadrature of each independent part of the energy
/// ([`Energy::parts`]), of at most 3 real dimensions.
///
/// # Errors
/// [`LogZError::Diverges`] with the direction when exp(-E) is not integrable, [`LogZError::Unseen`] when it decays too late to
/// be followed, [`LogZError::Undefined`] with the point
/// when E is NaN, [`LogZError::Dimension`] and [`LogZError::Labels`] when the space does not fit, [`LogZError::TooHard`]
/// when the budget of evaluations does not suffice.
pub fn integrate<E: Energy + ?Sized>(energy: &E, options: &Options) -> Result<Integral, LogZError> {
    match &energy.parts()[..] {
        [] | [_] => Ok(Integral::of(&tree(energy, options, false)?)),
        parts => sum(parts, energy.space().dim(), options),
    }
}

/// What the integrals over some of the parts of an energy in `dim` coordinates add up to; its errors are in the coordinates of
/// the whole.
pub(super) fn sum(parts: &[Part], dim: usize, options: &Options) -> Result<Integral, LogZError> {
    let mut total = Integral {
        log_z: 0.0,
        error: 0.0,
        mean_energy: 0.0,
        mean_energy_error: 0.0,
        heat_capacity: 0.0,
        heat_capacity_error: 0.0,
        gap: None,
        n_evals: 0,
    };
    for part in parts {
        let one = integrate(&part.energy, options).map_err(|e| e.of_part(&part.coordinates, dim))?;
        total.log_z += one.log_z;
        total.error += one.error;
        total.mean_energy += one.mean_energy;
        total.mean_energy_error += one.mean_energy_error;
        total.heat_capacity += one.heat_capacity;
        total.heat_capacity_error += one.heat_capacity_error;
        total.gap = total.gap.or(one.gap.map(|g| Gap { axis: part.coordinates[g.axis], ..g }));
        total.n_evals += one.n_evals;
    }
    Ok(total)
}

/// What the integral of exp(-E) over all coordinates says about the energy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Integral {
    /// log Z.
    pub log_z: f64,
    /// Estimated absolute error of log Z.
    pub error: f64,
    /// `E_p[E]`.
    pub mean_energy: f64,
    /// Estimated absolute error of the mean energy.
    pub mean_energy_error: f64,
    /// `Var_p[E]`, the heat capacity at inverse temperature 1.
    pub heat_capacity: f64,
    /// Estimated absolute error of the heat capacity.
    pub heat_capacity_error: f64,
    /// Where a one-dimensional part of the energy jumps to infinity inside its support.
    pub gap: Option<Gap>,
    /// Energy evaluations.
    pub n_evals: u64,
}

/// A stretch of a coordinate on which exp(-E) is zero next to where E is moderate, inside the support: a wall that the
/// bounds do not tell, or exponentials that underflow, and then modes beyond it may be missed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gap {
    /// Coordinate, from 0.
    pub axis: usize,
    /// Where it begins; `-inf` when it has no end there.
    pub from: f64,
    /// Where it ends, or `inf`.
    pub to: f64,
}

impl Gap {
    pub(crate) fn of(line: &Line) -> Option<Self> {
        line.gap.map(|(from, to)| Self { axis: 0, from, to })
    }
}

/// As a warning.
impl std::fmt::Display for Gap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { axis, from, to } = self;
        write!(f, "the energy is infinite for coordinate {} ", axis + 1)?;
        match (from.is_finite(), to.is_finite()) {
            (true, true) => write!(f, "between {from:.4} and {to:.4}")?,
            (true, false) => write!(f, "beyond {from:.4}")?,
            _ => write!(f, "below {to:.4}")?,
        }
        f.write_str(
            ", inside its support: if exponentials underflow there (write them with logsumexp), modes beyond may be \
             missing; if it is a wall, say so with --bounds",
        )
    }
}

/// Error of log Z above which an integral does not count as exact.
const MAX_ERROR: f64 = 1e-6;

impl Integral {
    fn of(tree: &Tree) -> Self {
        let line = &tree.line;
        Self {
            log_z: line.log_z,
            error: line.rel_err.max(f64::EPSILON),
            mean_energy: line.energy.mean,
            mean_energy_error: line.energy_error.mean,
            heat_capacity: line.energy.variance,
            heat_capacity_error: line.energy_error.variance,
            gap: if tree.dim == 1 { Gap::of(line) } else { None },
            n_evals: tree.n_evals,
        }
    }

    /// log Z as an estimate among others.
    pub fn to_log_z(&self) -> LogZ {
        let mut out = LogZ::exact(self.log_z, self.error, "quadrature", self.n_evals);
        if self.error > MAX_ERROR {
            out = out.without_bounds();
            out.warnings.push(format!("quadrature converged only to {:.1e}", self.error));
        }
        out.warnings.extend(self.gap.map(|gap| gap.to_string()));
        out
    }
}

/// log Z by [`integrate`].
///
/// # Errors
/// As [`integrate`].
pub fn log_z<E: Energy + ?Sized>(energy: &E, options: &Options) -> Result<LogZ, LogZError> {
    Ok(integrate(energy, options)?.to_log_z())
}

/// The nodes and weights of a converged quadrature, for expectations under p. Deterministic.
///
/// # Errors
/// As [`log_z`].
pub fn quadrature<E: Energy + ?Sized>(energy: &E, options: &Options) -> Result<Quadrature, LogZError> {
    Ok(quadrature::from_tree(tree(energy, options, true)?))
}
