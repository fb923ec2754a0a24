//! Composite Simpson on a box, as a textbook does it.

use super::{Bounds, LogZ, LogZError, require_real};
use crate::energy::Energy;
use crate::points::{Matrix, Points};

/// Points evaluated in one call.
const BATCH: usize = 4096;

/// Error of log Z above which a grid has not seen the shape of the energy, so that its error says nothing either.
const RESOLVED: f64 = 0.05;

/// Most grid points.
const LIMIT: f64 = 1e9;

/// log of the integral of exp(-E) over the box `[lower, upper]` by composite Simpson with `n` (even) intervals per
/// coordinate: weights h/3 (1, 4, 2, 4, ..., 4, 1), products of them in 2 and 3 dimensions. The sum is a running
/// log-sum-exp, so no offset of the energy overflows.
///
/// `std_err` is |log S_n - log S_{n/2}|, divided by 15 (Richardson) only where |log S_{n/2} - log S_{n/4}| is at least 8 times as
/// large, so that order four is seen; plus rounding. It is NaN where n/2 is odd. What lies outside the box, or between the
/// nodes of all three grids, is not counted.
///
/// # Errors
/// [`LogZError::Intervals`] for an odd `n`, [`LogZError::Box`] and [`LogZError::BoxLength`] for unusable ends (one end
/// serves all coordinates), [`LogZError::TooManyPoints`] above 1e9 points, [`LogZError::Undefined`] for NaN,
/// [`LogZError::Unbounded`] for energies of minus infinity, [`LogZError::Empty`] when exp(-E) is zero at every point.
pub fn log_z<E: Energy + ?Sized>(energy: &E, lower: &[f64], upper: &[f64], n: usize) -> Result<LogZ, LogZError> {
    let dim = require_real(energy, "simpson", 3)?;
    if n < 2 || n % 2 == 1 {
        return Err(LogZError::Intervals { n });
    }
    let lower = spread(lower, dim)?;
    let upper = spread(upper, dim)?;
    for axis in 0..dim {
        let (lower, upper) = (lower[axis], upper[axis]);
        let support = energy.space().reals[axis];
        let fits = support.lower() <= lower && upper <= support.upper();
        if !(lower.is_finite() && upper.is_finite() && lower < upper && fits) {
            return Err(LogZError::Box { axis, lower, upper });
        }
    }
    let points = ((n + 1) as f64).powi(dim as i32);
    if points > LIMIT {
        return Err(LogZError::TooManyPoints { points, limit: LIMIT });
    }
    let total = (n + 1).pow(dim as u32);
    let h: Vec<f64> = (0..dim).map(|j| (upper[j] - lower[j]) / n as f64).collect();
    let half = (n / 2).is_multiple_of(2);
    let quarter = half && (n / 4).is_multiple_of(2);
    let (mut fine, mut coarse, mut coarsest) = (Running::default(), Running::default(), Running::default());
    let mut e = Vec::new();
    for start in (0..total).step_by(BATCH) {
        let len = BATCH.min(total - start);
        let index = |i: usize, j: usize| ((start + i) / (n + 1).pow(j as u32)) % (n + 1);
        let at = |k: usize, j: usize| if k == n { upper[j] } else { lower[j] + h[j] * k as f64 };
        let x = Points::from_real(Matrix::from_fn(len, dim, |i, j| at(index(i, j), j)));
        e.clear();
        e.resize(len, 0.0);
        energy.energy(&x, &mut e);
        for i in 0..len {
            if e[i].is_nan() {
                return Err(LogZError::Undefined { point: x.real.row(i) });
            }
            if e[i] == f64::NEG_INFINITY {
                return Err(LogZError::Unbounded { point: x.real.row(i) });
            }
            let (mut w, mut w_half, mut w_quarter) = (1.0, 1.0, 1.0);
            for j in 0..dim {
                let k = index(i, j);
                w *= weight(k, n) * h[j] / 3.0;
                w_half *= if k % 2 == 0 { weight(k / 2, n / 2) * h[j] * 2.0 / 3.0 } else { 0.0 };
                w_quarter *= if k % 4 == 0 { weight(k / 4, n / 4) * h[j] * 4.0 / 3.0 } else { 0.0 };
            }
            fine.add(-e[i], w);
            if half {
                coarse.add(-e[i], w_half);
            }
            if quarter {
                coarsest.add(-e[i], w_quarter);
            }
        }
    }
    let value = fine.log();
    if value == f64::NEG_INFINITY {
        return Err(LogZError::Empty { n_evals: total as u64 });
    }
    let std_err = if half {
        let (last, before) = ((value - coarse.log()).abs(), (coarse.log() - coarsest.log()).abs());
        let rounding = f64::EPSILON * (4.0 + value.abs());
        rounding + if quarter && before >= 8.0 * last { last / 15.0 } else { last }
    } else {
        f64::NAN
    };
    let mut warnings = Vec::new();
    if std_err.is_nan() {
        warnings.push("the error is not known: it needs an n that is a multiple of 4".to_string());
    } else if std_err > RESOLVED {
        warnings.push(format!(
            "the grid does not resolve the energy: with half of its intervals log Z differs by {:.2}",
            (value - coarse.log()).abs()
        ));
    }
    Ok(LogZ {
        std_err,
        warnings,
        lower: value - std_err,
        upper: value + std_err,
        bounds: Bounds::None,
        upper_bounds: Bounds::None,
        exact: false,
        ..LogZ::exact(value, 0.0, "simpson", total as u64)
    })
}

/// Simpson's weight of node `k` of `n` intervals, times 3/h.
fn weight(k: usize, n: usize) -> f64 {
    if k == 0 || k == n {
        1.0
    } else if k % 2 == 1 {
        4.0
    } else {
        2.0
    }
}

fn spread(ends: &[f64], dim: usize) -> Result<Vec<f64>, LogZError> {
    match ends.len() {
        n if n == dim => Ok(ends.to_vec()),
        1 => Ok(vec![ends[0]; dim]),
        given => Err(LogZError::BoxLength { given, dim }),
    }
}

/// A running log-sum-exp: sum = exp(top) * sum.
struct Running {
    top: f64,
    sum: f64,
}

impl Default for Running {
    fn default() -> Self {
        Self { top: f64::NEG_INFINITY, sum: 0.0 }
    }
}

impl Running {
    fn add(&mut self, log_f: f64, w: f64) {
        if w == 0.0 || log_f == f64::NEG_INFINITY {
            return;
        }
        if log_f > self.top {
            self.sum *= (self.top - log_f).exp();
            self.top = log_f;
        }
        self.sum += w * (log_f - self.top).exp();
    }

    fn log(&self) -> f64 {
        self.top + self.sum.ln()
    }
}
