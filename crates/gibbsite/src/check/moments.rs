//! Which moments of which coordinates are infinite, by the same proofs as whether Z is.

use super::Normalizable;
use super::prove::prove;
use super::rewrite::{rebuild, specialise};
use crate::energy::Energy;
use crate::energy::Parametric;
use crate::energy::formula::Formula;
use crate::energy::formula::function::Function;
use crate::energy::formula::graph::{Graph, Id, Node};
use crate::energy::formula::groups::independent;

/// Coordinates that depend on each other and are looked at one by one; of more, all share what is proved of any.
const MAX_GROUP: usize = 32;

/// For each coordinate the largest k for which `integral |x_j|^k p(x)` may be finite, where a larger moment is proved infinite:
/// 0 if its mean does not exist, 1 if its variance does not, and so on. `None`: no limit is known.
///
/// Independent groups of coordinates are proved apart. Within a group, |x_j|^n has an infinite mean if
/// `E - n/2 log(1 + x_j^2)` cannot be normalised; where that is proved of no coordinate although it is of the norm of all, or
/// for groups of more than 32, the limit holds for one of them at least and is given to all. Limits of 2 and above are told
/// only of coordinates that are independent of all others.
///
/// Meaningful where Z is finite: see [`super::normalizable_formula`], which takes about as long.
pub fn moments(formula: &Formula) -> Vec<Option<u32>> {
    let mut theta = vec![0.0; formula.n_theta()];
    formula.read_theta(&mut theta);
    let (graph, root) = formula.graph();
    let (mut graph, root) = specialise(graph, root, &theta);
    let space = formula.space();
    let mut limits = vec![None; space.dim()];
    for (coordinates, part) in independent(&mut graph, root, space.dim()) {
        let mut own = Graph::default();
        let place = |j: u32| coordinates.iter().position(|c| *c == j as usize);
        let root = rebuild(&graph, part, &mut own, |id, to| match graph.node(id) {
            Node::X(j) => place(*j).map(|k| to.x(k)),
            _ => None,
        });
        let supports: Vec<_> = coordinates.iter().map(|&j| space.reals[j]).collect();
        let names: Vec<_> = coordinates.iter().map(|&j| space.names[j].clone()).collect();
        let decide = |graph: &Graph, root: Id| prove(graph, root, &[], &supports, &names);
        let whole = decide(&own, root);
        let Some(limit) = whole.moments.filter(|_| whole.normalizable == Normalizable::Yes) else { continue };
        let found: Vec<Option<u32>> = match coordinates.len() {
            1 => vec![Some(limit)],
            _ if limit > 1 => vec![None; coordinates.len()],
            n if n > MAX_GROUP => vec![Some(limit); n],
            n => {
                let infinite = |j: usize, power: u32| {
                    let mut graph = own.clone();
                    let weighted = less_log_power(&mut graph, root, j, power);
                    decide(&graph, weighted).normalizable == Normalizable::No
                };
                let each: Vec<Option<u32>> =
                    (0..n).map(|j| (limit + 1..=2).find(|power| infinite(j, *power)).map(|power| power - 1)).collect();
                if each.iter().all(Option::is_none) { vec![Some(limit); n] } else { each }
            }
        };
        coordinates.iter().zip(found).for_each(|(&j, limit)| limits[j] = limit);
    }
    limits
}

/// `root - power/2 log(1 + x_j^2)`.
fn less_log_power(graph: &mut Graph, root: Id, j: usize, power: u32) -> Id {
    let (x, one) = (graph.x(j), graph.constant(1.0));
    let square = graph.powi(x, 2);
    let sum = graph.add(one, square);
    let log = graph.call(Function::Log, sum);
    let factor = graph.constant(-0.5 * f64::from(power));
    let term = graph.mul(factor, log);
    graph.add(root, term)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::formula::FormulaOptions;

    fn of(text: &str) -> Vec<Option<u32>> {
        moments(&Formula::parse(text).unwrap())
    }

    #[test]
    fn limits_are_those_of_each_coordinate() {
        assert_eq!(of("0.6*log(1+x^2)"), [Some(0)]);
        assert_eq!(of("x^2/2 + 1.5*log(1+y^2/2)"), [None, Some(1)]);
        assert_eq!(of("x^2/2 + y^4 + z^2"), [None; 3]);
        assert_eq!(of("2.5*log(1+x1^2+x2^2+x3^2+x4^2)"), [Some(0); 4]);
        assert_eq!(of("x^2/2 + 3*log(1+y^2) + (z - x)^2"), [None; 3]);
        // Coupled, but only one of them is heavy.
        let coupled = of("1.4*log(1+x^2) + (y - 1/(1+x^2))^2");
        assert!(coupled[0] == Some(1), "{coupled:?}");
    }

    #[test]
    fn many_coordinates_are_quick() {
        let options = FormulaOptions { dim: Some(20), ..FormulaOptions::default() };
        let formula = Formula::with_options("sum(i,1..19,x[i]^2/2)+1.5*log(1+x[20]^2/2)", &options).unwrap();
        let limits = moments(&formula);
        assert!(limits[..19].iter().all(Option::is_none) && limits[19] == Some(1), "{limits:?}");
    }
}
