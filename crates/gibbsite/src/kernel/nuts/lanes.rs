//! The lanes in which trajectories grow: who is in which lane, the state at the growing end, the subtrees so far.

use super::branch::{Branch, Leaf, Tree, keep};
use crate::kernel::hmc::{add_kinetic, widen};
use crate::kernel::metric::Metric;
use crate::kernel::metropolis::{exp_to_one, on_grid};
use crate::points::{Matrix, Points};
use crate::rng::{Numbers, Purpose, Streams};
use crate::simd::simd_fn;

/// How the trajectory of a lane stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It grows.
    Growing,
    /// It has turned.
    Turned,
    /// Its last half met a divergence.
    Diverged,
    /// The lane only fills up a vector.
    Empty,
}

/// Doubles of a vector: lanes are kept to multiples of it.
const VECTOR: usize = 8;

/// Moving a lane together costs about as much as this many leapfrog steps of it.
const COMPACTION_COST: usize = 4;

/// The state at the growing end of each trajectory.
#[derive(Clone, Debug)]
pub(super) struct Front {
    pub x: Points,
    pub p: Matrix<f64>,
    pub g: Matrix<f64>,
    /// `A'g`, kept where A is not diagonal, so that it is computed once for two half-kicks.
    pub pulled: Matrix<f64>,
    pub e: Vec<f64>,
}

impl Front {
    /// What kicks the momenta: see [`kick_by`](crate::kernel::leapfrog::kick_by).
    pub fn pull(&mut self, metric: &Metric) {
        if !metric.is_diagonal() {
            metric.pull(self.g.n_rows(), self.g.as_slice(), self.pulled.as_mut_slice());
        }
    }
}

/// Trajectories of a block of chains, one per lane.
#[derive(Clone, Debug)]
pub(super) struct Lanes {
    /// The chain of each lane.
    chain: Vec<u32>,
    fate: Vec<Fate>,
    /// 1 where the lane grows, else 0.
    growing: Vec<f64>,
    pub n_growing: usize,
    /// Step size with the sign of the direction.
    pub eps: Vec<f64>,
    /// 1 forwards, -1 backwards in time.
    direction: Vec<f64>,
    pub front: Front,
    /// H at the start.
    start: Vec<f64>,
    /// H(start) - H at the front.
    log_w: Vec<f64>,
    sum_accept: Vec<f64>,
    n_steps: Vec<f64>,
    u: Vec<f64>,
    turned: Vec<f64>,
    tree: Tree,
    /// Subtree of `2^k` states that waits for its neighbour, for each k.
    waiting: Vec<Branch>,
    /// The newest subtree.
    newest: Branch,
    kept: Vec<usize>,
}

/// What becomes of a trajectory: for the chain, its fate, where in the tree its choice is, and its counts.
pub(super) struct Finished<'a> {
    pub chain: usize,
    pub fate: Fate,
    pub tree: &'a Tree,
    pub lane: usize,
    /// Mean acceptance probability over the trajectory, on the grid that makes sums exact.
    pub accept_prob: f64,
    pub n_steps: u64,
}

/// Lanes for `n` chains: whole vectors, unless that would leave most of one empty.
fn n_lanes(n: usize) -> usize {
    if n % VECTOR > 2 { n.next_multiple_of(VECTOR) } else { n }
}

impl Lanes {
    pub fn new(n: usize, d: usize) -> Self {
        let n = n_lanes(n);
        let matrix = || Matrix::new(n, d);
        let front = Front { x: Points::zeros(n, d), p: matrix(), g: matrix(), pulled: matrix(), e: vec![0.0; n] };
        let zeros = || vec![0.0; n];
        Self {
            chain: vec![0; n],
            fate: vec![Fate::Empty; n],
            growing: zeros(),
            n_growing: 0,
            eps: zeros(),
            direction: zeros(),
            front,
            start: zeros(),
            log_w: zeros(),
            sum_accept: zeros(),
            n_steps: zeros(),
            u: zeros(),
            turned: zeros(),
            tree: Tree::new(n, d),
            waiting: Vec::new(),
            newest: Branch::new(n, d),
            kept: Vec::with_capacity(n),
        }
    }

    fn resize(&mut self, n: usize) {
        self.front.x.real.resize_rows(n);
        self.front.x.label.resize_rows(n);
        let Front { p, g, pulled, .. } = &mut self.front;
        [p, g, pulled].into_iter().for_each(|m| m.resize_rows(n));
        for v in [
            &mut self.growing,
            &mut self.eps,
            &mut self.direction,
            &mut self.front.e,
            &mut self.start,
            &mut self.log_w,
            &mut self.sum_accept,
            &mut self.n_steps,
            &mut self.u,
            &mut self.turned,
        ] {
            v.resize(n, 0.0);
        }
        self.chain.resize(n, 0);
        self.fate.resize(n, Fate::Empty);
        self.tree.resize(n);
        self.newest.resize(n);
        self.waiting.iter_mut().for_each(|b| b.resize(n));
    }

    /// Every chain in its lane, with the momenta `p`: trajectories of one state. Writes H to `hamiltonian`.
    pub fn begin(
        &mut self,
        metric: &Metric,
        x: &Matrix<f64>,
        e: &[f64],
        g: &Matrix<f64>,
        p: Numbers<'_, f32>,
        hamiltonian: &mut [f64],
    ) {
        let n = x.n_rows();
        let lanes = n_lanes(n);
        self.resize(lanes);
        for i in 0..lanes {
            let empty = i >= n;
            self.chain[i] = if empty { 0 } else { i as u32 };
            self.fate[i] = if empty { Fate::Empty } else { Fate::Growing };
            self.growing[i] = if empty { 0.0 } else { 1.0 };
        }
        self.n_growing = n;
        let tree = &mut self.tree;
        let copy = |from: &[f64], to: &mut [f64]| {
            to[..n].copy_from_slice(from);
            to[n..].fill(from[0]);
        };
        for j in 0..x.n_cols() {
            copy(x.col(j), tree.x.col_mut(j));
            copy(g.col(j), tree.g.col_mut(j));
        }
        copy(e, &mut tree.e);
        let front = &mut self.front;
        front.p.resize_rows(n);
        widen(p, &mut front.p);
        for j in 0..x.n_cols() {
            copy(front.p.col(j), tree.rho.col_mut(j));
        }
        front.p.resize_rows(lanes);
        front.x.real.as_mut_slice().copy_from_slice(tree.x.as_slice());
        front.p.as_mut_slice().copy_from_slice(tree.rho.as_slice());
        front.g.as_mut_slice().copy_from_slice(tree.g.as_slice());
        front.pull(metric);
        let force = if metric.is_diagonal() { &front.g } else { &front.pulled };
        for (to, from) in tree.other.iter_mut().zip([&tree.x, &tree.rho, force]) {
            to.as_mut_slice().copy_from_slice(from.as_slice());
        }
        self.direction.fill(1.0);
        self.start.copy_from_slice(&tree.e);
        add_kinetic(&tree.rho, &mut self.start);
        hamiltonian.copy_from_slice(&self.start[..n]);
        tree.log_w.fill(0.0);
        self.sum_accept.fill(0.0);
        self.n_steps.fill(0.0);
    }

    /// Chooses a direction for every lane and puts the front to that end.
    pub fn turn_to(&mut self, metric: &Metric, step_size: f64, depth: u32, rng: &Streams) {
        rng.uniforms_of(Purpose::Choice, depth, &self.chain, &mut self.u);
        // What `u` holds then: 1 where the direction changes.
        for (u, (direction, eps)) in self.u.iter_mut().zip(self.direction.iter_mut().zip(&mut self.eps)) {
            let new = if *u < 0.5 { 1.0 } else { -1.0 };
            *u = if new == *direction { 0.0 } else { 1.0 };
            *direction = new;
            *eps = new * step_size;
        }
        let Front { x, p, g, pulled, .. } = &mut self.front;
        // Both ends of a single state are that state.
        if depth > 0 {
            let force = if metric.is_diagonal() { g } else { pulled };
            self.tree.swap_ends(&self.u, [&mut x.real, p, force]);
        }
        self.tree.near.as_mut_slice().copy_from_slice(p.as_slice());
    }

    /// Weighs the state at the front: `log_w = H(start) - H`; below `floor` or not finite it is a divergence.
    pub fn weigh(&mut self, floor: f64) {
        self.log_w.copy_from_slice(&self.front.e);
        add_kinetic(&self.front.p, &mut self.log_w);
        let n_bad = weigh(&self.start, &self.growing, floor, &mut self.log_w, &mut self.sum_accept, &mut self.n_steps);
        if n_bad > 0 {
            for i in 0..self.log_w.len() {
                if !is_sane(self.log_w[i], floor) {
                    self.stop(i, Fate::Diverged);
                }
            }
        }
    }

    fn stop(&mut self, lane: usize, fate: Fate) {
        if self.fate[lane] == Fate::Growing {
            self.fate[lane] = fate;
            self.growing[lane] = 0.0;
            self.n_growing -= 1;
        }
    }

    fn stop_where_turned(&mut self) {
        for i in 0..self.turned.len() {
            if self.turned[i] > 0.0 {
                self.stop(i, Fate::Turned);
            }
        }
    }

    /// Adds the state at the front, number `leaf` of its half, and joins the subtrees that it completes. `whole` says that it
    /// completes the half, which is then the newest subtree.
    pub fn add_leaf(&mut self, leaf: u32, whole: bool, n_choices: &mut u32, rng: &Streams) {
        let front = &self.front;
        let state = Leaf { x: &front.x.real, p: &front.p, g: &front.g, e: &front.e, log_w: &self.log_w };
        if leaf & 1 == 0 {
            self.newest.set(state, whole);
            if !whole {
                self.wait(0);
            }
            return;
        }
        std::mem::swap(&mut self.newest, &mut self.waiting[0]);
        rng.uniforms_of(Purpose::Accept, next(n_choices), &self.chain, &mut self.u);
        self.newest.add_leaf(state, &self.u, &mut self.turned);
        self.stop_where_turned();
        let mut level = 1;
        while leaf >> level & 1 == 1 {
            // The earlier part takes in the later one.
            std::mem::swap(&mut self.newest, &mut self.waiting[level]);
            rng.uniforms_of(Purpose::Accept, next(n_choices), &self.chain, &mut self.u);
            self.newest.merge(&mut self.waiting[level], &self.u, &mut self.turned);
            self.stop_where_turned();
            level += 1;
        }
        if !whole {
            self.wait(level);
        }
    }

    /// The newest subtree, of `2^level` states, waits for its neighbour.
    fn wait(&mut self, level: usize) {
        while self.waiting.len() <= level {
            self.waiting.push(self.newest.clone());
        }
        std::mem::swap(&mut self.newest, &mut self.waiting[level]);
    }

    /// The newest subtree is the whole new half: joins it to the tree.
    pub fn join_half(&mut self, n_choices: &mut u32, rng: &Streams) {
        rng.uniforms_of(Purpose::Accept, next(n_choices), &self.chain, &mut self.u);
        self.tree.join(&self.newest, &self.growing, &self.u, &mut self.turned);
        self.stop_where_turned();
    }

    /// Moves the growing lanes together where that saves more than it costs, given the states that are yet to come and
    /// those of this half that are there; hands out the finished ones.
    pub fn compact(&mut self, n_left: u32, n_there: u32, finished: &mut impl FnMut(Finished<'_>)) {
        let lanes = self.chain.len();
        let target = n_lanes(self.n_growing);
        if self.n_growing == 0 || (lanes - target) * (n_left as usize) <= COMPACTION_COST * target {
            return;
        }
        // Lanes that have finished fill up the last vector.
        let mut n_fill = target - self.n_growing;
        self.kept.clear();
        for i in 0..lanes {
            if self.fate[i] == Fate::Growing {
                self.kept.push(i);
                continue;
            }
            self.hand_out(i, finished);
            self.fate[i] = Fate::Empty;
            if n_fill > 0 {
                n_fill -= 1;
                self.kept.push(i);
            }
        }
        let kept = std::mem::take(&mut self.kept);
        self.front.x.real.keep_rows(&kept);
        self.front.x.label.keep_rows(&kept);
        let Front { p, g, pulled, .. } = &mut self.front;
        [p, g, pulled].into_iter().for_each(|m| m.keep_rows(&kept));
        for v in [
            &mut self.growing,
            &mut self.eps,
            &mut self.direction,
            &mut self.front.e,
            &mut self.start,
            &mut self.log_w,
            &mut self.sum_accept,
            &mut self.n_steps,
            &mut self.u,
            &mut self.turned,
        ] {
            keep(v, &kept);
        }
        keep(&mut self.chain, &kept);
        keep(&mut self.fate, &kept);
        self.tree.keep(&kept);
        self.newest.resize(kept.len());
        for (level, waiting) in self.waiting.iter_mut().enumerate() {
            if n_there >> level & 1 == 1 {
                waiting.keep(&kept);
            } else {
                waiting.resize(kept.len());
            }
        }
        self.kept = kept;
    }

    /// Hands out every trajectory that has not been.
    pub fn finish(&mut self, finished: &mut impl FnMut(Finished<'_>)) {
        for i in 0..self.chain.len() {
            self.hand_out(i, finished);
        }
    }

    fn hand_out(&self, lane: usize, finished: &mut impl FnMut(Finished<'_>)) {
        if self.fate[lane] != Fate::Empty {
            finished(Finished {
                chain: self.chain[lane] as usize,
                fate: self.fate[lane],
                tree: &self.tree,
                lane,
                accept_prob: on_grid(self.sum_accept[lane] / self.n_steps[lane]),
                n_steps: self.n_steps[lane] as u64,
            });
        }
    }
}

fn next(counter: &mut u32) -> u32 {
    *counter += 1;
    *counter - 1
}

#[inline(always)]
fn is_sane(log_w: f64, floor: f64) -> bool {
    (log_w >= floor) & (log_w < f64::INFINITY)
}

simd_fn! {
    /// `log_w = start - log_w`; adds `min(1, exp(log_w))` and a step to the lanes that grow; returns how many of those are
    /// divergent.
    fn weigh(start: &[f64], growing: &[f64], floor: f64, log_w: &mut [f64], sum_accept: &mut [f64], n_steps: &mut [f64]) -> u64 {
        let n = log_w.len();
        let (start, growing) = (&start[..n], &growing[..n]);
        let (sum_accept, n_steps) = (&mut sum_accept[..n], &mut n_steps[..n]);
        let mut n_bad = 0u64;
        for i in 0..n {
            let w = start[i] - log_w[i];
            log_w[i] = w;
            let sane = is_sane(w, floor);
            let grows = growing[i] > 0.0;
            let accept = if sane & grows { exp_to_one(w) } else { 0.0 };
            sum_accept[i] += accept;
            n_steps[i] += growing[i];
            n_bad += u64::from(!sane & grows);
        }
        n_bad
    }
}
