//! What the step size of unadjusted Langevin costs: its draws against those of adjusted Langevin.

use crate::energy::Differentiable;
use crate::kernel::{Mala, Ula};
use crate::points::Points;
use crate::run::{Draws, Progress, RunError, RunOptions, sample};

/// How the draws of one coordinate differ between two runs. The z-scores come from the spread between chains; beyond 4 in
/// absolute value the difference is real, below it is lost in the Monte-Carlo noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CoordinateBias {
    /// Mean of the first run less mean of the second.
    pub mean_difference: f64,
    /// The same over its standard error.
    pub mean_z: f64,
    /// Standard deviation of the second run.
    pub sd: f64,
    /// Standard deviation of the first run over that of the second.
    pub sd_ratio: f64,
    /// Difference of the variances over its standard error.
    pub variance_z: f64,
}

/// Draws of adapted Mala from `init`, independent of those of `kernel` under the same seed: what [`compare`] needs to see
/// the bias that the step size of unadjusted Langevin causes. Compare in the coordinates that are reported: a bias in u is
/// another one in x(u).
///
/// # Errors
/// Those of [`sample`].
pub fn ula_reference<E: Differentiable + ?Sized>(
    energy: &E,
    kernel: &Ula,
    init: Points,
    options: &RunOptions,
    progress: Progress<'_>,
) -> Result<Draws, RunError> {
    let mala = Mala { step_size: kernel.step_size / super::ULA_FRACTION, metric: kernel.metric.clone() };
    // Another seed, so that the two runs are independent.
    let options = RunOptions { seed: options.seed ^ 0x6d61_6c61, ..options.clone() };
    Ok(sample(energy, &mala, init, &options, progress)?.draws)
}

/// Compares mean and variance of each coordinate of two independent runs; NaN z-scores with fewer than two chains.
pub fn compare(a: &Draws, b: &Draws) -> Vec<CoordinateBias> {
    (0..a.dim().min(b.dim()))
        .map(|j| {
            let (mean_a, mean_b) = (over_chains(a, j, |x| x), over_chains(b, j, |x| x));
            // Squares about one centre, so that both runs estimate the same functional.
            let centre = mean_b.value;
            let (m2_a, m2_b) =
                (over_chains(a, j, |x| (x - centre).powi(2)), over_chains(b, j, |x| (x - centre).powi(2)));
            let var_a = m2_a.value - (mean_a.value - centre).powi(2);
            CoordinateBias {
                mean_difference: mean_a.value - mean_b.value,
                mean_z: (mean_a.value - mean_b.value) / mean_a.std_err.hypot(mean_b.std_err),
                sd: m2_b.value.sqrt(),
                sd_ratio: (var_a / m2_b.value).sqrt(),
                variance_z: (var_a - m2_b.value) / m2_a.std_err.hypot(m2_b.std_err),
            }
        })
        .collect()
}

struct Estimate {
    value: f64,
    std_err: f64,
}

/// The mean of `f(x_j)` with its standard error from the spread of the chains' means.
fn over_chains(draws: &Draws, j: usize, f: impl Fn(f64) -> f64) -> Estimate {
    let n = draws.n_chains() as f64;
    let means: Vec<f64> =
        (0..draws.n_chains()).map(|c| draws.chain(c, j).map(&f).sum::<f64>() / draws.n_draws() as f64).collect();
    let value = means.iter().sum::<f64>() / n;
    let variance = means.iter().map(|m| (m - value).powi(2)).sum::<f64>() / (n - 1.0);
    Estimate { value, std_err: (variance / n).sqrt() }
}
