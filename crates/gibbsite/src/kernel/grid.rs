//! The exact sampler of one- and two-dimensional energies: inverse of the distribution function on an adaptive grid.
//!
//! Every panel of the quadrature carries the density at 21 nodes; its interpolating polynomial is integrated exactly and
//! inverted by safeguarded Newton steps. In two dimensions the first coordinate comes from its marginal and the second
//! from its conditional density, integrated anew for every draw. Draws are independent and exact up to about 1e-10 in
//! the distribution function.

use std::sync::OnceLock;

use crate::energy::Energy;
use crate::logz::adaptive::{Options, conditional_lines, tree};
use crate::logz::lines::Line;
use crate::logz::rule::{KRONROD, N, NODES};
use crate::logz::{Gap, LogZError};
use crate::points::{Matrix, Points};
use crate::rng::{Purpose, Run, Streams};

/// Draws computed together.
const BLOCK: usize = 256;

/// Independent, exact draws of an energy in one or two real dimensions.
pub struct Grid<'a, E: ?Sized> {
    energy: &'a E,
    marginal: InverseCdf,
    reach: [f64; 3],
    dim: usize,
    log_z: f64,
    error: f64,
    gap: Option<Gap>,
}

impl<'a, E: Energy + ?Sized> Grid<'a, E> {
    /// Integrates the energy once.
    ///
    /// # Errors
    /// As [`crate::logz::log_z`]; [`LogZError::Dimension`] above two dimensions.
    pub fn new(energy: &'a E) -> Result<Self, LogZError> {
        let dim = crate::logz::require_real(energy, "grid", 2)?;
        let t = tree(energy, &Options { tol: Some(if dim == 1 { 1e-13 } else { 1e-11 }) }, false)?;
        let reach = t.line.reach.map(|r| (2.0 * r).max(1e-3));
        let marginal = InverseCdf::new(&t.line);
        Ok(Self {
            energy,
            marginal,
            reach,
            dim,
            log_z: t.line.log_z,
            error: t.line.rel_err,
            gap: if dim == 1 { Gap::of(&t.line) } else { None },
        })
    }

    /// log Z, a by-product.
    pub fn log_z(&self) -> f64 {
        self.log_z
    }

    /// Estimated relative error of Z, hence about that of the distribution function.
    pub fn error(&self) -> f64 {
        self.error
    }

    /// Where a one-dimensional energy jumps to infinity inside its support; modes beyond may be missing.
    pub fn gap(&self) -> Option<Gap> {
        self.gap
    }

    /// `n` draws, `(n, d)`. Draw i uses stream i of [`Run::Draws`] under `seed`, so the first draws of a longer run are
    /// those of a shorter one.
    ///
    /// # Errors
    /// [`LogZError`] when a conditional density cannot be integrated.
    pub fn sample(&self, n: usize, seed: u64) -> Result<Points, LogZError> {
        self.block(0, n, &Streams::new(seed, Run::Draws))
    }

    /// Draws `first .. first + n` at the streams' current step, which separates repeated calls.
    ///
    /// # Errors
    /// As [`Grid::sample`].
    pub fn block(&self, first: usize, n: usize, streams: &Streams) -> Result<Points, LogZError> {
        let mut out = Matrix::new(n, self.dim);
        for start in (0..n).step_by(BLOCK) {
            let len = BLOCK.min(n - start);
            let mut rng = streams.block(first + start);
            let u = rng.uniforms(Purpose::Proposal, len, self.dim);
            let x: Vec<f64> = u.col(0).iter().map(|u| self.marginal.invert(*u)).collect();
            out.col_mut(0)[start..start + len].copy_from_slice(&x);
            if self.dim == 2 {
                let lines = conditional_lines(self.energy, &Matrix::from_columns(len, 1, x), &self.reach, 1e-11)?;
                for (i, line) in lines.iter().enumerate() {
                    out.set(start + i, 1, InverseCdf::new(line).invert(u.col(1)[i]));
                }
            }
        }
        Ok(Points::from_real(out))
    }
}

/// The inverse distribution function of one line.
#[derive(Clone, Debug, Default)]
pub(crate) struct InverseCdf {
    /// Cumulative share of the panels, last entry 1.
    cumulative: Vec<f64>,
    panels: Vec<Piece>,
}

/// The density on one panel as a Legendre series.
#[derive(Clone, Debug)]
struct Piece {
    lo: f64,
    hi: f64,
    density: [f64; N],
}

impl InverseCdf {
    /// From the panels of an integrated line.
    pub fn new(line: &Line) -> Self {
        let heavy = |p: &crate::logz::panel::Panel| p.top + p.k.ln();
        let heaviest = line.panels.iter().map(heavy).fold(f64::NEG_INFINITY, f64::max);
        let share: Vec<f64> = line.panels.iter().map(|p| (heavy(p) - heaviest).exp()).collect();
        let total: f64 = share.iter().sum();
        let mut sum = 0.0;
        let mut cumulative = Vec::with_capacity(share.len());
        let mut panels = Vec::with_capacity(share.len());
        for (p, s) in line.panels.iter().zip(&share) {
            // NaN shares come from lines without any mass.
            if *s > 0.0 {
                sum += s;
                cumulative.push(sum / total);
                let f: [f64; N] = std::array::from_fn(|i| (p.ell[i] - p.top).exp());
                panels.push(Piece { lo: p.lo, hi: p.hi, density: legendre(&f) });
            }
        }
        if let Some(last) = cumulative.last_mut() {
            *last = 1.0;
        }
        Self { cumulative, panels }
    }

    /// The x with P(X <= x) = u, for u in (0, 1); NaN for a line without mass.
    pub fn invert(&self, u: f64) -> f64 {
        let k = self.cumulative.partition_point(|c| *c < u).min(self.panels.len().saturating_sub(1));
        let Some(p) = self.panels.get(k) else { return f64::NAN };
        let below = if k == 0 { 0.0 } else { self.cumulative[k - 1] };
        let v = ((u - below) / (self.cumulative[k] - below)).clamp(0.0, 1.0);
        let t = p.invert(v);
        // From the nearer end, so that a piece next to a singular end keeps its relative precision.
        let h = 0.5 * (p.hi - p.lo);
        if t < 0.0 { p.lo + h * (1.0 + t) } else { p.hi - h * (1.0 - t) }
    }
}

impl Piece {
    /// Density and its integral from -1, at t in [-1, 1].
    fn at(&self, t: f64) -> (f64, f64) {
        // (k + 1) P_{k+1} = (2k + 1) t P_k - k P_{k-1}; the integral of P_k is (P_{k+1} - P_{k-1}) / (2k + 1).
        let c = &self.density;
        let (mut before, mut now) = (1.0, t);
        let (mut f, mut big_f) = (c[0], c[0] * (t + 1.0));
        for k in 1..N {
            let kf = k as f64;
            let next = ((2.0 * kf + 1.0) * t * now - kf * before) / (kf + 1.0);
            f += c[k] * now;
            big_f += c[k] * (next - before) / (2.0 * kf + 1.0);
            (before, now) = (now, next);
        }
        (f, big_f)
    }

    /// t in [-1, 1] where the integral reaches the share `v`: Newton steps kept inside a shrinking bracket.
    fn invert(&self, v: f64) -> f64 {
        let whole = 2.0 * self.density[0];
        let target = v * whole;
        let (mut a, mut b) = (-1.0, 1.0);
        let mut t = 2.0 * v - 1.0;
        for _ in 0..80 {
            let (f, big_f) = self.at(t);
            let miss = big_f - target;
            if miss > 0.0 {
                b = t;
            } else {
                a = t;
            }
            let newton = t - miss / f;
            let next = if f > 0.0 && (a..=b).contains(&newton) { newton } else { 0.5 * (a + b) };
            if (next - t).abs() <= 1e-15 || miss.abs() <= 1e-15 * whole {
                return next;
            }
            t = next;
        }
        t
    }
}

/// Legendre coefficients of the polynomial through 21 values at the Kronrod nodes.
fn legendre(f: &[f64; N]) -> [f64; N] {
    static INVERSE: OnceLock<Vec<[f64; N]>> = OnceLock::new();
    let inverse = INVERSE.get_or_init(inverse_vandermonde);
    let mut c: [f64; N] = std::array::from_fn(|k| (0..N).map(|i| inverse[k][i] * f[i]).sum());
    // The mean is the Kronrod sum itself, so that shares of panels and integrals agree.
    c[0] = 0.5 * (0..N).map(|i| KRONROD[i] * f[i]).sum::<f64>();
    c
}

/// Row k, column i: the weight of value i in coefficient k. Gauss-Jordan elimination with partial pivoting.
fn inverse_vandermonde() -> Vec<[f64; N]> {
    let mut a = vec![[0.0; 2 * N]; N];
    for i in 0..N {
        let (mut before, mut now) = (1.0, NODES[i]);
        a[i][0] = 1.0;
        for k in 1..N {
            a[i][k] = now;
            let kf = k as f64;
            (before, now) = (now, ((2.0 * kf + 1.0) * NODES[i] * now - kf * before) / (kf + 1.0));
        }
        a[i][N + i] = 1.0;
    }
    for k in 0..N {
        let pivot = (k..N).max_by(|p, q| a[*p][k].abs().total_cmp(&a[*q][k].abs())).unwrap_or(k);
        a.swap(k, pivot);
        let row = a[k].map(|v| v / a[k][k]);
        a[k] = row;
        for i in 0..N {
            if i != k {
                let factor = a[i][k];
                for (v, r) in a[i].iter_mut().zip(&row) {
                    *v -= factor * r;
                }
            }
        }
    }
    a.iter().map(|r| std::array::from_fn(|i| r[N + i])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_interpolated() {
        // 1 + t has integral (1 + t)^2 / 2 and inverse t = 2 sqrt(v) - 1.
        let p = Piece { lo: -1.0, hi: 1.0, density: legendre(&NODES.map(|t| 1.0 + t)) };
        for v in [1e-9, 0.01, 0.3, 0.5, 0.99, 1.0] {
            assert!((p.invert(v) - (2.0 * f64::sqrt(v) - 1.0)).abs() < 1e-10, "{v}");
        }
        let q = Piece { lo: -1.0, hi: 1.0, density: legendre(&NODES.map(|t| (3.0 * t).exp())) };
        for t in [-0.9, -0.1, 0.4, 0.95] {
            let (f, big_f) = q.at(t);
            assert!((f - (3.0 * t).exp()).abs() < 2e-10);
            assert!((big_f - ((3.0 * t).exp() - (-3.0f64).exp()) / 3.0).abs() < 2e-10);
        }
    }
}
