//! `gibbsite plot`: the landscape with what lies on it.

mod diagnostics;
mod draws;
mod reach;
mod walks;
mod window;

use std::path::Path;

use gibbsite::energy::Energy;
use gibbsite::points::{Matrix, Points};
use gibbsite::table::{ReadOptions, Table};

use crate::args::plot::PlotArgs;
use crate::args::values::NameList;
use crate::context::Context;
use crate::outcome::{Failure, Outcome};
use crate::plot::{Grid2, Landscape, Plane, landscape_1d, landscape_2d};
use crate::resolve::{self, Resolved};
use crate::{failures, guard};
use draws::Chains;
use window::Window;

/// Points along a one-dimensional curve.
const N_LINE: usize = 1201;

/// A curve may be off by this part of its height between the points it is drawn through.
const COARSE: f64 = 0.02;

/// Points along each side of a map.
const N_SIDE: usize = 301;

/// What a picture is made of.
struct Picture<'a> {
    args: &'a PlotArgs,
    model: &'a Resolved,
    /// Names on the axes: of the data, else of the data the model was fitted to, else of the energy.
    names: Vec<String>,
    chains: Option<Chains>,
    data: Option<Points>,
}

/// One dimension: E and p. Two: a map. More: traces or ranks of draws, or energies of data and draws.
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
    let chains = args.draws.as_deref().map(|path| draws::read(path, model.names())).transpose()?;
    let mut names = if model.columns.len() == dim { model.columns.clone() } else { model.names().to_vec() };
    let mut data = None;
    if let Some(spec) = &args.data {
        let table = read_data(spec, &NameList::all(&args.columns), dim)?;
        names.clone_from(&table.names);
        data = Some(table.into_points());
    }
    let mut out = Outcome::new();
    out.put("path", args.out.display().to_string());
    let kind = match args.kind.as_str() {
        "auto" if dim <= 2 => "landscape",
        "auto" if data.is_some() => "energies",
        "auto" => "traces",
        kind => kind,
    };
    if kind != "landscape" || dim != 2 {
        refuse_walks(args)?;
    }
    let picture = Picture { args, model: &model, names, chains, data };
    match (kind, dim) {
        ("energies", _) => picture.energies(&mut out)?,
        ("traces", _) => picture.traces(&mut out)?,
        ("ranks", _) => picture.ranks(&mut out)?,
        (_, 1) => picture.line(ctx, &mut out)?,
        (_, 2) => picture.map(ctx, &mut out)?,
        (_, dim) => {
            let message = format!("an energy in {dim} dimensions has no landscape that can be drawn");
            return Err(Failure::usage("dimension", message, PLOT_DRAWS));
        }
    }
    out.text = format!("{}\nwrote {}\n", model.description, args.out.display());
    Ok(out)
}

const PLOT_DRAWS: &str =
    "plot its draws: `gibbsite sample ... --out draws.csv`, then `gibbsite plot ... --draws draws.csv`";

fn check_ending(path: &Path) -> Result<(), Failure> {
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
    match ending.as_str() {
        "svg" | "png" => Ok(()),
        _ => Err(failures::plot(crate::plot::PlotError::UnknownFormat { path: path.to_path_buf() })),
    }
}

fn refuse_walks(args: &PlotArgs) -> Result<(), Failure> {
    match args.walks {
        None | Some(0) => Ok(()),
        Some(_) => {
            let hint = "leave --walks out, or plot an energy in two dimensions";
            Err(Failure::usage("conflict", "--walks is for landscapes in two dimensions", hint))
        }
    }
}

/// Rows of data, one column per coordinate.
fn read_data(spec: &str, columns: &[String], dim: usize) -> Result<Table, Failure> {
    let columns = (!columns.is_empty()).then(|| columns.to_vec());
    let table = Table::read(spec, &ReadOptions { columns, ..ReadOptions::default() }).map_err(failures::data)?;
    if table.n_cols() != dim {
        let s = if dim == 1 { "" } else { "s" };
        let message = format!("'{spec}' has {} columns, the energy has {dim} coordinate{s}", table.n_cols());
        let hint = format!("choose with --columns; there are {}", table.names.join(", "));
        return Err(Failure::work("data", message, hint));
    }
    Ok(table)
}

/// `n` points from `lo` to `hi`.
fn even(lo: f64, hi: f64, n: usize) -> Vec<f64> {
    let at = |i: usize| lo + (hi - lo) * i as f64 / (n - 1) as f64;
    (0..n).map(at).collect()
}

/// The points as pairs.
fn pairs(x: &Points) -> Vec<[f64; 2]> {
    (0..x.n()).map(|i| [x.real.get(i, 0), x.real.get(i, 1)]).collect()
}

impl Picture<'_> {
    /// The window, reported; warns about a picture of something that is no model, and of data that it does not show.
    fn window(&self, ctx: &Context, out: &mut Outcome) -> Result<Window, Failure> {
        let window = window::of(self.model, &self.args.lower, &self.args.upper, ctx.seed)?;
        if let Some(why) = &window.doubt {
            let so = if window.is_model {
                "log Z is not known, so p is not drawn"
            } else {
                "this is no model, so there is no p to draw"
            };
            out.warn(format!("{why}; {so}"), false);
        }
        let (lower, upper): (Vec<f64>, Vec<f64>) = window.ranges.iter().copied().unzip();
        out.put("lower", lower).put("upper", upper);
        let z = window.log_z.as_ref();
        out.put("log_z", z.map(|z| z.value)).put("log_z_std_err", z.map(|z| z.std_err));
        let inside = |x: &[f64]| x.iter().zip(&window.ranges).all(|(v, (lo, hi))| (lo..=hi).contains(&v));
        let mut tell = |what: &str, n: usize, n_outside: usize| {
            out.put(&format!("n_{what}"), n).put(&format!("n_{what}_outside"), n_outside);
            if n > 0 && n == n_outside {
                out.warn(format!("all {n} {what} lie outside the picture; move it with --lower and --upper"), false);
            }
        };
        if let Some(x) = &self.data {
            tell("data", x.n(), (0..x.n()).filter(|i| !inside(&x.real.row(*i))).count());
        }
        if let Some(chains) = &self.chains {
            let points = chains.points();
            tell("draws", points.n(), (0..points.n()).filter(|i| !inside(&points.real.row(*i))).count());
        }
        Ok(window)
    }

    /// The energy at points; NaN is refused.
    fn energy(&self, x: &Points) -> Result<Vec<f64>, Failure> {
        let mut e = vec![0.0; x.n()];
        self.model.formula.energy(x, &mut e);
        match e.iter().position(|e| e.is_nan()) {
            Some(i) => Err(failures::undefined(&x.real.row(i), self.model.names())),
            None => Ok(e),
        }
    }

    fn line(&self, ctx: &Context, out: &mut Outcome) -> Result<(), Failure> {
        out.put("kind", "landscape_1d");
        let window = self.window(ctx, out)?;
        let (lo, hi) = window.ranges[0];
        let x = self.fine_enough(even(lo, hi, N_LINE), &window)?;
        let energy = self.energy(&Points::from_real(Matrix::from_columns(x.len(), 1, x.clone())))?;
        let density: Option<Vec<f64>> =
            window.log_z.as_ref().map(|z| energy.iter().map(|e| (-e - z.value).exp()).collect());
        let draws = self.chains.as_ref().map(|c| c.all(0)).unwrap_or_default();
        let what = Landscape {
            title: &self.model.description,
            axis: &self.names[0],
            x: &x,
            energy: &energy,
            is_model: window.is_model,
            density: density.as_deref(),
            data: self.data.as_ref().map_or(&[], |d| d.real.col(0)),
            draws: &draws,
        };
        landscape_1d(&self.args.out, &what).map_err(failures::plot)
    }

    /// The grid, with the nodes of the quadrature where p does between its points what they do not show.
    fn fine_enough(&self, x: Vec<f64>, window: &Window) -> Result<Vec<f64>, Failure> {
        let Some(nodes) = &window.nodes else { return Ok(x) };
        let density = |e: &f64| (-e - nodes.log_z).exp();
        let at_nodes: Vec<(f64, f64)> =
            nodes.points.real.col(0).iter().copied().zip(nodes.energy.iter().map(density)).collect();
        let on_grid = self.energy(&Points::from_real(Matrix::from_columns(x.len(), 1, x.clone())))?;
        let on_grid: Vec<f64> = on_grid.iter().map(density).collect();
        let inside: Vec<&(f64, f64)> = at_nodes.iter().filter(|(at, _)| *at > x[0] && *at < x[x.len() - 1]).collect();
        let highest = inside.iter().map(|(_, p)| *p).fold(0.0, f64::max);
        let is_shown = |(at, p): &&(f64, f64)| {
            let i = x.partition_point(|v| v < at).clamp(1, x.len() - 1);
            let t = (at - x[i - 1]) / (x[i] - x[i - 1]);
            let drawn = (1.0 - t) * on_grid[i - 1] + t * on_grid[i];
            // At a jump or a singularity a grid may show what it can.
            !drawn.is_finite() || (p - drawn).abs() <= COARSE * highest
        };
        if inside.iter().all(is_shown) {
            return Ok(x);
        }
        let mut all: Vec<f64> = x.iter().copied().chain(inside.iter().map(|(at, _)| *at)).collect();
        all.sort_by(f64::total_cmp);
        all.dedup();
        Ok(all)
    }

    fn map(&self, ctx: &Context, out: &mut Outcome) -> Result<(), Failure> {
        out.put("kind", "landscape_2d");
        let window = self.window(ctx, out)?;
        let sides: Vec<Vec<f64>> = window.ranges.iter().map(|(lo, hi)| even(*lo, *hi, N_SIDE)).collect();
        let at = |i: usize, j: usize| if j == 0 { sides[0][i % N_SIDE] } else { sides[1][i / N_SIDE] };
        let energy = self.energy(&Points::from_real(Matrix::from_fn(N_SIDE * N_SIDE, 2, at)))?;
        let grid = Grid2 { x: sides[0].clone(), y: sides[1].clone(), energy };
        let walks = self.walks(&window, ctx, out);
        out.put("n_walks", walks.len());
        let what = Plane {
            title: &self.model.description,
            axes: [&self.names[0], &self.names[1]],
            grid: &grid,
            is_model: window.is_model,
            draws: &self.chains.as_ref().map(Chains::plane).unwrap_or_default(),
            data: &self.data.as_ref().map(pairs).unwrap_or_default(),
            walks: &walks,
        };
        landscape_2d(&self.args.out, &what).map_err(failures::plot)
    }

    /// The walks asked for, or a few over a bare landscape. Where there are none although they were asked for, a warning
    /// says why.
    fn walks(&self, window: &Window, ctx: &Context, out: &mut Outcome) -> Vec<Vec<[f64; 2]>> {
        let bare = self.chains.is_none() && self.data.is_none();
        let n = self.args.walks.unwrap_or(if bare { walks::N_CHAINS } else { 0 });
        if n == 0 {
            return Vec::new();
        }
        if let Some(chains) = &self.chains {
            return chains.walks(n, walks::N_STEPS).unwrap_or_else(|| {
                let why = "successive draws are independent, so no line joins them: the draws are shown as dots alone";
                out.warn(why, false);
                Vec::new()
            });
        }
        let Some(nodes) = &window.nodes else {
            if self.args.walks.is_some() {
                out.warn("no chains walk over an energy without a known density", false);
            }
            return Vec::new();
        };
        walks::mala(self.model, nodes, n, ctx.seed).unwrap_or_else(|error| {
            out.warn(format!("no chain can walk over this energy: {error}"), false);
            Vec::new()
        })
    }
}
