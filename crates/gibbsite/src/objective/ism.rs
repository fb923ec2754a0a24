//! Exact score matching (Hyvarinen 2005, "Estimation of non-normalized statistical models by score matching", eq. 4).

use super::mle::finite;
use super::reduce::{dot, sum};
use super::{FullBatch, ObjectiveError};
use crate::energy::Jet;
use crate::points::{Matrix, Points};
use crate::train::identify::column_sd;

/// `J = E_data[ sum_j ( (dE/dx_j)^2 / 2 - d^2E/dx_j^2 ) ]`: the sum over coordinates is never divided by their number.
///
/// No log Z is needed. It holds for smooth energies on the whole space (boundary terms vanish), so bounded supports are
/// refused by the training. J has the units of `1/x^2`, not nats.
#[derive(Debug)]
pub struct Ism<'a> {
    data: &'a Points,
    /// Unit vectors along one coordinate, one for each data point.
    v: Matrix<f64>,
    e: Vec<f64>,
    d1: Vec<f64>,
    d2: Vec<f64>,
    w: [Vec<f64>; 3],
}

impl<'a> Ism<'a> {
    /// All data weigh the same.
    pub fn new(data: &'a Points) -> Self {
        let n = data.n();
        let zeros = || vec![0.0; n];
        let w = [zeros(), zeros(), vec![-1.0 / n as f64; n]];
        Self { data, v: Matrix::new(n, data.dim()), e: zeros(), d1: zeros(), d2: zeros(), w }
    }

    /// The gradient of one data point's share of J, shape `(n, n_theta)`: its covariance is the middle of the sandwich.
    pub fn gradient_rows<E: Jet + ?Sized>(&self, energy: &E) -> Matrix<f64> {
        let p = energy.n_theta();
        let mut out = Matrix::new(self.data.n(), p);
        let mut g = vec![0.0; p];
        for i in 0..self.data.n() {
            let one = self.data.rows(i, 1);
            g.fill(0.0);
            // The objective of a single point is its share.
            if Ism::new(&one).value_grad(energy, &mut g).is_err() {
                g.fill(f64::NAN);
            }
            for k in 0..p {
                out.set(i, k, g[k]);
            }
        }
        out
    }
}

impl<E: Jet + ?Sized> FullBatch<E> for Ism<'_> {
    fn value_grad(&mut self, energy: &E, grad: &mut [f64]) -> Result<f64, ObjectiveError> {
        let n = self.data.n() as f64;
        let mut value = 0.0;
        grad.fill(0.0);
        for j in 0..self.data.dim() {
            self.v.as_mut_slice().fill(0.0);
            self.v.col_mut(j).fill(1.0);
            energy.jet(self.data, &self.v, &mut self.e, &mut self.d1, &mut self.d2);
            value += (0.5 * dot(&self.d1, &self.d1) - sum(&self.d2)) / n;
            self.w[1].iter_mut().zip(&self.d1).for_each(|(w, d1)| *w = d1 / n);
            energy.grad_theta_jet(self.data, &self.v, [&self.w[0], &self.w[1], &self.w[2]], grad);
        }
        finite(&[value], "the score-matching loss")?;
        finite(grad, "the gradient of the score-matching loss")?;
        Ok(value)
    }

    fn grad_nearby(&mut self, energy: &E, grad: &mut [f64]) -> Result<(), ObjectiveError> {
        self.value_grad(energy, grad).map(|_| ())
    }

    fn data(&self) -> &Points {
        self.data
    }

    /// What J is of the order of at its optimum: the inverse variances of the data, summed.
    fn unit(&self) -> f64 {
        column_sd(self.data).iter().map(|sd| 1.0 / (sd * sd)).sum()
    }

    fn curvature(&self, _: &E, _: &mut Matrix<f64>) -> bool {
        false
    }
}
