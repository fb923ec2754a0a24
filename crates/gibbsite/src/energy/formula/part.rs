//! The independent parts of a formula, each an energy of its own coordinates.

use super::groups::independent;
use super::program::Program;
use super::{Formula, compile, exclude_outside};
use crate::energy::{Energy, Part};
use crate::points::{Points, Space};

/// The terms of a formula that share coordinates, at the parameters that the formula had.
struct FormulaPart {
    space: Space,
    value: Program,
    landmarks: Vec<f64>,
}

impl Energy for FormulaPart {
    fn space(&self) -> &Space {
        &self.space
    }

    fn energy(&self, x: &Points, out: &mut [f64]) {
        self.value.run(&x.real, None, out, &mut []);
        exclude_outside(&self.space, x, out);
    }

    fn landmarks(&self) -> Vec<f64> {
        self.landmarks.clone()
    }
}

/// The parts of `formula`; none where all coordinates depend on each other.
pub fn parts(formula: &Formula) -> Vec<Part> {
    let dim = formula.space.dim();
    if dim < 2 {
        return Vec::new();
    }
    let mut graph = formula.graph.clone();
    let groups = independent(&mut graph, formula.root, dim);
    if groups.len() < 2 {
        return Vec::new();
    }
    let landmarks = formula.landmarks();
    let part = |(coordinates, root): (Vec<usize>, _)| {
        let mut value = compile::compile_columns(&graph, &[root], &coordinates);
        value.set_theta(&formula.theta);
        let space = Space {
            reals: coordinates.iter().map(|&j| formula.space.reals[j]).collect(),
            labels: Vec::new(),
            names: coordinates.iter().map(|&j| formula.space.names[j].clone()).collect(),
        };
        Part { coordinates, energy: Box::new(FormulaPart { space, value, landmarks: landmarks.clone() }) }
    };
    groups.into_iter().map(part).collect()
}
