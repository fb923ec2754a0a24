//! The arguments, one file per command: what the parser accepts, its defaults, its help with two worked examples.
//!
//! Nothing here knows the engine: names (of energies, samplers, objectives) and formulas stay text until a command
//! turns them into types.

pub mod check;
pub mod compare;
pub mod completions;
pub mod data;
pub mod demo;
pub mod density;
pub mod energy;
pub mod fit;
pub mod logz;
pub mod menus;
pub mod minimize;
pub mod names;
pub mod plot;
pub mod sample;
pub mod score;
pub mod values;

use clap::{Args, Parser};

use crate::commands::Command;

/// Energy-based models as usable probability models: p(x) = exp(-E(x)) / Z.
#[derive(Debug, Parser)]
#[command(name = "gibbsite", version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "\
Write an energy as a formula, take one from the menu, or learn one from data; check that it is a model, sample \
it, normalise it, use it. Every number comes with its error, every run with a verdict.

Exit codes: 0 done; 1 the work failed or was refused; 2 the call was wrong; 3 done, but a verdict is bad.

Examples:
  gibbsite demo
  gibbsite logz \"0.5*x^2 + 0.1*x^4\"")]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command, accepted before and after its name.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct GlobalArgs {
    /// Print one JSON object and nothing else to stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// Fix every random number
    #[arg(long, global = true, value_name = "N", default_value_t = 0, value_parser = values::seed)]
    pub seed: u64,
    /// Number of threads; the results do not depend on it [default: all]
    #[arg(long, global = true, value_name = "N", value_parser = values::threads)]
    pub threads: Option<usize>,
    /// No progress bars, no messages
    #[arg(long, global = true)]
    pub quiet: bool,
}

#[cfg(test)]
mod tests;
