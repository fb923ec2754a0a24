//! What a descent knows of the curvature: an estimate of the inverse Hessian, whole or by its last steps only.

use std::collections::VecDeque;

use super::problem::dot;
use crate::points::Matrix;

/// An estimate H of the inverse Hessian; the identity before the first step.
pub(super) trait Memory {
    /// Forgets everything.
    fn clear(&mut self);

    /// `H g`.
    fn times(&self, g: &[f64]) -> Vec<f64>;

    /// Learns from a step `s` over which the gradient changed by `y`, `s'y > 0`.
    fn learn(&mut self, s: Vec<f64>, y: Vec<f64>);
}

/// The whole matrix: `H = (I - r s y') H (I - r y s') + r s s'`, `r = 1 / y's` (Nocedal and Wright 2006, equation 6.17).
pub(super) struct Whole {
    h: Matrix<f64>,
    fresh: bool,
}

impl Whole {
    pub(super) fn new(dim: usize) -> Self {
        let mut new = Self { h: Matrix::new(dim, dim), fresh: false };
        new.clear();
        new
    }
}

impl Memory for Whole {
    fn clear(&mut self) {
        if !self.fresh {
            let d = self.h.n_rows();
            self.h = Matrix::from_fn(d, d, |i, j| if i == j { 1.0 } else { 0.0 });
            self.fresh = true;
        }
    }

    fn times(&self, g: &[f64]) -> Vec<f64> {
        (0..g.len()).map(|i| dot(self.h.col(i), g)).collect()
    }

    fn learn(&mut self, s: Vec<f64>, y: Vec<f64>) {
        let (d, h, sy) = (s.len(), &mut self.h, dot(&s, &y));
        if self.fresh {
            (0..d).for_each(|i| h.set(i, i, sy / dot(&y, &y)));
            self.fresh = false;
        }
        let hy: Vec<f64> = (0..d).map(|i| dot(h.col(i), &y)).collect();
        let c = (1.0 + dot(&y, &hy) / sy) / sy;
        for j in 0..d {
            for i in 0..d {
                let v = h.get(i, j) + c * s[i] * s[j] - (hy[i] * s[j] + s[i] * hy[j]) / sy;
                h.set(i, j, v);
            }
        }
    }
}

/// The same from the last few steps on, of which nothing but the steps is kept (Nocedal and Wright 2006, algorithm 7.4).
#[derive(Default)]
pub(super) struct Recent {
    /// Steps, changes of the gradient, and their products, the oldest first.
    steps: VecDeque<(Vec<f64>, Vec<f64>, f64)>,
}

/// Steps that are remembered.
const N_RECENT: usize = 12;

impl Memory for Recent {
    fn clear(&mut self) {
        self.steps.clear();
    }

    fn times(&self, g: &[f64]) -> Vec<f64> {
        let mut q = g.to_vec();
        let mut shares = Vec::with_capacity(self.steps.len());
        for (s, y, sy) in self.steps.iter().rev() {
            let share = dot(s, &q) / sy;
            q.iter_mut().zip(y).for_each(|(q, y)| *q -= share * y);
            shares.push(share);
        }
        if let Some((_, y, sy)) = self.steps.back() {
            let scale = sy / dot(y, y);
            q.iter_mut().for_each(|q| *q *= scale);
        }
        for ((s, y, sy), share) in self.steps.iter().zip(shares.iter().rev()) {
            let more = share - dot(y, &q) / sy;
            q.iter_mut().zip(s).for_each(|(q, s)| *q += more * s);
        }
        q
    }

    fn learn(&mut self, s: Vec<f64>, y: Vec<f64>) {
        if self.steps.len() == N_RECENT {
            self.steps.pop_front();
        }
        let sy = dot(&s, &y);
        self.steps.push_back((s, y, sy));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As long as nothing is forgotten, both are one matrix but for its start, which shows nowhere once the steps span the space.
    #[test]
    fn both_memories_learn_the_inverse_hessian_of_a_parabola() {
        let curvature = [1.0, 4.0, 0.5, 30.0];
        let (mut whole, mut recent) = (Whole::new(4), Recent::default());
        for k in 0..4 {
            let s: Vec<f64> = (0..4).map(|j| if j == k { 0.3 + k as f64 } else { 0.0 }).collect();
            let y: Vec<f64> = s.iter().zip(curvature).map(|(s, c)| s * c).collect();
            whole.learn(s.clone(), y.clone());
            recent.learn(s, y);
        }
        let g = [1.0, -2.0, 3.0, 0.5];
        for h in [whole.times(&g), recent.times(&g)] {
            (0..4).for_each(|j| assert!((h[j] - g[j] / curvature[j]).abs() < 1e-12, "{h:?}"));
        }
        recent.clear();
        assert_eq!(recent.times(&g), g);
    }
}
