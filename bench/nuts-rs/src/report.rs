//! What a run is worth, medians of repeated runs, and the table.

use gibbsite::diagnostics::{ess_bulk, mcse_mean, rhat};
use rayon::prelude::*;

use crate::tools::{Run, Size};

/// Columns of the table: what is measured of one run, or the median over runs.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Seconds of warm-up and of draws, wall and processor.
    warm_up: f64,
    draws: f64,
    warm_up_cpu: f64,
    draws_cpu: f64,
    steps_per_draw: f64,
    /// Processor time of the draws.
    ns_per_step: f64,
    n_diverged: f64,
    rhat: f64,
    /// Least bulk ESS of a coordinate.
    ess: f64,
    /// Means and their Monte-Carlo errors.
    means: Vec<(f64, f64)>,
}

impl Measured {
    pub fn new(run: &Run, size: Size) -> Self {
        let per_coordinate: Vec<(f64, f64, f64, f64)> = run
            .values
            .par_iter()
            .map(|chains| {
                let all: Vec<f64> = chains.iter().flatten().copied().collect();
                let mean = all.iter().sum::<f64>() / all.len() as f64;
                (ess_bulk(chains), rhat(chains), mean, mcse_mean(chains))
            })
            .collect();
        let n_draws = (size.n_chains * size.n_draws) as f64;
        Self {
            warm_up: run.warm_up.wall,
            draws: run.draws.wall,
            warm_up_cpu: run.warm_up.cpu,
            draws_cpu: run.draws.cpu,
            steps_per_draw: run.n_steps as f64 / n_draws,
            ns_per_step: 1e9 * run.draws.cpu / run.n_steps as f64,
            n_diverged: run.n_diverged as f64,
            // NaN where it is NaN for one coordinate.
            rhat: per_coordinate.iter().fold(0.0, |m, c| if c.1 > m || c.1.is_nan() { c.1 } else { m }),
            ess: per_coordinate.iter().fold(f64::INFINITY, |m, c| if c.0 < m || c.0.is_nan() { c.0 } else { m }),
            means: per_coordinate.iter().map(|c| (c.2, c.3)).collect(),
        }
    }

    /// Effective draws a second: of draws, and in all; by the wall, and by processor time.
    fn rates(&self) -> [f64; 4] {
        let Self { warm_up, draws, warm_up_cpu, draws_cpu, ess, .. } = self;
        [ess / draws, ess / (warm_up + draws), ess / draws_cpu, ess / (warm_up_cpu + draws_cpu)]
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut v: Vec<f64> = values.collect();
    v.sort_by(f64::total_cmp);
    let n = v.len();
    0.5 * (v[(n - 1) / 2] + v[n / 2])
}

/// A row of the table.
struct Row {
    measured: [f64; 9],
    rates: [f64; 4],
}

impl Row {
    fn median(runs: &[Measured]) -> Self {
        let of = |f: &dyn Fn(&Measured) -> f64| median(runs.iter().map(f));
        Self {
            measured: [
                of(&|m| m.warm_up),
                of(&|m| m.draws),
                of(&|m| m.warm_up_cpu),
                of(&|m| m.draws_cpu),
                of(&|m| m.steps_per_draw),
                of(&|m| m.ns_per_step),
                of(&|m| m.n_diverged),
                of(&|m| m.rhat),
                of(&|m| m.ess),
            ],
            rates: std::array::from_fn(|k| of(&|m| m.rates()[k])),
        }
    }
}

/// Largest difference of means between two tools, in Monte-Carlo errors of the difference.
fn disagreement(a: &Measured, b: &Measured) -> f64 {
    let z = |(a, b): (&(f64, f64), &(f64, f64))| (a.0 - b.0).abs() / a.1.hypot(b.1);
    a.means.iter().zip(&b.means).map(z).fold(0.0, |m, z| if z > m || z.is_nan() { z } else { m })
}

/// Prints medians of the tools' runs, `(name, runs)`, Gibbsite first, and how many times the better of the others it is.
pub fn print(title: &str, tools: &[(&str, Vec<Measured>)]) {
    println!("{title}");
    println!(
        "{:<18}{:>9}{:>9}{:>9}{:>9}{:>8}{:>9}{:>7}{:>8}{:>9}{:>11}{:>11}{:>11}{:>11}",
        "",
        "warm s",
        "draw s",
        "warm cpu",
        "draw cpu",
        "steps",
        "ns/step",
        "div",
        "R-hat",
        "ESS",
        "ESS/s draw",
        "all",
        "/cpu s draw",
        "all"
    );
    let rows: Vec<Row> = tools.iter().map(|(_, runs)| Row::median(runs)).collect();
    for ((name, _), Row { measured: m, rates: r }) in tools.iter().zip(&rows) {
        println!(
            "{name:<18}{:>9.3}{:>9.3}{:>9.3}{:>9.3}{:>8.1}{:>9.1}{:>7.0}{:>8.4}{:>9.0}{:>11.0}{:>11.0}{:>11.0}{:>11.0}",
            m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8], r[0], r[1], r[2], r[3]
        );
    }
    if let Some((first, others)) = rows.split_first()
        && tools[0].0 == "Gibbsite"
        && !others.is_empty()
    {
        let ratio = |k: usize| first.rates[k] / others.iter().map(|o| o.rates[k]).fold(0.0, f64::max);
        print!("{:<86}", "  times the better nuts-rs");
        (0..4).for_each(|k| print!("{:>11.2}", ratio(k)));
        println!();
        let z =
            |other: &Vec<Measured>| tools[0].1.iter().zip(other).map(|(a, b)| disagreement(a, b)).fold(0.0, f64::max);
        let z: Vec<String> = tools[1..].iter().map(|(_, runs)| format!("{:.1}", z(runs))).collect();
        println!("  means differ from nuts-rs's by at most {} Monte-Carlo errors", z.join(" and "));
    }
    println!();
}
