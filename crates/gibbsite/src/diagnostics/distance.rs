//! Histograms and distances between a sample and a known distribution.

/// Counts of the values in `n_bins` equal bins of [lo, hi]; a bin holds its lower edge, the last one also `hi`.
/// Values outside, and NaN, are in no bin: the counts then add up to less than the number of values.
///
/// # Panics
/// If `lo < hi` does not hold, either is infinite, or `n_bins` is 0.
pub fn histogram(values: &[f64], lo: f64, hi: f64, n_bins: usize) -> Vec<u64> {
    assert!(lo < hi && lo.is_finite() && hi.is_finite(), "histogram needs finite lo < hi, got {lo} and {hi}");
    assert!(n_bins > 0, "histogram needs at least one bin");
    let mut counts = vec![0; n_bins];
    for v in values.iter().filter(|v| (lo..=hi).contains(v)) {
        let bin = ((v - lo) / (hi - lo) * n_bins as f64) as usize;
        counts[bin.min(n_bins - 1)] += 1;
    }
    counts
}

/// Total variation distance `1/2 sum |p_i - q_i|` of two probability vectors, in [0, 1].
///
/// # Panics
/// If the lengths differ.
pub fn total_variation(p: &[f64], q: &[f64]) -> f64 {
    assert_eq!(p.len(), q.len(), "probability vectors must have the same length");
    0.5 * p.iter().zip(q).map(|(p, q)| (p - q).abs()).sum::<f64>()
}

/// Kullback-Leibler divergence `sum p_i ln(p_i / q_i)` in nats, with 0 ln 0 = 0; +inf where q_i = 0 < p_i.
///
/// # Panics
/// If the lengths differ.
pub fn kl(p: &[f64], q: &[f64]) -> f64 {
    assert_eq!(p.len(), q.len(), "probability vectors must have the same length");
    let term = |(p, q): (&f64, &f64)| if *p == 0.0 && !q.is_nan() { 0.0 } else { p * (p / q).ln() };
    p.iter().zip(q).map(term).sum()
}

/// Kolmogorov-Smirnov statistic `sup_x |F_n(x) - F(x)|` of draws in increasing order against the distribution function
/// `cdf`; times sqrt(n) it exceeds 1.95 for independent draws of F with probability 0.001. NaN without draws, or if a
/// draw or a value of `cdf` is NaN.
pub fn ks_statistic(sorted: &[f64], cdf: impl Fn(f64) -> f64) -> f64 {
    let n = sorted.len() as f64;
    let mut largest = if sorted.is_empty() { f64::NAN } else { 0.0f64 };
    for (i, x) in sorted.iter().enumerate() {
        let f = cdf(*x);
        let gap = ((i as f64 + 1.0) / n - f).max(f - i as f64 / n);
        if f.is_nan() || x.is_nan() {
            return f64::NAN;
        }
        largest = largest.max(gap);
    }
    largest
}

/// How many standard errors the mean of independent chains is from `truth`, `(mean - truth) / (sd / sqrt(m))`, where the
/// error is measured by the spread of the m chain means, so that correlation within chains does not matter. Student t
/// with m - 1 degrees of freedom when the estimate is unbiased. NaN for fewer than two chains, or if all means equal `truth`.
pub fn z_score_between_chains(chain_means: &[f64], truth: f64) -> f64 {
    let m = chain_means.len() as f64;
    let mean = super::chains::mean(chain_means);
    let std_err = (super::chains::variance(chain_means) / m).sqrt();
    if m < 2.0 { f64::NAN } else { (mean - truth) / std_err }
}
