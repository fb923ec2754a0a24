//! Bounds that hold for all large t, written in powers of t and log t, and interval arithmetic with them.
//!
//! Sums `sum_k c_k t^{p_k} (log t)^{q_k}` are totally ordered by "eventually at most" (they lie in a Hardy field: Hardy,
//! Orders of Infinity, 1910), so interval arithmetic with such ends is as sound as interval arithmetic with numbers: if
//! every argument lies between its ends for all t beyond some T, so does the result. Exponentials enter as the powers
//! `t^1000` (a lower bound of any of them) and `t^-1000`. Coefficients are rounded to nearest; sums that cancel to 1e-14 of
//! their terms count as zero.

use std::cmp::Ordering;

/// The power that stands for faster than any power.
pub const BEYOND: f64 = 1000.0;
/// Relative slack where a sum is bounded by its first term.
const SLACK: f64 = 1e-9;
/// Terms kept in a bound.
const MAX_TERMS: usize = 12;

/// `c t^p (log t)^q`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Power {
    pub p: f64,
    pub q: f64,
    pub c: f64,
}

impl Power {
    fn order(&self, other: &Power) -> Ordering {
        self.p.total_cmp(&other.p).then(self.q.total_cmp(&other.q))
    }

    /// Whether it tends to infinity in size.
    pub fn is_infinite(&self) -> bool {
        self.p > 0.0 || (self.p == 0.0 && self.q > 0.0)
    }

    fn is_constant(&self) -> bool {
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

    fn rest(&self) -> Asym {
        Asym(self.0[1.min(self.0.len())..].to_vec())
    }

    /// Its sign for all large t: -1, 0 or 1.
    pub fn sign(&self) -> f64 {
        self.leading().map_or(0.0, |l| l.c.signum())
    }

    pub fn add(&self, other: &Asym) -> Asym {
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
                    let c = a[i].c + b[j].c;
                    if c.abs() > 1e-14 * a[i].c.abs().max(b[j].c.abs()) {
                        out.push(Power { c, ..a[i] });
                    }
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
        Asym(self.0.iter().map(|t| Power { c: t.c * by, ..*t }).collect())
    }

    fn mul(&self, other: &Asym) -> Asym {
        let mut out = Asym::default();
        for a in &self.0 {
            let row = other.0.iter().map(|b| Power { p: a.p + b.p, q: a.q + b.q, c: a.c * b.c });
            out = out.add(&Asym(row.filter(|t| t.c != 0.0).collect()));
        }
        out
    }

    pub fn compare(&self, other: &Asym) -> Ordering {
        self.add(&other.scale(-1.0)).sign().total_cmp(&0.0)
    }

    /// A shorter bound: a lower one for `side = -1`, an upper one for `side = 1`. The tail is bounded by multiples of its
    /// first scale.
    fn shorten(mut self, side: f64) -> Asym {
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
    fn single(&self, side: f64) -> Option<Power> {
        let first = *self.leading()?;
        let exact = side * self.rest().sign() <= 0.0;
        Some(if exact { first } else { Power { c: first.c + side * SLACK * first.c.abs(), ..first } })
    }

    /// The number it tends to, moved by the slack to the side if it comes from there; infinite limits as such.
    fn limit(&self, side: f64) -> f64 {
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
}

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

    fn min(self, other: Bound) -> Bound {
        if self.compare(&other).is_le() { self } else { other }
    }

    fn max(self, other: Bound) -> Bound {
        if self.compare(&other).is_ge() { self } else { other }
    }

    fn neg(&self) -> Bound {
        match self {
            NegInf => PosInf,
            Fin(a) => Fin(a.scale(-1.0)),
            PosInf => NegInf,
        }
    }

    /// The sum; where one end is unknown, so is the sum.
    fn add(&self, other: &Bound, side: f64) -> Bound {
        match (self, other) {
            (Fin(a), Fin(b)) => Fin(a.add(b).shorten(side)),
            _ if side < 0.0 => NegInf,
            _ => PosInf,
        }
    }

    fn mul(&self, other: &Bound) -> Bound {
        match (self, other) {
            (Fin(a), Fin(b)) => Fin(a.mul(b)),
            _ => match self.sign() * other.sign() {
                s if s > 0.0 => PosInf,
                s if s < 0.0 => NegInf,
                _ => Fin(Asym::default()),
            },
        }
    }

    fn shorten(self, side: f64) -> Bound {
        match self {
            Fin(a) => Fin(a.shorten(side)),
            other => other,
        }
    }

    fn limit(&self, side: f64) -> f64 {
        match self {
            NegInf => f64::NEG_INFINITY,
            Fin(a) => a.limit(side),
            PosInf => f64::INFINITY,
        }
    }

    /// A bound of the logarithm; the argument is at least 0.
    fn log(&self, side: f64) -> Bound {
        let a = match self {
            Fin(a) => a,
            other => return other.clone(),
        };
        match a.single(side) {
            Some(s) if s.c > 0.0 => {
                // (log t)^q adds q log log t, which is at most any multiple of log t.
                let loglog = if s.q * side > 0.0 { s.q * SLACK } else { 0.0 };
                Fin(Asym::power(0.0, 1.0, s.p + loglog).add(&Asym::constant(s.c.ln())))
            }
            _ => NegInf,
        }
    }

    /// A bound of the exponential.
    fn exp(&self, side: f64) -> Bound {
        let a = match self {
            NegInf => return Fin(Asym::default()),
            PosInf => return PosInf,
            Fin(a) => a,
        };
        let Some(l) = a.leading() else { return Bound::constant(1.0) };
        let up = l.c > 0.0;
        let lower = side < 0.0;
        if !l.is_infinite() {
            return Bound::constant(a.limit(side).exp());
        }
        let log_like = l.p == 0.0 && l.q <= 1.0;
        match (log_like, up, lower) {
            (false, true, true) => Fin(Asym::power(BEYOND, 0.0, 1.0)),
            (false, true, false) => PosInf,
            (false, false, true) => Fin(Asym::default()),
            (false, false, false) => Fin(Asym::power(-BEYOND, 0.0, 1.0)),
            (true, ..) => {
                let rest = if l.q == 1.0 { a.rest() } else { a.clone() };
                let power = if l.q == 1.0 { l.c } else { 0.0 };
                let k = rest.limit(side);
                // A rest that grows like a root of log t is worth less than any power of t.
                let (extra, k) = match (k.is_finite(), k > 0.0) {
                    (true, _) => (0.0, k),
                    (false, true) => (if lower { 0.0 } else { SLACK }, 0.0),
                    (false, false) => (if lower { -SLACK } else { 0.0 }, 0.0),
                };
                Fin(Asym::power(power + extra, 0.0, k.exp()))
            }
        }
    }

    /// A bound of `a^r` for a >= 0 and r > 0.
    fn pow(&self, r: f64, side: f64) -> Bound {
        match self {
            NegInf => Fin(Asym::default()),
            PosInf => PosInf,
            Fin(a) if a.sign() <= 0.0 => Fin(Asym::default()),
            // (a + b)^r <= a^r + b^r for r <= 1.
            Fin(a) if r <= 1.0 && side > 0.0 => {
                let roots = a.0.iter().filter(|t| t.c > 0.0);
                Fin(roots.fold(Asym::default(), |sum, t| sum.add(&Asym::power(t.p * r, t.q * r, t.c.powf(r)))))
            }
            Fin(a) => match a.single(side) {
                Some(s) => Fin(Asym::power(s.p * r, s.q * r, s.c.powf(r))),
                None => Fin(Asym::default()),
            },
        }
    }

    /// A bound of 1/a for a of one sign; `side` is the side of the result.
    fn recip(&self, side: f64) -> Bound {
        match self {
            Fin(a) => match a.single(-side) {
                Some(s) => Fin(Asym::power(-s.p, -s.q, 1.0 / s.c)),
                None if side < 0.0 => NegInf,
                None => PosInf,
            },
            _ => Fin(Asym::default()),
        }
    }
}

/// All values between two ends, for all large t.
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    pub lo: Bound,
    pub hi: Bound,
}

impl Interval {
    pub fn new(lo: Bound, hi: Bound) -> Self {
        Self { lo: lo.shorten(-1.0), hi: hi.shorten(1.0) }
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
            let product = self.lo.mul(&other.lo);
            return Interval::new(product.clone(), product);
        }
        let [a, b, c, d] =
            [self.lo.mul(&other.lo), self.lo.mul(&other.hi), self.hi.mul(&other.lo), self.hi.mul(&other.hi)];
        let lo = a.clone().min(b.clone()).min(c.clone().min(d.clone()));
        let hi = a.max(b).max(c.max(d));
        Interval::new(lo, hi)
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
        let end = |b: &Bound, side: f64| {
            let repeated = |b: &Bound| (1..n).fold(b.clone(), |x, _| x.mul(b).shorten(side * b.sign()));
            match n {
                1..=12 => {
                    // Shortening a negative odd power must bound its size from the other side.
                    if b.sign() < 0.0 { repeated_negative(b, n, side) } else { repeated(b) }
                }
                _ if b.sign() < 0.0 => b.neg().pow(n as f64, -side).neg(),
                _ => b.pow(n as f64, side),
            }
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
        let above = |b: &Bound| b.exp(1.0).mul(&half);
        let below = |b: &Bound| b.exp(-1.0).add(&Bound::constant(-1.0), -1.0).mul(&half);
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

/// `b^n` for b < 0 eventually, bounded on the side asked for.
fn repeated_negative(b: &Bound, n: i32, side: f64) -> Bound {
    let size = b.neg();
    let flip = if n % 2 == 0 { 1.0 } else { -1.0 };
    let power = (1..n).fold(size.clone(), |x, _| x.mul(&size).shorten(side * flip));
    if flip > 0.0 { power } else { power.neg() }
}
