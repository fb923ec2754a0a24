//! Sums of acceptance probabilities that are exact, so that they depend neither on an order nor on where blocks and pieces
//! of a run are cut.

use std::iter::Sum;
use std::ops::{AddAssign, Sub};

/// Steps of the grid to 1.
const STEPS: f64 = (1u64 << 24) as f64;

/// A probability rounded to a multiple of 2^-24, so that in an f64 sums of up to 2^29 of them are exact.
#[inline(always)]
pub(crate) fn on_grid(p: f64) -> f64 {
    // Adding and subtracting 1.5 * 2^28 rounds.
    const GRID: f64 = 402_653_184.0;
    (p + GRID) - GRID
}

/// A sum of acceptance probabilities, each a multiple of 2^-24, exact for up to 2^104 of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct AcceptSum(u128);

impl AcceptSum {
    /// The sum as a number, rounded once.
    pub fn value(self) -> f64 {
        self.0 as f64 / STEPS
    }

    /// High and low half of the sum in units of 2^-24.
    pub fn to_halves(self) -> [u64; 2] {
        [(self.0 >> 64) as u64, self.0 as u64]
    }

    /// The sum of these halves.
    pub fn from_halves([high, low]: [u64; 2]) -> Self {
        Self(u128::from(high) << 64 | u128::from(low))
    }
}

/// From a sum of at most 2^29 probabilities, each of which was rounded to the grid.
impl From<f64> for AcceptSum {
    fn from(sum: f64) -> Self {
        debug_assert!(
            sum >= 0.0 && sum * STEPS == (sum * STEPS).round(),
            "{sum} is no sum of acceptance probabilities"
        );
        Self((sum * STEPS) as u128)
    }
}

impl AddAssign for AcceptSum {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl AddAssign<f64> for AcceptSum {
    fn add_assign(&mut self, p: f64) {
        *self += Self::from(p);
    }
}

impl Sum for AcceptSum {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |mut total, part| {
            total += part;
            total
        })
    }
}

/// What an earlier sum lacks of a later one.
impl Sub for AcceptSum {
    type Output = f64;

    fn sub(self, before: Self) -> f64 {
        Self(self.0 - before.0).value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An f64 would lose the grid here: 2^31 and three steps need 55 bits.
    #[test]
    fn sums_beyond_the_digits_of_a_number_are_exact() {
        let (many, step) = (AcceptSum::from((1u64 << 28) as f64), 1.0 / STEPS);
        let mut first: AcceptSum = std::iter::repeat_n(many, 8).sum();
        let mut last = AcceptSum::default();
        (0..3).for_each(|_| first += step);
        (0..3).for_each(|_| last += step);
        (0..8).for_each(|_| last += many);
        assert_eq!(first, last);
        assert_eq!(first - std::iter::repeat_n(many, 8).sum(), 3.0 * step);
        assert_eq!(AcceptSum::from_halves(first.to_halves()), first);
        let large = AcceptSum(u128::MAX >> 8);
        assert_eq!(AcceptSum::from_halves(large.to_halves()), large);
        assert_eq!(first.value(), 2f64.powi(31));
    }

    #[test]
    fn probabilities_are_rounded_to_the_grid() {
        for p in [0.0, 1.0, 0.3, 1e-9, 0.999_999_99] {
            let near = on_grid(p);
            assert!((near - p).abs() <= 0.5 / STEPS && (near * STEPS).fract() == 0.0, "{p}");
        }
    }
}
