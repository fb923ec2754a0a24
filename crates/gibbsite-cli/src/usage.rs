//! clap's errors, said as a [`Failure`]: what is wrong, then what was probably meant.

use std::ffi::OsString;

use clap::Command;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

use crate::argv::{is_escaped, unescape, unescape_message};
use crate::names;
use crate::outcome::Failure;

/// The failure that stands for a parse error of `argv`.
pub fn failure(error: &Error, argv: &[OsString], cli: &Command) -> Failure {
    let arg = context(error, ContextKind::InvalidArg).unwrap_or_default();
    let value = context(error, ContextKind::InvalidValue).unwrap_or_default();
    let (kind, message) = match error.kind() {
        ErrorKind::UnknownArgument => ("unknown_argument", format!("unexpected argument '{arg}'")),
        ErrorKind::InvalidSubcommand => {
            let name = context(error, ContextKind::InvalidSubcommand).unwrap_or_default();
            ("unknown_command", format!("there is no command '{name}'"))
        }
        ErrorKind::InvalidValue if value.is_empty() => ("missing_value", format!("'{arg}' needs a value")),
        ErrorKind::InvalidValue => ("invalid_value", format!("'{value}' is not a value of '{arg}'")),
        ErrorKind::ValueValidation => {
            ("invalid_value", format!("invalid value '{value}' for '{arg}': {}", source(error)))
        }
        ErrorKind::MissingRequiredArgument => ("missing_argument", format!("{arg} must be given")),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            ("missing_command", "no command was given".to_string())
        }
        ErrorKind::ArgumentConflict => {
            let other = context(error, ContextKind::PriorArg).unwrap_or_default();
            let twice = other == arg || other.is_empty();
            let why = if twice { "cannot be given twice".to_string() } else { format!("cannot go with '{other}'") };
            ("conflict", format!("'{arg}' {why}"))
        }
        _ => ("usage", first_line(error)),
    };
    let command = tokens(argv).find_map(|t| cli.find_subcommand(t));
    let help = match command {
        Some(command) => format!("see `gibbsite {} --help`", command.get_name()),
        None => {
            let names: Vec<&str> = cli.get_subcommands().map(Command::get_name).collect();
            format!("commands: {}; see `gibbsite --help`", names.join(", "))
        }
    };
    let misplaced = command.filter(|c| kind == "unknown_argument" && long_flags(c).any(|f| arg == format!("--{f}")));
    let meant = match misplaced {
        Some(command) => Some(format!("'{arg}' is an option of '{}' and goes after it;", command.get_name())),
        None => {
            let of_command = command.map_or_else(Vec::new, |c| long_flags(c).collect());
            let flags: Vec<&str> = of_command.into_iter().chain(long_flags(cli)).collect();
            let commands: Vec<&str> = cli.get_subcommands().map(Command::get_name).collect();
            meant(error, &flags, &commands)
        }
    };
    Failure::usage(kind, message, meant.map_or(help.clone(), |m| format!("{m} {help}")))
}

/// What the user probably meant: a name of a later version, or the nearest flag, command or value. (clap's own
/// suggestions take `--standardize` for `--start`.)
fn meant(error: &Error, flags: &[&str], commands: &[&str]) -> Option<String> {
    let near = |typed: &str, known: &[&str]| {
        let guess = || names::nearest(typed, known.iter().copied());
        names::later(typed).or_else(|| guess().map(|n| format!("did you mean '{n}'?")))
    };
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let typed = context(error, ContextKind::InvalidArg)?;
            let name = typed.strip_prefix("--")?;
            let guess = || names::nearest(name, flags.iter().copied());
            names::later(&typed).or_else(|| guess().map(|n| format!("did you mean '--{n}'?")))
        }
        ErrorKind::InvalidSubcommand => near(&context(error, ContextKind::InvalidSubcommand)?, commands),
        ErrorKind::InvalidValue => {
            let listed = context(error, ContextKind::ValidValue).filter(|v| !v.is_empty())?;
            let typed = context(error, ContextKind::InvalidValue).unwrap_or_default();
            let known: Vec<&str> = listed.split(", ").collect();
            Some(near(&typed, &known).unwrap_or_else(|| format!("known: {listed};")))
        }
        _ => None,
    }
}

/// A long flag typed with one dash (`-json`) would pass as a formula or a file name; no such formula makes sense.
pub fn long_flag_with_one_dash(argv: &[OsString], cli: &Command) -> Option<Failure> {
    let of_command = tokens(argv).find_map(|t| cli.find_subcommand(t));
    let flags: Vec<&str> = [Some(cli), of_command].into_iter().flatten().flat_map(long_flags).collect();
    tokens(argv).filter(|t| is_escaped(t)).map(unescape).find_map(|typed| {
        let name = typed.trim_start_matches('-').split('=').next()?;
        let flag = flags.iter().find(|f| **f == name)?;
        let message = format!("unexpected argument '{typed}'");
        Some(Failure::usage("unknown_argument", message, format!("did you mean '--{flag}'? Options take two dashes")))
    })
}

/// The tokens that may be flags.
fn tokens(argv: &[OsString]) -> impl Iterator<Item = &str> {
    argv.iter().skip(1).filter_map(|t| t.to_str()).take_while(|t| *t != "--")
}

fn long_flags(command: &Command) -> impl Iterator<Item = &str> {
    command.get_arguments().filter_map(|a| a.get_long()).chain(["help", "version"])
}

/// A piece of clap's context as the user typed it; lists are joined with commas.
fn context(error: &Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(s) => Some(unescape_message(s)),
        ContextValue::Strings(list) => Some(unescape_message(&list.join(", "))),
        _ => None,
    }
}

fn source(error: &Error) -> String {
    std::error::Error::source(error).map_or_else(String::new, |e| unescape_message(&e.to_string()))
}

fn first_line(error: &Error) -> String {
    let text = unescape_message(&error.to_string());
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_string()
}
