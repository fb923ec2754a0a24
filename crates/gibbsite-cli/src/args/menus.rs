//! `gibbsite energies`, `samplers` and `objectives`.

use clap::Args;

/// The menu of energies: parameters, defaults, formula, log Z where it is known
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  gibbsite energies
  gibbsite energies --json")]
pub struct EnergiesArgs {}

/// The menu of samplers: what each needs and is good for
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  gibbsite samplers
  gibbsite samplers --json")]
pub struct SamplersArgs {}

/// The menu of objectives: what each needs and is good for
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  gibbsite objectives
  gibbsite objectives --json")]
pub struct ObjectivesArgs {}
