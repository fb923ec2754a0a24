//! Energies of labels: names of the menu with parameters.

use gibbsite::energy::menu::{LABELS, LabelledEntry, Torus};
use gibbsite::energy::{Energy, Labelled, Scaled};
use gibbsite::logz::elimination::Factors;

use super::{assignments, describe};
use crate::args::energy::EnergyOptions;
use crate::failures;
use crate::outcome::Failure;

/// An energy of labels, ready to use.
#[derive(Clone, Debug)]
pub struct LabelledModel {
    /// The energy, inverse temperature included.
    pub energy: Scaled<Labelled>,
    /// The solved Ising model that it is, inverse temperature included.
    pub torus: Option<Torus>,
    /// What the user typed, with the options that change the energy.
    pub description: String,
}

impl LabelledModel {
    /// Names of the labels.
    pub fn names(&self) -> &[String] {
        &self.energy.space().names
    }

    /// Its factors, where it has few of each label.
    pub fn factors(&self) -> Option<Factors> {
        let factors = match self.energy.inner() {
            Labelled::Boltzmann(energy) => Factors::from(energy),
            Labelled::Potts(energy) => Factors::from(energy),
            Labelled::Rbm(_) => return None,
        };
        Some(factors.tempered(self.energy.beta()))
    }

    /// Number of labels.
    pub fn dim(&self) -> usize {
        self.energy.space().labels.len()
    }
}

/// The entry that `text` names, and the text of its parameters.
fn entry(text: &str) -> Option<(&'static LabelledEntry, &str)> {
    let (head, params) = text.trim().split_once(':').map_or((text.trim(), ""), |(h, p)| (h.trim(), p));
    LABELS.iter().find(|e| e.name == head).map(|e| (*e, params))
}

/// The energy of labels that `text` names; none if it names none.
///
/// # Errors
/// Parameters that are unknown or out of range, options that are for real coordinates.
pub fn labelled(text: &str, options: &EnergyOptions) -> Result<Option<LabelledModel>, Failure> {
    let Some((entry, params)) = entry(text) else { return Ok(None) };
    let mut given = assignments(entry.name, params)?;
    for (flag, is_given) in [("--dim", options.dim.is_some()), ("--bounds", options.bounds.is_some())] {
        if is_given {
            let message = format!("{flag} does not go with '{}', which has discrete variables", entry.name);
            return Err(Failure::usage("conflict", message, "its size is a parameter; see `gibbsite energies`"));
        }
    }
    for (name, value) in &options.param {
        if given.iter().any(|(n, _)| n == name) {
            let message = format!("the parameter '{name}' of '{}' is given twice", entry.name);
            return Err(Failure::usage("conflict", message, "give it once, after the name or with --param"));
        }
        given.push((name.clone(), *value));
    }
    let made = entry.build(&given).map_err(failures::menu)?;
    let energy = Scaled::new(made.energy, options.beta);
    let torus = made.torus.map(|t| Torus { k: options.beta * t.k, ..t });
    let shown: Vec<String> = given.iter().map(|(n, v)| format!("{n}={v}")).collect();
    let shown = if shown.is_empty() { entry.name.into() } else { format!("{}:{}", entry.name, shown.join(",")) };
    Ok(Some(LabelledModel { energy, torus, description: describe(shown, &[], options) }))
}

/// The refusal of an energy of labels by a command for real coordinates; none where `text` names no such energy.
pub(super) fn refused(text: &str) -> Option<Failure> {
    let (entry, _) = entry(text)?;
    let message = format!("'{}' has discrete variables, which this command does not work with", entry.name);
    Some(Failure::usage("labels", message, "`gibbsite sample` and `gibbsite logz` do"))
}
