//! `gibbsite score`.

use std::path::PathBuf;

use clap::Args;

use super::data::{DATA_HELP, DataOptions};
use super::values;

/// Score rows by a model: log-density, surprise, p-value, anomaly yes or no
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
`surprise` ranks anomalies (larger is stranger). p-values are calibrated on held-out training rows. With --label \
the report has AUROC and AUPR.

Examples:
  gibbsite score faithful.gibbs new.csv --out scores.csv
  gibbsite score faithful.gibbs new.csv --label is_odd --fpr 0.05 --json")]
pub struct ScoreArgs {
    /// The model file that `fit` wrote (*.gibbs)
    #[arg(value_name = "MODEL", value_parser = values::path)]
    pub model: PathBuf,
    /// The data.
    #[arg(value_name = "DATA", help = DATA_HELP, value_parser = values::text)]
    pub data: String,
    /// Rate of false alarms: rows with a smaller p-value are anomalies
    #[arg(long, value_name = "RATE", default_value_t = 0.01, value_parser = values::rate)]
    pub fpr: f64,
    /// Say which columns make each anomaly strange
    #[arg(long)]
    pub explain: bool,
    /// Write row,energy,log_density,surprise,p_value,anomaly as CSV
    #[arg(long, value_name = "FILE", value_parser = values::path)]
    pub out: Option<PathBuf>,
    /// Columns and label.
    #[command(flatten)]
    pub data_options: DataOptions,
}
