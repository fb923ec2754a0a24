//! Metropolis-adjusted Langevin (Besag 1994; Roberts and Tweedie 1996): the Langevin proposal, made exact.

use super::metropolis::{Chains, scale_of};
use super::ula::langevin;
use super::{Info, Kernel, Metric};
use crate::energy::Differentiable;
use crate::points::{Matrix, Points};
use crate::rng::{Numbers, Purpose, Streams};
use crate::scratch;
use crate::simd::simd_fn;

/// Metropolis-adjusted Langevin: `y = x - eps A A' dE/dx + sqrt(2 eps) A xi`, accepted with the exact ratio.
///
/// With `a = sqrt(eps / 2) A' (dE/dx(x) + dE/dx(y))` the log ratio of the proposal densities is
/// `log q(x|y) - log q(y|x) = sum_j a_j (xi_j - a_j / 2)`, a form free of differences of positions. A proposal whose
/// energy or gradient is not finite is rejected and counted as diverged.
#[derive(Clone, Debug, PartialEq)]
pub struct Mala {
    /// Step size `eps`.
    pub step_size: f64,
    /// The preconditioner `A`.
    pub metric: Metric,
}

impl Mala {
    /// Metropolis-adjusted Langevin without preconditioner.
    pub fn new(step_size: f64) -> Self {
        Self { step_size, metric: Metric::default() }
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
        langevin(&state.x.real, &state.grad, self.step_size, &self.metric, xi, &mut state.y.real);
        energy.energy_grad(&state.y, &mut state.energy_y, &mut state.grad_y);
        state.start_log_ratio();
        add_log_q_ratio(&state.grad, &state.grad_y, self.step_size, &self.metric, xi, &mut state.log_ratio);
        let u = rng.uniforms(Purpose::Accept, n, 1);
        state.metropolis(u.col(0), f64::MIN)
    }

    fn refresh(&self, energy: &E, state: &mut Chains) {
        energy.energy_grad(&state.x, &mut state.energy, &mut state.grad);
        state.mark_fresh(energy.version());
    }
}

/// Adds `log q(x|y) - log q(y|x) = sum_j a_j (xi_j - a_j / 2)` to `out`.
fn add_log_q_ratio(
    gx: &Matrix<f64>,
    gy: &Matrix<f64>,
    eps: f64,
    metric: &Metric,
    xi: Numbers<'_, f32>,
    out: &mut [f64],
) {
    if metric.is_diagonal() {
        return add_log_q_ratio_diagonal(gx, gy, eps, metric.scale(), xi, out);
    }
    let (n, d) = (gx.n_rows(), gx.n_cols());
    scratch::with_matrix(n, d, |forces| {
        scratch::with(n * d, |sum| {
            sum.copy_from_slice(gx.as_slice());
            sum.iter_mut().zip(gy.as_slice()).for_each(|(s, g)| *s += g);
            metric.pull(n, sum, forces.as_mut_slice());
        });
        scratch::with_matrix(n, d, |none| add_log_q_ratio_diagonal(forces, none, eps, &[], xi, out));
    });
}

simd_fn! {
    /// The same, for `A = diag(s)`.
    fn add_log_q_ratio_diagonal(gx: &Matrix<f64>, gy: &Matrix<f64>, eps: f64, scale: &[f64], xi: Numbers<'_, f32>, out: &mut [f64]) {
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
