//! posteriordb's `low_dim_gauss_mix`: a mixture of two normals, `y ~ theta N(mu_1, sigma_1) + (1 - theta) N(mu_2, sigma_2)`
//! with `mu_1 < mu_2 ~ N(0, 2)`, `sigma ~ half-N(0, 2)`, `theta ~ Beta(5, 5)`.

use super::Target;
use gibbsite::math::{exp, ln, ln_1p};
use gibbsite::points::Matrix;

const DIM: usize = 5;
/// Factors `1 + e^-|d|`, at most 2 each, whose product is taken before its logarithm.
const FACTORS: usize = 512;

/// Coordinates `mu_1, ln(mu_2 - mu_1), ln sigma_1, ln sigma_2, logit theta`.
pub struct Mixture {
    y: Vec<f64>,
    /// Sums of y and of its square.
    moments: [f64; 2],
}

/// What the two components are at one point of parameters.
#[derive(Clone, Copy, Default)]
struct Components {
    mu: [f64; 2],
    gap: f64,
    variance: [f64; 2],
    theta: f64,
    /// `d(y) = log odds of the first component = odds[0] + y (odds[1] + y odds[2])`.
    odds: [f64; 3],
}

/// Sums over the data, with `r` the probability of the first component: of `ln(1 + e^d)`, `r`, `r y`, `r y^2`.
type Sums = [f64; 4];

impl Components {
    #[inline(always)]
    fn new(x: [f64; DIM]) -> Self {
        let gap = exp(x[1]);
        let mu = [x[0], x[0] + gap];
        let variance = [exp(2.0 * x[2]), exp(2.0 * x[3])];
        let half = [0.5 / variance[0], 0.5 / variance[1]];
        let odds = [
            x[4] - x[2] + x[3] + half[1] * mu[1] * mu[1] - half[0] * mu[0] * mu[0],
            2.0 * (half[0] * mu[0] - half[1] * mu[1]),
            half[1] - half[0],
        ];
        Self { mu, gap, variance, theta: 1.0 / (1.0 + exp(-x[4])), odds }
    }
}

/// Energy and gradient from the sums.
#[inline(always)]
fn assemble(x: [f64; DIM], c: &Components, sums: Sums, n: f64, moments: [f64; 2]) -> (f64, [f64; DIM]) {
    let Components { mu, gap, variance, theta, .. } = *c;
    let [log_sum, r0, r1, r2] = sums;
    // Weight, sum and sum of squares of the data in each component.
    let parts = [[r0, r1, r2], [n - r0, moments[0] - r1, moments[1] - r2]];
    let squares = |k: usize, [w, s, q]: [f64; 3]| q - 2.0 * mu[k] * s + mu[k] * mu[k] * w;
    let second = squares(1, [n, moments[0], moments[1]]);
    let log_rest = -if x[4] > 0.0 { x[4] + ln_1p(exp(-x[4])) } else { ln_1p(exp(x[4])) };
    let log_likelihood = log_sum + n * (log_rest - x[3]) - 0.5 * second / variance[1];
    // Priors with the logarithms of the Jacobians.
    let prior = -(mu[0] * mu[0] + mu[1] * mu[1] + variance[0] + variance[1]) / 8.0
        + 5.0 * (x[4] + 2.0 * log_rest)
        + x[1]
        + x[2]
        + x[3];
    let by_mu = |k: usize| (parts[k][1] - mu[k] * parts[k][0]) / variance[k] - mu[k] / 4.0;
    let by_log_sigma = |k: usize| squares(k, parts[k]) / variance[k] - parts[k][0] - variance[k] / 4.0 + 1.0;
    let grad = [
        by_mu(0) + by_mu(1),
        gap * by_mu(1) + 1.0,
        by_log_sigma(0),
        by_log_sigma(1),
        r0 - n * theta + 5.0 - 10.0 * theta,
    ];
    (log_likelihood + prior, grad)
}

impl Mixture {
    pub fn new(y: Vec<f64>) -> Self {
        let moments = [y.iter().sum(), y.iter().map(|y| y * y).sum()];
        Self { y, moments }
    }
}

/// Takes a datum into `product`, of the factors `1 + e^-|d|`, and into the sums, of which the first then lacks `ln product`.
#[inline(always)]
fn add(y: f64, odds: [f64; 3], product: &mut f64, sums: &mut [f64; 4]) {
    let d = y.mul_add(y.mul_add(odds[2], odds[1]), odds[0]);
    let z = exp(-d.abs());
    let inverse = 1.0 / (1.0 + z);
    let r = if d > 0.0 { inverse } else { z * inverse };
    *product *= 1.0 + z;
    sums[0] += if d > 0.0 { d } else { 0.0 };
    let ry = r * y;
    sums[1] += r;
    sums[2] += ry;
    sums[3] = ry.mul_add(y, sums[3]);
}

impl Target for Mixture {
    fn dim(&self) -> usize {
        DIM
    }

    fn batch(&self, x: &Matrix<f64>, e: &mut [f64], grad: &mut Matrix<f64>) {
        // The data fill vectors as well as the chains would.
        for (i, e) in e.iter_mut().enumerate() {
            let (value, g) = self.evaluate(std::array::from_fn(|j| x.get(i, j)));
            *e = -value;
            (0..DIM).for_each(|j| grad.set(i, j, -g[j]));
        }
    }

    #[inline]
    fn one(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        let (value, g) = self.evaluate(std::array::from_fn(|j| x[j]));
        grad.copy_from_slice(&g);
        value
    }
}

impl Mixture {
    /// `-E` and its gradient.
    #[inline(always)]
    fn evaluate(&self, x: [f64; DIM]) -> (f64, [f64; DIM]) {
        const LANES: usize = 8;
        let c = Components::new(x);
        let (mut by_lane, mut total) = ([[0.0f64; LANES]; 4], [0.0; 4]);
        for data in self.y.chunks(FACTORS * LANES) {
            let mut product = [1.0f64; LANES];
            let chunks = data.chunks_exact(LANES);
            let rest = chunks.remainder();
            for y in chunks {
                for l in 0..LANES {
                    let mut sums = [by_lane[0][l], by_lane[1][l], by_lane[2][l], by_lane[3][l]];
                    add(y[l], c.odds, &mut product[l], &mut sums);
                    (0..4).for_each(|s| by_lane[s][l] = sums[s]);
                }
            }
            rest.iter().for_each(|y| add(*y, c.odds, &mut product[0], &mut total));
            for p in product {
                total[0] += ln(p);
            }
        }
        for s in 0..4 {
            total[s] += by_lane[s].iter().sum::<f64>();
        }
        assemble(x, &c, total, self.y.len() as f64, self.moments)
    }
}
