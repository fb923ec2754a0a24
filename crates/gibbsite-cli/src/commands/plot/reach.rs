//! How far the wells of an energy reach, for a window where no quadrature tells.

use gibbsite::energy::Energy;
use gibbsite::minimize::{MinimizeOptions, minimize};
use gibbsite::points::Points;

use crate::resolve::Resolved;

/// Height above a minimum up to which its well is shown, in units of kT.
const RISE: f64 = 12.0;

/// Minima higher than this above the lowest hold no probability worth showing.
const HIGH: f64 = 20.0;

/// Doublings of the first step of 1e-12: up to about 1e27.
const DOUBLINGS: i32 = 130;

/// For each coordinate the interval around all deep minima in which E stays within 12 kT of them along the axis; nothing
/// where there is no minimum or no rise.
pub fn of_wells(model: &Resolved, seed: u64) -> Vec<Option<(f64, f64)>> {
    let dim = model.dim();
    let options = MinimizeOptions { n_starts: 64, seed, ..MinimizeOptions::default() };
    // Without minima there is still the blind window, so an energy that cannot be minimised is not a failure here.
    let Ok(found) = minimize(&model.formula, &options) else { return vec![None; dim] };
    let mut ranges: Vec<Option<(f64, f64)>> = vec![None; dim];
    for m in found.minima.iter().filter(|m| m.above_lowest <= HIGH).take(32) {
        for (j, range) in ranges.iter_mut().enumerate() {
            let [down, up] = [-1.0, 1.0].map(|sign| step_to_rise(model, &m.x, j, sign));
            if let (Some(down), Some(up)) = (down, up) {
                let (lo, hi) = (m.x[j] - down, m.x[j] + up);
                *range = Some(range.map_or((lo, hi), |(a, b)| (lo.min(a), hi.max(b))));
            }
        }
    }
    ranges
}

/// The distance from `x` along coordinate `j` at which E has risen by 12 kT, or where the support ends.
fn step_to_rise(model: &Resolved, x: &[f64], j: usize, sign: f64) -> Option<f64> {
    let at = |step: f64| {
        let mut y = x.to_vec();
        y[j] += sign * step;
        let mut e = [0.0];
        model.formula.energy(&Points::from_rows(&[y]), &mut e);
        e[0]
    };
    let level = at(0.0) + RISE;
    let step = |k: i32| 1e-12 * 2_f64.powi(k);
    let first = (0..DOUBLINGS).find(|k| at(step(*k)) >= level)?;
    // Half a doubling is near enough for a picture; bisection makes it a few per cent.
    let (mut near, mut far) = (if first == 0 { 0.0 } else { step(first - 1) }, step(first));
    for _ in 0..6 {
        let middle = 0.5 * (near + far);
        if at(middle) >= level { far = middle } else { near = middle }
    }
    Some(far)
}
