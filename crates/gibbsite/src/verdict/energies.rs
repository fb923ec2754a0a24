//! What Hamiltonian kernels tell of themselves: do the momenta reach all energies, and where do trajectories break down?

use super::Evidence;

/// Draws on one side of a place that make it a corner of the distribution.
const CORNER: f64 = 0.1;

/// Divergences below which they gather nowhere.
const MIN_DIVERGENCES: usize = 3;

/// Where divergences gather: in a corner of one coordinate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Corner {
    /// Which coordinate.
    pub coordinate: usize,
    /// The median of the divergences.
    pub median: f64,
    /// Share of the draws below it: less than 10 % or more than 90 %.
    pub below: f64,
}

/// The mean over the chains that have one; `None` without any.
pub(super) fn mean(ebfmi: &[f64]) -> Option<f64> {
    let known: Vec<f64> = ebfmi.iter().copied().filter(|v| v.is_finite()).collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
}

/// The coordinate in which divergences are most to one side, if they are in a corner of any.
pub(super) fn corner(evidence: &Evidence<'_>) -> Option<Corner> {
    if evidence.divergences.len() < MIN_DIVERGENCES {
        return None;
    }
    let of = |coordinate: usize| {
        let mut at: Vec<f64> = evidence.divergences.iter().map(|d| d.x[coordinate]).collect();
        at.sort_unstable_by(f64::total_cmp);
        let median = at[at.len() / 2];
        let below = evidence.column(coordinate).filter(|v| *v < median).count() as f64 / evidence.n() as f64;
        Corner { coordinate, median, below }
    };
    let one_sided = |c: &Corner| (c.below - 0.5).abs();
    let most = (0..evidence.draws.dim()).map(of).max_by(|a, b| one_sided(a).total_cmp(&one_sided(b)))?;
    (most.below < CORNER || most.below > 1.0 - CORNER).then_some(most)
}
