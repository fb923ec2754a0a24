//! The menu: named energies with known normalisers or reference moments. One file per energy; each is a formula, so
//! every energy of the menu has exact gradients in x and in its parameters, jets and a growth analysis.

use thiserror::Error;

use super::formula::{Formula, FormulaError, FormulaOptions};
use crate::suggest;

mod ackley;
mod banana;
mod checkerboard;
mod double_well;
mod funnel;
mod gaussian;
mod gaussian_mixture;
mod himmelblau;
mod labels;
mod lattice_of_gaussians;
mod many_well;
mod mueller_brown;
mod quartic;
mod rastrigin;
mod ring;
mod ring_of_gaussians;
mod rosenbrock;
mod styblinski_tang;

pub use labels::{LABELS, LabelledEntry, MadeLabelled, Torus};

/// Every energy of the menu, in the order in which it is listed.
pub const MENU: [&Entry; 17] = [
    &quartic::QUARTIC,
    &double_well::DOUBLE_WELL,
    &many_well::MANY_WELL,
    &gaussian::GAUSSIAN,
    &gaussian_mixture::GAUSSIAN_MIXTURE,
    &funnel::FUNNEL,
    &rosenbrock::ROSENBROCK,
    &banana::BANANA,
    &ring::RING,
    &ring_of_gaussians::RING_OF_GAUSSIANS,
    &lattice_of_gaussians::LATTICE_OF_GAUSSIANS,
    &checkerboard::CHECKERBOARD,
    &mueller_brown::MUELLER_BROWN,
    &himmelblau::HIMMELBLAU,
    &rastrigin::RASTRIGIN,
    &styblinski_tang::STYBLINSKI_TANG,
    &ackley::ACKLEY,
];

/// One energy of the menu.
#[derive(Debug)]
pub struct Entry {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    /// Who introduced it.
    pub source: &'static str,
    /// Its parameters and their defaults; `d` is the number of dimensions, all others are parameters of the formula.
    pub params: &'static [Param],
    /// The dimensions allowed, for energies that have a parameter `d`.
    pub dims: Dims,
    /// The formula, written for `d` dimensions.
    pub formula: &'static str,
    /// Bounds: variable, lower end, upper end.
    pub bounds: &'static [(&'static str, f64, f64)],
    /// log Z in closed form (beta = 1, no other bounds), given the values of `params` in order.
    pub log_z: Option<fn(&[f64]) -> f64>,
}

/// A parameter of an energy of the menu.
#[derive(Debug)]
pub struct Param {
    /// Name, as in the formula.
    pub name: &'static str,
    /// Default value.
    pub default: f64,
    /// What it is.
    pub about: &'static str,
    /// Smallest and largest value for which the energy is what its name says.
    pub range: (f64, f64),
}

/// Which numbers of dimensions an energy has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dims {
    /// Exactly this many; there is no parameter `d`.
    Fixed(usize),
    /// Any number from this one on.
    AtLeast(usize),
    /// Any even number.
    Even,
}

/// An energy of the menu, made.
#[derive(Debug)]
pub struct MenuEnergy {
    /// The energy.
    pub formula: Formula,
    /// log Z where it is known in closed form.
    pub log_z: Option<f64>,
}

/// A name or a parameter that is not on the menu.
#[derive(Debug, Error)]
pub enum MenuError {
    /// There is no energy of this name.
    #[error("there is no energy named `{name}`")]
    UnknownName {
        /// The name given.
        name: String,
        /// A similar name.
        suggestion: Option<&'static str>,
    },
    /// The energy has no such parameter.
    #[error("`{energy}` has no parameter `{name}`{}", it_has(.known))]
    UnknownParam {
        /// The energy.
        energy: &'static str,
        /// The parameter given.
        name: String,
        /// The parameters there are.
        known: Vec<&'static str>,
    },
    /// A value outside the range of its parameter.
    #[error("`{energy}` needs {name} {wanted}, not {value}")]
    OutOfRange {
        /// The energy.
        energy: &'static str,
        /// The parameter.
        name: String,
        /// The value given.
        value: f64,
        /// The values allowed.
        wanted: String,
    },
    /// The formula refused an option.
    #[error(transparent)]
    Formula(#[from] FormulaError),
}

fn it_has(names: &[&str]) -> String {
    if names.is_empty() { "; it has none".into() } else { format!("; it has {}", names.join(", ")) }
}

impl MenuError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            MenuError::UnknownName { suggestion: Some(name), .. } => Some(format!("did you mean `{name}`?")),
            MenuError::UnknownName { .. } => Some("`gibbsite energies` lists the menu".into()),
            MenuError::Formula(error) => error.hint(),
            _ => None,
        }
    }
}

/// Finds an energy by name.
///
/// # Errors
/// [`MenuError::UnknownName`], with a similar name if there is one.
pub fn find(name: &str) -> Result<&'static Entry, MenuError> {
    MENU.iter().find(|e| e.name == name).copied().ok_or_else(|| MenuError::UnknownName {
        name: name.into(),
        suggestion: suggest::nearest(name, MENU.iter().map(|e| e.name)),
    })
}

impl Entry {
    /// Makes the energy with the given parameters, the others at their defaults.
    ///
    /// # Errors
    /// [`MenuError`] if a parameter is unknown or out of range.
    pub fn build(&'static self, given: &[(String, f64)]) -> Result<MenuEnergy, MenuError> {
        let values = check_params(self.name, self.params, given)?;
        let dim = self.params.iter().zip(&values).find(|(p, _)| p.name == "d").map(|(_, value)| *value);
        if let Some(d) = dim {
            let (ok, wanted) = match self.dims {
                Dims::Fixed(n) => (d == n as f64, format!("{n}")),
                Dims::AtLeast(n) => (d >= n as f64 && d.fract() == 0.0, format!("an integer, {n} or more")),
                Dims::Even => (d >= 2.0 && d % 2.0 == 0.0, "even, 2 or more".into()),
            };
            if !ok {
                return Err(MenuError::OutOfRange { energy: self.name, name: "d".into(), value: d, wanted });
            }
        }
        let params =
            self.params.iter().zip(&values).filter(|(p, _)| p.name != "d").map(|(p, v)| (p.name.into(), *v)).collect();
        let bounds = self.bounds.iter().map(|(name, lower, upper)| (name.to_string(), *lower, *upper)).collect();
        let options = FormulaOptions { dim: dim.map(|d| d as usize), bounds, params };
        Ok(MenuEnergy {
            formula: Formula::with_options(self.formula, &options)?,
            log_z: self.log_z.map(|f| f(&values)),
        })
    }
}

/// The values of all parameters: those given, the others at their defaults.
fn check_params(energy: &'static str, params: &[Param], given: &[(String, f64)]) -> Result<Vec<f64>, MenuError> {
    let mut values: Vec<f64> = params.iter().map(|p| p.default).collect();
    for (name, value) in given {
        let Some(k) = params.iter().position(|p| p.name == name) else {
            let known = params.iter().map(|p| p.name).collect();
            return Err(MenuError::UnknownParam { energy, name: name.clone(), known });
        };
        let range = params[k].range;
        if !(range.0..=range.1).contains(value) {
            let wanted = wanted(range);
            return Err(MenuError::OutOfRange { energy, name: name.clone(), value: *value, wanted });
        }
        values[k] = *value;
    }
    Ok(values)
}

/// A range in words: the smallest positive and the largest number stand for "above 0" and "finite".
fn wanted((low, high): (f64, f64)) -> String {
    let end = |v: f64| if (1e-4..1e6).contains(&v.abs()) || v == 0.0 { v.to_string() } else { format!("{v:e}") };
    match (low, high) {
        POSITIVE => "above 0".into(),
        ANY => "finite".into(),
        (f64::MIN_POSITIVE, high) => format!("above 0, at most {}", end(high)),
        (low, f64::MAX) => format!("from {} on", end(low)),
        (low, high) => format!("from {} to {}", end(low), end(high)),
    }
}

/// ln(2 pi).
const LN_TAU: f64 = 1.837_877_066_409_345_6;
/// The range of a parameter that must be positive.
const POSITIVE: (f64, f64) = (f64::MIN_POSITIVE, f64::MAX);
/// The range of a parameter that may be anything.
const ANY: (f64, f64) = (-f64::MAX, f64::MAX);
/// The range of a number of dimensions.
const DIM: (f64, f64) = (1.0, 65_536.0);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::Energy;
    use crate::points::Points;

    #[test]
    fn every_entry_builds_and_is_finite_at_its_bounds_centre() {
        for entry in MENU {
            let made = entry.build(&[]).unwrap_or_else(|e| panic!("{}: {e}", entry.name));
            let dim = made.formula.space().dim();
            let mut e = [0.0];
            made.formula.energy(&Points::zeros(1, dim), &mut e);
            assert!(e[0].is_finite(), "{} at 0: {}", entry.name, e[0]);
            assert!(made.formula.unset().is_empty(), "{}", entry.name);
        }
    }

    #[test]
    fn faults_are_named() {
        assert_eq!(find("rosenbrok").unwrap_err().hint().unwrap(), "did you mean `rosenbrock`?");
        let bad = |name: &str, param: &str, value| {
            find(name).unwrap().build(&[(param.into(), value)]).unwrap_err().to_string()
        };
        assert_eq!(bad("ring", "radius", 1.0), "`ring` has no parameter `radius`; it has r, sigma");
        assert_eq!(bad("many-well", "d", 3.0), "`many-well` needs d even, 2 or more, not 3");
        assert_eq!(bad("ring", "sigma", 0.0), "`ring` needs sigma above 0, not 0");
        assert_eq!(bad("double-well", "h", -1.0), "`double-well` needs h above 0, not -1");
        assert_eq!(bad("gaussian", "condition", 0.5), "`gaussian` needs condition from 1 to 1e12, not 0.5");
        for entry in MENU {
            for param in entry.params {
                assert!(wanted(param.range).len() < 40, "{} {}: {}", entry.name, param.name, wanted(param.range));
            }
        }
        assert!(bad("ring", "sigma", f64::NAN).contains("sigma"));
    }
}
