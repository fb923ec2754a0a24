//! Any of the energies of labels that have names.

use super::{Boltzmann, Discrete, Energy, Potts, Rbm};
use crate::points::{Matrix, Points, Space};

/// An energy of labels.
#[derive(Clone, Debug)]
pub enum Labelled {
    /// Two-valued units in pairs, the Ising model among them.
    Boltzmann(Boltzmann),
    /// Sites of q colours.
    Potts(Potts),
    /// The joint energy of a visible and a hidden layer.
    Rbm(Rbm),
}

/// The same of each.
macro_rules! each {
    ($labelled:expr, $energy:ident => $value:expr) => {
        match $labelled {
            Labelled::Boltzmann($energy) => $value,
            Labelled::Potts($energy) => $value,
            Labelled::Rbm($energy) => $value,
        }
    };
}

impl Energy for Labelled {
    fn space(&self) -> &Space {
        each!(self, energy => energy.space())
    }

    fn energy(&self, x: &Points, out: &mut [f64]) {
        each!(self, energy => energy.energy(x, out));
    }

    fn version(&self) -> u64 {
        each!(self, energy => energy.version())
    }
}

super::no_gradient!(Labelled);

impl Discrete for Labelled {
    fn blocks(&self) -> &[Vec<usize>] {
        each!(self, energy => energy.blocks())
    }

    fn logits(&self, x: &Points, sites: &[usize], out: &mut Matrix<f64>) {
        each!(self, energy => energy.logits(x, sites, out));
    }

    fn slopes(&self, x: &Points, out: &mut Matrix<f64>) {
        each!(self, energy => energy.slopes(x, out));
    }
}
