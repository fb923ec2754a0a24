//! Exact sums over labels, one site after the other: variable elimination (Dechter 1999, "Bucket elimination: a
//! unifying framework for reasoning", Artificial Intelligence 113, 41).
//!
//! Summing out a site joins all tables that it is in to one table of its neighbours, which has as many entries as they
//! have states: what graphs of small treewidth can afford. Backwards through the same tables, every site has a
//! distribution given those that were summed out later, which gives exact, independent draws; and the derivatives of
//! log Z by the entries of all tables, which are their probabilities, give marginals and the mean energy.

mod bucket;
mod factors;
mod order;

use rayon::prelude::*;
use thiserror::Error;

use self::bucket::{Bucket, Source, posterior};
pub use self::factors::Factors;
pub use self::order::Order;
use super::LogZ;
use crate::math;
use crate::points::{Matrix, Points, Space};
use crate::rng::{Purpose, Streams};
use crate::simd;

/// Entries of a table, or of all that are kept, that half a gigabyte holds.
pub const MAX_ENTRIES: usize = 1 << 26;

/// Why sites cannot be eliminated.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum EliminationError {
    /// A table is too large. A better order may exist, but none was found.
    #[error(
        "elimination has an induced width of at least {width}: a table of {entries:.3e} entries, where \
         {max_entries:.3e} are allowed"
    )]
    TooWide {
        /// Sites of the table.
        width: usize,
        /// Its entries.
        entries: f64,
        /// Most entries of a table.
        max_entries: f64,
    },
    /// All tables together are too large to be kept for draws and marginals.
    #[error(
        "elimination of width {width} must keep {entries:.3e} entries of tables for draws and marginals, where \
         {max_entries:.3e} are allowed"
    )]
    TooMany {
        /// Sites of the largest table.
        width: usize,
        /// Entries of all tables.
        entries: f64,
        /// Most of them.
        max_entries: f64,
    },
    /// No state is possible.
    #[error("every state has probability zero")]
    Empty,
}

/// log Z alone, with no table kept that is needed no more.
///
/// # Errors
/// [`EliminationError::TooWide`] for a table of more than `max_entries` entries, [`EliminationError::Empty`].
pub fn log_z(factors: &Factors, max_entries: usize) -> Result<LogZ, EliminationError> {
    let order = Order::new(factors, max_entries)?;
    let (value, _) = forward(factors, &buckets(factors, &order), false)?;
    Ok(to_log_z(value))
}

/// A product of factors whose sites have been summed out.
#[derive(Clone, Debug)]
pub struct Elimination {
    factors: Factors,
    buckets: Vec<Bucket>,
    messages: Vec<Message>,
    log_z: f64,
    order: Order,
}

/// The table that a bucket leaves, and how much its entries were more than they are here, where the largest is 0.
#[derive(Clone, Debug, Default)]
struct Message {
    log: Vec<f64>,
    top: f64,
}

/// What a site does by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Marginals {
    /// Probability of each value of each site.
    pub sites: Vec<Vec<f64>>,
    /// Mean energy, where the energy is minus the sum of the logarithms of all factors.
    pub mean_energy: f64,
}

impl Elimination {
    /// Sums out all sites.
    ///
    /// # Errors
    /// [`EliminationError::TooWide`] for a table of more than `max_entries` entries, [`EliminationError::TooMany`] for
    /// more than that in all tables together, [`EliminationError::Empty`].
    pub fn new(factors: Factors, max_entries: usize) -> Result<Self, EliminationError> {
        let order = Order::new(&factors, max_entries)?;
        let (entries, max_entries) = (order.total_entries(), max_entries as f64);
        if entries > max_entries {
            return Err(EliminationError::TooMany { width: order.width(), entries, max_entries });
        }
        let buckets = buckets(&factors, &order);
        let (log_z, messages) = forward(&factors, &buckets, true)?;
        Ok(Self { factors, buckets, messages, log_z, order })
    }

    /// log Z.
    pub fn log_z(&self) -> f64 {
        self.log_z
    }

    /// log Z, exact up to rounding.
    pub fn to_log_z(&self) -> LogZ {
        to_log_z(self.log_z)
    }

    /// The order of elimination, and what it took.
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// Probabilities of all values of all sites, and the mean energy: derivatives of log Z, computed backwards.
    pub fn marginals(&self) -> Marginals {
        let mut sites: Vec<Vec<f64>> = self.factors.arity().iter().map(|a| vec![0.0; *a]).collect();
        let mut energy = -self.factors.constant();
        // Probabilities of the entries of every message.
        let mut joint: Vec<Vec<f64>> = self.messages.iter().map(|m| vec![0.0; m.log.len()]).collect();
        let mut terms = Vec::new();
        for (k, bucket) in self.buckets.iter().enumerate().rev() {
            let p = if bucket.scope.is_empty() { vec![1.0] } else { std::mem::take(&mut joint[k]) };
            let (blocks, message) = (bucket.blocks(), &self.messages[k]);
            terms.resize(bucket.arity * blocks.len, 0.0);
            for (block, (p, log)) in p.chunks(blocks.len).zip(message.log.chunks(blocks.len)).enumerate() {
                blocks.terms(block, -message.top, |source| self.table(source), &mut terms);
                for (v, terms) in terms.chunks_exact_mut(blocks.len).enumerate() {
                    posterior(p, log, terms);
                    sites[bucket.site][v] += simd::sum(terms);
                    for (input, offsets) in bucket.inputs.iter().zip(&blocks.offsets) {
                        let base = blocks.base(block, input) + v * input.stride;
                        match input.source {
                            Source::Factor(f) => energy -= mean(&self.factors.all()[f].log[base..], offsets, terms),
                            Source::Message(m) => scatter(&mut joint[m][base..], offsets, terms),
                        }
                    }
                }
            }
        }
        Marginals { sites, mean_energy: energy }
    }

    /// `n` exact, independent draws, one for each chain: backwards, each site given those that were eliminated after
    /// it.
    pub fn sample(&self, n: usize, rng: &mut Streams) -> Points {
        let mut x = Points::from_labels(Matrix::new(n, self.buckets.len()));
        self.sample_into(&mut x, rng);
        x
    }

    /// Replaces every row of `x` by an exact draw, as [`Elimination::sample`].
    pub fn sample_into(&self, x: &mut Points, rng: &mut Streams) {
        let n = x.n();
        let u = rng.uniforms(Purpose::Init, n, self.buckets.len());
        let mut offsets = vec![0; n];
        let mut logits = Vec::new();
        for bucket in self.buckets.iter().rev() {
            logits.clear();
            logits.resize(n * bucket.arity, 0.0);
            for input in &bucket.inputs {
                offsets.fill(0);
                for (site, stride) in bucket.scope.iter().zip(&input.strides).filter(|s| *s.1 > 0) {
                    let labels = x.label.col(*site);
                    offsets.iter_mut().zip(labels).for_each(|(offset, label)| *offset += usize::from(*label) * stride);
                }
                let table = self.table(input.source);
                for (logits, offset) in logits.chunks_exact_mut(bucket.arity).zip(&offsets) {
                    for (v, logit) in logits.iter_mut().enumerate() {
                        *logit += table[offset + v * input.stride];
                    }
                }
            }
            let labels = x.label.col_mut(bucket.site).iter_mut();
            for ((label, u), logits) in labels.zip(u.col(bucket.site)).zip(logits.chunks_exact_mut(bucket.arity)) {
                *label = choose(logits, *u) as u8;
            }
        }
    }

    fn table(&self, source: Source) -> &[f64] {
        table(&self.factors, &self.messages, source)
    }
}

impl Marginals {
    /// Mean value of each site, with the values of `space`.
    ///
    /// # Panics
    /// If its labels are not these sites.
    pub fn means(&self, space: &Space) -> Vec<f64> {
        assert_eq!(space.labels.len(), self.sites.len(), "as many labels as sites");
        let mean = |(p, values): (&Vec<f64>, &crate::points::Values)| {
            assert_eq!(p.len(), values.arity(), "as many values of the label as of the site");
            p.iter().zip(values.as_slice()).map(|(p, v)| p * v).sum()
        };
        self.sites.iter().zip(&space.labels).map(mean).collect()
    }
}

fn to_log_z(value: f64) -> LogZ {
    LogZ::exact(value, 1e-13 * value.abs().max(1.0), "elimination", 0)
}

/// The buckets in the order of elimination; every table goes to the first whose site it has.
fn buckets(factors: &Factors, order: &Order) -> Vec<Bucket> {
    let arity = factors.arity();
    let mut buckets: Vec<Bucket> = order.steps().iter().map(|step| Bucket::new(step, arity)).collect();
    let mut position = vec![0; arity.len()];
    buckets.iter().enumerate().for_each(|(k, b)| position[b.site] = k);
    let first = |sites: &[usize]| sites.iter().map(|s| position[*s]).min();
    for (f, factor) in factors.all().iter().enumerate() {
        if let Some(k) = first(&factor.sites) {
            buckets[k].push(Source::Factor(f), &factor.sites, arity);
        }
    }
    for (m, step) in order.steps().iter().enumerate() {
        if let Some(k) = first(&step.scope) {
            buckets[k].push(Source::Message(m), &step.scope, arity);
        }
    }
    buckets
}

/// log Z, and what each bucket leaves: empty unless `keep` where a later bucket has used it.
fn forward(factors: &Factors, buckets: &[Bucket], keep: bool) -> Result<(f64, Vec<Message>), EliminationError> {
    // Many alike: summed with what rounding loses (Neumaier 1974).
    let (mut log_z, mut lost) = (factors.constant(), 0.0);
    if log_z == f64::NEG_INFINITY {
        return Err(EliminationError::Empty);
    }
    let mut messages = vec![Message::default(); buckets.len()];
    for (k, bucket) in buckets.iter().enumerate() {
        let blocks = bucket.blocks();
        let mut log = vec![0.0; bucket.len()];
        let scratch = || vec![0.0; bucket.arity * blocks.len];
        let tables = |source| table(factors, &messages, source);
        let sum_out =
            |terms: &mut Vec<f64>, (block, out): (usize, &mut [f64])| blocks.sum_out(block, tables, terms, out);
        if log.len() == blocks.len {
            sum_out(&mut scratch(), (0, &mut log));
        } else {
            log.par_chunks_mut(blocks.len).enumerate().for_each_init(scratch, sum_out);
        }
        let top = log.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if top == f64::NEG_INFINITY {
            return Err(EliminationError::Empty);
        }
        log.iter_mut().for_each(|l| *l -= top);
        let sum = log_z + top;
        lost += if log_z.abs() < top.abs() { (top - sum) + log_z } else { (log_z - sum) + top };
        log_z = sum;
        messages[k] = Message { log, top };
        for input in bucket.inputs.iter().filter(|_| !keep) {
            if let Source::Message(m) = input.source {
                messages[m].log = Vec::new();
            }
        }
    }
    Ok((log_z + lost, messages))
}

fn table<'a>(factors: &'a Factors, messages: &'a [Message], source: Source) -> &'a [f64] {
    match source {
        Source::Factor(f) => &factors.all()[f].log,
        Source::Message(m) => &messages[m].log,
    }
}

/// The mean of a table; what has no probability does not count, even where it is infinite.
fn mean(table: &[f64], offsets: &[usize], p: &[f64]) -> f64 {
    offsets.iter().zip(p).filter(|(_, p)| **p > 0.0).map(|(offset, p)| p * table[*offset]).sum()
}

fn scatter(table: &mut [f64], offsets: &[usize], p: &[f64]) {
    offsets.iter().zip(p).for_each(|(offset, p)| table[*offset] += p);
}

/// The value at which the probabilities, proportional to `exp(logits)`, exceed the uniform `u` together.
fn choose(logits: &mut [f64], u: f64) -> usize {
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    logits.iter_mut().for_each(|l| *l = math::exp(*l - top));
    let mut left = u * logits.iter().sum::<f64>();
    let find = logits.iter().position(|p| {
        left -= p;
        left < 0.0
    });
    find.unwrap_or_else(|| logits.iter().rposition(|p| *p > 0.0).unwrap_or(0))
}
