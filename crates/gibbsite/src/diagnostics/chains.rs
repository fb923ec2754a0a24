//! The draws of one scalar quantity, and the transformations every diagnostic starts from: splitting, ordering,
//! rank-normalising, folding, and quantiles.

use super::special::normal_quantile;
use crate::simd::{simd_fn, sum};

/// Fewest draws per chain for which R-hat, effective sample sizes and their errors are defined.
pub const MIN_DRAWS: usize = 4;

/// Finite draws `(chain, draw)` of one scalar, chain after chain.
#[derive(Clone)]
pub(super) struct Draws {
    pub(super) values: Vec<f64>,
    pub(super) n_draws: usize,
}

/// All draws in increasing order, with their places in [`Draws::values`].
pub(super) struct Order {
    pub(super) sorted: Vec<f64>,
    place: Vec<u32>,
}

impl Draws {
    /// Copies the chains; `None` if a draw is not finite or a chain has fewer than [`MIN_DRAWS`].
    ///
    /// # Panics
    /// If the chains differ in length, or there are 2^32 draws or more.
    pub(super) fn gather<C: AsRef<[f64]>>(chains: &[C]) -> Option<Self> {
        let n_draws = chains.first()?.as_ref().len();
        for chain in chains {
            assert_eq!(chain.as_ref().len(), n_draws, "chains must have the same number of draws");
        }
        assert!((n_draws * chains.len()) < u32::MAX as usize, "too many draws of one quantity");
        let finite = chains.iter().all(|c| c.as_ref().iter().all(|v| v.is_finite()));
        if !finite || n_draws < MIN_DRAWS {
            return None;
        }
        let values = chains.iter().flat_map(|c| c.as_ref()).copied().collect();
        Some(Self { values, n_draws })
    }

    /// The chains.
    pub(super) fn chains(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.n_draws)
    }

    /// The same shape with `f` of every draw.
    pub(super) fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self { values: self.values.iter().map(|v| f(*v)).collect(), n_draws: self.n_draws }
    }

    /// Every chain cut into its first and last half; the middle draw of an odd number is left out.
    pub(super) fn split(mut self) -> Self {
        let half = self.n_draws / 2;
        if self.n_draws % 2 == 1 {
            let mut i = 0;
            self.values.retain(|_| {
                i += 1;
                (i - 1) % self.n_draws != half
            });
        }
        self.n_draws = half;
        self
    }

    /// Sorts the draws.
    pub(super) fn order(&self) -> Order {
        let place = sorted_places(&self.values);
        Order { sorted: place.iter().map(|i| self.values[*i as usize]).collect(), place }
    }

    /// Which draws are at or below the quantile of probability `p`, as 1 and 0, split.
    ///
    /// When the quantile is the largest draw, "below" replaces "at or below", so that an atom at the top of a discrete
    /// quantity does not make the indicator constant.
    pub(super) fn below_quantile(&self, order: &Order, p: f64) -> Self {
        let n = order.sorted.len();
        let p = if p == 1.0 { (n as f64 - 0.5) / n as f64 } else { p };
        let q = order.quantile(p);
        if q < order.sorted[n - 1] {
            self.map(|v| f64::from(v <= q)).split()
        } else {
            self.map(|v| f64::from(v < q)).split()
        }
    }
}

/// An unsigned integer that sorts as the float does; both zeros are equal.
fn sort_key(v: f64) -> u64 {
    let bits = (v + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// The places of the values in increasing order, equal values in the order given.
///
/// The 32 leading bits in which the keys differ are sorted as digits of eleven bits from the lowest, each packed with its
/// place; the few runs that agree in those are then sorted by comparison.
fn sorted_places(values: &[f64]) -> Vec<u32> {
    const BITS: usize = 11;
    let keys = values.iter().map(|v| sort_key(*v));
    let (min, max) = keys.clone().fold((u64::MAX, 0), |(lo, hi), k| (lo.min(k), hi.max(k)));
    let shift = 32u32.saturating_sub(max.saturating_sub(min).leading_zeros());
    let mut from: Vec<u64> = keys.zip(0u64..).map(|(key, place)| ((key - min) >> shift) << 32 | place).collect();
    let mut to = vec![0; from.len()];
    for pass in 0..32usize.div_ceil(BITS) {
        let digit = |packed: u64| (packed >> (32 + pass * BITS)) as usize & ((1 << BITS) - 1);
        let mut ends = [0usize; 1 << BITS];
        from.iter().for_each(|p| ends[digit(*p)] += 1);
        let mut start = 0;
        for end in &mut ends {
            (*end, start) = (start, start + *end);
        }
        for packed in &from {
            let at = &mut ends[digit(*packed)];
            to[*at] = *packed;
            *at += 1;
        }
        std::mem::swap(&mut from, &mut to);
    }
    let mut places: Vec<u32> = from.iter().map(|p| *p as u32).collect();
    let mut start = 0;
    for run in from.chunk_by(|a, b| a >> 32 == b >> 32) {
        if shift > 0 && run.len() > 1 {
            places[start..start + run.len()].sort_by_key(|i| sort_key(values[*i as usize]));
        }
        start += run.len();
    }
    places
}

impl Order {
    /// Quantile of probability `p` in [0, 1] by linear interpolation, type 7 of Hyndman and Fan (1996).
    pub(super) fn quantile(&self, p: f64) -> f64 {
        let last = self.sorted.len() - 1;
        let at = last as f64 * p;
        let lo = (at.floor() as usize).min(last);
        let (a, b) = (self.sorted[lo], self.sorted[(lo + 1).min(last)]);
        let h = at - lo as f64;
        if h == 0.0 || a == b { a } else { (1.0 - h) * a + h * b }
    }

    /// The median as the mean of the two middle draws.
    pub(super) fn median(&self) -> f64 {
        let n = self.sorted.len();
        if n % 2 == 1 { self.sorted[n / 2] } else { 0.5 * self.sorted[n / 2 - 1] + 0.5 * self.sorted[n / 2] }
    }

    /// The order of |x - median|: the draws below and above the median, merged outwards.
    pub(super) fn folded(&self) -> Self {
        let median = self.median();
        let n = self.sorted.len();
        let mut up = self.sorted.partition_point(|v| *v < median);
        let mut down = up;
        let mut folded = Self { sorted: Vec::with_capacity(n), place: Vec::with_capacity(n) };
        while folded.sorted.len() < n {
            let below = if down > 0 { median - self.sorted[down - 1] } else { f64::INFINITY };
            let above = if up < n { self.sorted[up] - median } else { f64::INFINITY };
            let from = if up == n || (down > 0 && below < above) {
                down -= 1;
                folded.sorted.push(below);
                down
            } else {
                up += 1;
                folded.sorted.push(above);
                up - 1
            };
            folded.place.push(self.place[from]);
        }
        folded
    }

    /// The bin among `n_bins` equal ones that holds the rank of each draw, in the order of [`Draws::values`]; ties share their
    /// average rank.
    pub(super) fn bins_of_ranks(&self, n_bins: usize) -> Vec<u32> {
        let n = self.sorted.len();
        let mut bins = vec![0; n];
        let mut start = 0;
        for tied in self.sorted.chunk_by(|a, b| a == b) {
            // Twice the average of the ranks start + 1/2, start + 3/2, ..., so that whole numbers decide.
            let twice = 2 * start + tied.len();
            let bin = (twice * n_bins / (2 * n)) as u32;
            self.place[start..start + tied.len()].iter().for_each(|p| bins[*p as usize] = bin);
            start += tied.len();
        }
        bins
    }

    /// Split chains of z = Phi^-1((r - 3/8) / (S + 1/4)), where r is the rank of a draw among the S split draws and ties
    /// share their average rank (Blom 1958; Vehtari et al. 2021, eq. 14). `n_draws` is the length of the unsplit chains.
    pub(super) fn rank_normalised(&self, n_draws: usize, scores: &NormalScores) -> Draws {
        let mut values = vec![0.0; scores.size()];
        // In the kept draws' order: runs of equal values, each at one rank.
        let dropped = |place: u32| n_draws % 2 == 1 && place as usize % n_draws == n_draws / 2;
        let split_place = |place: u32| match n_draws % 2 {
            0 => place as usize,
            _ => place as usize - (place as usize + n_draws - n_draws / 2 - 1) / n_draws,
        };
        let (mut start, mut rank) = (0, 0);
        while start < self.sorted.len() {
            let tied = self.sorted[start..].iter().take_while(|v| **v == self.sorted[start]).count();
            let places = &self.place[start..start + tied];
            let n_kept = places.iter().filter(|p| !dropped(**p)).count();
            if n_kept > 0 {
                let z = scores.at(rank, n_kept);
                places.iter().filter(|p| !dropped(**p)).for_each(|p| values[split_place(*p)] = z);
            }
            rank += n_kept;
            start += tied;
        }
        Draws { values, n_draws: n_draws / 2 }
    }
}

/// Normal scores of the ranks of S draws, computed once for several rankings.
pub(super) struct NormalScores {
    size: f64,
    lower_half: Vec<f64>,
}

impl NormalScores {
    /// For the split chains of draws of this shape.
    pub(super) fn new(draws: &Draws) -> Self {
        let n_chains = draws.values.len() / draws.n_draws;
        let size = 2 * n_chains * (draws.n_draws / 2);
        let mut scores = Self { size: size as f64, lower_half: Vec::new() };
        scores.lower_half = (1..=size / 2).map(|r| scores.quantile(r as f64)).collect();
        scores
    }

    fn size(&self) -> usize {
        2 * self.lower_half.len()
    }

    fn quantile(&self, rank: f64) -> f64 {
        normal_quantile((rank - 0.375) / (self.size + 0.25))
    }

    /// The score of the `n_tied` draws after the first `rank`.
    fn at(&self, rank: usize, n_tied: usize) -> f64 {
        let half = self.lower_half.len();
        match n_tied {
            1 if rank < half => self.lower_half[rank],
            1 => -self.lower_half[2 * half - 1 - rank],
            _ => self.quantile(rank as f64 + 0.5 * (n_tied as f64 + 1.0)),
        }
    }
}

simd_fn! {
    /// `sum_i (x_i - centre)` in a fixed order.
    fn sum_deviations(x: &[f64], centre: f64) -> f64 {
        let chunks = x.chunks_exact(8);
        let mut rest = 0.0;
        chunks.remainder().iter().for_each(|v| rest += v - centre);
        let mut lanes = [0.0f64; 8];
        for c in chunks {
            for l in 0..8 {
                lanes[l] += c[l] - centre;
            }
        }
        rest + sum(&lanes)
    }
}

simd_fn! {
    /// `sum_i (x_i - centre)^2` in a fixed order.
    fn sum_squared_deviations(x: &[f64], centre: f64) -> f64 {
        let chunks = x.chunks_exact(8);
        let mut rest = 0.0;
        chunks.remainder().iter().for_each(|v| rest += (v - centre) * (v - centre));
        let mut lanes = [0.0f64; 8];
        for c in chunks {
            for l in 0..8 {
                lanes[l] += (c[l] - centre) * (c[l] - centre);
            }
        }
        rest + sum(&lanes)
    }
}

/// Mean, NaN of nothing; exact when all values are equal.
pub(super) fn mean(x: &[f64]) -> f64 {
    let first = x.first().copied().unwrap_or(f64::NAN);
    first + sum_deviations(x, first) / x.len() as f64
}

/// Sample variance with the divisor n - 1; exactly 0 when all values are equal.
pub(super) fn variance(x: &[f64]) -> f64 {
    sum_squared_deviations(x, mean(x)) / (x.len() as f64 - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(values: &[f64], n_draws: usize) -> Draws {
        Draws { values: values.to_vec(), n_draws }
    }

    #[test]
    fn split_leaves_out_the_middle_draw() {
        let d = draws(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0], 5).split();
        assert_eq!((d.n_draws, d.values.as_slice()), (2, &[1.0, 2.0, 4.0, 5.0, 6.0, 7.0, 9.0, 10.0][..]));
    }

    #[test]
    fn order_is_a_sort() {
        // Spread over magnitudes; in a range so narrow that leading bits agree; tied; alone.
        let wide = |i: u64| ((i * 2_654_435_761 % 1009) as f64 - 500.0).powi(15);
        let narrow = |i: u64| 1.0 + (i * 2_654_435_761 % 1009) as f64 * f64::EPSILON;
        let outlier = |i: u64| if i == 7 { -1e300 } else { narrow(i) };
        let tied = |i: u64| (i % 3) as f64 - 1.0;
        let shapes: [&dyn Fn(u64) -> f64; 4] = [&wide, &narrow, &outlier, &tied];
        for f in shapes {
            for n in [1, 2, 500] {
                let values: Vec<f64> = (0..n).map(f).collect();
                let mut expected = values.clone();
                expected.sort_by(f64::total_cmp);
                let order = draws(&values, n as usize).order();
                assert_eq!(order.sorted, expected);
                assert!(order.place.windows(2).zip(expected.windows(2)).all(|(p, v)| v[0] < v[1] || p[0] < p[1]));
            }
        }
    }

    #[test]
    fn ties_share_their_average_rank() {
        let d = draws(&[3.0, -0.0, 0.0, 5.0], 4);
        let z = d.order().rank_normalised(4, &NormalScores::new(&d)).values;
        let of = |r: f64| normal_quantile((r - 0.375) / 4.25);
        assert_eq!(z, [of(3.0), of(1.5), of(1.5), of(4.0)]);
    }

    /// Ranks of an odd number of draws are among the draws that are kept, and the merge sorts like a sort.
    #[test]
    fn folded_order_is_the_order_of_the_folded_draws() {
        let values: Vec<f64> = (0..35).map(|i| ((i * i * 7) % 23) as f64 - 9.0).collect();
        let d = draws(&values, 7);
        let order = d.order();
        let median = order.median();
        let direct = d.map(|v| (v - median).abs());
        assert_eq!(order.folded().sorted, direct.order().sorted);
        let after_split = direct.clone().split();
        assert_eq!(order.folded().rank_normalised(7, &NormalScores::new(&d)).values, after_split_ranks(&after_split));
    }

    fn after_split_ranks(split: &Draws) -> Vec<f64> {
        let n = split.values.len() as f64;
        let z = |v: &f64| {
            let below = split.values.iter().filter(|w| *w < v).count() as f64;
            let equal = split.values.iter().filter(|w| *w == v).count() as f64;
            normal_quantile((below + 0.5 * (equal + 1.0) - 0.375) / (n + 0.25))
        };
        split.values.iter().map(z).collect()
    }

    #[test]
    fn quantile_type_seven() {
        let order = draws(&[4.0, 1.0, 3.0, 2.0], 4).order();
        assert_eq!([0.0, 0.25, 0.5, 1.0].map(|p| order.quantile(p)), [1.0, 1.75, 2.5, 4.0]);
        assert_eq!(order.median(), 2.5);
    }
}
