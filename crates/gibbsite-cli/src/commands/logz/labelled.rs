//! log Z of energies of labels: in closed form, by elimination or by sums over all states where that is possible, else by chains.

use gibbsite::logz::LogZ;
use gibbsite::logz::elimination::Elimination;
use gibbsite::logz::enumeration::{self, MAX_STATES, enumerate};
use gibbsite::logz::kaufman::Torus;

use super::clock::Clock;
use super::{Answer, report, sampled};
use crate::args::logz::LogzArgs;
use crate::args::names::LABEL_LOGZ_METHODS;
use crate::context::Context;
use crate::failures;
use crate::outcome::{Failure, Outcome};
use crate::resolve::LabelledModel;
use crate::text;

/// The warning of every value that rests on draws of labels: nothing looks for their modes.
const UNSEEN_MODE: &str = "a mode that no draw has come upon would be missing, from the value and from its error";

/// States that are gone through before elimination is tried: less than a second.
const FEW_STATES: f64 = (1u64 << 23) as f64;

/// Entries of all tables of an elimination: a second, and a quarter of a gigabyte.
const MAX_ENTRIES: usize = 1 << 25;

/// log Z by the method asked for, exactly by `auto` where that is possible.
///
/// # Errors
/// Methods that are for real coordinates, or exact ones where there is none; those of the estimates.
pub fn run(args: &LogzArgs, model: &LabelledModel, clock: Clock, ctx: &Context) -> Result<Outcome, Failure> {
    let method = args.method.as_str();
    if !LABEL_LOGZ_METHODS.contains(&method) {
        let message = format!("--method {method} is for real coordinates; this energy has discrete variables");
        return Err(Failure::usage("labels", message, format!("use one of {}", LABEL_LOGZ_METHODS.join(", "))));
    }
    let mut out = Outcome::new();
    let exact = if ["auto", "exact"].contains(&method) { exact(model)? } else { None };
    match exact {
        Some(found) => {
            report::write(&mut out, &model.description, model.dim(), &Answer::from(found.log_z.clone()));
            thermodynamics(&mut out, &found);
        }
        None if method == "exact" => {
            let n_states = enumeration::n_states(&model.energy);
            let message =
                format!("there are {n_states:.1e} states to go through, and too many are coupled to be eliminated");
            return Err(Failure::work("not_exact", message, "use --method auto"));
        }
        None => {
            let answer = sampled::of_labels(method, args, model, clock, ctx)?;
            out.warn(UNSEEN_MODE, false);
            report::write(&mut out, &model.description, model.dim(), &answer);
        }
    }
    Ok(out)
}

/// What an exact method tells.
struct Exactly {
    log_z: LogZ,
    mean_energy: f64,
    heat_capacity: Option<f64>,
}

/// By the cheapest exact method there is.
fn exact(model: &LabelledModel) -> Result<Option<Exactly>, Failure> {
    let solved = model.torus.and_then(|t| Some((t, Torus::new(t.sizes, t.k).ok()?)));
    if let Some((torus, found)) = solved {
        let n = torus.sizes.iter().product::<usize>() as f64;
        let (mean_energy, heat_capacity) = (torus.k * found.energy * n, Some(found.heat_capacity * n));
        return Ok(Some(Exactly { log_z: found.to_log_z(), mean_energy, heat_capacity }));
    }
    let n_states = enumeration::n_states(&model.energy);
    if n_states > FEW_STATES
        && let Some(factors) = model.factors()
        && let Ok(found) = Elimination::new(factors, MAX_ENTRIES)
    {
        let mean_energy = found.marginals().mean_energy;
        return Ok(Some(Exactly { log_z: found.to_log_z(), mean_energy, heat_capacity: None }));
    }
    if n_states > MAX_STATES {
        return Ok(None);
    }
    let found = enumerate(&model.energy).map_err(failures::log_z)?;
    Ok(Some(Exactly { log_z: found.log_z(), mean_energy: found.energy, heat_capacity: None }))
}

/// What is known exactly beside log Z.
fn thermodynamics(out: &mut Outcome, found: &Exactly) {
    let Exactly { log_z, mean_energy, heat_capacity } = found;
    let entropy = log_z.value + mean_energy;
    out.put("entropy", entropy).put("mean_energy", *mean_energy).put("heat_capacity", *heat_capacity);
    let mut lines = vec![
        ("entropy", format!("{} nats", text::digits(entropy, 10))),
        ("mean energy", text::digits(*mean_energy, 10)),
    ];
    lines.extend(heat_capacity.map(|c| ("heat capacity", text::digits(c, 10))));
    out.text.push_str(&text::pairs(lines));
}
