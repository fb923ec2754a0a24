//! Every set of arguments at once, wired to a command or not: help, examples, minus values, suggestions.

use std::ffi::OsString;

use clap::{CommandFactory, Parser, Subcommand};

use super::*;
use crate::argv::escape_minus;
use crate::outcome::Failure;
use crate::usage;

#[derive(Debug, Parser)]
#[command(name = "gibbsite")]
struct All {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Each,
}

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant)] // made once per test
enum Each {
    Check(check::CheckArgs),
    Sample(sample::SampleArgs),
    Logz(logz::LogzArgs),
    Density(density::DensityArgs),
    Minimize(minimize::MinimizeArgs),
    Compare(compare::CompareArgs),
    Fit(fit::FitArgs),
    Score(score::ScoreArgs),
    Plot(plot::PlotArgs),
    Demo(demo::DemoArgs),
    Energies(menus::EnergiesArgs),
    Samplers(menus::SamplersArgs),
    Objectives(menus::ObjectivesArgs),
    Completions(completions::CompletionsArgs),
}

fn parse(tokens: &[&str]) -> Result<All, Failure> {
    let argv: Vec<OsString> = ["gibbsite"].iter().chain(tokens).map(OsString::from).collect();
    let argv = escape_minus(argv);
    if let Some(failure) = usage::long_flag_with_one_dash(&argv, &All::command()) {
        return Err(failure);
    }
    All::try_parse_from(&argv).map_err(|e| usage::failure(&e, &argv, &All::command()))
}

/// Splits a line of the examples as a shell would: blanks, double quotes, and nothing from `>` on.
fn shell_words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            '>' if !quoted => break,
            c => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|w| !w.is_empty());
    words
}

#[test]
fn clap_accepts_the_definitions() {
    All::command().debug_assert();
    Cli::command().debug_assert();
}

#[test]
fn every_help_ends_with_two_worked_examples_that_parse() {
    for command in All::command().get_subcommands_mut() {
        let name = command.get_name().to_string();
        let help = command.render_long_help().to_string();
        let (_, examples) = help.split_once("\nExamples:\n").unwrap_or_else(|| panic!("{name} has no examples"));
        let lines: Vec<&str> = examples.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
        assert_eq!(lines.len(), 2, "{name}");
        for line in lines {
            let words = shell_words(line);
            assert_eq!(words[..2], ["gibbsite", name.as_str()], "{line}");
            let words: Vec<&str> = words[1..].iter().map(String::as_str).collect();
            parse(&words).unwrap_or_else(|f| panic!("{line}: {}", f.message));
        }
    }
}

/// A value that starts with a minus would be taken for a short flag.
#[test]
fn no_command_has_short_flags_but_h() {
    for command in All::command().get_subcommands() {
        assert!(command.get_arguments().all(|a| a.get_short().is_none_or(|s| s == 'h')), "{}", command.get_name());
    }
}

#[test]
fn every_option_has_help() {
    for command in All::command().get_subcommands() {
        assert!(command.get_about().is_some(), "{}", command.get_name());
        for arg in command.get_arguments() {
            assert!(arg.get_help().is_some(), "{} {}", command.get_name(), arg.get_id());
        }
    }
}

#[test]
fn formulas_and_numbers_may_begin_with_a_minus() {
    let Each::Check(check) = parse(&["check", "-x^2", "--param", "a=-1,b=2"]).unwrap().command else { panic!() };
    assert_eq!(check.energy, "-x^2");
    assert_eq!(check.energy_options.param, [("a".to_string(), -1.0), ("b".to_string(), 2.0)]);

    let Each::Logz(logz) = parse(&["logz", "-x^2", "--lower", "-6,-4", "--upper", "6"]).unwrap().command else {
        panic!()
    };
    assert_eq!((logz.lower, logz.upper), (vec![-6.0, -4.0], vec![6.0]));

    let Each::Density(density) = parse(&["density", "x^2", "--at", "-1;0"]).unwrap().command else { panic!() };
    assert_eq!(density.at.0, [[-1.0], [0.0]]);

    let Each::Fit(fit) = parse(&["fit", "-", "--energy", "-a*x", "--out", "m.gibbs"]).unwrap().command else {
        panic!()
    };
    assert_eq!((fit.data.as_str(), fit.energy.as_str()), ("-", "-a*x"));
}

/// Every value a user can give must come back without the mark that [`escape_minus`] puts before a minus.
#[test]
fn no_value_keeps_the_mark() {
    for command in All::command().get_subcommands() {
        let name = command.get_name();
        for arg in command.get_arguments().filter(|a| a.get_action().takes_values()) {
            let id = arg.get_id().to_string();
            let mut tokens: Vec<String> = vec![name.to_string()];
            for other in command.get_arguments().filter(|a| a.is_required_set() || a.get_id() == arg.get_id()) {
                let value = if other.get_id() == arg.get_id() { "-v" } else { "1" };
                tokens.extend(other.get_long().map(|l| format!("--{l}")));
                tokens.push(value.to_string());
            }
            let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
            let shown = match parse(&tokens) {
                Ok(all) => format!("{all:?}"),
                Err(failure) => format!("{failure:?}"),
            };
            assert!(!shown.contains('\u{E000}') && !shown.contains("u{e000}"), "{name} {id}: {shown}");
        }
    }
}

#[test]
fn globals_go_before_or_after() {
    for tokens in [["--seed", "7", "--json", "check", "x^2"], ["check", "x^2", "--json", "--seed", "7"]] {
        let all = parse(&tokens).unwrap();
        assert_eq!((all.global.seed, all.global.json, all.global.threads), (7, true, None));
    }
}

#[test]
fn slips_are_errors_with_a_suggestion() {
    let cases: [(&[&str], &str, &str); 9] = [
        (&["check", "x^2", "--jsn"], "unknown_argument", "did you mean '--json'?"),
        (&["check", "x^2", "-json"], "unknown_argument", "did you mean '--json'?"),
        (&["logz", "-lower", "--upper", "6"], "unknown_argument", "did you mean '--lower'?"),
        (&["chekc", "x^2"], "unknown_command", "did you mean 'check'?"),
        (&["sample", "x^2", "--sampler", "mla"], "invalid_value", "did you mean 'mala'?"),
        (&["sample", "x^2", "--chain", "3"], "unknown_argument", "did you mean '--chains'?"),
        (&["--chains", "3", "sample", "x^2"], "unknown_argument", "is an option of 'sample'"),
        (&["check"], "missing_argument", "see `gibbsite check --help`"),
        (&["check", "x^2", "--beta", "-1"], "invalid_value", "see `gibbsite check --help`"),
    ];
    for (tokens, kind, hint) in cases {
        let failure = parse(tokens).map(|_| ()).unwrap_err();
        assert_eq!((failure.kind, failure.exit_code), (kind, 2), "{tokens:?}: {failure:?}");
        assert!(failure.hint.contains(hint), "{tokens:?}: {failure:?}");
    }
}

#[test]
fn messages_name_the_value_and_the_place() {
    let message = |tokens: &[&str]| parse(tokens).map(|_| ()).unwrap_err().message;
    assert_eq!(
        message(&["logz", "x", "--lower", "-6x"]),
        "invalid value '-6x' for '--lower <L,..>': expected a number, like -6 or 2.5e-3"
    );
    assert!(message(&["sample", "x", "--chains", "0"]).contains("'0' for '--chains <N>': expected an integer from 1"));
    assert!(message(&["check", "x^2", "-y"]).contains("unexpected argument '-y'"));
    assert!(message(&["check", "x^2", "--seed", "-1"]).contains("'-1'"));
    assert!(message(&["check", "x^2", "--seed", "1", "--seed", "2"]).contains("cannot be given twice"));
}
