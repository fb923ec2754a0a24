//! What a call of `fit` says, checked before the work: files, names given twice, options without use, the size of the
//! energy, rows outside the support.

use std::path::PathBuf;

use gibbsite::energy::formula::Formula;
use gibbsite::energy::{Energy, Parametric};
use gibbsite::points::Support;
use gibbsite::table::{Table, path_of};
use gibbsite::train::ObjectiveKind;

use crate::args::energy::EnergyOptions;
use crate::args::fit::FitArgs;
use crate::context::Context;
use crate::guard::files;
use crate::outcome::Failure;
use crate::resolve::{self, Resolved};
use crate::text;

/// Refuses outputs that would replace a file of the call, and a model file that no command would take for one.
///
/// # Errors
/// As [`files::check`] and [`files::model_ending`].
pub fn files(args: &FitArgs) -> Result<(), Failure> {
    let state = |dir: &Option<PathBuf>| dir.as_ref().map(|d| d.join(gibbsite::train::checkpoint::FILE));
    let inputs = [
        ("the data", path_of(&args.data)),
        ("the label", args.data_options.label.as_deref().and_then(path_of)),
        ("the model of --energy", files::of_energy(&args.energy)),
        ("the options of --config", args.config.clone()),
        ("the checkpoint of --resume", state(&args.resume)),
        ("the checkpoint of --checkpoint-dir", state(&args.checkpoint_dir)),
    ];
    files::check(&inputs, &[("--out", Some(args.out.clone())), ("--history", args.history.clone())])?;
    files::model_ending(&args.out)
}

/// Parameters that `--param` holds fixed.
///
/// # Errors
/// A name that `--init` sets, too.
pub fn fixed(args: &FitArgs) -> Result<Vec<String>, Failure> {
    let fixed: Vec<String> = args.energy_options.param.iter().map(|(name, _)| name.clone()).collect();
    if let Some((name, _)) = args.init.iter().find(|(name, _)| fixed.contains(name)) {
        let message = format!("'{name}' is set by both --param and --init");
        let hint = "--param holds a parameter fixed, --init is where learning it starts: give one of them";
        return Err(Failure::usage("conflict", message, hint));
    }
    Ok(fixed)
}

/// The names of `fixed` that are parameters of `formula`, not sizes such as the `d` of `gaussian`.
///
/// # Errors
/// `not_applicable` if nothing is left to learn.
pub fn parameters(fixed: Vec<String>, formula: &Formula) -> Result<Vec<String>, Failure> {
    let known = formula.theta_names();
    if !known.is_empty() && known.iter().all(|name| fixed.contains(name)) {
        let message = format!("--param holds every parameter fixed ({}): nothing is left to learn", known.join(", "));
        return Err(Failure::usage("not_applicable", message, "leave out of --param what is to be learned"));
    }
    Ok(fixed.into_iter().filter(|name| known.contains(name)).collect())
}

/// The options of the energy, with as many dimensions as the data have columns where the energy leaves them open.
pub fn sized(args: &FitArgs, table: &Table) -> EnergyOptions {
    let open = resolve::has_open_dim(&args.energy, &args.energy_options);
    let mut options = args.energy_options.clone();
    options.dim = options.dim.or(open.then(|| table.n_cols()));
    options
}

/// Refuses exact maximum likelihood where log Z is not exact.
///
/// # Errors
/// `not_applicable`.
pub fn objective(args: &FitArgs, model: &Resolved) -> Result<(), Failure> {
    if args.objective != "mle" || model.dim() <= 3 {
        return Ok(());
    }
    let message =
        format!("--objective mle integrates exp(-E) and works up to 3 dimensions; this energy has {}", model.dim());
    Err(Failure::usage("not_applicable", message, "use --objective pcd, or ism if there are no --bounds"))
}

/// Refuses data outside the support of the energy.
///
/// # Errors
/// `data`, with the first such row and how many there are.
pub fn inside(model: &Resolved, table: &Table) -> Result<(), Failure> {
    let space = model.formula.space();
    let outside = |i: usize| (0..space.dim()).find(|&j| !space.reals[j].contains(table.columns.get(i, j)));
    let mut rows = (0..table.n_rows()).filter_map(|i| Some((i, outside(i)?)));
    let Some((row, j)) = rows.next() else { return Ok(()) };
    let n = 1 + rows.count();
    let more = if n == 1 { String::new() } else { format!(" ({n} of {} rows do)", table.n_rows()) };
    let (name, support): (_, &Support) = (&space.names[j], &space.reals[j]);
    let message = format!(
        "row {}, {name} = {}, lies outside {}{more}",
        row + 1,
        table.columns.get(row, j),
        text::bounds(name, support.lower(), support.upper())
    );
    Err(Failure::work("data", message, "correct or remove what lies outside, or widen --bounds"))
}

/// Says what was given and has no use, and what the reader of the table decided.
pub fn notes(args: &FitArgs, table: &Table, objective: ObjectiveKind, ctx: &Context) {
    table.notes.iter().for_each(|note| ctx.note(&format!("note: {note}")));
    if let Some(label) = &table.label {
        let name = &label.name;
        ctx.note(&format!(
            "note: the label {name} is not fitted; AUROC and AUPR come with `score`, in a later version"
        ));
    }
    let unused = unused(args, objective);
    if !unused.is_empty() {
        let what = match objective {
            ObjectiveKind::Mle => "exact maximum likelihood",
            ObjectiveKind::Ism => "score matching",
            _ => "contrastive divergence from the data",
        };
        ctx.note(&format!("note: {what} has no use for {}", unused.join(", ")));
    }
}

/// The options given that `objective` does not read.
fn unused(args: &FitArgs, objective: ObjectiveKind) -> Vec<&'static str> {
    let of_pool =
        [("--pool", args.pool.is_some()), ("--restart", args.restart != 0.0), ("--start", args.start != "data")];
    let of_chains = [
        ("--epochs", args.epochs.is_some()),
        ("--batch", args.batch.is_some()),
        ("--lr", args.lr.is_some()),
        ("--lr-decay", args.lr_decay != "constant"),
        ("--optimizer", args.optimizer.is_some()),
        ("--sampler", args.sampler.is_some()),
        ("--steps", args.steps.is_some()),
        ("--step-size", args.step_size.is_some()),
        ("--checkpoint-dir", args.checkpoint_dir.is_some()),
        ("--checkpoint-every", args.checkpoint_every != 1),
        ("--resume", args.resume.is_some()),
    ];
    let given = |options: &[(&'static str, bool)]| -> Vec<&'static str> {
        options.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect()
    };
    match objective {
        ObjectiveKind::Mle | ObjectiveKind::Ism => [given(&of_chains), given(&of_pool)].concat(),
        ObjectiveKind::Cd => given(&of_pool),
        ObjectiveKind::Pcd => Vec::new(),
    }
}
