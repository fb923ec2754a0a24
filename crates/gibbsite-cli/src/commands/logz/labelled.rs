//! log Z of energies of labels: by sums over all states where these are few enough, else by chains.

use gibbsite::logz::enumeration::{self, Enumeration, MAX_STATES, enumerate};

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

/// log Z by the method asked for, exactly by `auto` where that is possible.
///
/// # Errors
/// Methods that are for real coordinates, or exact ones where there are too many states; those of the estimates.
pub fn run(args: &LogzArgs, model: &LabelledModel, clock: Clock, ctx: &Context) -> Result<Outcome, Failure> {
    let method = args.method.as_str();
    if !LABEL_LOGZ_METHODS.contains(&method) {
        let message = format!("--method {method} is for real coordinates; this energy has discrete variables");
        return Err(Failure::usage("labels", message, format!("use one of {}", LABEL_LOGZ_METHODS.join(", "))));
    }
    let mut out = Outcome::new();
    let n_states = enumeration::n_states(&model.energy);
    match method {
        "auto" | "exact" if n_states <= MAX_STATES => {
            let found = enumerate(&model.energy).map_err(failures::log_z)?;
            report::write(&mut out, &model.description, model.dim(), &Answer::from(found.log_z()));
            thermodynamics(&mut out, &found);
        }
        "exact" => {
            let message = format!("there are {n_states:.1e} states to go through, {MAX_STATES:.0} are possible");
            return Err(Failure::work("not_exact", message, "use --method auto"));
        }
        method => {
            let answer = sampled::of_labels(method, args, model, clock, ctx)?;
            out.warn(UNSEEN_MODE, false);
            report::write(&mut out, &model.description, model.dim(), &answer);
        }
    }
    Ok(out)
}

/// What sums over all states tell beside log Z.
fn thermodynamics(out: &mut Outcome, found: &Enumeration) {
    let entropy = found.log_z + found.energy;
    out.put("n_states", found.n_states).put("entropy", entropy).put("mean_energy", found.energy);
    out.text.push_str(&text::pairs(vec![
        ("entropy", format!("{} nats", text::digits(entropy, 10))),
        ("mean energy", text::digits(found.energy, 10)),
    ]));
}
