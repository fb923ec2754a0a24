//! `gibbsite demo`.

use std::path::PathBuf;

use clap::Args;

use super::values;

/// The tour on real data: fit, check, sample, normalise, score Old Faithful's eruptions
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  gibbsite demo
  gibbsite demo --out tour --seed 1 --json")]
pub struct DemoArgs {
    /// Folder for the picture (landscape.png) and the model (demo.gibbs)
    #[arg(long, value_name = "FOLDER", default_value = "gibbsite-demo", value_parser = values::path)]
    pub out: PathBuf,
}
