//! Exact draws by the nodes of the quadrature.

use gibbsite::kernel::grid::Grid;
use gibbsite::logz::{self, Options};
use gibbsite::points::Support;
use gibbsite::rng::{Purpose, Run, Streams};

use crate::energies::{on, real};

/// Kolmogorov-Smirnov distance to a distribution function, times sqrt n.
fn ks(mut x: Vec<f64>, cdf: impl Fn(f64) -> f64) -> f64 {
    let n = x.len() as f64;
    x.sort_by(f64::total_cmp);
    let gap = |(i, x): (usize, &f64)| (cdf(*x) - i as f64 / n).abs().max((cdf(*x) - (i + 1) as f64 / n).abs());
    n.sqrt() * x.iter().enumerate().map(gap).fold(0.0, f64::max)
}

#[test]
fn grid_draws_are_exact() {
    let laplace = real(1, |x| (x[0] - 0.7).abs());
    let cdf = |x: f64| if x < 0.7 { 0.5 * (x - 0.7).exp() } else { 1.0 - 0.5 * (0.7 - x).exp() };
    let n = 40_000;
    let x = Grid::new(&laplace).unwrap().sample(n, 1).unwrap();
    // P(sqrt(n) D > 2.2) = 1e-4.
    assert!(ks(x.real.col(0).to_vec(), cdf) < 2.2);
    assert!(ks(x.real.col(0).to_vec(), |x| cdf(x + 0.05)) > 2.2, "a shifted target must fail");
    // Every draw is F^-1 of the uniform of its stream.
    let mut streams = Streams::new(1, Run::Draws);
    let u = streams.uniforms(Purpose::Proposal, 256, 1);
    let worst = (0..256).map(|i| (cdf(x.real.get(i, 0)) - u.col(0)[i]).abs()).fold(0.0, f64::max);
    assert!(worst < 1e-10, "{worst:.1e}");
    let well = real(1, |x| x[0].powi(4) - 6.0 * x[0] * x[0] - 0.5 * x[0]);
    let grid = Grid::new(&well).unwrap();
    let x = grid.sample(n, 2).unwrap();
    let right = x.real.col(0).iter().filter(|x| **x > 0.0).count() as f64 / n as f64;
    let p: f64 = 0.84430709621113917918;
    assert!(((right - p) / (p * (1.0 - p) / n as f64).sqrt()).abs() < 4.0);
    // The first draws of a longer run are those of a shorter one, and blocks do not matter.
    let short = grid.sample(300, 2).unwrap();
    assert_eq!(short, x.rows(0, 300));
    let streams = Streams::new(2, Run::Draws);
    assert_eq!(grid.block(100, 77, &streams).unwrap(), x.rows(100, 77));
    let half = on(&[Support::Interval(0.0, 1.0)], |x| 0.5 * x[0].ln());
    let x = Grid::new(&half).unwrap().sample(n, 3).unwrap();
    assert!(ks(x.real.col(0).to_vec(), f64::sqrt) < 2.2);
}

#[test]
fn grid_draws_in_two_dimensions() {
    let banana = real(2, |x| 0.5 * x[0] * x[0] + 50.0 * (x[1] - x[0] * x[0]).powi(2));
    let n = 3000;
    let x = Grid::new(&banana).unwrap().sample(n, 5).unwrap();
    let normal = |z: f64| 0.5 * (1.0 + erf(z / 2f64.sqrt()));
    assert!(ks(x.real.col(0).to_vec(), normal) < 2.2);
    let residual = (0..n).map(|i| 10.0 * (x.real.get(i, 1) - x.real.get(i, 0).powi(2))).collect();
    assert!(ks(residual, normal) < 2.2);
    let short = Grid::new(&banana).unwrap().sample(300, 5).unwrap();
    assert_eq!(short, x.rows(0, 300));
}

/// By Simpson's rule; 1e-9 is plenty for a distance of 1e-2.
fn erf(x: f64) -> f64 {
    let n = 200;
    let f = |k: usize| (-(x * k as f64 / n as f64).powi(2)).exp();
    let sum: f64 = (0..n / 2).map(|k| f(2 * k) + 4.0 * f(2 * k + 1) + f(2 * k + 2)).sum();
    2.0 / std::f64::consts::PI.sqrt() * x / n as f64 / 3.0 * sum
}

/// Threads share blocks of lines; the blocks do not know them.
#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let rosenbrock = real(2, |x| 100.0 * (x[1] - x[0] * x[0]).powi(2) + (1.0 - x[0]).powi(2));
    let with = |n: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        pool.install(|| {
            let q = logz::quadrature(&rosenbrock, &Options::default()).unwrap();
            let x = Grid::new(&rosenbrock).unwrap().sample(400, 9).unwrap();
            (q.log_z.to_bits(), q.error.to_bits(), q.w.iter().map(|w| w.to_bits()).collect::<Vec<_>>(), x)
        })
    };
    assert!(with(1) == with(2));
}
