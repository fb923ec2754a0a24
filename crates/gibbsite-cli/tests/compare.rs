//! `gibbsite compare`, driven as a user drives it: closed forms, data, what is infinite, what is refused, bad verdicts.

use std::process::{Command, Output};

use serde_json::Value;

struct Folder(tempfile::TempDir);

impl Folder {
    /// With `data.csv`, the columns `minutes` and `wait`.
    fn new() -> (Self, Vec<f64>) {
        let folder = Self(tempfile::tempdir().unwrap());
        let minutes: Vec<f64> = (0..60).map(|i| 0.5 + 1.5 * (0.7 * f64::from(i)).sin()).collect();
        let rows: String = minutes.iter().enumerate().map(|(i, m)| format!("{m},{}\n", 50 + i % 7)).collect();
        std::fs::write(folder.0.path().join("data.csv"), format!("minutes,wait\n{rows}")).unwrap();
        (folder, minutes)
    }

    fn run(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_gibbsite")).args(args).current_dir(self.0.path()).output().unwrap()
    }

    /// The one JSON object of `compare`, with its exit code.
    #[track_caller]
    fn compare(&self, args: &[&str], code: i32) -> Value {
        let output = self.run(&[&["compare"], args, &["--json"]].concat());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// The text of `compare`.
    fn text(&self, args: &[&str]) -> String {
        String::from_utf8(self.run(&[&["compare"], args].concat()).stdout).unwrap()
    }

    /// Kind and message of a refusal.
    #[track_caller]
    fn refused(&self, args: &[&str], code: i32) -> (String, String) {
        let error = &self.compare(args, code)["error"];
        assert!(error["hint"].as_str().is_some_and(|h| !h.is_empty()), "{error}");
        (error["kind"].as_str().unwrap().into(), error["message"].as_str().unwrap().into())
    }
}

/// A Gaussian of any dimension, all of whose coordinates hang together.
const COUPLED: &str = "sum(i,1..d,x[i]^2)/2+0.1*sum(i,1..d,x[i])^2";

#[track_caller]
fn number(object: &Value, field: &str) -> f64 {
    object[field].as_f64().unwrap_or_else(|| panic!("{field} of {object}"))
}

/// Within 1e-11, or within five of the errors that are given.
#[track_caller]
fn near(object: &Value, field: &str, truth: f64) {
    let (value, error) = (number(object, field), number(object, &format!("{field}_std_err")));
    assert!((value - truth).abs() < (5.0 * error).max(1e-11), "{field} = {value} +- {error}, not {truth}");
}

#[test]
fn gaussians_on_the_line_are_exact() {
    let (folder, _) = Folder::new();
    let c = folder.compare(&["x^2/2", "(x-m)^2/(2*s^2)", "--param", "m=0.5,s=2"], 0);
    let (kl_ab, kl_ba) = (2f64.ln() + 1.25 / 8.0 - 0.5, -2f64.ln() + 4.25 / 2.0 - 0.5);
    near(&c, "kl_ab", kl_ab);
    near(&c, "kl_ba", kl_ba);
    near(&c, "jeffreys", kl_ab + kl_ba);
    near(&c, "free_energy_difference", 2f64.ln());
    near(&c, "entropy_a", 0.5 + 0.5 * (2.0 * std::f64::consts::PI).ln());
    near(&c, "entropy_difference", -2f64.ln());
    near(&c, "mean_energy_b", 0.5);
    near(&c, "log_z_a", 0.5 * (2.0 * std::f64::consts::PI).ln());
    assert!(c["exact"] == true && c["dim"] == 1 && number(&c, "std_err") < 1e-10, "{c}");
    assert!(c["warnings"].as_array().unwrap().is_empty() && c.get("n_data").is_none(), "{c}");
    assert_eq!((&c["log_z_a_method"], &c["means_b_method"]), (&"quadrature".into(), &"quadrature".into()));
    // The options of B alone: the same temperature and width are one model.
    let c = folder.compare(&["a*x^2", "a*x^2", "--param", "a=2", "--param-b", "a=1", "--beta-b", "2"], 0);
    assert!(number(&c, "kl_ab").abs() < 1e-12 && number(&c, "kl_ba").abs() < 1e-12, "{c}");
    // In many dimensions, where both fall apart into the same coordinates.
    let c = folder.compare(&["gaussian:d=40", "sum(i,1..d,(x[i]-1)^2)/2", "--dim", "40"], 0);
    near(&c, "kl_ab", 20.0);
    assert!(c["exact"] == true && c["means_a_method"] == "quadrature", "{c}");
    // In two dimensions, with the closed form of log Z on one side.
    let c = folder.compare(&["gaussian:d=2", "x1^2/2+x2^2/2+3"], 0);
    assert!(number(&c, "kl_ab").abs() < 1e-12 && c["exact"] == true, "{c}");
}

#[test]
fn what_a_model_excludes_is_null_with_a_reason() {
    let (folder, _) = Folder::new();
    let c = folder.compare(&["x^2/2", "x^2/2", "--bounds-b", "x=0..inf"], 0);
    for field in ["kl_ab", "kl_ab_std_err", "jeffreys"] {
        assert!(c[field].is_null(), "{field}: {c}");
    }
    near(&c, "kl_ba", 2f64.ln());
    assert_eq!(c["std_err"], c["kl_ba_std_err"]);
    let warnings = c["warnings"].to_string();
    assert!(
        warnings.contains("kl_ab is infinite") && warnings.contains("A has probability 0.5 where B has none"),
        "{c}"
    );
    let c = folder.compare(&["x^2/2", "x^2/2", "--bounds", "x=0..1", "--bounds-b", "x=2..3"], 0);
    assert!(c["kl_ab"].is_null() && c["kl_ba"].is_null() && c["std_err"].is_null(), "{c}");
    let c = folder.compare(&["2*log(1+x^2)", "x^4"], 0);
    assert!(c["kl_ab"].is_null() && c["warnings"].to_string().contains("grows too fast for the tails of A"), "{c}");
    assert!(folder.text(&["x^2/2", "x^2/2", "--bounds-b", "x=0..inf"]).contains("KL(A || B)  infinite\n"));
    // Over draws, too.
    let args = ["gaussian:d=5", COUPLED, "--dim", "5", "--bounds-b", "x1=0..inf", "--draws", "100"];
    let c = folder.compare(&args, 0);
    assert!(c["kl_ab"].is_null() && c["warnings"].to_string().contains("A has about the probability 0."), "{c}");
    // log Z of B is no more exact than `logz` says it is.
    let says_so = c["warnings"].to_string().contains("log Z of B: a mode that no search");
    assert!(c["log_z_b_method"] == "cubature" && c["exact"] == false && says_so, "{c}");
}

#[test]
fn likelihoods_of_data_are_paired() {
    let (folder, x) = Folder::new();
    let args = ["x^2/2", "(x-0.5)^2", "data.csv", "--columns", "minutes"];
    let c = folder.compare(&args, 0);
    let (n, ln) = (x.len() as f64, |v: f64| v.ln());
    let log_ratio = |x: &f64| {
        (x - 0.5).powi(2) - x * x / 2.0 + 0.5 * ln(std::f64::consts::PI) - 0.5 * ln(2.0 * std::f64::consts::PI)
    };
    let differences: Vec<f64> = x.iter().map(log_ratio).collect();
    let mean = differences.iter().sum::<f64>() / n;
    let error = (differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt();
    assert!((number(&c, "log_likelihood_difference") - mean).abs() < 1e-12, "{c}");
    assert!((number(&c, "log_likelihood_difference_std_err") - error).abs() < 1e-12, "{c}");
    assert!((number(&c, "log_likelihood_difference_std_err_rows") - error).abs() < 1e-12, "{c}");
    assert!(number(&c, "log_likelihood_difference_std_err_log_z") < 1e-12, "{c}");
    let (a, b) = (number(&c, "log_likelihood_a"), number(&c, "log_likelihood_b"));
    assert!((a - b - mean).abs() < 1e-12 && c["n_data"] == 60 && number(&c, "log_likelihood_a_std_err") > error / 10.0);
    let better = if mean > 0.0 { "A" } else { "B" };
    let text = folder.text(&args);
    let telling = mean.abs() > 2.0 * error;
    assert_eq!(text.contains(&format!("{better} fits the data better, by ")), telling, "{text}");
    assert_eq!(text.contains("Neither is shown to fit the data better"), !telling, "{text}");
    // Against itself nothing differs.
    let text = folder.text(&["x^2/2", "x^2/2+1", "data.csv", "--columns", "minutes"]);
    assert!(text.contains("Neither is shown to fit the data better"), "{text}");

    let c = folder.compare(&["x^2/2", "x^2/2", "data.csv", "--columns", "minutes", "--bounds-b", "x=0..inf"], 0);
    let n_zero = x.iter().filter(|x| **x < 0.0).count();
    assert!(n_zero > 0 && c["n_zero_density_b"] == n_zero && c["n_zero_density_a"] == 0, "{c}");
    assert!(c["log_likelihood_b"].is_null() && c["log_likelihood_difference"].is_null(), "{c}");
    assert!(c["warnings"].to_string().contains(&format!("{n_zero} of 60 row(s) have zero density under B")), "{c}");
}

#[test]
fn a_fitted_model_finds_its_columns() {
    let (folder, _) = Folder::new();
    let fit = ["fit", "data.csv", "--columns", "minutes", "--energy", "a*(x-m)^2", "--out", "m.gibbs"];
    assert_eq!(folder.run(&fit).status.code(), Some(0));
    let c = folder.compare(&["m.gibbs", "x^2/2", "data.csv"], 0);
    let chosen = folder.compare(&["m.gibbs", "x^2/2", "data.csv", "--columns", "minutes"], 0);
    assert_eq!(c, chosen);
    assert!(number(&c, "log_likelihood_difference") > 0.0, "{c}");
}

#[test]
fn means_over_draws_come_with_their_errors() {
    let (folder, _) = Folder::new();
    // N(0, 1 / (1 + s)) along the diagonal, which no quadrature of three coordinates takes apart.
    let (a, b) = ("sum(i,1..d,x[i]^2)/2", "sum(i,1..d,x[i]^2)/2+s*sum(i,1..d,x[i])^2/(2*d)");
    let args = [a, b, "--dim", "8", "--param", "s=1", "--chains", "32", "--draws", "200", "--seed", "3"];
    let c = folder.compare(&args, 0);
    near(&c, "kl_ab", 0.5 * (1.0 - 2f64.ln()));
    near(&c, "kl_ba", 0.5 * (2f64.ln() - 0.5));
    near(&c, "jeffreys", 0.25);
    near(&c, "free_energy_difference", -0.5 * 2f64.ln());
    near(&c, "entropy_b", 4.0 * (1.0 + (2.0 * std::f64::consts::PI).ln()) - 0.5 * 2f64.ln());
    assert!(c["exact"] == false && c["means_a_method"] == "draws", "{c}");
    // The error of log Z is in the divergences, and cancels in their sum.
    let (kl, z) = (number(&c, "kl_ab_std_err"), number(&c, "free_energy_difference_std_err"));
    assert!(z > 0.0 && kl > z && number(&c, "jeffreys_std_err") < 0.05, "{c}");
    assert_eq!(number(&c, "std_err"), kl.max(number(&c, "kl_ba_std_err")));
}

#[test]
fn bad_draws_and_tails_are_bad_verdicts() {
    let (folder, _) = Folder::new();
    let c = folder.compare(&["gaussian:d=5", COUPLED, "--dim", "5", "--draws", "3"], 3);
    assert!(c["warnings"].to_string().contains("draws of A: "), "{c}");
    let t = "sum(i,1..d,1.5*log(1+x[i]^2/2))";
    let c = folder.compare(&[t, COUPLED, "--dim", "5", "--draws", "300"], 3);
    assert!(c["warnings"].to_string().contains("the error of kl_ab means nothing"), "{c}");
}

#[test]
fn wrong_calls_name_what_is_wrong() {
    let (folder, _) = Folder::new();
    let (kind, message) = folder.refused(&["x^2", "ring"], 2);
    assert!(
        kind == "dimension" && message.contains("A, x^2, has 1") && message.contains("B, ring, has 2"),
        "{message}"
    );
    let (kind, message) = folder.refused(&["a*x^2", "x^4", "--param", "a=1,c=2"], 2);
    assert!(kind == "unknown_name" && message.contains("'c'"), "{message}");
    let (kind, message) = folder.refused(&["a*x^2", "x^4"], 2);
    assert!(kind == "unset_parameter" && message.starts_with("A: "), "{message}");
    let (kind, message) = folder.refused(&["x^2", "x^3"], 1);
    assert!(kind == "improper" && message.starts_with("B: "), "{message}");
    let (kind, message) = folder.refused(&["x^2", "x^2+log(x)"], 1);
    assert!(kind == "undefined" && message.starts_with("B: "), "{message}");
    let (kind, message) = folder.refused(&["x^2", "x^4", "data.csv"], 2);
    assert!(kind == "dimension" && message.contains("minutes, wait"), "{message}");
    assert_eq!(folder.refused(&["x^2", "x^4", "none.csv"], 1).0, "not_found");
    assert_eq!(folder.refused(&["x^2"], 2).0, "missing_argument");
    assert_eq!(folder.refused(&["x^2", "x^4", "--bounds-b", "y=0..1"], 2).0, "unknown_name");
}
