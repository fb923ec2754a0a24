//! Which part of space a picture shows: where p is, or where the user says.

use gibbsite::energy::Energy;
use gibbsite::logz::{LogZ, LogZError, Options, Quadrature, integrate, quadrature};
use gibbsite::points::Support;

use super::reach;
use crate::outcome::Failure;
use crate::resolve::Resolved;

/// The box of a picture.
pub struct Window {
    /// Lower and upper end of each coordinate.
    pub ranges: Vec<(f64, f64)>,
    /// log Z, if it is known.
    pub log_z: Option<LogZ>,
    /// Weighted nodes that stand for p, if log Z is known by quadrature.
    pub nodes: Option<Quadrature>,
    /// Why log Z is not known.
    pub doubt: Option<String>,
    /// Whether exp(-E) is a density as far as is known: false if its integral is infinite.
    pub is_model: bool,
}

/// Probability left out on either side, before the margin.
const TAIL: f64 = 5e-4;

/// Margin of a window in parts of the range between the tails.
const MARGIN: f64 = 0.15;

/// Heavy tails do not push the peak into a corner: no window reaches further beyond the 1 % and 99 % quantiles than this
/// part of their distance.
const HEAVY: f64 = 0.5;

/// A bounded support is shown whole unless it is this many times as wide as p.
const ROOMY: f64 = 1.6;

/// Half width of a picture of which nothing is known.
const BLIND: f64 = 5.0;

/// The window of an energy in one or two dimensions; `lower` and `upper` have no, one or all ends.
///
/// # Errors
/// Ends of the wrong number or order, and `undefined` energies.
pub fn of(model: &Resolved, lower: &[f64], upper: &[f64], seed: u64) -> Result<Window, Failure> {
    let supports = &model.formula.space().reals;
    let dim = supports.len();
    let lower = spread(lower, dim, "--lower")?;
    let upper = spread(upper, dim, "--upper")?;
    let mut window = Window { ranges: Vec::new(), log_z: None, nodes: None, doubt: None, is_model: true };
    let mut found = vec![None; dim];
    match quadrature(&model.formula, &Options::default()) {
        Ok(q) if q.log_z.is_finite() => {
            found = (0..dim).map(|j| Some(around(&q, j))).collect();
            window.log_z = Some(match model.log_z {
                Some(z) => LogZ::exact(z, 2.0 * f64::EPSILON * z.abs().max(1.0), "closed form", 0),
                // The same call as that of `logz`, hence the same digits.
                None => integrate(&model.formula, &Options::default())
                    .map_or_else(|_| LogZ::exact(q.log_z, q.error, "quadrature", q.n_evals), |z| z.to_log_z()),
            });
            window.nodes = Some(q);
        }
        Ok(q) => window.doubt = Some(format!("quadrature gives log Z = {}", q.log_z)),
        Err(LogZError::Undefined { point }) => return Err(crate::failures::undefined(&point, model.names())),
        Err(error) => {
            window.is_model = !matches!(
                error,
                LogZError::Diverges { .. } | LogZError::DivergesAtEnd { .. } | LogZError::Unbounded { .. }
            );
            window.doubt = Some(error.to_string());
        }
    }
    if window.is_model && window.nodes.is_none() {
        found = reach::of_wells(model, seed);
    }
    for (j, support) in supports.iter().enumerate() {
        let (a, b) = within(*support, found[j]);
        let (a, b) = (lower.as_ref().map_or(a, |l| l[j]), upper.as_ref().map_or(b, |u| u[j]));
        if !(a.is_finite() && b.is_finite() && a < b) {
            let message = format!("the picture would go from {a} to {b} along {}", model.names()[j]);
            return Err(Failure::usage("invalid_value", message, "give finite --lower and --upper with lower < upper"));
        }
        window.ranges.push((a, b));
    }
    Ok(window)
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
    let below = |share: f64| quantile(&at, share);
    let (lo, hi) = (below(TAIL), below(1.0 - TAIL));
    let margin = MARGIN * (hi - lo);
    let (a, b) = (below(0.01), below(0.99));
    let most = HEAVY * (b - a);
    let (lo, hi) = ((lo - margin).max(a - most), (hi + margin).min(b + most));
    if lo < hi { (lo, hi) } else { (lo - BLIND, lo + BLIND) }
}

/// The first of the weighted nodes below which lies at least `share` of the weight.
fn quantile(at: &[(f64, f64)], share: f64) -> f64 {
    let mut sum = 0.0;
    let found = at.iter().find(|(_, w)| {
        sum += w;
        sum >= share
    });
    found.or(at.last()).map_or(0.0, |p| p.0)
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
    if b - a <= ROOMY * (hi - lo) { (a, b) } else { (lo.max(a), hi.min(b)) }
}
