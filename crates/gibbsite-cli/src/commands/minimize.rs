//! `gibbsite minimize`: where the modes are, how deep, and how much of the probability each holds.

use gibbsite::minimize::{Escape, Fall, Minima, MinimizeOptions, Minimum, minimize};
use serde_json::{Value, json};

use crate::args::minimize::MinimizeArgs;
use crate::context::Context;
use crate::outcome::{Failure, Outcome};
use crate::{failures, guard, resolve, text};

mod verdict;

/// Minima that are listed for people; JSON has them all.
const SHOWN: usize = 20;

/// All minima found, deepest first.
///
/// # Errors
/// Undefined energies, and spaces with nothing to minimise.
pub fn run(args: &MinimizeArgs, ctx: &Context) -> Result<Outcome, Failure> {
    let model = resolve::energy(&args.energy, &args.energy_options)?;
    guard::defined(&model)?;
    let mut options = MinimizeOptions { seed: ctx.seed, ..MinimizeOptions::default() };
    if let Some(n) = args.starts {
        (options.n_starts, options.max_starts) = (n, n);
    }
    let found = minimize(&model.formula, &options).map_err(failures::minimize)?;

    let mut out = Outcome::new();
    let list = found.minima.iter().map(object).collect();
    out.put("minima", Value::Array(list)).put("n_estimated", found.n_estimated());
    out.put("unseen_share", found.unseen_share()).put("n_starts", found.n_starts);
    out.put("n_unconverged", found.n_unconverged);
    let lowest = found.lowest_unconverged.as_ref().map(|(x, e)| json!({ "position": x, "energy": e }));
    out.put("lowest_unconverged", lowest.unwrap_or(Value::Null));
    let count = |kinds: &[Fall]| -> usize {
        found.escapes.iter().filter(|(e, _)| kinds.contains(&e.fall)).map(|(_, n)| n).sum()
    };
    out.put("n_unbounded", count(&[Fall::WithoutEnd, Fall::Pole]));
    out.put("n_at_infinity", count(&[Fall::TowardsInfinity]));
    out.put("escapes", Value::Array(found.escapes.iter().map(escape).collect()));
    out.put("n_not_finite", found.n_not_finite);
    out.text = format!("{}\n{}", model.description, table(&found, model.names()));
    verdict::judge(&mut out, &found, model.names());
    Ok(out)
}

/// What sort of minimum it is.
fn kind(m: &Minimum) -> &'static str {
    match m {
        Minimum { continuum: true, .. } => "continuum",
        Minimum { kink: true, .. } => "kink",
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

/// `towards` is a unit vector, or for a pole the point; `energy` is the value approached, null for minus infinity.
fn escape((escape, n_starts): &(Escape, usize)) -> Value {
    let (kind, energy) = match escape.fall {
        Fall::WithoutEnd => ("without_end", None),
        Fall::TowardsInfinity => ("towards_infinity", Some(escape.energy)),
        Fall::Pole => ("pole", None),
    };
    json!({ "kind": kind, "towards": escape.towards, "energy": energy, "n_starts": n_starts })
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
    let mut shown = if found.minima.is_empty() { String::new() } else { table.render() };
    if found.minima.len() > SHOWN {
        shown.push_str(&format!("  ... and {} more (see --json)\n", found.minima.len() - SHOWN));
    }
    let n = found.minima.len();
    let ends = [
        (found.n_escaped, "without a minimum"),
        (found.n_unconverged, "unconverged"),
        (found.n_not_finite, "not finite"),
    ];
    let others: Vec<String> = ends.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let others = if others.is_empty() { String::new() } else { format!("; other starts: {}", others.join(", ")) };
    let s = if n == 1 { "minimum" } else { "minima" };
    shown + &format!("  {n} {s} from {} starts{others}\n", found.n_starts)
}
