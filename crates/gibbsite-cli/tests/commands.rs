//! The commands on energies, driven as a user drives them: numbers, JSON, exit codes, refusals, bytes of files.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn gibbsite_in(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gibbsite")).args(args).current_dir(dir).output().unwrap()
}

fn gibbsite(args: &[&str]) -> Output {
    gibbsite_in(tempfile::tempdir().unwrap().path(), args)
}

/// The one JSON object of a call with `--json`, and its exit code.
fn json_in(dir: &Path, args: &[&str]) -> (Value, i32) {
    let mut args = args.to_vec();
    args.push("--json");
    let output = gibbsite_in(dir, &args);
    let text = std::str::from_utf8(&output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "{args:?}: {text}");
    (serde_json::from_str(text).unwrap_or_else(|e| panic!("{args:?}: {e}: {text}")), output.status.code().unwrap())
}

fn json(args: &[&str]) -> (Value, i32) {
    json_in(tempfile::tempdir().unwrap().path(), args)
}

fn number(object: &Value, field: &str) -> f64 {
    object[field].as_f64().unwrap_or_else(|| panic!("{field} of {object}"))
}

fn element(object: &Value, field: &str, i: usize) -> f64 {
    object[field][i].as_f64().unwrap_or_else(|| panic!("{field}[{i}] of {object}"))
}

/// Kind and exit code of a refusal; every refusal has a message and a hint.
fn refusal(args: &[&str]) -> (String, i32) {
    let (object, code) = json(args);
    let error = &object["error"];
    assert!(error["message"].as_str().is_some_and(|m| !m.is_empty()), "{args:?}: {object}");
    assert!(error["hint"].as_str().is_some_and(|m| !m.is_empty()), "{args:?}: {object}");
    (error["kind"].as_str().unwrap().to_string(), code)
}

const QUARTIC: &str = "0.5*x^2+0.1*x^4";
const Z_QUARTIC: f64 = 2.149_705_928_590_585_586_3;
/// By a 16,000-point rule in double precision.
const VARIANCE_QUARTIC: f64 = 0.615_527_185_732_9;

#[test]
fn log_z_of_the_quartic() {
    let simpson = ["logz", QUARTIC, "--method", "simpson", "--lower", "-6", "--upper", "6", "--n", "4000"];
    let (z, code) = json(&simpson);
    assert_eq!(code, 0);
    assert!((number(&z, "log_z").exp() - Z_QUARTIC).abs() < 1e-6);
    let (z, code) = json(&["logz", QUARTIC]);
    assert_eq!((code, z["exact"].as_bool(), z["bounds"].as_str()), (0, Some(true), Some("exact")));
    assert!((number(&z, "log_z").exp() - Z_QUARTIC).abs() < 1e-12);
    // x E' has mean 1, so that the mean energy follows from the variance.
    assert!((number(&z, "mean_energy") - 0.25 * (1.0 + VARIANCE_QUARTIC)).abs() < 1e-9);
    assert!((number(&z, "entropy") - number(&z, "log_z") - number(&z, "mean_energy")).abs() < 1e-12);
    for field in
        ["log_z", "std_err", "lower", "upper", "bounds", "method", "exact", "ess", "pareto_k", "agreement", "warnings"]
    {
        assert!(z.get(field).is_some(), "{field}");
    }
    let (z, code) = json(&["logz", QUARTIC, "--method", "importance"]);
    assert_eq!(code, 0);
    assert!(((number(&z, "log_z") - Z_QUARTIC.ln()) / number(&z, "std_err")).abs() < 4.0, "{z}");
}

#[test]
fn log_z_of_bounds_temperatures_parameters_and_offsets() {
    let root_pi = std::f64::consts::PI.sqrt();
    let log_z = |args: &[&str]| {
        let (z, code) = json(&[&["logz"], args].concat());
        assert_eq!(code, 0, "{z}");
        number(&z, "log_z")
    };
    assert!((log_z(&["x^2", "--bounds", "x=0..inf"]).exp() - 0.5 * root_pi).abs() < 1e-12);
    assert!((log_z(&["x^2", "--beta", "4"]).exp() - 0.5 * root_pi).abs() < 1e-12);
    assert!((log_z(&["a*x^2", "--param", "a=0.25"]).exp() - 2.0 * root_pi).abs() < 1e-12);
    assert!((log_z(&["x^2+1e4"]) + 1e4 - root_pi.ln()).abs() < 1e-9);
    assert!((log_z(&["ring:r=2,sigma=0.2"]) - 1.840_524_867_739_863_3).abs() < 1e-8);
    assert!((log_z(&["many-well:d=32"]) - 164.695_675_313_181_89).abs() < 1e-8);
    // The closed form holds for neither another temperature nor another support.
    let half = log_z(&["gaussian:d=2", "--bounds", "x1=0..inf"]);
    assert!((half - log_z(&["gaussian:d=2"]) + 2f64.ln()).abs() < 1e-9);
    assert!((log_z(&["gaussian:d=2", "--beta", "4"]) - log_z(&["gaussian:d=2"]) + 4f64.ln()).abs() < 1e-9);
    assert_eq!(json(&["logz", "gaussian:d=5"]).0["method"], "closed form");
}

#[test]
fn an_estimate_that_cannot_be_trusted_is_a_bad_verdict() {
    let (z, code) = json(&["logz", "log(1+x^2)", "--method", "importance"]);
    assert_eq!(code, 3, "{z}");
    assert!(!z["warnings"].as_array().unwrap().is_empty() && z["exact"] == false);
    let (z, code) = json(&["logz", "sum(i,1..5,x[i]^2/2)", "--dim", "5"]);
    let error = number(&z, "log_z") - 2.5 * (2.0 * std::f64::consts::PI).ln();
    assert!(code == 0 && error.abs() < 5.0 * number(&z, "std_err") && number(&z, "std_err") <= 0.05, "{z}");
}

#[test]
fn what_is_no_model_is_refused() {
    for energy in ["x", "x^3", "-x^2", "0*x", "(x-2*y+0.3*z)^2", "x^2*y^2-x", "0.4*log(1+x^2)", "ackley"] {
        for command in ["logz", "sample"] {
            assert_eq!(refusal(&[command, energy]), ("improper".into(), 1), "{command} {energy}");
        }
    }
    assert_eq!(refusal(&["density", "-x^2", "--at", "-1;0"]), ("improper".into(), 1));
    assert_eq!(refusal(&["sample", "-sum(i,1..d,x[i]^2)", "--dim", "5"]), ("improper".into(), 1));
    assert_eq!(json(&["logz", "-x^2", "--bounds", "x=-1..1"]).1, 0);
}

#[test]
fn check_tells_models_from_others() {
    for energy in ["x^2", "x^4-100*x^2", "x^2+y^2+x*y", "abs(x)", "cosh(x)", "x^2*y^2+x^2+y^2"] {
        let (found, code) = json(&["check", energy]);
        assert_eq!((found["normalizable"].as_str(), code), (Some("yes"), 0), "{energy}: {found}");
        assert!(number(&found, "gradient_max_rel_error") < 1e-5 && found["falls_along"].is_null(), "{found}");
    }
    for energy in ["x", "x^3", "-x^2", "0*x", "(x-2*y+0.3*z)^2", "x^2*y^2-x", "0.4*log(1+x^2)", "ackley"] {
        let (found, code) = json(&["check", energy]);
        assert_eq!((found["normalizable"].as_str(), code), (Some("no"), 3), "{energy}: {found}");
        let along: Vec<f64> = found["falls_along"].as_array().unwrap().iter().filter_map(Value::as_f64).collect();
        assert!((along.iter().map(|v| v * v).sum::<f64>() - 1.0).abs() < 1e-9, "{energy}: {found}");
    }
    assert_eq!(json(&["check", "-x^2", "--bounds", "x=-1..1"]).0["normalizable"], "yes");
    assert_eq!(json(&["check", "x-log(x)"]).1, 3);
    let (found, code) = json(&["check", "a*x^2+b", "--param", "a=1,b=2"]);
    assert_eq!((code, &found["offset"]), (0, &serde_json::json!(["b"])), "{found}");
    assert_eq!(
        json(&["check", "a*b*x^2", "--param", "a=1,b=2"]).0["redundant_parameters"].as_array().map(Vec::len),
        Some(1)
    );
}

#[test]
fn undefined_energies_are_named_with_the_point() {
    let commands: [&[&str]; 5] = [
        &["logz", "x-log(x)"],
        &["sample", "x-log(x)", "--sampler", "hmc"],
        &["minimize", "x-log(x)"],
        &["plot", "x-log(x)"],
        &["density", "x-log(x)", "--at", "1"],
    ];
    for args in commands {
        let (object, code) = json(args);
        assert_eq!((object["error"]["kind"].as_str(), code), (Some("undefined"), 1), "{args:?}");
        assert!(object["error"]["message"].as_str().unwrap().contains("x = -"), "{object}");
        assert!(object["error"]["hint"].as_str().unwrap().contains("--bounds"), "{object}");
    }
    let five = "sum(i,1..d, x[i]-log(x[i]))";
    assert_eq!(refusal(&["sample", five, "--dim", "5"]).0, "undefined");
    let (s, code) = json(&["sample", five, "--dim", "5", "--bounds", "x=0..inf"]);
    assert!(code != 1 && code != 2 && (element(&s, "mean", 4) - 2.0).abs() < 5.0 * element(&s, "mcse", 4), "{s}");
}

#[test]
fn wrong_calls_are_named() {
    for (args, kind) in [
        (&["logz", "a*x^2"][..], "unset_parameter"),
        (&["logz", "x^2+"], "formula"),
        (&["sample", "x^2", "--sampler", "ensemble", "--chains", "7"], "ensemble"),
        (&["sample", "x^2", "--sampler", "ensemble", "--step-size", "0.5"], "ensemble"),
        (&["logz", "x^2", "--param", "b=1"], "formula"),
        (&["logz", "x^2", "--bounds", "y=0..1"], "unknown_name"),
        (&["logz", "x^2", "--bounds", "x=1..0"], "invalid_value"),
        (&["logz", "x^2", "--bounds", "x"], "invalid_value"),
        (&["logz", "rosenbrok"], "unknown_name"),
        (&["logz", "ring:radius=1"], "invalid_value"),
        (&["logz", ""], "missing_energy"),
        (&["logz", "x^2", "--method", "harmonic-mean"], "refused"),
        (&["logz", "x^2", "--method", "simpson"], "missing_argument"),
        (&["logz", "x^2", "--method", "simpson", "--lower", "-6", "--upper", "6", "--n", "3"], "invalid_value"),
        (&["logz", "x^2", "--method", "simpson", "--lower", "6", "--upper", "-6"], "invalid_value"),
        (&["logz", "x^2", "--lower", "-6"], "conflict"),
        (&["density", "x^2", "--at", "1,2"], "dimension"),
        (&["sample", "x^2+y^2+z^2", "--sampler", "grid"], "dimension"),
        (&["sample", "x^2", "--sampler", "gibbs"], "labels"),
        (&["sample", "x^2", "--sampler", "gibs"], "invalid_value"),
        (&["sample", "x^2", "--out", "a.xlsx"], "unknown_format"),
        (&["sample", "x^2", "--resume"], "missing_argument"),
        (&["plot", "x^2", "--out", "a.pdf"], "plot"),
        (&["plot", "many-well:d=4"], "missing_argument"),
    ] {
        assert_eq!(refusal(args), (kind.to_string(), 2), "{args:?}");
    }
    assert_eq!(refusal(&["logz", "model.gibbs"]), ("not_found".into(), 1));
    assert_eq!(refusal(&["sample", "x^2", "--out", "no/such/a.npy"]).1, 1);
    assert_eq!(refusal(&["plot", "x^2", "--data", "none.csv"]).1, 1);
    let output = gibbsite(&["logz", "2*sinn(x)"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("\n  2*sinn(x)\n    ^^^^\n"), "{output:?}");
}

/// Without the feature the refusal says how to have it.
#[cfg(not(feature = "parquet"))]
#[test]
fn parquet_is_not_part_of_this_build() {
    assert_eq!(refusal(&["sample", "x^2", "--out", "a.parquet"]), ("unknown_format".into(), 2));
    let said = String::from_utf8(gibbsite(&["sample", "x^2", "--out", "a.parquet"]).stderr).unwrap();
    for part in ["'a.parquet': Parquet files are not part of this build", ".csv, .npy or .npz", "--features parquet"] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn a_density_is_normalised() {
    let (p, code) = json(&["density", QUARTIC, "--at", "-1;0;1"]);
    assert_eq!(code, 0);
    assert_eq!(p["x"], serde_json::json!([[-1.0], [0.0], [1.0]]));
    for (i, e) in [0.6, 0.0, 0.6].into_iter().enumerate() {
        assert!((element(&p, "energy", i) - e).abs() < 1e-15);
        assert!((element(&p, "log_density", i) + e + Z_QUARTIC.ln()).abs() < 1e-12);
        assert!(element(&p, "std_err", i) < 1e-10);
    }
    let (p, code) = json(&["density", "ring", "--at", "2,0;0,0", "--bounds", "x=1..inf"]);
    assert_eq!(code, 0);
    assert!(p["density"][1] == 0.0 && p["log_density"][1].is_null() && element(&p, "density", 0) > 0.16, "{p}");
}

#[test]
fn minima_and_their_weights() {
    let (found, code) = json(&["minimize", "x^4-6*x^2-0.5*x"]);
    assert_eq!(code, 0);
    let minima = found["minima"].as_array().unwrap();
    assert_eq!(minima.len(), 2);
    assert!((element(&minima[0], "position", 0) - 1.752_52).abs() < 1e-4 && minima[0]["kind"] == "minimum");
    assert!((number(&minima[0], "weight") - 0.8443).abs() < 0.01);
    assert_eq!(json(&["minimize", "himmelblau"]).0["minima"].as_array().unwrap().len(), 4);
    assert_eq!(json(&["minimize", "ring"]).0["minima"][0]["kind"], "continuum");
    assert_eq!(json(&["minimize", "x", "--bounds", "x=2..3"]).0["minima"][0]["kind"], "at_bound");
    assert_eq!(json(&["minimize", "-x^2"]).1, 3);
}

#[test]
fn what_is_no_minimum_is_said() {
    let warned = |object: &Value, words: &str| object["warnings"].to_string().contains(words);
    let (tail, code) = json(&["minimize", "exp(-x)"]);
    assert_eq!((code, tail["minima"].as_array().unwrap().len(), tail["n_at_infinity"].as_u64()), (3, 0, Some(256)));
    assert!(warned(&tail, "falls towards infinity along x = 1"), "{tail}");
    let (pole, code) = json(&["minimize", "0.5*log(x)+x", "--bounds", "x=0..inf"]);
    assert_eq!((code, pole["escapes"][0]["kind"].as_str()), (3, Some("pole")));
    assert!(warned(&pole, "falls without bound towards x = 0") && !warned(&pole, "no model"), "{pole}");
    let (cone, code) = json(&["minimize", "ackley:d=2", "--bounds", "x1=-5..5,x2=-5..5"]);
    let first = &cone["minima"][0];
    assert_eq!((code, first["kind"].as_str()), (0, Some("kink")));
    assert!(first["curvatures"].is_null() && first["weight"].is_null() && number(first, "energy") < 1e-12, "{first}");
    assert!(number(&cone["minima"][1], "weight") > 0.0 && warned(&cone, "1 at kinks"), "{cone}");
    let (few, code) = json(&["minimize", "sum(i,1..d,(x[i]^2-1)^2)", "--dim", "6", "--starts", "60"]);
    assert_eq!((code, few["n_starts"].as_u64()), (0, Some(60)));
    assert!(number(&few, "n_estimated") > 45.0 && warned(&few, "--starts"), "{few}");
}

#[test]
fn every_sampler_finds_the_moments() {
    for sampler in ["grid", "rwm", "mala", "hmc", "underdamped", "slice", "ensemble", "auto"] {
        let (s, code) = json(&["sample", QUARTIC, "--sampler", sampler, "--draws", "2000"]);
        assert_eq!(code, 0, "{sampler}: {s}");
        assert!((element(&s, "mean", 0) / element(&s, "mcse", 0)).abs() < 4.0, "{sampler}: {s}");
        let z = (element(&s, "sd", 0) - VARIANCE_QUARTIC.sqrt()) / element(&s, "mcse_sd", 0);
        assert!(z.abs() < 4.0, "{sampler}: {z}");
        let energy = number(&s, "energy_mean") - 0.25 * (1.0 + VARIANCE_QUARTIC);
        assert!((energy / number(&s, "energy_mcse")).abs() < 4.0, "{sampler}: {s}");
        assert!(number(&s, "total_variation") < 0.05 && number(&s, "kl") < 0.02, "{sampler}: {s}");
        for field in [
            "sampler",
            "rhat",
            "ess_bulk",
            "ess_tail",
            "accept_prob",
            "n_diverged",
            "energy_sd",
            "seconds",
            "ess_per_second",
        ] {
            assert!(!s[field].is_null(), "{sampler}: {field}");
        }
    }
    let (s, code) = json(&["sample", QUARTIC, "--sampler", "ula", "--step-size", "0.01", "--draws", "2000"]);
    assert!(s["bias_z"][0].is_number() && element(&s, "bias_sd_ratio", 0) > 0.9 && code != 1, "{s}");
    let (s, code) = json(&["sample", "x^2/2", "--sampler", "ula", "--step-size", "0.7"]);
    assert_eq!(code, 3, "the variance is 1/(1 - 0.35) times too large: {s}");
}

#[test]
fn draws_are_in_the_units_and_bounds_of_the_energy() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["sample", "x-log(x)", "--bounds", "x=0..inf", "--sampler", "mala", "--out", "g.csv"];
    let (s, _) = json_in(dir.path(), &args);
    // Gamma(2): mean 2.
    assert!(((element(&s, "mean", 0) - 2.0) / element(&s, "mcse", 0)).abs() < 4.0, "{s}");
    let text = std::fs::read_to_string(dir.path().join("g.csv")).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("chain,draw,x1"));
    assert_eq!(text.lines().count(), 64_001);
    assert!(lines.all(|l| l.split(',').nth(2).and_then(|v| v.parse::<f64>().ok()).is_some_and(|v| v > 0.0)));
    let (s, code) = json(&["sample", "x^2/2+1e4", "--beta", "4", "--sampler", "hmc"]);
    assert_eq!(code, 0);
    assert!((element(&s, "sd", 0) - 0.5).abs() < 5.0 * element(&s, "mcse_sd", 0), "{s}");
}

#[test]
fn files_do_not_depend_on_threads_and_repeat() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = |sampler: &str, threads: &str, seed: &str, file: &str| {
        let args = ["sample", "ring", "--sampler", sampler, "--chains", "80", "--draws", "30", "--warmup", "80"];
        let args = [&args[..], &["--threads", threads, "--seed", seed, "--out", file]].concat();
        assert_ne!(gibbsite_in(dir.path(), &args).status.code(), Some(1));
        std::fs::read(dir.path().join(file)).unwrap()
    };
    for (sampler, file) in [("grid", "a.npy"), ("rwm", "a.csv"), ("ula", "a.npz"), ("mala", "a.npy"), ("hmc", "a.npz")]
    {
        let one = bytes(sampler, "1", "7", file);
        assert_eq!(one, bytes(sampler, "2", "7", file), "{sampler}: another number of threads");
        assert_ne!(one, bytes(sampler, "2", "8", file), "{sampler}: another seed");
    }
}

#[test]
fn bad_chains_are_a_bad_verdict() {
    let (s, code) = json(&["sample", "double-well:h=20", "--sampler", "mala"]);
    assert_eq!(code, 3, "{s}");
    assert!(s["warnings"].to_string().contains("R-hat"), "{s}");
    let (s, code) = json(&["sample", "x^2", "--sampler", "mala", "--chains", "2", "--draws", "2"]);
    assert!(code == 3 && s["rhat"][0].is_null(), "{s}");
    // Independent draws need no convergence, however few they are.
    assert_eq!(json(&["sample", "x^2", "--chains", "1", "--draws", "1"]).1, 0);
}

#[test]
fn the_menus_are_complete() {
    let (menu, code) = json(&["energies"]);
    assert_eq!(code, 0);
    for entry in menu["energies"].as_array().unwrap() {
        let name = entry["name"].as_str().unwrap();
        assert!(entry["formula"].as_str().is_some_and(|f| !f.is_empty()), "{name}");
        let code = json(&["minimize", name, "--starts", "2"]).1;
        let is_discrete = entry["discrete"] == true;
        assert!(if is_discrete { code == 2 } else { code == 0 || code == 3 }, "{name}: {code}");
    }
    assert!(json(&["samplers"]).0["samplers"].as_array().unwrap().iter().any(|s| s["name"] == "hmc"));
    assert!(json(&["objectives"]).0["objectives"].as_array().unwrap().iter().any(|s| s["name"] == "mle"));
}

#[test]
fn nonsense_is_refused_and_never_panics() {
    let deep = "(".repeat(5000);
    let long = "x+".repeat(20_000) + "x^2";
    for energy in [
        "",
        " ",
        "(",
        ")",
        "x^",
        "^x",
        "x..y",
        "1/0*x^2",
        "x^x^x^x",
        "sum(i,1..1e9,x[i])",
        "x[0]^2",
        "x[1e9]^2",
        "é^2",
        "\u{1}",
        "x^2 x^2",
        "nan*x",
        "inf*x^2",
        "1e999*x^2",
        "x^2/0",
        "sqrt(x)",
        "0/0",
        ":",
        "ring:",
        "ring:,",
        "ring:r=",
        "x^1e308",
        "exp(exp(exp(x)))",
        "log(0)*x",
        "-",
        "--",
        "x=1",
        "funnel:d=1e9",
        "gaussian:d=-1",
        &deep,
        &long,
    ] {
        for command in
            [&["logz"][..], &["density", "--at", "0"], &["minimize", "--starts", "3"], &["sample", "--draws", "5"]]
        {
            let output = gibbsite(&[command, &["--json", "--", energy]].concat());
            let code = output.status.code();
            assert!(matches!(code, Some(0..=3)), "{command:?} {energy:.40}: {output:?}");
            let object: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{energy:.40}: {e}"));
            assert_ne!(object["error"]["kind"], "bug", "{command:?} {energy:.40}: {object}");
        }
    }
    for bounds in ["", "x", "x=..", "x=0..0", "x=-inf..inf", "x=1e308..inf", "x=0..1e-320", "=", "x=1..nan", ",,"] {
        let output = gibbsite(&["sample", "x^2", "--draws", "5", "--json", "--bounds", bounds]);
        let object: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_ne!(object["error"]["kind"], "bug", "{bounds}: {object}");
    }
}
