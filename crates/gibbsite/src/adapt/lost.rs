//! Chains that sit in a well of no weight when warm-up ends.
//!
//! In a well p is proportional to exp(-E), so that its log weight is `log Z_w = S - E_mean`: entropy less mean energy. Of all
//! distributions with the same variances the independent Gaussian has the largest entropy, hence
//! `log Z_w <= sum_j ln(2 pi e var_j) / 2 - E_mean`. A chain for which that is below what the median chain has by more than
//! [`MARGIN`] would take about `e^MARGIN` runs of this kind to matter, but while it stays it spoils step size and metric for
//! the others, and the means of the whole run by its share of the chains.

use super::metric::Collected;

/// Nats by which both the mean energy and the log weight are worse, plus one for each coordinate: what the entropy of other
/// shapes may lack.
const MARGIN: f64 = 20.0;

/// Draws of a chain below which its variances say little.
const MIN_DRAWS: usize = 20;

/// The chains found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Lost {
    /// In increasing order.
    pub chains: Vec<usize>,
    /// Least log weight, in nats, by which one falls short of the median chain.
    pub shortfall: f64,
}

/// The chains of all blocks, in their order, that are in a well of no weight; at most half of them ever are.
pub(super) fn find(blocks: &[Collected]) -> Lost {
    let chains: Vec<(f64, f64)> = blocks.iter().flat_map(Collected::energies_and_log_volumes).collect();
    if chains.len() < 3 || blocks.iter().any(|b| b.n_seen() < MIN_DRAWS) {
        return Lost::default();
    }
    let margin = MARGIN + blocks[0].dim() as f64;
    let log_weight = |(energy, log_volume): &(f64, f64)| log_volume - energy;
    let energy = median(chains.iter().map(|c| c.0).collect());
    let weight = median(chains.iter().map(log_weight).collect());
    // What is not a number is not lost: nothing is known of it.
    let shortfall = |c: &(f64, f64)| weight - log_weight(c);
    let is_lost = |c: &(f64, f64)| c.0 - energy > margin && shortfall(c) > margin;
    let lost: Vec<usize> = (0..chains.len()).filter(|i| is_lost(&chains[*i])).collect();
    let least = lost.iter().map(|i| shortfall(&chains[*i])).fold(f64::INFINITY, f64::min);
    Lost { chains: lost, shortfall: least }
}

impl Lost {
    /// For each lost chain one that is not, whose place it takes.
    pub fn places(&self, n_chains: usize) -> Vec<(usize, usize)> {
        let found: Vec<usize> = (0..n_chains).filter(|i| self.chains.binary_search(i).is_err()).collect();
        self.chains.iter().map(|&i| (i, found[i % found.len()])).collect()
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
