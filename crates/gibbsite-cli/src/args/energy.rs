//! The options that go with an energy, wherever one is named.

use clap::Args;

use super::values;

/// How an energy is completed: dimension, parameters, support, temperature.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "The energy")]
pub struct EnergyOptions {
    /// Dimension, for formulas in x[i]
    #[arg(long, value_name = "D", value_parser = values::dim)]
    pub dim: Option<usize>,
    /// Parameters of a formula, like a=1,b=2
    #[arg(long, value_name = "NAME=VALUE,..", value_delimiter = ',', value_parser = values::assignment)]
    pub param: Vec<(String, f64)>,
    /// Restrict the support, like "x=0..inf, y=-1..1"
    #[arg(long, value_name = "BOUNDS", value_parser = values::text)]
    pub bounds: Option<String>,
    /// Inverse temperature: p(x) = exp(-B E(x)) / Z
    #[arg(long, value_name = "B", default_value_t = 1.0, value_parser = values::positive)]
    pub beta: f64,
}

/// Help text for a positional `<ENERGY>`.
pub const ENERGY_HELP: &str = "A formula (\"0.5*x^2 + 0.1*x^4\"), a name (ring:r=2,sigma=0.2, ising:l=16; see `gibbsite energies`) or a model file (*.gibbs)";
