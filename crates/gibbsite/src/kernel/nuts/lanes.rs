//! The lanes in which trajectories grow: who is in which lane, the state at the growing end, the subtrees so far.

use super::branch::{Branch, Front, Tree, keep};
use super::halving::{Halving, Place, State};
use crate::energy::Differentiable;
use crate::kernel::hmc::{add_kinetic, widen};
use crate::kernel::leapfrog::{kick_and_add_kinetic, leap};
use crate::kernel::metric::Metric;
use crate::kernel::metropolis::{exp_to_one, on_grid};
use crate::points::Matrix;
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
    eps: Vec<f64>,
    /// 1 forwards, -1 backwards in time.
    direction: Vec<f64>,
    /// The state at the growing end.
    pub front: Front,
    /// The state where the new half began to grow.
    near: Front,
    /// Where the front was, when that is kept nowhere else.
    left: Front,
    /// H(start) - H at the growing end and at the other.
    ends: [Vec<f64>; 2],
    halving: Halving,
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
    /// Uniforms used in this transition.
    n_choices: u32,
    kept: Vec<usize>,
    leaving: Vec<usize>,
    leaving_chains: Vec<usize>,
}

/// Trajectories that have ended: of `chains`, in `lanes`; all else is by lane.
pub(super) struct Finished<'a> {
    pub chains: &'a [usize],
    pub lanes: &'a [usize],
    pub fate: &'a [Fate],
    /// Where the choices are.
    pub tree: &'a Tree,
    /// Leapfrog steps.
    pub n_steps: &'a [f64],
    sum_accept: &'a [f64],
}

impl Finished<'_> {
    /// Mean acceptance probability over the trajectory, on the grid that makes sums exact.
    pub fn accept_prob(&self, lane: usize) -> f64 {
        on_grid(self.sum_accept[lane] / self.n_steps[lane])
    }
}

/// Lanes for `n` chains: whole vectors, unless that would leave most of one empty.
fn n_lanes(n: usize) -> usize {
    if n % VECTOR > 2 { n.next_multiple_of(VECTOR) } else { n }
}

impl Lanes {
    pub fn new(n: usize, d: usize) -> Self {
        let n = n_lanes(n);
        let zeros = || vec![0.0; n];
        Self {
            chain: vec![0; n],
            fate: vec![Fate::Empty; n],
            growing: zeros(),
            n_growing: 0,
            eps: zeros(),
            direction: zeros(),
            front: Front::new(n, d),
            near: Front::new(n, d),
            left: Front::new(n, d),
            ends: [zeros(), zeros()],
            halving: Halving::new(n, d),
            start: zeros(),
            log_w: zeros(),
            sum_accept: zeros(),
            n_steps: zeros(),
            u: zeros(),
            turned: zeros(),
            tree: Tree::new(n, d),
            waiting: Vec::new(),
            newest: Branch::new(n, d),
            n_choices: 0,
            kept: Vec::with_capacity(n),
            leaving: Vec::with_capacity(n),
            leaving_chains: Vec::with_capacity(n),
        }
    }

    fn resize(&mut self, n: usize) {
        [&mut self.front, &mut self.near, &mut self.left].into_iter().for_each(|f| f.resize(n));
        self.ends.iter_mut().for_each(|v| v.resize(n, 0.0));
        for v in [
            &mut self.growing,
            &mut self.eps,
            &mut self.direction,
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
        let copy = |from: &[f64], to: &mut [f64]| {
            to[..n].copy_from_slice(from);
            to[n..].fill(from[0]);
        };
        let front = &mut self.front;
        for j in 0..x.n_cols() {
            copy(x.col(j), front.x.real.col_mut(j));
            copy(g.col(j), front.g.col_mut(j));
        }
        copy(e, &mut front.e);
        widen(p, &mut front.p);
        for j in 0..x.n_cols() {
            let (given, padding) = front.p.col_mut(j).split_at_mut(n);
            padding.fill(given[0]);
        }
        front.pull(metric);
        self.direction.fill(1.0);
        self.start.copy_from_slice(&front.e);
        add_kinetic(&front.p, &mut self.start);
        hamiltonian.copy_from_slice(&self.start[..n]);
        self.ends.iter_mut().for_each(|v| v.fill(0.0));
        self.sum_accept.fill(0.0);
        self.n_steps.fill(0.0);
        self.n_choices = 0;
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
        // Both ends of a single state are that state.
        if depth > 0 {
            let Front { x, p, g, pulled, .. } = &mut self.front;
            let force = if metric.is_diagonal() { g } else { pulled };
            self.tree.swap_ends(&self.u, [&mut x.real, p, force]);
            let [front, other] = &mut self.ends;
            for (turns, (front, other)) in self.u.iter().zip(front.iter_mut().zip(other)) {
                if *turns > 0.0 {
                    std::mem::swap(front, other);
                }
            }
        }
    }

    /// The first half-kick and the drift to the state number `leaf` of the half, from where the front was.
    pub fn leap(&mut self, metric: &Metric, leaf: u32) {
        match leaf {
            0 => std::mem::swap(&mut self.front, &mut self.near),
            leaf if leaf & 1 == 0 => std::mem::swap(&mut self.front, &mut self.left),
            _ => {}
        }
        let Self { front, near, left, waiting, eps, .. } = self;
        let from = State::before(leaf, near, left, waiting);
        let force = if metric.is_diagonal() { from.g } else { from.pulled };
        leap(eps, metric, force, from.p, from.x, &mut front.p, &mut front.x.real);
    }

    /// The second half-kick, and the weight of the state: `log_w = H(start) - H`.
    pub fn kick_and_weigh(&mut self, metric: &Metric, floor: f64) {
        let front = &mut self.front;
        front.pull(metric);
        self.log_w.copy_from_slice(&front.e);
        let Front { p, g, pulled, .. } = front;
        let force = if metric.is_diagonal() { &*g } else { &*pulled };
        kick_and_add_kinetic(0.5, &self.eps, metric, force, p, &mut self.log_w);
        weigh(&self.start, &self.growing, floor, &mut self.log_w, &mut self.sum_accept, &mut self.n_steps);
    }

    /// Takes the steps again, in halves, quarters and so on, along which H has changed by more than `max_change`: the fewest
    /// parts, a power of two, along which it does not; all at once where H jumps. Where other parts would be chosen on the way
    /// back, the trajectory ends, for the step could not be undone. Returns the gradients that this took.
    pub fn halve<E: Differentiable + ?Sized>(
        &mut self,
        energy: &E,
        metric: &Metric,
        leaf: u32,
        max_change: f64,
    ) -> u64 {
        let [before, _] = &self.ends;
        let Self { halving, log_w, growing, .. } = self;
        if max_change == f64::INFINITY || !halving.select(before, log_w, growing, max_change) {
            return 0;
        }
        let Self { front, near, left, waiting, eps, start, .. } = self;
        let from = State::before(leaf, near, left, waiting);
        let place = Place { metric, eps, start, max_change };
        let n_evals = halving.run(energy, place, from, before, front, log_w);
        let one_way = std::mem::take(&mut self.halving.one_way);
        one_way.iter().for_each(|lane| self.stop(*lane, Fate::Turned));
        self.halving.one_way = one_way;
        n_evals
    }

    /// Ends the trajectories whose state at the front weighs less than `floor`, or is not finite.
    pub fn stop_divergent(&mut self, floor: f64) {
        for i in 0..self.log_w.len() {
            if !is_sane(self.log_w[i], floor) {
                self.stop(i, Fate::Diverged);
            }
        }
        self.ends[0].copy_from_slice(&self.log_w);
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

    /// Adds the state at the front, number `leaf` of the half of `2^depth` states, and joins what it completes: subtrees, and at
    /// last the half and the trajectory.
    pub fn add_leaf(&mut self, metric: &Metric, depth: u32, leaf: u32, rng: &Streams) {
        if depth == 0 {
            self.draw(rng);
            let Self { tree, near, front, log_w, growing, u, turned, .. } = self;
            tree.join_first(near, front, log_w, growing, metric, u, turned);
            return self.stop_where_turned();
        }
        if leaf & 1 == 0 {
            return self.wait_alone();
        }
        std::mem::swap(&mut self.newest, &mut self.waiting[0]);
        self.draw(rng);
        self.newest.add_leaf(&self.front, &self.log_w, &self.u, &mut self.turned);
        self.stop_where_turned();
        let mut level = 1;
        while leaf >> level & 1 == 1 {
            // The earlier part takes in the later one.
            std::mem::swap(&mut self.newest, &mut self.waiting[level]);
            self.draw(rng);
            self.newest.merge(&mut self.waiting[level], &self.u, &mut self.turned);
            self.stop_where_turned();
            level += 1;
        }
        if level == depth as usize {
            self.draw(rng);
            self.tree.join(&self.near.p, &self.newest, &self.growing, &self.u, &mut self.turned);
            return self.stop_where_turned();
        }
        self.reserve(level);
        std::mem::swap(&mut self.newest, &mut self.waiting[level]);
    }

    /// The state at the front waits for its neighbour; what the front then holds is not defined.
    fn wait_alone(&mut self) {
        self.reserve(0);
        let (front, alone) = (&mut self.front, &mut self.waiting[0]);
        std::mem::swap(&mut front.x.real, &mut alone.x);
        std::mem::swap(&mut front.p, &mut alone.first);
        std::mem::swap(&mut front.g, &mut alone.g);
        std::mem::swap(&mut front.pulled, &mut alone.pulled);
        std::mem::swap(&mut front.e, &mut alone.e);
        std::mem::swap(&mut self.log_w, &mut alone.log_w);
    }

    /// Room for subtrees of up to `2^level` states to wait.
    fn reserve(&mut self, level: usize) {
        while self.waiting.len() <= level {
            self.waiting.push(self.newest.clone());
        }
    }

    /// The next uniform of every lane.
    fn draw(&mut self, rng: &Streams) {
        rng.uniforms_of(Purpose::Accept, self.n_choices, &self.chain, &mut self.u);
        self.n_choices += 1;
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
            if n_fill > 0 {
                n_fill -= 1;
                self.kept.push(i);
            }
        }
        self.hand_out(|fate| fate != Fate::Growing, finished);
        let kept = std::mem::take(&mut self.kept);
        [&mut self.front, &mut self.near].into_iter().for_each(|f| f.keep(&kept));
        self.left.resize(kept.len());
        self.ends.iter_mut().for_each(|v| keep(v, &kept));
        for v in [
            &mut self.growing,
            &mut self.eps,
            &mut self.direction,
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
        self.hand_out(|_| true, finished);
    }

    /// Hands out the trajectories of some fates, once: their lanes are empty then.
    fn hand_out(&mut self, leaves: impl Fn(Fate) -> bool, finished: &mut impl FnMut(Finished<'_>)) {
        self.leaving.clear();
        self.leaving_chains.clear();
        for (lane, fate) in self.fate.iter().enumerate() {
            if *fate != Fate::Empty && leaves(*fate) {
                self.leaving.push(lane);
                self.leaving_chains.push(self.chain[lane] as usize);
            }
        }
        finished(Finished {
            chains: &self.leaving_chains,
            lanes: &self.leaving,
            fate: &self.fate,
            tree: &self.tree,
            n_steps: &self.n_steps,
            sum_accept: &self.sum_accept,
        });
        for lane in &self.leaving {
            self.fate[*lane] = Fate::Empty;
        }
    }
}

#[inline(always)]
fn is_sane(log_w: f64, floor: f64) -> bool {
    (log_w >= floor) & (log_w < f64::INFINITY)
}

simd_fn! {
    /// `log_w = start - log_w`; adds `min(1, exp(log_w))` and a step to the lanes that grow.
    fn weigh(start: &[f64], growing: &[f64], floor: f64, log_w: &mut [f64], sum_accept: &mut [f64], n_steps: &mut [f64]) {
        let n = log_w.len();
        let (start, growing) = (&start[..n], &growing[..n]);
        let (sum_accept, n_steps) = (&mut sum_accept[..n], &mut n_steps[..n]);
        for i in 0..n {
            let w = start[i] - log_w[i];
            log_w[i] = w;
            let accept = if is_sane(w, floor) & (growing[i] > 0.0) { exp_to_one(w) } else { 0.0 };
            sum_accept[i] += accept;
            n_steps[i] += growing[i];
        }
    }
}
