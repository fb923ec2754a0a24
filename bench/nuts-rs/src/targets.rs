//! The targets, each written twice with the same arithmetic: over a batch of chains for Gibbsite, for one chain for nuts-rs.

use gibbsite::points::Matrix;

mod eight_schools;
mod funnel;
mod gaussian;
mod mixture;
mod rotated;

pub use eight_schools::EightSchools;
pub use funnel::Funnel;
pub use gaussian::Gaussian;
pub use mixture::Mixture;
pub use rotated::Rotated;

/// A density on `R^dim`.
pub trait Target: Sync + Send {
    /// Number of coordinates.
    fn dim(&self) -> usize;

    /// `e[i] = E(x_i)` and its gradient for every row of `x`, as Gibbsite asks for it.
    fn batch(&self, x: &Matrix<f64>, e: &mut [f64], grad: &mut Matrix<f64>);

    /// `-E(x)` and its gradient, as nuts-rs asks for it.
    fn one(&self, x: &[f64], grad: &mut [f64]) -> f64;
}

/// Calls a function of `T` rows for all rows: tiles of 32, then of 8, then one by one. Sums over coordinates then stay in
/// registers.
macro_rules! over_rows {
    ($n:expr, $tile:ident($($arg:expr),*)) => {{
        let n = $n;
        let mut at = 0;
        while at + 32 <= n {
            $tile::<32>(at, $($arg),*);
            at += 32;
        }
        while at + 16 <= n {
            $tile::<16>(at, $($arg),*);
            at += 16;
        }
        while at + 8 <= n {
            $tile::<8>(at, $($arg),*);
            at += 8;
        }
        while at < n {
            $tile::<1>(at, $($arg),*);
            at += 1;
        }
    }};
}
use over_rows;

/// Rows `at .. at + T` of column `j`.
#[inline(always)]
fn rows<const T: usize>(m: &Matrix<f64>, j: usize, at: usize) -> [f64; T] {
    let mut out = [0.0; T];
    out.copy_from_slice(&m.col(j)[at..at + T]);
    out
}

/// Standard deviations from 0.1 to 10, evenly spaced in the logarithm: condition 1e4.
fn log_spaced_sd(dim: usize) -> Vec<f64> {
    (0..dim).map(|j| 10f64.powf(2.0 * j as f64 / (dim - 1) as f64 - 1.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both forms agree, and the gradient is that of the energy by central differences.
    fn check(target: &impl Target) {
        let (n, d) = (43, target.dim());
        let x = Matrix::from_fn(n, d, |i, j| ((i * 7 + j * 13) % 17) as f64 / 9.0 - 0.9);
        let (mut e, mut grad) = (vec![0.0; n], Matrix::new(n, d));
        target.batch(&x, &mut e, &mut grad);
        let mut g = vec![0.0; d];
        for i in 0..n {
            let row = x.row(i);
            let value = target.one(&row, &mut g);
            assert!((value + e[i]).abs() < 1e-10 * e[i].abs().max(1.0), "row {i}: {value} and {}", e[i]);
            let size = g.iter().fold(1.0f64, |m, g| m.max(g.abs()));
            for j in 0..d {
                assert!((g[j] + grad.get(i, j)).abs() < 1e-10 * size, "row {i}, {j}: {} {}", g[j], grad.get(i, j));
                let mut unused = vec![0.0; d];
                let mut at = |h: f64| {
                    let mut x = row.clone();
                    x[j] += h;
                    target.one(&x, &mut unused)
                };
                let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
                assert!((slope - g[j]).abs() < 1e-5 * size, "row {i}, {j}: {slope} {}", g[j]);
            }
        }
    }

    #[test]
    fn both_forms_are_one_density() {
        check(&Gaussian::new(100));
        check(&Rotated::new());
        check(&Funnel);
        check(&EightSchools);
        check(&Mixture::new((0..1003).map(|i| f64::from(i % 71) / 9.0 - 4.0).collect()));
    }
}
