//! Energies with exact draws, written by hand: correlated, quartic, many modes, bounded, a funnel.

use gibbsite::energy::{Differentiable, Energy, Transformed};
use gibbsite::points::{Matrix, Points, Space, Support};
use gibbsite::rng::{Purpose, Run, Streams};

/// A function of one point, by which distributions are compared.
pub type Functional = (&'static str, fn(&[f64]) -> f64);

/// An energy, exact draws from it, and what to compare.
pub struct Target<E> {
    pub name: &'static str,
    pub energy: E,
    /// `n` independent draws under a seed.
    pub draw: Box<dyn Fn(usize, u64) -> Points>,
    pub functions: Vec<Functional>,
}

/// An energy by the formulas of its value and its gradient.
#[derive(Clone)]
pub struct ByHand {
    pub space: Space,
    pub value: fn(&[f64]) -> f64,
    pub gradient: fn(&[f64], &mut [f64]),
}

impl Energy for ByHand {
    fn space(&self) -> &Space {
        &self.space
    }
    fn energy(&self, x: &Points, out: &mut [f64]) {
        let mut row = vec![0.0; x.dim()];
        for (i, e) in out.iter_mut().enumerate() {
            (0..x.dim()).for_each(|j| row[j] = x.real.get(i, j));
            *e = (self.value)(&row);
        }
    }
}

impl Differentiable for ByHand {
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        let (mut row, mut g) = (vec![0.0; x.dim()], vec![0.0; x.dim()]);
        for (i, e) in e.iter_mut().enumerate() {
            (0..x.dim()).for_each(|j| row[j] = x.real.get(i, j));
            *e = (self.value)(&row);
            (self.gradient)(&row, &mut g);
            (0..x.dim()).for_each(|j| grad.set(i, j, g[j]));
        }
    }
}

/// Normals and uniforms `(n, d)` under a seed.
fn numbers(n: usize, d: usize, seed: u64) -> (Matrix<f64>, Matrix<f64>) {
    let mut rng = Streams::new(seed, Run::Probe);
    let z = rng.normals(Purpose::Init, n, d);
    let z = Matrix::from_fn(n, d, |i, j| f64::from(z.col(j)[i]));
    let u = rng.uniforms(Purpose::Init, n, d);
    (z, Matrix::from_fn(n, d, |i, j| u.col(j)[i]))
}

/// Points from the normals `z` and uniforms `u` of a row.
fn draws(d: usize, f: impl Fn(&[f64], &[f64]) -> Vec<f64> + 'static) -> Box<dyn Fn(usize, u64) -> Points> {
    Box::new(move |n, seed| {
        let (z, u) = numbers(n, d, seed);
        let rows: Vec<Vec<f64>> = (0..n).map(|i| f(&z.row(i), &u.row(i))).collect();
        Points::from_rows(&rows)
    })
}

/// The quantile function of a density on `(low, high)`, by cumulative sums over fine cells.
struct Quantiles {
    low: f64,
    cell: f64,
    cumulative: Vec<f64>,
}

impl Quantiles {
    fn new(low: f64, high: f64, density: impl Fn(f64) -> f64) -> Self {
        const N: usize = 100_000;
        let cell = (high - low) / N as f64;
        let mut cumulative = vec![0.0];
        for k in 0..N {
            cumulative.push(cumulative[k] + density(low + cell * (k as f64 + 0.5)));
        }
        Self { low, cell, cumulative }
    }

    fn at(&self, u: f64) -> f64 {
        let target = u * self.cumulative[self.cumulative.len() - 1];
        let k = self.cumulative.partition_point(|c| *c <= target).clamp(1, self.cumulative.len() - 1);
        let (below, above) = (self.cumulative[k - 1], self.cumulative[k]);
        self.low + self.cell * ((k - 1) as f64 + (target - below) / (above - below))
    }
}

/// Standard deviations 1 and 3, correlation 0.8.
pub fn gaussian() -> Target<ByHand> {
    fn value(x: &[f64]) -> f64 {
        let y = x[1] / 3.0;
        (x[0] * x[0] - 1.6 * x[0] * y + y * y) / 0.72
    }
    fn gradient(x: &[f64], g: &mut [f64]) {
        let y = x[1] / 3.0;
        g[0] = (x[0] - 0.8 * y) / 0.36;
        g[1] = (y - 0.8 * x[0]) / 1.08;
    }
    Target {
        name: "gaussian",
        energy: ByHand { space: Space::real(2), value, gradient },
        draw: draws(2, |z, _| vec![z[0], 3.0 * (0.8 * z[0] + 0.6 * z[1])]),
        functions: vec![("x", |x| x[0]), ("y", |x| x[1]), ("x y", |x| x[0] * x[1])],
    }
}

/// `N(0, variance)` on the line, for the energy `x^2 / 2`.
pub fn normal(variance: f64) -> Target<ByHand> {
    let sd = variance.sqrt();
    Target {
        name: "normal",
        energy: ByHand { space: Space::real(1), value: |x| 0.5 * x[0] * x[0], gradient: |x, g| g[0] = x[0] },
        draw: draws(1, move |z, _| vec![sd * z[0]]),
        functions: vec![("x", |x| x[0])],
    }
}

/// A tilted double well.
pub fn quartic() -> Target<ByHand> {
    fn value(x: &[f64]) -> f64 {
        0.25 * x[0].powi(4) - 0.8 * x[0] * x[0] + 0.3 * x[0]
    }
    let quantiles = Quantiles::new(-6.0, 6.0, |x| (-value(&[x])).exp());
    Target {
        name: "quartic",
        energy: ByHand { space: Space::real(1), value, gradient: |x, g| g[0] = x[0].powi(3) - 1.6 * x[0] + 0.3 },
        draw: draws(1, move |_, u| vec![quantiles.at(u[0])]),
        functions: vec![("x", |x| x[0]), ("energy", value)],
    }
}

/// Eight modes on a circle of radius 4, of widths 0.5 and weights 1 to 8: no chain crosses between most of them.
pub fn modes() -> Target<ByHand> {
    const WIDTH: f64 = 0.5;
    fn centre(k: usize) -> [f64; 2] {
        let (s, c) = (k as f64 * std::f64::consts::FRAC_PI_4).sin_cos();
        [4.0 * c, 4.0 * s]
    }
    /// Log of the density of mode k, to a constant.
    fn log_density(k: usize, x: &[f64]) -> f64 {
        let c = centre(k);
        ((k + 1) as f64).ln() - 0.5 * ((x[0] - c[0]).powi(2) + (x[1] - c[1]).powi(2)) / (WIDTH * WIDTH)
    }
    fn value(x: &[f64]) -> f64 {
        let parts: [f64; 8] = std::array::from_fn(|k| log_density(k, x));
        let top = parts.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
        -top - parts.iter().map(|p| (p - top).exp()).sum::<f64>().ln()
    }
    fn gradient(x: &[f64], g: &mut [f64]) {
        let e = value(x);
        g.fill(0.0);
        for k in 0..8 {
            let (weight, c) = ((log_density(k, x) + e).exp(), centre(k));
            (0..2).for_each(|j| g[j] += weight * (x[j] - c[j]) / (WIDTH * WIDTH));
        }
    }
    let draw = draws(2, |z, u| {
        // Weights 1 to 8 of 36: mode k up to (k + 1)(k + 2) / 2.
        let k = (0..7).find(|k| 36.0 * u[0] < ((k + 1) * (k + 2)) as f64 / 2.0).unwrap_or(7);
        let c = centre(k);
        vec![c[0] + WIDTH * z[0], c[1] + WIDTH * z[1]]
    });
    Target {
        name: "modes",
        energy: ByHand { space: Space::real(2), value, gradient },
        draw,
        functions: vec![("x", |x| x[0]), ("y", |x| x[1]), ("radius", |x| x[0].hypot(x[1]))],
    }
}

/// `x ~ Gamma(2.5)` on the half-line and `y ~ Beta(2.5, 1.5)` stretched to `(-1, 2)`, before a transformation.
pub fn bounded_energy() -> ByHand {
    let space = Space { reals: vec![Support::Above(0.0), Support::Interval(-1.0, 2.0)], ..Space::real(2) };
    let value = |x: &[f64]| x[0] - 1.5 * x[0].ln() - 1.5 * (x[1] + 1.0).ln() - 0.5 * (2.0 - x[1]).ln();
    let gradient = |x: &[f64], g: &mut [f64]| {
        g[0] = 1.0 - 1.5 / x[0];
        g[1] = -1.5 / (x[1] + 1.0) + 0.5 / (2.0 - x[1]);
    };
    ByHand { space, value, gradient }
}

/// [`bounded_energy`] on the whole plane. The draws are made in x and y, so that the Jacobian is put to the test.
pub fn bounded() -> Target<Transformed<ByHand>> {
    let energy = Transformed::new(bounded_energy());
    let gamma = Quantiles::new(0.0, 50.0, |x| x.powf(1.5) * (-x).exp());
    let beta = Quantiles::new(-1.0, 2.0, |y| (y + 1.0).powf(1.5) * (2.0 - y).sqrt());
    let inner = draws(2, move |_, u| vec![gamma.at(u[0]), beta.at(u[1])]);
    let map = energy.clone();
    Target {
        name: "bounded",
        energy,
        draw: Box::new(move |n, seed| map.to_outer(&inner(n, seed))),
        functions: vec![("u", |u| u[0]), ("v", |u| u[1]), ("difference", |u| u[0] - u[1])],
    }
}

/// Neal's funnel with a mouth of standard deviation 1.5 and two coordinates of variance `exp(v)`.
pub fn funnel() -> Target<ByHand> {
    fn value(x: &[f64]) -> f64 {
        x[0] * x[0] / 4.5 + x[0] + 0.5 * (x[1] * x[1] + x[2] * x[2]) * (-x[0]).exp()
    }
    fn gradient(x: &[f64], g: &mut [f64]) {
        let narrow = (-x[0]).exp();
        g[0] = x[0] / 2.25 + 1.0 - 0.5 * (x[1] * x[1] + x[2] * x[2]) * narrow;
        g[1] = x[1] * narrow;
        g[2] = x[2] * narrow;
    }
    Target {
        name: "funnel",
        energy: ByHand { space: Space::real(3), value, gradient },
        draw: draws(3, |z, _| {
            let v = 1.5 * z[0];
            vec![v, (0.5 * v).exp() * z[1], (0.5 * v).exp() * z[2]]
        }),
        functions: vec![
            ("v", |x| x[0]),
            ("standardised x", |x| x[1] * (-0.5 * x[0]).exp()),
            ("product", |x| x[1] * x[2] * (-x[0]).exp()),
        ],
    }
}
