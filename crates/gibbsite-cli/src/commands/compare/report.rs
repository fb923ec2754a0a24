//! The result of `compare`, for scripts and for people.

use gibbsite::uses::compare::{Comparison, Estimate, Likelihoods, Means};

use super::Side;
use crate::commands::logz;
use crate::outcome::Outcome;
use crate::text;

/// Errors within which a difference says nothing.
const TELLING: f64 = 2.0;

/// Writes all fields and the text. What is infinite or unknown becomes null; the warnings say why.
pub fn write(out: &mut Outcome, sides: [&Side; 2], means: [&Means; 2], found: &Comparison, data: Option<&Likelihoods>) {
    let [a, b] = sides;
    out.put("energy_a", a.model.description.as_str()).put("energy_b", b.model.description.as_str());
    out.put("dim", a.model.dim());
    let exact = means.iter().all(|m| m.exact) && sides.iter().all(|s| s.z.exact && s.proved);
    out.put("exact", exact);
    put(out, "kl_ab", found.kl_ab);
    put(out, "kl_ba", found.kl_ba);
    put(out, "jeffreys", found.jeffreys);
    out.put("std_err", larger(found.kl_ab.std_err, found.kl_ba.std_err));
    put(out, "free_energy_difference", found.free_energy_difference);
    put(out, "mean_energy_a", found.mean_energy_a);
    put(out, "mean_energy_b", found.mean_energy_b);
    put(out, "entropy_a", found.entropy_a);
    put(out, "entropy_b", found.entropy_b);
    put(out, "entropy_difference", found.entropy_difference);
    for (side, means, suffix) in [(a, means[0], "a"), (b, means[1], "b")] {
        put(out, &format!("log_z_{suffix}"), log_z(side));
        out.put(&format!("log_z_{suffix}_method"), side.z.method);
        out.put(&format!("means_{suffix}_method"), if means.exact { "quadrature" } else { "draws" });
    }
    if let Some(l) = data {
        out.put("n_data", l.n);
        put(out, "log_likelihood_a", l.a);
        put(out, "log_likelihood_b", l.b);
        put(out, "log_likelihood_difference", l.difference);
        out.put("log_likelihood_difference_std_err_rows", finite(l.std_err_rows));
        out.put("log_likelihood_difference_std_err_log_z", finite(l.std_err_log_z));
        out.put("n_zero_density_a", l.n_zero_a).put("n_zero_density_b", l.n_zero_b);
    }
    out.text = describe(sides, means, found, data);
}

fn put(out: &mut Outcome, name: &str, e: Estimate) {
    out.put(name, finite(e.value)).put(&format!("{name}_std_err"), finite(e.std_err));
}

fn finite(v: f64) -> Option<f64> {
    Some(v).filter(|v| v.is_finite())
}

/// The larger of two errors, of those that are known.
fn larger(a: f64, b: f64) -> Option<f64> {
    finite(if a.is_nan() || b > a { b } else { a })
}

fn log_z(side: &Side) -> Estimate {
    Estimate { value: side.z.value, std_err: side.z.std_err }
}

fn describe(sides: [&Side; 2], means: [&Means; 2], found: &Comparison, data: Option<&Likelihoods>) -> String {
    let [a, b] = sides;
    let divergences =
        [("KL(A || B)", shown(found.kl_ab)), ("KL(B || A)", shown(found.kl_ba)), ("Jeffreys", shown(found.jeffreys))];
    let mut table = text::Table::new(["", "A", "B", "A - B"]);
    let mut row = |name: &str, of: [Estimate; 3]| {
        table.row([name.to_string(), shown(of[0]), shown(of[1]), shown(of[2])]);
    };
    let negative = |e: Estimate| Estimate { value: -e.value, ..e };
    row("free energy", [negative(log_z(a)), negative(log_z(b)), found.free_energy_difference]);
    row("entropy", [found.entropy_a, found.entropy_b, found.entropy_difference]);
    let (ea, eb) = (found.mean_energy_a, found.mean_energy_b);
    let difference = Estimate { value: ea.value - eb.value, std_err: ea.std_err.hypot(eb.std_err) };
    row("mean energy", [ea, eb, difference]);
    if let Some(l) = data {
        row("log-likelihood a row", [l.a, l.b, l.difference]);
    }
    let how = |side: &Side, means: &Means| {
        let means = if means.exact { "quadrature" } else { "draws" };
        format!("{}: log Z by {}, means by {means}", side.name, side.z.method)
    };
    let (a_line, b_line) = (format!("A  {}", a.model.description), format!("B  {}", b.model.description));
    let ways = format!("  {}; {}\n", how(a, means[0]), how(b, means[1]));
    let verdict = data.map_or_else(String::new, |l| format!("  {}\n", verdict(l)));
    format!("{a_line}\n{b_line}\n{}{}{ways}{verdict}", text::pairs(divergences), table.render())
}

/// A value with its error, in nats.
fn shown(e: Estimate) -> String {
    match e.value {
        v if v == f64::INFINITY => "infinite".into(),
        v if v == f64::NEG_INFINITY => "-infinite".into(),
        v if v.is_nan() => "unknown".into(),
        v => logz::value(v, e.std_err),
    }
}

/// Which model fits the data better.
fn verdict(l: &Likelihoods) -> String {
    let rows = |n: usize| format!("{} of {} rows", text::count(n as u64), text::count(l.n as u64));
    match (l.n_zero_a, l.n_zero_b) {
        (0, 0) => {}
        (n, 0) => return format!("B fits the data better: A excludes {}.", rows(n)),
        (0, n) => return format!("A fits the data better: B excludes {}.", rows(n)),
        (n, m) => return format!("Neither fits the data: A excludes {}, B {}.", rows(n), rows(m)),
    }
    let (z, d) = (l.difference.z().abs(), l.difference);
    let size = logz::value(d.value.abs(), d.std_err);
    let better = if d.value > 0.0 { "A" } else { "B" };
    if z.is_nan() {
        return format!("{better} has the larger log-likelihood by {size} nats a row; one row gives no error.");
    }
    if z < TELLING {
        return format!(
            "Neither is shown to fit the data better: they differ by {size} nats a row, less than {TELLING} errors."
        );
    }
    let times = if z < 1000.0 { format!("{z:.1}") } else { "over 1000".into() };
    format!("{better} fits the data better, by {size} nats a row: {times} times the error.")
}
