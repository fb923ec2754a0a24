//! `gibbsite plot`: the landscape with what lies on it.

mod overlay;
mod window;

use std::path::Path;

use gibbsite::energy::{Energy, Transformed};
use gibbsite::kernel::Mala;
use gibbsite::logz::LogZError;
use gibbsite::points::{Matrix, Points};
use gibbsite::run::{self, RunOptions};
use serde_json::json;

use crate::args::plot::PlotArgs;
use crate::args::values::NameList;
use crate::context::Context;
use crate::outcome::{Failure, Outcome};
use crate::plot::{Grid2, landscape_1d, landscape_2d, traces};
use crate::resolve::{self, Resolved};
use crate::{failures, guard};
use overlay::Chains;
use window::Window;

/// Points along a one-dimensional curve.
const N_LINE: usize = 1201;

/// Points along each side of a map.
const N_SIDE: usize = 301;

/// Chains that walk over a map, and their steps.
const WALKS: (usize, usize) = (5, 120);

/// One dimension: E and p. Two: a map with chains walking over it. More, with draws: their traces.
///
/// # Errors
/// Undefined energies, files that cannot be read or written, dimensions that cannot be drawn.
pub fn run(args: &PlotArgs, ctx: &Context) -> Result<Outcome, Failure> {
    check_ending(&args.out)?;
    let data = args.data.as_deref().and_then(gibbsite::table::path_of);
    let inputs =
        [("the model", guard::files::of_energy(&args.energy)), ("--draws", args.draws.clone()), ("--data", data)];
    guard::files::check(&inputs, &[("--out", Some(args.out.clone()))])?;
    let model = resolve::energy(&args.energy, &args.energy_options)?;
    guard::defined(&model)?;
    let dim = model.dim();
    let chains = args.draws.as_deref().map(|path| overlay::draws(path, dim)).transpose()?;
    let data = args.data.as_deref().map(|spec| overlay::data(spec, &NameList::all(&args.columns), dim)).transpose()?;
    let mut out = Outcome::new();
    out.put("path", args.out.display().to_string());
    match dim {
        1 => line(args, &model, chains, data, &mut out)?,
        2 => map(args, ctx, &model, chains, data, &mut out)?,
        _ => return_traces(args, &model, chains, &mut out)?,
    }
    out.text = format!("{}\nwrote {}\n", model.description, args.out.display());
    Ok(out)
}

fn check_ending(path: &Path) -> Result<(), Failure> {
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
    match ending.as_str() {
        "svg" | "png" => Ok(()),
        _ => Err(failures::plot(crate::plot::PlotError::UnknownFormat { path: path.to_path_buf() })),
    }
}

/// `n` points from `lo` to `hi`.
fn even(lo: f64, hi: f64, n: usize) -> Vec<f64> {
    let at = |i: usize| lo + (hi - lo) * i as f64 / (n - 1) as f64;
    (0..n).map(at).collect()
}

/// Warns about a picture of something that is no model; other failures stop.
fn shape(model: &Resolved, args: &PlotArgs, out: &mut Outcome) -> Result<Window, Failure> {
    let window = window::of(model, &args.lower, &args.upper)?;
    if let Some(error) = &window.no_density {
        let why = match error {
            LogZError::Diverges { .. } | LogZError::DivergesAtEnd { .. } => {
                "this is no model, so there is no p to draw"
            }
            _ => "log Z is not known, so p is not drawn",
        };
        out.warn(format!("{error}; {why}"), false);
    }
    let ends = |i: usize| window.ranges.iter().map(|r| if i == 0 { r.0 } else { r.1 }).collect::<Vec<f64>>();
    out.put("lower", ends(0)).put("upper", ends(1));
    Ok(window)
}

/// The energy at points; NaN is refused.
fn energies(model: &Resolved, x: &Points) -> Result<Vec<f64>, Failure> {
    let mut e = vec![0.0; x.n()];
    model.formula.energy(x, &mut e);
    match e.iter().position(|e| e.is_nan()) {
        Some(i) => Err(failures::undefined(&x.real.row(i), model.names())),
        None => Ok(e),
    }
}

fn line(
    args: &PlotArgs,
    model: &Resolved,
    chains: Option<Chains>,
    data: Option<Points>,
    out: &mut Outcome,
) -> Result<(), Failure> {
    let window = shape(model, args, out)?;
    let (lo, hi) = window.ranges[0];
    let x = even(lo, hi, N_LINE);
    let e = energies(model, &Points::from_real(Matrix::from_columns(x.len(), 1, x.clone())))?;
    let density: Vec<f64> = e.iter().map(|e| window.log_z.map_or(f64::NAN, |z| (-e - z).exp())).collect();
    out.put("kind", "landscape_1d").put("log_z", window.log_z);
    let data = data.map(|d| d.real.col(0).to_vec());
    let draws = chains.map(|c| c.all(0));
    let title = &model.description;
    let name = model.names()[0].as_str();
    landscape_1d(&args.out, title, name, &x, &e, &density, data.as_deref(), draws.as_deref()).map_err(failures::plot)
}

fn map(
    args: &PlotArgs,
    ctx: &Context,
    model: &Resolved,
    chains: Option<Chains>,
    data: Option<Points>,
    out: &mut Outcome,
) -> Result<(), Failure> {
    let window = shape(model, args, out)?;
    let sides: Vec<Vec<f64>> = window.ranges.iter().map(|(lo, hi)| even(*lo, *hi, N_SIDE)).collect();
    let at = |i: usize, j: usize| if j == 0 { sides[0][i % N_SIDE] } else { sides[1][i / N_SIDE] };
    let energy = energies(model, &Points::from_real(Matrix::from_fn(N_SIDE * N_SIDE, 2, at)))?;
    let grid = Grid2 { x: sides[0].clone(), y: sides[1].clone(), energy };
    let walks = match &chains {
        Some(chains) => chains.walks(WALKS.0, WALKS.1),
        None => mala_walks(model, ctx),
    };
    out.put("kind", "landscape_2d").put("log_z", window.log_z).put("n_walks", walks.len());
    let data: Option<Vec<[f64; 2]>> = data.map(|d| (0..d.n()).map(|i| [d.real.get(i, 0), d.real.get(i, 1)]).collect());
    let axes = [model.names()[0].as_str(), model.names()[1].as_str()];
    landscape_2d(&args.out, &model.description, axes, &grid, &walks, data.as_deref()).map_err(failures::plot)
}

/// A few chains of adjusted Langevin, from random starts and warmed up only so far as to find their step size.
fn mala_walks(model: &Resolved, ctx: &Context) -> Vec<Vec<[f64; 2]>> {
    let energy = Transformed::new(&model.formula);
    let (n_chains, n_draws) = WALKS;
    let options = RunOptions { n_draws, thin: 1, n_warmup: 300, seed: ctx.seed, block: n_chains };
    let walks = run::initial_points_with_gradient(&energy, n_chains, ctx.seed).and_then(|start| {
        let warm = run::sample(
            &energy,
            &Mala::new(0.5),
            start.clone(),
            &RunOptions { n_draws: 1, ..options.clone() },
            &|_| {},
        )?;
        // The walks begin where the chains began, so that one sees them come in.
        run::sample(&energy, &warm.kernel, start, &RunOptions { n_warmup: 0, ..options }, &|_| {})
    });
    // Walks are an ornament: a landscape that chains cannot walk on is still a landscape.
    let Ok(outcome) = walks else {
        ctx.note("note: no chain could walk over this energy");
        return Vec::new();
    };
    let mut draws = outcome.draws;
    energy.draws_to_inner(&mut draws);
    let walk = |c: usize| (0..n_draws).map(|t| [draws.get(c, t, 0), draws.get(c, t, 1)]).collect();
    (0..n_chains).map(walk).collect()
}

fn return_traces(args: &PlotArgs, model: &Resolved, chains: Option<Chains>, out: &mut Outcome) -> Result<(), Failure> {
    let Some(chains) = chains else {
        let message = format!("an energy in {} dimensions has no picture of its own", model.dim());
        let hint = "plot its draws: `gibbsite sample ... --out draws.csv`, then `gibbsite plot ... --draws draws.csv`";
        return Err(Failure::usage("dimension", message, hint));
    };
    out.put("kind", "traces").put("chains", json!(chains.n_chains()));
    traces(&args.out, &model.description, model.names(), &chains.by_coordinate()).map_err(failures::plot)
}
