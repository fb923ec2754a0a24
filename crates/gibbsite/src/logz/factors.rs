//! log Z without chance, factor by factor: where the energy falls apart, `E(x) = sum_k E_k(x_k)`, `Z = prod_k Z_k`.
//!
//! Factors of one to three coordinates are integrated by quadrature, which is exact, and those of four to six by cubature,
//! which is an estimate ([`cubature`]). Numerical errors of factors add up.

use super::adaptive::{self, Integral};
use super::auto::MAX_EXACT_DIM;
use super::{LogZ, LogZError, Options, cubature};
use crate::energy::{Differentiable, Part};

/// Evaluations after which cubature of one factor is given up: what it cannot do with so many is estimated faster.
const MAX_EVALS: u64 = 8_000_000;

/// log Z as the sum over independent parts of the energy.
#[derive(Clone, Debug, PartialEq)]
pub struct Factored {
    /// log Z; exact if every factor is.
    pub log_z: LogZ,
    /// The mean and variance of the energy, where quadrature has done all factors.
    pub integral: Option<Integral>,
}

impl From<Integral> for Factored {
    fn from(integral: Integral) -> Self {
        Self { log_z: integral.to_log_z(), integral: Some(integral) }
    }
}

/// log Z of an energy that falls apart ([`crate::energy::Energy::parts`]) into parts of at most six real dimensions. All of up to
/// three are done first: where one of them has no integral, it does not matter what the larger ones have.
///
/// # Errors
/// Those of [`adaptive::integrate`] and [`cubature::log_z`], in the coordinates of the whole: [`LogZError::Diverges`] with the
/// direction when exp(-E) is not integrable, [`LogZError::Dimension`] where a part has more than six dimensions,
/// [`LogZError::TooHard`] where one takes too many evaluations.
pub fn log_z<E: Differentiable + ?Sized>(energy: &E, options: &Options) -> Result<Factored, LogZError> {
    let dim = energy.space().dim();
    let parts = energy.parts();
    if parts.len() < 2 {
        return if dim <= MAX_EXACT_DIM {
            adaptive::integrate(energy, options).map(Factored::from)
        } else {
            by_cubature(energy, options).map(|log_z| Factored { log_z, integral: None })
        };
    }
    let (small, large): (Vec<Part>, Vec<Part>) =
        parts.into_iter().partition(|part| part.coordinates.len() <= MAX_EXACT_DIM);
    let integral = adaptive::sum(&small, dim, options)?;
    if large.is_empty() {
        return Ok(Factored::from(integral));
    }
    if let Some(part) = large.iter().find(|part| part.coordinates.len() > cubature::MAX_DIM) {
        let dim = part.coordinates.len();
        return Err(LogZError::Dimension { method: "cubature", dim, max: cubature::MAX_DIM });
    }
    let mut factors = Vec::with_capacity(large.len() + 1);
    if !small.is_empty() {
        factors.push(integral.to_log_z());
    }
    for part in &large {
        factors.push(by_cubature(&part.energy, options).map_err(|e| e.of_part(&part.coordinates, dim))?);
    }
    let method = if small.is_empty() { "cubature" } else { "quadrature and cubature" };
    Ok(Factored { log_z: product(&factors, method), integral: None })
}

fn by_cubature<E: Differentiable + ?Sized>(energy: &E, options: &Options) -> Result<LogZ, LogZError> {
    let mut of_factor = cubature::Options { max_evals: MAX_EVALS, ..cubature::Options::default() };
    of_factor.tol = options.tol.unwrap_or(of_factor.tol);
    cubature::log_z(energy, &of_factor)
}

/// log of the product: exact if every factor is, with each of their warnings once.
fn product(factors: &[LogZ], method: &'static str) -> LogZ {
    let sum = |of: fn(&LogZ) -> f64| factors.iter().map(of).sum::<f64>();
    let n_evals = factors.iter().map(|z| z.n_evals).sum();
    let exact = LogZ::exact(sum(|z| z.value), sum(|z| z.std_err), method, n_evals);
    let mut out = if factors.iter().all(|z| z.exact) { exact } else { exact.without_bounds() };
    for warning in factors.iter().flat_map(|z| &z.warnings) {
        if !out.warnings.contains(warning) {
            out.warnings.push(warning.clone());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logz::Bounds;

    #[test]
    fn a_product_is_exact_if_every_factor_is() {
        let exact = |value, error| LogZ::exact(value, error, "quadrature", 10);
        let both = product(&[exact(1.0, 0.1), exact(2.0, 0.2)], "quadrature");
        assert!(both.exact && both.bounds == Bounds::Exact && both.value == 3.0 && both.n_evals == 20);
        assert!((both.std_err - 0.3).abs() < 1e-15 && (both.lower - 2.7).abs() < 1e-15);
        let mut estimate = exact(2.0, 0.2).without_bounds();
        estimate.warnings.push("it may miss something".into());
        let mixed = product(&[exact(1.0, 0.1), estimate.clone(), estimate], "mixed");
        assert!(!mixed.exact && mixed.bounds == Bounds::None && mixed.upper_bounds == Bounds::None);
        assert_eq!((mixed.value, &mixed.warnings[..]), (5.0, &["it may miss something".to_string()][..]));
    }
}
