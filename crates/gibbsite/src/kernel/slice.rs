//! Slice sampling, coordinate by coordinate (Neal 2003): no gradient, no rejection, and a width that may be far off.

use super::metropolis::{Chains, scale_of};
use super::{ChainState, Info, Kernel, Metric, Tunable};
use crate::energy::Energy;
use crate::math;
use crate::points::{Matrix, Points};
use crate::rng::{Purpose, Streams};

/// Points tried in one slice. Each one outside of it shortens the interval, whose logarithm falls by 0.3 to 1 on average: what
/// is left after 400 is far narrower than the spacing of floating-point numbers. A chain that is not done then stays, and is
/// counted in [`Info::n_truncated`].
const MAX_SHRINKS: u32 = 400;

/// Uniforms of one coordinate of one chain: level, place and split of the interval, and the points tried.
const N_UNIFORMS: u32 = 3 + MAX_SHRINKS;

/// Slice sampling: of each coordinate in turn, a uniform draw from the slice `{x_j : E(x) <= E(x_now) - log u}`.
///
/// An interval of width `w_j = step_size s_j` is placed at random around the coordinate, stepped out by `w_j` while its ends
/// lie in the slice, and shrunk towards the coordinate at each point tried outside of the slice (Neal 2003, "Slice sampling",
/// figures 3 and 5). The interval is at most `max_width` widths long; the limit is split at random between both sides, which
/// keeps it exact. The slice is that of `exp(-E)`, so no normalisation matters, and a poor width costs evaluations, not truth.
///
/// A transition moves every coordinate. [`Info::n_evals`] counts evaluations of the energy at one point. Points of energy
/// `+inf` lie outside of every slice; so do points of energy NaN or `-inf`, which are counted as diverged.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// Width of the first interval, in units of the scales. Three standard deviations cost about 5 evaluations a coordinate on
    /// a normal one, the fewest within a tenth.
    pub step_size: f64,
    /// Greatest length of an interval, in widths; at least 1 (0 counts as 1).
    pub max_width: u32,
    /// The scales `s_j`; directions beside the coordinates are not used.
    pub metric: Metric,
}

impl Slice {
    /// Intervals of width `step_size`, at most 64 widths long.
    pub fn new(step_size: f64) -> Self {
        Self { step_size, max_width: 64, metric: Metric::default() }
    }
}

impl Tunable for Slice {
    fn step_size(&self) -> f64 {
        self.step_size
    }

    fn set_step_size(&mut self, step_size: f64) {
        self.step_size = step_size;
    }

    /// None: nothing is rejected; warm-up sets the scales alone.
    fn target_accept(&self) -> Option<f64> {
        None
    }

    fn rejects(&self) -> bool {
        true
    }

    fn metric(&self) -> Option<&Metric> {
        Some(&self.metric)
    }

    fn set_metric(&mut self, metric: &Metric) {
        self.metric.clone_from(metric);
    }
}

/// A block of chains and the slices they are in.
#[derive(Clone, Debug)]
pub struct Slices {
    chains: Chains,
    /// Energies up to this lie in the slice.
    level: Vec<f64>,
    left: Vec<f64>,
    right: Vec<f64>,
    /// Steps that the end that is stepped out may still take, and those set aside for the other.
    steps_left: Vec<f64>,
    steps_right: Vec<f64>,
    /// All chains, and those that are still at it.
    all: Vec<u32>,
    active: Vec<u32>,
    /// Uniforms, or the coordinates to try, of the active chains.
    tried: Vec<f64>,
    /// The active chains with these coordinates, and their energies.
    at: Points,
    energy_at: Vec<f64>,
    n_evals: u64,
}

impl ChainState for Slices {
    fn x(&self) -> &Points {
        &self.chains.x
    }

    fn x_mut(&mut self) -> &mut Points {
        &mut self.chains.x
    }

    fn energy(&self) -> &[f64] {
        &self.chains.energy
    }

    fn diverged(&self, i: usize) -> bool {
        self.chains.diverged(i)
    }
}

impl<E: Energy + ?Sized> Kernel<E> for Slice {
    type State = Slices;

    fn init(&self, energy: &E, x: Points) -> Slices {
        let n = x.n();
        let mut state = Slices {
            level: vec![0.0; n],
            left: vec![0.0; n],
            right: vec![0.0; n],
            steps_left: vec![0.0; n],
            steps_right: vec![0.0; n],
            all: (0..n as u32).collect(),
            active: Vec::with_capacity(n),
            tried: vec![0.0; n],
            at: x.clone(),
            energy_at: vec![0.0; n],
            n_evals: 0,
            chains: Chains::new(x, 0, 0),
        };
        self.refresh(energy, &mut state);
        state
    }

    fn step(&self, energy: &E, state: &mut Slices, rng: &mut Streams) -> Info {
        state.chains.check_fresh(energy.version());
        let (n, d) = (state.chains.x.n(), state.chains.x.dim());
        state.chains.accepted.fill(1.0);
        state.n_evals = 0;
        let mut n_truncated = 0;
        for j in 0..d {
            let width = self.step_size * scale_of(self.metric.scale(), j);
            let first = j as u32 * N_UNIFORMS;
            state.place(j, width, self.max_width.max(1), first, rng);
            state.step_out(energy, j, -width);
            std::mem::swap(&mut state.left, &mut state.right);
            std::mem::swap(&mut state.steps_left, &mut state.steps_right);
            state.step_out(energy, j, width);
            std::mem::swap(&mut state.left, &mut state.right);
            n_truncated += state.shrink(energy, j, first + 3, rng);
        }
        let n_diverged = state.chains.accepted.iter().filter(|a| **a < 0.0).count() as u64;
        Info { n: n as u64, sum_accept: (n as f64).into(), n_diverged, n_evals: state.n_evals, n_truncated }
    }

    fn refresh(&self, energy: &E, state: &mut Slices) {
        energy.energy(&state.chains.x, &mut state.chains.energy);
        state.chains.mark_fresh(energy.version());
    }
}

impl Slices {
    /// Draws the levels, places the intervals, and splits the limit on their length.
    fn place(&mut self, j: usize, width: f64, max_width: u32, first: u32, rng: &Streams) {
        rng.uniforms_of(Purpose::Proposal, first, &self.all, &mut self.tried);
        for ((level, e), u) in self.level.iter_mut().zip(&self.chains.energy).zip(&self.tried) {
            *level = e - math::ln(*u);
        }
        rng.uniforms_of(Purpose::Proposal, first + 1, &self.all, &mut self.tried);
        for (i, x) in self.chains.x.real.col(j).iter().enumerate() {
            self.left[i] = x - width * self.tried[i];
            self.right[i] = self.left[i] + width;
        }
        rng.uniforms_of(Purpose::Proposal, first + 2, &self.all, &mut self.tried);
        for (i, u) in self.tried.iter().enumerate() {
            self.steps_left[i] = (f64::from(max_width) * u).floor();
            self.steps_right[i] = f64::from(max_width - 1) - self.steps_left[i];
        }
    }

    /// Moves the ends in `left` by `step` while they lie in the slice and have steps left.
    fn step_out<E: Energy + ?Sized>(&mut self, energy: &E, j: usize, step: f64) {
        self.active.clear();
        let may_step = |i: &u32| self.steps_left[*i as usize] > 0.0;
        self.active.extend(self.all.iter().copied().filter(may_step));
        while !self.active.is_empty() {
            for (tried, i) in self.tried.iter_mut().zip(&self.active) {
                *tried = self.left[*i as usize];
            }
            self.evaluate(energy, j);
            let mut n_active = 0;
            for k in 0..self.active.len() {
                let i = self.active[k] as usize;
                if is_inside(self.energy_at[k], self.level[i]) {
                    self.left[i] += step;
                    self.steps_left[i] -= 1.0;
                    if self.steps_left[i] > 0.0 {
                        self.active[n_active] = i as u32;
                        n_active += 1;
                    }
                }
            }
            self.active.truncate(n_active);
        }
    }

    /// Tries points of the interval until one lies in the slice, and moves there; returns how many chains found none.
    fn shrink<E: Energy + ?Sized>(&mut self, energy: &E, j: usize, first: u32, rng: &Streams) -> u64 {
        self.active.clear();
        self.active.extend_from_slice(&self.all);
        for attempt in 0..MAX_SHRINKS {
            if self.active.is_empty() {
                return 0;
            }
            let n = self.active.len();
            rng.uniforms_of(Purpose::Proposal, first + attempt, &self.active, &mut self.tried[..n]);
            for (tried, i) in self.tried.iter_mut().zip(&self.active) {
                let (left, right) = (self.left[*i as usize], self.right[*i as usize]);
                *tried = tried.mul_add(right - left, left);
            }
            self.evaluate(energy, j);
            let mut n_active = 0;
            for k in 0..n {
                let (i, tried) = (self.active[k] as usize, self.tried[k]);
                let x = &mut self.chains.x.real.col_mut(j)[i];
                if is_inside(self.energy_at[k], self.level[i]) {
                    *x = tried;
                    self.chains.energy[i] = self.energy_at[k];
                    continue;
                }
                let end = if tried < *x { &mut self.left[i] } else { &mut self.right[i] };
                *end = tried;
                self.active[n_active] = i as u32;
                n_active += 1;
            }
            self.active.truncate(n_active);
        }
        self.active.len() as u64
    }

    /// Energies of the active chains with coordinate `j` from `tried`; marks the chains where they are NaN or `-inf`.
    fn evaluate<E: Energy + ?Sized>(&mut self, energy: &E, j: usize) {
        let n = self.active.len();
        gather(&self.active, &self.chains.x.label, &mut self.at.label);
        gather(&self.active, &self.chains.x.real, &mut self.at.real);
        self.at.real.col_mut(j).copy_from_slice(&self.tried[..n]);
        energy.energy(&self.at, &mut self.energy_at[..n]);
        self.n_evals += n as u64;
        for (e, i) in self.energy_at.iter().zip(&self.active) {
            if e.is_nan() || *e == f64::NEG_INFINITY {
                self.chains.accepted[*i as usize] = -1.0;
            }
        }
    }
}

/// Whether a point of energy `e` lies in the slice up to `level`; NaN and `-inf` do not.
fn is_inside(e: f64, level: f64) -> bool {
    e <= level && e > f64::NEG_INFINITY
}

/// `to`, of as many columns as `from`, becomes the rows `rows` of it.
fn gather<T: Copy + Default>(rows: &[u32], from: &Matrix<T>, to: &mut Matrix<T>) {
    to.resize_rows(rows.len());
    for j in 0..from.n_cols() {
        let (from, to) = (from.col(j), to.col_mut(j));
        if rows.len() == from.len() {
            to.copy_from_slice(from);
            continue;
        }
        for (to, i) in to.iter_mut().zip(rows) {
            *to = from[*i as usize];
        }
    }
}
