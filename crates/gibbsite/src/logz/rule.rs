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

/// The integral of exp(l) over one panel, divided by exp(top).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums {
    /// Largest l at a node.
    pub top: f64,
    /// Kronrod sum.
    pub k: f64,
    /// |Kronrod - Gauss|.
    pub raw: f64,
    /// Integral of |f - mean f|.
    pub spread: f64,
}

/// Both rules applied to f = exp(l - top) on a panel of half width `h`.
pub(crate) fn sums(ell: &[f64], h: f64) -> Sums {
    let top = ell.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY {
        return Sums { top, k: 0.0, raw: 0.0, spread: 0.0 };
    }
    let mut f = [0.0; N];
    let (mut k, mut g) = (0.0, 0.0);
    for i in 0..N {
        f[i] = (ell[i] - top).exp();
        k += KRONROD[i] * f[i];
        g += GAUSS[i] * f[i];
    }
    let mean = 0.5 * k;
    let spread: f64 = (0..N).map(|i| KRONROD[i] * (f[i] - mean).abs()).sum();
    Sums { top, k: k * h, raw: (k - g).abs() * h, spread: spread * h }
}

/// QUADPACK's error of a smooth panel: the Kronrod sum is far better than the Gauss sum it is compared with.
pub(crate) fn smooth_error(raw: f64, spread: f64) -> f64 {
    if spread == 0.0 || raw == 0.0 {
        return raw;
    }
    let scaled = 200.0 * raw / spread;
    (spread * scaled * scaled.sqrt()).min(raw)
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
}
