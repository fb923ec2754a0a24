//! Small dense symmetric systems in correlation form: what Newton steps and standard errors need.

use crate::points::Matrix;

/// `A = D R D` with unit diagonal R, factorised by Cholesky with diagonal pivoting: rank and dependencies come for free.
#[derive(Debug)]
pub struct Correlation {
    /// sqrt of the diagonal of A; 0 for a row without variance.
    scale: Vec<f64>,
    /// Independent rows in the order of their pivots.
    pivots: Vec<usize>,
    /// Rows of the factor of the pivot rows: `R[pivots] = L L'`, lower triangular, row-major.
    factor: Vec<Vec<f64>>,
    /// For each dependent row: its coefficients on the pivot rows, in correlation form.
    dependent: Vec<(usize, Vec<f64>)>,
}

/// Remaining share of variance below which a row counts as a combination of the others.
const RANK_TOL: f64 = 1e-10;

impl Correlation {
    /// Factorises the symmetric positive semi-definite `a` with `damping` added to the diagonal of R; `None` when it is
    /// not positive semi-definite or not finite.
    pub fn new(a: &Matrix<f64>, damping: f64) -> Option<Self> {
        let n = a.n_rows();
        if a.as_slice().iter().any(|v| !v.is_finite()) || (0..n).any(|k| a.get(k, k) < 0.0) {
            return None;
        }
        let scale: Vec<f64> = (0..n).map(|k| a.get(k, k).sqrt()).collect();
        let r = |i: usize, j: usize| match i == j {
            true => 1.0 + damping,
            false => a.get(i, j) / (scale[i] * scale[j]),
        };
        let mut open: Vec<usize> = (0..n).filter(|&k| scale[k] > 0.0).collect();
        let mut rest = vec![1.0 + damping; n];
        let mut rows: Vec<Vec<f64>> = vec![Vec::new(); n];
        let mut pivots = Vec::new();
        while let Some(at) = (0..open.len()).max_by(|&a, &b| rest[open[a]].total_cmp(&rest[open[b]]).then(b.cmp(&a))) {
            let p = open[at];
            if rest[p] <= RANK_TOL {
                break;
            }
            open.remove(at);
            let diagonal = rest[p].sqrt();
            let row_p = rows[p].clone();
            rows[p].push(diagonal);
            pivots.push(p);
            for &k in &open {
                let dot: f64 = rows[k].iter().zip(&row_p).map(|(x, y)| x * y).sum();
                let l = (r(k, p) - dot) / diagonal;
                rows[k].push(l);
                rest[k] -= l * l;
                if rest[k] < -1e-8 {
                    return None;
                }
            }
        }
        let factor: Vec<Vec<f64>> = pivots.iter().map(|&p| rows[p].clone()).collect();
        let mut out = Self { scale, pivots, factor, dependent: Vec::new() };
        for k in open {
            let mut c = rows[k].clone();
            out.back_substitute(&mut c);
            out.dependent.push((k, c));
        }
        Some(out)
    }

    fn back_substitute(&self, b: &mut [f64]) {
        for i in (0..b.len()).rev() {
            for k in i + 1..b.len() {
                b[i] -= self.factor[k][i] * b[k];
            }
            b[i] /= self.factor[i][i];
        }
    }

    /// Solves `A x = b` on the independent rows; dependent rows and rows without variance get 0.
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        let mut y: Vec<f64> = self.pivots.iter().map(|&p| b[p] / self.scale[p]).collect();
        for i in 0..y.len() {
            for k in 0..i {
                y[i] -= self.factor[i][k] * y[k];
            }
            y[i] /= self.factor[i][i];
        }
        self.back_substitute(&mut y);
        let mut x = vec![0.0; b.len()];
        for (p, y) in self.pivots.iter().zip(y) {
            x[*p] = y / self.scale[*p];
        }
        x
    }

    /// Groups of rows of which only combinations are determined: a dependent row and the rows it depends on.
    pub fn dependencies(&self) -> Vec<Vec<usize>> {
        self.dependent
            .iter()
            .map(|(k, c)| {
                let on = self.pivots.iter().zip(c).filter(|(_, c)| c.abs() > 1e-4).map(|(p, _)| *p);
                let mut group: Vec<usize> = std::iter::once(*k).chain(on).collect();
                group.sort_unstable();
                group
            })
            .collect()
    }

    /// `A^-1`. A row that is not determined (no variance, or part of a dependency) has infinite variance.
    pub fn inverse(&self) -> Matrix<f64> {
        let n = self.scale.len();
        let mut out = Matrix::new(n, n);
        for k in 0..n {
            let mut b = vec![0.0; n];
            b[k] = 1.0;
            out.col_mut(k).copy_from_slice(&self.solve(&b));
        }
        let lost = (0..n).filter(|&k| self.scale[k] == 0.0).chain(self.dependencies().into_iter().flatten());
        for k in lost.collect::<Vec<_>>() {
            out.set(k, k, f64::INFINITY);
        }
        out
    }
}

/// `A B A` for symmetric A, ignoring rows of A whose diagonal is infinite (they stay infinite).
pub fn sandwich(a: &Matrix<f64>, b: &Matrix<f64>) -> Matrix<f64> {
    let n = a.n_rows();
    let known: Vec<usize> = (0..n).filter(|&k| a.get(k, k).is_finite()).collect();
    Matrix::from_fn(n, n, |i, j| match a.get(i, i).is_finite() && a.get(j, j).is_finite() {
        true => {
            known.iter().map(|&k| known.iter().map(|&l| a.get(i, k) * b.get(k, l) * a.get(l, j)).sum::<f64>()).sum()
        }
        false => f64::INFINITY,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_and_finds_dependencies() {
        let a = Matrix::from_columns(2, 2, vec![4.0, 1.0, 1.0, 9.0]);
        let c = Correlation::new(&a, 0.0).unwrap();
        let x = c.solve(&[1.0, 2.0]);
        assert!((4.0 * x[0] + x[1] - 1.0).abs() < 1e-14 && (x[0] + 9.0 * x[1] - 2.0).abs() < 1e-14);
        let inverse = c.inverse();
        assert!((inverse.get(0, 0) - 9.0 / 35.0).abs() < 1e-15 && (inverse.get(0, 1) + 1.0 / 35.0).abs() < 1e-15);
        // Row 2 = row 0 + row 1 of independent unit variables; row 3 has no variance; row 4 is on its own.
        let g = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 2.0]];
        let a = Matrix::from_fn(5, 5, |i, j| (0..3).map(|k| g[i][k] * g[j][k]).sum());
        let c = Correlation::new(&a, 0.0).unwrap();
        assert_eq!(c.dependencies(), vec![vec![0, 1, 2]]);
        let inverse = c.inverse();
        assert!([0, 1, 2, 3].iter().all(|&k| inverse.get(k, k) == f64::INFINITY));
        assert_eq!(inverse.get(4, 4), 0.25);
        assert!(Correlation::new(&Matrix::from_columns(2, 2, vec![1.0, 2.0, 2.0, 1.0]), 0.0).is_none());
    }
}
