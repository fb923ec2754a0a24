//! How far a contrastive training ended from the maximum of the likelihood, where log Z is exact: not guessed from one step
//! but walked, by the exact fit from there.

use super::dense::Correlation;
use super::event::{OFF_MCSES, TrainWarning};
use super::fit::Raw;
use super::newton::{NewtonOptions, minimise};
use super::options::{ObjectiveKind, Sampler, TrainOptions};
use super::std_err::held;
use crate::energy::Parametric;
use crate::logz::Quadrature;
use crate::objective::{FullBatch, Mle};
use crate::points::{Matrix, Points};

/// Energy evaluations that the walk may take: about a second. In one dimension it takes a thousandth of that.
const BUDGET: u64 = 20_000_000;

/// What is known about the way to the maximum of the likelihood.
#[derive(Clone, Debug)]
pub(super) enum Distance {
    /// `phi - phi_max`, by parameter.
    Walked(Vec<f64>),
    /// The exact fit did not arrive: the score statistic `sqrt(n g' I^-1 g)`.
    Score(f64),
}

/// The energy's theta, at which `q` is the quadrature, is as before on return.
pub(super) fn distance<E: Parametric + ?Sized>(
    energy: &mut E,
    q: &Quadrature,
    data: &Points,
    free: &[bool],
) -> Distance {
    let p = free.len();
    let mut phi = vec![0.0; p];
    energy.read_theta(&mut phi);
    let mut mle = Mle::new(data).with_budget(Some(BUDGET));
    let walk = minimise(&mut mle, energy, free, &NewtonOptions::default(), &mut |_| {});
    let mut best = vec![0.0; p];
    energy.read_theta(&mut best);
    energy.set_theta(&phi);
    match walk {
        Ok(minimum) if !minimum.stopped => Distance::Walked(phi.iter().zip(&best).map(|(a, b)| a - b).collect()),
        Ok(_) | Err(_) => Distance::Score(score(energy, q, data, free)),
    }
}

/// Rao's score statistic at the energy's theta; NaN where the information is no covariance.
fn score<E: Parametric + ?Sized>(energy: &E, q: &Quadrature, data: &Points, free: &[bool]) -> f64 {
    let p = free.len();
    let mut mle = Mle::new(data).at(q.clone());
    let (mut info, mut grad) = (Matrix::new(p, p), vec![0.0; p]);
    mle.curvature(energy, &mut info);
    if mle.grad_nearby(energy, &mut grad).is_err() {
        return f64::NAN;
    }
    let Some(factor) = Correlation::new(&held(info, free), 0.0) else { return f64::NAN };
    let squared: f64 = factor.solve(&grad).iter().zip(&grad).map(|(d, g)| d * g).sum();
    (squared.max(0.0) * data.n() as f64).sqrt()
}

/// Distance in standard errors above which the rate, not the patience, is to blame.
const THROWN: f64 = 30.0;

/// What brings a training closer.
fn remedy(options: &TrainOptions, raw: &Raw, std_errs: f64) -> &'static str {
    if raw.warnings.iter().any(|w| matches!(w, TrainWarning::LowAcceptance { .. })) {
        return "use a smaller --step-size";
    }
    let thrown = raw.n_rollbacks > 0 || std_errs.is_nan() || std_errs > THROWN;
    match (thrown, options.objective, options.sampler) {
        (true, ..) => "use a smaller --lr, and more --epochs",
        (false, ObjectiveKind::Cd, _) => "use --objective pcd, or more --steps",
        (false, _, Sampler::Ula) => "use --sampler mala or a smaller --step-size; train longer or with a larger --lr",
        (false, ..) => "train longer, with a larger --lr or more --steps, or start closer with --init",
    }
}

/// Warnings, and Monte-Carlo errors that are not smaller than the distance that was walked. `slope` brings phi to theta.
///
/// To be called before the warnings of the training are taken: of those, advice to train faster is removed where the training
/// was too fast.
pub(super) fn judge(
    raw: &mut Raw,
    distance: &Distance,
    std_err: &[f64],
    names: &[String],
    slope: &[f64],
    options: &TrainOptions,
) -> Vec<TrainWarning> {
    let mut found = Vec::new();
    let Some(mut mcse) = raw.mcse.take() else { return found };
    let known: Vec<usize> = (0..names.len()).filter(|&k| std_err[k].is_finite()).collect();
    let farthest = match distance {
        Distance::Walked(off) => known.iter().map(|&k| (off[k] / std_err[k]).abs()).fold(0.0, f64::max),
        Distance::Score(z) => z.abs(),
    };
    let remedy = remedy(options, raw, farthest);
    match distance {
        Distance::Walked(off) => {
            for k in known {
                let (std_errs, mcses) = (off[k] / std_err[k], off[k] / mcse[k]);
                // Without a Monte-Carlo error, a tenth of the standard error is what should be known.
                let far = if mcses.is_nan() { std_errs.abs() > 0.1 } else { mcses.abs() > OFF_MCSES };
                if far || !std_errs.is_finite() {
                    let (name, off) = (names[k].clone(), slope[k] * off[k]);
                    found.push(TrainWarning::OffOptimum { name, off, std_errs, mcses, remedy });
                }
                mcse[k] = if mcse[k].is_nan() { off[k].abs() } else { mcse[k].max(off[k].abs()) };
            }
        }
        Distance::Score(z) => {
            let noise = known.iter().map(|&k| (mcse[k] / std_err[k]).powi(2)).sum::<f64>().sqrt();
            let explained = 0.5 + OFF_MCSES * if noise.is_nan() { 0.0 } else { noise };
            if z.is_nan() || z.abs() > explained {
                found.push(TrainWarning::OffScore { z: *z, remedy });
                // No parameter is farther than the score statistic, to first order (Cauchy and Schwarz).
                known.iter().for_each(|&k| mcse[k] = mcse[k].max(z.abs() * std_err[k]));
            }
        }
    }
    if !found.is_empty() && (farthest.is_nan() || farthest > THROWN) {
        raw.warnings.retain(|w| !matches!(w, TrainWarning::Drift { .. } | TrainWarning::ShortWindow { .. }));
    }
    raw.mcse = Some(mcse);
    found
}

/// What no number of epochs cures.
pub(super) fn biases(options: &TrainOptions, measured: bool) -> Vec<TrainWarning> {
    let mut found = Vec::new();
    if options.objective == ObjectiveKind::Cd {
        let why = "contrastive divergence is biased by construction: its chains start at the data and have not forgotten them";
        found.push(TrainWarning::Biased { why, remedy: "use --objective pcd, or more --steps", measured });
    }
    if options.sampler == Sampler::Ula {
        let why = "unadjusted Langevin chains are biased by construction, in proportion to their step size";
        found.push(TrainWarning::Biased { why, remedy: "use --sampler mala, or a smaller --step-size", measured });
    }
    found
}
