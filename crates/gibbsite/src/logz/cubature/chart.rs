//! Coordinates in which a well is about a standard Gaussian, and the share of each of several wells.

use crate::energy::gaussian::Gaussian;
use crate::points::Matrix;

/// Half the exponent of the kernels that share out space: soft enough that lattices of a step of one width resolve the
/// borders, hard enough that a well has next to no share in the middle of another.
const POWER: i32 = 4;

/// `x = centre + L z` with `L L'` the inverse Hessian at the bottom of a well. L is lower triangular: x_1 is a function
/// of z_1 alone, x_2 of z_1 and z_2, so that the order in which the energy builds up its coordinates is kept.
#[derive(Clone, Debug)]
pub(super) struct Chart {
    pub(super) centre: Vec<f64>,
    covariance: Matrix<f64>,
    root: Matrix<f64>,
    /// Whether z_1 belongs to the last coordinate, and so on backward.
    is_reversed: bool,
}

impl Chart {
    /// `None` when the covariance is not positive definite.
    pub(super) fn new(centre: Vec<f64>, covariance: &Matrix<f64>) -> Option<Self> {
        Self::in_order(centre, covariance, false)
    }

    /// The same in the opposite order of coordinates: x_d is a function of z_1 alone.
    fn reversed(&self) -> Option<Self> {
        Self::in_order(self.centre.clone(), &self.covariance, !self.is_reversed)
    }

    fn in_order(centre: Vec<f64>, covariance: &Matrix<f64>, is_reversed: bool) -> Option<Self> {
        let d = centre.len();
        let place = |a: usize| if is_reversed { d - 1 - a } else { a };
        let mut root = Matrix::new(d, d);
        for a in 0..d {
            for b in 0..=a {
                let known: f64 = (0..b).map(|k| root.get(a, k) * root.get(b, k)).sum();
                let rest = covariance.get(place(a), place(b)) - known;
                if a > b {
                    root.set(a, b, rest / root.get(b, b));
                } else if rest > 0.0 && rest.is_finite() {
                    root.set(a, a, rest.sqrt());
                } else {
                    return None;
                }
            }
        }
        Some(Self { centre, covariance: covariance.clone(), root, is_reversed })
    }

    /// Which coordinate row `a` of L belongs to.
    fn coordinate(&self, a: usize) -> usize {
        if self.is_reversed { self.centre.len() - 1 - a } else { a }
    }

    /// The Gaussian at the bottom of the well, its variance `inflation` times that of the well; `None` where that is too small or
    /// large for numbers.
    pub(super) fn gaussian(&self, inflation: f64) -> Option<Gaussian> {
        let d = self.centre.len();
        let wider = Matrix::from_fn(d, d, |i, j| inflation * self.covariance.get(i, j));
        Gaussian::new(self.centre.clone(), &wider).ok()
    }

    /// log |det L|.
    pub(super) fn log_det(&self) -> f64 {
        (0..self.centre.len()).map(|j| self.root.get(j, j).ln()).sum()
    }

    /// `x(z)`, row by row.
    pub(super) fn place(&self, z: &Matrix<f64>) -> Matrix<f64> {
        let (n, d) = (z.n_rows(), self.centre.len());
        let mut x = Matrix::new(n, d);
        for a in 0..d {
            let j = self.coordinate(a);
            let column = x.col_mut(j);
            column.fill(self.centre[j]);
            for b in 0..=a {
                let l = self.root.get(a, b);
                if l != 0.0 {
                    column.iter_mut().zip(z.col(b)).for_each(|(x, z)| *x += l * z);
                }
            }
        }
        x
    }

    /// `|z|^2` of a point x.
    pub(super) fn distance2(&self, x: &[f64]) -> f64 {
        let mut z = [0.0; super::guess::MAX_DIM];
        let mut sum = 0.0;
        for a in 0..x.len() {
            let known: f64 = (0..a).map(|b| self.root.get(a, b) * z[b]).sum();
            let j = self.coordinate(a);
            z[a] = (x[j] - self.centre[j] - known) / self.root.get(a, a);
            sum += z[a] * z[a];
        }
        sum
    }
}

/// The wells.
#[derive(Clone, Debug)]
pub(super) struct Atlas {
    pub(super) charts: Vec<Chart>,
}

impl Atlas {
    /// The same wells with the coordinates in the opposite order.
    pub(super) fn reversed(&self) -> Option<Self> {
        Some(Self { charts: self.charts.iter().map(Chart::reversed).collect::<Option<_>>()? })
    }

    pub(super) fn dim(&self) -> usize {
        self.charts.first().map_or(0, |c| c.centre.len())
    }

    pub(super) fn place(&self, well: usize, z: &Matrix<f64>) -> Matrix<f64> {
        self.charts[well].place(z)
    }

    /// Adds the logarithm of the share of `well` in every row of `x`: `k_w / sum_v k_v` with
    /// `k_v = (1 + |z_v|^2)^-4 / |det L_v|`; the shares sum to 1. By the determinant a wide well has next to no share in the
    /// middle of a narrow one, where its own lattice is too coarse to see it.
    pub(super) fn add_log_share(&self, well: usize, x: &Matrix<f64>, values: &mut [f64]) {
        if self.charts.len() < 2 {
            return;
        }
        let scales: Vec<f64> = {
            let own = self.charts[well].log_det();
            self.charts.iter().map(|c| (own - c.log_det()).exp()).collect()
        };
        let mut row = vec![0.0; x.n_cols()];
        for (i, value) in values.iter_mut().enumerate() {
            row.iter_mut().enumerate().for_each(|(j, r)| *r = x.get(i, j));
            let own = 1.0 + self.charts[well].distance2(&row);
            let ratio = |(c, scale): (&Chart, &f64)| scale * (own / (1.0 + c.distance2(&row))).powi(POWER);
            *value -= self.charts.iter().zip(&scales).map(ratio).sum::<f64>().ln();
        }
    }
}
