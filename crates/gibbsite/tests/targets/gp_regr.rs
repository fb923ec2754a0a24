//! Gaussian-process regression on 11 points (posteriordb's gp_pois_regr-gp_regr).

use gibbsite::math::slice;
use gibbsite::points::{Matrix, Points, Space, Support};

use super::posteriordb::{data, numbers, truths};
use super::{Evaluate, Target, Written};

/// States that are factorised side by side.
const LANES: usize = 8;
type Lanes = [f64; LANES];

/// Data points.
const N: usize = 11;
/// Pairs of them.
const N_PAIRS: usize = N * (N - 1) / 2;

/// `E = log det K / 2 + y' K^-1 y / 2 + 4 rho - 24 log rho + alpha^2 / 8 + sigma^2 / 2`, states (rho, alpha, sigma), all
/// positive; `K_ij = alpha^2 exp(-(x_i - x_j)^2 / (2 rho^2)) + sigma [i = j]`.
struct GpRegr {
    space: Space,
    y: [f64; N],
    /// `(x_i - x_j)^2` for i > j, row after row.
    distance: [f64; N_PAIRS],
}

/// Where element (i, j), i >= j, of a lower triangle is.
fn at(i: usize, j: usize) -> usize {
    i * (i + 1) / 2 + j
}

/// `a - b c` in every lane.
fn minus(a: Lanes, b: Lanes, c: Lanes) -> Lanes {
    std::array::from_fn(|l| a[l] - b[l] * c[l])
}

impl GpRegr {
    /// The energies and gradients of [`LANES`] states.
    fn lanes(&self, [rho, alpha, sigma]: [Lanes; 3], grad: Option<&mut [Lanes; 3]>) -> Lanes {
        let zero = [0.0; LANES];
        // Cholesky factor L and its inverse; L^-1 y and K^-1 y.
        let (mut factor, mut inverse) = ([zero; N_PAIRS + N], [zero; N_PAIRS + N]);
        let (mut white, mut weights) = ([zero; N], [zero; N]);
        let (mut exponent, mut decay) = ([zero; N_PAIRS], [zero; N_PAIRS]);
        for (exponent, distance) in exponent.iter_mut().zip(&self.distance) {
            *exponent = rho.map(|rho| -0.5 * distance / (rho * rho));
        }
        slice::exp(exponent.as_flattened(), decay.as_flattened_mut());
        let covariance = |i: usize, j: usize| -> Lanes {
            let correlation = if i == j { [1.0; LANES] } else { decay[at(i, j) - i] };
            std::array::from_fn(|l| alpha[l] * alpha[l] * correlation[l])
        };
        let mut log_diagonal = [0.0; LANES];
        for i in 0..N {
            for j in 0..=i {
                let mut s = covariance(i, j);
                if i == j {
                    s.iter_mut().zip(&sigma).for_each(|(s, sigma)| *s += sigma);
                }
                for k in 0..j {
                    s = minus(s, factor[at(i, k)], factor[at(j, k)]);
                }
                factor[at(i, j)] = if i == j {
                    s.map(f64::sqrt)
                } else {
                    let pivot = factor[at(j, j)];
                    std::array::from_fn(|l| s[l] / pivot[l])
                };
            }
            let mut s = [self.y[i]; LANES];
            for k in 0..i {
                s = minus(s, factor[at(i, k)], white[k]);
            }
            let pivot = factor[at(i, i)];
            white[i] = std::array::from_fn(|l| s[l] / pivot[l]);
            log_diagonal.iter_mut().zip(&pivot).for_each(|(sum, pivot)| *sum += pivot.ln());
        }
        let mut e: Lanes = std::array::from_fn(|l| {
            let prior = 4.0 * rho[l] - 24.0 * rho[l].ln() + alpha[l] * alpha[l] / 8.0 + 0.5 * sigma[l] * sigma[l];
            log_diagonal[l] + prior
        });
        for white in &white {
            e = minus(e, *white, white.map(|w| -0.5 * w));
        }
        let Some(grad) = grad else { return e };

        for j in 0..N {
            for i in j..N {
                let mut s = if i == j { [1.0; LANES] } else { [0.0; LANES] };
                for k in j..i {
                    s = minus(s, factor[at(i, k)], inverse[at(k, j)]);
                }
                let pivot = factor[at(i, i)];
                inverse[at(i, j)] = std::array::from_fn(|l| s[l] / pivot[l]);
            }
        }
        // With a = K^-1 y and D = K^-1 - a a': dE/dt = tr(D dK/dt) / 2; all that is needed of D is its trace and what lies
        // off the diagonal.
        let (mut trace, mut fit) = ([0.0; LANES], [0.0; LANES]);
        for i in 0..N {
            let mut a = [0.0; LANES];
            for k in i..N {
                let m = inverse[at(k, i)];
                for l in 0..LANES {
                    a[l] += m[l] * white[k][l];
                    trace[l] += m[l] * m[l];
                }
            }
            weights[i] = a;
            for l in 0..LANES {
                trace[l] -= a[l] * a[l];
                fit[l] += a[l] * self.y[i];
            }
        }
        let mut stretch = [0.0; LANES];
        for i in 0..N {
            for j in 0..i {
                let mut d: Lanes = std::array::from_fn(|l| -weights[i][l] * weights[j][l]);
                for k in i..N {
                    let (a, b) = (inverse[at(k, i)], inverse[at(k, j)]);
                    (0..LANES).for_each(|l| d[l] += a[l] * b[l]);
                }
                let (k, distance) = (covariance(i, j), self.distance[at(i, j) - i]);
                (0..LANES).for_each(|l| stretch[l] += d[l] * k[l] * distance);
            }
        }
        for l in 0..LANES {
            grad[0][l] = stretch[l] / rho[l].powi(3) + 4.0 - 24.0 / rho[l];
            grad[1][l] = (N as f64 - fit[l] - sigma[l] * trace[l]) / alpha[l] + 0.25 * alpha[l];
            grad[2][l] = 0.5 * trace[l] + sigma[l];
        }
        e
    }
}

impl Evaluate for GpRegr {
    fn space(&self) -> &Space {
        &self.space
    }

    fn evaluate(&self, x: &Points, e: &mut [f64], mut grad: Option<&mut Matrix<f64>>) {
        for first in (0..x.n()).step_by(LANES) {
            // The last group repeats its last state.
            let row = |l: usize| (first + l).min(x.n() - 1);
            let state: [Lanes; 3] = std::array::from_fn(|j| std::array::from_fn(|l| x.real.get(row(l), j)));
            let mut slope = [[0.0; LANES]; 3];
            let energy = self.lanes(state, grad.is_some().then_some(&mut slope));
            for l in 0..LANES.min(x.n() - first) {
                e[first + l] = energy[l];
                if let Some(grad) = grad.as_deref_mut() {
                    (0..3).for_each(|j| grad.set(first + l, j, slope[j][l]));
                }
            }
        }
    }
}

/// The posterior; nothing where the data are not there.
pub fn gp_regr() -> Option<Target> {
    let data = data("gp_pois_regr")?;
    let (x, y) = (numbers(&data, "x"), numbers(&data, "y"));
    let y = <[f64; N]>::try_from(y).expect("11 points");
    let pairs = (0..N).flat_map(|i| (0..i).map(move |j| (i, j)));
    let distances: Vec<f64> = pairs.map(|(i, j)| (x[i] - x[j]).powi(2)).collect();
    let distance = distances.try_into().expect("55 pairs");
    let positive = Support::Above(0.0);
    let space = super::named_space(&[("rho", positive), ("alpha", positive), ("sigma", positive)]);
    let names = space.names.clone();
    let truths = truths("gp_pois_regr-gp_regr", |name| {
        let j = names.iter().position(|n| n == name).unwrap_or_else(|| panic!("no coordinate `{name}`"));
        move |x: &[f64]| x[j]
    });
    Some(Target::new("gp_regr", Written(GpRegr { space, y, distance }), truths))
}
