//! Is there mass that the lines did not find? An importance estimate that starts from other places.

use rayon::prelude::*;

use super::chart::{Atlas, Chart};
use super::wells::chart_at;
use crate::energy::Differentiable;
use crate::logz::importance::{self, Base};
use crate::logz::{LogZError, log_sum_exp};
use crate::minimize::minimize_from;
use crate::points::{Matrix, Points};
use crate::rng::{Purpose, Run, Streams};

/// Draws of the estimate, and the standard errors by which a value may lie below it.
pub(super) const N_DRAWS: usize = 1 << 15;
const MAX_BELOW: f64 = 5.0;

/// Descents, and the half-widths of the boxes they start in, in turn.
const N_DESCENTS: usize = 64;
const WIDTHS: [f64; 4] = [2.0, 6.0, 18.0, 54.0];
const MAX_STEPS: usize = 300;

/// Degrees of freedom of the kernels (even, so that a chi-square is a sum of exponentials), and their variance in units of
/// that of a well.
const DOF: usize = 4;
const INFLATION: f64 = 2.0;

/// Ends closer than this to another, in squared widths, add no kernel.
const NEAR: f64 = 1.0;

/// Whether `value` lies significantly below an importance estimate from Student kernels about the wells and about the ends of
/// descents from far around: on a ring or a shell, which has no separate wells, those are spread over all of it.
pub(super) fn is_below<E: Differentiable + ?Sized>(energy: &E, atlas: &Atlas, value: f64) -> Result<bool, LogZError> {
    let mut cover = Cover { kernels: atlas.charts.clone() };
    for x in ends(energy) {
        if cover.kernels.iter().all(|k| k.distance2(&x) > NEAR) {
            cover.kernels.extend(chart_at(energy, x));
        }
    }
    match importance::log_z(energy, &cover, N_DRAWS, 0) {
        Ok(z) => Ok(z.value - MAX_BELOW * z.std_err > value),
        Err(e @ (LogZError::Undefined { .. } | LogZError::Unbounded { .. })) => Err(e),
        // All weights zero: it knows nothing.
        Err(_) => Ok(false),
    }
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

/// An even mixture of Student t kernels.
struct Cover {
    kernels: Vec<Chart>,
}

impl Base for Cover {
    fn draw(&self, n: usize, rng: &mut Streams) -> Points {
        let d = self.kernels[0].centre.len();
        let mut z = Matrix::new(n, d);
        {
            let normals = rng.normals(Purpose::Proposal, n, d);
            (0..d).for_each(|j| z.col_mut(j).iter_mut().zip(normals.col(j)).for_each(|(z, e)| *z = f64::from(*e)));
        }
        let u = rng.uniforms(Purpose::Choice, n, DOF / 2 + 1);
        let mut x = Matrix::new(n, d);
        for i in 0..n {
            // A chi-square of two degrees of freedom is -2 log U.
            let chi2: f64 = (0..DOF / 2).map(|k| -2.0 * (1.0 - u.col(k)[i]).ln()).sum();
            let scale = (INFLATION * DOF as f64 / chi2).sqrt();
            let row = Matrix::from_fn(1, d, |_, j| scale * z.get(i, j));
            let kernel = (u.col(DOF / 2)[i] * self.kernels.len() as f64) as usize;
            x.copy_row(i, &self.kernels[kernel.min(self.kernels.len() - 1)].place(&row), 0);
        }
        Points::from_real(x)
    }

    fn log_density(&self, x: &Points, out: &mut [f64]) {
        let (d, nu) = (x.dim() as f64, DOF as f64);
        let ln_gamma = crate::diagnostics::ln_gamma;
        let norm =
            ln_gamma(0.5 * (nu + d)) - ln_gamma(0.5 * nu) - 0.5 * d * (nu * std::f64::consts::PI * INFLATION).ln();
        let mut logs = vec![0.0; self.kernels.len()];
        for (i, out) in out.iter_mut().enumerate() {
            let row = x.real.row(i);
            for (log, kernel) in logs.iter_mut().zip(&self.kernels) {
                let distance2 = kernel.distance2(&row) / INFLATION;
                *log = norm - kernel.log_det() - 0.5 * (nu + d) * (distance2 / nu).ln_1p();
            }
            *out = log_sum_exp(&logs) - (self.kernels.len() as f64).ln();
        }
    }
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
        let z = importance::log_z(&energy, &Cover { kernels: atlas.charts.clone() }, N_DRAWS, 0).unwrap();
        let truth = 2.0 * (2.0 * std::f64::consts::PI).ln();
        assert!(z.std_err < 0.01 && (z.value - truth).abs() < 4.0 * z.std_err, "{z:?}");
    }
}
