//! `--sampler tempering`: ladders from a Gaussian to the model, the No-U-Turn sampler on every level.

use gibbsite::energy::Transformed;
use gibbsite::kernel::{Nuts, Tunable};
use gibbsite::points::Points;
use gibbsite::run::{Event, Phase};
use gibbsite::tempering::{self, Tempered, TemperingOptions};

use super::super::disk::Disk;
use super::{Drawn, block, check_held, to_inner};
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
    fn new(run: &Tempered) -> Self {
        let (n_ladders, n_draws) = (run.n_round_trips.len(), run.draws.n_draws());
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

/// One ladder for each row of `init`, which are in unconstrained coordinates.
pub(super) fn draw(
    model: &Resolved,
    init: &Points,
    wells: Vec<Vec<f64>>,
    args: &SampleArgs,
    ctx: &Context,
    disk: Option<&Disk>,
) -> Result<Drawn, Failure> {
    // The ladders are no session that could be cut into pieces: their draws are held, also on their way to a file.
    check_held(model, args)?;
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
    let ladder = tempering::warm_up(&energy, &kernel, init.clone(), &options, &follow).map_err(failures::run)?;
    let mut run = tempering::draw(&energy, &ladder, &options, &follow).map_err(failures::run)?;
    to_inner(&energy, &mut run.draws);
    if let Some(disk) = disk {
        disk.write_whole(&run.draws)?;
    }
    let report = LadderReport::new(&run);
    let target = run.info[run.info.len() - 1];
    let kernel = &ladder.kernels()[run.info.len() - 1];
    let (n_chains, n_draws, dim) = (run.draws.n_chains(), run.draws.n_draws(), run.draws.dim());
    let (values, energy) = run.draws.into_parts();
    Ok(Drawn {
        sampler: "tempering",
        n_chains,
        n_draws,
        dim,
        every: 1,
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
        choice: None,
        hamiltonian: Vec::new(),
        divergences: Vec::new(),
        ladder: Some(report),
    })
}
