//! The energies of labels on the menu. They are no formulas: each is built by code.

use super::{MenuError, Param, check_params};
use crate::energy::ising::{Boundary, lattice, on_lattice};
use crate::energy::{Boltzmann, Labelled, Potts, Rbm};
use crate::points::{Matrix, Values};

/// Every energy of labels, in the order in which it is listed.
pub const LABELS: [&LabelledEntry; 4] = [&ISING, &POTTS, &BOLTZMANN, &RBM];

/// An energy of labels.
#[derive(Debug)]
pub struct LabelledEntry {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    /// Its equation.
    pub equation: &'static str,
    /// Who introduced it.
    pub source: &'static str,
    /// Its parameters and their defaults.
    pub params: &'static [Param],
    build: fn(&[f64]) -> Labelled,
    torus: fn(&[f64]) -> Option<Torus>,
}

/// An Ising model that is solved: on a torus without field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Torus {
    /// Sites along both axes.
    pub sizes: [usize; 2],
    /// The coupling, temperature included.
    pub k: f64,
}

/// An energy of labels, made.
#[derive(Clone, Debug)]
pub struct MadeLabelled {
    /// The energy.
    pub energy: Labelled,
    /// What [`crate::logz::kaufman`] solves, if it is that.
    pub torus: Option<Torus>,
}

/// The most sites of a lattice and units of a layer.
const MAX_SITES: f64 = 65_536.0;

const COUNT: (f64, f64) = (1.0, MAX_SITES);

/// The range of couplings, fields and temperatures: their products are finite.
const STRENGTH: (f64, f64) = (-1e100, 1e100);

const ISING: LabelledEntry = LabelledEntry {
    name: "ising",
    about: "spins of -1 and 1 on a lattice of l^d sites",
    equation: "-beta (j sum_<i,k> s_i s_k + h sum_i s_i), <i,k> nearest neighbours",
    source: "Ising 1925; log Z 15.521915458755283 at l=4, beta=log(1 + sqrt(2))/2 by Kaufman's formula",
    params: &[
        Param { name: "l", default: 16.0, about: "sites along each axis", range: COUNT },
        Param { name: "d", default: 2.0, about: "axes", range: (1.0, 16.0) },
        Param { name: "beta", default: 0.4, about: "inverse temperature", range: STRENGTH },
        Param { name: "j", default: 1.0, about: "coupling", range: STRENGTH },
        Param { name: "h", default: 0.0, about: "field", range: STRENGTH },
        Param { name: "open", default: 0.0, about: "0 for a torus, 1 for open ends", range: (0.0, 1.0) },
    ],
    build: |p| {
        let sizes = vec![p[0] as usize; p[1] as usize];
        Labelled::Boltzmann(on_lattice(&sizes, boundary(p[5]), [p[2], p[3], p[4]]))
    },
    torus: |p| {
        let is_torus = p[0] > 1.0 && p[1] == 2.0 && p[4] == 0.0 && p[5] == 0.0;
        is_torus.then(|| Torus { sizes: [p[0] as usize; 2], k: p[2] * p[3] })
    },
};

const POTTS: LabelledEntry = LabelledEntry {
    name: "potts",
    about: "sites of q colours on a lattice of l^d sites, of which equal neighbours are rewarded",
    equation: "-beta (j sum_<i,k> [s_i = s_k] + h sum_i [s_i = 0]), <i,k> nearest neighbours",
    source: "Potts 1952",
    params: &[
        Param { name: "l", default: 8.0, about: "sites along each axis", range: COUNT },
        Param { name: "d", default: 2.0, about: "axes", range: (1.0, 16.0) },
        Param { name: "q", default: 3.0, about: "colours", range: (2.0, 256.0) },
        Param { name: "beta", default: 0.8, about: "inverse temperature", range: STRENGTH },
        Param { name: "j", default: 1.0, about: "coupling", range: STRENGTH },
        Param { name: "h", default: 0.0, about: "field on the first colour", range: STRENGTH },
        Param { name: "open", default: 0.0, about: "0 for a torus, 1 for open ends", range: (0.0, 1.0) },
    ],
    build: |p| {
        let sizes = vec![p[0] as usize; p[1] as usize];
        let edges = lattice(&sizes, boundary(p[6]), p[3] * p[4]);
        let field = |_, colour| if colour == 0 { p[3] * p[5] } else { 0.0 };
        let field = Matrix::from_fn(sizes.iter().product(), p[2] as usize, field);
        Labelled::Potts(Potts::new(&edges, field).expect("a lattice couples different sites, once"))
    },
    torus: |_| None,
};

const BOLTZMANN: LabelledEntry = LabelledEntry {
    name: "boltzmann",
    about: "d bits, all coupled, with weights to test by",
    equation: "-sum_{i<k} W_ik x_i x_k - sum_i b_i x_i, W_ik = scale sin(1.7 i k), b_i = cos(2.3 i)/2",
    source: "Ackley, Hinton and Sejnowski 1985; log Z 17.92966087665579 at d=20 by enumeration",
    params: &[
        Param { name: "d", default: 20.0, about: "units", range: (2.0, 4096.0) },
        Param { name: "scale", default: 1.0, about: "size of the weights", range: STRENGTH },
    ],
    build: |p| {
        let d = p[0] as usize;
        let weight = |i: usize, k: usize| p[1] * (1.7 * (i * k) as f64).sin();
        let pairs = (1..=d).flat_map(|i| (i + 1..=d).map(move |k| (i, k)));
        let edges: Vec<_> = pairs.map(|(i, k)| (i - 1, k - 1, weight(i, k))).collect();
        let bias = (1..=d).map(|i| 0.5 * (2.3 * i as f64).cos()).collect();
        Labelled::Boltzmann(Boltzmann::new(&Values::bits(), &edges, bias).expect("every pair is coupled once"))
    },
    torus: |_| None,
};

const RBM: LabelledEntry = LabelledEntry {
    name: "rbm",
    about: "a restricted Boltzmann machine of bits, visible and hidden ones, with weights to test by",
    equation: "-v'Wh - b'v - c'h, W_ij = scale sin(0.37 i j + 0.11 i), b_i = 0.3 cos(1.3 i), c_j = 0.2 sin(0.7 j)",
    source: "Smolensky 1986; log Z 10.51258546689579 at the defaults by enumeration",
    params: &[
        Param { name: "visible", default: 6.0, about: "visible units", range: COUNT },
        Param { name: "hidden", default: 4.0, about: "hidden units", range: COUNT },
        Param { name: "scale", default: 1.0, about: "size of the weights", range: STRENGTH },
    ],
    build: |p| {
        let w = |i: usize, j: usize| {
            let (i, j) = ((i + 1) as f64, (j + 1) as f64);
            p[2] * (0.37 * i * j + 0.11 * i).sin()
        };
        let visible = (1..=p[0] as usize).map(|i| 0.3 * (1.3 * i as f64).cos()).collect();
        let hidden = (1..=p[1] as usize).map(|j| 0.2 * (0.7 * j as f64).sin()).collect();
        Labelled::Rbm(Rbm::binary(Matrix::from_fn(p[0] as usize, p[1] as usize, w), visible, hidden))
    },
    torus: |_| None,
};

fn boundary(open: f64) -> Boundary {
    if open == 0.0 { Boundary::Periodic } else { Boundary::Open }
}

impl LabelledEntry {
    /// Makes the energy with the given parameters, the others at their defaults.
    ///
    /// # Errors
    /// [`MenuError`] if a parameter is unknown, out of range or no integer where it must be one, or if there are too many sites.
    pub fn build(&self, given: &[(String, f64)]) -> Result<MadeLabelled, MenuError> {
        let values = check_params(self.name, self.params, given)?;
        let refuse = |k: usize, wanted: String| {
            let name = self.params[k].name.to_string();
            Err(MenuError::OutOfRange { energy: self.name, name, value: values[k], wanted })
        };
        let counts = ["l", "d", "q", "open", "visible", "hidden"];
        let broken = |k: &usize| counts.contains(&self.params[*k].name) && values[*k].fract() != 0.0;
        if let Some(k) = (0..values.len()).find(broken) {
            return refuse(k, "an integer".into());
        }
        if self.params[0].name == "l" && values[0].powf(values[1]) > MAX_SITES {
            return refuse(0, format!("so small that l^d is at most {MAX_SITES}"));
        }
        Ok(MadeLabelled { energy: (self.build)(&values), torus: (self.torus)(&values) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::Energy;

    #[test]
    fn every_entry_builds_and_faults_are_named() {
        for entry in LABELS {
            assert!(!entry.build(&[]).unwrap().energy.space().labels.is_empty());
        }
        let bad = |entry: &LabelledEntry, name: &str, value: f64| {
            entry.build(&[(name.into(), value)]).unwrap_err().to_string()
        };
        assert_eq!(bad(&ISING, "l", 2.5), "`ising` needs l an integer, not 2.5");
        assert_eq!(bad(&ISING, "l", 1000.0), "`ising` needs l so small that l^d is at most 65536, not 1000");
        assert_eq!(
            bad(&ISING, "beta", 1e200),
            "`ising` needs beta from -1e100 to 1e100, not 1".to_string() + &"0".repeat(200)
        );
        assert_eq!(bad(&POTTS, "q", 1.0), "`potts` needs q from 2 to 256, not 1");
        assert_eq!(bad(&RBM, "size", 1.0), "`rbm` has no parameter `size`; it has visible, hidden, scale");
    }
}
