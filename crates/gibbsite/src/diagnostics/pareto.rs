//! Pareto-smoothed importance sampling: how heavy is the tail of the weights, and smoother weights for it.
//!
//! Sources: Vehtari, Simpson, Gelman, Yao and Gabry (2024), "Pareto smoothed importance sampling", sections 2 and 3;
//! Zhang and Stephens (2009), "A new and efficient estimation method for the generalized Pareto distribution".

/// Fewest weights in the tail for a fit of the generalised Pareto distribution.
const MIN_TAIL: usize = 5;

/// Effective sample size of importance weights, `(sum w)^2 / sum w^2`, from their logarithms (up to a constant). A log
/// weight may be -inf (w = 0). NaN if one is NaN or +inf, or none is finite.
pub fn ess_of_weights(log_w: &[f64]) -> f64 {
    let Some(largest) = largest_log_weight(log_w) else { return f64::NAN };
    let (sum, sum_sq) = log_w.iter().fold((0.0, 0.0), |(s, s2), l| {
        let w = (l - largest).exp();
        (s + w, s2 + w * w)
    });
    sum * sum / sum_sq
}

/// The shape k of the generalised Pareto distribution of the largest importance weights, from their logarithms: moments
/// of the weights above 1/k do not exist. Below 0.7 importance sampling is reliable; above 1 the weights have no mean.
///
/// +inf when the weights span too many magnitudes for any fit; -inf when the tail is an atom (equal weights). NaN
/// (unknown) with fewer than 5 weights in the tail (25 in all), if a log weight is NaN or +inf, or none is finite.
pub fn pareto_k(log_w: &[f64]) -> f64 {
    psis(log_w).1
}

/// The tail of draws: the shape k of [`pareto_k`] of `|x - median|`, and its standard error.
///
/// Moments of x of order 1/k and above do not exist: the mean does not from k = 1 on, the variance from k = 1/2 on.
/// Gaussian and exponential tails have k about 0 or below, a Student t with nu degrees of freedom has k = 1 / nu. The error
/// is the asymptotic `(1 + k) / sqrt(n_tail)` of independent draws (Smith 1987). NaN for fewer than 25 draws, or if one is
/// not finite.
pub fn tail_shape(x: &[f64]) -> (f64, f64) {
    let mut sorted = x.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len();
    if n == 0 || !x.iter().all(|v| v.is_finite()) {
        return (f64::NAN, f64::NAN);
    }
    let median = 0.5 * sorted[(n - 1) / 2] + 0.5 * sorted[n / 2];
    let log_distance: Vec<f64> = sorted.iter().map(|v| (v - median).abs().ln()).collect();
    let k = pareto_k(&log_distance);
    (k, (1.0 + k.max(0.0)) / (tail_length(n) as f64).sqrt())
}

/// Draws of n that count as the tail.
pub(crate) fn tail_length(n: usize) -> usize {
    (0.2 * n as f64).min(3.0 * (n as f64).sqrt()).ceil() as usize
}

/// Pareto-smoothed log weights, in the order and the scale of `log_w`, and the shape k of [`pareto_k`].
///
/// The tail of `min(0.2 S, 3 sqrt(S))` largest of S weights is replaced by the quantiles of the fitted distribution at
/// (i - 1/2) / n_tail, none above the largest raw weight. Where k is not finite the weights come back as they are.
pub fn psis(log_w: &[f64]) -> (Vec<f64>, f64) {
    let unchanged = |k: f64| (log_w.to_vec(), k);
    let n = log_w.len();
    let Some(largest) = largest_log_weight(log_w) else { return unchanged(f64::NAN) };
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|i, j| log_w[*i].total_cmp(&log_w[*j]));
    let n_tail = tail_length(n);
    if n_tail < MIN_TAIL {
        return unchanged(f64::NAN);
    }
    // The cutoff is the largest weight outside the tail; weights equal to it exceed it by nothing and are left out.
    let log_cutoff = log_w[order[n - n_tail - 1]];
    let tail: Vec<usize> = order[n - n_tail..].iter().copied().filter(|i| log_w[*i] > log_cutoff).collect();
    if tail.is_empty() || largest - log_w[tail[0]] < 100.0 * f64::EPSILON {
        return unchanged(f64::NEG_INFINITY);
    }
    if tail.len() < MIN_TAIL {
        return unchanged(f64::NAN);
    }
    let cutoff = (log_cutoff - largest).exp();
    let excess: Vec<f64> = tail.iter().map(|i| (log_w[*i] - largest).exp() - cutoff).collect();
    let Some((k, sigma)) = fit_generalised_pareto(&excess) else { return unchanged(f64::INFINITY) };
    let mut smoothed = log_w.to_vec();
    for (rank, i) in tail.iter().enumerate() {
        let p = (rank as f64 + 0.5) / tail.len() as f64;
        let x = cutoff + pareto_quantile(p, k, sigma);
        smoothed[*i] = (x.ln() + largest).min(largest);
    }
    (smoothed, k)
}

/// The largest log weight; `None` if it is not finite or a log weight is NaN.
fn largest_log_weight(log_w: &[f64]) -> Option<f64> {
    let largest = log_w.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (largest.is_finite() && !log_w.iter().any(|l| l.is_nan())).then_some(largest)
}

/// Quantile of the generalised Pareto distribution, `sigma ((1 - p)^-k - 1) / k`.
fn pareto_quantile(p: f64, k: f64, sigma: f64) -> f64 {
    let ln_upper = (-p).ln_1p();
    if k == 0.0 { -sigma * ln_upper } else { sigma * (-k * ln_upper).exp_m1() / k }
}

/// Shape k and scale sigma of the generalised Pareto distribution of positive excesses in increasing order, with the
/// weak prior of ten observations at k = 1/2. `None` if the first quartile has underflowed to 0.
///
/// The posterior mean of b = -k / sigma over a grid under a data-dependent prior, with k at its profile likelihood value
/// (Zhang and Stephens 2009, section 3; Vehtari et al. 2024, appendix G, for the prior on k).
fn fit_generalised_pareto(x: &[f64]) -> Option<(f64, f64)> {
    let n = x.len() as f64;
    let n_grid = 30.0 + n.sqrt().floor();
    let quartile = x[((n / 4.0 + 0.5).floor() as usize).max(1) - 1];
    if quartile <= 0.0 {
        return None;
    }
    let largest = x[x.len() - 1];
    let shape = |b: f64| x.iter().map(|x| (-b * x).ln_1p()).sum::<f64>() / n;
    let grid: Vec<f64> = (0..n_grid as usize)
        .map(|j| 1.0 / largest + (1.0 - (n_grid / (j as f64 + 0.5)).sqrt()) / (3.0 * quartile))
        .collect();
    let log_likelihood: Vec<f64> = grid
        .iter()
        .map(|b| {
            let k = shape(*b);
            // -k / b is the scale; it tends to the mean as b goes to 0.
            let scale = if k == 0.0 { super::chains::mean(x) } else { -k / b };
            n * (-scale.ln() - k - 1.0)
        })
        .collect();
    let best = log_likelihood.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weight = |l: &f64| (l - best).exp();
    let total: f64 = log_likelihood.iter().map(weight).sum();
    let b = grid.iter().zip(&log_likelihood).map(|(b, l)| b * weight(l)).sum::<f64>() / total;
    let k = shape(b);
    let sigma = if k == 0.0 { super::chains::mean(x) } else { -k / b };
    let k_with_prior = (k * n + 10.0 * 0.5) / (n + 10.0);
    (k_with_prior.is_finite() && sigma.is_finite()).then_some((k_with_prior, sigma))
}
