//! Interval arithmetic: all values between two bounds.

use super::bound::Bound::{self, Fin, NegInf, PosInf};
use super::{Asym, SLACK};

/// All values between two ends, for all large t.
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    pub lo: Bound,
    pub hi: Bound,
}

impl Interval {
    pub fn new(lo: Bound, hi: Bound) -> Self {
        Self { lo, hi }
    }

    pub fn constant(c: f64) -> Self {
        Self::new(Bound::constant(c), Bound::constant(c))
    }

    pub fn between(lo: f64, hi: f64) -> Self {
        Self::new(Bound::constant(lo), Bound::constant(hi))
    }

    /// `[lo, hi] t^p`.
    pub fn power(p: f64, lo: f64, hi: f64) -> Self {
        Self::new(Fin(Asym::power(p, 0.0, lo)), Fin(Asym::power(p, 0.0, hi)))
    }

    /// The value, if it is one number for all t.
    pub fn as_constant(&self) -> Option<f64> {
        match (&self.lo, &self.hi) {
            (Fin(lo), Fin(hi)) if lo == hi => lo.as_constant(),
            _ => None,
        }
    }

    pub fn all() -> Self {
        Self { lo: NegInf, hi: PosInf }
    }

    pub fn add(&self, other: &Interval) -> Interval {
        Interval { lo: self.lo.add(&other.lo, -1.0), hi: self.hi.add(&other.hi, 1.0) }
    }

    pub fn neg(&self) -> Interval {
        Interval { lo: self.hi.neg(), hi: self.lo.neg() }
    }

    pub fn mul(&self, other: &Interval) -> Interval {
        if self.lo == self.hi && other.lo == other.hi {
            return Interval { lo: self.lo.mul(&other.lo, -1.0), hi: self.lo.mul(&other.lo, 1.0) };
        }
        let ends = |side: f64| {
            [
                self.lo.mul(&other.lo, side),
                self.lo.mul(&other.hi, side),
                self.hi.mul(&other.lo, side),
                self.hi.mul(&other.hi, side),
            ]
        };
        let ([a, b, c, d], [e, f, g, h]) = (ends(-1.0), ends(1.0));
        Interval { lo: a.min(b).min(c.min(d)), hi: e.max(f).max(g.max(h)) }
    }

    /// 1/x; everything where x may vanish inside.
    pub fn recip(&self) -> Interval {
        if self.lo.sign() > 0.0 || self.hi.sign() < 0.0 {
            return Interval { lo: self.hi.recip(-1.0), hi: self.lo.recip(1.0) };
        }
        if self.lo.sign() == 0.0 {
            return Interval { lo: self.hi.recip(-1.0), hi: PosInf };
        }
        if self.hi.sign() == 0.0 {
            return Interval { lo: NegInf, hi: self.lo.recip(1.0) };
        }
        Interval::all()
    }

    /// Sizes: the least and the largest absolute value.
    pub fn abs(&self) -> Interval {
        if self.lo.sign() >= 0.0 {
            self.clone()
        } else if self.hi.sign() <= 0.0 {
            self.neg()
        } else {
            Interval { lo: Bound::constant(0.0), hi: self.hi.clone().max(self.lo.neg()) }
        }
    }

    pub fn powi(&self, n: i32) -> Interval {
        if n == 0 {
            return Interval::constant(1.0);
        }
        if n < 0 {
            return self.powi(n.saturating_neg()).recip();
        }
        let base = if n % 2 == 0 { self.abs() } else { self.clone() };
        let end = |b: &Bound, side: f64| match n {
            // Powers of a negative number bound its size from the other side.
            _ if b.sign() < 0.0 => b.neg().power(n, -side).neg(),
            _ => b.power(n, side),
        };
        Interval { lo: end(&base.lo, -1.0), hi: end(&base.hi, 1.0) }
    }

    /// `x^r` for x >= 0.
    pub fn powf(&self, r: f64) -> Interval {
        if self.lo.sign() < 0.0 {
            return Interval::all();
        }
        if r == 0.0 {
            return Interval::constant(1.0);
        }
        if r < 0.0 {
            return self.powf(-r).recip();
        }
        Interval { lo: self.lo.pow(r, -1.0), hi: self.hi.pow(r, 1.0) }
    }

    pub fn min(&self, other: &Interval) -> Interval {
        Interval { lo: self.lo.clone().min(other.lo.clone()), hi: self.hi.clone().min(other.hi.clone()) }
    }

    pub fn max(&self, other: &Interval) -> Interval {
        Interval { lo: self.lo.clone().max(other.lo.clone()), hi: self.hi.clone().max(other.hi.clone()) }
    }

    pub fn exp(&self) -> Interval {
        Interval { lo: self.lo.exp(-1.0), hi: self.hi.exp(1.0) }
    }

    pub fn log(&self) -> Interval {
        let lo = if self.lo.sign() > 0.0 { self.lo.log(-1.0) } else { NegInf };
        Interval { lo, hi: self.hi.log(1.0) }
    }

    pub fn cosh(&self) -> Interval {
        let size = self.abs();
        let half = Interval::constant(0.5);
        let grown = size.exp().mul(&half);
        Interval { lo: grown.lo.max(Bound::constant(1.0)), hi: grown.hi.add(&Bound::constant(0.5), 1.0) }
    }

    /// sinh u lies between (e^u - 1)/2 and e^u/2 for u >= 0, and is odd.
    pub fn sinh(&self) -> Interval {
        let half = Fin(Asym::constant(0.5));
        let above = |b: &Bound| b.exp(1.0).mul(&half, 1.0);
        let below = |b: &Bound| b.exp(-1.0).add(&Bound::constant(-1.0), -1.0).mul(&half, -1.0);
        let end = |b: &Bound, side: f64| match (b.sign() >= 0.0, side > 0.0) {
            (true, true) => above(b),
            (true, false) => below(b),
            (false, true) => below(&b.neg()).neg(),
            (false, false) => above(&b.neg()).neg(),
        };
        Interval { lo: end(&self.lo, -1.0), hi: end(&self.hi, 1.0) }
    }

    /// max(u, 0) <= softplus(u) <= max(u, 0) + log 2.
    pub fn softplus(&self) -> Interval {
        let zero = Interval::constant(0.0);
        self.max(&zero).add(&Interval::between(0.0, std::f64::consts::LN_2))
    }

    /// log sum exp lies between the largest argument and that plus log n.
    pub fn log_sum_exp(args: &[&Interval]) -> Interval {
        let top = args.iter().skip(1).fold(args[0].clone(), |m, a| m.max(a));
        top.add(&Interval::between(0.0, (args.len() as f64).ln()))
    }

    /// An increasing bounded function.
    pub fn increasing(&self, f: impl Fn(f64) -> f64) -> Interval {
        let (least, most) = (f(f64::NEG_INFINITY), f(f64::INFINITY));
        let lo = (f(self.lo.limit(-1.0)) - SLACK).max(least);
        Interval::between(lo, (f(self.hi.limit(1.0)) + SLACK).min(most))
    }
}
