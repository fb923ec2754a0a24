//! What the betas of a ladder, and those of a path, must be.

use thiserror::Error;

/// Why betas do not lead from a reference to a target.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum BetasError {
    /// There are fewer than two.
    #[error("the betas must rise from 0 to 1, which takes 2 of them at least, not {n}")]
    TooFew {
        /// How many there are.
        n: usize,
    },
    /// They do not begin with 0.
    #[error("the betas must rise from 0 to 1, but the first of them is {beta}")]
    First {
        /// The first.
        beta: f64,
    },
    /// One is no larger than the one before it.
    #[error("the betas must rise from 0 to 1, but number {number} of them is {beta} after {before}")]
    Falls {
        /// Which one, the first being number 1.
        number: usize,
        /// The one before it.
        before: f64,
        /// What it is.
        beta: f64,
    },
    /// They do not end with 1.
    #[error("the betas must rise from 0 to 1, but the last of them is {beta}")]
    Last {
        /// The last.
        beta: f64,
    },
}

/// Whether `0 = beta_0 < beta_1 < ... < beta_{K-1} = 1`.
///
/// # Errors
/// [`BetasError`], the first thing that is wrong.
pub fn check_betas(betas: &[f64]) -> Result<(), BetasError> {
    let (first, last) = match betas {
        [first, .., last] => (*first, *last),
        few => return Err(BetasError::TooFew { n: few.len() }),
    };
    if first != 0.0 {
        return Err(BetasError::First { beta: first });
    }
    // Nothing is smaller or larger than a NaN.
    if let Some(k) = (1..betas.len()).find(|k| !(betas[k - 1] < betas[*k])) {
        return Err(BetasError::Falls { number: k + 1, before: betas[k - 1], beta: betas[k] });
    }
    if last == 1.0 { Ok(()) } else { Err(BetasError::Last { beta: last }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn betas_rise_from_0_to_1() {
        for good in [&[0.0, 1.0][..], &[0.0, 0.1, 1.0]] {
            assert_eq!(check_betas(good), Ok(()));
        }
        for (bad, says) in [
            (&[][..], "which takes 2 of them at least, not 0"),
            (&[0.0], "not 1"),
            (&[0.1, 1.0], "but the first of them is 0.1"),
            (&[0.0, 0.5], "but the last of them is 0.5"),
            (&[0.0, 2.0], "but the last of them is 2"),
            (&[0.0, 0.7, 0.5, 1.0], "but number 3 of them is 0.5 after 0.7"),
            (&[0.0, 0.5, 0.5, 1.0], "but number 3 of them is 0.5 after 0.5"),
            (&[0.0, f64::NAN, 1.0], "but number 2 of them is NaN after 0"),
        ] {
            let why = check_betas(bad).unwrap_err().to_string();
            assert!(why.starts_with("the betas must rise from 0 to 1, ") && why.ends_with(says), "{why}");
        }
    }
}
