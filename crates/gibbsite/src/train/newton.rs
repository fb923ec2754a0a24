//! Damped Newton steps (Levenberg 1944; Marquardt 1963) for the full-batch objectives.
//!
//! Each step solves `(H + mu diag H) d = -g`. H is the objective's own curvature (Fisher information, Fisher scoring) as
//! long as that converges fast, else the Hessian by central differences of the exact gradient. mu grows until the value
//! falls; where the objective is not defined (a theta whose model cannot be normalised) the value counts as `+inf`.

use super::dense::Correlation;
use super::error::TrainError;
use crate::energy::Parametric;
use crate::objective::{FullBatch, ObjectiveError};
use crate::points::Matrix;

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NewtonOptions {
    /// Most iterations.
    pub max_iterations: usize,
    /// Newton decrement `sqrt(g' H^-1 g)` below which theta counts as the optimum: the distance to it in units of the
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
    let mut theta = vec![0.0; p];
    energy.read_theta(&mut theta);
    let mut grad = vec![0.0; p];
    let mut value = objective.value_grad(energy, &mut grad).map_err(|source| TrainError::Start { source })?;
    mask(&mut grad, free);
    let (mut trial_grad, mut trial) = (vec![0.0; p], vec![0.0; p]);
    let mut h = Matrix::new(p, p);
    let (mut mu, mut exact, mut before) = (0.0f64, false, f64::INFINITY);
    let mut undamped = f64::INFINITY;
    for iteration in 1..=options.max_iterations {
        exact |= !objective.curvature(energy, &mut h);
        if exact && let Ok(differences) = hessian(objective, energy, &theta, free) {
            h = differences;
        }
        mask_matrix(&mut h, free);
        let newton = Correlation::new(&h, 0.0);
        undamped = newton.as_ref().map_or(f64::INFINITY, |c| decrement(c, &grad));
        if undamped <= options.tol {
            return Ok(Minimum { value, grad, decrement: undamped, n_iterations: iteration - 1 });
        }
        // Slow progress under the Fisher information: its Hessian is another one.
        exact |= undamped > 0.1 * before;
        before = undamped;
        loop {
            let mut step = match &newton {
                Some(c) if mu == 0.0 => c.solve(&grad),
                _ => damped(&h, mu, &grad),
            };
            shorten(&mut step, &theta);
            let slope: f64 = -grad.iter().zip(&step).map(|(g, d)| g * d).sum::<f64>();
            for k in 0..p {
                trial[k] = theta[k] - step[k];
            }
            energy.set_theta(&trial);
            let outcome = if slope < 0.0 && trial.iter().all(|t| t.is_finite()) {
                objective.value_grad(energy, &mut trial_grad)
            } else {
                Err(ObjectiveError::NonFinite { what: "the Newton step" })
            };
            // Below this predicted decrease, rounding of the value decides nothing and the gradient judges instead.
            let blind = slope > -1e-11 * (1.0 + value.abs());
            if let Ok(v) = outcome {
                mask(&mut trial_grad, free);
                let better = match &newton {
                    Some(c) if blind => decrement(c, &trial_grad) < 0.9 * undamped,
                    _ => v <= value + 1e-4 * slope,
                };
                if better {
                    value = v;
                    theta.copy_from_slice(&trial);
                    grad.copy_from_slice(&trial_grad);
                    mu = if mu < 1e-4 { 0.0 } else { mu * 0.1 };
                    break;
                }
            }
            if (blind && undamped <= ACCEPTABLE) || mu > 1e14 {
                return finish(objective, energy, &theta, free, undamped, iteration - 1, &step, options);
            }
            mu = (mu * 8.0).max(1e-3);
        }
        let grad_norm = grad.iter().map(|g| g * g).sum::<f64>().sqrt();
        on_iterate(&Iterate { iteration, value, grad_norm, energies: objective.energies(), theta: &theta });
    }
    let step = damped(&h, 0.0, &grad);
    finish(objective, energy, &theta, free, undamped, options.max_iterations, &step, options)
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
    options: &NewtonOptions,
) -> Result<Minimum, TrainError>
where
    E: Parametric + ?Sized,
    O: FullBatch<E> + ?Sized,
{
    energy.set_theta(theta);
    let mut grad = vec![0.0; theta.len()];
    let value = objective.value_grad(energy, &mut grad).map_err(|source| TrainError::Start { source })?;
    mask(&mut grad, free);
    if decrement <= ACCEPTABLE.max(options.tol) {
        return Ok(Minimum { value, grad, decrement, n_iterations });
    }
    let worst = (0..theta.len())
        .max_by(|&a, &b| (step[a] / (1.0 + theta[a].abs())).abs().total_cmp(&(step[b] / (1.0 + theta[b].abs())).abs()));
    let parameter = worst.map_or(String::new(), |k| energy.theta_names()[k].clone());
    Err(TrainError::NotConverged { n_iterations, decrement, parameter, theta: worst.map_or(f64::NAN, |k| theta[k]) })
}

/// No parameter moves by more than `1 + |theta_k|` at once: a leap may land where exp(g) is 0 and every slope vanishes.
fn shorten(step: &mut [f64], theta: &[f64]) {
    let longest = step.iter().zip(theta).map(|(s, t)| s.abs() / (1.0 + t.abs())).fold(0.0, f64::max);
    if longest > 1.0 {
        step.iter_mut().for_each(|s| *s /= longest);
    }
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

/// The Hessian by central differences of the gradient: `h = 1e-4 (1 + |theta_k|)`, error of order h^2.
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
    let mut out = Matrix::new(p, p);
    let mut moved = theta.to_vec();
    let (mut up, mut down) = (vec![0.0; p], vec![0.0; p]);
    let mut result = Ok(());
    for k in (0..p).filter(|&k| free[k]) {
        let step = 1e-4 * (1.0 + theta[k].abs());
        moved[k] = theta[k] + step;
        energy.set_theta(&moved);
        result = result.and_then(|()| objective.grad_nearby(energy, &mut up));
        moved[k] = theta[k] - step;
        energy.set_theta(&moved);
        result = result.and_then(|()| objective.grad_nearby(energy, &mut down));
        moved[k] = theta[k];
        for l in 0..p {
            out.set(l, k, (up[l] - down[l]) / (2.0 * step));
        }
    }
    energy.set_theta(theta);
    result?;
    Ok(Matrix::from_fn(p, p, |i, j| 0.5 * (out.get(i, j) + out.get(j, i))))
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
