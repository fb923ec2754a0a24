//! From a graph to a straight program: schedules the nodes that are needed, fuses products into additions, gives every value a
//! slot and takes the slot back after its last use.

use std::collections::HashMap;

use super::graph::{Graph, Id, Node, arguments};
use super::program::{Op, Program, Source, Target};
use super::uniforms::{Uniform, Uniforms};

/// The program of the nodes that `roots` need; output k is root k.
pub fn compile(graph: &Graph, roots: &[Id]) -> Program {
    Compiler::new(graph, roots, &[]).compile(roots)
}

/// As [`compile`], for inputs that hold the coordinates `columns` only, in that order.
pub fn compile_columns(graph: &Graph, roots: &[Id], columns: &[usize]) -> Program {
    Compiler::new(graph, roots, columns).compile(roots)
}

/// Turns scheduled nodes into operations and gives them slots.
struct Compiler<'a> {
    graph: &'a Graph,
    /// The coordinates that the inputs hold; empty means all.
    columns: &'a [usize],
    order: Vec<Id>,
    /// Uses of each node that is computed, outputs included.
    n_uses: HashMap<Id, u32>,
    /// Additions that are computed as p q + c.
    fusions: HashMap<Id, [Id; 3]>,
    place: HashMap<Id, Source>,
    free_slots: Vec<u32>,
    n_slots: u32,
    uniforms: Uniforms,
    /// Uniform nodes by their place among [`Uniforms`].
    uniform_index: HashMap<Id, u32>,
    ops: Vec<(Target, Op)>,
}

impl<'a> Compiler<'a> {
    fn new(graph: &'a Graph, roots: &[Id], columns: &'a [usize]) -> Self {
        let order = graph.schedule(roots);
        let fusions: HashMap<Id, [Id; 3]> = order.iter().filter_map(|&id| Some((id, fused(graph, id)?))).collect();
        // Users come after their arguments, so counting backwards leaves out what is computed only inside additions.
        let mut n_uses: HashMap<Id, u32> = HashMap::new();
        for &root in roots {
            *n_uses.entry(root).or_default() += 1;
        }
        for id in order.iter().rev() {
            if n_uses.contains_key(id) {
                for argument in operands(graph, &fusions, *id) {
                    *n_uses.entry(argument).or_default() += 1;
                }
            }
        }
        Self {
            graph,
            columns,
            order,
            n_uses,
            fusions,
            place: HashMap::new(),
            free_slots: Vec::new(),
            n_slots: 0,
            uniforms: Uniforms::default(),
            uniform_index: HashMap::new(),
            ops: Vec::new(),
        }
    }

    fn compile(mut self, roots: &[Id]) -> Program {
        let order = std::mem::take(&mut self.order);
        for &id in &order {
            if self.graph.is_uniform(id) {
                let node = remap(self.graph.node(id), &self.uniform_index);
                self.uniform_index.insert(id, self.uniforms.add(node));
            }
        }
        for &id in &order {
            if !self.graph.is_uniform(id) && self.n_uses.contains_key(&id) {
                self.emit(id);
            }
        }
        for (k, &root) in roots.iter().enumerate() {
            let target = Target::Output(k as u32);
            if self.graph.is_uniform(root) {
                let u = self.uniform(root);
                self.ops.push((target, Op::Fill(u)));
            } else {
                let source = self.place[&root];
                self.ops.push((target, Op::Copy(source)));
            }
        }
        self.write_outputs_directly();
        Program::new(self.ops, self.n_slots as usize, roots.len(), self.uniforms)
    }

    /// The index at which operations read a uniform node.
    fn uniform(&mut self, id: Id) -> Uniform {
        self.uniforms.read(self.uniform_index[&id])
    }

    /// Where the inputs hold coordinate j.
    fn column(&self, j: u32) -> u32 {
        if self.columns.is_empty() {
            return j;
        }
        let at = self.columns.iter().position(|c| *c == j as usize);
        at.expect("a part reads its own coordinates only") as u32
    }

    fn new_slot(&mut self) -> u32 {
        self.free_slots.pop().unwrap_or_else(|| {
            self.n_slots += 1;
            self.n_slots - 1
        })
    }

    /// Where a node can be read; uniform nodes are spread over a slot first, which is recorded in `temporary`.
    fn source(&mut self, id: Id, temporary: &mut Vec<u32>) -> Source {
        match *self.graph.node(id) {
            Node::X(j) => Source::X(self.column(j)),
            Node::V(j) => Source::V(self.column(j)),
            _ if self.graph.is_uniform(id) => {
                let slot = self.new_slot();
                let u = self.uniform(id);
                self.ops.push((Target::Slot(slot), Op::Fill(u)));
                temporary.push(slot);
                Source::Slot(slot)
            }
            _ => self.place[&id],
        }
    }

    fn emit(&mut self, id: Id) {
        let node = self.graph.node(id).clone();
        if let Node::X(j) = node {
            self.place.insert(id, Source::X(self.column(j)));
            return;
        }
        if let Node::V(j) = node {
            self.place.insert(id, Source::V(self.column(j)));
            return;
        }
        let mut temporary = Vec::new();
        let consumed = operands(self.graph, &self.fusions, id);
        let op = match node {
            Node::Const(_) | Node::Theta(_) | Node::X(_) | Node::V(_) => unreachable!("handled above"),
            Node::Add(a, b) => match self.fusions.get(&id).copied() {
                Some([p, q, c]) => {
                    let c = self.source(c, &mut temporary);
                    if self.graph.is_uniform(p) {
                        let u = self.uniform(p);
                        Op::MulUniformAdd(self.source(q, &mut temporary), u, c)
                    } else {
                        Op::MulAdd(self.source(p, &mut temporary), self.source(q, &mut temporary), c)
                    }
                }
                None if self.graph.is_uniform(b) => {
                    let u = self.uniform(b);
                    Op::AddUniform(self.source(a, &mut temporary), u)
                }
                None if self.graph.is_uniform(a) => {
                    let u = self.uniform(a);
                    Op::AddUniform(self.source(b, &mut temporary), u)
                }
                None => Op::Add(self.source(a, &mut temporary), self.source(b, &mut temporary)),
            },
            Node::Mul(a, b) if self.graph.is_uniform(a) => {
                let u = self.uniform(a);
                Op::MulUniform(self.source(b, &mut temporary), u)
            }
            Node::Mul(a, b) => Op::Mul(self.source(a, &mut temporary), self.source(b, &mut temporary)),
            Node::Div(a, b) if self.graph.is_uniform(a) => {
                let u = self.uniform(a);
                Op::UniformDiv(u, self.source(b, &mut temporary))
            }
            Node::Div(a, b) => Op::Div(self.source(a, &mut temporary), self.source(b, &mut temporary)),
            Node::PowI(a, n) => Op::PowI(self.source(a, &mut temporary), n),
            Node::Pow(a, b) => Op::Pow(self.source(a, &mut temporary), self.source(b, &mut temporary)),
            Node::Min(a, b) => Op::Min(self.source(a, &mut temporary), self.source(b, &mut temporary)),
            Node::Max(a, b) => Op::Max(self.source(a, &mut temporary), self.source(b, &mut temporary)),
            Node::Below(a, b) => Op::Below(self.source(a, &mut temporary), self.source(b, &mut temporary)),
            Node::Call(function, a) => Op::Call(function, self.source(a, &mut temporary)),
            Node::Poly(a, ref coefficients) => {
                let first = self.uniforms.next();
                for &c in coefficients {
                    self.uniform(c);
                }
                Op::Poly(self.source(a, &mut temporary), first, coefficients.len() as u32)
            }
            Node::LogSumExp(ref args) => {
                let mut sources = Vec::with_capacity(args.len());
                for &a in args {
                    sources.push(self.source(a, &mut temporary));
                }
                Op::LogSumExp(sources.into())
            }
        };
        let slot = self.new_slot();
        self.ops.push((Target::Slot(slot), op));
        self.place.insert(id, Source::Slot(slot));
        self.free_slots.extend(temporary);
        for argument in consumed {
            if self.graph.is_uniform(argument) {
                continue;
            }
            let left = self.n_uses.entry(argument).or_insert(1);
            *left = left.saturating_sub(1);
            if *left == 0
                && let Some(Source::Slot(slot)) = self.place.get(&argument)
            {
                self.free_slots.push(*slot);
            }
        }
    }

    /// An operation whose slot is only copied to an output writes that output itself.
    fn write_outputs_directly(&mut self) {
        let mut last_write: HashMap<u32, usize> = HashMap::new();
        let mut reads: HashMap<usize, u32> = HashMap::new();
        for (at, (target, op)) in self.ops.iter().enumerate() {
            for source in op.sources() {
                if let Source::Slot(slot) = source {
                    *reads.entry(last_write[&slot]).or_default() += 1;
                }
            }
            if let Target::Slot(slot) = target {
                last_write.insert(*slot, at);
            }
        }
        let mut last_write: HashMap<u32, usize> = HashMap::new();
        let mut redirect: Vec<(usize, usize)> = Vec::new();
        for (at, (target, op)) in self.ops.iter().enumerate() {
            if let (Target::Output(_), Op::Copy(Source::Slot(slot))) = (target, op) {
                let writer = last_write[slot];
                if reads[&writer] == 1 {
                    redirect.push((writer, at));
                }
            }
            if let Target::Slot(slot) = target {
                last_write.insert(*slot, at);
            }
        }
        let mut drop = vec![false; self.ops.len()];
        for (writer, copy) in redirect {
            self.ops[writer].0 = self.ops[copy].0;
            drop[copy] = true;
        }
        let mut dropped = drop.into_iter();
        self.ops.retain(|_| !dropped.next().unwrap_or(false));
    }
}

/// For an addition with a product among its terms: the factors and the other term. Whether a product is fused depends
/// on nothing but the addition, so that an energy has the same bits in every program that computes it.
fn fused(graph: &Graph, id: Id) -> Option<[Id; 3]> {
    let Node::Add(a, b) = *graph.node(id) else { return None };
    let factors = |product: Id, other: Id| match *graph.node(product) {
        Node::Mul(p, q) if !graph.is_uniform(product) && !graph.is_uniform(other) => Some([p, q, other]),
        _ => None,
    };
    factors(b, a).or_else(|| factors(a, b))
}

/// What the computation of a node reads.
fn operands(graph: &Graph, fusions: &HashMap<Id, [Id; 3]>, id: Id) -> Vec<Id> {
    fusions.get(&id).map_or_else(|| arguments(graph.node(id)), |factors| factors.to_vec())
}

/// A uniform node with its arguments renumbered.
fn remap(node: &Node, index: &HashMap<Id, u32>) -> Node {
    let at = |id: &Id| index[id];
    match node {
        Node::Const(_) | Node::Theta(_) | Node::X(_) | Node::V(_) => node.clone(),
        Node::Add(a, b) => Node::Add(at(a), at(b)),
        Node::Mul(a, b) => Node::Mul(at(a), at(b)),
        Node::Div(a, b) => Node::Div(at(a), at(b)),
        Node::PowI(a, n) => Node::PowI(at(a), *n),
        Node::Pow(a, b) => Node::Pow(at(a), at(b)),
        Node::Min(a, b) => Node::Min(at(a), at(b)),
        Node::Max(a, b) => Node::Max(at(a), at(b)),
        Node::Below(a, b) => Node::Below(at(a), at(b)),
        Node::Call(f, a) => Node::Call(*f, at(a)),
        Node::Poly(a, c) => Node::Poly(at(a), c.iter().map(at).collect()),
        Node::LogSumExp(args) => Node::LogSumExp(args.iter().map(at).collect()),
    }
}
