//! Tempered chains under way, and what their ladder says of log Z.

use super::{Doubt, Estimator};
use crate::diagnostics::Stein;
use crate::energy::gaussian::GaussianMixture;
use crate::energy::{Bridge, Differentiable};
use crate::kernel::{Info, Kernel, Nuts, Tunable};
use crate::logz::{LogZ, LogZError, bridge, stepping_stone, thermodynamic};
use crate::points::{Matrix, Points};
use crate::run::saved::{Saved, SavedError};
use crate::run::{Draws, Progress, RunError, Session};
use crate::tempering::{Ladder, LadderSession, Reference, Rungs, TemperingOptions};

/// How a ladder is summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Along {
    /// [`bridge::log_z`].
    Bridges,
    /// [`thermodynamic::log_z`].
    Thermodynamic,
    /// [`stepping_stone::log_z`].
    SteppingStones,
}

impl Along {
    fn log_z(self, rungs: &Rungs) -> Result<LogZ, LogZError> {
        match self {
            Along::Bridges => bridge::log_z(rungs),
            Along::Thermodynamic => thermodynamic::log_z(rungs),
            Along::SteppingStones => stepping_stone::log_z(rungs),
        }
    }
}

/// Iterations between the draws that are kept, at first.
const SPACING: usize = 8;

/// Iterations whose draws are kept, at most; with twice as many every second one is dropped.
const KEPT: usize = 16;

/// Departure from Stein's identity, in standard errors, from which on draws of the target are not draws of all of it: beyond it
/// one of a hundred coordinates would be once in 500 runs.
const MAX_DEPARTURE: f64 = 5.0;

/// Share of trajectories at the target that are cut at their greatest length from which on its draws are not trusted.
const MAX_TRUNCATED: f64 = 0.3;

/// Independent ladders of tempered chains.
pub struct Ladders<'a, E: ?Sized, R = GaussianMixture, K: Kernel<Bridge<&'a R, &'a E>> = Nuts> {
    energy: &'a E,
    session: LadderSession<'a, R, E, K>,
    along: Along,
    spacing: usize,
    /// Draws of the target, iteration by iteration.
    kept: Vec<Points>,
    /// Of all draws of the target, each ladder a group.
    stein: Stein,
}

impl<'a, E, R, K> Ladders<'a, E, R, K>
where
    E: Differentiable + ?Sized,
    R: Reference,
    K: Kernel<Bridge<&'a R, &'a E>> + Tunable + Clone,
{
    pub(super) fn start(
        energy: &'a E,
        ladder: &'a Ladder<R, K>,
        options: &TemperingOptions,
        along: Along,
    ) -> Result<Self, RunError> {
        let session = LadderSession::start(energy, ladder, options)?;
        let at_target = ladder.replicas().x.last().expect("a ladder has levels");
        let stein = Stein::new(at_target, session.n_ladders());
        Ok(Self { energy, session, along, spacing: SPACING, kept: Vec::new(), stein })
    }

    /// Evaluations of energies and gradients so far.
    pub fn n_evals(&self) -> u64 {
        self.session.rungs().n_evals
    }

    /// Some draws of the target, far apart in every ladder: 8 to 16 of each, fewer before the first round is done.
    pub fn target_draws(&self) -> Points {
        let like = &self.session.ladder().replicas().x[0];
        let mut all = like.room(self.kept.len() * like.n());
        (0..all.n()).for_each(|row| all.copy_row(row, &self.kept[row / like.n()], row % like.n()));
        all
    }

    /// Whether trajectories at the target are too short for it. On targets that are known few are cut or nearly all, and where
    /// they are, values were wrong by many of their errors.
    fn is_cut_short(&self) -> Option<String> {
        let Info { n, n_truncated, .. } = self.session.target_info();
        let share = n_truncated as f64 / n.max(1) as f64;
        (share > MAX_TRUNCATED).then(|| {
            format!(
                "{:.0} % of the trajectories at the target reached their greatest length before they turned: parts of it may not \
                 have been reached in time, as where widths differ from place to place; the energy may need other coordinates",
                100.0 * share
            )
        })
    }

    /// Whether the draws of the target end where its density goes on.
    fn departs(&self) -> Option<String> {
        let found = self.stein.departure().filter(|found| found.z.abs() > MAX_DEPARTURE)?;
        Some(format!(
            "draws of the target miss some of it that they could reach: along coordinate {} they depart from Stein's identity by {:.1} \
             standard errors, as where a narrow neck is not entered",
            found.coordinate + 1,
            found.z.abs()
        ))
    }

    /// Adds draws to the sums of Stein's identity.
    fn sum(&mut self, draws: &Draws) {
        let space = self.energy.space();
        let (n, dim) = (draws.n_chains(), space.dim());
        if dim == 0 {
            return;
        }
        for t in 0..draws.n_draws() {
            let x = draws.at(t, space);
            let (mut e, mut grad) = (vec![0.0; n], Matrix::new(n, dim));
            self.energy.energy_grad(&x, &mut e, &mut grad);
            self.stein.add(&x, &grad);
        }
    }

    /// Keeps the draws of every `spacing`-th iteration; the first of `draws` is of iteration `first`.
    fn keep(&mut self, draws: &Draws, first: usize) {
        for t in 0..draws.n_draws() {
            if !(first + t + 1).is_multiple_of(self.spacing) {
                continue;
            }
            self.kept.push(draws.at(t, self.energy.space()));
            if self.kept.len() >= 2 * KEPT {
                // Those of every second iteration remain.
                let mut index = 0;
                self.kept.retain(|_| {
                    index += 1;
                    index % 2 == 0
                });
                self.spacing *= 2;
            }
        }
    }
}

impl<'a, E, R, K> Estimator for Ladders<'a, E, R, K>
where
    E: Differentiable + ?Sized,
    R: Reference,
    K: Kernel<Bridge<&'a R, &'a E>> + Tunable + Clone,
{
    fn name(&self) -> &'static str {
        match self.along {
            Along::Bridges => "bridge",
            Along::Thermodynamic => "ti",
            Along::SteppingStones => "stepping-stone",
        }
    }

    fn first(&self) -> usize {
        250
    }

    fn piece(&self) -> usize {
        10
    }

    fn n_done(&self) -> usize {
        self.session.n_done()
    }

    fn extend(&mut self, n: usize, progress: Progress<'_>) -> Result<(), LogZError> {
        // The draws themselves are not needed; pieces bound what they take.
        const PIECE: usize = 1000;
        let end = self.n_done() + n;
        while self.n_done() < end {
            let first = self.n_done();
            let draws = self.session.draw(PIECE.min(end - first), progress)?;
            self.keep(&draws, first);
            self.sum(&draws);
        }
        Ok(())
    }

    fn log_z(&self) -> Result<LogZ, LogZError> {
        self.along.log_z(&self.session.rungs())
    }

    fn doubt(&self) -> Option<Doubt> {
        let verdict = self.session.verdict();
        let passing = if verdict.is_good() { self.departs() } else { Some(verdict.to_string()) };
        let lasting = || self.is_cut_short().map(|said| Doubt { said, may_pass: false });
        passing.map(|said| Doubt { said, may_pass: true }).or_else(lasting)
    }

    fn save(&self) -> Saved {
        let mut saved = self.session.save();
        saved.put_matrix("stein", self.stein.sums().0);
        saved.put_integers("kept", &[self.spacing as u64, self.kept.len() as u64]);
        let (draws, space) = (self.target_draws(), self.energy.space());
        let rows: Vec<Vec<f64>> = (0..draws.n()).map(|i| draws.values(i, space)).collect();
        saved.put_matrix("kept", &Matrix::from_fn(rows.len(), space.n_coordinates(), |i, j| rows[i][j]));
        saved
    }

    fn go_on(&mut self, saved: &Saved) -> Result<(), SavedError> {
        let [spacing, n] = saved.integers("kept")?;
        let (n_ladders, space) = (self.session.n_ladders(), self.energy.space());
        let (n, dim) = (n as usize, space.n_coordinates());
        let kept = saved.matrix("kept", n.saturating_mul(n_ladders), dim)?;
        let values = (0..n_ladders).flat_map(|i| (0..n).map(move |t| t * n_ladders + i)).flat_map(|row| kept.row(row));
        let kept = Draws::from_parts(n_ladders, n, dim, values.collect(), vec![0.0; n * n_ladders]);
        let stein = saved.matrix("stein", n_ladders, space.dim())?;
        self.session.restore(saved)?;
        self.stein.set_sums(stein, self.session.n_done() as u64);
        self.spacing = spacing as usize;
        self.kept = (0..n).map(|t| kept.at(t, space)).collect();
        Ok(())
    }
}
