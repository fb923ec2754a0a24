//! `sample --sampler auto` with its exact routes switched off, on landscapes whose expectations are known: what it gives is
//! right within its own errors, or it says that it is not to be trusted, and why.

#[path = "../../gibbsite/tests/targets/mod.rs"]
mod targets;

use std::process::Command;

use gibbsite::energy::formula::{Formula, FormulaOptions};
use gibbsite::table::{ReadOptions, Table};
use serde_json::Value;
use targets::{Target, Truth};

/// Standard errors beyond which an estimate is wrong. Of some 250 truths one is beyond 4 by chance in 60 seeds.
const MAX_Z: f64 = 4.5;

/// Runs `auto` on the energy `args` name and holds its draws against the truths of `target`. Says whether they were good.
fn judge(target: &Target, args: &[&str]) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gibbsite"));
    command.arg("sample").args(args).args(["--no-exact", "--json", "--out", "draws.npy"]).current_dir(dir.path());
    let output = command.output().unwrap();
    let object: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{args:?}: {e} {output:?}"));
    let draws = draws(&dir.path().join("draws.npy"));
    let n_draws = object["n_draws"].as_u64().unwrap() as usize;
    let scores = target.scores_of(&draws, n_draws);
    let worst = scores.iter().max_by(|a, b| a.z.abs().total_cmp(&b.z.abs())).unwrap();
    println!(
        "{:<20} exit {:?}, {} ({}), {} truths, worst z {:.2} of {}, {:.1} s, warnings {}",
        target.name,
        output.status.code(),
        object["sampler"],
        object["choice"],
        scores.len(),
        worst.z,
        worst.name,
        object["seconds"].as_f64().unwrap(),
        object["warnings"]
    );
    match output.status.code() {
        Some(0) => {
            for s in &scores {
                assert!(
                    s.z.abs() < MAX_Z,
                    "{}: {} is {} +- {}, z = {:.1}",
                    target.name,
                    s.name,
                    s.estimate,
                    s.mcse,
                    s.z
                );
            }
            true
        }
        Some(3) => {
            assert!(!object["warnings"].as_array().unwrap().is_empty(), "{object}");
            false
        }
        code => panic!("{}: exit code {code:?}: {output:?}", target.name),
    }
}

/// All draws, (chain, draw, coordinate): a file of three dimensions is read row by row.
fn draws(path: &std::path::Path) -> Vec<f64> {
    let table = Table::read(path.to_str().unwrap(), &ReadOptions::default()).unwrap();
    (0..table.n_rows()).flat_map(|i| table.columns.row(i)).collect()
}

#[test]
fn two_far_modes() {
    let quadratic = |centre: &str| format!("((x1{centre})^2 + x2^2 + x3^2 + x4^2)/2");
    let energy = format!("-logsumexp(log(0.3) - {}, log(0.7) - {})", quadratic("+10"), quadratic("-10"));
    assert!(judge(&targets::bimodal(), &[&energy]));
}

#[test]
fn twenty_five_gaussians() {
    assert!(judge(&targets::lattice(), &["25-gaussians:a=2,s=0.05"]));
}

#[test]
fn mueller_brown() {
    assert!(judge(&targets::mueller_brown(), &["mueller-brown:beta=0.1"]));
}

#[test]
fn many_wells() {
    assert!(judge(&targets::many_well(), &["many-well:d=32", "--draws", "1500"]));
}

#[test]
fn many_wells_in_coordinates_that_mix_them() {
    let args = [targets::many_well::REFLECTED, "--dim", "32", "--draws", "1500"];
    assert!(judge(&targets::reflected_many_well(), &args));
}

#[test]
fn rosenbrock() {
    judge(&targets::rosenbrock(), &["rosenbrock"]);
}

/// Its neck is narrower than any step: whether the draws are good or not, they must not be wrong and called good.
#[test]
fn funnel() {
    judge(&targets::funnel(), &["funnel:d=10", "--draws", "500"]);
}

/// A mean but no variance.
#[test]
fn student_t() {
    judge(&targets::student_t(), &["3.5*log(1 + sum(i, 1..5, x[i]^2)/2)", "--dim", "5"]);
}

/// 100 dimensions, condition number 1e4, no coordinate an axis: u = x reflected at the plane across (1, ..., 1) has
/// independent coordinates with variances from 1 down to 1e-4.
#[test]
fn ill_conditioned() {
    const DIM: usize = 100;
    let formula = "sum(i, 1..d, (x[i] - (2/d)*sum(j, 1..d, x[j]))^2 * 10^(4*(i-1)/(d-1)))/2";
    let space = FormulaOptions { dim: Some(DIM), ..FormulaOptions::default() };
    let u = |x: &[f64], i: usize| x[i] - 2.0 / DIM as f64 * x.iter().sum::<f64>();
    let variance = |i: usize| 10f64.powf(-4.0 * i as f64 / (DIM - 1) as f64);
    let mut truths: Vec<Truth> = Vec::new();
    for i in (0..DIM).step_by(11) {
        truths.push(Truth::exact(format!("u{i}"), move |x| u(x, i), 0.0));
        truths.push(Truth::exact(format!("u{i}^2"), move |x| u(x, i).powi(2), variance(i)));
        truths.push(Truth::exact(format!("x{i}"), move |x| x[i], 0.0));
    }
    let energy = Box::new(Formula::with_options(formula, &space).unwrap());
    let target = Target { name: "ill-conditioned", energy, log_z: None, truths, modes: None };
    assert!(judge(&target, &[formula, "--dim", "100", "--draws", "500"]));
}
