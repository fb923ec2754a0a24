//! `gibbsite logz`.

use clap::Args;

use super::energy::{ENERGY_HELP, EnergyOptions};
use super::{names, values};

/// log Z = log of the integral of exp(-E), with an error and what kind of bound it is
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
auto is exact if possible (closed form, quadrature), else importance sampling, with a warning that nothing has checked it. `bounds` says what \
lower and upper mean: exact, guaranteed, if_draws_exact, statistical or none.

Examples:
  gibbsite logz \"0.5*x^2 + 0.1*x^4\"
  gibbsite logz \"0.5*x^2+0.1*x^4\" --method simpson --lower -6 --upper 6 --n 4000 --json")]
pub struct LogzArgs {
    /// The energy.
    #[arg(value_name = "ENERGY", help = ENERGY_HELP, value_parser = values::text)]
    pub energy: String,
    /// Method; simpson needs --lower and --upper
    #[arg(long, value_name = "NAME", default_value = "auto", value_parser = names::LOGZ_METHODS)]
    pub method: String,
    /// Lower corner of the box: one number for every coordinate, or one each, like -6,-4
    #[arg(long, value_name = "L,..", value_parser = values::real, value_delimiter = ',')]
    pub lower: Vec<f64>,
    /// Upper corner of the box
    #[arg(long, value_name = "U,..", value_parser = values::real, value_delimiter = ',')]
    pub upper: Vec<f64>,
    /// Number of intervals per coordinate (simpson) or of draws (importance) [default: chosen for the method]
    #[arg(long, value_name = "N", value_parser = values::count)]
    pub n: Option<usize>,
    /// Standard error of log Z to aim at (Monte-Carlo methods)
    #[arg(long, value_name = "T", default_value_t = 0.05, value_parser = values::positive)]
    pub tol: f64,
    /// Emergency stop; the result says when it was hit
    #[arg(long, value_name = "S", value_parser = values::positive)]
    pub max_seconds: Option<f64>,
    /// Dimension, parameters, support, temperature.
    #[command(flatten)]
    pub energy_options: EnergyOptions,
}
