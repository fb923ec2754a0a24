//! nuts-rs: one `Chain` after the other on every thread, `Chain::draw` directly, nothing stored but the positions.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use cpu_time::ThreadTime;
use gibbsite::points::Points;
use nuts_rs::rand::SeedableRng;
use nuts_rs::rand::rngs::StdRng;
use nuts_rs::{
    Chain, CpuLogpFunc, CpuMath, CpuMathError, DiagNutsSettings, HasDims, LogpError, LowRankNutsSettings, Settings,
};

use super::{Run, Seconds, Size};
use crate::targets::Target;

/// Which metric nuts-rs adapts, each with its default settings and its default number of tuning draws.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Adaptation {
    Diagonal,
    LowRank,
}

/// A target as the density of nuts-rs.
struct One<'a, T>(&'a T);

#[derive(Debug, thiserror::Error)]
#[error("the density is not finite")]
struct NotFinite;

impl LogpError for NotFinite {
    fn is_recoverable(&self) -> bool {
        true
    }
}

impl<T: Target> HasDims for One<'_, T> {
    fn dim_sizes(&self) -> HashMap<String, u64> {
        HashMap::from([("unconstrained_parameter".to_string(), self.0.dim() as u64)])
    }
}

impl<T: Target> CpuLogpFunc for One<'_, T> {
    type LogpError = NotFinite;
    type FlowParameters = ();
    type ExpandedVector = Vec<f64>;

    fn dim(&self) -> usize {
        self.0.dim()
    }

    fn logp(&mut self, position: &[f64], grad: &mut [f64]) -> Result<f64, NotFinite> {
        let value = self.0.one(position, grad);
        if value.is_finite() { Ok(value) } else { Err(NotFinite) }
    }

    fn expand_vector<R: nuts_rs::rand::Rng + ?Sized>(
        &mut self,
        _rng: &mut R,
        position: &[f64],
    ) -> Result<Vec<f64>, CpuMathError> {
        Ok(position.to_vec())
    }
}

/// What one chain did.
struct ChainRun {
    warm_up: f64,
    draws: f64,
    n_steps: u64,
    n_diverged: u64,
    /// Draw after draw.
    values: Vec<f64>,
}

/// Runs it on the given number of threads; each takes the next chain when it is done with one.
pub fn run_nuts_rs<T: Target>(
    target: &T,
    adaptation: Adaptation,
    init: &Points,
    size: Size,
    seed: u64,
) -> Result<Run, Box<dyn Error>> {
    match adaptation {
        Adaptation::Diagonal => {
            run(target, DiagNutsSettings { num_draws: size.n_draws as u64, ..Default::default() }, init, size, seed)
        }
        Adaptation::LowRank => {
            run(target, LowRankNutsSettings { num_draws: size.n_draws as u64, ..Default::default() }, init, size, seed)
        }
    }
}

fn run<T: Target, S: Settings>(
    target: &T,
    settings: S,
    init: &Points,
    size: Size,
    seed: u64,
) -> Result<Run, Box<dyn Error>> {
    let starts: Vec<Vec<f64>> = (0..size.n_chains).map(|i| init.real.row(i)).collect();
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let start = Instant::now();
    let work = || {
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(x) = starts.get(i) else { return };
            let result = chain(target, &settings, i as u64, x, size.n_draws, seed);
            done.lock().expect("no thread panics").push((i, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..size.n_threads {
            scope.spawn(work);
        }
    });
    let wall = start.elapsed().as_secs_f64();
    let mut done = done.into_inner()?;
    done.sort_by_key(|(i, _)| *i);
    let chains = done.into_iter().map(|(_, r)| r.map_err(Box::from)).collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    let [warm_up, draws] =
        [|c: &ChainRun| c.warm_up, |c: &ChainRun| c.draws].map(|f| chains.iter().map(f).sum::<f64>());
    // Chains of both phases run side by side: wall time is shared out as time on the processors was.
    let share = |cpu: f64| Seconds { wall: wall * cpu / (warm_up + draws), cpu };
    let d = target.dim();
    let coordinate = |j: usize| chains.iter().map(|c| c.values.iter().skip(j).step_by(d).copied().collect()).collect();
    Ok(Run {
        warm_up: share(warm_up),
        draws: share(draws),
        n_steps: chains.iter().map(|c| c.n_steps).sum(),
        n_diverged: chains.iter().map(|c| c.n_diverged).sum(),
        values: (0..d).map(coordinate).collect(),
    })
}

fn chain<T: Target, S: Settings>(
    target: &T,
    settings: &S,
    i: u64,
    x: &[f64],
    n_draws: usize,
    seed: u64,
) -> Result<ChainRun, String> {
    let start = ThreadTime::now();
    let mut rng = StdRng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(i));
    let text = |e: &dyn std::fmt::Display| format!("chain {i} of nuts-rs: {e:#}");
    let mut chain = settings.new_chain(i, CpuMath::new(One(target)), &mut rng).map_err(|e| text(&e))?;
    chain.set_position(x).map_err(|e| text(&e))?;
    for _ in 0..settings.hint_num_tune() {
        chain.draw().map_err(|e| text(&e))?;
    }
    let warm_up = start.elapsed().as_secs_f64();
    let mut values = Vec::with_capacity(n_draws * x.len());
    let (mut n_steps, mut n_diverged) = (0, 0);
    for _ in 0..n_draws {
        let (position, progress) = chain.draw().map_err(|e| text(&e))?;
        values.extend_from_slice(&position);
        n_steps += progress.num_steps;
        n_diverged += u64::from(progress.diverging);
    }
    Ok(ChainRun { warm_up, draws: start.elapsed().as_secs_f64() - warm_up, n_steps, n_diverged, values })
}
