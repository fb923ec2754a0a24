//! The traits every energy implements: value, gradient, parameters, second-order jets, exact normalisation.
//!
//! An energy works on a batch of states at once. Implementations must treat rows independently: row `i` of a batch
//! gives the same numbers as a batch of one.

use self::couplings::Couplings;
use crate::points::{Matrix, Points, Space};
use crate::rng::Streams;

/// E(x): low energy means likely, p(x) = exp(-E(x)) / Z.
pub trait Energy: Send + Sync {
    /// The space the energy is defined on.
    fn space(&self) -> &Space;

    /// `out[i] = E(x_i)`, shape `(n,)`. `+inf` means outside the support; NaN is a bug or an undefined value.
    fn energy(&self, x: &Points, out: &mut [f64]);

    /// Independent parts: `E(x) = sum_k E_k(x_k)`, where the `x_k` share out the coordinates, so that Z is the product of the
    /// Z_k. Empty where none are known.
    fn parts(&self) -> Vec<Part> {
        Vec::new()
    }

    /// Places that the energy names, whatever the coordinate, such as the centres in the text of a formula: quadrature looks
    /// for mass about them. Empty where none are known.
    fn landmarks(&self) -> Vec<f64> {
        Vec::new()
    }

    /// Changes whenever the parameters change; kernels compare it in debug builds to detect stale caches.
    fn version(&self) -> u64 {
        0
    }
}

/// One of several independent parts of an energy.
pub struct Part {
    /// Which coordinates of the whole it depends on.
    pub coordinates: Vec<usize>,
    /// The energy of these coordinates, with its gradient.
    pub energy: Box<dyn Differentiable>,
}

/// An energy with a gradient in x.
pub trait Differentiable: Energy {
    /// `e[i] = E(x_i)` and `grad[(i, j)] = dE/dx_j (x_i)`, shapes `(n,)` and `(n, d_real)`.
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>);

    /// The gradient alone, for kernels that never read the energy.
    fn grad(&self, x: &Points, grad: &mut Matrix<f64>) {
        crate::scratch::with(x.n(), |e| self.energy_grad(x, e, grad));
    }

    /// Energies E_k of which this one is the lowest, softly, as `-log sum_k exp(-E_k)` is: its wells are near wells of the E_k,
    /// even where they are too narrow for descents on E to run into them. Empty where none are known.
    fn components(&self) -> Vec<Box<dyn Differentiable + '_>> {
        Vec::new()
    }
}

/// An energy with parameters theta. Every energy can be one: `n_theta` is 0 when nothing is learned.
pub trait Parametric: Energy {
    /// Number of parameters.
    fn n_theta(&self) -> usize;

    /// Name of each parameter, in order.
    fn theta_names(&self) -> Vec<String>;

    /// Copies the parameters into `out`, shape `(n_theta,)`.
    fn read_theta(&self, out: &mut [f64]);

    /// Sets the parameters, shape `(n_theta,)`.
    fn set_theta(&mut self, theta: &[f64]);

    /// Adds `sum_i w_i dE(x_i)/dtheta` to `out`. Contrastive divergence is one call: `w = +1/n` on data, `-1/n` on samples.
    fn grad_theta(&self, x: &Points, w: &[f64], out: &mut [f64]);

    /// `out[(i, k)] = dE(x_i)/dtheta_k`, shape `(n, n_theta)`: the statistics whose covariance is the Fisher information.
    fn theta_features(&self, x: &Points, out: &mut Matrix<f64>);
}

/// E(x + h v) to second order in h: what score matching needs, without nested automatic differentiation.
pub trait Jet: Parametric + Differentiable {
    /// For direction `v_i` at `x_i`: `e = E`, `d1 = v . dE/dx`, `d2 = v' H v`; all `(n,)`, `v` is `(n, d_real)`.
    fn jet(&self, x: &Points, v: &Matrix<f64>, e: &mut [f64], d1: &mut [f64], d2: &mut [f64]);

    /// Adds `sum_i d/dtheta [w0_i E + w1_i v . dE + w2_i v' H v]` to `out`, shape `(n_theta,)`.
    fn grad_theta_jet(&self, x: &Points, v: &Matrix<f64>, w: [&[f64]; 3], out: &mut [f64]);
}

/// An energy with labels, discrete coordinates of a few values each. Without real coordinates its gradient has no columns.
pub trait Discrete: Differentiable {
    /// Sets of labels of which those of one set are independent of each other, given all others.
    fn blocks(&self) -> &[Vec<usize>];

    /// What each label says of its values, given all other coordinates: for every one of `sites` in turn and each of its values
    /// but the first, `out[(i, k)] = log p(value) - log p(first value) = E(x_i, first value) - E(x_i, value)`. Columns as many as
    /// [`n_logits`] says.
    ///
    /// By energies, one site and value after the other; energies that know better do it at once.
    fn logits(&self, x: &Points, sites: &[usize], out: &mut Matrix<f64>) {
        logits_by_energies(self, x, sites, out);
    }

    /// [`Discrete::logits`] of all labels, exactly or nearly so: differences between the values of a label are about those of
    /// log p if it alone changes. What proposals are made of, so that it may cost less.
    fn slopes(&self, x: &Points, out: &mut Matrix<f64>) {
        let sites: Vec<usize> = (0..self.space().labels.len()).collect();
        self.logits(x, &sites, out);
    }
}

/// Labels that are coupled in pairs: `E(x) = -sum_pairs log_pair - sum_i log_site`, up to a constant, where pairs depend on the
/// difference of their labels alone (modulo the number of values, the same of all), so that turning both together changes
/// nothing: what cluster moves need.
pub trait Pairwise: Discrete {
    /// The pairs and their weights.
    fn couplings(&self) -> &Couplings;

    /// What a pair of this weight adds to log p.
    fn log_pair(&self, weight: f64, a: u8, b: u8) -> f64;

    /// What a label of a site adds to log p.
    fn log_site(&self, site: usize, label: u8) -> f64;
}

/// [`Differentiable`] for energies without real coordinates, whose gradient has no columns.
macro_rules! no_gradient {
    ($energy:ty) => {
        impl $crate::energy::Differentiable for $energy {
            fn energy_grad(&self, x: &$crate::points::Points, e: &mut [f64], _: &mut $crate::points::Matrix<f64>) {
                $crate::energy::Energy::energy(self, x, e);
            }

            fn grad(&self, _: &$crate::points::Points, _: &mut $crate::points::Matrix<f64>) {}
        }
    };
}
pub(crate) use no_gradient;

/// Columns of [`Discrete::logits`]: the values of all sites but the first of each.
pub fn n_logits(space: &Space, sites: &[usize]) -> usize {
    sites.iter().map(|s| space.labels[*s].arity() - 1).sum()
}

/// [`Discrete::logits`] by energies: what any implementation is held against.
pub fn logits_by_energies<E: Energy + ?Sized>(energy: &E, x: &Points, sites: &[usize], out: &mut Matrix<f64>) {
    let labels = &energy.space().labels;
    let mut y = x.clone();
    let (mut first, mut other) = (vec![0.0; x.n()], vec![0.0; x.n()]);
    let mut k = 0;
    for &site in sites {
        y.label.col_mut(site).fill(0);
        energy.energy(&y, &mut first);
        for value in 1..labels[site].arity() {
            y.label.col_mut(site).fill(value as u8);
            energy.energy(&y, &mut other);
            for ((out, first), other) in out.col_mut(k).iter_mut().zip(&first).zip(&other) {
                // Impossible beside impossible: no preference.
                *out = if first == other { 0.0 } else { first - other };
            }
            k += 1;
        }
        y.label.col_mut(site).copy_from_slice(x.label.col(site));
    }
}

/// An energy with known log Z and exact, independent draws.
pub trait Tractable: Energy {
    /// log Z in closed form.
    fn log_z(&self) -> f64;

    /// `n` exact draws.
    fn sample(&self, n: usize, rng: &mut Streams) -> Points;

    /// Replaces the real coordinates of every row of `x` by an exact draw, the same as [`Tractable::sample`] gives: for
    /// loops that must not allocate.
    fn sample_into(&self, x: &mut Points, rng: &mut Streams) {
        x.real = self.sample(x.n(), rng).real;
    }
}

pub mod boltzmann;
pub mod formula;
pub mod gaussian;
pub mod independent;
pub mod ising;
mod labelled;
pub mod menu;
pub mod potts;
pub mod rbm;

mod bridge;
mod colours;
pub mod couplings;
mod delegate;
mod scaled;
mod sum;
mod timed;
mod transformed;
pub use boltzmann::Boltzmann;
pub use bridge::Bridge;
pub use independent::Independent;
pub use labelled::Labelled;
pub use potts::Potts;
pub use rbm::Rbm;
pub use scaled::Scaled;
pub use sum::Sum;
pub(crate) use timed::Timed;
pub use transformed::Transformed;
pub(crate) use transformed::constrain;
