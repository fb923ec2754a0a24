//! The edge of the binary, driven as a user drives it: exit codes, streams, JSON errors, help, closed pipes.

use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn gibbsite(args: &[&str]) -> Output {
    let dir = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_gibbsite")).args(args).current_dir(dir.path()).output().unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// The names of all commands, from the list in `--help`.
fn commands() -> Vec<String> {
    let output = gibbsite(&["--help"]);
    let help = stdout(&output);
    let list = help.split_once("Commands:\n").unwrap().1.split("\n\n").next().unwrap();
    let names = list.lines().filter(|l| l.starts_with("  ") && !l.starts_with("   "));
    names.filter_map(|l| l.split_whitespace().next()).map(str::to_string).collect()
}

#[test]
fn version_and_help_go_to_stdout() {
    let version = gibbsite(&["--version"]);
    assert_eq!(version.status.code(), Some(0));
    assert_eq!(stdout(&version), format!("gibbsite {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(stdout(&gibbsite(&["-V"])), stdout(&version));
    let help = gibbsite(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(stderr(&help).is_empty());
}

#[test]
fn the_help_of_every_command_ends_with_two_examples() {
    let names = commands();
    assert!(names.contains(&"completions".to_string()), "{names:?}");
    for name in names {
        let help = gibbsite(&[&name, "--help"]);
        assert_eq!(help.status.code(), Some(0), "{name}");
        let (_, examples) = stdout(&help).split_once("\nExamples:\n").unwrap_or_else(|| panic!("{name}: no examples"));
        let calls = examples.lines().filter(|l| l.trim_start().starts_with(&format!("gibbsite {name}")));
        assert_eq!(calls.count(), 2, "{name}");
        assert_eq!(stdout(&gibbsite(&[&name, "-h"])), stdout(&help), "{name}");
    }
}

#[test]
fn without_a_command_the_help_goes_to_stderr() {
    let output = gibbsite(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stdout(&output).is_empty() && stderr(&output).contains("Usage: gibbsite"));
}

#[test]
fn a_wrong_call_says_what_was_meant() {
    let cases: [(&[&str], &str, &str); 4] = [
        (&["completions", "bash", "--jsn"], "unexpected argument '--jsn'", "did you mean '--json'?"),
        (&["completions", "bash", "-json"], "unexpected argument '-json'", "did you mean '--json'?"),
        (&["completons", "bash"], "there is no command 'completons'", "did you mean 'completions'?"),
        (&["completions", "bsh"], "'bsh' is not a value of '<SHELL>'", "did you mean 'bash'?"),
    ];
    for (args, message, hint) in cases {
        let output = gibbsite(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stdout(&output).is_empty(), "{args:?}");
        assert!(stderr(&output).starts_with(&format!("error: {message}")), "{}", stderr(&output));
        assert!(stderr(&output).contains(&format!("\nhint: {hint}")), "{}", stderr(&output));
    }
}

#[test]
fn with_json_a_wrong_call_is_one_object_on_stdout() {
    let cases: [(&[&str], &str); 6] = [
        (&["--json"], "missing_command"),
        (&["--json", "completions", "bash", "--jsn"], "unknown_argument"),
        (&["completons", "--json"], "unknown_command"),
        (&["completions", "--json"], "missing_argument"),
        (&["completions", "bsh", "--json"], "invalid_value"),
        (&["completions", "bash", "--json", "--threads", "0"], "invalid_value"),
    ];
    for (args, kind) in cases {
        let output = gibbsite(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).is_empty(), "{args:?}");
        assert_eq!(stdout(&output).lines().count(), 1, "{args:?}");
        let object: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(object["error"]["kind"], kind, "{args:?}");
        assert!(!object["error"]["message"].as_str().unwrap().is_empty());
        assert!(object["error"]["hint"].as_str().unwrap().contains("gibbsite"));
    }
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = gibbsite(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        for name in commands() {
            assert!(stdout(&output).contains(&name), "{shell} {name}");
        }
    }
    let object: Value = serde_json::from_slice(&gibbsite(&["--json", "completions", "fish"]).stdout).unwrap();
    assert_eq!(object["shell"], "fish");
    assert!(object["script"].as_str().unwrap().contains("complete -c gibbsite"));
    assert_eq!(object["warnings"], Value::Array(vec![]));
}

#[test]
fn a_reader_that_leaves_early_is_tolerated() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gibbsite"));
    let mut child =
        command.args(["completions", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(stderr(&output).is_empty(), "{}", stderr(&output));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gibbsite"));
    let output = command.args(["completions", "bash"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("cannot write to stdout"));
}

#[cfg(unix)]
#[test]
fn arguments_that_are_not_utf8_are_errors() {
    use std::os::unix::ffi::OsStrExt;
    let argument = std::ffi::OsStr::from_bytes(&[b'-', 0xff, 0xfe]);
    let output =
        Command::new(env!("CARGO_BIN_EXE_gibbsite")).args(["completions", "--json"]).arg(argument).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    serde_json::from_slice::<Value>(&output.stdout).unwrap();
}
