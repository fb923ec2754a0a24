//! `gibbsite sample`: draws with their diagnostics, and a verdict.

mod disk;
mod draw;
mod labelled;
mod ladder;
mod modes;
mod session;
mod verdict;
mod write;

use std::time::Instant;

use gibbsite::energy::Energy;
use gibbsite::verdict::{Evidence, Report};

use super::identity::Identity;
use crate::args::sample::SampleArgs;
use crate::context::Context;
use crate::outcome::{Failure, Outcome};
use crate::resolve;
use crate::{guard, text};
use disk::Disk;
use draw::Drawn;

/// Coordinates that are listed for people; JSON has them all.
const SHOWN: usize = 12;

/// Draws, summarises, judges, writes.
///
/// # Errors
/// Energies that are no model, samplers that do not fit, runs that cannot be done, files that cannot be written.
pub fn run(args: &SampleArgs, ctx: &Context) -> Result<Outcome, Failure> {
    let file = args.out.as_deref().map(write::DrawsFile::new).transpose()?;
    guard::files::check(&[("the model", guard::files::of_energy(&args.energy))], &[("--out", args.out.clone())])?;
    if let Some(model) = resolve::labelled(&args.energy, &args.energy_options)? {
        return labelled::run(args, file, &model, ctx);
    }
    let model = resolve::energy(&args.energy, &args.energy_options)?;
    let mut out = Outcome::new();
    let sampler = draw::choose(args, &model)?;
    guard::is_model(&model, &mut out)?;

    let started = Instant::now();
    // The file is written as soon as it is complete, so that a bad verdict does not lose the draws.
    let identity = Identity::new(&model, identity(sampler, args), ctx);
    let disk = file.map(|file| Disk::open(file, identity, args.draws, args.resume, ctx));
    let disk = disk.transpose()?;
    if let Some(disk) = &disk {
        disk.announce(args.chains, model.dim(), ctx);
    }
    let drawn = draw::draw(sampler, &model, args, ctx, disk.as_ref())?;
    let seconds = disk.as_ref().map_or_else(|| started.elapsed().as_secs_f64(), Disk::seconds);
    let moments = gibbsite::check::moments(&model.formula);
    let evidence = Evidence { moments: &moments, ..drawn.evidence() };
    let mut report = Report::new(&evidence);
    report.check_support(model.formula.space(), &evidence);
    if !args.no_exact {
        report.check_exactly(&model.formula, &evidence);
    }
    let named = (model.description.as_str(), model.names());
    conclude(out, named, args, &drawn, (&report, &evidence), (disk, seconds), ctx)
}

/// Says what came of it; `named` are the energy and its coordinates.
fn conclude(
    mut out: Outcome,
    (description, names): (&str, &[String]),
    args: &SampleArgs,
    drawn: &Drawn,
    (report, evidence): (&Report, &Evidence<'_>),
    (disk, seconds): (Option<Disk>, f64),
    ctx: &Context,
) -> Result<Outcome, Failure> {
    put(&mut out, drawn, report, seconds);
    out.put("out", disk.as_ref().map(|d| d.path().display().to_string()));
    out.text = describe((description, names), args, drawn, report, seconds);
    if let Some(disk) = &disk {
        out.text.push_str(&format!("  wrote {}\n", disk.path().display()));
    }
    verdict::tell(&mut out, &report.verdict(evidence), names);
    if out.bad_verdict {
        out.text.push_str("  verdict: bad, see the warnings\n");
    } else {
        out.text.push_str(&format!("  verdict: {}\n", verdict::good_news(report, evidence)));
    }
    if let Some(disk) = disk {
        disk.finish(ctx)?;
    }
    Ok(out)
}

fn put(out: &mut Outcome, drawn: &Drawn, report: &Report, seconds: f64) {
    let of = |f: fn(&gibbsite::diagnostics::Summary) -> f64| -> Vec<Option<f64>> {
        report.coordinates.iter().map(|s| Some(f(s)).filter(|v| v.is_finite())).collect()
    };
    let finite = |v: f64| Some(v).filter(|v| v.is_finite());
    out.put("sampler", drawn.sampler)
        .put("choice", drawn.choice.clone())
        .put("n_chains", drawn.draws.n_chains())
        .put("n_draws", drawn.n_draws);
    out.put("mean", of(|s| s.mean)).put("sd", of(|s| s.sd)).put("rhat", of(|s| s.rhat));
    out.put("ess_bulk", of(|s| s.ess_bulk)).put("ess_tail", of(|s| s.ess_tail)).put("mcse", of(|s| s.mcse_mean));
    out.put("mcse_sd", of(|s| s.mcse_sd)).put("median", of(|s| s.median));
    out.put("q05", of(|s| s.q05)).put("q95", of(|s| s.q95));
    out.put("pareto_k", report.tails.iter().map(|t| finite(t.k)).collect::<Vec<_>>());
    out.put("accept_prob", drawn.accept_prob).put("n_diverged", drawn.n_diverged);
    out.put("step_size", drawn.step_size).put("n_warmup", drawn.n_warmup);
    out.put("n_wells", drawn.wells.len());
    out.put("energy_mean", finite(report.energy.mean)).put("energy_sd", finite(report.energy.sd));
    out.put("energy_rhat", finite(report.energy.rhat)).put("energy_mcse", finite(report.energy.mcse_mean));
    if let Some(d) = &report.distance {
        out.put("total_variation", d.total_variation).put("total_variation_expected", d.expected);
        out.put("kl", finite(d.kl));
    }
    let worst = report.largest_gap();
    let check = worst.map_or("none", |g| if g.is_real() { "failed" } else { "passed" });
    out.put("exact_check", check).put("exact_z", worst.and_then(|g| finite(g.z)));
    if let Some(bias) = &drawn.bias {
        let ratios = bias.coordinates.iter().map(|b| finite(b.sd_ratio)).collect::<Vec<_>>();
        out.put("bias_z", bias.z().into_iter().map(finite).collect::<Vec<_>>()).put("bias_sd_ratio", ratios);
    }
    out.put("diagnostics_every", drawn.every);
    out.put("ebfmi", report.ebfmi);
    if let Some(weights) = &report.modes {
        modes::put(out, drawn, weights);
    }
    if let Some(ladder) = &drawn.ladder {
        ladder::put(out, ladder);
    }
    out.put("seconds", seconds).put("ess_per_second", finite(report.least_ess() / seconds));
}

fn describe(
    (description, names): (&str, &[String]),
    args: &SampleArgs,
    drawn: &Drawn,
    report: &Report,
    seconds: f64,
) -> String {
    let mut table = text::Table::new(["", "mean", "sd", "5 %", "median", "95 %", "R-hat", "ESS bulk", "ESS tail"]);
    let ess = |v: f64| if v.is_finite() { text::count(v as u64) } else { text::number(v) };
    let mut row = |name: &str, s: &gibbsite::diagnostics::Summary| {
        let mean = text::with_error_short(s.mean, s.mcse_mean);
        let sd = text::with_error_short(s.sd, s.mcse_sd);
        let rhat = if s.rhat.is_finite() { format!("{:.3}", s.rhat) } else { text::number(s.rhat) };
        let quantiles = [s.q05, s.median, s.q95].map(|q| text::digits(q, 4));
        table.row(
            [vec![name.to_string(), mean, sd], quantiles.to_vec(), vec![rhat, ess(s.ess_bulk), ess(s.ess_tail)]]
                .concat(),
        );
    };
    report.coordinates.iter().zip(names).take(SHOWN).for_each(|(s, name)| row(name, s));
    row("energy", &report.energy);
    let mut table = table.render();
    if report.coordinates.len() > SHOWN {
        table.push_str(&format!("  ({} more coordinates with --json)\n", report.coordinates.len() - SHOWN));
    }
    let why = drawn.choice.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
    let mut lines = vec![("sampler", format!("{}{why}", drawn.sampler))];
    if let Some(step_size) = drawn.step_size {
        let how = match (args.step_size.is_some(), drawn.n_warmup) {
            (true, 0) => "as given, no warm-up".into(),
            (true, n) => format!("as given, in the scale found by {} of warm-up", text::plural(n, "step")),
            (false, 0) => "a first guess, for there was no warm-up".into(),
            (false, n) => format!("adapted, over {} of warm-up", text::plural(n, "step")),
        };
        let step = format!("{} ({how})", text::digits(step_size, 4));
        lines.push(("step size", step));
        let diverged = match drawn.n_diverged {
            0 => String::new(),
            n => format!(", {} of {} proposals diverged", text::count(n), text::count(drawn.n_proposals)),
        };
        lines.push(("acceptance", format!("{}{diverged}", text::percent(drawn.accept_prob))));
    }
    if let Some(ebfmi) = report.ebfmi {
        lines.push(("E-BFMI", text::digits(ebfmi, 2)));
    }
    if let Some(ladder) = &drawn.ladder {
        lines.extend(ladder::lines(ladder));
    }
    if let Some(weights) = &report.modes {
        lines.push(("modes", modes::line(drawn, weights)));
    }
    if let Some(d) = &report.distance {
        let value = format!(
            "total variation {} from the exact density ({} expected from noise alone)",
            text::digits(d.total_variation, 2),
            text::digits(d.expected, 2)
        );
        lines.push(("distance", value));
    }
    if drawn.every > 1 {
        lines.push(("diagnostics", format!("from every {} draw of each chain", text::ordinal(drawn.every as u64))));
    }
    lines.push(("exact check", verdict::exact_line(report)));
    let speed = report.least_ess() / seconds;
    let speed = if speed.is_finite() {
        format!(" ({} effective draws a second)", text::count(speed as u64))
    } else {
        String::new()
    };
    lines.push(("time", format!("{}{speed}", text::duration(seconds))));
    format!(
        "{description}\n{} of {}\n{table}\n{}",
        text::plural(drawn.draws.n_chains(), "chain"),
        text::plural(drawn.n_draws, "draw"),
        text::pairs(lines)
    )
}

/// What decides the draws: their number, the number of threads, and where they go do not.
fn identity(sampler: &str, args: &SampleArgs) -> Vec<(&'static str, String)> {
    let or_default = |given: Option<String>| given.unwrap_or_else(|| "the default".into());
    vec![
        ("--sampler", sampler.to_string()),
        ("--chains", args.chains.to_string()),
        ("--thin", args.thin.to_string()),
        ("--warmup", or_default(args.warmup.map(|n| n.to_string()))),
        ("--step-size", or_default(args.step_size.map(|e| e.to_string()))),
    ]
}
