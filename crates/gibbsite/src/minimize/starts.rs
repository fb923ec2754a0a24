//! Where descents start: near the origin, and, once minima are known, around them too.

use super::candidate::Candidate;
use crate::points::{Matrix, Points, Support};
use crate::rng::{Purpose, Run, Streams};

/// Half-widths of the boxes around the origin (or beside a bound) from which starts are drawn in turn.
const WIDTHS: [f64; 3] = [2.0, 5.0, 10.0];

/// Starts `from..to` of the sequence that belongs to `seed`. Every other one is drawn from the box around the origin and the
/// minima found so far, half as wide again to each side, so that minima in coordinates of any size are searched at their own scale.
pub(super) fn draw(supports: &[Support], seed: u64, from: usize, to: usize, found: &[Candidate]) -> Points {
    let mut rng = Streams::new(seed, Run::Probe);
    let u = rng.uniforms(Purpose::Init, to, supports.len());
    let boxes: Vec<Option<(f64, f64)>> = (0..supports.len()).map(|j| around(found, j, supports[j])).collect();
    Points::from_real(Matrix::from_fn(to - from, supports.len(), |i, j| {
        let (i, u) = (from + i, u.col(j)[from + i]);
        let width = WIDTHS[i / 2 % 3];
        match (supports[j], boxes[j]) {
            (Support::Interval(a, b), _) => a + (b - a) * u,
            (_, Some((low, high))) if i % 2 == 1 => low + (high - low) * u,
            (Support::Real, _) => width * (2.0 * u - 1.0),
            (Support::Above(a), _) => a + width * u,
            (Support::Below(b), _) => b - width * u,
        }
    }))
}

/// The box around the minima in coordinate j and the origin, or the bound.
fn around(found: &[Candidate], j: usize, support: Support) -> Option<(f64, f64)> {
    let origin = match support {
        Support::Above(end) | Support::Below(end) => end,
        Support::Real | Support::Interval(..) => 0.0,
    };
    let low = found.iter().map(|m| m.x[j]).fold(origin, f64::min);
    let high = found.iter().map(|m| m.x[j]).fold(origin, f64::max);
    let margin = 0.5 * (high - low);
    let (low, high) = ((low - margin).max(support.lower()), (high + margin).min(support.upper()));
    (low < high && (high - low).is_finite()).then_some((low, high))
}
