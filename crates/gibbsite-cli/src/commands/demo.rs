//! `gibbsite demo`: the tour on real data, the 272 eruptions of Old Faithful.

use std::path::Path;

use gibbsite::check::normalizable_formula;
use gibbsite::diagnostics::{Summary, summary};
use gibbsite::energy::Energy;
use gibbsite::energy::formula::{Formula, FormulaOptions};
use gibbsite::kernel::Mala;
use gibbsite::kernel::grid::Grid;
use gibbsite::logz::importance::{self, StudentT};
use gibbsite::logz::{Options, Quadrature, quadrature};
use gibbsite::points::Points;
use gibbsite::run::{RunOptions, initial_points_with_gradient, sample};
use gibbsite::table::{ReadOptions, Table};
use gibbsite::train::{Control, Fit, ObjectiveKind, TrainOptions, fit};
use gibbsite::uses::anomaly::p_values;
use serde_json::json;

use crate::args::demo::DemoArgs;
use crate::context::Context;
use crate::outcome::{Failure, Outcome};
use crate::plot::landscape_1d;
use crate::{failures, text};

/// Old Faithful: duration of each eruption and wait until the next, in minutes (Azzalini and Bowman 1990).
const FAITHFUL: &[u8] = include_bytes!("../../../../data/faithful.csv");

/// A general quartic around 3 minutes: two wells of any depth, and always a model because the leading term is positive.
const FORMULA: &str = "a*(x-3) + b*(x-3)^2 + c*(x-3)^3 + exp(g)*(x-3)^4";

/// Exact draws behind the p-values.
const N_EXACT: usize = 1_000_000;

/// Durations that were made up, in minutes.
const MADE_UP: [(f64, &str); 3] =
    [(4.4, "an ordinary long one"), (3.0, "between the two kinds"), (6.5, "longer than any")];

/// Fit, check, normalise, sample, draw, score.
///
/// # Errors
/// Only if a file cannot be written or a step of the tour fails.
pub fn run(args: &DemoArgs, ctx: &Context) -> Result<Outcome, Failure> {
    let io = |e: std::io::Error| failures::write(&args.out.display().to_string(), &e);
    std::fs::create_dir_all(&args.out).map_err(io)?;
    let options = ReadOptions { columns: Some(vec!["eruptions".into()]), ..ReadOptions::default() };
    let table = Table::from_bytes("faithful.csv", FAITHFUL.to_vec(), None, None, &options).map_err(failures::data)?;
    let data = table.points();
    let mut out = Outcome::new();
    let mut story = vec![introduction(&table)];

    let (mle, pcd) = (fitted(&data, ObjectiveKind::Mle, ctx)?, fitted(&data, ObjectiveKind::Pcd, ctx)?);
    story.push(two_fits(&mle, &pcd, &mut out));

    let params = mle.theta_names.iter().cloned().zip(mle.theta.iter().copied()).collect();
    let energy = Formula::with_options(FORMULA, &FormulaOptions { params, ..FormulaOptions::default() });
    let energy = energy.map_err(failures::formula)?;
    let exact = quadrature(&energy, &Options::default()).map_err(failures::log_z)?;
    story.push(normalised(&energy, &exact, ctx, &mut out)?);

    let (draws, comparison) = sampled(&energy, &data, &exact, ctx, &mut out)?;
    story.push(comparison);

    let picture = args.out.join("landscape.png");
    draw(&picture, &energy, &exact, &data, &draws)?;
    let stem = picture.display().to_string();
    story.push(format!("5. The landscape, with the data and the draws over it: {stem}\n"));
    out.put("path", stem);

    story.push(scored(&energy, &exact, ctx, &mut out)?);
    let next = "Next: gibbsite fit --help, gibbsite sample --help, or write a formula of your own:\n  \
                gibbsite logz \"0.5*x^2 + 0.1*x^4\"\n";
    story.push(next.into());
    out.text = story.join("\n");
    Ok(out)
}

fn introduction(table: &Table) -> String {
    let summary = table.summary();
    let range = summary.first().map_or_else(String::new, |s| format!(", {} to {} minutes", s.min, s.max));
    format!(
        "Old Faithful, a geyser: {} eruptions{range}, short ones and long ones.\n\
         The model: p(x) = exp(-E(x)) / Z with E(x) = {FORMULA}\n",
        table.n_rows()
    )
}

fn fitted(data: &Points, objective: ObjectiveKind, ctx: &Context) -> Result<Fit, Failure> {
    let mut energy = Formula::parse(FORMULA).map_err(failures::formula)?;
    let options = TrainOptions { objective, batch: 136, epochs: 400, seed: ctx.seed, ..TrainOptions::default() };
    if objective == ObjectiveKind::Pcd {
        super::fit::start_at_score_matching(&mut energy, data, &options);
    }
    fit(&mut energy, data, &options, &Control::default(), &mut |_| {}).map_err(failures::train)
}

fn two_fits(mle: &Fit, pcd: &Fit, out: &mut Outcome) -> String {
    let mcse = pcd.theta_mcse.clone().unwrap_or_default();
    let mut table = text::Table::new(["parameter", "exact", "std. error", "chains", "Monte-Carlo error", "difference"]);
    for (k, name) in mle.theta_names.iter().enumerate() {
        let (a, b, error) = (mle.theta[k], pcd.theta[k], mcse.get(k).copied().unwrap_or(f64::NAN));
        table.row([
            name.clone(),
            format!("{a:.4}"),
            text::digits(mle.theta_std_err[k], 2),
            format!("{b:.4}"),
            text::digits(error, 2),
            format!("{:+.1} errors", (b - a) / error),
        ]);
    }
    let named = |f: &Fit, v: &[f64]| f.theta_names.iter().cloned().zip(v.iter().copied()).collect::<Vec<_>>();
    out.put("theta", named(mle, &mle.theta)).put("theta_std_err", named(mle, &mle.theta_std_err));
    out.put("theta_pcd", named(pcd, &pcd.theta)).put("theta_mcse", named(pcd, &mcse));
    let l = mle.train.map_or_else(String::new, |l| {
        out.put("mean_log_likelihood", l.mean).put("mean_log_likelihood_std_err", l.std_err);
        format!("   log-likelihood {} nats an eruption\n", text::with_error(l.mean, l.std_err))
    });
    format!(
        "1. Fitted twice: by exact maximum likelihood (quadrature, {} Newton steps), and by persistent\n   \
         contrastive divergence (Langevin chains, {} epochs). The two must agree within the error of the chains.\n{}{l}",
        mle.epochs,
        pcd.epochs,
        table.render()
    )
}

fn normalised(energy: &Formula, exact: &Quadrature, ctx: &Context, out: &mut Outcome) -> Result<String, Failure> {
    let verdict = normalizable_formula(energy);
    let name = verdict.normalizable.name();
    out.put("normalizable", name);
    let gaussian = importance::gaussian_base(exact, 1.2);
    let gaussian = gaussian.ok_or_else(|| Failure::work("demo", "the model has no spread", "report this fault"))?;
    let base = StudentT::new(gaussian, 3);
    let estimate = importance::log_z(energy, &base, 100_000, ctx.seed).map_err(failures::log_z)?;
    out.put("log_z", exact.log_z).put("std_err", exact.error);
    out.put("log_z_importance", estimate.value).put("std_err_importance", estimate.std_err);
    let k = estimate.pareto_k.map_or_else(String::new, |k| format!(", Pareto k {}", text::digits(k, 2)));
    let z = (estimate.value - exact.log_z) / estimate.std_err;
    let lines = [
        ("quadrature", format!("{:.12} +- {:.0e}  ({} nodes)", exact.log_z, exact.error, exact.n())),
        (
            "importance",
            format!("{}  (100,000 draws{k}): {z:+.1} errors off", text::with_error(estimate.value, estimate.std_err)),
        ),
    ];
    Ok(format!("2. Is it a model? {name}: {}\n\n3. log Z, two ways:\n{}", verdict.reason, text::pairs(lines)))
}

fn sampled(
    energy: &Formula,
    data: &Points,
    exact: &Quadrature,
    ctx: &Context,
    out: &mut Outcome,
) -> Result<(Vec<f64>, String), Failure> {
    let start = initial_points_with_gradient(energy, 64, ctx.seed).map_err(failures::run)?;
    let options = RunOptions { n_draws: 2000, thin: 5, n_warmup: 1000, seed: ctx.seed, ..RunOptions::default() };
    let run = sample(energy, &Mala::new(0.1), start, &options, &|_| {}).map_err(failures::run)?;
    let s: Summary = summary(&run.draws.coordinate(0));
    let x = data.real.col(0);
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let sd = (x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    let short = |values: &mut dyn Iterator<Item = f64>, n: f64| values.filter(|v| *v < 3.0).count() as f64 / n;
    let n_draws = run.draws.values().len() as f64;
    let short_draws = short(&mut run.draws.values().iter().copied(), n_draws);
    let short_exact = exact.expect_fn(|x| f64::from(u8::from(x[0] < 3.0)));
    out.put("rhat", vec![s.rhat]).put("ess_bulk", vec![s.ess_bulk]).put("ess_tail", vec![s.ess_tail]);
    out.put("mean", vec![s.mean]).put("sd", vec![s.sd]).put("mcse", vec![s.mcse_mean]);
    out.put("accept_prob", run.info.accept_prob());
    let mut table = text::Table::new(["", "data", "exact model", "64 Langevin chains"]);
    table.row([
        "mean".into(),
        format!("{mean:.3}"),
        format!("{:.4}", exact.mean()[0]),
        text::with_error(s.mean, s.mcse_mean),
    ]);
    table.row(["sd".into(), format!("{sd:.3}"), format!("{:.4}", exact.sd()[0]), text::with_error(s.sd, s.mcse_sd)]);
    table.row([
        "shorter than 3 min".into(),
        text::percent(short(&mut x.iter().copied(), n)),
        text::percent(short_exact),
        text::percent(short_draws),
    ]);
    let verdict = if s.rhat < 1.01 && s.ess_bulk > 400.0 {
        "the chains agree"
    } else {
        "the chains do not agree: more draws are needed"
    };
    let text = format!(
        "4. Samples against data:\n{}   R-hat {:.4}, effective draws {} (bulk) and {} (tail), acceptance {}: {verdict}\n",
        table.render(),
        s.rhat,
        text::count(s.ess_bulk as u64),
        text::count(s.ess_tail as u64),
        text::percent(run.info.accept_prob()),
    );
    Ok((run.draws.values().to_vec(), text))
}

fn draw(path: &Path, energy: &Formula, exact: &Quadrature, data: &Points, draws: &[f64]) -> Result<(), Failure> {
    let x: Vec<f64> = (0..=800).map(|i| 0.5 + 6.0 * f64::from(i) / 800.0).collect();
    let points = Points::from_rows(&x.iter().map(|x| [*x]).collect::<Vec<_>>());
    let mut e = vec![0.0; x.len()];
    energy.energy(&points, &mut e);
    let p: Vec<f64> = e.iter().map(|e| (-e - exact.log_z).exp()).collect();
    let title = "Old Faithful: a quartic energy fitted to 272 eruptions";
    let column = data.real.col(0);
    landscape_1d(path, title, "duration (minutes)", &x, &e, &p, Some(column), Some(draws)).map_err(failures::plot)
}

fn scored(energy: &Formula, exact: &Quadrature, ctx: &Context, out: &mut Outcome) -> Result<String, Failure> {
    let x = Points::from_rows(&MADE_UP.map(|(x, _)| [x]));
    let mut e = [0.0; MADE_UP.len()];
    energy.energy(&x, &mut e);
    let draws = Grid::new(energy).and_then(|g| g.sample(N_EXACT, ctx.seed)).map_err(failures::log_z)?;
    let mut draw_energies = vec![0.0; N_EXACT];
    energy.energy(&draws, &mut draw_energies);
    let p = p_values(&draw_energies, &e);
    let mut table = text::Table::new(["minutes", "log-density", "p-value", ""]);
    let mut rows = Vec::new();
    for (i, (x, what)) in MADE_UP.into_iter().enumerate() {
        let (log_density, surprise) = (-e[i] - exact.log_z, -p[i].ln());
        let smallest = 1.0 / (N_EXACT + 1) as f64;
        let p_value = if p[i] <= smallest { format!("< {smallest:.0e}") } else { text::digits(p[i], 2) };
        table.row([format!("{x}"), format!("{log_density:.3}"), p_value, what.to_string()]);
        rows.push(json!({"x": x, "energy": e[i], "log_density": log_density, "surprise": surprise, "p_value": p[i]}));
    }
    out.put("scores", serde_json::Value::Array(rows));
    Ok(format!(
        "6. Three eruptions that were made up; the p-value is the share of {} exact draws that are no likelier:\n{}",
        text::count(N_EXACT as u64),
        table.render()
    ))
}
