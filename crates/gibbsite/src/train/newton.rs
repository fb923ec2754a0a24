//! Damped Newton steps (Levenberg 1944; Marquardt 1963) for the full-batch objectives.
//!
//! Each step solves `(H + mu diag H) d = -g`. H is the objective's own curvature (Fisher information, Fisher scoring) as
//! long as that converges fast, else the Hessian. mu grows until the value falls and no parameter has lost its influence;
//! where the objective is not defined (a theta whose model cannot be normalised) the value counts as `+inf`. No length is
//! measured in theta itself, so the course does not depend on the units of the data, up to rounding.

use super::dense::Correlation;
use super::error::TrainError;
use super::natural::{Natural, influence, some_of};
use crate::energy::Parametric;
use crate::objective::{FullBatch, ObjectiveError};
use crate::points::{Matrix, Points};

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NewtonOptions {
    /// Most iterations.
    pub max_iterations: usize,
    /// Newton decrement `sqrt(g' H^-1 g)`, for an objective in units of [`FullBatch::unit`], below which theta counts as the optimum: the distance to it in units of the
    /// standard error that one data point would give.
    pub tol: f64,
}

impl Default for NewtonOptions {
    fn default() -> Self {
        Self { max_iterations: 300, tol: 1e-11 }
    }
}

/// Decrement that must be reached for the fit to count.
const ACCEPTABLE: f64 = 1e-6;

/// Damping at which no step is left: far enough for a start that is wrong by the units of the data.
const MAX_DAMPING: f64 = 1e30;

/// Where the minimiser ended. The energy holds theta.
#[derive(Clone, Debug)]
pub struct Minimum {
    /// The objective.
    pub value: f64,
    /// Its gradient, shape `(n_theta,)`.
    pub grad: Vec<f64>,
    /// Newton decrement at the last step.
    pub decrement: f64,
    /// Steps taken.
    pub n_iterations: usize,
    /// Whether the objective's budget ended the search before the optimum was reached.
    pub stopped: bool,
}

/// One iteration, for progress and history.
#[derive(Clone, Copy, Debug)]
pub struct Iterate<'a> {
    /// Number of the iteration, from 1.
    pub iteration: usize,
    /// The objective.
    pub value: f64,
    /// Euclidean norm of the gradient.
    pub grad_norm: f64,
    /// Mean energies of the data and of the model, where known.
    pub energies: (f64, f64),
    /// The parameters.
    pub theta: &'a [f64],
}

/// Minimises `objective` over the parameters with `free[k]`; the others stay.
///
/// # Errors
/// [`TrainError::Start`] if the objective is not defined at the start; [`TrainError::NotConverged`].
pub fn minimise<E, O>(
    objective: &mut O,
    energy: &mut E,
    free: &[bool],
    options: &NewtonOptions,
    on_iterate: &mut dyn FnMut(&Iterate),
) -> Result<Minimum, TrainError>
where
    E: Parametric + ?Sized,
    O: FullBatch<E> + ?Sized,
{
    let p = energy.n_theta();
    let x = some_of(objective.data());
    let unit = objective.unit();
    let mut theta = vec![0.0; p];
    energy.read_theta(&mut theta);
    let mut grad = vec![0.0; p];
    let mut value = objective.value_grad(energy, &mut grad).map_err(|source| TrainError::Start { source })?;
    mask(&mut grad, free);
    let (mut trial_grad, mut trial) = (vec![0.0; p], vec![0.0; p]);
    let mut h = Matrix::new(p, p);
    let (mut mu, mut exact, mut before) = (0.0f64, false, f64::INFINITY);
    let mut undamped = f64::INFINITY;
    let mut strength = influence(energy, &x);
    let mut iteration = 1;
    while iteration <= options.max_iterations {
        exact |= !objective.curvature(energy, &mut h);
        if exact && let Ok(differences) = hessian(objective, energy, &theta, free) {
            h = differences;
        }
        mask_matrix(&mut h, free);
        let newton = Correlation::new(&h, 0.0);
        undamped = newton.as_ref().map_or(f64::INFINITY, |c| decrement(c, &grad) / unit.sqrt());
        if objective.refine(undamped) {
            // The same point, seen more sharply.
            match objective.value_grad(energy, &mut grad) {
                Ok(v) => value = v,
                Err(ObjectiveError::Budget) => {
                    let n_iterations = iteration - 1;
                    return Ok(Minimum { value, grad, decrement: undamped, n_iterations, stopped: true });
                }
                Err(source) => return Err(TrainError::Start { source }),
            }
            mask(&mut grad, free);
            continue;
        }
        if undamped <= options.tol {
            return Ok(Minimum { value, grad, decrement: undamped, n_iterations: iteration - 1, stopped: false });
        }
        // Slow progress under the Fisher information: its Hessian is another one.
        exact |= undamped > 0.1 * before;
        before = undamped;
        let size = unit + value.abs().max(finite_or_zero(objective.energies().0));
        loop {
            let step = match &newton {
                Some(c) if mu == 0.0 => c.solve(&grad),
                _ => damped(&h, mu, &grad),
            };
            let slope: f64 = -grad.iter().zip(&step).map(|(g, d)| g * d).sum::<f64>();
            for k in 0..p {
                trial[k] = theta[k] - step[k];
            }
            energy.set_theta(&trial);
            let outcome = if slope < 0.0 && trial.iter().all(|t| t.is_finite()) && keeps(energy, &x, &strength, free) {
                objective.value_grad(energy, &mut trial_grad)
            } else {
                Err(ObjectiveError::NonFinite { what: "the Newton step" })
            };
            // Below this predicted decrease, rounding of the value decides nothing and the gradient judges instead.
            let blind = slope > -1e-11 * size;
            match outcome {
                Ok(v) => {
                    mask(&mut trial_grad, free);
                    let better = match &newton {
                        Some(c) if blind => decrement(c, &trial_grad) / unit.sqrt() < 0.9 * undamped,
                        _ => v <= value + 1e-4 * slope,
                    };
                    if better {
                        value = v;
                        theta.copy_from_slice(&trial);
                        grad.copy_from_slice(&trial_grad);
                        strength = influence(energy, &x);
                        mu = if mu < 1e-4 { 0.0 } else { mu * 0.1 };
                        break;
                    }
                }
                Err(ObjectiveError::Budget) => {
                    energy.set_theta(&theta);
                    let n_iterations = iteration - 1;
                    return Ok(Minimum { value, grad, decrement: undamped, n_iterations, stopped: true });
                }
                Err(_) => {}
            }
            if (blind && undamped <= acceptable(size)) || mu > MAX_DAMPING {
                let least = acceptable(size).max(options.tol);
                return finish(objective, energy, &theta, free, undamped, iteration - 1, &step, least);
            }
            mu = (mu * 8.0).max(1e-3);
        }
        let grad_norm = grad.iter().map(|g| g * g).sum::<f64>().sqrt();
        on_iterate(&Iterate { iteration, value, grad_norm, energies: objective.energies(), theta: &theta });
        iteration += 1;
    }
    let step = damped(&h, 0.0, &grad);
    finish(objective, energy, &theta, free, undamped, options.max_iterations, &step, ACCEPTABLE.max(options.tol))
}

/// Decrement that counts where the value is a difference of terms of this size: half of its square is what rounding hides.
fn acceptable(size: f64) -> f64 {
    ACCEPTABLE.max((8.0 * f64::EPSILON * size).sqrt())
}

fn finite_or_zero(v: f64) -> f64 {
    if v.is_finite() { v.abs() } else { 0.0 }
}

/// No step helps any more: the optimum, to what rounding and quadrature allow, or a failure.
fn finish<E, O>(
    objective: &mut O,
    energy: &mut E,
    theta: &[f64],
    free: &[bool],
    decrement: f64,
    n_iterations: usize,
    step: &[f64],
    acceptable: f64,
) -> Result<Minimum, TrainError>
where
    E: Parametric + ?Sized,
    O: FullBatch<E> + ?Sized,
{
    energy.set_theta(theta);
    let mut grad = vec![0.0; theta.len()];
    let value = match objective.value_grad(energy, &mut grad) {
        Ok(value) => value,
        Err(ObjectiveError::Budget) => {
            return Ok(Minimum { value: f64::NAN, grad, decrement, n_iterations, stopped: true });
        }
        Err(source) => return Err(TrainError::Start { source }),
    };
    mask(&mut grad, free);
    if decrement <= acceptable {
        return Ok(Minimum { value, grad, decrement, n_iterations, stopped: false });
    }
    let sd = Natural::at(energy, &some_of(objective.data()), theta, free).sd;
    let moves = |k: usize| (step[k] * sd[k]).abs();
    let worst = (0..theta.len()).filter(|&k| free[k]).max_by(|&a, &b| moves(a).total_cmp(&moves(b)));
    let parameter = worst.map_or(String::new(), |k| energy.theta_names()[k].clone());
    Err(TrainError::NotConverged { n_iterations, decrement, parameter, theta: worst.map_or(f64::NAN, |k| theta[k]) })
}

/// Share of its influence on the energy that a parameter may lose in one step, and factor by which it may grow.
const INFLUENCE: (f64, f64) = (0.1, 1e3);

/// Whether every parameter keeps its influence: a leap may land where exp(g) is 0 and every slope vanishes.
fn keeps<E: Parametric + ?Sized>(energy: &E, x: &Points, before: &[f64], free: &[bool]) -> bool {
    let now = influence(energy, x);
    let kept = |k: usize| now[k] >= INFLUENCE.0 * before[k] && now[k] <= INFLUENCE.1 * before[k];
    (0..now.len()).all(|k| !free[k] || before[k] == 0.0 || kept(k))
}

/// `sqrt(g' H^-1 g)`.
fn decrement(h: &Correlation, grad: &[f64]) -> f64 {
    h.solve(grad).iter().zip(grad).map(|(d, g)| d * g).sum::<f64>().max(0.0).sqrt()
}

/// `(H + mu diag |H|)^-1 g`, with mu as large as it takes to be positive definite.
fn damped(h: &Matrix<f64>, mu: f64, grad: &[f64]) -> Vec<f64> {
    let p = grad.len();
    let mut a = h.clone();
    let mut mu = mu;
    for _ in 0..40 {
        for k in 0..p {
            a.set(k, k, h.get(k, k) + mu * h.get(k, k).abs());
        }
        if let Some(c) = Correlation::new(&a, 0.0).filter(|_| (0..p).all(|k| grad[k] == 0.0 || a.get(k, k) > 0.0)) {
            return c.solve(grad);
        }
        mu = (mu * 4.0).max(1e-3);
    }
    grad.to_vec()
}

/// The Hessian: the objective's curvature, where it has one, plus central differences of what
/// [`FullBatch::grad_nearby`] says, with steps in natural units (`Natural`); exact where E is linear in theta.
///
/// # Errors
/// Those of the objective. The energy's theta is `theta` on return.
pub fn hessian<E, O>(
    objective: &mut O,
    energy: &mut E,
    theta: &[f64],
    free: &[bool],
) -> Result<Matrix<f64>, ObjectiveError>
where
    E: Parametric + ?Sized,
    O: FullBatch<E> + ?Sized,
{
    let p = theta.len();
    let natural = Natural::at(energy, &some_of(objective.data()), theta, free);
    let mut out = Matrix::new(p, p);
    if !objective.curvature(energy, &mut out) {
        out = Matrix::new(p, p);
    }
    let mut change = Matrix::new(p, p);
    let mut moved = theta.to_vec();
    let (mut up, mut down) = (vec![0.0; p], vec![0.0; p]);
    let mut result = Ok(());
    for k in (0..p).filter(|&k| free[k]) {
        let (above, below) = (theta[k] + natural.step[k], theta[k] - natural.step[k]);
        moved[k] = above;
        energy.set_theta(&moved);
        result = result.and_then(|()| objective.grad_nearby(energy, &mut up));
        moved[k] = below;
        energy.set_theta(&moved);
        result = result.and_then(|()| objective.grad_nearby(energy, &mut down));
        moved[k] = theta[k];
        for l in 0..p {
            change.set(l, k, (up[l] - down[l]) / (above - below));
        }
    }
    energy.set_theta(theta);
    result?;
    Ok(Matrix::from_fn(p, p, |i, j| out.get(i, j) + 0.5 * (change.get(i, j) + change.get(j, i))))
}

fn mask(grad: &mut [f64], free: &[bool]) {
    grad.iter_mut().zip(free).filter(|(_, free)| !**free).for_each(|(g, _)| *g = 0.0);
}

fn mask_matrix(h: &mut Matrix<f64>, free: &[bool]) {
    for i in 0..free.len() {
        for j in 0..free.len() {
            if !(free[i] && free[j]) {
                h.set(i, j, 0.0);
            }
        }
    }
}
