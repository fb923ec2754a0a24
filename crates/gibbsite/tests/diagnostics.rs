//! Diagnostics against the R package `posterior`, against closed forms, and on the draws that mislead diagnostics.

use gibbsite::diagnostics::*;
use gibbsite::rng::{Purpose, Run, Streams};
use std::path::PathBuf;

fn shared() -> Option<PathBuf> {
    let default = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let root = std::env::var_os("GIBBSITE_SHARED").map_or(default, PathBuf::from).join("refs/diagnostics");
    if !root.is_dir() {
        eprintln!("skipped: no reference folder {}", root.display());
        return None;
    }
    Some(root)
}

/// Columns of a file of draws, by position.
fn read_columns(path: PathBuf) -> Vec<Vec<f64>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let mut columns = vec![Vec::new(); reader.headers().unwrap().len()];
    for row in reader.records() {
        for (column, cell) in columns.iter_mut().zip(&row.unwrap()) {
            column.push(cell.parse().unwrap());
        }
    }
    columns
}

#[test]
fn agrees_with_posterior() {
    let Some(root) = shared() else { return };
    let (one, two) = (read_columns(root.join("draws_chain1.csv")), read_columns(root.join("draws_chain2.csv")));
    let mut reader = csv::Reader::from_path(root.join("reference_posterior.csv")).unwrap();
    let names: Vec<String> = reader.headers().unwrap().iter().map(String::from).collect();
    let mut worst = vec![0.0f64; names.len()];
    let mut n_rows = 0;
    for (q, row) in reader.records().enumerate() {
        let row = row.unwrap();
        let chains = [one[q].as_slice(), two[q].as_slice()];
        for (c, name) in names.iter().enumerate().skip(1) {
            let ours = match name.as_str() {
                "rhat_rank" => rhat(&chains),
                "rhat_raw" => rhat_raw(&chains),
                "ess_bulk" => ess_bulk(&chains),
                "ess_tail" => ess_tail(&chains),
                "ess_mean" => ess_mean(&chains),
                "ess_sd" => ess_sd(&chains),
                "ess_median" => ess_median(&chains),
                "ess_raw" => ess_raw(&chains),
                "ess_quantile01" => ess_quantile(&chains, 0.01),
                "ess_quantile10" => ess_quantile(&chains, 0.1),
                "ess_quantile30" => ess_quantile(&chains, 0.3),
                "mcse_mean" => mcse_mean(&chains),
                "mcse_sd" => mcse_sd(&chains),
                "mcse_median" => mcse_median(&chains),
                "mcse_quantile01" => mcse_quantile(&chains, 0.01),
                "mcse_quantile10" => mcse_quantile(&chains, 0.1),
                "mcse_quantile30" => mcse_quantile(&chains, 0.3),
                other => panic!("unknown reference column {other}"),
            };
            let theirs: f64 = row[c].parse().unwrap();
            worst[c] = worst[c].max((ours - theirs).abs() / theirs);
            if ours.is_nan() {
                worst[c] = f64::INFINITY;
            }
        }
        n_rows += 1;
    }
    assert_eq!(n_rows, 48);
    for (name, worst) in names.iter().zip(&worst).skip(1) {
        println!("{name:16} {worst:.1e}");
    }
    assert!(worst.iter().all(|w| *w < 1e-6), "{worst:?}");
}
