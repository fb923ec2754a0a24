//! Chains that walk over a landscape.

use gibbsite::energy::Transformed;
use gibbsite::kernel::Mala;
use gibbsite::logz::Quadrature;
use gibbsite::points::{Matrix, Points};
use gibbsite::rng::{Purpose, Run, Streams};
use gibbsite::run::{RunError, RunOptions, sample};

use crate::resolve::Resolved;

/// Steps of each walk that are shown.
pub const N_STEPS: usize = 150;

/// Steps before, in which the step size adapts and the chains forget the nodes they start at.
const N_WARMUP: usize = 500;

/// Chains of a landscape alone.
pub const N_CHAINS: usize = 3;

/// `n` chains of adjusted Langevin. They start at nodes of the quadrature, drawn by their weights (systematic resampling:
/// Kitagawa 1996), so that each mode gets its share of chains and none comes in from afar, and are shown after a warm-up.
///
/// # Errors
/// [`RunError`] where the energy or its gradient is not finite.
pub fn mala(model: &Resolved, q: &Quadrature, n: usize, seed: u64) -> Result<Vec<Vec<[f64; 2]>>, RunError> {
    let energy = Transformed::new(&model.formula);
    let mut rng = Streams::new(seed, Run::Pilot);
    let jitter = rng.uniforms(Purpose::Init, 1, 1).col(0)[0];
    let nodes = resample(&q.w, n, jitter);
    let start = Points::from_real(Matrix::from_fn(n, 2, |i, j| q.points.real.get(nodes[i], j)));
    let options = RunOptions { n_draws: N_STEPS + 1, thin: 1, n_warmup: N_WARMUP, seed, block: n.max(1) };
    let mut draws = sample(&energy, &Mala::new(0.5), energy.to_outer(&start), &options, &|_| {})?.draws;
    energy.draws_to_inner(&mut draws);
    let walk = |c: usize| (0..=N_STEPS).map(|t| [draws.get(c, t, 0), draws.get(c, t, 1)]).collect();
    Ok((0..n).map(walk).collect())
}

/// The nodes at which the summed weights pass `(i + jitter) / n`.
fn resample(w: &[f64], n: usize, jitter: f64) -> Vec<usize> {
    let mut nodes = Vec::with_capacity(n);
    let mut sum = 0.0;
    for (k, w) in w.iter().enumerate() {
        sum += w;
        while nodes.len() < n && sum > (nodes.len() as f64 + jitter) / n as f64 {
            nodes.push(k);
        }
    }
    nodes.resize(n, w.len().saturating_sub(1));
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_gets_its_share_of_walks() {
        assert_eq!(resample(&[0.5, 0.0, 0.25, 0.25], 4, 0.5), [0, 0, 2, 3]);
        assert_eq!(resample(&[1e-9, 1.0 - 1e-9], 3, 0.01), [1, 1, 1]);
        assert_eq!(resample(&[0.3, 0.3], 2, 0.9), [1, 1]); // weights that sum to less than 1
    }
}
