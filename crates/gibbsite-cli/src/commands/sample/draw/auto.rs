//! `--sampler auto` where nothing is exact: pilot chains of the No-U-Turn sampler from everywhere choose. Where they agree they
//! go on, else the chains are tempered.

use gibbsite::energy::Transformed;
use gibbsite::run::auto::{AutoOptions, AutoSession, Piloted, Sampler, choose};
use gibbsite::run::{Draws, dispersed_points};

use super::super::disk::Disk;
use super::{Drawn, block, finish, follow, tempered, to_inner, to_inner_places, to_the_end};
use crate::args::sample::SampleArgs;
use crate::context::Context;
use crate::failures;
use crate::outcome::Failure;
use crate::resolve::Resolved;

/// Under which the reason of a choice is kept with a run on disk.
const CHOICE: &str = "choice";

/// A choice that was made just now, or by the process that began the run on disk.
enum Made {
    Now(Piloted),
    Before(Sampler),
}

/// What the arguments mean for chains and for ladders.
pub(super) fn options(args: &SampleArgs, ctx: &Context) -> AutoOptions {
    let SampleArgs { chains, draws, thin, warmup, .. } = *args;
    AutoOptions { n_chains: chains, n_draws: draws, thin, n_warmup: warmup, seed: ctx.seed, block: block(chains) }
}

pub(super) fn draw(model: &Resolved, args: &SampleArgs, ctx: &Context, disk: Option<&Disk>) -> Result<Drawn, Failure> {
    let energy = Transformed::new(&model.formula);
    let options = options(args, ctx);
    let n_pilot = options.n_pilot();
    let saved = disk.and_then(|disk| Some((disk, disk.saved()?)));
    let (choice, wells, made) = match saved {
        Some((disk, saved)) => {
            let choice = saved.text(CHOICE).map(str::to_string).map_err(|e| disk.unusable(&e))?;
            let wells = dispersed_points(&energy, n_pilot, ctx.seed).map_err(failures::run)?.wells;
            let sampler = Sampler::restore(&energy, &options, saved).map_err(|e| disk.unusable(&e))?;
            (choice, wells, Made::Before(sampler))
        }
        None => {
            let n_warmup = (options.of_chains().n_warmup * n_pilot) as u64;
            let bar = ctx.progress("pilot", n_warmup);
            let piloted = choose(&energy, &options, &follow(&bar, n_warmup)).map_err(failures::run)?;
            (piloted.choice.in_words(model.names()), piloted.wells.clone(), Made::Now(piloted))
        }
    };
    let tempers = match &made {
        Made::Now(piloted) => !piloted.choice.agrees,
        Made::Before(sampler) => matches!(sampler, Sampler::Tempering(_)),
    };
    let count = |n: usize| n.saturating_mul(args.chains * args.thin) as u64;
    // The chains of the pilot are warm; ladders are not.
    let (name, n_warmup) = if tempers { ("tempering", count(options.of_ladders().n_warmup)) } else { ("sampling", 0) };
    let bar = ctx.progress(name, n_warmup.saturating_add(count(options.n_draws)));
    let follow = follow(&bar, n_warmup);
    let sampler = match made {
        Made::Now(piloted) => piloted.warm_up(&energy, &options, &follow).map_err(failures::run)?,
        Made::Before(sampler) => sampler,
    };
    let mut session = sampler.session(&energy, &options).map_err(failures::run)?;
    if let Some((disk, saved)) = saved {
        session.go_on(&energy, &options, saved).map_err(|e| disk.unusable(&e))?;
    }
    let wells = to_inner_places(&energy, &wells);
    let texts = [(CHOICE, choice)];
    let drawn = match session {
        AutoSession::Nuts(session) => {
            let run = to_the_end(*session, &energy, &options.of_chains(), wells, &texts, &follow, disk)?;
            finish("nuts", run, args)
        }
        AutoSession::Tempering(session) => {
            let convert = |draws: &mut Draws| to_inner(&energy, draws);
            tempered::to_the_end(session, &convert, &options.of_ladders(), wells, &texts, &follow, disk)?
        }
    };
    let [(_, choice)] = texts;
    Ok(Drawn { choice: Some(choice), ..drawn })
}
