//! Is an energy a model? Whether exp(-E) can be normalised, whether gradients are right, which parameters do nothing.
//!
//! For formulas, growth far out is bounded rigorously term by term (`yes` and `no` are proofs, up to rounding of
//! coefficients); other energies are probed along rays, which can refute but never prove.

mod asymptotic;
mod cones;
mod facts;
mod growth;
mod polynomial;
mod prove;
mod rewrite;

use crate::energy::formula::Formula;
use crate::energy::{Energy, Parametric};

/// Whether Z = integral of exp(-E) is finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalizable {
    /// Proved finite.
    Yes,
    /// Infinite.
    No,
    /// Neither proved nor refuted.
    Unproven,
}

impl Normalizable {
    /// The word used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Normalizable::Yes => "yes",
            Normalizable::No => "no",
            Normalizable::Unproven => "unproven",
        }
    }
}

/// The answer to one question: is Z finite?
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The answer.
    pub normalizable: Normalizable,
    /// Why, in one sentence.
    pub reason: String,
    /// For `No`: a unit vector, shape `(d,)`, along which exp(-E) does not decay.
    pub falls_along: Option<Vec<f64>>,
}

impl Verdict {
    fn yes(reason: &str) -> Self {
        Self { normalizable: Normalizable::Yes, reason: reason.into(), falls_along: None }
    }

    fn unproven(reason: &str) -> Self {
        Self { normalizable: Normalizable::Unproven, reason: reason.into(), falls_along: None }
    }
}

/// Whether a formula can be normalised with its current parameters and support, by growth analysis alone. Fast: about
/// 0.1 ms for small formulas.
pub fn normalizable_formula(formula: &Formula) -> Verdict {
    let (graph, root) = formula.graph();
    let mut theta = vec![0.0; formula.n_theta()];
    formula.read_theta(&mut theta);
    let space = formula.space();
    prove::prove(graph, root, &theta, &space.reals, &space.names)
}
