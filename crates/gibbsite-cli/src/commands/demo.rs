//! `gibbsite demo`: the tour on real data, the 272 eruptions of Old Faithful.

mod fits;
mod samples;
mod scores;

use std::path::Path;

use gibbsite::check::normalizable_formula;
use gibbsite::energy::Energy;
use gibbsite::energy::formula::Formula;
use gibbsite::logz::importance::{self, StudentT};
use gibbsite::logz::{Options, Quadrature, quadrature};
use gibbsite::points::Points;
use gibbsite::table::{ReadOptions, Table};
use gibbsite::train::ObjectiveKind;

use crate::args::demo::DemoArgs;
use crate::context::Context;
use crate::outcome::{Failure, Outcome};
use crate::plot::{Landscape, landscape_1d};
use crate::{failures, text};

/// Old Faithful: duration of each eruption and wait until the next, in minutes (Azzalini and Bowman 1990).
const FAITHFUL: &[u8] = include_bytes!("../../../../data/faithful.csv");

/// A general quartic around 3 minutes: two wells of any depth, and always a model because the leading term is positive.
const FORMULA: &str = "a*(x-3) + b*(x-3)^2 + c*(x-3)^3 + exp(g)*(x-3)^4";

/// Draws of importance sampling.
const N_IMPORTANCE: usize = 100_000;

/// Two numbers agree if they differ by no more than this many standard errors.
const AGREE: f64 = 4.0;

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
    let mut story = vec![introduction(&table, &mut out)];

    let (model, mle) = fits::fitted(&data, ObjectiveKind::Mle, ctx)?;
    let (_, pcd) = fits::fitted(&data, ObjectiveKind::Pcd, ctx)?;
    story.push(fits::compared(&mle, &pcd, &mut out));

    let energy = &model.formula;
    let exact = quadrature(energy, &Options::default()).map_err(failures::log_z)?;
    story.push(normalised(energy, &exact, ctx, &mut out)?);

    let (draws, comparison) = samples::compared(energy, &data, &exact, ctx, &mut out)?;
    story.push(comparison);

    let picture = args.out.join("landscape.png");
    draw(&picture, energy, &exact, &data, &draws)?;
    let file = args.out.join("demo.gibbs");
    super::fit::saved_model(&model, &mle, &table)
        .write(&file)
        .map_err(|e| Failure::caused_by("model_file", &e, e.hint()))?;
    let (picture, file) = (picture.display().to_string(), file.display().to_string());
    story.push(format!("5. Written, the landscape with data and draws, and the model:\n  {picture}\n  {file}\n"));
    out.put("path", picture).put("model", file.as_str());

    story.push(scores::scored(energy, &exact, ctx, &mut out)?);
    story.push(format!(
        "Next, the model just fitted, or an energy of your own:\n  gibbsite sample {file}\n  \
         gibbsite logz \"0.5*x^2 + 0.1*x^4\"\n  gibbsite fit --help\n"
    ));
    out.text = story.join("\n");
    Ok(out)
}

fn introduction(table: &Table, out: &mut Outcome) -> String {
    let summary = table.summary();
    out.put("n_data", table.n_rows());
    let range = summary.first().map_or_else(String::new, |s| {
        out.put("data_min", s.min).put("data_max", s.max);
        format!(" of {} to {} minutes", s.min, s.max)
    });
    format!(
        "Old Faithful, a geyser: {} eruptions{range}, short ones and long ones.\n\
         The model: p(x) = exp(-E(x)) / Z with\n  E(x) = {FORMULA}\n",
        table.n_rows()
    )
}

fn normalised(energy: &Formula, exact: &Quadrature, ctx: &Context, out: &mut Outcome) -> Result<String, Failure> {
    let verdict = normalizable_formula(energy);
    let name = verdict.normalizable.name();
    out.put("normalizable", name);
    let gaussian = importance::gaussian_base(exact, 1.2);
    let gaussian = gaussian.ok_or_else(|| Failure::work("demo", "the model has no spread", "report this fault"))?;
    let base = StudentT::new(gaussian, 3);
    let estimate = importance::log_z(energy, &base, N_IMPORTANCE, ctx.seed).map_err(failures::log_z)?;
    let off = (estimate.value - exact.log_z) / estimate.std_err;
    out.put("log_z", exact.log_z).put("std_err", exact.error).put("n_nodes", exact.n());
    out.put("log_z_importance", estimate.value).put("std_err_importance", estimate.std_err);
    out.put("n_importance", N_IMPORTANCE).put("pareto_k_importance", estimate.pareto_k);
    out.put("log_z_errors_off", off);
    let k = estimate.pareto_k.map_or_else(String::new, |k| format!(", Pareto k {}", text::digits(k, 2)));
    let lines = [
        ("quadrature", format!("{:.12} +- {:.0e}  ({} nodes)", exact.log_z, exact.error, exact.n())),
        (
            "importance",
            format!(
                "{}  ({} draws{k})",
                text::with_error(estimate.value, estimate.std_err),
                text::count(N_IMPORTANCE as u64)
            ),
        ),
    ];
    let so = if off.abs() <= AGREE {
        format!("The two agree: they are {off:+.1} standard errors apart.")
    } else {
        out.warn(format!("the two estimates of log Z are {off:+.1} standard errors apart"), true);
        format!("The two do not agree: they are {off:+.1} standard errors apart.")
    };
    Ok(format!("2. Is it a model? {name}: {}\n\n3. log Z, two ways:\n{}   {so}\n", verdict.reason, text::pairs(lines)))
}

fn draw(path: &Path, energy: &Formula, exact: &Quadrature, data: &Points, draws: &[f64]) -> Result<(), Failure> {
    let x: Vec<f64> = (0..=800).map(|i| 1.0 + 5.0 * f64::from(i) / 800.0).collect();
    let points = Points::from_rows(&x.iter().map(|x| [*x]).collect::<Vec<_>>());
    let mut e = vec![0.0; x.len()];
    energy.energy(&points, &mut e);
    let p: Vec<f64> = e.iter().map(|e| (-e - exact.log_z).exp()).collect();
    let what = Landscape {
        title: "Old Faithful: a quartic energy fitted to 272 eruptions",
        axis: "Duration of the eruption (minutes)",
        x: &x,
        energy: &e,
        is_model: true,
        density: Some(&p),
        data: data.real.col(0),
        draws,
    };
    landscape_1d(path, &what).map_err(failures::plot)
}
