//! The commands: one file each, `run(&args, &context)`. A new one is its file, its arguments and a variant here.

pub mod check;
pub mod compare;
pub mod completions;
pub mod demo;
pub mod density;
pub mod fit;
mod identity;
pub mod logz;
pub mod menus;
pub mod minimize;
pub mod plot;
pub mod sample;

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
    Check(args::check::CheckArgs),
    Sample(args::sample::SampleArgs),
    Logz(args::logz::LogzArgs),
    Density(args::density::DensityArgs),
    Minimize(args::minimize::MinimizeArgs),
    Compare(args::compare::CompareArgs),
    Fit(args::fit::FitArgs),
    Plot(args::plot::PlotArgs),
    Demo(args::demo::DemoArgs),
    Energies(args::menus::EnergiesArgs),
    Samplers(args::menus::SamplersArgs),
    Objectives(args::menus::ObjectivesArgs),
    Completions(args::completions::CompletionsArgs),
}

impl Command {
    /// Does the work.
    ///
    /// # Errors
    /// A [`Failure`] that says why the work could not be done, or why the call was wrong.
    pub fn run(&self, ctx: &Context) -> Result<Outcome, Failure> {
        match self {
            Command::Check(args) => check::run(args, ctx),
            Command::Sample(args) => sample::run(args, ctx),
            Command::Logz(args) => logz::run(args, ctx),
            Command::Density(args) => density::run(args, ctx),
            Command::Minimize(args) => minimize::run(args, ctx),
            Command::Compare(args) => compare::run(args, ctx),
            Command::Fit(args) => fit::run(args, ctx),
            Command::Plot(args) => plot::run(args, ctx),
            Command::Demo(args) => demo::run(args, ctx),
            Command::Energies(_) => menus::energies(ctx),
            Command::Samplers(_) => Ok(menus::samplers(ctx)),
            Command::Objectives(_) => Ok(menus::objectives(ctx)),
            Command::Completions(args) => completions::run(args, ctx),
        }
    }
}
