//! References and boxes of energies are energies, so that composites can borrow or own their parts.

use super::couplings::Couplings;
use super::{Differentiable, Discrete, Energy, Jet, Pairwise, Parametric, Part};
use crate::points::{Matrix, Points, Space};

macro_rules! delegate {
    ($pointer:ty) => {
        impl<E: Energy + ?Sized> Energy for $pointer {
            fn space(&self) -> &Space {
                (**self).space()
            }
            fn energy(&self, x: &Points, out: &mut [f64]) {
                (**self).energy(x, out);
            }
            fn parts(&self) -> Vec<Part> {
                (**self).parts()
            }
            fn landmarks(&self) -> Vec<f64> {
                (**self).landmarks()
            }
            fn version(&self) -> u64 {
                (**self).version()
            }
        }

        impl<E: Differentiable + ?Sized> Differentiable for $pointer {
            fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
                (**self).energy_grad(x, e, grad);
            }
            fn grad(&self, x: &Points, grad: &mut Matrix<f64>) {
                (**self).grad(x, grad);
            }
            fn components(&self) -> Vec<Box<dyn Differentiable + '_>> {
                (**self).components()
            }
        }

        impl<E: Discrete + ?Sized> Discrete for $pointer {
            fn blocks(&self) -> &[Vec<usize>] {
                (**self).blocks()
            }
            fn logits(&self, x: &Points, sites: &[usize], out: &mut Matrix<f64>) {
                (**self).logits(x, sites, out);
            }
            fn slopes(&self, x: &Points, out: &mut Matrix<f64>) {
                (**self).slopes(x, out);
            }
        }

        impl<E: Pairwise + ?Sized> Pairwise for $pointer {
            fn couplings(&self) -> &Couplings {
                (**self).couplings()
            }
            fn log_pair(&self, weight: f64, a: u8, b: u8) -> f64 {
                (**self).log_pair(weight, a, b)
            }
            fn log_site(&self, site: usize, label: u8) -> f64 {
                (**self).log_site(site, label)
            }
        }
    };
}

macro_rules! delegate_parameters {
    ($pointer:ty) => {
        impl<E: Parametric + ?Sized> Parametric for $pointer {
            fn n_theta(&self) -> usize {
                (**self).n_theta()
            }
            fn theta_names(&self) -> Vec<String> {
                (**self).theta_names()
            }
            fn read_theta(&self, out: &mut [f64]) {
                (**self).read_theta(out);
            }
            fn set_theta(&mut self, theta: &[f64]) {
                (**self).set_theta(theta);
            }
            fn grad_theta(&self, x: &Points, w: &[f64], out: &mut [f64]) {
                (**self).grad_theta(x, w, out);
            }
            fn theta_features(&self, x: &Points, out: &mut Matrix<f64>) {
                (**self).theta_features(x, out);
            }
        }

        impl<E: Jet + ?Sized> Jet for $pointer {
            fn jet(&self, x: &Points, v: &Matrix<f64>, e: &mut [f64], d1: &mut [f64], d2: &mut [f64]) {
                (**self).jet(x, v, e, d1, d2);
            }
            fn grad_theta_jet(&self, x: &Points, v: &Matrix<f64>, w: [&[f64]; 3], out: &mut [f64]) {
                (**self).grad_theta_jet(x, v, w, out);
            }
        }
    };
}

delegate!(&E);
delegate!(&mut E);
delegate!(Box<E>);
delegate_parameters!(&mut E);
delegate_parameters!(Box<E>);
