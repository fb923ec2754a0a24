//! The independent parts of a formula, each an energy of its own coordinates.

use std::sync::{Arc, OnceLock};

use super::graph::{Graph, Id};
use super::groups::independent;
use super::program::Program;
use super::{Formula, compile, components, derive, exclude_outside};
use crate::energy::{Differentiable, Energy, Part};
use crate::points::{Matrix, Points, Space};

/// What the parts of a formula have in common: its terms, at the parameters that it had, and the places it names.
struct Whole {
    graph: Graph,
    theta: Vec<f64>,
    landmarks: Vec<f64>,
}

impl Whole {
    /// The program of `roots`, for inputs that hold the coordinates of a part only.
    fn compile(&self, graph: &Graph, roots: &[Id], coordinates: &[usize]) -> Program {
        let mut program = compile::compile_columns(graph, roots, coordinates);
        program.set_theta(&self.theta);
        program
    }
}

/// The terms of a formula that share coordinates.
struct FormulaPart {
    whole: Arc<Whole>,
    root: Id,
    coordinates: Vec<usize>,
    space: Space,
    value: Program,
    value_gradient: OnceLock<Program>,
}

impl FormulaPart {
    fn new(whole: &Arc<Whole>, root: Id, coordinates: Vec<usize>, space: Space) -> Self {
        let value = whole.compile(&whole.graph, &[root], &coordinates);
        Self { whole: Arc::clone(whole), root, coordinates, space, value, value_gradient: OnceLock::new() }
    }

    /// Outputs: E, then dE/dx_j.
    fn value_gradient_program(&self) -> &Program {
        self.value_gradient.get_or_init(|| {
            let mut graph = self.whole.graph.clone();
            let x: Vec<Id> = self.coordinates.iter().map(|&j| graph.x(j)).collect();
            let mut roots = vec![self.root];
            roots.extend(derive::gradient(&mut graph, self.root, &x));
            self.whole.compile(&graph, &roots, &self.coordinates)
        })
    }
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
        self.whole.landmarks.clone()
    }
}

impl Differentiable for FormulaPart {
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        self.value_gradient_program().run(&x.real, None, e, grad.as_mut_slice());
        exclude_outside(&self.space, x, e);
    }

    fn components(&self) -> Vec<Box<dyn Differentiable + '_>> {
        let mut graph = self.whole.graph.clone();
        let roots = components::roots(&mut graph, self.root);
        let whole = Arc::new(Whole { graph, theta: self.whole.theta.clone(), landmarks: self.whole.landmarks.clone() });
        let component = |root| Self::new(&whole, root, self.coordinates.clone(), self.space.clone());
        roots.into_iter().map(|root| Box::new(component(root)) as Box<dyn Differentiable>).collect()
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
    let whole = Arc::new(Whole { graph, theta: formula.theta.clone(), landmarks: formula.landmarks() });
    let part = |(coordinates, root): (Vec<usize>, Id)| {
        let space = Space {
            reals: coordinates.iter().map(|&j| formula.space.reals[j]).collect(),
            labels: Vec::new(),
            names: coordinates.iter().map(|&j| formula.space.names[j].clone()).collect(),
        };
        Part { coordinates: coordinates.clone(), energy: Box::new(FormulaPart::new(&whole, root, coordinates, space)) }
    };
    groups.into_iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::Scaled;
    use crate::energy::formula::FormulaOptions;

    /// Parts are of interleaved coordinates, one of them is bounded, one does not occur, and a parameter is in two.
    fn formula() -> Formula {
        let options = FormulaOptions {
            bounds: vec![("x3".into(), 0.0, f64::INFINITY)],
            params: vec![("a".into(), 1.5)],
            ..Default::default()
        };
        Formula::with_options("3 + a*(x1*x4 - 2)^2 + exp(x2*x5)*x5 + a*x3*(x5 + 1)^2 + 0*x6", &options).unwrap()
    }

    fn rows(n: usize) -> Points {
        Points::from_real(Matrix::from_fn(n, 6, |i, j| 0.4 + 0.3 * i as f64 - 0.05 * (i * j) as f64 + 0.1 * j as f64))
    }

    fn of(part: &Part, x: &Points) -> Points {
        let columns = &part.coordinates;
        Points::from_real(Matrix::from_fn(x.n(), columns.len(), |i, k| x.real.get(i, columns[k])))
    }

    fn energy_grad<E: Differentiable + ?Sized>(energy: &E, x: &Points) -> (Vec<f64>, Matrix<f64>) {
        let (mut e, mut grad) = (vec![0.0; x.n()], Matrix::new(x.n(), x.dim()));
        energy.energy_grad(x, &mut e, &mut grad);
        (e, grad)
    }

    #[test]
    fn gradients_of_parts_are_columns_of_that_of_the_whole() {
        let whole = Scaled::new(formula(), 0.7);
        let x = rows(5);
        let (e, grad) = energy_grad(&whole, &x);
        let parts = whole.parts();
        assert_eq!(parts.iter().map(|p| &p.coordinates[..]).collect::<Vec<_>>(), [&[0, 3][..], &[1, 2, 4], &[5]]);
        let mut total = vec![0.0; 5];
        for part in &parts {
            let x = of(part, &x);
            let (e, mine) = energy_grad(&part.energy, &x);
            total.iter_mut().zip(&e).for_each(|(t, e)| *t += e);
            for i in 0..5 {
                for (k, &j) in part.coordinates.iter().enumerate() {
                    let (a, b) = (mine.get(i, k), grad.get(i, j));
                    assert!((a - b).abs() < 1e-12 * b.abs().max(1.0), "row {i}, x{}: {a} {b}", j + 1);
                }
            }
            // The value is that of the energy alone, and a row is that of a batch of one, to the bit.
            let mut value = vec![0.0; 5];
            part.energy.energy(&x, &mut value);
            assert_eq!(value, e);
            let (first, alone) = energy_grad(&part.energy, &x.rows(3, 1));
            assert_eq!((first[0], alone.row(0)), (e[3], mine.row(3)));
        }
        assert!(total.iter().zip(&e).all(|(a, b)| (a - b).abs() < 1e-12 * b.abs().max(1.0)), "{total:?} {e:?}");
    }

    #[test]
    fn a_part_has_components_of_its_own() {
        let whole = Formula::parse("y^2 - logsumexp(-(z-3)^2 - x*z, -z^2) - 2*logsumexp(y, -y)").unwrap();
        let parts = whole.parts();
        assert_eq!(parts[0].coordinates, [0, 2]);
        let at = Points::from_rows(&[[1.0, 5.0]]);
        let values: Vec<f64> = parts[0].energy.components().iter().map(|c| energy_grad(c, &at).0[0]).collect();
        assert_eq!(values, [9.0, 25.0]);
        let slopes: Vec<f64> = parts[0].energy.components().iter().map(|c| energy_grad(c, &at).1.get(0, 0)).collect();
        assert_eq!(slopes, [5.0, 0.0]);
        let values: Vec<f64> =
            parts[1].energy.components().iter().map(|c| energy_grad(c, &Points::from_rows(&[[1.0]])).0[0]).collect();
        assert_eq!(values, [-1.0, 3.0]);
    }

    #[test]
    fn a_part_has_the_bounds_and_the_parameters_of_the_whole() {
        let mut whole = formula();
        let parts = whole.parts();
        let bounded = &parts[1];
        let outside = Points::from_rows(&[[0.1, -1e-9, 0.3]]);
        assert_eq!(energy_grad(&bounded.energy, &outside).0, [f64::INFINITY]);
        assert_eq!(bounded.energy.space().names, ["x2", "x3", "x5"]);
        let inside = Points::from_rows(&[[0.0, 2.0, 0.5]]);
        let slope = 2.25 * 1.5;
        assert!((energy_grad(&bounded.energy, &inside).1.get(0, 1) - slope).abs() < 1e-14);
        // Later changes do not reach parts that exist, whose gradient is compiled when it is asked for.
        whole.set_param("a", 2.0).unwrap();
        let fresh = formula().parts();
        assert_eq!(
            energy_grad(&parts[0].energy, &of(&parts[0], &rows(3))),
            energy_grad(&fresh[0].energy, &of(&fresh[0], &rows(3)))
        );
        assert!((energy_grad(&whole.parts()[1].energy, &inside).1.get(0, 1) - 2.25 * 2.0).abs() < 1e-14);
    }
}
