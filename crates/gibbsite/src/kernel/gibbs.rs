//! Gibbs sampling of labels (Geman and Geman 1984): block after block from what the others say of it.

use super::{Cache, ChainState, Info, Kernel};
use crate::energy::{Discrete, n_logits};
use crate::math::{exp, logistic};
use crate::points::{Matrix, Points};
use crate::rng::{Purpose, Streams};
use crate::simd::simd_fn;

/// One transition draws every label anew, in the order of [`Discrete::blocks`]: all labels of a block at once, each with
/// probability `p(value) ~ exp(logit of the value)` given the labels outside of the block. Nothing is rejected. Real coordinates
/// stay as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Gibbs;

untunable!(Gibbs);

/// A block of chains with room for what each label is told.
#[derive(Clone, Debug)]
pub struct Labelled {
    pub(super) x: Points,
    pub(super) energy: Vec<f64>,
    pub(super) logits: Matrix<f64>,
    /// No columns.
    pub(super) grad: Matrix<f64>,
    pub(super) version: u64,
}

impl Labelled {
    /// Chains at `x`, nothing evaluated yet.
    pub(super) fn new(x: Points) -> Self {
        let (energy, grad) = (vec![f64::NAN; x.n()], Matrix::new(x.n(), 0));
        Self { energy, logits: Matrix::default(), grad, version: 0, x }
    }

    /// In debug builds: panics when the energy has changed since the cache was filled.
    pub(super) fn check_fresh(&self, version: u64) {
        debug_assert_eq!(self.version, version, "stale cache: call Kernel::refresh after the energy has changed");
    }
}

impl ChainState for Labelled {
    fn x(&self) -> &Points {
        &self.x
    }

    fn x_mut(&mut self) -> &mut Points {
        &mut self.x
    }

    fn energy(&self) -> &[f64] {
        &self.energy
    }

    fn cache(&mut self) -> Option<Cache<'_>> {
        Some(Cache { x: &self.x, energy: &mut self.energy, grad: &mut self.grad, version: &mut self.version })
    }
}

impl Gibbs {
    /// A transition without the energy at its end.
    fn sweep<E: Discrete + ?Sized>(energy: &E, state: &mut Labelled, rng: &mut Streams) -> Info {
        state.check_fresh(energy.version());
        let (n, space) = (state.x.n(), energy.space());
        let u = rng.uniforms(Purpose::Proposal, n, space.labels.len());
        for block in energy.blocks() {
            state.logits.reshape(n, n_logits(space, block));
            energy.logits(&state.x, block, &mut state.logits);
            let mut k = 0;
            for &site in block {
                let (label, u) = (state.x.label.col_mut(site), u.col(site));
                match space.labels[site].arity() - 1 {
                    1 => choose_bit(state.logits.col(k), u, label),
                    n_others => choose(&state.logits, k..k + n_others, u, label),
                }
                k += space.labels[site].arity() - 1;
            }
        }
        let n = n as u64;
        Info { n, sum_accept: (n as f64).into(), n_diverged: 0, n_evals: n, n_truncated: 0 }
    }
}

impl<E: Discrete + ?Sized> Kernel<E> for Gibbs {
    type State = Labelled;

    fn init(&self, energy: &E, x: Points) -> Labelled {
        let mut state = Labelled::new(x);
        self.refresh(energy, &mut state);
        state
    }

    fn step(&self, energy: &E, state: &mut Labelled, rng: &mut Streams) -> Info {
        let info = Self::sweep(energy, state, rng);
        self.refresh(energy, state);
        info
    }

    fn steps(&self, energy: &E, state: &mut Labelled, rng: &mut Streams, n_steps: u64) -> Info {
        let mut info = Info::default();
        for _ in 0..n_steps {
            info.add(Self::sweep(energy, state, rng));
            rng.advance();
        }
        self.refresh(energy, state);
        info
    }

    fn refresh(&self, energy: &E, state: &mut Labelled) {
        energy.energy(&state.x, &mut state.energy);
        state.version = energy.version();
    }
}

simd_fn! {
    /// 1 with the probability that the logit says.
    fn choose_bit(logit: &[f64], u: &[f64], label: &mut [u8]) {
        let n = label.len();
        let (logit, u) = (&logit[..n], &u[..n]);
        for i in 0..n {
            label[i] = u8::from(u[i] < logistic(logit[i]));
        }
    }
}

/// A value in proportion to the exponential of its logit; that of value 0 is 0.
fn choose(logits: &Matrix<f64>, columns: std::ops::Range<usize>, u: &[f64], label: &mut [u8]) {
    for (i, label) in label.iter_mut().enumerate() {
        let logit = |k: usize| logits.get(i, k);
        let top = columns.clone().map(logit).fold(0.0, f64::max);
        let weight = |k: usize| exp(logit(k) - top);
        let sum: f64 = exp(-top) + columns.clone().map(weight).sum::<f64>();
        let mut left = u[i].mul_add(sum, -exp(-top));
        *label = 0;
        for (value, k) in columns.clone().enumerate() {
            // Rounding leaves what is left to the last value.
            if left < 0.0 {
                break;
            }
            *label = value as u8 + 1;
            left -= weight(k);
        }
    }
}
