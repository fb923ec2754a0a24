//! Are the landscapes that samplers are judged on what they say? Gradients, batches, truths against quadrature and exact
//! draws, posteriors against the references of posteriordb.

use gibbsite::energy::formula::Formula;
use gibbsite::energy::{Differentiable, Energy};
use gibbsite::kernel::Hmc;
use gibbsite::kernel::grid::Grid;
use gibbsite::logz::{Options, quadrature};
use gibbsite::points::{Matrix, Points, Support};
use gibbsite::rng::{Purpose, Run, Streams};
use gibbsite::run::{RunOptions, initial_points_with_gradient, sample};

mod targets;
use targets::{Score, Target, many_well};

fn all() -> Vec<Target> {
    targets::analytic().into_iter().chain(targets::posteriors()).collect()
}

/// `n` states where Stan would start, U(-2, 2) on the whole line, in the coordinates of the energy.
fn scattered(target: &Target, n: usize) -> Points {
    let mut rng = Streams::new(5, Run::Probe);
    let u = rng.uniforms(Purpose::Init, n, target.dim());
    target
        .unconstrained()
        .to_inner(&Points::from_real(Matrix::from_fn(n, target.dim(), |i, j| 4.0 * u.col(j)[i] - 2.0)))
}

fn value(energy: &dyn Differentiable, x: &Points) -> Vec<f64> {
    let mut e = vec![f64::NAN; x.n()];
    energy.energy(x, &mut e);
    e
}

/// Energies and gradients, written over NaN so that what is not written shows.
fn value_grad(energy: &dyn Differentiable, x: &Points) -> (Vec<f64>, Matrix<f64>) {
    let mut e = vec![f64::NAN; x.n()];
    let mut grad = Matrix::from_fn(x.n(), x.dim(), |_, _| f64::NAN);
    energy.energy_grad(x, &mut e, &mut grad);
    (e, grad)
}

#[test]
fn gradients_agree_with_differences() {
    for target in all() {
        let x = scattered(&target, 6);
        let (e, grad) = value_grad(&*target.energy, &x);
        for j in 0..target.dim() {
            let h: Vec<f64> = x.real.col(j).iter().map(|v| 1e-4 * v.abs().min(1.0)).collect();
            // Central differences over the distances as they are after rounding.
            let slope = |k: f64| -> Vec<f64> {
                let [up, down] = [k, -k].map(|k| {
                    let mut moved = x.clone();
                    moved.real.col_mut(j).iter_mut().zip(&h).for_each(|(v, h)| *v += k * h);
                    moved
                });
                let (e_up, e_down) = (value(&*target.energy, &up), value(&*target.energy, &down));
                (0..x.n()).map(|i| (e_up[i] - e_down[i]) / (up.real.get(i, j) - down.real.get(i, j))).collect()
            };
            let (near, far) = (slope(1.0), slope(2.0));
            for i in 0..x.n() {
                // Fourth order.
                let difference = (4.0 * near[i] - far[i]) / 3.0;
                let g = grad.get(i, j);
                let rounding = 20.0 * f64::EPSILON * (e[i].abs() + 100.0) / h[i];
                let error = (g - difference).abs();
                assert!(error < 1e-6 * g.abs() + rounding, "{} dE/dx{}: {g}, not {difference}", target.name, j + 1);
            }
        }
    }
}

#[test]
fn rows_of_a_batch_are_batches_of_one() {
    for target in all() {
        let x = scattered(&target, 13);
        let (e, grad) = value_grad(&*target.energy, &x);
        assert_eq!(e, value(&*target.energy, &x), "{}", target.name);
        for i in 0..x.n() {
            let (one, slope) = value_grad(&*target.energy, &x.rows(i, 1));
            assert!((one[0] - e[i]).abs() <= 1e-12 * e[i].abs(), "{}: {} {}", target.name, one[0], e[i]);
            let size = slope.as_slice().iter().fold(0.0, |a: f64, b| a.max(b.abs()));
            for j in 0..x.dim() {
                assert!((slope.get(0, j) - grad.get(i, j)).abs() <= 1e-12 * size, "{} {i} {j}", target.name);
            }
        }
    }
}

#[test]
fn states_outside_the_support_have_infinite_energy() {
    for target in all() {
        for (j, support) in target.energy.space().reals.iter().enumerate().filter(|(_, s)| **s != Support::Real) {
            let mut x = scattered(&target, 1);
            x.real.set(0, j, support.lower() - 0.5);
            assert_eq!(value(&*target.energy, &x), [f64::INFINITY], "{}", target.name);
        }
    }
}

fn judge(target: &Target, scores: &[Score], limit: f64) {
    let worst = scores.iter().map(|s| s.z.abs()).fold(0.0, f64::max);
    let mean_square = scores.iter().map(|s| s.z * s.z).sum::<f64>() / scores.len() as f64;
    println!("{}: {} truths, worst |z| {worst:.2}, mean z^2 {mean_square:.2}", target.name, scores.len());
    for score in scores {
        assert!(score.z.abs() < limit, "{}: {score:?}", target.name);
    }
}

/// One well by quadrature, and the reflection by its definition.
#[test]
fn constants_of_the_many_well() {
    let well = Formula::parse("x^4 - 6*x^2 - x/2").unwrap();
    let q = quadrature(&well, &Options::default()).unwrap();
    let mean = |f: &dyn Fn(f64) -> f64| q.w.iter().zip(q.points.real.col(0)).map(|(w, x)| w * f(*x)).sum::<f64>();
    let right = {
        let right = gibbsite::energy::formula::FormulaOptions {
            bounds: vec![("x".into(), 0.0, f64::INFINITY)],
            ..Default::default()
        };
        let right = Formula::with_options("x^4 - 6*x^2 - x/2", &right).unwrap();
        (quadrature(&right, &Options::default()).unwrap().log_z - q.log_z).exp()
    };
    for (name, value, exact) in [
        ("right", right, many_well::RIGHT),
        ("mean", mean(&|x| x), many_well::MEAN),
        ("square", mean(&|x| x * x), many_well::SQUARE),
        ("fourth power", mean(&|x| x.powi(4)), many_well::FOURTH),
        ("log Z", q.log_z, many_well::LOG_Z_WELL),
    ] {
        assert!((value - exact).abs() < 1e-10, "{name}: {value} {exact}");
    }
    let (plain, reflected) = (targets::many_well(), targets::reflected_many_well());
    let x = scattered(&reflected, 5);
    let (a, b) = (value(&*reflected.energy, &x), value(&*plain.energy, &reflect(&x)));
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-10), "{a:?} {b:?}");
    assert!(reflected.energy.parts().is_empty() && !plain.energy.parts().is_empty());
    let modes = reflected.modes.unwrap();
    assert!((modes.weights.iter().sum::<f64>() - 1.0).abs() < 1e-13);
}

fn reflect(x: &Points) -> Points {
    let dim = x.dim();
    let sum = |i: usize| (0..dim).map(|j| x.real.get(i, j)).sum::<f64>();
    Points::from_real(Matrix::from_fn(x.n(), dim, |i, j| x.real.get(i, j) - 2.0 / dim as f64 * sum(i)))
}

/// Rosenbrock's moments by the engine's quadrature.
#[test]
fn moments_of_rosenbrock_by_quadrature() {
    let target = targets::rosenbrock();
    let q = quadrature(&target.energy, &Options::default()).unwrap();
    assert!((q.log_z - target.log_z.unwrap()).abs() < 1e-9);
    for truth in target.truths.iter().filter(|t| !t.name.starts_with("P(")) {
        let value: f64 = (0..q.w.len()).map(|i| q.w[i] * (truth.f)(&q.points.real.row(i))).sum();
        assert!((value - truth.exact).abs() < 1e-7, "{}: {value} {}", truth.name, truth.exact);
    }
}

/// The midpoint rule is exact to rounding for smooth functions, since exp(-E) vanishes at the edges of the box; the
/// edges of the modes cost it digits.
#[test]
fn mueller_brown_on_a_grid() {
    const N: usize = 800;
    let target = targets::mueller_brown();
    let (hx, hy) = (6.0 / N as f64, 5.5 / N as f64);
    let mut sums = vec![0.0; target.truths.len()];
    let mut z = 0.0;
    for i in 0..N {
        let x = -3.5 + hx * (i as f64 + 0.5);
        let column = Points::from_real(Matrix::from_fn(N, 2, |k, j| [x, -2.0 + hy * (k as f64 + 0.5)][j]));
        for (k, e) in value(&*target.energy, &column).into_iter().enumerate() {
            let w = (-e).exp();
            z += w;
            let state = [x, column.real.get(k, 1)];
            sums.iter_mut().zip(&target.truths).for_each(|(sum, truth)| *sum += w * (truth.f)(&state));
        }
    }
    assert!(((z * hx * hy).ln() - target.log_z.unwrap()).abs() < 1e-10);
    for (sum, truth) in sums.iter().zip(&target.truths) {
        let tolerance = if truth.name.starts_with("P(") { 1e-5 } else { 1e-10 };
        assert!((sum / z - truth.exact).abs() < tolerance, "{}: {} {}", truth.name, sum / z, truth.exact);
    }
    assert!((target.modes.unwrap().weights.iter().sum::<f64>() - 1.0).abs() < 1e-11);
}

const N_CHAINS: usize = 64;
const N_DRAWS: usize = 250;
const N: usize = N_CHAINS * N_DRAWS;

/// Independent draws of a target by its definition.
fn exact_draws(target: &Target) -> Points {
    let d = target.dim();
    let mut rng = Streams::new(17, Run::Data);
    let uniform = rng.uniforms(Purpose::Choice, N, 2);
    let u = Matrix::from_fn(N, 2, |i, j| uniform.col(j)[i]);
    let normals = rng.normals(Purpose::Init, N, d);
    let z = Matrix::from_fn(N, d, |i, j| f64::from(normals.col(j)[i]));
    let made = |f: &dyn Fn(usize, usize) -> f64| Points::from_real(Matrix::from_fn(N, d, f));
    match target.name {
        "funnel" => made(&|i, j| {
            let v = 3.0 * z.get(i, 0);
            if j == 0 { v } else { (0.5 * v).exp() * z.get(i, j) }
        }),
        "rosenbrock" => made(&|i, j| {
            let x = 1.0 + 0.5f64.sqrt() * z.get(i, 0);
            if j == 0 { x } else { x * x + 0.005f64.sqrt() * z.get(i, 1) }
        }),
        "many-well" => wells(&z),
        "reflected many-well" => reflect(&wells(&z)),
        "25-gaussians" => made(&|i, j| 2.0 * ((5.0 * u.get(i, j)).floor() - 2.0) + 0.05 * z.get(i, j)),
        "mueller-brown" => Grid::new(&target.energy).unwrap().sample(N, 3).unwrap(),
        "ill-conditioned" => whitened(&*target.energy, &z),
        "student-t" => made(&|i, j| z.get(i, j) / (-(1.0 - u.get(i, 0)).ln()).sqrt()),
        "bimodal" => made(&|i, j| {
            let centre = if u.get(i, 0) < 0.3 { -10.0 } else { 10.0 };
            z.get(i, j) + if j == 0 { centre } else { 0.0 }
        }),
        name => panic!("no exact draws of {name}"),
    }
}

/// Wells by inversion of their distribution function; the other coordinates are normal.
fn wells(z: &Matrix<f64>) -> Points {
    let well = Formula::parse("x^4 - 6*x^2 - x/2").unwrap();
    let grid = Grid::new(&well).unwrap();
    let wells = grid.sample(N * z.n_cols() / 2, 7).unwrap();
    let well = |i: usize, j: usize| wells.real.get(j / 2 * N + i, 0);
    Points::from_real(Matrix::from_fn(N, z.n_cols(), |i, j| if j % 2 == 0 { well(i, j) } else { z.get(i, j) }))
}

/// `x = L'^-1 z` for the precision L L', whose columns are the gradients at unit vectors.
fn whitened(energy: &dyn Differentiable, z: &Matrix<f64>) -> Points {
    let d = z.n_cols();
    let unit = Points::from_real(Matrix::from_fn(d, d, |i, j| if i == j { 1.0 } else { 0.0 }));
    let (_, precision) = value_grad(energy, &unit);
    let mut chol = Matrix::<f64>::new(d, d);
    for j in 0..d {
        for i in j..d {
            let rest = precision.get(i, j) - (0..j).map(|k| chol.get(i, k) * chol.get(j, k)).sum::<f64>();
            chol.set(i, j, if i == j { rest.sqrt() } else { rest / chol.get(j, j) });
        }
    }
    let mut x = z.clone();
    for j in (0..d).rev() {
        for k in j + 1..d {
            let l = chol.get(k, j);
            let from = x.col(k).to_vec();
            x.col_mut(j).iter_mut().zip(&from).for_each(|(x, from)| *x -= l * from);
        }
        let pivot = chol.get(j, j);
        x.col_mut(j).iter_mut().for_each(|x| *x /= pivot);
    }
    Points::from_real(x)
}

/// The truths hold for exact draws, and so do the identities that tie these draws to the energy: integration by parts gives
/// `E[dE/dx_j] = 0` and `E[x_j dE/dx_j] = 1` (Stein 1972).
#[test]
fn exact_draws_have_the_truths() {
    for target in targets::analytic() {
        let x = exact_draws(&target);
        let rows: Vec<f64> =
            (0..N).flat_map(|i| (0..x.dim()).map(move |j| (i, j))).map(|(i, j)| x.real.get(i, j)).collect();
        judge(&target, &target.scores_of(&rows, N_DRAWS), 4.5);
        let (_, grad) = value_grad(&*target.energy, &x);
        let mut worst = 0.0f64;
        for j in 0..x.dim() {
            for power in [0, 1] {
                let f = |i: usize| grad.get(i, j) * x.real.get(i, j).powi(power) - f64::from(power);
                let mean = (0..N).map(f).sum::<f64>() / N as f64;
                let square = (0..N).map(|i| f(i).powi(2)).sum::<f64>() / N as f64;
                worst = worst.max((mean / (square / N as f64).sqrt()).abs());
            }
        }
        assert!(worst < 4.5, "{}: integration by parts is off by {worst} standard errors", target.name);
        // What is wrong must show.
        let shifted: Vec<f64> = rows[..rows.len() / 8].iter().map(|x| 1.1 * x + 0.1).collect();
        let scores = target.scores_of(&shifted, N_DRAWS);
        assert!(scores.iter().any(|s| !(s.z.abs() < 4.5)), "{}", target.name);
    }
}

/// Hamiltonian chains on a model written here against Stan's reference draws.
fn agrees_with_posteriordb(target: Option<Target>, n_leapfrog: usize, n_warmup: usize, move_to: impl Fn(&mut Points)) {
    let Some(target) = target else { return };
    let energy = target.unconstrained();
    let mut start = energy.to_inner(&initial_points_with_gradient(&energy, N_CHAINS, 1).unwrap());
    move_to(&mut start);
    let options = RunOptions { n_draws: N_DRAWS, n_warmup, seed: 2, block: 64, ..RunOptions::default() };
    let mut draws =
        sample(&energy, &Hmc::new(0.1, n_leapfrog), energy.to_outer(&start), &options, &|_| {}).unwrap().draws;
    energy.draws_to_inner(&mut draws);
    let scores = target.scores(&draws);
    for s in &scores {
        println!("{:>12} {:+.5} +- {:.5}, z {:+.2}", s.name, s.estimate, s.mcse, s.z);
    }
    judge(&target, &scores, 5.0);
}

#[test]
fn eight_schools_agrees_with_posteriordb() {
    agrees_with_posteriordb(targets::eight_schools(), 16, 400, |_| {});
}

#[test]
fn ar_k_agrees_with_posteriordb() {
    agrees_with_posteriordb(targets::ar_k(), 16, 400, |_| {});
}

#[test]
fn gp_regr_agrees_with_posteriordb() {
    agrees_with_posteriordb(targets::gp_regr(), 16, 200, |_| {});
}

#[test]
fn kidiq_agrees_with_posteriordb() {
    agrees_with_posteriordb(targets::kidiq(), 16, 400, |_| {});
}

#[test]
fn sblrc_agrees_with_posteriordb() {
    agrees_with_posteriordb(targets::sblrc(), 16, 400, |_| {});
}

/// Started between the clusters: from afar one chain in 64 is caught where one broad Gaussian explains all points, a mode of
/// no weight that chains do not leave.
#[test]
fn gauss_mix_agrees_with_posteriordb() {
    agrees_with_posteriordb(targets::gauss_mix(), 8, 100, |x| {
        for (j, centre) in [-2.0, 4.0, 1.0, 1.0, 0.5].into_iter().enumerate() {
            for (i, v) in x.real.col_mut(j).iter_mut().enumerate() {
                *v = centre * (1.0 + 0.003 * (i as f64 - 32.0));
            }
        }
    });
}

/// 20 standard deviations apart, chains stay in the mode they start from: half of them is not 0.3.
#[test]
fn shares_of_modes_are_counted() {
    let target = targets::bimodal();
    let side = |i: usize| if i.is_multiple_of(2) { -10.0 } else { 10.0 };
    let start = Points::from_real(Matrix::from_fn(16, 4, |i, j| if j == 0 { side(i) } else { 0.0 }));
    let options = RunOptions { n_draws: 50, n_warmup: 50, ..RunOptions::default() };
    let draws = sample(&target.energy, &Hmc::new(0.5, 4), start, &options, &|_| {}).unwrap().draws;
    let modes = target.modes.unwrap();
    assert_eq!(modes.shares(&draws), [0.5, 0.5]);
    assert_eq!(modes.weights.len(), 2);
}
