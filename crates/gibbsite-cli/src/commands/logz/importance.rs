//! `--method importance`: as many draws as `--tol` needs.

use gibbsite::logz::importance::{self, StudentT};
use gibbsite::logz::{LogZ, Options, auto, quadrature};

use super::clock::Clock;
use crate::args::logz::LogzArgs;
use crate::context::Context;
use crate::outcome::Failure;
use crate::resolve::Resolved;
use crate::{failures, text};

/// Draws before the error is known.
const FIRST_DRAWS: usize = 20_000;

/// Draws beyond which importance sampling is not worth its time.
const MOST_DRAWS: usize = 5_000_000;

/// Importance sampling with as many draws as `--tol` needs.
///
/// # Errors
/// Energies that are undefined, unbounded or zero everywhere it looks.
pub fn estimate(args: &LogzArgs, model: &Resolved, clock: Clock, ctx: &Context) -> Result<LogZ, Failure> {
    // In few dimensions a quadrature shapes the base, where it can; the estimate itself does not depend on its log Z.
    let rough = Options { tol: Some(1e-6) };
    let nodes = if model.dim() <= auto::MAX_EXACT_DIM { quadrature(&model.formula, &rough).ok() } else { None };
    let base = nodes.and_then(|q| importance::gaussian_base(&q, 1.2)).map(|g| StudentT::new(g, 2));
    let estimate = |n: usize| {
        let z = match &base {
            Some(base) => importance::log_z(&model.formula, base, n, ctx.seed),
            None => importance::adapted(&model.formula, n, ctx.seed),
        };
        z.map_err(failures::log_z)
    };
    let progress = ctx.progress("importance", MOST_DRAWS as u64);
    if let Some(n) = args.n {
        return estimate(n);
    }
    let mut n = FIRST_DRAWS;
    loop {
        let before = clock.elapsed();
        let mut z = estimate(n)?;
        let now = clock.elapsed();
        progress.set(n as u64);
        // Draws that the tolerance asks for, if the error is to be believed; never more than eight times as many at once.
        let wanted = (n as f64 * (z.std_err / args.tol).powi(2) * 1.2).ceil().min(8.0 * n as f64) as usize;
        // Where the weights have no variance, more draws do not help.
        let hopeless = n >= 8 * FIRST_DRAWS && z.pareto_k.is_some_and(|k| k.is_nan() || k > 0.7);
        if z.std_err <= args.tol || n >= MOST_DRAWS || hopeless {
            if z.std_err > args.tol {
                let n = text::count(n as u64);
                z.warnings.push(format!("the tolerance {} was not reached with {n} draws", args.tol));
            }
            return Ok(z);
        }
        // More draws begin with the first: for all of them there must be time anew.
        let possible = (n as f64 * (1.0 - now) / (now - before)) as usize;
        if possible < 2 * n {
            z.warnings
                .push(format!("stopped by --max-seconds at {} draws, before the tolerance", text::count(n as u64)));
            return Ok(z);
        }
        n = more_draws(n, wanted).min(possible);
    }
}

/// The next number of draws after `n`: as many as wanted, at least twice as many, at most [`MOST_DRAWS`].
fn more_draws(n: usize, wanted: usize) -> usize {
    wanted.max(n.saturating_mul(2)).min(MOST_DRAWS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_grow_up_to_the_most() {
        assert_eq!(more_draws(20_000, 30_000), 40_000);
        assert_eq!(more_draws(20_000, 160_000), 160_000);
        // More than half of the most: twice as many are too many.
        assert_eq!(more_draws(4_042_048, 32_336_384), MOST_DRAWS);
        assert_eq!(more_draws(usize::MAX, 0), MOST_DRAWS);
    }
}
