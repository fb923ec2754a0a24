//! Labels that are independent of each other: the base of annealed estimates, with known log Z and exact draws.

use super::{Discrete, Energy, Tractable};
use crate::points::{Matrix, Points, Space, Values};
use crate::rng::{Purpose, Streams};

/// `E(x) = -sum_s log p_s(x_s)`, normalised: log Z is 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Independent {
    space: Space,
    weights: Vec<f64>,
    /// log p of each site and value, one site after the other.
    log_p: Vec<f64>,
    first: Vec<usize>,
    blocks: Vec<Vec<usize>>,
}

impl Independent {
    /// Labels of `space` with these probabilities, up to a factor for each label, one label after the other.
    ///
    /// # Panics
    /// For real coordinates, another number of weights than the labels have values, and weights that are not positive and finite.
    pub fn new(space: Space, weights: &[f64]) -> Self {
        assert_eq!(space.dim(), 0, "independent labels have no real coordinates");
        let mut first = vec![0];
        space.labels.iter().for_each(|v| first.push(first[first.len() - 1] + v.arity()));
        assert_eq!(weights.len(), first[first.len() - 1], "one weight for each value of each label");
        assert!(weights.iter().all(|w| *w > 0.0 && w.is_finite()), "weights must be positive and finite");
        let mut log_p = Vec::with_capacity(weights.len());
        for range in first.windows(2) {
            let weights = &weights[range[0]..range[1]];
            let sum: f64 = weights.iter().sum();
            log_p.extend(weights.iter().map(|w| (w / sum).ln()));
        }
        let blocks = vec![(0..space.labels.len()).collect()];
        Self { space, weights: weights.to_vec(), log_p, first, blocks }
    }

    /// All values alike.
    pub fn uniform(space: Space) -> Self {
        let n = space.labels.iter().map(Values::arity).sum();
        Self::new(space, &vec![1.0; n])
    }

    /// As often as in `x`, each value once more than it is there.
    pub fn of_data(space: Space, x: &Matrix<u8>) -> Self {
        let mut weights = Vec::new();
        for (j, values) in space.labels.iter().enumerate() {
            let first = weights.len();
            weights.resize(first + values.arity(), 1.0);
            x.col(j).iter().for_each(|label| weights[first + usize::from(*label)] += 1.0);
        }
        Self::new(space, &weights)
    }

    /// The weights it was made of.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// log p of each value of a label.
    pub fn log_p(&self, site: usize) -> &[f64] {
        &self.log_p[self.first[site]..self.first[site + 1]]
    }
}

impl Energy for Independent {
    fn space(&self) -> &Space {
        &self.space
    }

    fn energy(&self, x: &Points, out: &mut [f64]) {
        out.fill(0.0);
        for site in 0..self.space.labels.len() {
            let log_p = self.log_p(site);
            for (out, label) in out.iter_mut().zip(x.label.col(site)) {
                *out -= log_p[usize::from(*label)];
            }
        }
    }
}

super::no_gradient!(Independent);

impl Discrete for Independent {
    fn blocks(&self) -> &[Vec<usize>] {
        &self.blocks
    }

    fn logits(&self, _: &Points, sites: &[usize], out: &mut Matrix<f64>) {
        let mut k = 0;
        for &site in sites {
            let log_p = self.log_p(site);
            for log_q in &log_p[1..] {
                out.col_mut(k).fill(log_q - log_p[0]);
                k += 1;
            }
        }
    }
}

impl Tractable for Independent {
    fn log_z(&self) -> f64 {
        0.0
    }

    fn sample(&self, n: usize, rng: &mut Streams) -> Points {
        let mut x = Points::from_labels(Matrix::new(n, self.space.labels.len()));
        self.sample_into(&mut x, rng);
        x
    }

    fn sample_into(&self, x: &mut Points, rng: &mut Streams) {
        let (n, d) = (x.n(), self.space.labels.len());
        let u = rng.uniforms(Purpose::Init, n, d);
        for site in 0..d {
            let log_p = self.log_p(site);
            for (label, u) in x.label.col_mut(site).iter_mut().zip(u.col(site)) {
                let mut left = *u;
                let last = log_p.len() - 1;
                *label = (0..last)
                    .find(|v| {
                        left -= log_p[*v].exp();
                        left < 0.0
                    })
                    .unwrap_or(last) as u8;
            }
        }
    }
}
