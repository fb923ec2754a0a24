//! Sums of powers of t and log t.

use std::cmp::Ordering;

use super::SLACK;

/// Terms kept in a bound.
const MAX_TERMS: usize = 12;
/// Relative distance below which exponents are equal: a few rounding errors.
const SAME_EXPONENT: f64 = 16.0 * f64::EPSILON;
/// Relative size of a sum of coefficients below which its sign is not known.
const CANCELLED: f64 = 1e-14;

/// `c t^p (log t)^q`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Power {
    pub p: f64,
    pub q: f64,
    pub c: f64,
}

/// Orders exponents; those that agree to rounding are equal.
fn compare_exponents(a: f64, b: f64) -> Ordering {
    if (a - b).abs() <= SAME_EXPONENT * a.abs().max(b.abs()) { Ordering::Equal } else { a.total_cmp(&b) }
}

/// The sum of two exponents, zero where they cancel to rounding.
fn add_exponents(a: f64, b: f64) -> f64 {
    let sum = a + b;
    if sum.abs() <= SAME_EXPONENT * a.abs().max(b.abs()) { 0.0 } else { sum }
}

impl Power {
    fn order(&self, other: &Power) -> Ordering {
        compare_exponents(self.p, other.p).then(compare_exponents(self.q, other.q))
    }

    /// Whether it tends to infinity in size.
    pub fn is_infinite(&self) -> bool {
        self.p > 0.0 || (self.p == 0.0 && self.q > 0.0)
    }

    pub fn is_constant(&self) -> bool {
        self.p == 0.0 && self.q == 0.0
    }
}

/// A sum of powers, largest first, without zero coefficients.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Asym(Vec<Power>);

impl Asym {
    pub fn power(p: f64, q: f64, c: f64) -> Self {
        Asym(if c == 0.0 { vec![] } else { vec![Power { p, q, c }] })
    }

    pub fn constant(c: f64) -> Self {
        Self::power(0.0, 0.0, c)
    }

    pub fn leading(&self) -> Option<&Power> {
        self.0.first()
    }

    /// The value, if it is the same for all t.
    pub fn as_constant(&self) -> Option<f64> {
        match self.0[..] {
            [] => Some(0.0),
            [only] if only.is_constant() => Some(only.c),
            _ => None,
        }
    }

    /// All but the leading term.
    pub fn rest(&self) -> Asym {
        Asym(self.0[1.min(self.0.len())..].to_vec())
    }

    /// Its sign for all large t: -1, 0 or 1.
    pub fn sign(&self) -> f64 {
        self.leading().map_or(0.0, |l| l.c.signum())
    }

    /// The sum, bounded from the side -1 or 1 where coefficients cancel to rounding; side 0 takes them for zero.
    pub fn add(&self, other: &Asym, side: f64) -> Asym {
        let (a, b) = (&self.0, &other.0);
        let mut out = Vec::with_capacity(a.len() + b.len());
        let (mut i, mut j) = (0, 0);
        while i < a.len() && j < b.len() {
            match a[i].order(&b[j]) {
                Ordering::Greater => {
                    out.push(a[i]);
                    i += 1;
                }
                Ordering::Less => {
                    out.push(b[j]);
                    j += 1;
                }
                Ordering::Equal => {
                    out.extend(add_like(&a[i], &b[j], side));
                    i += 1;
                    j += 1;
                }
            }
        }
        out.extend_from_slice(&a[i..]);
        out.extend_from_slice(&b[j..]);
        Asym(out)
    }

    pub fn scale(&self, by: f64) -> Asym {
        if by == 0.0 {
            return Asym::default();
        }
        Asym(self.0.iter().map(|t| Power { c: t.c * by, ..*t }).filter(|t| t.c != 0.0).collect())
    }

    /// The product, bounded from a side as in [`Asym::add`].
    pub fn mul(&self, other: &Asym, side: f64) -> Asym {
        let mut out = Asym::default();
        for a in &self.0 {
            let row =
                other.0.iter().map(|b| Power { p: add_exponents(a.p, b.p), q: add_exponents(a.q, b.q), c: a.c * b.c });
            out = out.add(&Asym(row.filter(|t| t.c != 0.0).collect()), side);
        }
        out
    }

    pub fn compare(&self, other: &Asym) -> Ordering {
        self.add(&other.scale(-1.0), 0.0).sign().total_cmp(&0.0)
    }

    /// A shorter bound: a lower one for `side = -1`, an upper one for `side = 1`. The tail is bounded by multiples of its
    /// first scale.
    pub fn shorten(mut self, side: f64) -> Asym {
        if self.0.len() > MAX_TERMS {
            let tail = self.0.split_off(MAX_TERMS - 1);
            let c: f64 = tail.iter().map(|t| (side * t.c).max(0.0)).sum();
            if c > 0.0 {
                self.0.push(Power { c: side * c, ..tail[0] });
            }
        }
        self
    }

    /// One power that bounds a non-zero sum, below for `side = -1` and above for `side = 1`.
    pub fn single(&self, side: f64) -> Option<Power> {
        let first = *self.leading()?;
        let exact = side * self.rest().sign() <= 0.0;
        Some(if exact { first } else { Power { c: first.c + side * SLACK * first.c.abs(), ..first } })
    }

    /// The number it tends to, moved by the slack to the side if it comes from there; infinite limits as such.
    pub fn limit(&self, side: f64) -> f64 {
        match self.leading() {
            None => 0.0,
            Some(l) if l.is_infinite() => l.c.signum() * f64::INFINITY,
            Some(l) if l.is_constant() => {
                let off = if side * self.rest().sign() > 0.0 { side * SLACK * l.c.abs() } else { 0.0 };
                l.c + off
            }
            Some(l) if side * l.c > 0.0 => side * SLACK,
            Some(_) => 0.0,
        }
    }

    /// The limit if it is finite, and what is left, which tends to zero.
    pub fn split_limit(&self) -> Option<(f64, Asym)> {
        match self.leading() {
            Some(l) if l.is_infinite() => None,
            Some(l) if l.is_constant() => Some((l.c, self.rest())),
            _ => Some((0.0, self.clone())),
        }
    }
}

/// The sum of two terms of one order.
fn add_like(a: &Power, b: &Power, side: f64) -> Option<Power> {
    let c = a.c + b.c;
    let size = a.c.abs().max(b.c.abs());
    let same_bits = a.p == b.p && a.q == b.q;
    if c == 0.0 && same_bits {
        return None;
    }
    let c = if c.abs() <= CANCELLED * size { side * CANCELLED * size } else { c };
    (c != 0.0).then_some(Power { c, ..*a })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(p: f64, c: f64) -> Asym {
        Asym::power(p, 0.0, c)
    }

    #[test]
    fn exponents_that_agree_to_rounding_are_one() {
        let product = t(0.1, 1.0).mul(&t(0.2, 1.0), -1.0);
        assert_eq!(product.add(&t(0.3, -2.0), -1.0).0.len(), 1);
        assert!(product.add(&t(0.3, -2.0), 1.0).sign() < 0.0);
        // Complete cancellation of what is equal to rounding only has no sign.
        assert!(product.add(&t(0.3, -1.0), -1.0).sign() < 0.0);
        assert!(product.add(&t(0.3, -1.0), 1.0).sign() > 0.0);
        assert_eq!(t(2.0, 1.0).add(&t(2.0, -1.0), 1.0).sign(), 0.0);
        // 0.1 + 0.2 - 0.3 = 0.
        assert_eq!(product.mul(&t(-0.3, 1.0), 1.0).as_constant(), Some(1.0));
    }

    #[test]
    fn distinct_exponents_stay_apart() {
        assert_eq!(t(0.3, 1.0).add(&t(0.300000001, -1.0), 1.0).0.len(), 2);
        assert!(t(0.3, 1.0).add(&t(0.300000001, -1.0), 1.0).sign() < 0.0);
    }
}
