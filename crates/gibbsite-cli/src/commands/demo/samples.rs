//! Draws of chains against the data and the exact model.

use gibbsite::diagnostics::summary;
use gibbsite::energy::formula::Formula;
use gibbsite::kernel::Mala;
use gibbsite::logz::Quadrature;
use gibbsite::points::Points;
use gibbsite::run::{RunOptions, initial_points_with_gradient, sample};

use super::AGREE;
use crate::context::Context;
use crate::outcome::{Failure, Outcome};
use crate::{failures, text};

/// Eruptions below are short ones, in minutes.
const SHORT: f64 = 3.0;

/// A number with its standard error.
type Measured = (f64, f64);

/// Draws and their comparison, in numbers and words.
///
/// # Errors
/// A run that fails.
pub fn compared(
    energy: &Formula,
    data: &Points,
    exact: &Quadrature,
    ctx: &Context,
    out: &mut Outcome,
) -> Result<(Vec<f64>, String), Failure> {
    let start = initial_points_with_gradient(energy, 64, ctx.seed).map_err(failures::run)?;
    let options = RunOptions { n_draws: 2000, thin: 5, n_warmup: 1000, seed: ctx.seed, ..RunOptions::default() };
    let run = sample(energy, &Mala::new(0.1), start, &options, &|_| {}).map_err(failures::run)?;
    let chains = run.draws.coordinate(0);
    let s = summary(&chains);
    let is_short = |x: f64| f64::from(u8::from(x < SHORT));
    let shorts: Vec<Vec<f64>> = chains.iter().map(|c| c.iter().map(|x| is_short(*x)).collect()).collect();
    let short = summary(&shorts);
    out.put("rhat", vec![s.rhat]).put("ess_bulk", vec![s.ess_bulk]).put("ess_tail", vec![s.ess_tail]);
    out.put("accept_prob", run.info.accept_prob());

    let drawn = [(s.mean, s.mcse_mean), (s.sd, s.mcse_sd), (short.mean, short.mcse_mean)];
    let truth = [exact.mean()[0], exact.sd()[0], exact.expect_fn(|x| is_short(x[0]))];
    let seen = of_data(data.real.col(0), is_short);
    let off: Vec<f64> = drawn.iter().zip(truth).map(|((v, e), t)| (v - t) / e).collect();
    let mut table = text::Table::new(["", "data", "exact model", "64 Langevin chains", "difference"]);
    for (i, name) in ["mean", "sd", "share under 3 min"].into_iter().enumerate() {
        let measured = |(v, e): Measured| text::with_error(v, e);
        let difference = format!("{:+.1} errors", off[i]);
        table.row([name.into(), measured(seen[i]), format!("{:.4}", truth[i]), measured(drawn[i]), difference]);
    }
    out.put("mean", vec![s.mean]).put("sd", vec![s.sd]).put("mcse", vec![s.mcse_mean]).put("mcse_sd", vec![s.mcse_sd]);
    for (i, name) in ["mean", "sd", "short"].into_iter().enumerate() {
        out.put(&format!("data_{name}"), seen[i].0).put(&format!("data_{name}_std_err"), seen[i].1);
        out.put(&format!("exact_{name}"), truth[i]).put(&format!("{name}_errors_off"), off[i]);
    }
    out.put("short", drawn[2].0).put("mcse_short", drawn[2].1);

    let found = s.rhat < 1.01 && s.ess_bulk > 400.0 && off.iter().all(|z| z.abs() <= AGREE);
    let so = if found {
        "The chains agree with each other and with the exact model."
    } else {
        out.warn("the chains do not agree with each other or with the exact model: more draws are needed", true);
        "The chains do not agree with each other or with the exact model."
    };
    let text = format!(
        "4. Samples against data and model:\n{}   R-hat {:.4}, effective draws {} (bulk) and {} (tail), acceptance {}.\n   \
         {so}\n",
        table.render(),
        s.rhat,
        text::count(s.ess_bulk as u64),
        text::count(s.ess_tail as u64),
        text::percent(run.info.accept_prob()),
    );
    Ok((run.draws.values().to_vec(), text))
}

/// Mean, standard deviation and share of short ones, with their standard errors; that of the standard deviation s is
/// `sqrt((m4 - s^4) / n) / (2 s)` with the fourth central moment m4.
fn of_data(x: &[f64], is_short: impl Fn(f64) -> f64) -> [Measured; 3] {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let moment = |k: i32| x.iter().map(|v| (v - mean).powi(k)).sum::<f64>() / n;
    let sd = (moment(2) * n / (n - 1.0)).sqrt();
    let sd_error = ((moment(4) - moment(2).powi(2)) / n).sqrt() / (2.0 * sd);
    let share = x.iter().map(|v| is_short(*v)).sum::<f64>() / n;
    [(mean, sd / n.sqrt()), (sd, sd_error), (share, (share * (1.0 - share) / n).sqrt())]
}
