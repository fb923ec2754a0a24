//! Draws of energies of labels.

use std::time::Instant;

use gibbsite::verdict::{Evidence, Report};

use super::super::identity::Identity;
use super::disk::Disk;
use super::draw::labelled::{choose, draw};
use super::write::DrawsFile;
use super::{conclude, identity};
use crate::args::sample::SampleArgs;
use crate::context::Context;
use crate::outcome::{Failure, Outcome};
use crate::resolve::LabelledModel;

/// Draws, summarises, judges, writes; held against sums over all states where these are few.
///
/// # Errors
/// Samplers that do not fit, runs that cannot be done, files that cannot be written.
pub fn run(
    args: &SampleArgs,
    file: Option<DrawsFile>,
    model: &LabelledModel,
    ctx: &Context,
) -> Result<Outcome, Failure> {
    let sampler = choose(args, model)?;
    let started = Instant::now();
    let identity = Identity::of_labels(model, identity(sampler, args), ctx);
    let disk = file.map(|file| Disk::open(file, identity, args.draws, args.resume, ctx)).transpose()?;
    if let Some(disk) = &disk {
        disk.announce(args.chains, model.dim(), ctx);
    }
    let drawn = draw(sampler, model, args, ctx, disk.as_ref())?;
    let seconds = disk.as_ref().map_or_else(|| started.elapsed().as_secs_f64(), Disk::seconds);
    // A bounded variable has all moments.
    let moments = vec![None; model.dim()];
    let evidence = Evidence { moments: &moments, ..drawn.evidence() };
    let mut report = Report::new(&evidence);
    if !args.no_exact {
        report.check_labels(&model.energy, &evidence);
    }
    let named = (model.description.as_str(), model.names());
    conclude(Outcome::new(), named, args, &drawn, (&report, &evidence), (disk, seconds), ctx)
}
