//! Names become types here, and nowhere else: the text of an `<ENERGY>` and its options become an energy.
//!
//! Tried in this order: a model file (`*.gibbs`), a name of the menu with parameters (`ring:r=2,sigma=0.2`), a formula.
//! All of them are formulas inside, so that `--bounds`, `--param` and `--beta` mean the same for each.

mod bounds;
mod labelled;

pub use labelled::{LabelledModel, labelled};

use gibbsite::energy::formula::{Formula, FormulaOptions};
use gibbsite::energy::menu::{self, MENU};
use gibbsite::energy::{Energy, Parametric};
use gibbsite::model_file::{EnergySpec, Model, ModelFileError};
use gibbsite::points::Support;

use crate::args::energy::EnergyOptions;
use crate::outcome::Failure;
use crate::{failures, names};

/// An energy, ready to use.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The energy: bounds, parameters and inverse temperature included.
    pub formula: Formula,
    /// log Z in closed form, where it is known for exactly this energy (no bounds added, `beta = 1`).
    pub log_z: Option<f64>,
    /// The inverse temperature that is part of `formula`.
    pub beta: f64,
    /// What the user typed, with the parameters and options that change the energy.
    pub description: String,
    /// Its name, if it is one of the menu.
    pub name: Option<&'static str>,
    /// Names of the data columns it was fitted to, one per coordinate; empty if it was not fitted.
    pub columns: Vec<String>,
}

impl Resolved {
    /// Number of coordinates.
    pub fn dim(&self) -> usize {
        self.formula.space().dim()
    }

    /// Names of the coordinates.
    pub fn names(&self) -> &[String] {
        &self.formula.space().names
    }

    /// Whether every coordinate ranges over the whole line.
    pub fn is_unbounded(&self) -> bool {
        self.formula.space().is_unbounded()
    }
}

/// The energy that `text` and its options name; every parameter must have a value.
///
/// # Errors
/// A usage failure that names the fault: with a caret for formulas, with the nearest name for names, with `--param` for
/// parameters without a value. A failure of the work for a model file that cannot be read.
pub fn energy(text: &str, options: &EnergyOptions) -> Result<Resolved, Failure> {
    let resolved = energy_with_free_parameters(text, options)?;
    match resolved.formula.unset().as_slice() {
        [] => Ok(resolved),
        unset => {
            let listed = unset.iter().map(|n| format!("'{n}'")).collect::<Vec<_>>().join(", ");
            let (s, have) = if unset.len() == 1 { ("", "has") } else { ("s", "have") };
            let message = format!("the parameter{s} {listed} of the formula {have} no value");
            let example = unset.iter().zip(1..).map(|(n, i)| format!("{n}={i}")).collect::<Vec<_>>().join(",");
            let near = unset.iter().find_map(|n| names::nearest(n, FUNCTIONS));
            let meant = near.map_or_else(String::new, |f| format!("; did you mean the function '{f}'?"));
            Err(Failure::usage("unset_parameter", message, format!("give values with --param {example}{meant}")))
        }
    }
}

/// Names that a parameter may be a slip of.
const FUNCTIONS: [&str; 15] = [
    "exp",
    "log",
    "sqrt",
    "abs",
    "sin",
    "cos",
    "tan",
    "tanh",
    "sinh",
    "cosh",
    "erf",
    "softplus",
    "logsumexp",
    "sum",
    "pow",
];

/// As [`energy`], but parameters may be without a value: they are what `fit` learns.
///
/// # Errors
/// As [`energy`].
pub fn energy_with_free_parameters(text: &str, options: &EnergyOptions) -> Result<Resolved, Failure> {
    let text = text.trim();
    if text.is_empty() {
        let hint = "write a formula like \"x^2\", or a name; `gibbsite energies` lists the names";
        return Err(Failure::usage("missing_energy", "the energy is empty", hint));
    }
    if text.to_ascii_lowercase().ends_with(".gibbs") {
        return model_file(text, options);
    }
    let (head, params) = text.split_once(':').map_or((text, None), |(h, p)| (h.trim(), Some(p)));
    if MENU.iter().any(|e| e.name == head) {
        return of_menu(head, params, options);
    }
    if let Some(refused) = labelled::refused(text) {
        return Err(refused);
    }
    if is_name(head) && (params.is_some() || names::later(head).is_some()) {
        return Err(unknown(head));
    }
    of_formula(text, options).map_err(|failure| {
        let meant = if is_name(text) { names::nearest(text, MENU.iter().map(|e| e.name)) } else { None };
        meant.filter(|m| m.len() > 3 && failure.kind == "formula").map_or(failure, |_| unknown(text))
    })
}

/// Whether the energy that `text` names leaves its number of dimensions to the data: `gaussian`, or a formula in `x[i]` and
/// `d` without `--dim`. Text that is no energy leaves nothing open; [`energy`] says what is wrong with it.
pub fn has_open_dim(text: &str, options: &EnergyOptions) -> bool {
    let text = text.trim();
    let (head, params) = text.split_once(':').map_or((text, ""), |(h, p)| (h.trim(), p));
    match MENU.iter().find(|e| e.name == head) {
        _ if options.dim.is_some() => false,
        Some(entry) => {
            let given = assignments(head, params).unwrap_or_default();
            let sets_d = given.iter().chain(&options.param).any(|(name, _)| name == "d");
            entry.params.iter().any(|p| p.name == "d") && !sets_d
        }
        None => Formula::has_open_dim(text).unwrap_or(false),
    }
}

/// Opens a model file: the one place where they become energies.
fn model_file(path: &str, options: &EnergyOptions) -> Result<Resolved, Failure> {
    if !std::path::Path::new(path).is_file() {
        let hint = "check the path; it is relative to the current folder";
        return Err(Failure::work("not_found", format!("there is no file '{path}'"), hint));
    }
    let fault = |e: ModelFileError| Failure::caused_by("model_file", &e, e.hint());
    let model = Model::read(std::path::Path::new(path)).map_err(fault)?;
    let EnergySpec::Formula { formula, dim, bounds } = &model.energy else {
        return Err(fault(ModelFileError::Inconsistent("it holds no formula".into())));
    };
    let theta = model.theta_names.iter().cloned().zip(model.theta.iter().copied());
    let mut param: Vec<(String, f64)> = theta.collect();
    for (name, value) in &options.param {
        match param.iter_mut().find(|(n, _)| n == name) {
            Some((_, v)) => *v = *value,
            None => param.push((name.clone(), *value)),
        }
    }
    let beta = model.beta * options.beta;
    let own = bounds.iter().map(|b| (b.name.clone(), b.lower, b.upper)).collect();
    let mut wanted = FormulaOptions { dim: *dim, bounds: own, params: param };
    if options.bounds.is_some() {
        let names = Formula::with_options(formula, &wanted).map_err(failures::formula)?.space().names.clone();
        wanted.bounds = bounds::merge(wanted.bounds, options.bounds.as_deref(), &names)?;
    }
    let plain = beta == 1.0 && options.bounds.is_none() && options.param.is_empty();
    let description = describe(format!("{path}: {formula}"), &options.param, options);
    let log_z = model.log_z.filter(|_| plain).filter(|z| z.std_err == 0.0).map(|z| z.value);
    let formula = scaled(formula, beta, &wanted)?;
    Ok(Resolved { formula, log_z, beta, description, name: None, columns: model.columns.clone() })
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

fn unknown(name: &str) -> Failure {
    let names: Vec<&str> = MENU.iter().map(|e| e.name).collect();
    let mut failure = names::unknown("energy", name, &names);
    failure.hint.push_str("; `gibbsite energies` lists them");
    failure
}

/// `name` or `name:a=1,b=2`.
fn of_menu(name: &str, params: Option<&str>, options: &EnergyOptions) -> Result<Resolved, Failure> {
    let entry = menu::find(name).map_err(failures::menu)?;
    let mut given = assignments(name, params.unwrap_or(""))?;
    for (param, value) in &options.param {
        if given.iter().any(|(n, _)| n == param) {
            let message = format!("the parameter '{param}' of '{name}' is given twice");
            return Err(Failure::usage("conflict", message, "give it once, after the name or with --param"));
        }
        given.push((param.clone(), *value));
    }
    if let Some(dim) = options.dim
        && entry.params.iter().any(|p| p.name == "d")
        && !given.iter().any(|(n, _)| n == "d")
    {
        given.push(("d".into(), dim as f64));
    }
    let made = entry.build(&given).map_err(failures::menu)?;
    let mut formula = made.formula;
    let dim = formula.space().dim();
    if let Some(asked) = options.dim.filter(|asked| *asked != dim) {
        let message = format!("'{name}' has {dim} dimension(s), but --dim asks for {asked}");
        return Err(Failure::usage("conflict", message, "leave --dim out"));
    }
    let plain = options.beta == 1.0 && options.bounds.is_none();
    if !plain {
        let mut theta = vec![0.0; formula.n_theta()];
        formula.read_theta(&mut theta);
        let has_d = entry.params.iter().any(|p| p.name == "d");
        let space = formula.space();
        let own = space.names.iter().zip(&space.reals).filter(|(_, s)| **s != Support::Real);
        let bounds = own.map(|(n, s)| (n.clone(), s.lower(), s.upper())).collect();
        let bounds = bounds::merge(bounds, options.bounds.as_deref(), &space.names)?;
        let params = formula.theta_names().into_iter().zip(theta).collect();
        let new = FormulaOptions { dim: has_d.then_some(dim), bounds, params };
        formula = scaled(entry.formula, options.beta, &new)?;
    }
    let shown: Vec<String> = given.iter().map(|(n, v)| format!("{n}={v}")).collect();
    let shown = if shown.is_empty() { name.to_string() } else { format!("{name}:{}", shown.join(",")) };
    Ok(Resolved {
        formula,
        log_z: made.log_z.filter(|_| plain),
        beta: options.beta,
        description: describe(shown, &[], options),
        name: Some(entry.name),
        columns: Vec::new(),
    })
}

/// `a=1,b=2` after the name of a menu energy.
fn assignments(name: &str, params: &str) -> Result<Vec<(String, f64)>, Failure> {
    let one = |part: &str| {
        crate::args::values::assignment(part.trim()).map_err(|e| {
            let message = format!("'{}' in '{name}:{params}': {e}", part.trim());
            Failure::usage("invalid_value", message, format!("write it like {name}:a=1,b=2; see `gibbsite energies`"))
        })
    };
    let parts = params.split(',').filter(|p| !p.trim().is_empty());
    let given = parts.map(one).collect::<Result<Vec<_>, _>>()?;
    for (i, (param, _)) in given.iter().enumerate() {
        if given[..i].iter().any(|(n, _)| n == param) {
            let message = format!("the parameter '{param}' of '{name}' is given twice");
            return Err(Failure::usage("conflict", message, "give it once"));
        }
    }
    Ok(given)
}

fn of_formula(text: &str, options: &EnergyOptions) -> Result<Resolved, Failure> {
    let mut wanted = FormulaOptions { dim: options.dim, bounds: Vec::new(), params: options.param.clone() };
    for (i, (param, _)) in options.param.iter().enumerate() {
        if options.param[..i].iter().any(|(n, _)| n == param) {
            let message = format!("--param sets '{param}' twice");
            return Err(Failure::usage("conflict", message, "give it once"));
        }
    }
    let mut formula = Formula::with_options(text, &wanted).map_err(failures::formula)?;
    if options.bounds.is_some() {
        wanted.bounds = bounds::merge(Vec::new(), options.bounds.as_deref(), &formula.space().names)?;
    }
    if options.beta != 1.0 || !wanted.bounds.is_empty() {
        formula = scaled(text, options.beta, &wanted)?;
    }
    let description = describe(text.to_string(), &options.param, options);
    Ok(Resolved { formula, log_z: None, beta: options.beta, description, name: None, columns: Vec::new() })
}

/// The formula `beta * (source)`, so that a temperature needs nothing else than formulas.
fn scaled(source: &str, beta: f64, options: &FormulaOptions) -> Result<Formula, Failure> {
    let source = if beta == 1.0 { source.to_string() } else { format!("{beta:?}*({source})") };
    Formula::with_options(&source, options).map_err(failures::formula)
}

fn describe(mut text: String, params: &[(String, f64)], options: &EnergyOptions) -> String {
    let params: Vec<String> = params.iter().map(|(n, v)| format!("{n} = {v}")).collect();
    let bounds = options.bounds.iter().map(|b| format!("on {}", b.trim()));
    let beta = (options.beta != 1.0).then(|| format!("at beta = {}", options.beta));
    let parts: Vec<String> = params.into_iter().chain(bounds).chain(beta).collect();
    if !parts.is_empty() {
        text.push_str(&format!("  ({})", parts.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use gibbsite::points::Points;

    fn options() -> EnergyOptions {
        EnergyOptions { beta: 1.0, ..EnergyOptions::default() }
    }

    fn value(resolved: &Resolved, x: &[f64]) -> f64 {
        let mut e = [0.0];
        resolved.formula.energy(&Points::from_rows(&[x]), &mut e);
        e[0]
    }

    #[test]
    fn a_temperature_and_bounds_change_any_energy() {
        let hot = EnergyOptions { beta: 0.25, bounds: Some("x=0..inf".into()), ..options() };
        let formula = energy("x^2", &hot).unwrap();
        assert_eq!([value(&formula, &[2.0]), value(&formula, &[-2.0])], [1.0, f64::INFINITY]);
        let plain = energy("gaussian:d=2", &options()).unwrap();
        assert!(plain.log_z.is_some());
        let cut = energy("gaussian:d=2", &EnergyOptions { bounds: Some("x1=0..inf".into()), ..options() }).unwrap();
        assert!(cut.log_z.is_none() && value(&cut, &[-1.0, 0.0]) == f64::INFINITY);
        assert_eq!(value(&cut, &[1.0, 2.0]), value(&plain, &[1.0, 2.0]));
        let warm = energy("mueller-brown", &EnergyOptions { beta: 2.0, ..options() }).unwrap();
        let cold = energy("mueller-brown", &options()).unwrap();
        assert_eq!(value(&warm, &[0.3, 0.4]), 2.0 * value(&cold, &[0.3, 0.4]));
        assert_eq!(value(&warm, &[9.0, 0.0]), f64::INFINITY);
    }

    #[test]
    fn sizes_are_open_or_given() {
        let open = |text: &str, options: &EnergyOptions| has_open_dim(text, options);
        for text in ["gaussian", "gaussian:condition=4", "many-well", "sum(i,1..d,a*x[i]^2)"] {
            assert!(open(text, &options()), "{text}");
            assert!(!open(text, &EnergyOptions { dim: Some(4), ..options() }), "{text}");
        }
        for text in ["gaussian:d=2", "ring", "a*x^2", "m.gibbs", "(", "nonsense:d", ""] {
            assert!(!open(text, &options()), "{text}");
        }
        assert!(!open("gaussian", &EnergyOptions { param: vec![("d".into(), 2.0)], ..options() }));
    }

    #[test]
    fn slips_are_named() {
        let kind = |text: &str, options: &EnergyOptions| energy(text, options).unwrap_err();
        let unset = kind("a*x^2+b*x^4", &options());
        assert_eq!((unset.kind, unset.hint.as_str()), ("unset_parameter", "give values with --param a=1,b=2"));
        assert_eq!([kind("ising:l=4", &options()).kind, kind("rbm", &options()).kind], ["labels", "labels"]);
        assert!(!kind("E*x^2", &options()).hint.contains("did you mean"));
        assert!(kind("rosenbrok", &options()).hint.starts_with("did you mean 'rosenbrock'?"));
        assert!(kind("double-wel:h=1", &options()).hint.starts_with("did you mean 'double-well'?"));
        assert_eq!(kind("ring:radius=1", &options()).kind, "invalid_value");
        assert_eq!(kind("ring:r", &options()).kind, "invalid_value");
        assert_eq!(kind("ring:r=1", &EnergyOptions { param: vec![("r".into(), 2.0)], ..options() }).kind, "conflict");
        assert_eq!(kind("ring", &EnergyOptions { dim: Some(3), ..options() }).kind, "conflict");
        assert_eq!(kind("a.gibbs", &options()).kind, "not_found");
        assert!(kind("x^2+", &options()).snippet.is_some());
        assert_eq!(energy("gaussian", &EnergyOptions { dim: Some(5), ..options() }).unwrap().dim(), 5);
    }
}
