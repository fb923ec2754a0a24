//! A path of temperatures between a tractable reference and a target, with a kernel for each: what annealed and sequential
//! estimates walk along.

use thiserror::Error;

use super::walkers::Walkers;
use crate::energy::{Bridge, Differentiable, Energy, Tractable};
use crate::kernel::Kernel;
use crate::rng::{Run, Streams};
use crate::tempering::Ladder;

/// Temperatures after which a path is given up.
const MAX_TEMPERATURES: usize = 100_000;

/// Halvings of an interval that find the next temperature.
const N_BISECTIONS: usize = 40;

/// Mixed into the seed, so that the draws that chose the temperatures are not those that are weighted.
const PILOT: u64 = 0x7061_7468;

/// Levels `0 = beta_0 < ... < beta_K = 1` on [`Bridge`]s from a reference to a target, and the kernel that moves at each; at
/// level 0 draws are exact and at level K nothing needs to move.
#[derive(Clone, Debug)]
pub struct Path<K> {
    betas: Vec<f64>,
    kernels: Vec<K>,
    n_steps: u64,
}

/// Why levels make no path.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum PathError {
    /// The betas do not rise from 0 to 1.
    #[error("the betas of a path must rise from 0 to 1, but beta {level} is {beta}")]
    Betas {
        /// The first level that is wrong.
        level: usize,
        /// Its beta.
        beta: f64,
    },
    /// There must be a kernel for each level.
    #[error("{got} kernels for {n_levels} betas")]
    Kernels {
        /// Kernels given.
        got: usize,
        /// Number of betas.
        n_levels: usize,
    },
    /// The temperatures that the target needs are too many.
    #[error("at beta = {beta} there are {n_levels} temperatures already: the reference is too far from the target")]
    TooLong {
        /// Where the path has come to.
        beta: f64,
        /// Temperatures so far.
        n_levels: usize,
    },
}

impl<K: Clone> Path<K> {
    /// Levels as given, each with `n_steps` transitions of its kernel.
    ///
    /// # Errors
    /// [`PathError`].
    pub fn new(betas: Vec<f64>, kernels: Vec<K>, n_steps: u64) -> Result<Self, PathError> {
        let n_levels = betas.len();
        let last = n_levels.saturating_sub(1);
        let is_right = |k: usize| match k {
            0 => betas[0] == 0.0 && last > 0,
            k => betas[k - 1] < betas[k] && (k < last || betas[k] == 1.0),
        };
        if let Some(level) = (0..n_levels.max(1)).find(|k| n_levels == 0 || !is_right(*k)) {
            return Err(PathError::Betas { level, beta: betas.get(level).copied().unwrap_or(f64::NAN) });
        }
        if kernels.len() != n_levels {
            return Err(PathError::Kernels { got: kernels.len(), n_levels });
        }
        Ok(Self { betas, kernels, n_steps })
    }

    /// The levels.
    pub fn betas(&self) -> &[f64] {
        &self.betas
    }

    /// The kernel of each level.
    pub fn kernels(&self) -> &[K] {
        &self.kernels
    }

    /// Transitions at each level.
    pub fn n_steps(&self) -> u64 {
        self.n_steps
    }

    /// Temperatures for the kernels of a ladder that has warmed up: each so far from the one before that the conditional
    /// effective sample size of `n` pilot walkers, `(sum W u)^2 / sum W u^2` with `u` their new weights, is `share` of all (Zhou,
    /// Johansen and Aston 2016). The pilot has streams of its own, so that a run along the path, which is then fixed, is weighted
    /// by draws that had no say in it.
    ///
    /// # Errors
    /// [`PathError::TooLong`].
    pub fn of_ladder<'a, R, E>(
        energy: &'a E,
        ladder: &'a Ladder<R, K>,
        n: usize,
        share: f64,
        n_steps: u64,
        seed: u64,
    ) -> Result<Self, PathError>
    where
        R: Differentiable + Tractable,
        E: Differentiable + ?Sized,
        K: Kernel<Bridge<&'a R, &'a E>>,
    {
        let reference = ladder.reference();
        let mut streams = Streams::new(seed ^ PILOT, Run::Pilot);
        let mut walkers = Walkers::draw(reference, energy, n, &mut streams);
        let (mut betas, mut kernels) = (vec![0.0], vec![kernel_at(ladder, 0.0)]);
        let mut beta = 0.0;
        while beta < 1.0 {
            let next = next_beta(&walkers, beta, share);
            if betas.len() >= MAX_TEMPERATURES {
                return Err(PathError::TooLong { beta, n_levels: betas.len() });
            }
            walkers.weigh(next - beta);
            beta = next;
            let kernel = kernel_at(ladder, beta);
            if beta < 1.0 {
                walkers.resample(&streams);
                walkers.walk(&Bridge::new(reference, energy, beta), &kernel, n_steps, &mut streams);
            }
            betas.push(beta);
            kernels.push(kernel);
        }
        Ok(Self { betas, kernels, n_steps })
    }
}

/// The kernel of the level of the ladder at `beta` or next above it, where steps are not too long.
fn kernel_at<R: Energy, K: Clone>(ladder: &Ladder<R, K>, beta: f64) -> K {
    let level = ladder.betas().iter().position(|b| *b >= beta && *b > 0.0).unwrap_or(ladder.betas().len() - 1);
    ladder.kernels()[level].clone()
}

/// The largest beta at which `share` of the walkers is effective; 1 if it is within reach.
fn next_beta(walkers: &Walkers, beta: f64, share: f64) -> f64 {
    let enough = |to: f64| walkers.conditional_ess(to - beta) >= share;
    if enough(1.0) {
        return 1.0;
    }
    let (mut low, mut high) = (beta, 1.0);
    for _ in 0..N_BISECTIONS {
        let middle = 0.5 * (low + high);
        if enough(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    // Progress even where any step is too long.
    if low > beta { low } else { high }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Hmc;

    #[test]
    fn levels_rise_from_0_to_1() {
        let path = |betas: &[f64]| Path::new(betas.to_vec(), vec![Hmc::new(0.1, 3); betas.len()], 1).map(|p| p.betas);
        assert!(path(&[0.0, 1.0]).is_ok() && path(&[0.0, 0.1, 1.0]).is_ok());
        for (betas, level) in
            [(&[][..], 0), (&[0.0], 0), (&[0.1, 1.0], 0), (&[0.0, 0.5], 1), (&[0.0, 0.5, 0.5, 1.0], 2)]
        {
            assert!(matches!(path(betas), Err(PathError::Betas { level: l, .. }) if l == level), "{betas:?}");
        }
        let short = Path::new(vec![0.0, 1.0], vec![Hmc::new(0.1, 3)], 1);
        assert_eq!(short.unwrap_err(), PathError::Kernels { got: 1, n_levels: 2 });
    }
}
