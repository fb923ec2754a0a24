//! A graph as a straight program, run on tiles of 64 chains: one dispatch per operation and tile, each operation a SIMD
//! loop with a constant trip count. Nothing is allocated after the first call on a thread.

use std::cell::RefCell;
use std::collections::HashMap;

use super::function::{Function, sign};
use super::graph::{Graph, Id, Node, arguments};
use crate::math;
use crate::points::Matrix;
use crate::simd::simd_fn;

/// Chains computed together.
const LANES: usize = 64;
type Tile = [f64; LANES];

/// Where an operation reads.
#[derive(Clone, Copy, Debug)]
enum Source {
    Slot(u32),
    X(u32),
    V(u32),
}

/// Where an operation writes.
#[derive(Clone, Copy, Debug)]
enum Target {
    Slot(u32),
    Output(u32),
}

/// Index of a uniform value.
type Uniform = u32;

#[derive(Clone, Debug)]
enum Op {
    Fill(Uniform),
    Copy(Source),
    Add(Source, Source),
    AddUniform(Source, Uniform),
    Mul(Source, Source),
    MulUniform(Source, Uniform),
    /// a b + c
    MulAdd(Source, Source, Source),
    /// a u + c
    MulUniformAdd(Source, Uniform, Source),
    Div(Source, Source),
    /// u / a
    UniformDiv(Uniform, Source),
    PowI(Source, i32),
    Pow(Source, Source),
    Min(Source, Source),
    Max(Source, Source),
    Below(Source, Source),
    Call(Function, Source),
    /// Coefficients are the uniforms `first..first + n`.
    Poly(Source, Uniform, u32),
    LogSumExp(Box<[Source]>),
}

/// A program with several outputs, and the uniform values it reads.
#[derive(Clone, Debug)]
pub struct Program {
    ops: Vec<(Target, Op)>,
    n_slots: usize,
    n_outputs: usize,
    /// The uniform nodes in order; arguments index this list.
    uniform_nodes: Vec<Node>,
    uniform_values: Vec<f64>,
    /// What the operations read: a gather of `uniform_values`, so that coefficients of a polynomial are contiguous.
    read: Vec<u32>,
    uniforms: Vec<f64>,
}

/// Column-major input seen from one row on.
#[derive(Clone, Copy)]
struct Columns<'a> {
    data: &'a [f64],
    stride: usize,
    offset: usize,
}

impl<'a> Columns<'a> {
    #[inline(always)]
    fn tile(&self, j: u32) -> &'a Tile {
        let start = j as usize * self.stride + self.offset;
        self.data[start..].first_chunk().expect("input columns cover the tile")
    }
}

/// Outputs: the first one in a slice of its own, the others column-major.
struct Outputs<'a> {
    first: &'a mut [f64],
    rest: &'a mut [f64],
    stride: usize,
    offset: usize,
}

impl Outputs<'_> {
    #[inline(always)]
    fn tile(&mut self, k: u32) -> &mut Tile {
        let slice = match k {
            0 => &mut self.first[self.offset..],
            k => &mut self.rest[(k as usize - 1) * self.stride + self.offset..],
        };
        slice.first_chunk_mut().expect("output columns cover the tile")
    }
}

/// Per-thread memory of the interpreter.
#[derive(Default)]
struct Memory {
    slots: Vec<Option<Box<Tile>>>,
    inputs: Vec<f64>,
    outputs: Vec<f64>,
}

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::default();
}

impl Program {
    /// Compiles the nodes that `roots` need; output k is root k.
    pub fn compile(graph: &Graph, roots: &[Id]) -> Self {
        Compiler::new(graph, roots).compile(roots)
    }

    /// Computes everything that depends on the parameters only.
    pub fn set_theta(&mut self, theta: &[f64]) {
        evaluate_uniforms(&self.uniform_nodes, &mut self.uniform_values, theta);
        for (out, &i) in self.uniforms.iter_mut().zip(&self.read) {
            *out = self.uniform_values[i as usize];
        }
    }

    /// Runs the program on all rows of `x` (and of `v`, where it reads directions). Output 0 goes to `first`, shape
    /// `(n,)`; output k to column k - 1 of `rest`, column-major with n rows.
    ///
    /// # Panics
    /// If the outputs do not have these shapes.
    pub fn run(&self, x: &Matrix<f64>, v: Option<&Matrix<f64>>, first: &mut [f64], rest: &mut [f64]) {
        let n = x.n_rows();
        assert_eq!(first.len(), n, "output must have one element per point");
        assert_eq!(rest.len(), n * (self.n_outputs - 1), "outputs must have one column each");
        MEMORY.with_borrow_mut(|memory| {
            while memory.slots.len() < self.n_slots {
                memory.slots.push(Some(Box::new([0.0; LANES])));
            }
            let v_data = v.map_or(&[][..], Matrix::as_slice);
            let whole = n - n % LANES;
            let mut outputs = Outputs { first, rest, stride: n, offset: 0 };
            let xs = Columns { data: x.as_slice(), stride: n, offset: 0 };
            let vs = Columns { data: v_data, stride: n, offset: 0 };
            execute(&self.ops, &self.uniforms, &mut memory.slots, xs, vs, &mut outputs, whole);
            if whole < n {
                self.run_rest(x, v, whole, memory, outputs);
            }
        });
    }

    /// The last, incomplete tile: inputs are padded with their last row.
    fn run_rest(&self, x: &Matrix<f64>, v: Option<&Matrix<f64>>, from: usize, memory: &mut Memory, out: Outputs<'_>) {
        let n = x.n_rows();
        let n_rest = n - from;
        let d = x.n_cols();
        memory.inputs.resize(2 * d * LANES, 0.0);
        memory.outputs.resize(self.n_outputs * LANES, 0.0);
        let (x_pad, v_pad) = memory.inputs.split_at_mut(d * LANES);
        let pad = |from_matrix: &Matrix<f64>, to: &mut [f64]| {
            for j in 0..d {
                let column = &from_matrix.col(j)[from..];
                let tile = &mut to[j * LANES..(j + 1) * LANES];
                tile[..n_rest].copy_from_slice(column);
                tile[n_rest..].fill(column[n_rest - 1]);
            }
        };
        pad(x, x_pad);
        if let Some(v) = v {
            pad(v, v_pad);
        }
        let xs = Columns { data: x_pad, stride: LANES, offset: 0 };
        let vs = Columns { data: v_pad, stride: LANES, offset: 0 };
        let (first, rest) = memory.outputs.split_at_mut(LANES);
        let mut padded = Outputs { first, rest, stride: LANES, offset: 0 };
        execute(&self.ops, &self.uniforms, &mut memory.slots, xs, vs, &mut padded, LANES);
        out.first[from..].copy_from_slice(&padded.first[..n_rest]);
        for k in 0..self.n_outputs - 1 {
            out.rest[k * n + from..(k + 1) * n].copy_from_slice(&padded.rest[k * LANES..][..n_rest]);
        }
    }
}

simd_fn! {
    /// The uniform nodes in order; compiled with the vector loops so that a fused product is one instruction.
    fn evaluate_uniforms(nodes: &[Node], values: &mut [f64], theta: &[f64]) {
        for (i, node) in nodes.iter().enumerate() {
            values[i] = uniform_value(node, values, theta);
        }
    }
}

#[inline(always)]
fn uniform_value(node: &Node, values: &[f64], theta: &[f64]) -> f64 {
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
        Node::Min(a, b) => min(at(a), at(b)),
        Node::Max(a, b) => max(at(a), at(b)),
        Node::Below(a, b) => below(at(a), at(b)),
        Node::Call(function, a) => function.value(at(a)),
        Node::Poly(a, c) => c.iter().rev().fold(0.0, |sum: f64, c| sum.mul_add(at(a), at(c))),
        Node::LogSumExp(args) => {
            let top = args.iter().map(at).fold(-f64::MAX, max);
            top + math::ln(args.iter().map(|a| math::exp(at(a) - top)).sum())
        }
    }
}

/// The smaller one; NaN if either is.
#[inline(always)]
fn min(a: f64, b: f64) -> f64 {
    if a < b || a.is_nan() { a } else { b }
}

/// The larger one; NaN if either is.
#[inline(always)]
fn max(a: f64, b: f64) -> f64 {
    if a > b || a.is_nan() { a } else { b }
}

/// 1 where a < b, 1/2 where they are equal, else 0.
#[inline(always)]
fn below(a: f64, b: f64) -> f64 {
    if a < b {
        1.0
    } else if a == b {
        0.5
    } else {
        0.0
    }
}

#[inline(always)]
fn unary(out: &mut Tile, a: &Tile, f: impl Fn(f64) -> f64) {
    for i in 0..LANES {
        out[i] = f(a[i]);
    }
}

#[inline(always)]
fn binary(out: &mut Tile, a: &Tile, b: &Tile, f: impl Fn(f64, f64) -> f64) {
    for i in 0..LANES {
        out[i] = f(a[i], b[i]);
    }
}

/// Horner's rule with N coefficients held in registers.
#[inline(always)]
fn horner<const N: usize>(out: &mut Tile, a: &Tile, c: &[f64]) {
    let c: [f64; N] = *c.first_chunk().expect("a polynomial has all its coefficients");
    for i in 0..LANES {
        let mut sum = c[N - 1];
        for k in (0..N - 1).rev() {
            sum = sum.mul_add(a[i], c[k]);
        }
        out[i] = sum;
    }
}

simd_fn! {
    /// Runs all operations on the tiles of the first `n` rows, a multiple of the tile.
    fn execute(
        ops: &[(Target, Op)],
        uniforms: &[f64],
        slots: &mut [Option<Box<Tile>>],
        x: Columns<'_>,
        v: Columns<'_>,
        outputs: &mut Outputs<'_>,
        n: usize,
    ) {
        for offset in (0..n).step_by(LANES) {
            outputs.offset = offset;
            let (x, v) = (Columns { offset, ..x }, Columns { offset, ..v });
            for (target, op) in ops {
                match *target {
                    Target::Output(k) => apply(op, outputs.tile(k), uniforms, slots, x, v),
                    Target::Slot(i) => {
                        // The slot is taken out while it is written, so that the others can be read.
                        let mut tile = slots[i as usize].take().expect("a slot is never its own argument");
                        apply(op, &mut tile, uniforms, slots, x, v);
                        slots[i as usize] = Some(tile);
                    }
                }
            }
        }
    }
}

/// Everything an operation can read.
#[derive(Clone, Copy)]
struct Readable<'a> {
    slots: &'a [Option<Box<Tile>>],
    x: Columns<'a>,
    v: Columns<'a>,
}

impl<'a> Readable<'a> {
    #[inline(always)]
    fn tile(&self, source: Source) -> &'a Tile {
        match source {
            Source::Slot(i) => self.slots[i as usize].as_deref().expect("a slot is written before it is read"),
            Source::X(j) => self.x.tile(j),
            Source::V(j) => self.v.tile(j),
        }
    }
}

#[inline(always)]
fn apply(op: &Op, out: &mut Tile, uniforms: &[f64], slots: &[Option<Box<Tile>>], x: Columns<'_>, v: Columns<'_>) {
    let memory = Readable { slots, x, v };
    match *op {
        Op::Fill(u) => out.fill(uniforms[u as usize]),
        Op::Copy(a) => *out = *memory.tile(a),
        Op::Add(a, b) => binary(out, memory.tile(a), memory.tile(b), |a, b| a + b),
        Op::AddUniform(a, u) => {
            let u = uniforms[u as usize];
            unary(out, memory.tile(a), |a| a + u);
        }
        Op::Mul(a, b) => binary(out, memory.tile(a), memory.tile(b), |a, b| a * b),
        Op::MulUniform(a, u) => {
            let u = uniforms[u as usize];
            unary(out, memory.tile(a), |a| a * u);
        }
        Op::MulAdd(a, b, c) => {
            let c = memory.tile(c);
            let (a, b) = (memory.tile(a), memory.tile(b));
            for i in 0..LANES {
                out[i] = a[i].mul_add(b[i], c[i]);
            }
        }
        Op::MulUniformAdd(a, u, c) => {
            let u = uniforms[u as usize];
            binary(out, memory.tile(a), memory.tile(c), |a, c| a.mul_add(u, c));
        }
        Op::Div(a, b) => binary(out, memory.tile(a), memory.tile(b), |a, b| a / b),
        Op::UniformDiv(u, a) => {
            let u = uniforms[u as usize];
            unary(out, memory.tile(a), |a| u / a);
        }
        Op::PowI(a, n) => {
            let a = memory.tile(a);
            match n {
                2 => unary(out, a, |a| a * a),
                3 => unary(out, a, |a| a * a * a),
                4 => unary(out, a, |a| (a * a) * (a * a)),
                -1 => unary(out, a, |a| 1.0 / a),
                -2 => unary(out, a, |a| 1.0 / (a * a)),
                n => power(out, a, n),
            }
        }
        Op::Pow(a, b) => binary(out, memory.tile(a), memory.tile(b), math::pow),
        Op::Min(a, b) => binary(out, memory.tile(a), memory.tile(b), min),
        Op::Max(a, b) => binary(out, memory.tile(a), memory.tile(b), max),
        Op::Below(a, b) => binary(out, memory.tile(a), memory.tile(b), below),
        Op::Call(function, a) => call(function, out, memory.tile(a)),
        Op::Poly(a, first, n) => {
            let c = &uniforms[first as usize..(first + n) as usize];
            let a = memory.tile(a);
            match n {
                2 => horner::<2>(out, a, c),
                3 => horner::<3>(out, a, c),
                4 => horner::<4>(out, a, c),
                5 => horner::<5>(out, a, c),
                6 => horner::<6>(out, a, c),
                7 => horner::<7>(out, a, c),
                8 => horner::<8>(out, a, c),
                _ => horner::<9>(out, a, c),
            }
        }
        Op::LogSumExp(ref args) => {
            let mut top = [-f64::MAX; LANES];
            for &arg in args {
                let a = memory.tile(arg);
                for i in 0..LANES {
                    top[i] = max(a[i], top[i]);
                }
            }
            let mut sum = [0.0; LANES];
            for &arg in args {
                let a = memory.tile(arg);
                for i in 0..LANES {
                    sum[i] += math::exp(a[i] - top[i]);
                }
            }
            binary(out, &top, &sum, |top, sum| top + math::ln(sum));
        }
    }
}

/// `a^n` by repeated squaring, the squares shared by all lanes' control flow.
#[inline(always)]
fn power(out: &mut Tile, a: &Tile, n: i32) {
    let mut square = *a;
    let mut left = n.unsigned_abs();
    out.fill(1.0);
    loop {
        if left & 1 == 1 {
            for i in 0..LANES {
                out[i] *= square[i];
            }
        }
        left >>= 1;
        if left == 0 {
            break;
        }
        for i in 0..LANES {
            square[i] *= square[i];
        }
    }
    if n < 0 {
        for i in 0..LANES {
            out[i] = 1.0 / out[i];
        }
    }
}

/// `f`, and where the argument is too large for it the standard library's function.
#[inline(always)]
fn periodic(out: &mut Tile, a: &Tile, f: impl Fn(f64) -> f64, beyond: impl Fn(f64) -> f64) {
    unary(out, a, f);
    if a.iter().fold(false, |any, v| any | (v.abs() > math::TRIG_MAX)) {
        out.iter_mut().zip(a).filter(|(_, a)| a.abs() > math::TRIG_MAX).for_each(|(o, a)| *o = beyond(*a));
    }
}

#[inline(always)]
fn call(function: Function, out: &mut Tile, a: &Tile) {
    match function {
        Function::Exp => unary(out, a, math::exp),
        Function::Log => unary(out, a, math::ln),
        Function::Log1p => unary(out, a, math::ln_1p),
        Function::Sqrt => unary(out, a, f64::sqrt),
        Function::Abs => unary(out, a, f64::abs),
        Function::Sign => unary(out, a, sign),
        Function::Sin => periodic(out, a, math::sin, f64::sin),
        Function::Cos => periodic(out, a, math::cos, f64::cos),
        Function::Tan => periodic(out, a, math::tan, f64::tan),
        Function::Tanh => unary(out, a, math::tanh),
        Function::Sinh => unary(out, a, math::sinh),
        Function::Cosh => unary(out, a, math::cosh),
        Function::Erf => unary(out, a, math::erf),
        Function::Softplus => unary(out, a, math::softplus),
        Function::Logistic => unary(out, a, math::logistic),
    }
}

/// Turns scheduled nodes into operations and gives them slots.
struct Compiler<'a> {
    graph: &'a Graph,
    order: Vec<Id>,
    /// Uses of each node that is computed, outputs included.
    n_uses: HashMap<Id, u32>,
    /// Additions that are computed as p q + c.
    fusions: HashMap<Id, [Id; 3]>,
    place: HashMap<Id, Source>,
    free_slots: Vec<u32>,
    n_slots: u32,
    uniform_nodes: Vec<Node>,
    uniform_index: HashMap<Id, u32>,
    read: Vec<u32>,
    ops: Vec<(Target, Op)>,
}

impl<'a> Compiler<'a> {
    fn new(graph: &'a Graph, roots: &[Id]) -> Self {
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
            order,
            n_uses,
            fusions,
            place: HashMap::new(),
            free_slots: Vec::new(),
            n_slots: 0,
            uniform_nodes: Vec::new(),
            uniform_index: HashMap::new(),
            read: Vec::new(),
            ops: Vec::new(),
        }
    }

    fn compile(mut self, roots: &[Id]) -> Program {
        let order = std::mem::take(&mut self.order);
        for &id in &order {
            if self.graph.is_uniform(id) {
                let node = remap(self.graph.node(id), &self.uniform_index);
                self.uniform_index.insert(id, self.uniform_nodes.len() as u32);
                self.uniform_nodes.push(node);
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
        let n_uniform = self.uniform_nodes.len();
        Program {
            ops: self.ops,
            n_slots: self.n_slots as usize,
            n_outputs: roots.len(),
            uniform_nodes: self.uniform_nodes,
            uniform_values: vec![0.0; n_uniform],
            uniforms: vec![0.0; self.read.len()],
            read: self.read,
        }
    }

    /// The index at which operations read a uniform node.
    fn uniform(&mut self, id: Id) -> Uniform {
        self.read.push(self.uniform_index[&id]);
        self.read.len() as u32 - 1
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
            Node::X(j) => Source::X(j),
            Node::V(j) => Source::V(j),
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
            self.place.insert(id, Source::X(j));
            return;
        }
        if let Node::V(j) = node {
            self.place.insert(id, Source::V(j));
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
                let first = self.read.len() as u32;
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

impl Op {
    fn sources(&self) -> Vec<Source> {
        match *self {
            Op::Fill(_) => vec![],
            Op::Copy(a)
            | Op::AddUniform(a, _)
            | Op::MulUniform(a, _)
            | Op::UniformDiv(_, a)
            | Op::PowI(a, _)
            | Op::Call(_, a)
            | Op::Poly(a, ..) => vec![a],
            Op::Add(a, b)
            | Op::Mul(a, b)
            | Op::MulUniformAdd(a, _, b)
            | Op::Div(a, b)
            | Op::Pow(a, b)
            | Op::Min(a, b)
            | Op::Max(a, b)
            | Op::Below(a, b) => vec![a, b],
            Op::MulAdd(a, b, c) => vec![a, b, c],
            Op::LogSumExp(ref args) => args.to_vec(),
        }
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
