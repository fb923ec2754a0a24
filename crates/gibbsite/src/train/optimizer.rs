//! First-order optimisers: theta -= update(gradient).

use serde::{Deserialize, Serialize};

/// The rule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptimizerKind {
    /// `theta -= lr g` (Robbins and Monro 1951).
    Sgd,
    /// `m = 0.9 m + g; theta -= lr m` (Polyak 1964).
    Momentum,
    /// Kingma and Ba (2015), algorithm 1, with beta = (0.9, 0.999) and epsilon = 1e-8.
    Adam,
}

/// A rule and its memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Optimizer {
    kind: OptimizerKind,
    /// First moments, shape `(n_theta,)`.
    pub m: Vec<f64>,
    /// Second moments, shape `(n_theta,)`.
    pub v: Vec<f64>,
    /// Updates done.
    pub t: u64,
}

const MOMENTUM: f64 = 0.9;
const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

impl Optimizer {
    /// A fresh memory.
    pub fn new(kind: OptimizerKind, n_theta: usize) -> Self {
        Self { kind, m: vec![0.0; n_theta], v: vec![0.0; n_theta], t: 0 }
    }

    /// How far a lasting unit gradient moves each coordinate in one update, for a learning rate of 1.
    pub fn step_per_gradient(&self) -> Vec<f64> {
        match self.kind {
            OptimizerKind::Sgd => vec![1.0; self.m.len()],
            OptimizerKind::Momentum => vec![1.0 / (1.0 - MOMENTUM); self.m.len()],
            OptimizerKind::Adam => {
                let c2 = 1.0 - BETA2.powi(self.t as i32);
                self.v.iter().map(|v| 1.0 / ((v / c2).sqrt() + EPSILON)).collect()
            }
        }
    }

    /// Moves theta by one update with learning rate `lr`.
    pub fn update(&mut self, theta: &mut [f64], grad: &[f64], lr: f64) {
        self.t += 1;
        match self.kind {
            OptimizerKind::Sgd => theta.iter_mut().zip(grad).for_each(|(t, g)| *t -= lr * g),
            OptimizerKind::Momentum => {
                for k in 0..theta.len() {
                    self.m[k] = MOMENTUM * self.m[k] + grad[k];
                    theta[k] -= lr * self.m[k];
                }
            }
            OptimizerKind::Adam => {
                let t = self.t as i32;
                let (c1, c2) = (1.0 - BETA1.powi(t), 1.0 - BETA2.powi(t));
                for k in 0..theta.len() {
                    self.m[k] = BETA1 * self.m[k] + (1.0 - BETA1) * grad[k];
                    self.v[k] = BETA2 * self.v[k] + (1.0 - BETA2) * grad[k] * grad[k];
                    theta[k] -= lr * (self.m[k] / c1) / ((self.v[k] / c2).sqrt() + EPSILON);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two updates of each rule, by hand.
    #[test]
    fn two_updates() {
        let run = |kind, grads: [f64; 2]| {
            let mut o = Optimizer::new(kind, 1);
            let mut theta = [1.0];
            grads.iter().for_each(|g| o.update(&mut theta, &[*g], 0.1));
            theta[0]
        };
        assert!((run(OptimizerKind::Sgd, [1.0, 2.0]) - 0.7).abs() < 1e-15);
        assert!((run(OptimizerKind::Momentum, [1.0, 2.0]) - (1.0 - 0.1 - 0.29)).abs() < 1e-15);
        // Adam: first step lr * sign; second with m = 0.29 / 0.19, v = (0.999 * 0.001 + 0.004) / (1 - 0.999^2).
        let (m, v) = (0.29 / 0.19, 0.004_999 / 0.001_999);
        assert!((run(OptimizerKind::Adam, [1.0, 2.0]) - (0.9 - 0.1 * m / f64::sqrt(v))).abs() < 1e-7);
    }
}
