//! The energy's Bayesian fraction of missing information: do the momenta of Hamiltonian Monte Carlo reach all energies?

use super::MIN_DRAWS;
use super::chains::variance;

/// E-BFMI below which Hamiltonian Monte Carlo explores energies too slowly for its estimates to be trusted: the threshold of
/// Betancourt (2016), section 4. The tails of such a target are heavy, or its curvature varies (a funnel): reparametrise.
pub const MIN_EBFMI: f64 = 0.3;

/// E-BFMI of each chain, from the Hamiltonian energies H_1, ..., H_n (potential plus kinetic, in units of kT) at the start of
/// its trajectories:
///
/// `sum_{t=2}^n (H_t - H_{t-1})^2 / sum_{t=1}^n (H_t - mean)^2`
///
/// It compares what one refreshment of the momenta changes with the spread of all energies: 1 for trajectories that mix a
/// Gaussian target of any dimension perfectly (H and its change both have the variance d), 2 for independent energies,
/// 2 (1 - rho) for an autoregressive sequence of correlation rho. Below [`MIN_EBFMI`] it is alarming. Of potential energies
/// alone it is von Neumann's ratio, which tells how fast they forget, but is no E-BFMI: the threshold does not apply.
///
/// Chains may differ in length. NaN for a chain with fewer than [`MIN_DRAWS`] energies, one that is not finite, or energies
/// that never change (0/0: unknown).
///
/// Source: Betancourt (2016), "Diagnosing suboptimal cotangent disintegrations in Hamiltonian Monte Carlo", equation 4.
pub fn ebfmi<C: AsRef<[f64]>>(energies: &[C]) -> Vec<f64> {
    energies.iter().map(|c| of_chain(c.as_ref())).collect()
}

fn of_chain(h: &[f64]) -> f64 {
    if h.len() < MIN_DRAWS || !h.iter().all(|v| v.is_finite()) {
        return f64::NAN;
    }
    let changes: f64 = h.windows(2).map(|w| (w[1] - w[0]) * (w[1] - w[0])).sum();
    let spread = variance(h) * (h.len() as f64 - 1.0);
    changes / spread
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::z_score_between_chains;
    use crate::rng::{Purpose, Run, Streams};

    /// Stationary chains, h_t = rho h_{t-1} + sqrt(1 - rho^2) xi_t, about a large offset as energies have it.
    fn ar1(rho: f64, n_chains: usize, n: usize) -> Vec<Vec<f64>> {
        let mut rng = Streams::new(4, Run::Draws);
        let xi = rng.normals(Purpose::Proposal, n_chains, n);
        let chain = |c: usize| {
            let next = |h: &mut f64, t: usize| {
                let xi = f64::from(xi.col(t)[c]);
                *h = if t == 0 { xi } else { rho * *h + (1.0 - rho * rho).sqrt() * xi };
                Some(1e5 + *h)
            };
            (0..n).scan(0.0, next).collect()
        };
        (0..n_chains).map(chain).collect()
    }

    #[test]
    fn white_noise_has_two_and_autoregression_its_closed_form() {
        for rho in [0.0, 0.5, 0.9, -0.4] {
            let n = 4000;
            let values = ebfmi(&ar1(rho, 64, n));
            // A ratio of means: n - 1 changes, and a spread less that of the chain's own mean.
            let lost = (1.0 + rho) / (1.0 - rho) / n as f64;
            let truth = 2.0 * (1.0 - rho) * (1.0 - 1.0 / n as f64) / (1.0 - lost);
            let z = z_score_between_chains(&values, truth);
            assert!(z.abs() < 4.0, "rho {rho}: z {z}, {values:?}");
            assert!(z_score_between_chains(&values, 1.03 * truth).abs() > 4.0);
        }
        assert_eq!(ebfmi(&[[0.0, 1.0, 0.0, 1.0, 0.0, 1.0]]), [5.0 / 1.5]);
    }

    /// H = U + K of d coordinates with momenta refreshed and positions independent: 2; with the energy surface mixed and
    /// momenta refreshed, H' = H - K + K', 1.
    #[test]
    fn refreshed_momenta_on_a_gaussian_give_one() {
        let (d, n) = (50, 20_000);
        let half_chi_square = |seed: u64| -> Vec<f64> {
            let mut rng = Streams::new(seed, Run::Draws);
            let z = rng.normals(Purpose::Proposal, n, d);
            (0..n).map(|t| (0..d).map(|j| 0.5 * f64::from(z.col(j)[t]).powi(2)).sum()).collect()
        };
        // Of a total energy h of 2 d Gaussian halves the kinetic share is that of another independent pair.
        let (a, b, fresh) = (half_chi_square(1), half_chi_square(2), half_chi_square(3));
        let mut h = d as f64;
        let mut energies = Vec::new();
        for t in 0..n {
            h += fresh[t] - h * a[t] / (a[t] + b[t]);
            energies.push(h);
        }
        let ratio = ebfmi(&[energies])[0];
        assert!((ratio - 1.0).abs() < 0.05, "{ratio}");
    }

    #[test]
    fn chains_that_tell_nothing_are_unknown_and_spoil_no_other() {
        let good: Vec<f64> = (0..50).map(|t| f64::from(t * t % 7)).collect();
        let mut bad = good.clone();
        bad[3] = f64::INFINITY;
        let values = ebfmi(&[good, bad, vec![0.1; 100], vec![1.0, 2.0, 3.0], vec![]]);
        assert!(values[0].is_finite() && values[1..].iter().all(|v| v.is_nan()));
        assert!(ebfmi::<Vec<f64>>(&[]).is_empty());
    }
}
