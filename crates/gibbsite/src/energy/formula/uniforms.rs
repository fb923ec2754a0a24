//! What a program reads that is the same for all chains: numbers that depend on the parameters only, computed once per
//! change of theta.

use super::graph::{Id, Node};
use super::tile;
use crate::math;
use crate::simd::simd_fn;

/// Index of a uniform value that operations read.
pub type Uniform = u32;

/// Uniform nodes and their values.
#[derive(Clone, Debug, Default)]
pub struct Uniforms {
    /// In order; arguments index this list.
    nodes: Vec<Node>,
    node_values: Vec<f64>,
    /// Which nodes operations read: in the order of reading, so that coefficients of a polynomial are contiguous.
    read: Vec<u32>,
    values: Vec<f64>,
}

impl Uniforms {
    /// Adds a node whose arguments are indices of nodes added before; returns its own.
    pub fn add(&mut self, node: Node) -> u32 {
        self.nodes.push(node);
        self.node_values.push(0.0);
        self.nodes.len() as u32 - 1
    }

    /// Makes a node readable; the index follows that of the last one.
    pub fn read(&mut self, node: u32) -> Uniform {
        self.read.push(node);
        self.values.push(0.0);
        self.read.len() as Uniform - 1
    }

    /// The index that [`Uniforms::read`] returns next.
    pub fn next(&self) -> Uniform {
        self.read.len() as Uniform
    }

    /// Computes all values.
    pub fn set_theta(&mut self, theta: &[f64]) {
        evaluate(&self.nodes, &mut self.node_values, theta);
        for (out, &i) in self.values.iter_mut().zip(&self.read) {
            *out = self.node_values[i as usize];
        }
    }

    /// The values, by [`Uniform`].
    pub fn values(&self) -> &[f64] {
        &self.values
    }
}

simd_fn! {
    /// The uniform nodes in order; compiled with the vector loops so that a fused product is one instruction.
    fn evaluate(nodes: &[Node], values: &mut [f64], theta: &[f64]) {
        for (i, node) in nodes.iter().enumerate() {
            values[i] = value(node, values, theta);
        }
    }
}

#[inline(always)]
fn value(node: &Node, values: &[f64], theta: &[f64]) -> f64 {
    let at = |id: &Id| values[*id as usize];
    match node {
        Node::Const(bits) => f64::from_bits(*bits),
        Node::Theta(k) => theta[*k as usize],
        Node::X(_) | Node::V(_) => unreachable!("coordinates are not uniform"),
        Node::Add(a, b) => at(a) + at(b),
        Node::Mul(a, b) => at(a) * at(b),
        Node::Div(a, b) => at(a) / at(b),
        Node::PowI(a, n) => math::powi(at(a), *n),
        Node::Pow(a, b) => math::pow(at(a), at(b)),
        Node::Min(a, b) => tile::smaller(at(a), at(b)),
        Node::Max(a, b) => tile::larger(at(a), at(b)),
        Node::Below(a, b) => tile::step(at(a), at(b)),
        Node::Call(function, a) => function.value(at(a)),
        Node::Poly(a, c) => c.iter().rev().fold(0.0, |sum: f64, c| sum.mul_add(at(a), at(c))),
        Node::LogSumExp(args) => {
            let top = args.iter().map(at).fold(-f64::MAX, tile::larger);
            top + math::ln(args.iter().map(|a| math::exp(at(a) - top)).sum())
        }
    }
}
