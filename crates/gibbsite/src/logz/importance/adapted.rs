//! A base for importance sampling that is adapted to the energy.

use super::{StudentT, log_z};
use crate::energy::gaussian::Gaussian;
use crate::energy::{Energy, Tractable};
use crate::logz::{LogZ, LogZError, require_real};
use crate::points::{Matrix, Points, Space};
use crate::rng::{Run, Streams};

/// Rounds in which the base is fitted to its own weighted draws.
const ROUNDS: u64 = 8;

/// log Z by importance sampling from a Student t that is adapted to the energy. Modes that the adaptation does not find are
/// missing from the estimate and from its error; above ten dimensions its weights can rarely be trusted.
///
/// # Errors
/// [`LogZError`].
pub fn adapted<E: Energy + ?Sized>(energy: &E, n_draws: usize, seed: u64) -> Result<LogZ, LogZError> {
    require_real(energy, "importance", usize::MAX)?;
    let base = adapted_base(energy, n_draws.clamp(256, 8192), seed)?;
    log_z(energy, &base, n_draws, seed)
}

/// Adaptive importance sampling (population Monte Carlo): a Student t with 4 degrees of freedom whose mean and covariance
/// are those of the weighted draws of the round before, with tempered weights while few draws carry them all.
fn adapted_base<E: Energy + ?Sized>(energy: &E, n: usize, seed: u64) -> Result<StudentT, LogZError> {
    let space = energy.space();
    let d = space.dim();
    let (mean, sd) = start(space);
    let mut base = StudentT::new(diagonal(mean, &sd), 2);
    for round in 0..ROUNDS {
        let mut rng = Streams::new(seed, Run::Pilot);
        rng.seek(round * 64);
        let x = base.sample(n, &mut rng);
        let (mut e, mut q) = (vec![0.0; n], vec![0.0; n]);
        energy.energy(&x, &mut e);
        base.energy(&x, &mut q);
        let log_w: Vec<f64> = (0..n)
            .map(|i| {
                let inside = space.reals.iter().enumerate().all(|(j, s)| s.contains(x.real.get(i, j)));
                // Undefined values are reported by the estimate itself; here they carry no weight.
                if inside && e[i].is_finite() { q[i] - e[i] } else { f64::NEG_INFINITY }
            })
            .collect();
        let Some(w) = tempered(&log_w, 4 * d + 20) else {
            return Err(LogZError::Empty { n_evals: n as u64 });
        };
        let Some(next) = weighted_gaussian(&x, &w) else { break };
        base = StudentT::new(next, 2);
    }
    Ok(base)
}

/// A first guess of location and scale.
fn start(space: &Space) -> (Vec<f64>, Vec<f64>) {
    space
        .reals
        .iter()
        .map(|s| match (s.lower(), s.upper()) {
            (a, b) if a.is_finite() && b.is_finite() => (0.5 * (a + b), 0.3 * (b - a)),
            (a, _) if a.is_finite() => (a + 1.0, 2.0),
            (_, b) if b.is_finite() => (b - 1.0, 2.0),
            _ => (0.0, 3.0),
        })
        .unzip()
}

fn diagonal(mean: Vec<f64>, sd: &[f64]) -> Gaussian {
    let dim = mean.len();
    // A scale is positive by construction; equal ends of an interval would give zero.
    let safe: Vec<f64> = sd.iter().map(|s| s.max(1e-12)).collect();
    match Gaussian::diagonal(mean, &safe) {
        Ok(g) => g,
        Err(_) => Gaussian::standard(dim),
    }
}

/// exp(t log_w), normalised, with the largest t <= 1 that leaves an effective sample size of `least`.
fn tempered(log_w: &[f64], least: usize) -> Option<Vec<f64>> {
    let top = log_w.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !top.is_finite() {
        return None;
    }
    let mut t = 1.0;
    loop {
        let w: Vec<f64> = log_w.iter().map(|l| if l.is_finite() { (t * (l - top)).exp() } else { 0.0 }).collect();
        let (sum, sum_sq) = w.iter().fold((0.0, 0.0), |(s, q), w| (s + w, q + w * w));
        if sum * sum / sum_sq >= least as f64 || t < 1e-12 {
            return Some(w.iter().map(|w| w / sum).collect());
        }
        t *= 0.7;
    }
}

/// Mean and covariance of weighted draws; the covariance keeps a little of its diagonal so that it stays positive definite.
fn weighted_gaussian(x: &Points, w: &[f64]) -> Option<Gaussian> {
    let d = x.dim();
    let mean: Vec<f64> = (0..d).map(|j| crate::simd::dot(w, x.real.col(j))).collect();
    let mut c = Matrix::new(d, d);
    for i in 0..d {
        for j in 0..=i {
            let pairs = x.real.col(i).iter().zip(x.real.col(j));
            let v: f64 = w.iter().zip(pairs).map(|(w, (a, b))| w * (a - mean[i]) * (b - mean[j])).sum();
            c.set(i, j, if i == j { 1.02 * v } else { v });
            c.set(j, i, c.get(i, j));
        }
    }
    Gaussian::new(mean, &c).ok()
}
