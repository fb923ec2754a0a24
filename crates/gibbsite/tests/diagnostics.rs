//! Diagnostics against the R package `posterior`, against closed forms, and on the draws that mislead diagnostics.

use gibbsite::diagnostics::*;
use gibbsite::rng::{Purpose, Run, Streams};
use std::path::PathBuf;

fn shared() -> Option<PathBuf> {
    let default = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let root = std::env::var_os("GIBBSITE_SHARED").map_or(default, PathBuf::from).join("refs/diagnostics");
    if !root.is_dir() {
        eprintln!("skipped: no reference folder {}", root.display());
        return None;
    }
    Some(root)
}

/// Columns of a file of draws, by position.
fn read_columns(path: PathBuf) -> Vec<Vec<f64>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let mut columns = vec![Vec::new(); reader.headers().unwrap().len()];
    for row in reader.records() {
        for (column, cell) in columns.iter_mut().zip(&row.unwrap()) {
            column.push(cell.parse().unwrap());
        }
    }
    columns
}

#[test]
fn agrees_with_posterior() {
    let Some(root) = shared() else { return };
    let (one, two) = (read_columns(root.join("draws_chain1.csv")), read_columns(root.join("draws_chain2.csv")));
    let mut reader = csv::Reader::from_path(root.join("reference_posterior.csv")).unwrap();
    let names: Vec<String> = reader.headers().unwrap().iter().map(String::from).collect();
    let mut worst = vec![0.0f64; names.len()];
    let mut n_rows = 0;
    for (q, row) in reader.records().enumerate() {
        let row = row.unwrap();
        let chains = [one[q].as_slice(), two[q].as_slice()];
        for (c, name) in names.iter().enumerate().skip(1) {
            let ours = match name.as_str() {
                "rhat_rank" => rhat(&chains),
                "rhat_raw" => rhat_raw(&chains),
                "ess_bulk" => ess_bulk(&chains),
                "ess_tail" => ess_tail(&chains),
                "ess_mean" => ess_mean(&chains),
                "ess_sd" => ess_sd(&chains),
                "ess_median" => ess_median(&chains),
                "ess_raw" => ess_raw(&chains),
                "ess_quantile01" => ess_quantile(&chains, 0.01),
                "ess_quantile10" => ess_quantile(&chains, 0.1),
                "ess_quantile30" => ess_quantile(&chains, 0.3),
                "mcse_mean" => mcse_mean(&chains),
                "mcse_sd" => mcse_sd(&chains),
                "mcse_median" => mcse_median(&chains),
                "mcse_quantile01" => mcse_quantile(&chains, 0.01),
                "mcse_quantile10" => mcse_quantile(&chains, 0.1),
                "mcse_quantile30" => mcse_quantile(&chains, 0.3),
                other => panic!("unknown reference column {other}"),
            };
            let theirs: f64 = row[c].parse().unwrap();
            worst[c] = worst[c].max((ours - theirs).abs() / theirs);
            if ours.is_nan() {
                worst[c] = f64::INFINITY;
            }
        }
        n_rows += 1;
    }
    assert_eq!(n_rows, 48);
    for (name, worst) in names.iter().zip(&worst).skip(1) {
        println!("{name:16} {worst:.1e}");
    }
    assert!(worst.iter().all(|w| *w < 1e-6), "{worst:?}");
}

/// `n_chains` stationary AR(1) chains, x_t = rho x_{t-1} + sqrt(1 - rho^2) xi_t, of variance 1.
fn ar1(rho: f64, n_chains: usize, n_draws: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut rng = Streams::new(seed, Run::Draws);
    let mut chains = vec![Vec::with_capacity(n_draws); n_chains];
    for t in 0..n_draws {
        let xi = rng.normals(Purpose::Proposal, n_chains, 1);
        for (chain, xi) in chains.iter_mut().zip(xi.col(0)) {
            let xi = f64::from(*xi);
            let next = chain.last().map_or(xi, |x| rho * x + (1.0 - rho * rho).sqrt() * xi);
            chain.push(next);
        }
        assert_eq!(chains[0].len(), t + 1);
        rng.advance();
    }
    chains
}

/// ESS of an AR(1) process is n (1 - rho) / (1 + rho): every chain alone, then z over the chains.
#[test]
fn ess_of_ar1_is_its_closed_form() {
    for rho in [-0.4, 0.0, 0.5, 0.8] {
        let n = 16_000.0;
        let chains = ar1(rho, 64, n as usize, 7);
        // log is closer to unbiased than the ratio; the truncation of the sum leaves a bias below a percent.
        let log_ratio: Vec<f64> =
            chains.iter().map(|c| (ess_mean(&[c]) / (n * (1.0 - rho) / (1.0 + rho))).ln()).collect();
        let mean = log_ratio.iter().sum::<f64>() / 64.0;
        assert!(mean.abs() < 0.04, "rho {rho}: mean log ratio {mean}");
        let total = ess_mean(&chains) / (64.0 * n * (1.0 - rho) / (1.0 + rho));
        assert!((total - 1.0).abs() < 0.04, "rho {rho}: ratio over all chains {total}");
        // Negative control: the closed form of a neighbouring rho is rejected.
        let wrong = 64.0 * n * (0.9 - rho) / (1.1 + rho);
        assert!((ess_mean(&chains) / wrong - 1.0).abs() > 0.04);
    }
}

#[test]
fn autocorrelation_of_ar1_is_a_power() {
    let (rho, n) = (0.7f64, 1000);
    let chains = ar1(rho, 256, n, 3);
    let acf: Vec<Vec<f64>> = chains.iter().map(|c| autocovariance(c)).collect();
    for t in 0..20 {
        // The mean taken from each chain itself lowers c_t by Var(chain mean) = (1 + rho) / (1 - rho) / n, nearly.
        let bias = (1.0 + rho) / (1.0 - rho) / n as f64;
        let truth = (1.0 - t as f64 / n as f64) * rho.powi(t as i32) - bias;
        let values: Vec<f64> = acf.iter().map(|c| c[t]).collect();
        let z = z_score_between_chains(&values, truth);
        assert!(z.abs() < 4.0, "lag {t}: z = {z}");
        let z_wrong = z_score_between_chains(&values, truth + 0.05);
        assert!(z_wrong.abs() > 4.0, "lag {t}: a wrong value passes with z = {z_wrong}");
    }
}

/// The error bars are the spread of the estimates over independent runs.
#[test]
fn standard_errors_match_the_spread_over_runs() {
    let runs: Vec<Vec<Vec<f64>>> = ar1(0.6, 800, 1000, 11).chunks(4).map(<[Vec<f64>]>::to_vec).collect();
    let rms = |v: &[f64], truth: f64| (v.iter().map(|x| (x - truth).powi(2)).sum::<f64>() / v.len() as f64).sqrt();
    let check = |what: &str, estimate: &dyn Fn(&Summary) -> f64, truth: f64, mcse: &dyn Fn(&[Vec<f64>]) -> f64| {
        let estimates: Vec<f64> = runs.iter().map(|r| estimate(&summary(r))).collect();
        let errors: Vec<f64> = runs.iter().map(|r| mcse(r)).collect();
        let ratio = rms(&errors, 0.0) / rms(&estimates, truth);
        // The spread over 200 runs is known to 1 / sqrt(2 * 200) = 5 %.
        assert!((ratio - 1.0).abs() < 0.2, "{what}: ratio {ratio}");
    };
    check("mean", &|s| s.mean, 0.0, &|c| mcse_mean(c));
    check("sd", &|s| s.sd, 1.0, &|c| mcse_sd(c));
    check("median", &|s| s.median, 0.0, &|c| mcse_median(c));
    check("q05", &|s| s.q05, -1.6448536269514729, &|c| mcse_quantile(c, 0.05));
    check("q95", &|s| s.q95, 1.6448536269514729, &|c| mcse_quantile(c, 0.95));
}

#[test]
fn chains_that_disagree_have_large_rhat() {
    let chains = ar1(0.3, 4, 500, 5);
    assert!((rhat(&chains) - 1.0).abs() < 0.01 && (rhat_raw(&chains) - 1.0).abs() < 0.01);
    // Means 0, 1, 2, 3 of variance 1: var(means) = 5/3, so the raw R-hat is sqrt(1 + 5/3) = 1.63, not 0.61.
    let shifted: Vec<Vec<f64>> =
        chains.iter().enumerate().map(|(i, c)| c.iter().map(|x| x + i as f64).collect()).collect();
    let raw = rhat_raw(&shifted);
    assert!((raw - (8.0f64 / 3.0).sqrt()).abs() < 0.15, "{raw}");
    assert!(rhat(&shifted) > 1.4 && ess_bulk(&shifted) < 10.0);
    // Equal means, different scales: only the folded part sees it.
    let scaled: Vec<Vec<f64>> =
        chains.iter().enumerate().map(|(i, c)| c.iter().map(|x| x * (1.0 + 2.0 * i as f64)).collect()).collect();
    assert!(rhat_raw(&scaled) < 1.02 && rhat(&scaled) > 1.1, "{}", rhat(&scaled));
    // A common drift: only the split sees it.
    let drift: Vec<Vec<f64>> =
        chains.iter().map(|c| c.iter().enumerate().map(|(t, x)| x + t as f64 / 100.0).collect()).collect();
    assert!(rhat_raw(&drift) < 1.02 && rhat(&drift) > 1.3);
}

type Diagnostic = fn(&[Vec<f64>]) -> f64;
const ESS: [Diagnostic; 7] = [ess_bulk, ess_tail, ess_mean, ess_sd, ess_median, ess_raw, |c| ess_quantile(c, 0.3)];
const OTHERS: [Diagnostic; 6] = [rhat, rhat_raw, mcse_mean, mcse_sd, mcse_median, |c| mcse_quantile(c, 0.3)];

/// 0.1 is not a binary fraction: a mean that is rounded would make the chain look as if it moved.
#[test]
fn frozen_chains_have_one_effective_draw() {
    let shared = vec![vec![0.1; 1000]; 4];
    let odd = vec![vec![0.1; 999]; 3];
    let alone = vec![vec![0.1; 1000]];
    let apart: Vec<Vec<f64>> = [0.1, 0.7, 0.2, -3.3].iter().map(|v| vec![*v; 1000]).collect();
    let mirrored = vec![vec![-0.1; 1000], vec![0.1; 1000]];
    for frozen in [&shared, &odd, &alone, &apart, &mirrored] {
        assert!(ESS.iter().all(|f| f(frozen) == 1.0));
        assert!([0.01, 0.05, 0.95, 1.0].iter().all(|p| ess_quantile(frozen, *p) == 1.0));
        let s = summary(frozen);
        assert_eq!((s.ess_bulk, s.ess_tail), (1.0, 1.0));
    }
    // At one value nothing is known of the agreement of the chains, nor of the error, which is not 0.
    for frozen in [&shared, &odd, &alone] {
        assert!(OTHERS.iter().all(|f| f(frozen).is_nan()));
        let s = summary(frozen);
        assert!([s.rhat, s.mcse_mean, s.mcse_sd].iter().all(|v| v.is_nan()));
        assert_eq!([s.mean, s.sd, s.median], [0.1, 0.0, 0.1]);
    }
    for frozen in [&apart, &mirrored] {
        assert_eq!([rhat(frozen), rhat_raw(frozen)], [f64::INFINITY; 2]);
        assert!(mcse_mean(frozen) >= 0.1 && mcse_median(frozen) >= 0.1);
    }
    // One draw with the spread of the four values: sqrt(10.1 / 4) from squared deviations from -0.575.
    assert!((mcse_mean(&apart) - 1.590).abs() < 0.001 && mcse_sd(&apart) > 0.5);
    // (x - mean)^2 is the same of both values: no error of first order, not a perfect answer.
    assert!(mcse_sd(&mirrored).is_nan());
}

/// A quantity with two values of equal weight has a constant |x - median|; its location still tells of agreement.
#[test]
fn rhat_of_two_values_is_that_of_their_location() {
    let flips = |chains: Vec<Vec<f64>>| -> Vec<Vec<f64>> {
        chains.iter().map(|c| c.iter().flat_map(|x| [x.signum(), -x.signum()]).collect()).collect()
    };
    let agree = flips(ar1(0.0, 4, 500, 3));
    assert!((rhat(&agree) - 1.0).abs() < 0.01 && mcse_sd(&agree).is_nan() && mcse_mean(&agree) > 0.0);
    assert_eq!(rhat(&[vec![-1.0; 100], vec![1.0; 100]]), f64::INFINITY);
}

/// One frozen chain among moving ones, and one that froze half way, must show.
#[test]
fn a_single_frozen_chain_shows() {
    let mut chains = ar1(0.0, 4, 1000, 9);
    let healthy = ess_mean(&chains);
    chains[2].fill(0.1);
    assert!(rhat(&chains) > 1.05, "{}", rhat(&chains));
    chains = ar1(0.0, 4, 1000, 9);
    chains[2][500..].fill(1.5);
    assert!(rhat(&chains) > 1.05 && ess_mean(&chains) < 0.1 * healthy);
}

#[test]
fn non_finite_draws_make_everything_nan() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut chains = ar1(0.0, 2, 100, 1);
        chains[1][50] = bad;
        for f in ESS.iter().chain(&OTHERS) {
            assert!(f(&chains).is_nan());
        }
        let s = summary(&chains);
        let fields = [s.mean, s.sd, s.median, s.q05, s.q95, s.rhat, s.ess_bulk, s.ess_tail, s.mcse_mean, s.mcse_sd];
        assert!(fields.iter().all(|v| v.is_nan()));
    }
}

#[test]
fn too_few_draws_make_everything_nan() {
    let chains = ar1(0.0, 8, 20, 1);
    for n in 0..4 {
        let short: Vec<Vec<f64>> = chains.iter().map(|c| c[..n].to_vec()).collect();
        assert!(ESS.iter().chain(&OTHERS).all(|f| f(&short).is_nan()), "{n} draws");
    }
    assert!(ESS.iter().chain(&OTHERS).all(|f| f(&[]).is_nan()));
    for n in 4..20 {
        let enough: Vec<Vec<f64>> = chains.iter().map(|c| c[..n].to_vec()).collect();
        assert!(ESS.iter().chain(&OTHERS).all(|f| f(&enough).is_finite()), "{n} draws");
    }
    assert!(rhat_raw(&chains[..1]).is_nan() && rhat(&chains[..1]).is_finite());
    assert!(ess_quantile(&chains, 1.5).is_nan() && mcse_quantile(&chains, f64::NAN).is_nan());
}

/// No effective size is above S log10(S), which independent draws of an antithetic chain would exceed.
#[test]
fn ess_is_capped() {
    let chains = ar1(-0.9, 4, 1000, 2);
    assert_eq!(ess_mean(&chains), 4000.0 * 4000f64.log10());
}

/// A quantity with two values, mostly the larger: both tail quantiles are the larger one.
#[test]
fn tails_of_a_two_valued_quantity() {
    let chains: Vec<Vec<f64>> =
        ar1(0.5, 4, 1000, 4).iter().map(|c| c.iter().map(|x| f64::from(*x > -2.0)).collect()).collect();
    let ess = ess_tail(&chains);
    assert!(ess > 500.0 && (ess - ess_mean(&chains)).abs() < 1e-6 * ess, "{ess}");
}

#[test]
fn summary_is_the_functions_together() {
    let chains = ar1(0.9, 3, 501, 8);
    let s = summary(&chains);
    assert_eq!(
        [s.rhat, s.ess_bulk, s.ess_tail, s.mcse_mean, s.mcse_sd],
        [rhat(&chains), ess_bulk(&chains), ess_tail(&chains), mcse_mean(&chains), mcse_sd(&chains)]
    );
    // Rank-based numbers do not change under a monotone map.
    let mapped: Vec<Vec<f64>> = chains.iter().map(|c| c.iter().map(|x| x.exp()).collect()).collect();
    assert_eq!((ess_bulk(&mapped), ess_median(&mapped)), (s.ess_bulk, ess_median(&chains)));
}

#[test]
#[should_panic(expected = "same number of draws")]
fn ragged_chains_are_a_programming_error() {
    rhat(&[vec![0.0; 10], vec![0.0; 9]]);
}

#[test]
fn distances() {
    assert_eq!(histogram(&[0.0, 0.1, 0.5, 1.0, 1.1, -0.1, f64::NAN], 0.0, 1.0, 2), [2, 2]);
    let (p, q) = ([0.5, 0.5, 0.0], [0.25, 0.5, 0.25]);
    assert_eq!(total_variation(&p, &q), 0.25);
    assert!((kl(&p, &q) - 0.5 * 2f64.ln()).abs() < 1e-15);
    assert_eq!(kl(&q, &p), f64::INFINITY);
    assert!(kl(&[0.0, 1.0], &[f64::NAN, 1.0]).is_nan() && total_variation(&[f64::NAN], &[1.0]).is_nan());
    assert_eq!(ks_statistic(&[0.25, 0.75], |x| x), 0.25);
    assert_eq!(ks_statistic(&[0.9, 0.95], |x| x), 0.9);
    assert!(ks_statistic(&[], |x| x).is_nan() && ks_statistic(&[0.5, f64::NAN], |x| x).is_nan());
    assert!((z_score_between_chains(&[1.0, 2.0, 3.0], 1.0) - 3f64.sqrt()).abs() < 1e-15);
    assert!(z_score_between_chains(&[1.0], 1.0).is_nan());
}

#[test]
fn ks_statistic_of_uniforms() {
    let mut rng = Streams::new(6, Run::Draws);
    let mut u = rng.uniforms(Purpose::Accept, 2000, 1).col(0).to_vec();
    u.sort_by(f64::total_cmp);
    assert!(ks_statistic(&u, |x| x) * 2000f64.sqrt() < 1.95);
    assert!(ks_statistic(&u, |x| x * x) * 2000f64.sqrt() > 1.95);
}

/// Uniforms in (0, 1).
fn uniforms(n: usize, seed: u64) -> Vec<f64> {
    Streams::new(seed, Run::Importance).uniforms(Purpose::Proposal, n, 1).col(0).to_vec()
}

/// Weights u^-k have an exact Pareto tail of shape k.
#[test]
fn pareto_k_of_pareto_weights() {
    for k in [0.2, 0.5, 0.7, 1.0, 1.5] {
        let n = 100_000;
        let values: Vec<f64> = (0..32)
            .map(|seed| pareto_k(&uniforms(n, seed).iter().map(|u| -k * u.ln()).collect::<Vec<f64>>()))
            .collect();
        // 949 exceedances: sd of k about (1 + k) / sqrt(949); the prior pulls k to 1/2 by 10 / 959 of the distance.
        let truth = (949.0 * k + 5.0) / 959.0;
        let z = z_score_between_chains(&values, truth);
        let mean = values.iter().sum::<f64>() / 32.0;
        assert!(z.abs() < 4.0, "k {k}: mean {mean}, z {z}");
        assert!(z_score_between_chains(&values, truth + 0.1).abs() > 4.0);
    }
}

/// Only the tail changes, in order, up to the largest raw weight; the mean of the weights stays right at an offset of 1e4.
#[test]
fn psis_keeps_what_is_not_tail_and_smooths_the_rest() {
    let n = 10_000;
    let k = 0.6;
    let log_w: Vec<f64> = uniforms(n, 3).iter().map(|u| 1e4 - k * u.ln()).collect();
    let (smoothed, fitted) = psis(&log_w);
    assert_eq!(fitted, pareto_k(&log_w));
    let n_tail = 300;
    let changed = (0..n).filter(|i| smoothed[*i] != log_w[*i]).count();
    assert!((n_tail - 3..=n_tail).contains(&changed), "{changed}");
    let largest = log_w.iter().copied().fold(f64::MIN, f64::max);
    assert!(smoothed.iter().all(|l| *l <= largest));
    // Order is kept, and an offset of the log weights changes nothing but the offset.
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|i, j| log_w[*i].total_cmp(&log_w[*j]));
    assert!(order.windows(2).all(|w| smoothed[w[0]] <= smoothed[w[1]]));
    let shifted: Vec<f64> = log_w.iter().map(|l| l - 1e4).collect();
    assert!((pareto_k(&shifted) - fitted).abs() < 1e-6);
    // The mean of the weights, E[u^-k] = 1 / (1 - k) = 2.5, is still estimated.
    let mean = smoothed.iter().map(|l| (l - 1e4).exp()).sum::<f64>() / n as f64;
    assert!((mean - 2.5).abs() < 0.2, "{mean}");
}

/// |x - median| of a Student t with nu degrees of freedom has shape 1 / nu; of a uniform variable it is below 0.
#[test]
fn tail_shape_is_that_of_the_draws() {
    let n = 64_000;
    let cauchy: Vec<f64> = uniforms(n, 5).iter().map(|u| (std::f64::consts::PI * (u - 0.5)).tan()).collect();
    let two: Vec<f64> = uniforms(n, 6).iter().map(|u| (2.0 * u - 1.0) / (2.0 * u * (1.0 - u)).sqrt()).collect();
    for (x, k) in [(&cauchy, 1.0), (&two, 0.5)] {
        let (got, std_err) = tail_shape(x);
        assert!((got - k).abs() < 3.0 * std_err && std_err < 0.1, "{got} +- {std_err} against {k}");
        let moved: Vec<f64> = x.iter().map(|v| 1e3 - 7.0 * v).collect();
        assert!((tail_shape(&moved).0 - got).abs() < 1e-6);
    }
    assert!(tail_shape(&uniforms(n, 7)).0 < 0.1);
    assert!(tail_shape(&[]).0.is_nan() && tail_shape(&[1.0, f64::NAN]).0.is_nan() && tail_shape(&[0.0; 5]).0.is_nan());
}

#[test]
fn pareto_k_of_odd_weights() {
    let uniform = uniforms(1000, 2);
    // Bounded weights: shape -1 of the uniform distribution, pulled to 1/2 by the prior.
    let bounded = pareto_k(&uniform.iter().map(|u| u.ln()).collect::<Vec<f64>>());
    assert!((-1.2..-0.5).contains(&bounded), "{bounded}");
    assert_eq!(pareto_k(&[0.3; 1000]), f64::NEG_INFINITY);
    assert_eq!(pareto_k(&uniform.iter().map(|u| 1e6 * u).collect::<Vec<f64>>()), f64::INFINITY);
    let mut log_w: Vec<f64> = uniform.iter().map(|u| -u.ln()).collect();
    assert!(pareto_k(&log_w[..20]).is_nan() && pareto_k(&[]).is_nan());
    // Zero weights are legitimate.
    log_w.extend([f64::NEG_INFINITY; 9000]);
    let k = pareto_k(&log_w);
    assert!((k - 1.0).abs() < 0.3, "{k}");
    log_w[5] = f64::NAN;
    assert!(pareto_k(&log_w).is_nan() && ess_of_weights(&log_w).is_nan());
    log_w[5] = f64::INFINITY;
    assert!(pareto_k(&log_w).is_nan() && ess_of_weights(&log_w).is_nan());
    assert!(pareto_k(&[f64::NEG_INFINITY; 100]).is_nan());
}

#[test]
fn ess_of_weights_known_values() {
    assert_eq!(ess_of_weights(&[1e4; 50]), 50.0);
    assert_eq!(ess_of_weights(&[0.0, f64::NEG_INFINITY, f64::NEG_INFINITY]), 1.0);
    assert!((ess_of_weights(&[0.0, 2f64.ln()]) - 9.0 / 5.0).abs() < 1e-15);
    assert!(ess_of_weights(&[]).is_nan() && ess_of_weights(&[f64::NEG_INFINITY]).is_nan());
}

#[test]
#[ignore = "prints timings"]
fn timing() {
    for rho in [0.0, 0.9, 0.999] {
        let chains = ar1(rho, 64, 1000, 1);
        let time = |f: &dyn Fn() -> f64| {
            let best = (0..20).map(|_| {
                let start = std::time::Instant::now();
                std::hint::black_box(f());
                start.elapsed().as_secs_f64() * 1e3
            });
            best.fold(f64::INFINITY, f64::min)
        };
        println!(
            "rho {rho}: summary {:.2} ms, rhat {:.2}, ess_bulk {:.2}, ess_tail {:.2}, ess_mean {:.2}, mcse_sd {:.2}",
            time(&|| summary(&chains).rhat),
            time(&|| rhat(&chains)),
            time(&|| ess_bulk(&chains)),
            time(&|| ess_tail(&chains)),
            time(&|| ess_mean(&chains)),
            time(&|| mcse_sd(&chains)),
        );
    }
}

/// From draws to weights of modes: minima with their Hessians assign the draws of chains that cross the barrier, and of
/// chains that cannot.
#[test]
fn weights_of_the_wells_of_a_quartic() {
    use gibbsite::energy::formula::Formula;
    use gibbsite::kernel::Mala;
    use gibbsite::points::Matrix;
    use gibbsite::run::{RunOptions, initial_points_with_gradient, sample};

    let e = |x: f64, beta: f64| beta * (x.powi(4) - 2.0 * x * x + 0.3 * x);
    for (beta, crosses) in [(1.0, true), (40.0, false)] {
        // Minima of 4 x^3 - 4 x + 0.3 by Newton's method, of curvature 12 x^2 - 4.
        let minima = [-1.0f64, 1.0].map(|mut x| {
            (0..50).for_each(|_| x -= (4.0 * x.powi(3) - 4.0 * x + 0.3) / (12.0 * x * x - 4.0));
            vec![x]
        });
        let hessians = minima.each_ref().map(|m| Matrix::from_columns(1, 1, vec![beta * (12.0 * m[0] * m[0] - 4.0)]));
        let modes = Modes::with_hessians(&minima, &hessians).unwrap();
        // The midpoint rule over 10^5 cells: exact to 1e-5 with the jump at the boundary of the modes.
        let (mut left, mut all) = (0.0, 0.0);
        for i in 0..100_000 {
            let x = -4.0 + 8e-5 * (f64::from(i) + 0.5);
            let p = (e(-1.0, beta) - e(x, beta)).exp();
            all += p;
            left += if modes.assign(&[x], f64::INFINITY) == Some(0) { p } else { 0.0 };
        }
        let energy = Formula::parse(&format!("{beta}*(x^4 - 2*x^2 + 0.3*x)")).unwrap();
        let start = initial_points_with_gradient(&energy, 32, 1).unwrap();
        let run = sample(&energy, &Mala::new(0.1), start, &RunOptions::default(), &|_| {}).unwrap();
        let o = occupancy(&modes.assign_chains(&run.draws.coordinate(0), f64::INFINITY), 2);
        assert_eq!(o.mixes, crosses, "{o:?}");
        if crosses {
            let z = (o.modes[0].weight - left / all) / o.modes[0].std_err;
            assert!(z.abs() < 4.0 && o.modes[0].std_err < 0.03 && o.n_changes() > 500, "z {z}, {o:?}");
        } else {
            // All chains agree with themselves on a weight that is that of their starts.
            assert!(o.modes.iter().all(|m| m.std_err.is_nan()) && o.n_changes() == 0, "{o:?}");
        }
    }
}
