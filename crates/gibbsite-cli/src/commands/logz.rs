//! `gibbsite logz`: log Z with its error, and what can be said about the model from it.

use std::time::{Duration, Instant};

use gibbsite::check::{Normalizable, normalizable_formula};
use gibbsite::logz::importance::{self, StudentT};
use gibbsite::logz::{Bounds, LogZ, LogZError, Options, auto, integrate, quadrature, simpson};
use gibbsite::uses::density::Thermodynamics;

use crate::args::logz::LogzArgs;
use crate::context::Context;
use crate::outcome::{Failure, Outcome};
use crate::resolve::{self, Resolved};
use crate::{failures, guard, text};

/// Draws of importance sampling before its error is known.
const FIRST_DRAWS: usize = 20_000;

/// Draws beyond which importance sampling is not worth its time.
const MOST_DRAWS: usize = 5_000_000;

/// log Z by the method asked for; in up to three dimensions also entropy, mean energy and heat capacity.
///
/// # Errors
/// `improper` and `undefined` energies are refused; methods that do not fit the energy, and boxes that are none.
pub fn run(args: &LogzArgs, ctx: &Context) -> Result<Outcome, Failure> {
    let model = resolve::energy(&args.energy, &args.energy_options)?;
    let mut out = Outcome::new();
    let boxed = !args.lower.is_empty() || !args.upper.is_empty();
    if boxed && args.method != "simpson" {
        let hint = "restrict the support with --bounds, or ask for --method simpson";
        return Err(Failure::usage(
            "conflict",
            format!("--lower and --upper do not go with --method {}", args.method),
            hint,
        ));
    }
    if args.method != "simpson" {
        guard::is_model(&model, &mut out)?;
    }
    let (z, thermo) = match args.method.as_str() {
        "simpson" => (by_simpson(args, &model, &mut out)?, None),
        "adaptive" => by_quadrature(&model).map(|(z, t)| (z, Some(t))).map_err(failures::log_z)?,
        "importance" => (by_importance(args, &model, ctx)?, None),
        method => {
            let exact = exact(&model)?;
            match exact {
                Some((z, thermo)) => (z, thermo),
                None if method == "exact" => {
                    let message = format!("no exact method is known for this energy in {} dimensions", model.dim());
                    return Err(Failure::work("not_exact", message, "use --method importance, or auto"));
                }
                None => {
                    let z = by_importance(args, &model, ctx)?;
                    // Few dimensions without a quadrature are a hard energy, many are the ordinary case.
                    let hard = model.dim() <= auto::MAX_EXACT_DIM;
                    let why = if hard { "quadrature did not converge, and " } else { "" };
                    let unseen = "modes and tails that importance sampling has not found are missing from log Z and from its error";
                    out.warn(format!("{why}no second method has checked this estimate: {unseen}"), hard);
                    (z, None)
                }
            }
        }
    };
    let mut z = z;
    if z.method == "quadrature" && !is_proved(&model) {
        z.exact = false;
        z.bounds = Bounds::None;
    }
    z.warnings.retain(|w| !w.contains("was not checked"));
    report(&mut out, &model, &z, thermo);
    Ok(out)
}

/// The best log Z there is: closed form, else quadrature, else importance sampling with its warnings.
///
/// # Errors
/// As [`run`].
pub fn best(model: &Resolved, ctx: &Context) -> Result<LogZ, Failure> {
    if let Some((z, _)) = exact(model)? {
        return Ok(z);
    }
    let mut z =
        auto::log_z(&model.formula, &Options::default(), 10 * FIRST_DRAWS, ctx.seed).map_err(failures::log_z)?;
    // The commands check that before they ask for log Z.
    z.warnings.retain(|w| !w.contains("was not checked"));
    Ok(z)
}

/// Whether Z is proved to be finite.
fn is_proved(model: &Resolved) -> bool {
    normalizable_formula(&model.formula).normalizable == Normalizable::Yes
}

fn closed_form(model: &Resolved) -> Option<LogZ> {
    let value = model.log_z?;
    Some(LogZ::exact(value, 2.0 * f64::EPSILON * value.abs().max(1.0), "closed form", 0))
}

/// Closed form or quadrature, with the moments of the energy where they cost little.
fn exact(model: &Resolved) -> Result<Option<(LogZ, Option<Thermodynamics>)>, Failure> {
    match closed_form(model) {
        Some(z) if model.dim() > 2 => Ok(Some((z, None))),
        Some(z) => Ok(Some((z, by_quadrature(model).ok().map(|(_, t)| t)))),
        None => match by_quadrature(model) {
            Ok((z, t)) => Ok(Some((z, Some(t)))),
            Err(LogZError::TooHard { .. } | LogZError::Dimension { .. } | LogZError::Unseen { .. }) => Ok(None),
            // Quadrature that sees no end of slow tails does not contradict a proof.
            Err(LogZError::Diverges { .. } | LogZError::DivergesAtEnd { .. }) if is_proved(model) => Ok(None),
            Err(error) => Err(failures::log_z(error)),
        },
    }
}

fn by_quadrature(model: &Resolved) -> Result<(LogZ, Thermodynamics), LogZError> {
    let found = integrate(&model.formula, &Options::default())?;
    Ok((found.to_log_z(), Thermodynamics::from(&found)))
}

fn by_simpson(args: &LogzArgs, model: &Resolved, out: &mut Outcome) -> Result<LogZ, Failure> {
    if args.lower.is_empty() || args.upper.is_empty() {
        let hint = "like --lower -6 --upper 6; `--method auto` finds the range itself";
        return Err(Failure::usage("missing_argument", "simpson needs --lower and --upper", hint));
    }
    let n = args.n.unwrap_or([4000, 400, 100][model.dim().clamp(1, 3) - 1]);
    let z = simpson::log_z(&model.formula, &args.lower, &args.upper, n).map_err(|e| match e {
        gibbsite::logz::LogZError::Undefined { point } => failures::undefined(&point, model.names()),
        e => failures::log_z(e),
    })?;
    out.put("n", n);
    Ok(z)
}

/// Importance sampling with as many draws as `--tol` needs.
fn by_importance(args: &LogzArgs, model: &Resolved, ctx: &Context) -> Result<LogZ, Failure> {
    let until = args.max_seconds.map(|s| (Instant::now(), Duration::try_from_secs_f64(s).unwrap_or(Duration::MAX)));
    // In few dimensions a quadrature shapes the base, where it can; the estimate itself does not depend on its log Z.
    let rough = Options { tol: Some(1e-6) };
    let nodes = if model.dim() <= auto::MAX_EXACT_DIM { quadrature(&model.formula, &rough).ok() } else { None };
    let base = nodes.and_then(|q| importance::gaussian_base(&q, 1.2)).map(|g| StudentT::new(g, 2));
    let estimate = |n: usize| {
        let z = match &base {
            Some(base) => importance::log_z(&model.formula, base, n, ctx.seed),
            None => auto::sampled(&model.formula, n, ctx.seed),
        };
        z.map_err(failures::log_z)
    };
    let progress = ctx.progress("importance", MOST_DRAWS as u64);
    if let Some(n) = args.n {
        return estimate(n);
    }
    let mut n = FIRST_DRAWS;
    loop {
        let mut z = estimate(n)?;
        progress.set(n as u64);
        // Draws that the tolerance asks for, if the error is to be believed; never more than eight times as many at once.
        let wanted = (n as f64 * (z.std_err / args.tol).powi(2) * 1.2).ceil().min(8.0 * n as f64) as usize;
        // Where the weights have no variance, more draws do not help.
        let hopeless = n >= 8 * FIRST_DRAWS && z.pareto_k.is_some_and(|k| k.is_nan() || k > 0.7);
        if z.std_err <= args.tol || n >= MOST_DRAWS || hopeless {
            if z.std_err > args.tol {
                let n = text::count(n as u64);
                z.warnings.push(format!("the tolerance {} was not reached with {n} draws", args.tol));
            }
            return Ok(z);
        }
        if until.is_some_and(|(start, limit)| start.elapsed() >= limit) {
            z.warnings
                .push(format!("stopped by --max-seconds at {} draws, before the tolerance", text::count(n as u64)));
            return Ok(z);
        }
        n = more_draws(n, wanted);
    }
}

/// The next number of draws after `n`: as many as wanted, at least twice as many, at most [`MOST_DRAWS`].
fn more_draws(n: usize, wanted: usize) -> usize {
    wanted.max(n.saturating_mul(2)).min(MOST_DRAWS)
}

/// Refuses a log Z that is no number: with it, no density is known.
///
/// # Errors
/// `no_log_z`.
pub fn finite(z: &LogZ) -> Result<(), Failure> {
    if z.value.is_finite() {
        return Ok(());
    }
    let message = format!("log Z by {} is {}, so no density can be computed", z.method, z.value);
    let hint = "the energy may overflow, or be too far from 0: shift or rescale it; `gibbsite logz` says more";
    Err(Failure::work("no_log_z", message, hint))
}

/// A value with its error; an exact one shows 12 digits, however small its error is.
pub fn value(value: f64, error: f64) -> String {
    if error.abs() < 1e-11 * value.abs().max(1.0) {
        format!("{} +- {}", text::digits(value, 12), text::digits(error, 2))
    } else {
        text::with_error(value, error)
    }
}

/// A value to ten digits where all of them are right, else with its error.
fn ten_digits(value: f64, error: f64) -> String {
    if error <= 5e-10 * value.abs().max(1.0) { text::digits(value, 10) } else { text::with_error(value, error) }
}

/// Whether the value must not be trusted as it stands.
pub fn is_bad(z: &LogZ) -> bool {
    let unresolved = z.method == "simpson" && !(z.std_err <= 0.05);
    unresolved || !z.value.is_finite() || z.pareto_k.is_some_and(|k| k.is_nan() || k > 0.7) || z.std_err > 1.0
}

fn report(out: &mut Outcome, model: &Resolved, z: &LogZ, thermo: Option<Thermodynamics>) {
    let delta = if let Bounds::Guaranteed { delta } = z.bounds { Some(delta) } else { None };
    let finite = |v: f64| Some(v).filter(|v| v.is_finite());
    out.put("energy", model.description.as_str()).put("dim", model.dim()).put("log_z", z.value);
    out.put("std_err", finite(z.std_err)).put("lower", finite(z.lower)).put("upper", finite(z.upper));
    out.put("bounds", z.bounds.name()).put("delta", delta).put("method", z.method).put("exact", z.exact);
    out.put("ess", z.ess).put("pareto_k", z.pareto_k.and_then(finite)).put("agreement", z.agreement);
    out.put("n_evals", z.n_evals);

    let mut lines = vec![("log Z", value(z.value, z.std_err))];
    if z.value.abs() < 700.0 {
        lines.push(("Z", value(z.value.exp(), z.value.exp() * z.std_err)));
    }
    let accuracy = if z.exact { "exact up to the numerical error" } else { "an estimate" };
    lines.push(("method", format!("{} ({accuracy}; {} energy evaluations)", z.method, text::count(z.n_evals))));
    if let Some(ess) = z.ess {
        let k = z.pareto_k.map_or("unknown".into(), |k| text::digits(k, 2));
        lines.push(("weights", format!("effective sample size {}, Pareto k {k}", text::count(ess as u64))));
        lines.push(("bounds", format!("{} to {} ({})", text::number(z.lower), text::number(z.upper), z.bounds.name())));
    }
    if let Some(t) = thermo {
        out.put("entropy", t.entropy).put("mean_energy", t.mean_energy).put("energy_sd", t.energy_sd);
        out.put("heat_capacity", t.heat_capacity).put("free_energy", t.free_energy);
        let errors = [t.entropy_error(), t.mean_energy_error, t.heat_capacity_error];
        out.put("entropy_error", finite(errors[0])).put("mean_energy_error", finite(errors[1]));
        out.put("heat_capacity_error", finite(errors[2]));
        let [entropy, mean, capacity] = [t.entropy, t.mean_energy, t.heat_capacity];
        lines.push(("entropy", format!("{} nats", ten_digits(entropy, errors[0]))));
        lines.push(("mean energy", ten_digits(mean, errors[1])));
        lines.push(("heat capacity", ten_digits(capacity, errors[2])));
    }
    out.text = format!("{}\n{}", model.description, text::pairs(lines));
    let bad = is_bad(z);
    z.warnings.iter().for_each(|w| {
        out.warn(w.as_str(), bad);
    });
    if bad && z.warnings.is_empty() {
        out.warn("the error of log Z is too large for it to be used", true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_grow_up_to_the_most() {
        assert_eq!(more_draws(20_000, 30_000), 40_000);
        assert_eq!(more_draws(20_000, 160_000), 160_000);
        // More than half of the most: twice as many are too many.
        assert_eq!(more_draws(4_042_048, 32_336_384), MOST_DRAWS);
        assert_eq!(more_draws(usize::MAX, 0), MOST_DRAWS);
    }

    #[test]
    fn no_density_without_log_z() {
        assert!(finite(&LogZ::exact(1.0, 0.0, "quadrature", 1)).is_ok());
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let refused = finite(&LogZ::exact(value, 0.0, "importance", 1)).unwrap_err();
            assert_eq!((refused.kind, refused.exit_code), ("no_log_z", 1));
        }
    }
}
