//! Log density at points, and the thermodynamics of a model, from log Z and the moments of the energy.

use crate::energy::Energy;
use crate::logz::{Integral, LogZ};
use crate::points::Points;

/// Log densities at points.
#[derive(Clone, Debug, PartialEq)]
pub struct LogDensity {
    /// E(x_i), shape `(n,)`.
    pub energy: Vec<f64>,
    /// log p(x_i) = -E(x_i) - log Z, shape `(n,)`; `-inf` outside the support, NaN where the energy is undefined.
    pub log_density: Vec<f64>,
    /// Error of each, that of log Z, shape `(n,)`; 0 outside the support, where p = 0 exactly.
    pub std_err: Vec<f64>,
}

/// log p at points, in the units of the energy.
///
/// # Panics
/// If the points do not have the coordinates of the energy.
pub fn log_density<E: Energy + ?Sized>(energy: &E, x: &Points, log_z: &LogZ) -> LogDensity {
    let space = energy.space();
    assert_eq!(x.dim(), space.dim(), "the points must have the coordinates of the energy");
    let mut e = vec![0.0; x.n()];
    energy.energy(x, &mut e);
    for (j, s) in space.reals.iter().enumerate() {
        for (e, x) in e.iter_mut().zip(x.real.col(j)) {
            if !s.contains(*x) {
                *e = f64::INFINITY;
            }
        }
    }
    let log_density = e.iter().map(|e| -e - log_z.value).collect();
    let std_err = e.iter().map(|e| if *e == f64::INFINITY { 0.0 } else { log_z.std_err }).collect();
    LogDensity { energy: e, log_density, std_err }
}

/// Thermodynamic quantities of p = exp(-E) / Z in the units of E (temperature 1, Boltzmann constant 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thermodynamics {
    /// -log Z.
    pub free_energy: f64,
    /// `E_p[E]`.
    pub mean_energy: f64,
    /// Standard deviation of E under p.
    pub energy_sd: f64,
    /// Var_p(E), the heat capacity at inverse temperature 1 (for an energy that was scaled by beta: beta^2 Var of the unscaled one).
    pub heat_capacity: f64,
    /// Differential entropy `log Z + E_p[E]`, in nats.
    pub entropy: f64,
    /// Numerical error of log Z.
    pub error: f64,
    /// Numerical error of the mean energy.
    pub mean_energy_error: f64,
    /// Numerical error of the heat capacity.
    pub heat_capacity_error: f64,
}

impl Thermodynamics {
    /// Numerical error of the entropy: at most the sum of those of log Z and of the mean energy.
    pub fn entropy_error(&self) -> f64 {
        self.error + self.mean_energy_error
    }
}

impl From<&Integral> for Thermodynamics {
    fn from(i: &Integral) -> Self {
        Self {
            free_energy: -i.log_z,
            mean_energy: i.mean_energy,
            energy_sd: i.heat_capacity.sqrt(),
            heat_capacity: i.heat_capacity,
            entropy: i.log_z + i.mean_energy,
            error: i.error,
            mean_energy_error: i.mean_energy_error,
            heat_capacity_error: i.heat_capacity_error,
        }
    }
}
