//! What the reader of the minima must know: falls without a minimum, starts that got nowhere, minima not yet found.

use gibbsite::minimize::{Escape, Fall, Minima};

use crate::outcome::Outcome;
use crate::{guard, text};

/// Adds the warnings; the verdict is bad when the energy has no floor or no minimum was found.
pub(super) fn judge(out: &mut Outcome, found: &Minima, names: &[String]) {
    for (escape, n) in &found.escapes {
        let bad = escape.fall != Fall::TowardsInfinity || found.minima.is_empty();
        out.warn(fall(escape, *n, found.n_starts, names), bad);
    }
    if found.minima.is_empty() && found.escapes.is_empty() {
        out.warn("no start ended at a minimum: try more --starts, or --bounds around the region of interest", true);
    }
    unconverged(out, found, names);
    if found.n_not_finite > 0 {
        let message = format!(
            "{} of {} starts lie where the energy or its gradient is not finite: restrict the support with --bounds",
            found.n_not_finite, found.n_starts
        );
        out.warn(message, false);
    }
    weights(out, found);
    completeness(out, found);
}

fn fall(escape: &Escape, n: usize, n_starts: usize, names: &[String]) -> String {
    // A descent comes close to a pole at zero, never upon it.
    let towards: Vec<f64> = escape.towards.iter().map(|c| if c.abs() < 1e-8 { 0.0 } else { *c }).collect();
    let place = format!("{} = {}", guard::coordinates(names), text::vector(&towards));
    let from = format!("from {n} of {n_starts} starts");
    match escape.fall {
        Fall::WithoutEnd => {
            format!("the energy falls without end along {place} ({from}): it has no lowest value; see `gibbsite check`")
        }
        Fall::TowardsInfinity => format!(
            "the energy falls towards infinity along {place}, to {} ({from}), where it has no minimum; see `gibbsite check`",
            text::number(escape.energy)
        ),
        Fall::Pole => {
            format!(
                "the energy falls without bound towards {place} ({from}): whether Z is finite, `gibbsite check` says"
            )
        }
    }
}

fn unconverged(out: &mut Outcome, found: &Minima, names: &[String]) {
    let Some((x, energy)) = &found.lowest_unconverged else { return };
    let mut message = format!("{} of {} starts did not converge", found.n_unconverged, found.n_starts);
    let is_lower = found.minima.first().is_none_or(|lowest| *energy < lowest.energy);
    if is_lower {
        let place = format!("{} = {}", guard::coordinates(names), text::vector(x));
        message.push_str(&format!(
            "; the lowest of them, E = {} at {place}, is below every minimum found: the list lacks the deepest",
            text::number(*energy)
        ));
    }
    out.warn(message, is_lower);
}

fn weights(out: &mut Outcome, found: &Minima) {
    let n = found.minima.len();
    let without = found.minima.iter().filter(|m| m.weight.is_none()).count();
    if without == 0 {
        return;
    }
    let degenerate = found.minima.iter().filter(|m| m.degenerate).count();
    let kinks = found.minima.iter().filter(|m| m.kink && !m.degenerate).count();
    let sorts = [(degenerate, "flat to second order"), (kinks, "at kinks"), (without - degenerate - kinks, "at walls")];
    let sorts: Vec<String> = sorts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let rest = if without < n { "; the weights given are shares of the others, and theirs is unknown" } else { "" };
    let message = format!(
        "{without} of {n} minima have no Laplace basin weight ({}){rest}; `gibbsite sample` or `logz` gives true weights",
        sorts.join(", ")
    );
    out.warn(message, false);
}

fn completeness(out: &mut Outcome, found: &Minima) {
    let once = found.minima.iter().filter(|m| m.n_found == 1 && !m.continuum).count();
    // A single start tells nothing of what others would find.
    if once == 0 || found.n_starts == 1 {
        return;
    }
    let n = found.minima.len();
    let estimate = (found.n_estimated().ceil() as usize).max(n);
    let message = format!(
        "{once} of {n} minima were found by one start only: there may be more (estimated number {estimate}, Chao 1984; one \
         more start finds a new one with probability about {}); try more --starts than {}",
        text::percent(found.unseen_share()),
        found.n_starts
    );
    out.warn(message, false);
}
