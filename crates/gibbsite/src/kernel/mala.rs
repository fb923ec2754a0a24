//! Metropolis-adjusted Langevin (Besag 1994; Roberts and Tweedie 1996): the Langevin proposal, made exact.

use super::metropolis::{Chains, scale_of};
use super::ula::langevin;
use super::{Info, Kernel};
use crate::energy::Differentiable;
use crate::points::{Matrix, Points};
use crate::rng::{Numbers, Purpose, Streams};
use crate::simd::simd_fn;

/// Metropolis-adjusted Langevin: `y_j = x_j - eps s_j^2 dE/dx_j + sqrt(2 eps) s_j xi_j`, accepted with the exact ratio.
///
/// With `a_j = sqrt(eps / 2) s_j (dE/dx_j(x) + dE/dx_j(y))` the log ratio of the proposal densities is
/// `log q(x|y) - log q(y|x) = sum_j a_j (xi_j - a_j / 2)`, a form free of differences of positions. A proposal whose
/// energy or gradient is not finite is rejected and counted as diverged.
#[derive(Clone, Debug, PartialEq)]
pub struct Mala {
    /// Step size `eps`.
    pub step_size: f64,
    /// Scale `s_j` of each coordinate; empty means ones.
    pub scale: Vec<f64>,
}

impl Mala {
    /// Metropolis-adjusted Langevin with unit scales.
    pub fn new(step_size: f64) -> Self {
        Self { step_size, scale: Vec::new() }
    }
}

tunable! {
    Mala,
    /// 0.574 (Roberts and Rosenthal 1998).
    |_kernel| Some(0.574)
}

impl<E: Differentiable + ?Sized> Kernel<E> for Mala {
    type State = Chains;

    fn init(&self, energy: &E, x: Points) -> Chains {
        let d = x.dim();
        let mut state = Chains::new(x, d, 0);
        self.refresh(energy, &mut state);
        state
    }

    fn step(&self, energy: &E, state: &mut Chains, rng: &mut Streams) -> Info {
        state.check_fresh(energy.version());
        let n = state.x.n();
        let xi = rng.normals(Purpose::Proposal, n, state.x.dim());
        langevin(&state.x.real, &state.grad, self.step_size, &self.scale, xi, &mut state.y.real);
        energy.energy_grad(&state.y, &mut state.energy_y, &mut state.grad_y);
        state.start_log_ratio();
        add_log_q_ratio(&state.grad, &state.grad_y, self.step_size, &self.scale, xi, &mut state.log_ratio);
        let u = rng.uniforms(Purpose::Accept, n, 1);
        state.metropolis(u.col(0), f64::MIN)
    }

    fn refresh(&self, energy: &E, state: &mut Chains) {
        energy.energy_grad(&state.x, &mut state.energy, &mut state.grad);
        state.mark_fresh(energy.version());
    }
}

simd_fn! {
    /// Adds `log q(x|y) - log q(y|x) = sum_j a_j (xi_j - a_j / 2)` to `out`.
    fn add_log_q_ratio(gx: &Matrix<f64>, gy: &Matrix<f64>, eps: f64, scale: &[f64], xi: Numbers<'_, f32>, out: &mut [f64]) {
        let n = out.len();
        for j in 0..gx.n_cols() {
            let c = (0.5 * eps).sqrt() * scale_of(scale, j);
            let (gx, gy, xi) = (&gx.col(j)[..n], &gy.col(j)[..n], &xi.col(j)[..n]);
            for i in 0..n {
                let a = c * (gx[i] + gy[i]);
                out[i] = a.mul_add(a.mul_add(-0.5, f64::from(xi[i])), out[i]);
            }
        }
    }
}
