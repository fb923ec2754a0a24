//! Warm-up of underdamped Langevin. Without an accept step nothing says what a good step size is; with one it does.

use super::{Adapt, WarmedUp, adapt};
use crate::energy::Differentiable;
use crate::kernel::Underdamped;
use crate::points::Points;
use crate::run::{Progress, RunError, RunOptions, draw};

/// The unadjusted kernel takes this fraction of the step size at which the adjusted one is accepted well: its bias is of
/// second order in the step size, so a quarter of the step has a sixteenth of the bias.
const UNADJUSTED_FRACTION: f64 = 0.25;

/// Mixed into the seed of the transitions between warm-up and draws.
const SETTLE: u64 = 0x7365_7474_6c65;

/// Metropolized kernels adapt as others do. For the unadjusted kernel the metropolized one finds scale and step size in the
/// first nine tenths; it then takes `UNADJUSTED_FRACTION` of that step, and moves on to its own stationary distribution
/// in the last tenth.
impl<E: Differentiable + ?Sized> Adapt<E> for Underdamped {
    fn warm_up(
        &self,
        energy: &E,
        x: Points,
        options: &RunOptions,
        progress: Progress<'_>,
    ) -> Result<WarmedUp<Self>, RunError> {
        if self.metropolized {
            return adapt(energy, self.clone(), x, options, options.n_warmup, progress);
        }
        let n_settle = options.n_warmup / 10;
        let exact = Self { metropolized: true, step_size: self.step_size / UNADJUSTED_FRACTION, ..self.clone() };
        let warm = adapt(energy, exact, x, options, options.n_warmup - n_settle, progress)?;
        let step_size = warm.kernel.step_size * UNADJUSTED_FRACTION;
        let kernel = Self { metropolized: false, step_size, ..warm.kernel };
        let warm = WarmedUp { kernel, x: warm.x, info: warm.info, warnings: warm.warnings };
        if n_settle == 0 {
            return Ok(warm);
        }
        let settling = RunOptions { n_draws: 1, thin: n_settle, seed: options.seed ^ SETTLE, ..options.clone() };
        let settled = draw(energy, warm, &settling, 0, &|_| {})?;
        if settled.info.n_diverged > 0 {
            let (n_diverged, n) = (settled.info.n_diverged, settled.info.n);
            return Err(RunError::Diverged { n_diverged, n, step_size });
        }
        let mut info = settled.warm_up;
        info.add(settled.info);
        Ok(WarmedUp { kernel: settled.kernel, x: settled.last, info, warnings: settled.warnings })
    }
}
