//! Walkers along a path from a reference to a target, and what their weights prove.

use super::log_sum_exp;
use crate::diagnostics::ess_of_weights;
use crate::energy::{Bridge, Differentiable, Energy, Tractable};
use crate::kernel::{ChainState, Kernel};
use crate::points::Points;
use crate::rng::{Purpose, Streams};

/// Probability with which a guaranteed lower bound fails.
///
/// For `m` independent unbiased estimates `w_g` of `Z / Z_ref`, none negative, Markov's inequality gives
/// `P(min_g w_g >= c Z / Z_ref) <= c^-m`, so that `log Z >= log Z_ref + min_g log w_g - log(1 / delta) / m` but with probability
/// `delta`, however poor the estimates are.
pub const DELTA: f64 = 0.05;

/// The share of effective walkers below which they are drawn anew.
const RESAMPLED: f64 = 0.5;

/// Walkers on their way, all at one level.
#[derive(Clone, Debug)]
pub(super) struct Walkers {
    x: Points,
    log_w: Vec<f64>,
    /// `E - E_ref` of each.
    gap: Vec<f64>,
    e_ref: Vec<f64>,
    n_evals: u64,
}

impl Walkers {
    /// Exact draws of the reference.
    pub(super) fn draw<R: Tractable, E: Energy + ?Sized>(
        reference: &R,
        energy: &E,
        n: usize,
        streams: &mut Streams,
    ) -> Self {
        let x = reference.sample(n, streams);
        streams.advance();
        let mut walkers = Self { x, log_w: vec![0.0; n], gap: vec![0.0; n], e_ref: vec![0.0; n], n_evals: 0 };
        walkers.evaluate(reference, energy);
        walkers
    }

    fn evaluate<R: Energy + ?Sized, E: Energy + ?Sized>(&mut self, reference: &R, energy: &E) {
        reference.energy(&self.x, &mut self.e_ref);
        energy.energy(&self.x, &mut self.gap);
        self.gap.iter_mut().zip(&self.e_ref).for_each(|(gap, e)| *gap -= e);
        self.n_evals += self.gap.len() as u64;
    }

    /// Where a weight is NaN, if one is.
    pub(super) fn undefined(&self) -> Option<Vec<f64>> {
        self.log_w.iter().position(|w| w.is_nan()).map(|i| self.x.real.row(i))
    }

    /// Log of the mean weight: an unbiased estimate of `Z / Z_ref`.
    pub(super) fn log_estimate(&self) -> f64 {
        log_mean_exp(&self.log_w)
    }

    /// Evaluations of energies and gradients so far.
    pub(super) fn n_evals(&self) -> u64 {
        self.n_evals
    }

    /// Positions and log weights.
    pub(super) fn weighted(&self) -> (&Points, &[f64]) {
        (&self.x, &self.log_w)
    }

    /// Moves on by `d_beta`.
    pub(super) fn weigh(&mut self, d_beta: f64) {
        for (log_w, gap) in self.log_w.iter_mut().zip(&self.gap) {
            *log_w -= d_beta * gap;
        }
    }

    /// `(sum W u)^2 / sum W u^2`, u the weights of a move by `d_beta`, W those so far with sum 1: the share of the walkers that
    /// would be effective had they had equal weights before. 0 where it is undefined.
    pub(super) fn conditional_ess(&self, d_beta: f64) -> f64 {
        let before = log_sum_exp(&self.log_w);
        let total = |power: f64| {
            let terms: Vec<f64> =
                self.log_w.iter().zip(&self.gap).map(|(w, gap)| w - before - power * d_beta * gap).collect();
            log_sum_exp(&terms)
        };
        let share = (2.0 * total(1.0) - total(2.0)).exp();
        if share.is_finite() { share } else { 0.0 }
    }

    /// `n_steps` transitions at the level of `bridge`.
    pub(super) fn walk<'a, R, E, K>(
        &mut self,
        bridge: &Bridge<&'a R, &'a E>,
        kernel: &K,
        n_steps: u64,
        streams: &mut Streams,
    ) where
        R: Differentiable + Tractable,
        E: Differentiable + ?Sized,
        K: Kernel<Bridge<&'a R, &'a E>>,
    {
        let mut state = kernel.init(bridge, std::mem::take(&mut self.x));
        let info = kernel.steps(bridge, &mut state, streams, n_steps);
        self.x = state.x().clone();
        self.n_evals += info.n_evals;
        let (reference, energy) = bridge.ends();
        self.evaluate(*reference, *energy);
    }

    /// Draws the walkers anew in proportion to their weights when fewer than half are effective (systematic resampling: Kitagawa
    /// 1996); their weights are equal then, with the same mean.
    pub(super) fn resample(&mut self, streams: &Streams) {
        let n = self.log_w.len();
        let total = log_sum_exp(&self.log_w);
        if !(ess_of_weights(&self.log_w) < RESAMPLED * n as f64) || !total.is_finite() {
            return;
        }
        let offset = streams.shared_uniform(Purpose::Restart);
        let (mut chosen, mut sum) = (Vec::with_capacity(n), 0.0);
        for (i, log_w) in self.log_w.iter().enumerate() {
            sum += (log_w - total).exp() * n as f64;
            while chosen.len() < n && chosen.len() as f64 + offset < sum {
                chosen.push(i);
            }
        }
        // Rounding may leave out the last one.
        let last = self.log_w.iter().rposition(|w| *w > f64::NEG_INFINITY).unwrap_or(0);
        chosen.resize(n, last);
        self.x = self.x.select(&chosen);
        self.gap = chosen.iter().map(|i| self.gap[*i]).collect();
        self.log_w.fill(total - (n as f64).ln());
    }
}

/// `log mean exp(log_w)`.
pub(super) fn log_mean_exp(log_w: &[f64]) -> f64 {
    log_sum_exp(log_w) - (log_w.len() as f64).ln()
}

/// What `log(Z / Z_ref)` is at the least, but with probability [`DELTA`], given the logs of independent unbiased estimates.
pub(super) fn lower_bound(log_estimates: &[f64]) -> f64 {
    let least = log_estimates.iter().copied().fold(f64::INFINITY, f64::min);
    least - DELTA.recip().ln() / log_estimates.len() as f64
}
