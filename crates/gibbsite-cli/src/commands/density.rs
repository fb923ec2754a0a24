//! `gibbsite density`: p(x) at points.

use gibbsite::energy::Energy;
use gibbsite::points::Points;
use gibbsite::uses::density::log_density;

use super::logz;
use crate::args::density::DensityArgs;
use crate::context::Context;
use crate::outcome::{Failure, Outcome};
use crate::resolve::{self, Resolved};
use crate::{guard, text};

/// log p(x) = -E(x) - log Z at every point, with the error of log Z; a point outside the support has p = 0, one where the
/// energy is undefined has none, and a warning names both.
///
/// # Errors
/// Points of another dimension than the energy, energies that are no model, a log Z that is not finite, energies that are
/// undefined at all points.
pub fn run(args: &DensityArgs, ctx: &Context) -> Result<Outcome, Failure> {
    let model = resolve::energy(&args.energy, &args.energy_options)?;
    let rows = &args.at.0;
    let (given, dim) = (rows.first().map_or(0, Vec::len), model.dim());
    if given != dim {
        let (message, hint) = if dim == 1 {
            (format!("a point of --at has {given} coordinates, the energy has one"), "points go by ';': --at \"0;1;2\"")
        } else {
            (format!("a point of --at has {given} coordinate(s), the energy has {dim}"), "like --at \"0,1;2,-3\"")
        };
        return Err(Failure::usage("dimension", message, hint));
    }
    let mut out = Outcome::new();
    guard::is_model(&model, &mut out)?;
    let z = logz::best(&model, ctx)?;
    logz::finite(&z)?;
    let p = log_density(&model.formula, &Points::from_rows(rows), &z);
    if p.energy.iter().all(|e| e.is_nan())
        && let Some(first) = rows.first()
    {
        return Err(guard::undefined(&model, first));
    }
    doubtful(&model, rows, &p.energy, &mut out);
    let density: Vec<f64> = p.log_density.iter().map(|l| l.exp()).collect();

    out.put("x", rows.clone()).put("energy", &p.energy[..]).put("log_density", &p.log_density[..]);
    out.put("std_err", &p.std_err[..]).put("density", &density[..]).put("log_z", z.value).put("method", z.method);
    let mut table = text::Table::new(["x", "energy", "log p", "p"]);
    for (i, row) in rows.iter().enumerate() {
        let error = p.std_err[i];
        let shown = |v: f64, e: f64| if v.is_finite() { text::with_error_short(v, e) } else { text::number(v) };
        let (l, d) = if error < 1e-10 {
            (text::digits(p.log_density[i], 10), text::digits(density[i], 10))
        } else {
            (shown(p.log_density[i], error), shown(density[i], density[i] * error))
        };
        table.row([text::vector(row), text::number(p.energy[i]), l, d]);
    }
    let log_z = logz::value(z.value, z.std_err);
    out.text = format!("{}\n{}  log Z = {log_z} ({})\n", model.description, table.render(), z.method);
    let bad = logz::is_bad(&z);
    z.warnings.iter().for_each(|w| {
        out.warn(w.as_str(), bad);
    });
    Ok(out)
}

/// Names the points that have no density, and those outside the support.
fn doubtful(model: &Resolved, rows: &[Vec<f64>], energy: &[f64], out: &mut Outcome) {
    let space = model.formula.space();
    for (row, energy) in rows.iter().zip(energy) {
        let at = || {
            let at: Vec<String> = space.names.iter().zip(row).map(|(n, v)| format!("{n} = {v}")).collect();
            at.join(", ")
        };
        let outside = (0..row.len()).find(|&j| !space.reals[j].contains(row[j]));
        if let Some(j) = outside {
            let bounds = text::bounds(&space.names[j], space.reals[j].lower(), space.reals[j].upper());
            out.warn(format!("{} lies outside {bounds}: p = 0 there", at()), false);
        } else if energy.is_nan() {
            out.warn(format!("the energy is undefined (NaN) at {}: there is no density there", at()), false);
        }
    }
}
