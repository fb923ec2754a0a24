//! What an epoch must satisfy to count as good.

use super::error::Failure;
use crate::kernel::Info;

/// Largest share of divergent chain steps.
const MAX_DIVERGED: f64 = 1e-3;
/// Least mean acceptance.
const MIN_ACCEPT: f64 = 0.02;

/// What is known about an epoch.
#[derive(Clone, Copy, Debug)]
pub struct EpochCheck {
    /// Chain steps and divergences.
    pub info: Info,
    /// Mean energy of the data.
    pub energy_data: f64,
    /// Largest energy of a data point.
    pub energy_data_max: f64,
    /// Mean energy of the samples.
    pub energy_samples: f64,
    /// Number of coordinates.
    pub dim: usize,
    /// Last update.
    pub update: u64,
    /// Energy of the data less energy of the samples after the epoch before, if there was one.
    pub last_gap: Option<f64>,
}

/// Nats by which data and samples may differ on average, per coordinate and one more.
const MAX_GAP: f64 = 25.0;
/// Data above the samples are a fault only if the gap grows so much in an epoch: a start far from the data has one, too.
const GROWTH: f64 = 2.0;

/// # Errors
/// The first thing that is wrong.
pub fn check(epoch: &EpochCheck) -> Result<(), Failure> {
    let EpochCheck { info, energy_data, energy_data_max, energy_samples, dim, update, last_gap } = *epoch;
    if info.n_diverged as f64 > MAX_DIVERGED * info.n as f64 {
        return Err(Failure::Diverged { n_diverged: info.n_diverged, n: info.n });
    }
    if !energy_data.is_finite() {
        return Err(Failure::NonFinite { what: "the energy of the data", update });
    }
    if !energy_samples.is_finite() {
        return Err(Failure::NonFinite { what: "the energy of the samples", update });
    }
    if info.accept_prob() < MIN_ACCEPT {
        return Err(Failure::Stuck { accept_prob: info.accept_prob() });
    }
    // Samples of the model lie about dim / 2 above its minima, data higher: samples far above every data point have left.
    let far = MAX_GAP * (dim as f64 + 1.0);
    if energy_samples > energy_data_max + far {
        return Err(Failure::Runaway { energy_data, energy_samples });
    }
    // The model shrinks away from the data: their energy rises without bound above that of its samples.
    let gap = energy_data - energy_samples;
    if gap > far && last_gap.is_some_and(|last| gap > GROWTH * last.abs()) {
        return Err(Failure::Overshot { energy_data, energy_samples });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_is_seen() {
        let info = Info { n: 1000, sum_accept: 600.0.into(), n_diverged: 0, n_evals: 1000, n_truncated: 0 };
        let good = EpochCheck {
            info,
            energy_data: 1.0,
            energy_data_max: 5.0,
            energy_samples: 1.1,
            dim: 1,
            update: 7,
            last_gap: Some(0.1),
        };
        assert_eq!(check(&good), Ok(()));
        let bad = |change: &dyn Fn(&mut EpochCheck)| {
            let mut e = good;
            change(&mut e);
            check(&e).unwrap_err()
        };
        assert!(matches!(bad(&|e| e.info.n_diverged = 2), Failure::Diverged { n_diverged: 2, n: 1000 }));
        assert!(matches!(bad(&|e| e.info.sum_accept = 10.0.into()), Failure::Stuck { .. }));
        assert!(matches!(bad(&|e| e.energy_samples = 1e3), Failure::Runaway { .. }));
        assert!(matches!(bad(&|e| e.energy_data = 1e3), Failure::Overshot { .. }));
        // A start far from the data has a gap that shrinks, and the first epoch has nothing to compare with.
        for last_gap in [Some(2e3), None] {
            assert_eq!(check(&EpochCheck { energy_data: 1e3, energy_data_max: 2e3, last_gap, ..good }), Ok(()));
        }
        assert!(matches!(bad(&|e| e.energy_samples = f64::NAN), Failure::NonFinite { update: 7, .. }));
        assert!(matches!(bad(&|e| e.energy_data = f64::INFINITY), Failure::NonFinite { .. }));
    }
}
