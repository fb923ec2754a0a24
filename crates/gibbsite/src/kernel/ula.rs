//! Unadjusted Langevin (Ermak 1975; Roberts and Tweedie 1996): the cheapest step, with a known bias. Training uses it.

use super::metropolis::{Chains, count_non_finite, scale_of};
use super::rwm::add_to;
use super::{Info, Kernel, Metric};
use crate::energy::Differentiable;
use crate::points::{Matrix, Points};
use crate::rng::{Numbers, Purpose, Streams};
use crate::scratch;
use crate::simd::simd_fn;

/// Unadjusted Langevin: `x' = x - eps A A' dE/dx + sqrt(2 eps) A xi`, never rejected.
///
/// It samples a neighbour of p: on N(0, 1) the variance is `1 / (1 - eps / 2)`, and in general the bias is of first order
/// in `eps`. A chain whose next position or energy is not finite stays where it was and is counted in
/// [`Info::n_diverged`]: nothing non-finite is stored, and the count makes runs and training stop.
#[derive(Clone, Debug, PartialEq)]
pub struct Ula {
    /// Step size `eps`.
    pub step_size: f64,
    /// The preconditioner `A`.
    pub metric: Metric,
}

impl Ula {
    /// Unadjusted Langevin without preconditioner.
    pub fn new(step_size: f64) -> Self {
        Self { step_size, metric: Metric::default() }
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
        let n_bad = langevin(&state.x.real, &state.grad, self.step_size, &self.metric, xi, &mut state.y.real);
        energy.energy_grad(&state.y, &mut state.energy_y, &mut state.grad_y);
        state.move_where_finite(n_bad == 0)
    }

    /// Steps before the last need neither energies nor tests: what is not finite once never becomes finite again, so the last
    /// step shows it. The stretch is then taken anew, one tested step at a time.
    fn steps(&self, energy: &E, state: &mut Chains, rng: &mut Streams, n_steps: u64) -> Info {
        let start = rng.step();
        let info = scratch::with(state.x.real.as_slice().len(), |saved| {
            saved.copy_from_slice(state.x.real.as_slice());
            let mut info = Info::default();
            for _ in 1..n_steps {
                state.check_fresh(energy.version());
                let xi = rng.normals(Purpose::Proposal, state.x.n(), state.x.dim());
                langevin_untested(&state.x.real, &state.grad, self.step_size, &self.metric, xi, &mut state.y.real);
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

/// `y = x - eps A A'g + sqrt(2 eps) A xi`; returns how many coordinates of `y` are not finite.
pub(super) fn langevin(
    x: &Matrix<f64>,
    g: &Matrix<f64>,
    eps: f64,
    metric: &Metric,
    xi: Numbers<'_, f32>,
    y: &mut Matrix<f64>,
) -> u64 {
    if metric.is_diagonal() {
        return langevin_diagonal(x, g, eps, metric.scale(), xi, y);
    }
    langevin_low_rank(x, g, eps, metric, xi, y);
    count_non_finite(y.as_slice())
}

/// As [`langevin`], without the count.
fn langevin_untested(
    x: &Matrix<f64>,
    g: &Matrix<f64>,
    eps: f64,
    metric: &Metric,
    xi: Numbers<'_, f32>,
    y: &mut Matrix<f64>,
) {
    if metric.is_diagonal() {
        langevin_diagonal_untested(x, g, eps, metric.scale(), xi, y);
    } else {
        langevin_low_rank(x, g, eps, metric, xi, y);
    }
}

/// `y = x + A (sqrt(2 eps) xi - eps A'g)`.
fn langevin_low_rank(
    x: &Matrix<f64>,
    g: &Matrix<f64>,
    eps: f64,
    metric: &Metric,
    xi: Numbers<'_, f32>,
    y: &mut Matrix<f64>,
) {
    let (n, d) = (x.n_rows(), x.n_cols());
    scratch::with_matrix(n, d, |step| {
        scratch::with(n * d, |force| {
            metric.pull(n, g.as_slice(), force);
            noise_less_force(xi, (2.0 * eps).sqrt(), force, eps, step);
        });
        metric.spread(n, step.as_slice(), y.as_mut_slice());
    });
    add_to(x, 1.0, y);
}

simd_fn! {
    /// `out = noise xi - eps force`.
    fn noise_less_force(xi: Numbers<'_, f32>, noise: f64, force: &[f64], eps: f64, out: &mut Matrix<f64>) {
        let n = out.n_rows();
        for j in 0..out.n_cols() {
            let (xi, force, out) = (&xi.col(j)[..n], &force[j * n..(j + 1) * n], &mut out.col_mut(j)[..n]);
            for i in 0..n {
                out[i] = noise.mul_add(f64::from(xi[i]), -eps * force[i]);
            }
        }
    }
}

simd_fn! {
    /// `y_j = x_j - eps s_j^2 g_j + sqrt(2 eps) s_j xi_j`; returns how many coordinates of `y` are not finite.
    fn langevin_diagonal(x: &Matrix<f64>, g: &Matrix<f64>, eps: f64, scale: &[f64], xi: Numbers<'_, f32>, y: &mut Matrix<f64>) -> u64 {
        let mut n_bad = 0u64;
        drift_and_noise(x, g, eps, scale, xi, y, |v| n_bad += u64::from(!v.is_finite()));
        n_bad
    }
}

simd_fn! {
    /// As [`langevin_diagonal`], without the count.
    fn langevin_diagonal_untested(x: &Matrix<f64>, g: &Matrix<f64>, eps: f64, scale: &[f64], xi: Numbers<'_, f32>, y: &mut Matrix<f64>) {
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
