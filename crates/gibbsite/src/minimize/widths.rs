//! How wide a well is along each coordinate, without its Hessian.

use crate::energy::Energy;
use crate::points::{Matrix, Points};

/// The rise that bounds a width: a Gaussian well has it one conditional standard deviation out.
const RISE: f64 = 0.5;

/// Rises that will do.
const GOOD: std::ops::RangeInclusive<f64> = 0.25..=1.0;

/// Steps by which a width is sought, each by a factor of this much at the most.
const MAX_STEPS: usize = 30;
const MAX_FACTOR: f64 = 32.0;

/// Numbers of a batch of points.
const BATCH: usize = 1 << 18;

/// For each coordinate the distance over which the energy rises by about half a nat above its value `e` at the bottom `x` of a
/// well, to the side on which that is nearer: in a Gaussian well `1 / sqrt(H_jj)`. `None` where no such distance is found.
pub(crate) fn widths<E: Energy + ?Sized>(energy: &E, x: &[f64], e: f64) -> Vec<Option<f64>> {
    let d = x.len();
    let chunk = (BATCH / d.max(1)).max(1);
    (0..d).step_by(chunk).flat_map(|first| of_some(energy, x, e, first..(first + chunk).min(d))).collect()
}

fn of_some<E: Energy + ?Sized>(energy: &E, x: &[f64], e: f64, mut open: std::ops::Range<usize>) -> Vec<Option<f64>> {
    let first = open.start;
    let mut found = vec![None; open.len()];
    let mut tried: Vec<(usize, f64)> = open.by_ref().map(|j| (j, 1.0)).collect();
    for _ in 0..MAX_STEPS {
        if tried.is_empty() {
            break;
        }
        let rises = rises(energy, x, e, &tried);
        let mut next = Vec::new();
        for ((j, t), rise) in tried.into_iter().zip(rises) {
            if GOOD.contains(&rise) {
                found[j - first] = Some(t * (RISE / rise).sqrt());
                continue;
            }
            // No rise at all: it is too small to be seen, or there is none.
            let factor = if rise > 0.0 { (RISE / rise).sqrt() } else { MAX_FACTOR };
            let t = t * if rise.is_nan() { 0.5 } else { factor.clamp(1.0 / MAX_FACTOR, MAX_FACTOR) };
            if t.is_normal() && t < 1e100 {
                next.push((j, t));
            }
        }
        tried = next;
    }
    found
}

/// The larger rise of the energy of `x + t e_j` and `x - t e_j`, NaN if one is NaN.
fn rises<E: Energy + ?Sized>(energy: &E, x: &[f64], e: f64, tried: &[(usize, f64)]) -> Vec<f64> {
    let mut m = Matrix::from_fn(2 * tried.len(), x.len(), |_, j| x[j]);
    for (i, &(j, t)) in tried.iter().enumerate() {
        m.set(2 * i, j, x[j] + t);
        m.set(2 * i + 1, j, x[j] - t);
    }
    let mut all = vec![f64::NAN; 2 * tried.len()];
    energy.energy(&Points::from_real(m), &mut all);
    let larger = |two: &[f64]| if two.iter().any(|e| e.is_nan()) { f64::NAN } else { two[0].max(two[1]) - e };
    all.chunks_exact(2).map(larger).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::formula::Formula;

    #[test]
    fn widths_of_a_gaussian_are_conditional_deviations() {
        let energy = Formula::parse("(x1-1000)^2/2+x2^2/2e-12+1e20*0+(x3-3)^2/2e16+0*x4").unwrap();
        let found = widths(&energy, &[1000.0, 0.0, 3.0, 5.0], 0.0);
        for (width, truth) in found.iter().zip([1.0, 1e-6, 1e8]) {
            let width = width.unwrap();
            assert!((width / truth - 1.0).abs() < 1e-6, "{width} for {truth}");
        }
        assert_eq!(found[3], None);
    }
}
