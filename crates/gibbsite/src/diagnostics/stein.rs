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

/// The largest departure from the identity with `f(x) = tanh((x - m) / s)`, m and s the mean and standard deviation of the draws.
///
/// `x` are draws, shape `(n, d)`, `grad` the gradients of the energy there; row i belongs to group `i % n_groups`, and groups are
/// independent. `None` with fewer than 8 groups, without draws, or where no gradient gives a finite mean.
pub fn stein_departure(x: &Points, grad: &Matrix<f64>, n_groups: usize) -> Option<SteinDeparture> {
    if n_groups < 8 || x.n() < n_groups {
        return None;
    }
    (0..x.dim())
        .filter_map(|j| {
            departure(x.real.col(j), grad.col(j), n_groups).map(|(mean, z)| SteinDeparture { coordinate: j, mean, z })
        })
        .max_by(|a, b| a.z.abs().total_cmp(&b.z.abs()))
}

/// Mean and z of one coordinate.
fn departure(x: &[f64], slope: &[f64], n_groups: usize) -> Option<(f64, f64)> {
    let n = x.len() as f64;
    let m = x.iter().sum::<f64>() / n;
    let s = (x.iter().map(|x| (x - m).powi(2)).sum::<f64>() / n).sqrt();
    let (mut sums, mut counts) = (vec![0.0; n_groups], vec![0.0f64; n_groups]);
    for (i, (x, slope)) in x.iter().zip(slope).enumerate() {
        let f = ((x - m) / s).tanh();
        sums[i % n_groups] += (1.0 - f * f) / s - f * slope;
        counts[i % n_groups] += 1.0;
    }
    // In units of the coordinate.
    let means: Vec<f64> = sums.iter().zip(&counts).map(|(sum, count)| s * sum / count).collect();
    let k = n_groups as f64;
    let mean = means.iter().sum::<f64>() / k;
    let variance = means.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (k - 1.0);
    let z = mean / (variance / k).sqrt();
    z.is_finite().then_some((mean, z))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Run, Streams};

    const N_GROUPS: usize = 32;

    /// Standard normals in two coordinates, those below `cut` in the first left out.
    fn normals(cut: f64, seed: u64) -> SteinDeparture {
        let mut streams = Streams::new(seed, Run::Draws);
        let z = streams.normals(Purpose::Init, 1200, 2);
        let rows: Vec<[f64; 2]> =
            (0..1200).map(|i| [f64::from(z.col(0)[i]), f64::from(z.col(1)[i])]).filter(|row| row[0] > cut).collect();
        let x = Points::from_rows(&rows[..rows.len() / N_GROUPS * N_GROUPS]);
        // E = |x|^2 / 2.
        stein_departure(&x, &x.real, N_GROUPS).unwrap()
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
        assert_eq!(stein_departure(&x, &x.real, N_GROUPS), None);
        assert_eq!(stein_departure(&x, &x.real, 4), None);
        assert_eq!(stein_departure(&Points::zeros(0, 1), &Matrix::new(0, 1), N_GROUPS), None);
    }
}
