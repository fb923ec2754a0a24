//! An energy for as long as there is time.

use super::{Differentiable, Discrete, Energy, Part};
use crate::points::{Matrix, Points, Space};
use crate::run::Elapsed;

/// `E(x)` while there is time and NaN from then on, so that a search which never asks for the time comes to its end at once, with
/// results that its caller throws away.
pub(crate) struct Timed<'t, E> {
    inner: E,
    elapsed: Elapsed<'t>,
}

impl<'t, E: Energy> Timed<'t, E> {
    /// `inner`, until `elapsed` is 1.
    pub(crate) fn new(inner: E, elapsed: Elapsed<'t>) -> Self {
        Self { inner, elapsed }
    }

    fn is_late(&self) -> bool {
        (self.elapsed)() >= 1.0
    }
}

impl<E: Energy> Energy for Timed<'_, E> {
    fn space(&self) -> &Space {
        self.inner.space()
    }

    fn energy(&self, x: &Points, out: &mut [f64]) {
        if self.is_late() { out.fill(f64::NAN) } else { self.inner.energy(x, out) }
    }

    fn parts(&self) -> Vec<Part> {
        self.inner.parts()
    }

    fn landmarks(&self) -> Vec<f64> {
        self.inner.landmarks()
    }

    fn version(&self) -> u64 {
        self.inner.version()
    }
}

impl<E: Differentiable> Differentiable for Timed<'_, E> {
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        if self.is_late() {
            e.fill(f64::NAN);
            grad.as_mut_slice().fill(f64::NAN);
        } else {
            self.inner.energy_grad(x, e, grad);
        }
    }

    fn grad(&self, x: &Points, grad: &mut Matrix<f64>) {
        if self.is_late() { grad.as_mut_slice().fill(f64::NAN) } else { self.inner.grad(x, grad) }
    }

    fn components(&self) -> Vec<Box<dyn Differentiable + '_>> {
        let timed = |c| Box::new(Timed::new(c, self.elapsed)) as Box<dyn Differentiable + '_>;
        self.inner.components().into_iter().map(timed).collect()
    }
}

impl<E: Discrete> Discrete for Timed<'_, E> {
    fn blocks(&self) -> &[Vec<usize>] {
        self.inner.blocks()
    }

    fn logits(&self, x: &Points, sites: &[usize], out: &mut Matrix<f64>) {
        if self.is_late() { out.as_mut_slice().fill(f64::NAN) } else { self.inner.logits(x, sites, out) }
    }

    fn slopes(&self, x: &Points, out: &mut Matrix<f64>) {
        if self.is_late() { out.as_mut_slice().fill(f64::NAN) } else { self.inner.slopes(x, out) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::energy::formula::{Formula, FormulaOptions};
    use crate::run::dispersed_points;

    /// In more coordinates than Hessians are made of, with components, and with wells one by one.
    const ENERGIES: [(&str, usize); 3] = [
        ("sum(i,1..d,x[i]^4/4 - x[i]^2) + sum(i,1..d-1,(x[i+1]-x[i])^2)", 80),
        ("-logsumexp(-sum(i,1..d,(x[i]-3)^2)/2, -sum(i,1..d,(x[i]+3)^2)/2)", 3),
        ("abs(x1 - x2) + (x1^2-4)^2 + x2^2", 2),
    ];

    #[test]
    fn an_energy_is_itself_until_the_time_is_over() {
        for (text, dim) in ENERGIES {
            let energy =
                Formula::with_options(text, &FormulaOptions { dim: Some(dim), ..FormulaOptions::default() }).unwrap();
            let (n_asked, limit) = (AtomicU32::new(0), AtomicU32::new(u32::MAX));
            let elapsed =
                || f64::from(n_asked.fetch_add(1, Ordering::Relaxed)) / f64::from(limit.load(Ordering::Relaxed));
            let timed = Timed::new(&energy, &elapsed);
            assert_eq!(dispersed_points(&timed, 8, 0), dispersed_points(&energy, 8, 0));
            let n_whole = n_asked.swap(0, Ordering::Relaxed);
            for n in [1, 100, n_whole / 2] {
                limit.store(n, Ordering::Relaxed);
                n_asked.store(0, Ordering::Relaxed);
                // Whatever it finds: it comes to an end, and soon.
                let _ = dispersed_points(&timed, 8, 0);
                let n_more = n_asked.load(Ordering::Relaxed).saturating_sub(n);
                assert!(n_more < n_whole, "{text}: {n_more} more after {n} of {n_whole}");
            }
        }
    }
}
