//! Elementary functions: errors against the platform's libm and a 40-digit table, special values, and the same bits on
//! every instruction set.

use gibbsite::math::{self, slice};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_2, LN_2, SQRT_2};

#[path = "math_accuracy/erf_table.rs"]
mod erf_table;

const N: usize = 1 << 20;
const INF: f64 = f64::INFINITY;

/// 64 bits from a counter (SplitMix64, Steele et al. 2014).
fn bits(i: u64) -> u64 {
    let z = i.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn uniform(i: u64) -> f64 {
    (bits(i) >> 11) as f64 / (1u64 << 53) as f64
}

/// Half the points uniform in `[low, high]`, half spread over all sizes from 1e-320 to 10 within it.
fn points(low: f64, high: f64, n: usize) -> Vec<f64> {
    (0..n as u64)
        .map(|i| match i % 4 {
            0 | 1 => low + (high - low) * uniform(i),
            2 => (10f64.powf(-20.0 + 21.0 * uniform(i))).copysign(uniform(i + 77) - 0.5).clamp(low, high),
            _ => (10f64.powf(-320.0 + 321.0 * uniform(i))).copysign(uniform(i + 77) - 0.5).clamp(low, high),
        })
        .collect()
}

/// How many doubles apart `a` and `b` are; any two NaN are equal.
fn ulps(a: f64, b: f64) -> u64 {
    let order = |x: f64| {
        let i = x.to_bits() as i64;
        if i < 0 { i64::MIN.wrapping_sub(i) } else { i }
    };
    match (a.is_nan(), b.is_nan()) {
        (true, true) => 0,
        (false, false) => order(a).abs_diff(order(b)),
        _ => u64::MAX,
    }
}

type Slice = fn(&[f64], &mut [f64]);
type Scalar = fn(f64) -> f64;

/// The largest distance between a slice function and a reference over `x`, and where.
fn worst(f: Slice, truth: impl Fn(f64) -> f64, x: &[f64]) -> (u64, f64) {
    let mut y = vec![0.0; x.len()];
    f(x, &mut y);
    x.iter().zip(&y).map(|(x, y)| (ulps(*y, truth(*x)), *x)).fold((0, 0.0), |a, b| if b.0 > a.0 { b } else { a })
}

const EDGES: [f64; 36] = [
    0.0,
    5e-324,
    2.2e-308,
    2.2250738585072014e-308,
    1e-300,
    1e-20,
    5.5e-17,
    1.2e-16,
    1e-8,
    0.25,
    0.34657359027997264,
    0.34657359027997270,
    0.5,
    LN_2,
    0.7071067811865475,
    FRAC_1_SQRT_2,
    1.0,
    0.9999999999999999,
    1.0000000000000002,
    SQRT_2,
    1.5,
    FRAC_PI_2,
    2.0,
    3.0,
    22.0,
    36.7,
    37.5,
    700.0,
    708.3,
    709.782712893384,
    709.7827128933841,
    710.4758600739439,
    745.1332191019411,
    745.1332191019412,
    f64::MAX,
    INF,
];

fn edges() -> Vec<f64> {
    EDGES.iter().flat_map(|v| [*v, -*v]).chain([f64::NAN]).collect()
}

/// Checks `f` against libm at `limit` doubles' distance on random points and edges, with the sign of zero.
fn check(name: &str, f: Slice, truth: Scalar, low: f64, high: f64, limit: u64) {
    let mut x = points(low, high, N);
    x.extend(edges().iter().filter(|v| !(v.abs() > math::TRIG_MAX && v.is_finite() && low == -1e5)));
    let (distance, at) = worst(f, truth, &x);
    println!("{name}: {distance} at {at:e}");
    assert!(distance <= limit, "{name}({at:e}) is {distance} doubles from libm");
    let mut zero = [1.0];
    f(&[-0.0], &mut zero);
    assert_eq!(zero[0].to_bits(), truth(-0.0).to_bits(), "{name}(-0)");
}

#[test]
fn exponentials_agree_with_libm() {
    check("exp", slice::exp, f64::exp, -746.0, 711.0, 1);
    check("exp near 0", slice::exp, f64::exp, -2.0, 2.0, 1);
    check("exp_m1", slice::exp_m1, f64::exp_m1, -60.0, 711.0, 2);
    check("exp_m1 near 0", slice::exp_m1, f64::exp_m1, -2.0, 2.0, 2);
    check("sinh", slice::sinh, f64::sinh, -711.0, 711.0, 3);
    check("sinh near 0", slice::sinh, f64::sinh, -3.0, 3.0, 3);
    check("cosh", slice::cosh, f64::cosh, -711.0, 711.0, 3);
    check("cosh near 0", slice::cosh, f64::cosh, -3.0, 3.0, 3);
    check("tanh", slice::tanh, f64::tanh, -25.0, 25.0, 3);
    check("tanh near 0", slice::tanh, f64::tanh, -2.0, 2.0, 3);
}

#[test]
fn logarithms_agree_with_libm() {
    check("ln", slice::ln, f64::ln, 0.0, 1e4, 1);
    check("ln near 1", slice::ln, f64::ln, 0.5, 2.0, 1);
    check("ln_1p", slice::ln_1p, f64::ln_1p, -1.0, 1e4, 2);
    check("ln_1p near 0", slice::ln_1p, f64::ln_1p, -0.7, 1.0, 2);
    let every_size: Vec<f64> = (0..N as u64).map(|i| f64::from_bits(bits(i) >> 1)).collect();
    assert!(worst(slice::ln, f64::ln, &every_size).0 <= 1);
    assert!(worst(slice::ln_1p, f64::ln_1p, &every_size).0 <= 2);
}

#[test]
fn circular_functions_agree_with_libm() {
    check("sin", slice::sin, f64::sin, -1e5, 1e5, 1);
    check("cos", slice::cos, f64::cos, -1e5, 1e5, 1);
    check("tan", slice::tan, f64::tan, -1e5, 1e5, 2);
    // The doubles nearest to multiples of pi/2, where the reduced argument cancels most.
    let near: Vec<f64> = (1..200_000).map(|k| f64::from(k) * FRAC_PI_2).collect();
    // Up to the last argument that is reduced here, and beyond it.
    let large: Vec<f64> = (0..N as u64).map(|i| 2f64.powf(16.0 + 29.0 * uniform(i))).collect();
    let huge: Vec<f64> = (0..N as u64 / 8).map(|i| 2f64.powf(40.0 + 980.0 * uniform(i))).collect();
    for x in [near, large, huge] {
        assert!(worst(slice::sin, f64::sin, &x).0 <= 1);
        assert!(worst(slice::cos, f64::cos, &x).0 <= 1);
        assert!(worst(slice::tan, f64::tan, &x).0 <= 2);
    }
    assert!(math::sin(1e14).is_nan() && math::sin(3e13) == 3e13f64.sin());
}

#[test]
fn erf_agrees_with_forty_digits() {
    for (x, high, low) in erf_table::ERF {
        let ulp = f64::from_bits(high.to_bits() + 1) - high;
        let error = ((math::erf(x) - high) - low) / ulp;
        assert!(error.abs() <= 1.0, "erf({x:e}): {error} ulp");
        assert_eq!(math::erf(-x).to_bits(), (-math::erf(x)).to_bits());
    }
    for (x, y) in [(INF, 1.0), (-INF, -1.0), (1e300, 1.0), (-0.0, -0.0), (5e-324, 5e-324)] {
        assert_eq!(math::erf(x).to_bits(), f64::to_bits(y), "erf({x})");
    }
    assert!(math::erf(f64::NAN).is_nan());
    // A twin with one coefficient's worth of error is caught: the table tells 4 ulp from 1.
    assert!(erf_table::ERF.iter().any(|(x, high, _)| ulps(math::erf(x * (1.0 + 1e-15)), *high) > 2));
}

#[test]
fn powers_agree_with_libm() {
    let pow = |x: &[f64], y: &[f64]| {
        let mut z = vec![0.0; x.len()];
        slice::pow(x, y, &mut z);
        z
    };
    let x: Vec<f64> = (0..N as u64).map(|i| f64::from_bits(bits(i) >> 1)).filter(|x| x.is_finite()).collect();
    // Exponents that keep the result in range, and some that do not.
    let y: Vec<f64> = x.iter().zip(0..).map(|(x, i)| (2.2 * uniform(i) - 1.1) * 745.0 / x.ln().abs()).collect();
    let near: Vec<f64> = (0..N as u64).map(|i| 0.5 + uniform(i)).collect();
    let steep: Vec<f64> = near.iter().zip(0..).map(|(x, i)| (2.0 * uniform(i) - 1.0) * 700.0 / x.ln().abs()).collect();
    for (x, y) in [(&x, &y), (&near, &steep)] {
        for ((z, x), y) in pow(x, y).iter().zip(x).zip(y) {
            assert!(ulps(*z, x.powf(*y)) <= 1, "pow({x:e}, {y:e}) = {z:e}, libm {:e}", x.powf(*y));
        }
    }
    let special = [edges(), vec![-3.0, 3.0, 4503599627370495.5, 4503599627370497.0, 9007199254740991.0, 1e16]].concat();
    let special: Vec<f64> = special.iter().flat_map(|v| [*v, -*v]).collect();
    for x in &special {
        for y in &special {
            let (z, truth) = (math::pow(*x, *y), x.powf(*y));
            let same_sign = z.is_nan() || z.is_sign_negative() == truth.is_sign_negative();
            assert!(ulps(z, truth) <= 1 && same_sign, "pow({x:e}, {y:e}) = {z:e}, libm {truth:e}");
        }
    }
}

#[test]
fn integer_powers_are_products() {
    let x: Vec<f64> = (0..1000).map(|i| 4.0 * uniform(i) - 2.0).collect();
    let mut y = vec![0.0; x.len()];
    for n in [0, 1, 2, 3, 4, 7, 10, 31, -1, -2, -5, 100] {
        slice::powi(&x, n, &mut y);
        for (x, y) in x.iter().zip(&y) {
            assert_eq!(y.to_bits(), math::powi(*x, n).to_bits());
            let limit = 2 + u64::from(n.unsigned_abs());
            assert!(ulps(*y, x.powf(f64::from(n))) <= limit, "{x}^{n}");
        }
    }
    slice::powi(&x, 4, &mut y);
    assert_eq!(y[0], (x[0] * x[0]) * (x[0] * x[0]));
    assert_eq!(math::powi(f64::NAN, 0), 1.0);
    assert_eq!(math::powi(-0.0, -3), -INF);
    assert_eq!(math::powi(0.5, i32::MIN), INF);
}

#[test]
fn log_odds_functions_agree_with_their_definitions() {
    // Each truth here is itself rounded twice or three times.
    let softplus = |x: f64| if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() };
    let logistic = |x: f64| if x > 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) };
    let x = [points(-750.0, 750.0, N), points(-5.0, 5.0, N), edges()].concat();
    for (name, f, (distance, at)) in
        [("softplus", 4, worst(slice::softplus, softplus, &x)), ("logistic", 4, worst(slice::logistic, logistic, &x))]
    {
        assert!(distance <= f, "{name}({at:e}): {distance}");
    }
    assert_eq!(math::softplus(-INF), 0.0);
    assert_eq!(math::logistic(-INF), 0.0);
    assert_eq!(math::logistic(INF), 1.0);
}

#[test]
fn sums_of_exponentials_do_not_overflow() {
    use math::{log_add_exp, log_diff_exp, log_sum_exp};
    let close = |a: f64, b: f64| (a - b).abs() <= 4e-16 * b.abs().max(1.0);
    assert_eq!(log_sum_exp(&[]), -INF);
    assert_eq!(log_sum_exp(&[-INF, -INF]), -INF);
    assert_eq!(log_sum_exp(&[1.0, INF, -INF]), INF);
    assert!(log_sum_exp(&[1.0, INF, f64::NAN]).is_nan() && log_sum_exp(&[f64::NAN]).is_nan());
    assert!(log_sum_exp(&[-INF, f64::NAN, -INF]).is_nan());
    assert_eq!(log_sum_exp(&[-1234.5]), -1234.5);
    assert!(close(log_sum_exp(&[1e4; 1000]), 1e4 + 1000f64.ln()));
    for n in [1, 7, 8, 63, 64, 65, 130, 1000] {
        let x: Vec<f64> = (0..n).map(|i| 60.0 * uniform(i) - 1e4).collect();
        let direct = x.iter().map(|v| (v + 1e4).exp()).sum::<f64>().ln() - 1e4;
        assert!((log_sum_exp(&x) - direct).abs() < 4e-12, "{n}");
        let folded = x.iter().fold(-INF, |a, b| log_add_exp(a, *b));
        assert!((log_sum_exp(&x) - folded).abs() < 4e-12 * (n as f64), "{n}");
    }
    assert_eq!(log_add_exp(-INF, -INF), -INF);
    assert_eq!(log_add_exp(INF, INF), INF);
    assert_eq!(log_add_exp(INF, -INF), INF);
    assert_eq!(log_add_exp(-INF, 3.0), 3.0);
    assert!(log_add_exp(f64::NAN, 0.0).is_nan() && log_add_exp(0.0, f64::NAN).is_nan());
    assert_eq!(log_diff_exp(2.0, 2.0), -INF);
    assert_eq!(log_diff_exp(-INF, -INF), -INF);
    assert_eq!(log_diff_exp(7.0, -INF), 7.0);
    assert_eq!(log_diff_exp(INF, 7.0), INF);
    for (a, b) in [(1.0, 2.0), (INF, INF), (f64::NAN, 0.0), (0.0, f64::NAN), (-INF, 0.0)] {
        assert!(log_diff_exp(a, b).is_nan(), "{a} {b}");
    }
    for d in [1e-12f64, 1e-3, 0.5, 0.69, 0.7, 1.0, 30.0, 1000.0] {
        assert!(close(log_add_exp(0.0, -d), (-d).exp().ln_1p()));
        assert!(close(log_diff_exp(0.0, -d), if d < 0.5 { (-(-d).exp_m1()).ln() } else { (-(-d).exp()).ln_1p() }));
        assert!((log_diff_exp(log_add_exp(5.0, 4.0), 4.0) - 5.0).abs() < 1e-15 * 8.0);
    }
}

/// The slice forms of one number, by name.
const UNARY: [(&str, Slice); 13] = [
    ("exp", slice::exp),
    ("exp_m1", slice::exp_m1),
    ("ln", slice::ln),
    ("ln_1p", slice::ln_1p),
    ("sinh", slice::sinh),
    ("cosh", slice::cosh),
    ("tanh", slice::tanh),
    ("erf", slice::erf),
    ("softplus", slice::softplus),
    ("logistic", slice::logistic),
    ("sin", slice::sin),
    ("cos", slice::cos),
    ("tan", slice::tan),
];

/// A hash (FNV-1a over words) of the results of every slice function, with all NaN alike.
fn fingerprint() -> String {
    let x = [points(-800.0, 800.0, 20_003), points(-3.0, 3.0, 20_003), edges()].concat();
    let mut y = vec![0.0; x.len()];
    let mut text = String::new();
    let mut add = |name: &str, y: &[f64]| {
        let word = |v: &f64| if v.is_nan() { f64::NAN.to_bits() } else { v.to_bits() };
        let hash = y.iter().fold(0xcbf2_9ce4_8422_2325, |h: u64, v| (h ^ word(v)).wrapping_mul(0x0100_0000_01b3));
        text += &format!("{name}={hash:016x};");
    };
    for (name, f) in UNARY {
        f(&x, &mut y);
        add(name, &y);
    }
    let swapped: Vec<f64> = x.iter().rev().copied().collect();
    slice::pow(&x, &swapped, &mut y);
    add("pow", &y);
    let positive: Vec<f64> = x.iter().map(|v| v.abs()).collect();
    slice::pow(&positive, &swapped, &mut y);
    add("pow+", &y);
    slice::log_add_exp(&x, &swapped, &mut y);
    add("log_add_exp", &y);
    slice::log_diff_exp(&x, &swapped, &mut y);
    add("log_diff_exp", &y);
    slice::powi(&x, -7, &mut y);
    add("powi", &y);
    add("log_sum_exp", &[math::log_sum_exp(&x[..40_001])]);
    text
}

/// Prints the fingerprint, for the test below, which runs this one in processes of its own.
#[test]
fn fingerprint_of_this_instruction_set() {
    println!("\nfingerprint {:?} {}", gibbsite::simd::isa(), fingerprint());
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    let program = std::env::current_exe().expect("a test knows its program");
    let run = |isa: &str| {
        let output = std::process::Command::new(&program)
            .args(["--exact", "fingerprint_of_this_instruction_set", "--nocapture"])
            .env("GIBBSITE_ISA", isa)
            .output()
            .expect("the test program starts again");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = text.lines().find_map(|l| l.strip_prefix("fingerprint ")).expect("a fingerprint line").to_owned();
        let (used, hashes) = line.split_once(' ').expect("two words");
        println!("{isa}: ran as {used}");
        hashes.to_owned()
    };
    let scalar = run("scalar");
    assert_eq!(scalar, run("avx2"));
    assert_eq!(scalar, run("avx512"));
}

#[test]
fn slices_give_the_bits_of_the_scalar_functions() {
    let x = points(-20.0, 20.0, 131);
    let mut y = vec![0.0; x.len()];
    let scalars: [(Slice, Scalar); 13] = [
        (slice::exp, math::exp),
        (slice::exp_m1, math::exp_m1),
        (slice::ln, math::ln),
        (slice::ln_1p, math::ln_1p),
        (slice::sinh, math::sinh),
        (slice::cosh, math::cosh),
        (slice::tanh, math::tanh),
        (slice::erf, math::erf),
        (slice::softplus, math::softplus),
        (slice::logistic, math::logistic),
        (slice::sin, math::sin),
        (slice::cos, math::cos),
        (slice::tan, math::tan),
    ];
    for (i, (f, g)) in scalars.into_iter().enumerate() {
        f(&x, &mut y);
        for (x, y) in x.iter().zip(&y) {
            assert_eq!(ulps(*y, g(*x)), 0, "{} at {x:e}", UNARY[i].0);
        }
    }
}
