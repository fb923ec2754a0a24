//! A mixture of two Gaussians fitted to 1000 points, with ordered means (posteriordb's low_dim_gauss_mix).

use gibbsite::math::slice;
use gibbsite::points::{Matrix, Points, Space, Support};
use gibbsite::scratch;

use super::posteriordb::{data, numbers, truths};
use super::{Evaluate, Target, Written};

/// `E = -sum_n log[theta N(y_n | mu_1, sigma_1) + (1 - theta) N(y_n | mu_2, sigma_2)] - 4 log theta - 4 log(1 - theta) +
/// sum_k (mu_k^2 + sigma_k^2) / 8`: priors N(0, 2), half-normal(2), Beta(5, 5). States (mu_1, delta, sigma_1, sigma_2,
/// theta) with mu_2 = mu_1 + delta, delta > 0, whose Jacobian is 1.
struct GaussMix {
    space: Space,
    y: Vec<Lanes>,
    /// Sums of 1, y and y^2.
    moments: [f64; 3],
}

/// Data points that are worked on side by side; sums over the data have this many parts.
const LANES: usize = 8;
type Lanes = [f64; LANES];

/// One component: log of its weight over its sd, its mean, 1 / sd.
#[derive(Clone, Copy)]
struct Component {
    log_factor: f64,
    mean: f64,
    inv_sd: f64,
}

impl Component {
    /// log of weight times density, without sqrt(2 pi).
    fn log(self, y: f64) -> f64 {
        let a = (y - self.mean) * self.inv_sd;
        self.log_factor - 0.5 * a * a
    }
}

/// The difference p - q of the logs of both components at every point, and minus its size; returns the sum of the larger.
fn gaps(y: &[Lanes], first: Component, second: Component, gap: &mut [f64], minus_size: &mut [f64]) -> f64 {
    let (gap, minus_size) = (gap.as_chunks_mut::<LANES>().0, minus_size.as_chunks_mut::<LANES>().0);
    let mut largest = [0.0; LANES];
    for (y, (gap, minus_size)) in y.iter().zip(gap.iter_mut().zip(minus_size)) {
        let (p, q) = (y.map(|y| first.log(y)), y.map(|y| second.log(y)));
        *gap = std::array::from_fn(|l| p[l] - q[l]);
        *minus_size = gap.map(|gap| -gap.abs());
        largest = std::array::from_fn(|l| largest[l] + if p[l] > q[l] { p[l] } else { q[l] });
    }
    largest.iter().sum()
}

/// Sum of log(1 + ratio), by logs of products: at most 1000 factors of at most 2 each.
fn sum_of_log_1p(ratio: &[f64]) -> f64 {
    let mut products = [1.0; LANES];
    for ratio in ratio.as_chunks::<LANES>().0 {
        products = std::array::from_fn(|l| products[l] * (1.0 + ratio[l]));
    }
    products.iter().map(|product: &f64| product.ln()).sum()
}

/// Sums of w, w y and w y^2 with w the share of component 1 in y.
fn shares_of_first(y: &[Lanes], gap: &[f64], ratio: &[f64]) -> [f64; 3] {
    let (gap, ratio) = (gap.as_chunks::<LANES>().0, ratio.as_chunks::<LANES>().0);
    let (mut w0, mut w1, mut w2) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
    for (y, (gap, ratio)) in y.iter().zip(gap.iter().zip(ratio)) {
        let w: Lanes = std::array::from_fn(|l| if gap[l] > 0.0 { 1.0 } else { ratio[l] } / (1.0 + ratio[l]));
        w0 = std::array::from_fn(|l| w0[l] + w[l]);
        w1 = std::array::from_fn(|l| w1[l] + w[l] * y[l]);
        w2 = std::array::from_fn(|l| w2[l] + w[l] * y[l] * y[l]);
    }
    [w0, w1, w2].map(|lanes| lanes.iter().sum())
}

impl GaussMix {
    fn one(&self, [mu, delta, sigma_1, sigma_2, theta]: [f64; 5], grad: Option<&mut [f64; 5]>) -> f64 {
        let n = self.y.len() * LANES;
        let mu_2 = mu + delta;
        let (log_theta, log_rest) = (theta.ln(), (-theta).ln_1p());
        let (inv_1, inv_2) = (1.0 / sigma_1, 1.0 / sigma_2);
        let first = Component { log_factor: log_theta - sigma_1.ln(), mean: mu, inv_sd: inv_1 };
        let second = Component { log_factor: log_rest - sigma_2.ln(), mean: mu_2, inv_sd: inv_2 };
        let mut shares = [0.0; 3];
        // log(exp p + exp q) = max(p, q) + log(1 + exp(-|p - q|)).
        let log_sum = scratch::with(3 * n, |buffer| {
            let (gap, rest) = buffer.split_at_mut(n);
            let (minus_size, ratio) = rest.split_at_mut(n);
            let largest = gaps(&self.y, first, second, gap, minus_size);
            slice::exp(minus_size, ratio);
            if grad.is_some() {
                shares = shares_of_first(&self.y, gap, ratio);
            }
            largest + sum_of_log_1p(ratio)
        });
        if let Some(grad) = grad {
            let others: [f64; 3] = std::array::from_fn(|k| self.moments[k] - shares[k]);
            // Standardised residuals and their squares, each times its share.
            let residuals = |[w, wy, wyy]: [f64; 3], mean: f64, inv_sd: f64| {
                ((wy - mean * w) * inv_sd, (wyy - 2.0 * mean * wy + mean * mean * w) * inv_sd * inv_sd)
            };
            let (w_a, w_aa) = residuals(shares, mu, inv_1);
            let (v_b, v_bb) = residuals(others, mu_2, inv_2);
            let grad_mu_2 = -v_b * inv_2 + 0.25 * mu_2;
            grad[0] = -w_a * inv_1 + 0.25 * mu + grad_mu_2;
            grad[1] = grad_mu_2;
            grad[2] = (shares[0] - w_aa) * inv_1 + 0.25 * sigma_1;
            grad[3] = (others[0] - v_bb) * inv_2 + 0.25 * sigma_2;
            grad[4] = (others[0] + 4.0) / (1.0 - theta) - (shares[0] + 4.0) / theta;
        }
        let squares = mu * mu + mu_2 * mu_2 + sigma_1 * sigma_1 + sigma_2 * sigma_2;
        0.125 * squares - log_sum - 4.0 * (log_theta + log_rest)
    }
}

impl Evaluate for GaussMix {
    fn space(&self) -> &Space {
        &self.space
    }

    fn evaluate(&self, x: &Points, e: &mut [f64], mut grad: Option<&mut Matrix<f64>>) {
        for (i, e) in e.iter_mut().enumerate() {
            let state = std::array::from_fn(|j| x.real.get(i, j));
            let mut slope = [0.0; 5];
            *e = self.one(state, grad.is_some().then_some(&mut slope));
            if let Some(grad) = grad.as_deref_mut() {
                (0..5).for_each(|j| grad.set(i, j, slope[j]));
            }
        }
    }
}

/// The posterior; nothing where the data are not there.
pub fn gauss_mix() -> Option<Target> {
    let y = numbers(&data("low_dim_gauss_mix")?, "y");
    let (lanes, rest) = y.as_chunks::<LANES>();
    // Products of up to 1000 factors of at most 2 stay finite.
    assert!(rest.is_empty() && lanes.len() <= 1000, "the 1000 points of posteriordb fill all lanes");
    let moments = [0, 1, 2].map(|k| y.iter().map(|y| y.powi(k)).sum());
    let positive = Support::Above(0.0);
    let space = super::named_space(&[
        ("mu[1]", Support::Real),
        ("delta", positive),
        ("sigma[1]", positive),
        ("sigma[2]", positive),
        ("theta", Support::Interval(0.0, 1.0)),
    ]);
    let names = space.names.clone();
    let truths = truths("low_dim_gauss_mix-low_dim_gauss_mix", |name| {
        let second = name == "mu[2]";
        let j = if second { 0 } else { names.iter().position(|n| n == name).expect("a coordinate") };
        move |x: &[f64]| if second { x[0] + x[1] } else { x[j] }
    });
    Some(Target::new("low_dim_gauss_mix", Written(GaussMix { space, y: lanes.to_vec(), moments }), truths))
}
