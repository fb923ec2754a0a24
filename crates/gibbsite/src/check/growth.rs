//! What the bounds of an energy say: whether exp(-E) is integrable, and in words how fast E grows.

use super::asymptotic::{Asym, BEYOND, Bound, Interval};

/// How fast an energy grows at least, and at most, on a set of points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tail {
    /// exp(-E) is integrable there.
    Converges,
    /// exp(-E) is not integrable there.
    Diverges,
    /// The bounds do not decide it.
    Open,
}

/// Decides whether `integral t^(w-1) exp(-E) dt` converges: yes if E - w log t exceeds a multiple of log t, or of any power
/// of log t, no if it is bounded above.
pub fn tail(e: &Interval, w: f64) -> Tail {
    let excess = |bound: &Asym, side: f64| bound.add(&Asym::power(0.0, 1.0, -w), side);
    if let Bound::Fin(lo) = &e.lo
        && let Some(l) = excess(lo, -1.0).leading()
        && l.c > 0.0
        && l.is_infinite()
        && !(l.p == 0.0 && l.q == 1.0 && l.c <= MARGIN)
    {
        return Tail::Converges;
    }
    match &e.hi {
        Bound::PosInf => Tail::Open,
        Bound::NegInf => Tail::Diverges,
        Bound::Fin(hi) => match excess(hi, 1.0).leading() {
            Some(l) if l.c > 0.0 && l.is_infinite() => Tail::Open,
            _ => Tail::Diverges,
        },
    }
}

/// Least excess of the factor of log t that is trusted beyond rounding.
const MARGIN: f64 = 1e-7;

/// Highest moment whose existence is looked at.
const MAX_MOMENT: u32 = 4;

/// The largest order k < 4 of a moment `integral |x|^k p(x)` that may exist, where `weight` is 1 for one coordinate and the
/// dimension of a cone in general; `None` if no limit is found.
pub fn moments(e: &Interval, weight: f64) -> Option<u32> {
    (1..=MAX_MOMENT).find(|&k| tail(e, weight + k as f64) == Tail::Diverges).map(|k| k - 1)
}

/// An upper bound of an energy that does not grow fast enough, as words.
pub fn falling(hi: &Bound, r: &str) -> String {
    match hi {
        Bound::Fin(a) => match a.leading() {
            Some(l) if l.is_infinite() && l.c < 0.0 => {
                format!("falls like -{}", describe(&Bound::Fin(a.scale(-1.0)), r))
            }
            Some(l) if l.is_infinite() => format!("grows only like {}", describe(hi, r)),
            _ => "stays bounded above".into(),
        },
        _ => "falls without bound".into(),
    }
}

/// A bound as words: "0.1 r^4", "2 log r", "more than any power of r".
pub fn describe(lo: &Bound, r: &str) -> String {
    let Bound::Fin(a) = lo else { return "an unknown rate".into() };
    let Some(l) = a.leading() else { return "0".into() };
    let number = |v: f64| {
        let text = format!("{v:.4}");
        let text = text.trim_end_matches('0').trim_end_matches('.').to_string();
        if text == "0" || text == "-0" { format!("{v:.2e}") } else { text }
    };
    if l.p >= BEYOND / 2.0 {
        return if l.c > 0.0 {
            format!("more than any power of {r}")
        } else {
            format!("minus more than any power of {r}")
        };
    }
    let c = if l.c == 1.0 { String::new() } else { format!("{} ", number(l.c)) };
    let power = match l.p {
        0.0 => String::new(),
        1.0 => r.into(),
        p => format!("{r}^{}", number(p)),
    };
    let log = match l.q {
        0.0 => String::new(),
        1.0 => format!("log {r}"),
        q => format!("(log {r})^{}", number(q)),
    };
    match (power.is_empty(), log.is_empty()) {
        (true, true) => number(l.c),
        (false, false) => format!("{c}{power} {log}"),
        _ => format!("{c}{power}{log}"),
    }
}
