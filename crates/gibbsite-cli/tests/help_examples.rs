//! The examples of every help text, typed one after the other in one folder as a newcomer would: all of them work.

use std::path::Path;
use std::process::{Command, Output};

fn gibbsite(dir: &Path, args: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gibbsite")).args(args).current_dir(dir).output().unwrap()
}

fn help(dir: &Path, args: &[&str]) -> String {
    let args: Vec<String> = args.iter().map(ToString::to_string).chain(["--help".into()]).collect();
    String::from_utf8(gibbsite(dir, &args).stdout).unwrap()
}

/// The lines of a help text after "Examples:".
fn examples(help: &str) -> Vec<String> {
    let (_, examples) = help.split_once("\nExamples:\n").unwrap();
    examples.lines().map(|l| l.trim().to_string()).filter(|l| l.starts_with("gibbsite ")).collect()
}

/// Splits a line as a shell would: blanks, double quotes, and nothing from `>` on.
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
fn every_example_works_in_the_order_of_the_commands() {
    let dir = tempfile::tempdir().unwrap();
    let main = help(dir.path(), &[]);
    let list = main.split_once("Commands:\n").unwrap().1.split("\n\n").next().unwrap();
    let names: Vec<&str> = list
        .lines()
        .filter(|l| l.starts_with("  ") && !l.starts_with("   "))
        .filter_map(|l| l.split_whitespace().next())
        .collect();
    assert!(names.len() >= 12, "{names:?}");
    let mut lines: Vec<String> = names.iter().flat_map(|name| examples(&help(dir.path(), &[name]))).collect();
    lines.extend(examples(&main));
    assert!(lines.len() >= 2 * names.len() + 2);
    for line in lines {
        let output = gibbsite(dir.path(), &shell_words(&line)[1..]);
        assert_eq!(output.status.code(), Some(0), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn help_may_be_a_command() {
    let dir = tempfile::tempdir().unwrap();
    let of = |args: &[&str]| {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        String::from_utf8(gibbsite(dir.path(), &args).stdout).unwrap()
    };
    assert_eq!(of(&["help", "fit"]), of(&["fit", "--help"]));
    assert_eq!(of(&["help"]), of(&["--help"]));
}
