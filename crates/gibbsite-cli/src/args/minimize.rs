//! `gibbsite minimize`.

use clap::Args;

use super::energy::{ENERGY_HELP, EnergyOptions};
use super::values;

/// All minima found from many starts: positions, depths, basin weights
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Basin weights are Laplace estimates: exp(-E) times the square root of det(2 pi inverse Hessian), normalised to 1 over \
the minima that have one (not flat ones, not kinks).

Examples:
  gibbsite minimize \"x^4 - 6*x^2 - 0.5*x\"
  gibbsite minimize himmelblau --starts 200 --json")]
pub struct MinimizeArgs {
    /// The energy.
    #[arg(value_name = "ENERGY", help = ENERGY_HELP, value_parser = values::text)]
    pub energy: String,
    /// Number of starts [default: 256, doubled up to 4096 while some minimum was found only once]
    #[arg(long, value_name = "N", value_parser = values::count)]
    pub starts: Option<usize>,
    /// Dimension, parameters, support, temperature.
    #[command(flatten)]
    pub energy_options: EnergyOptions,
}
