//! Expressions as a graph in which every common subexpression exists once.
//!
//! Nodes are made by the constructors below, which fold constants, collect powers of one base into polynomials and
//! share what is equal. A node that depends on no coordinate is *uniform*: it is computed once per setting of the
//! parameters, not once per chain.

use std::collections::HashMap;

use super::function::Function;

/// Index of a node; arguments always have smaller indices than the node that uses them.
pub type Id = u32;

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// A constant, by its bits.
    Const(u64),
    /// Parameter k.
    Theta(u32),
    /// Coordinate j.
    X(u32),
    /// Coordinate j of the direction of a jet.
    V(u32),
    Add(Id, Id),
    Mul(Id, Id),
    Div(Id, Id),
    /// `a^n` by multiplications; n is not 0 or 1.
    PowI(Id, i32),
    /// `a^b` for any b.
    Pow(Id, Id),
    Min(Id, Id),
    Max(Id, Id),
    /// 1 where a < b, 1/2 where a = b, else 0: the slope of max(a, b) in b.
    Below(Id, Id),
    Call(Function, Id),
    /// `sum_k c_k a^k` with uniform coefficients c_0, c_1, ...
    Poly(Id, Box<[Id]>),
    /// `log(exp(a) + exp(b) + ...)`.
    LogSumExp(Box<[Id]>),
}

/// Highest degree that is collected into a polynomial.
const MAX_DEGREE: usize = super::tile::MAX_COEFFICIENTS - 1;

/// A graph under construction or complete.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    uniform: Vec<bool>,
    index: HashMap<Node, Id>,
}

impl Graph {
    /// The operation at `id`.
    pub fn node(&self, id: Id) -> &Node {
        &self.nodes[id as usize]
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether the node depends on no coordinate.
    pub fn is_uniform(&self, id: Id) -> bool {
        self.uniform[id as usize]
    }

    /// The value of a constant node.
    pub fn as_const(&self, id: Id) -> Option<f64> {
        match self.node(id) {
            Node::Const(bits) => Some(f64::from_bits(*bits)),
            _ => None,
        }
    }

    fn intern(&mut self, node: Node) -> Id {
        if let Some(&id) = self.index.get(&node) {
            return id;
        }
        let uniform = match &node {
            Node::X(_) | Node::V(_) => false,
            _ => arguments(&node).iter().all(|&a| self.uniform[a as usize]),
        };
        let id = self.nodes.len() as Id;
        self.nodes.push(node.clone());
        self.uniform.push(uniform);
        self.index.insert(node, id);
        id
    }

    pub fn constant(&mut self, value: f64) -> Id {
        // One zero: -0 and +0 would otherwise be two constants.
        self.intern(Node::Const((value + 0.0).to_bits()))
    }

    pub fn theta(&mut self, k: usize) -> Id {
        self.intern(Node::Theta(k as u32))
    }

    pub fn x(&mut self, j: usize) -> Id {
        self.intern(Node::X(j as u32))
    }

    pub fn v(&mut self, j: usize) -> Id {
        self.intern(Node::V(j as u32))
    }

    pub fn add(&mut self, a: Id, b: Id) -> Id {
        self.sum(&[a, b])
    }

    pub fn sub(&mut self, a: Id, b: Id) -> Id {
        let b = self.neg(b);
        self.sum(&[a, b])
    }

    pub fn neg(&mut self, a: Id) -> Id {
        let minus_one = self.constant(-1.0);
        self.mul(minus_one, a)
    }

    /// A sum: constants are folded, and terms that are monomials in one base become a polynomial in it.
    pub fn sum(&mut self, terms: &[Id]) -> Id {
        let mut flat = Vec::with_capacity(terms.len());
        let mut stack: Vec<Id> = terms.iter().rev().copied().collect();
        while let Some(id) = stack.pop() {
            match *self.node(id) {
                Node::Add(a, b) => stack.extend([b, a]),
                _ => flat.push(id),
            }
        }
        // Group monomials by base, in order of first appearance; uniform terms form the constant.
        let mut uniform: Vec<Id> = Vec::new();
        let mut order: Vec<Id> = Vec::new();
        let mut groups: HashMap<Id, Vec<(usize, Id)>> = HashMap::new();
        for id in flat {
            if self.is_uniform(id) {
                uniform.push(id);
                continue;
            }
            for (coefficient, base, power) in self.monomials(id) {
                let group = groups.entry(base).or_insert_with(|| {
                    order.push(base);
                    Vec::new()
                });
                group.push((power, coefficient));
            }
        }
        let mut result: Option<Id> = None;
        for base in order {
            let powers = groups.remove(&base).unwrap_or_default();
            let degree = powers.iter().map(|p| p.0).max().unwrap_or(0);
            let mut coefficients: Vec<Vec<Id>> = vec![Vec::new(); degree + 1];
            for (power, coefficient) in powers {
                coefficients[power].push(coefficient);
            }
            let coefficients: Vec<Id> = coefficients.iter().map(|c| self.uniform_sum(c)).collect();
            let term = self.poly(base, coefficients);
            if self.as_const(term) == Some(0.0) {
                continue;
            }
            result = Some(match result {
                None => term,
                Some(sum) => self.intern(Node::Add(sum, term)),
            });
        }
        let constant = self.uniform_sum(&uniform);
        match result {
            None => constant,
            Some(sum) if self.as_const(constant) == Some(0.0) => sum,
            Some(sum) => self.intern(Node::Add(sum, constant)),
        }
    }

    /// The sum of uniform nodes, constants folded.
    fn uniform_sum(&mut self, terms: &[Id]) -> Id {
        let mut constant = 0.0;
        let mut result: Option<Id> = None;
        for &id in terms {
            match self.as_const(id) {
                Some(value) => constant += value,
                None => {
                    result = Some(match result {
                        None => id,
                        Some(sum) => self.intern(Node::Add(sum, id)),
                    });
                }
            }
        }
        let constant_id = self.constant(constant);
        match result {
            None => constant_id,
            Some(sum) if constant == 0.0 => sum,
            Some(sum) => self.intern(Node::Add(sum, constant_id)),
        }
    }

    /// `id` as a sum of (uniform coefficient, base, power); a node that is none is (1, id, 1).
    fn monomials(&mut self, id: Id) -> Vec<(Id, Id, usize)> {
        let one = self.constant(1.0);
        match self.node(id).clone() {
            Node::Poly(base, coefficients) => coefficients
                .iter()
                .enumerate()
                .filter(|(_, c)| self.as_const(**c) != Some(0.0))
                .map(|(k, &c)| (c, base, k))
                .collect(),
            Node::PowI(base, n) if (2..=MAX_DEGREE as i32).contains(&n) => vec![(one, base, n as usize)],
            Node::Mul(u, a) if self.is_uniform(u) => match *self.node(a) {
                Node::PowI(base, n) if (2..=MAX_DEGREE as i32).contains(&n) => vec![(u, base, n as usize)],
                _ => vec![(u, a, 1)],
            },
            _ => vec![(one, id, 1)],
        }
    }

    /// `sum_k c_k base^k`, in its simplest form.
    pub fn poly(&mut self, base: Id, mut coefficients: Vec<Id>) -> Id {
        while coefficients.last().is_some_and(|&c| self.as_const(c) == Some(0.0)) {
            coefficients.pop();
        }
        let nonzero: Vec<usize> =
            (0..coefficients.len()).filter(|&k| self.as_const(coefficients[k]) != Some(0.0)).collect();
        match nonzero[..] {
            [] => self.constant(0.0),
            [0] => coefficients[0],
            [k] => {
                let power = self.powi(base, k as i32);
                self.mul(coefficients[k], power)
            }
            _ if self.is_uniform(base) => {
                let terms: Vec<Id> = nonzero
                    .iter()
                    .map(|&k| {
                        let power = self.powi(base, k as i32);
                        self.mul(coefficients[k], power)
                    })
                    .collect();
                self.uniform_sum(&terms)
            }
            _ => self.intern(Node::Poly(base, coefficients.into())),
        }
    }

    /// A product: constants are folded, uniform factors come first, powers of one base are collected.
    pub fn mul(&mut self, a: Id, b: Id) -> Id {
        if let (Some(p), Some(q)) = (self.as_const(a), self.as_const(b)) {
            return self.constant(p * q);
        }
        let (a, b) = match (self.is_uniform(a), self.is_uniform(b)) {
            (false, true) => (b, a),
            (true, false) => (a, b),
            _ => (a.min(b), a.max(b)),
        };
        for (p, q) in [(a, b), (b, a)] {
            match self.as_const(p) {
                Some(0.0) => return self.constant(0.0),
                Some(1.0) => return q,
                _ => {}
            }
        }
        if self.is_uniform(a) {
            match self.node(b).clone() {
                // u (v c) = (u v) c
                Node::Mul(v, c) if self.is_uniform(v) => {
                    let uv = self.mul(a, v);
                    return self.mul_node(uv, c);
                }
                Node::Poly(base, coefficients) if !self.is_uniform(b) => {
                    let scaled: Vec<Id> = coefficients.iter().map(|&c| self.mul(a, c)).collect();
                    return self.poly(base, scaled);
                }
                _ => return self.mul_node(a, b),
            }
        }
        // Neither is uniform: pull uniform factors out, then collect powers of one base.
        let (u, p) = self.split_uniform(a);
        let (v, q) = self.split_uniform(b);
        let product = match (self.as_power(p), self.as_power(q)) {
            ((base, n), (other, m)) if base == other && n > 0 && m > 0 => self.powi(base, n + m),
            _ => self.intern(Node::Mul(p.min(q), p.max(q))),
        };
        match (u, v) {
            (None, None) => product,
            (Some(u), None) | (None, Some(u)) => self.mul(u, product),
            (Some(u), Some(v)) => {
                let uv = self.mul(u, v);
                self.mul(uv, product)
            }
        }
    }

    fn mul_node(&mut self, uniform: Id, b: Id) -> Id {
        match self.as_const(uniform) {
            Some(0.0) => self.constant(0.0),
            Some(1.0) => b,
            _ => self.intern(Node::Mul(uniform, b)),
        }
    }

    fn split_uniform(&self, id: Id) -> (Option<Id>, Id) {
        match *self.node(id) {
            Node::Mul(u, a) if self.is_uniform(u) && !self.is_uniform(a) => (Some(u), a),
            _ => (None, id),
        }
    }

    fn as_power(&self, id: Id) -> (Id, i32) {
        match *self.node(id) {
            Node::PowI(base, n) => (base, n),
            _ => (id, 1),
        }
    }

    pub fn div(&mut self, a: Id, b: Id) -> Id {
        if let (Some(p), Some(q)) = (self.as_const(a), self.as_const(b)) {
            return self.constant(p / q);
        }
        match self.as_const(b) {
            Some(1.0) => return a,
            // Dividing by a power of two is exactly a multiplication.
            Some(q) if q != 0.0 && q.to_bits() << 12 == 0 && (1.0 / q).is_normal() => {
                let inverse = self.constant(1.0 / q);
                return self.mul(inverse, a);
            }
            _ => {}
        }
        if self.as_const(a) == Some(0.0) {
            return a;
        }
        if self.is_uniform(b) && !self.is_uniform(a) {
            let one = self.constant(1.0);
            let inverse = self.div(one, b);
            return self.mul(inverse, a);
        }
        self.intern(Node::Div(a, b))
    }

    /// `a^n` for an integer n.
    pub fn powi(&mut self, a: Id, n: i32) -> Id {
        match (n, self.node(a).clone()) {
            (0, _) => self.constant(1.0),
            (1, _) => a,
            (_, Node::Const(bits)) => self.constant(crate::math::powi(f64::from_bits(bits), n)),
            (_, Node::PowI(base, m)) if m > 0 && n > 0 && (m as i64) * (n as i64) <= i32::MAX as i64 => {
                self.powi(base, m * n)
            }
            (_, Node::Mul(u, b)) if n > 0 && self.is_uniform(u) => {
                let un = self.powi(u, n);
                let bn = self.powi(b, n);
                self.mul(un, bn)
            }
            (2.., Node::Call(Function::Abs, b)) if n % 2 == 0 => self.powi(b, n),
            (2, Node::Call(Function::Sqrt, b)) => b,
            _ => self.intern(Node::PowI(a, n)),
        }
    }

    /// `a^b`; small integers and one half become multiplications and a square root.
    pub fn pow(&mut self, a: Id, b: Id) -> Id {
        match self.as_const(b) {
            Some(p) if p.fract() == 0.0 && p.abs() <= 1024.0 => self.powi(a, p as i32),
            Some(0.5) => self.call(Function::Sqrt, a),
            _ => self.intern(Node::Pow(a, b)),
        }
    }

    pub fn min(&mut self, a: Id, b: Id) -> Id {
        self.intern(Node::Min(a, b))
    }

    pub fn max(&mut self, a: Id, b: Id) -> Id {
        self.intern(Node::Max(a, b))
    }

    pub fn below(&mut self, a: Id, b: Id) -> Id {
        self.intern(Node::Below(a, b))
    }

    pub fn call(&mut self, function: Function, a: Id) -> Id {
        if let Some(value) = self.as_const(a) {
            let result = function.value(value);
            // Undefined constants stay in the graph and are reported when evaluated, with the point.
            if result.is_finite() {
                return self.constant(result);
            }
        }
        match (function, self.node(a)) {
            (Function::Log, Node::Call(Function::Exp, b)) => *b,
            (Function::Abs, Node::Call(Function::Abs, _)) => a,
            // log(1 + b) keeps its digits near b = 0.
            (Function::Log, &Node::Add(b, c)) if self.as_const(c) == Some(1.0) => {
                self.intern(Node::Call(Function::Log1p, b))
            }
            _ => self.intern(Node::Call(function, a)),
        }
    }

    pub fn log_sum_exp(&mut self, args: &[Id]) -> Id {
        match args {
            [a] => *a,
            _ => self.intern(Node::LogSumExp(args.into())),
        }
    }

    /// The nodes that `roots` need, arguments before their users, in depth-first order (short lifetimes).
    pub fn schedule(&self, roots: &[Id]) -> Vec<Id> {
        let mut seen = vec![false; self.nodes.len()];
        let mut order = Vec::new();
        let mut stack: Vec<(Id, bool)> = Vec::new();
        for &root in roots {
            stack.push((root, false));
            while let Some((id, arguments_done)) = stack.pop() {
                if arguments_done {
                    order.push(id);
                    continue;
                }
                if std::mem::replace(&mut seen[id as usize], true) {
                    continue;
                }
                stack.push((id, true));
                for &argument in arguments(self.node(id)).iter().rev() {
                    if !seen[argument as usize] {
                        stack.push((argument, false));
                    }
                }
            }
        }
        order
    }
}

/// The arguments of an operation.
pub fn arguments(node: &Node) -> Vec<Id> {
    match node {
        Node::Const(_) | Node::Theta(_) | Node::X(_) | Node::V(_) => vec![],
        Node::Add(a, b)
        | Node::Mul(a, b)
        | Node::Div(a, b)
        | Node::Pow(a, b)
        | Node::Min(a, b)
        | Node::Max(a, b)
        | Node::Below(a, b) => vec![*a, *b],
        Node::PowI(a, _) | Node::Call(_, a) => vec![*a],
        Node::Poly(a, coefficients) => std::iter::once(*a).chain(coefficients.iter().copied()).collect(),
        Node::LogSumExp(args) => args.to_vec(),
    }
}
