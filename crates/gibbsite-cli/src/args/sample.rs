//! `gibbsite sample`.

use std::path::PathBuf;

use clap::Args;

use super::energy::{ENERGY_HELP, EnergyOptions};
use super::{names, values};

#[cfg(feature = "parquet")]
const OUT_HELP: &str = "Write the draws: .csv, .npy (chains, draws, dim), .npz or .parquet";

#[cfg(not(feature = "parquet"))]
const OUT_HELP: &str = "Write the draws: .csv, .npy (chains, draws, dim) or .npz";

/// Draw from p(x) = exp(-E(x)) / Z, with diagnostics
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Means and standard deviations come with their Monte-Carlo error (mcse), split R-hat and effective sample sizes. \
An energy that cannot be normalised is refused.

With --out, draws go to disk while they are made, into pieces in the folder FILE.part (each a .npy that can be read on \
its own), and memory does not grow with their number. At the end FILE is put together from them and the folder removed. \
A run that was killed goes on when the same call is repeated with --resume, to the same bytes; it may ask for more --draws \
than before. Without --resume an interrupted run is never overwritten; with it, a complete FILE is not, either.

Examples:
  gibbsite sample \"0.5*x^2 + 0.1*x^4\" --chains 4 --draws 500 --out data.csv
  gibbsite sample ring:r=2,sigma=0.2 --sampler hmc --chains 128 --out draws.csv")]
pub struct SampleArgs {
    /// The energy.
    #[arg(value_name = "ENERGY", help = ENERGY_HELP, value_parser = values::text)]
    pub energy: String,
    /// Sampler; auto is exact where that is possible, else short pilot chains choose
    #[arg(long, value_name = "NAME", default_value = "auto", value_parser = names::SAMPLERS)]
    pub sampler: String,
    /// Use nothing exact, even where it is possible: neither to draw nor to check the draws
    #[arg(long)]
    pub no_exact: bool,
    /// Number of independent chains
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = values::count)]
    pub chains: usize,
    /// Draws kept of each chain
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = values::count)]
    pub draws: usize,
    /// Steps of warm-up before the first draw, in which step size and scale adapt [default: chosen for the sampler]
    #[arg(long, value_name = "N", value_parser = values::count_or_zero)]
    pub warmup: Option<usize>,
    /// Step size, in the scale that warm-up finds as without it, so that a reported one can be given back; with --warmup 0
    /// in the units of the energy (of `ensemble` the stretch, of `slice` the width; `tempering` takes none)
    #[arg(long, value_name = "E", value_parser = values::positive)]
    pub step_size: Option<f64>,
    /// Steps from one draw to the next
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = values::count)]
    pub thin: usize,
    /// Write the draws.
    #[arg(long, help = OUT_HELP, value_name = "FILE", value_parser = values::path)]
    pub out: Option<PathBuf>,
    /// Go on with the interrupted run that writes --out, to the same bytes; starts afresh if there is none
    #[arg(long, requires = "out")]
    pub resume: bool,
    /// Dimension, parameters, support, temperature.
    #[command(flatten)]
    pub energy_options: EnergyOptions,
}
