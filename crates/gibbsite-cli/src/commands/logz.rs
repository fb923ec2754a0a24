//! `gibbsite logz`: log Z with its error, and what can be said about the model from it.

mod checkpoint;
mod clock;
mod importance;
mod labelled;
mod report;
mod sampled;

use gibbsite::check::{Normalizable, normalizable_formula};
use gibbsite::logz::importance as importance_sampling;
use gibbsite::logz::laplace::{self, Laplace};
use gibbsite::logz::{LogZ, LogZError, Options, UNSEEN_MODE, annealed, factors, sequential, simpson};
use gibbsite::minimize::MinimizeOptions;
use gibbsite::tempering::check_betas;
use gibbsite::uses::density::Thermodynamics;

use crate::args::logz::LogzArgs;
use crate::context::Context;
use crate::outcome::{Failure, Outcome};
use crate::resolve::{self, Resolved};
use crate::{failures, guard, text};
use clock::Clock;

/// log Z by the method asked for; in up to three dimensions also entropy, mean energy and heat capacity.
///
/// # Errors
/// `improper` and `undefined` energies are refused; methods that do not fit the energy, and boxes that are none.
pub fn run(args: &LogzArgs, ctx: &Context) -> Result<Outcome, Failure> {
    check_call(args)?;
    let clock = Clock::start(args.max_seconds);
    if let Some(model) = resolve::labelled(&args.energy, &args.energy_options)? {
        return labelled::run(args, &model, clock, ctx);
    }
    let model = resolve::energy(&args.energy, &args.energy_options)?;
    let mut out = Outcome::new();
    if args.method != "simpson" {
        guard::is_model(&model, &mut out)?;
    }
    let mut answer = match args.method.as_str() {
        "simpson" => Answer::from(by_simpson(args, &model, &mut out)?),
        "adaptive" => by_factors(&model).map_err(failures::log_z)?,
        "laplace" => by_laplace(&model, ctx)?,
        "importance" => Answer::from(importance::estimate(args, &model, clock, ctx)?),
        "auto" => match exact(&model)? {
            Some(answer) => answer,
            None => {
                Answer { laplace: quick_laplace(&model, ctx), ..sampled::estimate("auto", args, &model, clock, ctx)? }
            }
        },
        "exact" => exact(&model)?.ok_or_else(|| {
            let message = format!("no exact method is known for this energy in {} dimensions", model.dim());
            Failure::work("not_exact", message, "use --method auto")
        })?,
        method => sampled::estimate(method, args, &model, clock, ctx)?,
    };
    if answer.z.method == "quadrature" && !is_proved(&model) {
        answer.z = answer.z.without_bounds();
    }
    let says_so = answer.z.warnings.iter().any(|w| w == UNSEEN_MODE);
    if !answer.z.exact && !says_so && !["quadrature", "simpson", "laplace"].contains(&answer.z.method) {
        out.warn(UNSEEN_MODE, false);
    }
    report::write(&mut out, &model.description, model.dim(), &answer);
    Ok(out)
}

/// log Z and what else was learned on the way.
pub struct Answer {
    z: LogZ,
    thermo: Option<Thermodynamics>,
    /// The estimates that were compared.
    parts: Vec<LogZ>,
    /// Gaussians at the minima, where there are such: a check that nothing is wildly wrong.
    laplace: Option<Laplace>,
}

impl From<LogZ> for Answer {
    fn from(z: LogZ) -> Self {
        Self { z, thermo: None, parts: Vec::new(), laplace: None }
    }
}

/// Refuses options that the method has no use for, and methods that are none.
fn check_call(args: &LogzArgs) -> Result<(), Failure> {
    let method = args.method.as_str();
    if method == "harmonic-mean" {
        let message = "the harmonic mean of 1 / exp(-E) over draws is refused: its variance is infinite for nearly every energy, so \
                       that it hardly depends on the tails which decide Z, and its error bar shows nothing of it";
        return Err(Failure::usage("refused", message, "use --method bridge, which needs draws of the energy too"));
    }
    let conflict = |option: &str, hint: &str| {
        Err(Failure::usage("conflict", format!("{option} does not go with --method {method}"), hint))
    };
    if (!args.lower.is_empty() || !args.upper.is_empty()) && method != "simpson" {
        return conflict("--lower or --upper", "restrict the support with --bounds, or ask for --method simpson");
    }
    if !args.betas.is_empty() {
        if !["ais", "smc"].contains(&method) {
            return conflict("--betas", "temperatures are given to --method ais and smc");
        }
        let wrong = |e| Failure::usage("invalid_value", format!("--betas: {e}"), "like --betas 0,0.1,0.5,1");
        check_betas(&args.betas).map_err(wrong)?;
    }
    if args.n.is_some() && ["auto", "exact", "adaptive", "laplace"].contains(&method) {
        return conflict("--n", "give --tol, or a method such as ais");
    }
    args.n.map_or(Ok(()), |n| check_n(method, n))?;
    let is_kept = args.checkpoint_dir.is_some() || args.resume.is_some();
    if is_kept && ["exact", "adaptive", "simpson", "importance", "laplace"].contains(&method) {
        return conflict("--checkpoint-dir or --resume", "such work is over too soon to be resumed");
    }
    Ok(())
}

/// Refuses less work than the method can make an estimate of.
fn check_n(method: &str, n: usize) -> Result<(), Failure> {
    let populations = format!("walkers, in {} populations of {}", sequential::MIN_POPULATIONS, sampled::POPULATION);
    let (least, what) = match method {
        "simpson" => (2, "intervals for each coordinate"),
        "importance" => (importance_sampling::MIN_DRAWS, "draws"),
        "ais" => (annealed::MIN_WALKERS, "walkers"),
        "smc" => (sequential::MIN_POPULATIONS * sampled::POPULATION, populations.as_str()),
        _ => return Ok(()),
    };
    if n < least {
        let message = format!("--n {n} is too few for --method {method}: it needs at least {least} {what}");
        let hint =
            if method == "simpson" { "leave --n out for the default" } else { "leave --n out to go on to --tol" };
        return Err(Failure::usage("invalid_value", message, hint));
    }
    if method == "simpson" && !n.is_multiple_of(2) {
        let message = format!("--n {n} is odd: --method simpson needs an even number of intervals for each coordinate");
        return Err(Failure::usage("invalid_value", message, format!("like --n {}", n + 1)));
    }
    Ok(())
}

/// The best log Z there is: closed form, else factor by factor, else two estimates that check each other.
///
/// # Errors
/// As [`run`].
pub fn best(model: &Resolved, ctx: &Context) -> Result<LogZ, Failure> {
    match exact(model)? {
        Some(answer) => Ok(answer.z),
        None => Ok(sampled::cross_checked(model, ctx)?.z),
    }
}

/// Whether Z is proved to be finite.
fn is_proved(model: &Resolved) -> bool {
    normalizable_formula(&model.formula).normalizable == Normalizable::Yes
}

fn closed_form(model: &Resolved) -> Option<LogZ> {
    let value = model.log_z?;
    Some(LogZ::exact(value, 2.0 * f64::EPSILON * value.abs().max(1.0), "closed form", 0))
}

/// Closed form, or factor by factor, with the moments of the energy where they cost little.
fn exact(model: &Resolved) -> Result<Option<Answer>, Failure> {
    match closed_form(model) {
        Some(z) if model.dim() > 2 => Ok(Some(Answer::from(z))),
        Some(z) => Ok(Some(Answer { thermo: by_factors(model).ok().and_then(|a| a.thermo), ..Answer::from(z) })),
        None => match by_factors(model) {
            Ok(answer) => Ok(Some(answer)),
            Err(LogZError::TooHard { .. } | LogZError::Dimension { .. } | LogZError::Unseen { .. }) => Ok(None),
            // Quadrature that sees no end of slow tails does not contradict a proof.
            Err(LogZError::Diverges { .. } | LogZError::DivergesAtEnd { .. }) if is_proved(model) => Ok(None),
            Err(error) => Err(failures::log_z(error)),
        },
    }
}

/// Quadrature and cubature of independent parts; the moments of the energy where all is quadrature.
fn by_factors(model: &Resolved) -> Result<Answer, LogZError> {
    let found = factors::log_z(&model.formula, &Options::default())?;
    Ok(Answer { thermo: found.integral.as_ref().map(Thermodynamics::from), ..Answer::from(found.log_z) })
}

fn by_laplace(model: &Resolved, ctx: &Context) -> Result<Answer, Failure> {
    let found = laplace::laplace(&model.formula, &MinimizeOptions { seed: ctx.seed, ..Default::default() });
    let found = found.map_err(|e| Failure::caused_by("not_quadratic", &e, "`gibbsite minimize` lists the minima"))?;
    Ok(Answer::from(found.to_log_z()))
}

/// Laplace's approximation beside an estimate, in few dimensions and from few starts; it costs little there.
fn quick_laplace(model: &Resolved, ctx: &Context) -> Option<Laplace> {
    const MAX_DIM: usize = 16;
    const N_STARTS: usize = 64;
    if model.dim() > MAX_DIM {
        return None;
    }
    let options = MinimizeOptions { n_starts: N_STARTS, max_starts: N_STARTS, seed: ctx.seed, ..Default::default() };
    laplace::laplace(&model.formula, &options).ok()
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

/// Whether the value must not be used as it stands. Laplace's approximation, which has no error, is no worse than what was asked
/// for.
pub fn is_bad(z: &LogZ) -> bool {
    let unresolved = z.method == "simpson" && !(z.std_err <= 0.05);
    let doubted = !z.trusted && z.method != "laplace";
    unresolved || !z.value.is_finite() || doubted || z.std_err > 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_density_without_log_z() {
        assert!(finite(&LogZ::exact(1.0, 0.0, "quadrature", 1)).is_ok());
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let refused = finite(&LogZ::exact(value, 0.0, "importance", 1)).unwrap_err();
            assert_eq!((refused.kind, refused.exit_code), ("no_log_z", 1));
        }
    }
}
