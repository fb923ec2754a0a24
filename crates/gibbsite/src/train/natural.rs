//! Natural units of parameters: by how much the energy moves over the data when a parameter does. What depends on a length in
//! theta (difference steps, how far is far) takes it from here, so that no result depends on the units of the data.

use crate::energy::Parametric;
use crate::points::{Matrix, Points};

/// Data points that are looked at.
const MAX_POINTS: usize = 256;
/// A difference step moves the energy by this share of a nat (standard deviation over the data) ...
const SHARE: f64 = 1e-4;
/// ... and no statistic dE/dtheta by more than this share of itself.
const MAX_CHANGE: f64 = 1e-3;
/// Tenfold reductions of a step before it is given up: the whole range of the numbers.
const MAX_REDUCTIONS: usize = 640;

/// Natural units at one theta.
#[derive(Clone, Debug)]
pub struct Natural {
    /// Step for difference quotients, shape `(n_theta,)`.
    pub step: Vec<f64>,
    /// Relative change of the statistic dE/dtheta_k with theta_k, per unit of theta_k: 0 where E is linear in theta_k, 1 for
    /// `exp(theta_k)`.
    pub rate: Vec<f64>,
    /// Standard deviation of dE/dtheta_k over the data.
    pub sd: Vec<f64>,
}

/// A part of the data, evenly spread over the rows.
pub fn some_of(data: &Points) -> Points {
    let stride = data.n().div_ceil(MAX_POINTS).max(1);
    let rows: Vec<usize> = (0..data.n()).step_by(stride).collect();
    data.select(&rows)
}

/// The statistics at the energy's theta, shape `(n, n_theta)`.
fn statistics<E: Parametric + ?Sized>(energy: &E, x: &Points) -> Matrix<f64> {
    let mut f = Matrix::new(x.n(), energy.n_theta());
    energy.theta_features(x, &mut f);
    f
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// Root mean squares of the statistics dE/dtheta over `x`, shape `(n_theta,)`.
pub fn influence<E: Parametric + ?Sized>(energy: &E, x: &Points) -> Vec<f64> {
    let f = statistics(energy, x);
    (0..f.n_cols()).map(|k| norm(f.col(k)) / (x.n() as f64).sqrt()).collect()
}

/// Relative change from `a` to `b`: the largest over the statistics and, of statistic `k`, alone. Infinite when not finite.
fn change(a: &Matrix<f64>, b: &Matrix<f64>, k: usize) -> (f64, f64) {
    let relative = |l: usize| {
        let difference: Vec<f64> = a.col(l).iter().zip(b.col(l)).map(|(a, b)| a - b).collect();
        let (d, size) = (norm(&difference), norm(a.col(l)) + norm(b.col(l)));
        if d == 0.0 {
            0.0
        } else if (d / size).is_finite() {
            2.0 * d / size
        } else {
            f64::INFINITY
        }
    };
    ((0..a.n_cols()).map(relative).fold(0.0, f64::max), relative(k))
}

impl Natural {
    /// Looks at the energy at `theta` over the points `x`. The energy's theta is `theta` on return.
    pub fn at<E: Parametric + ?Sized>(energy: &mut E, x: &Points, theta: &[f64], free: &[bool]) -> Self {
        let p = theta.len();
        energy.set_theta(theta);
        let here = statistics(energy, x);
        let sd: Vec<f64> = (0..p).map(|k| sd(here.col(k))).collect();
        let (mut step, mut rate) = (vec![0.0; p], vec![0.0; p]);
        let mut moved = theta.to_vec();
        for k in (0..p).filter(|&k| free[k]) {
            let unit = if sd[k] > 0.0 { SHARE / sd[k] } else { SHARE * (1.0 + theta[k].abs()) };
            let least = 1e-14 * theta[k].abs();
            let mut h = unit.clamp(1e6 * least, f64::MAX / 16.0).max(f64::MIN_POSITIVE);
            for _ in 0..MAX_REDUCTIONS {
                moved[k] = theta[k] + h;
                energy.set_theta(&moved);
                let up = statistics(energy, x);
                moved[k] = theta[k] - h;
                energy.set_theta(&moved);
                let (all, own) = change(&up, &statistics(energy, x), k);
                rate[k] = own / (2.0 * h);
                if all <= MAX_CHANGE || 0.1 * h <= least {
                    break;
                }
                h *= if all < 0.3 { (0.9 * MAX_CHANGE / all).min(0.5) } else { 0.1 };
            }
            moved[k] = theta[k];
            step[k] = h;
        }
        energy.set_theta(theta);
        Self { step, rate, sd }
    }
}

fn sd(v: &[f64]) -> f64 {
    let n = v.len() as f64;
    let mean = v.iter().sum::<f64>() / n;
    let centred: Vec<f64> = v.iter().map(|v| v - mean).collect();
    norm(&centred) / n.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::formula::Formula;

    /// Of data in any units: the step of a linear parameter moves the energy by 1e-4, and no exponent moves by more than 1e-3.
    #[test]
    fn steps_follow_the_units_of_the_data() {
        for s in [1e-9, 1.0, 1e12] {
            let x = Points::from_real(Matrix::from_fn(100, 1, |i, _| s * (i as f64 - 40.0) / 30.0));
            let mut f = Formula::parse("a*x^2+exp(g)*x^4").unwrap();
            let theta = [0.3 / (s * s), (0.1 / s.powi(4)).ln()];
            let n = Natural::at(&mut f, &x, &theta, &[true; 2]);
            assert!((n.step[0] * n.sd[0] / 1e-4 - 1.0).abs() < 1e-9, "{s}: {n:?}");
            assert!(n.rate[0] == 0.0 && (n.rate[1] - 1.0).abs() < 1e-3, "{s}: {n:?}");
            assert!(n.step[1] < 1e-3 && n.step[1] > 1e-8, "{s}: {n:?}");
        }
        // A term that has vanished: the step comes down from 1e19 to where exp(g) still is a number.
        let x = Points::from_rows(&[[-1.0], [0.5], [2.0]]);
        let mut f = Formula::parse("exp(g)*x^4").unwrap();
        let n = Natural::at(&mut f, &x, &[-53.0], &[true]);
        assert!((1e-5..1e-3).contains(&n.step[0]) && (n.rate[0] - 1.0).abs() < 1e-3, "{n:?}");
    }
}
