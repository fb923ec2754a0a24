//! Lines within lines: the integral over all coordinates.

use rayon::prelude::*;

use super::chart::Atlas;
use super::guess::{Accuracy, Guess, Guesses, MAX_DIM};
use super::line::{Endless, Line};
use crate::energy::Energy;
use crate::points::{Matrix, Points};

/// Lines of one block where they are short.
const BLOCK: usize = 64;

/// One integral over the share of one well.
pub(super) struct Nest<'a, E: ?Sized> {
    pub(super) energy: &'a E,
    pub(super) atlas: &'a Atlas,
    /// Which well.
    pub(super) well: usize,
    pub(super) accuracy: Accuracy,
    /// Terms of the integral with logarithms below this are left out.
    pub(super) floor: f64,
    /// Decides about the phases of the lattices.
    pub(super) seed: u64,
}

/// Why there is no integral.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Failure {
    /// More evaluations than allowed.
    Budget,
    /// NaN, in the coordinates of the energy.
    Undefined(Vec<f64>),
    /// Minus infinity.
    Unbounded(Vec<f64>),
    /// The mass does not end along a line.
    Endless {
        /// A far point.
        point: Vec<f64>,
        how: Endless,
    },
}

/// Integrals over lines, and the evaluations they took.
struct Done {
    lines: Vec<(f64, Guesses)>,
    n_evals: u64,
}

impl<E: Energy + ?Sized> Nest<'_, E> {
    fn dim(&self) -> usize {
        self.atlas.dim()
    }

    /// The logarithm of the integral, and the evaluations.
    pub(super) fn run(&self, limit: u64) -> Result<(f64, u64), Failure> {
        let step = self.accuracy.gaussian_step();
        let guess = [Guess { centre: 0.0, scale: 1.0, step, peaks: [0.0; 2] }; MAX_DIM];
        let done = self.integrate(0, &Matrix::new(1, 0), &[0.0], &[guess], limit)?;
        Ok((done.lines[0].0, done.n_evals))
    }

    /// Integrates the coordinates from j on for every row of `prefix`, shape `(n, j)`; `log_w` is the weight of the row.
    fn integrate(
        &self,
        j: usize,
        prefix: &Matrix<f64>,
        log_w: &[f64],
        guesses: &[Guesses],
        limit: u64,
    ) -> Result<Done, Failure> {
        let n = prefix.n_rows();
        let block = if self.dim() - j >= 3 { 1 } else { BLOCK };
        if n <= block {
            return self.block(j, prefix, log_w, guesses, limit);
        }
        let parts: Vec<Result<Done, Failure>> = (0..n.div_ceil(block))
            .into_par_iter()
            .map(|b| {
                let (first, len) = (b * block, block.min(n - b * block));
                let rows = first..first + len;
                self.block(j, &prefix.rows(first, len), &log_w[rows.clone()], &guesses[rows], limit)
            })
            .collect();
        let mut all = Done { lines: Vec::with_capacity(n), n_evals: 0 };
        // In order, so that of several failures the same one is reported every time.
        for part in parts {
            let part = part?;
            all.lines.extend(part.lines);
            all.n_evals += part.n_evals;
        }
        Ok(all)
    }

    fn block(
        &self,
        j: usize,
        prefix: &Matrix<f64>,
        log_w: &[f64],
        guesses: &[Guesses],
        limit: u64,
    ) -> Result<Done, Failure> {
        let n = prefix.n_rows();
        let mut n_evals = 0;
        let mut lines: Vec<Line> = (0..n)
            .map(|r| Line::new(&guesses[r][j], self.phase(j, prefix, r), self.floor - log_w[r], self.accuracy))
            .collect();
        let mut wanted: Vec<(usize, i64)> = Vec::new();
        let mut more = Vec::new();
        for (r, line) in lines.iter().enumerate() {
            line.first(&guesses[r][j], &mut more);
            wanted.extend(more.drain(..).map(|i| (r, i)));
        }
        while !wanted.is_empty() {
            let mut at = Matrix::new(wanted.len(), j + 1);
            for c in 0..j {
                let from = prefix.col(c);
                at.col_mut(c).iter_mut().zip(&wanted).for_each(|(to, (r, _))| *to = from[*r]);
            }
            at.col_mut(j).iter_mut().zip(&wanted).for_each(|(to, (r, i))| *to = lines[*r].x(*i));
            if j + 1 == self.dim() {
                let values = self.values(&at)?;
                n_evals += values.len() as u64;
                for ((r, i), value) in wanted.drain(..).zip(values) {
                    lines[r].insert(i, value, None);
                }
            } else {
                let weights: Vec<f64> = wanted.iter().map(|(r, i)| log_w[*r] + lines[*r].log_weight(*i)).collect();
                let kids: Vec<Guesses> = wanted.iter().map(|(r, i)| lines[*r].kid_guess(*i, &guesses[*r])).collect();
                let done = self.integrate(j + 1, &at, &weights, &kids, (limit - n_evals) / 4)?;
                n_evals += done.n_evals;
                for ((r, i), (value, kid)) in wanted.drain(..).zip(done.lines) {
                    lines[r].insert(i, value, Some(kid));
                }
            }
            if n_evals > limit {
                return Err(Failure::Budget);
            }
            for (r, line) in lines.iter_mut().enumerate() {
                line.wants(&mut more).map_err(|how| self.endless(j, prefix, r, how))?;
                wanted.extend(more.drain(..).map(|i| (r, i)));
            }
        }
        let lines = lines.iter().zip(guesses).map(|(line, guess)| line.finish(j, guess)).collect();
        Ok(Done { lines, n_evals })
    }

    /// -E and the share of the well, in logarithms.
    fn values(&self, z: &Matrix<f64>) -> Result<Vec<f64>, Failure> {
        let x = Points::from_real(self.atlas.place(self.well, z));
        let mut values = vec![f64::NAN; x.n()];
        self.energy.energy(&x, &mut values);
        if let Some(bad) = values.iter().position(|e| e.is_nan()) {
            return Err(Failure::Undefined(x.real.row(bad)));
        }
        if let Some(bad) = values.iter().position(|e| *e == f64::NEG_INFINITY) {
            return Err(Failure::Unbounded(x.real.row(bad)));
        }
        values.iter_mut().for_each(|e| *e = -*e);
        self.atlas.add_log_share(self.well, &x.real, &mut values);
        Ok(values)
    }

    fn endless(&self, j: usize, prefix: &Matrix<f64>, row: usize, how: Endless) -> Failure {
        let (upward, far) = match how {
            Endless::Flat { upward } => (upward, 1e13),
            Endless::Slow { upward, distance } => (upward, distance),
        };
        let mut z = Matrix::new(1, self.dim());
        (0..j).for_each(|c| z.set(0, c, prefix.get(row, c)));
        z.set(0, j, if upward { far } else { -far });
        Failure::Endless { point: self.atlas.place(self.well, &z).row(0), how }
    }

    /// The phase of a lattice in 0..1, a hash of where it is: that of two runs or of two lines have nothing in common.
    fn phase(&self, j: usize, prefix: &Matrix<f64>, row: usize) -> f64 {
        let mix = |h: u64, v: u64| {
            // The finaliser of SplitMix64 (Steele, Lea and Flood 2014).
            let mut z = (h ^ v).wrapping_add(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        let start = mix(self.seed, (self.well as u64) << 8 | j as u64);
        let hash = (0..j).fold(start, |h, c| mix(h, prefix.get(row, c).to_bits()));
        (hash >> 11) as f64 / (1u64 << 53) as f64
    }
}
