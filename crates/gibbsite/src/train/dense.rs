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

    /// A symmetric generalised inverse of A: the inverse on the independent rows, zero elsewhere, so that what the dependent
    /// rows share with others is counted once.
    pub fn inverse(&self) -> Inverse {
        let n = self.scale.len();
        let mut matrix = Matrix::new(n, n);
        for k in 0..n {
            let mut b = vec![0.0; n];
            b[k] = 1.0;
            matrix.col_mut(k).copy_from_slice(&self.solve(&b));
        }
        let mut lost = vec![false; n];
        (0..n).filter(|&k| self.scale[k] == 0.0).for_each(|k| lost[k] = true);
        self.dependencies().into_iter().flatten().for_each(|k| lost[k] = true);
        Inverse { matrix, lost }
    }
}

/// A generalised inverse, and which rows it does not determine.
#[derive(Clone, Debug)]
pub struct Inverse {
    /// The generalised inverse.
    pub matrix: Matrix<f64>,
    /// Rows without variance, and members of a dependency: each of them alone may be anything.
    pub lost: Vec<bool>,
}

impl Inverse {
    /// The diagonal; `+inf` where a row is not determined.
    pub fn variances(&self) -> Vec<f64> {
        self.diagonal(&self.matrix)
    }

    /// The diagonal of `A B A`, A this inverse; `+inf` where a row is not determined. What a dependency leaves determined,
    /// rows outside of it above all, is the same whichever of its members are the pivots.
    pub fn sandwich(&self, b: &Matrix<f64>) -> Vec<f64> {
        let (a, n) = (&self.matrix, self.matrix.n_rows());
        let ab = Matrix::from_fn(n, n, |i, j| (0..n).map(|k| a.get(i, k) * b.get(k, j)).sum::<f64>());
        self.diagonal(&Matrix::from_fn(n, n, |i, j| (0..n).map(|k| ab.get(i, k) * a.get(k, j)).sum::<f64>()))
    }

    fn diagonal(&self, m: &Matrix<f64>) -> Vec<f64> {
        (0..self.lost.len()).map(|k| if self.lost[k] { f64::INFINITY } else { m.get(k, k) }).collect()
    }
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
        let inverse = c.inverse().matrix;
        assert!((inverse.get(0, 0) - 9.0 / 35.0).abs() < 1e-15 && (inverse.get(0, 1) + 1.0 / 35.0).abs() < 1e-15);
        // Row 2 = row 0 + row 1 of independent unit variables; row 3 has no variance; row 4 is on its own.
        let g = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 2.0]];
        let a = Matrix::from_fn(5, 5, |i, j| (0..3).map(|k| g[i][k] * g[j][k]).sum());
        let c = Correlation::new(&a, 0.0).unwrap();
        assert_eq!(c.dependencies(), vec![vec![0, 1, 2]]);
        let variances = c.inverse().variances();
        assert!(variances[..4].iter().all(|&v| v == f64::INFINITY));
        assert_eq!(variances[4], 0.25);
        assert!(Correlation::new(&Matrix::from_columns(2, 2, vec![1.0, 2.0, 2.0, 1.0]), 0.0).is_none());
    }
    /// Row 2 = row 0 + row 1, row 3 correlated with all: the sandwich of row 3 is that of the system without row 2.
    #[test]
    fn a_dependency_does_not_spoil_other_rows() {
        let g = [[1.0, 0.2, 0.0], [0.3, 1.0, 0.0], [1.3, 1.2, 0.0], [0.5, 0.4, 1.0]];
        let a = Matrix::from_fn(4, 4, |i, j| (0..3).map(|k| g[i][k] * g[j][k]).sum());
        let b = Matrix::from_fn(4, 4, |i, j| (0..3).map(|k| (k as f64 + 1.0) * g[i][k] * g[j][k]).sum());
        let keep = [0, 1, 3];
        let small = |m: &Matrix<f64>| Matrix::from_fn(3, 3, |i, j| m.get(keep[i], keep[j]));
        let alone = Correlation::new(&small(&a), 0.0).unwrap().inverse();
        let full = Correlation::new(&a, 0.0).unwrap().inverse();
        assert_eq!(full.lost, [true, true, true, false]);
        assert!((full.sandwich(&b)[3] / alone.sandwich(&small(&b))[2] - 1.0).abs() < 1e-9);
        assert!((full.variances()[3] / alone.variances()[2] - 1.0).abs() < 1e-9);
        assert_eq!(full.sandwich(&b)[0], f64::INFINITY);
    }
}
