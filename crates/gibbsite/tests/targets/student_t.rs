//! The multivariate Student t with 2 degrees of freedom in 5 dimensions: a mean but no variance.
//!
//! E = (nu + d)/2 log(1 + r^2/nu). A coordinate, and any projection, has distribution function 1/2 + x / (2 sqrt(2 + x^2)),
//! and r^2 / (r^2 + 2) is Beta(5/2, 1), so that P(r^2 < q) = (q / (q + 2))^(5/2).

use gibbsite::math::slice;
use gibbsite::points::{Matrix, Points, Space};
use gibbsite::scratch;

use super::{Evaluate, Target, Truth, Written, indicator};

const DIM: usize = 5;
const NU: f64 = 2.0;

struct StudentT(Space);

impl Evaluate for StudentT {
    fn space(&self) -> &Space {
        &self.0
    }

    fn evaluate(&self, x: &Points, e: &mut [f64], grad: Option<&mut Matrix<f64>>) {
        scratch::with(x.n(), |q| {
            q.fill(0.0);
            for j in 0..DIM {
                q.iter_mut().zip(x.real.col(j)).for_each(|(q, x)| *q += x * x / NU);
            }
            slice::ln_1p(q, e);
            e.iter_mut().for_each(|e| *e *= 0.5 * (NU + DIM as f64));
            if let Some(grad) = grad {
                for j in 0..DIM {
                    for (g, (x, q)) in grad.col_mut(j).iter_mut().zip(x.real.col(j).iter().zip(&*q)) {
                        *g = (NU + DIM as f64) / NU * x / (1.0 + q);
                    }
                }
            }
        });
    }
}

/// P(|projection| < a).
fn within(a: f64) -> f64 {
    a / (NU + a * a).sqrt()
}

fn beta(x: &[f64]) -> f64 {
    let q: f64 = x.iter().map(|x| x * x).sum();
    q / (q + NU)
}

/// The t; log Z = log of Gamma(nu/2) (nu pi)^(d/2) / Gamma((nu + d)/2).
pub fn student_t() -> Target {
    let mut truths = vec![
        Truth::exact("r^2 / (r^2 + 2)", beta, 5.0 / 7.0),
        Truth::exact("(r^2 / (r^2 + 2))^2", |x| beta(x).powi(2), 5.0 / 9.0),
        Truth::exact("P(r < 1)", |x| indicator(beta(x) < 1.0 / 3.0), (1f64 / 3.0).powf(2.5)),
        Truth::exact("P(r > 10)", |x| indicator(beta(x) > 100.0 / 102.0), 1.0 - (100f64 / 102.0).powf(2.5)),
        Truth::exact(
            "P(|x1 + ... + x5| < sqrt 5)",
            |x| indicator(x.iter().sum::<f64>().abs() < 5f64.sqrt()),
            within(1.0),
        ),
    ];
    for j in 0..DIM {
        let name = format!("x{}", j + 1);
        truths.push(Truth::exact(format!("P(|{name}| < 1)"), move |x| indicator(x[j].abs() < 1.0), within(1.0)));
        truths.push(Truth::exact(format!("P({name} > 5)"), move |x| indicator(x[j] > 5.0), 0.5 * (1.0 - within(5.0))));
        truths.push(Truth::exact(format!("P({name} > 0)"), move |x| indicator(x[j] > 0.0), 0.5));
    }
    let ln_gamma = gibbsite::diagnostics::ln_gamma;
    let d = DIM as f64;
    let log_z = ln_gamma(0.5 * NU) + 0.5 * d * (NU * std::f64::consts::PI).ln() - ln_gamma(0.5 * (NU + d));
    Target::new("student-t", Written(StudentT(Space::real(DIM))), truths).with_log_z(log_z)
}
