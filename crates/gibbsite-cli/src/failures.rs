//! Errors of the engine as failures of a command: a stable kind, the message with its causes, a hint, an exit code.

use gibbsite::energy::formula::FormulaError;
use gibbsite::energy::menu::MenuError;
use gibbsite::logz::LogZError;
use gibbsite::logz::path::PathError;
use gibbsite::minimize::MinimizeError;
use gibbsite::run::RunError;
use gibbsite::table::DataError;
use gibbsite::train::TrainError;

use crate::outcome::Failure;
use crate::plot::PlotError;
use crate::{names, text};

/// A formula that cannot be used; a syntax error points at its place.
pub fn formula(error: FormulaError) -> Failure {
    let hint = error.hint().unwrap_or_else(|| "`gibbsite energies` shows formulas to start from".into());
    let failure = Failure { exit_code: 2, ..Failure::caused_by("formula", &error, hint) };
    match error {
        FormulaError::Syntax { source_text, span, .. } => failure.pointing_at(source_text, span.start..span.end),
        _ => failure,
    }
}

/// A name or a parameter that is not on the menu.
pub fn menu(error: MenuError) -> Failure {
    if let MenuError::Formula(error) = error {
        return formula(error);
    }
    let mut hint = error.hint().unwrap_or_else(|| "`gibbsite energies` lists the parameters of each".into());
    if let MenuError::UnknownParam { name, known, .. } = &error
        && let Some(near) = names::nearest(name, known.iter().copied())
    {
        hint = format!("did you mean '{near}'?");
    }
    Failure { exit_code: 2, ..Failure::caused_by("invalid_value", &error, hint) }
}

/// log Z that could not be computed: `improper` where the energy is no model, `undefined` where it is NaN.
pub fn log_z(error: LogZError) -> Failure {
    if let LogZError::Run(error) = error {
        return run(error);
    }
    let (kind, exit_code) = match error {
        LogZError::Diverges { .. } | LogZError::DivergesAtEnd { .. } => ("improper", 1),
        LogZError::Undefined { .. } => ("undefined", 1),
        LogZError::Unbounded { .. } => ("unbounded", 1),
        LogZError::Empty { .. } => ("empty", 1),
        LogZError::TooHard { .. } | LogZError::Unseen { .. } => ("too_hard", 1),
        LogZError::OutOfTime { .. } | LogZError::Path(PathError::OutOfTime { .. }) => ("out_of_time", 1),
        LogZError::Path(PathError::TooLong { .. }) | LogZError::Rungs { .. } => ("too_hard", 1),
        LogZError::Checkpoint(_) | LogZError::Saved(_) => ("checkpoint", 1),
        LogZError::Dimension { .. } | LogZError::Labels { .. } | LogZError::Reals { .. } | LogZError::States { .. } => {
            ("dimension", 2)
        }
        _ => ("invalid_value", 2),
    };
    let hint = if kind == "out_of_time" { MORE_TIME } else { error.hint() };
    Failure { exit_code, ..Failure::caused_by(kind, &error, hint) }
}

/// What to do where the time was too short.
const MORE_TIME: &str = "raise --max-seconds, or leave it out for a budget of work that no clock cuts short";

/// An energy that is NaN at a point of its support.
pub fn undefined(point: &[f64], names: &[String]) -> Failure {
    let at: Vec<String> = names.iter().zip(point).map(|(n, v)| format!("{n} = {}", text::number(*v))).collect();
    let at =
        if at.len() > 4 { format!("{}, ... ({} coordinates)", at[..4].join(", "), at.len()) } else { at.join(", ") };
    let name = names.first().map_or("x", String::as_str);
    let hint = format!("restrict the support to where the energy is defined, like --bounds \"{name}=0..inf\"");
    Failure::work("undefined", format!("the energy is undefined (NaN) at {at}"), hint)
}

/// A run that could not be done.
pub fn run(error: RunError) -> Failure {
    let (kind, hint, exit_code) = match &error {
        RunError::Option { .. }
        | RunError::Dimension { .. }
        | RunError::ReferenceDimension { .. }
        | RunError::Unmoved { .. } => ("invalid_value", "see `gibbsite sample --help`", 2),
        RunError::Falls { .. } => ("improper", "add a term that grows in that direction, or restrict the support", 1),
        RunError::NoReference { .. } => ("no_reference", "use --sampler nuts, which needs no reference", 1),
        RunError::BadStart { .. } | RunError::NoStart { .. } => (
            "no_start",
            "the energy may be undefined or overflow there; restrict its support with --bounds, or rescale it",
            1,
        ),
        RunError::TooLarge { .. } => ("too_large", "ask for fewer --chains or --draws, or keep fewer with --thin", 1),
        RunError::NoStepSize { .. } => {
            ("no_step_size", "`gibbsite check` may say why; is the energy smooth, and its gradient right?", 1)
        }
        RunError::OutOfTime { .. } => ("out_of_time", MORE_TIME, 1),
        RunError::Diverged { .. } => {
            ("diverged", "give a smaller --step-size, or use --sampler mala, which rejects what diverges", 1)
        }
    };
    Failure { exit_code, ..Failure::caused_by(kind, &error, hint) }
}

/// Nothing to minimise.
pub fn minimize(error: MinimizeError) -> Failure {
    Failure { exit_code: 2, ..Failure::caused_by("invalid_value", &error, "see `gibbsite minimize --help`") }
}

/// A file of data that could not be read or written: `not_found`, the call where it names what the file does not have,
/// else `data`.
pub fn data(error: DataError) -> Failure {
    let (kind, exit_code) = match &error {
        DataError::NotFound { .. } => ("not_found", 1),
        DataError::UnknownColumn { .. } | DataError::UnknownKey { .. } => ("unknown_name", 2),
        DataError::RepeatedColumn { .. } => ("conflict", 2),
        DataError::NoColumns { .. }
        | DataError::MissingKey { .. }
        | DataError::BadOption { .. }
        | DataError::Bits { .. }
        | DataError::LabelColumns { .. } => ("invalid_value", 2),
        _ => ("data", 1),
    };
    let hint = error.hint().unwrap_or_default();
    Failure { exit_code, ..Failure::caused_by(kind, &error, hint) }
}

/// A picture that could not be drawn.
pub fn plot(error: PlotError) -> Failure {
    let exit_code = if matches!(error, PlotError::UnknownFormat { .. }) { 2 } else { 1 };
    Failure { exit_code, ..Failure::caused_by("plot", &error, error.hint()) }
}

/// A fit that could not be done: `call` where the call was wrong, else the cause.
pub fn train(error: TrainError) -> Failure {
    let (kind, exit_code) = match &error {
        TrainError::Option { .. } | TrainError::UnknownParameter { .. } | TrainError::Dimension { .. } => {
            ("invalid_value", 2)
        }
        TrainError::NoParameters | TrainError::NotApplicable { .. } => ("not_applicable", 2),
        TrainError::TooFewPoints { .. } | TrainError::DataEnergy { .. } => ("data", 1),
        TrainError::Start { .. } | TrainError::NotNormalizable { .. } => ("improper", 1),
        TrainError::Checkpoint { .. } => ("checkpoint", 1),
        _ => ("training_failed", 1),
    };
    let hint = error.hint();
    Failure { exit_code, ..Failure::caused_by(kind, &error, hint) }
}

/// A file that could not be written.
pub fn write(path: &str, error: &std::io::Error) -> Failure {
    Failure::work(
        "io",
        format!("cannot write '{path}': {error}"),
        "check the folder, its permissions and the space left",
    )
}
