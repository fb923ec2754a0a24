//! Lines of equal energy by marching squares (Lorensen and Cline, 1987, in the plane).

use std::collections::BTreeMap;

/// Lines along which the grid `energy` (x fastest) equals `level`, as polylines in data coordinates; closed lines end where
/// they began. Cells with a corner that is not drawable are skipped.
pub fn lines(x: &[f64], y: &[f64], energy: &[f64], level: f64) -> Vec<Vec<[f64; 2]>> {
    let nx = x.len();
    // A crossing is named by the grid edge it lies on: 2k runs from node k to the right, 2k + 1 upwards.
    let mut ends: BTreeMap<usize, [Option<usize>; 2]> = BTreeMap::new();
    let mut join = |a: usize, b: usize| {
        for (from, to) in [(a, b), (b, a)] {
            let slots = ends.entry(from).or_default();
            slots[usize::from(slots[0].is_some())] = Some(to);
        }
    };
    for j in 0..y.len().saturating_sub(1) {
        for i in 0..nx.saturating_sub(1) {
            let k = j * nx + i;
            let corner = [energy[k], energy[k + 1], energy[k + nx + 1], energy[k + nx]];
            if !corner.iter().all(|&e| super::range::drawable(e)) {
                continue;
            }
            let [bottom, right, top, left] = [2 * k, 2 * (k + 1) + 1, 2 * (k + nx), 2 * k + 1];
            let above = corner.map(|e| e > level);
            let crossed: Vec<usize> = [(0, 1, bottom), (1, 2, right), (3, 2, top), (0, 3, left)]
                .into_iter()
                .filter(|&(a, b, _)| above[a] != above[b])
                .map(|(_, _, edge)| edge)
                .collect();
            match crossed[..] {
                [a, b] => join(a, b),
                // A saddle: the mean tells which pair of corners is connected through the middle.
                [..] if crossed.len() == 4 => {
                    let middle = corner.iter().map(|e| 0.25 * e).sum::<f64>() > level;
                    if middle == above[0] {
                        join(bottom, right);
                        join(top, left);
                    } else {
                        join(bottom, left);
                        join(top, right);
                    }
                }
                _ => {}
            }
        }
    }
    let place = |edge: usize| {
        let (k, upwards) = (edge / 2, edge % 2 == 1);
        let (i, j) = (k % nx, k / nx);
        let (e0, e1) = (energy[k], energy[if upwards { k + nx } else { k + 1 }]);
        let t = (level - e0) / (e1 - e0);
        if upwards { [x[i], y[j] + t * (y[j + 1] - y[j])] } else { [x[i] + t * (x[i + 1] - x[i]), y[j]] }
    };
    chains(ends).into_iter().map(|chain| chain.into_iter().map(place).collect()).collect()
}

/// Takes the graph, in which every node has one or two neighbours, apart into paths: open ones first, then rings.
fn chains(mut ends: BTreeMap<usize, [Option<usize>; 2]>) -> Vec<Vec<usize>> {
    let open: Vec<usize> = ends.iter().filter(|(_, n)| n[1].is_none()).map(|(&k, _)| k).collect();
    let all: Vec<usize> = ends.keys().copied().collect();
    let mut chains = Vec::new();
    for start in open.into_iter().chain(all) {
        let Some(mut next) = ends.remove(&start) else { continue };
        let mut chain = vec![start];
        while let Some(node) = next.into_iter().flatten().find(|n| ends.contains_key(n)) {
            chain.push(node);
            next = ends.remove(&node).unwrap_or_default();
        }
        if chain.len() > 2 && next.contains(&Some(start)) {
            chain.push(start);
        }
        chains.push(chain);
    }
    chains
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(n: usize, f: impl Fn(f64, f64) -> f64) -> (Vec<f64>, Vec<f64>) {
        let x: Vec<f64> = (0..n).map(|i| -2.0 + 4.0 * i as f64 / (n - 1) as f64).collect();
        let e = x.iter().flat_map(|&y| x.iter().map(move |&x| (x, y))).map(|(x, y)| f(x, y)).collect();
        (x, e)
    }

    #[test]
    fn a_circle_is_one_closed_line_of_the_right_length() {
        let (x, e) = grid(81, |x, y| x * x + y * y);
        let found = lines(&x, &x, &e, 1.0);
        assert_eq!(found.len(), 1);
        let line = &found[0];
        assert_eq!(line.first(), line.last());
        let length: f64 = line.windows(2).map(|w| (w[1][0] - w[0][0]).hypot(w[1][1] - w[0][1])).sum();
        assert!((length - std::f64::consts::TAU).abs() < 0.01, "{length}");
        assert!(line.iter().all(|p| (p[0].hypot(p[1]) - 1.0).abs() < 1e-3));
    }

    #[test]
    fn wells_rings_saddles_and_gaps() {
        let (x, e) = grid(60, |x, y| (x * x - 1.0).powi(2) + y * y);
        assert_eq!(lines(&x, &x, &e, 0.5).len(), 2); // two wells
        assert_eq!(lines(&x, &x, &e, 1.5).len(), 1); // above the barrier
        let (x, e) = grid(60, |x, y| (x.hypot(y) - 1.0).powi(2));
        assert_eq!(lines(&x, &x, &e, 0.1).len(), 2); // inside and outside of a ring
        let (x, e) = grid(60, |x, y| x * y);
        assert_eq!(lines(&x, &x, &e, 0.01).len(), 2); // the two branches of a hyperbola
        let (x, e) = grid(60, |x, y| if x < 0.0 { f64::INFINITY } else { x * x + y * y });
        let half = lines(&x, &x, &e, 1.0);
        assert!(half.len() == 1 && half[0].first() != half[0].last());
        assert!(lines(&[], &[], &[], 0.0).is_empty());
        assert!(lines(&[1.0], &[1.0], &[0.0], 0.0).is_empty());
    }
}
