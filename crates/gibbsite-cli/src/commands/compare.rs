//! `gibbsite compare`: two models beside each other, and on data.

mod call;
mod means;
mod report;

use gibbsite::energy::Energy;
use gibbsite::logz::LogZ;
use gibbsite::points::Points;
use gibbsite::uses::compare::{Comparison, Estimate, Infinite, Likelihoods, Means};

use super::logz;
use crate::args::compare::CompareArgs;
use crate::context::Context;
use crate::outcome::{Failure, Outcome};
use crate::resolve::Resolved;
use crate::{guard, text};

/// Errors beyond which an estimate of a divergence below zero is no chance.
const MAX_BELOW_ZERO: f64 = 5.0;

/// One of the two models.
pub struct Side {
    /// `A` or `B`.
    name: &'static str,
    model: Resolved,
    z: LogZ,
    /// Whether Z is proved to be finite.
    proved: bool,
    /// The seed of its draws: estimates that are taken as independent must not share random numbers.
    seed_of_draws: u64,
}

/// Divergences both ways, free energies and entropies; with `DATA` mean log-likelihoods.
///
/// # Errors
/// Energies that are no models, that differ in dimension, or are undefined where the other lives; data that do not fit them.
pub fn run(args: &CompareArgs, ctx: &Context) -> Result<Outcome, Failure> {
    let (a, b) = call::energies(args)?;
    let data = call::data(args, &a, &b, ctx)?;
    let mut out = Outcome::new();
    let a = side("A", a, 0, ctx, &mut out)?;
    let b = side("B", b, 1, ctx, &mut out)?;
    let over_a = means::over(&a, &b, args, ctx, &mut out)?;
    let over_b = means::over(&b, &a, args, ctx, &mut out)?;
    let found = Comparison::new(&over_a, &a.z, &over_b, &b.z);
    let likelihoods = data.map(|data| on_data(&data, &a, &b)).transpose()?;
    report::write(&mut out, [&a, &b], [&over_a, &over_b], &found, likelihoods.as_ref());
    doubts(&mut out, (&a, &b), &over_a, ("kl_ab", found.kl_ab));
    doubts(&mut out, (&b, &a), &over_b, ("kl_ba", found.kl_ba));
    if let Some(l) = &likelihoods {
        excluded(&mut out, l);
    }
    Ok(out)
}

/// A seed of its own for each of the estimates that are taken as independent; the first is that of the call.
fn seed(ctx: &Context, k: u64) -> u64 {
    ctx.seed.wrapping_add(k.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

fn side(name: &'static str, model: Resolved, k: u64, ctx: &Context, out: &mut Outcome) -> Result<Side, Failure> {
    let named = |failure| call::of(name, failure);
    let mut guarded = Outcome::new();
    guard::is_model(&model, &mut guarded).map_err(named)?;
    let proved = guarded.warnings.is_empty();
    guarded.warnings.iter().for_each(|w| warn(out, format!("{name}: {w}"), false));
    let z = logz::best(&model, &Context { seed: seed(ctx, k), ..ctx.clone() }).map_err(named)?;
    logz::finite(&z).map_err(named)?;
    let bad = logz::is_bad(&z);
    z.warnings.iter().for_each(|w| warn(out, format!("log Z of {name}: {w}"), bad));
    if bad && z.warnings.is_empty() {
        warn(out, format!("log Z of {name} is {}: too uncertain to use", logz::value(z.value, z.std_err)), true);
    }
    Ok(Side { name, model, z, proved, seed_of_draws: seed(ctx, k + 2) })
}

/// Adds a warning, once.
fn warn(out: &mut Outcome, message: String, bad: bool) {
    if out.warnings.contains(&message) {
        out.bad_verdict |= bad;
    } else {
        out.warn(message, bad);
    }
}

/// What a reader must know of one divergence.
fn doubts(out: &mut Outcome, (own, other): (&Side, &Side), means: &Means, (field, kl): (&str, Estimate)) {
    let (p, q) = (own.name, other.name);
    let why = match means.infinite {
        Some(Infinite::Outside { probability }) => {
            let what = if means.exact { "probability" } else { "about the probability" };
            Some(format!("{p} has {what} {} where {q} has none", text::digits(probability, 3)))
        }
        Some(Infinite::Beyond { axis }) => {
            let space = other.model.formula.space();
            let (name, s) = (&space.names[axis], space.reals[axis]);
            let bounds = text::bounds(name, s.lower(), s.upper());
            Some(format!("{p} has mass outside {bounds}, where {q} has none, though too little to be seen"))
        }
        Some(Infinite::Diverges) => Some(format!("the energy of {q} grows too fast for the tails of {p}")),
        None => None,
    };
    if let Some(why) = why {
        warn(out, format!("{field} is infinite (null in JSON), and so is jeffreys: {why}"), false);
        return;
    }
    if !means.trusted {
        let message = if means.exact {
            format!("quadrature does not show that the mean of E_{q} - E_{p} over {p} exists: {field} may be infinite")
        } else {
            format!(
                "over draws of {p}, E_{q} - E_{p} has tails too heavy for a variance: the error of {field} means nothing"
            )
        };
        warn(out, message, true);
    }
    if kl.value < 0.0 && kl.z() < -MAX_BELOW_ZERO {
        let shown = text::with_error(kl.value, kl.std_err);
        let message = format!("{field} = {shown}, but no divergence is negative: log Z or the draws of {p} are wrong");
        warn(out, message, true);
    } else if kl.value < 0.0 && !means.exact {
        warn(out, format!("{field} is below zero within its error: {p} is not told from {q}"), false);
    }
}

/// The log-likelihoods of the rows.
fn on_data(data: &Points, a: &Side, b: &Side) -> Result<Likelihoods, Failure> {
    let energies = |side: &Side| {
        let mut e = vec![0.0; data.n()];
        side.model.formula.energy(data, &mut e);
        let at_fault = |i: usize, failure: Failure| {
            let message = format!("{}, row {} of the data: {}", side.name, i + 1, failure.message);
            Err(Failure { message, ..failure })
        };
        if let Some(i) = e.iter().position(|e| e.is_nan()) {
            return at_fault(i, guard::undefined(&side.model, &data.real.row(i)));
        }
        if let Some(i) = e.iter().position(|e| *e == f64::NEG_INFINITY) {
            let hint = "an energy must be bounded below at the data; correct the formula, or leave the row out";
            return at_fault(i, Failure::work("unbounded", "the energy is minus infinity there", hint));
        }
        Ok(e)
    };
    Ok(Likelihoods::new(&energies(a)?, &energies(b)?, &a.z, &b.z))
}

/// Names the rows that a model excludes.
fn excluded(out: &mut Outcome, l: &Likelihoods) {
    for (name, field, n_zero) in [("A", "log_likelihood_a", l.n_zero_a), ("B", "log_likelihood_b", l.n_zero_b)] {
        if n_zero > 0 {
            let rows = format!("{} of {} row(s)", text::count(n_zero as u64), text::count(l.n as u64));
            let message = format!(
                "{rows} have zero density under {name}: {field} is minus infinity, and the difference is not finite (null in JSON)"
            );
            warn(out, message, false);
        }
    }
}
