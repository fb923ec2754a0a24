//! Importance sampling: log Z = log Z_base + log mean exp(E_base(x) - E(x)) over draws x of a tractable base.

mod adapted;
mod mixture;
mod student;
pub use adapted::adapted;
pub use mixture::StudentMixture;
pub use student::StudentT;

use super::{LogZ, LogZError, Quadrature, require_real, weights};
use crate::diagnostics::psis;
use crate::energy::gaussian::Gaussian;
use crate::energy::{Energy, Tractable};
use crate::points::{Matrix, Points};
use crate::rng::{Run, Streams};

/// The name of the method.
pub(super) const METHOD: &str = "importance";

/// Fewest draws whose spread is an error.
pub const MIN_DRAWS: usize = 25;

/// Draws in one call of the energy.
const BLOCK: usize = 4096;

/// A base that can be drawn from in blocks, so that draw i is stream i whatever the number of draws.
pub trait Base: Sync {
    /// `n` draws of the streams.
    fn draw(&self, n: usize, rng: &mut Streams) -> Points;
    /// log density at points, normalised.
    fn log_density(&self, x: &Points, out: &mut [f64]);
}

impl<T: Tractable> Base for T {
    fn draw(&self, n: usize, rng: &mut Streams) -> Points {
        self.sample(n, rng)
    }

    fn log_density(&self, x: &Points, out: &mut [f64]) {
        self.energy(x, out);
        let log_z = self.log_z();
        out.iter_mut().for_each(|e| *e = -*e - log_z);
    }
}

/// log Z by `n` draws of `base`, streams of [`Run::Importance`] under `seed`.
///
/// `std_err` is the delta method: sd(w) / (mean(w) sqrt n). `lower` is guaranteed but with probability [`super::DELTA`], for the
/// weights are unbiased and the base is fixed; `upper` is 2 standard errors away. `ess` is
/// (sum w)^2 / sum w^2, `pareto_k` the tail shape of the weights (Vehtari et al. 2024): above 0.7 neither the value nor its
/// error can be trusted, and `warnings` says so. The base must cover the support of the energy; draws outside it weigh 0.
///
/// # Errors
/// [`LogZError::Draws`] below 25 draws, [`LogZError::Undefined`] and [`LogZError::Unbounded`] with the point,
/// [`LogZError::Empty`] when all weights are zero, [`LogZError::Labels`] for energies with labels.
pub fn log_z<E: Energy + ?Sized, B: Base + ?Sized>(
    energy: &E,
    base: &B,
    n: usize,
    seed: u64,
) -> Result<LogZ, LogZError> {
    require_real(energy, METHOD, usize::MAX)?;
    if n < MIN_DRAWS {
        return Err(LogZError::Draws { n, min: MIN_DRAWS });
    }
    let mut log_w = Vec::with_capacity(n);
    let streams = Streams::new(seed, Run::Importance);
    let (mut e, mut q) = (vec![0.0; BLOCK], vec![0.0; BLOCK]);
    for start in (0..n).step_by(BLOCK) {
        let len = BLOCK.min(n - start);
        let x = base.draw(len, &mut streams.block(start));
        let (e, q) = (&mut e[..len], &mut q[..len]);
        base.log_density(&x, q);
        energy.energy(&x, e);
        for i in 0..len {
            let inside = energy.space().reals.iter().enumerate().all(|(j, s)| s.contains(x.real.get(i, j)));
            if !inside {
                e[i] = f64::INFINITY;
            } else if e[i].is_nan() {
                return Err(LogZError::Undefined { point: x.real.row(i) });
            } else if e[i] == f64::NEG_INFINITY {
                return Err(LogZError::Unbounded { point: x.real.row(i) });
            }
            log_w.push(-e[i] - q[i]);
        }
    }
    summarise(&log_w)
}

/// The estimate from log weights, the largest of them smoothed (Vehtari et al. 2024): their values are replaced by quantiles of
/// the Pareto distribution that fits them, which takes most of the chance out of the largest.
fn summarise(log_w: &[f64]) -> Result<LogZ, LogZError> {
    let (smoothed, _) = psis(log_w);
    let raw = weights::summarise(METHOD, 0.0, log_w, log_w.len() as u64, true, None)?;
    let z = weights::summarise(METHOD, 0.0, &smoothed, log_w.len() as u64, false, None)?;
    // The error of the smoothed weights leaves out what the fit of their tail is uncertain by.
    let std_err = z.std_err.max(raw.std_err);
    let mut z = LogZ { std_err, value: z.value, upper: z.value + 2.0 * std_err, ..raw };
    if let Some(ess) = z.ess.filter(|ess| *ess < 100.0) {
        z.warnings.push(format!("the effective sample size is only {ess:.0} of {}", log_w.len()));
    }
    Ok(z)
}

/// The Gaussian with `inflate^2` times the covariance of p, from a quadrature: wider than p, so that weights are bounded
/// where p has Gaussian tails. `None` when a variance is zero or the moments are not finite.
pub fn gaussian_base(q: &Quadrature, inflate: f64) -> Option<Gaussian> {
    let d = q.points.dim();
    let x = &q.points.real;
    let covariance = Matrix::from_fn(d, d, |i, j| inflate * inflate * q.covariance(x.col(i), x.col(j)));
    Gaussian::new(q.mean(), &covariance).ok()
}
