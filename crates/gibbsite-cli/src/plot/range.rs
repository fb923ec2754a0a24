//! Which part of a range to show: finite values, never an empty interval, and energies up to a little above the barriers.

use super::axis::short;

/// Values beyond this count as infinite: no picture needs them, and their differences and squares stay finite.
const LIMIT: f64 = 1e100;

/// Least height of an energy axis above the minimum, where there is a barrier (in units of kT).
const LEAST_SPAN: f64 = 6.0;

/// Greatest height of a colour scale above the minimum: probabilities of exp(−30) and less are all the same colour.
const MAP_SPAN: f64 = 30.0;

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

/// The interval, opened if double precision cannot tell a thousand points of it apart.
pub fn opened((lo, hi): (f64, f64)) -> (f64, f64) {
    let size = lo.abs().max(hi.abs());
    if size < 1e-100 {
        (-1.0, 1.0)
    } else if hi - lo < 1e-12 * size {
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

/// The energies of a model worth showing: from the minimum to 1.6 times the highest barrier between two wells (at least
/// 6 kT), or to 10 kT where there is only one well; never above the 0.9 quantile when that is higher than 6 kT, nor above
/// the maximum; on a map (more than one row) at most 30 kT, so that wells look as wide as they are.
///
/// `energy` is a grid with `row` points per row; one row is one dimension.
fn wells(energy: &[f64], row: usize) -> Option<(f64, f64)> {
    let (lo, max) = span(energy.iter().copied())?;
    let wanted = match barrier(energy, row) {
        Some(level) => (1.6 * (level - lo)).max(LEAST_SPAN),
        None => FREE_SPAN,
    };
    let most = if row < energy.len() { MAP_SPAN } else { f64::INFINITY };
    let mut sorted = drawable_only(energy);
    sorted.sort_by(f64::total_cmp);
    let bulk = (sorted[(sorted.len() - 1) * 9 / 10] - lo).max(LEAST_SPAN);
    Some((lo, (lo + wanted.min(bulk).min(most)).min(max)))
}

/// The energies worth showing where there is no probability that tells: all of them, or without poles the middle 96 %.
fn without_poles(energy: &[f64]) -> Option<(f64, f64)> {
    let mut sorted = drawable_only(energy);
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    let at = |q: f64| sorted[(q * last as f64).round() as usize];
    let (lo, hi, bulk) = (sorted[0], sorted[last], at(0.98) - at(0.02));
    // A polynomial over a symmetric range is at most a few times as wide as its middle; a pole has no end.
    let end = |end: f64, inner: f64| if (end - inner).abs() > 2.0 * bulk { inner } else { end };
    if bulk > 0.0 { Some((end(lo, at(0.02)), end(hi, at(0.98)))) } else { Some((lo, hi)) }
}

/// The energies to show on a grid with `row` points per row.
pub fn shown(energy: &[f64], row: usize, is_model: bool) -> Option<(f64, f64)> {
    if is_model { wells(energy, row) } else { without_poles(energy) }
}

/// What is not shown of the energies, in words; nothing if all of them are.
pub fn cut(energy: &[f64], (lo, hi): (f64, f64)) -> Option<String> {
    let (min, max) = span(energy.iter().copied())?;
    let all = format!("on this grid E goes from {} to {}", short(min), short(max));
    match (min < lo, max > hi) {
        (false, false) => None,
        (true, false) => Some(format!("Cut off below {}: {all}", short(lo))),
        (false, true) => Some(format!("Cut off above {}: {all}", short(hi))),
        (true, true) => Some(format!("Cut off below {} and above {}: {all}", short(lo), short(hi))),
    }
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
        let (lo, hi) = wells(&e, e.len()).unwrap();
        assert!((lo + 9.877).abs() < 0.05 && hi > 4.0 && hi < 8.0, "{lo} {hi}");
        let plane: Vec<f64> =
            (0..41).flat_map(|j| e.iter().map(move |e| e + (f64::from(j) - 20.0).powi(2) / 10.0)).collect();
        assert!((barrier(&plane, e.len()).unwrap() - level).abs() < 1e-9);
        let bowl: Vec<f64> = x.iter().map(|x| x * x).collect();
        assert_eq!(barrier(&bowl, bowl.len()), None);
        assert_eq!(wells(&bowl, bowl.len()), Some((0.0, 10.0)));
    }

    #[test]
    fn high_barriers_do_not_stretch_the_colours_of_a_map() {
        let x: Vec<f64> = (0..=100).map(|i| -5.0 + 0.1 * f64::from(i)).collect();
        let well = |x: f64| 50.0 * (x * x - 9.0).powi(2);
        let line: Vec<f64> = x.iter().map(|x| well(*x)).collect();
        assert!(wells(&line, line.len()).unwrap().1 > 4000.0);
        let plane: Vec<f64> = x.iter().flat_map(|y| x.iter().map(move |x| well(*x) + y * y)).collect();
        let (lo, hi) = wells(&plane, x.len()).unwrap();
        assert_eq!(hi - lo, 30.0);
    }

    #[test]
    fn poles_are_cut_and_polynomials_are_not() {
        let x: Vec<f64> = (0..=1200).map(|i| -5.0 + f64::from(i) / 120.0).collect();
        let pole: Vec<f64> = x.iter().map(|x| 1.0 / (x + 1e-4)).collect();
        let (lo, hi) = without_poles(&pole).unwrap();
        assert!(lo > -20.0 && hi < 20.0 && lo < -3.0 && hi > 3.0, "{lo} {hi}");
        for power in [1, 2, 3, 4] {
            let e: Vec<f64> = x.iter().map(|x| -x.powi(power)).collect();
            assert_eq!(without_poles(&e), span(e.iter().copied()), "{power}");
        }
        let words = cut(&pole, (lo, hi)).unwrap();
        assert!(words.starts_with("Cut off below −") && words.contains("on this grid E goes from −"), "{words}");
        assert_eq!(cut(&[1.0, 2.0], (0.0, 3.0)), None);
        assert_eq!(without_poles(&[f64::NAN]), None);
        assert_eq!(without_poles(&[1.0, 1.0]), Some((1.0, 1.0)));
    }

    #[test]
    fn degenerate_ranges_are_opened() {
        assert_eq!(opened((0.0, 0.0)), (-1.0, 1.0));
        let (lo, hi) = opened((3.0, 3.0));
        assert!(lo < 3.0 && hi > 3.0);
        assert_eq!(span([f64::NAN, f64::INFINITY, 1e200]), None);
        assert_eq!(wells(&[f64::INFINITY, 2.0], 2), Some((2.0, 2.0)));
    }
}
