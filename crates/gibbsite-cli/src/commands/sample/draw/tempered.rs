//! `--sampler tempering`: ladders from a Gaussian to the model, the No-U-Turn sampler on every level.

use gibbsite::energy::Transformed;
use gibbsite::kernel::{Nuts, Tunable};
use gibbsite::points::Points;
use gibbsite::run::{Draws, Event, Phase, Session};
use gibbsite::tempering::{self, Ladder, LadderSession, Tempered, TemperingOptions};

use super::super::disk::{Disk, Job};
use super::auto::CHOICE;
use super::{Drawn, block, to_inner};
use crate::args::sample::SampleArgs;
use crate::context::Context;
use crate::failures;
use crate::outcome::Failure;
use crate::resolve::Resolved;

/// Iterations of warm-up where no number was asked for.
const N_WARMUP: usize = 500;

/// Longest trajectories on the levels: swaps, not trajectories, carry states far.
const MAX_DEPTH: u32 = 7;

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
    /// The judgement in words.
    pub verdict: String,
    /// Whether it is good.
    pub is_good: bool,
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
            verdict: run.verdict.to_string(),
            is_good: run.verdict.is_good(),
            log_z: run.log_z.map(|z| (z.value, z.std_err)),
        }
    }
}

/// One ladder for each row of `init`, which are in unconstrained coordinates; or those of the run on disk. `choice` is why
/// `auto` came here, and is kept with the run.
pub(super) fn draw(
    model: &Resolved,
    init: &Points,
    wells: Vec<Vec<f64>>,
    choice: Option<String>,
    args: &SampleArgs,
    ctx: &Context,
    disk: Option<&Disk>,
) -> Result<Drawn, Failure> {
    let energy = Transformed::new(&model.formula);
    let options = TemperingOptions {
        n_draws: args.draws,
        n_steps: args.thin,
        n_warmup: args.warmup.unwrap_or(N_WARMUP),
        n_levels: None,
        seed: ctx.seed,
        block: block(args.chains),
    };
    let count = |n: usize| (n * args.chains * args.thin) as u64;
    let bar = ctx.progress("tempering", count(options.n_warmup + options.n_draws));
    let follow = |event| {
        if let Event::Progress { phase, done, .. } = event {
            bar.set(if phase == Phase::WarmUp { done } else { count(options.n_warmup) + done });
        }
    };
    let kernel = Nuts { max_depth: MAX_DEPTH, ..Nuts::new(args.step_size.unwrap_or(0.5)) };
    let saved = disk.and_then(|disk| Some((disk, disk.saved()?)));
    let ladder = match saved {
        Some((disk, saved)) => {
            Ladder::restore(saved, &kernel, args.chains, model.dim()).map_err(|e| disk.unusable(&e))?
        }
        None => tempering::warm_up(&energy, &kernel, init.clone(), &options, &follow).map_err(failures::run)?,
    };
    let mut session = LadderSession::start(&energy, &ladder, &options).map_err(failures::run)?;
    if let Some((disk, saved)) = saved {
        session.go_on(saved).map_err(|e| disk.unusable(&e))?;
    }
    let convert = |draws: &mut Draws| to_inner(&energy, draws);
    let (draws, every) = match disk {
        None => {
            let mut draws = session.draw(options.n_draws, &follow).map_err(failures::run)?;
            convert(&mut draws);
            (draws, 1)
        }
        Some(disk) => {
            let texts: Vec<(&str, String)> = choice.iter().map(|c| (CHOICE, c.clone())).collect();
            let (n_chains, dim) = (args.chains, model.dim());
            let job =
                Job { n_chains, dim, n_draws: options.n_draws, convert: &convert, texts: &texts, progress: &follow };
            let kept = disk.draw(&mut session, &job, failures::run)?;
            (kept.draws, kept.every)
        }
    };
    let run = session.finish(draws);
    let report = LadderReport::new(&run, options.n_draws);
    let target = run.info[run.info.len() - 1];
    let kernel = &ladder.kernels()[run.info.len() - 1];
    let (n_chains, dim) = (run.draws.n_chains(), run.draws.dim());
    let (values, energy) = run.draws.into_parts();
    Ok(Drawn {
        sampler: "tempering",
        n_chains,
        n_draws: options.n_draws,
        dim,
        every,
        values,
        energy,
        accept_prob: target.accept_prob(),
        n_diverged: target.n_diverged,
        n_proposals: target.n,
        step_size: Some(kernel.step_size()),
        target_accept: kernel.target_accept(),
        step_size_given: false,
        thin: args.thin,
        n_warmup: options.n_warmup,
        warnings: run.warnings,
        wells,
        bias: None,
        choice,
        hamiltonian: Vec::new(),
        divergences: Vec::new(),
        ladder: Some(report),
    })
}
