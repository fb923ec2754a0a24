//! Subtrees of trajectories, one per lane, and how two neighbours become one.

use crate::math::{exp, ln_1p, logistic};
use crate::points::Matrix;
use crate::scratch;
use crate::simd::simd_fn;

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
    /// Log of the summed weights `exp(H(start) - H)`.
    pub log_w: Vec<f64>,
}

/// A state in every lane.
#[derive(Clone, Copy)]
pub(super) struct Leaf<'a> {
    pub x: &'a Matrix<f64>,
    pub p: &'a Matrix<f64>,
    pub g: &'a Matrix<f64>,
    pub e: &'a [f64],
    pub log_w: &'a [f64],
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
            log_w: vec![0.0; n],
        }
    }

    pub fn resize(&mut self, n: usize) {
        let Self { first, last, rho, x, g, e, log_w } = self;
        [first, last, rho, x, g].into_iter().for_each(|m| m.resize_rows(n));
        [e, log_w].into_iter().for_each(|v| v.resize(n, 0.0));
    }

    pub fn keep(&mut self, lanes: &[usize]) {
        let Self { first, last, rho, x, g, e, log_w } = self;
        [first, last, rho, x, g].into_iter().for_each(|m| m.keep_rows(lanes));
        [e, log_w].into_iter().for_each(|v| keep(v, lanes));
    }

    /// Becomes one state; `last` and `rho` are left out when a neighbour is to follow.
    pub fn set(&mut self, leaf: Leaf<'_>, whole: bool) {
        self.first.as_mut_slice().copy_from_slice(leaf.p.as_slice());
        self.x.as_mut_slice().copy_from_slice(leaf.x.as_slice());
        self.g.as_mut_slice().copy_from_slice(leaf.g.as_slice());
        self.e.copy_from_slice(leaf.e);
        self.log_w.copy_from_slice(leaf.log_w);
        if whole {
            self.last.as_mut_slice().copy_from_slice(leaf.p.as_slice());
            self.rho.as_mut_slice().copy_from_slice(leaf.p.as_slice());
        }
    }

    /// One state (set without `last` and `rho`) and the state that follows; `turned` becomes 1 where they turn, else 0.
    pub fn add_leaf(&mut self, leaf: Leaf<'_>, u: &[f64], turned: &mut [f64]) {
        scratch::with(self.log_w.len(), |choice| {
            choose(&mut self.log_w, leaf.log_w, u, choice);
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

/// Lanes computed together: their sums stay in registers.
const TILE: usize = 8;

/// Calls a tile function for all lanes: whole tiles, then one by one.
macro_rules! over_tiles {
    ($n:expr, $tile:ident($($arg:expr),*)) => {{
        let whole = $n - $n % TILE;
        for at in (0..whole).step_by(TILE) {
            $tile::<TILE>(at, $($arg),*);
        }
        for at in whole..$n {
            $tile::<1>(at, $($arg),*);
        }
    }};
}

simd_fn! {
    fn pair(a: &mut Branch, b: Leaf<'_>, choice: &[f64], turned: &mut [f64]) {
        over_tiles!(choice.len(), pair_tile(a, b, choice, turned));
    }
}

/// Rows `at .. at + T` of column `j`.
#[inline(always)]
fn part<const T: usize>(m: &Matrix<f64>, j: usize, at: usize) -> [f64; T] {
    let mut out = [0.0; T];
    out.copy_from_slice(&m.col(j)[at..at + T]);
    out
}

/// `to` takes the rows of `from` that are chosen.
#[inline(always)]
fn blend<const T: usize>(choice: &[f64; T], from: &Matrix<f64>, to: &mut Matrix<f64>, j: usize, at: usize) {
    let new = part::<T>(from, j, at);
    let old = &mut to.col_mut(j)[at..at + T];
    for r in 0..T {
        let (a, b) = (old[r], new[r]);
        old[r] = if choice[r] > 0.0 { b } else { a };
    }
}

#[inline(always)]
fn blend_energy<const T: usize>(choice: &[f64; T], from: &[f64], to: &mut [f64], at: usize) {
    for r in 0..T {
        let (a, b) = (to[at + r], from[at + r]);
        to[at + r] = if choice[r] > 0.0 { b } else { a };
    }
}

#[inline(always)]
fn pair_tile<const T: usize>(at: usize, a: &mut Branch, b: Leaf<'_>, choice: &[f64], turned: &mut [f64]) {
    let mut chosen = [0.0; T];
    chosen.copy_from_slice(&choice[at..at + T]);
    let (mut first_dot, mut last_dot) = ([0.0f64; T], [0.0f64; T]);
    for j in 0..a.x.n_cols() {
        let (pa, pb) = (part::<T>(&a.first, j, at), part::<T>(b.p, j, at));
        let (last, rho) = (&mut a.last.col_mut(j)[at..at + T], &mut a.rho.col_mut(j)[at..at + T]);
        for r in 0..T {
            let sum = pa[r] + pb[r];
            rho[r] = sum;
            last[r] = pb[r];
            first_dot[r] = sum.mul_add(pa[r], first_dot[r]);
            last_dot[r] = sum.mul_add(pb[r], last_dot[r]);
        }
        blend(&chosen, b.x, &mut a.x, j, at);
        blend(&chosen, b.g, &mut a.g, j, at);
    }
    blend_energy(&chosen, b.e, &mut a.e, at);
    for r in 0..T {
        turned[at + r] = if (first_dot[r] > 0.0) & (last_dot[r] > 0.0) { 0.0 } else { 1.0 };
    }
}

simd_fn! {
    fn merge(a: &mut Branch, b: &Branch, choice: &[f64], turned: &mut [f64]) {
        over_tiles!(choice.len(), merge_tile(a, b, choice, turned));
    }
}

#[inline(always)]
fn merge_tile<const T: usize>(at: usize, a: &mut Branch, b: &Branch, choice: &[f64], turned: &mut [f64]) {
    let mut chosen = [0.0; T];
    chosen.copy_from_slice(&choice[at..at + T]);
    let mut dots = [[0.0f64; T]; 6];
    for j in 0..a.x.n_cols() {
        let (af, al) = (part::<T>(&a.first, j, at), part::<T>(&a.last, j, at));
        let (bf, bl, rb) = (part::<T>(&b.first, j, at), part::<T>(&b.last, j, at), part::<T>(&b.rho, j, at));
        let rho = &mut a.rho.col_mut(j)[at..at + T];
        for r in 0..T {
            let ra = rho[r];
            rho[r] = ra + rb[r];
            add_dots(&mut dots, r, [af[r], al[r], ra], [bf[r], bl[r], rb[r]]);
        }
        blend(&chosen, &b.x, &mut a.x, j, at);
        blend(&chosen, &b.g, &mut a.g, j, at);
    }
    blend_energy(&chosen, &b.e, &mut a.e, at);
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
    pub other: [Matrix<f64>; 3],
    /// Momentum of the state where the new half began to grow.
    pub near: Matrix<f64>,
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
            near: matrix(),
        }
    }

    pub fn resize(&mut self, n: usize) {
        let Self { x, g, e, log_w, rho, other, near } = self;
        [x, g, rho, near].into_iter().chain(other).for_each(|m| m.resize_rows(n));
        [e, log_w].into_iter().for_each(|v| v.resize(n, 0.0));
    }

    pub fn keep(&mut self, lanes: &[usize]) {
        let Self { x, g, e, log_w, rho, other, near } = self;
        [x, g, rho, near].into_iter().chain(other).for_each(|m| m.keep_rows(lanes));
        [e, log_w].into_iter().for_each(|v| keep(v, lanes));
    }

    /// Puts the front, `[x, p, force]`, to the other end in the lanes with `turns` 1.
    pub fn swap_ends(&mut self, turns: &[f64], front: [&mut Matrix<f64>; 3]) {
        for (front, other) in front.into_iter().zip(&mut self.other) {
            swap(turns, front, other);
        }
    }

    /// Takes in the new half in the lanes with `growing` 1: replaces the choice with probability `min(1, w_new / w_old)`.
    /// `turned` becomes 1 where the whole turns.
    pub fn join(&mut self, half: &Branch, growing: &[f64], u: &[f64], turned: &mut [f64]) {
        scratch::with(u.len(), |choice| {
            favour(&mut self.log_w, &half.log_w, growing, u, choice);
            join(self, half, choice, turned);
        });
    }
}

simd_fn! {
    /// Swaps the rows with `turns` 1.
    fn swap(turns: &[f64], a: &mut Matrix<f64>, b: &mut Matrix<f64>) {
        let n = turns.len();
        // Column by column where that is long; the rest, or a short block, a vector of rows at a time.
        let mut at = n - n % (4 * TILE);
        for j in 0..a.n_cols() {
            let (turns, a, b) = (&turns[..at], &mut a.col_mut(j)[..at], &mut b.col_mut(j)[..at]);
            for i in 0..at {
                (a[i], b[i]) = swapped_if(turns[i] > 0.0, a[i], b[i]);
            }
        }
        while at + TILE <= n {
            swap_tile::<TILE>(at, turns, a, b);
            at += TILE;
        }
        while at < n {
            swap_tile::<1>(at, turns, a, b);
            at += 1;
        }
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
fn swap_tile<const T: usize>(at: usize, turns: &[f64], a: &mut Matrix<f64>, b: &mut Matrix<f64>) {
    let turns = &turns[at..at + T];
    for j in 0..a.n_cols() {
        let (a, b) = (&mut a.col_mut(j)[at..at + T], &mut b.col_mut(j)[at..at + T]);
        for r in 0..T {
            (a[r], b[r]) = swapped_if(turns[r] > 0.0, a[r], b[r]);
        }
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
    fn join(a: &mut Tree, b: &Branch, choice: &[f64], turned: &mut [f64]) {
        over_tiles!(choice.len(), join_tile(a, b, choice, turned));
    }
}

#[inline(always)]
fn join_tile<const T: usize>(at: usize, a: &mut Tree, b: &Branch, choice: &[f64], turned: &mut [f64]) {
    let mut chosen = [0.0; T];
    chosen.copy_from_slice(&choice[at..at + T]);
    let mut dots = [[0.0f64; T]; 6];
    for j in 0..a.x.n_cols() {
        // In the order of growth: the far end of the old trajectory first, its near end last.
        let (far, near) = (part::<T>(&a.other[1], j, at), part::<T>(&a.near, j, at));
        let (bf, bl, rb) = (part::<T>(&b.first, j, at), part::<T>(&b.last, j, at), part::<T>(&b.rho, j, at));
        let rho = &mut a.rho.col_mut(j)[at..at + T];
        for r in 0..T {
            let ra = rho[r];
            rho[r] = ra + rb[r];
            add_dots(&mut dots, r, [far[r], near[r], ra], [bf[r], bl[r], rb[r]]);
        }
        blend(&chosen, &b.x, &mut a.x, j, at);
        blend(&chosen, &b.g, &mut a.g, j, at);
    }
    blend_energy(&chosen, &b.e, &mut a.e, at);
    for r in 0..T {
        turned[at + r] = turns(&dots, r);
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
            swap(&turns, &mut a, &mut b);
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
