//! `gibbsite density`.

use clap::Args;

use super::energy::{ENERGY_HELP, EnergyOptions};
use super::values;

/// p(x) at points, with its error
#[derive(Clone, Debug, Args)]
#[command(after_help = "log p(x) = -E(x) - log Z; the error of every value is that of log Z.

Examples:
  gibbsite density \"0.5*x^2 + 0.1*x^4\" --at \"-1;0;1\"
  gibbsite density ring:r=2,sigma=0.2 --at \"2,0;0,0\" --json")]
pub struct DensityArgs {
    /// The energy.
    #[arg(value_name = "ENERGY", help = ENERGY_HELP, value_parser = values::text)]
    pub energy: String,
    /// Points by semicolons, coordinates by commas: "0,1;2,-3"
    #[arg(long, value_name = "POINTS", value_parser = values::points)]
    pub at: values::PointList,
    /// Dimension, parameters, support, temperature.
    #[command(flatten)]
    pub energy_options: EnergyOptions,
}
