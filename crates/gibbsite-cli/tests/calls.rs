//! Calls that are nearly right: what they must not destroy, ignore in silence or misunderstand.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        // Heights and weights with a spread, an odd name and a text column.
        let row = |i: i32| {
            let t = f64::from(i);
            format!("{},{},{},{}\n", 2.0 * (0.7 * t).sin(), (1.3 * t).cos() + 0.1 * t.sin(), t / 40.0, i % 2)
        };
        let rows: String = (0..40).map(row).collect();
        folder.write("data.csv", &format!("height,weight,\"name, full\",odd\n{rows}"));
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    fn run(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_gibbsite")).args(args).current_dir(self.path()).output().unwrap()
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        let output = self.run(&[args, &["--json"]].concat());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Kind, message and hint of a refusal with that exit code.
    #[track_caller]
    fn refused(&self, args: &[&str], code: i32) -> [String; 3] {
        let output = self.run(&[args, &["--json"]].concat());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
        let object: Value = serde_json::from_str(&text).unwrap();
        ["kind", "message", "hint"].map(|field| object["error"][field].as_str().unwrap().to_string())
    }

    fn stderr(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

const FIT: [&str; 6] = ["fit", "data.csv", "--columns", "height", "--energy", "a*x^2+b*x"];

fn fit<'a>(rest: &[&'a str]) -> Vec<&'a str> {
    [&FIT, rest].concat()
}

#[test]
fn outputs_replace_no_input_and_not_each_other() {
    let folder = Folder::new();
    let before = std::fs::read(folder.path().join("data.csv")).unwrap();
    for (rest, kind) in [
        (&["--out", "data.csv"][..], "conflict"),
        (&["--out", "m.gibbs", "--history", "./data.csv"], "conflict"),
        (&["--out", "m.gibbs", "--history", "m.gibbs"], "conflict"),
        (&["--out", "model.txt"], "unknown_format"),
        (&["--out", "-"], "invalid_value"),
        (&["--out", "m.gibbs", "--history", "-"], "invalid_value"),
    ] {
        assert_eq!(folder.refused(&fit(rest), 2)[0], kind, "{rest:?}");
    }
    assert_eq!(folder.refused(&fit(&["--out", "none/m.gibbs"]), 1)[0], "not_found");
    assert_eq!(std::fs::read(folder.path().join("data.csv")).unwrap(), before);
    folder.json(&fit(&["--out", "m.gibbs", "--history", "h.csv"]));
    let again = ["fit", "data.csv", "--columns", "height", "--energy", "m.gibbs", "--out", "m.gibbs"];
    assert_eq!(folder.refused(&again, 2)[0], "conflict");
    folder.write("c.toml", "seed = 3\n");
    assert_eq!(
        folder.refused(&fit(&["--config", "c.toml", "--history", "c.toml", "--out", "m.gibbs"]), 2)[0],
        "conflict"
    );
    // Files of one place under two names.
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("data.csv", folder.path().join("link.csv")).unwrap();
        assert_eq!(folder.refused(&fit(&["--out", "m.gibbs", "--history", "link.csv"]), 2)[0], "conflict");
        std::os::unix::fs::symlink("m.gibbs", folder.path().join("draws.csv")).unwrap();
        assert_eq!(folder.refused(&["sample", "m.gibbs", "--out", "draws.csv"], 2)[0], "conflict");
        std::os::unix::fs::symlink("data.csv", folder.path().join("data.svg")).unwrap();
        let plot = ["plot", "x^2", "--data", "data.csv", "--columns", "height", "--out", "data.svg"];
        assert_eq!(folder.refused(&plot, 2)[0], "conflict");
    }
    assert_eq!(std::fs::read(folder.path().join("data.csv")).unwrap(), before);
}

#[test]
fn param_holds_a_parameter_fixed() {
    let folder = Folder::new();
    let fixed = folder.json(&fit(&["--param", "a=0.125", "--out", "m.gibbs"]));
    assert_eq!((fixed["theta"]["a"].as_f64(), &fixed["fixed"]), (Some(0.125), &serde_json::json!(["a"])), "{fixed}");
    assert!(fixed["theta_std_err"]["a"].is_null() && fixed["theta_std_err"]["b"].is_f64(), "{fixed}");
    let free = folder.json(&fit(&["--out", "m.gibbs"]));
    assert!((free["theta"]["a"].as_f64().unwrap() - 0.125).abs() > 0.01, "{free}");
    assert_eq!(folder.refused(&fit(&["--param", "a=1", "--init", "a=2", "--out", "m.gibbs"]), 2)[0], "conflict");
    let [kind, message, _] = folder.refused(&fit(&["--param", "a=1,b=0", "--out", "m.gibbs"]), 2);
    assert!(kind == "not_applicable" && message.contains("(a, b)"), "{message}");
    // The size of a menu energy is no parameter to hold.
    let ring =
        ["fit", "data.csv", "--columns", "height,weight", "--energy", "ring", "--param", "r=1.5", "--out", "m.gibbs"];
    assert_eq!(folder.json(&ring)["theta"]["r"].as_f64(), Some(1.5));
}

#[test]
fn columns_go_by_name_or_number_and_may_hold_commas() {
    let folder = Folder::new();
    let fit = |columns: &[&str]| {
        let fitted =
            folder.json(&[&["fit", "data.csv", "--energy", "a*x^2+b*x", "--out", "m.gibbs"], columns].concat());
        fitted["theta"]["a"].as_f64().unwrap()
    };
    assert_eq!(fit(&["--columns", "1"]), fit(&["--columns", "height"]));
    assert_eq!(fit(&["--columns", "2"]), fit(&["--columns", "weight"]));
    assert_eq!(fit(&["--columns", "\"name, full\""]), fit(&["--columns", "3"]));
    assert_eq!(fit(&["--ignore", "\"name, full\",odd,2"]), fit(&["--columns", "height"]));
    let [kind, message, hint] =
        folder.refused(&["fit", "data.csv", "--energy", "a*x^2", "--columns", "hieght", "--out", "m.gibbs"], 2);
    assert_eq!(kind, "unknown_name");
    assert!(message.contains("hieght") && hint.contains("height"), "{message} {hint}");
    let [.., hint] =
        folder.refused(&["fit", "data.csv", "--energy", "a*x^2", "--ignore", "name, full", "--out", "m.gibbs"], 2);
    assert!(hint.contains("'\"name, full\"'"), "{hint}");
}

#[test]
fn dimensions_come_from_the_data() {
    let folder = Folder::new();
    let gaussian = ["fit", "data.csv", "--columns", "1,2", "--energy", "gaussian", "--out", "m.gibbs"];
    assert!(folder.json(&gaussian)["theta"]["condition"].is_f64());
    assert_eq!(folder.json(&["logz", "m.gibbs"])["dim"], 2);
    let [kind, message, _] =
        folder.refused(&["fit", "data.csv", "--columns", "1,2,4", "--energy", "gaussian:d=2", "--out", "m.gibbs"], 2);
    assert!(kind == "dimension" && message.contains('3'), "{message}");
    let sum =
        folder.json(&["fit", "data.csv", "--columns", "1,2", "--energy", "sum(i,1..d,a*x[i]^2)", "--out", "m.gibbs"]);
    assert!(sum["theta"]["a"].as_f64().is_some_and(|a| a > 0.0), "{sum}");
    assert_eq!(folder.json(&["logz", "m.gibbs"])["dim"], 2);
}

#[test]
fn what_has_no_use_is_said() {
    let folder = Folder::new();
    let idle = ["--epochs", "5", "--lr", "0.1", "--sampler", "ula", "--checkpoint-dir", "d", "--out", "m.gibbs"];
    let stderr = folder.stderr(&fit(&idle));
    assert!(stderr.contains("no use for --epochs, --lr, --sampler, --checkpoint-dir"), "{stderr}");
    assert_eq!(stderr.matches("no use").count(), 1);
    assert!(!folder.stderr(&fit(&["--out", "m.gibbs"])).contains("note"));
    let label = ["fit", "data.csv", "--ignore", "2,3", "--label", "odd", "--energy", "a*x^2+b*x", "--out", "m.gibbs"];
    let stderr = folder.stderr(&label);
    assert!(stderr.contains("odd is not fitted") && stderr.contains("`score`"), "{stderr}");
    folder.write("years.csv", "2019\n10.5\n9.8\n11.1\n");
    let stderr = folder.stderr(&["fit", "years.csv", "--energy", "a*x^2", "--out", "m.gibbs"]);
    assert!(stderr.contains("(2019) is read as data"), "{stderr}");
}

#[test]
fn rows_outside_and_too_few_are_said() {
    let folder = Folder::new();
    folder.write("t.csv", "x\n1\n2\n-1\n-3\n");
    let bounded = ["fit", "t.csv", "--energy", "a*x", "--bounds", "x=0..inf", "--out", "m.gibbs"];
    let [kind, message, hint] = folder.refused(&bounded, 1);
    assert_eq!((kind.as_str(), message.as_str()), ("data", "row 3, x = -1, lies outside x=0..inf (2 of 4 rows do)"));
    assert!(hint.contains("--bounds"));
    folder.write("one.csv", "x\n1\n");
    let [_, message, hint] = folder.refused(&["fit", "one.csv", "--energy", "a*x^2", "--out", "m.gibbs"], 1);
    assert!(message.contains("1 row is not enough") && !hint.contains("--ignore"), "{message} {hint}");
    let six = ["--energy", "a*(x1^2+x2^2+x3^2+x4^2+x5^2+x6^2)", "--objective", "mle", "--out", "m.gibbs"];
    folder.write("six.csv", "1,2,3,4,5,6\n2,1,4,3,6,5\n0,1,0,1,2,2\n");
    let [kind, message, hint] = folder.refused(&[&["fit", "six.csv"], &six[..]].concat(), 2);
    assert_eq!(kind, "not_applicable");
    assert!(message.contains("up to 3 dimensions") && hint.contains("pcd"), "{message} {hint}");
}

#[test]
fn kinds_are_the_same_in_every_command() {
    let folder = Folder::new();
    assert_eq!(folder.refused(&["check", "none.gibbs"], 1)[0], "not_found");
    assert_eq!(folder.refused(&["fit", "none.csv", "--energy", "a*x^2", "--out", "m.gibbs"], 1)[0], "not_found");
    assert_eq!(
        folder.refused(&["fit", "data.csv", "--energy", "a*x^2", "--columns", "1,2", "--out", "m.gibbs"], 2)[0],
        "dimension"
    );
}

#[test]
fn density_answers_what_it_can() {
    let folder = Folder::new();
    let p = folder.json(&["density", "x*log(x)", "--at", "0;1;-1", "--bounds", "x=0..inf"]);
    assert!(p["density"][0].is_null() && p["density"][1].as_f64().is_some_and(|p| p > 0.0), "{p}");
    assert_eq!(p["density"][2].as_f64(), Some(0.0), "{p}");
    let warnings = p["warnings"].to_string();
    assert!(warnings.contains("undefined (NaN) at x = 0") && warnings.contains("x = -1 lies outside x=0..inf"), "{p}");
    let [kind, _, hint] = folder.refused(&["density", "x*log(x)", "--at", "0", "--bounds", "x=0..inf"], 1);
    assert!(kind == "undefined" && hint.contains("narrow --bounds"), "{hint}");
}

#[test]
fn suggestions_are_near_or_none() {
    let folder = Folder::new();
    for command in ["import", "report"] {
        let [kind, _, hint] = folder.refused(&[command, "a"], 2);
        assert_eq!(kind, "unknown_command");
        assert!(hint.contains("comes later") && !hint.contains("did you mean"), "{command}: {hint}");
    }
    let hint = |args: &[&str]| folder.refused(args, 2)[2].clone();
    assert!(hint(&["check", "ising:l=16"]).contains("gibbsite sample"));
    assert!(!hint(&["check", "foo(x)"]).contains("did you mean"));
    assert!(!hint(&["check", "a*x^2+b*x"]).contains("did you mean"));
    assert!(!hint(&["check", "E*x^2"]).contains("did you mean"));
    assert!(hint(&fit(&["--standardize", "--out", "m.gibbs"])).contains("comes later"));
    assert!(!hint(&fit(&["--init", "z=1", "--out", "m.gibbs"])).contains("did you mean"));
    assert!(hint(&fit(&["--init", "e=0", "--out", "m.gibbs"])).contains("constant 2.718"));
    assert!(hint(&["check", "x²"]).contains("write x^2"));
    let seed = &folder.refused(&["check", "x^2", "--seed", "abc"], 2)[1];
    assert!(seed.contains("'abc'") && seed.contains("expected an integer"), "{seed}");
    assert!(folder.refused(&["check", "ring:sigma=0"], 2)[1].contains("sigma above 0, not 0"));
}

#[test]
fn a_config_file_takes_the_global_options() {
    let folder = Folder::new();
    folder.write("c.toml", "seed = 3\njson = true\nthreads = 1\nignore = [\"name, full\", \"odd\", \"2\"]\n");
    let call = ["fit", "data.csv", "--energy", "a*x^2+b*x", "--config", "c.toml", "--out", "m.gibbs"];
    let output = folder.run(&call);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(object["theta"]["a"].is_f64());
}
