//! `gibbsite plot`.

use std::path::PathBuf;

use clap::Args;

use super::energy::{ENERGY_HELP, EnergyOptions};
use super::{names, values};

/// Draw the landscape, or the traces, ranks and energies of draws
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Kinds of pictures:
  landscape  E and p in one dimension, a map in two; draws and data are dots or a histogram.
             Lines join the states of chains that move step by step: --walks 3 lets three chains of
             adjusted Langevin walk over a map, or joins the first three chains of --draws.
  traces     Chains over time. They should look alike and roam over all of the histogram.
  ranks      How many draws of each chain are low, middle and high among all draws. Chains that
             agree stay in the band; those that do not are named.
  energies   With --data, energies of data and of draws: of a good model they are alike.
             Without, energies of draws and their changes from draw to draw: changes that are
             much narrower mean slow chains.

The kinds of one run, after `gibbsite sample ring --out run.npz`: add --draws run.npz and --kind traces,
--kind ranks or --kind energies.

Examples:
  gibbsite plot \"x^4 - 6*x^2 - 0.5*x\" --out well.png
  gibbsite plot ring:r=2,sigma=0.2 --draws draws.csv --out ring.svg")]
pub struct PlotArgs {
    /// The energy.
    #[arg(value_name = "ENERGY", help = ENERGY_HELP, value_parser = values::text)]
    pub energy: String,
    /// Draws to show, as `sample --out` writes them; traces and ranks need them
    #[arg(long, value_name = "FILE", value_parser = values::path)]
    pub draws: Option<PathBuf>,
    /// Data to show as a histogram or as points
    #[arg(long, value_name = "DATA", value_parser = values::text)]
    pub data: Option<String>,
    /// Columns of the data, as many as the energy has dimensions
    #[arg(long, value_name = "COLUMN,..", value_parser = values::name_list)]
    pub columns: Vec<values::NameList>,
    /// What to draw; auto is the landscape in one and two dimensions, else traces of --draws, or energies if --data is given
    #[arg(long, value_name = "NAME", default_value = "auto", value_parser = names::PLOT_KINDS)]
    pub kind: String,
    /// Chains that walk over a 2-D landscape [default: 3, or 0 with --draws or --data]
    #[arg(long, value_name = "N", value_parser = values::count_or_zero)]
    pub walks: Option<usize>,
    /// Lower corner of the picture: one number for every coordinate, or one each [default: where p is]
    #[arg(long, value_name = "L,..", value_parser = values::real, value_delimiter = ',')]
    pub lower: Vec<f64>,
    /// Upper corner of the picture
    #[arg(long, value_name = "U,..", value_parser = values::real, value_delimiter = ',')]
    pub upper: Vec<f64>,
    /// The picture, .svg or .png
    #[arg(long, value_name = "FILE", default_value = "plot.svg", value_parser = values::path)]
    pub out: PathBuf,
    /// Dimension, parameters, support, temperature.
    #[command(flatten)]
    pub energy_options: EnergyOptions,
}
