//! Two models beside each other: Kullback-Leibler divergences, entropies, free energies, likelihoods of data, each with its error.
//!
//! With `p_A = exp(-E_A) / Z_A` and `p_B = exp(-E_B) / Z_B` on the same coordinates, all in nats (Kullback and Leibler 1951,
//! equation 2.4):
//!
//! ```text
//! KL(A || B) = E_A[log p_A - log p_B] = E_A[E_B - E_A] + log Z_B - log Z_A   >= 0
//! ```
//!
//! What is needed of each model are two means over it ([`Means`]) and its log Z. [`Comparison`] and [`Likelihoods`] put them
//! together. Errors of different sources are taken as independent and add up in squares; those of the two log Z are counted
//! only where log Z does not cancel.

mod exact;
mod likelihoods;
mod parts;
#[cfg(test)]
mod tests;

pub use likelihoods::Likelihoods;

use thiserror::Error;

use crate::diagnostics::{mcse_mean, tail_shape};
use crate::energy::Energy;
use crate::logz::{LogZ, Quadrature};
use crate::points::Points;
use crate::run::Draws;
use crate::verdict::{Evidence, Finding, Report, Tail};

/// A value with its standard error, or with the estimated numerical error of what is exact. NaN: unknown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// Its error.
    pub std_err: f64,
}

impl Estimate {
    /// `value` with independent errors, which add up in squares.
    fn with_errors(value: f64, errors: &[f64]) -> Self {
        Self { value, std_err: errors.iter().fold(0.0, |sum: f64, e| sum.hypot(*e)) }
    }

    /// The same with the smaller of two estimates of its error, which is at least that of rounding.
    fn or_error(self, std_err: f64) -> Self {
        Self { std_err: self.std_err.min(std_err).max(f64::EPSILON * self.value.abs()), ..self }
    }

    /// How many errors the value is away from zero; infinite without an error, unless the value is zero as well.
    pub fn z(&self) -> f64 {
        if self.value == 0.0 { 0.0 } else { self.value / self.std_err }
    }
}

/// Why a mean of E' - E over p is infinite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Infinite {
    /// p has this probability where E' is infinite, as far as the nodes or draws show.
    Outside {
        /// The probability, or the share of the draws.
        probability: f64,
    },
    /// The support of p reaches beyond that of the other model, with less probability there than nodes or draws show.
    Beyond {
        /// The coordinate, from 0.
        axis: usize,
    },
    /// E' grows too fast for the tails of p.
    Diverges,
}

/// Means over p = exp(-E) / Z of its own energy E and of what another energy E' has more.
#[derive(Clone, Debug, PartialEq)]
pub struct Means {
    /// `E_p[E]`.
    pub energy: Estimate,
    /// `E_p[E' - E]`; where it is infinite, [`Means::infinite`] says why.
    pub excess: Estimate,
    /// Why `excess` is infinite.
    pub infinite: Option<Infinite>,
    /// By quadrature, so that the errors are numerical; else over draws.
    pub exact: bool,
    /// Whether the error of `excess` may be believed: it is not where the draws of E' - E have tails too heavy for a variance,
    /// nor where quadrature cannot show that the mean exists.
    pub trusted: bool,
    /// What the verdict on the draws of E' - E found, as if that were their only coordinate: chains that agree in every
    /// coordinate may still disagree in this.
    pub findings: Vec<Finding>,
}

/// Why two models cannot be compared.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum CompareError {
    /// An energy is NaN where the other model lives.
    #[error("the energy of the other model is undefined (NaN) where this one has mass")]
    Undefined {
        /// Where.
        point: Vec<f64>,
    },
    /// An energy is minus infinity where the other model lives.
    #[error("the energy of the other model is minus infinity where this one has mass")]
    Unbounded {
        /// Where.
        point: Vec<f64>,
    },
}

impl Means {
    /// Means by quadrature, where there is one: in one to three dimensions, or where both energies fall apart
    /// ([`Energy::parts`]) into the same blocks of one to three coordinates. `None` where there is not.
    ///
    /// # Errors
    /// As [`Means::by_quadrature`].
    ///
    /// # Panics
    /// If the energies differ in their number of coordinates.
    pub fn exactly<A, B>(own: &A, other: &B) -> Result<Option<Self>, CompareError>
    where
        A: Energy + ?Sized,
        B: Energy + ?Sized,
    {
        parts::means(own, other)
    }

    /// Means by quadrature: `nodes` are those of `own`, from [`quadrature`](crate::logz::quadrature()).
    ///
    /// A second quadrature follows `sqrt(1 + (E' - E)^2) exp(-E)` to the ends of the support: it diverges where the mean of
    /// `E' - E` does, and what it says of both means differs from what the nodes say by the error of the latter. That, or
    /// [`Quadrature::expect_error`] where it is smaller, is the error.
    ///
    /// # Errors
    /// [`CompareError`] where `other` is NaN or -inf at a node that has weight.
    ///
    /// # Panics
    /// If the energies and the nodes differ in their number of coordinates.
    pub fn by_quadrature<A, B>(own: &A, other: &B, nodes: &Quadrature) -> Result<Self, CompareError>
    where
        A: Energy + ?Sized,
        B: Energy + ?Sized,
    {
        let values = Values::new(own, other, &nodes.points, |i| nodes.w[i] > 0.0)?;
        let energy = expectation(nodes, &values.own);
        let outside = (0..nodes.n()).filter(|&i| values.is_outside(i)).map(|i| nodes.w[i]).sum();
        let mut means = Self::finite(energy, energy, true);
        if let Some(infinite) = infinite(own, other, nodes.points.real.row(values.deepest()), outside) {
            return Ok(means.diverging(infinite));
        }
        let excess = values.excess();
        means.excess = expectation(nodes, &excess);
        match exact::second(own, other, nodes.log_z) {
            exact::Existence::Shown(second) => {
                means.energy = means.energy.or_error(second.error_of_energy(means.energy.value));
                means.excess = means.excess.or_error(second.error_of_excess(means.excess.value));
                Ok(means)
            }
            exact::Existence::Refuted => Ok(means.diverging(Infinite::Diverges)),
            exact::Existence::Unknown => Ok(Self { trusted: false, ..means }),
        }
    }

    /// Means over Markov chains in the coordinates of `own`, with Monte-Carlo standard errors ([`mcse_mean`]).
    ///
    /// Where `E' - E` is one constant but for rounding, at all draws, the error is that of rounding: the energies are equal up to
    /// a constant wherever the chains went.
    ///
    /// # Errors
    /// [`CompareError`] where `other` is NaN or -inf at a draw.
    ///
    /// # Panics
    /// If the energies and the draws differ in their number of coordinates.
    pub fn over_draws<A, B>(own: &A, other: &B, draws: &Draws) -> Result<Self, CompareError>
    where
        A: Energy + ?Sized,
        B: Energy + ?Sized,
    {
        let points = draws.points();
        let values = Values::new(own, other, &points, |_| true)?;
        let n_draws = draws.n_draws();
        let energy = mean_over_chains(&values.own, n_draws);
        let n = values.own.len();
        let outside = (0..n).filter(|&i| values.is_outside(i)).count() as f64 / n as f64;
        let mut means = Self::finite(energy, energy, false);
        if let Some(infinite) = infinite(own, other, points.real.row(values.deepest()), outside) {
            return Ok(means.diverging(infinite));
        }
        let excess = values.excess();
        let (lo, hi) = excess.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), v| (lo.min(*v), hi.max(*v)));
        let scale = values.own.iter().chain(&values.other).fold(0.0f64, |m, e| m.max(e.abs()));
        if hi - lo <= ROUNDING * scale {
            means.excess = Estimate { value: 0.5 * (lo + hi), std_err: (hi - lo).max(f64::EPSILON * scale) };
            return Ok(means);
        }
        means.excess = mean_over_chains(&excess, n_draws);
        means.trusted = has_variance(&excess);
        let of_excess = Draws::from_parts(draws.n_chains(), n_draws, 1, excess, values.own);
        let evidence = Evidence::from(&of_excess);
        means.findings = Report::new(&evidence).verdict(&evidence).findings;
        Ok(means)
    }

    fn finite(energy: Estimate, excess: Estimate, exact: bool) -> Self {
        Self { energy, excess, infinite: None, exact, trusted: true, findings: Vec::new() }
    }

    fn diverging(self, why: Infinite) -> Self {
        Self { excess: Estimate { value: f64::INFINITY, std_err: f64::NAN }, infinite: Some(why), ..self }
    }
}

/// Differences between two formulas of the same energy that are rounding, relative to the largest energy.
const ROUNDING: f64 = 64.0 * f64::EPSILON;

/// Both energies at the points of one model.
struct Values {
    own: Vec<f64>,
    other: Vec<f64>,
    /// Whether the point has mass; the others tell nothing.
    counts: Vec<bool>,
}

impl Values {
    fn new<A, B>(own: &A, other: &B, x: &Points, counts: impl Fn(usize) -> bool) -> Result<Self, CompareError>
    where
        A: Energy + ?Sized,
        B: Energy + ?Sized,
    {
        let dims = [own.space().dim(), other.space().dim()];
        assert_eq!(dims, [x.dim(); 2], "both energies must have the coordinates of the points");
        let (mut e, mut f) = (vec![0.0; x.n()], vec![0.0; x.n()]);
        own.energy(x, &mut e);
        other.energy(x, &mut f);
        let counts: Vec<bool> = (0..x.n()).map(|i| counts(i) && e[i] < f64::INFINITY).collect();
        let undefined = |i: &usize| counts[*i] && (e[*i].is_nan() || f[*i].is_nan());
        if let Some(i) = (0..x.n()).find(undefined) {
            return Err(CompareError::Undefined { point: x.real.row(i) });
        }
        if let Some(i) = (0..x.n()).find(|&i| counts[i] && f[i] == f64::NEG_INFINITY) {
            return Err(CompareError::Unbounded { point: x.real.row(i) });
        }
        // What has no mass has no say: its energies may have overflowed.
        let deepest = deepest(&e, &counts);
        for i in (0..x.n()).filter(|&i| !counts[i]) {
            (e[i], f[i]) = (e[deepest], f[deepest]);
        }
        Ok(Self { own: e, other: f, counts })
    }

    fn deepest(&self) -> usize {
        deepest(&self.own, &self.counts)
    }

    fn is_outside(&self, i: usize) -> bool {
        self.counts[i] && self.other[i] == f64::INFINITY
    }

    fn excess(&self) -> Vec<f64> {
        self.other.iter().zip(&self.own).map(|(f, e)| f - e).collect()
    }
}

/// The point of least energy among those that count; 0 if none does.
fn deepest(energy: &[f64], counts: &[bool]) -> usize {
    let of = (0..energy.len()).filter(|&i| counts[i]);
    of.min_by(|&i, &j| energy[i].total_cmp(&energy[j])).unwrap_or(0)
}

/// `E_p[f]`, summed about one of the values, so that a constant has itself as its mean; the error is at least that of rounding.
fn expectation(nodes: &Quadrature, f: &[f64]) -> Estimate {
    let centre = f.get(deepest(&nodes.energy, &vec![true; nodes.n()])).copied().unwrap_or(0.0);
    let about: Vec<f64> = f.iter().map(|v| v - centre).collect();
    let value = centre + nodes.expect(&about);
    Estimate { value, std_err: nodes.expect_error(&about).max(f64::EPSILON * value.abs()) }
}

/// The mean over chains, one after the other in `f`.
fn mean_over_chains(f: &[f64], n_draws: usize) -> Estimate {
    let first = f.first().copied().unwrap_or(f64::NAN);
    let value = first + f.iter().map(|v| v - first).sum::<f64>() / f.len() as f64;
    let chains: Vec<&[f64]> = f.chunks(n_draws.max(1)).collect();
    Estimate { value, std_err: mcse_mean(&chains) }
}

/// Whether draws have a variance, as far as they tell.
///
/// Beside their tail itself that of every few of them is looked at: it begins further inside. Where it is too heavy and the tail
/// itself is not, the chains have hardly been at its end, and the mean lacks what is there.
fn has_variance(x: &[f64]) -> bool {
    let (k, std_err) = tail_shape(x);
    let inner: Vec<f64> = x.iter().step_by(x.len().div_ceil(N_INNER).max(1)).copied().collect();
    let begins_heavy = tail_shape(&inner).0 >= MAX_INNER_SHAPE;
    // Infinite: the draws span too many magnitudes for any shape.
    k != f64::INFINITY && Tail { k, std_err, at_least: None }.has_variance() && !begins_heavy
}

/// Pareto shape of the inner tail from which on it is too heavy; that of exp(z) of a normal z is 0.23.
const MAX_INNER_SHAPE: f64 = 1.0 / 3.0;

/// Draws of which the largest 190 make up a tail of 5 %.
const N_INNER: usize = 4000;

/// Whether p has mass where the other model has none: at its nodes or draws, or beyond the ends of the other's support, where
/// a point of p, its deepest, is moved to.
fn infinite<A, B>(own: &A, other: &B, at: Vec<f64>, outside: f64) -> Option<Infinite>
where
    A: Energy + ?Sized,
    B: Energy + ?Sized,
{
    if outside > 0.0 {
        return Some(Infinite::Outside { probability: outside });
    }
    let (mine, theirs) = (&own.space().reals, &other.space().reals);
    let has_mass_beyond = |axis: usize| {
        let (m, t) = (mine[axis], theirs[axis]);
        let mut tried = Vec::new();
        for step in STEPS_BEYOND.map(|s| s * (1.0 + t.lower().abs())).into_iter().filter(|_| m.lower() < t.lower()) {
            tried.push((t.lower() - step).max(0.5 * (m.lower() + t.lower())));
        }
        for step in STEPS_BEYOND.map(|s| s * (1.0 + t.upper().abs())).into_iter().filter(|_| m.upper() > t.upper()) {
            tried.push((t.upper() + step).min(0.5 * (m.upper() + t.upper())));
        }
        let rows: Vec<Vec<f64>> = tried
            .into_iter()
            .map(|v| at.iter().enumerate().map(|(j, x)| if j == axis { v } else { *x }).collect())
            .collect();
        let mut energy = vec![0.0; rows.len()];
        own.energy(&Points::from_rows(&rows), &mut energy);
        energy.iter().any(|e| e.is_finite())
    };
    let reaches = |axis: &usize| {
        let (m, t) = (mine[*axis], theirs[*axis]);
        (m.lower() < t.lower() || m.upper() > t.upper()) && has_mass_beyond(*axis)
    };
    (0..mine.len()).find(reaches).map(|axis| Infinite::Beyond { axis })
}

/// How far beyond an end mass is looked for, relative to the end.
const STEPS_BEYOND: [f64; 3] = [1e-6, 1e-3, 0.3];

/// Two models beside each other, in nats. An infinite divergence has no error: NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// `KL(A || B) = E_A[E_B - E_A] + log Z_B - log Z_A`. It is never negative, but an estimate of it may be.
    pub kl_ab: Estimate,
    /// `KL(B || A) = E_B[E_A - E_B] + log Z_A - log Z_B`.
    pub kl_ba: Estimate,
    /// `KL(A || B) + KL(B || A) = E_A[E_B - E_A] + E_B[E_A - E_B]` (Jeffreys 1946): log Z cancels, and so does its error.
    pub jeffreys: Estimate,
    /// `F_A - F_B = -log Z_A + log Z_B`: negative if A has more states of low energy.
    pub free_energy_difference: Estimate,
    /// `E_A[E_A]`.
    pub mean_energy_a: Estimate,
    /// `E_B[E_B]`.
    pub mean_energy_b: Estimate,
    /// Differential entropy `S_A = E_A[E_A] + log Z_A`.
    pub entropy_a: Estimate,
    /// `S_B = E_B[E_B] + log Z_B`.
    pub entropy_b: Estimate,
    /// `S_A - S_B`.
    pub entropy_difference: Estimate,
}

impl Comparison {
    /// From the means over A (`a.excess` is that of B's energy) and over B, and both log Z. The four are taken as independent.
    pub fn new(a: &Means, log_z_a: &LogZ, b: &Means, log_z_b: &LogZ) -> Self {
        let (za, zb) = (log_z_a.value, log_z_b.value);
        let (da, db) = (log_z_a.std_err, log_z_b.std_err);
        let kl =
            |m: &Means, log_ratio: f64| Estimate::with_errors(m.excess.value + log_ratio, &[m.excess.std_err, da, db]);
        let entropy =
            |m: &Means, z: f64, error: f64| Estimate::with_errors(m.energy.value + z, &[m.energy.std_err, error]);
        let (entropy_a, entropy_b) = (entropy(a, za, da), entropy(b, zb, db));
        Self {
            kl_ab: kl(a, zb - za),
            kl_ba: kl(b, za - zb),
            jeffreys: Estimate::with_errors(a.excess.value + b.excess.value, &[a.excess.std_err, b.excess.std_err]),
            free_energy_difference: Estimate::with_errors(zb - za, &[da, db]),
            mean_energy_a: a.energy,
            mean_energy_b: b.energy,
            entropy_a,
            entropy_b,
            entropy_difference: Estimate::with_errors(
                entropy_a.value - entropy_b.value,
                &[entropy_a.std_err, entropy_b.std_err],
            ),
        }
    }
}
