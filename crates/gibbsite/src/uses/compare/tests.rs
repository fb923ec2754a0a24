//! Closed forms, independent sums, infinite divergences, coverage of the errors.

use super::*;
use crate::energy::formula::{Formula, FormulaOptions};
use crate::logz::{Options, quadrature};
use crate::rng::{Purpose, Run, Streams};
use crate::run::auto::{AutoOptions, auto};

fn formula(text: &str) -> Formula {
    Formula::parse(text).unwrap()
}

fn bounded(text: &str, lower: f64, upper: f64) -> Formula {
    let options = FormulaOptions { bounds: vec![("x".into(), lower, upper)], ..FormulaOptions::default() };
    Formula::with_options(text, &options).unwrap()
}

fn exactly(a: &Formula, b: &Formula) -> (Means, Means, Comparison) {
    let [qa, qb] = [a, b].map(|e| quadrature(e, &Options::default()).unwrap());
    let z = |q: &Quadrature| LogZ::exact(q.log_z, q.error, "quadrature", q.n_evals);
    let (ma, mb) = (Means::by_quadrature(a, b, &qa).unwrap(), Means::by_quadrature(b, a, &qb).unwrap());
    let c = Comparison::new(&ma, &z(&qa), &mb, &z(&qb));
    (ma, mb, c)
}

/// The value is right to `tol`, and its error says so.
fn near(e: Estimate, truth: f64, tol: f64) {
    assert!((e.value - truth).abs() <= tol && e.std_err < 1e3 * tol, "{e:?}, not {truth}");
    assert!((e.value - truth).abs() <= 10.0 * e.std_err, "{e:?} does not cover {truth}");
}

/// Determinant and inverse by elimination without pivots, of a positive definite matrix.
fn invert<const D: usize>(p: [[f64; D]; D]) -> (f64, [[f64; D]; D]) {
    let (mut m, mut inverse, mut det) = (p, [[0.0; D]; D], 1.0);
    (0..D).for_each(|i| inverse[i][i] = 1.0);
    for k in 0..D {
        let pivot = m[k][k];
        det *= pivot;
        for j in 0..D {
            m[k][j] /= pivot;
            inverse[k][j] /= pivot;
        }
        for i in (0..D).filter(|&i| i != k) {
            let f = m[i][k];
            for j in 0..D {
                m[i][j] -= f * m[k][j];
                inverse[i][j] -= f * inverse[k][j];
            }
        }
    }
    (det, inverse)
}

/// A Gaussian by its mean and its precision matrix.
struct Normal<const D: usize>([f64; D], [[f64; D]; D]);

impl<const D: usize> Normal<D> {
    fn kl(&self, other: &Self) -> f64 {
        let ((det, covariance), (det_other, _)) = (invert(self.1), invert(other.1));
        let mut twice = (det / det_other).ln() - D as f64;
        for i in 0..D {
            for j in 0..D {
                let d = (other.0[i] - self.0[i]) * (other.0[j] - self.0[j]);
                twice += other.1[i][j] * (covariance[j][i] + d);
            }
        }
        0.5 * twice
    }

    fn log_z(&self) -> f64 {
        0.5 * (D as f64 * (2.0 * std::f64::consts::PI).ln() - invert(self.1).0.ln())
    }
}

#[test]
fn gaussians_have_the_closed_form() {
    let (a, b) = (Normal([0.0], [[1.0]]), Normal([0.7], [[1.0 / 4.0]]));
    let (ma, mb, c) = exactly(&formula("x^2/2"), &formula("(x-0.7)^2/8"));
    assert!(ma.exact && mb.exact && ma.trusted && mb.trusted);
    near(c.kl_ab, a.kl(&b), 1e-11);
    near(c.kl_ba, b.kl(&a), 1e-11);
    near(c.jeffreys, a.kl(&b) + b.kl(&a), 1e-11);
    near(c.free_energy_difference, -a.log_z() + b.log_z(), 1e-11);
    near(c.entropy_a, 0.5 + a.log_z(), 1e-11);
    near(c.entropy_difference, a.log_z() - b.log_z(), 1e-11);
    near(c.mean_energy_b, 0.5, 1e-11);

    let (a, b) = (Normal([0.0, 0.0], [[1.0, 0.6], [0.6, 1.0]]), Normal([0.5, -1.0], [[2.0, -0.5], [-0.5, 0.8]]));
    let ea = formula("0.5*x^2+0.6*x*y+0.5*y^2");
    let eb = formula("(x-0.5)^2-0.5*(x-0.5)*(y+1)+0.4*(y+1)^2");
    let (_, _, c) = exactly(&ea, &eb);
    near(c.kl_ab, a.kl(&b), 1e-9);
    near(c.kl_ba, b.kl(&a), 1e-9);
    near(c.entropy_b, 1.0 + b.log_z(), 1e-9);
}

#[test]
fn energies_that_differ_by_a_constant_are_one_model() {
    for (a, b) in [("x^4-2*x^2+0.3*x", "x^4-2*x^2+0.3*x+7.25"), ("x^2*y^2+x^2+y^2", "3+x^2*y^2+x^2+y^2")] {
        let (ma, _, c) = exactly(&formula(a), &formula(b));
        for e in [c.kl_ab, c.kl_ba, c.jeffreys, c.entropy_difference] {
            assert!(e.value.abs() < 1e-12, "{a} and {b}: {c:?}");
        }
        assert!(ma.trusted && ma.infinite.is_none());
    }
    // In three dimensions one way, and with a loose tolerance: both have the same nodes.
    let (a, b) = (formula("x^2+y^2+z^2+x*y+y*z"), formula("x^2+y^2+z^2+x*y+y*z-2"));
    let [qa, qb] = [&a, &b].map(|e| quadrature(e, &Options { tol: Some(1e-3) }).unwrap());
    let means = Means::by_quadrature(&a, &b, &qa).unwrap();
    assert!((means.excess.value + qb.log_z - qa.log_z).abs() < 1e-12 && means.trusted, "{means:?}");
}

#[test]
fn a_gaussian_beside_a_double_well_by_a_plain_sum() {
    let (ea, eb) = (|x: f64| x * x / 2.0, |x: f64| (x * x - 2.0).powi(2) + 0.3 * x);
    let (n, h) = (200_001, 1e-4);
    let at = |i: usize| -10.0 + h * i as f64;
    let z = |e: &dyn Fn(f64) -> f64| (0..n).map(|i| h * (-e(at(i))).exp()).sum::<f64>();
    let (za, zb) = (z(&ea), z(&eb));
    let kl = |p: &dyn Fn(f64) -> f64, zp: f64, q: &dyn Fn(f64) -> f64, zq: f64| {
        (0..n).map(|i| h * (-p(at(i))).exp() / zp * (q(at(i)) - p(at(i)) + (zq / zp).ln())).sum::<f64>()
    };
    let (_, _, c) = exactly(&formula("x^2/2"), &formula("(x^2-2)^2+0.3*x"));
    near(c.kl_ab, kl(&ea, za, &eb, zb), 1e-10);
    near(c.kl_ba, kl(&eb, zb, &ea, za), 1e-10);
}

#[test]
fn what_one_model_excludes_makes_the_divergence_infinite() {
    let (ma, mb, c) = exactly(&formula("x^2/2"), &bounded("x^2/2", 0.0, f64::INFINITY));
    let Some(Infinite::Outside { probability }) = ma.infinite else { panic!("{ma:?}") };
    assert!((probability - 0.5).abs() < 1e-9);
    assert!(c.kl_ab.value == f64::INFINITY && c.kl_ab.std_err.is_nan() && c.jeffreys.value == f64::INFINITY);
    assert!(mb.infinite.is_none());
    near(c.kl_ba, 2f64.ln(), 1e-11);
    // The probability beyond 60 is below the smallest number, but not zero.
    let (ma, mb, _) = exactly(&formula("x^2/2"), &bounded("x^2/2", -60.0, 60.0));
    assert_eq!((ma.infinite, mb.infinite), (Some(Infinite::Beyond { axis: 0 }), None));
    // A wall in a formula is no support, but has no mass beyond it either.
    let walled = formula("x^2/2 + exp(max(0,20*(abs(x)-30))^2)-1");
    let (ma, _, _) = exactly(&walled, &bounded("x^2/2", -60.0, 60.0));
    assert_eq!(ma.infinite, None);
    // Student's t with three degrees of freedom has no fourth moment.
    let (ma, mb, c) = exactly(&formula("2*log(1+x^2)"), &formula("x^4"));
    assert_eq!((ma.infinite, mb.infinite), (Some(Infinite::Diverges), None));
    assert!(c.kl_ba.value > 0.0 && c.kl_ba.std_err < 1e-9, "{c:?}");
}

#[test]
fn undefined_energies_are_refused_with_the_point() {
    let q = quadrature(&formula("x^2"), &Options::default()).unwrap();
    let found = Means::by_quadrature(&formula("x^2"), &formula("x^2+log(x)"), &q);
    assert!(matches!(found, Err(CompareError::Undefined { point }) if point[0] < 0.0));
    let draws = Draws::from_parts(1, 3, 1, vec![1.0, 0.0, 2.0], vec![1.0, 0.0, 4.0]);
    let found = Means::over_draws(&formula("x^2"), &formula("x^2+log(abs(x))"), &draws);
    assert_eq!(found, Err(CompareError::Unbounded { point: vec![0.0] }));
}

#[test]
fn tails_without_a_variance_are_not_trusted() {
    // Independent draws of Student's t with two degrees of freedom: x^2 has no mean.
    let mut rng = Streams::new(3, Run::Draws);
    let u = rng.uniforms(Purpose::Init, 20_000, 1);
    let t = |u: f64| (2.0 * u - 1.0) / (2.0 * u * (1.0 - u)).sqrt();
    let x: Vec<f64> = u.col(0).iter().map(|u| t(*u)).collect();
    let draws = Draws::from_parts(20, 1000, 1, x, vec![0.0; 20_000]);
    let own = formula("1.5*log(1+x^2/2)");
    assert!(!Means::over_draws(&own, &formula("x^2/2"), &draws).unwrap().trusted);
    let light = Means::over_draws(&own, &formula("log(1+x^2)"), &draws).unwrap();
    assert!(light.trusted && light.excess.std_err < 0.01, "{light:?}");
    // Equal energies, written differently: the mean is their constant.
    let same = Means::over_draws(&own, &formula("1+1.5*log((2+x^2)/2)"), &draws).unwrap();
    assert!((same.excess.value - 1.0).abs() < 1e-12 && same.excess.std_err < 1e-12, "{same:?}");
}

#[test]
fn energies_fall_apart_into_blocks_of_both() {
    let many = |text: &str| {
        Formula::with_options(text, &FormulaOptions { dim: Some(6), ..FormulaOptions::default() }).unwrap()
    };
    // Blocks of both: (x1, x2), (x3, x4), (x5), (x6).
    let a = many("sum(i,1..d,x[i]^2)/2 + 0.6*x1*x2 + 2");
    let b = many("sum(i,1..d,(x[i]-0.5)^2) + 0.4*(x3-0.5)*(x4-0.5)");
    let precision = |diagonal: f64, off: &[(usize, usize, f64)]| {
        let mut p = [[0.0; 6]; 6];
        (0..6).for_each(|i| p[i][i] = diagonal);
        off.iter().for_each(|&(i, j, v)| (p[i][j], p[j][i]) = (v, v));
        p
    };
    let na = Normal([0.0; 6], precision(1.0, &[(0, 1, 0.6)]));
    let nb = Normal([0.5; 6], precision(2.0, &[(2, 3, 0.4)]));
    let z = |value: f64| LogZ::exact(value, 1e-15, "closed form", 0);
    let (ma, mb) = (Means::exactly(&a, &b).unwrap().unwrap(), Means::exactly(&b, &a).unwrap().unwrap());
    let c = Comparison::new(&ma, &z(na.log_z() - 2.0), &mb, &z(nb.log_z()));
    near(c.kl_ab, na.kl(&nb), 1e-7);
    near(c.kl_ba, nb.kl(&na), 1e-7);
    near(c.mean_energy_a, 5.0, 1e-7);
    // Coordinates that hang together by way of either: four are too many.
    let chained = many("sum(i,1..d,x[i]^2)+x2*x3+x4*x6");
    assert_eq!(parts::blocks(6, [&a.parts(), &chained.parts()]), [vec![0, 1, 2], vec![3, 5], vec![4]]);
    assert_eq!(Means::exactly(&a, &many("sum(i,1..d,x[i]^2)+x2*x3*x4")).unwrap(), None);
    let cut = FormulaOptions { dim: Some(6), bounds: vec![("x5".into(), -60.0, 60.0)], ..FormulaOptions::default() };
    let cut = Formula::with_options("sum(i,1..d,x[i]^2)", &cut).unwrap();
    assert_eq!(Means::exactly(&a, &cut).unwrap().unwrap().infinite, Some(Infinite::Beyond { axis: 4 }));
    let half = FormulaOptions {
        dim: Some(6),
        bounds: vec![("x3".into(), 0.0, f64::INFINITY), ("x6".into(), 0.0, f64::INFINITY)],
        ..FormulaOptions::default()
    };
    let half = Formula::with_options("sum(i,1..d,x[i]^2)", &half).unwrap();
    let Some(Infinite::Outside { probability }) = Means::exactly(&a, &half).unwrap().unwrap().infinite else {
        panic!()
    };
    assert!((probability - 0.75).abs() < 1e-7, "{probability}");
    let found = Means::exactly(&a, &many("sum(i,1..d,x[i]^2)+log(x3)"));
    assert!(matches!(found, Err(CompareError::Undefined { point }) if point.len() == 6 && point[2] < 0.0));
}

#[test]
fn a_tail_that_chains_cut_off_is_seen_from_inside() {
    let mut rng = Streams::new(11, Run::Draws);
    let z: Vec<f64> = rng.normals(Purpose::Init, 32_000, 1).col(0).iter().map(|z| f64::from(*z)).collect();
    // exp(3 z) has all moments, but its mean comes from z near 3; chains that stay below 2.8 miss most of it.
    let cut: Vec<f64> = z.iter().map(|z| (3.0 * z.min(5.6 - z)).exp()).collect();
    assert!(!has_variance(&cut));
    let (squares, cubes): (Vec<f64>, Vec<f64>) = z.iter().map(|z| (z * z, z.abs().powi(3))).unzip();
    assert!(has_variance(&z) && has_variance(&squares) && has_variance(&cubes));
}

#[test]
fn errors_cover_the_truth_over_seeds() {
    let pa = [[1.0, 0.4, 0.0, 0.0], [0.4, 1.0, 0.4, 0.0], [0.0, 0.4, 1.0, 0.4], [0.0, 0.0, 0.4, 1.0]];
    let pb = [[0.7, -0.2, 0.0, 0.0], [-0.2, 0.7, -0.2, 0.0], [0.0, -0.2, 0.7, -0.2], [0.0, 0.0, -0.2, 0.7]];
    let (a, b) = (Normal([0.0; 4], pa), Normal([0.5, 0.0, 0.0, 0.0], pb));
    let ea = formula("0.5*(x1^2+x2^2+x3^2+x4^2)+0.4*(x1*x2+x2*x3+x3*x4)");
    let eb = formula("0.35*((x1-0.5)^2+x2^2+x3^2+x4^2)-0.2*((x1-0.5)*x2+x2*x3+x3*x4)");
    let truth =
        [a.kl(&b), b.kl(&a), a.kl(&b) + b.kl(&a), b.log_z() - a.log_z(), 2.0 + a.log_z(), a.log_z() - b.log_z()];
    let (error, n_seeds) = (0.01, 40);
    let mut rng = Streams::new(5, Run::Probe);
    let noise = rng.normals(Purpose::Init, n_seeds, 2);
    let z = |value: f64| LogZ { std_err: error, ..LogZ::exact(value, 0.0, "with noise", 0) };
    let (mut covered, mut squares) = ([0; 6], [0.0; 6]);
    for seed in 0..n_seeds {
        let options =
            AutoOptions { n_chains: 32, n_draws: 60, n_warmup: Some(120), seed: seed as u64, ..AutoOptions::default() };
        let ra = auto(&ea, &options, &|_| {}).unwrap();
        let rb = auto(&eb, &AutoOptions { seed: 1000 + seed as u64, ..options }, &|_| {}).unwrap();
        let ma = Means::over_draws(&ea, &eb, ra.draws()).unwrap();
        let mb = Means::over_draws(&eb, &ea, rb.draws()).unwrap();
        let noise = |j: usize| error * f64::from(noise.col(j)[seed]);
        let c = Comparison::new(&ma, &z(a.log_z() + noise(0)), &mb, &z(b.log_z() + noise(1)));
        let found = [c.kl_ab, c.kl_ba, c.jeffreys, c.free_energy_difference, c.entropy_a, c.entropy_difference];
        for (k, (e, truth)) in found.iter().zip(truth).enumerate() {
            let off = (e.value - truth) / e.std_err;
            covered[k] += usize::from(off.abs() < 1.96);
            squares[k] += off * off / n_seeds as f64;
        }
    }
    // 38 of 40 are expected; 33 or fewer have a chance of 1 in 70 each, and errors far too large one as small.
    assert!(covered.iter().all(|n| *n >= 34), "{covered:?} {squares:?}");
    assert!(squares.iter().all(|s| (0.5..1.8).contains(s)), "{covered:?} {squares:?}");
}

#[test]
fn likelihoods_of_rows() {
    let z = |value: f64, std_err: f64| LogZ { std_err, ..LogZ::exact(value, 0.0, "given", 0) };
    let (a, b) = ([1.0, 2.0, 3.0], [1.5, 2.0, 4.0]);
    let l = Likelihoods::new(&a, &b, &z(0.5, 0.03), &z(0.25, 0.04));
    assert_eq!((l.n, l.n_zero_a, l.n_zero_b), (3, 0, 0));
    assert_eq!([l.a.value, l.difference.value], [-2.5, 0.25]);
    // The differences 0.5, 0, 1 have the standard deviation 1/2.
    assert!((l.std_err_rows - 0.5 / 3f64.sqrt()).abs() < 1e-15 && (l.std_err_log_z - 0.05).abs() < 1e-15);
    assert!((l.difference.std_err - l.std_err_rows.hypot(0.05)).abs() < 1e-15);
    assert!((l.a.value - l.b.value - l.difference.value).abs() < 1e-15);
    let inf = f64::INFINITY;
    let l = Likelihoods::new(&[1.0, inf], &[1.0, 2.0], &z(0.0, 0.0), &z(0.0, 0.0));
    assert_eq!((l.n_zero_a, l.n_zero_b, l.a.value, l.difference.value), (1, 0, -inf, -inf));
    assert!(Likelihoods::new(&[1.0], &[2.0], &z(0.0, 0.0), &z(0.0, 0.0)).difference.std_err.is_nan());
}
