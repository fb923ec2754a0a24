//! Tempered chains under way, and what their ladder says of log Z.

use super::{Doubt, Estimator};
use crate::diagnostics::Stein;
use crate::energy::Differentiable;
use crate::energy::gaussian::GaussianMixture;
use crate::kernel::Info;
use crate::kernel::Nuts;
use crate::logz::{LogZ, LogZError, bridge, stepping_stone, thermodynamic};
use crate::points::{Matrix, Points};
use crate::run::saved::{Saved, SavedError};
use crate::run::{Draws, Progress, RunError, Session};
use crate::tempering::{Ladder, LadderSession, Rungs, TemperingOptions};

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
pub struct Ladders<'a, E: Differentiable + ?Sized> {
    energy: &'a E,
    session: LadderSession<'a, GaussianMixture, E, Nuts>,
    along: Along,
    spacing: usize,
    /// Draws of the target, those of an iteration together.
    kept: Vec<Vec<f64>>,
    /// Of all draws of the target, each ladder a group.
    stein: Stein,
}

impl<'a, E: Differentiable + ?Sized> Ladders<'a, E> {
    pub(super) fn start(
        energy: &'a E,
        ladder: &'a Ladder<GaussianMixture, Nuts>,
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
        Points::from_rows(&self.kept)
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
        let (n, dim) = (draws.n_chains(), draws.dim());
        for t in 0..draws.n_draws() {
            let x = Points::from_real(Matrix::from_fn(n, dim, |i, j| draws.get(i, t, j)));
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
            let row = |i: usize| (0..draws.dim()).map(|j| draws.get(i, t, j)).collect();
            self.kept.extend((0..draws.n_chains()).map(row));
            if self.kept.len() >= 2 * KEPT * draws.n_chains() {
                // Those of every second iteration remain.
                let n = draws.n_chains();
                let mut index = 0;
                self.kept.retain(|_| {
                    index += 1;
                    (index - 1) / n % 2 == 1
                });
                self.spacing *= 2;
            }
        }
    }
}

impl<E: Differentiable + ?Sized> Estimator for Ladders<'_, E> {
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
        if !self.kept.is_empty() {
            saved.put_matrix("kept", &Points::from_rows(&self.kept).real);
        }
        saved
    }

    fn go_on(&mut self, saved: &Saved) -> Result<(), SavedError> {
        let [spacing, n] = saved.integers("kept")?;
        let dim = self.session.ladder().replicas().x[0].dim();
        let kept = if n > 0 { saved.matrix("kept", n as usize, dim)? } else { Matrix::new(0, dim) };
        let stein = saved.matrix("stein", self.session.n_ladders(), dim)?;
        self.session.restore(saved)?;
        self.stein.set_sums(stein, self.session.n_done() as u64);
        self.spacing = spacing as usize;
        self.kept = (0..kept.n_rows()).map(|i| kept.row(i)).collect();
        Ok(())
    }
}
