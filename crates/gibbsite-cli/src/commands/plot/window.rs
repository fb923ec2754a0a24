//! Which part of space a picture shows: where p is, or where the user says.

use gibbsite::logz::{LogZError, Options, Quadrature, quadrature};
use gibbsite::points::Support;

use crate::outcome::Failure;
use crate::resolve::Resolved;

/// The box of a picture.
pub struct Window {
    /// Lower and upper end of each coordinate.
    pub ranges: Vec<(f64, f64)>,
    /// log Z, if p exists.
    pub log_z: Option<f64>,
    /// Why there is no p.
    pub no_density: Option<LogZError>,
}

/// Probability left out on either side.
const TAIL: f64 = 5e-4;

/// Half width of a picture of which nothing is known.
const BLIND: f64 = 5.0;

/// The window of an energy in one or two dimensions; `lower` and `upper` have no, one or all ends.
///
/// # Errors
/// Ends of the wrong number or order, and `undefined` energies.
pub fn of(model: &Resolved, lower: &[f64], upper: &[f64]) -> Result<Window, Failure> {
    let supports = &gibbsite::energy::Energy::space(&model.formula).reals;
    let dim = supports.len();
    let lower = spread(lower, dim, "--lower")?;
    let upper = spread(upper, dim, "--upper")?;
    let (log_z, found, no_density) = match quadrature(&model.formula, &Options { tol: Some(1e-6) }) {
        Ok(q) => {
            let ranges = (0..dim).map(|j| Some(around(&q, j))).collect();
            (Some(q.log_z), ranges, None)
        }
        Err(LogZError::Undefined { point }) => return Err(crate::failures::undefined(&point, model.names())),
        Err(error) => (None, vec![None; dim], Some(error)),
    };
    let mut ranges = Vec::new();
    for (j, support) in supports.iter().enumerate() {
        let (a, b) = within(*support, found[j]);
        let (a, b) = (lower.as_ref().map_or(a, |l| l[j]), upper.as_ref().map_or(b, |u| u[j]));
        if !(a.is_finite() && b.is_finite() && a < b) {
            let message = format!("the picture would go from {a} to {b} along {}", model.names()[j]);
            return Err(Failure::usage("invalid_value", message, "give finite --lower and --upper with lower < upper"));
        }
        ranges.push((a, b));
    }
    Ok(Window { ranges, log_z, no_density })
}

fn spread(ends: &[f64], dim: usize, flag: &str) -> Result<Option<Vec<f64>>, Failure> {
    match ends {
        [] => Ok(None),
        [end] => Ok(Some(vec![*end; dim])),
        ends if ends.len() == dim => Ok(Some(ends.to_vec())),
        ends => {
            let message = format!("{flag} has {} ends for {dim} coordinate(s)", ends.len());
            Err(Failure::usage("invalid_value", message, "give one end for all coordinates or one for each"))
        }
    }
}

/// The interval that holds all but the tails of coordinate `j`, and a margin.
fn around(q: &Quadrature, j: usize) -> (f64, f64) {
    let mut at: Vec<(f64, f64)> = q.points.real.col(j).iter().copied().zip(q.w.iter().copied()).collect();
    at.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let mut sum = 0.0;
    let mut lo = at.first().map_or(-BLIND, |p| p.0);
    let mut hi = at.last().map_or(BLIND, |p| p.0);
    let mut found_hi = false;
    for (x, w) in at {
        if sum <= TAIL {
            lo = x;
        }
        sum += w;
        if sum >= 1.0 - TAIL && !found_hi {
            hi = x;
            found_hi = true;
        }
    }
    let margin = 0.15 * (hi - lo);
    (lo - margin, hi + margin)
}

/// What is found, cut at the support; a bounded support is shown whole unless p fills little of it.
fn within(support: Support, found: Option<(f64, f64)>) -> (f64, f64) {
    let (a, b) = (support.lower(), support.upper());
    let (lo, hi) = found.unwrap_or_else(|| match (a.is_finite(), b.is_finite()) {
        (true, true) => (a, b),
        (true, false) => (a, a + 2.0 * BLIND),
        (false, true) => (b - 2.0 * BLIND, b),
        (false, false) => (-BLIND, BLIND),
    });
    if b - a <= 3.0 * (hi - lo) { (a, b) } else { (lo.max(a), hi.min(b)) }
}
