//! Bridge sampling: between two distributions by draws of both, and along a ladder.

use super::jackknife::{self, log_mean};
use super::{LogZ, LogZError};
use crate::tempering::{Rung, Rungs};

/// `log Z = log Z_ref + sum_k log(E_k[exp(-d_k dE / 2)] / E_{k+1}[exp(d_k dE / 2)])`, `d_k = beta_{k+1} - beta_k`, `dE = E - E_ref`: the
/// geometric bridge of Meng and Wong (1996) between the neighbours of a ladder. Each expectation is the mean over all ladders, the
/// error that between them.
///
/// The squares of the two averaged quantities have the expectations `Z_{k+1} / Z_k` and `Z_k / Z_{k+1}`: both variances are finite
/// whatever the tails. That of the usual stepping stone, `E_k[exp(-d_k dE)]`, is not when the target has heavier tails than the
/// reference, and its error bar then is no error bar.
///
/// The error holds when the ladders make round trips.
///
/// # Errors
/// [`LogZError::Rungs`] with fewer than 8 ladders, and where a sum is not finite.
pub fn log_z(rungs: &Rungs) -> Result<LogZ, LogZError> {
    let pairs = rungs.levels.len() - 1;
    jackknife::log_z("bridge", rungs, |without| (0..pairs).map(|k| log_ratio(rungs, k, without)).sum())
}

/// `log(Z_{k+1} / Z_k)` without one ladder.
pub(super) fn log_ratio(rungs: &Rungs, k: usize, without: Option<usize>) -> f64 {
    log_mean(&rungs.levels[k], without, Rung::log_half_up)
        - log_mean(&rungs.levels[k + 1], without, Rung::log_half_down)
}

/// Steps of the iteration for the acceptance ratio.
const MAX_ITERATIONS: usize = 200;

/// `log(Z_b / Z_a)` by the acceptance ratio method (Bennett 1976; the optimal bridge of Meng and Wong 1996) and its standard error,
/// from `gap_a[i] = (E_b - E_a)(x_i)` at independent draws of a and `gap_b[j]`, the same difference at draws of b. Also for works
/// along a path: `gap_a = -log w` of walkers that go from a to b and `gap_b = log w` of those from b to a (Crooks 2000).
///
/// The estimate is the zero of `sum_i f(gap_a[i] + c) - sum_j f(-gap_b[j] - c)`, `f(t) = 1 / (1 + exp(t))`,
/// `c = log(Z_b / Z_a) + log(n_a / n_b)`; the error is Bennett's equation 10. `None` when a sample is empty or holds a NaN, or when
/// the two do not overlap at all.
pub fn acceptance_ratio(gap_a: &[f64], gap_b: &[f64]) -> Option<(f64, f64)> {
    let (n_a, n_b) = (gap_a.len() as f64, gap_b.len() as f64);
    if gap_a.is_empty() || gap_b.is_empty() || gap_a.iter().chain(gap_b).any(|g| g.is_nan()) {
        return None;
    }
    let fermi = |t: f64| 1.0 / (1.0 + t.exp());
    let sums = |c: f64| {
        let of_a = gap_a.iter().map(|g| fermi(g + c)).fold([0.0; 2], |s, f| [s[0] + f, s[1] + f * f]);
        let of_b = gap_b.iter().map(|g| fermi(-g - c)).fold([0.0; 2], |s, f| [s[0] + f, s[1] + f * f]);
        (of_a, of_b)
    };
    // The difference falls in c, from n_a to -n_b.
    let finite = || gap_a.iter().chain(gap_b).copied().filter(|g| g.is_finite());
    let (mut low, mut high) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), g| (l.min(-g), h.max(-g)));
    (low, high) = (low - 40.0, high + 40.0);
    for _ in 0..MAX_ITERATIONS {
        let c = 0.5 * (low + high);
        let (of_a, of_b) = sums(c);
        if of_a[0] > of_b[0] {
            low = c;
        } else {
            high = c;
        }
    }
    let c = 0.5 * (low + high);
    let (of_a, of_b) = sums(c);
    let relative = |s: [f64; 2], n: f64| (s[1] / n) / (s[0] / n).powi(2) - 1.0;
    let variance = relative(of_a, n_a) / n_a + relative(of_b, n_b) / n_b;
    let (value, std_err) = (c - (n_a / n_b).ln(), variance.max(0.0).sqrt());
    (value.is_finite() && std_err.is_finite()).then_some((value, std_err))
}

#[cfg(test)]
mod tests {
    use super::super::jackknife::tests::gaussian_rungs;
    use super::*;
    use crate::rng::{Purpose, Run, Streams};

    #[test]
    fn a_gaussian_ladder() {
        let (rungs, truth) = gaussian_rungs(&[0.0, 0.3, 0.6, 1.0], 400);
        let got = log_z(&rungs).unwrap();
        assert!((got.value - truth).abs() < 2e-3 && got.std_err < 1e-9, "{got:?}");
    }

    /// Between N(0, 1) and N(1, 1), E without its constant in b: the ratio is `exp(-0.7)`.
    #[test]
    fn two_samples() {
        let mut inside = 0;
        for seed in 0..200 {
            let mut streams = Streams::new(seed, Run::Importance);
            let (n_a, n_b) = (300, 150);
            let z = streams.normals(Purpose::Init, n_a + n_b, 1).col(0).to_vec();
            let gap = |x: f64| 0.5 * (x - 1.0).powi(2) + 0.7 - 0.5 * x * x;
            let gap_a: Vec<f64> = z[..n_a].iter().map(|z| gap(f64::from(*z))).collect();
            let gap_b: Vec<f64> = z[n_a..].iter().map(|z| gap(f64::from(*z) + 1.0)).collect();
            let (value, std_err) = acceptance_ratio(&gap_a, &gap_b).unwrap();
            assert!(std_err < 0.1, "{std_err}");
            inside += usize::from((value + 0.7).abs() < 1.96 * std_err);
        }
        assert!((180..=199).contains(&inside), "{inside}");
        assert_eq!(acceptance_ratio(&[], &[1.0]), None);
        assert_eq!(acceptance_ratio(&[f64::NAN], &[1.0]), None);
        let (value, std_err) = acceptance_ratio(&[2.0; 5], &[2.0; 9]).unwrap();
        assert!((value + 2.0).abs() < 1e-9 && std_err < 1e-6, "{value} {std_err}");
    }
}
