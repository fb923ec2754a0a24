//! A straight program, run on strips of tiles of chains: one dispatch per operation and strip, each operation a SIMD loop
//! ([`super::tile`]). Nothing is allocated after the first call on a thread.

use std::cell::RefCell;

use super::function::Function;
use super::tile::{self, LANES, STRIP, Tile};
use super::uniforms::{Uniform, Uniforms};
use crate::math::slice;
use crate::points::Matrix;

/// Where an operation reads.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    Slot(u32),
    X(u32),
    V(u32),
}

/// Where an operation writes.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    Slot(u32),
    Output(u32),
}

/// One step of a program.
#[derive(Clone, Debug)]
pub enum Op {
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
    uniforms: Uniforms,
}

/// Column-major input, seen from one row on.
#[derive(Clone, Copy)]
struct Columns<'a> {
    data: &'a [f64],
    stride: usize,
    offset: usize,
}

impl<'a> Columns<'a> {
    #[inline(always)]
    fn tiles(&self, j: u32, n: usize) -> &'a [Tile] {
        let start = j as usize * self.stride + self.offset;
        self.data[start..start + n * LANES].as_chunks().0
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
    fn tiles(&mut self, k: u32, n: usize) -> &mut [Tile] {
        let slice = match k {
            0 => &mut self.first[self.offset..],
            k => &mut self.rest[(k as usize - 1) * self.stride + self.offset..],
        };
        slice[..n * LANES].as_chunks_mut().0
    }
}

/// A value of a strip of tiles, from the beginning of a cache line on, so that vectors do not straddle two.
#[repr(align(64))]
struct Slot([Tile; STRIP]);

/// Per-thread memory of the interpreter.
#[derive(Default)]
struct Memory {
    slots: Vec<Option<Box<Slot>>>,
    inputs: Vec<f64>,
    outputs: Vec<f64>,
}

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::default();
}

impl Program {
    /// A program whose operations write the outputs `0..n_outputs` and the slots `0..n_slots`.
    pub(super) fn new(ops: Vec<(Target, Op)>, n_slots: usize, n_outputs: usize, uniforms: Uniforms) -> Self {
        Self { ops, n_slots, n_outputs, uniforms }
    }

    /// Computes everything that depends on the parameters only.
    pub fn set_theta(&mut self, theta: &[f64]) {
        self.uniforms.set_theta(theta);
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
                memory.slots.push(Some(Box::new(Slot([[0.0; LANES]; STRIP]))));
            }
            let v_data = v.map_or(&[][..], Matrix::as_slice);
            let whole = n - n % LANES;
            let mut outputs = Outputs { first, rest, stride: n, offset: 0 };
            let xs = Columns { data: x.as_slice(), stride: n, offset: 0 };
            let vs = Columns { data: v_data, stride: n, offset: 0 };
            execute(&self.ops, self.uniforms.values(), &mut memory.slots, xs, vs, &mut outputs, whole);
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
        execute(&self.ops, self.uniforms.values(), &mut memory.slots, xs, vs, &mut padded, LANES);
        out.first[from..].copy_from_slice(&padded.first[..n_rest]);
        for k in 0..self.n_outputs - 1 {
            out.rest[k * n + from..(k + 1) * n].copy_from_slice(&padded.rest[k * LANES..][..n_rest]);
        }
    }
}

/// Runs all operations on the tiles of the first `n` rows, a multiple of the tile.
fn execute(
    ops: &[(Target, Op)],
    uniforms: &[f64],
    slots: &mut [Option<Box<Slot>>],
    x: Columns<'_>,
    v: Columns<'_>,
    outputs: &mut Outputs<'_>,
    n: usize,
) {
    for offset in (0..n).step_by(STRIP * LANES) {
        let n_tiles = STRIP.min((n - offset) / LANES);
        outputs.offset = offset;
        let (x, v) = (Columns { offset, ..x }, Columns { offset, ..v });
        for (target, op) in ops {
            match *target {
                Target::Output(k) => apply(op, outputs.tiles(k, n_tiles), uniforms, Readable { slots, x, v, n_tiles }),
                Target::Slot(i) => {
                    // The slot is taken out while it is written, so that the others can be read.
                    let mut slot = slots[i as usize].take().expect("a slot is never its own argument");
                    apply(op, &mut slot.0[..n_tiles], uniforms, Readable { slots, x, v, n_tiles });
                    slots[i as usize] = Some(slot);
                }
            }
        }
    }
}

/// Everything an operation can read.
#[derive(Clone, Copy)]
struct Readable<'a> {
    slots: &'a [Option<Box<Slot>>],
    x: Columns<'a>,
    v: Columns<'a>,
    n_tiles: usize,
}

impl<'a> Readable<'a> {
    #[inline(always)]
    fn tiles(&self, source: Source) -> &'a [Tile] {
        match source {
            Source::Slot(i) => {
                let slot = self.slots[i as usize].as_deref().expect("a slot is written before it is read");
                &slot.0[..self.n_tiles]
            }
            Source::X(j) => self.x.tiles(j, self.n_tiles),
            Source::V(j) => self.v.tiles(j, self.n_tiles),
        }
    }
}

/// `out = op`.
#[inline(always)]
fn apply(op: &Op, out: &mut [Tile], uniforms: &[f64], memory: Readable<'_>) {
    let at = |source: Source| memory.tiles(source);
    let shared = |u: Uniform| uniforms[u as usize];
    match *op {
        Op::Fill(u) => out.as_flattened_mut().fill(shared(u)),
        Op::Copy(a) => out.copy_from_slice(at(a)),
        Op::Add(a, b) => tile::add(out, at(a), at(b)),
        Op::AddUniform(a, u) => tile::add_uniform(out, at(a), shared(u)),
        Op::Mul(a, b) => tile::mul(out, at(a), at(b)),
        Op::MulUniform(a, u) => tile::mul_uniform(out, at(a), shared(u)),
        Op::MulAdd(a, b, c) => tile::mul_add(out, at(a), at(b), at(c)),
        Op::MulUniformAdd(a, u, c) => tile::mul_uniform_add(out, at(a), at(c), shared(u)),
        Op::Div(a, b) => tile::div(out, at(a), at(b)),
        Op::UniformDiv(u, a) => tile::uniform_div(out, at(a), shared(u)),
        Op::PowI(a, n) => slice::powi(at(a).as_flattened(), n, out.as_flattened_mut()),
        Op::Pow(a, b) => slice::pow(at(a).as_flattened(), at(b).as_flattened(), out.as_flattened_mut()),
        Op::Min(a, b) => tile::min(out, at(a), at(b)),
        Op::Max(a, b) => tile::max(out, at(a), at(b)),
        Op::Below(a, b) => tile::below(out, at(a), at(b)),
        Op::Call(function, a) => call(function, out, at(a)),
        Op::Poly(a, first, n) => tile::poly(out, at(a), &uniforms[first as usize..(first + n) as usize]),
        Op::LogSumExp(ref args) => tile::log_sum_exp(out, args.iter().map(|a| at(*a))),
    }
}

fn call(function: Function, out: &mut [Tile], a: &[Tile]) {
    let elementary: fn(&[f64], &mut [f64]) = match function {
        Function::Sqrt => return tile::sqrt(out, a),
        Function::Abs => return tile::abs(out, a),
        Function::Sign => return tile::sign(out, a),
        Function::Exp => slice::exp,
        Function::Log => slice::ln,
        Function::Log1p => slice::ln_1p,
        Function::Sin => slice::sin,
        Function::Cos => slice::cos,
        Function::Tan => slice::tan,
        Function::Tanh => slice::tanh,
        Function::Sinh => slice::sinh,
        Function::Cosh => slice::cosh,
        Function::Erf => slice::erf,
        Function::Softplus => slice::softplus,
        Function::Logistic => slice::logistic,
    };
    elementary(a.as_flattened(), out.as_flattened_mut());
}

impl Op {
    /// Where it reads.
    pub fn sources(&self) -> Vec<Source> {
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
