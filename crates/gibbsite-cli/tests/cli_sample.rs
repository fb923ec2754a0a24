//! `sample` must say when its numbers are not to be trusted, and must not cry wolf when they are.

use std::process::Command;

use serde_json::Value;

fn sample(args: &[&str]) -> (Value, i32) {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gibbsite"));
    let output = command.arg("sample").args(args).arg("--json").current_dir(dir.path()).output().unwrap();
    let object = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{args:?}: {e}"));
    (object, output.status.code().unwrap())
}

fn element(object: &Value, field: &str) -> f64 {
    object[field][0].as_f64().unwrap_or_else(|| panic!("{field}[0] of {object}"))
}

fn warnings(object: &Value) -> String {
    object["warnings"].to_string()
}

#[test]
fn far_wells_are_not_missed_in_silence() {
    let wells = "-log(0.5*exp(-((x1+1)^2+x2^2+x3^2)/2)+0.5*exp(-((x1-12)^2+x2^2+x3^2)/2))";
    for seed in ["0", "1", "2"] {
        let (s, code) = sample(&[wells, "--seed", seed, "--sampler", "nuts"]);
        assert_eq!((code, s["n_wells"].as_u64()), (3, Some(2)), "{s}");
        assert!(warnings(&s).contains("wells") && warnings(&s).contains("--sampler tempering"), "{s}");
        // Left to itself, the choice is a sampler that crosses.
        let (s, code) = sample(&[wells, "--seed", seed]);
        assert_eq!((code, s["sampler"].as_str()), (0, Some("tempering")), "{s}");
        assert!(((element(&s, "mean") - 5.5) / element(&s, "mcse")).abs() < 4.0, "{s}");
        assert!(((element(&s, "mode_weight") - 0.5) / element(&s, "mode_std_err")).abs() < 4.0, "{s}");
    }
}

#[test]
fn exact_moments_tell_what_chains_cannot() {
    let (s, code) = sample(&["x^2/2+y^2/2+z^2/2", "--sampler", "rwm", "--step-size", "0.02", "--warmup", "0"]);
    assert_eq!((code, s["exact_check"].as_str()), (3, Some("failed")), "{s}");
    assert!(warnings(&s).contains(" exactly, "), "{s}");
    let (s, code) = sample(&["x^2/2+y^2/2+z^2/2"]);
    assert_eq!((code, s["exact_check"].as_str()), (0, Some("passed")), "{s}");
    // In more dimensions nothing is checked, and that is said.
    assert_eq!(sample(&["gaussian:d=4"]).0["exact_check"], "none");
}

/// A symmetry makes the integral of exp(-E) easy on every line, while E itself varies between the nodes.
#[test]
fn expectations_that_the_nodes_do_not_resolve_are_no_evidence() {
    assert_eq!(sample(&["checkerboard", "--draws", "200"]).1, 0);
}

#[test]
fn short_chains_that_agree_are_good() {
    for args in [["double-well:h=2", "--sampler", "mala"], ["gaussian:d=10,condition=10000", "--sampler", "rwm"]] {
        let (s, code) = sample(&args);
        assert_eq!(code, 0, "{s}");
        assert!(element(&s, "rhat") > 1.01, "{s}");
    }
    for args in [["double-well:h=6", "--sampler", "mala"], ["rosenbrock", "--sampler", "mala"]] {
        assert_eq!(sample(&args).1, 3);
    }
}

#[test]
fn moments_that_do_not_exist_are_not_vouched_for() {
    // Cauchy: no mean. Student t with two degrees of freedom: no variance. With four: both.
    let (s, code) = sample(&["log(1+x^2)"]);
    assert_eq!(code, 3, "{s}");
    assert!(warnings(&s).contains("use the median"), "{s}");
    assert!((element(&s, "q95") - 6.314).abs() < 0.5, "{s}");
    // Chains that never reach the tails see nothing of them; the quadrature does.
    let (s, code) = sample(&["log(1+x^2)", "--sampler", "mala"]);
    assert!(code == 3 && warnings(&s).contains("there is no mean") && !warnings(&s).contains("spread"), "{s}");
    let (s, code) = sample(&["1.5*log(1+x^2)"]);
    assert!(code == 0 && warnings(&s).contains("there is no variance"), "{s}");
    let (s, code) = sample(&["2.5*log(1+x^2)"]);
    assert!(code == 0 && warnings(&s) == "[]", "{s}");
}

/// The grid resolves a tail over forty magnitudes, and the distance must, too; separate wells leave long bins between them.
#[test]
fn the_distance_resolves_tails_and_wells() {
    let (s, _) = sample(&["0.6*log(1+x^2)"]);
    assert!(s["total_variation"].as_f64().unwrap() < 0.03 && !warnings(&s).contains("total variation"), "{s}");
    assert_eq!(sample(&["himmelblau"]).1, 0);
}

#[test]
fn remedies_fit_the_fault() {
    let (s, code) = sample(&["x^2", "--sampler", "mala", "--step-size", "1e9"]);
    assert!(code == 3 && warnings(&s).contains("smaller --step-size"), "{s}");
    let (s, code) = sample(&["x^2", "--sampler", "mala", "--step-size", "1e-9"]);
    assert!(code == 3 && warnings(&s).contains("larger --step-size"), "{s}");
    let (s, code) = sample(&["x^2+y^2+z^2", "--draws", "4"]);
    assert!(code == 3 && warnings(&s).contains("more --draws"), "{s}");
    for absent in ["wells", "thin less", "grid"] {
        assert!(!warnings(&s).contains(absent), "{s}");
    }
    assert!(!warnings(&sample(&["funnel:d=10"]).0).contains("wells"));
}

#[test]
fn one_draw_of_many_chains_has_a_mean_and_an_error() {
    for sampler in ["grid", "hmc"] {
        let (s, _) = sample(&["x^2/2", "--sampler", sampler, "--draws", "1"]);
        assert!((element(&s, "mean") / element(&s, "mcse")).abs() < 5.0, "{s}");
        assert!((element(&s, "sd") - 1.0).abs() < 0.5 && s["energy_mean"].is_number(), "{s}");
        assert!(!warnings(&s).contains("NaN"), "{s}");
    }
    let (s, _) = sample(&["x^2/2", "--chains", "1", "--draws", "1"]);
    assert!(s["mean"][0].is_number() && s["mcse"][0].is_null(), "{s}");
}

#[test]
fn unadjusted_draws_bear_their_bias() {
    for args in [["x^2/2", "--bounds", "x=-inf..inf"], ["x", "--bounds", "x=0..inf"]] {
        let (s, code) = sample(&[&args[..], &["--sampler", "ula"]].concat());
        assert_eq!(code, 0, "{s}");
        assert!(((element(&s, "sd") - 1.0) / element(&s, "mcse_sd")).abs() < 4.0, "{s}");
        // In the coordinates that are reported.
        assert!((element(&s, "bias_sd_ratio") - 1.0).abs() < 0.1, "{s}");
    }
}

#[test]
fn rejections_in_thin_tails_are_no_alarm() {
    assert_eq!(warnings(&sample(&["quartic", "--sampler", "hmc"]).0), "[]");
    assert_eq!(sample(&["x^8", "--sampler", "hmc"]).1, 0);
}

/// The kinds of what was found, with whether they forbid the use of the draws.
fn findings(s: &Value) -> Vec<(String, bool)> {
    let found = s["verdict"]["findings"].as_array().unwrap();
    found.iter().map(|f| (f["kind"].as_str().unwrap().to_string(), f["forbids"].as_bool().unwrap())).collect()
}

/// x(1-x) to a power near -1: doubles do not resolve the mass next to 1. Exact draws of it are not exact, and chains cannot
/// get there.
#[test]
fn what_numbers_do_not_resolve_is_not_called_good() {
    let model = "0.95*log(x)+0.95*log(1-x)";
    for sampler in ["grid", "slice"] {
        let (s, code) = sample(&[model, "--bounds", "x=0..1", "--sampler", sampler, "--draws", "300"]);
        assert!(code == 3 && findings(&s).contains(&("crowded".into(), true)), "{sampler}: {s}");
    }
    let (s, code) = sample(&["0.98*log(x)+0.98*log(1-x)", "--bounds", "x=0..1", "--draws", "300"]);
    let found = findings(&s);
    assert!(code == 3 && found.contains(&("unconverged".into(), true)) && found.contains(&("not_finite".into(), true)));
    // With singularities that are resolved all is well.
    let (s, code) = sample(&["0.5*log(x)+0.5*log(1-x)", "--bounds", "x=0..1", "--draws", "300"]);
    assert!(code == 0 && s["verdict"]["grade"] == "good" && findings(&s).is_empty(), "{s}");
}

/// What `check` proves of moments is known to every sampler.
#[test]
fn moments_that_are_proved_infinite_are_told_by_every_sampler() {
    let student = "2.5*log(1+x1^2+x2^2+x3^2+x4^2)";
    for sampler in ["underdamped", "tempering"] {
        let short = ["--sampler", sampler, "--draws", "100", "--warmup", "100"];
        let (s, code) = sample(&[&[student][..], &short].concat());
        assert!(code == 3 && findings(&s).contains(&("no_mean".into(), true)), "{sampler}: {s}");
    }
    let one = "sum(i,1..19,x[i]^2/2)+1.5*log(1+x[20]^2/2)";
    let (s, _) = sample(&[one, "--dim", "20", "--sampler", "hmc", "--draws", "100"]);
    assert!(
        findings(&s).contains(&("no_variance".into(), false)) && warnings(&s).contains("the sd of x20 does"),
        "{s}"
    );
}

/// The weights of modes between which chains hardly cross are those of the starts, and have no error.
#[test]
fn weights_that_are_those_of_the_starts_have_no_error() {
    let model = "-logsumexp(-(x1+2.3)^2/0.5, 2-(x1-2.3)^2/0.5)+(x2^2+x3^2+x4^2)/2";
    let (s, code) = sample(&[model, "--sampler", "nuts", "--draws", "200"]);
    assert!(code == 3 && s["mode_mixes"] == false && s["mode_std_err"][0].is_null(), "{s}");
}

/// A step size that was reported and is given back is that of the same run.
#[test]
fn a_step_size_can_be_given_back() {
    let model = ["(1-x)^2/2 + 5*(y-x^2)^2 + z^2/2e4", "--sampler", "nuts", "--draws", "50", "--warmup", "200"];
    let (found, _) = sample(&model);
    let step_size = found["step_size"].to_string();
    let (given, _) = sample(&[&model[..], &["--step-size", &step_size]].concat());
    // But for the last digit of the step size, which text may lose.
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs();
    let accepted = |s: &Value| s["accept_prob"].as_f64().unwrap();
    assert!(near(accepted(&found), accepted(&given)), "{found} {given}");
    assert!(near(element(&found, "mean"), element(&given, "mean")), "{found} {given}");
    let (s, code) = sample(&["x^2", "--sampler", "tempering", "--step-size", "0.1"]);
    assert!(code == 2 && s["error"]["kind"] == "step_size", "{s}");
}
