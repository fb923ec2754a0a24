//! Methods that need chains: a warm ladder first, then the estimate that was asked for, or two that check each other.

use gibbsite::energy::formula::Formula;
use gibbsite::energy::{Bridge, Differentiable, Transformed};
use gibbsite::kernel::{Kernel, Tunable};
use gibbsite::logz::path::Path;
use gibbsite::logz::sampled::{Along, Estimator, Forget, Keep, Pilot, Stop, Timely, budget, cross_check, refine};
use gibbsite::logz::{LogZ, LogZError};
use gibbsite::run::saved::Saved;
use gibbsite::run::{Elapsed, Event};
use gibbsite::tempering::Reference;

use super::super::identity::Identity;
use super::clock::Clock;
use super::{Answer, checkpoint};
use crate::args::logz::LogzArgs;
use crate::context::{Context, Progress};
use crate::outcome::Failure;
use crate::resolve::{LabelledModel, Resolved};
use crate::{failures, text};

/// Seconds that the work may take, by a table of costs, where no limit is given.
const SECONDS: f64 = 120.0;

/// Standard error that other commands ask for.
const TOL: f64 = 0.02;

/// Walkers of a population of smc.
pub(super) const POPULATION: usize = 64;

type Energies<'a> = Transformed<&'a Formula>;

/// log Z by `ais`, `smc`, `bridge`, `ti`, `stepping-stone`, or by two of them (`auto`).
///
/// # Errors
/// Energies on which no chain can start, or that are undefined where chains go; checkpoints that cannot be used; no time for any
/// estimate.
pub fn estimate(
    method: &str,
    args: &LogzArgs,
    model: &Resolved,
    clock: Clock,
    ctx: &Context,
) -> Result<Answer, Failure> {
    let mut keep = checkpoint::open(method, args, |options| Identity::new(model, options, ctx), ctx)?;
    let elapsed = || clock.elapsed();
    work(method, &args.betas, model, &stop(method, args, model.dim(), &elapsed), keep.as_mut(), ctx)
}

/// log Z of an energy of labels by the same methods.
///
/// # Errors
/// As [`estimate`].
pub fn of_labels(
    method: &str,
    args: &LogzArgs,
    model: &LabelledModel,
    clock: Clock,
    ctx: &Context,
) -> Result<Answer, Failure> {
    let mut keep = checkpoint::open(method, args, |options| Identity::of_labels(model, options, ctx), ctx)?;
    let elapsed = || clock.elapsed();
    let stop = stop(method, args, model.dim(), &elapsed);
    let found = (|| {
        let pilot = match keep.load("pilot")? {
            Some(saved) => Pilot::restore_labels(&model.energy, ctx.seed, &saved)?,
            None => {
                let bar = ctx.progress("pilot", 1);
                let pilot = Pilot::of_labels(&model.energy, ctx.seed, &follow(&bar), stop.elapsed)?;
                keep.store("pilot", &pilot.save())?;
                pilot
            }
        };
        by_pilot(method, &args.betas, &pilot, &stop, keep.as_mut(), ctx)
    })();
    found.map_err(failures::log_z)
}

/// When estimates end, as the arguments say.
fn stop<'e>(method: &str, args: &LogzArgs, dim: usize, elapsed: Elapsed<'e>) -> Stop<'e> {
    let n = args.n.map(|n| if method == "smc" { n.div_ceil(POPULATION) } else { n });
    let tol = if n.is_some() { f64::INFINITY } else { args.tol };
    Stop { tol, first: n, least: 0, budget: budget(args.max_seconds.unwrap_or(SECONDS), dim), elapsed }
}

/// log Z by two families of estimates that check each other.
///
/// # Errors
/// As [`estimate`].
pub fn cross_checked(model: &Resolved, ctx: &Context) -> Result<Answer, Failure> {
    let stop = Stop { tol: TOL, first: None, least: 0, budget: budget(SECONDS, model.dim()), elapsed: &|| 0.0 };
    work("auto", &[], model, &stop, &mut Forget, ctx)
}

fn work(
    method: &str,
    betas: &[f64],
    model: &Resolved,
    stop: &Stop<'_>,
    keep: &mut dyn Keep,
    ctx: &Context,
) -> Result<Answer, Failure> {
    let energy = Transformed::new(&model.formula);
    let found = by_chains(method, betas, &energy, stop, keep, ctx);
    found.map_err(|error| match error.in_inner(&energy) {
        LogZError::Undefined { point } => failures::undefined(&point, model.names()),
        error => failures::log_z(error),
    })
}

fn by_chains(
    method: &str,
    betas: &[f64],
    energy: &Energies<'_>,
    stop: &Stop<'_>,
    keep: &mut dyn Keep,
    ctx: &Context,
) -> Result<Answer, LogZError> {
    let pilot = match keep.load("pilot")? {
        Some(saved) => Pilot::restore(energy, ctx.seed, &saved)?,
        None => {
            let bar = ctx.progress("pilot", 1);
            let pilot = Pilot::warm_up(energy, ctx.seed, &follow(&bar), stop.elapsed)?;
            keep.store("pilot", &pilot.save())?;
            pilot
        }
    };
    by_pilot(method, betas, &pilot, stop, keep, ctx)
}

/// The estimate that is asked for, from a ladder that is warm.
fn by_pilot<'a, E, R, K>(
    method: &str,
    betas: &[f64],
    pilot: &Pilot<'a, E, R, K>,
    stop: &Stop<'_>,
    keep: &mut dyn Keep,
    ctx: &Context,
) -> Result<Answer, LogZError>
where
    E: Differentiable + ?Sized,
    R: Reference,
    K: for<'b> Kernel<Bridge<&'b R, &'b E>> + Tunable + Clone,
    Pilot<'a, E, R, K>: Timely<K>,
{
    let path = match method {
        "ais" | "smc" | "auto" => Some(path(pilot, betas, stop, keep, ctx)?),
        _ => None,
    };
    let n_evals = pilot.n_evals() + path.as_ref().map_or(0, Path::n_evals);
    let stop = stop.after(n_evals);
    let bar = ctx.progress(method, 1);
    let follow = follow(&bar);
    let mut told = |z: &LogZ| bar.message(format!("{} ({})", text::with_error_short(z.value, z.std_err), z.method));
    let mut one = |estimator: &mut dyn Estimator| refine(estimator, &stop, keep, &follow, &mut told).map(Answer::from);
    let found = match (method, &path) {
        ("ais", Some(path)) => one(&mut pilot.annealing(path)),
        ("smc", Some(path)) => one(&mut pilot.populations(path)),
        (_, Some(path)) => {
            let checked = cross_check(pilot, path, &stop, keep, &follow, &mut told)?;
            let witnesses = checked.reversed.into_iter().chain(checked.importance);
            let parts = [checked.annealed, checked.bridged].into_iter().chain(witnesses).collect();
            Ok(Answer { parts, ..Answer::from(checked.log_z) })
        }
        ("ti", None) => one(&mut pilot.ladders(Along::Thermodynamic)?),
        ("stepping-stone", None) => one(&mut pilot.ladders(Along::SteppingStones)?),
        (_, None) => one(&mut pilot.ladders(Along::Bridges)?),
    }?;
    Ok(Answer { z: found.z.after(n_evals), ..found })
}

/// The path of annealing: as given, as it was kept, or as a pilot finds it.
fn path<'a, E, R, K>(
    pilot: &Pilot<'a, E, R, K>,
    betas: &[f64],
    stop: &Stop<'_>,
    keep: &mut dyn Keep,
    ctx: &Context,
) -> Result<Path<K>, LogZError>
where
    E: Differentiable + ?Sized,
    R: Reference,
    K: for<'b> Kernel<Bridge<&'b R, &'b E>> + Tunable + Clone,
    Pilot<'a, E, R, K>: Timely<K>,
{
    if !betas.is_empty() {
        return pilot.path_at(betas.to_vec());
    }
    if let Some(saved) = keep.load("path")? {
        let mut path = pilot.path_at(saved.numbers("betas")?.to_vec())?;
        let ([effective], [n_evals]) = (saved.array("effective")?, saved.integers("n_evals")?);
        path.set_pilots(Some(effective), n_evals);
        return Ok(path);
    }
    let bar = ctx.progress("path", 1);
    let path = pilot.path(stop, &mut |n| bar.message(format!("{} temperatures", text::count(n as u64))))?;
    let mut saved = Saved::default();
    saved.put_numbers("betas", path.betas());
    saved.put_numbers("effective", &[path.effective().unwrap_or(f64::NAN)]);
    saved.put_integers("n_evals", &[path.n_evals()]);
    keep.store("path", &saved)?;
    Ok(path)
}

fn follow(bar: &Progress) -> impl Fn(Event) + Sync {
    move |event| {
        if let Event::Progress { done, total, .. } = event {
            bar.set_of(done, total);
        }
    }
}
