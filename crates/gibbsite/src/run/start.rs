//! Starting points: overdispersed, inside the support, where the energy is finite.

use super::RunError;
use crate::energy::{Differentiable, Energy};
use crate::points::{Matrix, Points, Support};
use crate::rng::{Purpose, Run, Streams};

/// Random points tried per chain.
const N_ATTEMPTS: usize = 100;

/// One starting point per chain, `U(-2, 2)` on the unconstrained coordinates (Stan's rule): on the line itself, on
/// `lower + exp(u)` or `upper - exp(u)`, on `lower + (upper - lower) / (1 + exp(-u))`. Points whose energy is not finite are drawn anew.
///
/// # Errors
/// [`RunError::NoStart`] after 100 attempts for one chain.
pub fn initial_points<E: Energy + ?Sized>(energy: &E, n_chains: usize, seed: u64) -> Result<Points, RunError> {
    find(energy, n_chains, seed, &|x, e, gradient_finite| {
        energy.energy(x, e);
        gradient_finite.fill(true);
    })
}

/// As [`initial_points`], for kernels that use the gradient: it must be finite, too.
///
/// # Errors
/// [`RunError::NoStart`] after 100 attempts for one chain.
pub fn initial_points_with_gradient<E: Differentiable + ?Sized>(
    energy: &E,
    n_chains: usize,
    seed: u64,
) -> Result<Points, RunError> {
    find(energy, n_chains, seed, &|x, e, gradient_finite| {
        let mut grad = Matrix::new(x.n(), x.dim());
        energy.energy_grad(x, e, &mut grad);
        for (i, finite) in gradient_finite.iter_mut().enumerate() {
            *finite = (0..x.dim()).all(|j| grad.get(i, j).is_finite());
        }
    })
}

type Evaluate<'a> = &'a dyn Fn(&Points, &mut [f64], &mut [bool]);

fn find<E: Energy + ?Sized>(
    energy: &E,
    n_chains: usize,
    seed: u64,
    evaluate: Evaluate<'_>,
) -> Result<Points, RunError> {
    let supports = &energy.space().reals;
    let mut x = Points::zeros(n_chains, supports.len());
    let mut rng = Streams::new(seed, Run::Pilot);
    let (mut e, mut gradient_finite) = (vec![f64::NAN; n_chains], vec![true; n_chains]);
    let mut good = vec![false; n_chains];
    for _ in 0..N_ATTEMPTS {
        let u = rng.uniforms(Purpose::Init, n_chains, supports.len());
        for (j, support) in supports.iter().enumerate() {
            for i in (0..n_chains).filter(|&i| !good[i]) {
                x.real.set(i, j, constrain(*support, 4.0 * u.col(j)[i] - 2.0));
            }
        }
        rng.advance();
        evaluate(&x, &mut e, &mut gradient_finite);
        for i in 0..n_chains {
            good[i] = e[i].is_finite() && gradient_finite[i];
        }
        if good.iter().all(|g| *g) {
            return Ok(x);
        }
    }
    let chain = good.iter().position(|g| !g).unwrap_or(0);
    Err(RunError::NoStart {
        chain,
        n_attempts: N_ATTEMPTS,
        x: x.real.row(chain),
        energy: e[chain],
        gradient_finite: gradient_finite[chain],
    })
}

/// The point of the support that the unconstrained `u` stands for.
fn constrain(support: Support, u: f64) -> f64 {
    match support {
        Support::Real => u,
        Support::Above(a) => a + u.exp(),
        Support::Below(b) => b - u.exp(),
        Support::Interval(a, b) => a + (b - a) / (1.0 + (-u).exp()),
    }
}
