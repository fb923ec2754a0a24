//! Which sampler suits an energy: short chains of the No-U-Turn sampler from everywhere say whether they agree.

use rayon::prelude::*;

use super::{Progress, RunError, RunOptions, draw};
use crate::adapt::{Adapt, WarmedUp};
use crate::diagnostics::{agreement, ess_bulk};
use crate::energy::Differentiable;
use crate::kernel::{Nuts, Tunable};
use crate::points::Points;
use crate::verdict::rhat_limit;

/// Draws of each pilot chain.
const N_DRAWS: usize = 100;

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
    /// Largest R-hat over coordinates and energy, of those whose chains disagree if there are any; infinite where it is undefined, because chains stand still.
    pub rhat: f64,
    /// The R-hat above which chains disagree, as in [`rhat_limit`], of that quantity.
    pub limit: f64,
    /// The quantity that has it, one whose chains disagree before all others.
    pub worst: Quantity,
    /// Number of chains that sit elsewhere than the others, in the coordinate that has most: see
    /// [`Agreement::n_apart`](crate::diagnostics::Agreement::n_apart).
    pub n_apart: usize,
    /// Least effective sample size of the pilot draws.
    pub ess: f64,
}

impl Pilot {
    /// Whether the chains have found one distribution: then the No-U-Turn sampler will do, else tempering is needed. A few
    /// chains in another mode are enough to disagree, however many there are.
    pub fn agrees(&self) -> bool {
        self.rhat <= self.limit && self.n_apart == 0
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
    super::check(energy, &init, kernel.moves(), options)?;
    let warm = kernel.warm_up(energy, init, options, progress)?;
    let short = RunOptions { n_draws: N_DRAWS, thin: 1, seed: options.seed ^ SEED, ..options.clone() };
    let outcome = draw(energy, warm, &short, 0, &|_| {})?;
    let draws = &outcome.draws;
    let diagnose = |worst: Quantity, chains: &[Vec<f64>]| {
        let a = agreement(chains);
        let rhat = if a.rhat.is_nan() { f64::INFINITY } else { a.rhat };
        let limit = rhat_limit(chains.len(), a.ess_within);
        (Compared { worst, rhat, limit, n_apart: a.n_apart }, ess_bulk(chains))
    };
    let of = |j: usize| diagnose(Quantity::Coordinate(j), &draws.coordinate(j));
    let mut all: Vec<(Compared, f64)> = (0..draws.dim()).into_par_iter().map(of).collect();
    let of_energy = diagnose(Quantity::Energy, &draws.energy_chains());
    let (mut most, mut ess) = (of_energy.0, f64::INFINITY);
    all.push(of_energy);
    for (compared, e) in all {
        if compared.rank() > most.rank() {
            most = compared;
        }
        if !(e >= ess) {
            ess = e;
        }
    }
    let Compared { worst, rhat, limit, n_apart } = most;
    let warm = WarmedUp { kernel: outcome.kernel, x: outcome.last, info: outcome.warm_up, warnings: outcome.warnings };
    Ok(Pilot { warm, rhat, limit, worst, n_apart, ess })
}

/// One quantity of all chains.
#[derive(Clone, Copy)]
struct Compared {
    worst: Quantity,
    rhat: f64,
    limit: f64,
    n_apart: usize,
}

impl Compared {
    /// What is to be told first: an R-hat beyond its limit, then chains elsewhere, then the largest R-hat.
    fn rank(&self) -> (bool, usize, f64) {
        let beyond = self.rhat > self.limit;
        (beyond, if beyond { 0 } else { self.n_apart }, self.rhat)
    }
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
        assert!(one.agrees() && one.rhat < 1.05 && one.n_apart == 0, "{one:?}");
        let far = of("-logsumexp(-((x1+6)^2+x2^2+x3^2)/2, -((x1-6)^2+x2^2+x3^2)/2)");
        assert!(!far.agrees() && far.worst == Quantity::Coordinate(0), "{} {:?}", far.rhat, far.worst);
    }
}
