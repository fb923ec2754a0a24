//! From the name of a sampler to draws: exact ones by the grid, else a kernel on the unconstrained coordinates.

use gibbsite::adapt::{Adapt, compare, ula_reference};
use gibbsite::diagnostics::ebfmi;
use gibbsite::energy::formula::Formula;
use gibbsite::energy::{Energy, Transformed};
use gibbsite::kernel::ensemble::EnsembleError;
use gibbsite::kernel::grid::Grid;
use gibbsite::kernel::{Ensemble, Hmc, Mala, Nuts, Rwm, Slice, Ula, Underdamped};
use gibbsite::logz::Gap;
use gibbsite::points::Points;
use gibbsite::run::{
    self, Divergence, Draws, Event, KernelSession, Phase, RunError, RunOptions, Session, Starts, Warning,
};
use gibbsite::verdict::{Bias, Evidence, GivenStep, Source};

mod auto;
mod given_step;
pub mod labelled;
mod tempered;
pub use tempered::LadderReport;

use super::disk::{Disk, Job};
use super::session::GridSession;
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

type Energies<'a> = Transformed<&'a Formula>;

/// Numbers of draws that are held in memory: room for them, their copy by coordinate and the diagnostics.
const MAX_HELD: usize = 1 << 27;

/// Draws in the units of the energy, whatever the sampler worked in.
pub struct Drawn {
    /// The sampler that drew.
    pub sampler: &'static str,
    /// Draws of each chain.
    pub n_draws: usize,
    /// Of each chain every draw whose number is a multiple of this is held here, the others are on disk alone.
    pub every: usize,
    /// The draws held.
    pub draws: Draws,
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
    /// Wells that the search for starting points found, in the coordinates of the model.
    pub wells: Vec<Vec<f64>>,
    /// For `ula`: how its draws differ from those of `mala`.
    pub bias: Option<Bias>,
    /// Why `auto` chose this sampler.
    pub choice: Option<String>,
    /// E-BFMI of each chain, where not all draws are held from the last of them; none for samplers without momenta.
    pub ebfmi: Vec<f64>,
    /// Where transitions diverged, in the coordinates of the model.
    pub divergences: Vec<Divergence>,
    /// For `tempering`: what the ladder says of itself.
    pub ladder: Option<LadderReport>,
    /// For `grid`: the relative error of the distribution function that it draws from.
    pub cdf_error: Option<f64>,
    /// For `grid`: where the energy jumps to infinity inside its support.
    pub gap: Option<Gap>,
    /// How many of the coordinates are labels.
    pub n_labels: usize,
}

impl Drawn {
    /// What there is to judge the draws by.
    pub fn evidence(&self) -> Evidence<'_> {
        let source = match &self.ladder {
            Some(ladder) => Source::Ladders(&ladder.verdict),
            None if self.sampler == "grid" => Source::Independent,
            None => Source::Chains,
        };
        let target_accept = self.target_accept.filter(|_| self.step_size_given);
        Evidence {
            source,
            ebfmi: self.ebfmi.clone(),
            warnings: &self.warnings,
            divergences: &self.divergences,
            wells: &self.wells,
            thin: self.thin,
            step: target_accept.map(|target_accept| GivenStep { accept_prob: self.accept_prob, target_accept }),
            bias: self.bias.as_ref(),
            cdf_error: self.cdf_error,
            gap: self.gap,
            n_labels: self.n_labels,
            ..Evidence::from(&self.draws)
        }
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
        ("tempering", _) if args.step_size.is_some() => {
            let message = "tempering has a step size of its own on each level, which its warm-up finds";
            Err(Failure::usage("step_size", message, "leave out --step-size, or use --sampler nuts"))
        }
        ("grid", d) => {
            let message = format!("the grid sampler works in one or two dimensions, not in {d}");
            Err(Failure::usage("dimension", message, "use --sampler nuts, or auto"))
        }
        ("gibbs" | "gwg" | "cluster" | "wolff", _) => {
            let message = format!("--sampler {} moves discrete variables; this energy has real ones", args.sampler);
            Err(Failure::usage("labels", message, "use --sampler nuts, or auto"))
        }
        // A step size that is given leaves nothing to a pilot.
        ("auto", _) if args.step_size.is_some() => Ok("nuts"),
        (name, _) => names::SAMPLERS
            .into_iter()
            .find(|known| *known == name)
            .ok_or_else(|| crate::names::unknown("sampler", name, &names::SAMPLERS)),
    }
}

/// Draws as the arguments say; to `disk`, where they go there.
///
/// # Errors
/// Whatever keeps the run from being done.
pub fn draw(
    sampler: &'static str,
    model: &Resolved,
    args: &SampleArgs,
    ctx: &Context,
    disk: Option<&Disk>,
) -> Result<Drawn, Failure> {
    check_held(model.dim(), args, disk.is_some())?;
    match sampler {
        "grid" => grid(model, args, ctx, disk),
        "rwm" => chains(sampler, model, Rwm::new(1.0), args, ctx, disk),
        "ula" => ula(model, args, ctx, disk),
        "mala" => chains(sampler, model, Mala::new(0.5), args, ctx, disk),
        "hmc" => chains(sampler, model, Hmc::new(0.5, N_LEAPFROG), args, ctx, disk),
        "nuts" => chains(sampler, model, Nuts::new(0.5), args, ctx, disk),
        "underdamped" => chains(sampler, model, Underdamped::new(0.5, N_LEAPFROG, 1.0), args, ctx, disk),
        "slice" => without_step_size(chains(sampler, model, Slice::new(3.0), args, ctx, disk)?, args),
        "ensemble" => without_step_size(chains(sampler, model, ensemble(model, args)?, args, ctx, disk)?, args),
        "tempering" => tempered::draw(model, args, ctx, disk),
        _ => auto::draw(model, args, ctx, disk),
    }
}

/// The ensemble that the chains make up, its stretch given by `--step-size`.
fn ensemble(model: &Resolved, args: &SampleArgs) -> Result<Ensemble, Failure> {
    let dim = model.dim();
    let refuse = |e: EnsembleError| {
        let hint = match &e {
            EnsembleError::Stretch { .. } => {
                "leave out --step-size, which is the stretch here, or give one above 1".into()
            }
            _ => format!("give --chains {}, or another multiple of {}", 4 * (dim + 1), 2 * (dim + 1)),
        };
        Failure::usage("ensemble", e.to_string(), hint)
    };
    let kernel = Ensemble::for_chains(args.chains, dim).map_err(refuse)?;
    let given = Ensemble { a: args.step_size.unwrap_or(kernel.a), ..kernel };
    given.check(args.chains, dim).map_err(refuse)?;
    Ok(given)
}

/// Warm-up steers no step size of these kernels: none is reported unless it was given.
fn without_step_size(drawn: Drawn, args: &SampleArgs) -> Result<Drawn, Failure> {
    Ok(Drawn { step_size: args.step_size, ..drawn })
}

/// Refuses what does not fit into memory: all draws, or one of each chain where they go to disk.
fn check_held(dim: usize, args: &SampleArgs, on_disk: bool) -> Result<(), Failure> {
    let failure = failures::run(RunError::TooLarge { n_chains: args.chains, n_draws: args.draws, dim });
    let n = if on_disk { args.chains } else { args.chains.saturating_mul(args.draws) };
    if n.saturating_mul(dim + 1) <= MAX_HELD {
        return Ok(());
    }
    if on_disk {
        return Err(Failure { hint: "ask for fewer --chains".into(), ..failure });
    }
    let file = if args.out.is_none() { "write them to a file with --out, or " } else { "" };
    Err(Failure { hint: format!("{file}{}", failure.hint), ..failure })
}

fn grid(model: &Resolved, args: &SampleArgs, ctx: &Context, disk: Option<&Disk>) -> Result<Drawn, Failure> {
    for (flag, given) in [("--step-size", args.step_size.is_some()), ("--warmup", args.warmup.is_some_and(|n| n > 0))] {
        if given {
            ctx.note(&format!("note: the grid sampler draws independently and has no use for {flag}"));
        }
    }
    let grid = Grid::new(&model.formula).map_err(failures::log_z)?;
    let n = args.chains.saturating_mul(args.draws);
    let progress = ctx.progress("draws", n as u64);
    let follow = |event| {
        if let Event::Progress { done, .. } = event {
            progress.set(done);
        }
    };
    let mut session = GridSession::new(&grid, &model.formula, ctx.seed);
    let (draws, every) = match disk {
        None => (session.draw(n, &follow).map_err(failures::log_z)?, 1),
        Some(disk) => {
            session.go_on(disk.saved()).map_err(|e| disk.unusable(&e))?;
            let (dim, convert) = (model.dim(), |_: &mut Draws| {});
            let job = Job { n_chains: 1, dim, n_draws: n, convert: &convert, texts: &[], progress: &follow };
            let kept = disk.draw(&mut session, &job, failures::log_z)?;
            (kept.draws, kept.every)
        }
    };
    // One long chain, of which chains are cut.
    let n_held = args.draws.div_ceil(every);
    let (values, energy) = draws.into_parts();
    Ok(Drawn {
        sampler: "grid",
        n_draws: args.draws,
        every,
        draws: Draws::from_parts(args.chains, n_held, model.dim(), values, energy),
        accept_prob: 1.0,
        n_diverged: 0,
        n_proposals: n as u64,
        step_size: None,
        target_accept: None,
        step_size_given: false,
        thin: 1,
        n_warmup: 0,
        warnings: Vec::new(),
        wells: Vec::new(),
        bias: None,
        choice: (args.sampler == "auto").then(|| "exact, independent draws".into()),
        ebfmi: Vec::new(),
        divergences: Vec::new(),
        ladder: None,
        cdf_error: Some(grid.error()),
        gap: grid.gap(),
        n_labels: 0,
    })
}

/// Chains of a block: enough for SIMD, few enough that two threads share the default 64. The draws do not depend on it.
fn block(n_chains: usize) -> usize {
    (n_chains / 2).next_multiple_of(8).clamp(32, 256)
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

/// The bar over `warm_up` transitions and the draws.
fn follow(bar: &Progress, warm_up: u64) -> impl Fn(Event) + Sync {
    move |event| {
        if let Event::Progress { phase, done, .. } = event {
            bar.set(if phase == Phase::WarmUp { done } else { warm_up + done });
        }
    }
}

fn ula(model: &Resolved, args: &SampleArgs, ctx: &Context, disk: Option<&Disk>) -> Result<Drawn, Failure> {
    let energy = Transformed::new(&model.formula);
    let options = options(args, ctx);
    let (run, init) = outcome(&energy, Ula::new(0.05), args, ctx, disk)?;
    let bar =
        ctx.progress("mala, to compare", ((options.n_warmup + options.n_draws * options.thin) * args.chains) as u64);
    // Against a warmed-up mala, even where the unadjusted chains had no warm-up; as far apart as the draws held.
    let options = RunOptions {
        n_warmup: options.n_warmup.max(200),
        n_draws: run.outcome.draws.n_draws(),
        thin: options.thin * run.held.every,
        ..options
    };
    let follow = follow(&bar, (options.n_warmup * args.chains) as u64);
    let reference = ula_reference(&energy, &run.outcome.kernel, init, &options, &follow);
    let mut reference = reference.map_err(failures::run)?;
    to_inner(&energy, &mut reference);
    let draws = &run.outcome.draws;
    let mean = |e: &[f64]| e.iter().sum::<f64>() / e.len() as f64;
    let bias =
        Bias { coordinates: compare(draws, &reference), energy: mean(draws.energy()) - mean(reference.energy()) };
    Ok(Drawn { bias: Some(bias), ..finish("ula", run, args) })
}

/// Places in the coordinates of the model.
fn to_inner_places(energy: &Energies<'_>, places: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let x = energy.to_inner(&Points::from_rows(places)).real;
    (0..places.len()).map(|i| x.row(i)).collect()
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
    disk: Option<&Disk>,
) -> Result<Drawn, Failure>
where
    K: for<'a> Adapt<Energies<'a>>,
{
    let energy = Transformed::new(&model.formula);
    Ok(finish(sampler, outcome(&energy, kernel, args, ctx, disk)?.0, args))
}

/// A run of a kernel: what it gave, in the coordinates and energies of the model.
struct Ran<K> {
    /// Its draws are those that are held.
    outcome: run::Outcome<K>,
    held: Held,
    wells: Vec<Vec<f64>>,
}

/// What is held of a run for its diagnostics.
struct Held {
    /// See [`Drawn::every`].
    every: usize,
    /// See [`Drawn::ebfmi`].
    ebfmi: Vec<f64>,
}

/// The draws that are left to a session, and all that the run says; `wells` are those of the model. On `disk`, `texts` are
/// kept with it.
fn to_the_end<'a, K: Adapt<Energies<'a>>>(
    mut session: KernelSession<'_, Energies<'a>, K>,
    energy: &Energies<'a>,
    options: &RunOptions,
    wells: Vec<Vec<f64>>,
    texts: &[(&str, String)],
    follow: run::Progress<'_>,
    disk: Option<&Disk>,
) -> Result<Ran<K>, Failure> {
    let convert = |draws: &mut Draws| to_inner(energy, draws);
    let (draws, held) = match disk {
        None => {
            let mut draws = session.draw(options.n_draws, follow).map_err(failures::run)?;
            convert(&mut draws);
            let ebfmi = ebfmi(&draws.hamiltonian_chains());
            (draws, Held { every: 1, ebfmi })
        }
        Some(disk) => {
            let (n_chains, dim) = (session.n_chains(), energy.space().dim());
            let job = Job { n_chains, dim, n_draws: options.n_draws, convert: &convert, texts, progress: follow };
            let kept = disk.draw(&mut session, &job, failures::run)?;
            (kept.draws, Held { every: kept.every, ebfmi: ebfmi(&kept.hamiltonian) })
        }
    };
    let mut outcome = session.finish(draws).map_err(failures::run)?;
    for d in &mut outcome.divergences {
        d.x = energy.to_inner(&Points::from_rows(&[&d.x])).real.row(0);
    }
    Ok(Ran { outcome, held, wells })
}

/// Starts, warms up, draws; or goes on with the run on disk. Also gives the points it started from.
fn outcome<'a, K: Adapt<Energies<'a>>>(
    energy: &Energies<'a>,
    mut kernel: K,
    args: &SampleArgs,
    ctx: &Context,
    disk: Option<&Disk>,
) -> Result<(Ran<K>, Points), Failure> {
    let options = options(args, ctx);
    let total = (options.n_warmup + options.n_draws.saturating_mul(options.thin)).saturating_mul(args.chains);
    let bar = ctx.progress("sampling", total as u64);
    let follow = follow(&bar, (options.n_warmup * args.chains) as u64);
    let Starts { points, wells, .. } = run::dispersed_points(energy, args.chains, ctx.seed).map_err(failures::run)?;
    let steered = kernel.target_accept().is_some() || !kernel.rejects();
    if let Some(step_size) = args.step_size.filter(|_| !steered || options.n_warmup == 0) {
        kernel.set_step_size(step_size);
    }
    // A step size that is given is not one that warm-up answers for.
    let of_session = match args.step_size {
        Some(_) => RunOptions { n_warmup: 0, ..options.clone() },
        None => options.clone(),
    };
    let saved = disk.and_then(|disk| Some((disk, disk.saved()?)));
    let session = match (saved, args.step_size) {
        (Some((disk, saved)), _) => {
            KernelSession::resume(energy, kernel, &of_session, args.chains, saved).map_err(|e| disk.unusable(&e))?
        }
        (None, Some(step_size)) if options.n_warmup > 0 => {
            let warm = given_step::warm_up(energy, &kernel, points.clone(), (step_size, steered), &options, &follow)?;
            KernelSession::warm(energy, warm, &of_session)
        }
        (None, _) => {
            KernelSession::start(energy, &kernel, points.clone(), &of_session, &follow).map_err(failures::run)?
        }
    };
    let wells = to_inner_places(energy, &wells);
    Ok((to_the_end(session, energy, &of_session, wells, &[], &follow, disk)?, points))
}

fn finish<K: gibbsite::kernel::Tunable>(sampler: &'static str, run: Ran<K>, args: &SampleArgs) -> Drawn {
    let run::Outcome { draws, kernel, info, warnings, divergences, .. } = run.outcome;
    Drawn {
        sampler,
        n_draws: args.draws,
        every: run.held.every,
        draws,
        accept_prob: info.accept_prob(),
        n_diverged: info.n_diverged,
        n_proposals: info.n,
        step_size: Some(kernel.step_size()),
        target_accept: kernel.target_accept(),
        step_size_given: args.step_size.is_some(),
        thin: args.thin,
        n_warmup: args.warmup.unwrap_or(N_WARMUP),
        warnings,
        wells: run.wells,
        bias: None,
        choice: None,
        ebfmi: run.held.ebfmi,
        divergences,
        ladder: None,
        cdf_error: None,
        gap: None,
        n_labels: 0,
    }
}
