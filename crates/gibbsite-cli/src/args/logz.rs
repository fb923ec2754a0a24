//! `gibbsite logz`.

use std::path::PathBuf;

use clap::Args;

use super::energy::{ENERGY_HELP, EnergyOptions};
use super::{names, values};

/// log Z = log of the integral of exp(-E), with an error and what kind of bound it is
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
auto is exact if possible (closed form, quadrature), else by cubature in 4 to 6 dimensions, both of independent parts one \
by one. Else two families of estimates check each other: ais anneals walkers from a reference to the energy, bridge \
compares neighbours on a ladder of tempered chains. Both go on until the standard error is below --tol; when they \
contradict each other the exit code is 3. smc anneals with resampling; ti integrates the mean energy along the ladder, \
stepping-stone compares its levels one way only. laplace has no error. Of discrete variables auto is exact by Kaufman's formula, \
by elimination or by a sum over all states where that is possible; ais, smc, bridge, ti and stepping-stone begin at independent ones.

The work of ais, smc, bridge, ti, stepping-stone and auto is limited by a budget of evaluations for warm-up, path and \
estimates together, of which auto gives ais half at the most: as many as one thread makes in 120 seconds, or in those of \
--max-seconds, if each takes 100 + 10 d nanoseconds in d dimensions. This table is no clock: with it alone results do \
not depend on the machine. Warm-up and the first round of a method are done whatever they cost. Only --max-seconds also \
sets a clock, which stops warm-up, path and estimates alike; then results depend on when. A warning says what was not \
reached. importance makes 5,000,000 draws at the most, in rounds that the clock stops, or those of --n at once. exact, \
adaptive, simpson, laplace and what auto tries before it estimates do not ask for the time.

lower and upper are what `lower_bounds` and `upper_bounds` say: exact; guaranteed (but for a probability of delta); if_draws_exact; statistical (two \
standard errors); none. `bounds` is that of lower.

Examples:
  gibbsite logz \"0.5*x^2 + 0.1*x^4\"
  gibbsite logz funnel:d=10 --method ais --tol 0.1 --json")]
pub struct LogzArgs {
    /// The energy.
    #[arg(value_name = "ENERGY", help = ENERGY_HELP, value_parser = values::text)]
    pub energy: String,
    /// Method; simpson needs --lower and --upper, harmonic-mean is refused and says why
    #[arg(long, value_name = "NAME", default_value = "auto", value_parser = names::LOGZ_METHODS)]
    pub method: String,
    /// Lower corner of the box of simpson: one number for every coordinate, or one each, like -6,-4
    #[arg(long, value_name = "L,..", value_parser = values::real, value_delimiter = ',')]
    pub lower: Vec<f64>,
    /// Upper corner of the box of simpson
    #[arg(long, value_name = "U,..", value_parser = values::real, value_delimiter = ',')]
    pub upper: Vec<f64>,
    /// Work that is done, instead of going on to --tol: intervals per coordinate, an even number (simpson), draws
    /// (importance, 25 or more), walkers in blocks of 64 (ais, 64 or more; smc, 1024 or more), iterations (bridge, ti,
    /// stepping-stone; up to 32 times as many where round trips are missing)
    #[arg(long, value_name = "N", value_parser = values::count)]
    pub n: Option<usize>,
    /// Standard error of log Z to aim at (importance, ais, smc, bridge, ti, stepping-stone, auto)
    #[arg(long, value_name = "T", default_value_t = 0.05, value_parser = values::positive)]
    pub tol: f64,
    /// Inverse temperatures of the path of ais and smc, rising from 0 to 1, like 0,0.1,0.5,1 [default: chosen by a pilot]
    #[arg(long, value_name = "B,..", value_parser = values::real, value_delimiter = ',')]
    pub betas: Vec<f64>,
    /// Stop after so many seconds by the clock with what there is, or with an error where that is nothing; also sets the
    /// budget of evaluations (see below) [default: no clock, and a budget of 120]
    #[arg(long, value_name = "S", value_parser = values::positive)]
    pub max_seconds: Option<f64>,
    /// Where the state is kept between rounds (ais, smc, bridge, ti, stepping-stone, auto)
    #[arg(help_heading = "Restarts", long, value_name = "DIR", value_parser = values::path)]
    pub checkpoint_dir: Option<PathBuf>,
    /// Go on from the state in this folder, to the same numbers unless a clock cuts it short; an empty folder starts afresh
    #[arg(help_heading = "Restarts", long, value_name = "DIR", value_parser = values::path, conflicts_with = "checkpoint_dir")]
    pub resume: Option<PathBuf>,
    /// Dimension, parameters, support, temperature.
    #[command(flatten)]
    pub energy_options: EnergyOptions,
}
