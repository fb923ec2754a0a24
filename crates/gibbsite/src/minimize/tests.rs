use super::*;
use crate::energy::Energy;
use crate::points::{Matrix, Space, Support};

/// An energy from a function of one point that gives the value and the gradient.
struct Simple<F>(Space, F);

impl<F: Fn(&[f64], &mut [f64]) -> f64 + Send + Sync> Energy for Simple<F> {
    fn space(&self) -> &Space {
        &self.0
    }
    fn energy(&self, x: &Points, out: &mut [f64]) {
        self.energy_grad(x, out, &mut Matrix::new(x.n(), x.dim()));
    }
}

impl<F: Fn(&[f64], &mut [f64]) -> f64 + Send + Sync> Differentiable for Simple<F> {
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        for i in 0..x.n() {
            let mut g = vec![0.0; x.dim()];
            e[i] = (self.1)(&x.real.row(i), &mut g);
            (0..x.dim()).for_each(|j| grad.set(i, j, g[j]));
        }
    }
}

fn find(supports: &[Support], f: impl Fn(&[f64], &mut [f64]) -> f64 + Send + Sync) -> Minima {
    let space = Space { reals: supports.to_vec(), ..Space::real(supports.len()) };
    minimize(&Simple(space, f), &MinimizeOptions::default()).unwrap()
}

fn himmelblau(x: &[f64], g: &mut [f64]) -> f64 {
    let (a, b) = (x[0] * x[0] + x[1] - 11.0, x[0] + x[1] * x[1] - 7.0);
    g[0] = 4.0 * a * x[0] + 2.0 * b;
    g[1] = 2.0 * a + 4.0 * b * x[1];
    a * a + b * b
}

fn tilted_well(x: &[f64], g: &mut [f64]) -> f64 {
    g[0] = 4.0 * x[0].powi(3) - 12.0 * x[0] - 0.5;
    x[0].powi(4) - 6.0 * x[0] * x[0] - 0.5 * x[0]
}

fn rastrigin(x: &[f64], g: &mut [f64]) -> f64 {
    let w = 2.0 * std::f64::consts::PI;
    g[0] = 2.0 * x[0] + 10.0 * w * (w * x[0]).sin();
    10.0 + x[0] * x[0] - 10.0 * (w * x[0]).cos()
}

/// Mueller and Brown (1979), times 0.1.
fn mueller_brown(x: &[f64], g: &mut [f64]) -> f64 {
    let height = [-200.0, -100.0, -170.0, 15.0];
    let (a, b, c) = ([-1.0, -1.0, -6.5, 0.7], [0.0, 0.0, 11.0, 0.6], [-10.0, -10.0, -6.5, 0.7]);
    let (x0, y0) = ([1.0, 0.0, -0.5, -1.0], [0.0, 0.5, 1.5, 1.0]);
    let mut e = 0.0;
    g.fill(0.0);
    for k in 0..4 {
        let (u, v) = (x[0] - x0[k], x[1] - y0[k]);
        let term = 0.1 * height[k] * (a[k] * u * u + b[k] * u * v + c[k] * v * v).exp();
        e += term;
        g[0] += term * (2.0 * a[k] * u + b[k] * v);
        g[1] += term * (b[k] * u + 2.0 * c[k] * v);
    }
    e
}

#[test]
fn himmelblau_has_four_equal_minima() {
    let found = find(&[Support::Real; 2], himmelblau);
    assert_eq!(found.minima.len(), 4, "{found:?}");
    assert!(found.minima.iter().any(|m| (m.x[0] - 3.0).abs() + (m.x[1] - 2.0).abs() < 1e-9));
    assert!(found.minima.iter().all(|m| m.energy < 1e-18 && !m.degenerate && m.at_bound.is_empty()));
    let total: f64 = found.minima.iter().map(|m| m.weight.unwrap()).sum();
    assert!((total - 1.0).abs() < 1e-12);
    assert_eq!(found.minima.iter().map(|m| m.n_found).sum::<usize>() + found.n_unconverged, 256);
    assert!(found.n_unconverged < 5, "{found:?}");
}

#[test]
fn tilted_double_well_has_two_with_laplace_weights() {
    let found = find(&[Support::Real], tilted_well);
    assert_eq!(found.minima.len(), 2);
    let log_weight = |m: &Minimum| -m.energy - 0.5 * (12.0 * m.x[0] * m.x[0] - 12.0).ln();
    let (a, b) = (&found.minima[0], &found.minima[1]);
    assert!(a.x[0] > 0.0 && b.x[0] < 0.0 && a.energy < b.energy);
    let ratio = (log_weight(a) - log_weight(b)).exp();
    assert!((a.weight.unwrap() / b.weight.unwrap() / ratio - 1.0).abs() < 1e-6);
    assert!((b.above_lowest - (b.energy - a.energy)).abs() < 1e-12);
}

#[test]
fn mueller_brown_has_three() {
    let found = minimize_from(
        &Simple(Space::real(2), mueller_brown),
        &Points::from_real(Matrix::from_fn(120, 2, |i, j| {
            if j == 0 { -1.4 + 0.2 * (i % 12) as f64 } else { -0.2 + 0.2 * (i / 12) as f64 }
        })),
        1000,
    )
    .unwrap();
    let xs: Vec<_> = found.minima.iter().map(|m| (m.x[0], m.x[1])).collect();
    assert_eq!(xs.len(), 3, "{found:?}");
    for ((x, y), (x0, y0)) in xs.iter().zip([(-0.558, 1.442), (0.623, 0.028), (-0.050, 0.467)]) {
        assert!((x - x0).abs() + (y - y0).abs() < 2e-3, "{xs:?}");
    }
}

#[test]
fn rastrigin_has_eleven_on_its_interval() {
    let found = find(&[Support::Interval(-5.12, 5.12)], rastrigin);
    assert_eq!(found.minima.len(), 11, "{found:?}");
    assert!(found.minima.iter().all(|m| m.at_bound.is_empty()));
}

#[test]
fn minima_on_the_boundary_are_reported_as_such() {
    // exp(-x) on x > 0 and a Gaussian: the mode is at 0, the Laplace weight is 1 / slope.
    let found = find(&[Support::Above(0.0), Support::Real], |x, g| {
        g[0] = 2.0;
        g[1] = x[1] - 1.0;
        2.0 * x[0] + 0.5 * (x[1] - 1.0) * (x[1] - 1.0)
    });
    assert_eq!(found.minima.len(), 1, "{found:?}");
    assert_eq!(found.minima[0].at_bound, [0]);
    assert_eq!(found.minima[0].x[0], 0.0);
    assert_eq!(found.minima[0].curvatures.as_ref().unwrap().len(), 1);
    assert_eq!(found.minima[0].weight, Some(1.0));
}

#[test]
fn a_ring_is_one_continuum() {
    let found = find(&[Support::Real; 2], |x, g| {
        let r = x[0].hypot(x[1]);
        let c = 25.0 * (r - 2.0) / r;
        (g[0], g[1]) = (c * x[0], c * x[1]);
        12.5 * (r - 2.0) * (r - 2.0)
    });
    assert_eq!(found.minima.len(), 1, "{:?}", found.minima.len());
    let m = &found.minima[0];
    assert!(m.continuum && m.degenerate && m.weight.is_none() && m.n_found > 200, "{m:?}");
    assert!((m.x[0].hypot(m.x[1]) - 2.0).abs() < 1e-6);
}

#[test]
fn a_flat_bottom_is_degenerate_but_no_continuum() {
    let found = find(&[Support::Real], |x, g| {
        g[0] = 4.0 * x[0].powi(3);
        x[0].powi(4)
    });
    assert_eq!(found.minima.len(), 1, "{found:?}");
    assert!(found.minima[0].degenerate && !found.minima[0].continuum);
}

#[test]
fn saddles_are_not_minima() {
    // Starts on the ridge y = 0 of x^2 + (y^2 - 1)^2 must leave it.
    let energy = Simple(Space::real(2), |x: &[f64], g: &mut [f64]| {
        let c = x[1] * x[1] - 1.0;
        (g[0], g[1]) = (2.0 * x[0], 4.0 * c * x[1]);
        x[0] * x[0] + c * c
    });
    let starts = Points::from_rows(&[[1.0, 0.0], [-2.0, 0.0], [0.0, 0.0]]);
    let found = minimize_from(&energy, &starts, 500).unwrap();
    assert!(found.minima.iter().all(|m| (m.x[1].abs() - 1.0).abs() < 1e-9), "{found:?}");
    assert!(!found.minima.is_empty());
}

#[test]
fn an_energy_without_a_floor_is_unbounded() {
    let found = find(&[Support::Real], |x, g| {
        g[0] = -2.0 * x[0];
        -x[0] * x[0]
    });
    assert!(found.minima.is_empty() && found.n_escaped == 256, "{found:?}");
}

#[test]
fn fifty_coordinates() {
    // A rotated, badly scaled bowl: curvatures from 1 to 1000.
    let found = minimize(
        &Simple(Space::real(50), |x: &[f64], g: &mut [f64]| {
            let total: f64 = x.iter().sum();
            let mut e = 0.5 * total * total;
            for (j, x) in x.iter().enumerate() {
                let c = 1000.0f64.powf(j as f64 / 49.0);
                g[j] = c * (x - 1.0) + total;
                e += 0.5 * c * (x - 1.0) * (x - 1.0);
            }
            e
        }),
        &MinimizeOptions { n_starts: 8, ..MinimizeOptions::default() },
    )
    .unwrap();
    assert_eq!((found.minima.len(), found.minima[0].n_found), (1, 8), "{found:?}");
    assert_eq!(found.minima[0].curvatures.as_ref().unwrap().len(), 50);
}

mod formulas;
