//! The landscapes that samplers are judged on: energies whose expectations are known, exactly or to the standard error of a
//! long reference run. Each file holds one of them.
//!
//! Truths are functions of one state in the coordinates of the energy. Energies with bounded supports are sampled through
//! [`Target::unconstrained`]; `draws_to_inner` brings the draws back before [`Target::scores`] judges them.

#![allow(dead_code)] // each test binary that includes this module uses a part of it

use gibbsite::diagnostics::mcse_mean;
use gibbsite::energy::menu::find;
use gibbsite::energy::{Differentiable, Energy, Transformed};
use gibbsite::points::{Matrix, Points, Space, Support};
use gibbsite::run::Draws;

mod bimodal;
mod eight_schools;
mod funnel;
mod gauss_mix;
mod gp_regr;
mod ill_conditioned;
mod lattice;
pub mod many_well;
mod mueller_brown;
mod posteriordb;
mod regression;
mod rosenbrock;
mod student_t;

pub use bimodal::bimodal;
pub use eight_schools::eight_schools;
pub use funnel::funnel;
pub use gauss_mix::gauss_mix;
pub use gp_regr::gp_regr;
pub use ill_conditioned::ill_conditioned;
pub use lattice::lattice;
pub use many_well::{many_well, reflected_many_well};
pub use mueller_brown::mueller_brown;
pub use regression::{ar_k, kidiq, sblrc};
pub use rosenbrock::rosenbrock;
pub use student_t::student_t;

/// A landscape and what is known about it.
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// E(x), on its own supports.
    pub energy: Box<dyn Differentiable>,
    /// log Z, where it is known.
    pub log_z: Option<f64>,
    /// Known expectations.
    pub truths: Vec<Truth>,
    /// The modes, where there are several.
    pub modes: Option<Modes>,
}

/// A function of one state.
pub type Function = Box<dyn Fn(&[f64]) -> f64 + Send + Sync>;

/// A known expectation.
pub struct Truth {
    /// What is averaged.
    pub name: String,
    /// The function of one state.
    pub f: Function,
    /// Its expectation.
    pub exact: f64,
    /// Standard error of `exact`; 0 where it is known exactly.
    pub std_err: f64,
}

/// The modes of a target, or classes of modes.
pub struct Modes {
    /// Exact probability of each.
    pub weights: Vec<f64>,
    /// The mode a state belongs to, an index of `weights`.
    pub of: fn(&[f64]) -> usize,
}

/// An estimate of a known expectation.
#[derive(Debug)]
pub struct Score {
    /// Name of the truth.
    pub name: String,
    /// Mean over the draws.
    pub estimate: f64,
    /// Its Monte-Carlo standard error.
    pub mcse: f64,
    /// (estimate - truth) / sqrt(mcse^2 + std_err^2); NaN when the draws have no Monte-Carlo error.
    pub z: f64,
}

impl Truth {
    /// An expectation that is known exactly.
    pub fn exact(name: impl Into<String>, f: impl Fn(&[f64]) -> f64 + Send + Sync + 'static, exact: f64) -> Self {
        Self { name: name.into(), f: Box::new(f), exact, std_err: 0.0 }
    }
}

impl Modes {
    /// Share of the draws in each mode.
    pub fn shares(&self, draws: &Draws) -> Vec<f64> {
        let mut shares = vec![0.0; self.weights.len()];
        for state in states(draws) {
            shares[(self.of)(state)] += 1.0;
        }
        let n = (draws.n_chains() * draws.n_draws()) as f64;
        shares.iter().map(|count| count / n).collect()
    }
}

impl Target {
    /// A target with one mode and exact truths.
    fn new(name: &'static str, energy: impl Differentiable + 'static, truths: Vec<Truth>) -> Self {
        Self { name, energy: Box::new(energy), log_z: None, truths, modes: None }
    }

    /// With a known log Z.
    fn with_log_z(self, log_z: f64) -> Self {
        Self { log_z: Some(log_z), ..self }
    }

    /// With modes, and one more truth for each whose weight is at least 0.001: the probability of being in it.
    fn with_modes(mut self, weights: Vec<f64>, of: fn(&[f64]) -> usize) -> Self {
        let likely = weights.iter().enumerate().filter(|(_, w)| **w >= 1e-3);
        self.truths
            .extend(likely.map(|(k, w)| Truth::exact(format!("P(mode {k})"), move |x| indicator(of(x) == k), *w)));
        self.modes = Some(Modes { weights, of });
        self
    }

    /// Number of coordinates.
    pub fn dim(&self) -> usize {
        self.energy.space().dim()
    }

    /// The energy on the whole line, for kernels; the identity where nothing is bounded.
    pub fn unconstrained(&self) -> Transformed<&dyn Differentiable> {
        Transformed::new(&*self.energy)
    }

    /// Every truth against draws in the coordinates of the energy.
    pub fn scores(&self, draws: &Draws) -> Vec<Score> {
        self.scores_of(draws.values(), draws.n_draws())
    }

    /// As [`Target::scores`], for states laid out (chain, draw, coordinate).
    pub fn scores_of(&self, values: &[f64], n_draws: usize) -> Vec<Score> {
        let score = |truth: &Truth| {
            let values: Vec<f64> = values.chunks_exact(self.dim()).map(|x| (truth.f)(x)).collect();
            let chains: Vec<&[f64]> = values.chunks_exact(n_draws).collect();
            let estimate = values.iter().sum::<f64>() / values.len() as f64;
            let mcse = mcse_mean(&chains);
            // An indicator that never changed has no error to divide by.
            let error = if mcse > 0.0 { mcse.hypot(truth.std_err) } else { f64::NAN };
            Score { name: truth.name.clone(), estimate, mcse, z: (estimate - truth.exact) / error }
        };
        self.truths.iter().map(score).collect()
    }
}

/// All states, chain after chain.
pub fn states(draws: &Draws) -> impl Iterator<Item = &[f64]> {
    draws.values().chunks_exact(draws.dim())
}

/// Targets that need no file.
pub fn analytic() -> Vec<Target> {
    vec![
        funnel(),
        rosenbrock(),
        many_well(),
        reflected_many_well(),
        lattice(),
        mueller_brown(),
        ill_conditioned(),
        student_t(),
        bimodal(),
    ]
}

/// The six posteriors of posteriordb; empty, with a line that says so, where the data are not there.
pub fn posteriors() -> Vec<Target> {
    let all = [eight_schools, ar_k, gp_regr, kidiq, gauss_mix, sblrc];
    all.into_iter().filter_map(|target| target()).collect()
}

/// A hand-written energy: one function for the value, with or without the gradient.
trait Evaluate: Send + Sync {
    /// Where it is defined.
    fn space(&self) -> &Space;

    /// `e[i] = E(x_i)`, and `grad[(i, j)] = dE/dx_j (x_i)` if it is asked for. States outside the support may get anything.
    fn evaluate(&self, x: &Points, e: &mut [f64], grad: Option<&mut Matrix<f64>>);
}

/// Makes an energy of what [`Evaluate`] says.
struct Written<T>(T);

impl<T: Evaluate> Energy for Written<T> {
    fn space(&self) -> &Space {
        self.0.space()
    }

    fn energy(&self, x: &Points, out: &mut [f64]) {
        self.0.evaluate(x, out, None);
        exclude_outside(self.0.space(), x, out);
    }
}

impl<T: Evaluate> Differentiable for Written<T> {
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        self.0.evaluate(x, e, Some(grad));
        exclude_outside(self.0.space(), x, e);
    }
}

fn exclude_outside(space: &Space, x: &Points, e: &mut [f64]) {
    for (j, support) in space.reals.iter().enumerate().filter(|(_, s)| **s != Support::Real) {
        for (e, x) in e.iter_mut().zip(x.real.col(j)) {
            if !support.contains(*x) {
                *e = f64::INFINITY;
            }
        }
    }
}

/// A space from supports and names.
fn named_space(coordinates: &[(&str, Support)]) -> Space {
    let (names, reals) = coordinates.iter().map(|(name, support)| (name.to_string(), *support)).unzip();
    Space { reals, labels: Vec::new(), names }
}

/// An energy of the menu with the given parameters, and its log Z where the menu knows it.
fn from_menu(name: &str, params: &[(&str, f64)]) -> gibbsite::energy::menu::MenuEnergy {
    let given: Vec<(String, f64)> = params.iter().map(|(name, value)| (name.to_string(), *value)).collect();
    find(name).and_then(|entry| entry.build(&given)).expect("an energy of the menu")
}

/// The standard normal distribution function.
fn normal_cdf(x: f64) -> f64 {
    0.5 * (1.0 + gibbsite::math::erf(x / std::f64::consts::SQRT_2))
}

/// 1 where `condition` holds, else 0.
fn indicator(condition: bool) -> f64 {
    f64::from(u8::from(condition))
}
