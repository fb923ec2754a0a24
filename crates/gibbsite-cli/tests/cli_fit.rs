//! `gibbsite fit` as a script drives it: exact optima, Monte-Carlo errors, kill and resume, refusals, same bytes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use gibbsite::energy::formula::Formula;
use gibbsite::logz::{Options, quadrature};
use gibbsite::rng::{Purpose, Run, Streams};
use serde_json::Value;

const QUARTIC: &str = "a*x^2+b*x+exp(g)*x^4";

/// A folder with the data of the issue in `data.csv`.
struct Bench {
    dir: tempfile::TempDir,
    x: Vec<f64>,
}

impl Bench {
    /// `n` points of the equal mixture of N(-2, 0.5^2) and N(2, 0.5^2).
    fn new(n: usize) -> Self {
        let mut rng = Streams::new(1, Run::Data);
        let u = rng.uniforms(Purpose::Choice, n, 1).col(0).to_vec();
        let xi = rng.normals(Purpose::Init, n, 1).col(0).to_vec();
        let side = |u: f64| if u < 0.5 { -2.0 } else { 2.0 };
        let x: Vec<f64> = u.iter().zip(&xi).map(|(u, xi)| side(*u) + 0.5 * f64::from(*xi)).collect();
        let bench = Self { dir: tempfile::tempdir().unwrap(), x };
        bench.file("data.csv", &format!("x\n{}\n", join(&bench.x)));
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn file(&self, name: &str, content: &str) {
        std::fs::write(self.path(name), content).unwrap();
    }

    fn command(&self, args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gibbsite"));
        command.args(args.split_whitespace()).current_dir(self.dir.path());
        command
    }

    fn run(&self, args: &str) -> Output {
        self.command(args).output().unwrap()
    }

    /// The JSON object of a call that must succeed.
    #[track_caller]
    fn json(&self, args: &str) -> Value {
        let output = self.run(&format!("{args} --json"));
        assert_eq!(output.status.code(), Some(0), "{args}\n{}", String::from_utf8_lossy(&output.stdout));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The error object of a call that must fail with `code`: never a panic, nothing else on stdout.
    #[track_caller]
    fn refused(&self, args: &str, code: i32) -> (String, String, String) {
        let output = self.run(&format!("{args} --json"));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!stderr.contains("panicked"), "{stderr}");
        assert_eq!(output.status.code(), Some(code), "{args}\n{}{stderr}", String::from_utf8_lossy(&output.stdout));
        let object: Value = serde_json::from_slice(&output.stdout).unwrap();
        let field = |name: &str| object["error"][name].as_str().unwrap().to_string();
        assert!(!field("hint").is_empty(), "{args}: no hint");
        println!("{args}\n    {}: {}\n    hint: {}", field("kind"), field("message"), field("hint"));
        (field("kind"), field("message"), field("hint"))
    }

    fn moment(&self, k: i32) -> f64 {
        self.x.iter().map(|x| x.powi(k)).sum::<f64>() / self.x.len() as f64
    }
}

fn join(x: &[f64]) -> String {
    x.iter().map(f64::to_string).collect::<Vec<_>>().join("\n")
}

/// `json[field][name]` as a number.
#[track_caller]
fn number(json: &Value, field: &str, name: &str) -> f64 {
    json[field][name].as_f64().unwrap_or_else(|| panic!("no {field}.{name} in {json}"))
}

fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

/// Solves a small system by Gaussian elimination with row pivoting.
fn solve<const N: usize>(mut a: [[f64; N]; N], mut b: [f64; N]) -> [f64; N] {
    for i in 0..N {
        let p = (i..N).max_by(|&p, &q| a[p][i].abs().total_cmp(&a[q][i].abs())).unwrap();
        a.swap(i, p);
        b.swap(i, p);
        for r in i + 1..N {
            let f = a[r][i] / a[i][i];
            for c in i..N {
                a[r][c] -= f * a[i][c];
            }
            b[r] -= f * b[i];
        }
    }
    for i in (0..N).rev() {
        for c in i + 1..N {
            b[i] -= a[i][c] * b[c];
        }
        b[i] /= a[i][i];
    }
    b
}

#[test]
fn mle_has_the_moments_of_the_data() {
    let bench = Bench::new(5000);
    let mle = bench.json(&format!("fit data.csv --energy {QUARTIC} --objective mle --out mle.gibbs"));
    let mut model = Formula::parse(QUARTIC).unwrap();
    for name in ["a", "b", "g"] {
        model.set_param(name, number(&mle, "theta", name)).unwrap();
    }
    let q = quadrature(&model, &Options::default()).unwrap();
    for k in [1, 2, 4] {
        let (of_model, of_data) = (q.expect_fn(|x| x[0].powi(k)), bench.moment(k));
        println!("E x^{k}: model {of_model:.12}, data {of_data:.12}");
        assert!((of_model - of_data).abs() < 1e-6, "E x^{k}: {of_model} against {of_data}");
    }
    let se = number(&mle, "theta_std_err", "a");
    println!("theta {} std_err {} robust {}", mle["theta"], mle["theta_std_err"], mle["theta_std_err_robust"]);
    assert!((0.02..0.03).contains(&se), "theta_std_err of a is {se}");
    assert!((number(&mle, "theta", "a") + 1.2636).abs() < 4.0 * se);
    // Nearby parameters do not have these moments: the check above can fail.
    model.set_param("a", number(&mle, "theta", "a") + 1e-5).unwrap();
    let off = quadrature(&model, &Options::default()).unwrap().expect_fn(|x| x[0].powi(2));
    assert!((off - bench.moment(2)).abs() > 1e-6);
}

/// From any start it is the one optimum, or a failure: never a parameter that ran away until its term vanished.
#[test]
fn mle_does_not_depend_on_the_start() {
    let bench = Bench::new(5000);
    let fit = |init: &str| format!("fit data.csv --energy a*x^2+exp(g)*x^4 --init {init} --out m.gibbs");
    let near = bench.json(&fit("a=-1,g=-2"));
    for init in ["a=0,g=0", "a=1,g=2", "a=-5,g=1", "a=2,g=0", "a=5,g=0", "a=2,g=-1"] {
        let output = bench.run(&format!("{} --json", fit(init)));
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        println!("{init}: {} {}", json["theta"], json["warnings"]);
        if output.status.code() != Some(0) {
            continue;
        }
        for name in ["a", "g"] {
            let off = number(&json, "theta", name) - number(&near, "theta", name);
            assert!(off.abs() < 1e-6, "from {init}: {name} is off by {off}, and nothing says so");
        }
    }
}

/// Monte-Carlo errors must hold, and say something: an error as large as the statistical one would pass anything.
#[track_caller]
fn assert_within_mcse(bench: &Bench, options: &str) {
    let mle = bench.json(&format!("fit data.csv --energy {QUARTIC} --objective mle --out mle.gibbs"));
    for seed in 0..3 {
        let call = format!("fit data.csv --energy {QUARTIC} {options} --seed {seed} --out chains.gibbs");
        let fitted = bench.json(&call);
        println!("seed {seed}: {} mcse {} {}", fitted["theta"], fitted["theta_mcse"], fitted["warnings"]);
        for name in ["a", "b", "g"] {
            let (mcse, std_err) = (number(&fitted, "theta_mcse", name), number(&mle, "theta_std_err", name));
            let z = (number(&fitted, "theta", name) - number(&mle, "theta", name)) / mcse;
            println!("    {name}: z = {z:+.2}, mcse / std_err = {:.3}", mcse / std_err);
            assert!(z.abs() < 3.0 && mcse < std_err, "{call}: {name} is {z} Monte-Carlo errors ({mcse}) off");
        }
    }
}

#[test]
fn pcd_agrees_with_mle_from_a_near_start() {
    assert_within_mcse(&Bench::new(5000), "--objective pcd --init a=-1,b=0,g=-2");
}

#[test]
fn pcd_agrees_with_mle_by_default() {
    assert_within_mcse(&Bench::new(5000), "--objective pcd");
}

#[test]
fn pcd_agrees_with_mle_from_the_start_of_the_textbook() {
    assert_within_mcse(&Bench::new(5000), "--objective pcd --init a=0.05,b=0,g=-0.5");
}

#[test]
fn score_matching_reaches_its_closed_form() {
    let bench = Bench::new(5000);
    let m = |k| bench.moment(k);
    // E' = theta . psi with psi = (2x, 1, 4x^3): J is quadratic, with minimum E[psi psi'] theta = E[psi'].
    let a =
        [[4.0 * m(2), 2.0 * m(1), 8.0 * m(4)], [2.0 * m(1), 1.0, 4.0 * m(3)], [8.0 * m(4), 4.0 * m(3), 16.0 * m(6)]];
    let exact = solve(a, [2.0, 0.0, 12.0 * m(2)]);
    let linear = bench.json("fit data.csv --energy a*x^2+b*x+c*x^4 --objective ism --init a=0,b=0,c=1 --out s.gibbs");
    println!("{} exact {exact:?} grad {}", linear["theta"], linear["grad_norm"]);
    for (name, exact) in ["a", "b", "c"].into_iter().zip(exact) {
        let theta = number(&linear, "theta", name);
        assert!((theta - exact).abs() < 1e-8 * exact.abs().max(1.0), "{name}: {theta} against {exact}");
    }
    assert!(linear["grad_norm"].as_f64().unwrap() < 1e-6);
    // The same optimum by another parametrisation.
    let log = bench.json(&format!("fit data.csv --energy {QUARTIC} --objective ism --out s.gibbs"));
    let c = number(&log, "theta", "g").exp();
    assert!((c - exact[2]).abs() < 1e-8, "{c} against {}", exact[2]);
    assert!((number(&log, "theta", "a") - exact[0]).abs() < 1e-7);
    assert!(log["grad_norm"].as_f64().unwrap() < 1e-6);
    // It is another estimator than maximum likelihood, as the model is wrong.
    assert!((number(&log, "theta", "a") + 1.2636).abs() > 0.05);
}

/// Waits until `changed` says so.
fn wait_until(mut changed: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !changed() {
        assert!(begin.elapsed() < Duration::from_secs(60), "nothing happens");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn killed_and_resumed_is_undisturbed() {
    let bench = Bench::new(5000);
    let train = format!("fit data.csv --energy {QUARTIC} --objective pcd --epochs 300 --quiet");
    let plain = bench.run(&format!("{train} --out plain.gibbs --history plain.csv"));
    assert_eq!(plain.status.code(), Some(0), "{}", String::from_utf8_lossy(&plain.stderr));

    let checkpoint = bench.path("d").join("checkpoint.gibbs-state");
    let args = |from: &str| format!("{train} --checkpoint-every 5 {from} d --out killed.gibbs --history killed.csv");
    let mut killed = 0;
    for k in 0..4 {
        let before = std::fs::read(&checkpoint).ok();
        let from = if k == 0 { "--checkpoint-dir" } else { "--resume" };
        let mut child = bench.command(&args(from)).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        wait_until(|| std::fs::read(&checkpoint).is_ok_and(|b| Some(b) != before));
        // At another moment each time, in the middle of an epoch or of a write.
        std::thread::sleep(Duration::from_millis(3 * k));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        killed += usize::from(status.code().is_none());
        assert!(status.code().is_some() || !bench.path("killed.gibbs").exists(), "killed, yet there is a model");
    }
    println!("killed {killed} times");
    assert!(killed >= 2, "the training is too short to be killed");
    let resumed = bench.run(&args("--resume").replace(" --quiet", ""));
    let stderr = String::from_utf8_lossy(&resumed.stderr);
    assert_eq!(resumed.status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("resumed after epoch"), "{stderr}");
    assert!(bytes(&bench.path("killed.gibbs")) == bytes(&bench.path("plain.gibbs")), "the model differs");
    assert!(bytes(&bench.path("killed.csv")) == bytes(&bench.path("plain.csv")), "the history differs");
    // Another seed gives other bytes, so the comparison can fail.
    let other = bench.run(&format!("{train} --seed 7 --out other.gibbs"));
    assert!(other.status.success() && bytes(&bench.path("other.gibbs")) != bytes(&bench.path("plain.gibbs")));
    // A finished training resumes to the same model, too.
    let again = bench.run(&args("--resume").replace("killed.gibbs", "again.gibbs"));
    assert!(again.status.success() && bytes(&bench.path("again.gibbs")) == bytes(&bench.path("plain.gibbs")));
}

#[test]
fn an_empty_folder_starts_afresh_and_a_foreign_checkpoint_is_refused() {
    let bench = Bench::new(600);
    let train = format!("fit data.csv --energy {QUARTIC} --objective pcd --epochs 6 --steps 5");
    let plain = bench.run(&format!("{train} --out plain.gibbs"));
    // Six epochs end off the optimum, which is a bad result (3) but a whole run.
    assert_eq!(plain.status.code(), Some(3), "{}", String::from_utf8_lossy(&plain.stderr));
    std::fs::create_dir(bench.path("empty")).unwrap();
    for (dir, model) in [("empty", "m.gibbs"), ("absent", "n.gibbs")] {
        let fresh = bench.run(&format!("{train} --resume {dir} --out {model}"));
        let stderr = String::from_utf8_lossy(&fresh.stderr);
        assert_eq!(fresh.status.code(), Some(3), "{stderr}");
        assert!(stderr.contains(dir) && stderr.contains("afresh"), "no note: {stderr}");
        assert_eq!(bytes(&bench.path(model)), bytes(&bench.path("plain.gibbs")));
    }
    // Other options, other data, a damaged file.
    let (kind, ..) = bench.refused(&format!("{train} --lr 0.5 --resume empty --out x.gibbs"), 1);
    assert_eq!(kind, "checkpoint");
    bench.file("other.csv", &format!("x\n{}\n", join(&bench.x[1..])));
    let other = train.replace("data.csv", "other.csv");
    assert_eq!(bench.refused(&format!("{other} --resume empty --out x.gibbs"), 1).0, "checkpoint");
    let state = bench.path("empty").join("checkpoint.gibbs-state");
    let mut damaged = bytes(&state);
    let at = damaged.len() / 2;
    damaged[at] ^= 16;
    std::fs::write(&state, &damaged).unwrap();
    assert_eq!(bench.refused(&format!("{train} --resume empty --out x.gibbs"), 1).0, "checkpoint");
    assert!(!bench.path("x.gibbs").exists());
}

/// Both formulas have the same parameter and the same energies where the fit starts (a = 0).
#[test]
fn a_checkpoint_of_another_formula_is_refused() {
    let bench = Bench::new(600);
    let train = |energy: &str, rest: &str| {
        format!("fit data.csv --energy {energy} --init a=0 --objective pcd --epochs 6 --steps 5 --out x.gibbs {rest}")
    };
    bench.json(&train("a*x+x^4", "--checkpoint-dir d"));
    let (kind, ..) = bench.refused(&train("a*x^2+x^4", "--resume d"), 1);
    assert_eq!(kind, "checkpoint");
}

#[test]
fn improper_starts_and_results_are_refused() {
    let bench = Bench::new(600);
    let (kind, message, hint) =
        bench.refused("fit data.csv --energy a*x^2 --init a=-1 --objective mle --out x.gibbs", 1);
    assert!(kind == "improper" && message.contains("start") && hint.contains("--init"), "{kind} {message} {hint}");
    // No start can help: x^3 falls to one side for every a.
    let (kind, ..) = bench.refused("fit data.csv --energy a*x^2+x^3 --objective mle --out x.gibbs", 1);
    assert_eq!(kind, "improper");
    // Heavy tails: score matching wants a negative quartic term, whose model has no Z.
    let n = 2000;
    let cauchy = |i: usize| (std::f64::consts::PI * ((i as f64 + 0.5) / n as f64 - 0.5) * 0.98).tan();
    bench.file("heavy.csv", &format!("x\n{}\n", join(&(0..n).map(cauchy).collect::<Vec<_>>())));
    let (kind, message, _) = bench.refused("fit heavy.csv --energy a*x^2+c*x^4 --objective ism --out x.gibbs", 1);
    assert!(kind == "improper" || message.contains("cannot be normalised"), "{kind}: {message}");
    assert_eq!(message.matches("does not decay").count(), 1, "said twice: {message}");
    assert!(!bench.path("x.gibbs").exists());
    // Out of its support.
    let (_, message, hint) =
        bench.refused(&format!("fit data.csv --energy {QUARTIC} --bounds x=0..inf --out x.gibbs"), 1);
    assert!(message.contains("row") && hint.contains("--bounds"), "{message} {hint}");
}

#[test]
fn bad_data_are_named() {
    let bench = Bench::new(600);
    let fit = |data: &str| format!("fit {data} --energy {QUARTIC} --out x.gibbs");
    bench.file("two.csv", "u,v\n1,2\n2,3\n0,1.5\n");
    let (kind, message, hint) = bench.refused(&fit("two.csv"), 2);
    assert!(kind == "dimension" && message.contains('2') && hint.contains("--columns u"), "{kind} {message} {hint}");
    bench.file("constant.csv", "u\n1\n1\n1\n");
    assert!(bench.refused(&fit("constant.csv"), 1).1.contains('u'));
    for (cell, word) in [("NaN", "NaN"), ("", "empty"), ("inf", "inf"), ("abc", "abc")] {
        bench.file("bad.csv", &format!("u,v\n1,2\n2,3\n0,{cell}\n4,1\n"));
        let (_, message, _) = bench.refused(&format!("{} --columns v", fit("bad.csv")), 1);
        assert!(message.contains("row 3") && message.contains('v'), "{cell}: {message}");
        let named = message.to_lowercase().contains(&word.to_lowercase()) || message.contains("missing");
        assert!(named, "{cell}: {message}");
    }
    bench.file("one.csv", "u\n1\n");
    bench.refused(&fit("one.csv"), 1);
    bench.file("none.csv", "");
    bench.refused(&fit("none.csv"), 1);
    bench.refused(&fit("absent.csv"), 1);
    assert!(!bench.path("x.gibbs").exists());
}

#[test]
fn wrong_names_and_values_are_usage_errors() {
    let bench = Bench::new(600);
    let fit = |rest: &str| format!("fit data.csv --energy {QUARTIC} --out x.gibbs {rest}");
    let (_, message, hint) = bench.refused(&fit("--init q=1"), 2);
    assert!(message.contains('q') && (message + &hint).contains('a'));
    assert!(bench.refused(&fit("--positive q"), 2).1.contains('q'));
    bench.refused(&fit("--init a=nan"), 2);
    bench.refused(&fit("--valid 1"), 2);
    bench.refused(&fit("--objective pcd --pool 10"), 2);
    bench.refused(&fit("--objective pcd --batch 0"), 2);
    bench.refused("fit data.csv --energy x^4 --out x.gibbs", 2);
    assert!(bench.refused(&fit("--objective mel"), 2).2.contains("mle"));
    assert!(!bench.path("x.gibbs").exists());
}

#[test]
fn history_and_held_out_likelihood() {
    let bench = Bench::new(1000);
    let train = format!("fit data.csv --energy {QUARTIC} --objective pcd --epochs 60 --steps 3..9 --valid 0.2");
    let json = bench.json(&format!("{train} --history h.csv --out m.gibbs"));
    assert_eq!((json["train"]["n"].as_u64(), json["valid"]["n"].as_u64()), (Some(800), Some(200)));
    let valid = json["valid"]["mean_log_likelihood"].as_f64().unwrap();
    let err = json["valid"]["std_err"].as_f64().unwrap();
    assert!(valid.is_finite() && err > 0.0, "{valid} +- {err}");
    let text = std::fs::read_to_string(bench.path("h.csv")).unwrap();
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    for name in ["epoch", "a", "b", "g", "energy_data", "energy_samples", "gap", "accept_prob", "step_size", "valid"] {
        assert!(header.contains(&name), "no column {name} in {header:?}");
    }
    let rows: Vec<Vec<f64>> = lines.map(|l| l.split(',').map(|v| v.parse().unwrap_or(f64::NAN)).collect()).collect();
    assert_eq!(rows.len(), 60);
    let col = |name: &str| header.iter().position(|h| *h == name).unwrap();
    for (i, row) in rows.iter().enumerate() {
        assert_eq!(row.len(), header.len());
        assert_eq!(row[col("epoch")], (i + 1) as f64);
        let gap = row[col("energy_data")] - row[col("energy_samples")];
        assert!((row[col("gap")] - gap).abs() < 1e-12 && (0.0..=1.0).contains(&row[col("accept_prob")]));
        assert!(row[col("valid")].is_finite() && row[col("step_size")] > 0.0);
    }
    // Exact maximum likelihood has a history, too; its held-out likelihood is that of the model file.
    let json = bench.json(&format!("fit data.csv --energy {QUARTIC} --valid 0.2 --history e.csv --out m.gibbs"));
    assert_eq!(json["objective"], "mle");
    let log_z = bench.json("logz m.gibbs")["log_z"].as_f64().unwrap();
    assert!((log_z - json["log_z"].as_f64().unwrap()).abs() < 1e-10);
    let text = std::fs::read_to_string(bench.path("e.csv")).unwrap();
    assert!(text.lines().count() > 2 && text.starts_with("epoch,a,b,g,objective"));
    // Without --valid nothing is held out of a formula's data.
    assert!(bench.json(&format!("fit data.csv --energy {QUARTIC} --out m.gibbs"))["valid"].is_null());
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let bench = Bench::new(2000);
    for objective in ["pcd", "cd"] {
        let train =
            format!("fit data.csv --energy {QUARTIC} --objective {objective} --epochs 10 --steps 5 --batch 600");
        for threads in [1, 2] {
            let out =
                bench.run(&format!("{train} --threads {threads} --out t{threads}.gibbs --history t{threads}.csv"));
            let code = out.status.code();
            assert!(matches!(code, Some(0 | 3)), "{code:?} {}", String::from_utf8_lossy(&out.stderr));
        }
        assert!(bytes(&bench.path("t1.gibbs")) == bytes(&bench.path("t2.gibbs")), "{objective}");
        assert!(bytes(&bench.path("t1.csv")) == bytes(&bench.path("t2.csv")), "{objective}");
    }
}

/// The last batch holds 1 row of 257, the pool 256 chains: the negative phase must not weigh 256 times as much.
#[test]
fn a_ragged_last_batch_is_weighed_right() {
    let bench = Bench::new(257);
    let mle = bench.json(&format!("fit data.csv --energy {QUARTIC} --objective mle --out m.gibbs"));
    let pcd = bench.json(&format!("fit data.csv --energy {QUARTIC} --objective pcd --epochs 1500 --out p.gibbs"));
    for name in ["a", "b", "g"] {
        let off = number(&pcd, "theta", name) - number(&mle, "theta", name);
        let (mcse, se) = (number(&pcd, "theta_mcse", name), number(&mle, "theta_std_err", name));
        println!("{name}: off {off:+.4}, mcse {mcse:.4}, std_err {se:.4} warnings {}", pcd["warnings"]);
        assert!(off.abs() < 4.0 * mcse && mcse < se, "{name}: off by {off}, mcse {mcse}, std_err {se}");
    }
}

#[test]
fn a_damaged_model_file_is_refused() {
    let bench = Bench::new(600);
    bench.json(&format!("fit data.csv --energy {QUARTIC} --out m.gibbs"));
    bench.json("logz m.gibbs");
    let good = bytes(&bench.path("m.gibbs"));
    for at in [0, 7, 8, 60, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(bench.path("bad.gibbs"), &bad).unwrap();
        let (kind, ..) = bench.refused("logz bad.gibbs", 1);
        assert_eq!(kind, "model_file", "byte {at}");
    }
    std::fs::write(bench.path("bad.gibbs"), &good[..good.len() - 3]).unwrap();
    assert_eq!(bench.refused("logz bad.gibbs", 1).0, "model_file");
}
