//! Products of factors, each of a few sites.

use crate::energy::{Boltzmann, Pairwise, Potts};

/// `p(x) = exp(sum_k f_k(x_k)) / Z` over sites of a few values each: the logarithms f_k of factors, in tables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Factors {
    arity: Vec<usize>,
    factors: Vec<Factor>,
}

/// The logarithm of one factor.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Factor {
    pub sites: Vec<usize>,
    pub log: Vec<f64>,
}

impl Factors {
    /// No factor yet, for sites of so many values each.
    ///
    /// # Panics
    /// Unless every site has 1 to 256 values.
    pub fn new(arity: Vec<usize>) -> Self {
        assert!(arity.iter().all(|a| (1..=256).contains(a)), "sites have 1 to 256 values");
        Self { arity, factors: Vec::new() }
    }

    /// One more factor, as the table of its logarithm: the values of the last of `sites` change fastest. Minus infinity
    /// forbids.
    ///
    /// # Panics
    /// For sites that are not there, or there twice; for a table of another length than the values make; for entries
    /// that are NaN or plus infinity.
    pub fn push(&mut self, sites: &[usize], log: Vec<f64>) {
        assert!(sites.iter().all(|s| *s < self.arity.len()), "factors are of sites that exist");
        assert!((1..sites.len()).all(|k| !sites[..k].contains(&sites[k])), "factors are of different sites");
        let len: usize = sites.iter().map(|s| self.arity[*s]).product();
        assert_eq!(log.len(), len, "one entry for all values of its sites");
        assert!(log.iter().all(|f| *f < f64::INFINITY), "factors are numbers, and finite");
        self.factors.push(Factor { sites: sites.to_vec(), log });
    }

    /// All factors to the power beta.
    #[must_use]
    pub fn tempered(mut self, beta: f64) -> Self {
        // What is forbidden stays so, at beta = 0 too.
        let temper = |f: &mut f64| *f = if *f == f64::NEG_INFINITY { *f } else { beta * *f };
        self.factors.iter_mut().flat_map(|f| &mut f.log).for_each(temper);
        self
    }

    /// How many values each site has.
    pub fn arity(&self) -> &[usize] {
        &self.arity
    }

    /// The sum of the factors of no site.
    pub(super) fn constant(&self) -> f64 {
        self.factors.iter().filter(|f| f.sites.is_empty()).map(|f| f.log[0]).sum()
    }

    pub(super) fn all(&self) -> &[Factor] {
        &self.factors
    }
}

/// Pairs of weight zero are left out: they couple nothing.
impl From<&Boltzmann> for Factors {
    fn from(energy: &Boltzmann) -> Self {
        let [low, high] = energy.values();
        let mut factors = Self::new(vec![2; energy.bias().len()]);
        let couplings = energy.couplings();
        for ((a, b), weight) in couplings.pairs().zip(couplings.weights()).filter(|pair| *pair.1 != 0.0) {
            let [off, on, mixed] = [low * low, high * high, low * high].map(|product| weight * product);
            factors.push(&[a, b], vec![off, mixed, mixed, on]);
        }
        for (site, h) in energy.bias().iter().enumerate() {
            factors.push(&[site], vec![h * low, h * high]);
        }
        factors
    }
}

/// Pairs of weight zero are left out: they couple nothing.
impl From<&Potts> for Factors {
    fn from(energy: &Potts) -> Self {
        let (d, q) = (energy.field().n_rows(), energy.field().n_cols());
        let mut factors = Self::new(vec![q; d]);
        let couplings = energy.couplings();
        for ((a, b), weight) in couplings.pairs().zip(couplings.weights()).filter(|pair| *pair.1 != 0.0) {
            let equal = |k: usize| if k / q == k % q { *weight } else { 0.0 };
            factors.push(&[a, b], (0..q * q).map(equal).collect());
        }
        for site in 0..d {
            factors.push(&[site], energy.field().row(site));
        }
        factors
    }
}
