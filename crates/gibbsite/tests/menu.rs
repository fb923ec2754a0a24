//! Every energy of the menu: its gradient against differences, its log Z against its closed form and the references.

#![allow(clippy::type_complexity)] // tables of references

use gibbsite::energy::menu::{MENU, MenuEnergy, find};
use gibbsite::energy::{Differentiable, Energy};
use gibbsite::logz::{self, LogZError, Options, quadrature};
use gibbsite::points::{Matrix, Points, Support};
use gibbsite::rng::{Purpose, Run, Streams};
use gibbsite::uses::density::Thermodynamics;

#[track_caller]
fn make(name: &str, params: &[(&str, f64)]) -> MenuEnergy {
    let given: Vec<(String, f64)> = params.iter().map(|(n, v)| (n.to_string(), *v)).collect();
    find(name).unwrap().build(&given).unwrap()
}

/// `n` points inside the support, within 3 of the origin where it is unbounded.
fn inside(energy: &impl Energy, n: usize) -> Points {
    let space = energy.space();
    let mut rng = Streams::new(11, Run::Probe);
    let u = rng.uniforms(Purpose::Init, n, space.dim());
    Points::from_real(Matrix::from_fn(n, space.dim(), |i, j| {
        let t = u.col(j)[i];
        match space.reals[j] {
            Support::Real => 6.0 * t - 3.0,
            Support::Interval(a, b) => a + (b - a) * (0.001 + 0.998 * t),
            Support::Above(a) => a + 0.01 + 3.0 * t,
            Support::Below(b) => b - 0.01 - 3.0 * t,
        }
    }))
}

/// Largest error of `grad` at `x` against central differences of fourth order, relative to the gradient, once the rounding
/// of the differences themselves is taken off.
fn worst_gradient_error(energy: &impl Energy, x: &Points, grad: &Matrix<f64>) -> f64 {
    let n = x.n();
    let mut worst = 0.0f64;
    for j in 0..x.dim() {
        let h: Vec<f64> = x.real.col(j).iter().map(|v| 1e-5 * v.abs().max(1.0)).collect();
        let at = |k: f64| {
            let mut moved = x.clone();
            moved.real.col_mut(j).iter_mut().zip(&h).for_each(|(v, h)| *v += k * h);
            let mut e = vec![0.0; n];
            energy.energy(&moved, &mut e);
            (moved.real.col(j).to_vec(), e)
        };
        let [near, far] = [1.0, 2.0].map(|k| (at(k), at(-k)));
        for i in 0..n {
            // The distances as they are after rounding.
            let slope =
                |((xp, ep), (xm, em)): &((Vec<f64>, Vec<f64>), (Vec<f64>, Vec<f64>))| (ep[i] - em[i]) / (xp[i] - xm[i]);
            let difference = (4.0 * slope(&near) - slope(&far)) / 3.0;
            let size = near.0.1[i].abs().max(energy_scale(energy, x, i));
            let rounding = 8.0 * f64::EPSILON * size / h[i];
            let g = grad.get(i, j);
            let error = ((g - difference).abs() - rounding).max(0.0) / g.abs().max(1e-3);
            worst = worst.max(if error.is_nan() { f64::INFINITY } else { error });
        }
    }
    worst
}

/// Sums of many terms round as their largest terms do: a generous guess from the dimension and the size of x.
fn energy_scale(energy: &impl Energy, x: &Points, i: usize) -> f64 {
    let square: f64 = x.real.row(i).iter().map(|v| v * v).sum();
    20.0 * (1.0 + square) + energy.space().dim() as f64
}

#[test]
fn gradients_agree_with_differences() {
    for entry in MENU {
        let energy = entry.build(&[]).unwrap().formula;
        let x = inside(&energy, 200);
        let (mut e, mut grad) = (vec![0.0; 200], Matrix::new(200, x.dim()));
        energy.energy_grad(&x, &mut e, &mut grad);
        assert!(e.iter().all(|e| e.is_finite()), "{}", entry.name);
        let worst = worst_gradient_error(&energy, &x, &grad);
        println!("{:18} {} dimensions, worst relative error {worst:.1e}", entry.name, x.dim());
        assert!(worst < 1e-6, "{}: {worst:.1e}", entry.name);
        // A gradient that is off by 1e-5 at one point must fail.
        let wrong = grad.get(7, 0) * (1.0 + 1e-5) + 1e-5;
        grad.set(7, 0, wrong);
        assert!(worst_gradient_error(&energy, &x, &grad) > 1e-6, "{}: the check is blind", entry.name);
    }
}

#[track_caller]
fn log_z_of(name: &str, made: &MenuEnergy) -> f64 {
    let t = std::time::Instant::now();
    let z = logz::log_z(&made.formula, &Options::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
    println!("{name:18} {:.15} claimed {:.1e}, {:.1} ms", z.value, z.std_err, t.elapsed().as_secs_f64() * 1e3);
    z.value
}

#[test]
fn closed_forms_agree_with_quadrature() {
    type Params = &'static [(&'static str, f64)];
    let others: [(&str, Params); 12] = [
        ("gaussian", &[("d", 2.0), ("condition", 50.0)]),
        ("gaussian-mixture", &[("m", 3.0), ("s", 0.2), ("w", 0.3)]),
        ("many-well", &[("d", 2.0)]),
        ("funnel", &[("d", 2.0)]),
        ("funnel", &[("d", 2.0), ("s", 1.5)]),
        ("rosenbrock", &[("a", 7.0)]),
        ("banana", &[("b", 0.1), ("s", 2.0)]),
        ("banana", &[("b", -0.05), ("s", 5.0)]),
        ("8-gaussians", &[("r", 2.0), ("s", 0.1)]),
        ("25-gaussians", &[("a", 1.0), ("s", 0.2)]),
        ("checkerboard", &[("k", 3.0)]),
        ("checkerboard", &[("k", 0.1)]),
    ];
    let mut seen = 0;
    for (name, params) in MENU.iter().map(|e| (e.name, &[] as Params)).chain(others) {
        let made = make(name, params);
        let Some(closed) = made.log_z.filter(|_| made.formula.space().dim() <= 2) else { continue };
        let value = log_z_of(name, &made);
        assert!((value - closed).abs() < 1e-8, "{name} {params:?}: {value} by quadrature, {closed} in closed form");
        seen += 1;
    }
    // The default of many-well and of the funnel has more dimensions.
    assert!(seen >= 18, "{seen}");
}

#[test]
fn references_hold() {
    let quartic: f64 = 2.149_705_928_590_595_6;
    let table: [(&str, &[(&str, f64)], f64); 17] = [
        ("quartic", &[], quartic.ln()),
        ("many-well", &[("d", 2.0)], 10.293_479_707_073_868),
        ("funnel", &[("d", 2.0)], 0.0),
        ("funnel", &[("d", 3.0)], 0.0),
        ("rosenbrock", &[], -1.157_855_207_144_645_5),
        ("ring", &[], 1.840_524_867_739_863_3),
        ("ring", &[("r", 3.0), ("sigma", 0.1)], 1.552_842_795_288_082_3),
        ("mueller-brown", &[("beta", 0.05)], 5.366_133_242_308_76),
        ("mueller-brown", &[], 11.729_590_558_342_2),
        ("himmelblau", &[], -0.898_679_212),
        ("rastrigin", &[("d", 1.0)], -1.484_564_850),
        ("rastrigin", &[], -1.484_564_850 * 2.0),
        ("styblinski-tang", &[("d", 1.0)], 38.318_415_031),
        ("styblinski-tang", &[], 38.318_415_031 * 2.0),
        ("styblinski-tang", &[("d", 3.0)], 38.318_415_031 * 3.0),
        ("checkerboard", &[], 3.465_735_902_799_726_5),
        // 4 (x^2 - 1)^2
        ("double-well", &[("h", 4.0)], -0.053_571_853_615_895_06),
    ];
    for (name, params, expected) in table {
        let value = log_z_of(name, &make(name, params));
        assert!((value - expected).abs() < 1e-8, "{name} {params:?}: {value} instead of {expected}");
    }
}

#[test]
fn rastrigin_in_three_dimensions() {
    let value = log_z_of("rastrigin", &make("rastrigin", &[("d", 3.0)]));
    assert!((value + 1.484_564_850 * 3.0).abs() < 1e-8, "{value}");
}

#[test]
fn closed_forms_in_many_dimensions() {
    for (d, expected) in [(32.0, 164.695_675_313_181_89), (64.0, 329.391_350_626_36)] {
        let closed = make("many-well", &[("d", d)]).log_z.unwrap();
        assert!((closed - expected).abs() < 1e-10, "{closed}");
    }
    assert_eq!(make("funnel", &[("d", 50.0)]).log_z, Some(0.0));
}

#[test]
fn reference_moments_hold() {
    let q = quadrature(&make("quartic", &[]).formula, &Options::default()).unwrap();
    // The variance by Simpson's rule with 240,000 intervals.
    assert!((q.sd()[0].powi(2) - 0.615_527_185_732_955).abs() < 1e-12);
    for (name, entropy) in [("8-gaussians", 2.831_880_406_1), ("25-gaussians", 0.065_288_344_2)] {
        let found = logz::integrate(&make(name, &[]).formula, &Options::default()).unwrap();
        let found = Thermodynamics::from(&found).entropy;
        assert!((found - entropy).abs() < 1e-8, "{name}: {found} instead of {entropy}");
    }
}

/// Its line integrals are all equal, so that nothing but the energy itself shows where the nodes are too few.
#[test]
fn mean_energy_of_the_checkerboard() {
    let energy = make("checkerboard", &[]).formula;
    let found = logz::integrate(&energy, &Options::default()).unwrap();
    let n = 1000;
    let ends: Vec<(f64, f64)> = energy.space().reals.iter().map(|s| (s.lower(), s.upper())).collect();
    let at = |k: usize, j: usize| ends[j].0 + (ends[j].1 - ends[j].0) * (k as f64 + 0.5) / n as f64;
    let x = Points::from_real(Matrix::from_fn(n * n, 2, |i, j| at([i / n, i % n][j], j)));
    let mut e = vec![0.0; n * n];
    energy.energy(&x, &mut e);
    let (z, ze) = e.iter().fold((0.0, 0.0), |(z, ze), e| (z + (-e).exp(), ze + e * (-e).exp()));
    assert!((found.mean_energy - ze / z).abs() < 1e-3, "{} instead of {}", found.mean_energy, ze / z);
}

#[test]
fn ackley_is_no_model() {
    for d in [1.0, 2.0, 3.0] {
        let made = make("ackley", &[("d", d)]);
        let result = logz::log_z(&made.formula, &Options::default());
        let Err(LogZError::Diverges { direction }) = result else { panic!("{d}: {result:?}") };
        assert_eq!(direction.len(), d as usize);
    }
}
