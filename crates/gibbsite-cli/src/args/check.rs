//! `gibbsite check`.

use clap::Args;

use super::energy::{ENERGY_HELP, EnergyOptions};
use super::values;

/// Is it a model? Checks that exp(-E) can be normalised, the gradient, offsets, redundant parameters
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
The verdict `normalizable` is \"yes\" (proved), \"no\" (with a direction along which exp(-E) does not decay; \
exit code 3) or \"unproven\" (no such direction was found, and no proof either).

Examples:
  gibbsite check \"x^2*y^2 + x^2 + y^2\"
  gibbsite check \"-x^2\" --bounds \"x=-1..1\"")]
pub struct CheckArgs {
    /// The energy.
    #[arg(value_name = "ENERGY", help = ENERGY_HELP, value_parser = values::text)]
    pub energy: String,
    /// Dimension, parameters, support, temperature.
    #[command(flatten)]
    pub energy_options: EnergyOptions,
}
