//! What Hamiltonian kernels tell of themselves: do the momenta reach all energies, and where do trajectories break down?

use gibbsite::diagnostics::{MIN_EBFMI, ebfmi};

use super::draw::Drawn;
use crate::outcome::Outcome;
use crate::text;

/// Draws on one side of a place that make it a corner of the distribution.
const CORNER: f64 = 0.1;

/// E-BFMI of each chain that has one.
pub fn missing_information(drawn: &Drawn) -> Vec<f64> {
    ebfmi(&drawn.hamiltonian).into_iter().filter(|v| v.is_finite()).collect()
}

/// Mean of the chains' E-BFMI; `None` without momenta.
pub fn mean(ebfmi: &[f64]) -> Option<f64> {
    (!ebfmi.is_empty()).then(|| ebfmi.iter().sum::<f64>() / ebfmi.len() as f64)
}

/// Warns where the momenta do not reach all energies. The chains may still have reached them, in time: R-hat and effective
/// sample sizes judge that.
pub fn judge(out: &mut Outcome, ebfmi: &[f64]) {
    if let Some(mean) = mean(ebfmi).filter(|m| *m < MIN_EBFMI) {
        let message = format!(
            "E-BFMI is {} < {MIN_EBFMI}: a change of momentum reaches only a part of the energies, because the tails are heavy \
             or the curvature varies (a funnel); write the energy in other coordinates, or try --sampler tempering",
            text::digits(mean, 2)
        );
        out.warn(message, false);
    }
}

/// Where divergences gather: the coordinate in which they are most to one side, if they are in a corner of any.
pub fn where_diverged(drawn: &Drawn, names: &[String]) -> Option<String> {
    if drawn.divergences.len() < 3 {
        return None;
    }
    let of = |j: usize| {
        let mut at: Vec<f64> = drawn.divergences.iter().map(|d| d.x[j]).collect();
        at.sort_unstable_by(f64::total_cmp);
        let median = at[at.len() / 2];
        let draws = drawn.values.iter().skip(j).step_by(drawn.dim);
        let below = draws.filter(|v| **v < median).count() as f64 / drawn.energy.len() as f64;
        (j, median, below)
    };
    let (j, median, below) = (0..drawn.dim).map(of).max_by(|a, b| (a.2 - 0.5).abs().total_cmp(&(b.2 - 0.5).abs()))?;
    let side = if below < CORNER {
        format!("below {} % of its draws", text::digits(100.0 * (1.0 - below), 2))
    } else if below > 1.0 - CORNER {
        format!("above {} % of its draws", text::digits(100.0 * below, 2))
    } else {
        return None;
    };
    let name = names.get(j).cloned().unwrap_or_else(|| format!("x{}", j + 1));
    Some(format!("they gather where {name} is about {}, {side}", text::digits(median, 3)))
}
