//! The choice of a sampler: pilot chains of the No-U-Turn sampler start everywhere and are compared. Where they agree they go
//! on; else there are modes between which they do not cross, and the chains are tempered.
//!
//! [`auto`] does it all. In pieces: [`choose`] runs the pilot, [`Piloted::warm_up`] makes the sampler it chose ready,
//! [`Sampler::session`] draws, as long as one likes and with its state kept between pieces; [`Sampler::restore`] and
//! [`AutoSession::go_on`] continue from that state to the bit.
//!
//! Energies with bounded supports go through [`crate::energy::Transformed`] first.

use std::fmt;

use super::saved::{Saved, SavedError};
use super::{
    Draws, KernelSession, Outcome, Progress, Quantity, RunError, RunOptions, Session, dispersed_points, pilot,
};
use crate::adapt::WarmedUp;
use crate::energy::gaussian::GaussianMixture;
use crate::energy::{Differentiable, Energy};
use crate::kernel::{Info, Nuts};
use crate::points::Points;
use crate::tempering::{self, Ladder, LadderSession, Tempered, TemperingOptions};

/// Chains of a pilot at the least: a few chains may all miss a mode.
pub const MIN_PILOT: usize = 32;

/// Longest trajectories on the levels of a ladder, in doublings: swaps, not trajectories, carry states far.
const MAX_DEPTH: u32 = 7;

/// Step size at which the search for one begins.
const STEP_SIZE: f64 = 0.5;

/// How long to run, and from which seed.
#[derive(Clone, Debug, PartialEq)]
pub struct AutoOptions {
    /// Chains, or ladders where the chains are tempered.
    pub n_chains: usize,
    /// Draws kept per chain.
    pub n_draws: usize,
    /// Transitions per kept draw.
    pub thin: usize,
    /// Warm-up transitions per chain, and iterations of the ladders; by default as many as [`RunOptions`] and
    /// [`TemperingOptions`] have.
    pub n_warmup: Option<usize>,
    /// Seed of all streams.
    pub seed: u64,
    /// Chains of a block at most. It changes no bit of the draws.
    pub block: usize,
}

impl Default for AutoOptions {
    fn default() -> Self {
        let RunOptions { n_draws, thin, seed, block, .. } = RunOptions::default();
        Self { n_chains: 64, n_draws, thin, n_warmup: None, seed, block }
    }
}

impl AutoOptions {
    /// The same for chains.
    pub fn of_chains(&self) -> RunOptions {
        let Self { n_draws, thin, seed, block, .. } = *self;
        RunOptions { n_draws, thin, n_warmup: self.n_warmup.unwrap_or(RunOptions::default().n_warmup), seed, block }
    }

    /// The same for ladders.
    pub fn of_ladders(&self) -> TemperingOptions {
        let Self { n_draws, thin, seed, block, .. } = *self;
        let standard = TemperingOptions::default();
        let n_warmup = self.n_warmup.unwrap_or(standard.n_warmup);
        TemperingOptions { n_draws, n_steps: thin, n_warmup, seed, block, ..standard }
    }

    /// Chains of the pilot: `n_chains`, but at least [`MIN_PILOT`].
    pub fn n_pilot(&self) -> usize {
        self.n_chains.max(MIN_PILOT)
    }
}

/// The kernel of the levels of a ladder: the No-U-Turn sampler with trajectories of at most 127 steps.
pub fn level_kernel(step_size: f64) -> Nuts {
    Nuts { max_depth: MAX_DEPTH, ..Nuts::new(step_size) }
}

/// What a pilot found, and so which sampler it chose.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Chains of the pilot.
    pub n_pilot: usize,
    /// Whether they found one distribution: then the No-U-Turn sampler goes on, else the chains are tempered.
    pub agrees: bool,
    /// Largest R-hat over coordinates and energy; infinite where it is undefined, because chains stand still.
    pub rhat: f64,
    /// The quantity that has it.
    pub worst: Quantity,
    /// Chains that sit elsewhere than the others, where that is why they disagree: too few for R-hat.
    pub n_apart: usize,
    /// Separate wells that the search for starting points found.
    pub n_wells: usize,
}

impl Choice {
    /// In words, with these `names` of the coordinates; those beyond are x1, x2, ...
    pub fn in_words(&self, names: &[String]) -> String {
        let Self { n_pilot, agrees, rhat, worst, n_apart, n_wells } = self;
        let wells = if *n_wells > 1 { format!("; {n_wells} wells") } else { String::new() };
        if *agrees {
            return format!("{n_pilot} pilot chains of nuts agree, R-hat at most {rhat:.2}{wells}");
        }
        let of = match worst {
            Quantity::Coordinate(j) => names.get(*j).cloned().unwrap_or_else(|| format!("x{}", j + 1)),
            Quantity::Energy => "the energy".into(),
        };
        if *n_apart > 0 {
            let sit = if *n_apart == 1 { "sits" } else { "sit" };
            return format!("of {n_pilot} pilot chains of nuts {n_apart} {sit} elsewhere in {of}{wells}");
        }
        format!("{n_pilot} pilot chains of nuts disagree, R-hat of {of} is {rhat:.2}{wells}")
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_words(&[]))
    }
}

/// A pilot that has run.
#[derive(Clone, Debug)]
pub struct Piloted {
    /// What it found.
    pub choice: Choice,
    /// The wells that the search for starting points found, deepest first: see [`super::Starts`].
    pub wells: Vec<Vec<f64>>,
    /// The warm kernel and `n_chains` of its chains.
    pub warm: WarmedUp<Nuts>,
}

/// Runs the pilot: [`AutoOptions::n_pilot`] chains of [`super::pilot`] from [`dispersed_points`].
///
/// # Errors
/// Options out of range, no starting points, energies with labels, no step size that is accepted.
pub fn choose<E: Differentiable + ?Sized>(
    energy: &E,
    options: &AutoOptions,
    progress: Progress<'_>,
) -> Result<Piloted, RunError> {
    if options.n_chains < 1 {
        return Err(RunError::Option { option: "the number of chains", value: 0, minimum: 1 });
    }
    let n_pilot = options.n_pilot();
    let starts = dispersed_points(energy, n_pilot, options.seed)?;
    let pilot = pilot(energy, &Nuts::new(STEP_SIZE), starts.points, &options.of_chains(), progress)?;
    let (agrees, n_wells) = (pilot.agrees(), starts.wells.len());
    let n_apart = if pilot.rhat > pilot.limit { 0 } else { pilot.n_apart };
    let choice = Choice { n_pilot, agrees, rhat: pilot.rhat, worst: pilot.worst, n_apart, n_wells };
    let x = pilot.warm.x.rows(0, options.n_chains);
    Ok(Piloted { choice, wells: starts.wells, warm: WarmedUp { x, ..pilot.warm } })
}

impl Piloted {
    /// The sampler that was chosen, ready to draw: the chains as they are, or ladders that begin where the chains are and are
    /// warmed up.
    ///
    /// # Errors
    /// Those of [`tempering::warm_up`].
    pub fn warm_up<E: Differentiable + ?Sized>(
        self,
        energy: &E,
        options: &AutoOptions,
        progress: Progress<'_>,
    ) -> Result<Sampler, RunError> {
        if self.choice.agrees {
            return Ok(Sampler::Nuts(self.warm));
        }
        let ladder =
            tempering::warm_up(energy, &level_kernel(STEP_SIZE), self.warm.x, &options.of_ladders(), progress)?;
        Ok(Sampler::Tempering(ladder))
    }
}

/// A sampler that is ready to draw.
#[derive(Clone, Debug)]
pub enum Sampler {
    /// Chains of the No-U-Turn sampler.
    Nuts(WarmedUp<Nuts>),
    /// Ladders from a mixture of Gaussians to the energy.
    Tempering(Ladder<GaussianMixture, Nuts>),
}

impl Sampler {
    /// Begins to draw; how many draws `options` asks for is not used.
    ///
    /// # Errors
    /// Options out of range, and ladders of other dimension than the energy.
    pub fn session<'a, E: Differentiable + ?Sized>(
        &'a self,
        energy: &'a E,
        options: &AutoOptions,
    ) -> Result<AutoSession<'a, E>, RunError> {
        Ok(match self {
            Sampler::Nuts(warm) => {
                AutoSession::Nuts(Box::new(KernelSession::warm(energy, warm.clone(), &options.of_chains())))
            }
            Sampler::Tempering(ladder) => {
                AutoSession::Tempering(LadderSession::start(energy, ladder, &options.of_ladders())?)
            }
        })
    }

    /// The sampler of a run that was kept by [`AutoSession`], where it was then; [`AutoSession::go_on`] then takes over what
    /// it had counted. Energy and options must be those of the start: nothing here can tell.
    ///
    /// # Errors
    /// Entries that are missing or of another size than the options and the energy ask for.
    pub fn restore<E: Energy + ?Sized>(energy: &E, options: &AutoOptions, saved: &Saved) -> Result<Self, SavedError> {
        let (n, space) = (options.n_chains, energy.space());
        // Of the two samplers only one has levels.
        if saved.has_numbers("betas") {
            return Ok(Sampler::Tempering(Ladder::restore(saved, &level_kernel(STEP_SIZE), n, space)?));
        }
        let x = Points::from_real(saved.matrix("x", n, space.dim())?);
        Ok(Sampler::Nuts(WarmedUp { kernel: Nuts::new(STEP_SIZE), x, info: Info::default(), warnings: Vec::new() }))
    }
}

/// Draws of either sampler, in pieces.
pub enum AutoSession<'a, E: Differentiable + ?Sized> {
    /// Of chains.
    Nuts(Box<KernelSession<'a, E, Nuts>>),
    /// Of ladders.
    Tempering(LadderSession<'a, GaussianMixture, E, Nuts>),
}

impl<'a, E: Differentiable + ?Sized> AutoSession<'a, E> {
    /// Takes over what a saved session had counted; the session must be that of the sampler which [`Sampler::restore`] made of
    /// the same `saved`, with the same energy and options.
    ///
    /// # Errors
    /// Entries that are missing or of another size; the session then stays as it was.
    pub fn go_on(&mut self, energy: &'a E, options: &AutoOptions, saved: &Saved) -> Result<(), SavedError> {
        match self {
            AutoSession::Nuts(session) => {
                let kernel = Nuts::new(STEP_SIZE);
                **session = KernelSession::resume(energy, kernel, &options.of_chains(), options.n_chains, saved)?;
                Ok(())
            }
            AutoSession::Tempering(session) => session.go_on(saved),
        }
    }

    /// All that a run says; `draws` are those that the caller has, which may be fewer than were made.
    ///
    /// # Errors
    /// None, for kernels that reject.
    pub fn finish(self, draws: Draws) -> Result<Drawn, RunError> {
        Ok(match self {
            AutoSession::Nuts(session) => Drawn::Nuts(session.finish(draws)?),
            AutoSession::Tempering(session) => Drawn::Tempering(session.finish(draws)),
        })
    }
}

impl<E: Differentiable + ?Sized> Session for AutoSession<'_, E> {
    type Error = RunError;

    fn n_done(&self) -> usize {
        match self {
            AutoSession::Nuts(session) => session.n_done(),
            AutoSession::Tempering(session) => session.n_done(),
        }
    }

    fn draw(&mut self, n: usize, progress: Progress<'_>) -> Result<Draws, RunError> {
        match self {
            AutoSession::Nuts(session) => session.draw(n, progress),
            AutoSession::Tempering(session) => session.draw(n, progress),
        }
    }

    fn save(&self) -> Saved {
        match self {
            AutoSession::Nuts(session) => session.save(),
            AutoSession::Tempering(session) => session.save(),
        }
    }
}

/// What the sampler that was chosen gives back.
#[derive(Clone, Debug)]
pub enum Drawn {
    /// Of chains.
    Nuts(Outcome<Nuts>),
    /// Of ladders.
    Tempering(Tempered),
}

/// A run whose sampler was chosen by a pilot.
#[derive(Clone, Debug)]
pub struct AutoRun {
    /// Which sampler, and why.
    pub choice: Choice,
    /// The wells that the search for starting points found, deepest first: see [`super::Starts`].
    pub wells: Vec<Vec<f64>>,
    /// Transitions per kept draw.
    pub thin: usize,
    /// What it gave.
    pub drawn: Drawn,
}

impl AutoRun {
    /// The draws.
    pub fn draws(&self) -> &Draws {
        match &self.drawn {
            Drawn::Nuts(run) => &run.draws,
            Drawn::Tempering(run) => &run.draws,
        }
    }
}

/// Draws from `energy` with the sampler that a pilot chooses. [`crate::verdict::judge`] says whether to believe the draws.
///
/// # Errors
/// Those of [`choose`] and [`Piloted::warm_up`], and draws too large for memory.
pub fn auto<E: Differentiable + ?Sized>(
    energy: &E,
    options: &AutoOptions,
    progress: Progress<'_>,
) -> Result<AutoRun, RunError> {
    let piloted = choose(energy, options, progress)?;
    let (choice, wells) = (piloted.choice.clone(), piloted.wells.clone());
    let sampler = piloted.warm_up(energy, options, progress)?;
    let mut session = sampler.session(energy, options)?;
    let draws = session.draw(options.n_draws, progress)?;
    Ok(AutoRun { choice, wells, thin: options.thin, drawn: session.finish(draws)? })
}

#[cfg(test)]
mod tests;
