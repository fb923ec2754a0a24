//! Bounds that hold for all large t, written in powers of t and log t, and interval arithmetic with them.
//!
//! Sums `sum_k c_k t^{p_k} (log t)^{q_k}` are totally ordered by "eventually at most" (they lie in a Hardy field: Hardy,
//! Orders of Infinity, 1910), so interval arithmetic with such ends is as sound as interval arithmetic with numbers: if
//! every argument lies between its ends for all t beyond some T, so does the result. Exponentials enter as the powers
//! `t^1000` (a lower bound of any of them) and `t^-1000`.
//!
//! Coefficients and exponents are rounded to nearest. Exponents that agree to rounding are equal (0.1 + 0.2 is 0.3), and a
//! coefficient that cancels to rounding is one of unknown sign: its bounds stay on both sides of zero.

mod bound;
mod interval;
mod sum;

pub use bound::Bound;
pub use interval::Interval;
pub use sum::Asym;

/// The power that stands for faster than any power.
pub const BEYOND: f64 = 1000.0;
/// Relative slack where a sum is bounded by its first term.
const SLACK: f64 = 1e-9;
