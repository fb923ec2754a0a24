//! The means over one model: by quadrature, else over draws of which a pilot chooses the sampler, with a verdict.

use gibbsite::energy::formula::Formula;
use gibbsite::energy::{Energy, Transformed};
use gibbsite::logz::LogZError;
use gibbsite::points::Points;
use gibbsite::run::auto::{AutoOptions, AutoRun, Drawn, auto};
use gibbsite::run::{Draws, Event};
use gibbsite::uses::compare::{CompareError, Means};
use gibbsite::verdict::{Evidence, Finding, Report};

use super::call::of;
use super::{Side, warn};
use crate::args::compare::CompareArgs;
use crate::context::Context;
use crate::outcome::{Failure, Outcome};
use crate::{failures, guard};

/// Means over the model of `own`, of its energy and of how much more that of `other` is.
///
/// # Errors
/// Energies that are undefined where the other model lives; draws that cannot be made.
pub fn over(own: &Side, other: &Side, args: &CompareArgs, ctx: &Context, out: &mut Outcome) -> Result<Means, Failure> {
    let undefined = |error: CompareError| match error {
        CompareError::Undefined { point } => of(other.name, guard::undefined(&other.model, &point)),
        CompareError::Unbounded { point } => of(other.name, failures::log_z(LogZError::Unbounded { point })),
    };
    let (e, f) = (&own.model.formula, &other.model.formula);
    if let Some(means) = Means::exactly(e, f).map_err(undefined)? {
        return Ok(means);
    }
    let draws = draw(own, args, ctx, out)?;
    let means = Means::over_draws(e, f, &draws).map_err(undefined)?;
    tell(out, own.name, &means.findings, &[format!("E_{} - E_{}", other.name, own.name)]);
    Ok(means)
}

/// Draws in the coordinates of the model; what the verdict finds goes to the warnings.
fn draw(own: &Side, args: &CompareArgs, ctx: &Context, out: &mut Outcome) -> Result<Draws, Failure> {
    let energy = Transformed::new(&own.model.formula);
    let seed = own.seed_of_draws;
    let options = AutoOptions { n_chains: args.chains, n_draws: args.draws, seed, ..AutoOptions::default() };
    let bar = ctx.progress(&format!("draws of {}", own.name), 1);
    let follow = |event: Event| {
        if let Event::Progress { done, total, .. } = event {
            bar.set_of(done, total);
        }
    };
    let mut run = auto(&energy, &options, &follow).map_err(failures::run)?;
    if !own.model.is_unbounded() {
        to_inner(&energy, &mut run);
    }
    let evidence = Evidence::from(&run);
    let mut report = Report::new(&evidence);
    report.check_support(own.model.formula.space(), &evidence);
    tell(out, own.name, &report.verdict(&evidence).findings, own.model.names());
    Ok(match run.drawn {
        Drawn::Nuts(run) => run.draws,
        Drawn::Tempering(run) => run.draws,
    })
}

/// What was found on draws, in whose coordinates the names are.
fn tell(out: &mut Outcome, model: &str, findings: &[Finding], names: &[String]) {
    for finding in findings {
        let words = finding.in_words(names, &finding.remedy.to_string());
        warn(out, format!("draws of {model}: {words}"), finding.forbids);
    }
}

/// All places of the run in the coordinates of the model.
fn to_inner(energy: &Transformed<&Formula>, run: &mut AutoRun) {
    let place = |x: &mut Vec<f64>| *x = energy.to_inner(&Points::from_rows(&[&*x])).real.row(0);
    run.wells.iter_mut().for_each(place);
    match &mut run.drawn {
        Drawn::Nuts(run) => {
            energy.draws_to_inner(&mut run.draws);
            run.divergences.iter_mut().for_each(|d| place(&mut d.x));
        }
        Drawn::Tempering(run) => energy.draws_to_inner(&mut run.draws),
    }
}
