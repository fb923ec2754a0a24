//! `gibbsite completions`: a completion script for a shell.

use clap::CommandFactory;

use crate::args::Cli;
use crate::args::completions::CompletionsArgs;
use crate::context::Context;
use crate::outcome::{Failure, Outcome};

/// The script as text; in JSON as the field `script`.
///
/// # Errors
/// If the generated script is not UTF-8, which would be a bug of the generator.
pub fn run(args: &CompletionsArgs, _ctx: &Context) -> Result<Outcome, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "gibbsite", &mut script);
    let script = String::from_utf8(script)
        .map_err(|e| Failure::caused_by("completions", &e, "please report it with the name of the shell"))?;
    let mut out = Outcome::new();
    out.put("shell", args.shell.to_string()).put("script", script.as_str());
    out.text = script;
    Ok(out)
}
