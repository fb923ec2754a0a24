//! Hamiltonian Monte Carlo (Duane et al. 1987; Neal 2011, section 5.3): long moves along the energy's own dynamics.

use super::leapfrog::{kick, kick_drift};
use super::metropolis::Chains;
use super::{Info, Kernel, Metric};
use crate::energy::Differentiable;
use crate::points::{Matrix, Points};
use crate::rng::{Numbers, Purpose, Streams};
use crate::simd::{load, over_tiles, simd_fn, store};

/// A trajectory whose energy error exceeds this is divergent (Stan's limit).
pub const MAX_ENERGY_ERROR: f64 = 1000.0;

/// Hamiltonian Monte Carlo: a fresh momentum `p ~ N(0, I)`, then leapfrog steps
/// `p -= eps/2 A' dE/dx, x += eps A p, p -= eps/2 A' dE/dx`, accepted with probability `min(1, exp(-dH))`,
/// `dH = E(y) - E(x) + (|p'|^2 - |p|^2) / 2`.
///
/// `dH` above [`MAX_ENERGY_ERROR`] or not finite is a divergence: rejected and counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Hmc {
    /// Step size `eps` of the leapfrog integrator.
    pub step_size: f64,
    /// Leapfrog steps of a transition, on average.
    pub n_leapfrog: usize,
    /// A transition takes `n_leapfrog (1 + jitter (2 u - 1))` steps, rounded, with a uniform `u` that all chains share:
    /// a random length breaks the periodic orbits of a fixed one (Neal 2011, section 5.4.2.2). In `[0, 1]`.
    pub jitter: f64,
    /// The preconditioner `A`.
    pub metric: Metric,
}

impl Hmc {
    /// Hamiltonian Monte Carlo without preconditioner, its length jittered by half.
    pub fn new(step_size: f64, n_leapfrog: usize) -> Self {
        Self { step_size, n_leapfrog, jitter: 0.5, metric: Metric::default() }
    }

    /// Leapfrog steps of the transition at the streams' current step.
    fn length(&self, rng: &Streams) -> usize {
        let u = rng.shared_uniform(Purpose::Choice);
        let length = self.n_leapfrog as f64 * (1.0 + self.jitter * (2.0 * u - 1.0));
        (length.round() as usize).max(1)
    }
}

tunable! {
    Hmc,
    /// 0.8, as Stan: above the 0.65 of Beskos et al. (2013), for robustness.
    |_kernel| Some(0.8),
    /// 20: where the tails are thin a trajectory of a fixed length may be accepted well on average and still never leave the
    /// tails. On a quartic it holds acceptance at 0.97 where 0.8 would let 12 % of the trajectories diverge, chains stand still
    /// for 50 transitions, and yield fewer effective draws.
    divergence_cost: 20.0
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
        let n_leapfrog = self.length(rng);
        state.eps.fill(self.step_size);
        let p0 = rng.normals(Purpose::Proposal, n, d);
        widen(p0, &mut state.momentum);
        state.hamiltonian.copy_from_slice(&state.energy);
        add_kinetic(&state.momentum, &mut state.hamiltonian);
        state.y.real.as_mut_slice().copy_from_slice(state.x.real.as_slice());
        kick_drift(0.5, &state.eps, &self.metric, &state.grad, &mut state.momentum, &mut state.y.real);
        for _ in 1..n_leapfrog {
            energy.grad(&state.y, &mut state.grad_y);
            kick_drift(1.0, &state.eps, &self.metric, &state.grad_y, &mut state.momentum, &mut state.y.real);
        }
        energy.energy_grad(&state.y, &mut state.energy_y, &mut state.grad_y);
        kick(0.5, &state.eps, &self.metric, &state.grad_y, &mut state.momentum);
        state.start_log_ratio();
        subtract_kinetic_change(p0, &state.momentum, &mut state.log_ratio);
        let u = rng.uniforms(Purpose::Accept, n, 1);
        let mut info = state.metropolis(u.col(0), -MAX_ENERGY_ERROR);
        info.n_evals = (n * n_leapfrog) as u64;
        info
    }

    fn refresh(&self, energy: &E, state: &mut Chains) {
        energy.energy_grad(&state.x, &mut state.energy, &mut state.grad);
        state.mark_fresh(energy.version());
    }
}

/// Copies the numbers of a step into a matrix of the same shape.
pub(super) fn widen(z: Numbers<'_, f32>, out: &mut Matrix<f64>) {
    for j in 0..out.n_cols() {
        for (o, z) in out.col_mut(j).iter_mut().zip(z.col(j)) {
            *o = f64::from(*z);
        }
    }
}

simd_fn! {
    /// Adds `|p|^2 / 2` of each row to `out`.
    pub(super) fn add_kinetic(p: &Matrix<f64>, out: &mut [f64]) {
        over_tiles!(64; out.len(), kinetic_tile(p.as_slice(), out));
    }
}

/// [`add_kinetic`] for `T` rows, whose sums stay in registers.
#[inline(always)]
fn kinetic_tile<const T: usize>(at: usize, p: &[f64], out: &mut [f64]) {
    let n = out.len();
    let mut sum = load::<T>(out, at);
    for i in (at..p.len()).step_by(n) {
        let p = load::<T>(p, i);
        for r in 0..T {
            sum[r] = (0.5 * p[r]).mul_add(p[r], sum[r]);
        }
    }
    store(out, at, &sum);
}

simd_fn! {
    /// Subtracts `(|p|^2 - |p0|^2) / 2` of each row from `out`.
    fn subtract_kinetic_change(p0: Numbers<'_, f32>, p: &Matrix<f64>, out: &mut [f64]) {
        let n = out.len();
        for j in 0..p.n_cols() {
            let (p0, p) = (&p0.col(j)[..n], &p.col(j)[..n]);
            for i in 0..n {
                let old = f64::from(p0[i]);
                out[i] = (-0.5 * (p[i] - old)).mul_add(p[i] + old, out[i]);
            }
        }
    }
}
