//! `gibbsite logz` by chains: fields, bounds, modes far apart, and states that go on after a kill.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Two Gaussians 30 standard deviations apart in 7 dimensions, of weights 1 : 9; not separable.
const FAR: &str =
    "-logsumexp(log(0.1) - sum(i,1..d,x[i]^2)/2 - 15*x[1] - 112.5, log(0.9) - sum(i,1..d,x[i]^2)/2 + 15*x[1] - 112.5)";

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gibbsite"));
    command.arg("logz").args(args).arg("--json");
    command
}

fn object(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)))
}

#[track_caller]
fn done(args: &[&str], code: i32) -> Value {
    let output = command(args).output().unwrap();
    let object = object(&output);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {object}");
    object
}

#[track_caller]
fn refused(args: &[&str], kind: &str, code: i32) -> String {
    let object = done(args, code);
    assert_eq!(object["error"]["kind"], kind, "{args:?}: {object}");
    object["error"]["message"].as_str().unwrap().into()
}

fn number(object: &Value, field: &str) -> f64 {
    object[field].as_f64().unwrap_or_else(|| panic!("{field} in {object}"))
}

fn log_two_pi() -> f64 {
    (2.0 * std::f64::consts::PI).ln()
}

#[test]
fn every_method_says_what_its_numbers_are() {
    let truth = 9.374_541_173_869_195;
    for method in ["importance", "ais", "smc", "bridge", "ti", "stepping-stone"] {
        let z = done(&["x^4 - 6*x^2 - x/2", "--method", method, "--tol", "0.03"], 0);
        let (value, std_err) = (number(&z, "log_z"), number(&z, "std_err"));
        assert!((value - truth).abs() < 3.5 * std_err && std_err <= 0.03, "{z}");
        assert!(number(&z, "lower") < truth && number(&z, "upper") > truth, "{z}");
        assert!(z["method"] == method && z["exact"] == false && z["trusted"] == true && number(&z, "n_evals") > 0.0);
        let guaranteed = ["importance", "ais", "smc"].contains(&method);
        assert_eq!(z["bounds"], if guaranteed { "guaranteed" } else { "statistical" }, "{z}");
        assert!(
            z["delta"] == if guaranteed { Value::from(0.05) } else { Value::Null }
                && z["upper_bounds"] == "statistical"
        );
        if method != "importance" {
            assert!(number(&z, "n_temperatures") >= 2.0 && z["worst_step"]["overlap"].as_f64().unwrap() > 0.5, "{z}");
        }
    }
    let laplace = done(&["x^2/8", "--method", "laplace"], 0);
    assert!((number(&laplace, "log_z") - 0.5 * log_two_pi() - 2f64.ln()).abs() < 1e-6, "{laplace}");
    assert!(laplace["std_err"].is_null() && laplace["bounds"] == "none" && laplace["exact"] == false);
    assert!(laplace["trusted"] == false && laplace["lower"].is_null() && laplace["upper"].is_null(), "{laplace}");
    let why = laplace["warnings"][0].as_str().unwrap();
    assert!(why.contains("an order of magnitude otherwise"), "{why}");
}

/// Where nothing bounds the value, people are shown no number that would.
#[test]
fn no_bound_is_no_line() {
    let shown = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_gibbsite")).arg("logz").args(args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let laplace = shown(&["x^2/8", "--method", "laplace"]);
    let cubature = shown(&["sum(i,1..d,x[i]^2)/2 + (sum(i,1..d,x[i]))^2/2", "--dim", "4"]);
    for text in [&laplace, &cubature] {
        assert!(text.contains("log Z") && !text.contains("NaN") && !text.contains("at least"), "{text}");
        assert!(!text.contains("at most"), "{text}");
    }
    assert!(shown(&["x^2/8", "--method", "importance", "--n", "1000"]).contains("at least"));
}

#[test]
fn work_and_temperatures_may_be_given() {
    let z = done(&["x^2", "--method", "ais", "--betas", "0,0.1,0.4,1", "--n", "200"], 0);
    assert!(z["n_temperatures"] == 4 && number(&z, "ess") < 257.0, "{z}");
    // Before any work: it would say that this energy is no model.
    for (method, option, says) in [
        (
            "ais",
            "--betas=0,0.5,0.4,1",
            "--betas: the betas must rise from 0 to 1, but number 3 of them is 0.4 after 0.5",
        ),
        ("smc", "--betas=0.1,1", "the first of them is 0.1"),
        ("ais", "--betas=0,0.5", "the last of them is 0.5"),
        (
            "smc",
            "--n=1023",
            "--n 1023 is too few for --method smc: it needs at least 1024 walkers, in 16 populations of 64",
        ),
        ("ais", "--n=63", "it needs at least 64 walkers"),
        ("importance", "--n=24", "it needs at least 25 draws"),
        ("simpson", "--n=1", "it needs at least 2 intervals for each coordinate"),
        ("simpson", "--n=3", "--n 3 is odd"),
    ] {
        let why = refused(&["x", "--method", method, option], "invalid_value", 2);
        assert!(why.ends_with(says) || why.starts_with(says), "{why}");
    }
    for (method, n) in [("ais", "64"), ("smc", "1024"), ("importance", "25"), ("ti", "1")] {
        let z = done(&["x^2", "--method", method, "--n", n], 0);
        assert_eq!(z["method"], method, "{z}");
    }
    for (method, option) in [
        ("bridge", "--betas=0,1"),
        ("laplace", "--betas=0,1"),
        ("auto", "--n=100"),
        ("laplace", "--n=100"),
        ("ais", "--lower=0"),
        ("exact", "--resume=d"),
        ("laplace", "--resume=d"),
    ] {
        refused(&["x", "--method", method, option], "conflict", 2);
    }
    let why = refused(&["x^2", "--method", "harmonic-mean"], "refused", 2);
    assert!(why.contains("variance is infinite"), "{why}");
}

#[test]
fn supports_and_dimensions_without_quadrature() {
    // By cubature, whose search for modes is not sure.
    let z = done(&["sum(i,1..d,x[i]^2)/2 + (sum(i,1..d,x[i]))^2/2", "--dim", "4"], 0);
    assert!(z["method"] == "cubature" && z["exact"] == false && z["bounds"] == "none", "{z}");
    assert!((number(&z, "log_z") - 2.0 * log_two_pi() + 0.5 * 5f64.ln()).abs() < 1e-6, "{z}");
    let warnings = z["warnings"].as_array().unwrap();
    assert!(warnings.len() == 1 && warnings[0].as_str().unwrap().contains("no search"), "{z}");
    // A half-space, through its transform.
    let z = done(&["x^2/2 + y^2/2", "--bounds", "x=0..inf", "--method", "ais"], 0);
    assert!((number(&z, "log_z") - log_two_pi() + 2f64.ln()).abs() < 4.0 * number(&z, "std_err"), "{z}");
    // Undefined on half of the line.
    refused(&["x^2 - sqrt(x)", "--method", "ais"], "undefined", 1);
}

/// A block of four coordinates and one of two or three: the product of both, exact if the larger one is not by cubature.
#[test]
fn independent_blocks_are_integrated_one_by_one() {
    let block = "x1^2/2 + x3^2/2 + x5^2/2 + x6^2/2 + (x1+x3+x5+x6)^2/2";
    let truth = 3.0 * log_two_pi() - 0.5 * 5f64.ln() - 0.5 * 3f64.ln();
    for method in ["auto", "exact"] {
        let z = done(&[&format!("{block} + x2^2/2 + x4^2/2 + (x2+x4)^2/2"), "--method", method], 0);
        assert!(z["method"] == "quadrature and cubature" && z["exact"] == false && z["bounds"] == "none", "{z}");
        assert!((number(&z, "log_z") - truth).abs() < number(&z, "std_err") && number(&z, "std_err") < 1e-5, "{z}");
        assert!(z["trusted"] == true && z["warnings"].as_array().unwrap().len() == 1 && z["entropy"].is_null(), "{z}");
    }
    let z = done(&["x1^2/2 + x3^2/2 + (x1+x3)^2/2 + x2^2/2"], 0);
    assert!(z["method"] == "quadrature" && z["exact"] == true && z["bounds"] == "exact", "{z}");
    assert!(z["warnings"] == Value::Array(vec![]) && number(&z, "entropy") > 0.0, "{z}");
    // Seven coordinates at once are too many.
    refused(&["sum(i,1..7,x[i]^2) + (sum(i,1..7,x[i]))^2 + x[8]^2", "--method", "exact"], "not_exact", 1);
    // The block has none of the growth that the rest has.
    let falls = "x1^2 + x3^2 + x5^2 - x6*(2+sin(x1+x3+x5)) + x2^2/2 + x4^2/2 + (x2+x4)^2/2";
    refused(&[falls], "improper", 1);
}

#[test]
fn auto_finds_a_mode_30_deviations_away() {
    for seed in ["0", "1", "2"] {
        let z = done(&[FAR, "--dim", "7", "--seed", seed], 0);
        let off = (number(&z, "log_z") - 3.5 * log_two_pi()) / number(&z, "std_err");
        assert!(off.abs() < 3.5 && number(&z, "std_err") <= 0.05, "{z}");
        assert!(z["method"] == "ais and bridge" && number(&z, "agreement").abs() < 3.0, "{z}");
        assert!(z["bounds"] == "guaranteed" && z["upper_bounds"] == "if_draws_exact", "{z}");
        assert_eq!(z["estimates"].as_array().unwrap().len(), 4, "{z}");
    }
}

/// The clock ends warm-up, too, and where it ends nothing the numbers are those without it.
#[test]
fn time_is_limited_from_the_start() {
    // Minutes in whole, and those of the search for wells are many.
    let slow = ["sum(i,1..d,x[i]^4/4 - x[i]^2) + sum(i,1..d-1,(x[i+1]-x[i])^2)", "--dim", "400"];
    for method in ["auto", "bridge", "smc"] {
        let started = Instant::now();
        let call = [&slow[..], &["--method", method, "--max-seconds", "1"]].concat();
        let why = refused(&call, "out_of_time", 1);
        assert!(why.contains("the time ran out in the warm-up of the ladder"), "{why}");
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    }
    let within = |seconds: &[&str]| done(&[&["x^4 - 6*x^2 - x/2", "--method", "bridge"], seconds].concat(), 0);
    let z = within(&["--max-seconds", "600"]);
    assert_eq!(z, within(&[]));
    // Those of the warm-up among them.
    assert!(number(&z, "n_evals") > 200_000.0, "{z}");
}

#[test]
fn threads_change_no_bit() {
    let by = |threads: &str| command(&[FAR, "--dim", "7", "--threads", threads]).output().unwrap().stdout;
    assert_eq!(by("1"), by("3"));
}

/// The states in a folder, by name.
fn states(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).into_iter().flatten().map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|n| n.ends_with(".gibbs-state")).collect();
    names.sort();
    names
}

#[test]
fn killed_work_goes_on_to_the_same_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let call = [FAR, "--dim", "7", "--tol", "0.01"];
    let whole = command(&call).output().unwrap().stdout;
    // Killed as soon as each state is there.
    for (i, wanted) in ["pilot", "path", "ais", "bridge"].iter().enumerate() {
        let dir = at(&i.to_string());
        let mut child = command(&call).args(["--checkpoint-dir", &dir]).stdout(Stdio::null()).spawn().unwrap();
        let started = Instant::now();
        while !Path::new(&dir).join(format!("{wanted}.gibbs-state")).exists() && child.try_wait().unwrap().is_none() {
            assert!(started.elapsed() < Duration::from_secs(60));
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let resumed = command(&call).args(["--resume", &dir]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&resumed.stdout), String::from_utf8_lossy(&whole), "killed at {wanted}");
        assert_eq!(
            states(Path::new(&dir)),
            ["ais.gibbs-state", "bridge.gibbs-state", "path.gibbs-state", "pilot.gibbs-state"]
        );
    }
    // What is there is not lost, and not taken for another's.
    let dir = at("0");
    refused(&[&call[..], &["--checkpoint-dir", &dir]].concat(), "conflict", 1);
    let why = refused(&[FAR, "--dim", "7", "--tol", "0.02", "--resume", &dir], "checkpoint", 1);
    assert!(why.contains("--tol was 0.01 and is 0.02"), "{why}");
    let file = Path::new(&dir).join("ais.gibbs-state");
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).unwrap();
    refused(&[&call[..], &["--resume", &dir]].concat(), "checkpoint", 1);
    // An empty folder starts afresh.
    let output = command(&["x^2", "--method", "ais", "--resume", &at("new")]).output().unwrap();
    assert!(output.status.success() && String::from_utf8_lossy(&output.stderr).contains("starting afresh"));
}
