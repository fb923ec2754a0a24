//! A step size that is given: warm-up finds the scale, and not the step size.

use gibbsite::adapt::{Adapt, WarmedUp};
use gibbsite::points::Points;
use gibbsite::run::{self, RunOptions, Warning};

use super::Energies;
use crate::failures;
use crate::outcome::Failure;

/// Mixed into the seed of the transitions with a given step size before the draws, so that their noise is another.
const SETTLE: u64 = 0x6275_726e_2d69_6e00;

/// Part of the warm-up that a kernel without a rejection has to find its own distribution at a given step size.
const SETTLE_PART: usize = 10;

/// The warm-up as it is without a step size, which finds the same scale, and then the step size given: so a step size that was
/// reported, given back, is that of the same run. Kernels that do not reject move on to the distribution that it gives them.
pub(super) fn warm_up<'a, K: Adapt<Energies<'a>>>(
    energy: &Energies<'a>,
    kernel: &K,
    init: Points,
    (step_size, steered): (f64, bool),
    options: &RunOptions,
    follow: run::Progress<'_>,
) -> Result<WarmedUp<K>, Failure> {
    let mut warm = kernel.warm_up(energy, init, options, follow).map_err(failures::run)?;
    // What else warm-up found doubtful is about its own step size.
    warm.warnings.retain(|w| matches!(w, Warning::Lost { .. }));
    if steered {
        warm.kernel.set_step_size(step_size);
    }
    if !warm.kernel.rejects() {
        let n_settle = (options.n_warmup / SETTLE_PART).max(1);
        let settle =
            RunOptions { n_draws: 1, thin: n_settle, n_warmup: 0, seed: options.seed ^ SETTLE, ..options.clone() };
        let settled = run::sample_warm(energy, warm.clone(), &settle, &|_| {}).map_err(failures::run)?;
        warm.x = settled.last;
    }
    Ok(warm)
}
