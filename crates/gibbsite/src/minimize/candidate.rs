//! Minima as they are collected: which ends are one, which form a continuum, and what each weighs.

use std::f64::consts::{LN_2, PI};

use super::Minimum;
use super::hessian::Hessian;
use super::problem::{At, Problem};
use crate::energy::Differentiable;

/// How the energy rises around a minimum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Quadratically in every free coordinate.
    Regular,
    /// In some direction more slowly than quadratically, or not at all.
    Degenerate,
    /// In some direction faster, like |x|.
    Kink,
}

/// A minimum with what the comparisons need.
#[derive(Clone)]
pub(super) struct Candidate {
    pub(super) x: Vec<f64>,
    pub(super) energy: f64,
    hessian: Option<Hessian>,
    at_bound: Vec<usize>,
    shape: Shape,
    /// The energy does not rise in some direction.
    is_level: bool,
    /// Stands for many minima of one energy.
    continuum: bool,
    log_weight: Option<f64>,
    n_found: usize,
}

impl Candidate {
    /// A minimum that has a Hessian; `is_level` where the energy does not rise in some direction.
    pub(super) fn smooth<E: Differentiable + ?Sized>(
        problem: &Problem<'_, E>,
        at: At,
        hessian: Hessian,
        shape: Shape,
        is_level: bool,
    ) -> Self {
        let at_bound: Vec<usize> = (0..at.x.len()).filter(|&j| at.held[j]).collect();
        let gaussian = 0.5 * ((at.x.len() - at_bound.len()) as f64 * (2.0 * PI).ln() - hessian.log_det());
        // A held coordinate contributes the integral of exp(-|slope| t), a free one on the bound half a Gaussian.
        let slopes: f64 = at_bound.iter().map(|&j| at.g[j].abs().ln()).sum();
        let halves = at.free().iter().filter(|&&j| problem.is_on_wall(j, at.x[j])).count() as f64;
        let log_weight = Some(-at.e + gaussian - slopes - halves * LN_2);
        Self {
            log_weight: log_weight.filter(|w| w.is_finite() && shape == Shape::Regular),
            x: at.x,
            energy: at.e,
            hessian: Some(hessian),
            at_bound,
            shape,
            is_level,
            continuum: false,
            n_found: 1,
        }
    }

    /// A minimum that has none.
    pub(super) fn kink<E: Differentiable + ?Sized>(
        problem: &Problem<'_, E>,
        x: Vec<f64>,
        energy: f64,
        is_level: bool,
    ) -> Self {
        let at_bound = (0..x.len()).filter(|&j| problem.is_on_wall(j, x[j])).collect();
        let (shape, hessian, log_weight) = (Shape::Kink, None, None);
        Self { x, energy, hessian, at_bound, shape, is_level, continuum: false, log_weight, n_found: 1 }
    }

    /// Whether a single start found it.
    pub(super) fn is_rare(&self) -> bool {
        self.n_found == 1 && !self.continuum && !self.is_level
    }

    /// Whether minima like this one can form a continuum.
    fn may_be_continuum(&self) -> bool {
        self.is_level || self.shape == Shape::Degenerate
    }

    fn same_energy(&self, other: &Self, unit: f64) -> bool {
        (self.energy - other.energy).abs() <= 1e-6 * unit + 1e-10 * self.energy.abs()
    }

    /// Whether two ends are one: the energy between them by the curvature, `(x - y)' H (x - y)`, is below 1e-6 `unit`;
    /// where there is no curvature to go by, the energy half-way is no higher than at the ends.
    fn is_same<E: Differentiable + ?Sized>(&self, other: &Self, problem: &mut Problem<'_, E>, unit: f64) -> bool {
        let held_alike = self.at_bound == other.at_bound && self.at_bound.iter().all(|&j| self.x[j] == other.x[j]);
        if !held_alike || !self.same_energy(other, unit) {
            return false;
        }
        match (&self.hessian, self.shape, other.shape) {
            (Some(hessian), Shape::Regular, Shape::Regular) => {
                let difference: Vec<f64> = self.x.iter().zip(&other.x).map(|(a, b)| a - b).collect();
                hessian.quadratic_form(&difference).abs() < 1e-6 * unit
            }
            _ => {
                let middle: Vec<f64> = self.x.iter().zip(&other.x).map(|(a, b)| 0.5 * (a + b)).collect();
                problem.value(&middle) <= self.energy.max(other.energy) + 1e-9 * unit
            }
        }
    }
}

/// More than this many level minima of one energy are taken for a continuum.
const MAX_ISOLATED: usize = 8;

/// Adds an end to the minima found so far. `unit` is the scale of the energy, at most 1.
pub(super) fn add<E: Differentiable + ?Sized>(
    minima: &mut Vec<Candidate>,
    new: Candidate,
    problem: &mut Problem<'_, E>,
    unit: f64,
) {
    let is_level = new.may_be_continuum();
    let joins =
        |old: &Candidate| is_level && old.continuum && old.at_bound == new.at_bound && old.same_energy(&new, unit);
    if let Some(old) = minima.iter_mut().find(|old| joins(old) || old.is_same(&new, problem, unit)) {
        old.n_found += 1;
        return;
    }
    let alike = |m: &Candidate| m.may_be_continuum() && m.at_bound == new.at_bound && m.same_energy(&new, unit);
    if is_level && minima.iter().filter(|m| alike(m)).count() >= MAX_ISOLATED {
        let n_found: usize = minima.iter().filter(|m| alike(m)).map(|m| m.n_found).sum();
        minima.retain(|m| !alike(m));
        minima.push(Candidate { continuum: true, n_found: n_found + 1, ..new });
    } else {
        minima.push(new);
    }
}

/// The minima by energy, with depths and weights.
pub(super) fn report(mut minima: Vec<Candidate>) -> Vec<Minimum> {
    minima.sort_by(|a, b| {
        a.energy.total_cmp(&b.energy).then_with(|| a.x.partial_cmp(&b.x).unwrap_or(std::cmp::Ordering::Equal))
    });
    let lowest = minima.first().map_or(0.0, |m| m.energy);
    let largest = minima.iter().filter_map(|m| m.log_weight).fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = minima.iter().filter_map(|m| m.log_weight).map(|w| (w - largest).exp()).sum();
    minima
        .into_iter()
        .map(|m| Minimum {
            above_lowest: m.energy - lowest,
            weight: m.log_weight.map(|w| (w - largest).exp() / total),
            log_weight: m.log_weight,
            x: m.x,
            energy: m.energy,
            curvatures: m.hessian.map(|h| h.eigenvalues()),
            at_bound: m.at_bound,
            degenerate: m.shape == Shape::Degenerate || m.is_level,
            continuum: m.continuum || m.is_level,
            kink: m.shape == Shape::Kink,
            n_found: m.n_found,
        })
        .collect()
}
