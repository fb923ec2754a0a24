//! `gibbsite compare`.

use clap::Args;

use super::data::{DATA_HELP, DataOptions};
use super::energy::{ENERGY_HELP, EnergyOptions};
use super::values;

/// Two models beside each other: KL both ways, entropies, the likelihood of data, each with its error
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
KL(A || B) is the mean of log p_A - log p_B over A, in nats: 0 if the models are one, infinite if A has mass where B has none. \
Jeffreys is the sum of both directions; log Z cancels in it. Everything is by quadrature in one to three dimensions, and where both \
energies fall apart into the same blocks of so few coordinates; else means are over draws, and log Z is estimated where it is not exact. With DATA, the log-likelihoods are means over the rows. A model that \
was fitted to the same rows has an advantage there: compare on rows that were held out.

--param, --bounds, --dim and --beta go with both energies (a parameter with those that have it), --param-b, --bounds-b and --beta-b \
with B alone.

Examples:
  gibbsite compare \"x^2/2\" \"x^4-2*x^2\"
  gibbsite compare gaussian:d=6,condition=4 gaussian:d=6 --json")]
pub struct CompareArgs {
    /// The first energy.
    #[arg(value_name = "A", help = ENERGY_HELP, value_parser = values::text)]
    pub a: String,
    /// The second energy, of the same dimension
    #[arg(value_name = "B", value_parser = values::text)]
    pub b: String,
    /// Data on which both are tried.
    #[arg(value_name = "DATA", help = DATA_HELP, value_parser = values::text)]
    pub data: Option<String>,
    /// Number of independent chains, where means are over draws
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = values::count)]
    pub chains: usize,
    /// Draws of each chain
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = values::count)]
    pub draws: usize,
    /// Dimension, parameters, support, temperature.
    #[command(flatten)]
    pub energy_options: EnergyOptions,
    /// Parameters of B alone, like a=1,b=2
    #[arg(long, value_name = "NAME=VALUE,..", value_delimiter = ',', value_parser = values::assignment, help_heading = "The energy")]
    pub param_b: Vec<(String, f64)>,
    /// The support of B, instead of --bounds
    #[arg(long, value_name = "BOUNDS", value_parser = values::text, help_heading = "The energy")]
    pub bounds_b: Option<String>,
    /// Inverse temperature of B, instead of --beta
    #[arg(long, value_name = "B", value_parser = values::positive, help_heading = "The energy")]
    pub beta_b: Option<f64>,
    /// Columns and label.
    #[command(flatten)]
    pub data_options: DataOptions,
}
