//! The scale of each coordinate from the draws of a window.

use crate::points::Matrix;

/// Running mean and sum of squared deviations of each coordinate of each chain (Welford 1962).
pub(super) struct Moments {
    n: f64,
    mean: Matrix<f64>,
    m2: Matrix<f64>,
}

impl Moments {
    /// No draws yet, of `n_rows` chains and `dim` coordinates; with `dim` 0 it counts nothing.
    pub(super) fn new(n_rows: usize, dim: usize) -> Self {
        Self { n: 0.0, mean: Matrix::new(n_rows, dim), m2: Matrix::new(n_rows, dim) }
    }

    /// Adds one draw of every chain.
    pub(super) fn add(&mut self, x: &Matrix<f64>) {
        self.n += 1.0;
        for j in 0..self.mean.n_cols() {
            let (mean, m2) = (self.mean.col_mut(j), self.m2.col_mut(j));
            for (i, x) in x.col(j).iter().enumerate() {
                let delta = x - mean[i];
                mean[i] += delta / self.n;
                m2[i] += delta * (x - mean[i]);
            }
        }
    }
}

/// Sets each scale to the standard deviation within chains, pooled over all chains: `s_j^2 = mean over chains of
/// Var(x_j)`, shrunk towards the present scale by the weight of five draws (regularised as Stan does).
///
/// Within chains, not over all draws: where chains stay in different modes, steps must fit a mode, not the distance of
/// the modes; and for chains that mix, the two agree. Sums run in the order of the chains, whatever the blocks.
/// A variance that is zero or not finite leaves the scale as it is.
pub(super) fn update(scale: &mut [f64], blocks: &[Moments]) {
    const PRIOR_DRAWS: f64 = 5.0;
    let Some(n) = blocks.first().map(|b| b.n).filter(|n| *n >= 2.0) else { return };
    for (j, s) in scale.iter_mut().enumerate() {
        let (mut total, mut n_chains) = (0.0, 0.0);
        for m2 in blocks.iter().flat_map(|b| b.m2.col(j)) {
            total += m2 / (n - 1.0);
            n_chains += 1.0;
        }
        let n_all = n * n_chains;
        let variance = (n_all * (total / n_chains) + PRIOR_DRAWS * *s * *s) / (n_all + PRIOR_DRAWS);
        if variance > 0.0 && variance.is_finite() && total > 0.0 {
            *s = variance.sqrt();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scale_is_the_spread_within_chains_whatever_the_blocks() {
        let x = |i: usize, t: usize| (i as f64) * 100.0 + ((t * 7 + i * 3) % 11) as f64;
        let fill = |rows: std::ops::Range<usize>| {
            let mut m = Moments::new(rows.len(), 1);
            (0..1100).for_each(|t| m.add(&Matrix::from_fn(rows.len(), 1, |i, _| x(rows.start + i, t))));
            m
        };
        let mut one = [1.0];
        update(&mut one, &[fill(0..10)]);
        let mut two = [1.0];
        update(&mut two, &[fill(0..3), fill(3..10)]);
        assert_eq!(one, two);
        assert!((one[0] - 10.0f64.sqrt()).abs() < 0.01, "{one:?}");
    }
}
