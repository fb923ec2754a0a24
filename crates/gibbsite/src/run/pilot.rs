//! Which sampler suits an energy: short chains of the No-U-Turn sampler from everywhere say whether they agree.

use rayon::prelude::*;

use super::{Progress, RunError, RunOptions, draw};
use crate::adapt::{Adapt, WarmedUp};
use crate::diagnostics::{ess_bulk, rhat};
use crate::energy::Differentiable;
use crate::kernel::Nuts;
use crate::points::Points;

/// Draws of each pilot chain.
const N_DRAWS: usize = 100;

/// R-hat of the pilot above which its chains disagree: half a chain then holds less than five effective draws.
const MAX_RHAT: f64 = 1.1;

/// Mixed into the seed, so that pilot draws are not those of the run.
const SEED: u64 = 0x7069_6c6f_7400_0000;

/// What a quantity of the pilot is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// A coordinate.
    Coordinate(usize),
    /// The energy.
    Energy,
}

/// What the pilot says.
#[derive(Clone, Debug)]
pub struct Pilot {
    /// The warmed-up kernel, and where its chains are: chains that agree can go on from here.
    pub warm: WarmedUp<Nuts>,
    /// Largest R-hat over coordinates and energy; infinite where it is undefined, because chains stand still.
    pub rhat: f64,
    /// The quantity that has it.
    pub worst: Quantity,
    /// Least effective sample size of the pilot draws.
    pub ess: f64,
}

impl Pilot {
    /// Whether the chains have found one distribution: then the No-U-Turn sampler will do, else tempering is needed.
    pub fn agrees(&self) -> bool {
        self.rhat <= MAX_RHAT
    }
}

/// Warms the No-U-Turn sampler up from `init` (one row per chain, at least two), takes 100 draws of each chain, and compares
/// the chains.
///
/// Chains that start in different modes and stay there disagree; modes that no chain starts in are not seen. So `init` should be
/// [`super::dispersed_points`].
///
/// # Errors
/// Those of warm-up.
pub fn pilot<E: Differentiable + ?Sized>(
    energy: &E,
    kernel: &Nuts,
    init: Points,
    options: &RunOptions,
    progress: Progress<'_>,
) -> Result<Pilot, RunError> {
    super::check(energy, &init, options)?;
    let warm = kernel.warm_up(energy, init, options, progress)?;
    let short = RunOptions { n_draws: N_DRAWS, thin: 1, seed: options.seed ^ SEED, ..options.clone() };
    let outcome = draw(energy, warm, &short, 0, &|_| {})?;
    let draws = &outcome.draws;
    let diagnose = |chains: &[Vec<f64>]| {
        let r = rhat(chains);
        (if r.is_nan() { f64::INFINITY } else { r }, ess_bulk(chains))
    };
    let mut all: Vec<(Quantity, (f64, f64))> =
        (0..draws.dim()).into_par_iter().map(|j| (Quantity::Coordinate(j), diagnose(&draws.coordinate(j)))).collect();
    all.push((Quantity::Energy, diagnose(&draws.energy_chains())));
    let (mut worst, mut largest, mut ess) = (Quantity::Energy, 0.0, f64::INFINITY);
    for (quantity, (rhat, e)) in all {
        if rhat > largest {
            (worst, largest) = (quantity, rhat);
        }
        if !(e >= ess) {
            ess = e;
        }
    }
    let warm = WarmedUp { kernel: outcome.kernel, x: outcome.last, info: outcome.warm_up, warnings: outcome.warnings };
    Ok(Pilot { warm, rhat: largest, worst, ess })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::formula::Formula;
    use crate::run::dispersed_points;

    fn of(text: &str) -> Pilot {
        let energy = Formula::parse(text).unwrap();
        let starts = dispersed_points(&energy, 32, 1).unwrap();
        let options = RunOptions { n_warmup: 200, ..RunOptions::default() };
        pilot(&energy, &Nuts::new(0.5), starts.points, &options, &|_| {}).unwrap()
    }

    #[test]
    fn one_mode_agrees_and_far_modes_do_not() {
        let one = of("(x1^2 + x2^2/9 + x3^2)/2");
        assert!(one.agrees() && one.rhat < 1.05, "{one:?}");
        let far = of("-logsumexp(-((x1+6)^2+x2^2+x3^2)/2, -((x1-6)^2+x2^2+x3^2)/2)");
        assert!(!far.agrees() && far.worst == Quantity::Coordinate(0), "{} {:?}", far.rhat, far.worst);
    }
}
