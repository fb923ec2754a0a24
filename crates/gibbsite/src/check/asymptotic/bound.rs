//! One-sided bounds: a sum of powers, or an infinity.

use std::cmp::Ordering;

use super::sum::Power;
use super::{Asym, BEYOND, SLACK};

/// An end of an interval.
#[derive(Clone, Debug, PartialEq)]
pub enum Bound {
    NegInf,
    Fin(Asym),
    PosInf,
}

use Bound::{Fin, NegInf, PosInf};

impl Bound {
    pub fn constant(c: f64) -> Self {
        match c {
            f64::INFINITY => PosInf,
            f64::NEG_INFINITY => NegInf,
            c => Fin(Asym::constant(c)),
        }
    }

    pub fn sign(&self) -> f64 {
        match self {
            NegInf => -1.0,
            Fin(a) => a.sign(),
            PosInf => 1.0,
        }
    }

    pub fn compare(&self, other: &Bound) -> Ordering {
        match (self, other) {
            (Fin(a), Fin(b)) => a.compare(b),
            (NegInf, NegInf) | (PosInf, PosInf) => Ordering::Equal,
            (NegInf, _) | (_, PosInf) => Ordering::Less,
            _ => Ordering::Greater,
        }
    }

    pub fn min(self, other: Bound) -> Bound {
        if self.compare(&other).is_le() { self } else { other }
    }

    pub fn max(self, other: Bound) -> Bound {
        if self.compare(&other).is_ge() { self } else { other }
    }

    pub fn neg(&self) -> Bound {
        match self {
            NegInf => PosInf,
            Fin(a) => Fin(a.scale(-1.0)),
            PosInf => NegInf,
        }
    }

    /// The sum; where one end is unknown, so is the sum.
    pub fn add(&self, other: &Bound, side: f64) -> Bound {
        match (self, other) {
            (Fin(a), Fin(b)) => Fin(a.add(b, side).shorten(side)),
            _ if side < 0.0 => NegInf,
            _ => PosInf,
        }
    }

    /// The product of two ends, as a bound from the side.
    pub fn mul(&self, other: &Bound, side: f64) -> Bound {
        match (self, other) {
            (Fin(a), Fin(b)) => Fin(a.mul(b, side).shorten(side)),
            _ => match self.sign() * other.sign() {
                s if s > 0.0 => PosInf,
                s if s < 0.0 => NegInf,
                _ => Fin(Asym::default()),
            },
        }
    }

    pub fn limit(&self, side: f64) -> f64 {
        match self {
            NegInf => f64::NEG_INFINITY,
            Fin(a) => a.limit(side),
            PosInf => f64::INFINITY,
        }
    }

    /// A bound of the logarithm; the argument is at least 0.
    pub fn log(&self, side: f64) -> Bound {
        let a = match self {
            Fin(a) => a,
            other => return other.clone(),
        };
        let Some((lead, small)) = relative(a).filter(|(lead, _)| lead.c > 0.0) else { return NegInf };
        let of_lead = |l: &Power| Asym::power(0.0, 1.0, l.p).add(&Asym::constant(l.c.ln()), side);
        if lead.q == 0.0 {
            // e - e^2 <= log(1 + e) <= e for small e.
            let correction = if side > 0.0 { small } else { with_square(&small, -1.0, side) };
            return Fin(of_lead(&lead).add(&correction, side).shorten(side));
        }
        match a.single(side) {
            // (log t)^q adds q log log t, which is at most any multiple of log t.
            Some(s) => {
                let loglog = if s.q * side > 0.0 { s.q * SLACK } else { 0.0 };
                Fin(of_lead(&Power { p: s.p + loglog, ..s }))
            }
            None => NegInf,
        }
    }

    /// A bound of the exponential.
    pub fn exp(&self, side: f64) -> Bound {
        let a = match self {
            NegInf => return Fin(Asym::default()),
            PosInf => return PosInf,
            Fin(a) => a,
        };
        let Some(l) = a.leading() else { return Bound::constant(1.0) };
        let log_like = l.p == 0.0 && l.q <= 1.0;
        let (power, rest) = match (l.is_infinite(), log_like) {
            (true, false) => {
                return match (l.c > 0.0, side < 0.0) {
                    (true, true) => Fin(Asym::power(BEYOND, 0.0, 1.0)),
                    (true, false) => PosInf,
                    (false, true) => Fin(Asym::default()),
                    (false, false) => Fin(Asym::power(-BEYOND, 0.0, 1.0)),
                };
            }
            (true, true) if l.q == 1.0 => (l.c, a.rest()),
            _ => (0.0, a.clone()),
        };
        match rest.split_limit() {
            // 1 + e <= exp(e) <= 1 + e + e^2 for small e.
            Some((k, small)) => {
                let square = if side > 0.0 { 1.0 } else { 0.0 };
                let near_one = Asym::constant(1.0).add(&with_square(&small, square, side), side);
                let k = k.exp();
                match k {
                    f64::INFINITY => PosInf,
                    // Too small for a number, but positive.
                    0.0 if side > 0.0 => Fin(Asym::power(power, 0.0, f64::MIN_POSITIVE)),
                    k => Fin(near_one.mul(&Asym::power(power, 0.0, k), side).shorten(side)),
                }
            }
            // A rest that grows like a root of log t is worth less than any power of t.
            None => {
                let extra = match rest.sign() > 0.0 {
                    true if side > 0.0 => SLACK,
                    false if side < 0.0 => -SLACK,
                    _ => 0.0,
                };
                Fin(Asym::power(power + extra, 0.0, 1.0))
            }
        }
    }

    /// A bound of `a^r` for a >= 0 and r > 0.
    pub fn pow(&self, r: f64, side: f64) -> Bound {
        let a = match self {
            NegInf => return Fin(Asym::default()),
            PosInf => return PosInf,
            Fin(a) => a,
        };
        let Some((lead, small)) = relative(a).filter(|(lead, _)| lead.c > 0.0) else { return Fin(Asym::default()) };
        // 1 + r e bounds (1 + e)^r from above for r <= 1 and from below for r >= 1 (Bernoulli); twice the next term of the
        // series is enough on the other side, for small e.
        let of_lead = Asym::power(lead.p * r, lead.q * r, lead.c.powf(r));
        let curved = side * (r - 1.0) > 0.0;
        let square = if curved { (r - 1.0).abs() * side } else { 0.0 };
        let near_one = Asym::constant(1.0).add(&with_square(&small, square, side).scale(r), side);
        Fin(near_one.mul(&of_lead, side).shorten(side))
    }

    /// A bound of `a^n` for a >= 0 and n > 0.
    pub fn power(&self, n: i32, side: f64) -> Bound {
        match n {
            1..=12 => (1..n).fold(self.clone(), |x, _| x.mul(self, side)),
            _ => self.pow(n as f64, side),
        }
    }

    /// A bound of 1/a for a of one sign; `side` is the side of the result.
    pub fn recip(&self, side: f64) -> Bound {
        let Fin(a) = self else { return Fin(Asym::default()) };
        match relative(a) {
            Some((lead, small)) if lead.c > 0.0 => Fin(recip_positive(lead, &small, side)),
            Some((lead, small)) => Fin(recip_positive(Power { c: -lead.c, ..lead }, &small, -side).scale(-1.0)),
            None if side < 0.0 => NegInf,
            None => PosInf,
        }
    }
}

/// `a = lead (1 + e)`: the leading term and e, which tends to zero.
fn relative(a: &Asym) -> Option<(Power, Asym)> {
    let lead = *a.leading()?;
    let inverse = Asym::power(-lead.p, -lead.q, 1.0 / lead.c);
    Some((lead, a.rest().mul(&inverse, 0.0)))
}

/// `e + k e^2`, bounded from a side.
fn with_square(e: &Asym, k: f64, side: f64) -> Asym {
    if k == 0.0 || e.leading().is_none() {
        return e.clone();
    }
    e.add(&e.mul(e, k.signum() * side).scale(k), side).shorten(side)
}

/// 1 - e <= 1/(1 + e) <= 1 - e + 2 e^2 for small e.
fn recip_positive(lead: Power, small: &Asym, side: f64) -> Asym {
    let square = if side > 0.0 { 2.0 } else { 0.0 };
    let near_one = Asym::constant(1.0).add(&with_square(&small.scale(-1.0), square, side), side);
    near_one.mul(&Asym::power(-lead.p, -lead.q, 1.0 / lead.c), side).shorten(side)
}
