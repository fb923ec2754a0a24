//! The reference at the bottom of the ladder when none is given: a Gaussian over all wells, and one at each of them.

use faer::{Mat, Side};

use super::watch::Moments;
use crate::energy::Differentiable;
use crate::energy::gaussian::{Gaussian, GaussianError, GaussianMixture};
use crate::logz::log_sum_exp;
use crate::points::{Matrix, Points};
use crate::run::{RunError, component_wells, cover, dispersed_points};

/// Points that show where the wells are.
const N_POINTS: usize = 64;

/// What the first reference is wider than the wells need, in variance: too wide costs little, too narrow much.
const INFLATION: f64 = 2.0;

/// The weight of the Gaussians at single wells, of which there are at most this many, each with at least this part of an even share.
const SHARE_OF_WELLS: f64 = 0.8;
const MAX_PARTS: usize = 16;
const LEAST_SHARE: f64 = 0.2;

/// Wells of components with less than this share of the probability need not be covered.
const MIN_WEIGHT: f64 = 1e-4;

/// Where the wells are and how wide they are: what a reference must cover.
pub(super) struct Wells {
    points: Points,
    /// Variance within a well, coordinate by coordinate.
    within: Vec<f64>,
    /// Whether what the points and variances say must be covered, whatever draws say.
    may_be_several: bool,
    /// The wells one by one and their weights, where they are several and not too many.
    parts: Vec<(Gaussian, f64)>,
    /// A direction along which descents fell without end.
    pub(super) falls: Option<Vec<f64>>,
}

impl Wells {
    /// From [`dispersed_points`], and the curvature there: the variance within is the median over the points of
    /// `1 / (d^2E/dx_j^2)` where that is positive (1 where it nowhere is), and no less than that of the widest
    /// [component](Differentiable::components) that matters: about a needle there may be a haystack.
    /// There are points for `n_ladders` ladders at the least.
    pub(super) fn find<E: Differentiable + ?Sized>(energy: &E, seed: u64, n_ladders: usize) -> Result<Self, RunError> {
        let starts = dispersed_points(energy, N_POINTS.max(n_ladders), seed)?;
        let components = widths_of_components(energy);
        let widest = |j: usize| components.iter().map(|widths| widths[j].powi(2)).fold(0.0, f64::max);
        let within =
            (0..starts.points.dim()).map(|j| variance_within(energy, &starts.points, j).max(widest(j))).collect();
        let may_be_several = starts.wells.len() != 1 || components.len() > 1;
        let parts = weighted(cover(energy, &starts.wells));
        Ok(Self { points: starts.points, within, may_be_several, parts, falls: starts.falls })
    }

    /// The first `n` of the points.
    pub(super) fn starts(&self, n: usize) -> Points {
        self.points.rows(0, n)
    }

    /// The first reference: independent coordinates with the mean of the points and twice their variance between and within
    /// the wells; where there are 2 to 16 wells or components, with a Gaussian at each of them, together four times as heavy.
    pub(super) fn reference(&self) -> Result<GaussianMixture, RunError> {
        let (n, dim) = (self.points.n() as f64, self.points.dim());
        let mean: Vec<f64> = (0..dim).map(|j| self.points.real.col(j).iter().sum::<f64>() / n).collect();
        let sd: Vec<f64> = (0..dim).map(|j| (INFLATION * self.spread(j, j, &mean)).sqrt()).collect();
        let over_all = diagonal(mean, &sd).map_err(|cause| RunError::NoReference { cause })?;
        Ok(self.with_parts(over_all))
    }

    /// With a Gaussian at every well.
    fn with_parts(&self, over_all: Gaussian) -> GaussianMixture {
        let share = if self.parts.is_empty() { 1.0 } else { 1.0 - SHARE_OF_WELLS };
        GaussianMixture::new(std::iter::once((over_all, share)).chain(self.parts.iter().cloned()).collect())
    }

    /// Second moment of the points about `mean`, coordinates j and k, and the variance within a well.
    fn spread(&self, j: usize, k: usize, mean: &[f64]) -> f64 {
        let (x, y) = (self.points.real.col(j), self.points.real.col(k));
        let between: f64 = x.iter().zip(y).map(|(x, y)| (x - mean[j]) * (y - mean[k])).sum();
        between / x.len() as f64 + if j == k { self.within[j] } else { 0.0 }
    }

    /// The reference with the moments of the draws, as wide in every direction as the wells need when there may be several.
    ///
    /// With `D` the covariance of the draws and `S` the spread of the wells about their mean, the covariance is
    /// `D^{1/2} max(D^{-1/2} S D^{-1/2}, 1) D^{1/2}`, the maximum taken on eigenvalues: at least D and at least S. Draws that
    /// have not found a mode yet do not narrow the reference to those they have found. In many dimensions both are variances.
    ///
    /// The Gaussians at single wells stay. `None` when the draws have no positive definite covariance.
    pub(super) fn refit(&self, draws: &Moments) -> Option<GaussianMixture> {
        self.over_all(draws).map(|over_all| self.with_parts(over_all))
    }

    fn over_all(&self, draws: &Moments) -> Option<Gaussian> {
        let Moments { mean, covariance } = draws;
        let dim = mean.len();
        let covers = self.may_be_several;
        if covariance.n_cols() == 1 {
            let variance = |j: usize| {
                let spread = if covers { self.spread(j, j, mean) } else { 0.0 };
                covariance.get(j, 0).max(spread)
            };
            let sd: Vec<f64> = (0..dim).map(|j| variance(j).sqrt()).collect();
            return diagonal(mean.clone(), &sd).ok();
        }
        if !covers {
            return Gaussian::new(mean.clone(), covariance).ok();
        }
        let needed = Matrix::from_fn(dim, dim, |j, k| self.spread(j, k, mean));
        Gaussian::new(mean.clone(), &at_least_both(covariance, &needed)?).ok()
    }
}

/// Of several wells, the weights in the reference: shares of Laplace's approximation, but not too small; none of one or too many.
fn weighted(wells: Vec<(Gaussian, f64)>) -> Vec<(Gaussian, f64)> {
    if !(2..=MAX_PARTS).contains(&wells.len()) {
        return Vec::new();
    }
    let total = log_sum_exp(&wells.iter().map(|w| w.1).collect::<Vec<_>>());
    let least = LEAST_SHARE / wells.len() as f64;
    let shares: Vec<f64> = wells.iter().map(|w| (w.1 - total).exp().max(least)).collect();
    let sum: f64 = shares.iter().sum();
    wells.into_iter().zip(shares).map(|((g, _), share)| (g, SHARE_OF_WELLS * share / sum)).collect()
}

/// The widths of the wells of components that hold more than a ten-thousandth of the probability.
fn widths_of_components<E: Differentiable + ?Sized>(energy: &E) -> Vec<Vec<f64>> {
    let wells: Vec<(f64, Vec<f64>)> = component_wells(energy)
        .into_iter()
        .flatten()
        .filter_map(|basin| Some((basin.log_weight()?, basin.widths.into_iter().collect::<Option<_>>()?)))
        .collect();
    let total = log_sum_exp(&wells.iter().map(|w| w.0).collect::<Vec<_>>());
    wells.into_iter().filter(|w| w.0 - total > MIN_WEIGHT.ln()).map(|w| w.1).collect()
}

/// Independent coordinates.
fn diagonal(mean: Vec<f64>, sd: &[f64]) -> Result<Gaussian, GaussianError> {
    Gaussian::diagonal(mean, sd)
}

/// `A^{1/2} max(A^{-1/2} B A^{-1/2}, 1) A^{1/2}`; `None` when A is not positive definite or not finite.
fn at_least_both(a: &Matrix<f64>, b: &Matrix<f64>) -> Option<Matrix<f64>> {
    let dim = a.n_rows();
    let dense = |m: &Matrix<f64>| Mat::from_fn(dim, dim, |i, j| m.get(i, j));
    let (a, b) = (dense(a), dense(b));
    let eigen = a.self_adjoint_eigen(Side::Lower).ok()?;
    let positive = (0..dim).all(|k| eigen.S().column_vector()[k] > 0.0 && eigen.S().column_vector()[k].is_finite());
    if !positive {
        return None;
    }
    let power = |p: f64| {
        let scaled = Mat::from_fn(dim, dim, |i, k| eigen.U()[(i, k)] * eigen.S().column_vector()[k].powf(p));
        scaled * eigen.U().transpose()
    };
    let (root, inverse) = (power(0.5), power(-0.5));
    let relative = &inverse * &b * &inverse;
    let eigen = relative.self_adjoint_eigen(Side::Lower).ok()?;
    let grown = Mat::from_fn(dim, dim, |i, k| eigen.U()[(i, k)] * eigen.S().column_vector()[k].max(1.0))
        * eigen.U().transpose();
    let both = &root * grown * &root;
    // Symmetric to the bit.
    Some(Matrix::from_fn(dim, dim, |i, j| both[(i.max(j), i.min(j))]))
}

/// Median over the points of the inverse curvature along coordinate `j`, where it is positive; 1 where it nowhere is.
fn variance_within<E: Differentiable + ?Sized>(energy: &E, points: &Points, j: usize) -> f64 {
    let (n, dim) = (points.n(), points.dim());
    let slope_at = |sign: f64| {
        let mut x = points.clone();
        x.real.col_mut(j).iter_mut().for_each(|v| *v += sign * width(*v));
        let mut grad = Matrix::new(n, dim);
        energy.grad(&x, &mut grad);
        grad.col(j).to_vec()
    };
    let (above, below) = (slope_at(1.0), slope_at(-1.0));
    let curvature = |i: usize| (above[i] - below[i]) / (2.0 * width(points.real.get(i, j)));
    let mut variances: Vec<f64> = (0..n).map(curvature).filter(|c| *c > 0.0).map(|c| 1.0 / c).collect();
    variances.sort_by(f64::total_cmp);
    variances.get(variances.len() / 2).copied().filter(|v| v.is_finite() && *v > 0.0).unwrap_or(1.0)
}

/// Half the width of a central difference at `x`.
fn width(x: f64) -> f64 {
    1e-4 * (1.0 + x.abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::Energy;
    use crate::energy::formula::Formula;

    const TWO_WELLS: &str = "-log(0.3*exp(-((x1+10)^2+x2^2)/2)+0.7*exp(-((x1-10)^2+x2^2)/2))";

    #[test]
    fn the_first_reference_covers_both_wells() {
        let energy = Formula::parse(TWO_WELLS).unwrap();
        let reference = Wells::find(&energy, 0, 0).unwrap().reference().unwrap();
        let mut e = [0.0; 2];
        reference.energy(&Points::from_rows(&[[-10.0, 0.0], [10.0, 0.0]]), &mut e);
        assert!(e.iter().all(|e| *e < 3.0), "{e:?}");
    }

    /// Draws of one mode alone must not make the reference forget the other; draws of both set mean and width.
    #[test]
    fn a_refit_is_never_narrower_than_the_wells_need() {
        let energy = Formula::parse(TWO_WELLS).unwrap();
        let wells = Wells::find(&energy, 0, 0).unwrap();
        let identity = Matrix::from_columns(2, 2, vec![1.0, 0.0, 0.0, 1.0]);
        let one = wells.refit(&Moments { mean: vec![-10.0, 0.0], covariance: identity.clone() }).unwrap();
        let mut e = [0.0; 2];
        let ends = Points::from_rows(&[[-10.0, 0.0], [10.0, 0.0]]);
        one.energy(&ends, &mut e);
        assert!(e.iter().all(|e| *e < 3.0), "{e:?}");
        let truth = Matrix::from_columns(2, 2, vec![400.0, 0.0, 0.0, 9.0]);
        let both = wells.refit(&Moments { mean: vec![4.0, 0.0], covariance: truth }).unwrap();
        both.energy(&Points::from_rows(&[[24.0, 0.0], [4.0, 3.0]]), &mut e);
        assert!(e.iter().all(|e| (e - 0.5).abs() < 0.05), "{e:?}");
        // One well: the draws alone count.
        let single = Formula::parse("x1^2/2 + x2^2/2").unwrap();
        let wells = Wells::find(&single, 0, 0).unwrap();
        let narrow = Matrix::from_columns(2, 2, vec![0.01, 0.0, 0.0, 0.01]);
        let fitted = wells.refit(&Moments { mean: vec![0.0, 0.0], covariance: narrow }).unwrap();
        fitted.energy(&Points::from_rows(&[[0.1, 0.0], [0.0, 0.2]]), &mut e);
        assert!((e[0] - 0.5).abs() < 1e-9 && (e[1] - 2.0).abs() < 1e-9, "{e:?}");
    }

    #[test]
    fn the_maximum_of_two_covariances_covers_both() {
        let a = Matrix::from_columns(2, 2, vec![2.0, 0.5, 0.5, 1.0]);
        let b = Matrix::from_columns(2, 2, vec![1.0, -0.9, -0.9, 4.0]);
        let c = at_least_both(&a, &b).unwrap();
        for m in [&a, &b] {
            for k in 0..64 {
                let (s, t) = (f64::from(k) * 0.05).sin_cos();
                let form = |m: &Matrix<f64>| s * s * m.get(0, 0) + 2.0 * s * t * m.get(0, 1) + t * t * m.get(1, 1);
                assert!(form(&c) > form(m) - 1e-12);
            }
        }
        assert_eq!(at_least_both(&Matrix::new(2, 2), &b), None);
        let same = at_least_both(&a, &a).unwrap();
        assert!(same.as_slice().iter().zip(a.as_slice()).all(|(x, y)| (x - y).abs() < 1e-12));
    }
}
