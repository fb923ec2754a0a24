//! `gibbsite minimize`: where the modes are, how deep, and how much of the probability each holds.

use gibbsite::minimize::{Minima, MinimizeOptions, Minimum, minimize};
use serde_json::{Value, json};

use crate::args::minimize::MinimizeArgs;
use crate::context::Context;
use crate::outcome::{Failure, Outcome};
use crate::{failures, guard, resolve, text};

/// Minima that are listed for people; JSON has them all.
const SHOWN: usize = 20;

/// All minima found, deepest first.
///
/// # Errors
/// Undefined energies, and spaces with nothing to minimise.
pub fn run(args: &MinimizeArgs, ctx: &Context) -> Result<Outcome, Failure> {
    let model = resolve::energy(&args.energy, &args.energy_options)?;
    guard::defined(&model)?;
    let options = MinimizeOptions { n_starts: args.starts, seed: ctx.seed, ..MinimizeOptions::default() };
    let found = minimize(&model.formula, &options).map_err(failures::minimize)?;

    let mut out = Outcome::new();
    let list = found.minima.iter().map(object).collect();
    out.put("minima", Value::Array(list)).put("n_starts", found.n_starts).put("n_saddles", found.n_saddles);
    out.put("n_unconverged", found.n_unconverged).put("n_unbounded", found.n_unbounded);
    out.put("n_not_finite", found.n_not_finite);
    out.text = format!("{}\n{}", model.description, table(&found, model.names()));
    verdict(&mut out, &found);
    Ok(out)
}

/// What sort of minimum it is.
fn kind(m: &Minimum) -> &'static str {
    match m {
        Minimum { continuum: true, .. } => "continuum",
        Minimum { degenerate: true, .. } => "degenerate",
        Minimum { at_bound, .. } if !at_bound.is_empty() => "at_bound",
        _ => "minimum",
    }
}

fn object(m: &Minimum) -> Value {
    json!({
        "position": m.x, "energy": m.energy, "above_lowest": m.above_lowest, "kind": kind(m), "weight": m.weight,
        "curvatures": m.curvatures, "at_bound": m.at_bound.iter().map(|j| j + 1).collect::<Vec<_>>(), "n_found": m.n_found,
    })
}

fn table(found: &Minima, names: &[String]) -> String {
    let position = guard::coordinates(names);
    let mut table = text::Table::new([position.as_str(), "energy", "above lowest", "weight", "kind", "starts"]);
    for m in found.minima.iter().take(SHOWN) {
        let weight = m.weight.map_or("-".into(), text::percent);
        let n = m.n_found.to_string();
        let kind = kind(m).replace('_', " ");
        table.row([text::vector(&m.x), text::number(m.energy), text::number(m.above_lowest), weight, kind, n]);
    }
    let mut shown = table.render();
    if found.minima.len() > SHOWN {
        shown.push_str(&format!("  ... and {} more (see --json)\n", found.minima.len() - SHOWN));
    }
    let n = found.minima.len();
    let ends =
        [(found.n_saddles, "on saddles"), (found.n_unconverged, "unconverged"), (found.n_not_finite, "not finite")];
    let others: Vec<String> = ends.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let others = if others.is_empty() { String::new() } else { format!("; other starts: {}", others.join(", ")) };
    let s = if n == 1 { "minimum" } else { "minima" };
    shown + &format!("  {n} {s} from {} starts{others}\n", found.n_starts)
}

fn verdict(out: &mut Outcome, found: &Minima) {
    if found.n_unbounded > 0 {
        let message = format!(
            "the energy falls without end from {} of {} starts: this is no model; see `gibbsite check`",
            found.n_unbounded, found.n_starts
        );
        out.warn(message, true);
    } else if found.minima.is_empty() {
        out.warn(
            "no minimum was found: the energy may fall without end (see `gibbsite check`), or needs more --starts",
            true,
        );
    }
    if found.minima.iter().any(|m| m.degenerate) {
        out.warn(
            "a minimum is flat to second order: Laplace basin weights do not exist (sample or use logz instead)",
            false,
        );
    }
    let once = found.minima.iter().filter(|m| m.n_found == 1).count();
    if found.minima.len() > 1 && once * 2 >= found.minima.len() {
        let message = format!(
            "{once} of {} minima were found by one start only: there may be more; try more --starts",
            found.minima.len()
        );
        out.warn(message, false);
    }
}
