//! Quadrature in units of the data: a grid that looks for mass between 1e-8 and 1e8 must not miss data of size 1e12.

use crate::energy::Energy;
use crate::logz::{LogZError, Options, Quadrature, quadrature};
use crate::objective::reduce::dot;
use crate::points::{Points, Space, Support};
use crate::scratch;

/// E(s u) as a function of u, every s_j a power of two, so that nothing is rounded.
struct Rescaled<'a, E: ?Sized> {
    inner: &'a E,
    scale: &'a [f64],
    space: Space,
}

impl<'a, E: Energy + ?Sized> Rescaled<'a, E> {
    fn new(inner: &'a E, scale: &'a [f64]) -> Self {
        let mut space = inner.space().clone();
        for (support, s) in space.reals.iter_mut().zip(scale) {
            *support = match *support {
                Support::Real => Support::Real,
                Support::Above(a) => Support::Above(a / s),
                Support::Below(b) => Support::Below(b / s),
                Support::Interval(a, b) => Support::Interval(a / s, b / s),
            };
        }
        Self { inner, scale, space }
    }
}

impl<E: Energy + ?Sized> Energy for Rescaled<'_, E> {
    fn space(&self) -> &Space {
        &self.space
    }
    fn energy(&self, u: &Points, out: &mut [f64]) {
        scratch::with_points(u, |x| {
            for (j, s) in self.scale.iter().enumerate() {
                x.real.col_mut(j).iter_mut().zip(u.real.col(j)).for_each(|(x, u)| *x = s * u);
            }
            self.inner.energy(x, out);
        });
    }
    fn version(&self) -> u64 {
        self.inner.version()
    }
}

/// Sizes of coordinates that quadrature finds without help.
const USUAL: std::ops::Range<f64> = 1e-4..1e6;

/// The power of two next to the root mean square of each column, 1 for usual sizes.
pub(super) fn units(data: &Points) -> Vec<f64> {
    let one = |j: usize| {
        let x = data.real.col(j);
        // Squares of large numbers overflow, so they are taken of shares of the largest.
        let top = x.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        let shares: Vec<f64> = x.iter().map(|v| v / top).collect();
        let size = top * (dot(&shares, &shares) / x.len() as f64).sqrt();
        if !size.is_finite() || size == 0.0 || USUAL.contains(&size) { 1.0 } else { size.log2().round().exp2() }
    };
    (0..data.dim()).map(one).collect()
}

/// [`quadrature`] with the search for mass in units of `scale`; nodes and log Z in the coordinates of the energy.
pub(super) fn quadrature_in_units<E: Energy + ?Sized>(
    energy: &E,
    scale: &[f64],
    options: &Options,
) -> Result<Quadrature, LogZError> {
    if scale.iter().all(|s| *s == 1.0) || scale.len() != energy.space().dim() {
        return quadrature(energy, options);
    }
    let mut q = quadrature(&Rescaled::new(energy, scale), options)?;
    q.rescale(scale);
    Ok(q)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::formula::Formula;

    /// A Gaussian of sd 1e12: log Z = log(1e12 sqrt(2 pi)), variance 1e24.
    #[test]
    fn far_scales() {
        for s in [1e12, 1e-12] {
            let mut f = Formula::parse("a*x^2").unwrap();
            f.set_param("a", 0.5 / (s * s)).unwrap();
            let data = Points::from_rows(&[[s], [-s], [0.5 * s]]);
            let q = quadrature_in_units(&f, &units(&data), &Options::default()).unwrap();
            let exact = s.ln() + 0.5 * (2.0 * std::f64::consts::PI).ln();
            assert!((q.log_z - exact).abs() < 1e-12, "{} {exact}", q.log_z);
            let x = q.points.real.col(0).to_vec();
            assert!((q.covariance(&x, &x) / (s * s) - 1.0).abs() < 1e-12);
            // The same nodes serve a theta nearby: only log Z moves.
            f.set_param("a", 0.5 / (1.01 * s * s)).unwrap();
            assert!((q.reweight(&f).unwrap().log_z - exact - 0.5 * 1.01f64.ln()).abs() < 1e-10);
        }
        assert_eq!(units(&Points::from_rows(&[[3.0, 0.0], [-2.0, 0.0]])), [1.0, 1.0]);
    }
}
