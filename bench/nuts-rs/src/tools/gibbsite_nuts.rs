//! Gibbsite's NUTS, through `gibbsite::run::sample` with what the library warms up by default.

use std::error::Error;
use std::sync::Mutex;
use std::time::Instant;

use cpu_time::ProcessTime;
use gibbsite::energy::{Differentiable, Energy};
use gibbsite::kernel::Nuts;
use gibbsite::points::{Matrix, Points, Space};
use gibbsite::run::{Event, Phase, RunOptions, sample};

use super::{Run, Seconds, Size};
use crate::targets::Target;

/// Warm-up transitions per chain.
const N_WARMUP: usize = 400;

/// A target as Gibbsite's energy.
pub struct Batch<'a, T> {
    target: &'a T,
    space: Space,
}

impl<'a, T: Target> Batch<'a, T> {
    pub fn new(target: &'a T) -> Self {
        Self { target, space: Space::real(target.dim()) }
    }
}

impl<T: Target> Energy for Batch<'_, T> {
    fn space(&self) -> &Space {
        &self.space
    }

    fn energy(&self, x: &Points, out: &mut [f64]) {
        self.target.batch(&x.real, out, &mut Matrix::new(x.n(), x.dim()));
    }
}

impl<T: Target> Differentiable for Batch<'_, T> {
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        self.target.batch(&x.real, e, grad);
    }
}

/// What the library does by default, but for what is given.
fn options(size: Size, seed: u64) -> RunOptions {
    let default = RunOptions::default();
    RunOptions { n_draws: size.n_draws, n_warmup: N_WARMUP, seed, block: size.block.unwrap_or(default.block), ..default }
}

/// Runs it on a pool of the given number of threads.
pub fn run_gibbsite<T: Target>(target: &T, init: &Points, size: Size, seed: u64) -> Result<Run, Box<dyn Error>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(size.n_threads).build()?;
    let options = options(size, seed);
    let energy = Batch::new(target);
    let init = init.clone();
    let (start, start_cpu) = (Instant::now(), ProcessTime::now());
    let warm = Mutex::new(Seconds::default());
    let progress = |event: Event| {
        if let Event::Progress { phase: Phase::WarmUp, done, total } = event
            && done == total
        {
            let now = Seconds { wall: start.elapsed().as_secs_f64(), cpu: start_cpu.elapsed().as_secs_f64() };
            *warm.lock().expect("nothing panics here") = now;
        }
    };
    let outcome = pool.install(|| sample(&energy, &Nuts::new(0.1), init, &options, &progress))?;
    let all = Seconds { wall: start.elapsed().as_secs_f64(), cpu: start_cpu.elapsed().as_secs_f64() };
    let warm_up = warm.into_inner()?;
    Ok(Run {
        warm_up,
        draws: Seconds { wall: all.wall - warm_up.wall, cpu: all.cpu - warm_up.cpu },
        n_steps: outcome.info.n_evals,
        n_diverged: outcome.info.n_diverged,
        values: (0..target.dim()).map(|j| outcome.draws.coordinate(j)).collect(),
    })
}
