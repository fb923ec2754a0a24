//! The commands: one file each, `run(&args, &context)`. A new one is its file, its arguments and a variant here.

pub mod completions;

use clap::Subcommand;

use crate::args;
use crate::context::Context;
use crate::outcome::{Failure, Outcome};

/// What the binary can do; each variant's help stands with its arguments.
#[derive(Clone, Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
#[allow(missing_docs)] // a doc comment here would replace the help text of the arguments
#[allow(clippy::large_enum_variant)] // parsed once per process
pub enum Command {
    Completions(args::completions::CompletionsArgs),
}

impl Command {
    /// Does the work.
    ///
    /// # Errors
    /// A [`Failure`] that says why the work could not be done, or why the call was wrong.
    pub fn run(&self, ctx: &Context) -> Result<Outcome, Failure> {
        match self {
            Command::Completions(args) => completions::run(args, ctx),
        }
    }
}
