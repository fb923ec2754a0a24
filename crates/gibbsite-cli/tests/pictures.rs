//! `plot` and `demo`, driven as a user drives them: what is drawn, what is said, what is refused.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const QUARTIC: &str = "0.5*x^2+0.1*x^4";

fn gibbsite(dir: &Path, args: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_gibbsite")).args(args).current_dir(dir).output().unwrap()
}

/// The JSON object of a call and its exit code.
fn json(dir: &Path, args: &[&str]) -> (Value, i32) {
    let output = gibbsite(dir, &[args, &["--json"]].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    (serde_json::from_str(&text).unwrap_or_else(|e| panic!("{args:?}: {e}: {text}")), output.status.code().unwrap())
}

/// The object and the file of a picture that is drawn.
fn drawn(dir: &Path, args: &[&str]) -> (Value, Vec<u8>) {
    let (out, code) = json(dir, &[&["plot"], args].concat());
    assert_eq!(code, 0, "{args:?}: {out}");
    let file = std::fs::read(dir.join(out["path"].as_str().unwrap())).unwrap();
    assert!(file.len() > 1000, "{args:?}");
    (out, file)
}

fn svg(dir: &Path, args: &[&str]) -> (Value, String) {
    let (out, file) = drawn(dir, &[args, &["--out", "a.svg"]].concat());
    (out, String::from_utf8(file).unwrap())
}

fn faithful() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../data/faithful.csv");
    path.to_str().unwrap().to_owned()
}

/// The largest tick between 0 and 1: of p, where all other axes go farther.
fn highest_density(picture: &str) -> f64 {
    let words = picture.split('>').filter_map(|t| t.split_once('<')).map(|(word, _)| word);
    words.filter_map(|w| w.parse::<f64>().ok()).filter(|v| (0.0..1.0).contains(v)).fold(0.0, f64::max)
}

/// Peaks of width 1 ten thousand apart lie between the points of an even grid.
#[test]
fn narrow_peaks_are_as_high_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let (_, picture) = svg(dir.path(), &["-logsumexp(-x^2/2,-(x-1e4)^2/2)"]);
    // 1 / (2 sqrt(2 pi)) = 0.1995.
    assert!((0.15..0.25).contains(&highest_density(&picture)), "{}", highest_density(&picture));
}

#[test]
fn one_draw_is_drawn_and_nothing_is_made_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    std::fs::write(dir.join("one.csv"), "chain,draw,x1\n0,0,0.3\n").unwrap();
    let (_, picture) = svg(dir, &[QUARTIC, "--draws", "one.csv", "--kind", "energies"]);
    assert!(picture.contains("One draw of each chain") && !picture.contains("creep"));
    let (_, picture) = svg(dir, &[QUARTIC, "--draws", "one.csv", "--kind", "traces"]);
    assert!(picture.contains("1 chain of 1 draw<") && picture.contains("<circle"), "{picture}");
}

#[test]
fn an_instruction_set_that_is_none_is_refused() {
    let call = |isa: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gibbsite"));
        command.args(["logz", QUARTIC]).env("GIBBSITE_ISA", isa).output().unwrap()
    };
    let refused = call("avx512f");
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("GIBBSITE_ISA is 'avx512f'"));
    for isa in ["scalar", "avx2", "avx512"] {
        assert!(call(isa).status.success(), "{isa}");
    }
}

#[test]
fn every_kind_of_picture() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    std::fs::write(dir.join("data.csv"), "a,b\n0.1,0.2\n0.5,-0.4\n-1,2\n").unwrap();
    for file in ["d.csv", "d.npy", "d.npz"] {
        json(dir, &["sample", "ring", "--sampler", "mala", "--draws", "50", "--chains", "6", "--out", file]);
    }
    json(dir, &["sample", "gaussian:d=3", "--draws", "50", "--chains", "6", "--out", "g.csv"]);
    let (out, picture) = svg(dir, &[QUARTIC, "--data", "data.csv", "--columns", "a"]);
    assert_eq!(out["kind"], "landscape_1d");
    assert!(picture.contains(">a</text>") && picture.contains("model p"));
    let (out, first) = drawn(dir, &["ring", "--data", "data.csv", "--out", "r.png"]);
    assert_eq!((out["kind"].as_str(), out["n_walks"].as_u64()), (Some("landscape_2d"), Some(0)));
    assert_eq!(drawn(dir, &["ring", "--data", "data.csv", "--threads", "1", "--out", "r.png"]).1, first);
    // The same draws, whatever the format of the file.
    let csv = drawn(dir, &["ring", "--draws", "d.csv", "--out", "b.svg"]).1;
    assert_eq!(drawn(dir, &["ring", "--draws", "d.npy", "--out", "b.svg"]).1, csv);
    assert_eq!(drawn(dir, &["ring", "--draws", "d.npz", "--out", "b.svg"]).1, csv);
    assert_eq!(svg(dir, &["gaussian:d=3", "--draws", "g.csv"]).0["kind"], "traces");
    let (out, picture) = svg(dir, &["gaussian:d=3", "--draws", "g.csv", "--kind", "energies"]);
    assert_eq!((out["kind"].as_str(), out["n_draws"].as_u64()), (Some("energies"), Some(300)));
    assert!(picture.contains("energies of draws: mean") && picture.contains("changes from draw to draw"));
    let data = ["gaussian:d=3", "--draws", "g.csv", "--data", "three.csv", "--kind", "energies"];
    std::fs::write(dir.join("three.csv"), "a,b,c\n0.1,0.2,0.3\n0.5,-0.4,1\n-1,2,0\n").unwrap();
    let (_, picture) = svg(dir, &data);
    assert!(picture.contains("data: mean") && picture.contains("draws: mean") && !picture.contains("changes"));
    for (args, kind) in [
        (["plot", "gaussian:d=3", "--kind", "landscape"], "dimension"),
        (["plot", "gaussian:d=3", "--kind", "energies"], "missing_argument"),
        (["plot", "ring", "--kind", "traces"], "missing_argument"),
        (["plot", "ring", "--kind", "ranks"], "missing_argument"),
        (["plot", "x^2", "--walks", "3"], "conflict"),
    ] {
        let (out, code) = json(dir, &args);
        assert_eq!((out["error"]["kind"].as_str(), code), (Some(kind), 2), "{args:?}");
    }
}

#[test]
fn chains_walk_where_they_are_asked_to() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let walks = |args: &[&str]| {
        let (out, picture) = svg(dir, args);
        let n = out["n_walks"].as_u64().unwrap();
        assert_eq!(n > 0, picture.contains(" steps"), "{args:?}");
        (n, out["warnings"].as_array().unwrap().len())
    };
    assert_eq!(walks(&["ring"]), (3, 0));
    assert_eq!(walks(&["ring", "--walks", "0"]), (0, 0));
    assert_eq!(walks(&["ring", "--data", &faithful(), "--columns", "eruptions,waiting", "--walks", "2"]), (2, 1));
    // Ackley's function is bounded: Z is infinite, and no chain is let loose.
    assert_eq!(walks(&["ackley"]), (0, 1));
    assert_eq!(walks(&["ackley", "--walks", "2"]), (0, 2));
    // Independent draws are dots, never joined; chains are joined where that is asked for.
    json(dir, &["sample", "ring", "--sampler", "grid", "--draws", "200", "--chains", "8", "--out", "free.npy"]);
    json(dir, &["sample", "ring", "--sampler", "mala", "--step-size", "0.1", "--draws", "200", "--out", "slow.npy"]);
    assert_eq!(walks(&["ring", "--draws", "free.npy"]), (0, 0));
    assert_eq!(walks(&["ring", "--draws", "free.npy", "--walks", "4"]), (0, 1));
    assert_eq!(walks(&["ring", "--draws", "slow.npy", "--walks", "4"]), (4, 0));
    let (_, picture) = svg(dir, &["ring", "--draws", "free.npy"]);
    assert!(picture.contains("draws (n = 1,600") && !picture.contains("data ("));
}

/// Draws of `n_chains` autoregressive chains in two coordinates; those of the first `shift.0` chains are moved by `shift.1`
/// along y.
fn write_chains(path: &Path, n_chains: usize, n_draws: usize, shift: (usize, f64)) {
    let mut text = String::from("chain,draw,x1,x2\n");
    let mut state = 999u64;
    let mut noise = || {
        // A sum of four uniforms, of mean 0.
        let mut sum = -2.0;
        for _ in 0..4 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            sum += (state >> 11) as f64 / 9007199254740992.0;
        }
        sum
    };
    for c in 0..n_chains {
        let mut x = [0.0f64; 2];
        for t in 0..n_draws {
            x = x.map(|v| 0.5 * v + noise());
            let y = x[1] + if c < shift.0 { shift.1 } else { 0.0 };
            text.push_str(&format!("{c},{t},{},{y}\n", x[0]));
        }
    }
    std::fs::write(path, text).unwrap();
}

#[test]
fn rank_plots_name_the_chains_that_differ() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    // Far enough to be seen, not so far that the others differ from all draws together, too.
    write_chains(&dir.join("four.csv"), 4, 400, (1, 0.3));
    let (out, picture) = svg(dir, &["ring", "--draws", "four.csv", "--kind", "ranks"]);
    assert_eq!((out["kind"].as_str(), out["n_bins"].as_u64()), (Some("ranks"), Some(20)));
    let p = |j: usize, c: usize| out["rank_p_value"][j][c].as_f64().unwrap();
    assert!((0..4).all(|c| p(0, c) > 0.01) && p(1, 0) < 2e-3, "{out}");
    assert!(picture.contains(">x: no chain stands out<") && picture.contains(">y: chain 1 stands out<"));
    assert!(picture.contains("2 coordinates, 4 chains of 400 draws") && picture.contains(">Draws / expected<"));
    assert_eq!(picture.matches(">Rank</text>").count(), 2);
    for c in 1..=4 {
        assert_eq!(picture.matches(&format!(">chain {c}</text>")).count(), 1);
    }
    // Four chains and the line of the expected count in each of two panels, beside grid, ticks and legend.
    let lines = |picture: &str| picture.matches("<path").count();
    assert_eq!(lines(&picture), 2 * (4 + 1 + 2) + 5);
    // Of sixty-four, one that differs is found, in a picture that is no taller.
    write_chains(&dir.join("many.csv"), 64, 400, (1, 1.0));
    let (_, picture) = svg(dir, &["ring", "--draws", "many.csv", "--kind", "ranks"]);
    assert!(picture.contains(">y: chain 1 stands out<") && picture.contains(">a chain</text>"));
    assert!(!picture.contains(">chain 1</text>") && picture.contains("64 chains of 400 draws"));
    assert_eq!(lines(&picture), 2 * (64 + 1 + 2) + 2);
    // What has no ranks is refused, with what to do.
    write_chains(&dir.join("one.csv"), 1, 50, (0, 0.0));
    write_chains(&dir.join("short.csv"), 4, 3, (0, 0.0));
    std::fs::write(dir.join("ragged.csv"), "chain,draw,x1,x2\n0,0,1,1\n0,1,2,2\n1,0,3,3\n").unwrap();
    for (file, why) in [("one.csv", "of one chain"), ("short.csv", "there are 3"), ("ragged.csv", "equal length")] {
        let (out, code) = json(dir, &["plot", "ring", "--draws", file, "--kind", "ranks"]);
        assert!(code == 1 && out["error"]["message"].as_str().unwrap().contains(why), "{out}");
        assert!(out["error"]["hint"].as_str().unwrap().contains("--kind traces"));
    }
}

#[test]
fn traces_of_many_chains_are_a_map_with_three_lines() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write_chains(&dir.join("four.csv"), 4, 300, (0, 0.0));
    let (_, picture) = svg(dir, &["ring", "--draws", "four.csv", "--kind", "traces"]);
    assert!(!picture.contains("<image") && (1..=4).all(|c| picture.contains(&format!(">chain {c}</text>"))));
    assert!(picture.contains(">x</text>") && picture.contains(">y</text>") && picture.contains(">Draw</text>"));
    write_chains(&dir.join("many.csv"), 64, 300, (0, 0.0));
    let (_, picture) = svg(dir, &["ring", "--draws", "many.csv", "--kind", "traces"]);
    assert_eq!(picture.matches("<image").count(), 2);
    assert!(
        picture.contains("2 coordinates, 64 chains of 300 draws")
            && picture.contains("all chains (darker: more draws)")
    );
    for words in ["chain of least mean", "of middle mean", "of largest mean"] {
        assert!(picture.contains(words), "{words}");
    }
    assert!(picture.len() < 300_000, "{} bytes", picture.len());
}

#[test]
fn energies_of_draws_are_shown_with_their_changes() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let sampled = ["sample", "gaussian:d=2", "--sampler", "mala", "--chains", "8", "--draws", "500", "--out", "d.npz"];
    json(dir, &sampled);
    let (out, picture) = svg(dir, &["gaussian:d=2", "--draws", "d.npz", "--kind", "energies"]);
    let ratios: Vec<f64> =
        out["squared_change_over_variance"].as_array().unwrap().iter().map(|r| r.as_f64().unwrap()).collect();
    assert!(ratios.len() == 8 && ratios.iter().all(|r| (0.2..2.3).contains(r)), "{ratios:?}");
    assert!(out["warnings"].as_array().unwrap().is_empty());
    for words in
        ["Energy E less its mean, and change of E", "n = 4,000", "by chain; 2 if draws are independent", ">Density<"]
    {
        assert!(picture.contains(words), "{words}");
    }
    // Independent draws have the ratio 2.
    json(
        dir,
        &["sample", "gaussian:d=2", "--sampler", "grid", "--chains", "2", "--draws", "4000", "--out", "free.npz"],
    );
    let (out, _) = svg(dir, &["gaussian:d=2", "--draws", "free.npz", "--kind", "energies"]);
    let ratio = out["squared_change_over_variance"][0].as_f64().unwrap();
    assert!((ratio - 2.0).abs() < 0.2, "{ratio}");
    // The file knows the energies of its draws: another model is told.
    let (out, _) = svg(dir, &["gaussian:d=2", "--beta", "2", "--draws", "d.npz", "--kind", "energies"]);
    let warning = out["warnings"][0].as_str().unwrap();
    assert!(warning.contains("stores other energies") && warning.contains("4000 of 4000"), "{warning}");
}

#[test]
fn draws_of_another_dimension_are_refused_with_both_named() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for file in ["two.npy", "two.csv", "two.npz"] {
        json(dir, &["sample", "ring", "--sampler", "grid", "--draws", "30", "--chains", "4", "--out", file]);
    }
    json(dir, &["sample", "gaussian:d=3", "--draws", "30", "--chains", "4", "--out", "three.csv"]);
    for (energy, file, found, wanted) in [
        ("x^2", "two.npy", "2 coordinates, shape [4, 30, 2]", "1 coordinate, x"),
        ("x^2", "two.npz", "2 coordinates", "1 coordinate, x"),
        ("x^2", "two.csv", "2 coordinates, (x1, x2)", "1 coordinate, x"),
        ("gaussian:d=2", "three.csv", "3 coordinates, (x1, x2, x3)", "2 coordinates, (x1, x2)"),
        ("gaussian:d=3", "two.npy", "2 coordinates", "3 coordinates"),
    ] {
        let (out, code) = json(dir, &["plot", energy, "--draws", file]);
        let message = out["error"]["message"].as_str().unwrap();
        assert_eq!((out["error"]["kind"].as_str(), code), (Some("dimension"), 1));
        assert!(message.contains(found) && message.contains(wanted), "{energy} {file}: {message}");
    }
}

#[test]
fn log_z_is_that_of_logz_with_its_error() {
    let dir = tempfile::tempdir().unwrap();
    for energy in [QUARTIC, "himmelblau", "8-gaussians"] {
        let (out, _) = svg(dir.path(), &[energy]);
        let (z, _) = json(dir.path(), &["logz", energy]);
        assert_eq!((&out["log_z"], &out["log_z_std_err"]), (&z["log_z"], &z["std_err"]), "{energy}");
        assert!(out["log_z_std_err"].as_f64().unwrap() < 1e-9);
    }
}

#[test]
fn the_window_is_where_the_probability_is() {
    let dir = tempfile::tempdir().unwrap();
    let ends = |out: &Value, j: usize| ["lower", "upper"].map(|end| out[end][j].as_f64().unwrap());
    let (out, picture) = svg(dir.path(), &["1e6*(x-1e6)^2"]);
    let [lo, hi] = ends(&out, 0);
    assert!(lo > 1e6 - 0.01 && hi < 1e6 + 0.01 && hi - lo > 0.004, "{lo} {hi}");
    assert!(picture.contains("x − 10⁶"));
    let (out, _) = svg(dir.path(), &["(x/1e5)^2+(y*1e5)^2"]);
    for (j, sd) in [(0, 7.1e4), (1, 7.1e-6)] {
        let [lo, hi] = ends(&out, j);
        assert!(lo < -3.0 * sd && lo > -8.0 * sd && hi > 3.0 * sd && hi < 8.0 * sd, "{lo} {hi}");
    }
    // A wide box of which p fills a part, and a heavy tail.
    let [lo, hi] = ends(&svg(dir.path(), &["mueller-brown:beta=0.05"]).0, 1);
    assert!(lo > -1.2 && hi < 2.8, "{lo} {hi}");
    let [lo, hi] = ends(&svg(dir.path(), &["log(1+x^2)"]).0, 0);
    assert!(lo > -100.0 && hi < 100.0 && hi > 20.0, "{lo} {hi}");
}

#[test]
fn what_is_no_model_has_no_density_and_poles_are_cut() {
    let dir = tempfile::tempdir().unwrap();
    for energy in ["-x^2", "1/x", "tan(x)"] {
        let (out, picture) = svg(dir.path(), &[energy]);
        assert!(out["log_z"].is_null() && out["warnings"][0].as_str().unwrap().contains("no p to draw"));
        assert!(picture.contains("Energy E(x)") && !picture.contains("Density") && !picture.contains("model"));
        assert_eq!(picture.contains("Cut off below"), energy != "-x^2", "{energy}");
    }
    // Data are still shown.
    let (_, picture) = svg(dir.path(), &["-x^2", "--data", &faithful(), "--columns", "eruptions"]);
    assert!(picture.contains("Density") && picture.contains("data (n = 272") && !picture.contains("model"));
}

#[test]
fn data_outside_are_counted_and_axes_have_the_names_of_the_columns() {
    let dir = tempfile::tempdir().unwrap();
    let data = faithful();
    let (out, picture) = svg(dir.path(), &["ring", "--data", &data, "--columns", "eruptions,waiting"]);
    assert!(picture.contains("data (n = 272, 272 outside the window)"));
    assert!(picture.contains(">eruptions</text>") && picture.contains(">waiting</text>"));
    assert_eq!((out["n_data"].as_u64(), out["n_data_outside"].as_u64()), (Some(272), Some(272)));
    assert!(out["warnings"][0].as_str().unwrap().contains("all 272 data"));
    let fit = ["fit", &data, "--columns", "eruptions", "--energy", "(x-m)^2/2", "--out", "m.gibbs"];
    assert_eq!(json(dir.path(), &fit).1, 0);
    assert!(svg(dir.path(), &["m.gibbs"]).1.contains(">eruptions</text>"));
}

#[test]
fn the_demo_says_what_it_measures() {
    let dir = tempfile::tempdir().unwrap();
    let output = gibbsite(dir.path(), &["demo", "--out", "tour"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.lines().all(|line| line.chars().count() <= 90), "{text}");
    assert!(text.contains("6. Three eruptions") && text.contains("tour/demo.gibbs"));
    let (out, code) = json(dir.path(), &["demo", "--out", "tour"]);
    let off = out["theta_errors_off"].as_object().unwrap();
    let agree = off.values().all(|z| z.as_f64().is_some_and(|z| z.abs() <= 4.0));
    assert_eq!(out["fits_agree"].as_bool(), Some(agree));
    assert_eq!(text.contains("The two agree: they differ by at most"), agree);
    assert_eq!(agree, !out["warnings"].to_string().contains("the two fits do not agree"));
    assert_eq!(code, output.status.code().unwrap());
    for field in [
        "theta_std_err",
        "theta_mcse",
        "mean_log_likelihood_std_err",
        "std_err",
        "std_err_importance",
        "mcse",
        "mcse_sd",
    ] {
        assert!(!out[field].is_null(), "{field}");
    }
    for field in ["data_mean_std_err", "data_sd_std_err", "data_short_std_err", "mcse_short", "n_nodes"] {
        assert!(out[field].as_f64().is_some_and(|v| v > 0.0), "{field}: {}", out[field]);
    }
    assert!(out["scores"][0]["p_value_std_err"].as_f64().is_some_and(|v| v > 0.0));
    // The model file is one that every command reads, with the log Z of the tour.
    let (z, _) = json(dir.path(), &["logz", "tour/demo.gibbs"]);
    assert!((z["log_z"].as_f64().unwrap() - out["log_z"].as_f64().unwrap()).abs() < 1e-9);
}
