//! Draws of labels: kernels that move them, alone or on the levels of a ladder.

use gibbsite::adapt::Adapt;
use gibbsite::energy::{Bridge, Discrete, Energy, Independent, Labelled, Pairwise, Scaled, Tractable};
use gibbsite::kernel::{Gibbs, Gwg, Kernel, SwendsenWang, Tunable, Wolff};
use gibbsite::points::Points;
use gibbsite::rng::{Run, Streams};
use gibbsite::run::{Draws, KernelSession, Session};
use gibbsite::tempering::{self, Ladder, LadderSession};

use super::super::disk::{Disk, Job};
use super::{Drawn, Held, Ran, auto, finish, follow, options, tempered};
use crate::args::names::LABEL_SAMPLERS;
use crate::args::sample::SampleArgs;
use crate::context::Context;
use crate::failures;
use crate::outcome::Failure;
use crate::resolve::LabelledModel;

/// The sampler that the arguments mean for this energy.
///
/// # Errors
/// Samplers of real coordinates, step sizes, clusters of labels that are not coupled in pairs.
pub fn choose(args: &SampleArgs, model: &LabelledModel) -> Result<&'static str, Failure> {
    let asked = args.sampler.as_str();
    let Some(name) = LABEL_SAMPLERS.into_iter().find(|name| *name == asked) else {
        let message = format!("--sampler {asked} moves real coordinates; this energy has discrete variables");
        return Err(Failure::usage("labels", message, format!("use one of {}", LABEL_SAMPLERS.join(", "))));
    };
    if args.step_size.is_some() {
        let message = "samplers of discrete variables have no step size";
        return Err(Failure::usage("step_size", message, "leave out --step-size"));
    }
    match (name, model.energy.inner()) {
        ("cluster" | "wolff", Labelled::Rbm(_)) => {
            let message =
                format!("--sampler {name} needs variables that are coupled in pairs, on a lattice or a graph");
            Err(Failure::usage("labels", message, "use --sampler gibbs, or tempering"))
        }
        ("auto", Labelled::Boltzmann(energy)) if attracts(energy) => Ok("cluster"),
        ("auto", Labelled::Potts(energy)) if attracts(energy) => Ok("cluster"),
        ("auto", _) => Ok("tempering"),
        _ => Ok(name),
    }
}

/// Whether equal labels are rewarded everywhere: where they are not, clusters grow beyond what turns.
fn attracts(energy: &impl Pairwise) -> bool {
    energy.couplings().weights().iter().all(|w| *w >= 0.0)
}

/// Draws as the arguments say; to `disk`, where they go there.
///
/// # Errors
/// Whatever keeps the run from being done.
pub fn draw(
    sampler: &'static str,
    model: &LabelledModel,
    args: &SampleArgs,
    ctx: &Context,
    disk: Option<&Disk>,
) -> Result<Drawn, Failure> {
    super::check_held(model.dim(), args, disk.is_some())?;
    let energy = &model.energy;
    let mut drawn = match (sampler, energy.inner()) {
        ("gibbs", _) => chains(sampler, energy, Gibbs, args, ctx, disk)?,
        ("gwg", _) => chains(sampler, energy, Gwg, args, ctx, disk)?,
        (_, Labelled::Boltzmann(inner)) if sampler != "tempering" => {
            clusters(sampler, &Scaled::new(inner, energy.beta()), args, ctx, disk)?
        }
        (_, Labelled::Potts(inner)) if sampler != "tempering" => {
            clusters(sampler, &Scaled::new(inner, energy.beta()), args, ctx, disk)?
        }
        _ => ladders(energy, args, ctx, disk)?,
    };
    if args.sampler == "auto" {
        let why = if sampler == "cluster" { "equal neighbours attract" } else { "no other sampler is known to cross" };
        drawn.choice = Some(why.into());
    }
    drawn.step_size = None;
    drawn.n_labels = model.dim();
    Ok(drawn)
}

fn clusters<E: Pairwise>(
    sampler: &'static str,
    energy: &E,
    args: &SampleArgs,
    ctx: &Context,
    disk: Option<&Disk>,
) -> Result<Drawn, Failure> {
    match sampler {
        "wolff" => chains(sampler, energy, Wolff, args, ctx, disk),
        _ => chains(sampler, energy, SwendsenWang, args, ctx, disk),
    }
}

/// Labels of which every state is as likely.
fn starts<E: Energy>(energy: &E, n: usize, seed: u64) -> Points {
    Independent::uniform(energy.space().clone()).sample(n, &mut Streams::new(seed, Run::Probe))
}

fn chains<E: Energy, K: Adapt<E>>(
    sampler: &'static str,
    energy: &E,
    kernel: K,
    args: &SampleArgs,
    ctx: &Context,
    disk: Option<&Disk>,
) -> Result<Drawn, Failure> {
    let options = options(args, ctx);
    let total = (options.n_warmup + options.n_draws.saturating_mul(options.thin)).saturating_mul(args.chains);
    let bar = ctx.progress("sampling", total as u64);
    let follow = follow(&bar, (options.n_warmup * args.chains) as u64);
    let saved = disk.and_then(|disk| Some((disk, disk.saved()?)));
    let mut session = match saved {
        Some((disk, saved)) => {
            KernelSession::resume(energy, kernel, &options, args.chains, saved).map_err(|e| disk.unusable(&e))?
        }
        None => {
            let init = starts(energy, args.chains, ctx.seed);
            KernelSession::start(energy, &kernel, init, &options, &follow).map_err(failures::run)?
        }
    };
    let (draws, every) = match disk {
        None => (session.draw(options.n_draws, &follow).map_err(failures::run)?, 1),
        Some(disk) => {
            let (dim, convert) = (energy.space().n_coordinates(), |_: &mut Draws| {});
            let n_chains = args.chains;
            let job = Job { n_chains, dim, n_draws: options.n_draws, convert: &convert, texts: &[], progress: &follow };
            let kept = disk.draw(&mut session, &job, failures::run)?;
            (kept.draws, kept.every)
        }
    };
    let outcome = session.finish(draws).map_err(failures::run)?;
    Ok(finish(sampler, Ran { outcome, held: Held { every, ebfmi: Vec::new() }, wells: Vec::new() }, args))
}

fn ladders<E: Discrete>(energy: &E, args: &SampleArgs, ctx: &Context, disk: Option<&Disk>) -> Result<Drawn, Failure>
where
    Gibbs: for<'a> Kernel<Bridge<&'a Independent, &'a E>> + Tunable,
{
    let options = auto::options(args, ctx).of_ladders();
    let count = |n: usize| n.saturating_mul(args.chains * args.thin) as u64;
    let n_warmup = count(options.n_warmup);
    let bar = ctx.progress("tempering", n_warmup.saturating_add(count(options.n_draws)));
    let follow = follow(&bar, n_warmup);
    let saved = disk.and_then(|disk| Some((disk, disk.saved()?)));
    let ladder = match saved {
        Some((disk, saved)) => {
            Ladder::restore(saved, &Gibbs, args.chains, energy.space()).map_err(|e| disk.unusable(&e))?
        }
        None => {
            let init = starts(energy, args.chains, ctx.seed);
            let base = Independent::uniform(energy.space().clone());
            tempering::warm_up_from(base, energy, &Gibbs, init, &options, &follow).map_err(failures::run)?
        }
    };
    let mut session = LadderSession::start(energy, &ladder, &options).map_err(failures::run)?;
    if let Some((disk, saved)) = saved {
        session.go_on(saved).map_err(|e| disk.unusable(&e))?;
    }
    tempered::to_the_end(session, &|_| {}, &options, Vec::new(), &[], &follow, disk)
}
