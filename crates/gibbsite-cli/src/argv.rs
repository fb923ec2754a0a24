//! Tokens before clap sees them.
//!
//! A formula or number may begin with a minus (`check "-x^2"`, `--lower -6`) although clap would read it as a flag. Such
//! tokens get a private-use character in front, which makes them plain values; the value parsers of
//! [`crate::args::values`] take it off. Long flags are left alone, so a mistyped one is still an error.

use std::ffi::OsString;

/// Put before a minus that does not start a flag (a private-use code point, in no real input).
const MARK: char = '\u{E000}';

/// Marks every token that starts with one minus, except `-` (standard input), `-h` and `-V`. Stops at `--`.
pub fn escape_minus(argv: Vec<OsString>) -> Vec<OsString> {
    let mut flags_ended = false;
    let mut escape = |token: OsString| -> OsString {
        flags_ended |= token == "--";
        match token.to_str() {
            Some(t) if !flags_ended && is_value_with_minus(t) => format!("{MARK}{t}").into(),
            _ => token,
        }
    };
    let mut tokens = argv.into_iter();
    let program = tokens.next();
    program.into_iter().chain(tokens.map(&mut escape)).collect()
}

fn is_value_with_minus(token: &str) -> bool {
    token.len() > 1 && token.starts_with('-') && !token.starts_with("--") && token != "-h" && token != "-V"
}

/// `gibbsite help` and `gibbsite help COMMAND` as `gibbsite --help` and `gibbsite COMMAND --help`.
pub fn help_as_flag(mut argv: Vec<OsString>) -> Vec<OsString> {
    if argv.get(1).is_some_and(|t| t == "help") {
        argv.remove(1);
        argv.insert(argv.len().min(2), "--help".into());
    }
    argv
}

/// The token as the user typed it.
pub fn unescape(token: &str) -> &str {
    match token.strip_prefix(MARK) {
        Some(rest) if rest.starts_with('-') => rest,
        _ => token,
    }
}

/// Whether `token` was marked by [`escape_minus`].
pub fn is_escaped(token: &str) -> bool {
    token.starts_with(MARK)
}

/// Takes the mark out of a whole message of clap's.
pub fn unescape_message(message: &str) -> String {
    message.replace(MARK, "")
}

/// Whether `--json` is among the flags: it must hold for errors of parsing too.
pub fn asks_for_json(argv: &[OsString]) -> bool {
    argv.iter().skip(1).take_while(|t| *t != "--").any(|t| t == "--json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(argv: &[&str]) -> Vec<String> {
        escape_minus(argv.iter().map(OsString::from).collect()).into_iter().map(|t| t.into_string().unwrap()).collect()
    }

    #[test]
    fn only_values_are_marked() {
        let tokens = escaped(&["-program", "-x^2", "-6", "-", "-h", "-V", "--lower", "--lower=-6", "--", "-x"]);
        let marked: Vec<bool> = tokens.iter().map(|t| is_escaped(t)).collect();
        assert_eq!(marked, [false, true, true, false, false, false, false, false, false, false]);
    }

    #[test]
    fn unescape_returns_what_was_typed() {
        for token in ["-x^2", "-1;0", "x", "-", "é"] {
            assert_eq!(unescape(&escaped(&["p", token])[1]), token);
        }
    }

    #[test]
    fn help_is_a_flag() {
        let moved = |argv: &[&str]| help_as_flag(argv.iter().map(OsString::from).collect());
        assert_eq!(moved(&["gibbsite", "help"]), ["gibbsite", "--help"]);
        assert_eq!(moved(&["gibbsite", "help", "fit"]), ["gibbsite", "fit", "--help"]);
        assert_eq!(moved(&["gibbsite", "check", "help"]), ["gibbsite", "check", "help"]);
    }

    #[test]
    fn json_is_found_anywhere_before_the_end_of_flags() {
        let ask = |argv: &[&str]| asks_for_json(&argv.iter().map(OsString::from).collect::<Vec<_>>());
        assert!(ask(&["gibbsite", "check", "x", "--json"]));
        assert!(!ask(&["gibbsite", "check", "x"]));
        assert!(!ask(&["gibbsite", "check", "--", "--json"]));
    }
}
