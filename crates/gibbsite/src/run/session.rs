//! A run in pieces: some draws, then some more, with a state between them that can be kept and gone on from. Where the
//! pieces are cut, and whether the process was another one, changes no bit of the draws.

use crate::adapt::{Adapt, WarmedUp};
use crate::energy::Energy;
use crate::kernel::{AcceptSum, Info, Kernel, Metric, Tunable};
use crate::points::{Matrix, Points, Space};

use super::saved::{Saved, SavedError};
use super::{
    Divergence, Draws, Event, MAX_DIVERGENCES, Outcome, Progress, RunError, RunOptions, Warning, check, draw, judge,
    warmed_up,
};

/// Draws in pieces. What an implementation saves must be all it needs: started again from it, it continues to the bit.
pub trait Session {
    /// Why a piece cannot be drawn.
    type Error;

    /// Draws made so far, of each chain.
    fn n_done(&self) -> usize;

    /// The next `n` draws of each chain; tells the progress over all draws made so far. `Event::Progress::total` is where
    /// this piece ends.
    ///
    /// # Errors
    /// What the sampler cannot do; the session then stays where it was.
    fn draw(&mut self, n: usize, progress: Progress<'_>) -> Result<Draws, Self::Error>;

    /// The state after the draws made so far.
    fn save(&self) -> Saved;
}

/// A kernel with its chains, warm and on its way.
pub struct KernelSession<'a, E: ?Sized, K> {
    energy: &'a E,
    kernel: K,
    options: RunOptions,
    x: Points,
    n_done: usize,
    info: Info,
    warm_up: Info,
    warnings: Vec<Warning>,
    divergences: Vec<Divergence>,
    stuck: Stuck,
}

impl<'a, E: Energy + ?Sized, K: Kernel<E> + Tunable + Clone> KernelSession<'a, E, K> {
    /// Warms `kernel` up from `init` (one row per chain); `options.n_draws` is not used.
    ///
    /// # Errors
    /// As [`super::sample`], without those of the draws.
    pub fn start(
        energy: &'a E,
        kernel: &K,
        init: Points,
        options: &RunOptions,
        progress: Progress<'_>,
    ) -> Result<Self, RunError>
    where
        K: Adapt<E>,
    {
        check(energy, &init, kernel.moves(), options)?;
        Ok(Self::warm(energy, warmed_up(energy, kernel, init, options, progress)?, options))
    }

    /// Begins with a kernel that is already warm.
    pub fn warm(energy: &'a E, warm: WarmedUp<K>, options: &RunOptions) -> Self {
        let WarmedUp { kernel, x, info, warnings } = warm;
        Self {
            energy,
            kernel,
            options: options.clone(),
            n_done: 0,
            info: Info::default(),
            warm_up: info,
            warnings,
            divergences: Vec::new(),
            stuck: Stuck::new(x.n()),
            x,
        }
    }

    /// Goes on from what [`Session::save`] gave. `kernel`, its step size and preconditioner aside, and `options` must be
    /// those of the start, `energy` must be the same: nothing here can tell.
    ///
    /// # Errors
    /// Entries that are missing or of another size than `n_chains` and the energy ask for.
    pub fn resume(
        energy: &'a E,
        mut kernel: K,
        options: &RunOptions,
        n_chains: usize,
        saved: &Saved,
    ) -> Result<Self, SavedError> {
        let dim = energy.space().n_coordinates();
        let [step_size] = saved.array("step_size")?;
        kernel.set_step_size(step_size);
        if kernel.metric().is_some() {
            kernel.set_metric(&metric(saved, "", dim)?);
        }
        let warnings = serde_json::from_str(saved.text("warnings")?);
        let [n_done] = saved.integers("n_done")?;
        Ok(Self {
            energy,
            kernel,
            options: options.clone(),
            x: points(saved, n_chains, energy.space())?,
            n_done: n_done as usize,
            info: info(saved, "draws")?,
            warm_up: info(saved, "warm_up")?,
            warnings: warnings.map_err(|e| SavedError::Description(e.to_string()))?,
            divergences: divergences(saved, dim)?,
            stuck: Stuck::restore(saved, n_chains, dim)?,
        })
    }

    /// Number of chains.
    pub fn n_chains(&self) -> usize {
        self.x.n()
    }

    /// The kernel as it was adapted.
    pub fn kernel(&self) -> &K {
        &self.kernel
    }

    /// Counts over the draws.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// What is doubtful about the draws made so far, that of the warm-up first.
    ///
    /// # Errors
    /// [`RunError::Diverged`] for kernels that never reject.
    pub fn judge(&self) -> Result<Vec<Warning>, RunError> {
        let mut warnings = self.warnings.clone();
        // One draw shows no movement.
        let n_stuck = if self.n_done < 2 { 0 } else { self.stuck.count() };
        warnings.extend(judge(&self.kernel, &self.info, (n_stuck, self.x.n()), &self.options)?);
        Ok(warnings)
    }

    /// All that a run says; `draws` are those that the caller has, which may be fewer than were made.
    ///
    /// # Errors
    /// As [`KernelSession::judge`].
    pub fn finish(self, draws: Draws) -> Result<Outcome<K>, RunError> {
        let warnings = self.judge()?;
        let Self { kernel, info, warm_up, mut divergences, x: last, .. } = self;
        // In an order that does not tell where the pieces were cut.
        divergences.sort_by_key(|d| (d.chain, d.draw));
        Ok(Outcome { draws, kernel, info, warm_up, warnings, divergences, last })
    }
}

impl<E: Energy + ?Sized, K: Kernel<E> + Tunable + Clone> Session for KernelSession<'_, E, K> {
    type Error = RunError;

    fn n_done(&self) -> usize {
        self.n_done
    }

    fn draw(&mut self, n: usize, progress: Progress<'_>) -> Result<Draws, RunError> {
        let thin = self.options.thin;
        let options = RunOptions { n_draws: n, ..self.options.clone() };
        let warm =
            WarmedUp { kernel: self.kernel.clone(), x: self.x.clone(), info: Info::default(), warnings: Vec::new() };
        let before = (self.x.n() * self.n_done * thin) as u64;
        let onward = |event| {
            progress(match event {
                Event::Progress { phase, done, total } => {
                    Event::Progress { phase, done: before + done, total: before + total }
                }
                other => other,
            });
        };
        let piece = draw(self.energy, warm, &options, (self.n_done * thin) as u64, &onward)?;
        let mut info = self.info;
        info.add(piece.info);
        if info.n_diverged > 0 && !self.kernel.rejects() {
            let Info { n, n_diverged, .. } = info;
            return Err(RunError::Diverged { n_diverged, n, step_size: self.kernel.step_size() });
        }
        let room = MAX_DIVERGENCES.saturating_sub(self.divergences.len());
        let later = piece.divergences.into_iter().map(|d| Divergence { draw: d.draw + self.n_done, ..d });
        self.divergences.extend(later.take(room));
        self.stuck.see(&piece.draws);
        self.info = info;
        self.x = piece.last;
        self.n_done += n;
        Ok(piece.draws)
    }

    fn save(&self) -> Saved {
        let mut saved = Saved::default();
        saved.put_integers("n_done", &[self.n_done as u64]);
        put_points(&mut saved, &self.x);
        saved.put_numbers("step_size", &[self.kernel.step_size()]);
        if let Some(metric) = self.kernel.metric() {
            put_metric(&mut saved, "", metric);
        }
        put_info(&mut saved, "draws", &self.info);
        put_info(&mut saved, "warm_up", &self.warm_up);
        self.stuck.save(&mut saved);
        put_divergences(&mut saved, &self.divergences);
        // Every field of a warning is a finite number, a flag or a name, so that nothing can fail; were it otherwise, the
        // text would not be readable and resuming would say so.
        saved.put_text("warnings", serde_json::to_string(&self.warnings).unwrap_or_default());
        saved
    }
}

/// Keeps positions, labels beside real coordinates.
pub(crate) fn put_points(saved: &mut Saved, x: &Points) {
    saved.put_matrix("x", &x.real);
    if x.label.n_cols() > 0 {
        saved.put_integers("labels", &x.label.as_slice().iter().map(|l| u64::from(*l)).collect::<Vec<_>>());
    }
}

/// The positions that were kept, of a space.
pub(crate) fn points(saved: &Saved, n: usize, space: &Space) -> Result<Points, SavedError> {
    let real = saved.matrix("x", n, space.dim())?;
    if space.labels.is_empty() {
        return Ok(Points::from_real(real));
    }
    let expected = || SavedError::Entry { name: "labels".into(), expected: format!("labels of {n} states") };
    let found = saved.all_integers("labels")?;
    let fits = |(k, label): (usize, &u64)| *label < space.labels[k / n.max(1)].arity() as u64;
    if found.len() != n * space.labels.len() || !found.iter().enumerate().all(fits) {
        return Err(expected());
    }
    let label = Matrix::from_columns(n, space.labels.len(), found.iter().map(|l| *l as u8).collect());
    Ok(Points { real, label })
}

/// Which chains have not moved since their first draw.
struct Stuck {
    first: Option<Matrix<f64>>,
    moved: Vec<bool>,
}

impl Stuck {
    fn new(n_chains: usize) -> Self {
        Self { first: None, moved: vec![false; n_chains] }
    }

    fn see(&mut self, draws: &Draws) {
        let dim = draws.dim();
        if draws.n_draws() == 0 || dim == 0 {
            return;
        }
        let first = self.first.get_or_insert_with(|| Matrix::from_fn(draws.n_chains(), dim, |c, j| draws.get(c, 0, j)));
        for (c, chain) in draws.values().chunks_exact(draws.n_draws() * dim).enumerate() {
            if !self.moved[c] {
                self.moved[c] = chain.chunks_exact(dim).any(|row| (0..dim).any(|j| row[j] != first.get(c, j)));
            }
        }
    }

    fn count(&self) -> usize {
        self.moved.iter().filter(|m| !**m).count()
    }

    fn save(&self, saved: &mut Saved) {
        if let Some(first) = &self.first {
            saved.put_matrix("first", first);
        }
        let moved: Vec<f64> = self.moved.iter().map(|m| f64::from(u8::from(*m))).collect();
        saved.put_numbers("moved", &moved);
    }

    fn restore(saved: &Saved, n_chains: usize, dim: usize) -> Result<Self, SavedError> {
        let first = saved.has_numbers("first").then(|| saved.matrix("first", n_chains, dim)).transpose()?;
        let moved: Vec<bool> = saved.numbers("moved")?.iter().map(|m| *m != 0.0).collect();
        if moved.len() != n_chains {
            return Err(SavedError::Entry { name: "moved".into(), expected: format!("{n_chains} numbers") });
        }
        Ok(Self { first, moved })
    }
}

/// Keeps counts under a name.
pub(crate) fn put_info(saved: &mut Saved, name: &str, info: &Info) {
    saved.put_integers(name, &[info.n, info.n_diverged, info.n_evals, info.n_truncated]);
    saved.put_integers(&format!("{name}_sum_accept"), &info.sum_accept.to_halves());
}

/// The counts of that name.
pub(crate) fn info(saved: &Saved, name: &str) -> Result<Info, SavedError> {
    let [n, n_diverged, n_evals, n_truncated] = saved.integers(name)?;
    let sum_accept = AcceptSum::from_halves(saved.integers(&format!("{name}_sum_accept"))?);
    Ok(Info { n, sum_accept, n_diverged, n_evals, n_truncated })
}

fn put_divergences(saved: &mut Saved, divergences: &[Divergence]) {
    let places: Vec<u64> = divergences.iter().flat_map(|d| [d.chain as u64, d.draw as u64]).collect();
    saved.put_integers("divergences", &places);
    if !divergences.is_empty() {
        let x: Vec<&[f64]> = divergences.iter().map(|d| d.x.as_slice()).collect();
        saved.put_matrix("diverged_at", &Points::from_rows(&x).real);
    }
}

fn divergences(saved: &Saved, dim: usize) -> Result<Vec<Divergence>, SavedError> {
    let places = saved.all_integers("divergences")?;
    let n = places.len() / 2;
    let x = if n > 0 { saved.matrix("diverged_at", n, dim)? } else { Matrix::new(0, dim) };
    let at = |(i, p): (usize, &[u64])| Divergence { chain: p[0] as usize, draw: p[1] as usize, x: x.row(i) };
    Ok(places.chunks_exact(2).enumerate().map(at).collect())
}

/// Keeps a preconditioner under names that begin with `prefix`.
pub(crate) fn put_metric(saved: &mut Saved, prefix: &str, metric: &Metric) {
    if !metric.scale().is_empty() {
        saved.put_numbers(&format!("{prefix}scale"), metric.scale());
    }
    if let Some((vectors, stretch)) = metric.directions() {
        saved.put_matrix(&format!("{prefix}directions"), vectors);
        saved.put_numbers(&format!("{prefix}stretch"), stretch);
    }
}

/// The preconditioner of that prefix.
pub(crate) fn metric(saved: &Saved, prefix: &str, dim: usize) -> Result<Metric, SavedError> {
    let [scale_name, directions, stretch] = ["scale", "directions", "stretch"].map(|name| format!("{prefix}{name}"));
    let scale = if saved.has_numbers(&scale_name) { saved.numbers(&scale_name)?.to_vec() } else { Vec::new() };
    if !scale.is_empty() && scale.len() != dim {
        return Err(SavedError::Entry { name: scale_name, expected: format!("{dim} numbers") });
    }
    if !saved.has_numbers(&directions) {
        return Ok(Metric::diagonal(scale));
    }
    let stretch = saved.numbers(&stretch)?.to_vec();
    let vectors = saved.matrix(&directions, scale.len(), stretch.len())?;
    Ok(Metric::low_rank(scale, vectors, stretch))
}
