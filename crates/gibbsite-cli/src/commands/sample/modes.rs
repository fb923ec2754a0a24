//! How much of the draws lies in each well, with errors, where the search for starting points found a few.

use gibbsite::diagnostics::{Modes, Occupancy, occupancy};

use super::draw::Drawn;
use crate::outcome::Outcome;
use crate::text;

/// Wells beyond which their weights are no summary; a search finds only a part of so many.
const MAX_WELLS: usize = 12;

/// The weights of the wells; `None` with fewer than two, or more than twelve.
pub fn weights(drawn: &Drawn) -> Option<Occupancy> {
    if !(2..=MAX_WELLS).contains(&drawn.wells.len()) {
        return None;
    }
    let sd = spread(drawn)?;
    let scaled = |x: &[f64]| x.iter().zip(&sd).map(|(x, s)| x / s).collect::<Vec<f64>>();
    let wells: Vec<Vec<f64>> = drawn.wells.iter().map(|w| scaled(w)).collect();
    let modes = Modes::new(&wells).ok()?;
    let chain = |c: &[f64]| -> Vec<Option<usize>> {
        c.chunks_exact(drawn.dim).map(|x| modes.assign(&scaled(x), f64::INFINITY)).collect()
    };
    let labels: Vec<Vec<Option<usize>>> = drawn.values.chunks_exact(drawn.n_held() * drawn.dim).map(chain).collect();
    Some(occupancy(&labels, wells.len()))
}

/// Standard deviation of each coordinate, the unit in which a well is nearest; `None` where one does not vary.
fn spread(drawn: &Drawn) -> Option<Vec<f64>> {
    let n = drawn.energy.len() as f64;
    let of = |j: usize| {
        let x = || drawn.values.iter().skip(j).step_by(drawn.dim);
        let mean = x().sum::<f64>() / n;
        let sd = (x().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
        (sd > 0.0 && sd.is_finite()).then_some(sd)
    };
    (0..drawn.dim).map(of).collect()
}

/// Fields for scripts.
pub fn put(out: &mut Outcome, drawn: &Drawn, weights: &Occupancy) {
    let finite = |v: f64| Some(v).filter(|v| v.is_finite());
    out.put("mode_weight", weights.modes.iter().map(|m| m.weight).collect::<Vec<_>>());
    out.put("mode_std_err", weights.modes.iter().map(|m| finite(m.std_err)).collect::<Vec<_>>());
    out.put("mode_at", drawn.wells.clone());
    out.put("mode_changes", weights.n_changes());
}

/// A line for people.
pub fn line(drawn: &Drawn, weights: &Occupancy) -> String {
    let of = |(at, m): (&Vec<f64>, &gibbsite::diagnostics::ModeWeight)| {
        let place: Vec<String> = at.iter().take(3).map(|v| text::digits(*v, 3)).collect();
        let more = if at.len() > 3 { ", ..." } else { "" };
        let weight = if m.std_err.is_finite() {
            text::with_error_short(m.weight, m.std_err)
        } else {
            format!("{} (error unknown)", text::digits(m.weight, 3))
        };
        format!("{weight} near ({}{more})", place.join(", "))
    };
    let shown: Vec<String> = drawn.wells.iter().zip(&weights.modes).take(4).map(of).collect();
    let more = drawn.wells.len().saturating_sub(4);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}; {} changes of mode", shown.join(", "), text::count(weights.n_changes()))
}
