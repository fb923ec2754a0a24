//! `gibbsite fit`: the parameters of a formula learned from data, each with its errors, and the model file.

mod call;

use std::time::Instant;

use gibbsite::check::{Normalizable, normalizable_formula};
use gibbsite::energy::formula::Formula;
use gibbsite::energy::{Energy, Parametric};
use gibbsite::logz::Options;
use gibbsite::model_file::{Bound, EnergySpec, LogZValue, Model};
use gibbsite::objective::Mle;
use gibbsite::points::{Points, Support};
use gibbsite::table::{ReadOptions, Table, atomic_write, column_list};
use gibbsite::train::{
    self, CheckpointOptions, Control, Decay, Fit, LogLikelihood, ObjectiveKind, OptimizerKind, PoolStart, Sampler,
    Steps, Stopped, TrainEvent, TrainOptions, default_epochs, epochs_for, evals_for, fit,
};
use serde_json::{Map, Value};

use crate::args::data::DataOptions;
use crate::args::fit::FitArgs;
use crate::args::values::NameList;
use crate::context::Context;
use crate::outcome::{Failure, Outcome};
use crate::resolve::{self, Resolved};
use crate::{failures, guard, text};

/// Reads the data, fits, reports, and writes the model file.
///
/// # Errors
/// Data or an energy that cannot be used; a start or a result that is no model; a training that failed.
pub fn run(args: &FitArgs, ctx: &Context) -> Result<Outcome, Failure> {
    let begin = Instant::now();
    call::files(args)?;
    let fixed = call::fixed(args)?;
    let table = read(&args.data, &args.data_options)?;
    let mut model = resolve::energy_with_free_parameters(&args.energy, &call::sized(args, &table))?;
    check_columns(&model, &table)?;
    call::objective(args, &model)?;
    call::inside(&model, &table)?;
    let data = table.points();
    let mut options = options(args, &model, data.n(), ctx)?;
    options.fixed = call::parameters(fixed, &model.formula)?;
    call::notes(args, &table, options.objective, ctx);
    let start = set_start(&mut model, args, &options, &data)?;
    let stopped = limit(&mut options, args, &data, &model);
    let control = Control { checkpoint: checkpoint(args), n_threads: ctx.threads.unwrap_or(1), ..Control::default() };
    let bar = ctx.progress("fit", options.epochs as u64);
    let mut on_event = |event: &TrainEvent| match event {
        TrainEvent::Epoch { row, .. } => {
            bar.set(row.epoch as u64);
            bar.message(epoch_message(row));
        }
        TrainEvent::Rollback { epoch, cause, lr } => {
            ctx.note(&format!("epoch {epoch} failed ({cause}): back to the last good state, learning rate {lr:.3e}"));
        }
        TrainEvent::Warning(gibbsite::train::TrainWarning::Resume(note)) => ctx.note(note),
        _ => {}
    };
    let fitted = fit(&mut model.formula, &data, &options, &control, &mut on_event).map_err(failures::train)?;
    drop(bar);
    let mut out = Outcome::new();
    guard::is_model(&model, &mut out).map_err(improper_result)?;
    if let Some(path) = &args.history {
        let written = atomic_write(path, |w| fitted.history.write_csv(w));
        written.map_err(|e| failures::write(&path.display().to_string(), &e))?;
    }
    let saved = saved_model(&model, &fitted, &table);
    saved.write(&args.out).map_err(|e| Failure::caused_by("model_file", &e, e.hint()))?;
    report(&mut out, args, &model, &fitted, stopped);
    out.put("start", start.name());
    if start == Start::Guess && matches!(options.objective, ObjectiveKind::Cd | ObjectiveKind::Pcd) {
        out.warn("the score-matching estimate is no start, so the training began at a guess: give a start near the data with --init", false);
    }
    out.put("seconds", begin.elapsed().as_secs_f64());
    Ok(out)
}

/// The table that a command names.
///
/// # Errors
/// Data that cannot be read, with file, row and column.
pub fn read(spec: &str, options: &DataOptions) -> Result<Table, Failure> {
    let columns = Some(NameList::all(&options.columns)).filter(|names| !names.is_empty());
    let options = ReadOptions { columns, ignore: NameList::all(&options.ignore), label: options.label.clone() };
    Table::read(spec, &options).map_err(failures::data)
}

fn check_columns(model: &Resolved, table: &Table) -> Result<(), Failure> {
    let (dim, n) = (model.dim(), table.n_cols());
    if dim == n {
        return table.check_constant_columns().map_err(failures::data);
    }
    let message = format!(
        "the energy has {dim} coordinate(s) ({}), the data have {n} column(s) ({})",
        model.names().join(", "),
        table.names.join(", ")
    );
    let example = column_list(table.names.iter().take(dim));
    Err(Failure::usage("dimension", message, format!("choose the columns, like --columns {example}")))
}

fn options(args: &FitArgs, model: &Resolved, n_data: usize, ctx: &Context) -> Result<TrainOptions, Failure> {
    let objective = match args.objective.as_str() {
        "auto" if model.dim() <= 3 => ObjectiveKind::Mle,
        "auto" => ObjectiveKind::Pcd,
        name => ObjectiveKind::ALL.iter().find(|(n, _)| *n == name).map_or(ObjectiveKind::Mle, |(_, kind)| *kind),
    };
    let defaults = TrainOptions::default();
    let optimizer = match args.optimizer.as_deref() {
        Some("adam") => OptimizerKind::Adam,
        Some("momentum") => OptimizerKind::Momentum,
        Some(_) => OptimizerKind::Sgd,
        None => defaults.optimizer,
    };
    let sampler = match args.sampler.as_deref() {
        Some("ula") => Sampler::Ula,
        Some(_) => Sampler::Mala,
        None => defaults.sampler,
    };
    let decay = match args.lr_decay.as_str() {
        "inverse" => Decay::InverseTime,
        "cosine" => Decay::Cosine,
        _ => Decay::Constant,
    };
    let steps = args.steps.map_or(defaults.steps, |s| Steps { first: s.first, last: s.last });
    let mut options = TrainOptions {
        objective,
        batch: args.batch.unwrap_or(defaults.batch),
        lr: args.lr.unwrap_or(defaults.lr),
        decay,
        optimizer,
        precondition: args.optimizer.is_none(),
        sampler,
        steps,
        step_size: args.step_size,
        pool: args.pool,
        restart: args.restart,
        start: if args.start == "noise" { PoolStart::Noise } else { PoolStart::Data },
        valid: args.valid.unwrap_or(0.0),
        positive: args.positive.clone(),
        seed: ctx.seed,
        ..defaults
    };
    // With a chosen rate or rule, or a log Z for held-out rows in each epoch, the number of epochs is the plain default.
    let plain = args.lr.is_some() || args.optimizer.is_some() || (options.valid > 0.0 && model.dim() > 1);
    options.epochs = args
        .epochs
        .unwrap_or_else(|| if plain { TrainOptions::default().epochs } else { default_epochs(n_data, &options) });
    Ok(options)
}

/// `--max-seconds` as a number of epochs or evaluations; whether it shortened the epochs.
fn limit(options: &mut TrainOptions, args: &FitArgs, data: &Points, model: &Resolved) -> bool {
    let Some(seconds) = args.max_seconds else { return false };
    options.max_evals = Some(evals_for(seconds, model.formula.n_theta()));
    let affordable = epochs_for(seconds, data.n(), model.dim(), model.formula.n_theta(), options);
    let cut = affordable < options.epochs;
    options.epochs = options.epochs.min(affordable);
    cut
}

fn checkpoint(args: &FitArgs) -> Option<CheckpointOptions> {
    let dir = args.resume.as_ref().or(args.checkpoint_dir.as_ref())?;
    Some(CheckpointOptions { dir: dir.clone(), every: args.checkpoint_every, resume: args.resume.is_some() })
}

/// Where a fit starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// Where the user says.
    Given,
    /// At the score-matching estimate.
    ScoreMatching,
    /// At the first of some values from which the model can be normalised.
    Guess,
}

impl Start {
    fn name(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::ScoreMatching => "score_matching",
            Self::Guess => "guess",
        }
    }
}

/// Values of all parameters without a start, tried in turn.
const GUESSES: [f64; 4] = [0.0, 1.0, 0.1, -1.0];
/// Parameters up to which every choice of 0 and 1 is tried as well.
const MAX_CHOICES: usize = 5;

/// Where the fit starts: `--init`, then `--param`. Without `--init`, the score-matching estimate, if there is one that can be
/// normalised: chains are no help far from the data, and Newton's method saves its way. Else parameters without a start
/// take the first of a few values from which the model can be normalised (1 for those kept positive).
fn set_start(model: &mut Resolved, args: &FitArgs, options: &TrainOptions, data: &Points) -> Result<Start, Failure> {
    for (i, (name, value)) in args.init.iter().enumerate() {
        if args.init[..i].iter().any(|(n, _)| n == name) {
            return Err(Failure::usage("conflict", format!("--init sets '{name}' twice"), "give it once"));
        }
        model.formula.set_param(name, *value).map_err(failures::formula)?;
    }
    let free: Vec<String> = model.formula.unset().iter().map(ToString::to_string).collect();
    let set = |formula: &mut Formula, value: &dyn Fn(usize) -> f64| -> Result<(), Failure> {
        for (k, name) in free.iter().enumerate() {
            let value = if args.positive.contains(name) { 1.0 } else { value(k) };
            formula.set_param(name, value).map_err(failures::formula)?;
        }
        Ok(())
    };
    set(&mut model.formula, &|_| 0.0)?;
    if options.objective == ObjectiveKind::Ism {
        return Ok(if free.is_empty() { Start::Given } else { Start::Guess });
    }
    if args.init.is_empty() && !free.is_empty() {
        for guess in GUESSES {
            let mut trial = model.formula.clone();
            set(&mut trial, &|_| guess)?;
            if train::start_at_score_matching(&mut trial, data, &args.positive, &options.fixed).is_ok()
                && is_proper(&trial, data).is_ok()
            {
                model.formula = trial;
                return Ok(Start::ScoreMatching);
            }
        }
    }
    let found = if free.is_empty() { Start::Given } else { Start::Guess };
    let mut last = is_proper(&model.formula, data);
    if last.is_ok() || free.is_empty() {
        return last.map(|()| found).map_err(improper_start);
    }
    let n_choices = if free.len() <= MAX_CHOICES { 1usize << free.len() } else { 0 };
    let alike = GUESSES.iter().map(|g| vec![*g; free.len()]);
    let choices = (0..n_choices).map(|c| (0..free.len()).map(|k| ((c >> k) & 1) as f64).collect());
    for start in alike.chain(choices) {
        set(&mut model.formula, &|k| start[k])?;
        last = is_proper(&model.formula, data);
        if last.is_ok() {
            return Ok(found);
        }
    }
    last.map(|()| found).map_err(improper_start)
}

/// Whether the formula can be normalised with its parameters as they are; beyond three dimensions, whether nothing is known
/// against it.
fn is_proper(formula: &Formula, data: &Points) -> Result<(), String> {
    if formula.space().dim() <= 3 {
        let found = Mle::new(data).integrate(formula, &Options { tol: Some(1e-3) });
        return found.map(|_| ()).map_err(|e| e.to_string());
    }
    let verdict = normalizable_formula(formula);
    if verdict.normalizable == Normalizable::No { Err(verdict.reason) } else { Ok(()) }
}

fn improper_start(reason: String) -> Failure {
    let message = format!("the model cannot be normalised where the fit starts: {reason}");
    let hint = "give a start where exp(-E) grows small in every direction, with --init NAME=VALUE,..; coefficients of the highest powers must be positive, those of products small";
    Failure::work("improper", message, hint)
}

/// As [`train::start_at_score_matching`], if that gives a model; else the formula stays as it is.
pub fn start_at_score_matching(formula: &mut Formula, data: &Points, options: &TrainOptions) {
    let mut trial = formula.clone();
    if train::start_at_score_matching(&mut trial, data, &options.positive, &options.fixed).is_ok()
        && is_proper(&trial, data).is_ok()
    {
        *formula = trial;
    }
}

fn improper_result(failure: Failure) -> Failure {
    let message = format!("the fitted energy is no model: {}", failure.message);
    let hint = "keep the leading coefficient positive, with --positive or exp(g) in the formula, or restrict the support with --bounds";
    Failure { message, hint: hint.into(), ..failure }
}

fn epoch_message(row: &gibbsite::train::Row) -> String {
    let mut parts = Vec::new();
    if row.objective.is_finite() {
        parts.push(format!("loss {:.6}", row.objective));
    }
    if row.gap().is_finite() {
        parts.push(format!("gap {:+.4}", row.gap()));
    }
    if row.accept_prob.is_finite() {
        parts.push(format!("accept {:.3}", row.accept_prob));
    }
    if row.step_size.is_finite() {
        parts.push(format!("step {:.2e}", row.step_size));
    }
    parts.join("  ")
}

/// What the model file holds.
pub fn saved_model(model: &Resolved, fitted: &Fit, table: &Table) -> Model {
    let space = model.formula.space();
    let bound = |(name, s): (&String, &Support)| Bound { name: name.clone(), lower: s.lower(), upper: s.upper() };
    let bounds = space.names.iter().zip(&space.reals).filter(|(_, s)| **s != Support::Real).map(bound).collect();
    Model {
        energy: EnergySpec::Formula { formula: model.formula.source().into(), dim: Some(model.dim()), bounds },
        dim: model.dim(),
        theta_names: fitted.theta_names.clone(),
        theta: fitted.theta.clone(),
        theta_std_err: fitted.theta_std_err.clone(),
        theta_mcse: fitted.theta_mcse.clone().unwrap_or_default(),
        beta: 1.0,
        columns: table.names.clone(),
        n_data: fitted.n_train as u64,
        objective: fitted.objective.name().into(),
        log_z: fitted.log_z.map(|(value, std_err)| LogZValue { value, std_err, method: "adaptive".into() }),
        standardize: None,
    }
}

fn named(names: &[String], values: &[f64]) -> Vec<(String, f64)> {
    names.iter().cloned().zip(values.iter().copied()).collect()
}

/// Errors by name; a parameter that is held fixed, or not determined by the data, has none: null.
fn errors(names: &[String], values: &[f64]) -> Vec<(String, Option<f64>)> {
    names.iter().cloned().zip(values.iter().map(|v| Some(*v).filter(|v| v.is_finite()))).collect()
}

fn likelihood(l: LogLikelihood) -> Value {
    let mut object = Map::new();
    object.insert("mean_log_likelihood".into(), l.mean.into());
    object.insert("std_err".into(), l.std_err.into());
    object.insert("n".into(), l.n.into());
    Value::Object(object)
}

fn report(out: &mut Outcome, args: &FitArgs, model: &Resolved, fitted: &Fit, cut: bool) {
    let names = &fitted.theta_names;
    out.put("energy", model.formula.source()).put("objective", fitted.objective.name());
    out.put("theta", named(names, &fitted.theta)).put("theta_std_err", errors(names, &fitted.theta_std_err));
    out.put("theta_std_err_robust", fitted.theta_std_err_robust.as_ref().map(|v| errors(names, v)));
    out.put("theta_mcse", fitted.theta_mcse.as_ref().map(|v| errors(names, v)));
    let fixed: Vec<&str> = names.iter().zip(&fitted.fixed).filter(|(_, f)| **f).map(|(n, _)| n.as_str()).collect();
    out.put("fixed", fixed.clone()).put("epochs", fitted.epochs).put("n_train", fitted.n_train);
    out.put("train", fitted.train.map(likelihood)).put("valid", fitted.valid.map(likelihood));
    out.put("log_z", fitted.log_z.map(|(z, _)| z)).put("log_z_std_err", fitted.log_z.map(|(_, e)| e));
    out.put("grad_norm", Some(fitted.grad_norm).filter(|v| v.is_finite()));
    out.put("rollbacks", fitted.n_rollbacks);
    let stopped = match fitted.stopped {
        Stopped::Converged => "converged",
        Stopped::Budget => "max_seconds",
        Stopped::Epochs if cut => "max_seconds",
        Stopped::Epochs => "epochs",
    };
    out.put("stopped", stopped).put("out", args.out.display().to_string());

    let mut header = vec!["parameter", "value", "std. error"];
    if fitted.theta_mcse.is_some() {
        header.push("Monte-Carlo error");
    }
    let mut table = text::Table::new(header);
    for (k, name) in names.iter().enumerate() {
        if fitted.fixed[k] {
            table.row([name.clone(), text::number(fitted.theta[k]), "held fixed".into()]);
            continue;
        }
        let mut row = vec![
            name.clone(),
            text::to_error(fitted.theta[k], fitted.theta_std_err[k]),
            text::digits(fitted.theta_std_err[k], 2),
        ];
        row.extend(fitted.theta_mcse.as_ref().map(|m| text::digits(m[k], 2)));
        table.row(row);
    }
    let what = match fitted.objective {
        ObjectiveKind::Mle => "exact maximum likelihood".to_string(),
        ObjectiveKind::Ism => "exact score matching".to_string(),
        ObjectiveKind::Cd => "contrastive divergence".to_string(),
        ObjectiveKind::Pcd => "persistent contrastive divergence".to_string(),
    };
    let mut lines = vec![("fitted by", format!("{what}, {} rows, {} epochs", fitted.n_train, fitted.epochs))];
    let mean = |l: LogLikelihood| format!("{} nats a row ({} rows)", text::with_error(l.mean, l.std_err), l.n);
    lines.extend(fitted.train.map(|l| ("log-likelihood", mean(l))));
    lines.extend(fitted.valid.map(|l| ("held out", mean(l))));
    lines.extend(fitted.log_z.map(|(z, e)| ("log Z", text::with_error(z, e))));
    lines.push(("written to", args.out.display().to_string()));
    out.text = format!("{}\n{}{}", model.formula.source(), table.render(), text::pairs(lines));
    for warning in &fitted.warnings {
        if !matches!(warning, gibbsite::train::TrainWarning::Resume(_)) {
            out.warn(warning.to_string(), warning.is_bad());
        }
    }
}
