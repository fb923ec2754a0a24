//! Steps that are too coarse where they are, taken again in smaller ones (Bou-Rabee, Carpenter, Kleppe and Liu 2025, "The
//! within-orbit adaptive leapfrog no-U-turn sampler", with the number of smaller steps as a function of the state).

use std::ops::Range;

use super::branch::{Branch, Front};
use crate::energy::Differentiable;
use crate::kernel::leapfrog::{kick_and_add_kinetic, kick_drift_by};
use crate::kernel::metric::Metric;
use crate::points::Matrix;

/// A step is cut into `2^MAX_HALVINGS` at most.
const MAX_HALVINGS: u32 = 8;

/// Lanes are computed in multiples of this.
const VECTOR: usize = 8;

/// Where a step begins, in every lane.
#[derive(Clone, Copy)]
pub(super) struct State<'a> {
    pub x: &'a Matrix<f64>,
    pub p: &'a Matrix<f64>,
    pub g: &'a Matrix<f64>,
    pub pulled: &'a Matrix<f64>,
}

impl<'a> State<'a> {
    fn of(front: &'a Front) -> Self {
        Self { x: &front.x.real, p: &front.p, g: &front.g, pulled: &front.pulled }
    }

    /// The state before number `leaf` of a half: where the half begins, the first of a pair, or where the front was `left`.
    pub fn before(leaf: u32, near: &'a Front, left: &'a Front, waiting: &'a [Branch]) -> Self {
        match leaf {
            0 => Self::of(near),
            leaf if leaf & 1 == 0 => Self::of(left),
            _ => {
                let Branch { x, first, g, pulled, .. } = &waiting[0];
                Self { x, p: first, g, pulled }
            }
        }
    }
}

/// What does not change during a step.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub metric: &'a Metric,
    /// Step sizes with the sign of the direction.
    pub eps: &'a [f64],
    /// H at the start of the trajectory.
    pub start: &'a [f64],
    /// Largest range of H along a step.
    pub max_change: f64,
}

/// The lanes whose steps are too coarse, and room to take them again.
#[derive(Clone, Debug)]
pub(super) struct Halving {
    /// Lanes without a step that is fine enough yet.
    coarse: Vec<usize>,
    /// Lanes that have found one.
    found: Vec<usize>,
    /// Lanes whose step could not be undone.
    pub one_way: Vec<usize>,
    /// The states that walk, one row for each of the lanes looked at.
    walker: Front,
    eps: Vec<f64>,
    /// H(start) - H where the walkers are, and its ends so far.
    log_w: Vec<f64>,
    low: Vec<f64>,
    high: Vec<f64>,
}

impl Halving {
    pub fn new(n: usize, d: usize) -> Self {
        let n = n.next_multiple_of(VECTOR);
        let room = || Vec::with_capacity(n);
        Self {
            coarse: Vec::with_capacity(n),
            found: Vec::with_capacity(n),
            one_way: Vec::with_capacity(n),
            walker: Front::new(n, d),
            eps: room(),
            log_w: room(),
            low: room(),
            high: room(),
        }
    }

    /// Finds the lanes along whose step the weight has changed by more than `max_change`; whether there are any.
    pub fn select(&mut self, before: &[f64], log_w: &[f64], growing: &[f64], max_change: f64) -> bool {
        self.coarse.clear();
        for i in 0..log_w.len() {
            if growing[i] > 0.0 && !((log_w[i] - before[i]).abs() <= max_change) {
                self.coarse.push(i);
            }
        }
        !self.coarse.is_empty()
    }

    /// Takes the steps of the lanes found, from `from` with weight `before`, to `front` with weight `log_w`. Returns the
    /// gradients computed.
    pub fn run<E: Differentiable + ?Sized>(
        &mut self,
        energy: &E,
        place: Place<'_>,
        from: State<'_>,
        before: &[f64],
        front: &mut Front,
        log_w: &mut [f64],
    ) -> u64 {
        let mut n_evals = 0;
        self.one_way.clear();
        for halvings in 1..=MAX_HALVINGS {
            let mut lanes = std::mem::take(&mut self.coarse);
            n_evals += self.walk(energy, place, from, before, &lanes, 1.0, halvings);
            self.found.clear();
            let mut row = 0;
            lanes.retain(|&lane| {
                let passes = self.passes(row, place.max_change);
                if passes {
                    self.found.push(lane);
                    self.walker.copy_row(row, lane, front);
                    log_w[lane] = self.log_w[row];
                }
                row += 1;
                !passes
            });
            self.coarse = lanes;
            n_evals += self.look_back(energy, place, front, log_w, 0..halvings);
            if self.coarse.is_empty() {
                return n_evals;
            }
        }
        // H jumps here, however small the steps are: the coarse step stands, if it does on the way back. What is not finite ends
        // the trajectory anyway.
        self.found.clear();
        self.found.extend(self.coarse.iter().filter(|lane| log_w[**lane].is_finite()));
        n_evals + self.look_back(energy, place, front, log_w, 1..MAX_HALVINGS + 1)
    }

    /// Whether the lanes that have found their step would find the same one on the way back, that is none with these halvings.
    fn look_back<E: Differentiable + ?Sized>(
        &mut self,
        energy: &E,
        place: Place<'_>,
        front: &Front,
        log_w: &[f64],
        halvings: Range<u32>,
    ) -> u64 {
        let mut n_evals = 0;
        for halvings in halvings {
            if self.found.is_empty() {
                break;
            }
            let mut lanes = std::mem::take(&mut self.found);
            n_evals += self.walk(energy, place, State::of(front), log_w, &lanes, -1.0, halvings);
            let mut row = 0;
            lanes.retain(|&lane| {
                let passes = self.passes(row, place.max_change);
                if passes {
                    self.one_way.push(lane);
                }
                row += 1;
                !passes
            });
            self.found = lanes;
        }
        n_evals
    }

    /// Whether H has stayed within `max_change` along the walk of a row.
    fn passes(&self, row: usize, max_change: f64) -> bool {
        self.high[row] - self.low[row] <= max_change
    }

    /// Walks the step of each of `lanes` in `2^halvings` parts, in its direction or against it, unless H has changed too much
    /// in all of them before. Returns the gradients computed.
    fn walk<E: Differentiable + ?Sized>(
        &mut self,
        energy: &E,
        place: Place<'_>,
        from: State<'_>,
        before: &[f64],
        lanes: &[usize],
        direction: f64,
        halvings: u32,
    ) -> u64 {
        let Place { metric, start, .. } = place;
        let n_parts = 1u32 << halvings;
        let n_rows = lanes.len().next_multiple_of(VECTOR);
        // The first lane fills up the last vector.
        let lane_of = |row: usize| lanes[if row < lanes.len() { row } else { 0 }];
        self.walker.resize(n_rows);
        for (to, from) in [
            (&mut self.walker.x.real, from.x),
            (&mut self.walker.p, from.p),
            (&mut self.walker.g, from.g),
            (&mut self.walker.pulled, from.pulled),
        ] {
            for j in 0..to.n_cols() {
                let (to, from) = (to.col_mut(j), from.col(j));
                for (row, to) in to.iter_mut().enumerate() {
                    *to = from[lane_of(row)];
                }
            }
        }
        for v in [&mut self.eps, &mut self.log_w, &mut self.low, &mut self.high] {
            v.resize(n_rows, 0.0);
        }
        for row in 0..n_rows {
            let lane = lane_of(row);
            self.eps[row] = direction * place.eps[lane] / f64::from(n_parts);
            (self.low[row], self.high[row]) = (before[lane], before[lane]);
        }
        for part in 0..n_parts {
            let Front { x, p, g, pulled, e } = &mut self.walker;
            let force = if metric.is_diagonal() { &*g } else { &*pulled };
            kick_drift_by(0.5, &self.eps, metric, force, p, &mut x.real);
            energy.energy_grad(x, e, g);
            if !metric.is_diagonal() {
                metric.pull(n_rows, g.as_slice(), pulled.as_mut_slice());
            }
            let force = if metric.is_diagonal() { &*g } else { &*pulled };
            self.log_w.copy_from_slice(e);
            kick_and_add_kinetic(0.5, &self.eps, metric, force, p, &mut self.log_w);
            let mut goes_on = false;
            for row in 0..lanes.len() {
                let w = start[lanes[row]] - self.log_w[row];
                self.log_w[row] = w;
                if w.is_finite() {
                    self.low[row] = self.low[row].min(w);
                    self.high[row] = self.high[row].max(w);
                } else {
                    self.high[row] = f64::INFINITY;
                }
                goes_on |= self.high[row] - self.low[row] <= place.max_change;
            }
            if !goes_on {
                return u64::from(part + 1) * lanes.len() as u64;
            }
        }
        u64::from(n_parts) * lanes.len() as u64
    }
}
