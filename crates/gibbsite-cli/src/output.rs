//! The only place that prints results: stdout gets the one result, stderr everything else.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::outcome::{Failure, Outcome, Snippet};

/// Prints the result and returns the exit code. A reader that closes the pipe early is tolerated in silence.
pub fn finish(result: Result<Outcome, Failure>, json: bool) -> ExitCode {
    let code = result.as_ref().map_or_else(|f| f.exit_code, Outcome::exit_code);
    let printed = match result {
        Ok(outcome) if json => print_line(&outcome.into_object().to_string()),
        Err(failure) if json => print_line(&failure.to_object().to_string()),
        Ok(outcome) => {
            let printed = print_line(outcome.text.trim_end_matches('\n'));
            outcome.warnings.iter().for_each(|w| complain(&format!("warning: {w}")));
            printed
        }
        Err(failure) => {
            complain(&failure_text(&failure));
            Ok(())
        }
    };
    ExitCode::from(exit_code(code, printed))
}

/// Prints the help or version that clap rendered (with colours only on a terminal): to stdout with exit code 0 when it
/// was asked for, to stderr with 2 when no command was given.
pub fn show_help(help: &clap::Error) -> ExitCode {
    let code = if help.use_stderr() { 2 } else { 0 };
    ExitCode::from(exit_code(code, help.print()))
}

fn exit_code(code: u8, printed: io::Result<()>) -> u8 {
    match printed {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            complain(&format!("error: cannot write to stdout: {e}\nhint: is the disk full?"));
            1
        }
        _ => code,
    }
}

fn print_line(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(line.as_bytes())?;
    stdout.write_all(b"\n")?;
    stdout.flush()
}

fn complain(text: &str) {
    // Nobody is left to tell when stderr is closed.
    let _ = writeln!(io::stderr(), "{text}");
}

/// A failure for people: what, where, and a hint.
fn failure_text(failure: &Failure) -> String {
    let mut text = format!("error: {}", failure.message);
    if let Some(snippet) = &failure.snippet {
        text.push_str(&caret(snippet));
    }
    if !failure.hint.is_empty() {
        text.push_str(&format!("\nhint: {}", failure.hint));
    }
    text
}

/// The line of the source at fault, with carets under the fault.
fn caret(snippet: &Snippet) -> String {
    let source = &snippet.source;
    let boundary = |at: usize| (0..=at.min(source.len())).rev().find(|&i| source.is_char_boundary(i)).unwrap_or(0);
    let start = boundary(snippet.at.start);
    let end = boundary(snippet.at.end).max(start);
    let line_start = source[..start].rfind('\n').map_or(0, |i| i + 1);
    let line_end = source[start..].find('\n').map_or(source.len(), |i| start + i);
    let before = source[line_start..start].chars().count();
    let under = source[start..end.min(line_end).max(start)].chars().count().max(1);
    let line = source[line_start..line_end].replace('\t', " ");
    format!("\n  {line}\n  {}{}", " ".repeat(before), "^".repeat(under))
}

/// A panic is a bug: says so, asks for a report, and ends with exit code 1 like any failure.
pub fn report_panics(json: bool) {
    std::panic::set_hook(Box::new(move |info| {
        let payload = info.payload();
        let what = payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
        let place = info.location().map_or_else(String::new, |l| format!(" at {}:{}", l.file(), l.line()));
        let message = format!("this is a bug in gibbsite{place}: {}", what.unwrap_or("no message"));
        let hint =
            concat!("please report the command line and this message to ", env!("CARGO_PKG_REPOSITORY"), "/issues");
        let failure = Failure::work("bug", message, hint);
        if json {
            let _ = print_line(&failure.to_object().to_string());
        } else {
            complain(&failure_text(&failure));
        }
        std::process::exit(1);
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_the_fault() {
        let failure = Failure::work("formula", "unknown function 'sinn'", "did you mean 'sin'?");
        let text = failure_text(&failure.pointing_at("x^2 + sinn(x)", 6..10));
        assert_eq!(text, "error: unknown function 'sinn'\n  x^2 + sinn(x)\n        ^^^^\nhint: did you mean 'sin'?");
    }

    #[test]
    fn the_caret_never_leaves_the_source() {
        let at = |source: &str, at| caret(&Snippet { source: source.into(), at });
        assert_eq!(at("", 3..9), "\n  \n  ^");
        assert_eq!(at("x+", 2..2), "\n  x+\n    ^");
        assert_eq!(at("é+x", 1..9), "\n  é+x\n  ^^^");
        assert_eq!(at("a\nbc\nd", 3..4), "\n  bc\n   ^");
    }
}
