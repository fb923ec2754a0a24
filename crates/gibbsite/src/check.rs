//! Is an energy a model? Whether exp(-E) can be normalised, whether gradients are right, which parameters do nothing.
//!
//! For formulas, growth far out is bounded rigorously term by term (`yes` and `no` are proofs, up to rounding of
//! coefficients); other energies are probed along rays, which can refute but never prove.

mod asymptotic;
mod cones;
mod evaluate;
mod exact;
mod facts;
mod gradient;
mod growth;
mod integrate;
mod line;
mod linear;
mod moments;
mod parameters;
mod points;
mod polynomial;
mod probe;
mod prove;
mod quadratic;
mod rewrite;
mod show;
mod singular;
mod solve;
mod sphere;
mod stiffness;
mod straight;
mod tubes;
pub use moments::moments;

use crate::energy::formula::Formula;
use crate::energy::{Differentiable, Energy, Parametric};
use crate::logz::{self, LogZError};
use crate::points::Points;

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
    /// For `No`: a unit vector, shape `(d,)`, along a straight ray of which exp(-E) does not decay. `None` where there is
    /// no such ray (the reason then says where the weight goes) or none is known.
    pub falls_along: Option<Vec<f64>>,
    /// For `Yes`: the largest k for which `integral |x|^k p(x)` may be finite, where larger moments are proved infinite: 0 if
    /// the mean does not exist, 1 if the mean may but the variance does not, up to 3. `None`: no limit is known.
    pub moments: Option<u32>,
}

impl Verdict {
    fn yes(reason: &str) -> Self {
        Self { normalizable: Normalizable::Yes, reason: reason.into(), falls_along: None, moments: None }
    }

    fn no(reason: String) -> Self {
        Self { normalizable: Normalizable::No, reason, falls_along: None, moments: None }
    }

    fn unproven(reason: &str) -> Self {
        Self { normalizable: Normalizable::Unproven, reason: reason.into(), falls_along: None, moments: None }
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

/// Whether an energy known by its values only can be normalised: probes along rays and random directions. Never `Yes`.
pub fn normalizable<E: Energy + ?Sized>(energy: &E, seed: u64) -> Verdict {
    probe::probe(energy, seed, 64)
}

/// Everything that is checked about an energy.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Whether Z is finite.
    pub normalizable: Normalizable,
    /// Why, in one sentence.
    pub reason: String,
    /// A unit vector, shape `(d,)`, along a straight ray of which exp(-E) does not decay, as in [`Verdict::falls_along`].
    pub falls_along: Option<Vec<f64>>,
    /// Which moments may exist, as in [`Verdict::moments`].
    pub moments: Option<u32>,
    /// Largest relative disagreement of the gradient with differences, beyond their own error, over random points and
    /// coordinates.
    pub gradient_max_rel_error: f64,
    /// Where it was found, shape `(d,)`.
    pub gradient_worst_at: Vec<f64>,
    /// Parameters that only shift the energy by a constant, which cancels in p(x).
    pub offset: Vec<String>,
    /// Parameters, or combinations of parameters, that leave p(x) unchanged.
    pub redundant_parameters: Vec<String>,
    /// Largest over smallest curvature at the deepest minimum found, in two or more dimensions, where there is one.
    pub stiffness: Option<f64>,
    /// A point of the support where the energy is NaN.
    pub undefined_at: Option<Vec<f64>>,
    /// What a user should know, in whole sentences.
    pub warnings: Vec<String>,
}

/// Largest relative error of a gradient that passes.
pub const GRADIENT_TOLERANCE: f64 = 1e-5;
/// Stiffness from which samplers need many small steps.
const STIFF: f64 = 1e4;
/// Points at which values, gradients and parameters are looked at.
const N_POINTS: usize = 64;

/// Checks a formula. The same seed gives the same result.
pub fn check_formula(formula: &Formula, seed: u64) -> Check {
    let mut verdict = normalizable_formula(formula);
    if verdict.normalizable == Normalizable::Unproven {
        verdict.reason = format!("{}; {}", verdict.reason, evidence(formula, seed));
    }
    let first = idle_near(formula, seed, 1);
    let second = idle_near(formula, seed, 2);
    // Idle for two settings of the parameters: not a coincidence of the values at hand.
    let mut idle = if first.redundant.len() <= second.redundant.len() { first.clone() } else { second.clone() };
    idle.offset.retain(|k| first.offset.contains(k) && second.offset.contains(k));
    report(formula, verdict, idle, seed)
}

/// Checks any energy; whether it can be normalised is only probed.
pub fn check<E: Differentiable + Parametric + ?Sized>(energy: &E, seed: u64) -> Check {
    let verdict = normalizable(energy, seed);
    let x = points::random_points(energy.space(), sample_size(energy.n_theta()), seed, 3);
    let idle = parameters::idle(energy, &x);
    report(energy, verdict, idle, seed)
}

fn sample_size(n_theta: usize) -> usize {
    N_POINTS.max(4 * n_theta)
}

/// Idle parameters of the formula with its parameters moved a little.
fn idle_near(formula: &Formula, seed: u64, step: u64) -> parameters::Idle {
    let n_theta = formula.n_theta();
    let mut theta = vec![0.0; n_theta];
    formula.read_theta(&mut theta);
    let moves = points::random_points(&crate::points::Space::real(n_theta.max(1)), 2, seed, 10 + step);
    for (k, t) in theta.iter_mut().enumerate() {
        let by = 0.05 + 0.2 * moves.real.get(0, k).abs().min(1.0);
        *t = if *t == 0.0 { by } else { *t * (1.0 + by) };
    }
    let mut moved = formula.clone();
    moved.set_theta(&theta);
    let x = points::random_points(formula.space(), sample_size(n_theta), seed, 3);
    parameters::idle(&moved, &x)
}

/// What can be said where nothing is proved: numerical integration in one dimension, else probes.
fn evidence(formula: &Formula, seed: u64) -> String {
    if formula.space().dim() == 1 {
        return match logz::log_z(formula, &logz::Options { tol: Some(1e-6) }) {
            Ok(z) if z.exact => format!("numerical integration converges (log Z = {:.6}), which is no proof", z.value),
            Ok(_) => "numerical integration does not converge well".into(),
            Err(error @ LogZError::Diverges { .. }) => format!("numerically, {error}"),
            Err(error) => format!("numerical integration fails: {error}"),
        };
    }
    normalizable(formula, seed).reason
}

fn report<E: Differentiable + Parametric + ?Sized>(
    energy: &E,
    verdict: Verdict,
    idle: parameters::Idle,
    seed: u64,
) -> Check {
    let x = points::random_points(energy.space(), N_POINTS, seed, 0);
    let names = energy.theta_names();
    let worst = gradient::compare(energy, &x);
    let undefined_at = undefined(energy, &x);
    let offset: Vec<String> = idle.offset.iter().map(|k| names[*k].clone()).collect();
    let redundant_parameters: Vec<String> = idle.redundant.iter().map(|v| parameters::combination(v, &names)).collect();
    let stiffness = if verdict.normalizable == Normalizable::No { None } else { stiffness::stiffness(energy, &x) };
    let mut warnings = Vec::new();
    match verdict.normalizable {
        Normalizable::Yes => {}
        Normalizable::No => warnings.push(format!("this energy is not a model: {}", verdict.reason)),
        Normalizable::Unproven => warnings.push(format!("it is not proved that this is a model: {}", verdict.reason)),
    }
    warnings.extend(verdict.moments.and_then(missing_moments));
    if let Some(point) = &undefined_at {
        let at = show(point);
        warnings
            .push(format!("the energy is undefined (NaN) at {at}; restrict the support, as in --bounds \"x=0..inf\""));
    }
    if worst.rel_error.is_nan() || worst.rel_error > GRADIENT_TOLERANCE {
        let at = show(&worst.at);
        warnings.push(format!("the gradient disagrees with differences by {:.1e} at {at}", worst.rel_error));
    }
    for name in &offset {
        warnings
            .push(format!("`{name}` only shifts the energy by a constant; it cancels in p(x) and cannot be learned"));
    }
    for name in &redundant_parameters {
        warnings.push(format!("p(x) does not change along `{name}`; fix one of these parameters"));
    }
    if let Some(ratio) = stiffness.filter(|r| *r > STIFF) {
        warnings.push(format!("the energy is stiff: curvatures differ by a factor of {ratio:.0e}"));
    }
    Check {
        normalizable: verdict.normalizable,
        reason: verdict.reason,
        falls_along: verdict.falls_along,
        moments: verdict.moments,
        gradient_max_rel_error: worst.rel_error,
        gradient_worst_at: worst.at,
        offset,
        redundant_parameters,
        stiffness,
        undefined_at,
        warnings,
    }
}

/// What does not exist although Z does, where that is the mean or the variance.
fn missing_moments(largest: u32) -> Option<String> {
    match largest {
        0 => Some(
            "the mean does not exist: the integral of |x| p(x) is infinite, so that averages of draws do not settle; use \
             quantiles"
                .into(),
        ),
        1 => Some(
            "the variance does not exist: the integral of |x|^2 p(x) is infinite, so that averages of draws have no \
             standard error; use quantiles"
                .into(),
        ),
        _ => None,
    }
}

/// The first point where the energy is NaN.
fn undefined<E: Energy + ?Sized>(energy: &E, x: &Points) -> Option<Vec<f64>> {
    let mut e = vec![0.0; x.n()];
    energy.energy(x, &mut e);
    e.iter().position(|e| e.is_nan()).map(|i| x.real.row(i))
}

fn show(x: &[f64]) -> String {
    let shown: Vec<String> = x.iter().take(8).map(|v| format!("{v:.4}")).collect();
    format!("({}{})", shown.join(", "), if x.len() > 8 { ", ..." } else { "" })
}
