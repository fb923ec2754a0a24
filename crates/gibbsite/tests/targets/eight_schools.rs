//! Eight schools, non-centred (Rubin 1981; Gelman et al., Bayesian Data Analysis, section 5.5): theta_j = mu + tau t_j.

use gibbsite::math::slice;
use gibbsite::points::{Matrix, Points, Space, Support};

use super::posteriordb::{data, index, numbers, truths};
use super::{Evaluate, Target, Written};

/// `E = sum_j [t_j^2 / 2 + (y_j - mu - tau t_j)^2 / (2 sigma_j^2)] + mu^2 / 50 + log(1 + tau^2 / 25)`, states
/// (t_1, ..., t_J, mu, tau), tau > 0.
struct EightSchools {
    space: Space,
    y: Vec<f64>,
    sigma: Vec<f64>,
}

impl Evaluate for EightSchools {
    fn space(&self) -> &Space {
        &self.space
    }

    fn evaluate(&self, x: &Points, e: &mut [f64], mut grad: Option<&mut Matrix<f64>>) {
        let (n, n_schools) = (x.n(), self.y.len());
        let (mu, tau) = (x.real.col(n_schools), x.real.col(n_schools + 1));
        e.iter_mut().zip(tau).for_each(|(e, tau)| *e = tau * tau / 25.0);
        gibbsite::scratch::with(n, |prior| {
            slice::ln_1p(e, prior);
            for i in 0..n {
                e[i] = prior[i] + mu[i] * mu[i] / 50.0;
            }
        });
        if let Some(grad) = grad.as_deref_mut() {
            for i in 0..n {
                grad.set(i, n_schools, mu[i] / 25.0);
                grad.set(i, n_schools + 1, 2.0 * tau[i] / (25.0 + tau[i] * tau[i]));
            }
        }
        for (j, (y, sigma)) in self.y.iter().zip(&self.sigma).enumerate() {
            let precision = 1.0 / (sigma * sigma);
            let t = x.real.col(j);
            for i in 0..n {
                let residual = y - mu[i] - tau[i] * t[i];
                e[i] += 0.5 * (t[i] * t[i] + residual * residual * precision);
            }
            if let Some(grad) = grad.as_deref_mut() {
                let (schools, hyper) = grad.as_mut_slice().split_at_mut(n_schools * n);
                let (grad_mu, grad_tau) = hyper.split_at_mut(n);
                let grad_t = &mut schools[j * n..][..n];
                for i in 0..n {
                    let pull = (y - mu[i] - tau[i] * t[i]) * precision;
                    grad_t[i] = t[i] - tau[i] * pull;
                    grad_mu[i] -= pull;
                    grad_tau[i] -= t[i] * pull;
                }
            }
        }
    }
}

/// The posterior; nothing where the data are not there.
pub fn eight_schools() -> Option<Target> {
    let data = data("eight_schools")?;
    let (y, sigma) = (numbers(&data, "y"), numbers(&data, "sigma"));
    let n_schools = y.len();
    let names: Vec<String> = (1..=n_schools).map(|j| format!("t[{j}]")).collect();
    let mut coordinates: Vec<(&str, Support)> = names.iter().map(|n| (n.as_str(), Support::Real)).collect();
    coordinates.extend([("mu", Support::Real), ("tau", Support::Above(0.0))]);
    let space = super::named_space(&coordinates);
    let truths = truths("eight_schools-eight_schools_noncentered", |name| {
        let school = index(name);
        let other = if name == "tau" { n_schools + 1 } else { n_schools };
        move |x: &[f64]| match school {
            Some(j) => x[n_schools] + x[n_schools + 1] * x[j],
            None => x[other],
        }
    });
    Some(Target::new("eight_schools", Written(EightSchools { space, y, sigma }), truths))
}
