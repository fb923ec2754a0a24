//! What decides the results of a call: work goes on only under a call that decides the same.

use gibbsite::energy::{Differentiable, Energy, Independent, Tractable};
use gibbsite::points::{Matrix, Points, Support};
use gibbsite::rng::{Purpose, Run, Streams};
use gibbsite::train::checkpoint::ProblemHash;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::resolve::{LabelledModel, Resolved};

/// Points at which the energy is looked at.
const N_PROBES: usize = 64;

/// Names and values, in the order in which differences are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity(Vec<(String, String)>);

impl Identity {
    /// Of a call on this energy with these options, beside the seed and the version.
    pub fn new(model: &Resolved, options: Vec<(&str, String)>, ctx: &Context) -> Self {
        Self::of(&model.description, hash(model), options, ctx)
    }

    /// Of a call on an energy of labels.
    pub fn of_labels(model: &LabelledModel, options: Vec<(&str, String)>, ctx: &Context) -> Self {
        Self::of(&model.description, hash_of_labels(model), options, ctx)
    }

    fn of(description: &str, hash: u64, options: Vec<(&str, String)>, ctx: &Context) -> Self {
        let first = ("the energy", description.to_string());
        let last = [
            ("--seed", ctx.seed.to_string()),
            ("the version of gibbsite", env!("CARGO_PKG_VERSION").into()),
            ("the hash of the energy's values", format!("{hash:016x}")),
        ];
        let entries = std::iter::once(first).chain(options).chain(last);
        Self(entries.map(|(name, value)| (name.to_string(), value)).collect())
    }

    /// The first difference, in words.
    pub fn difference(&self, old: &Self) -> Option<String> {
        let before = |name: &str| old.0.iter().find(|(n, _)| n == name).map_or("not known", |(_, v)| v.as_str());
        let other = self.0.iter().find(|(name, value)| before(name) != value.as_str());
        other.map(|(name, value)| format!("{name} was {} and is {value}", before(name)))
    }

    /// The text that is kept with the run.
    ///
    /// # Errors
    /// None that these texts can cause.
    pub fn to_text(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    /// Reads that text.
    ///
    /// # Errors
    /// Text that was not written by [`Identity::to_text`].
    pub fn from_text(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }
}

/// Energies and gradients at a few points of the support: another file under the same name shows in them.
fn hash(model: &Resolved) -> u64 {
    let space = model.formula.space();
    let dim = space.dim();
    let mut rng = Streams::new(0, Run::Probe);
    let u = rng.uniforms(Purpose::Choice, N_PROBES, dim);
    let at = |i: usize, j: usize| {
        let (t, w) = (u.col(j)[i], 6.0 * u.col(j)[i] - 3.0);
        match space.reals[j] {
            Support::Real => w,
            Support::Above(a) => a + w.exp(),
            Support::Below(b) => b - w.exp(),
            Support::Interval(a, b) => a + (b - a) * t,
        }
    };
    let x = Points::from_real(Matrix::from_fn(N_PROBES, dim, at));
    let (mut e, mut g) = (vec![0.0; N_PROBES], Matrix::new(N_PROBES, dim));
    model.formula.energy_grad(&x, &mut e, &mut g);
    let mut hash = ProblemHash::default();
    hash.bytes(format!("{space:?}").as_bytes());
    hash.numbers(&e);
    hash.numbers(g.as_slice());
    hash.finish()
}

/// Energies of a few states.
fn hash_of_labels(model: &LabelledModel) -> u64 {
    let space = model.energy.space();
    let x = Independent::uniform(space.clone()).sample(N_PROBES, &mut Streams::new(0, Run::Probe));
    let mut e = vec![0.0; N_PROBES];
    model.energy.energy(&x, &mut e);
    let mut hash = ProblemHash::default();
    hash.bytes(format!("{:?}", space.labels).as_bytes());
    hash.numbers(&e);
    hash.finish()
}
