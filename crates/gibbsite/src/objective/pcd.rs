//! Persistent contrastive divergence (Younes 1989; Tieleman 2008): the chains go on from update to update.

use super::Contrastive;
use super::chains::ChainBlocks;
use crate::energy::Parametric;
use crate::kernel::{ChainState, Info, Kernel, Tunable};
use crate::points::Points;
use crate::rng::{Purpose, Streams};

/// PCD. The gradient estimate is `E_batch[dE/dtheta] - E_chains[dE/dtheta]`. The pool consists of groups of one batch of
/// chains each, visited in turn: an update moves exactly one group. With a restart fraction, each chain of the group is
/// first put at a random data point with that probability (which helps chains that are stuck, at the price of bias).
pub struct Pcd<'a, E: ?Sized, K: Kernel<E>> {
    kernel: K,
    groups: Vec<ChainBlocks<K::State>>,
    n_groups: usize,
    next: usize,
    restart: f64,
    data: &'a Points,
    threads: Option<&'a rayon::ThreadPool>,
}

impl<'a, E: Parametric + ?Sized, K: Kernel<E>> Pcd<'a, E, K> {
    /// A pool that starts at `start`, in groups of `group` chains (the number of starts is a multiple of it).
    pub fn new(
        kernel: K,
        energy: &E,
        start: &Points,
        group: usize,
        restart: f64,
        data: &'a Points,
        streams: &Streams,
        threads: Option<&'a rayon::ThreadPool>,
    ) -> Self {
        let groups = (0..start.n() / group)
            .map(|g| ChainBlocks::new(&kernel, energy, &start.rows(g * group, group), streams, g * group))
            .collect::<Vec<_>>();
        Self { kernel, n_groups: groups.len(), groups, next: 0, restart, data, threads }
    }

    fn last(&self) -> usize {
        (self.next + self.n_groups - 1) % self.n_groups
    }
}

/// Puts each chain, with probability `restart`, at a data point drawn with replacement.
fn restart_some<S: ChainState>(group: &mut ChainBlocks<S>, restart: f64, data: &Points) {
    for block in &mut group.blocks {
        let n = block.state.x().n();
        let u = block.rng.uniforms(Purpose::Restart, n, 2);
        for i in 0..n {
            if u.col(0)[i] < restart {
                let row = ((u.col(1)[i] * data.n() as f64) as usize).min(data.n() - 1);
                block.state.x_mut().real.copy_row(i, &data.real, row);
            }
        }
    }
}

impl<E: Parametric + ?Sized, K: Kernel<E> + Tunable> Contrastive<E> for Pcd<'_, E, K> {
    fn negative_phase(&mut self, energy: &E, _: &Points, n_steps: usize, grad: &mut [f64]) -> Info {
        let group = &mut self.groups[self.next];
        self.next = (self.next + 1) % self.n_groups;
        if self.restart > 0.0 {
            restart_some(group, self.restart, self.data);
        }
        group.run(&self.kernel, energy, n_steps, self.threads, grad)
    }

    fn set_step_size(&mut self, step_size: f64) {
        self.kernel.set_step_size(step_size);
    }

    fn mean_energy(&mut self, energy: &E) -> f64 {
        let last = self.last();
        self.groups[last].mean_energy(energy)
    }

    fn samples(&self) -> Points {
        self.groups[self.last()].samples()
    }

    fn save(&self, positions: &mut Vec<f64>, steps: &mut Vec<u64>) {
        steps.push(self.next as u64);
        self.groups.iter().for_each(|g| g.save(positions, steps));
    }

    fn restore(&mut self, mut positions: &[f64], mut steps: &[u64]) -> bool {
        let Some((next, rest)) = steps.split_first().filter(|(next, _)| (**next as usize) < self.groups.len()) else {
            return false;
        };
        self.next = *next as usize;
        steps = rest;
        self.groups.iter_mut().all(|g| g.restore(&mut positions, &mut steps))
            && positions.is_empty()
            && steps.is_empty()
    }
}
