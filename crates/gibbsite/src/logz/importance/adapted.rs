//! A base for importance sampling that is adapted to the energy.

use super::{Base, METHOD, StudentMixture, log_z};
use crate::energy::gaussian::Gaussian;
use crate::energy::{Differentiable, Transformed};
use crate::logz::{LogZ, LogZError, require_real};
use crate::points::{Matrix, Points};
use crate::rng::{Run, Streams};
use crate::run::{cover, dispersed_points};

/// Rounds in which the base is fitted to its own weighted draws.
const ROUNDS: u64 = 8;

/// Standard deviation of the base where no well is known.
const START_SD: f64 = 3.0;

/// The least weight of a part, in units of an even one: what draws have not found yet is not given up.
const LEAST_WEIGHT: f64 = 0.05;

/// log Z by importance sampling from a mixture of Student t distributions, one about every well that descents find and every
/// component that is known, adapted to the energy. Modes that neither finds are missing from the estimate and from its error; in
/// many dimensions its weights can be trusted only where the wells are nearly Gaussian.
///
/// # Errors
/// [`LogZError`].
pub fn adapted<E: Differentiable + ?Sized>(energy: &E, n_draws: usize, seed: u64) -> Result<LogZ, LogZError> {
    require_real(energy, METHOD, usize::MAX)?;
    let outer = Transformed::new(energy);
    let n = n_draws.clamp(256, 8192);
    let found = adapted_base(&outer, n, seed).and_then(|base| log_z(&outer, &base, n_draws, seed));
    found.map_err(|error| error.in_inner(&outer))
}

/// Adaptive importance sampling (Cappe, Douc, Guillin, Marin and Robert 2008, "Adaptive importance sampling in general mixture
/// classes"): parts with the weights, means and covariances of the weighted draws of the round before, every draw shared out by
/// the densities of the parts; with tempered weights while few draws carry them all.
fn adapted_base<E: Differentiable>(energy: &Transformed<E>, n: usize, seed: u64) -> Result<StudentMixture, LogZError> {
    let d = energy.inner().space().dim();
    let wells = dispersed_points(energy, 1, seed).map_or_else(|_| Vec::new(), |starts| starts.wells);
    let mut known = cover(energy, &wells);
    if known.is_empty() {
        known.push((Gaussian::isotropic(d, START_SD), 0.0));
    }
    let mut base = StudentMixture::new(known);
    for round in 0..ROUNDS {
        let mut rng = Streams::new(seed, Run::Pilot);
        rng.seek(round * 64);
        let x = base.draw(n, &mut rng);
        let (mut e, mut q) = (vec![0.0; n], vec![0.0; n]);
        crate::energy::Energy::energy(energy, &x, &mut e);
        base.log_density(&x, &mut q);
        // Undefined values are reported by the estimate itself; here they carry no weight.
        let weight = |(e, q): (&f64, &f64)| if e.is_finite() { -e - q } else { f64::NEG_INFINITY };
        let log_w: Vec<f64> = e.iter().zip(&q).map(weight).collect();
        let Some(w) = tempered(&log_w, 4 * d + 20) else {
            return Err(LogZError::Empty { n_evals: n as u64 });
        };
        base = refitted(&base, &x, &q, &w);
    }
    Ok(base)
}

/// The mixture with the moments of weighted draws at which its log density is `q`; parts with too few draws stay as they are.
fn refitted(base: &StudentMixture, x: &Points, q: &[f64], w: &[f64]) -> StudentMixture {
    let shares = base.log_shares(x);
    let least = LEAST_WEIGHT / base.parts().len() as f64;
    let refit = |(k, (old, _)): (usize, (&Gaussian, f64))| {
        let mut own: Vec<f64> = (0..x.n()).map(|i| w[i] * (shares.get(i, k) - q[i]).exp()).collect();
        let weight: f64 = own.iter().sum();
        own.iter_mut().for_each(|w| *w /= weight);
        let n_effective = 1.0 / own.iter().map(|w| w * w).sum::<f64>();
        let new = if n_effective > 2.0 * x.dim() as f64 { weighted_gaussian(x, &own) } else { None };
        (new.unwrap_or_else(|| old.clone()), weight.max(least).ln())
    };
    StudentMixture::new(base.parts().enumerate().map(refit).collect())
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
