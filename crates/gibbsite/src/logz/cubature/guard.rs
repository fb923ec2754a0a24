//! Is there mass that the lines did not find? An importance estimate that starts from other places.

use rayon::prelude::*;

use super::chart::{Atlas, Chart};
use super::wells::chart_at;
use crate::energy::Differentiable;
use crate::logz::LogZError;
use crate::logz::importance::{self, StudentMixture};
use crate::minimize::minimize_from;
use crate::points::Points;
use crate::rng::{Purpose, Run, Streams};

/// Draws of the estimate, and the standard errors by which a value may lie below it.
pub(super) const N_DRAWS: usize = 1 << 15;
const MAX_BELOW: f64 = 5.0;

/// Descents, and the half-widths of the boxes they start in, in turn.
const N_DESCENTS: usize = 64;
const WIDTHS: [f64; 4] = [2.0, 6.0, 18.0, 54.0];
const MAX_STEPS: usize = 300;

/// The variance of a kernel in units of that of a well.
const INFLATION: f64 = 2.0;

/// Ends closer than this to another, in squared widths, add no kernel.
const NEAR: f64 = 1.0;

/// Whether `value` lies significantly below an importance estimate from Student kernels about the wells and about the ends of
/// descents from far around: on a ring or a shell, which has no separate wells, those are spread over all of it.
pub(super) fn is_below<E: Differentiable + ?Sized>(energy: &E, atlas: &Atlas, value: f64) -> Result<bool, LogZError> {
    let mut kernels = atlas.charts.clone();
    for x in ends(energy) {
        if kernels.iter().all(|k| k.distance2(&x) > NEAR) {
            kernels.extend(chart_at(energy, x));
        }
    }
    match importance::log_z(energy, &even(&kernels), N_DRAWS, 0) {
        Ok(z) => Ok(z.value - MAX_BELOW * z.std_err > value),
        Err(e @ (LogZError::Undefined { .. } | LogZError::Unbounded { .. })) => Err(e),
        // All weights zero: it knows nothing.
        Err(_) => Ok(false),
    }
}

/// An even mixture of Student t kernels.
fn even(kernels: &[Chart]) -> StudentMixture {
    StudentMixture::new(kernels.iter().filter_map(|k| Some((k.gaussian(INFLATION)?, 0.0))).collect())
}

/// Where single descents end, minima or continua of them.
fn ends<E: Differentiable + ?Sized>(energy: &E) -> Vec<Vec<f64>> {
    let d = energy.space().dim();
    let mut rng = Streams::new(1, Run::Probe);
    let u = rng.uniforms(Purpose::Init, N_DESCENTS, d);
    let start = |i: usize| (0..d).map(|j| WIDTHS[i % WIDTHS.len()] * (2.0 * u.col(j)[i] - 1.0)).collect::<Vec<f64>>();
    let starts: Vec<Vec<f64>> = (0..N_DESCENTS).map(start).collect();
    starts
        .into_par_iter()
        .filter_map(|x| {
            let found = minimize_from(energy, &Points::from_rows(&[x]), MAX_STEPS).ok()?;
            found.minima.into_iter().next().map(|m| m.x)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::Transformed;
    use crate::energy::formula::Formula;
    use crate::logz::cubature::wells;

    /// Two shells of which descents from one well see the inner one alone.
    #[test]
    fn mass_elsewhere_is_seen() {
        let r = "sqrt(x1^2+x2^2+x3^2+x4^2)";
        let energy = Transformed::new(Formula::parse(&format!("-logsumexp(-({r}-3)^2,-({r}-12)^2)")).unwrap());
        let (atlas, _) = wells::find(&energy).unwrap();
        let inner = 7.004_959_447_6;
        assert!(is_below(&energy, &atlas, inner).unwrap());
        // 2 pi^2 sqrt(pi) (12^3 + 18), nearly all of it.
        let both = (2.0 * std::f64::consts::PI.powf(2.5) * 1746.0 + f64::exp(inner)).ln();
        assert!(!is_below(&energy, &atlas, both).unwrap());
    }

    #[test]
    fn its_estimate_is_unbiased() {
        let energy = Transformed::new(Formula::parse("(x1^2+x2^2+x3^2+x4^2)/2").unwrap());
        let (atlas, _) = wells::find(&energy).unwrap();
        let z = importance::log_z(&energy, &even(&atlas.charts), N_DRAWS, 0).unwrap();
        let truth = 2.0 * (2.0 * std::f64::consts::PI).ln();
        assert!(z.std_err < 0.01 && (z.value - truth).abs() < 4.0 * z.std_err, "{z:?}");
    }
}
