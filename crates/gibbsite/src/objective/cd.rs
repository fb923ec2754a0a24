//! Contrastive divergence (Hinton 2002): the chains of an update start at its data and move k steps.

use super::Contrastive;
use super::chains::ChainBlocks;
use crate::energy::Parametric;
use crate::kernel::{Info, Kernel, Tunable};
use crate::points::Points;
use crate::rng::Streams;

/// CD-k. The gradient estimate is `E_batch[dE/dtheta] - E_k[dE/dtheta]`, where the second mean is over as many chains as
/// the batch has points, started at those points. It is biased for finite k: chains have not forgotten the data.
pub struct Cd<'a, E: ?Sized, K: Kernel<E>> {
    kernel: K,
    /// Chains for a full batch, and for a shorter last one.
    sets: Vec<ChainBlocks<K::State>>,
    last: usize,
    threads: Option<&'a rayon::ThreadPool>,
}

impl<'a, E: Parametric + ?Sized, K: Kernel<E>> Cd<'a, E, K> {
    /// Chains for batches as long as those of `batches`.
    pub fn new(
        kernel: K,
        energy: &E,
        batches: &[&Points],
        streams: &Streams,
        threads: Option<&'a rayon::ThreadPool>,
    ) -> Self {
        let sets = batches.iter().map(|x| ChainBlocks::new(&kernel, energy, x, streams, 0)).collect();
        Self { kernel, sets, last: 0, threads }
    }
}

impl<E: Parametric + ?Sized, K: Kernel<E> + Tunable> Contrastive<E> for Cd<'_, E, K> {
    /// # Panics
    /// If the length of the batch is none of those given to [`Cd::new`].
    fn negative_phase(&mut self, energy: &E, batch: &Points, n_steps: usize, grad: &mut [f64]) -> Info {
        let fit = self.sets.iter().position(|s| s.n() == batch.n());
        assert!(fit.is_some(), "no chains for a batch of {} points", batch.n());
        self.last = fit.unwrap_or(0);
        // Streams are numbered by the step: sets of different lengths must not repeat each other's numbers.
        let step = self.sets.iter().flat_map(|s| s.blocks.iter().map(|b| b.rng.step())).max().unwrap_or(0);
        let set = &mut self.sets[self.last];
        set.blocks.iter_mut().for_each(|b| b.rng.seek(step));
        set.place(batch);
        set.run(&self.kernel, energy, n_steps, self.threads, grad)
    }

    fn set_step_size(&mut self, step_size: f64) {
        self.kernel.set_step_size(step_size);
    }

    fn mean_energy(&mut self, energy: &E) -> f64 {
        self.sets[self.last].mean_energy(energy)
    }

    fn samples(&self) -> Points {
        self.sets[self.last].samples()
    }

    fn save(&self, positions: &mut Vec<f64>, steps: &mut Vec<u64>) {
        steps.push(self.last as u64);
        self.sets.iter().for_each(|s| s.save(positions, steps));
    }

    fn restore(&mut self, mut positions: &[f64], mut steps: &[u64]) -> bool {
        let Some((last, rest)) = steps.split_first().filter(|(last, _)| (**last as usize) < self.sets.len()) else {
            return false;
        };
        self.last = *last as usize;
        steps = rest;
        self.sets.iter_mut().all(|s| s.restore(&mut positions, &mut steps)) && positions.is_empty() && steps.is_empty()
    }
}
