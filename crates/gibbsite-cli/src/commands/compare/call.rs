//! What a call of `compare` says, checked before the work: which energies, with which options; which columns of the data.

use gibbsite::energy::menu;
use gibbsite::energy::{Energy, Parametric};
use gibbsite::points::{Matrix, Points};
use gibbsite::table::column_list;

use crate::args::compare::CompareArgs;
use crate::args::energy::EnergyOptions;
use crate::commands::fit;
use crate::context::Context;
use crate::guard;
use crate::outcome::Failure;
use crate::resolve::{self, Resolved};

/// Both energies.
///
/// # Errors
/// Energies that cannot be resolved, parameters that neither has, energies of different dimension.
pub fn energies(args: &CompareArgs) -> Result<(Resolved, Resolved), Failure> {
    let shared = &args.energy_options;
    let (of_a, of_b) = (parameters(&args.a, shared), parameters(&args.b, shared));
    // Where an energy does not say what its parameters are, it is asked with all of them and says what is wrong.
    let has = |known: &Option<Vec<String>>, name: &String| known.as_ref().is_none_or(|known| known.contains(name));
    if let Some((name, _)) = shared.param.iter().find(|(name, _)| !has(&of_a, name) && !has(&of_b, name)) {
        let list = |known: &Option<Vec<String>>| match known.as_deref() {
            None | Some([]) => "none".to_string(),
            Some(known) => known.join(", "),
        };
        let message = format!("neither energy has a parameter '{name}'");
        return Err(Failure::usage("unknown_name", message, format!("A has {}, B has {}", list(&of_a), list(&of_b))));
    }
    let known_by = |known: &Option<Vec<String>>| -> Vec<(String, f64)> {
        shared.param.iter().filter(|(name, _)| has(known, name)).cloned().collect()
    };
    let options_a = EnergyOptions { param: known_by(&of_a), ..shared.clone() };
    let mut options_b = EnergyOptions {
        param: known_by(&of_b),
        bounds: args.bounds_b.clone().or_else(|| shared.bounds.clone()),
        beta: args.beta_b.unwrap_or(shared.beta),
        ..shared.clone()
    };
    options_b.param.retain(|(name, _)| !args.param_b.iter().any(|(other, _)| other == name));
    options_b.param.extend(args.param_b.iter().cloned());
    let a = resolve::energy(&args.a, &options_a).map_err(|f| of("A", f))?;
    let b = resolve::energy(&args.b, &options_b).map_err(|f| of("B", f))?;
    if a.dim() == b.dim() {
        return Ok((a, b));
    }
    let coordinates = |m: &Resolved| format!("{} ({})", m.dim(), guard::coordinates(m.names()));
    let message = format!(
        "only models of the same coordinates can be compared: A, {}, has {}; B, {}, has {}",
        a.description,
        coordinates(&a),
        b.description,
        coordinates(&b)
    );
    let hint = "give both the same number of coordinates, with --dim where a formula or a name leaves it open";
    Err(Failure::usage("dimension", message, hint))
}

/// The names that `--param` may set for the energy; `None` if it cannot be resolved without them.
fn parameters(text: &str, shared: &EnergyOptions) -> Option<Vec<String>> {
    let plain = EnergyOptions { param: Vec::new(), bounds: None, ..shared.clone() };
    let model = resolve::energy_with_free_parameters(text, &plain).ok()?;
    let of_menu = model.name.and_then(|name| menu::find(name).ok());
    let more = of_menu.into_iter().flat_map(|entry| entry.params.iter().map(|p| p.name.to_string()));
    Some(model.formula.theta_names().into_iter().chain(more).collect())
}

/// A failure that says which of the energies it is about.
pub fn of(name: &str, failure: Failure) -> Failure {
    Failure { message: format!("{name}: {}", failure.message), ..failure }
}

/// The rows of `DATA` in the coordinates of the models. Columns are those of `--columns`; else, where there are more than
/// coordinates, those that a model was fitted to.
///
/// # Errors
/// Data that cannot be read; another number of columns than coordinates.
pub fn data(args: &CompareArgs, a: &Resolved, b: &Resolved, ctx: &Context) -> Result<Option<Points>, Failure> {
    let Some(spec) = &args.data else { return Ok(None) };
    let table = fit::read(spec, &args.data_options)?;
    table.notes.iter().for_each(|note| ctx.note(&format!("note: {note}")));
    let dim = a.formula.space().dim();
    if table.n_cols() == dim {
        return Ok(Some(table.into_points()));
    }
    let fitted = [a, b].into_iter().map(|m| &m.columns).find(|names| names.len() == dim);
    if let Some(names) = fitted.filter(|_| args.data_options.columns.is_empty()) {
        let columns: Option<Vec<&[f64]>> = names.iter().map(|name| table.column(name)).collect();
        if let Some(columns) = columns {
            let rows = Matrix::from_fn(table.n_rows(), dim, |i, j| columns[j][i]);
            return Ok(Some(Points::from_real(rows)));
        }
    }
    let message = format!(
        "the energies have {dim} coordinate(s) ({}), the data have {} column(s) ({})",
        a.names().join(", "),
        table.n_cols(),
        table.names.join(", ")
    );
    let example = column_list(table.names.iter().take(dim));
    Err(Failure::usage("dimension", message, format!("choose the columns, like --columns {example}")))
}
