//! Underdamped Langevin: Hamiltonian dynamics with friction and noise, with an accept step at the end (exact) or without.

use super::hmc::{MAX_ENERGY_ERROR, add_kinetic, widen};
use super::leapfrog::{drift, kick, kick_drift};
use super::metropolis::{Chains, count_non_finite};
use super::{Info, Kernel, Metric};
use crate::energy::Differentiable;
use crate::math;
use crate::points::{Matrix, Points};
use crate::rng::{Numbers, Purpose, Streams};
use crate::scratch;
use crate::simd::simd_fn;

/// Underdamped Langevin dynamics `dx = A p dt, dp = -A' dE/dx dt - gamma p dt + sqrt(2 gamma) dW`, `n_steps` steps of size
/// `h` from a fresh momentum `p ~ N(0, I)`, so that x alone is the state.
///
/// The parts of a step are the kick `B(t): p -= t A' dE/dx`, the drift `A(t): x += t A p` and the Ornstein-Uhlenbeck
/// process `O(t): p = c p + sqrt(1 - c^2) xi, c = exp(-gamma t)`.
///
/// *Metropolized*: Metropolis adjusted Langevin trajectories (Riou-Durand and Vogrinc 2022, "Metropolis adjusted Langevin
/// trajectories: a robust alternative to Hamiltonian Monte Carlo"). Steps are `O(h/2) B(h/2) A(h) B(h/2) O(h/2)`. `O` is
/// reversible for `N(0, I)` and `BAB` is reversible and keeps volume, so the whole path, accepted with probability
/// `min(1, exp(-Delta))` where `Delta` sums the change of `E + |p|^2 / 2` over the `BAB` parts alone, leaves exp(-E) exactly
/// invariant. Neighbouring `O(h/2)` are taken as one `O(h)`; the first leaves a fresh momentum in law as it is, the last
/// changes a momentum that is dropped, and both are left out. Without friction this is Hamiltonian Monte Carlo.
/// `Delta` above [`MAX_ENERGY_ERROR`] or not finite is a divergence: rejected and counted.
///
/// *Not metropolized*: steps are `B(h/2) A(h/2) O(h) A(h/2) B(h/2)` ("BAOAB", Leimkuhler and Matthews 2013, "Rational
/// construction of stochastic numerical methods for molecular sampling"), never rejected. The bias is of order `h^2`. On
/// `E = k x^2 / 2` an endless trajectory has none; trajectories of finite length have the variance
/// `1/k + (k h^2 / 4) m_xp^2 / (1 - m_xx^2)`, where `m_xx`, `m_xp` are what x and p at the start of a trajectory contribute
/// to x at its end (without kicks of noise): BAOAB's own momentum has the variance `1 - k h^2 / 4`, the fresh one has 1. The
/// excess fades as `exp(-gamma h n_steps)` where `gamma < 2 sqrt(k)`. A chain whose next position or energy is not finite
/// stays where it was and is counted in [`Info::n_diverged`].
#[derive(Clone, Debug, PartialEq)]
pub struct Underdamped {
    /// Step size `h`.
    pub step_size: f64,
    /// Steps of a transition; 0 counts as 1.
    pub n_steps: usize,
    /// Friction `gamma`, an inverse time, at least 0. Under a good preconditioner times are about 1 per radian, and a
    /// friction near 1 is a good one.
    pub friction: f64,
    /// Whether a trajectory is accepted or rejected at its end.
    pub metropolized: bool,
    /// The preconditioner `A`.
    pub metric: Metric,
}

impl Underdamped {
    /// Trajectories that are accepted or rejected (exact), without preconditioner.
    pub fn new(step_size: f64, n_steps: usize, friction: f64) -> Self {
        Self { step_size, n_steps, friction, metropolized: true, metric: Metric::default() }
    }

    /// BAOAB without rejections (biased), without preconditioner.
    pub fn unadjusted(step_size: f64, n_steps: usize, friction: f64) -> Self {
        Self { metropolized: false, ..Self::new(step_size, n_steps, friction) }
    }

    /// `c` and `sqrt(1 - c^2)` of `O(h)`.
    fn damping(&self) -> (f64, f64) {
        let t = self.friction * self.step_size;
        (math::exp(-t), (-math::exp_m1(-2.0 * t)).sqrt())
    }

    /// `BAOAB BAOAB ...` on the proposal; the kicks of one gradient are taken as one, and the very last is left out.
    fn baoab<E: Differentiable + ?Sized>(&self, energy: &E, state: &mut Chains, rng: &mut Streams) -> Info {
        let (n, d, n_steps) = (state.x.n(), state.x.dim(), self.n_steps.max(1));
        let (keep, noise) = self.damping();
        state.eps.fill(0.5 * self.step_size);
        for k in 0..n_steps {
            let (kicks, grad) = if k == 0 { (1.0, &state.grad) } else { (2.0, &state.grad_y) };
            kick_drift(kicks, &state.eps, &self.metric, grad, &mut state.momentum, &mut state.y.real);
            let xi = rng.normals_part(Purpose::Proposal, k as u32 + 1, n, d);
            damp(keep, noise, xi, &mut state.momentum);
            drift(&state.eps, &self.metric, &state.momentum, &mut state.y.real);
            if k + 1 < n_steps {
                energy.grad(&state.y, &mut state.grad_y);
            }
        }
        energy.energy_grad(&state.y, &mut state.energy_y, &mut state.grad_y);
        state.move_where_finite(count_non_finite(state.y.real.as_slice()) == 0)
    }

    /// `BAB O BAB O ... BAB` on the proposal, then accept or reject.
    fn malt<E: Differentiable + ?Sized>(&self, energy: &E, state: &mut Chains, rng: &mut Streams) -> Info {
        let (n, d, n_steps) = (state.x.n(), state.x.dim(), self.n_steps.max(1));
        let (keep, noise) = self.damping();
        state.eps.fill(self.step_size);
        scratch::with(n, |gained| {
            // Less the kinetic energy that the BAB parts gain: at their starts added, at their ends taken off.
            gained.fill(0.0);
            add_kinetic(&state.momentum, gained);
            kick_drift(0.5, &state.eps, &self.metric, &state.grad, &mut state.momentum, &mut state.y.real);
            for k in 1..n_steps {
                energy.grad(&state.y, &mut state.grad_y);
                kick(0.5, &state.eps, &self.metric, &state.grad_y, &mut state.momentum);
                let xi = rng.normals_part(Purpose::Proposal, k as u32, n, d);
                damp_and_count(keep, noise, xi, &mut state.momentum, gained);
                kick_drift(0.5, &state.eps, &self.metric, &state.grad_y, &mut state.momentum, &mut state.y.real);
            }
            energy.energy_grad(&state.y, &mut state.energy_y, &mut state.grad_y);
            kick(0.5, &state.eps, &self.metric, &state.grad_y, &mut state.momentum);
            state.start_log_ratio();
            add_less_kinetic(gained, &state.momentum, &mut state.log_ratio);
        });
        let u = rng.uniforms(Purpose::Accept, n, 1);
        state.metropolis(u.col(0), -MAX_ENERGY_ERROR)
    }
}

tunable! {
    Underdamped,
    /// 0.8 when metropolized, as for Hamiltonian Monte Carlo; the optimum in many dimensions is the same 0.65.
    |kernel| kernel.metropolized.then_some(0.8)
}

impl<E: Differentiable + ?Sized> Kernel<E> for Underdamped {
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
        widen(rng.normals_part(Purpose::Proposal, 0, n, d), &mut state.momentum);
        state.hamiltonian.copy_from_slice(&state.energy);
        add_kinetic(&state.momentum, &mut state.hamiltonian);
        state.y.real.as_mut_slice().copy_from_slice(state.x.real.as_slice());
        let info = if self.metropolized { self.malt(energy, state, rng) } else { self.baoab(energy, state, rng) };
        Info { n_evals: (n * self.n_steps.max(1)) as u64, ..info }
    }

    fn refresh(&self, energy: &E, state: &mut Chains) {
        energy.energy_grad(&state.x, &mut state.energy, &mut state.grad);
        state.mark_fresh(energy.version());
    }
}

simd_fn! {
    /// `p = keep p + noise xi`.
    fn damp(keep: f64, noise: f64, xi: Numbers<'_, f32>, p: &mut Matrix<f64>) {
        let n = p.n_rows();
        for j in 0..p.n_cols() {
            let (xi, p) = (&xi.col(j)[..n], &mut p.col_mut(j)[..n]);
            for i in 0..n {
                p[i] = noise.mul_add(f64::from(xi[i]), keep * p[i]);
            }
        }
    }
}

simd_fn! {
    /// As [`damp`]; adds the change of `|p|^2 / 2` to `out`.
    fn damp_and_count(keep: f64, noise: f64, xi: Numbers<'_, f32>, p: &mut Matrix<f64>, out: &mut [f64]) {
        let n = out.len();
        for j in 0..p.n_cols() {
            let (xi, p) = (&xi.col(j)[..n], &mut p.col_mut(j)[..n]);
            for i in 0..n {
                let (old, new) = (p[i], noise.mul_add(f64::from(xi[i]), keep * p[i]));
                out[i] = (0.5 * (new - old)).mul_add(new + old, out[i]);
                p[i] = new;
            }
        }
    }
}

simd_fn! {
    /// `out += a - |p|^2 / 2`.
    fn add_less_kinetic(a: &[f64], p: &Matrix<f64>, out: &mut [f64]) {
        let n = out.len();
        let a = &a[..n];
        for i in 0..n {
            out[i] += a[i];
        }
        for j in 0..p.n_cols() {
            let p = &p.col(j)[..n];
            for i in 0..n {
                out[i] = (-0.5 * p[i]).mul_add(p[i], out[i]);
            }
        }
    }
}
