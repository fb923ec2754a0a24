//! Two Gaussians of unit sd in 4 dimensions, 20 standard deviations apart along x1: weight 0.3 at -10 and 0.7 at +10.

use gibbsite::math::slice;
use gibbsite::points::{Matrix, Points, Space};
use gibbsite::scratch;

use super::{Evaluate, Target, Truth, Written, normal_cdf};

const DIM: usize = 4;
const CENTRE: f64 = 10.0;
const RIGHT: f64 = 0.7;

/// E = |x - m|^2 / 2 - softplus(log(0.3/0.7) - 20 x1) - log 0.7 + (d/2) log(2 pi), m = (10, 0, 0, 0): normalised.
struct Bimodal {
    space: Space,
    constant: f64,
}

impl Evaluate for Bimodal {
    fn space(&self) -> &Space {
        &self.space
    }

    fn evaluate(&self, x: &Points, e: &mut [f64], grad: Option<&mut Matrix<f64>>) {
        let n = x.n();
        let log_odds = ((1.0 - RIGHT) / RIGHT).ln();
        scratch::with(2 * n, |buffer| {
            let (t, left) = buffer.split_at_mut(n);
            t.iter_mut().zip(x.real.col(0)).for_each(|(t, x)| *t = log_odds - 2.0 * CENTRE * x);
            slice::softplus(t, e);
            e.iter_mut().zip(x.real.col(0)).for_each(|(e, x)| *e = 0.5 * (x - CENTRE).powi(2) - *e + self.constant);
            for j in 1..DIM {
                e.iter_mut().zip(x.real.col(j)).for_each(|(e, x)| *e += 0.5 * x * x);
            }
            if let Some(grad) = grad {
                slice::logistic(t, left);
                for (g, (x, left)) in grad.col_mut(0).iter_mut().zip(x.real.col(0).iter().zip(&*left)) {
                    *g = x - CENTRE + 2.0 * CENTRE * left;
                }
                for j in 1..DIM {
                    grad.col_mut(j).copy_from_slice(x.real.col(j));
                }
            }
        });
    }
}

/// The pair; log Z is 0; mode 0 is the left one. P(x1 > 0) differs from 0.7 by 4e-24.
pub fn bimodal() -> Target {
    let constant = 0.5 * DIM as f64 * (2.0 * std::f64::consts::PI).ln() - RIGHT.ln();
    let energy = Bimodal { space: Space::real(DIM), constant };
    let mut truths = vec![
        Truth::exact("x1", |x| x[0], CENTRE * (2.0 * RIGHT - 1.0)),
        Truth::exact("x1^2", |x| x[0] * x[0], CENTRE * CENTRE + 1.0),
        Truth::exact("variance of x1 in its mode", |x| (x[0].abs() - CENTRE).powi(2), 1.0),
        Truth::exact("P(x1 > 11)", |x| super::indicator(x[0] > 11.0), RIGHT * normal_cdf(-1.0)),
    ];
    for j in 1..DIM {
        truths.push(Truth::exact(format!("x{}", j + 1), move |x| x[j], 0.0));
        truths.push(Truth::exact(format!("x{}^2", j + 1), move |x| x[j] * x[j], 1.0));
    }
    Target::new("bimodal", Written(energy), truths)
        .with_log_z(0.0)
        .with_modes(vec![1.0 - RIGHT, RIGHT], |x| usize::from(x[0] > 0.0))
}
