//! `gibbsite check`: is it a model, and what should one know before using it?

use gibbsite::check::{Check, GRADIENT_TOLERANCE, Normalizable, check_formula};

use crate::args::check::CheckArgs;
use crate::context::Context;
use crate::outcome::{Failure, Outcome};
use crate::{guard, resolve, text};

/// Everything that is checked; an energy that is no model is a bad verdict.
///
/// # Errors
/// Only for calls that are wrong: what is wrong with the energy is the result.
pub fn run(args: &CheckArgs, ctx: &Context) -> Result<Outcome, Failure> {
    let model = resolve::energy(&args.energy, &args.energy_options)?;
    let found = check_formula(&model.formula, ctx.seed);
    let finite = |v: f64| Some(v).filter(|v| v.is_finite());
    let mut out = Outcome::new();
    out.put("normalizable", found.normalizable.name()).put("reason", found.reason.as_str());
    out.put("falls_along", found.falls_along.clone()).put("moments", found.moments.map(f64::from));
    out.put("gradient_max_rel_error", finite(found.gradient_max_rel_error));
    out.put("gradient_worst_at", found.gradient_worst_at.clone()).put("undefined_at", found.undefined_at.clone());
    out.put("offset", found.offset.clone()).put("redundant_parameters", found.redundant_parameters.clone());
    out.put("stiffness", found.stiffness.and_then(finite)).put("dim", model.dim());
    out.text = format!("{}\n{}", model.description, text::pairs(lines(&found, model.names())));
    let gradient_fails = !(found.gradient_max_rel_error <= GRADIENT_TOLERANCE);
    let bad = found.normalizable == Normalizable::No || found.undefined_at.is_some() || gradient_fails;
    out.bad_verdict = bad;
    // The text says the verdict already; the warnings say the rest.
    out.warnings = found.warnings;
    Ok(out)
}

fn lines(found: &Check, names: &[String]) -> Vec<(&'static str, String)> {
    let verdict = match found.normalizable {
        Normalizable::Yes => "yes, proved",
        Normalizable::No => "no",
        Normalizable::Unproven => "not proved",
    };
    let mut lines = vec![("a model", format!("{verdict}: {}", found.reason))];
    if let Some(direction) = &found.falls_along {
        lines.push(("falls along", format!("{} = {}", guard::coordinates(names), text::vector(direction))));
    }
    if let Some(k) = found.moments {
        let which = match k {
            0 => "not even the mean exists".into(),
            1 => "the mean may exist, the variance does not".into(),
            k => format!("integrals of |x|^k p(x) are infinite from k = {} on", k + 1),
        };
        lines.push(("moments", which));
    }
    let error = found.gradient_max_rel_error;
    let agrees = if error <= GRADIENT_TOLERANCE { "agrees with" } else { "differs from" };
    lines.push(("gradient", format!("{agrees} differences (largest relative error {})", text::digits(error, 2))));
    if !found.offset.is_empty() {
        lines.push(("offset", format!("{} cancels in p(x)", found.offset.join(", "))));
    }
    if !found.redundant_parameters.is_empty() {
        lines.push(("redundant", found.redundant_parameters.join("; ")));
    }
    if let Some(stiffness) = found.stiffness {
        let ratio = text::digits(stiffness, 3);
        lines.push(("stiffness", format!("{ratio} (largest over smallest curvature at the deepest minimum)")));
    }
    lines
}
