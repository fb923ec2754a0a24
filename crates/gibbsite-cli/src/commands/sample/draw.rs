//! From the name of a sampler to draws: exact ones by the grid, else a kernel on the unconstrained coordinates.

use gibbsite::adapt::{Adapt, CoordinateBias, WarmedUp, compare, ula_reference};
use gibbsite::energy::formula::Formula;
use gibbsite::energy::{Energy, Transformed};
use gibbsite::kernel::grid::Grid;
use gibbsite::kernel::{Hmc, Mala, Nuts, Rwm, Ula};
use gibbsite::points::{Matrix, Points};
use gibbsite::rng::{Run, Streams};
use gibbsite::run::{self, Divergence, Draws, Event, Phase, RunError, RunOptions, Starts, Warning};
use rayon::prelude::*;

use crate::args::names;
use crate::args::sample::SampleArgs;
use crate::context::{Context, Progress};
use crate::failures;
use crate::outcome::Failure;
use crate::resolve::Resolved;

/// Warm-up where none was asked for.
const N_WARMUP: usize = 1000;

/// Leapfrog steps of a Hamiltonian transition, on average.
const N_LEAPFROG: usize = 10;

/// Chains of a pilot run at the least: a few chains may all miss a mode.
const N_PILOT: usize = 32;

/// Draws of the grid computed together, on one thread.
const GRID_BLOCK: usize = 1024;

/// Mixed into the seed of a burn-in with a given step size, so that its noise is not that of the draws.
const BURN_IN: u64 = 0x6275_726e_2d69_6e00;

type Energies<'a> = Transformed<&'a Formula>;

/// Draws in the units of the energy, whatever the sampler worked in.
pub struct Drawn {
    /// The sampler that drew.
    pub sampler: &'static str,
    /// Chains.
    pub n_chains: usize,
    /// Draws of each.
    pub n_draws: usize,
    /// Coordinates.
    pub dim: usize,
    /// Index `(chain * n_draws + draw) * dim + j`.
    pub values: Vec<f64>,
    /// Index `chain * n_draws + draw`.
    pub energy: Vec<f64>,
    /// Mean acceptance probability while drawing.
    pub accept_prob: f64,
    /// Divergent or non-finite proposals while drawing.
    pub n_diverged: u64,
    /// Proposals while drawing.
    pub n_proposals: u64,
    /// Step size while drawing, for kernels.
    pub step_size: Option<f64>,
    /// The acceptance probability that warm-up aims for, for kernels that reject.
    pub target_accept: Option<f64>,
    /// Whether the step size was given rather than adapted.
    pub step_size_given: bool,
    /// Transitions from one draw to the next.
    pub thin: usize,
    /// Transitions of each chain before the first draw.
    pub n_warmup: usize,
    /// What the run found doubtful.
    pub warnings: Vec<Warning>,
    /// Wells that the search for starting points found.
    pub n_wells: usize,
    /// For `ula`: how its draws differ from those of `mala`.
    pub bias: Option<Bias>,
    /// Why `auto` chose this sampler.
    pub choice: Option<String>,
    /// Total energies of the transitions of every chain; none for samplers without momenta.
    pub hamiltonian: Vec<Vec<f64>>,
    /// Where transitions diverged, in the coordinates of the model.
    pub divergences: Vec<Divergence>,
}

/// How draws differ from those of an unbiased sampler.
pub struct Bias {
    /// One per coordinate.
    pub coordinates: Vec<CoordinateBias>,
    /// Mean energy less that of the other sampler.
    pub energy: f64,
}

impl Drawn {
    /// Coordinate `j` of every chain.
    pub fn coordinate(&self, j: usize) -> Vec<Vec<f64>> {
        let chain = |c: &[f64]| c.chunks_exact(self.dim).map(|row| row[j]).collect();
        self.values.chunks_exact(self.n_draws * self.dim).map(chain).collect()
    }

    /// The energies of every chain.
    pub fn energies(&self) -> Vec<Vec<f64>> {
        self.energy.chunks_exact(self.n_draws).map(<[f64]>::to_vec).collect()
    }

    /// Whether the draws are independent and exact.
    pub fn is_exact(&self) -> bool {
        self.sampler == "grid"
    }
}

/// The sampler that the arguments mean for this energy; `auto` where only pilot chains can tell.
///
/// # Errors
/// The grid in more than two dimensions.
pub fn choose(args: &SampleArgs, model: &Resolved) -> Result<&'static str, Failure> {
    match (args.sampler.as_str(), model.dim()) {
        ("auto", 1..=2) if !args.no_exact => Ok("grid"),
        ("grid", 1..=2) => Ok("grid"),
        ("grid", d) => {
            let message = format!("the grid sampler works in one or two dimensions, not in {d}");
            Err(Failure::usage("dimension", message, "use --sampler nuts, or auto"))
        }
        // A step size that is given leaves nothing to a pilot.
        ("auto", _) if args.step_size.is_some() => Ok("nuts"),
        (name, _) => names::SAMPLERS
            .into_iter()
            .find(|known| *known == name)
            .ok_or_else(|| crate::names::unknown("sampler", name, &names::SAMPLERS)),
    }
}

/// Draws as the arguments say.
///
/// # Errors
/// Whatever keeps the run from being done.
pub fn draw(sampler: &'static str, model: &Resolved, args: &SampleArgs, ctx: &Context) -> Result<Drawn, Failure> {
    let (n, dim) = (args.chains.saturating_mul(args.draws), model.dim());
    // Room for the draws, their copy by coordinate and the diagnostics.
    if n.saturating_mul(dim + 1) > 1 << 27 {
        return Err(failures::run(RunError::TooLarge { n_chains: args.chains, n_draws: args.draws, dim }));
    }
    match sampler {
        "grid" => grid(model, args, ctx),
        "rwm" => chains(sampler, model, Rwm::new(1.0), args, ctx),
        "ula" => ula(model, args, ctx),
        "mala" => chains(sampler, model, Mala::new(0.5), args, ctx),
        "hmc" => chains(sampler, model, Hmc::new(0.5, N_LEAPFROG), args, ctx),
        "nuts" => chains(sampler, model, Nuts::new(0.5), args, ctx),
        _ => auto(model, args, ctx),
    }
}

fn grid(model: &Resolved, args: &SampleArgs, ctx: &Context) -> Result<Drawn, Failure> {
    for (flag, given) in [("--step-size", args.step_size.is_some()), ("--warmup", args.warmup.is_some_and(|n| n > 0))] {
        if given {
            ctx.note(&format!("note: the grid sampler draws independently and has no use for {flag}"));
        }
    }
    let grid = Grid::new(&model.formula).map_err(failures::log_z)?;
    let (n, dim) = (args.chains * args.draws, model.dim());
    let progress = ctx.progress("draws", n as u64);
    let streams = Streams::new(ctx.seed, Run::Draws);
    let mut x = Matrix::new(n, dim);
    let starts: Vec<usize> = (0..n).step_by(GRID_BLOCK).collect();
    let block = |first: usize| grid.block(first, GRID_BLOCK.min(n - first), &streams);
    // A few blocks at a time, so that the bar moves.
    for some in starts.chunks(16) {
        let blocks: Result<Vec<Points>, _> = match some {
            [first] => block(*first).map(|b| vec![b]),
            many => many.par_iter().map(|first| block(*first)).collect(),
        };
        for (first, b) in some.iter().zip(blocks.map_err(failures::log_z)?) {
            for j in 0..dim {
                x.col_mut(j)[*first..*first + b.n()].copy_from_slice(b.real.col(j));
            }
            progress.set((*first + b.n()) as u64);
        }
    }
    let x = Points::from_real(x);
    let mut energy = vec![0.0; n];
    model.formula.energy(&x, &mut energy);
    let values = (0..n).flat_map(|i| (0..dim).map(move |j| (i, j))).map(|(i, j)| x.real.get(i, j)).collect();
    Ok(Drawn {
        sampler: "grid",
        n_chains: args.chains,
        n_draws: args.draws,
        dim,
        values,
        energy,
        accept_prob: 1.0,
        n_diverged: 0,
        n_proposals: n as u64,
        step_size: None,
        target_accept: None,
        step_size_given: false,
        thin: 1,
        n_warmup: 0,
        warnings: Vec::new(),
        n_wells: 0,
        bias: None,
        choice: (args.sampler == "auto").then(|| "exact, independent draws".into()),
        hamiltonian: Vec::new(),
        divergences: Vec::new(),
    })
}

/// Chains of a block: enough for SIMD, few enough that two threads share the default 64. The draws do not depend on it.
fn block(n_chains: usize) -> usize {
    (n_chains / 2).next_multiple_of(8).clamp(32, 128)
}

fn options(args: &SampleArgs, ctx: &Context) -> RunOptions {
    RunOptions {
        n_draws: args.draws,
        thin: args.thin,
        n_warmup: args.warmup.unwrap_or(N_WARMUP),
        seed: ctx.seed,
        block: block(args.chains),
    }
}

/// The bar over warm-up and draws.
fn follow<'a>(bar: &'a Progress, options: &RunOptions, n_chains: usize) -> impl Fn(Event) + Sync + use<'a> {
    let warm_up = (options.n_warmup * n_chains) as u64;
    move |event| {
        if let Event::Progress { phase, done, .. } = event {
            bar.set(if phase == Phase::WarmUp { done } else { warm_up + done });
        }
    }
}

fn ula(model: &Resolved, args: &SampleArgs, ctx: &Context) -> Result<Drawn, Failure> {
    let energy = Transformed::new(&model.formula);
    let options = options(args, ctx);
    let kernel = Ula::new(args.step_size.unwrap_or(0.05));
    let (mut outcome, starts) = outcome(&energy, kernel, args, ctx)?;
    let bar =
        ctx.progress("mala, to compare", ((options.n_warmup + options.n_draws * options.thin) * args.chains) as u64);
    // Against a warmed-up mala, even where the unadjusted chains had no warm-up.
    let options = RunOptions { n_warmup: options.n_warmup.max(200), ..options };
    let follow = follow(&bar, &options, args.chains);
    let mut reference =
        ula_reference(&energy, &outcome.kernel, starts.points.clone(), &options, &follow).map_err(failures::run)?;
    to_inner(&energy, &mut outcome.draws);
    to_inner(&energy, &mut reference);
    let mean = |e: &[f64]| e.iter().sum::<f64>() / e.len() as f64;
    let bias = Bias {
        coordinates: compare(&outcome.draws, &reference),
        energy: mean(outcome.draws.energy()) - mean(reference.energy()),
    };
    Ok(Drawn { bias: Some(bias), ..finish("ula", outcome, &starts, args) })
}

/// Draws in the coordinates and energies of the model.
fn to_inner(energy: &Energies<'_>, draws: &mut Draws) {
    if !energy.inner().space().is_unbounded() {
        energy.draws_to_inner(draws);
    }
}

fn chains<K>(
    sampler: &'static str,
    model: &Resolved,
    kernel: K,
    args: &SampleArgs,
    ctx: &Context,
) -> Result<Drawn, Failure>
where
    K: for<'a> Adapt<Energies<'a>>,
{
    let energy = Transformed::new(&model.formula);
    let (mut outcome, starts) = outcome(&energy, kernel, args, ctx)?;
    outcome_to_inner(&energy, &mut outcome);
    Ok(finish(sampler, outcome, &starts, args))
}

/// Pilot chains from everywhere choose: where they agree, the No-U-Turn sampler goes on from where they are.
fn auto(model: &Resolved, args: &SampleArgs, ctx: &Context) -> Result<Drawn, Failure> {
    let energy = Transformed::new(&model.formula);
    let options = options(args, ctx);
    let n_pilot = args.chains.max(N_PILOT);
    let total = options.n_warmup * n_pilot + options.n_draws.saturating_mul(options.thin * args.chains);
    let bar = ctx.progress("sampling", total as u64);
    let follow = follow(&bar, &options, n_pilot);
    let starts = run::dispersed_points(&energy, n_pilot, ctx.seed).map_err(failures::run)?;
    let pilot =
        run::pilot(&energy, &Nuts::new(0.5), starts.points.clone(), &options, &follow).map_err(failures::run)?;
    let choice = format!("{n_pilot} pilot chains agree, largest R-hat {:.3}", pilot.rhat);
    let warm = WarmedUp { x: pilot.warm.x.rows(0, args.chains), ..pilot.warm };
    let mut outcome = run::sample_warm(&energy, warm, &options, &follow).map_err(failures::run)?;
    outcome_to_inner(&energy, &mut outcome);
    Ok(Drawn { choice: Some(choice), ..finish("nuts", outcome, &starts, args) })
}

/// Draws, energies and divergences in the coordinates of the model.
fn outcome_to_inner<K>(energy: &Energies<'_>, outcome: &mut run::Outcome<K>) {
    to_inner(energy, &mut outcome.draws);
    for d in &mut outcome.divergences {
        d.x = energy.to_inner(&Points::from_rows(&[&d.x])).real.row(0);
    }
}

/// Starts, warms up, draws; also returns the starting points.
fn outcome<'a, K: Adapt<Energies<'a>>>(
    energy: &Energies<'a>,
    mut kernel: K,
    args: &SampleArgs,
    ctx: &Context,
) -> Result<(run::Outcome<K>, Starts), Failure> {
    let mut options = options(args, ctx);
    let total = (options.n_warmup + options.n_draws.saturating_mul(options.thin)).saturating_mul(args.chains);
    let bar = ctx.progress("sampling", total as u64);
    let follow = follow(&bar, &options, args.chains);
    let starts = run::dispersed_points(energy, args.chains, ctx.seed).map_err(failures::run)?;
    let mut init = starts.points.clone();
    if let Some(step_size) = args.step_size {
        kernel.set_step_size(step_size);
        if options.n_warmup > 0 {
            let seed = ctx.seed ^ BURN_IN;
            let burn_in = RunOptions { n_draws: 1, thin: options.n_warmup, n_warmup: 0, seed, block: options.block };
            init = run::sample(energy, &kernel, init, &burn_in, &|_| {}).map_err(failures::run)?.last;
            options.n_warmup = 0;
        }
    }
    let outcome = run::sample(energy, &kernel, init, &options, &follow).map_err(failures::run)?;
    Ok((outcome, starts))
}

fn finish<K: gibbsite::kernel::Tunable>(
    sampler: &'static str,
    outcome: run::Outcome<K>,
    starts: &Starts,
    args: &SampleArgs,
) -> Drawn {
    let run::Outcome { draws, kernel, info, warnings, divergences, .. } = outcome;
    Drawn {
        sampler,
        n_chains: draws.n_chains(),
        n_draws: draws.n_draws(),
        dim: draws.dim(),
        values: draws.values().to_vec(),
        energy: draws.energy().to_vec(),
        accept_prob: info.accept_prob(),
        n_diverged: info.n_diverged,
        n_proposals: info.n,
        step_size: Some(kernel.step_size()),
        target_accept: kernel.target_accept(),
        step_size_given: args.step_size.is_some(),
        thin: args.thin,
        n_warmup: args.warmup.unwrap_or(N_WARMUP),
        warnings,
        n_wells: starts.n_wells,
        bias: None,
        choice: None,
        hamiltonian: draws.hamiltonian_chains(),
        divergences,
    }
}
