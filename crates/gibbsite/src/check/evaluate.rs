//! Values of an expression on rays, in cones and in tubes, and beside a point, as bounds that hold for all large t.

use super::asymptotic::Interval;
use crate::energy::formula::function::Function;
use crate::energy::formula::graph::{Graph, Id, Node};

/// An expression with the order in which its nodes are computed, and memory for their values.
pub struct Evaluator<'a> {
    graph: &'a Graph,
    order: Vec<Id>,
    values: Vec<Value>,
    root: Id,
}

/// The values of a node, and of its logarithm where that says more: exponentials outgrow the scale of powers, their
/// logarithms do not.
#[derive(Clone)]
struct Value {
    range: Interval,
    log: Option<Interval>,
}

impl Value {
    fn plain(range: Interval) -> Self {
        Self { range, log: None }
    }

    /// The values of the logarithm, of what is never negative.
    fn logarithm(&self) -> Option<Interval> {
        self.log.clone().or_else(|| (self.range.lo.sign() >= 0.0).then(|| self.range.log()))
    }
}

impl<'a> Evaluator<'a> {
    pub fn new(graph: &'a Graph, root: Id) -> Self {
        let order = graph.schedule(&[root]);
        Self { graph, order, values: vec![Value::plain(Interval::all()); graph.len()], root }
    }

    pub fn n_nodes(&self) -> usize {
        self.order.len()
    }

    /// The values of the root when coordinate j takes the values `x[j]`.
    pub fn value(&mut self, x: &[Interval]) -> Interval {
        self.value_where(x, &[])
    }

    /// As [`Evaluator::value`], with the values of some nodes given.
    pub fn value_where(&mut self, x: &[Interval], given: &[(Id, Interval)]) -> Interval {
        for i in 0..self.order.len() {
            let id = self.order[i];
            let value = match given.iter().find(|(known, _)| *known == id) {
                Some((_, range)) => Value::plain(range.clone()),
                None => {
                    let node = self.graph.node(id);
                    Value { range: range(node, &self.values, x), log: logarithm(node, &self.values) }
                }
            };
            self.values[id as usize] = value;
        }
        self.values[self.root as usize].range.clone()
    }
}

fn range(node: &Node, values: &[Value], x: &[Interval]) -> Interval {
    let at = |id: &Id| &values[*id as usize].range;
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
            match b.as_constant() {
                Some(r) => a.powf(r),
                None if a.lo.sign() > 0.0 => b.mul(&a.log()).exp(),
                None => Interval::all(),
            }
        }
        Node::Min(a, b) => at(a).min(at(b)),
        Node::Max(a, b) => at(a).max(at(b)),
        Node::Below(..) => Interval::between(0.0, 1.0),
        Node::Call(function, a) => call(*function, &values[*a as usize]),
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

fn call(function: Function, a: &Value) -> Interval {
    let range = &a.range;
    match function {
        Function::Exp => range.exp(),
        Function::Log => sharper(range.log(), a.log.as_ref()),
        Function::Log1p => {
            let sum = a.log.as_ref().map(|l| log_of_sum(l, &Interval::constant(0.0)));
            sharper(range.add(&Interval::constant(1.0)).log(), sum.as_ref())
        }
        Function::Sqrt => range.powf(0.5),
        Function::Abs => range.abs(),
        Function::Sin | Function::Cos => Interval::between(-1.0, 1.0),
        Function::Tan => Interval::all(),
        Function::Sign | Function::Tanh | Function::Erf => {
            range.increasing(|u| if u.is_infinite() { u.signum() } else { function.value(u) })
        }
        Function::Logistic => {
            range.increasing(|u| if u.is_infinite() { (u.signum() + 1.0) / 2.0 } else { function.value(u) })
        }
        Function::Sinh => range.sinh(),
        Function::Cosh => range.cosh(),
        Function::Softplus => range.softplus(),
    }
}

/// The values that both allow.
fn sharper(a: Interval, b: Option<&Interval>) -> Interval {
    match b {
        Some(b) => Interval { lo: a.lo.max(b.lo.clone()), hi: a.hi.min(b.hi.clone()) },
        None => a,
    }
}

/// log(exp a + exp b) lies between max(a, b) and that plus log 2.
fn log_of_sum(a: &Interval, b: &Interval) -> Interval {
    Interval::log_sum_exp(&[a, b])
}

/// The logarithm of what is made of exponentials.
fn logarithm(node: &Node, values: &[Value]) -> Option<Interval> {
    let at = |id: &Id| &values[*id as usize];
    let either = |a: &Id, b: &Id| at(a).log.is_some() || at(b).log.is_some();
    match node {
        Node::Call(Function::Exp, a) => Some(at(a).range.clone()),
        // exp|u|/2 <= cosh u <= exp|u|
        Node::Call(Function::Cosh, a) => Some(at(a).range.abs().add(&Interval::between(-std::f64::consts::LN_2, 0.0))),
        Node::Call(Function::Sqrt, a) => Some(at(a).log.as_ref()?.mul(&Interval::constant(0.5))),
        Node::Mul(a, b) if either(a, b) => Some(at(a).logarithm()?.add(&at(b).logarithm()?)),
        Node::Div(a, b) if either(a, b) => Some(at(a).logarithm()?.add(&at(b).logarithm()?.neg())),
        Node::PowI(a, n) => Some(at(a).log.as_ref()?.mul(&Interval::constant(*n as f64))),
        Node::Pow(a, b) => Some(at(a).log.as_ref()?.mul(&at(b).range)),
        Node::Add(a, b) if either(a, b) => Some(log_of_sum(&at(a).logarithm()?, &at(b).logarithm()?)),
        Node::Min(a, b) if either(a, b) => Some(at(a).logarithm()?.min(&at(b).logarithm()?)),
        Node::Max(a, b) if either(a, b) => Some(at(a).logarithm()?.max(&at(b).logarithm()?)),
        Node::Poly(a, coefficients) => {
            let base = at(a).log.as_ref()?;
            let mut logs = Vec::new();
            for (k, c) in coefficients.iter().enumerate() {
                let c = at(c).range.as_constant().filter(|c| *c >= 0.0)?;
                if c > 0.0 {
                    logs.push(base.mul(&Interval::constant(k as f64)).add(&Interval::constant(c.ln())));
                }
            }
            (!logs.is_empty()).then(|| Interval::log_sum_exp(&logs.iter().collect::<Vec<_>>()))
        }
        _ => None,
    }
}
