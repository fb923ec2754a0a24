//! Which rows train and which are held out.

use super::schedule::shuffle;
use crate::points::Points;
use crate::rng::{Run, Streams};

/// Splits off a random share `valid` of the rows (rounded to the nearest): training rows and held-out rows, each in the
/// order of the data. It depends on the seed, the share and the number of rows only.
pub fn split(data: &Points, valid: f64, seed: u64) -> (Points, Points) {
    let n = data.n();
    let n_valid = ((valid * n as f64).round() as usize).min(n);
    let mut order = vec![0u32; n];
    shuffle(&mut Streams::new(seed, Run::Data), 0, &mut order);
    let mut rows: Vec<usize> = order.iter().map(|&i| i as usize).collect();
    let (held, kept) = rows.split_at_mut(n_valid);
    held.sort_unstable();
    kept.sort_unstable();
    (data.select(kept), data.select(held))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::points::Matrix;

    #[test]
    fn parts_are_disjoint_and_complete() {
        let data = Points::from_real(Matrix::from_fn(101, 1, |i, _| i as f64));
        let (a, b) = split(&data, 0.1, 7);
        assert_eq!((a.n(), b.n()), (91, 10));
        let mut all = [a.real.as_slice(), b.real.as_slice()].concat();
        all.sort_by(f64::total_cmp);
        assert_eq!(all, data.real.as_slice());
        assert_eq!(split(&data, 0.1, 7), (a, b.clone()));
        assert_ne!(split(&data, 0.1, 8).1, b);
    }
}
