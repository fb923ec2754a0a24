//! Energies of discrete variables, driven as a user drives them.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn gibbsite_in(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gibbsite")).args(args).current_dir(dir).output().unwrap()
}

/// The JSON object of a call, and its exit code.
fn json_in(dir: &Path, args: &[&str]) -> (Value, i32) {
    let output = gibbsite_in(dir, &[args, &["--json"]].concat());
    let text = std::str::from_utf8(&output.stdout).unwrap();
    (serde_json::from_str(text).unwrap_or_else(|e| panic!("{args:?}: {e}: {text}")), output.status.code().unwrap())
}

fn json(args: &[&str]) -> (Value, i32) {
    json_in(tempfile::tempdir().unwrap().path(), args)
}

fn number(object: &Value, field: &str) -> f64 {
    object[field].as_f64().unwrap_or_else(|| panic!("{field} of {object}"))
}

fn refused(args: &[&str]) -> String {
    let (object, code) = json(args);
    let error = &object["error"];
    assert!(error["hint"].as_str().is_some_and(|m| !m.is_empty()), "{args:?}: {object}");
    assert_eq!(code, 2, "{object}");
    error["kind"].as_str().unwrap().to_string()
}

#[test]
fn log_z_is_exact_where_states_can_be_counted() {
    for (energy, method, log_z) in [
        ("ising:l=4,beta=0.4406867935097715", "kaufman", 15.521_915_458_755_283),
        ("ising:l=64,beta=0.4406867935097715", "kaufman", 3_808.672_283_419_809_2),
        ("ising:l=4,beta=0.5,open=1", "enumeration", 14.497_711_024_105),
        ("ising:l=14,beta=0.4,open=1", "elimination", 169.088_521_842_621_6),
        ("boltzmann:d=12", "enumeration", 9.134_079_861_664_096),
        ("rbm", "enumeration", 10.512_585_466_895_79),
        ("rbm:visible=64,hidden=12,scale=0.5", "enumeration", 59.306_067_672_633_66),
    ] {
        let (z, code) = json(&["logz", energy]);
        assert!(code == 0 && z["exact"] == true && z["method"] == method, "{z}");
        assert!((number(&z, "log_z") - log_z).abs() < 1e-9 * log_z, "{z}");
        assert!((number(&z, "entropy") - log_z - number(&z, "mean_energy")).abs() < 1e-9, "{z}");
    }
    // A temperature is one, wherever it is given.
    let by = |args: &[&str]| number(&json(args).0, "log_z");
    let cold = by(&["logz", "ising:l=3,beta=0.8"]);
    assert!((cold - by(&["logz", "ising:l=3,beta=0.4", "--beta", "2"])).abs() < 1e-12);
    assert!((cold - by(&["logz", "ising:l=3", "--param", "beta=0.8"])).abs() < 1e-12);
}

#[test]
fn log_z_by_chains_agrees() {
    let exact = 10.512_585_466_895_79;
    for method in ["ais", "smc", "bridge", "ti", "stepping-stone"] {
        let (z, code) = json(&["logz", "rbm", "--method", method]);
        assert!(code == 0 && ((number(&z, "log_z") - exact) / number(&z, "std_err")).abs() < 4.0, "{z}");
    }
    // With a field, however small, no formula is known.
    let args = ["logz", "ising:l=16,beta=0.4,h=1e-9", "--seed", "1"];
    let (z, code) = json(&args);
    assert!(code == 0 && z["method"] == "ais and bridge", "{z}");
    assert!(((number(&z, "log_z") - 225.228_846_755_875_8) / number(&z, "std_err")).abs() < 4.0, "{z}");
    assert!(z["bounds"] == "guaranteed" && number(&z, "lower") < 225.2289, "{z}");
    let (other, _) = json(&[&args[..], &["--threads", "1"]].concat());
    assert_eq!(other, z);
}

#[test]
fn states_of_estimates_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["logz", "rbm:visible=8,hidden=5", "--method", "bridge", "--tol", "0.001"];
    let (whole, _) = json_in(dir.path(), &args);
    let kept = [&args[..], &["--checkpoint-dir", "states"]].concat();
    assert_eq!(json_in(dir.path(), &kept).0, whole);
    let (again, _) = json_in(dir.path(), &[&args[..], &["--resume", "states"]].concat());
    assert_eq!(again, whole);
    let other = ["logz", "rbm:visible=8,hidden=6", "--method", "bridge", "--tol", "0.001", "--resume", "states"];
    let (refused, code) = json_in(dir.path(), &other);
    assert!(code == 1 && refused["error"]["message"].as_str().unwrap().contains("another call"), "{refused}");
}

#[test]
fn every_sampler_has_the_exact_means() {
    for (energy, sampler) in [
        ("ising:l=4", "auto"),
        ("ising:l=4,h=0.2", "gibbs"),
        ("ising:l=3,j=-1", "cluster"),
        ("potts:l=3,q=4,h=0.3", "cluster"),
        ("potts:l=3", "wolff"),
        ("boltzmann:d=10,scale=2", "tempering"),
        ("boltzmann:d=8", "gwg"),
        ("rbm", "auto"),
        ("rbm", "gibbs"),
    ] {
        let args = ["sample", energy, "--sampler", sampler, "--draws", "2000", "--warmup", "200", "--thin", "4"];
        let (draws, code) = json(&args);
        assert!(code == 0 && draws["exact_check"] == "passed", "{energy} {sampler}: {draws}");
    }
    // A chain that is cold and short, in one of two modes.
    let cold = ["sample", "ising:l=4,beta=1", "--sampler", "gibbs", "--draws", "50", "--warmup", "5", "--chains", "8"];
    let (draws, code) = json(&cold);
    assert!(code == 3 && !draws["warnings"].as_array().unwrap().is_empty(), "{draws}");
}

#[test]
fn draws_are_values_and_files_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let read = |name: &str| std::fs::read(dir.path().join(name)).unwrap();
    for sampler in ["gibbs", "cluster", "tempering"] {
        let sample = |out: &str, more: &[&str]| {
            let args = ["sample", "ising:l=3", "--sampler", sampler, "--chains", "8", "--out", out, "--quiet"];
            gibbsite_in(dir.path(), &[&args[..], more].concat())
        };
        sample("whole.csv", &["--draws", "300"]);
        let text = String::from_utf8(read("whole.csv")).unwrap();
        assert!(text.starts_with("chain,draw,x1,x2,"), "{}", &text[..40]);
        let values = text.lines().skip(1).flat_map(|l| l.split(',').skip(2));
        assert!(values.clone().all(|v| v == "1" || v == "-1") && values.count() == 8 * 300 * 9);
        sample("threads.csv", &["--draws", "300", "--threads", "1"]);
        assert_eq!(read("threads.csv"), read("whole.csv"));
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    assert_eq!(refused(&["check", "ising"]), "labels");
    assert_eq!(refused(&["minimize", "rbm"]), "labels");
    assert_eq!(refused(&["sample", "ising", "--sampler", "nuts"]), "labels");
    assert_eq!(refused(&["sample", "rbm", "--sampler", "cluster"]), "labels");
    assert_eq!(refused(&["sample", "ising", "--step-size", "0.1"]), "step_size");
    assert_eq!(refused(&["sample", "x^2", "--sampler", "gibbs"]), "labels");
    assert_eq!(refused(&["logz", "ising", "--method", "importance"]), "labels");
    assert_eq!(refused(&["logz", "ising", "--bounds", "s1=0..1"]), "conflict");
    assert_eq!(refused(&["logz", "ising:l=2.5"]), "invalid_value");
    assert_eq!(refused(&["logz", "ising:l=300"]), "invalid_value");
    assert_eq!(refused(&["logz", "rbm:size=3"]), "invalid_value");
    let (object, code) = json(&["logz", "boltzmann:d=60", "--method", "exact"]);
    assert_eq!((object["error"]["kind"].as_str(), code), (Some("not_exact"), 1));
    let (menu, _) = json(&["energies"]);
    let names: Vec<&str> = menu["energies"].as_array().unwrap().iter().filter_map(|e| e["name"].as_str()).collect();
    assert!(["ising", "potts", "boltzmann", "rbm"].iter().all(|n| names.contains(n)), "{names:?}");
}
