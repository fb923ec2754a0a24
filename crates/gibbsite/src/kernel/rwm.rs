//! Random-walk Metropolis (Metropolis et al. 1953): the kernel for energies without a gradient.

use super::hmc::widen;
use super::metropolis::{Chains, scale_of};
use super::{Info, Kernel, Metric};
use crate::energy::Energy;
use crate::points::{Matrix, Points};
use crate::rng::{Numbers, Purpose, Streams};
use crate::scratch;
use crate::simd::simd_fn;

/// Random-walk Metropolis: `y = x + eps A xi`, accepted with probability `min(1, exp(E(x) - E(y)))`.
///
/// A proposal of energy `+inf` lies outside of the support and is an ordinary rejection; NaN is counted as diverged.
#[derive(Clone, Debug, PartialEq)]
pub struct Rwm {
    /// Step size `eps`.
    pub step_size: f64,
    /// The preconditioner `A`.
    pub metric: Metric,
}

impl Rwm {
    /// Random-walk Metropolis without preconditioner.
    pub fn new(step_size: f64) -> Self {
        Self { step_size, metric: Metric::default() }
    }
}

tunable! {
    Rwm,
    /// 0.44 in one dimension, down to 0.234 in many (Roberts, Gelman and Gilks 1997; Gelman, Roberts and Gilks 1996, table 1).
    |kernel| Some(0.234 + 0.206 / kernel.metric.scale().len().max(1) as f64)
}

impl<E: Energy + ?Sized> Kernel<E> for Rwm {
    type State = Chains;

    fn init(&self, energy: &E, x: Points) -> Chains {
        let mut state = Chains::new(x, 0, 0);
        self.refresh(energy, &mut state);
        state
    }

    fn step(&self, energy: &E, state: &mut Chains, rng: &mut Streams) -> Info {
        state.check_fresh(energy.version());
        let (n, d) = (state.x.n(), state.x.dim());
        let xi = rng.normals(Purpose::Proposal, n, d);
        if self.metric.is_diagonal() {
            propose(&state.x.real, self.step_size, self.metric.scale(), xi, &mut state.y.real);
        } else {
            scratch::with_matrix(n, d, |z| {
                widen(xi, z);
                self.metric.spread(n, z.as_slice(), state.y.real.as_mut_slice());
            });
            add_to(&state.x.real, self.step_size, &mut state.y.real);
        }
        energy.energy(&state.y, &mut state.energy_y);
        state.start_log_ratio();
        let u = rng.uniforms(Purpose::Accept, n, 1);
        state.metropolis(u.col(0), f64::NEG_INFINITY)
    }

    fn refresh(&self, energy: &E, state: &mut Chains) {
        energy.energy(&state.x, &mut state.energy);
        state.mark_fresh(energy.version());
    }
}

simd_fn! {
    /// `y_j = x_j + eps s_j xi_j`.
    fn propose(x: &Matrix<f64>, eps: f64, scale: &[f64], xi: Numbers<'_, f32>, y: &mut Matrix<f64>) {
        let n = x.n_rows();
        for j in 0..x.n_cols() {
            let step = eps * scale_of(scale, j);
            let (x, xi, y) = (&x.col(j)[..n], &xi.col(j)[..n], &mut y.col_mut(j)[..n]);
            for i in 0..n {
                y[i] = step.mul_add(f64::from(xi[i]), x[i]);
            }
        }
    }
}

simd_fn! {
    /// `y = x + eps y`.
    pub(super) fn add_to(x: &Matrix<f64>, eps: f64, y: &mut Matrix<f64>) {
        for (y, x) in y.as_mut_slice().iter_mut().zip(x.as_slice()) {
            *y = eps.mul_add(*y, *x);
        }
    }
}
