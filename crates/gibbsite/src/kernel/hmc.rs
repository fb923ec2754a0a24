//! Hamiltonian Monte Carlo (Duane et al. 1987; Neal 2011, section 5.3): long moves along the energy's own dynamics.

use super::metropolis::{Chains, scale_of};
use super::{Info, Kernel};
use crate::energy::Differentiable;
use crate::points::{Matrix, Points};
use crate::rng::{Numbers, Purpose, Streams};
use crate::simd::simd_fn;

/// A trajectory whose energy error exceeds this is divergent (Stan's limit).
pub const MAX_ENERGY_ERROR: f64 = 1000.0;

/// Hamiltonian Monte Carlo: a fresh momentum `p ~ N(0, I)` in scaled coordinates, `n_leapfrog` leapfrog steps
/// `p_j -= eps/2 s_j dE/dx_j, x_j += eps s_j p_j, p_j -= eps/2 s_j dE/dx_j`, accepted with probability
/// `min(1, exp(-dH))`, `dH = E(y) - E(x) + sum_j (p'_j - p_j) (p'_j + p_j) / 2`.
///
/// `dH` above [`MAX_ENERGY_ERROR`] or not finite is a divergence: rejected and counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Hmc {
    /// Step size `eps` of the leapfrog integrator.
    pub step_size: f64,
    /// Leapfrog steps of a transition.
    pub n_leapfrog: usize,
    /// Each chain of each transition uses `eps (1 + jitter (2 u - 1))` with a uniform `u`; breaks the periodic orbits of
    /// a fixed length (Neal 2011, section 5.4.2.2). In `[0, 1)`; 0 draws no uniform.
    pub jitter: f64,
    /// Scale `s_j` of each coordinate; empty means ones.
    pub scale: Vec<f64>,
}

impl Hmc {
    /// Hamiltonian Monte Carlo with unit scales and step sizes jittered by 20 %.
    pub fn new(step_size: f64, n_leapfrog: usize) -> Self {
        Self { step_size, n_leapfrog, jitter: 0.2, scale: Vec::new() }
    }
}

tunable! {
    Hmc,
    /// 0.8, as Stan: above the 0.65 of Beskos et al. (2013), for robustness.
    |_kernel| Some(0.8)
}

impl<E: Differentiable + ?Sized> Kernel<E> for Hmc {
    type State = Chains;

    fn init(&self, energy: &E, x: Points) -> Chains {
        let d = x.dim();
        let mut state = Chains::new(x, d, d);
        self.refresh(energy, &mut state);
        state
    }

    fn step(&self, energy: &E, state: &mut Chains, rng: &mut Streams) -> Info {
        state.check_fresh(energy.version());
        let (n, d) = (state.x.n(), state.x.dim());
        let n_leapfrog = self.n_leapfrog.max(1);
        // One call yields two uniforms: the first accepts, the second jitters.
        let n_uniforms = if self.jitter > 0.0 { 2 } else { 1 };
        if self.jitter > 0.0 {
            let u = rng.uniforms(Purpose::Accept, n, n_uniforms).col(1);
            for (eps, u) in state.eps.iter_mut().zip(u) {
                *eps = self.step_size * (1.0 + self.jitter * (2.0 * u - 1.0));
            }
        } else {
            state.eps.fill(self.step_size);
        }
        let p0 = rng.normals(Purpose::Proposal, n, d);
        for j in 0..d {
            for (p, p0) in state.momentum.col_mut(j).iter_mut().zip(p0.col(j)) {
                *p = f64::from(*p0);
            }
        }
        state.y.real.as_mut_slice().copy_from_slice(state.x.real.as_slice());
        kick_drift(0.5, &state.eps, &self.scale, &state.grad, &mut state.momentum, &mut state.y.real);
        for _ in 1..n_leapfrog {
            energy.grad(&state.y, &mut state.grad_y);
            kick_drift(1.0, &state.eps, &self.scale, &state.grad_y, &mut state.momentum, &mut state.y.real);
        }
        energy.energy_grad(&state.y, &mut state.energy_y, &mut state.grad_y);
        state.start_log_ratio();
        last_kick(&state.eps, &self.scale, &state.grad_y, &state.momentum, p0, &mut state.log_ratio);
        let u = rng.uniforms(Purpose::Accept, n, n_uniforms);
        let mut info = state.metropolis(u.col(0), -MAX_ENERGY_ERROR);
        info.n_evals = (n * n_leapfrog) as u64;
        info
    }

    fn refresh(&self, energy: &E, state: &mut Chains) {
        energy.energy_grad(&state.x, &mut state.energy, &mut state.grad);
        state.mark_fresh(energy.version());
    }
}

simd_fn! {
    /// `p_j -= part eps s_j g_j`, then `x_j += eps s_j p_j`.
    fn kick_drift(part: f64, eps: &[f64], scale: &[f64], g: &Matrix<f64>, p: &mut Matrix<f64>, x: &mut Matrix<f64>) {
        let n = eps.len();
        for j in 0..x.n_cols() {
            let s = scale_of(scale, j);
            let kick = -part * s;
            let (g, p, x) = (&g.col(j)[..n], &mut p.col_mut(j)[..n], &mut x.col_mut(j)[..n]);
            for i in 0..n {
                let moved = (kick * eps[i]).mul_add(g[i], p[i]);
                p[i] = moved;
                x[i] = (s * eps[i]).mul_add(moved, x[i]);
            }
        }
    }
}

simd_fn! {
    /// The last half kick, `p' = p - eps/2 s_j g_j`; subtracts the change of kinetic energy since `p0` from `out`.
    fn last_kick(eps: &[f64], scale: &[f64], g: &Matrix<f64>, p: &Matrix<f64>, p0: Numbers<'_, f32>, out: &mut [f64]) {
        let n = eps.len();
        let out = &mut out[..n];
        for j in 0..g.n_cols() {
            let kick = -0.5 * scale_of(scale, j);
            let (g, p, p0) = (&g.col(j)[..n], &p.col(j)[..n], &p0.col(j)[..n]);
            for i in 0..n {
                let old = f64::from(p0[i]);
                let new = (kick * eps[i]).mul_add(g[i], p[i]);
                out[i] = (-0.5 * (new - old)).mul_add(new + old, out[i]);
            }
        }
    }
}
