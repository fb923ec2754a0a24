//! How long a stochastic training remembers: its relaxation times decide what an average of its iterates is worth.
//!
//! Near the optimum an update is `theta -= D (I (theta - theta*) + noise)`, with the Fisher information I and the step D per
//! unit of gradient, so the slowest direction relaxes as `exp(-t lambda)`, lambda the least eigenvalue of `D^1/2 I D^1/2`.
//! Summed over a window of weight `sum D`, the same equation says how far its mean still is from theta*:
//! `I^-1 D^-1 (theta_end - theta_start) / T`, up to the noise of the gradients (Polyak and Juditsky 1992).

use faer::{Mat, Side};

use super::dense::Correlation;
use super::history::Row;
use super::mcse::{batches_of, mcse, quantile_ratio};
use crate::points::Matrix;

/// Relaxation times that an average must hold for its error to be taken from its own spread alone.
pub(super) const ENOUGH: f64 = 20.0;
/// Share of the largest eigenvalue below which a direction counts as redundant.
const RANK: f64 = 1e-10;

/// How an update answers to a gradient, for a learning rate of 1.
pub(super) enum Response {
    /// In whitened parameters: all directions alike, with rate 1.
    Whitened,
    /// By coordinate: the step per unit of gradient, and the information of one data point.
    Coordinates { step: Vec<f64>, information: Matrix<f64> },
}

impl Response {
    /// Relaxation times of the slowest direction per unit of summed learning rate; NaN if the information is not finite.
    pub(super) fn slowest(&self) -> f64 {
        let Self::Coordinates { step, information } = self else { return 1.0 };
        let rows: Vec<usize> = (0..step.len()).filter(|&k| information.get(k, k) > 0.0).collect();
        let n = rows.len();
        let m = Mat::from_fn(n, n, |i, j| (step[rows[i]] * step[rows[j]]).sqrt() * information.get(rows[i], rows[j]));
        let Ok(values) = m.self_adjoint_eigenvalues(Side::Lower) else { return f64::NAN };
        let top = values.iter().copied().fold(0.0, f64::max);
        values.into_iter().filter(|v| *v > RANK * top).fold(f64::NAN, f64::min)
    }

    /// How far the mean of a window is from the optimum, up to noise: `moved = theta_end - theta_start`, `weight` the summed
    /// learning rate.
    pub(super) fn to_go(&self, moved: &[f64], weight: f64) -> Vec<f64> {
        match self {
            Self::Whitened => moved.iter().map(|m| m / weight).collect(),
            Self::Coordinates { step, information } => {
                let rate: Vec<f64> = moved.iter().zip(step).map(|(m, s)| m / (s * weight)).collect();
                Correlation::new(information, 0.0).map_or_else(|| vec![f64::NAN; moved.len()], |c| c.solve(&rate))
            }
        }
    }
}

/// The epochs that are averaged: those after half of the summed learning rate is spent, weighed by their rates, so that
/// epochs of a decaying rate count for the time they stand for.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// First epoch, from 0.
    pub(super) first: usize,
    /// Weight of each epoch from there on; they sum to 1.
    pub(super) weights: Vec<f64>,
    /// Summed learning rate of the updates in it.
    pub(super) lr: f64,
}

impl Window {
    /// `per_epoch` is the number of (full) updates of an epoch.
    pub(super) fn of(rows: &[Row], per_epoch: f64) -> Self {
        let total: f64 = rows.iter().map(|r| r.lr).sum();
        let mut spent = 0.0;
        let mut first = 0;
        while first + 1 < rows.len() && spent < 0.5 * total * (1.0 - 1e-9) {
            spent += rows[first].lr;
            first += 1;
        }
        let lr: Vec<f64> = rows[first..].iter().map(|r| r.lr).collect();
        let sum: f64 = lr.iter().sum();
        Self { first, weights: lr.iter().map(|v| v / sum).collect(), lr: sum * per_epoch }
    }

    /// Weighted mean of one value for each epoch of the window.
    pub(super) fn mean(&self, x: &[f64]) -> f64 {
        x.iter().zip(&self.weights).map(|(x, w)| x * w).sum()
    }

    /// Standard error of [`Window::mean`], given how many relaxation times the window holds.
    pub(super) fn mcse(&self, x: &[f64], relaxations: f64) -> f64 {
        let even = self.evenly(x);
        let raw = mcse(&even);
        let sd = self.sd(x);
        if raw.is_nan() || sd == 0.0 {
            return raw;
        }
        // Two relaxation times make one independent value; an autocorrelation seen in the series may say that there are less.
        let batches = (0.5 * relaxations).min(batches_of(sd, raw));
        let of_process = sd * (2.0 / relaxations).sqrt().max(1.0 / (x.len() as f64).sqrt());
        let wide = if batches < 0.5 * ENOUGH { quantile_ratio(batches - 1.0) } else { 1.0 };
        wide * raw.max(of_process.min(sd))
    }

    /// Weighted standard deviation over the epochs.
    pub(super) fn sd(&self, x: &[f64]) -> f64 {
        let m = self.mean(x);
        x.iter().zip(&self.weights).map(|(x, w)| w * (x - m).powi(2)).sum::<f64>().sqrt()
    }

    /// The series at as many points, evenly spread over the summed learning rate.
    pub(super) fn evenly(&self, x: &[f64]) -> Vec<f64> {
        let n = x.len();
        let (mut at, mut end) = (0, self.weights[0]);
        (0..n)
            .map(|i| {
                let t = (i as f64 + 0.5) / n as f64;
                while at + 1 < n && end < t {
                    at += 1;
                    end += self.weights[at];
                }
                x[at]
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Run, Streams};

    fn row(epoch: usize, lr: f64) -> Row {
        let nan = f64::NAN;
        let (objective, energy_data, energy_samples, accept_prob, step_size) = (nan, nan, nan, nan, nan);
        Row {
            epoch,
            theta: vec![],
            objective,
            energy_data,
            energy_samples,
            accept_prob,
            step_size,
            lr,
            valid: nan,
            valid_std_err: nan,
        }
    }

    #[test]
    fn windows_hold_half_of_the_rate() {
        let rows: Vec<Row> = (0..10).map(|e| row(e, 0.1)).collect();
        let w = Window::of(&rows, 20.0);
        assert_eq!((w.first, w.weights.len()), (5, 5));
        assert!((w.lr - 10.0).abs() < 1e-12);
        let rows: Vec<Row> = (0..10).map(|e| row(e, 0.5f64.powi(e as i32))).collect();
        assert_eq!(Window::of(&rows, 1.0).first, 1);
    }

    /// The rms of (mean - truth) / mcse over many AR(1) series is about 1, however few relaxation times they hold.
    #[test]
    fn errors_hold_for_short_windows() {
        for relaxations in [4.0, 10.0, 40.0] {
            let (n, chains) = (50, 400);
            let rho = (-relaxations / n as f64).exp();
            let mut rng = Streams::new(3, Run::Probe);
            let mut x = vec![vec![0.0; n]; chains];
            for t in 0..n {
                let xi = rng.normals(Purpose::Proposal, chains, 1);
                for (c, x) in x.iter_mut().enumerate() {
                    let xi = f64::from(xi.col(0)[c]);
                    x[t] = if t == 0 { xi } else { rho * x[t - 1] + (1.0 - rho * rho).sqrt() * xi };
                }
                rng.advance();
            }
            let rows: Vec<Row> = (0..2 * n).map(|e| row(e, 1.0)).collect();
            let w = Window::of(&rows, relaxations / n as f64);
            let z = x.iter().map(|x| w.mean(x) / w.mcse(x, w.lr).hypot((x[n - 1] - x[0]) / relaxations));
            let rms = (z.map(|z| z * z).sum::<f64>() / chains as f64).sqrt();
            println!("{relaxations}: rms z {rms:.2}");
            assert!((0.15..1.2).contains(&rms), "{relaxations}: {rms}");
        }
    }

    /// Two directions of rates 2 and 0.5 under different steps.
    #[test]
    fn the_slowest_direction_counts() {
        let information = Matrix::from_columns(2, 2, vec![2.0, 0.0, 0.0, 0.5]);
        let response = Response::Coordinates { step: vec![1.0, 3.0], information };
        assert!((response.slowest() - 1.5).abs() < 1e-12);
        let to_go = response.to_go(&[1.0, 3.0], 10.0);
        assert!((to_go[0] - 0.05).abs() < 1e-12 && (to_go[1] - 0.2).abs() < 1e-12, "{to_go:?}");
    }
}
