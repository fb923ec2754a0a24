//! Values of an expression far out: on rays, in cones and in tubes, as bounds that hold for all large t.

use super::asymptotic::{Asym, Bound, Interval};
use crate::energy::formula::function::Function;
use crate::energy::formula::graph::{Graph, Id, Node};

/// An expression with the order in which its nodes are computed, and memory for their values.
pub struct Evaluator<'a> {
    graph: &'a Graph,
    order: Vec<Id>,
    values: Vec<Interval>,
    root: Id,
}

impl<'a> Evaluator<'a> {
    pub fn new(graph: &'a Graph, root: Id) -> Self {
        let order = graph.schedule(&[root]);
        Self { graph, order, values: vec![Interval::all(); graph.len()], root }
    }

    pub fn n_nodes(&self) -> usize {
        self.order.len()
    }

    /// The values of the root when coordinate j takes the values `x[j]`.
    pub fn value(&mut self, x: &[Interval]) -> Interval {
        for i in 0..self.order.len() {
            let id = self.order[i];
            let value = node_value(self.graph.node(id), &self.values, x);
            self.values[id as usize] = value;
        }
        self.values[self.root as usize].clone()
    }
}

fn node_value(node: &Node, values: &[Interval], x: &[Interval]) -> Interval {
    let at = |id: &Id| &values[*id as usize];
    match node {
        Node::Const(bits) => {
            let c = f64::from_bits(*bits);
            if c.is_finite() { Interval::constant(c) } else { Interval::all() }
        }
        Node::X(j) => x[*j as usize].clone(),
        Node::Theta(_) | Node::V(_) => Interval::all(),
        Node::Add(a, b) => at(a).add(at(b)),
        Node::Mul(a, b) => at(a).mul(at(b)),
        Node::Div(a, b) => at(a).mul(&at(b).recip()),
        Node::PowI(a, n) => at(a).powi(*n),
        Node::Pow(a, b) => {
            let (a, b) = (at(a), at(b));
            match (b.lo == b.hi, exponent(&b.lo)) {
                (true, Some(r)) => a.powf(r),
                _ if a.lo.sign() > 0.0 => b.mul(&a.log()).exp(),
                _ => Interval::all(),
            }
        }
        Node::Min(a, b) => at(a).min(at(b)),
        Node::Max(a, b) => at(a).max(at(b)),
        Node::Below(..) => Interval::between(0.0, 1.0),
        Node::Call(function, a) => call(*function, at(a)),
        Node::Poly(a, coefficients) => {
            let base = at(a);
            coefficients.iter().enumerate().fold(Interval::constant(0.0), |sum, (k, c)| {
                if at(c) == &Interval::constant(0.0) { sum } else { sum.add(&at(c).mul(&base.powi(k as i32))) }
            })
        }
        Node::LogSumExp(args) => {
            let args: Vec<&Interval> = args.iter().map(at).collect();
            Interval::log_sum_exp(&args)
        }
    }
}

fn exponent(b: &Bound) -> Option<f64> {
    match b {
        Bound::Fin(a) => match a.leading() {
            None => Some(0.0),
            Some(l) if l.p == 0.0 && l.q == 0.0 => Some(l.c),
            _ => None,
        },
        _ => None,
    }
}

fn call(function: Function, a: &Interval) -> Interval {
    match function {
        Function::Exp => a.exp(),
        Function::Log => a.log(),
        Function::Log1p => a.add(&Interval::constant(1.0)).log(),
        Function::Sqrt => a.powf(0.5),
        Function::Abs => a.abs(),
        Function::Sin | Function::Cos => Interval::between(-1.0, 1.0),
        Function::Tan => Interval::all(),
        Function::Sign | Function::Tanh | Function::Erf => {
            a.increasing(|u| if u.is_infinite() { u.signum() } else { function.value(u) })
        }
        Function::Logistic => {
            a.increasing(|u| if u.is_infinite() { (u.signum() + 1.0) / 2.0 } else { function.value(u) })
        }
        Function::Sinh => a.sinh(),
        Function::Cosh => a.cosh(),
        Function::Softplus => a.softplus(),
    }
}

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

/// Decides whether `integral t^(w-1) exp(-E) dt` converges: yes if E >= c log t with c > w, no if E <= w log t + const.
pub fn tail(e: &Interval, w: f64) -> Tail {
    if let Bound::Fin(lo) = &e.lo
        && let Some(l) = lo.leading()
        && l.c > 0.0
        && (l.p > 0.0 || (l.p == 0.0 && l.q > 1.0) || (l.p == 0.0 && l.q == 1.0 && l.c > w + 1e-7))
    {
        return Tail::Converges;
    }
    let excess = match &e.hi {
        Bound::PosInf => return Tail::Open,
        Bound::NegInf => return Tail::Diverges,
        Bound::Fin(hi) => hi.add(&Asym::power(0.0, 1.0, -w)),
    };
    match excess.leading() {
        Some(l) if l.c > 0.0 && l.is_infinite() => Tail::Open,
        _ => Tail::Diverges,
    }
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
    if l.p >= super::asymptotic::BEYOND / 2.0 {
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
