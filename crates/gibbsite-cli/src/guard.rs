//! What stands before work that needs a model: the energy must have a value wherever p lives, and a finite Z.

pub mod files;

use gibbsite::check::{Normalizable, Verdict, normalizable_formula};
use gibbsite::energy::Energy;
use gibbsite::points::{Matrix, Points, Support};
use gibbsite::rng::{Purpose, Run, Streams};

use crate::outcome::{Failure, Outcome};
use crate::resolve::Resolved;
use crate::{failures, text};

/// Points at which an energy is tried.
const N_PROBES: usize = 512;

/// Refuses an energy that is NaN somewhere near the origin of its support.
///
/// # Errors
/// A failure of kind `undefined` with the point.
pub fn defined(model: &Resolved) -> Result<(), Failure> {
    let space = model.formula.space();
    let dim = space.dim();
    let mut rng = Streams::new(0, Run::Probe);
    let u = rng.uniforms(Purpose::Init, N_PROBES, dim);
    // Half of the points within 2 of the origin, the others within 8.
    let width = |i: usize| if i < N_PROBES / 2 { 2.0 } else { 8.0 };
    let at = |i: usize, j: usize| {
        let t = u.col(j)[i];
        let w = width(i) * (2.0 * t - 1.0);
        match space.reals[j] {
            Support::Real => w,
            Support::Above(a) => a + w.exp(),
            Support::Below(b) => b - w.exp(),
            Support::Interval(a, b) => a + (b - a) * t,
        }
    };
    let x = Points::from_real(Matrix::from_fn(N_PROBES, dim, at));
    let mut e = vec![0.0; N_PROBES];
    model.formula.energy(&x, &mut e);
    match e.iter().position(|e| e.is_nan()) {
        Some(i) => Err(undefined(model, &x.real.row(i))),
        None => Ok(()),
    }
}

/// The refusal of an energy that is NaN at `point` of its support; where there are bounds already, they are too wide.
pub fn undefined(model: &Resolved, point: &[f64]) -> Failure {
    let failure = failures::undefined(point, model.names());
    if model.is_unbounded() {
        return failure;
    }
    let space = model.formula.space();
    let ends = space.names.iter().zip(&space.reals).filter(|(_, s)| **s != Support::Real);
    let ends: Vec<String> = ends.map(|(n, s)| text::bounds(n, s.lower(), s.upper())).collect();
    let hint = format!("that point lies within {}: narrow --bounds to where the energy is defined", ends.join(", "));
    Failure { hint, ..failure }
}

/// Refuses what cannot be normalised, and warns where that is not proved.
///
/// # Errors
/// `undefined`, and `improper` with the direction along which exp(-E) does not decay.
pub fn is_model(model: &Resolved, out: &mut Outcome) -> Result<(), Failure> {
    defined(model)?;
    let verdict = normalizable_formula(&model.formula);
    match verdict.normalizable {
        Normalizable::Yes => Ok(()),
        Normalizable::Unproven => {
            out.warn(format!("it is not proved that exp(-E) can be normalised: {}", verdict.reason), false);
            Ok(())
        }
        Normalizable::No => Err(improper(&verdict, model)),
    }
}

/// The refusal of an energy that is no model.
fn improper(verdict: &Verdict, model: &Resolved) -> Failure {
    let message = match &verdict.falls_along {
        Some(direction) => format!(
            "this is no model: exp(-E) does not decay along {} = {}, so Z is infinite ({})",
            coordinates(model.names()),
            text::vector(direction),
            verdict.reason
        ),
        None => format!("this is no model: Z is infinite ({})", verdict.reason),
    };
    let name = model.names().first().map_or("x", String::as_str);
    let hint = match verdict.falls_along {
        Some(_) => format!(
            "add a term that grows in that direction, such as 0.01*{name}^2, or restrict the support, like \
             --bounds \"{name}=-5..5\"; `gibbsite check` says more"
        ),
        None => format!(
            "add a term that grows there, or leave the place out with --bounds, like --bounds \"{name}=0.1..5\"; \
             `gibbsite check` says more"
        ),
    };
    Failure::work("improper", message, hint)
}

/// `x`, or `(x, y)`.
pub fn coordinates(names: &[String]) -> String {
    match names {
        [one] => one.clone(),
        [first, .., last] if names.len() > 4 => format!("({first}, ..., {last})"),
        names => format!("({})", names.join(", ")),
    }
}
