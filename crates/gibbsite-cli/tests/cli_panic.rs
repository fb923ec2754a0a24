//! A panic would be a bug; the user is still told so in the form that was asked for, and the exit code is 1.

use std::process::{Command, Output};

const ENV: &str = "GIBBSITE_TEST_PANICS_AS";

/// Runs this very test in a process of its own, where it panics under the hook of the binary.
fn panicking(form: &str) -> Output {
    let args = ["--exact", "a_panic_asks_for_a_report", "--nocapture", "--quiet"];
    Command::new(std::env::current_exe().unwrap()).args(args).env(ENV, form).output().unwrap()
}

#[test]
fn a_panic_asks_for_a_report() {
    if let Ok(form) = std::env::var(ENV) {
        gibbsite_cli::output::report_panics(form == "json");
        // On another thread, as in a pool of workers.
        let _ = std::thread::spawn(|| panic!("index {} of {}", 3, 2)).join();
        unreachable!("the hook ends the process");
    }
    let text = panicking("text");
    let message = String::from_utf8(text.stderr).unwrap();
    assert_eq!(text.status.code(), Some(1));
    assert!(message.contains("error: this is a bug in gibbsite at ") && message.contains("index 3 of 2"), "{message}");
    assert!(message.contains("hint: please report"), "{message}");

    let json = panicking("json");
    assert_eq!(json.status.code(), Some(1));
    let stdout = String::from_utf8(json.stdout).unwrap();
    let line = stdout.lines().find(|l| l.starts_with('{')).unwrap();
    let object: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(object["error"]["kind"], "bug");
}
