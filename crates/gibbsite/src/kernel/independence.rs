//! Independence sampling (Tierney 1994): proposals that do not look at the chain, from a distribution that can be drawn.

use super::metropolis::{Chains, take};
use super::{ChainState, Info, Kernel, Metric, Tunable};
use crate::energy::{Energy, Tractable};
use crate::points::Points;
use crate::rng::{Purpose, Streams};
use crate::simd::simd_fn;

/// The independence sampler: `y ~ q`, accepted with probability `min(1, w(y) / w(x))`, `log w = E_q - E` (Hastings 1970;
/// Tierney 1994, section 2.3.3).
///
/// It forgets its start at the rate `1 - 1 / max w` (with w of mean 1) where the weights are bounded, that is where q has
/// tails no thinner than p; where they are not it leaves p invariant and gets stuck. q lives on the space of the energy.
/// Proposals of energy `+inf` are ordinary rejections; NaN is counted as diverged.
#[derive(Clone, Debug, PartialEq)]
pub struct Independence<Q> {
    /// Where proposals come from.
    pub q: Q,
}

impl<Q: Tractable> Independence<Q> {
    /// Proposals from `q`.
    pub fn new(q: Q) -> Self {
        Self { q }
    }
}

impl<Q> Tunable for Independence<Q> {
    /// 1: there is no step size.
    fn step_size(&self) -> f64 {
        1.0
    }

    fn set_step_size(&mut self, _step_size: f64) {}

    /// None: nothing steers it.
    fn target_accept(&self) -> Option<f64> {
        None
    }

    fn rejects(&self) -> bool {
        true
    }

    fn metric(&self) -> Option<&Metric> {
        None
    }

    fn set_metric(&mut self, _metric: &Metric) {}
}

/// A block of chains with the energies of q where they are.
#[derive(Clone, Debug)]
pub struct Weighted {
    chains: Chains,
    energy_q: Vec<f64>,
    energy_q_y: Vec<f64>,
}

impl ChainState for Weighted {
    fn x(&self) -> &Points {
        &self.chains.x
    }

    fn x_mut(&mut self) -> &mut Points {
        &mut self.chains.x
    }

    fn energy(&self) -> &[f64] {
        &self.chains.energy
    }

    fn diverged(&self, i: usize) -> bool {
        self.chains.diverged(i)
    }
}

impl<E: Energy + ?Sized, Q: Tractable> Kernel<E> for Independence<Q> {
    type State = Weighted;

    /// # Panics
    /// If q and the chains differ in dimension.
    fn init(&self, energy: &E, x: Points) -> Weighted {
        assert_eq!(self.q.space().dim(), x.dim(), "proposals must have the dimension of the energy");
        let n = x.n();
        let mut state = Weighted { chains: Chains::new(x, 0, 0), energy_q: vec![0.0; n], energy_q_y: vec![0.0; n] };
        self.refresh(energy, &mut state);
        state
    }

    fn step(&self, energy: &E, state: &mut Weighted, rng: &mut Streams) -> Info {
        let chains = &mut state.chains;
        chains.check_fresh(energy.version());
        self.q.sample_into(&mut chains.y, rng);
        energy.energy(&chains.y, &mut chains.energy_y);
        self.q.energy(&chains.y, &mut state.energy_q_y);
        chains.start_log_ratio();
        add_difference(&state.energy_q_y, &state.energy_q, &mut chains.log_ratio);
        let u = rng.uniforms(Purpose::Accept, chains.x.n(), 1);
        let info = chains.metropolis(u.col(0), f64::NEG_INFINITY);
        take(&chains.accepted, &state.energy_q_y, &mut state.energy_q);
        info
    }

    fn refresh(&self, energy: &E, state: &mut Weighted) {
        energy.energy(&state.chains.x, &mut state.chains.energy);
        self.q.energy(&state.chains.x, &mut state.energy_q);
        state.chains.mark_fresh(energy.version());
    }
}

simd_fn! {
    /// `out += a - b`.
    fn add_difference(a: &[f64], b: &[f64], out: &mut [f64]) {
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            *out += a - b;
        }
    }
}
