//! Unadjusted Langevin (Ermak 1975; Roberts and Tweedie 1996): the cheapest step, with a known bias. Training uses it.

use super::metropolis::{Chains, scale_of};
use super::{Info, Kernel};
use crate::energy::Differentiable;
use crate::points::{Matrix, Points};
use crate::rng::{Numbers, Purpose, Streams};
use crate::simd::simd_fn;

/// Unadjusted Langevin: `x'_j = x_j - eps s_j^2 dE/dx_j + sqrt(2 eps) s_j xi_j`, never rejected.
///
/// It samples a neighbour of p: on N(0, 1) the variance is `1 / (1 - eps / 2)`, and in general the bias is of first order
/// in `eps`. A chain whose next position or energy is not finite stays where it was and is counted in
/// [`Info::n_diverged`]: nothing non-finite is stored, and the count makes runs and training stop.
#[derive(Clone, Debug, PartialEq)]
pub struct Ula {
    /// Step size `eps`.
    pub step_size: f64,
    /// Scale `s_j` of each coordinate; empty means ones.
    pub scale: Vec<f64>,
}

impl Ula {
    /// Unadjusted Langevin with unit scales.
    pub fn new(step_size: f64) -> Self {
        Self { step_size, scale: Vec::new() }
    }
}

tunable! {
    Ula,
    |_kernel| None
}

impl<E: Differentiable + ?Sized> Kernel<E> for Ula {
    type State = Chains;

    fn init(&self, energy: &E, x: Points) -> Chains {
        let d = x.dim();
        let mut state = Chains::new(x, d, 0);
        self.refresh(energy, &mut state);
        state
    }

    fn step(&self, energy: &E, state: &mut Chains, rng: &mut Streams) -> Info {
        state.check_fresh(energy.version());
        let xi = rng.normals(Purpose::Proposal, state.x.n(), state.x.dim());
        let n_bad = langevin(&state.x.real, &state.grad, self.step_size, &self.scale, xi, &mut state.y.real);
        energy.energy_grad(&state.y, &mut state.energy_y, &mut state.grad_y);
        state.move_where_finite(n_bad == 0)
    }

    /// Steps before the last need neither energies nor tests: what is not finite once never becomes finite again, so the last
    /// step shows it. The stretch is then taken anew, one tested step at a time.
    fn steps(&self, energy: &E, state: &mut Chains, rng: &mut Streams, n_steps: u64) -> Info {
        let start = rng.step();
        let info = crate::scratch::with(state.x.real.as_slice().len(), |saved| {
            saved.copy_from_slice(state.x.real.as_slice());
            let mut info = Info::default();
            for _ in 1..n_steps {
                state.check_fresh(energy.version());
                let xi = rng.normals(Purpose::Proposal, state.x.n(), state.x.dim());
                langevin_untested(&state.x.real, &state.grad, self.step_size, &self.scale, xi, &mut state.y.real);
                energy.grad(&state.y, &mut state.grad_y);
                info.add(state.move_all());
                rng.advance();
            }
            if n_steps > 0 {
                info.add(self.step(energy, state, rng));
                rng.advance();
            }
            if info.n_diverged > 0 {
                state.x.real.as_mut_slice().copy_from_slice(saved);
            }
            info
        });
        if info.n_diverged == 0 {
            return info;
        }
        self.refresh(energy, state);
        rng.seek(start);
        let mut info = Info::default();
        for _ in 0..n_steps {
            info.add(self.step(energy, state, rng));
            rng.advance();
        }
        info
    }

    fn refresh(&self, energy: &E, state: &mut Chains) {
        energy.energy_grad(&state.x, &mut state.energy, &mut state.grad);
        state.mark_fresh(energy.version());
    }
}

simd_fn! {
    /// `y_j = x_j - eps s_j^2 g_j + sqrt(2 eps) s_j xi_j`; returns how many coordinates of `y` are not finite.
    pub(super) fn langevin(x: &Matrix<f64>, g: &Matrix<f64>, eps: f64, scale: &[f64], xi: Numbers<'_, f32>, y: &mut Matrix<f64>) -> u64 {
        let mut n_bad = 0u64;
        drift_and_noise(x, g, eps, scale, xi, y, |v| n_bad += u64::from(!v.is_finite()));
        n_bad
    }
}

simd_fn! {
    /// As [`langevin`], without the count.
    fn langevin_untested(x: &Matrix<f64>, g: &Matrix<f64>, eps: f64, scale: &[f64], xi: Numbers<'_, f32>, y: &mut Matrix<f64>) {
        drift_and_noise(x, g, eps, scale, xi, y, |_| ());
    }
}

/// The proposal of Langevin kernels; `see` is shown every coordinate of it.
#[inline(always)]
fn drift_and_noise(
    x: &Matrix<f64>,
    g: &Matrix<f64>,
    eps: f64,
    scale: &[f64],
    xi: Numbers<'_, f32>,
    y: &mut Matrix<f64>,
    mut see: impl FnMut(f64),
) {
    let n = x.n_rows();
    for j in 0..x.n_cols() {
        let s = scale_of(scale, j);
        let (drift, noise) = (-eps * s * s, (2.0 * eps).sqrt() * s);
        let (x, g, xi, y) = (&x.col(j)[..n], &g.col(j)[..n], &xi.col(j)[..n], &mut y.col_mut(j)[..n]);
        for i in 0..n {
            let v = noise.mul_add(f64::from(xi[i]), drift.mul_add(g[i], x[i]));
            see(v);
            y[i] = v;
        }
    }
}
