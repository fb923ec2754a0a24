//! The edge of the binary `gibbsite`: arguments, progress, text and JSON. All numerics live in the crate `gibbsite`.
//!
//! One call goes through this crate in one direction: [`argv`] prepares the tokens, [`args`] parses them, [`commands`]
//! does the work with a [`context::Context`], and [`output`] prints the one [`outcome::Outcome`] or
//! [`outcome::Failure`] that comes back. [`resolve`] is where names become energies, [`guard`] where bad ones are refused.
//! To add a command: a struct in `args/`, a file in `commands/`, one variant of [`commands::Command`].

pub mod args;
pub mod argv;
pub mod commands;
pub mod config;
pub mod context;
pub mod failures;
pub mod guard;
pub mod names;
pub mod outcome;
pub mod output;
pub mod plot;
pub mod resolve;
pub mod text;
pub mod usage;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use crate::context::Context;
use crate::outcome::{Failure, Outcome};

/// Runs the command line `argv` (the program's name first) and returns the exit code of the contract: 0 done, 1 the
/// work failed or was refused, 2 the call was wrong, 3 done with a bad verdict.
pub fn main(argv: Vec<OsString>) -> ExitCode {
    let json = argv::asks_for_json(&argv);
    output::report_panics(json);
    let argv = match expand(argv) {
        Ok(argv) => argv,
        Err(failure) => return output::finish(Err(failure), json),
    };
    // The file of --config may ask for JSON, too.
    let json = argv::asks_for_json(&argv);
    output::report_panics(json);
    let result = match parse(argv, json) {
        Ok(cli) => run(&cli),
        Err(Stop::Failed(failure)) => Err(failure),
        Err(Stop::Shown(help)) => return output::show_help(&help),
    };
    output::finish(result, json)
}

/// Why parsing ended without a command to run.
enum Stop {
    /// The help or the version is to be shown.
    Shown(clap::Error),
    /// The call was wrong.
    Failed(Failure),
}

/// `help COMMAND` as `COMMAND --help`, and the options of a `--config` file in their places.
fn expand(argv: Vec<OsString>) -> Result<Vec<OsString>, Failure> {
    let argv = argv::help_as_flag(argv);
    if argv.iter().any(|t| t.to_string_lossy().starts_with("--config")) {
        return config::expand(argv, &args::Cli::command());
    }
    Ok(argv)
}

fn parse(argv: Vec<OsString>, json: bool) -> Result<args::Cli, Stop> {
    let argv = argv::escape_minus(argv);
    if argv.iter().filter_map(|t| t.to_str()).any(argv::is_escaped)
        && let Some(failure) = usage::long_flag_with_one_dash(&argv, &args::Cli::command())
    {
        return Err(Stop::Failed(failure));
    }
    args::Cli::try_parse_from(&argv).map_err(|e| match e.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Stop::Shown(e),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if !json => Stop::Shown(e),
        _ => Stop::Failed(usage::failure(&e, &argv, &args::Cli::command())),
    })
}

fn run(cli: &args::Cli) -> Result<Outcome, Failure> {
    if let Some(asked) = gibbsite::simd::unknown_isa() {
        let message = format!("GIBBSITE_ISA is '{asked}', which is no instruction set");
        return Err(Failure::usage("invalid_value", message, "set it to scalar, avx2 or avx512, or unset it"));
    }
    let ctx = Context::new(&cli.global)?;
    cli.command.run(&ctx)
}
