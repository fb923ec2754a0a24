//! The loop of contrastive training: epochs of shuffled batches, guards, rollback, checkpoints.

use std::sync::atomic::Ordering;

use super::checkpoint::{self, Identity};
use super::error::{Failure, TrainError};
use super::event::{OnEvent, TrainEvent, TrainWarning};
use super::guard::{EpochCheck, check};
use super::history::Row;
use super::natural::{Natural, some_of};
use super::options::{Control, TrainOptions};
use super::precondition::Whiten;
use super::schedule::shuffle;
use super::state::State;
use crate::energy::Parametric;
use crate::kernel::Info;
use crate::objective::Contrastive;
use crate::objective::reduce::sum;
use crate::points::Points;
use crate::rng::{Run, Streams};

/// What a training works on.
pub struct Problem<'a> {
    /// Training data, in the coordinates of the energy.
    pub data: &'a Points,
    /// Which parameters move.
    pub free: &'a [bool],
    /// What decides the training.
    pub identity: Identity,
    /// Options.
    pub options: &'a TrainOptions,
    /// Checkpoints, stop flag.
    pub control: &'a Control<'a>,
}

/// Workspaces of an epoch.
struct Work {
    order: Vec<u32>,
    shuffle: Streams,
    /// One full batch, and the shorter last one where the data do not divide.
    batches: Vec<(Points, Vec<f64>)>,
    grad: Vec<f64>,
    mean: Vec<f64>,
    e: Vec<f64>,
    whiten: Option<Whiten>,
    step: Vec<f64>,
    /// Some of the data, and the rate at which statistics change with their parameters over them ([`Natural::rate`]).
    some: Points,
    rate: Vec<f64>,
}

/// Change of a statistic relative to itself, in units of the learning rate, that an update may make.
const MAX_CHANGE: f64 = 2.0;

/// Lengths of the batches of an epoch: full ones, then what is left.
pub fn batch_lengths(n: usize, batch: usize) -> Vec<usize> {
    let batch = batch.min(n);
    let mut lengths = vec![batch];
    if !n.is_multiple_of(batch) {
        lengths.push(n % batch);
    }
    lengths
}

/// Trains to the last epoch and returns the final state; the energy then holds the last theta. `valid` gives the mean
/// held-out log-likelihood and its standard error (or NaN).
///
/// # Errors
/// [`TrainError::Failed`] after too many rollbacks, [`TrainError::Interrupted`], [`TrainError::Checkpoint`].
pub fn train<E, C>(
    energy: &mut E,
    chains: &mut C,
    problem: &Problem,
    step_size: f64,
    valid: &mut dyn FnMut(&E) -> (f64, f64),
    on_event: OnEvent,
) -> Result<State, TrainError>
where
    E: Parametric + ?Sized,
    C: Contrastive<E>,
{
    let Problem { data, options, control, .. } = *problem;
    let p = energy.n_theta();
    let mut theta = vec![0.0; p];
    energy.read_theta(&mut theta);
    let mut state = State::new(theta, options, step_size);
    chains.save(&mut state.positions, &mut state.steps);
    if let Some(c) = control.checkpoint.as_ref().filter(|c| c.resume) {
        checkpoint::remove_stale(&c.dir)?;
        let found = checkpoint::load(&c.dir, &problem.identity, &mut state)?;
        if found && !chains.restore(&state.positions, &state.steps) {
            let reason = "its chains do not fit".to_string();
            return Err(TrainError::Checkpoint { path: c.dir.join(checkpoint::FILE), reason });
        }
        energy.set_theta(&state.theta);
        let note = if found {
            format!("resumed after epoch {}", state.epoch)
        } else {
            format!("no checkpoint in {}: the training starts afresh", c.dir.display())
        };
        on_event(&TrainEvent::Warning(&TrainWarning::Resume(note)));
    }
    let mut work = Work {
        order: vec![0; data.n()],
        shuffle: Streams::new(options.seed, Run::Train),
        batches: batch_lengths(data.n(), options.batch)
            .into_iter()
            .map(|n| (Points::zeros(n, data.dim()), vec![1.0 / n as f64; n]))
            .collect(),
        grad: vec![0.0; p],
        mean: vec![0.0; p],
        e: vec![0.0; data.n()],
        whiten: if options.precondition { Whiten::new(p, chains.samples().n()) } else { None },
        step: vec![0.0; p],
        some: some_of(data),
        rate: vec![0.0; p],
    };
    let mut good = state.clone();
    on_event(&TrainEvent::Start { epoch: state.epoch, n_epochs: options.epochs });
    while state.epoch < options.epochs {
        good.copy_core(&state);
        chains.set_step_size(state.step_size);
        match epoch(energy, chains, problem, &mut state, &mut work) {
            Ok(mut row) => {
                (row.valid, row.valid_std_err) = valid(energy);
                state.epoch += 1;
                state.epoch_means.extend_from_slice(&work.mean);
                state.positions.clear();
                state.steps.clear();
                chains.save(&mut state.positions, &mut state.steps);
                on_event(&TrainEvent::Epoch { row: &row, n_epochs: options.epochs });
                state.rows.push(row);
            }
            Err(cause) => {
                if state.n_rollbacks >= options.max_rollbacks {
                    energy.set_theta(&good.theta);
                    return Err(TrainError::Failed { epoch: state.epoch + 1, n_rollbacks: state.n_rollbacks, cause });
                }
                state.copy_core(&good);
                state.n_rollbacks += 1;
                state.lr *= 0.5;
                state.step_size *= 0.5;
                energy.set_theta(&state.theta);
                chains.restore(&state.positions, &state.steps);
                on_event(&TrainEvent::Rollback { epoch: state.epoch + 1, cause: &cause, lr: state.lr });
                continue;
            }
        }
        let stopped = control.stop.is_some_and(|s| s.load(Ordering::Relaxed)) && state.epoch < options.epochs;
        if let Some(c) = &control.checkpoint
            && (state.epoch.is_multiple_of(c.every.max(1)) || state.epoch == options.epochs || stopped)
        {
            checkpoint::save(&c.dir, &problem.identity, &state)?;
            on_event(&TrainEvent::Checkpoint { epoch: state.epoch });
        }
        if stopped {
            return Err(TrainError::Interrupted { epoch: state.epoch });
        }
    }
    Ok(state)
}

/// Acceptance aimed for: above the 0.574 that is best for a fixed target, because rejections strand chains in the tails while
/// the target moves.
const TARGET_ACCEPT: f64 = 0.9;

/// One pass over the data.
fn epoch<E, C>(
    energy: &mut E,
    chains: &mut C,
    problem: &Problem,
    state: &mut State,
    work: &mut Work,
) -> Result<Row, Failure>
where
    E: Parametric + ?Sized,
    C: Contrastive<E>,
{
    let Problem { data, free, options, .. } = *problem;
    let n = data.n();
    let n_steps = options.steps.at(state.epoch, options.epochs);
    let full = options.batch.min(n);
    let n_updates = n.div_ceil(full);
    shuffle(&mut work.shuffle, state.epoch, &mut work.order);
    work.mean.fill(0.0);
    if let Some(whiten) = &mut work.whiten {
        whiten.update(energy, &chains.samples(), free);
        work.rate = Natural::at(energy, &work.some, &state.theta, free).rate;
    }
    let adapts = options.follows_acceptance() && 2 * state.epoch < options.epochs;
    let mut info = Info::default();
    let mut lr = state.lr;
    for update in 0..n_updates {
        let rows = &work.order[update * full..((update + 1) * full).min(n)];
        // The last batch may be shorter; its mean is over the points it has.
        let (batch, w) = &mut work.batches[usize::from(rows.len() < full)];
        gather(data, rows, batch);
        work.grad.fill(0.0);
        let moved = chains.negative_phase(energy, batch, n_steps, &mut work.grad);
        info.add(moved);
        if adapts {
            // Robbins and Monro (1951) on the log step size; slow enough later on not to disturb the averages.
            let gain = 0.5 / (1.0 + state.n_updates as f64 / 20.0).sqrt();
            state.step_size *= (gain * (moved.accept_prob() - TARGET_ACCEPT)).exp();
            chains.set_step_size(state.step_size);
        }
        energy.grad_theta(batch, w, &mut work.grad);
        state.n_updates += 1;
        for (g, free) in work.grad.iter_mut().zip(free) {
            *g = if *free { *g } else { 0.0 };
        }
        if work.grad.iter().any(|g| !g.is_finite()) {
            return Err(Failure::NonFinite { what: "the gradient", update: state.n_updates });
        }
        let t = (state.epoch as f64 + update as f64 / n_updates as f64) / options.epochs as f64;
        lr = state.lr * options.decay.at(t);
        // Every row counts the same: the mean gradient of a shorter batch weighs as much less as it has fewer rows. (A shorter
        // step would not do: Adam rescales gradients, and momentum remembers them.)
        let share = rows.len() as f64 / full as f64;
        match &work.whiten {
            None => {
                work.grad.iter_mut().for_each(|g| *g *= share);
                state.optimizer.update(&mut state.theta, &work.grad, lr);
            }
            Some(whiten) => {
                whiten.gradient(&mut work.grad);
                work.grad.iter_mut().for_each(|g| *g *= share);
                work.step.fill(0.0);
                state.optimizer.update(&mut work.step, &work.grad, lr);
                whiten.step(&mut work.step);
                // A parameter that has lost its influence (exp(g) for very negative g) must not be thrown far by one update.
                let change = work.step.iter().zip(&work.rate).map(|(d, r)| d.abs() * r).fold(0.0, f64::max);
                let cap = (MAX_CHANGE * lr / change).min(1.0);
                work.step.iter_mut().for_each(|d| *d *= cap);
                for k in (0..free.len()).filter(|&k| free[k]) {
                    state.theta[k] += work.step[k];
                }
            }
        }
        if state.theta.iter().any(|t| !t.is_finite()) {
            return Err(Failure::NonFinite { what: "a parameter", update: state.n_updates });
        }
        energy.set_theta(&state.theta);
        for (m, t) in work.mean.iter_mut().zip(&state.theta) {
            *m += t / n_updates as f64;
        }
    }
    energy.energy(data, &mut work.e);
    let energy_data = sum(&work.e) / n as f64;
    let energy_samples = chains.mean_energy(energy);
    check(&EpochCheck {
        info,
        energy_data,
        energy_data_max: work.e.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        energy_samples,
        dim: data.dim(),
        update: state.n_updates,
        last_gap: state.rows.last().map(Row::gap),
    })?;
    Ok(Row {
        epoch: state.epoch + 1,
        theta: state.theta.clone(),
        objective: f64::NAN,
        energy_data,
        energy_samples,
        accept_prob: info.accept_prob(),
        step_size: state.step_size,
        lr,
        valid: f64::NAN,
        valid_std_err: f64::NAN,
    })
}

/// Copies the rows `rows` of `data` into `out`.
fn gather(data: &Points, rows: &[u32], out: &mut Points) {
    for j in 0..data.dim() {
        let from = data.real.col(j);
        for (o, r) in out.real.col_mut(j).iter_mut().zip(rows) {
            *o = from[*r as usize];
        }
    }
}
