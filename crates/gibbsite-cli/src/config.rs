//! `fit --config F.toml`: options from a file, put before clap as if they had been typed; what is typed wins.
//!
//! The file is TOML as far as options need it: `key = value` with strings, numbers, booleans and arrays of these on one
//! line, comments, and sections for options that take assignments:
//!
//! ```toml
//! epochs = 100
//! energy = "a*x^2 + exp(g)*x^4"
//! columns = ["eruptions"]
//! [init]
//! a = 0.5
//! ```

use std::ffi::OsString;

use clap::{Arg, ArgAction, Command};

use crate::names;
use crate::outcome::Failure;

/// The option that names the file.
const FLAG: &str = "--config";

/// Adds the options of the file that `--config` names, if the command has that option; otherwise leaves `argv` alone.
///
/// # Errors
/// If the file cannot be read, a line cannot be understood, or a key is not an option of the command.
pub fn expand(mut argv: Vec<OsString>, cli: &Command) -> Result<Vec<OsString>, Failure> {
    let end = argv.iter().position(|t| t == "--").unwrap_or(argv.len());
    let typed: Vec<&str> = argv[..end].iter().skip(1).filter_map(|t| t.to_str()).collect();
    let command = typed.iter().find_map(|t| cli.find_subcommand(t));
    let Some(command) = command.filter(|c| c.get_arguments().any(|a| a.get_long() == Some("config"))) else {
        return Ok(argv);
    };
    let Some(file) = typed.iter().enumerate().find_map(|(i, t)| match t.strip_prefix(FLAG)? {
        "" => typed.get(i + 1).copied(),
        rest => rest.strip_prefix('='),
    }) else {
        return Ok(argv);
    };
    let text = std::fs::read_to_string(file).map_err(|e| {
        let message = format!("cannot read the options in {file}: {e}");
        Failure::usage("config", message, "--config takes a file with lines like `epochs = 100`")
    })?;
    let global: Vec<&Arg> = cli.get_arguments().filter(|a| a.is_global_set()).collect();
    let tokens = tokens(&text, file, command, &global, &typed)?;
    argv.splice(end..end, tokens.into_iter().map(OsString::from));
    Ok(argv)
}

/// The options in `text` as tokens, without those that are in `typed`: options of `command` and `global` ones.
fn tokens(text: &str, file: &str, command: &Command, global: &[&Arg], typed: &[&str]) -> Result<Vec<String>, Failure> {
    let fail = |line: usize, message: String, hint: String| {
        Failure::usage("config", format!("{file}, line {line}: {message}"), hint)
    };
    let is_typed = |flag: &str| typed.iter().any(|t| t.split('=').next() == Some(flag));
    let mut tokens = Vec::new();
    let mut section: Option<String> = None;
    for (i, line) in text.lines().enumerate() {
        let line = without_comment(line).trim();
        let at = i + 1;
        let form = || fail(at, format!("'{line}' is not understood"), "write `key = value` on one line".into());
        if line.is_empty() {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            section = Some(rest.strip_suffix(']').filter(|s| !s.starts_with('[')).ok_or_else(form)?.trim().to_string());
            continue;
        }
        let (key, value) = line.split_once('=').ok_or_else(form)?;
        let (key, value) = (key.trim().trim_matches('"'), values(value.trim()).ok_or_else(form)?);
        let (option, value) = match &section {
            Some(option) => (option.as_str(), vec![format!("{key}={}", value.join(","))]),
            None => (key, value),
        };
        let flag = format!("--{}", option.replace('_', "-"));
        let all = || command.get_arguments().chain(global.iter().copied());
        let longs = || all().filter(|a| !["config", "help"].contains(&a.get_id().as_str()));
        let Some(arg) = longs().find(|a| a.get_long() == flag.strip_prefix("--")) else {
            let near = names::nearest(option, longs().filter_map(|a| a.get_long()));
            let hint = near.map_or("see `gibbsite fit --help`".to_string(), |n| format!("did you mean '{n}'?"));
            return Err(fail(at, format!("there is no option '{option}'"), hint));
        };
        let is_switch = matches!(arg.get_action(), ArgAction::SetTrue);
        match value.first().map(String::as_str) {
            _ if is_typed(&flag) => {}
            Some("true") if is_switch => tokens.push(flag),
            Some("false") if is_switch => {}
            _ if is_switch => {
                return Err(fail(at, format!("'{option}' is true or false"), format!("write `{option} = true`")));
            }
            None => {}
            Some(_) => tokens.push(format!("{flag}={}", value.join(","))),
        }
    }
    Ok(tokens)
}

/// The line up to a `#` outside quotes.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut escaped = false;
    for (i, c) in line.char_indices() {
        match (quote, c) {
            (None, '#') => return &line[..i],
            (None, '"' | '\'') => quote = Some(c),
            (Some('"'), '\\') if !escaped => {
                escaped = true;
                continue;
            }
            (Some(q), c) if c == q && !escaped => quote = None,
            _ => {}
        }
        escaped = false;
    }
    line
}

/// A value as the texts of its elements: one, or those of an array.
fn values(text: &str) -> Option<Vec<String>> {
    let Some(inner) = text.strip_prefix('[') else {
        let (value, rest) = scalar(text)?;
        return rest.is_empty().then(|| vec![value]);
    };
    let mut rest = inner.strip_suffix(']')?.trim();
    let mut values = Vec::new();
    while !rest.is_empty() {
        let (value, after) = scalar(rest)?;
        // A name with a comma is quoted again, so that it stays one name among those that commas separate.
        let value = if value.contains(',') { format!("\"{}\"", value.replace('"', "\"\"")) } else { value };
        values.push(value);
        rest = if after.is_empty() { after } else { after.strip_prefix(',')?.trim_start() };
    }
    Some(values)
}

/// The first string, number or boolean of `text`, and what follows it.
fn scalar(text: &str) -> Option<(String, &str)> {
    if let Some(rest) = text.strip_prefix('\'') {
        let (value, rest) = rest.split_once('\'')?;
        return Some((value.to_string(), rest.trim_start()));
    }
    if let Some(rest) = text.strip_prefix('"') {
        let mut value = String::new();
        let mut chars = rest.char_indices();
        while let Some((i, c)) = chars.next() {
            match c {
                '"' => return Some((value, rest[i + 1..].trim_start())),
                '\\' => value.push(match chars.next()?.1 {
                    'n' => '\n',
                    't' => '\t',
                    c @ ('"' | '\\') => c,
                    _ => return None,
                }),
                c => value.push(c),
            }
        }
        return None;
    }
    let (value, rest) = text.split_at(text.find(',').unwrap_or(text.len()));
    let value = value.trim().replace('_', "");
    let known = ["true", "false"].contains(&value.as_str()) || value.parse::<f64>().is_ok_and(|v| !v.is_nan());
    known.then_some((value, rest))
}

#[cfg(test)]
mod tests {
    use clap::{Args, FromArgMatches};

    use super::*;
    use crate::args::fit::FitArgs;

    fn fit() -> Command {
        // `fit` has no switch of its own today.
        let switch = clap::Arg::new("switch").long("switch").action(ArgAction::SetTrue);
        FitArgs::augment_args(Command::new("fit")).arg(switch)
    }

    fn read(text: &str, typed: &[&str]) -> Result<Vec<String>, String> {
        let global = [Arg::new("seed").long("seed"), Arg::new("json").long("json").action(ArgAction::SetTrue)];
        tokens(text, "f.toml", &fit(), &global.iter().collect::<Vec<_>>(), typed)
            .map_err(|f| format!("{} ({})", f.message, f.hint))
    }

    #[test]
    fn options_become_tokens_and_what_is_typed_wins() {
        let text = "# tour\nepochs = 1_00  # passes\nenergy = \"-a*x^2 # no comment\"\ncolumns = ['a', \"b\"]\n\
                    lr = 1e-3\nseed = 7\njson = true\nswitch = true\nstep_size=0.1\nignore = []\n[init]\na = -1\ng = 0.5\n";
        let tokens = read(text, &["fit", "d.csv", "--lr", "2", "--step-size=0.2", "--out", "m"]).unwrap();
        let want = [
            "--epochs=100",
            "--energy=-a*x^2 # no comment",
            "--columns=a,b",
            "--seed=7",
            "--json",
            "--switch",
            "--init=a=-1",
            "--init=g=0.5",
        ];
        assert_eq!(tokens, want);
        assert_eq!(read("ignore = ['a, b', 'c']", &[]).unwrap(), ["--ignore=\"a, b\",c"]);
        let of_fit = tokens.into_iter().filter(|t| t != "--json" && !t.starts_with("--seed"));
        let argv = ["fit", "d.csv", "--out", "m"].into_iter().map(String::from).chain(of_fit);
        let args = FitArgs::from_arg_matches(&fit().get_matches_from(argv)).unwrap();
        assert_eq!(args.energy, "-a*x^2 # no comment");
        assert_eq!(args.init, [("a".to_string(), -1.0), ("g".to_string(), 0.5)]);
    }

    #[test]
    fn faults_name_file_line_and_remedy() {
        assert_eq!(
            read("\nepoch = 3", &[]).unwrap_err(),
            "f.toml, line 2: there is no option 'epoch' (did you mean 'epochs'?)"
        );
        for text in [
            "epochs",
            "epochs = ",
            "epochs = x",
            "energy = \"a",
            "columns = [1",
            "[init",
            "[[init]]",
            "lr = nan",
            "a = \"\\",
        ] {
            assert!(read(text, &[]).unwrap_err().starts_with("f.toml, line 1: "), "{text}");
        }
        assert!(read("switch = 1", &[]).unwrap_err().contains("true or false"));
        assert!(read("config = 'g.toml'", &[]).unwrap_err().contains("no option 'config'"));
    }

    #[test]
    fn a_missing_file_is_a_failure_and_other_commands_are_left_alone() {
        let cli = Command::new("gibbsite").subcommand(fit()).subcommand(Command::new("check"));
        let argv = |tokens: &[&str]| tokens.iter().map(OsString::from).collect::<Vec<_>>();
        let failure = expand(argv(&["gibbsite", "fit", "d.csv", "--config", "no/such.toml"]), &cli).unwrap_err();
        assert_eq!((failure.kind, failure.exit_code), ("config", 2));
        let other = argv(&["gibbsite", "check", "--config", "no/such.toml"]);
        assert_eq!(expand(other.clone(), &cli).unwrap(), other);
    }
}
