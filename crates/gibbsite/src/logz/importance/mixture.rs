//! A mixture of Student t distributions: a base with a part for every well.

use super::student::{choices, directions};
use super::{Base, StudentT};
use crate::energy::Energy;
use crate::energy::gaussian::Gaussian;
use crate::logz::log_sum_exp;
use crate::points::{Matrix, Points};
use crate::rng::Streams;

/// Half the degrees of freedom of all parts.
const HALF_DOF: usize = 2;

/// `q(x) = sum_k a_k t_k(x)` with t distributions of 4 degrees of freedom.
#[derive(Clone, Debug)]
pub struct StudentMixture {
    parts: Vec<StudentT>,
    /// Logarithms of the `a_k`, which sum to 1.
    log_weights: Vec<f64>,
}

impl StudentMixture {
    /// Parts located and scaled as Gaussians, with their weights up to a common factor, as logarithms.
    ///
    /// # Panics
    /// If there are no parts, or no weight is positive and finite.
    pub fn new(parts: Vec<(Gaussian, f64)>) -> Self {
        let total = log_sum_exp(&parts.iter().map(|p| p.1).collect::<Vec<_>>());
        assert!(total.is_finite(), "a mixture needs parts with weights");
        let (parts, log_weights) = parts.into_iter().map(|(g, log)| (StudentT::new(g, HALF_DOF), log - total)).unzip();
        Self { parts, log_weights }
    }

    /// The Gaussian of every part, with the logarithm of its weight.
    pub fn parts(&self) -> impl ExactSizeIterator<Item = (&Gaussian, f64)> {
        self.parts.iter().zip(&self.log_weights).map(|(p, log)| (&p.gaussian, *log))
    }

    /// `log (a_k t_k(x_i))`, shape `(n, K)`.
    pub(super) fn log_shares(&self, x: &Points) -> Matrix<f64> {
        let mut out = Matrix::new(x.n(), self.parts.len());
        for (k, (part, log_weight)) in self.parts.iter().zip(&self.log_weights).enumerate() {
            part.log_density(x, out.col_mut(k));
            out.col_mut(k).iter_mut().for_each(|v| *v += log_weight);
        }
        out
    }
}

impl Base for StudentMixture {
    fn draw(&self, n: usize, rng: &mut Streams) -> Points {
        let dim = self.parts[0].space().dim();
        let choice = choices(n, HALF_DOF, rng);
        let z = directions(&choice, dim, rng);
        let mut ends: Vec<f64> = self.log_weights.iter().map(|log| log.exp()).collect();
        (1..ends.len()).for_each(|k| ends[k] += ends[k - 1]);
        let of: Vec<usize> = choice.u.iter().map(|u| ends.partition_point(|end| end < u).min(ends.len() - 1)).collect();
        let mut x = Points::zeros(n, dim);
        for (k, part) in self.parts.iter().enumerate() {
            let rows: Vec<usize> = (0..n).filter(|i| of[*i] == k).collect();
            let placed = part.gaussian.place(&z.select(&rows));
            let all: Vec<usize> = (0..rows.len()).collect();
            x.real.copy_rows(&rows, &placed.real, &all);
        }
        x
    }

    fn log_density(&self, x: &Points, out: &mut [f64]) {
        let shares = self.log_shares(x);
        out.iter_mut().enumerate().for_each(|(i, out)| *out = log_sum_exp(&shares.row(i)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logz::importance::log_z;
    use crate::rng::Run;

    fn mixture() -> StudentMixture {
        let narrow = Gaussian::diagonal(vec![-4.0, 1.0], &[0.1, 0.5]).unwrap();
        let wide = Gaussian::new(vec![3.0, 0.0], &Matrix::from_columns(2, 2, vec![4.0, 1.0, 1.0, 1.0])).unwrap();
        StudentMixture::new(vec![(narrow, 1.0f64.ln()), (wide, 3.0f64.ln())])
    }

    #[test]
    fn draws_follow_the_density() {
        let base = mixture();
        let n = 20_000;
        let x = base.draw(n, &mut Streams::new(1, Run::Importance));
        let left = x.real.col(0).iter().filter(|x| **x < -3.0).count() as f64;
        // A quarter, and what the wide one has there: t_4 beyond 3 standard scales.
        assert!((left / n as f64 - 0.25 - 0.75 * 0.01997).abs() < 0.01, "{left}");
        // Its own density integrates to 1: the weights of a Gaussian inside.
        let z = log_z(
            &Gaussian::new(vec![3.0, 0.0], &Matrix::from_columns(2, 2, vec![4.0, 1.0, 1.0, 1.0])).unwrap(),
            &base,
            n,
            2,
        );
        let (z, truth) = (z.unwrap(), (2.0 * std::f64::consts::PI * 3f64.sqrt()).ln());
        assert!((z.value - truth).abs() < 4.0 * z.std_err && z.std_err < 0.02, "{z:?}");
    }

    #[test]
    fn draw_i_is_stream_i() {
        let base = mixture();
        let all = base.draw(64, &mut Streams::new(1, Run::Importance));
        let later = base.draw(32, &mut Streams::new(1, Run::Importance).block(32));
        assert_eq!(all.rows(32, 32), later);
    }
}
