//! Do draws end where the density goes on? An identity that tells, coordinate by coordinate.
//!
//! For a density `p = exp(-E) / Z` on all of R^d and a bounded smooth `f`, integration by parts gives
//! `E_p[f'(x_j) - f(x_j) dE/dx_j] = 0` (Stein 1972; as a check of draws: Gorham and Mackey 2015, "Measuring sample quality with
//! Stein's method"). For p cut off at the border of a region the mean is the flux of `f p` through that border: chains that do not
//! enter a neck of the density, each in the same way, agree with each other and are found out. A mode that is separate has no
//! density at its border, and is not.

use crate::points::{Matrix, Points};

/// The coordinate that departs most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SteinDeparture {
    /// Coordinate, from 0.
    pub coordinate: usize,
    /// The mean of `f' - f dE/dx_j`: about the share of the density at the border of what draws have seen.
    pub mean: f64,
    /// The mean in units of its standard error, from the spread between the groups; Student's t with one degree of freedom less
    /// than there are groups, where the draws are good.
    pub z: f64,
}

/// Running sums of `f'(x_j) - f(x_j) dE/dx_j` with `f(x) = tanh((x - m) / s)`, for each coordinate j and group of draws.
///
/// Which m and s are taken decides how well a departure shows, not whether the identity holds: they may be rough, but must not
/// depend on the draws that are added.
#[derive(Clone, Debug)]
pub struct Stein {
    m: Vec<f64>,
    s: Vec<f64>,
    /// In units of the coordinate, shape `(n_groups, d)`.
    sums: Matrix<f64>,
    /// Draws of each group.
    n: u64,
}

impl Stein {
    /// Nothing summed yet; m and s are mean and standard deviation of the rows of `x`, and there are `n_groups` independent groups.
    pub fn new(x: &Points, n_groups: usize) -> Self {
        let n = x.n() as f64;
        let moments = |j: usize| {
            let x = x.real.col(j);
            let m = x.iter().sum::<f64>() / n;
            (m, (x.iter().map(|x| (x - m).powi(2)).sum::<f64>() / n).sqrt())
        };
        let (m, s) = (0..x.dim()).map(moments).unzip();
        Self { m, s, sums: Matrix::new(n_groups, x.dim()), n: 0 }
    }

    /// Adds a draw of each group, the rows of `x` of shape `(n_groups, d)`, whose energy has the gradients `grad` there.
    ///
    /// # Panics
    /// For another number of rows.
    pub fn add(&mut self, x: &Points, grad: &Matrix<f64>) {
        let n_groups = self.sums.n_rows();
        assert_eq!((x.n(), grad.n_rows()), (n_groups, n_groups), "one draw of each group");
        for j in 0..x.dim() {
            let (m, s, sums) = (self.m[j], self.s[j], self.sums.col_mut(j));
            for ((sum, x), slope) in sums.iter_mut().zip(x.real.col(j)).zip(grad.col(j)) {
                let f = ((x - m) / s).tanh();
                *sum += (1.0 - f * f) - s * f * slope;
            }
        }
        self.n += 1;
    }

    /// The largest departure. `None` with fewer than 8 groups, without draws, or where no gradient gives a finite mean.
    pub fn departure(&self) -> Option<SteinDeparture> {
        let k = self.sums.n_rows() as f64;
        if k < 8.0 || self.n == 0 {
            return None;
        }
        let of = |j: usize| {
            let means: Vec<f64> = self.sums.col(j).iter().map(|sum| sum / self.n as f64).collect();
            let mean = means.iter().sum::<f64>() / k;
            let variance = means.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (k - 1.0);
            let z = mean / (variance / k).sqrt();
            z.is_finite().then_some(SteinDeparture { coordinate: j, mean, z })
        };
        (0..self.m.len()).filter_map(of).max_by(|a, b| a.z.abs().total_cmp(&b.z.abs()))
    }

    /// The sums so far, shape `(n_groups, d)`, and how many draws of each group they are over.
    pub fn sums(&self) -> (&Matrix<f64>, u64) {
        (&self.sums, self.n)
    }

    /// Takes over sums of the same groups with the same m and s.
    ///
    /// # Panics
    /// For sums of another shape.
    pub fn set_sums(&mut self, sums: Matrix<f64>, n: u64) {
        assert_eq!((sums.n_rows(), sums.n_cols()), (self.sums.n_rows(), self.m.len()), "sums of other groups");
        (self.sums, self.n) = (sums, n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Run, Streams};

    const N_GROUPS: usize = 32;

    fn departure(x: &Points, grad: &Matrix<f64>, n_groups: usize) -> Option<SteinDeparture> {
        let mut stein = Stein::new(x, n_groups);
        for first in (0..x.n()).step_by(n_groups) {
            stein.add(&x.rows(first, n_groups), &grad.rows(first, n_groups));
        }
        stein.departure()
    }

    /// Standard normals in two coordinates, those below `cut` in the first left out.
    fn normals(cut: f64, seed: u64) -> SteinDeparture {
        let mut streams = Streams::new(seed, Run::Draws);
        let z = streams.normals(Purpose::Init, 1200, 2);
        let rows: Vec<[f64; 2]> =
            (0..1200).map(|i| [f64::from(z.col(0)[i]), f64::from(z.col(1)[i])]).filter(|row| row[0] > cut).collect();
        let x = Points::from_rows(&rows[..rows.len() / N_GROUPS * N_GROUPS]);
        // E = |x|^2 / 2.
        departure(&x, &x.real, N_GROUPS).unwrap()
    }

    #[test]
    fn good_draws_depart_seldom_and_draws_without_a_tail_always() {
        let alarms = (0..400).filter(|seed| normals(f64::NEG_INFINITY, *seed).z.abs() > 3.6).count();
        // Two coordinates, t with 31 degrees of freedom: 0.2 % of 400.
        assert!(alarms <= 5, "{alarms}");
        for seed in 0..20 {
            let found = normals(-1.0, seed);
            assert!(found.coordinate == 0 && found.z.abs() > 5.0, "{found:?}");
            // f p at the cut over the mass above it, with m = 0.29 and s = 0.79: tanh(-1.63) * 0.242 / 0.841 * s.
            assert!((found.mean - 0.21).abs() < 0.09, "{found:?}");
        }
    }

    #[test]
    fn what_cannot_be_judged_is_not() {
        let x = Points::zeros(64, 1);
        assert_eq!(departure(&x, &x.real, N_GROUPS), None);
        assert_eq!(departure(&x, &x.real, 4), None);
        assert_eq!(departure(&Points::zeros(0, 1), &Matrix::new(0, 1), N_GROUPS), None);
    }

    #[test]
    fn sums_that_are_taken_over_go_on() {
        let mut streams = Streams::new(7, Run::Draws);
        let z = streams.normals(Purpose::Init, 2 * N_GROUPS, 2);
        let of = |first: usize| Points::from_real(Matrix::from_fn(N_GROUPS, 2, |i, j| f64::from(z.col(j)[first + i])));
        let (one, other) = (of(0), of(N_GROUPS));
        let (mut whole, mut rest) = (Stein::new(&one, N_GROUPS), Stein::new(&one, N_GROUPS));
        whole.add(&one, &one.real);
        let (sums, n) = whole.sums();
        rest.set_sums(sums.clone(), n);
        whole.add(&other, &other.real);
        rest.add(&other, &other.real);
        assert!(whole.departure().is_some() && rest.departure() == whole.departure());
    }
}
