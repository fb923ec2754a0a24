//! Energies written as formulas: parsed, differentiated symbolically, evaluated in SIMD loops over chains.
//!
//! ```
//! use gibbsite::energy::{Energy, formula::Formula};
//! use gibbsite::points::Points;
//!
//! let mut quartic = Formula::parse("a*x^2 + 0.1*x^4")?;
//! quartic.set_param("a", 0.5)?;
//! let mut e = [0.0];
//! quartic.energy(&Points::from_rows(&[[2.0]]), &mut e);
//! assert_eq!(e, [0.5 * 4.0 + 0.1 * 16.0]);
//! # Ok::<(), gibbsite::energy::formula::FormulaError>(())
//! ```

mod compile;
mod components;
mod derive;
mod error;
pub(crate) mod function;
pub(crate) mod graph;
pub(crate) mod groups;
mod landmarks;
mod lower;
mod parse;
mod part;
mod program;
mod tile;
mod uniforms;

use std::sync::OnceLock;

pub use error::{FormulaError, Span};
use graph::{Graph, Id};
use program::Program;

use super::{Differentiable, Energy, Jet, Parametric, Part};
use crate::points::{Matrix, Points, Space, Support};
use crate::{scratch, simd, suggest};

/// What a formula is made from, besides its text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FormulaOptions {
    /// Number of dimensions, for formulas that write `x[i]` and `d`.
    pub dim: Option<usize>,
    /// Bounds of variables: name, lower end, upper end (either may be infinite).
    pub bounds: Vec<(String, f64, f64)>,
    /// Values of parameters.
    pub params: Vec<(String, f64)>,
}

/// An energy given by a formula in coordinates and parameters.
#[derive(Debug)]
pub struct Formula {
    source: String,
    space: Space,
    names: Vec<String>,
    theta: Vec<f64>,
    unset: Vec<bool>,
    version: u64,
    graph: Graph,
    root: Id,
    value: Program,
    gradient: OnceLock<Program>,
    value_gradient: OnceLock<Program>,
    features: OnceLock<Program>,
    jet: OnceLock<Program>,
    jet_features: OnceLock<Program>,
}

impl Clone for Formula {
    fn clone(&self) -> Self {
        Self {
            source: self.source.clone(),
            space: self.space.clone(),
            names: self.names.clone(),
            theta: self.theta.clone(),
            unset: self.unset.clone(),
            version: self.version,
            graph: self.graph.clone(),
            root: self.root,
            value: self.value.clone(),
            gradient: self.gradient.clone(),
            value_gradient: self.value_gradient.clone(),
            features: self.features.clone(),
            jet: self.jet.clone(),
            jet_features: self.jet_features.clone(),
        }
    }
}

impl Formula {
    /// Parses a formula without bounds.
    ///
    /// # Errors
    /// [`FormulaError`] if the text is not a formula.
    pub fn parse(source: &str) -> Result<Self, FormulaError> {
        Self::with_options(source, &FormulaOptions::default())
    }

    /// Parses a formula with its dimension, bounds and parameter values. Parameters without a value are 0 and listed by
    /// [`Formula::unset`].
    ///
    /// # Errors
    /// [`FormulaError`] if the text is not a formula, or if an option names what the formula does not have.
    pub fn with_options(source: &str, options: &FormulaOptions) -> Result<Self, FormulaError> {
        let expr = parse::parse(source)?;
        let lower::Lowered { graph, root, variables, parameters } = lower::lower(source, &expr, options.dim)?;
        let mut space =
            Space { reals: vec![Support::Real; variables.len()], labels: Vec::new(), names: variables.clone() };
        for (name, lower, upper) in &options.bounds {
            let Some(j) = variables.iter().position(|v| v == name) else {
                return Err(FormulaError::UnknownVariable { name: name.clone(), known: variables });
            };
            if !(lower < upper) {
                return Err(FormulaError::EmptyBounds { name: name.clone(), lower: *lower, upper: *upper });
            }
            space.reals[j] = Support::between(*lower, *upper);
        }
        let n_theta = parameters.len();
        let value = compile::compile(&graph, &[root]);
        let mut formula = Self {
            source: source.to_string(),
            space,
            names: parameters,
            theta: vec![0.0; n_theta],
            unset: vec![true; n_theta],
            version: 0,
            graph,
            root,
            value,
            gradient: OnceLock::new(),
            value_gradient: OnceLock::new(),
            features: OnceLock::new(),
            jet: OnceLock::new(),
            jet_features: OnceLock::new(),
        };
        for (name, value) in &options.params {
            formula.set_param(name, *value)?;
        }
        formula.update();
        Ok(formula)
    }

    /// Whether the text leaves its number of dimensions open, as `sum(i, 1..d, x[i]^2)` does: it must then be given in
    /// [`FormulaOptions::dim`].
    ///
    /// # Errors
    /// [`FormulaError`] if the text is not a formula.
    pub fn has_open_dim(source: &str) -> Result<bool, FormulaError> {
        Ok(lower::has_open_dim(&parse::parse(source)?))
    }

    /// The text it was made from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Sets one parameter.
    ///
    /// # Errors
    /// [`FormulaError::UnknownParameter`] if there is none of that name.
    pub fn set_param(&mut self, name: &str, value: f64) -> Result<(), FormulaError> {
        let Some(k) = self.names.iter().position(|n| n == name) else {
            let suggestion = suggest::nearest(name, self.names.iter().map(String::as_str)).map(str::to_string);
            return Err(FormulaError::UnknownParameter { name: name.into(), known: self.names.clone(), suggestion });
        };
        self.theta[k] = value;
        self.unset[k] = false;
        self.update();
        Ok(())
    }

    /// Parameters that were never given a value.
    pub fn unset(&self) -> Vec<&str> {
        self.names.iter().zip(&self.unset).filter(|(_, unset)| **unset).map(|(n, _)| n.as_str()).collect()
    }

    /// Another formula of the same coordinates and parameters.
    fn with_root(&self, graph: Graph, root: Id) -> Self {
        Self {
            value: self.compile(&graph, &[root]),
            graph,
            root,
            gradient: OnceLock::new(),
            value_gradient: OnceLock::new(),
            features: OnceLock::new(),
            jet: OnceLock::new(),
            jet_features: OnceLock::new(),
            ..self.clone()
        }
    }

    pub(crate) fn graph(&self) -> (&Graph, Id) {
        (&self.graph, self.root)
    }

    /// Recomputes what depends on the parameters, in every program that exists.
    fn update(&mut self) {
        self.version += 1;
        self.value.set_theta(&self.theta);
        for program in
            [&mut self.gradient, &mut self.value_gradient, &mut self.features, &mut self.jet, &mut self.jet_features]
        {
            if let Some(program) = program.get_mut() {
                program.set_theta(&self.theta);
            }
        }
    }

    fn compile(&self, graph: &Graph, roots: &[Id]) -> Program {
        let mut program = compile::compile(graph, roots);
        program.set_theta(&self.theta);
        program
    }

    fn coordinates(&self, graph: &mut Graph) -> Vec<Id> {
        (0..self.space.dim()).map(|j| graph.x(j)).collect()
    }

    fn parameters(&self, graph: &mut Graph) -> Vec<Id> {
        (0..self.names.len()).map(|k| graph.theta(k)).collect()
    }

    /// Outputs: dE/dx_j.
    fn gradient_program(&self) -> &Program {
        self.gradient.get_or_init(|| {
            let mut graph = self.graph.clone();
            let x = self.coordinates(&mut graph);
            let roots = derive::gradient(&mut graph, self.root, &x);
            self.compile(&graph, &roots)
        })
    }

    /// Outputs: E, then dE/dx_j.
    fn value_gradient_program(&self) -> &Program {
        self.value_gradient.get_or_init(|| {
            let mut graph = self.graph.clone();
            let x = self.coordinates(&mut graph);
            let mut roots = vec![self.root];
            roots.extend(derive::gradient(&mut graph, self.root, &x));
            self.compile(&graph, &roots)
        })
    }

    /// Outputs: E, then dE/dtheta_k.
    fn features_program(&self) -> &Program {
        self.features.get_or_init(|| {
            let mut graph = self.graph.clone();
            let theta = self.parameters(&mut graph);
            let mut roots = vec![self.root];
            roots.extend(derive::gradient(&mut graph, self.root, &theta));
            self.compile(&graph, &roots)
        })
    }

    /// E, v . dE and v' H v as nodes.
    fn jet_roots(&self, graph: &mut Graph) -> [Id; 3] {
        let x = self.coordinates(graph);
        let v: Vec<Id> = (0..self.space.dim()).map(|j| graph.v(j)).collect();
        let d1 = derive::directional(graph, self.root, &x, &v);
        let d2 = derive::directional(graph, d1, &x, &v);
        [self.root, d1, d2]
    }

    fn jet_program(&self) -> &Program {
        self.jet.get_or_init(|| {
            let mut graph = self.graph.clone();
            let roots = self.jet_roots(&mut graph);
            self.compile(&graph, &roots)
        })
    }

    /// Outputs: E, then the parameter gradients of E, of v . dE and of v' H v.
    fn jet_features_program(&self) -> &Program {
        self.jet_features.get_or_init(|| {
            let mut graph = self.graph.clone();
            let theta = self.parameters(&mut graph);
            let jets = self.jet_roots(&mut graph);
            let mut roots = vec![self.root];
            for jet in jets {
                roots.extend(derive::gradient(&mut graph, jet, &theta));
            }
            self.compile(&graph, &roots)
        })
    }
}

/// Points outside the bounds have infinite energy.
fn exclude_outside(space: &Space, x: &Points, e: &mut [f64]) {
    for (j, support) in space.reals.iter().enumerate() {
        if *support != Support::Real {
            for (e, &x) in e.iter_mut().zip(x.real.col(j)) {
                if x < support.lower() || x > support.upper() {
                    *e = f64::INFINITY;
                }
            }
        }
    }
}

impl Energy for Formula {
    fn space(&self) -> &Space {
        &self.space
    }

    fn energy(&self, x: &Points, out: &mut [f64]) {
        self.value.run(&x.real, None, out, &mut []);
        exclude_outside(&self.space, x, out);
    }

    fn parts(&self) -> Vec<Part> {
        part::parts(self)
    }

    fn landmarks(&self) -> Vec<f64> {
        landmarks::of(&self.source, &self.theta)
    }

    fn version(&self) -> u64 {
        self.version
    }
}

impl Differentiable for Formula {
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        self.value_gradient_program().run(&x.real, None, e, grad.as_mut_slice());
        exclude_outside(&self.space, x, e);
    }

    fn grad(&self, x: &Points, grad: &mut Matrix<f64>) {
        let (first, rest) = grad.as_mut_slice().split_at_mut(x.n());
        self.gradient_program().run(&x.real, None, first, rest);
    }

    fn components(&self) -> Vec<Box<dyn Differentiable + '_>> {
        let boxed = |c: Formula| Box::new(c) as Box<dyn Differentiable>;
        components::components(self).into_iter().map(boxed).collect()
    }
}

impl Parametric for Formula {
    fn n_theta(&self) -> usize {
        self.theta.len()
    }

    fn theta_names(&self) -> Vec<String> {
        self.names.clone()
    }

    fn read_theta(&self, out: &mut [f64]) {
        out.copy_from_slice(&self.theta);
    }

    fn set_theta(&mut self, theta: &[f64]) {
        self.theta.copy_from_slice(theta);
        self.unset.fill(false);
        self.update();
    }

    fn grad_theta(&self, x: &Points, w: &[f64], out: &mut [f64]) {
        let n = x.n();
        scratch::with(n * (self.n_theta() + 1), |columns| {
            let (e, features) = columns.split_at_mut(n);
            self.features_program().run(&x.real, None, e, features);
            for (out, feature) in out.iter_mut().zip(features.chunks_exact(n.max(1))) {
                *out += simd::dot(w, feature);
            }
        });
    }

    fn theta_features(&self, x: &Points, out: &mut Matrix<f64>) {
        scratch::with(x.n(), |e| self.features_program().run(&x.real, None, e, out.as_mut_slice()));
    }
}

impl Jet for Formula {
    fn jet(&self, x: &Points, v: &Matrix<f64>, e: &mut [f64], d1: &mut [f64], d2: &mut [f64]) {
        let n = x.n();
        scratch::with(2 * n, |columns| {
            self.jet_program().run(&x.real, Some(v), e, columns);
            d1.copy_from_slice(&columns[..n]);
            d2.copy_from_slice(&columns[n..]);
        });
    }

    fn grad_theta_jet(&self, x: &Points, v: &Matrix<f64>, w: [&[f64]; 3], out: &mut [f64]) {
        let (n, n_theta) = (x.n(), self.n_theta());
        scratch::with(n * (3 * n_theta + 1), |columns| {
            let (e, features) = columns.split_at_mut(n);
            self.jet_features_program().run(&x.real, Some(v), e, features);
            for (order, w) in w.iter().enumerate() {
                for k in 0..n_theta {
                    out[k] += simd::dot(w, &features[(order * n_theta + k) * n..][..n]);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests;
