//! Where an energy falls without ever reaching a minimum.

use super::problem::{At, Problem};
use crate::energy::Differentiable;

/// How an energy falls without reaching a minimum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fall {
    /// To minus infinity as x goes to infinity.
    WithoutEnd,
    /// Towards a value it never reaches (or never leaves again) as x goes to infinity.
    TowardsInfinity,
    /// To minus infinity at a point or at a bound of the support.
    Pole,
}

/// A descent that found no minimum.
#[derive(Clone, Debug, PartialEq)]
pub struct Escape {
    /// How the energy falls.
    pub fall: Fall,
    /// The unit vector along which x goes to infinity; for [`Fall::Pole`] the point.
    pub towards: Vec<f64>,
    /// The last energy seen.
    pub energy: f64,
}

impl Escape {
    /// At a point where the energy is (on the way to) minus infinity.
    pub(super) fn pole(at: &At) -> Self {
        Self { fall: Fall::Pole, towards: at.x.clone(), energy: at.e }
    }

    /// On the way to infinity at `x`. The energy falls without end when it fell at least half as far over the second
    /// half of the decades up to `x` as over the first.
    pub(super) fn to_infinity<E: Differentiable + ?Sized>(problem: &mut Problem<'_, E>, x: &[f64]) -> Self {
        let size = x.iter().map(|x| x * x).sum::<f64>().sqrt();
        // Towards the origin, so that a narrow valley that ends at x is not left.
        let mut at = |share: f64| {
            let v: Vec<f64> = x.iter().map(|x| x * share).collect();
            problem.value(&problem.step(&v, 0.0, x))
        };
        let (near, middle, far) = (at(size.powf(-2.0 / 3.0)), at(size.powf(-1.0 / 3.0)), at(1.0));
        let without_end = far == f64::NEG_INFINITY || (middle > far && middle - far >= 0.5 * (near - middle));
        let fall = if without_end { Fall::WithoutEnd } else { Fall::TowardsInfinity };
        let round = |c: f64| if c.abs() < 1e-6 { 0.0 } else { c };
        Self { fall, towards: x.iter().map(|x| round(x / size)).collect(), energy: far }
    }
}
