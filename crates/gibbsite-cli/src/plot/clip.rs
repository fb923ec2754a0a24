//! Cutting polylines to a rectangle, so that no back end needs clip paths.

/// The part of the segment `a`-`b` inside `[left, top, width, height]` (Liang and Barsky, ACM Trans. Graphics 3, 1984).
pub fn segment(a: [f64; 2], b: [f64; 2], area: [f64; 4]) -> Option<[[f64; 2]; 2]> {
    let (mut t0, mut t1) = (0.0_f64, 1.0_f64);
    for k in 0..2 {
        let d = b[k] - a[k];
        let (near, far) = (area[k] - a[k], area[k] + area[k + 2] - a[k]);
        if d == 0.0 {
            if near > 0.0 || far < 0.0 {
                return None;
            }
            continue;
        }
        let (enter, leave) = if d > 0.0 { (near / d, far / d) } else { (far / d, near / d) };
        t0 = t0.max(enter);
        t1 = t1.min(leave);
    }
    // Rounding must not put a cut outside: of an end that is very far away nothing else would be left.
    let within = |k: usize, v: f64| v.clamp(area[k], area[k] + area[k + 2]);
    let cut = |p: [f64; 2]| [within(0, p[0]), within(1, p[1])];
    let at = |t: f64| cut([a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])]);
    (t0 <= t1).then(|| [if t0 == 0.0 { cut(a) } else { at(t0) }, if t1 == 1.0 { cut(b) } else { at(t1) }])
}

/// The parts of a polyline inside `area`. A point that is not finite interrupts the line.
pub fn polyline(points: impl IntoIterator<Item = [f64; 2]>, area: [f64; 4]) -> Vec<Vec<[f64; 2]>> {
    let mut parts: Vec<Vec<[f64; 2]>> = Vec::new();
    let mut last: Option<[f64; 2]> = None;
    for p in points {
        if !(p[0].is_finite() && p[1].is_finite()) {
            last = None;
            continue;
        }
        if let Some([a, b]) = last.and_then(|q| segment(q, p, area)) {
            match parts.last_mut() {
                Some(part) if part.last() == Some(&a) && last == Some(a) => part.push(b),
                _ => parts.push(vec![a, b]),
            }
        }
        last = Some(p);
    }
    parts
}

/// Whether `p` lies in `area`.
pub fn inside(p: [f64; 2], area: [f64; 4]) -> bool {
    (0..2).all(|k| p[k] >= area[k] && p[k] <= area[k] + area[k + 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: [f64; 4] = [0.0, 0.0, 10.0, 10.0];

    #[test]
    fn segments_are_cut_at_the_border() {
        assert_eq!(segment([-5.0, 5.0], [15.0, 5.0], AREA), Some([[0.0, 5.0], [10.0, 5.0]]));
        assert_eq!(segment([2.0, 2.0], [3.0, 3.0], AREA), Some([[2.0, 2.0], [3.0, 3.0]]));
        assert_eq!(segment([-5.0, 11.0], [15.0, 11.0], AREA), None);
        assert_eq!(segment([-1.0, 9.5], [1.0, 11.5], AREA), None); // passes the corner outside
        for far in [1e20, 1e80, -3e200] {
            for [a, b] in [[[far, 4.0], [3.0, 3.0]], [[3.0, 3.0], [5.0, far]], [[far, -far], [-far, 0.7 * far]]] {
                if let Some(ends) = segment(a, b, AREA) {
                    assert!(ends.iter().all(|p| inside(*p, AREA)), "{a:?} {b:?}: {ends:?}");
                }
            }
        }
    }

    /// The share of a long way that is outside is no more than rounding.
    #[test]
    fn ends_are_never_outside() {
        let area = [109.0, 134.0, 920.0, 680.0];
        for (a, b) in
            [([-1.2e28, 1105.0], [1e300, 778.0]), ([1e300, 200.0], [-1.2e28, 300.0]), ([500.0, 1e17], [500.0, 814.1])]
        {
            for p in segment(a, b, area).into_iter().flatten() {
                assert!(inside(p, area), "{p:?}");
            }
        }
    }

    #[test]
    fn gaps_and_excursions_split_a_line() {
        let line =
            [[1.0, 1.0], [2.0, 2.0], [f64::NAN, 3.0], [3.0, 3.0], [4.0, 4.0], [4.0, 20.0], [5.0, 20.0], [5.0, 5.0]];
        let parts = polyline(line, AREA);
        assert_eq!(parts.len(), 3);
        assert_eq!(parts[0], [[1.0, 1.0], [2.0, 2.0]]);
        assert_eq!(parts[1], [[3.0, 3.0], [4.0, 4.0], [4.0, 10.0]]);
        assert_eq!(parts[2], [[5.0, 10.0], [5.0, 5.0]]);
    }
}
