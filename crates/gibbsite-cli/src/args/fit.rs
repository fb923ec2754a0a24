//! `gibbsite fit`.

use std::path::PathBuf;

use clap::Args;

use super::data::{DATA_HELP, DataOptions};
use super::energy::EnergyOptions;
use super::{names, values};

/// Learn an energy from data
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
With a formula (--energy), its parameters are learned in the units of the data, with standard errors \
(theta_std_err) and, for stochastic objectives, Monte-Carlo errors (theta_mcse). auto is exact maximum \
likelihood when Z is exact. A parameter that --param sets is held fixed. data.csv here is what the first example \
of `gibbsite sample` writes.

Examples:
  gibbsite fit data.csv --columns x1 --energy \"a*x^2+b*x+exp(g)*x^4\" --out m.gibbs
  gibbsite fit data.csv --columns x1 --energy \"a*x^2+x^4\" --objective pcd --epochs 50 --out p.gibbs")]
pub struct FitArgs {
    /// The data.
    #[arg(value_name = "DATA", help = DATA_HELP, value_parser = values::text)]
    pub data: String,
    /// The energy to learn: a formula with free parameters, or a name
    #[arg(help_heading = "The energy", long, value_name = "ENERGY", value_parser = values::text)]
    pub energy: String,
    /// Starting values, like a=1,b=0
    #[arg(help_heading = "The parameters of a formula", long, value_name = "NAME=VALUE,..", value_parser = values::assignment, value_delimiter = ',')]
    pub init: Vec<(String, f64)>,
    /// Parameters that must stay above zero
    #[arg(help_heading = "The parameters of a formula", long, value_name = "NAME,..", value_parser = values::text, value_delimiter = ',')]
    pub positive: Vec<String>,
    /// Objective; auto is exact maximum likelihood when Z is exact (see `gibbsite objectives`)
    #[arg(help_heading = "Learning", long, value_name = "NAME", default_value = "auto", value_parser = names::OBJECTIVES)]
    pub objective: String,
    /// Passes over the data [default: chosen for the objective]
    #[arg(help_heading = "Learning", long, value_name = "N", value_parser = values::count)]
    pub epochs: Option<usize>,
    /// Rows of one update [default: chosen for the data]
    #[arg(help_heading = "Learning", long, value_name = "N", value_parser = values::count)]
    pub batch: Option<usize>,
    /// Learning rate [default: chosen for the optimiser]
    #[arg(help_heading = "Learning", long, value_name = "X", value_parser = values::positive)]
    pub lr: Option<f64>,
    /// Optimiser of stochastic objectives [default: sgd on parameters whitened by their Fisher information]
    #[arg(help_heading = "Learning", long, value_name = "NAME", value_parser = names::OPTIMIZERS)]
    pub optimizer: Option<String>,
    /// How the learning rate falls over the epochs
    #[arg(help_heading = "Learning", long, value_name = "NAME", default_value = "constant", value_parser = names::DECAYS)]
    pub lr_decay: String,
    /// Fraction of the rows held out to validate [default: 0 for formulas, 0.1 for learned energies]
    #[arg(help_heading = "Learning", long, value_name = "FRACTION", value_parser = values::fraction)]
    pub valid: Option<f64>,
    /// Emergency stop; the result says when it was hit
    #[arg(help_heading = "Learning", long, value_name = "S", value_parser = values::positive)]
    pub max_seconds: Option<f64>,
    /// Sampler of the negative phase [default: chosen for the energy]
    #[arg(help_heading = "Chains, for the objectives that run them", long, value_name = "NAME", value_parser = names::CHAIN_SAMPLERS)]
    pub sampler: Option<String>,
    /// Sampler steps of one update, K or growing 1..30 [default: chosen for the objective]
    #[arg(help_heading = "Chains, for the objectives that run them", long, value_name = "K", value_parser = values::steps)]
    pub steps: Option<values::Steps>,
    /// Step size of the sampler [default: adapted]
    #[arg(help_heading = "Chains, for the objectives that run them", long, value_name = "E", value_parser = values::positive)]
    pub step_size: Option<f64>,
    /// Number of persistent chains [default: as many as the batch]
    #[arg(help_heading = "Chains, for the objectives that run them", long, value_name = "N", value_parser = values::count)]
    pub pool: Option<usize>,
    /// Share of the persistent chains that restart at data points in each update
    #[arg(help_heading = "Chains, for the objectives that run them", long, value_name = "SHARE", default_value_t = 0.0, value_parser = values::fraction)]
    pub restart: f64,
    /// Where persistent chains start
    #[arg(help_heading = "Chains, for the objectives that run them", long, value_name = "WHERE", default_value = "data", value_parser = names::POOL_STARTS)]
    pub start: String,
    /// Where checkpoints go
    #[arg(help_heading = "Progress and restarts", long, value_name = "DIR", value_parser = values::path)]
    pub checkpoint_dir: Option<PathBuf>,
    /// Epochs from one checkpoint to the next
    #[arg(help_heading = "Progress and restarts", long, value_name = "N", default_value_t = 1, value_parser = values::count)]
    pub checkpoint_every: usize,
    /// Continue from the last checkpoint in this folder, to the same bytes; an empty folder starts afresh
    #[arg(help_heading = "Progress and restarts", long, value_name = "DIR", value_parser = values::path)]
    pub resume: Option<PathBuf>,
    /// Write one row per epoch: theta, energies of data and samples, gap, acceptance, step size, validation
    #[arg(help_heading = "Progress and restarts", long, value_name = "FILE", value_parser = values::path)]
    pub history: Option<PathBuf>,
    /// Options from a file, like `epochs = 100`; the command line wins
    #[arg(long, value_name = "F.toml", value_parser = values::path)]
    pub config: Option<PathBuf>,
    /// The model file to write
    #[arg(long, value_name = "M.gibbs", value_parser = values::path)]
    pub out: PathBuf,
    /// Columns and label.
    #[command(flatten)]
    pub data_options: DataOptions,
    /// Dimension, parameters, support, temperature.
    #[command(flatten)]
    pub energy_options: EnergyOptions,
}
