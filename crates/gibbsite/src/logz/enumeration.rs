//! Sums over all states of labels, exactly: all but those of one block of labels that are independent of each other given the
//! rest, which are summed out in closed form. Of a restricted Boltzmann machine that leaves the smaller layer, of an even
//! lattice every second site.

use rayon::prelude::*;

use super::{LogZ, LogZError, log_sum_exp};
use crate::energy::{Discrete, Energy, n_logits};
use crate::math::{exp, ln_1p, logistic, softplus};
use crate::points::{Matrix, Points, Values};
use crate::simd::{simd_fn, sum};

/// States that can be gone through at most.
pub const MAX_STATES: f64 = (1u64 << 26) as f64;

/// States evaluated together.
const BATCH: u64 = 1 << 10;

/// Batches that are summed up one after the other.
const BATCHES: u64 = 16;

/// What sums over all states give.
#[derive(Clone, Debug, PartialEq)]
pub struct Enumeration {
    /// `log sum_x exp(-E(x))`.
    pub log_z: f64,
    /// The mean energy; the entropy is `log_z + energy`.
    pub energy: f64,
    /// The probability of each value of each label.
    pub marginals: Vec<Vec<f64>>,
    /// States gone through.
    pub n_states: u64,
}

impl Enumeration {
    /// The mean of each label's value.
    pub fn mean(&self, labels: &[Values]) -> Vec<f64> {
        let mean = |(p, v): (&Vec<f64>, &Values)| p.iter().zip(v.as_slice()).map(|(p, v)| p * v).sum();
        self.marginals.iter().zip(labels).map(mean).collect()
    }

    /// log Z as an estimate without error but that of rounding.
    pub fn log_z(&self) -> LogZ {
        LogZ::exact(self.log_z, f64::EPSILON * (1.0 + self.log_z.abs()) * 8.0, "enumeration", self.n_states)
    }
}

/// How many states [`enumerate`] goes through.
pub fn n_states<E: Discrete + ?Sized>(energy: &E) -> f64 {
    let labels = &energy.space().labels;
    energy.space().n_states() / summed_out(energy).iter().map(|s| labels[*s].arity() as f64).product::<f64>()
}

/// The block with the most states.
fn summed_out<E: Discrete + ?Sized>(energy: &E) -> &[usize] {
    let labels = &energy.space().labels;
    let log_states = |block: &[usize]| block.iter().map(|s| (labels[*s].arity() as f64).ln()).sum::<f64>();
    let most = energy.blocks().iter().max_by(|a, b| log_states(a).total_cmp(&log_states(b)));
    most.map_or(&[], Vec::as_slice)
}

/// log Z, mean energy and marginals of an energy of labels alone. The same bits for any number of threads.
///
/// # Errors
/// [`LogZError::States`] beyond [`MAX_STATES`], [`LogZError::Reals`] with real coordinates, [`LogZError::Undefined`] where the energy is NaN,
/// [`LogZError::Empty`] where every state is impossible.
pub fn enumerate<E: Discrete + ?Sized>(energy: &E) -> Result<Enumeration, LogZError> {
    let space = energy.space();
    require_labels(energy, "enumeration")?;
    let n = n_states(energy);
    if !(n <= MAX_STATES) {
        return Err(LogZError::States { method: "enumeration", n_states: n, max: MAX_STATES });
    }
    let free = summed_out(energy);
    let rest: Vec<usize> = (0..space.labels.len()).filter(|s| !free.contains(s)).collect();
    let n = n as u64;
    let starts: Vec<u64> = (0..n).step_by((BATCH * BATCHES) as usize).collect();
    let part = |first: u64| {
        let mut sums = Sums::new(space.labels.iter().map(Values::arity));
        let mut batch = Batch::new(energy, free);
        for first in (first..n.min(first + BATCH * BATCHES)).step_by(BATCH as usize) {
            batch.add(energy, &rest, free, first..n.min(first + BATCH), &mut sums)?;
        }
        Ok(sums)
    };
    let parts: Vec<Result<Sums, LogZError>> = starts.into_par_iter().map(part).collect();
    let mut total = Sums::new(space.labels.iter().map(Values::arity));
    for part in parts {
        total.merge(&part?);
    }
    if total.top == f64::NEG_INFINITY {
        return Err(LogZError::Empty { n_evals: n });
    }
    let marginals = total.marginals.iter().map(|p| p.iter().map(|w| w / total.weight).collect()).collect();
    Ok(Enumeration {
        log_z: total.top + total.weight.ln(),
        energy: total.energy / total.weight,
        marginals,
        n_states: n,
    })
}

/// Labels only.
pub(super) fn require_labels<E: Energy + ?Sized>(energy: &E, method: &'static str) -> Result<(), LogZError> {
    match energy.space().dim() {
        0 => Ok(()),
        dim => Err(LogZError::Reals { method, dim }),
    }
}

/// The probability of every state of a small space, the first label fastest.
///
/// # Errors
/// As [`enumerate`], beyond 2^20 states.
pub fn state_probabilities<E: Energy + ?Sized>(energy: &E) -> Result<Vec<f64>, LogZError> {
    const MAX: f64 = (1u64 << 20) as f64;
    let space = energy.space();
    require_labels(energy, "a table of states")?;
    let n = space.n_states();
    if !(n <= MAX) {
        return Err(LogZError::States { method: "a table of states", n_states: n, max: MAX });
    }
    let sites: Vec<usize> = (0..space.labels.len()).collect();
    let mut x = Points::from_labels(Matrix::new(n as usize, space.labels.len()));
    set_states(&mut x, &space.labels, &sites, 0);
    let mut e = vec![0.0; n as usize];
    energy.energy(&x, &mut e);
    let log_p: Vec<f64> = e.iter().map(|e| -e).collect();
    let log_z = log_sum_exp(&log_p);
    if log_z.is_nan() {
        let at = e.iter().position(|e| e.is_nan()).unwrap_or_default();
        return Err(undefined(&x, at, &space.labels));
    }
    Ok(log_p.iter().map(|l| exp(l - log_z)).collect())
}

/// The state of number `number` of all `sites`, the first fastest.
fn set_states(x: &mut Points, labels: &[Values], sites: &[usize], first: u64) {
    let mut stride = 1;
    for &site in sites {
        let arity = labels[site].arity() as u64;
        // Runs of equal labels, `stride` long.
        let (mut label, mut left) = (first / stride % arity, stride - first % stride);
        let mut column = x.label.col_mut(site);
        while !column.is_empty() {
            let (run, rest) = column.split_at_mut((left as usize).min(column.len()));
            run.fill(label as u8);
            (column, label, left) = (rest, (label + 1) % arity, stride);
        }
        stride *= arity;
    }
}

fn undefined(x: &Points, i: usize, labels: &[Values]) -> LogZError {
    LogZError::Undefined { point: x.label.row(i).iter().zip(labels).map(|(l, v)| v.get(*l)).collect() }
}

/// Room for the states of a batch.
struct Batch {
    x: Points,
    energy: Vec<f64>,
    logits: Matrix<f64>,
    /// log p of the states, those of the block summed out.
    log_p: Vec<f64>,
    mean_energy: Vec<f64>,
    shares: Matrix<f64>,
}

impl Batch {
    fn new<E: Discrete + ?Sized>(energy: &E, free: &[usize]) -> Self {
        let n = BATCH as usize;
        let n_logits = n_logits(energy.space(), free);
        Self {
            x: Points::from_labels(Matrix::new(n, energy.space().labels.len())),
            energy: vec![0.0; n],
            logits: Matrix::new(n, n_logits),
            log_p: vec![0.0; n],
            mean_energy: vec![0.0; n],
            shares: Matrix::new(n, n_logits),
        }
    }

    /// Adds the states of these numbers of the labels of `rest`, those of `free` summed out.
    fn add<E: Discrete + ?Sized>(
        &mut self,
        energy: &E,
        rest: &[usize],
        free: &[usize],
        numbers: std::ops::Range<u64>,
        sums: &mut Sums,
    ) -> Result<(), LogZError> {
        let labels = &energy.space().labels;
        let n = (numbers.end - numbers.start) as usize;
        if n < self.x.n() {
            *self = Self { x: self.x.rows(0, n), ..Self::new(energy, free) };
            self.logits.reshape(n, self.logits.n_cols());
            self.shares.reshape(n, self.shares.n_cols());
            [&mut self.energy, &mut self.log_p, &mut self.mean_energy].into_iter().for_each(|v| v.truncate(n));
        }
        set_states(&mut self.x, labels, rest, numbers.start);
        energy.energy(&self.x, &mut self.energy);
        energy.logits(&self.x, free, &mut self.logits);
        for i in 0..n {
            self.log_p[i] = -self.energy[i];
            self.mean_energy[i] = self.energy[i];
        }
        let mut first = 0;
        for &site in free {
            let columns = first..first + labels[site].arity() - 1;
            self.sum_out(columns.clone());
            first = columns.end;
        }
        if let Some(i) = self.log_p.iter().position(|l| l.is_nan()) {
            return Err(undefined(&self.x, i, labels));
        }
        sums.add(self, rest, free);
        Ok(())
    }

    /// Adds `log(1 + sum exp(logit))` of a label, and what it adds to the mean energy; keeps the shares of its values.
    fn sum_out(&mut self, columns: std::ops::Range<usize>) {
        if columns.len() == 1 {
            let k = columns.start;
            return sum_out_bit(self.logits.col(k), self.shares.col_mut(k), &mut self.log_p, &mut self.mean_energy);
        }
        for i in 0..self.log_p.len() {
            let logit = |k: usize| self.logits.get(i, k);
            let top = columns.clone().map(logit).fold(0.0, f64::max);
            let weight = |k: usize| exp(logit(k) - top);
            let others: f64 = columns.clone().map(weight).sum();
            let total = if top == 0.0 { ln_1p(others) } else { top + (exp(-top) + others).ln() };
            self.log_p[i] += total;
            for k in columns.clone() {
                let share = exp(self.logits.get(i, k) - total);
                self.shares.set(i, k, share);
                if share > 0.0 {
                    self.mean_energy[i] -= share * self.logits.get(i, k);
                }
            }
        }
    }
}

simd_fn! {
    /// [`Batch::sum_out`] of a label of two values.
    fn sum_out_bit(logit: &[f64], share: &mut [f64], log_p: &mut [f64], mean_energy: &mut [f64]) {
        let n = logit.len();
        let (share, log_p, mean_energy) = (&mut share[..n], &mut log_p[..n], &mut mean_energy[..n]);
        for i in 0..n {
            let p = logistic(logit[i]);
            share[i] = p;
            log_p[i] += softplus(logit[i]);
            // A value that is impossible adds nothing, and not 0 * inf.
            mean_energy[i] -= if p > 0.0 { p * logit[i] } else { 0.0 };
        }
    }
}

simd_fn! {
    /// The weight of label 1.
    fn weigh_labels(weight: &[f64], label: &[u8]) -> f64 {
        let mut sums = [0.0; 16];
        for (weight, label) in weight.chunks(16).zip(label.chunks(16)) {
            for k in 0..weight.len() {
                sums[k] = weight[k].mul_add(f64::from(label[k]), sums[k]);
            }
        }
        sum(&sums)
    }
}

simd_fn! {
    /// The sum of `a b`.
    fn dot(a: &[f64], b: &[f64]) -> f64 {
        let mut sums = [0.0; 16];
        for (a, b) in a.chunks(16).zip(b.chunks(16)) {
            for k in 0..a.len() {
                sums[k] = a[k].mul_add(b[k], sums[k]);
            }
        }
        sum(&sums)
    }
}

/// Sums of weights relative to the largest.
struct Sums {
    top: f64,
    weight: f64,
    energy: f64,
    marginals: Vec<Vec<f64>>,
}

impl Sums {
    fn new(arities: impl Iterator<Item = usize>) -> Self {
        Self { top: f64::NEG_INFINITY, weight: 0.0, energy: 0.0, marginals: arities.map(|a| vec![0.0; a]).collect() }
    }

    /// Makes `top` the largest log weight at the least.
    fn raise(&mut self, top: f64) {
        if top > self.top {
            let factor = exp(self.top - top);
            self.weight *= factor;
            self.energy *= factor;
            self.marginals.iter_mut().flatten().for_each(|m| *m *= factor);
            self.top = top;
        }
    }

    fn add(&mut self, batch: &Batch, rest: &[usize], free: &[usize]) {
        self.raise(batch.log_p.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        if self.top == f64::NEG_INFINITY {
            return;
        }
        let weights: Vec<f64> = batch.log_p.iter().map(|l| exp(l - self.top)).collect();
        let total: f64 = weights.iter().sum();
        self.weight += total;
        let energies = weights.iter().zip(&batch.mean_energy).filter(|(w, _)| **w > 0.0);
        self.energy += energies.map(|(w, e)| w * e).sum::<f64>();
        for &site in rest {
            let (marginal, labels) = (&mut self.marginals[site], batch.x.label.col(site));
            if let [first, second] = &mut marginal[..] {
                let of_second = weigh_labels(&weights, labels);
                *first += total - of_second;
                *second += of_second;
                continue;
            }
            for (w, label) in weights.iter().zip(labels) {
                marginal[usize::from(*label)] += w;
            }
        }
        let mut k = 0;
        for &site in free {
            let marginal = &mut self.marginals[site];
            let mut left = total;
            for share in &mut marginal[1..] {
                let sum = dot(&weights, batch.shares.col(k));
                *share += sum;
                left -= sum;
                k += 1;
            }
            marginal[0] += left;
        }
    }

    fn merge(&mut self, other: &Self) {
        self.raise(other.top);
        let factor = exp(other.top - self.top);
        if other.top == f64::NEG_INFINITY {
            return;
        }
        self.weight += factor * other.weight;
        self.energy += factor * other.energy;
        for (m, o) in self.marginals.iter_mut().flatten().zip(other.marginals.iter().flatten()) {
            *m += factor * o;
        }
    }
}
