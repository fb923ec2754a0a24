//! Gibbsite's NUTS beside nuts-rs: the same densities, chains and draws, in one process, in turn. See README.md.

use std::error::Error;
use std::path::PathBuf;

use gibbsite::points::Points;
use gibbsite::run::initial_points_with_gradient;

mod report;
mod targets;
mod tools;

use report::Measured;
use targets::{EightSchools, Funnel, Gaussian, Mixture, Rotated, Target};
use tools::{Adaptation, Batch, Size, run_gibbsite, run_nuts_rs};

const USAGE: &str = "\
usage: bench-nuts-rs [--repeat 3] [--chains 64,8] [--threads 1,2] [--draws 1000] [--block 32] [--tools gibbsite,diagonal,low-rank] [TARGET ...]
targets: gaussian rotated funnel eight-schools mixture (all by default)";

const TARGETS: [&str; 5] = ["gaussian", "rotated", "funnel", "eight-schools", "mixture"];
const TOOLS: [&str; 3] = ["gibbsite", "diagonal", "low-rank"];

/// What is asked for.
struct Options {
    n_repeat: usize,
    chains: Vec<usize>,
    threads: Vec<usize>,
    n_draws: usize,
    block: Option<usize>,
    tools: Vec<String>,
    targets: Vec<String>,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let all = |names: &[&str]| names.iter().map(|n| n.to_string()).collect::<Vec<_>>();
        let mut options = Self {
            n_repeat: 3,
            chains: vec![64, 8],
            threads: vec![1, 2],
            n_draws: 1000,
            block: None,
            tools: all(&TOOLS),
            targets: Vec::new(),
        };
        while let Some(arg) = args.next() {
            if let Some(name) = arg.strip_prefix("--") {
                let value = args.next().ok_or_else(|| format!("{arg} needs a value\n{USAGE}"))?;
                let numbers = || {
                    let numbers: Result<Vec<usize>, _> = value.split(',').map(str::parse).collect();
                    match numbers {
                        Ok(n) if n.iter().all(|n| *n > 0) => Ok(n),
                        _ => Err(format!("{arg} takes positive whole numbers, not {value:?}")),
                    }
                };
                match name {
                    "repeat" => options.n_repeat = numbers()?[0],
                    "draws" => options.n_draws = numbers()?[0],
                    "block" => options.block = Some(numbers()?[0]),
                    "chains" => options.chains = numbers()?,
                    "threads" => options.threads = numbers()?,
                    "tools" => options.tools = value.split(',').map(String::from).collect(),
                    _ => return Err(format!("unknown option {arg}\n{USAGE}").into()),
                }
            } else {
                options.targets.push(arg);
            }
        }
        if options.targets.is_empty() {
            options.targets = all(&TARGETS);
        }
        for (given, known) in [(&options.targets, &TARGETS[..]), (&options.tools, &TOOLS[..])] {
            if let Some(name) = given.iter().find(|g| !known.contains(&g.as_str())) {
                return Err(format!("{name:?} is none of {}\n{USAGE}", known.join(", ")).into());
            }
        }
        Ok(options)
    }
}

/// The data of the mixture, if they are there.
fn mixture() -> Result<Option<Mixture>, Box<dyn Error>> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("GIBBSITE_SHARED").map_or_else(beside, PathBuf::from);
    let path = shared.join("data/posteriordb/low_dim_gauss_mix.data.json");
    if !path.exists() {
        println!("mixture: skipped, {} does not exist; set GIBBSITE_SHARED", path.display());
        return Ok(None);
    }
    let data: serde_json::Value = serde_json::from_slice(&std::fs::read(&path)?)?;
    let y = data["y"].as_array().and_then(|y| y.iter().map(serde_json::Value::as_f64).collect::<Option<Vec<f64>>>());
    y.map(|y| Some(Mixture::new(y))).ok_or_else(|| format!("{}: no numbers \"y\"", path.display()).into())
}

fn compare<T: Target>(name: &str, target: &T, options: &Options) -> Result<(), Box<dyn Error>> {
    for &n_threads in &options.threads {
        for &n_chains in &options.chains {
            let size = Size { n_chains, n_draws: options.n_draws, n_threads, block: options.block };
            let mut runs: Vec<(&str, Vec<Measured>)> =
                options.tools.iter().map(|tool| (tool.as_str(), Vec::new())).collect();
            for seed in 0..options.n_repeat as u64 {
                let init: Points = initial_points_with_gradient(&Batch::new(target), n_chains, seed)?;
                for (tool, measured) in &mut runs {
                    let run = match *tool {
                        "gibbsite" => run_gibbsite(target, &init, size, seed)?,
                        "diagonal" => run_nuts_rs(target, Adaptation::Diagonal, &init, size, seed)?,
                        _ => run_nuts_rs(target, Adaptation::LowRank, &init, size, seed)?,
                    };
                    measured.push(Measured::new(&run, size));
                }
            }
            for (tool, _) in &mut runs {
                *tool = match *tool {
                    "diagonal" => "nuts-rs diagonal",
                    "low-rank" => "nuts-rs low rank",
                    _ => "Gibbsite",
                };
            }
            let dim = target.dim();
            let title = format!("{name}: {dim}-D, {n_chains} chains x {} draws, threads: {n_threads}", size.n_draws);
            report::print(&title, &runs);
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse(std::env::args().skip(1))?;
    println!("Medians of {} runs; instruction set of Gibbsite: {:?}\n", options.n_repeat, gibbsite::simd::isa());
    for target in &options.targets {
        match target.as_str() {
            "gaussian" => compare(target, &Gaussian::new(100), &options)?,
            "rotated" => compare(target, &Rotated::new(), &options)?,
            "funnel" => compare(target, &Funnel, &options)?,
            "eight-schools" => compare(target, &EightSchools, &options)?,
            _ => {
                if let Some(mixture) = mixture()? {
                    compare(target, &mixture, &options)?;
                }
            }
        }
    }
    Ok(())
}
