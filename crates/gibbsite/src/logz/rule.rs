//! The 21-point Kronrod rule with its embedded 10-point Gauss rule (Piessens et al. 1983, QUADPACK, routine qk21).

/// Nodes of one panel.
pub(crate) const N: usize = 21;

const X: [f64; 11] = [
    0.995657163025808080735527280689003,
    0.973906528517171720077964012084452,
    0.930157491355708226001207180059508,
    0.865063366688984510732096688423493,
    0.780817726586416897063717578345042,
    0.679409568299024406234327365114874,
    0.562757134668604683339000099272694,
    0.433395394129247190799265943165784,
    0.294392862701460198131126603103866,
    0.14887433898163121088482600112972,
    0.0,
];

const WK: [f64; 11] = [
    0.011694638867371874278064396062192,
    0.03255816230796472747881897245939,
    0.05475589657435199603138130024458,
    0.07503967481091995276704314091619,
    0.093125454583697605535065465083366,
    0.109387158802297641899210590325805,
    0.123491976262065851077958109585166,
    0.134709217311473325928054001771707,
    0.142775938577060080797094273138717,
    0.147739104901338491374841515972068,
    0.149445554002916905664936468389821,
];

const WG: [f64; 5] = [
    0.066671344308688137593568809893332,
    0.149451349150580593145863396957658,
    0.219086362515982043995534934228163,
    0.269266719309996355091226921569469,
    0.295524224714752870173815619188769,
];

/// Nodes on [-1, 1], increasing.
pub(crate) const NODES: [f64; N] = {
    let mut x = [0.0; N];
    let mut i = 0;
    while i < 11 {
        x[i] = -X[i];
        x[N - 1 - i] = X[i];
        i += 1;
    }
    x[10] = 0.0;
    x
};

/// Where a panel is looked at beyond its outermost nodes: not at the ends themselves, which are often singular points.
pub(crate) const ENDS: [f64; 2] = [-1.0 + 1e-9, 1.0 - 1e-9];

/// Kronrod weights, summing to 2.
pub(crate) const KRONROD: [f64; N] = {
    let mut w = [0.0; N];
    let mut i = 0;
    while i < 11 {
        w[i] = WK[i];
        w[N - 1 - i] = WK[i];
        i += 1;
    }
    w
};

/// Gauss weights at the odd nodes, 0 at the others.
pub(crate) const GAUSS: [f64; N] = {
    let mut w = [0.0; N];
    let mut i = 0;
    while i < 5 {
        w[2 * i + 1] = WG[i];
        w[N - 2 - 2 * i] = WG[i];
        i += 1;
    }
    w
};

/// The integral of f = exp(l - top) over one panel, and what its values say about their own smoothness.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums {
    /// Largest l at a node.
    pub top: f64,
    /// Kronrod sum.
    pub k: f64,
    /// Error of the Kronrod sum.
    pub err: f64,
    /// Size of the highest coefficients of f in orthogonal polynomials: how far f is from a polynomial of degree 18.
    pub rough: f64,
}

/// The rule applied to exp(l) on a panel of half width `h`, l given at the nodes and at [`ENDS`] (NaN or `+inf` there:
/// not to be looked at).
///
/// The error is read off the coefficients c_k of f in polynomials orthogonal under the rule itself: where f is smooth they fall
/// geometrically, and the rule, exact to degree 31, errs by what they would have fallen to by then; at a kink, a jump or an
/// unresolved peak they do not fall and nothing is taken off (Berntsen and Espelid 1991, section 2, use such ratios). A wall
/// between an end and the first node shows as a value at the end that the polynomial through the nodes does not predict.
pub(crate) fn sums(ell: &[f64], ends: [f64; 2], h: f64) -> Sums {
    let top = ell.iter().chain(ends.iter().filter(|l| **l < f64::INFINITY)).copied().fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY {
        return Sums { top, k: 0.0, err: 0.0, rough: 0.0 };
    }
    let mut f = [0.0; N];
    let mut k = 0.0;
    for i in 0..N {
        f[i] = (ell[i] - top).exp();
        k += KRONROD[i] * f[i];
    }
    let spectrum = Spectrum::get();
    let (mut err, rough) = spectrum.error(&f);
    for (end, l) in ends.into_iter().enumerate() {
        if l < f64::INFINITY {
            let predicted: f64 = spectrum.at_end[end].iter().zip(&f).map(|(w, f)| w * f).sum();
            let unexplained = ((l - top).exp() - predicted).abs() - EXTRAPOLATION * rough;
            err += GAP * unexplained.max(0.0);
        }
    }
    Sums { top, k: k * h, err: err * h, rough: rough * h }
}

/// Error of the Kronrod sum of these values on a panel of half width `h`.
pub(crate) fn error(values: &[f64; N], h: f64) -> f64 {
    Spectrum::get().error(values).0 * h
}

/// Distance from an end to the first node, in half widths.
const GAP: f64 = 1.0 - X[0];

/// What extrapolation from the nodes to an end may miss of a smooth f, in units of its highest coefficients.
const EXTRAPOLATION: f64 = 100.0;

/// Tables that turn values at the nodes into coefficients, and into the value at either end.
struct Spectrum {
    /// `high[p][i]`: weight of node i in the coefficient 13 + p.
    high: [[f64; N]; 8],
    /// `at_end[e][i]`: value at the end e of the Lagrange polynomial of node i.
    at_end: [[f64; N]; 2],
}

impl Spectrum {
    fn get() -> &'static Self {
        static SPECTRUM: std::sync::OnceLock<Spectrum> = std::sync::OnceLock::new();
        SPECTRUM.get_or_init(Self::new)
    }

    /// Error of the Kronrod sum of values at the nodes, and the size of their highest coefficients.
    fn error(&self, f: &[f64; N]) -> (f64, f64) {
        // Coefficients 13 and 14, ..., 19 and 20.
        let pairs: [f64; 4] = std::array::from_fn(|p| {
            let c = |row: usize| self.high[row].iter().zip(f).map(|(w, f)| w * f).sum::<f64>();
            c(2 * p).hypot(c(2 * p + 1))
        });
        let ratio = |p: usize| if pairs[p + 1] > 0.0 { pairs[p + 1] / pairs[p] } else { 0.0 };
        let r = ratio(0).max(ratio(1)).max(ratio(2));
        // From degree 20 to 32 the coefficients fall by r^6. Those of a kink fall too, as k^-2 but unevenly: a ratio of 0.6 or
        // more is not taken for a sign of smoothness.
        (3.0 * pairs[3] * (r / 0.6).min(1.0).powi(6), pairs[3])
    }

    /// Polynomials orthonormal under the Kronrod weights, by the three-term recurrence (Gautschi 2004, section 2.2.3.1), with
    /// each made orthogonal to all before it once more.
    fn new() -> Self {
        let dot = |a: &[f64; N], b: &[f64; N]| (0..N).map(|i| KRONROD[i] * a[i] * b[i]).sum::<f64>();
        let mut p: Vec<[f64; N]> = Vec::with_capacity(N);
        for k in 0..N {
            let mut next: [f64; N] = if k == 0 { [1.0; N] } else { std::array::from_fn(|i| NODES[i] * p[k - 1][i]) };
            for _ in 0..2 {
                for q in &p {
                    let along = dot(&next, q);
                    (0..N).for_each(|i| next[i] -= along * q[i]);
                }
            }
            let norm = dot(&next, &next).sqrt();
            next.iter_mut().for_each(|v| *v /= norm);
            p.push(next);
        }
        let high = std::array::from_fn(|row| std::array::from_fn(|i| KRONROD[i] * p[N - 8 + row][i]));
        let at_end = ENDS.map(|end| {
            std::array::from_fn(|i| {
                (0..N).filter(|j| *j != i).map(|j| (end - NODES[j]) / (NODES[i] - NODES[j])).product()
            })
        });
        Self { high, at_end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_for_polynomials() {
        for degree in 0..=31usize {
            let exact = if degree % 2 == 0 { 2.0 / (degree as f64 + 1.0) } else { 0.0 };
            let k: f64 = (0..N).map(|i| KRONROD[i] * NODES[i].powi(degree as i32)).sum();
            assert!((k - exact).abs() < 1e-15, "Kronrod degree {degree}");
            if degree <= 19 {
                let g: f64 = (0..N).map(|i| GAUSS[i] * NODES[i].powi(degree as i32)).sum();
                assert!((g - exact).abs() < 1e-15, "Gauss degree {degree}");
            }
        }
        let g: f64 = (0..N).map(|i| GAUSS[i] * NODES[i].powi(20)).sum();
        assert!((g - 2.0 / 21.0).abs() > 1e-7, "ten points cannot be exact in degree 20");
    }

    fn of(l: impl Fn(f64) -> f64) -> Sums {
        let ell: Vec<f64> = NODES.iter().map(|t| l(*t)).collect();
        sums(&ell, ENDS.map(&l), 1.0)
    }

    /// Integral of exp(l) over [-1, 1] by 20,000 Simpson intervals between the breaks.
    fn exact(l: impl Fn(f64) -> f64, breaks: &[f64]) -> f64 {
        let mut ends = vec![-1.0];
        ends.extend_from_slice(breaks);
        ends.push(1.0);
        let piece = |a: f64, b: f64| {
            let n = 20_000;
            let h = (b - a) / n as f64;
            let inside = |k: usize| (a + h * k as f64).clamp(a.next_up(), b.next_down());
            let w = |k: usize| if k == 0 || k == n { 1.0 } else { [2.0, 4.0][k % 2] };
            (0..=n).map(|k| w(k) * l(inside(k)).exp()).sum::<f64>() * h / 3.0
        };
        ends.windows(2).map(|e| piece(e[0], e[1])).sum()
    }

    #[test]
    fn smooth_panels_are_believed() {
        for (name, l) in [
            ("gaussian", Box::new(|t: f64| -4.0 * t * t) as Box<dyn Fn(f64) -> f64>),
            ("slope", Box::new(|t: f64| -5.0 * t)),
            ("quartic", Box::new(|t: f64| -0.3 * (t + 0.3).powi(4))),
        ] {
            let s = of(&l);
            let error = (s.k * s.top.exp() - exact(&l, &[])).abs() / s.k;
            assert!(s.err < 5e-11 * s.k && error < 1e-11, "{name}: {:e} claimed, {error:e}", s.err / s.k);
        }
    }

    /// Kinks, walls and hinges anywhere, near the ends above all: the claimed error covers the true one.
    #[test]
    fn rough_panels_are_not_believed() {
        for i in 1..400 {
            let at = -1.0 + i as f64 / 200.0 + 0.000_37;
            for at in [at, 1.0 - 0.01 * (i as f64 / 400.0).powi(2) - 1e-6] {
                for strength in [0.1, 1.0, 10.0, 40.0] {
                    let kink = move |t: f64| -strength * (t - at).abs();
                    let hinge = move |t: f64| -strength * (t - at).max(0.0) - t * t;
                    let wall = move |t: f64| if t > at { -strength } else { -0.5 * t };
                    for (name, l) in [
                        ("kink", Box::new(kink) as Box<dyn Fn(f64) -> f64>),
                        ("hinge", Box::new(hinge)),
                        ("wall", Box::new(wall)),
                    ] {
                        let s = of(&l);
                        let truth = exact(&l, &[at]);
                        let error = (s.k * s.top.exp() - truth).abs() / truth;
                        let claimed = s.err * s.top.exp() / truth;
                        assert!(
                            error <= 15.0 * claimed + 1e-9,
                            "{name} of {strength} at {at}: {error:e} claimed {claimed:e}"
                        );
                    }
                }
            }
        }
    }
}
