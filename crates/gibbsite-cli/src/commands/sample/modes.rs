//! How much of the draws lies in each well, in words.

use gibbsite::diagnostics::Occupancy;

use super::draw::Drawn;
use crate::outcome::Outcome;
use crate::text;

/// Fields for scripts.
pub fn put(out: &mut Outcome, drawn: &Drawn, weights: &Occupancy) {
    let finite = |v: f64| Some(v).filter(|v| v.is_finite());
    out.put("mode_weight", weights.modes.iter().map(|m| m.weight).collect::<Vec<_>>());
    out.put("mode_std_err", weights.modes.iter().map(|m| finite(m.std_err)).collect::<Vec<_>>());
    out.put("mode_at", drawn.wells.clone());
    out.put("mode_changes", weights.n_changes()).put("mode_mixes", weights.mixes);
}

/// A line for people.
pub fn line(drawn: &Drawn, weights: &Occupancy) -> String {
    let of = |(at, m): (&Vec<f64>, &gibbsite::diagnostics::ModeWeight)| {
        let place: Vec<String> = at.iter().take(3).map(|v| text::digits(*v, 3)).collect();
        let more = if at.len() > 3 { ", ..." } else { "" };
        let weight = match m.std_err.is_finite() {
            true => text::with_error_short(m.weight, m.std_err),
            false => text::digits(m.weight, 3),
        };
        format!("{weight} near ({}{more})", place.join(", "))
    };
    let shown: Vec<String> = drawn.wells.iter().zip(&weights.modes).take(4).map(of).collect();
    let more = drawn.wells.len().saturating_sub(4);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let changes = match weights.n_changes() {
        1 => "1 change of mode".into(),
        n => format!("{} changes of mode", text::count(n)),
    };
    // Shares without errors, and why.
    let whose = if weights.mixes { "" } else { ", too few to forget the starting points, whose shares these are" };
    format!("{}{more}; {changes}{whose}", shown.join(", "))
}
