//! The same energy fitted twice, exactly and with chains, and whether the two agree.

use gibbsite::points::Points;
use gibbsite::train::{Control, Fit, ObjectiveKind, TrainOptions, TrainWarning, fit};

use super::{AGREE, FORMULA};
use crate::args::energy::EnergyOptions;
use crate::context::Context;
use crate::outcome::{Failure, Outcome};
use crate::resolve::{self, Resolved};
use crate::{failures, text};

/// The model with the parameters that fit, and the fit.
///
/// # Errors
/// A fit that fails.
pub fn fitted(data: &Points, objective: ObjectiveKind, ctx: &Context) -> Result<(Resolved, Fit), Failure> {
    let plain = EnergyOptions { beta: 1.0, ..EnergyOptions::default() };
    let mut model = resolve::energy_with_free_parameters(FORMULA, &plain)?;
    let options = TrainOptions { objective, batch: 136, epochs: 400, seed: ctx.seed, ..TrainOptions::default() };
    if objective == ObjectiveKind::Pcd {
        crate::commands::fit::start_at_score_matching(&mut model.formula, data, &options);
    }
    let fit = fit(&mut model.formula, data, &options, &Control::default(), &mut |_| {}).map_err(failures::train)?;
    Ok((model, fit))
}

/// Both fits in numbers, their warnings, and a verdict on their difference in Monte-Carlo errors.
pub fn compared(mle: &Fit, pcd: &Fit, out: &mut Outcome) -> String {
    let mcse = pcd.theta_mcse.clone().unwrap_or_else(|| vec![f64::NAN; pcd.theta.len()]);
    let off: Vec<f64> = (0..mcse.len()).map(|k| (pcd.theta[k] - mle.theta[k]) / mcse[k]).collect();
    let mut table = text::Table::new(["parameter", "exact", "std. error", "chains", "Monte-Carlo error", "difference"]);
    for (k, name) in mle.theta_names.iter().enumerate() {
        table.row([
            name.clone(),
            format!("{:.4}", mle.theta[k]),
            text::digits(mle.theta_std_err[k], 2),
            format!("{:.4}", pcd.theta[k]),
            text::digits(mcse[k], 2),
            format!("{:+.1} errors", off[k]),
        ]);
    }
    let named = |f: &Fit, v: &[f64]| f.theta_names.iter().cloned().zip(v.iter().copied()).collect::<Vec<_>>();
    out.put("theta", named(mle, &mle.theta)).put("theta_std_err", named(mle, &mle.theta_std_err));
    out.put("theta_pcd", named(pcd, &pcd.theta)).put("theta_mcse", named(pcd, &mcse));
    out.put("theta_errors_off", named(pcd, &off)).put("epochs_pcd", pcd.epochs).put("newton_steps", mle.epochs);
    for (what, fit) in [("exact fit", mle), ("fit with chains", pcd)] {
        for warning in fit.warnings.iter().filter(|w| !matches!(w, TrainWarning::Resume(_))) {
            out.warn(format!("{what}: {warning}"), warning.is_bad());
        }
    }
    let so = verdict(&mle.theta_names, &off, out);
    let l = mle.train.map_or_else(String::new, |l| {
        out.put("mean_log_likelihood", l.mean).put("mean_log_likelihood_std_err", l.std_err);
        format!("   Log-likelihood {} nats an eruption.\n", text::with_error(l.mean, l.std_err))
    });
    format!(
        "1. Fitted twice: by exact maximum likelihood (quadrature, {} Newton steps), and by\n   \
         persistent contrastive divergence (Langevin chains, {} epochs):\n{}   {so}\n{l}",
        mle.epochs,
        pcd.epochs,
        table.render()
    )
}

/// What the differences say: NaN, where there is no Monte-Carlo error, is no agreement.
fn verdict(names: &[String], off: &[f64], out: &mut Outcome) -> String {
    let far: Vec<String> = names
        .iter()
        .zip(off)
        .filter(|(_, z)| !(z.abs() <= AGREE))
        .map(|(name, z)| format!("{name} by {z:+.1}"))
        .collect();
    out.put("fits_agree", far.is_empty());
    if far.is_empty() {
        let most = off.iter().fold(0.0_f64, |m, z| m.max(z.abs()));
        return format!("The two agree: they differ by at most {most:.1} Monte-Carlo errors.");
    }
    let far = far.join(", ");
    out.warn(format!("the two fits do not agree: in Monte-Carlo errors they differ in {far}"), true);
    format!("The two do not agree; in Monte-Carlo errors they differ in\n   {far}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_is_measured() {
        let names: Vec<String> = ["a", "b"].map(String::from).to_vec();
        let mut out = Outcome::new();
        assert!(verdict(&names, &[0.4, -2.2], &mut out).starts_with("The two agree: they differ by at most 2.2"));
        assert!(out.warnings.is_empty() && out.exit_code() == 0);
        let said = verdict(&names, &[6.2, -5.5], &mut out);
        assert!(said.starts_with("The two do not agree") && said.contains("a by +6.2, b by -5.5"), "{said}");
        assert_eq!((out.exit_code(), out.warnings.len()), (3, 1));
        let mut unknown = Outcome::new();
        verdict(&names, &[0.0, f64::NAN], &mut unknown);
        assert_eq!(unknown.exit_code(), 3);
    }
}
