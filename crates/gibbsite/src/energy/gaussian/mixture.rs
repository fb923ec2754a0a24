//! A mixture of Gaussians: what a target with several wells is compared with.

use super::Gaussian;
use crate::energy::{Differentiable, Energy, Tractable};
use crate::points::{Matrix, Points, Space};
use crate::rng::{Purpose, Streams};
use crate::scratch;

/// `E(x) = -log sum_k c_k exp(-E_k(x))` with the energies `E_k = |L_k^-1 (x - m_k)|^2 / 2` of Gaussians: `c_1 = 1` and
/// `c_k = (a_k / Z_k) / (a_1 / Z_1)`, so that part k has the weight `a_k` and one part alone is that Gaussian, to the bit.
#[derive(Clone, Debug)]
pub struct GaussianMixture {
    parts: Vec<Gaussian>,
    /// As given: what is made of them anew is the same to the bit.
    weights: Vec<f64>,
    /// Logarithms of the `c_k`.
    log_c: Vec<f64>,
    /// Where the shares of the parts end in [0, 1].
    ends: Vec<f64>,
    log_z: f64,
}

impl GaussianMixture {
    /// Gaussians of one dimension, with their weights up to a common factor.
    ///
    /// # Panics
    /// If there are no parts, they differ in dimension, or a weight is not positive and finite.
    pub fn new(parts: Vec<(Gaussian, f64)>) -> Self {
        let (parts, weights): (Vec<Gaussian>, Vec<f64>) = parts.into_iter().unzip();
        assert!(!parts.is_empty(), "a mixture needs parts");
        assert!(parts.iter().all(|p| p.space().dim() == parts[0].space().dim()), "parts of different dimensions");
        assert!(
            weights.iter().all(|w| *w > 0.0 && w.is_finite()),
            "the weights of a mixture must be positive: {weights:?}"
        );
        let total: f64 = weights.iter().sum();
        let of_first = weights[0].ln() - parts[0].log_z();
        let log_c = parts.iter().zip(&weights).map(|(p, w)| w.ln() - p.log_z() - of_first).collect();
        let mut ends: Vec<f64> = weights.iter().map(|w| w / total).collect();
        (1..ends.len()).for_each(|k| ends[k] += ends[k - 1]);
        let log_z = if parts.len() == 1 { parts[0].log_z() } else { total.ln() - of_first };
        Self { parts, weights, log_c, ends, log_z }
    }

    /// The Gaussians and their weights, up to a common factor.
    pub fn parts(&self) -> impl ExactSizeIterator<Item = (&Gaussian, f64)> {
        self.parts.iter().zip(self.weights.iter().copied())
    }
}

impl From<Gaussian> for GaussianMixture {
    fn from(gaussian: Gaussian) -> Self {
        Self::new(vec![(gaussian, 1.0)])
    }
}

impl Energy for GaussianMixture {
    fn space(&self) -> &Space {
        self.parts[0].space()
    }

    fn energy(&self, x: &Points, out: &mut [f64]) {
        self.parts[0].energy(x, out);
        scratch::with(out.len(), |e| {
            for (part, log_c) in self.parts.iter().zip(&self.log_c).skip(1) {
                part.energy(x, e);
                out.iter_mut().zip(&*e).for_each(|(old, e)| *old = lowest(*old, e - log_c));
            }
        });
    }
}

/// `-log(exp(-a) + exp(-b))`.
fn lowest(a: f64, b: f64) -> f64 {
    let apart = (a - b).abs();
    a.min(b) - if apart < 40.0 { (-apart).exp().ln_1p() } else { 0.0 }
}

impl Differentiable for GaussianMixture {
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        self.parts[0].energy_grad(x, e, grad);
        if self.parts.len() == 1 {
            return;
        }
        let (n, d) = (x.n(), x.dim());
        scratch::with(2 * n, |buffer| {
            let (own, share) = buffer.split_at_mut(n);
            scratch::with_matrix(n, d, |of_part| {
                for (part, log_c) in self.parts.iter().zip(&self.log_c).skip(1) {
                    part.energy_grad(x, own, of_part);
                    for i in 0..n {
                        let new = own[i] - log_c;
                        // The share of this part among those so far.
                        share[i] = 1.0 / (1.0 + (new - e[i]).exp());
                        e[i] = lowest(e[i], new);
                    }
                    for j in 0..d {
                        let columns = grad.col_mut(j).iter_mut().zip(of_part.col(j));
                        columns.zip(&*share).for_each(|((g, new), share)| *g += share * (new - *g));
                    }
                }
            });
        });
    }

    fn components(&self) -> Vec<Box<dyn Differentiable + '_>> {
        let boxed = |part| Box::new(part) as Box<dyn Differentiable + '_>;
        if self.parts.len() > 1 { self.parts.iter().map(boxed).collect() } else { Vec::new() }
    }
}

impl Tractable for GaussianMixture {
    fn log_z(&self) -> f64 {
        self.log_z
    }

    fn sample(&self, n: usize, rng: &mut Streams) -> Points {
        let mut x = Points::zeros(n, self.space().dim());
        self.sample_into(&mut x, rng);
        x
    }

    /// Draw i is stream i of the block, at the current step; the same normals whatever the part.
    fn sample_into(&self, out: &mut Points, rng: &mut Streams) {
        let n = out.n();
        self.parts[0].sample_into(out, rng);
        if self.parts.len() == 1 {
            return;
        }
        scratch::with(n, |u| {
            u.copy_from_slice(rng.uniforms(Purpose::Choice, n, 1).col(0));
            scratch::with_real(n, out.dim(), |of_part| {
                for (k, part) in self.parts.iter().enumerate().skip(1) {
                    part.sample_into(of_part, rng);
                    let is_last = k + 1 == self.parts.len();
                    for i in 0..n {
                        if u[i] > self.ends[k - 1] && (u[i] <= self.ends[k] || is_last) {
                            out.real.copy_row(i, &of_part.real, i);
                        }
                    }
                }
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Run;

    fn parts() -> Vec<(Gaussian, f64)> {
        let wide = Gaussian::new(vec![1.0, -2.0], &Matrix::from_columns(2, 2, vec![4.0, 1.5, 1.5, 1.0])).unwrap();
        vec![(wide, 1.0), (Gaussian::diagonal(vec![-6.0, 0.0], &[0.1, 0.5]).unwrap(), 3.0)]
    }

    #[test]
    fn one_part_is_its_gaussian_to_the_bit() {
        let alone = parts().swap_remove(0).0;
        let mixture = GaussianMixture::from(alone.clone());
        let (mut a, mut b) = (Streams::new(2, Run::Draws), Streams::new(2, Run::Draws));
        let x = mixture.sample(50, &mut a);
        assert_eq!(x, alone.sample(50, &mut b));
        let (mut e, mut same) = (vec![0.0; 50], vec![0.0; 50]);
        let (mut g, mut same_g) = (Matrix::new(50, 2), Matrix::new(50, 2));
        mixture.energy_grad(&x, &mut e, &mut g);
        alone.energy_grad(&x, &mut same, &mut same_g);
        assert_eq!((e, g, mixture.log_z()), (same, same_g, alone.log_z()));
    }

    #[test]
    fn density_gradient_and_draws_agree() {
        let mixture = GaussianMixture::new(parts());
        let points = [[1.0, -2.0], [-6.0, 0.1], [-5.0, -1.0], [40.0, 3.0], [-4.2, -0.7]];
        let x = Points::from_rows(&points);
        let (mut e, mut grad, mut alone) = (vec![0.0; 5], Matrix::new(5, 2), vec![0.0; 5]);
        mixture.energy_grad(&x, &mut e, &mut grad);
        mixture.energy(&x, &mut alone);
        for i in 0..5 {
            // The density, written out.
            let density: f64 = mixture
                .parts()
                .map(|(part, weight)| {
                    let mut own = [0.0];
                    part.energy(&x.rows(i, 1), &mut own);
                    weight / 4.0 * (-own[0] - part.log_z()).exp()
                })
                .sum();
            let log_density = -e[i] - mixture.log_z();
            assert!((log_density - density.ln()).abs() < 1e-12 * log_density.abs().max(1.0), "{i}");
            assert!((alone[i] - e[i]).abs() < 1e-13 * e[i].abs().max(1.0));
            for j in 0..2 {
                let h = 1e-6;
                let at = |by: f64| {
                    let mut row = points[i];
                    row[j] += by;
                    let mut e = [0.0];
                    mixture.energy(&Points::from_rows(&[row]), &mut e);
                    e[0]
                };
                let slope = (at(h) - at(-h)) / (2.0 * h);
                assert!((grad.get(i, j) - slope).abs() < 1e-6 * slope.abs().max(1.0), "{i} {j}");
            }
        }
        let n = 40_000;
        let draws = mixture.sample(n, &mut Streams::new(5, Run::Draws));
        let left = draws.real.col(0).iter().filter(|x| **x < -5.0).count() as f64 / n as f64;
        // Three quarters, and 0.13 % of the wide part's quarter.
        assert!((left - 0.75034).abs() < 0.009, "{left}");
        let later = mixture.sample(32, &mut Streams::new(5, Run::Draws).block(32));
        assert_eq!(draws.rows(32, 32), later);
        let weights: Vec<f64> = mixture.parts().map(|(_, w)| w).collect();
        assert_eq!(weights, [1.0, 3.0]);
        assert_eq!(mixture.components().len(), 2);
    }
}
