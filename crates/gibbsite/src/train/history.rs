//! The course of a training, one row per epoch.

use std::io::{self, Write};

/// One epoch (of Newton's method: one iteration).
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// From 1.
    pub epoch: usize,
    /// Parameters at the end of the epoch, shape `(n_theta,)`.
    pub theta: Vec<f64>,
    /// The objective, where it has a value (NaN for contrastive training): nats per point for maximum likelihood.
    pub objective: f64,
    /// Mean energy of the training data, under the parameters at the end of the epoch.
    pub energy_data: f64,
    /// Mean energy of the samples (NaN for objectives without).
    pub energy_samples: f64,
    /// Mean acceptance probability of the chains.
    pub accept_prob: f64,
    /// Step size of the chains.
    pub step_size: f64,
    /// Learning rate at the end of the epoch.
    pub lr: f64,
    /// Mean log-likelihood of the held-out data, in nats (NaN without, or when log Z is not exact).
    pub valid: f64,
    /// Its standard error.
    pub valid_std_err: f64,
}

impl Row {
    /// Energy of the data less energy of the samples.
    pub fn gap(&self) -> f64 {
        self.energy_data - self.energy_samples
    }

    /// The numbers of the row after epoch and theta, in a fixed order.
    pub(super) fn numbers(&self) -> [f64; 8] {
        [
            self.objective,
            self.energy_data,
            self.energy_samples,
            self.accept_prob,
            self.step_size,
            self.lr,
            self.valid,
            self.valid_std_err,
        ]
    }

    pub(super) fn from_numbers(epoch: usize, theta: Vec<f64>, n: [f64; 8]) -> Self {
        let [objective, energy_data, energy_samples, accept_prob, step_size, lr, valid, valid_std_err] = n;
        Self { epoch, theta, objective, energy_data, energy_samples, accept_prob, step_size, lr, valid, valid_std_err }
    }
}

/// All rows, and the names of the parameters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// Parameter names.
    pub theta_names: Vec<String>,
    /// Rows, in order.
    pub rows: Vec<Row>,
}

impl History {
    /// CSV with a header: `epoch`, the parameters, `objective`, `energy_data`, `energy_samples`, `gap`, `accept_prob`,
    /// `step_size`, `lr`, `valid`, `valid_std_err`. Numbers are the shortest that read back the same; NaN is an empty field.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_csv(&self, out: &mut impl Write) -> io::Result<()> {
        write!(out, "epoch")?;
        for name in &self.theta_names {
            write!(out, ",{name}")?;
        }
        writeln!(out, ",objective,energy_data,energy_samples,gap,accept_prob,step_size,lr,valid,valid_std_err")?;
        for row in &self.rows {
            write!(out, "{}", row.epoch)?;
            let [objective, energy_data, energy_samples, rest @ ..] = row.numbers();
            let numbers =
                row.theta.iter().copied().chain([objective, energy_data, energy_samples, row.gap()]).chain(rest);
            for v in numbers {
                if v.is_nan() { write!(out, ",")? } else { write!(out, ",{v}")? }
            }
            writeln!(out)?;
        }
        Ok(())
    }
}
