//! Three linear regressions of posteriordb, y_n ~ N(X_n beta, sigma): an autoregression of order 5 (arK), child's test score
//! on mother's (kidiq, Gelman and Hill 2007, chapter 3), and a synthetic one (sblrc). They differ in X and in the priors.

use faer::prelude::Solve;
use faer::{Mat, Side};
use gibbsite::points::{Matrix, Points, Space, Support};

use super::posteriordb::{data, numbers, truths};
use super::{Evaluate, Target, Written};

/// Room for coefficients of one state.
const MAX_DIM: usize = 8;

/// The prior of sigma > 0.
#[derive(Clone, Copy)]
enum Scale {
    HalfCauchy(f64),
    HalfNormal(f64),
}

impl Scale {
    /// -log density and its derivative.
    fn energy(self, sigma: f64) -> (f64, f64) {
        match self {
            Scale::HalfCauchy(s) => ((sigma / s).powi(2).ln_1p(), 2.0 * sigma / (s * s + sigma * sigma)),
            Scale::HalfNormal(s) => (0.5 * (sigma / s).powi(2), sigma / (s * s)),
        }
    }
}

/// `E = N log sigma + |y - X beta|^2 / (2 sigma^2) + |beta|^2 / (2 s^2) + prior of sigma`, states (beta, sigma).
///
/// The sum of squares comes from sufficient statistics about a fixed b near the least squares, which loses no digits:
/// `|y - X beta|^2 = |r|^2 - 2 (X' r)' (beta - b) + (beta - b)' X'X (beta - b)`, `r = y - X b`.
struct Regression {
    space: Space,
    n_data: f64,
    b: Vec<f64>,
    gram: Vec<Vec<f64>>,
    x_r: Vec<f64>,
    r_r: f64,
    /// 1/s^2; 0 for the flat prior.
    prior_precision: f64,
    scale: Scale,
}

impl Regression {
    /// From the columns of X.
    fn new(names: &[&str], columns: &[Vec<f64>], y: &[f64], prior_precision: f64, scale: Scale) -> Self {
        let d = columns.len();
        assert!(d <= MAX_DIM && names.len() == d, "at most {MAX_DIM} coefficients");
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let gram: Vec<Vec<f64>> = columns.iter().map(|a| columns.iter().map(|b| dot(a, b)).collect()).collect();
        let factor = Mat::from_fn(d, d, |i, j| gram[i][j]).llt(Side::Lower).expect("columns are independent");
        let solution = factor.solve(Mat::from_fn(d, 1, |i, _| dot(&columns[i], y)));
        let b: Vec<f64> = (0..d).map(|i| solution[(i, 0)]).collect();
        let r: Vec<f64> = (0..y.len()).map(|n| y[n] - (0..d).map(|k| b[k] * columns[k][n]).sum::<f64>()).collect();
        let mut coordinates: Vec<(&str, Support)> = names.iter().map(|n| (*n, Support::Real)).collect();
        coordinates.push(("sigma", Support::Above(0.0)));
        let space = super::named_space(&coordinates);
        let x_r = columns.iter().map(|a| dot(a, &r)).collect();
        Self { space, n_data: y.len() as f64, b, gram, x_r, r_r: dot(&r, &r), prior_precision, scale }
    }
}

impl Evaluate for Regression {
    fn space(&self) -> &Space {
        &self.space
    }

    fn evaluate(&self, x: &Points, e: &mut [f64], mut grad: Option<&mut Matrix<f64>>) {
        let d = self.b.len();
        let (mut beta, mut from_b, mut half_slope) = ([0.0; MAX_DIM], [0.0; MAX_DIM], [0.0; MAX_DIM]);
        for (i, e) in e.iter_mut().enumerate() {
            let sigma = x.real.get(i, d);
            for k in 0..d {
                beta[k] = x.real.get(i, k);
                from_b[k] = beta[k] - self.b[k];
            }
            let (mut squares, mut prior) = (self.r_r, 0.0);
            for k in 0..d {
                let image: f64 = self.gram[k].iter().zip(&from_b).map(|(g, b)| g * b).sum();
                half_slope[k] = image - self.x_r[k];
                squares += from_b[k] * (image - 2.0 * self.x_r[k]);
                prior += 0.5 * self.prior_precision * beta[k] * beta[k];
            }
            let precision = 1.0 / (sigma * sigma);
            let (scale, scale_slope) = self.scale.energy(sigma);
            *e = self.n_data * sigma.ln() + 0.5 * precision * squares + prior + scale;
            if let Some(grad) = grad.as_deref_mut() {
                for k in 0..d {
                    grad.set(i, k, precision * half_slope[k] + self.prior_precision * beta[k]);
                }
                grad.set(i, d, (self.n_data - precision * squares) / sigma + scale_slope);
            }
        }
    }
}

/// The target whose coordinates are the quantities of the reference: coefficients, then sigma.
fn target(name: &'static str, posterior: &str, model: Regression) -> Target {
    let names = model.space.names.clone();
    let truths = truths(posterior, |name| {
        let j = names.iter().position(|n| n == name).unwrap_or_else(|| panic!("no coordinate `{name}`"));
        move |x: &[f64]| x[j]
    });
    Target::new(name, Written(model), truths)
}

const BETA: [&str; 5] = ["beta[1]", "beta[2]", "beta[3]", "beta[4]", "beta[5]"];

/// arK: y_t ~ N(alpha + sum_k beta_k y_(t-k), sigma), priors N(0, 10) and half-Cauchy(2.5).
pub fn ar_k() -> Option<Target> {
    let data = data("arK")?;
    let y = numbers(&data, "y");
    let order = data["K"].as_u64().expect("`K` is a number") as usize;
    let mut columns = vec![vec![1.0; y.len() - order]];
    columns.extend((1..=order).map(|k| y[order - k..y.len() - k].to_vec()));
    let names: Vec<&str> = std::iter::once("alpha").chain(BETA).collect();
    let model = Regression::new(&names, &columns, &y[order..], 0.01, Scale::HalfCauchy(2.5));
    Some(target("arK", "arK-arK", model))
}

/// kidiq: kid_score ~ N(beta_1 + beta_2 mom_iq, sigma), flat prior of beta, half-Cauchy(2.5). The coefficients have
/// correlation -0.99.
pub fn kidiq() -> Option<Target> {
    let data = data("kidiq")?;
    let (y, iq) = (numbers(&data, "kid_score"), numbers(&data, "mom_iq"));
    let model = Regression::new(&BETA[..2], &[vec![1.0; y.len()], iq], &y, 0.0, Scale::HalfCauchy(2.5));
    Some(target("kidiq", "kidiq-kidscore_momiq", model))
}

/// sblrc: y ~ N(X beta, sigma), priors N(0, 10) and half-normal(10).
pub fn sblrc() -> Option<Target> {
    let data = data("sblrc")?;
    let y = numbers(&data, "y");
    let rows = data["X"].as_array().expect("`X` is a list of rows");
    let columns: Vec<Vec<f64>> =
        (0..BETA.len()).map(|k| rows.iter().map(|row| row[k].as_f64().expect("a number")).collect()).collect();
    let model = Regression::new(&BETA, &columns, &y, 0.01, Scale::HalfNormal(10.0));
    Some(target("sblrc", "sblrc-blr", model))
}
