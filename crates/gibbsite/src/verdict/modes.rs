//! How much of the draws lies in each well, with errors, where the search for starting points found a few.

use super::Evidence;
use crate::diagnostics::{Modes, Occupancy, occupancy};

/// Wells beyond which their weights are no summary; a search finds only a part of so many.
pub const MAX_WELLS: usize = 12;

/// The weights of the wells, their errors unknown where the chains remember in which they started
/// ([`Occupancy::mixes`]); `None` with fewer than two, or more than twelve.
pub(super) fn weights(evidence: &Evidence<'_>) -> Option<Occupancy> {
    if !(2..=MAX_WELLS).contains(&evidence.wells.len()) {
        return None;
    }
    let (draws, sd) = (evidence.draws, spread(evidence)?);
    let scaled = |x: &[f64]| x.iter().zip(&sd).map(|(x, s)| x / s).collect::<Vec<f64>>();
    let wells: Vec<Vec<f64>> = evidence.wells.iter().map(|w| scaled(w)).collect();
    let modes = Modes::new(&wells).ok()?;
    let chain = |c: &[f64]| -> Vec<Option<usize>> {
        c.chunks_exact(draws.dim()).map(|x| modes.assign(&scaled(x), f64::INFINITY)).collect()
    };
    let labels: Vec<Vec<Option<usize>>> =
        draws.values().chunks_exact(draws.n_draws() * draws.dim()).map(chain).collect();
    let mut weights = occupancy(&labels, wells.len());
    // Weights that are those of the starting points have no error that the draws could tell.
    if !weights.mixes {
        weights.modes.iter_mut().for_each(|m| m.std_err = f64::NAN);
    }
    Some(weights)
}

/// Standard deviation of each coordinate, the unit in which a well is nearest; `None` where one does not vary.
fn spread(evidence: &Evidence<'_>) -> Option<Vec<f64>> {
    let n = evidence.n() as f64;
    let of = |j: usize| {
        let mean = evidence.column(j).sum::<f64>() / n;
        let sd = (evidence.column(j).map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
        (sd > 0.0 && sd.is_finite()).then_some(sd)
    };
    (0..evidence.draws.dim()).map(of).collect()
}
