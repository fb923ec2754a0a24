//! Monte-Carlo error of averaged iterates: how far theta would move if the training were repeated with other noise.

/// Standard error of the mean of a stationary, autocorrelated series: the larger of batch means (batches of length
/// sqrt(n)) and the initial positive sequence estimate (Geyer 1992, section 3.3). NaN for fewer than 4 values.
pub fn mcse(x: &[f64]) -> f64 {
    let n = x.len();
    if n < 4 {
        return f64::NAN;
    }
    batch_means(x).max(initial_positive(x))
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

fn batch_means(x: &[f64]) -> f64 {
    let length = (x.len() as f64).sqrt() as usize;
    let means: Vec<f64> = x.rchunks_exact(length.max(1)).map(mean).collect();
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
            assert!((0.85..1.35).contains(&(average / truth)), "{rho}: {average} {truth}");
        }
        assert!(mcse(&[1.0, 2.0]).is_nan());
    }
}
