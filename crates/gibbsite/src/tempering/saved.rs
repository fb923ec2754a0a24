//! Ladders between references and targets in a file: reference, levels, kernels, and what is on the levels.

use super::sums::{integers, numbers};
use super::trips::Leg;
use super::{Ladder, LadderError, Replicas};
use crate::energy::gaussian::{Gaussian, GaussianMixture};
use crate::energy::{Differentiable, Independent, Tractable};
use crate::kernel::Tunable;
use crate::points::{Space, Values};
use crate::run::saved::{Saved, SavedError};
use crate::run::session::{metric, points, put_metric, put_points};

/// A reference that can be kept in a file.
pub trait Reference: Differentiable + Tractable + Sized {
    /// Keeps it.
    fn save(&self, saved: &mut Saved);

    /// The reference of `space` that was kept.
    ///
    /// # Errors
    /// Entries that are missing, of another size, or no reference.
    fn restore(saved: &Saved, space: &Space) -> Result<Self, SavedError>;
}

impl Reference for GaussianMixture {
    fn save(&self, saved: &mut Saved) {
        let weights: Vec<f64> = self.parts().map(|(_, weight)| weight).collect();
        saved.put_numbers("weights", &weights);
        for (k, (part, _)) in self.parts().enumerate() {
            saved.put_numbers(&of_part("mean", k), part.mean());
            match part.sd() {
                Some(sd) => saved.put_numbers(&of_part("sd", k), sd),
                None => saved.put_matrix(&of_part("cholesky", k), &part.cholesky()),
            }
        }
    }

    fn restore(saved: &Saved, space: &Space) -> Result<Self, SavedError> {
        let weights = saved.numbers("weights")?;
        if weights.is_empty() || !weights.iter().all(|w| *w > 0.0 && w.is_finite()) {
            return Err(wrong("weights", "positive numbers"));
        }
        let parts = (0..weights.len()).map(|k| part(saved, k, space.dim()));
        let parts: Vec<Gaussian> = parts.collect::<Result<_, _>>()?;
        Ok(GaussianMixture::new(parts.into_iter().zip(weights.iter().copied()).collect()))
    }
}

impl Reference for Independent {
    fn save(&self, saved: &mut Saved) {
        saved.put_numbers("weights", self.weights());
    }

    fn restore(saved: &Saved, space: &Space) -> Result<Self, SavedError> {
        let weights = saved.numbers("weights")?;
        let n: usize = space.labels.iter().map(Values::arity).sum();
        if space.dim() > 0 || weights.len() != n || !weights.iter().all(|w| *w > 0.0 && w.is_finite()) {
            return Err(wrong("weights", &format!("{n} positive numbers")));
        }
        Ok(Independent::new(space.clone(), weights))
    }
}

impl<R: Reference, K: Tunable + Clone> Ladder<R, K> {
    /// The ladder of a run that was saved by [`super::LadderSession`], where it was then: reference, levels, and every kernel
    /// as `kernel` with the step size and preconditioner of its level. All else about `kernel` must be as it was at the start.
    ///
    /// # Errors
    /// Entries that are missing, of another size than `n_ladders` and `space` ask for, or no ladder.
    pub fn restore(saved: &Saved, kernel: &K, n_ladders: usize, space: &Space) -> Result<Self, SavedError> {
        let betas = saved.numbers("betas")?.to_vec();
        let n_levels = betas.len();
        let reference = R::restore(saved, space)?;
        let step_sizes = numbers(saved, "step_sizes", n_levels)?;
        if step_sizes.iter().any(|e| !(*e > 0.0 && e.is_finite())) {
            return Err(wrong("step_sizes", "positive numbers"));
        }
        let mut kernels = vec![kernel.clone(); n_levels];
        for (k, kernel) in kernels.iter_mut().enumerate() {
            kernel.set_step_size(step_sizes[k]);
            if kernel.metric().is_some() {
                kernel.set_metric(&metric(saved, &level(k), space.dim())?);
            }
        }
        let replicas = replicas(saved, n_levels, n_ladders, space)?;
        Self::new(reference, betas, kernels, replicas).map_err(|e| match e {
            LadderError::Permutation { .. } => wrong("replica", "a permutation of the levels in each ladder"),
            _ => wrong("betas", "at least two numbers that rise from 0 to 1"),
        })
    }

    /// Keeps the ladder as it is, with `replicas` on its levels.
    pub(crate) fn save(&self, replicas: &Replicas, saved: &mut Saved) {
        self.reference.save(saved);
        saved.put_numbers("betas", &self.betas);
        saved.put_numbers("step_sizes", &self.kernels.iter().map(K::step_size).collect::<Vec<_>>());
        for (k, kernel) in self.kernels.iter().enumerate() {
            if let Some(metric) = kernel.metric() {
                put_metric(saved, &level(k), metric);
            }
        }
        let Replicas { x, replica, leg, iteration } = replicas;
        let n = x[0].n();
        let mut all = x[0].room(x.len() * n);
        (0..all.n()).for_each(|row| all.copy_row(row, &x[row / n], row % n));
        put_points(saved, &all);
        saved.put_integers("replica", &replica.iter().flatten().map(|r| u64::from(*r)).collect::<Vec<_>>());
        saved.put_integers("leg", &leg.iter().flatten().map(|leg| leg.code()).collect::<Vec<_>>());
        saved.put_integers("iteration", &[*iteration]);
    }
}

fn part(saved: &Saved, k: usize, dim: usize) -> Result<Gaussian, SavedError> {
    let mean = numbers(saved, &of_part("mean", k), dim)?.to_vec();
    let (sd, cholesky) = (of_part("sd", k), of_part("cholesky", k));
    if saved.has_numbers(&sd) {
        return Gaussian::diagonal(mean, numbers(saved, &sd, dim)?).map_err(|_| wrong(&sd, "positive numbers"));
    }
    let factor = saved.matrix(&cholesky, dim, dim)?;
    Gaussian::from_cholesky(mean, &factor).map_err(|_| wrong(&cholesky, "the Cholesky factor of a covariance"))
}

/// The name of an entry of a part of the reference.
fn of_part(what: &str, k: usize) -> String {
    format!("part {k} {what}")
}

pub(super) fn replicas(
    saved: &Saved,
    n_levels: usize,
    n_ladders: usize,
    space: &Space,
) -> Result<Replicas, SavedError> {
    let n = n_ladders;
    let x = points(saved, n_levels * n, space)?;
    let replica = integers(saved, "replica", n_levels * n)?.iter().map(|r| u32::try_from(*r).ok());
    let replica: Option<Vec<u32>> = replica.collect();
    let leg: Option<Vec<Leg>> = integers(saved, "leg", n_levels * n)?.iter().map(|c| Leg::from_code(*c)).collect();
    let replica = replica.ok_or_else(|| wrong("replica", "a permutation of the levels in each ladder"))?;
    let leg = leg.ok_or_else(|| wrong("leg", "integers from 0 to 2"))?;
    let [iteration] = saved.integers("iteration")?;
    let on = |k: usize| k * n..(k + 1) * n;
    Ok(Replicas {
        x: (0..n_levels).map(|k| x.rows(k * n, n)).collect(),
        replica: (0..n_levels).map(|k| replica[on(k)].to_vec()).collect(),
        leg: (0..n_levels).map(|k| leg[on(k)].to_vec()).collect(),
        iteration,
    })
}

/// With which the names of what belongs to a level begin.
fn level(k: usize) -> String {
    format!("level {k} ")
}

fn wrong(name: &str, expected: &str) -> SavedError {
    SavedError::Entry { name: name.into(), expected: expected.into() }
}
