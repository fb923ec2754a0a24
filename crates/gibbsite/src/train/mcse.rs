//! Monte-Carlo error of averaged iterates: how far theta would move if the training were repeated with other noise.

/// Standard error of the mean of a stationary, autocorrelated series: the largest of batch means with 5, 10 and sqrt(n)
/// batches and the initial positive sequence estimate (Geyer 1992, section 3.3). Each can be too small on a short series
/// by chance, hence the largest; that of 5 batches is widened by the ratio of the 97.5 % quantiles of t with 4 degrees of
/// freedom and of the normal. NaN for fewer than 4 values.
pub fn mcse(x: &[f64]) -> f64 {
    let n = x.len();
    if n < MIN_LENGTH {
        return f64::NAN;
    }
    const WIDEN: f64 = 2.776 / 1.960;
    let by_batches = [10, (n as f64).sqrt() as usize].into_iter().map(|b| batch_means(x, b)).fold(0.0, f64::max);
    by_batches.max(initial_positive(x)).max(WIDEN * batch_means(x, 5))
}

/// Least length of a series that has an error.
pub(super) const MIN_LENGTH: usize = 4;

/// Independent values that a series with standard deviation `sd` and standard error `mcse` stands for.
pub(super) fn batches_of(sd: f64, mcse: f64) -> f64 {
    (sd / mcse).powi(2)
}

/// Ratio of the 97.5 % quantile of Student's t with `nu` (at least 1) degrees of freedom to that of the normal, by the expansion
/// of Fisher and Cornish (1960): to 3 % from two degrees of freedom on, a quarter low at one.
pub(super) fn quantile_ratio(nu: f64) -> f64 {
    let nu = nu.max(1.0);
    1.0 + (2.372 + (2.823 + 2.556 / nu) / nu) / nu / 1.960
}

/// By how much a series moves, as its least-squares line says, from the mean of its first half to that of its second, and
/// the same in standard errors of what is left when the line is taken away.
pub fn drift(x: &[f64]) -> (f64, f64) {
    let n = x.len() as f64;
    let (centre, m) = (0.5 * (n - 1.0), mean(x));
    let (mut xy, mut xx) = (0.0, 0.0);
    for (i, v) in x.iter().enumerate() {
        let t = i as f64 - centre;
        xy += t * (v - m);
        xx += t * t;
    }
    let slope = xy / xx;
    let rest: Vec<f64> = x.iter().enumerate().map(|(i, v)| v - m - slope * (i as f64 - centre)).collect();
    let moved = slope * 0.5 * n;
    (moved, moved / (2.0 * mcse(&rest)))
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

fn batch_means(x: &[f64], n_batches: usize) -> f64 {
    let length = (x.len() / n_batches.max(2)).max(1);
    let means: Vec<f64> = x.rchunks_exact(length).map(mean).collect();
    let (b, m) = (means.len() as f64, mean(&means));
    (means.iter().map(|v| (v - m).powi(2)).sum::<f64>() / (b - 1.0) / b).sqrt()
}

fn initial_positive(x: &[f64]) -> f64 {
    let (n, m) = (x.len(), mean(x));
    let autocovariance = |lag: usize| (lag..n).map(|i| (x[i] - m) * (x[i - lag] - m)).sum::<f64>() / n as f64;
    let mut total = -autocovariance(0);
    for pair in 0..n / 2 {
        let gamma = autocovariance(2 * pair) + autocovariance(2 * pair + 1);
        if gamma <= 0.0 {
            break;
        }
        total += 2.0 * gamma;
    }
    (total.max(0.0) / n as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Run, Streams};

    /// AR(1) with coefficient rho and unit innovations: variance of the mean is about 1 / ((1 - rho)^2 n).
    #[test]
    fn autoregression() {
        for rho in [0.0, 0.8] {
            let (n, chains) = (400, 64);
            let mut rng = Streams::new(5, Run::Probe);
            let mut x = vec![vec![0.0; n]; chains];
            for t in 1..n {
                let xi = rng.normals(Purpose::Proposal, chains, 1);
                for (c, x) in x.iter_mut().enumerate() {
                    x[t] = rho * x[t - 1] + f64::from(xi.col(0)[c]);
                }
                rng.advance();
            }
            let truth = 1.0 / ((1.0 - rho) * (n as f64).sqrt());
            let average = mean(&x.iter().map(|x| mcse(x)).collect::<Vec<_>>());
            assert!((0.9..1.5).contains(&(average / truth)), "{rho}: {average} {truth}");
        }
        assert!(mcse(&[1.0, 2.0]).is_nan());
    }
}
