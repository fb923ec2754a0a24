//! The search for wells: where descents start, and which of the minima they find matter.

use crate::energy::{Differentiable, constrain};
use crate::minimize::{Basin, Fall, Minima, Minimum, basins_from, minimize_in_rounds, widths};
use crate::points::{Matrix, Points, Support};
use crate::rng::{Purpose, Run, Streams};

/// Descents about the origin.
const N_DESCENTS: usize = 160;

/// Descents about another minimum.
const N_AGAIN: usize = 40;

/// Half-widths of the boxes the descents start in, in turn: wells of unit width a hundred units apart are found.
const WIDTHS: [f64; 5] = [2.0, 6.0, 18.0, 54.0, 162.0];

/// Steps of a descent; what takes longer is no place to start from.
const MAX_STEPS: usize = 300;

/// Rounds in which the boxes are put about minima that the rounds before have found, and minima that get boxes, in all.
const MAX_ROUNDS: u64 = 4;
const MAX_CENTRES: usize = 12;

/// A minimum this close to the origin, and of a width in this range, has been searched about with the origin.
const NEAR: f64 = 18.0;
const UNIT: std::ops::RangeInclusive<f64> = 0.2..=5.0;

/// Coordinates up to which minima are judged by their Hessians, each of which costs a gradient for each of them.
const MAX_HESSIAN_DIM: usize = 64;

/// Wells with less than this share of the probability (by Laplace's approximation) are left to chance: a chain put there
/// could stay for the whole run and would weigh far too much.
const MIN_WEIGHT: f64 = 1e-4;

/// The same in nats above the deepest well, where Laplace's approximation does not exist.
const MAX_DEPTH: f64 = 10.0;

/// A minimum worth starting in.
pub(super) struct Well {
    pub(super) x: Vec<f64>,
    /// How far from it chains may start, by coordinate.
    pub(super) spread: Vec<f64>,
}

/// What descents have found.
#[derive(Default)]
pub(super) struct Found {
    /// The minima worth starting in, deepest first.
    pub(super) wells: Vec<Well>,
    /// A direction along which the energy falls without end.
    pub(super) falls: Option<Vec<f64>>,
}

/// Descends from everywhere.
pub(super) fn find_wells<E: Differentiable + ?Sized>(energy: &E, seed: u64) -> Found {
    match energy.space().reals.len() {
        0 => Found::default(),
        dim if dim <= MAX_HESSIAN_DIM => by_hessians(energy, seed),
        _ => Found { wells: by_widths(energy, seed), falls: None },
    }
}

/// Minima with their Hessians.
fn by_hessians<E: Differentiable + ?Sized>(energy: &E, seed: u64) -> Found {
    let mut boxes = Boxes::new(energy, seed);
    let first = with_places(energy, boxes.about_the_origin());
    let is_isolated = |m: &Minimum| m.at_bound.is_empty() && !m.continuum;
    let more = |minima: &[Minimum]| {
        let centres: Vec<(&[f64], f64)> =
            minima.iter().filter(|m| is_isolated(m)).map(|m| (&m.x[..], m.energy)).collect();
        boxes.about(&centres)
    };
    // The one error there is, nothing to minimise, is excluded by the caller.
    let Ok(Minima { minima, escapes, .. }) = minimize_in_rounds(energy, &first, MAX_STEPS, more) else {
        return Found::default();
    };
    let falls = escapes.into_iter().find(|(e, _)| e.fall == Fall::WithoutEnd).map(|(e, _)| e.towards);
    let matters = |m: &Minimum| match m.weight {
        Some(weight) => weight > MIN_WEIGHT,
        None => m.above_lowest < MAX_DEPTH,
    };
    let well = |m: Minimum| {
        let stiffest = m.curvatures.as_ref().and_then(|c| c.last()).copied().unwrap_or(1.0);
        Well { spread: vec![1.0 / stiffest.max(1.0).sqrt(); m.x.len()], x: m.x }
    };
    Found { wells: minima.into_iter().filter(|m| is_isolated(m) && matters(m)).map(well).collect(), falls }
}

/// Minima without.
fn by_widths<E: Differentiable + ?Sized>(energy: &E, seed: u64) -> Vec<Well> {
    let mut boxes = Boxes::new(energy, seed);
    let mut starts = with_places(energy, boxes.about_the_origin());
    let mut basins = basins_from(energy, &starts, MAX_STEPS);
    loop {
        let centres: Vec<(&[f64], f64)> = basins.iter().map(|b| (&b.x[..], b.energy)).collect();
        let Some(more) = boxes.about(&centres) else { break };
        // The wells found so far start again, and end where they are.
        let known: Vec<&[f64]> = basins.iter().map(|b| &b.x[..]).collect();
        starts = if known.is_empty() { more } else { joined(&Points::from_rows(&known), &more) };
        basins = basins_from(energy, &starts, MAX_STEPS);
    }
    let log_weights: Vec<Option<f64>> = basins.iter().map(Basin::log_weight).collect();
    let top = log_weights.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = log_weights.iter().flatten().map(|w| (w - top).exp()).sum();
    let lowest = basins.first().map_or(0.0, |b| b.energy);
    let matters = |b: &Basin, weight: Option<f64>| match weight {
        Some(w) => (w - top).exp() / total > MIN_WEIGHT,
        None => b.energy - lowest < MAX_DEPTH,
    };
    let kept = basins.into_iter().zip(log_weights).filter(|(b, w)| matters(b, *w));
    kept.map(|(b, _)| Well { spread: b.widths.iter().map(|w| w.unwrap_or(1.0).min(1.0)).collect(), x: b.x }).collect()
}

/// The starts, and the places that the energy names.
fn with_places<E: Differentiable + ?Sized>(energy: &E, starts: Points) -> Points {
    match super::places(energy) {
        Some(places) => joined(&starts, &places),
        None => starts,
    }
}

/// The rows of both.
fn joined(a: &Points, b: &Points) -> Points {
    let at = |i: usize, j: usize| if i < a.n() { a.real.get(i, j) } else { b.real.get(i - a.n(), j) };
    Points::from_real(Matrix::from_fn(a.n() + b.n(), a.dim(), at))
}

/// The boxes that descents start in.
struct Boxes<'a, E: ?Sized> {
    energy: &'a E,
    seed: u64,
    round: u64,
    /// Where boxes have been put.
    centres: Vec<Vec<f64>>,
}

impl<'a, E: Differentiable + ?Sized> Boxes<'a, E> {
    fn new(energy: &'a E, seed: u64) -> Self {
        Self { energy, seed, round: 0, centres: Vec::new() }
    }

    fn supports(&self) -> &'a [Support] {
        &self.energy.space().reals
    }

    /// Starts about the origin.
    fn about_the_origin(&self) -> Points {
        let supports = self.supports();
        let mut rng = Streams::new(self.seed, Run::Probe);
        let u = rng.uniforms(Purpose::Init, N_DESCENTS, supports.len());
        let at = |i: usize, j: usize| constrain(supports[j], WIDTHS[i % WIDTHS.len()] * (2.0 * u.col(j)[i] - 1.0));
        Points::from_real(Matrix::from_fn(N_DESCENTS, supports.len(), at))
    }

    /// Starts about those of the minima (place and energy, deepest first) that no box has been put about, `None` when there
    /// are none or the search has gone on for long enough.
    fn about(&mut self, minima: &[(&[f64], f64)]) -> Option<Points> {
        self.round += 1;
        if self.round > MAX_ROUNDS {
            return None;
        }
        let supports = self.supports();
        let mut new: Vec<(Vec<f64>, Vec<f64>)> = Vec::new();
        for &(x, e) in minima {
            if self.centres.len() == MAX_CENTRES {
                break;
            }
            let units: Vec<f64> = widths(self.energy, x, e).into_iter().map(|w| w.unwrap_or(1.0)).collect();
            let is_near = |j: usize| supports[j] != Support::Real || (x[j].abs() <= NEAR && UNIT.contains(&units[j]));
            let is_known = |c: &Vec<f64>| (0..x.len()).all(|j| (c[j] - x[j]).abs() <= units[j]);
            if (0..x.len()).all(is_near) || self.centres.iter().any(is_known) {
                continue;
            }
            self.centres.push(x.to_vec());
            new.push((x.to_vec(), units));
        }
        if new.is_empty() {
            return None;
        }
        let n = new.len() * N_AGAIN;
        let mut rng = Streams::new(self.seed, Run::Probe);
        // The first step is of the starts about the origin, the second of the chains around the wells.
        rng.seek(1 + self.round);
        let u = rng.uniforms(Purpose::Init, n, supports.len());
        let at = |i: usize, j: usize| {
            let (x, units) = &new[i / N_AGAIN];
            let half = WIDTHS[i % WIDTHS.len()] * if (i / WIDTHS.len()).is_multiple_of(2) { 1.0 } else { units[j] };
            let s = supports[j];
            let to = x[j] + half * (2.0 * u.col(j)[i] - 1.0);
            if to > s.lower() && to < s.upper() { to } else { x[j] }
        };
        Some(Points::from_real(Matrix::from_fn(n, supports.len(), at)))
    }
}
