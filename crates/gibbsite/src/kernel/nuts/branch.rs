//! Subtrees of trajectories, one per lane, and how two neighbours become one.

use crate::kernel::Metric;
use crate::math::{exp, ln_1p, logistic};
use crate::points::{Matrix, Points};
use crate::scratch;
use crate::simd::{load, over_tiles, simd_fn, store};

/// A stretch of consecutive states in every lane: its end momenta, the sum of its momenta, its weight, and the state chosen.
#[derive(Clone, Debug, Default)]
pub(super) struct Branch {
    /// Momentum of the state that was reached first.
    pub first: Matrix<f64>,
    /// Momentum of the state that was reached last.
    pub last: Matrix<f64>,
    /// Sum of all momenta.
    pub rho: Matrix<f64>,
    /// The state chosen, its gradient and its energy.
    pub x: Matrix<f64>,
    pub g: Matrix<f64>,
    pub e: Vec<f64>,
    /// `A'g` while it is a single state, where A is not diagonal.
    pub pulled: Matrix<f64>,
    /// Log of the summed weights `exp(H(start) - H)`.
    pub log_w: Vec<f64>,
}

/// A state in every lane.
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
    pub fn new(n: usize, d: usize) -> Self {
        let matrix = || Matrix::new(n, d);
        Self { x: Points::zeros(n, d), p: matrix(), g: matrix(), pulled: matrix(), e: vec![0.0; n] }
    }

    pub fn resize(&mut self, n: usize) {
        let Self { x, p, g, pulled, e } = self;
        x.label.resize_rows(n);
        [&mut x.real, p, g, pulled].into_iter().for_each(|m| m.resize_rows(n));
        e.resize(n, 0.0);
    }

    pub fn keep(&mut self, lanes: &[usize]) {
        let Self { x, p, g, pulled, e } = self;
        x.label.keep_rows(lanes);
        [&mut x.real, p, g, pulled].into_iter().for_each(|m| m.keep_rows(lanes));
        keep(e, lanes);
    }

    /// Computes what kicks the momenta, unless that is the gradient.
    pub fn pull(&mut self, metric: &Metric) {
        if !metric.is_diagonal() {
            metric.pull(self.g.n_rows(), self.g.as_slice(), self.pulled.as_mut_slice());
        }
    }

    /// Copies the state in `lane` to lane `to_lane` of `to`.
    pub fn copy_row(&self, lane: usize, to_lane: usize, to: &mut Self) {
        to.x.real.copy_row(to_lane, &self.x.real, lane);
        to.p.copy_row(to_lane, &self.p, lane);
        to.g.copy_row(to_lane, &self.g, lane);
        to.pulled.copy_row(to_lane, &self.pulled, lane);
        to.e[to_lane] = self.e[lane];
    }
}

impl Branch {
    pub fn new(n: usize, d: usize) -> Self {
        let matrix = || Matrix::new(n, d);
        Self {
            first: matrix(),
            last: matrix(),
            rho: matrix(),
            x: matrix(),
            g: matrix(),
            e: vec![0.0; n],
            pulled: matrix(),
            log_w: vec![0.0; n],
        }
    }

    pub fn resize(&mut self, n: usize) {
        let Self { first, last, rho, x, g, e, pulled, log_w } = self;
        [first, last, rho, x, g, pulled].into_iter().for_each(|m| m.resize_rows(n));
        [e, log_w].into_iter().for_each(|v| v.resize(n, 0.0));
    }

    pub fn keep(&mut self, lanes: &[usize]) {
        let Self { first, last, rho, x, g, e, pulled, log_w } = self;
        [first, last, rho, x, g, pulled].into_iter().for_each(|m| m.keep_rows(lanes));
        [e, log_w].into_iter().for_each(|v| keep(v, lanes));
    }

    /// One state (whose `last` and `rho` are not set) and the state that follows; `turned` becomes 1 where they turn, else 0.
    pub fn add_leaf(&mut self, leaf: &Front, log_w: &[f64], u: &[f64], turned: &mut [f64]) {
        scratch::with(self.log_w.len(), |choice| {
            choose(&mut self.log_w, log_w, u, choice);
            pair(self, leaf, choice, turned);
        });
    }

    /// Two neighbours, `next` reached after `self`; what `next` holds afterwards is not defined. `turned` becomes 1 where
    /// the whole turns, or one part towards the first state of the other; else 0.
    pub fn merge(&mut self, next: &mut Self, u: &[f64], turned: &mut [f64]) {
        scratch::with(self.log_w.len(), |choice| {
            choose(&mut self.log_w, &next.log_w, u, choice);
            merge(self, next, choice, turned);
        });
        std::mem::swap(&mut self.last, &mut next.last);
    }
}

/// Keeps the elements `lanes` (increasing), in place.
pub(super) fn keep<T: Copy>(v: &mut Vec<T>, lanes: &[usize]) {
    for (to, from) in lanes.iter().enumerate() {
        v[to] = v[*from];
    }
    v.truncate(lanes.len());
}

simd_fn! {
    /// 1 in `choice` with probability `w_b / (w_a + w_b)`, else 0; `a` becomes the log of the summed weights.
    fn choose(a: &mut [f64], b: &[f64], u: &[f64], choice: &mut [f64]) {
        let n = a.len();
        let (b, u, choice) = (&b[..n], &u[..n], &mut choice[..n]);
        for i in 0..n {
            let difference = b[i] - a[i];
            choice[i] = if u[i] < logistic(difference) { 1.0 } else { 0.0 };
            let larger = if difference > 0.0 { b[i] } else { a[i] };
            a[i] = larger + ln_1p(exp(-difference.abs()));
        }
    }
}

simd_fn! {
    fn pair(a: &mut Branch, b: &Front, choice: &[f64], turned: &mut [f64]) {
        over_tiles!(32; choice.len(), pair_tile(a, b, choice, turned));
    }
}

/// `to` takes the elements `i .. i + T` of `from` that are chosen.
#[inline(always)]
fn blend<const T: usize>(choice: &[f64; T], from: &[f64], to: &mut [f64], i: usize) {
    let (new, mut out) = (load::<T>(from, i), load::<T>(to, i));
    for r in 0..T {
        out[r] = if choice[r] > 0.0 { new[r] } else { out[r] };
    }
    store(to, i, &out);
}

/// `to` takes the elements `i .. i + T`: those of `b` that are chosen, else those of `a`.
#[inline(always)]
fn choose_between<const T: usize>(choice: &[f64; T], a: &[f64], b: &[f64], to: &mut [f64], i: usize) {
    let (a, b) = (load::<T>(a, i), load::<T>(b, i));
    let mut out = a;
    for r in 0..T {
        out[r] = if choice[r] > 0.0 { b[r] } else { a[r] };
    }
    store(to, i, &out);
}

#[inline(always)]
fn pair_tile<const T: usize>(at: usize, a: &mut Branch, b: &Front, choice: &[f64], turned: &mut [f64]) {
    let n = choice.len();
    let choice = load::<T>(choice, at);
    let (first, last, rho) = (a.first.as_slice(), a.last.as_mut_slice(), a.rho.as_mut_slice());
    let (x, g) = (a.x.as_mut_slice(), a.g.as_mut_slice());
    let (bp, bx, bg) = (b.p.as_slice(), b.x.real.as_slice(), b.g.as_slice());
    let (mut first_dot, mut last_dot) = ([0.0f64; T], [0.0f64; T]);
    for i in (at..x.len()).step_by(n) {
        let (pa, pb) = (load::<T>(first, i), load::<T>(bp, i));
        let mut sum = [0.0; T];
        for r in 0..T {
            sum[r] = pa[r] + pb[r];
            first_dot[r] = sum[r].mul_add(pa[r], first_dot[r]);
            last_dot[r] = sum[r].mul_add(pb[r], last_dot[r]);
        }
        store(rho, i, &sum);
        store(last, i, &pb);
        blend(&choice, bx, x, i);
        blend(&choice, bg, g, i);
    }
    blend(&choice, &b.e, &mut a.e, at);
    for r in 0..T {
        turned[at + r] = if (first_dot[r] > 0.0) & (last_dot[r] > 0.0) { 0.0 } else { 1.0 };
    }
}

simd_fn! {
    fn merge(a: &mut Branch, b: &Branch, choice: &[f64], turned: &mut [f64]) {
        over_tiles!(32; choice.len(), merge_tile(a, b, choice, turned));
    }
}

#[inline(always)]
fn merge_tile<const T: usize>(at: usize, a: &mut Branch, b: &Branch, choice: &[f64], turned: &mut [f64]) {
    let n = choice.len();
    let choice = load::<T>(choice, at);
    let (a_first, a_last) = (a.first.as_slice(), a.last.as_slice());
    let (rho, x, g) = (a.rho.as_mut_slice(), a.x.as_mut_slice(), a.g.as_mut_slice());
    let (b_first, b_last, b_rho) = (b.first.as_slice(), b.last.as_slice(), b.rho.as_slice());
    let (bx, bg) = (b.x.as_slice(), b.g.as_slice());
    let mut dots = [[0.0f64; T]; 6];
    for i in (at..x.len()).step_by(n) {
        let (af, al, mut sum) = (load::<T>(a_first, i), load::<T>(a_last, i), load::<T>(rho, i));
        let (bf, bl, rb) = (load::<T>(b_first, i), load::<T>(b_last, i), load::<T>(b_rho, i));
        for r in 0..T {
            add_dots(&mut dots, r, [af[r], al[r], sum[r]], [bf[r], bl[r], rb[r]]);
            sum[r] += rb[r];
        }
        store(rho, i, &sum);
        blend(&choice, bx, x, i);
        blend(&choice, bg, g, i);
    }
    blend(&choice, &b.e, &mut a.e, at);
    for r in 0..T {
        turned[at + r] = turns(&dots, r);
    }
}

/// Adds a coordinate to the six products that tell a turn, for parts given as `[first, last, rho]`: `rho . p` at both ends of
/// the whole, and of each part with the neighbouring momentum of the other.
#[inline(always)]
pub(super) fn add_dots<const T: usize>(dots: &mut [[f64; T]; 6], r: usize, a: [f64; 3], b: [f64; 3]) {
    let ([a_first, a_last, ra], [b_first, b_last, rb]) = (a, b);
    let (whole, early, late) = (ra + rb, ra + b_first, rb + a_last);
    dots[0][r] = whole.mul_add(a_first, dots[0][r]);
    dots[1][r] = whole.mul_add(b_last, dots[1][r]);
    dots[2][r] = early.mul_add(a_first, dots[2][r]);
    dots[3][r] = early.mul_add(b_first, dots[3][r]);
    dots[4][r] = late.mul_add(a_last, dots[4][r]);
    dots[5][r] = late.mul_add(b_last, dots[5][r]);
}

/// 0 where all six products are positive, else 1.
#[inline(always)]
pub(super) fn turns<const T: usize>(dots: &[[f64; T]; 6], r: usize) -> f64 {
    let mut straight = true;
    for dot in dots {
        straight &= dot[r] > 0.0;
    }
    if straight { 0.0 } else { 1.0 }
}

/// A whole trajectory: the branch of its chosen state, and the end that does not grow.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    pub x: Matrix<f64>,
    pub g: Matrix<f64>,
    pub e: Vec<f64>,
    pub log_w: Vec<f64>,
    pub rho: Matrix<f64>,
    /// Position, momentum and force of the state at the end that does not grow.
    other: [Matrix<f64>; 3],
}

impl Tree {
    pub fn new(n: usize, d: usize) -> Self {
        let matrix = || Matrix::new(n, d);
        Self {
            x: matrix(),
            g: matrix(),
            e: vec![0.0; n],
            log_w: vec![0.0; n],
            rho: matrix(),
            other: [matrix(), matrix(), matrix()],
        }
    }

    pub fn resize(&mut self, n: usize) {
        let Self { x, g, e, log_w, rho, other } = self;
        [x, g, rho].into_iter().chain(other).for_each(|m| m.resize_rows(n));
        [e, log_w].into_iter().for_each(|v| v.resize(n, 0.0));
    }

    pub fn keep(&mut self, lanes: &[usize]) {
        let Self { x, g, e, log_w, rho, other } = self;
        [x, g, rho].into_iter().chain(other).for_each(|m| m.keep_rows(lanes));
        [e, log_w].into_iter().for_each(|v| keep(v, lanes));
    }

    /// Puts the front, `[x, p, force]`, to the other end in the lanes with `turns` 1.
    pub fn swap_ends(&mut self, turns: &[f64], front: [&mut Matrix<f64>; 3]) {
        for (front, other) in front.into_iter().zip(&mut self.other) {
            swap(turns, front.as_mut_slice(), other.as_mut_slice());
        }
    }

    /// Becomes the trajectory of the state `start`, of weight 1, and of `next`, of weight `exp(log_w)`. Which of the two is
    /// chosen, and what `turned` becomes, is as in [`Tree::join`]. Takes `start` away.
    pub fn join_first(
        &mut self,
        start: &mut Front,
        next: &Front,
        log_w: &[f64],
        growing: &[f64],
        metric: &Metric,
        u: &[f64],
        turned: &mut [f64],
    ) {
        self.log_w.fill(0.0);
        scratch::with(u.len(), |choice| {
            favour(&mut self.log_w, log_w, growing, u, choice);
            join_first(self, start, next, choice, turned);
        });
        let force = if metric.is_diagonal() { &mut start.g } else { &mut start.pulled };
        for (mine, theirs) in self.other.iter_mut().zip([&mut start.x.real, &mut start.p, force]) {
            std::mem::swap(mine, theirs);
        }
    }

    /// Takes in the new half, which began to grow at momentum `near`, in the lanes with `growing` 1: replaces the choice with
    /// probability `min(1, w_new / w_old)`. `turned` becomes 1 where the whole turns.
    pub fn join(&mut self, near: &Matrix<f64>, half: &Branch, growing: &[f64], u: &[f64], turned: &mut [f64]) {
        scratch::with(u.len(), |choice| {
            favour(&mut self.log_w, &half.log_w, growing, u, choice);
            join(self, near, half, choice, turned);
        });
    }
}

simd_fn! {
    /// Swaps the rows with `turns` 1.
    fn swap(turns: &[f64], a: &mut [f64], b: &mut [f64]) {
        over_tiles!(64; turns.len(), swap_tile(turns, a, b));
    }
}

/// `(b, a)` if `swaps`, else `(a, b)`.
///
/// By exclusive or: rustc 1.95 compiles the two selects, in place in a loop for AVX-512, to masked stores of which the second
/// reads what the first has written.
#[inline(always)]
fn swapped_if(swaps: bool, a: f64, b: f64) -> (f64, f64) {
    let (a, b) = (a.to_bits(), b.to_bits());
    let change = (a ^ b) & if swaps { u64::MAX } else { 0 };
    (f64::from_bits(a ^ change), f64::from_bits(b ^ change))
}

#[inline(always)]
fn swap_tile<const T: usize>(at: usize, turns: &[f64], a: &mut [f64], b: &mut [f64]) {
    let n = turns.len();
    let turns = load::<T>(turns, at);
    for i in (at..a.len()).step_by(n) {
        let (mut of_a, mut of_b) = (load::<T>(a, i), load::<T>(b, i));
        for r in 0..T {
            (of_a[r], of_b[r]) = swapped_if(turns[r] > 0.0, of_a[r], of_b[r]);
        }
        store(a, i, &of_a);
        store(b, i, &of_b);
    }
}

simd_fn! {
    /// 1 in `choice` with probability `min(1, w_b / w_a)` where `growing`, else 0; `a` becomes the log of the summed weights.
    fn favour(a: &mut [f64], b: &[f64], growing: &[f64], u: &[f64], choice: &mut [f64]) {
        let n = a.len();
        let (b, growing, u, choice) = (&b[..n], &growing[..n], &u[..n], &mut choice[..n]);
        for i in 0..n {
            let difference = b[i] - a[i];
            let p = exp(if difference < 0.0 { difference } else { 0.0 });
            choice[i] = if u[i] < p { growing[i] } else { 0.0 };
            let larger = if difference > 0.0 { b[i] } else { a[i] };
            a[i] = larger + ln_1p(exp(-difference.abs()));
        }
    }
}

simd_fn! {
    fn join(a: &mut Tree, near: &Matrix<f64>, b: &Branch, choice: &[f64], turned: &mut [f64]) {
        over_tiles!(32; choice.len(), join_tile(a, near, b, choice, turned));
    }
}

#[inline(always)]
fn join_tile<const T: usize>(
    at: usize,
    a: &mut Tree,
    near: &Matrix<f64>,
    b: &Branch,
    choice: &[f64],
    turned: &mut [f64],
) {
    let n = choice.len();
    let choice = load::<T>(choice, at);
    // In the order of growth: the far end of the old trajectory first, its near end last.
    let (far, near) = (a.other[1].as_slice(), near.as_slice());
    let (rho, x, g) = (a.rho.as_mut_slice(), a.x.as_mut_slice(), a.g.as_mut_slice());
    let (b_first, b_last, b_rho) = (b.first.as_slice(), b.last.as_slice(), b.rho.as_slice());
    let (bx, bg) = (b.x.as_slice(), b.g.as_slice());
    let mut dots = [[0.0f64; T]; 6];
    for i in (at..x.len()).step_by(n) {
        let (af, al, mut sum) = (load::<T>(far, i), load::<T>(near, i), load::<T>(rho, i));
        let (bf, bl, rb) = (load::<T>(b_first, i), load::<T>(b_last, i), load::<T>(b_rho, i));
        for r in 0..T {
            add_dots(&mut dots, r, [af[r], al[r], sum[r]], [bf[r], bl[r], rb[r]]);
            sum[r] += rb[r];
        }
        store(rho, i, &sum);
        blend(&choice, bx, x, i);
        blend(&choice, bg, g, i);
    }
    blend(&choice, &b.e, &mut a.e, at);
    for r in 0..T {
        turned[at + r] = turns(&dots, r);
    }
}

simd_fn! {
    fn join_first(a: &mut Tree, start: &Front, next: &Front, choice: &[f64], turned: &mut [f64]) {
        over_tiles!(32; choice.len(), join_first_tile(a, start, next, choice, turned));
    }
}

#[inline(always)]
fn join_first_tile<const T: usize>(
    at: usize,
    a: &mut Tree,
    start: &Front,
    next: &Front,
    choice: &[f64],
    turned: &mut [f64],
) {
    let n = choice.len();
    let choice = load::<T>(choice, at);
    let (rho, x, g) = (a.rho.as_mut_slice(), a.x.as_mut_slice(), a.g.as_mut_slice());
    let (p0, x0, g0) = (start.p.as_slice(), start.x.real.as_slice(), start.g.as_slice());
    let (p1, x1, g1) = (next.p.as_slice(), next.x.real.as_slice(), next.g.as_slice());
    let (mut first_dot, mut last_dot) = ([0.0f64; T], [0.0f64; T]);
    for i in (at..x.len()).step_by(n) {
        let (pa, pb) = (load::<T>(p0, i), load::<T>(p1, i));
        let mut sum = [0.0; T];
        for r in 0..T {
            sum[r] = pa[r] + pb[r];
            first_dot[r] = sum[r].mul_add(pa[r], first_dot[r]);
            last_dot[r] = sum[r].mul_add(pb[r], last_dot[r]);
        }
        store(rho, i, &sum);
        choose_between(&choice, x0, x1, x, i);
        choose_between(&choice, g0, g1, g, i);
    }
    choose_between(&choice, &start.e, &next.e, &mut a.e, at);
    for r in 0..T {
        turned[at + r] = if (first_dot[r] > 0.0) & (last_dot[r] > 0.0) { 0.0 } else { 1.0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_swap_where_they_are_told_to() {
        for n in [1, 5, 8, 31, 32, 41, 64, 75] {
            let turns: Vec<f64> = (0..n).map(|i| f64::from((i * 7 + 3) as u8 % 5 % 2)).collect();
            let before = [0, 100].map(|c| Matrix::from_fn(n, 3, |i, j| (c + 1000 * j + i) as f64));
            let [mut a, mut b] = before.clone();
            swap(&turns, a.as_mut_slice(), b.as_mut_slice());
            for j in 0..3 {
                for i in 0..n {
                    let [of_a, of_b] = [0, 1].map(|k| before[k].get(i, j));
                    let expected = if turns[i] > 0.0 { (of_b, of_a) } else { (of_a, of_b) };
                    assert_eq!((a.get(i, j), b.get(i, j)), expected, "{i} of {n}");
                }
            }
        }
    }
}
