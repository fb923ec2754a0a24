//! `gibbsite energies`, `samplers`, `objectives`: the menus.

use gibbsite::energy::Energy;
use gibbsite::energy::menu::{Dims, Entry, LABELS, LabelledEntry, MENU, Param};
use serde_json::{Map, Value, json};

use crate::args::names;
use crate::context::Context;
use crate::outcome::{Failure, Outcome};
use crate::text;

/// Every energy of the menu with its parameters, defaults, formula, and log Z where it is known.
///
/// # Errors
/// If an entry does not build, which would be a bug.
pub fn energies(_ctx: &Context) -> Result<Outcome, Failure> {
    let mut out = Outcome::new();
    let mut list = Vec::new();
    for entry in MENU {
        let made = entry.build(&[]).map_err(crate::failures::menu)?;
        list.push(energy_object(entry, made.formula.space().dim(), made.log_z));
        out.text.push_str(&energy_text(entry, made.formula.space().dim(), made.log_z));
    }
    for entry in LABELS {
        let made = entry.build(&[]).map_err(crate::failures::menu)?;
        list.push(labelled_object(entry, made.energy.space().labels.len()));
        out.text.push_str(&labelled_text(entry));
    }
    out.text.push_str(
        "Use one by its name, with the parameters that differ from the defaults: gibbsite sample ring:r=3,sigma=0.1\n",
    );
    out.put("energies", Value::Array(list));
    Ok(out)
}

fn param_objects(params: &[Param]) -> Vec<Value> {
    let finite = |v: f64| if v.abs() < f64::MAX { Value::from(v) } else { Value::Null };
    let object = |p: &Param| {
        json!({"name": p.name, "default": p.default, "about": p.about,
            "min": finite(p.range.0), "max": finite(p.range.1)})
    };
    params.iter().map(object).collect()
}

fn labelled_object(entry: &LabelledEntry, dim: usize) -> Value {
    json!({
        "name": entry.name, "about": entry.about, "source": entry.source, "formula": entry.equation, "discrete": true,
        "dim": dim, "params": param_objects(entry.params),
    })
}

fn labelled_text(entry: &LabelledEntry) -> String {
    let lines = vec![("E", entry.equation.to_string()), ("with", params(entry.params)), ("from", entry.source.into())];
    format!("{}  (discrete): {}\n{}\n", entry.name, entry.about, text::pairs(lines))
}

/// Parameters with their defaults.
fn params(params: &[Param]) -> String {
    let shown: Vec<String> =
        params.iter().map(|p| format!("{}={} ({})", p.name, text::number(p.default), p.about)).collect();
    shown.join(", ")
}

fn energy_object(entry: &Entry, dim: usize, log_z: Option<f64>) -> Value {
    let params = param_objects(entry.params);
    let bounds: Map<String, Value> = entry.bounds.iter().map(|(n, a, b)| (n.to_string(), json!([a, b]))).collect();
    json!({
        "name": entry.name, "about": entry.about, "source": entry.source, "formula": one_line(entry.formula),
        "dim": dim, "any_dim": !matches!(entry.dims, Dims::Fixed(_)), "params": params, "bounds": bounds,
        "log_z": log_z.filter(|v| v.is_finite()),
    })
}

fn energy_text(entry: &Entry, dim: usize, log_z: Option<f64>) -> String {
    let dims = match entry.dims {
        Dims::Fixed(n) => format!("{n}-D"),
        Dims::AtLeast(_) => format!("any number of dimensions, {dim} by default"),
        Dims::Even => format!("any even number of dimensions, {dim} by default"),
    };
    let mut lines = vec![("E".to_string(), one_line(entry.formula))];
    if !entry.bounds.is_empty() {
        let bounds: Vec<String> = entry.bounds.iter().map(|(n, a, b)| format!("{n}={a}..{b}")).collect();
        lines.push(("on".into(), bounds.join(", ")));
    }
    if !entry.params.is_empty() {
        lines.push(("with".into(), params(entry.params)));
    }
    if let Some(log_z) = log_z {
        lines.push(("log Z".into(), format!("{} at the defaults", text::digits(log_z, 12))));
    }
    lines.push(("from".into(), entry.source.to_string()));
    format!("{}  ({dims}): {}\n{}\n", entry.name, entry.about, text::pairs(lines))
}

/// Formulas of the menu are broken over lines in the source.
fn one_line(formula: &str) -> String {
    formula.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A line of a menu: name, what it needs, what it is good for.
struct Line {
    name: &'static str,
    needs: &'static str,
    about: &'static str,
}

const SAMPLERS: [Line; 15] = [
    Line {
        name: "auto",
        needs: "-",
        about: "grid in one and two dimensions; else pilot chains choose; of discrete variables cluster or tempering",
    },
    Line {
        name: "grid",
        needs: "1 or 2 dimensions",
        about: "exact, independent draws by the inverse of the distribution function",
    },
    Line {
        name: "rwm",
        needs: "the energy",
        about: "random-walk Metropolis: for energies without a usable gradient, few dimensions",
    },
    Line {
        name: "ula",
        needs: "the gradient",
        about: "unadjusted Langevin: never rejects, biased by its step size; the bias is measured against mala",
    },
    Line {
        name: "mala",
        needs: "the gradient",
        about: "Langevin proposals with accept or reject: exact in the limit, cheap steps",
    },
    Line { name: "hmc", needs: "the gradient", about: "Hamiltonian Monte Carlo: long moves of about the same length" },
    Line {
        name: "nuts",
        needs: "the gradient",
        about: "Hamiltonian moves as long as they lead away: for many or correlated dimensions",
    },
    Line {
        name: "tempering",
        needs: "the gradient, or discrete variables",
        about: "ladders of chains from a simple reference to the model: for modes that chains do not cross between",
    },
    Line {
        name: "underdamped",
        needs: "the gradient",
        about: "Metropolis adjusted Langevin trajectories: as hmc, with friction instead of a critical length",
    },
    Line {
        name: "slice",
        needs: "the energy",
        about: "slice sampling by coordinates: no rejections and hardly any tuning, about 5 energies per coordinate",
    },
    Line {
        name: "ensemble",
        needs: "the energy",
        about: "affine-invariant stretch moves: correlations do not matter, up to about 10 dimensions",
    },
    Line {
        name: "gibbs",
        needs: "discrete variables",
        about: "every variable anew from what the others say of it, all at once that do not see each other",
    },
    Line {
        name: "gwg",
        needs: "discrete variables",
        about: "Gibbs with gradients: one change at a time, where it pays; for variables of which few want to change",
    },
    Line {
        name: "cluster",
        needs: "discrete variables in pairs",
        about: "Swendsen-Wang: whole domains turn at once; for lattices near their critical temperature",
    },
    Line { name: "wolff", needs: "discrete variables in pairs", about: "one domain at a time turns" },
];

const OBJECTIVES: [Line; 5] = [
    Line { name: "auto", needs: "-", about: "mle where log Z is exact (up to 3 dimensions), else pcd" },
    Line { name: "mle", needs: "1 to 3 dimensions", about: "exact maximum likelihood, its gradient by quadrature" },
    Line {
        name: "cd",
        needs: "the gradient in x",
        about: "contrastive divergence: short chains that start at the data (--steps)",
    },
    Line {
        name: "pcd",
        needs: "the gradient in x",
        about: "persistent contrastive divergence: chains that go on from update to update (--pool)",
    },
    Line {
        name: "ism",
        needs: "second derivatives in x",
        about: "exact (Hyvarinen) score matching: needs no sampler and no Z",
    },
];

/// The samplers.
pub fn samplers(_ctx: &Context) -> Outcome {
    menu("samplers", &SAMPLERS, &names::SAMPLERS, "Use one with `gibbsite sample ENERGY --sampler NAME`.")
}

/// The objectives.
pub fn objectives(_ctx: &Context) -> Outcome {
    menu("objectives", &OBJECTIVES, &names::OBJECTIVES, "Use one with `gibbsite fit DATA --objective NAME`.")
}

fn menu(what: &str, lines: &[Line], accepted: &[&str], usage: &str) -> Outcome {
    let mut out = Outcome::new();
    let shown = lines.iter().filter(|l| accepted.contains(&l.name));
    let list = shown.clone().map(|l| json!({"name": l.name, "needs": l.needs, "about": l.about})).collect();
    out.put(what, Value::Array(list));
    let mut table = text::Table::new(["name", "needs", "good for"]);
    shown.for_each(|l| {
        table.row([l.name, l.needs, l.about]);
    });
    out.text = format!("{}{usage}\n", table.render());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_accepted_name_is_described() {
        assert!(names::SAMPLERS.iter().all(|n| SAMPLERS.iter().any(|l| l.name == *n)));
        assert!(names::OBJECTIVES.iter().all(|n| OBJECTIVES.iter().any(|l| l.name == *n)));
    }
}
