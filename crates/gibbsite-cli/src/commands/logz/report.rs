//! What is said of log Z: fields for scripts, lines for people.

use gibbsite::logz::laplace::Laplace;
use gibbsite::logz::{Bounds, LogZ, Temperatures};
use serde_json::{Map, Value};

use super::{Answer, is_bad, value};
use crate::outcome::Outcome;
use crate::text;

/// Writes the answer.
pub fn write(out: &mut Outcome, description: &str, dim: usize, answer: &Answer) {
    let Answer { z, thermo, parts, laplace } = answer;
    let delta = if let Bounds::Guaranteed { delta } = z.bounds { Some(delta) } else { None };
    let finite = |v: f64| Some(v).filter(|v| v.is_finite());
    out.put("energy", description).put("dim", dim).put("log_z", z.value);
    out.put("std_err", finite(z.std_err)).put("lower", finite(z.lower)).put("upper", finite(z.upper));
    out.put("bounds", z.bounds.name()).put("delta", delta);
    out.put("lower_bounds", z.bounds.name()).put("upper_bounds", z.upper_bounds.name());
    out.put("method", z.method).put("exact", z.exact).put("trusted", z.trusted && !is_bad(z));
    out.put("ess", z.ess).put("pareto_k", z.pareto_k.and_then(finite)).put("agreement", z.agreement);
    out.put("n_temperatures", z.temperatures.map(|t| t.n)).put("worst_step", z.temperatures.map(worst_step));
    out.put("estimates", parts.iter().map(estimate).collect::<Vec<_>>());
    out.put("laplace", laplace.as_ref().map(|l| l.value));
    out.put("n_evals", z.n_evals);

    let mut lines = vec![("log Z", value(z.value, z.std_err))];
    if z.value.abs() < 700.0 {
        lines.push(("Z", value(z.value.exp(), z.value.exp() * z.std_err)));
    }
    let accuracy = if z.exact { "exact up to the numerical error" } else { "an estimate" };
    lines.push(("method", format!("{} ({accuracy}; {} energy evaluations)", z.method, text::count(z.n_evals))));
    if !parts.is_empty() {
        lines.push(("estimates", compared(parts, z.agreement)));
    }
    if let Some(Temperatures { n, worst_beta, worst_overlap }) = z.temperatures {
        let what = if parts.is_empty() && z.ess.is_none() { "swaps accepted" } else { "walkers effective" };
        let worst = format!(
            "{} of {what} in the worst step, at beta = {}",
            text::percent(worst_overlap),
            text::digits(worst_beta, 3)
        );
        lines.push(("temperatures", format!("{n}, {worst}")));
    }
    if let Some(ess) = z.ess {
        let k = z.pareto_k.map_or(String::new(), |k| format!(", Pareto k {}", text::digits(k, 2)));
        lines.push(("weights", format!("effective sample size {}{k}", text::count(ess as u64))));
    }
    if !z.exact {
        for (what, bound, bounds) in [("at least", z.lower, z.bounds), ("at most", z.upper, z.upper_bounds)] {
            lines.extend(meaning(bounds).map(|meaning| (what, format!("{}, {meaning}", text::number(bound)))));
        }
    }
    if let Some(Laplace { value, n_minima }) = laplace {
        let at =
            if *n_minima == 1 { "a Gaussian at the minimum".into() } else { format!("Gaussians at {n_minima} minima") };
        lines.push(("Laplace", format!("{}, {at}: an order of magnitude to compare with", text::number(*value))));
    }
    if let Some(t) = thermo {
        out.put("entropy", t.entropy).put("mean_energy", t.mean_energy).put("energy_sd", t.energy_sd);
        out.put("heat_capacity", t.heat_capacity).put("free_energy", t.free_energy);
        let errors = [t.entropy_error(), t.mean_energy_error, t.heat_capacity_error];
        out.put("entropy_error", finite(errors[0])).put("mean_energy_error", finite(errors[1]));
        out.put("heat_capacity_error", finite(errors[2]));
        let [entropy, mean, capacity] = [t.entropy, t.mean_energy, t.heat_capacity];
        lines.push(("entropy", format!("{} nats", ten_digits(entropy, errors[0]))));
        lines.push(("mean energy", ten_digits(mean, errors[1])));
        lines.push(("heat capacity", ten_digits(capacity, errors[2])));
    }
    out.text = format!("{description}\n{}", text::pairs(lines));
    let bad = is_bad(z);
    z.warnings.iter().for_each(|w| {
        out.warn(w.as_str(), bad);
    });
    if bad && z.warnings.is_empty() {
        out.warn("the error of log Z is too large for it to be used", true);
    }
}

fn worst_step(t: Temperatures) -> Value {
    let mut step = Map::new();
    step.insert("beta".into(), t.worst_beta.into());
    step.insert("overlap".into(), t.worst_overlap.into());
    Value::Object(step)
}

fn estimate(z: &LogZ) -> Value {
    let mut estimate = Map::new();
    estimate.insert("method".into(), z.method.into());
    estimate.insert("log_z".into(), z.value.into());
    estimate.insert("std_err".into(), z.std_err.into());
    Value::Object(estimate)
}

fn compared(parts: &[LogZ], agreement: Option<f64>) -> String {
    let shown: Vec<String> =
        parts.iter().map(|z| format!("{} {}", z.method, text::with_error_short(z.value, z.std_err))).collect();
    let apart = agreement.map_or(String::new(), |z| format!(" ({:.1} joint standard errors apart)", z.abs()));
    format!("{}{apart}", shown.join(", "))
}

/// What a bound means, where there is one.
fn meaning(bounds: Bounds) -> Option<String> {
    match bounds {
        Bounds::Exact => Some("exactly".into()),
        Bounds::Guaranteed { delta } => Some(format!("guaranteed, but with a probability of {}", text::percent(delta))),
        Bounds::IfDrawsExact => Some("if the draws it comes from are exact".into()),
        Bounds::Statistical => Some("two standard errors away".into()),
        Bounds::None => None,
    }
}

/// A value to ten digits where all of them are right, else with its error.
fn ten_digits(value: f64, error: f64) -> String {
    if error <= 5e-10 * value.abs().max(1.0) { text::digits(value, 10) } else { text::with_error(value, error) }
}
