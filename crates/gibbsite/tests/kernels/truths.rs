//! What is known of the draws, and how far they are from it in standard errors between chains.

use gibbsite::run::Draws;

/// A function of one draw.
type Functional<'a> = Box<dyn Fn(&[f64]) -> f64 + 'a>;

/// One functional of the draws with its exact expectation.
pub struct Truth<'a> {
    pub name: String,
    pub f: Functional<'a>,
    pub exact: f64,
}

pub fn truth<'a>(name: &str, f: impl Fn(&[f64]) -> f64 + 'a, exact: f64) -> Truth<'a> {
    Truth { name: name.into(), f: Box::new(f), exact }
}

/// Mean, variance and quartiles of coordinate `j`, whose density is proportional to `p` on `(-l, l)` (fine trapezoid).
pub fn truths_of_density<'a>(j: usize, l: f64, p: impl Fn(f64) -> f64) -> Vec<Truth<'a>> {
    const N: usize = 200_000;
    let h = 2.0 * l / N as f64;
    let at = |k: usize| -l + h * k as f64;
    let sum = |f: &dyn Fn(f64) -> f64| (0..=N).map(|k| f(at(k)) * p(at(k))).sum::<f64>() * h;
    let z = sum(&|_| 1.0);
    let mean = sum(&|x| x) / z;
    let variance = sum(&|x| (x - mean).powi(2)) / z;
    let mut all = vec![
        truth(&format!("mean {j}"), move |x| x[j], mean),
        truth(&format!("variance {j}"), move |x| (x[j] - mean).powi(2), variance),
    ];
    for q in [0.05, 0.25, 0.5, 0.9] {
        // The quantile, by bisection on the cumulative sum; then P(x <= quantile) = q.
        let (mut acc, mut k) = (0.0, 0);
        while acc < q * z {
            acc += h * p(at(k));
            k += 1;
        }
        let quantile = at(k) - 0.5 * h - (acc - q * z) / p(at(k));
        all.push(truth(&format!("quantile {q} of {j}"), move |x| if x[j] <= quantile { 1.0 } else { 0.0 }, q));
    }
    all
}

/// z-scores of the chains' means against the truth.
pub fn z_scores(draws: &Draws, truths: &[Truth<'_>]) -> Vec<(String, f64)> {
    assert!(draws.n_chains() >= 64);
    let n = draws.n_chains() as f64;
    let z = |t: &Truth<'_>| {
        let means: Vec<f64> = draws
            .values()
            .chunks(draws.n_draws() * draws.dim())
            .map(|chain| chain.chunks(draws.dim()).map(&t.f).sum::<f64>() / draws.n_draws() as f64)
            .collect();
        let mean = means.iter().sum::<f64>() / n;
        let var = means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / (n - 1.0);
        (mean - t.exact) / (var / n).sqrt()
    };
    truths.iter().map(|t| (t.name.clone(), z(t))).collect()
}

pub fn worst(z: &[(String, f64)]) -> f64 {
    z.iter().map(|(_, z)| z.abs()).fold(0.0, f64::max)
}

pub fn assert_agrees(kernel: &str, z: &[(String, f64)]) {
    for (name, z) in z {
        assert!(z.abs() < 4.0, "{kernel}: {name}: z = {z:.2}");
    }
}
