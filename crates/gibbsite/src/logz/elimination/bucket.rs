//! One step of elimination: the tables that meet at a site.

use super::order::Step;
use crate::math;
use crate::simd::simd_fn;

/// Entries that are worked on together, about.
const BLOCK: usize = 4096;

/// A site, the sites that its tables couple it to, and those tables.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    pub site: usize,
    /// Values of the site.
    pub arity: usize,
    pub scope: Vec<usize>,
    /// Values of each site of the scope.
    sizes: Vec<usize>,
    pub inputs: Vec<Input>,
}

/// A table of some of the sites of a bucket.
#[derive(Clone, Debug)]
pub(super) struct Input {
    pub source: Source,
    /// How far apart the entries of neighbouring values of the site are.
    pub stride: usize,
    /// The same for each site of the scope: 0 for those it does not depend on.
    pub strides: Vec<usize>,
}

/// Where a table comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Source {
    /// A factor of the product.
    Factor(usize),
    /// What a bucket before has left.
    Message(usize),
}

impl Bucket {
    pub fn new(step: &Step, arity: &[usize]) -> Self {
        let sizes = step.scope.iter().map(|s| arity[*s]).collect();
        Self { site: step.site, arity: arity[step.site], scope: step.scope.clone(), sizes, inputs: Vec::new() }
    }

    /// Adds a table of `sites`, the last of which changes fastest.
    pub fn push(&mut self, source: Source, sites: &[usize], arity: &[usize]) {
        let mut strides = vec![0; self.scope.len()];
        let (mut at, mut stride) = (1, 0);
        for s in sites.iter().rev() {
            match self.scope.binary_search(s) {
                Ok(k) => strides[k] = at,
                Err(_) => stride = at,
            }
            at *= arity[*s];
        }
        self.inputs.push(Input { source, stride, strides });
    }

    /// Entries of the table that it leaves.
    pub fn len(&self) -> usize {
        self.sizes.iter().product()
    }

    /// The entries in blocks: those of the last sites of the scope together.
    pub fn blocks(&self) -> Blocks<'_> {
        let (mut first, mut len) = (self.sizes.len(), 1);
        while first > 0 && len * self.sizes[first - 1] <= BLOCK {
            first -= 1;
            len *= self.sizes[first];
        }
        let inner = |input: &Input| {
            let mut offsets = vec![0];
            for (size, stride) in self.sizes[first..].iter().zip(&input.strides[first..]).rev() {
                offsets = (0..*size).flat_map(|v| offsets.iter().map(move |o| o + v * stride)).collect();
            }
            offsets
        };
        Blocks { bucket: self, first, len, offsets: self.inputs.iter().map(inner).collect() }
    }
}

/// How the entries of a bucket are reached.
pub(super) struct Blocks<'a> {
    bucket: &'a Bucket,
    /// The first site of the scope whose values change within a block.
    first: usize,
    /// Entries of a block.
    pub len: usize,
    /// Where in each input the entries of a block are, from the first on.
    pub offsets: Vec<Vec<usize>>,
}

impl Blocks<'_> {
    /// Where a block begins in an input.
    pub fn base(&self, block: usize, input: &Input) -> usize {
        let (mut rest, mut base) = (block, 0);
        for k in (0..self.first).rev() {
            base += rest % self.bucket.sizes[k] * input.strides[k];
            rest /= self.bucket.sizes[k];
        }
        base
    }

    /// The sum of `start` and all inputs in a block, one value of the site after the other.
    pub fn terms<'t>(&self, block: usize, start: f64, table: impl Fn(Source) -> &'t [f64], out: &mut [f64]) {
        out.fill(start);
        for (input, offsets) in self.bucket.inputs.iter().zip(&self.offsets) {
            let (table, base) = (table(input.source), self.base(block, input));
            for (v, out) in out.chunks_exact_mut(self.len).enumerate() {
                let table = &table[base + v * input.stride..];
                for (out, offset) in out.iter_mut().zip(offsets) {
                    *out += table[*offset];
                }
            }
        }
    }

    /// The log of the sum of a block over the values of the site.
    pub fn sum_out<'t>(&self, block: usize, table: impl Fn(Source) -> &'t [f64], terms: &mut [f64], out: &mut [f64]) {
        self.terms(block, 0.0, table, terms);
        let (first, others) = terms.split_at(self.len);
        out.copy_from_slice(first);
        others.chunks_exact(self.len).for_each(|other| log_add(out, other));
    }
}

simd_fn! {
    /// `a = log(exp(a) + exp(b))`.
    fn log_add(a: &mut [f64], b: &[f64]) {
        for (a, b) in a.iter_mut().zip(b) {
            *a = math::log_add_exp(*a, *b);
        }
    }
}

simd_fn! {
    /// `terms = weight exp(terms - log)`, 0 where the weight is.
    pub(super) fn posterior(weight: &[f64], log: &[f64], terms: &mut [f64]) {
        for ((term, log), weight) in terms.iter_mut().zip(log).zip(weight) {
            let p = weight * math::exp(*term - log);
            *term = if *weight > 0.0 { p } else { 0.0 };
        }
    }
}
