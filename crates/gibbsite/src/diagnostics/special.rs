//! Distribution functions and their inverses that the diagnostics need: normal, Beta, chi-square.

/// Polynomial with coefficients from the highest power down (Horner).
fn poly(r: f64, coefficients: &[f64]) -> f64 {
    coefficients.iter().fold(0.0, |sum, c| sum * r + c)
}

/// The z with Phi(z) = p, to about 1e-15 relative; -inf at 0, +inf at 1, NaN outside [0, 1].
///
/// Wichura (1988), "Algorithm AS 241: the percentage points of the normal distribution", routine PPND16.
pub fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180625 - q * q;
        return q * poly(r, &CENTRE_NUM) / poly(r, &CENTRE_DEN);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    if tail == 0.0 {
        return q.signum() * f64::INFINITY;
    }
    let r = (-tail.ln()).sqrt();
    let z = if r <= 5.0 {
        poly(r - 1.6, &MIDDLE_NUM) / poly(r - 1.6, &MIDDLE_DEN)
    } else {
        poly(r - 5.0, &FAR_NUM) / poly(r - 5.0, &FAR_DEN)
    };
    if q < 0.0 { -z } else { z }
}

const CENTRE_NUM: [f64; 8] = [
    2.50908_09287_30122_6727e+3,
    3.34305_75583_58812_8105e+4,
    6.72657_70927_00870_0853e+4,
    4.59219_53931_54987_1457e+4,
    1.37316_93765_50946_1125e+4,
    1.97159_09503_06551_4427e+3,
    1.33141_66789_17843_7745e+2,
    3.38713_28727_96366_6080e+0,
];
const CENTRE_DEN: [f64; 8] = [
    5.22649_52788_52854_5610e+3,
    2.87290_85735_72194_2674e+4,
    3.93078_95800_09271_0610e+4,
    2.12137_94301_58659_5867e+4,
    5.39419_60214_24751_1077e+3,
    6.87187_00749_20579_0830e+2,
    4.23133_30701_60091_1252e+1,
    1.0,
];
const MIDDLE_NUM: [f64; 8] = [
    7.74545_01427_83414_07640e-4,
    2.27238_44989_26918_45833e-2,
    2.41780_72517_74506_11770e-1,
    1.27045_82524_52368_38258e+0,
    3.64784_83247_63204_60504e+0,
    5.76949_72214_60691_40550e+0,
    4.63033_78461_56545_29590e+0,
    1.42343_71107_49683_57734e+0,
];
const MIDDLE_DEN: [f64; 8] = [
    1.05075_00716_44416_84324e-9,
    5.47593_80849_95344_94600e-4,
    1.51986_66563_61645_71966e-2,
    1.48103_97642_74800_74590e-1,
    6.89767_33498_51000_04550e-1,
    1.67638_48301_83803_84940e+0,
    2.05319_16266_37758_82187e+0,
    1.0,
];
const FAR_NUM: [f64; 8] = [
    2.01033_43992_92288_13265e-7,
    2.71155_55687_43487_57815e-5,
    1.24266_09473_88078_43860e-3,
    2.65321_89526_57612_30930e-2,
    2.96560_57182_85048_91230e-1,
    1.78482_65399_17291_33580e+0,
    5.46378_49111_64114_36990e+0,
    6.65790_46435_01103_77720e+0,
];
const FAR_DEN: [f64; 8] = [
    2.04426_31033_89939_78564e-15,
    1.42151_17583_16445_88870e-7,
    1.84631_83175_10054_68180e-5,
    7.86869_13114_56132_59100e-4,
    1.48753_61290_85061_48525e-2,
    1.36929_88092_27358_05310e-1,
    5.99832_20655_58879_37690e-1,
    1.0,
];

/// ln Gamma(x) for x > 0: Stirling's series (DLMF 5.11.1) above 12, the recurrence Gamma(x + 1) = x Gamma(x) below.
pub fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut product) = (x, 1.0);
    while x < 12.0 {
        product *= x;
        x += 1.0;
    }
    // B_2k / (2k (2k - 1)) for k = 6 .. 1; the first term left out is below 2e-16 at x = 12.
    let r = 1.0 / (x * x);
    let series = [-691.0 / 360_360.0, 1.0 / 1188.0, -1.0 / 1680.0, 1.0 / 1260.0, -1.0 / 360.0, 1.0 / 12.0];
    let half_ln_two_pi = 0.5 * std::f64::consts::TAU.ln();
    (x - 0.5) * x.ln() - x + half_ln_two_pi + poly(r, &series) / x - f64::ln(product)
}

/// I_x(a, b), the distribution function of Beta(a, b), by the continued fraction DLMF 8.17.22, evaluated with
/// the modified Lentz algorithm (Thompson and Barnett 1986) on the side of the mean where it converges fast.
pub fn beta_cdf(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let ln_beta = ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
    let front = (a * x.ln() + b * (-x).ln_1p() - ln_beta).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(x, a, b) / a
    } else {
        1.0 - front * beta_fraction(1.0 - x, b, a) / b
    }
}

/// 1 / (1 + d_1 / (1 + d_2 / (1 + ...))) of DLMF 8.17.22.
fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut h = d;
    for m in 1..100_000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away(1.0 + even * d);
        c = away(1.0 + even / c);
        h *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away(1.0 + odd * d);
        c = away(1.0 + odd / c);
        h *= d * c;
        if (d * c - 1.0).abs() < 1e-15 {
            break;
        }
    }
    h
}

/// The x with I_x(a, b) = p, for p in [0, 1] and a, b >= 1 or so: Newton steps kept inside a shrinking bracket.
/// NaN if any argument is NaN.
pub fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    if p.is_nan() || a.is_nan() || b.is_nan() {
        return f64::NAN;
    }
    let (mut lo, mut hi) = (0.0, 1.0);
    let ln_beta = ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
    let mut x = a / (a + b);
    for _ in 0..100 {
        let excess = beta_cdf(x, a, b) - p;
        if excess > 0.0 {
            hi = x;
        } else {
            lo = x;
        }
        let ln_density = (a - 1.0) * x.ln() + (b - 1.0) * (-x).ln_1p() - ln_beta;
        let newton = x - excess / ln_density.exp();
        let next = if newton > lo && newton < hi { newton } else { 0.5 * (lo + hi) };
        if (next - x).abs() <= 1e-15 * x {
            return next;
        }
        x = next;
    }
    x
}

/// The probability that a chi-square variable of `freedom` degrees exceeds `x`: Q(freedom / 2, x / 2), the regularised upper
/// incomplete gamma function, by the series DLMF 8.11.4 where x is below freedom + 2 or so, else by the continued fraction
/// DLMF 8.9.2. 1 for x <= 0, NaN for `freedom` <= 0 or a NaN.
pub fn chi_square_tail(x: f64, freedom: f64) -> f64 {
    if x.is_nan() || freedom.is_nan() || freedom <= 0.0 {
        return f64::NAN;
    }
    if x <= 0.0 {
        return 1.0;
    }
    if x == f64::INFINITY {
        return 0.0;
    }
    let (a, x) = (0.5 * freedom, 0.5 * x);
    let front = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum, mut k) = (1.0 / a, 1.0 / a, 1.0);
        while term > 1e-17 * sum {
            term *= x / (a + k);
            sum += term;
            k += 1.0;
        }
        return (1.0 - front * sum).max(0.0);
    }
    // Modified Lentz algorithm; the denominators are positive for x > a.
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1e300, 1.0 / b);
    let mut h = d;
    for k in 1..100_000 {
        let k = f64::from(k);
        let numerator = -k * (k - a);
        b += 2.0;
        d = 1.0 / (numerator * d + b);
        c = b + numerator / c;
        h *= d * c;
        if (d * c - 1.0).abs() < 1e-15 {
            break;
        }
    }
    front * h
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64, rel: f64) {
        assert!((a - b).abs() <= rel * b.abs(), "{a} against {b}");
    }

    #[test]
    fn normal_quantile_known_values() {
        for (p, z) in [
            (1e-10, -6.361340902404056),
            (1e-5, -4.264890793922825),
            (0.001, -3.090232306167813),
            (0.05, -1.6448536269514729),
            (0.3, -0.5244005127080407),
            (0.975, 1.959963984540054),
            (1e-6, -4.753424308822899),
        ] {
            close(normal_quantile(p), z, 1e-15);
        }
        assert_eq!(normal_quantile(0.5), 0.0);
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
        assert!(normal_quantile(-0.1).is_nan() && normal_quantile(1.1).is_nan());
    }

    #[test]
    fn ln_gamma_known_values() {
        close(ln_gamma(0.5), 0.5 * std::f64::consts::PI.ln(), 1e-14);
        close(ln_gamma(5.0), 24f64.ln(), 1e-14);
        close(ln_gamma(101.0), (1..=100).map(|k| f64::from(k).ln()).sum(), 1e-14);
    }

    /// I_x(a, b) for integers is a binomial tail (DLMF 8.17.5).
    #[test]
    fn beta_cdf_is_a_binomial_tail() {
        for (x, a, b) in [(0.3f64, 4i32, 7i32), (0.9, 2, 2), (0.02, 1, 30), (0.6, 40, 25)] {
            let n = a + b - 1;
            let tail: f64 = (a..=n)
                .map(|k| {
                    let choose =
                        ln_gamma(f64::from(n + 1)) - ln_gamma(f64::from(k + 1)) - ln_gamma(f64::from(n - k + 1));
                    choose.exp() * x.powi(k) * (1.0 - x).powi(n - k)
                })
                .sum();
            close(beta_cdf(x, f64::from(a), f64::from(b)), tail, 1e-12);
        }
    }

    #[test]
    fn beta_quantile_inverts_the_cdf() {
        close(beta_quantile(0.3, 1.0, 1.0), 0.3, 1e-14);
        close(beta_quantile(0.25, 3.0, 1.0), 0.25f64.cbrt(), 1e-14);
        for a in [1.0, 1.5, 12.0, 3e3, 2e5] {
            for b in [1.0, 4.0, 900.0, 4e5] {
                for p in [0.01, 0.1586553, 0.5, 0.8413447] {
                    close(beta_cdf(beta_quantile(p, a, b), a, b), p, 1e-9);
                }
            }
        }
        assert!(beta_quantile(0.5, f64::NAN, 1.0).is_nan());
    }

    /// Of an even number of degrees the tail is that of a Poisson count; of one degree that of a normal variable.
    #[test]
    fn chi_square_tail_known_values() {
        for (x, half) in [(0.5f64, 1), (3.0, 2), (19.0, 10), (40.0, 10), (300.0, 100), (1e-3, 3)] {
            let terms =
                (0..half).map(|k| (f64::from(k) * (0.5 * x).ln() - 0.5 * x - ln_gamma(f64::from(k) + 1.0)).exp());
            close(chi_square_tail(x, 2.0 * f64::from(half)), terms.sum(), 1e-12);
        }
        for p in [0.3, 0.05, 1e-4] {
            close(chi_square_tail(normal_quantile(0.5 * p).powi(2), 1.0), p, 1e-12);
        }
        assert_eq!([chi_square_tail(0.0, 3.0), chi_square_tail(f64::INFINITY, 3.0)], [1.0, 0.0]);
        assert!(chi_square_tail(1.0, 0.0).is_nan() && chi_square_tail(f64::NAN, 3.0).is_nan());
    }
}
