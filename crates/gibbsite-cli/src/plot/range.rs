//! Which part of a range to show: finite values, never an empty interval, and energies up to a little above the barriers.

/// Values beyond this count as infinite: no picture needs them, and their differences and squares stay finite.
const LIMIT: f64 = 1e100;

/// Least height of an energy axis above the minimum, where there is a barrier (in units of kT).
const LEAST_SPAN: f64 = 6.0;

/// Height of an energy axis above the minimum, where there is none; p has fallen to exp(−10) there.
const FREE_SPAN: f64 = 10.0;

/// Whether a number can be drawn: finite and at most 1e100 in size.
pub fn drawable(v: f64) -> bool {
    v.abs() <= LIMIT
}

/// The drawable values.
pub fn drawable_only(values: &[f64]) -> Vec<f64> {
    values.iter().copied().filter(|&v| drawable(v)).collect()
}

/// Least and largest drawable value.
pub fn span(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    values.into_iter().filter(|&v| drawable(v)).fold(None, |range, v| match range {
        None => Some((v, v)),
        Some((lo, hi)) => Some((v.min(lo), v.max(hi))),
    })
}

/// The interval, opened if it is too narrow for distinct tick labels of seven digits.
pub fn opened((lo, hi): (f64, f64)) -> (f64, f64) {
    let size = lo.abs().max(hi.abs());
    if size < 1e-100 {
        (-1.0, 1.0)
    } else if hi - lo < 1e-6 * size {
        (lo - 0.1 * size, hi + 0.1 * size)
    } else {
        (lo, hi)
    }
}

/// The interval, with `below` and `above` of its length added.
pub fn padded((lo, hi): (f64, f64), below: f64, above: f64) -> (f64, f64) {
    let (lo, hi) = opened((lo, hi));
    (lo - below * (hi - lo), hi + above * (hi - lo))
}

/// The energies worth showing: from the minimum to 1.6 times the highest barrier between two wells (at least 6 kT), or to
/// 10 kT where there is only one well; never above the 0.9 quantile when that is higher than 6 kT, nor above the maximum.
///
/// `energy` is a grid with `row` points per row; one row is one dimension.
pub fn energies(energy: &[f64], row: usize) -> Option<(f64, f64)> {
    let (lo, max) = span(energy.iter().copied())?;
    let wanted = match barrier(energy, row) {
        Some(level) => (1.6 * (level - lo)).max(LEAST_SPAN),
        None => FREE_SPAN,
    };
    let mut sorted = drawable_only(energy);
    sorted.sort_by(f64::total_cmp);
    let bulk = (sorted[(sorted.len() - 1) * 9 / 10] - lo).max(LEAST_SPAN);
    Some((lo, (lo + wanted.min(bulk)).min(max)))
}

/// The level of the highest saddle between two wells, each at least 1 kT deep, by flooding the grid from the lowest energy
/// up and joining neighbours (0-dimensional persistence: Edelsbrunner, Letscher, Zomorodian, 2002).
fn barrier(energy: &[f64], row: usize) -> Option<f64> {
    let row = row.max(1);
    let mut order: Vec<usize> = (0..energy.len()).filter(|&k| drawable(energy[k])).collect();
    order.sort_by(|&a, &b| energy[a].total_cmp(&energy[b]));
    let mut root: Vec<usize> = (0..energy.len()).collect(); // the root of a pool is its lowest point
    let mut wet = vec![false; energy.len()];
    let mut highest: Option<f64> = None;
    for k in order {
        wet[k] = true;
        let (i, j) = ((k % row) as isize, (k / row) as isize);
        for (di, dj) in [(-1, -1), (0, -1), (1, -1), (-1, 0), (1, 0), (-1, 1), (0, 1), (1, 1)] {
            let (i, j) = (i + di, j + dj);
            if i < 0 || i >= row as isize || j < 0 {
                continue;
            }
            let n = j as usize * row + i as usize;
            if n >= energy.len() || !wet[n] {
                continue;
            }
            let (a, b) = (find(&mut root, k), find(&mut root, n));
            let (deep, shallow) = if energy[a] <= energy[b] { (a, b) } else { (b, a) };
            if deep != shallow {
                if energy[k] - energy[shallow] >= 1.0 {
                    highest = Some(highest.map_or(energy[k], |h| h.max(energy[k])));
                }
                root[shallow] = deep;
            }
        }
    }
    highest
}

fn find(root: &mut [usize], mut k: usize) -> usize {
    while root[k] != k {
        root[k] = root[root[k]];
        k = root[k];
    }
    k
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_barrier_of_a_quartic_is_found_in_one_and_two_dimensions() {
        let x: Vec<f64> = (0..=400).map(|i| -4.0 + 0.02 * f64::from(i)).collect();
        let e: Vec<f64> = x.iter().map(|x| x.powi(4) - 6.0 * x * x - 0.5 * x).collect();
        let level = barrier(&e, e.len()).unwrap();
        assert!((level - 0.0104).abs() < 1e-3, "{level}"); // top of the barrier, at x near −0.042
        let (lo, hi) = energies(&e, e.len()).unwrap();
        assert!((lo + 9.877).abs() < 0.05 && hi > 4.0 && hi < 8.0, "{lo} {hi}");
        let plane: Vec<f64> =
            (0..41).flat_map(|j| e.iter().map(move |e| e + (f64::from(j) - 20.0).powi(2) / 10.0)).collect();
        assert!((barrier(&plane, e.len()).unwrap() - level).abs() < 1e-9);
        let bowl: Vec<f64> = x.iter().map(|x| x * x).collect();
        assert_eq!(barrier(&bowl, bowl.len()), None);
        assert_eq!(energies(&bowl, bowl.len()), Some((0.0, 10.0)));
    }

    #[test]
    fn degenerate_ranges_are_opened() {
        assert_eq!(opened((0.0, 0.0)), (-1.0, 1.0));
        let (lo, hi) = opened((3.0, 3.0));
        assert!(lo < 3.0 && hi > 3.0);
        assert_eq!(span([f64::NAN, f64::INFINITY, 1e200]), None);
        assert_eq!(energies(&[f64::INFINITY, 2.0], 2), Some((2.0, 2.0)));
    }
}
