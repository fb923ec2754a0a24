//! `gibbsite density`: p(x) at points.

use gibbsite::points::Points;
use gibbsite::uses::density::log_density;

use super::logz;
use crate::args::density::DensityArgs;
use crate::context::Context;
use crate::outcome::{Failure, Outcome};
use crate::{failures, guard, resolve, text};

/// log p(x) = -E(x) - log Z at every point, with the error of log Z.
///
/// # Errors
/// Points of another dimension than the energy, undefined energies, energies that are no model.
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
    let p = log_density(&model.formula, &Points::from_rows(rows), &z);
    if let Some(i) = p.energy.iter().position(|e| e.is_nan()) {
        return Err(failures::undefined(&rows[i], model.names()));
    }
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
