//! `--sampler auto` where nothing is exact: pilot chains of the No-U-Turn sampler from everywhere choose. Where they agree
//! they go on, else the chains are tempered.

use gibbsite::adapt::WarmedUp;
use gibbsite::energy::Transformed;
use gibbsite::kernel::Nuts;
use gibbsite::run::{self, KernelSession, Pilot, Quantity, RunOptions};

use super::super::disk::Disk;
use super::{Drawn, finish, follow, options, tempered, to_inner_places, to_the_end};
use crate::args::sample::SampleArgs;
use crate::context::Context;
use crate::failures;
use crate::outcome::Failure;
use crate::resolve::Resolved;

/// Chains of a pilot run at the least: a few chains may all miss a mode.
const N_PILOT: usize = 32;

/// Under which the reason of a choice is kept with a run on disk.
pub(super) const CHOICE: &str = "choice";

pub(super) fn draw(model: &Resolved, args: &SampleArgs, ctx: &Context, disk: Option<&Disk>) -> Result<Drawn, Failure> {
    let energy = Transformed::new(&model.formula);
    let options = options(args, ctx);
    let n_pilot = args.chains.max(N_PILOT);
    let starts = run::dispersed_points(&energy, n_pilot, ctx.seed).map_err(failures::run)?;
    let kernel = Nuts::new(0.5);
    let (session, choice) = match disk.and_then(|disk| Some((disk, disk.saved()?))) {
        Some((disk, saved)) => {
            let choice = saved.text(CHOICE).map(str::to_string).map_err(|e| disk.unusable(&e))?;
            // Of the two samplers only one has levels.
            if saved.has_numbers("betas") {
                let wells = to_inner_places(&energy, &starts.wells);
                return tempered::draw(model, &starts.points, wells, Some(choice), args, ctx, Some(disk));
            }
            let resumed = KernelSession::resume(&energy, kernel, &options, args.chains, saved);
            (resumed.map_err(|e| disk.unusable(&e))?, choice)
        }
        None => {
            let bar = ctx.progress("pilot", (options.n_warmup * n_pilot) as u64);
            let follow = follow(&bar, &options, n_pilot);
            let pilot = run::pilot(&energy, &kernel, starts.points.clone(), &options, &follow);
            let pilot = pilot.map_err(failures::run)?;
            let choice = reason(&pilot, n_pilot, starts.wells.len(), model.names());
            let x = pilot.warm.x.rows(0, args.chains);
            if !pilot.agrees() {
                let wells = to_inner_places(&energy, &starts.wells);
                return tempered::draw(model, &x, wells, Some(choice), args, ctx, disk);
            }
            (KernelSession::warm(&energy, WarmedUp { x, ..pilot.warm }, &options), choice)
        }
    };
    let options = RunOptions { n_warmup: 0, ..options };
    let bar = ctx.progress("sampling", options.n_draws.saturating_mul(options.thin * args.chains) as u64);
    let follow = follow(&bar, &options, args.chains);
    let texts = [(CHOICE, choice)];
    let run = to_the_end(session, &energy, &options, starts, &texts, &follow, disk)?;
    let [(_, choice)] = texts;
    Ok(Drawn { choice: Some(choice), ..finish("nuts", run, args) })
}

/// What the pilot found.
fn reason(pilot: &Pilot, n_pilot: usize, n_wells: usize, names: &[String]) -> String {
    let of = match pilot.worst {
        Quantity::Coordinate(j) => names.get(j).cloned().unwrap_or_else(|| format!("x{}", j + 1)),
        Quantity::Energy => "the energy".into(),
    };
    let wells = if n_wells > 1 { format!("; {n_wells} wells") } else { String::new() };
    if pilot.agrees() {
        format!("{n_pilot} pilot chains of nuts agree, R-hat at most {:.2}{wells}", pilot.rhat)
    } else {
        format!("{n_pilot} pilot chains of nuts disagree, R-hat of {of} is {:.2}{wells}", pilot.rhat)
    }
}
