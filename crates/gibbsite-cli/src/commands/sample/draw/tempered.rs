//! `--sampler tempering`: ladders from a mixture of Gaussians to the model, the No-U-Turn sampler on every level.

use gibbsite::energy::{Bridge, Differentiable, Energy, Transformed};
use gibbsite::kernel::{Kernel, Tunable};
use gibbsite::run::auto::level_kernel;
use gibbsite::run::{self, Draws, Session};
use gibbsite::tempering::{self, Ladder, LadderSession, Reference, Tempered, TemperingOptions};

use super::super::disk::{Disk, Job};
use super::{Drawn, auto, follow, to_inner, to_inner_places};
use crate::args::sample::SampleArgs;
use crate::context::Context;
use crate::failures;
use crate::outcome::Failure;
use crate::resolve::Resolved;

/// Step size at which the search for one begins.
const STEP_SIZE: f64 = 0.5;

/// What a ladder says of itself.
pub struct LadderReport {
    /// The levels.
    pub betas: Vec<f64>,
    /// Rejection of every pair.
    pub rejection: Vec<f64>,
    /// The communication barrier.
    pub barrier: f64,
    /// Round trips of all ladders.
    pub n_round_trips: u64,
    /// Round trips to expect of all ladders, if levels forget between swaps.
    pub n_round_trips_expected: f64,
    /// The judgement.
    pub verdict: tempering::Verdict,
    /// log Z and its standard error.
    pub log_z: Option<(f64, f64)>,
}

impl LadderReport {
    fn new(run: &Tempered, n_draws: usize) -> Self {
        let n_ladders = run.n_round_trips.len();
        Self {
            betas: run.betas.clone(),
            rejection: run.rejection.clone(),
            barrier: run.barrier,
            n_round_trips: run.total_round_trips(),
            n_round_trips_expected: run.expected_rate * (n_ladders * n_draws) as f64,
            verdict: run.verdict.clone(),
            log_z: run.log_z.map(|z| (z.value, z.std_err)),
        }
    }
}

/// Warms ladders up and draws; or goes on with those of the run on disk.
pub(super) fn draw(model: &Resolved, args: &SampleArgs, ctx: &Context, disk: Option<&Disk>) -> Result<Drawn, Failure> {
    let energy = Transformed::new(&model.formula);
    let starts = run::dispersed_points(&energy, args.chains, ctx.seed).map_err(failures::run)?;
    let options = auto::options(args, ctx).of_ladders();
    let count = |n: usize| n.saturating_mul(args.chains * args.thin) as u64;
    let n_warmup = count(options.n_warmup);
    let bar = ctx.progress("tempering", n_warmup.saturating_add(count(options.n_draws)));
    let follow = follow(&bar, n_warmup);
    let kernel = level_kernel(STEP_SIZE);
    let saved = disk.and_then(|disk| Some((disk, disk.saved()?)));
    let ladder = match saved {
        Some((disk, saved)) => {
            Ladder::restore(saved, &kernel, args.chains, energy.space()).map_err(|e| disk.unusable(&e))?
        }
        None => tempering::warm_up(&energy, &kernel, starts.points, &options, &follow).map_err(failures::run)?,
    };
    let mut session = LadderSession::start(&energy, &ladder, &options).map_err(failures::run)?;
    if let Some((disk, saved)) = saved {
        session.go_on(saved).map_err(|e| disk.unusable(&e))?;
    }
    let wells = to_inner_places(&energy, &starts.wells);
    let convert = |draws: &mut Draws| to_inner(&energy, draws);
    to_the_end(session, &convert, &options, wells, &[], &follow, disk)
}

/// The draws that are left to a session, and all that the run says; `wells` are those of the model. On `disk`, `texts` are
/// kept with it.
pub(super) fn to_the_end<'a, R, E, K>(
    mut session: LadderSession<'a, R, E, K>,
    convert: &dyn Fn(&mut Draws),
    options: &TemperingOptions,
    wells: Vec<Vec<f64>>,
    texts: &[(&str, String)],
    follow: run::Progress<'_>,
    disk: Option<&Disk>,
) -> Result<Drawn, Failure>
where
    R: Reference,
    E: Differentiable,
    K: Kernel<Bridge<&'a R, &'a E>> + Tunable + Clone,
{
    let (draws, every) = match disk {
        None => {
            let mut draws = session.draw(options.n_draws, follow).map_err(failures::run)?;
            convert(&mut draws);
            (draws, 1)
        }
        Some(disk) => {
            let (n_chains, dim) = (session.n_ladders(), session.ladder().reference().space().n_coordinates());
            let job = Job { n_chains, dim, n_draws: options.n_draws, convert, texts, progress: follow };
            let kept = disk.draw(&mut session, &job, failures::run)?;
            (kept.draws, kept.every)
        }
    };
    let ladder = session.ladder();
    let run = session.finish(draws);
    let report = LadderReport::new(&run, options.n_draws);
    let target = run.info[run.info.len() - 1];
    let kernel = &ladder.kernels()[run.info.len() - 1];
    Ok(Drawn {
        sampler: "tempering",
        n_draws: options.n_draws,
        every,
        draws: run.draws,
        accept_prob: target.accept_prob(),
        n_diverged: target.n_diverged,
        n_proposals: target.n,
        step_size: Some(kernel.step_size()),
        target_accept: kernel.target_accept(),
        step_size_given: false,
        thin: options.n_steps,
        n_warmup: options.n_warmup,
        warnings: run.warnings,
        wells,
        bias: None,
        choice: None,
        ebfmi: Vec::new(),
        divergences: Vec::new(),
        ladder: Some(report),
        cdf_error: None,
        gap: None,
        n_labels: 0,
    })
}
