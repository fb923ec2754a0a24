//! Starting points: overdispersed, inside the support, where the energy is finite.

use super::RunError;
use crate::energy::{Differentiable, Energy, constrain};
use crate::points::{Matrix, Points};
use crate::rng::{Purpose, Run, Streams};

/// Random points tried per chain.
const N_ATTEMPTS: usize = 100;

/// One starting point per chain, `U(-2, 2)` on the unconstrained coordinates (Stan's rule) of [`crate::energy::Transformed`].
/// Points whose energy is not finite are drawn anew.
///
/// # Errors
/// [`RunError::NoStart`] after 100 attempts for one chain.
pub fn initial_points<E: Energy + ?Sized>(energy: &E, n_chains: usize, seed: u64) -> Result<Points, RunError> {
    find(energy, n_chains, seed, &|x, e, gradient_finite| {
        energy.energy(x, e);
        gradient_finite.fill(true);
    })
}

/// As [`initial_points`], for kernels that use the gradient: it must be finite, too, and every point then descends until
/// a step gains less than a nat. Where the energy is steep, Langevin proposals from afar would be rejected for ever.
///
/// # Errors
/// [`RunError::NoStart`] after 100 attempts for one chain.
pub fn initial_points_with_gradient<E: Differentiable + ?Sized>(
    energy: &E,
    n_chains: usize,
    seed: u64,
) -> Result<Points, RunError> {
    let mut x = find(energy, n_chains, seed, &|x, e, gradient_finite| {
        let mut grad = Matrix::new(x.n(), x.dim());
        energy.energy_grad(x, e, &mut grad);
        for (i, finite) in gradient_finite.iter_mut().enumerate() {
            *finite = (0..x.dim()).all(|j| grad.get(i, j).is_finite());
        }
    })?;
    relax(energy, &mut x);
    Ok(x)
}

/// Gradient descent of every point on its own, with steps that double after a success and shrink after a failure, until a
/// step gains less than a nat: from the slopes down to the valley, but not to its floor.
pub(super) fn relax<E: Differentiable + ?Sized>(energy: &E, x: &mut Points) {
    const MAX_STEPS: usize = 200;
    let (n, d) = (x.n(), x.dim());
    let (mut e, mut e_next) = (vec![0.0; n], vec![0.0; n]);
    let (mut grad, mut grad_next) = (Matrix::new(n, d), Matrix::new(n, d));
    energy.energy_grad(x, &mut e, &mut grad);
    let slope_squared = |grad: &Matrix<f64>, i: usize| (0..d).map(|j| grad.get(i, j).powi(2)).sum::<f64>();
    // The first step has length at most 1.
    let mut step: Vec<f64> = (0..n).map(|i| 1.0 / slope_squared(&grad, i).sqrt().max(1.0)).collect();
    let mut descends = vec![true; n];
    let mut next = x.clone();
    for _ in 0..MAX_STEPS {
        if !descends.contains(&true) {
            return;
        }
        for j in 0..d {
            for i in 0..n {
                let to = x.real.get(i, j) - step[i] * grad.get(i, j);
                next.real.set(i, j, if descends[i] { to } else { x.real.get(i, j) });
            }
        }
        energy.energy_grad(&next, &mut e_next, &mut grad_next);
        for i in 0..n {
            if !descends[i] {
                continue;
            }
            let gain = e[i] - e_next[i];
            let finite = e_next[i].is_finite() && slope_squared(&grad_next, i).is_finite();
            if finite && gain > 0.0 {
                x.real.copy_row(i, &next.real, i);
                grad.copy_row(i, &grad_next, i);
                e[i] = e_next[i];
                descends[i] = gain >= 1.0;
                step[i] *= 2.0;
            } else {
                step[i] *= 0.25;
                descends[i] = step[i] > 1e-300;
            }
        }
    }
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
