//! What holds for an expression on the whole support: its range, and whether it is bounded on every bounded set.

use crate::energy::formula::function::Function;
use crate::energy::formula::graph::{Graph, Id, Node};
use crate::points::Support;

/// Facts about one node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Facts {
    /// A lower bound on the whole support, possibly `-inf`.
    pub lo: f64,
    /// An upper bound on the whole support, possibly `inf`.
    pub hi: f64,
    /// On every bounded set it has a positive lower bound.
    pub positive: bool,
    /// On every bounded set it is bounded below.
    pub below: bool,
    /// On every bounded set it is bounded above.
    pub above: bool,
    /// It is a number or an infinity everywhere, up to a set of measure zero.
    pub defined: bool,
    /// It is a number everywhere, up to a set of measure zero.
    pub finite: bool,
    /// Analytic, hence zero everywhere or on a set of measure zero.
    pub analytic: bool,
    /// Its zeros have measure zero.
    pub null_zeros: bool,
}

impl Facts {
    fn new(lo: f64, hi: f64) -> Self {
        let defined = !lo.is_nan() && !hi.is_nan();
        Self {
            lo,
            hi,
            positive: lo > 0.0,
            below: true,
            above: true,
            defined,
            finite: defined,
            analytic: true,
            null_zeros: lo < hi || lo != 0.0,
        }
    }

    fn unknown() -> Self {
        Self {
            lo: f64::NEG_INFINITY,
            hi: f64::INFINITY,
            positive: false,
            below: false,
            above: false,
            defined: false,
            finite: false,
            analytic: false,
            null_zeros: false,
        }
    }

    /// Whether it is bounded on every bounded set.
    pub fn bounded(&self) -> bool {
        self.below && self.above
    }
}

/// 0 * inf = 0: the bound of a product one factor of which is zero.
fn times(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 { 0.0 } else { a * b }
}

/// Facts about every node that `roots` need, by id; supports are taken with their ends.
pub fn facts(graph: &Graph, roots: &[Id], supports: &[Support]) -> Vec<Facts> {
    let mut all = vec![Facts::unknown(); graph.len()];
    for id in graph.schedule(roots) {
        all[id as usize] = fact(graph.node(id), &all, supports);
    }
    all
}

/// Facts about one expression.
pub fn facts_of(graph: &Graph, root: Id, supports: &[Support]) -> Facts {
    facts(graph, &[root], supports)[root as usize]
}

fn fact(node: &Node, all: &[Facts], supports: &[Support]) -> Facts {
    let f = derived(node, all, supports);
    Facts { finite: f.defined && (f.finite || (f.lo.is_finite() && f.hi.is_finite())), ..f }
}

fn derived(node: &Node, all: &[Facts], supports: &[Support]) -> Facts {
    let at = |id: &Id| all[*id as usize];
    match node {
        Node::Const(bits) => {
            let c = f64::from_bits(*bits);
            if c.is_finite() { Facts::new(c, c) } else { Facts::unknown() }
        }
        Node::X(j) => Facts::new(supports[*j as usize].lower(), supports[*j as usize].upper()),
        Node::Theta(_) | Node::V(_) => Facts::unknown(),
        Node::Add(a, b) => add(at(a), at(b)),
        Node::Mul(a, b) => mul(at(a), at(b)),
        Node::Div(a, b) => mul(at(a), recip(at(b))),
        Node::PowI(a, n) => powi(at(a), *n),
        Node::Pow(a, b) => {
            let (a, b) = (at(a), at(b));
            if b.lo == b.hi && b.lo > 0.0 && a.lo >= 0.0 {
                Facts { lo: a.lo.powf(b.lo), hi: a.hi.powf(b.lo), ..a }
            } else if a.positive || (a.lo >= 0.0 && a.null_zeros) {
                exp(mul(b, log(a)))
            } else {
                Facts::unknown()
            }
        }
        Node::Min(a, b) => pick(at(a), at(b), f64::min),
        Node::Max(a, b) => pick(at(a), at(b), f64::max),
        Node::Below(..) => Facts { analytic: false, null_zeros: false, ..Facts::new(0.0, 1.0) },
        Node::Call(function, a) => call(*function, at(a)),
        Node::Poly(a, c) => {
            let a = at(a);
            c.iter().enumerate().fold(Facts::new(0.0, 0.0), |sum, (k, c)| match at(c) {
                c if c.lo == 0.0 && c.hi == 0.0 => sum,
                c => add(sum, mul(c, powi(a, k as i32))),
            })
        }
        Node::LogSumExp(args) => {
            let first = at(&args[0]);
            let top = args[1..].iter().fold(first, |m, a| pick(m, at(a), f64::max));
            Facts { hi: top.hi + (args.len() as f64).ln(), ..top }
        }
    }
}

fn pick(a: Facts, b: Facts, f: fn(f64, f64) -> f64) -> Facts {
    let max = f(0.0, 1.0) == 1.0;
    Facts {
        lo: f(a.lo, b.lo),
        hi: f(a.hi, b.hi),
        positive: if max { a.positive || b.positive } else { a.positive && b.positive },
        below: if max { a.below || b.below } else { a.below && b.below },
        above: if max { a.above && b.above } else { a.above || b.above },
        defined: a.defined && b.defined,
        finite: a.finite && b.finite,
        analytic: false,
        null_zeros: false,
    }
}

fn add(a: Facts, b: Facts) -> Facts {
    // inf - inf bounds nothing.
    let or = |v: f64, none: f64| if v.is_nan() { none } else { v };
    let analytic = a.analytic && b.analytic;
    Facts {
        lo: or(a.lo + b.lo, f64::NEG_INFINITY),
        hi: or(a.hi + b.hi, f64::INFINITY),
        positive: (a.positive && b.lo >= 0.0) || (b.positive && a.lo >= 0.0) || a.lo + b.lo > 0.0,
        below: a.below && b.below,
        above: a.above && b.above,
        // inf - inf is not a number.
        defined: a.defined && b.defined && (a.finite || b.finite),
        finite: a.finite && b.finite,
        analytic,
        null_zeros: analytic && (a.lo < a.hi || b.lo < b.hi || a.lo + b.lo != 0.0),
    }
}

fn mul(a: Facts, b: Facts) -> Facts {
    let ends = [times(a.lo, b.lo), times(a.lo, b.hi), times(a.hi, b.lo), times(a.hi, b.hi)];
    let lo = ends.iter().copied().fold(f64::INFINITY, f64::min);
    let hi = ends.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let bounded = a.bounded() && b.bounded();
    Facts {
        lo,
        hi,
        positive: a.positive && b.positive,
        below: bounded || lo > f64::NEG_INFINITY || one_sided(a, b) || one_sided(b, a),
        above: bounded || hi < f64::INFINITY || one_sided(neg(a), b) || one_sided(neg(b), a),
        // 0 * inf is not a number.
        defined: a.defined && b.defined && (a.finite || b.null_zeros) && (b.finite || a.null_zeros),
        finite: a.finite && b.finite,
        analytic: a.analytic && b.analytic,
        null_zeros: a.null_zeros && b.null_zeros,
    }
}

/// a b is bounded below on bounded sets where a is and b is a number of fixed sign: a constant times a half-bounded one.
fn one_sided(a: Facts, b: Facts) -> bool {
    b.lo == b.hi && ((b.lo >= 0.0 && a.below) || (b.lo <= 0.0 && a.above))
}

fn neg(a: Facts) -> Facts {
    Facts { lo: -a.hi, hi: -a.lo, positive: a.hi < 0.0, below: a.above, above: a.below, ..a }
}

fn recip(a: Facts) -> Facts {
    if a.positive || a.lo > 0.0 {
        return Facts {
            lo: if a.hi.is_finite() { 1.0 / a.hi } else { 0.0 },
            hi: if a.lo > 0.0 { 1.0 / a.lo } else { f64::INFINITY },
            positive: a.above,
            below: true,
            above: a.positive,
            // 1/inf is zero.
            null_zeros: a.finite,
            ..a
        };
    }
    if a.hi < 0.0 {
        return neg(recip(neg(a)));
    }
    if a.lo >= 0.0 {
        // Zero is reached, where the reciprocal is +inf.
        let null_zeros = a.finite;
        let (finite, positive) = (a.finite && a.null_zeros, a.above);
        let (lo, hi) = (0.0, f64::INFINITY);
        return Facts { lo, hi, positive, below: true, above: false, finite, null_zeros, analytic: false, ..a };
    }
    // On both sides of zero: no value at zero.
    let defined = a.defined && a.null_zeros;
    Facts { defined, finite: defined && a.finite, null_zeros: a.finite, ..Facts::unknown() }
}

fn powi(a: Facts, n: i32) -> Facts {
    if n == 0 {
        return Facts::new(1.0, 1.0);
    }
    if n < 0 {
        return recip(powi(a, n.saturating_neg()));
    }
    if n % 2 == 1 {
        return Facts { lo: a.lo.powi(n), hi: a.hi.powi(n), ..a };
    }
    let size = abs(a);
    Facts { lo: size.lo.powi(n), hi: size.hi.powi(n), analytic: a.analytic, ..size }
}

fn abs(a: Facts) -> Facts {
    if a.lo >= 0.0 {
        return a;
    }
    if a.hi <= 0.0 {
        return neg(a);
    }
    let above = a.bounded();
    Facts { lo: 0.0, hi: a.hi.max(-a.lo), positive: false, below: true, above, analytic: false, ..a }
}

fn exp(a: Facts) -> Facts {
    let null_zeros = a.finite || a.lo > f64::NEG_INFINITY;
    Facts { lo: a.lo.exp(), hi: a.hi.exp(), positive: a.below, below: true, null_zeros, ..a }
}

fn log(a: Facts) -> Facts {
    let defined = a.defined && (a.lo >= 0.0 || a.positive);
    Facts {
        lo: if a.lo > 0.0 { a.lo.ln() } else { f64::NEG_INFINITY },
        hi: if a.hi > 0.0 { a.hi.ln() } else { f64::NEG_INFINITY },
        positive: a.lo > 1.0,
        below: a.positive,
        above: a.above,
        defined,
        finite: defined && a.finite && (a.positive || a.null_zeros),
        analytic: a.analytic && a.positive,
        null_zeros: a.analytic && a.positive,
    }
}

fn call(function: Function, a: Facts) -> Facts {
    let monotone = |f: fn(f64) -> f64| Facts { lo: f(a.lo), hi: f(a.hi), positive: f(a.lo) > 0.0, ..a };
    let between = |lo: f64, hi: f64| Facts {
        defined: a.defined,
        finite: a.defined,
        analytic: a.analytic && function != Function::Sign,
        null_zeros: a.analytic && a.lo < a.hi && function != Function::Sign,
        ..Facts::new(lo, hi)
    };
    match function {
        Function::Exp => exp(a),
        Function::Log => log(a),
        Function::Log1p => log(add(a, Facts::new(1.0, 1.0))),
        Function::Sqrt => Facts {
            lo: a.lo.max(0.0).sqrt(),
            hi: a.hi.max(0.0).sqrt(),
            below: true,
            defined: a.defined && a.lo >= 0.0,
            analytic: a.analytic && a.positive,
            ..a
        },
        Function::Abs => abs(a),
        Function::Sign | Function::Tanh | Function::Erf => {
            between(if a.lo >= 0.0 { 0.0 } else { -1.0 }, if a.hi <= 0.0 { 0.0 } else { 1.0 })
        }
        Function::Logistic => Facts { positive: a.below, ..between(0.0, 1.0) },
        Function::Sin | Function::Cos => Facts { defined: a.finite, finite: a.finite, ..between(-1.0, 1.0) },
        Function::Tan => Facts { defined: a.finite, finite: a.finite, ..Facts::unknown() },
        Function::Sinh => monotone(f64::sinh),
        Function::Cosh => {
            let size = abs(a);
            let analytic = a.analytic;
            Facts { lo: size.lo.cosh(), hi: size.hi.cosh(), positive: true, null_zeros: true, analytic, ..size }
        }
        Function::Softplus => Facts {
            lo: a.lo.max(0.0),
            hi: a.hi.max(0.0) + std::f64::consts::LN_2,
            positive: a.below,
            below: true,
            null_zeros: a.finite,
            ..a
        },
    }
}
