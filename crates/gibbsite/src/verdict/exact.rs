//! The draws against exact expectations, where quadrature gives them: in one to three dimensions. Chains that all sit in
//! one of two wells agree with each other; only this tells.

use std::sync::atomic::{AtomicU64, Ordering};

use thiserror::Error;

use super::{Evidence, Tail};
use crate::diagnostics::{MIN_DRAWS, summary};
use crate::energy::{Discrete, Energy};
use crate::logz::{LogZError, Options, Quadrature, enumeration, quadrature};
use crate::points::{Points, Space};

/// Relative tolerance of the quadrature: far below any Monte-Carlo error, and cheap.
const TOLERANCE: f64 = 1e-6;

/// Error of the quadrature beyond which it is no judge.
const MAX_ERROR: f64 = 1e-4;

/// Standard errors beyond which a difference is no chance.
pub const MAX_Z: f64 = 5.0;

/// Fewest draws that are compared: error bars of fewer are themselves noise.
const MIN_COMPARED: usize = 100;

/// Evaluations of the energy that the check may cost: about a second.
const MAX_EVALS: u64 = 30_000_000;

/// Why there are no exact expectations.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum NoExact {
    /// Nobody asked for them.
    #[error("not tried")]
    NotTried,
    /// The energy takes too many evaluations.
    #[error("quadrature needs more than {} million evaluations", *.max as f64 / 1e6)]
    TooCostly {
        /// The most that are spent.
        max: u64,
    },
    /// The quadrature is no judge.
    #[error("quadrature converges only to {error:.0e}")]
    Inaccurate {
        /// Its estimated error.
        error: f64,
    },
    /// Labels of too many states.
    #[error("there are {n_states:.1e} states, of which {max:.0} can be gone through")]
    States {
        /// How many.
        n_states: f64,
        /// The most.
        max: f64,
    },
    /// There is no quadrature in so many dimensions.
    #[error("there is no quadrature beyond {max} dimensions")]
    Dimension {
        /// The most dimensions.
        max: usize,
    },
    /// The quadrature fails.
    #[error(transparent)]
    Quadrature(LogZError),
    /// The draws are too few to be compared.
    #[error("fewer than {MIN_COMPARED} draws, or too few a chain for error bars")]
    FewDraws,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The mean of a coordinate.
    Mean(usize),
    /// The mean squared distance of a coordinate from its exact mean.
    Spread(usize),
    /// The mean energy.
    Energy,
}

/// An estimate beside its exact value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gap {
    /// Of what.
    pub moment: Moment,
    /// From the draws.
    pub drawn: f64,
    /// By quadrature.
    pub exact: f64,
    /// The difference in standard errors.
    pub z: f64,
}

impl Gap {
    /// Whether the difference is no chance: beyond [`MAX_Z`].
    pub fn is_real(&self) -> bool {
        self.z.abs() > MAX_Z
    }
}

/// An energy that is undefined once it has been evaluated often enough, so that a quadrature gives up. Whether it does
/// depends on the number of evaluations alone, not on the order of threads.
struct Budgeted<'a, E: ?Sized> {
    inner: &'a E,
    max: u64,
    n_evals: AtomicU64,
}

impl<E: Energy + ?Sized> Energy for Budgeted<'_, E> {
    fn space(&self) -> &Space {
        self.inner.space()
    }

    fn energy(&self, x: &Points, out: &mut [f64]) {
        let n = out.len() as u64;
        if self.n_evals.fetch_add(n, Ordering::Relaxed) + n > self.max {
            return out.fill(f64::NAN);
        }
        self.inner.energy(x, out);
    }
}

/// The exact density of the energy.
pub(super) fn integrate<E: Energy + ?Sized>(energy: &E) -> Result<Quadrature, NoExact> {
    integrate_within(energy, MAX_EVALS)
}

/// [`integrate`] with at most `max` evaluations.
pub(super) fn integrate_within<E: Energy + ?Sized>(energy: &E, max: u64) -> Result<Quadrature, NoExact> {
    let energy = Budgeted { inner: energy, max, n_evals: AtomicU64::new(0) };
    let result = quadrature(&energy, &Options { tol: Some(TOLERANCE) });
    if energy.n_evals.into_inner() > max {
        return Err(NoExact::TooCostly { max });
    }
    match result {
        Ok(q) if q.error <= MAX_ERROR => Ok(q),
        Ok(q) => Err(NoExact::Inaccurate { error: q.error }),
        Err(LogZError::Dimension { max, .. }) => Err(NoExact::Dimension { max }),
        Err(e) => Err(NoExact::Quadrature(e)),
    }
}

/// Probability of the outermost nodes that may not carry a moment, and the share of the moment they may have.
const TAIL: (f64, f64) = (1e-8, 0.01);

/// The least Pareto shape of coordinate `j`, where a moment does not converge: 1 for the mean, 1/2 for the variance.
///
/// With shape k the part of the n-th moment that lies beyond probability p is p^(1 - n k), or all of it where it diverges.
pub(super) fn least_shape(q: &Quadrature, j: usize) -> Option<f64> {
    let x = q.points.real.col(j);
    let mut order: Vec<usize> = (0..q.n()).filter(|i| q.w[*i] > 0.0).collect();
    order.sort_unstable_by(|a, b| x[*b].abs().total_cmp(&x[*a].abs()));
    let share = |power: i32| {
        let (mut mass, mut outer, mut all) = (0.0, 0.0, 0.0);
        for &i in &order {
            mass += q.w[i];
            let part = q.w[i] * x[i].abs().powi(power);
            outer += if mass < TAIL.0 { part } else { 0.0 };
            all += part;
        }
        outer / all
    };
    if share(1) > TAIL.1 { Some(1.0) } else { (share(2) > TAIL.1).then_some(0.5) }
}

/// Mean and spread of every coordinate, and the mean energy, against the quadrature; those whose tails are too heavy for an
/// error bar are left out.
pub(super) fn compare(q: &Quadrature, evidence: &Evidence<'_>, tails: &[Tail]) -> Result<Vec<Gap>, NoExact> {
    let (draws, bias) = (evidence.draws, evidence.bias);
    if evidence.n() < MIN_COMPARED || draws.n_draws() < MIN_DRAWS {
        return Err(NoExact::FewDraws);
    }
    let mut gaps = Vec::new();
    let mut compare = |moment: Moment, chains: &[Vec<f64>], at_nodes: &[f64], bias: f64| {
        let exact = q.expect(at_nodes);
        gaps.extend(gap(moment, chains, exact, q.expect_error(at_nodes) + TOLERANCE * exact.abs(), bias));
    };
    for j in 0..draws.dim() {
        let chains = draws.coordinate(j);
        let bias = bias.map(|b| b.coordinates[j]);
        let mean = q.expect(q.points.real.col(j));
        if tails[j].has_variance() {
            compare(Moment::Mean(j), &chains, q.points.real.col(j), bias.map_or(0.0, |b| b.mean_difference));
        }
        if tails[j].has_fourth_moment() {
            let squares: Vec<Vec<f64>> =
                chains.iter().map(|c| c.iter().map(|x| (x - mean).powi(2)).collect()).collect();
            let values: Vec<f64> = q.points.real.col(j).iter().map(|x| (x - mean).powi(2)).collect();
            let bias = bias.map_or(0.0, |b| b.sd.powi(2) * (b.sd_ratio.powi(2) - 1.0));
            compare(Moment::Spread(j), &squares, &values, bias);
        }
    }
    compare(Moment::Energy, &draws.energy_chains(), &q.energy, bias.map_or(0.0, |b| b.energy));
    Ok(gaps)
}

/// The mean of the draws beside the exact one, unless the draws tell no error. The error is that of the draws, of the sampler where
/// it is biased, and of what is exact.
fn gap(moment: Moment, chains: &[Vec<f64>], exact: f64, error: f64, bias: f64) -> Option<Gap> {
    let s = summary(chains);
    // Draws that never change have no error of their own.
    let frozen = s.sd == 0.0 && (s.mean - exact).abs() > error;
    let total = s.mcse_mean.hypot(bias).hypot(error);
    let z = if frozen { (s.mean - exact).signum() * f64::INFINITY } else { (s.mean - exact) / total };
    (!z.is_nan()).then_some(Gap { moment, drawn: s.mean, exact, z })
}

/// States that are gone through for a comparison: about a second.
const MAX_STATES: f64 = (1u64 << 20) as f64;

/// The mean of every label and of the energy against sums over all states.
pub(super) fn compare_labels<E: Discrete + ?Sized>(energy: &E, evidence: &Evidence<'_>) -> Result<Vec<Gap>, NoExact> {
    let (draws, n_states) = (evidence.draws, enumeration::n_states(energy));
    if !(n_states <= MAX_STATES) {
        return Err(NoExact::States { n_states, max: MAX_STATES });
    }
    if evidence.n() < MIN_COMPARED || draws.n_draws() < MIN_DRAWS {
        return Err(NoExact::FewDraws);
    }
    let exact = enumeration::enumerate(energy).map_err(NoExact::Quadrature)?;
    let labels = &energy.space().labels;
    let means = exact.mean(labels);
    let n = evidence.n() as f64;
    let of_label = |(j, mean): (usize, &f64)| {
        // A value so rare that it is not to be seen among so many draws is not missed.
        let width = labels[j].as_slice().iter().map(|v| (v - mean).abs()).fold(0.0, f64::max);
        gap(Moment::Mean(j), &draws.coordinate(j), *mean, 10.0 * width / n, 0.0)
    };
    let energies = gap(Moment::Energy, &draws.energy_chains(), exact.energy, TOLERANCE * exact.energy.abs(), 0.0);
    Ok(means.iter().enumerate().filter_map(of_label).chain(energies).collect())
}
