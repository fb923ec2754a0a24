//! A tempered run in pieces: what it counts and sums goes on from one to the next, so that nothing tells where they were cut.

use super::levels::{Layout, Levels, Watch};
use super::sums::Sums;
use super::swap::{self, Rule};
use super::{
    Ladder, LadderLogZ, Reference, Rungs, Tempered, TemperingOptions, Verdict, check_reference, check_steps,
    round_trip_rate,
};
use crate::energy::{Bridge, Differentiable, Tractable};
use crate::kernel::{Info, Kernel, Tunable};
use crate::logz::bridge;
use crate::rng::{Run, Streams};
use crate::run::saved::{Saved, SavedError};
use crate::run::{Draws, Event, Phase, Progress, RunError, Session, Warning, check_moves};

/// Ladders on their way: draws at the target, in pieces. One chain per ladder.
///
/// With a [`Reference`] that can be kept it is a [`Session`]: [`Ladder::restore`] and [`LadderSession::go_on`] continue from what it saved.
/// With any other the draws come in pieces all the same, from [`super::draw`] and [`Ladder::set_replicas`].
pub struct LadderSession<'a, R, E: ?Sized, K: Kernel<Bridge<&'a R, &'a E>>> {
    ladder: &'a Ladder<R, K>,
    levels: Levels<'a, R, E, K::State>,
    options: TemperingOptions,
    n_done: usize,
}

impl<'a, R, E, K> LadderSession<'a, R, E, K>
where
    R: Differentiable + Tractable,
    E: Differentiable + ?Sized,
    K: Kernel<Bridge<&'a R, &'a E>> + Tunable,
{
    /// Begins where the ladder is; how many draws `options` asks for is not used.
    ///
    /// # Errors
    /// Options out of range, a ladder of other dimension than the energy, labels.
    pub fn start(energy: &'a E, ladder: &'a Ladder<R, K>, options: &TemperingOptions) -> Result<Self, RunError> {
        Self::start_by(swap::metropolis, energy, ladder, options)
    }

    /// [`LadderSession::start`] with swaps decided by `rule`.
    pub(super) fn start_by(
        rule: Rule,
        energy: &'a E,
        ladder: &'a Ladder<R, K>,
        options: &TemperingOptions,
    ) -> Result<Self, RunError> {
        check_steps(options)?;
        check_reference(&ladder.reference, energy)?;
        check_moves(energy.space(), ladder.kernels[0].moves())?;
        let block = options.block_size(ladder.kernels[0].group(), ladder.replicas.x[0].dim());
        let layout = Layout { block, n_steps: options.n_steps, first_step: 0, rule };
        let levels = Levels::deal(energy, ladder, layout, &Streams::new(options.seed, Run::Tempering));
        Ok(Self { ladder, levels, options: options.clone(), n_done: 0 })
    }

    /// Takes over what the saved session had counted; the ladder of [`LadderSession::start`] must be the one that
    /// [`Ladder::restore`] made of the same `saved`, energy, seed, `n_steps` and `block` those of then.
    ///
    /// # Errors
    /// Entries that are missing or those of another ladder; the session then stays as it was.
    pub fn go_on(&mut self, saved: &Saved) -> Result<(), SavedError> {
        let [n_done] = saved.integers("n_done")?;
        if saved.integers("iteration")? != [self.levels.iteration()] {
            let expected = format!("{}, the iteration at which the ladder is", self.levels.iteration());
            return Err(SavedError::Entry { name: "iteration".into(), expected });
        }
        self.levels.set_sums(&Sums::restore(saved, self.ladder.betas.len(), self.n_ladders())?);
        self.n_done = n_done as usize;
        Ok(())
    }

    /// Goes on from what a session with a ladder of the same levels saved, wherever this one is.
    ///
    /// # Errors
    /// Entries that are missing or those of another ladder; the session then stays as it was.
    pub fn restore(&mut self, saved: &Saved) -> Result<(), SavedError> {
        let [n_done] = saved.integers("n_done")?;
        let (n_levels, n_ladders) = (self.ladder.betas.len(), self.n_ladders());
        let replicas = super::saved::replicas(saved, n_levels, n_ladders, self.ladder.reference.space())?;
        let sums = Sums::restore(saved, n_levels, n_ladders)?;
        self.levels.set_replicas(&replicas, &self.ladder.kernels);
        self.levels.set_sums(&sums);
        self.n_done = n_done as usize;
        Ok(())
    }

    /// The ladder it began with.
    pub fn ladder(&self) -> &'a Ladder<R, K> {
        self.ladder
    }

    /// Number of ladders, each of which makes one chain.
    pub fn n_ladders(&self) -> usize {
        self.ladder.replicas.x[0].n()
    }

    /// The next `n` draws of each ladder.
    pub(super) fn piece(&mut self, n: usize, progress: Progress<'_>) -> Result<Draws, RunError> {
        let (n_ladders, n_levels) = (self.n_ladders(), self.ladder.betas.len());
        let mut draws = Draws::with_room(n_ladders, n, self.ladder.replicas.x[0].n_coordinates(), false)?;
        let n_steps = self.options.n_steps;
        let count = |n: usize| (n * n_ladders * n_steps) as u64;
        let report_every = n.div_ceil(50);
        let block = self.options.block_size(self.ladder.kernels[0].group(), self.ladder.replicas.x[0].dim());
        let (levels, kernels, n_done) = (&mut self.levels, &self.ladder.kernels, self.n_done);
        let labels = &self.ladder.reference.space().labels;
        let mut rooms = draws.rooms(block, labels);
        // One job for the whole piece: its iterations are too short to wake the threads for each.
        rayon::scope(|_| {
            for t in 0..n {
                levels.iterate(kernels, Watch::Drawing);
                for (room, block) in rooms.iter_mut().zip(levels.level(n_levels - 1)) {
                    room.record(t, &block.state);
                }
                if (t + 1) % report_every == 0 || t + 1 == n {
                    let (done, total) = (count(n_done + t + 1), count(n_done + n));
                    progress(Event::Progress { phase: Phase::Draws, done, total });
                }
            }
        });
        drop(rooms);
        self.n_done += n;
        Ok(draws)
    }

    /// What log Z is made of, from the draws made so far.
    pub fn rungs(&self) -> Rungs {
        self.rungs_of(&self.levels.sums())
    }

    fn rungs_of(&self, sums: &Sums) -> Rungs {
        Rungs {
            log_z_reference: self.ladder.reference.log_z(),
            betas: self.ladder.betas.clone(),
            levels: sums.rungs.clone(),
            rejection: sums.swaps.iter().map(|s| s.rejection()).collect(),
            n_evals: sums.info.iter().map(|i| i.n_evals).sum(),
        }
    }

    /// Counts of the transitions at the target.
    pub fn target_info(&self) -> Info {
        self.levels.sums().info.last().copied().unwrap_or_default()
    }

    /// Whether the draws made so far went from the reference to the target and back.
    pub fn verdict(&self) -> Verdict {
        let Sums { swaps, n_round_trips, .. } = self.levels.sums();
        let rejection: Vec<f64> = swaps.iter().map(|s| s.rejection()).collect();
        Verdict::new(&rejection, &n_round_trips, self.n_done)
    }

    /// All that a run says; `draws` are those that the caller has, which may be fewer than were made.
    pub fn finish(self, draws: Draws) -> Tempered {
        let sums = self.levels.sums();
        let rungs = self.rungs_of(&sums);
        let Self { ladder, levels, options, n_done } = self;
        let Sums { info, swaps, n_round_trips, .. } = sums;
        let rejection: Vec<f64> = swaps.iter().map(|s| s.rejection()).collect();
        Tempered {
            verdict: Verdict::new(&rejection, &n_round_trips, n_done),
            barrier: rejection.iter().sum(),
            swap_attempts: swaps.iter().map(|s| s.n_attempts).collect(),
            n_undefined_swaps: swaps.iter().map(|s| s.n_undefined).sum(),
            log_z: bridge::log_z(&rungs).ok().map(|z| LadderLogZ { value: z.value, std_err: z.std_err }),
            replicas: levels.replicas(),
            expected_rate: round_trip_rate(&rejection),
            warnings: doubts(&info, ladder, &options),
            draws,
            betas: ladder.betas.clone(),
            rejection,
            n_round_trips,
            info,
        }
    }
}

impl<'a, R, E, K> Session for LadderSession<'a, R, E, K>
where
    R: Reference,
    E: Differentiable + ?Sized,
    K: Kernel<Bridge<&'a R, &'a E>> + Tunable + Clone,
{
    type Error = RunError;

    fn n_done(&self) -> usize {
        self.n_done
    }

    fn draw(&mut self, n: usize, progress: Progress<'_>) -> Result<Draws, RunError> {
        self.piece(n, progress)
    }

    fn save(&self) -> Saved {
        let mut saved = Saved::default();
        saved.put_integers("n_done", &[self.n_done as u64]);
        self.ladder.save(&self.levels.replicas(), &mut saved);
        self.levels.sums().save(&mut saved);
        saved
    }
}

/// Divergences at any level, trajectories cut short at the target, and the level whose acceptance is farthest below its target.
fn doubts<R, K: Tunable>(info: &[Info], ladder: &Ladder<R, K>, options: &TemperingOptions) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut total = Info::default();
    info.iter().for_each(|i| total.add(*i));
    if total.n_diverged > 0 {
        let Info { n, n_diverged, .. } = total;
        warnings.push(Warning::Divergences { phase: Phase::Draws, n_diverged, n });
    }
    if let Some(Info { n, n_truncated, .. }) = info.last().filter(|target| target.n_truncated > 0) {
        warnings.push(Warning::Truncated { n_truncated: *n_truncated, n: *n });
    }
    let level = (1..info.len()).min_by(|a, b| info[*a].accept_prob().total_cmp(&info[*b].accept_prob()));
    let worst = level.and_then(|k| Some((info[k].accept_prob(), ladder.kernels[k].target_accept()?)));
    if let Some((accept_prob, target)) = worst.filter(|(accept_prob, target)| *accept_prob < target / 3.0) {
        warnings.push(Warning::Acceptance { accept_prob, target, adapted: options.n_warmup > 0 });
    }
    warnings
}
