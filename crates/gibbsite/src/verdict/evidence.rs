//! What a verdict is on: the draws, and what the run says of them.

use crate::adapt::CoordinateBias;
use crate::diagnostics::ebfmi;
use crate::logz::Gap;
use crate::run::auto::{AutoRun, Drawn};
use crate::run::{self, Divergence, Draws, Warning};
use crate::tempering::{self, Tempered};

/// How draws were made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source<'a> {
    /// Exact and independent of each other.
    Independent,
    /// Markov chains.
    Chains,
    /// Tempered chains, with what their ladder says of itself.
    Ladders(&'a tempering::Verdict),
}

/// A step size that was given rather than adapted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GivenStep {
    /// Mean acceptance probability while drawing.
    pub accept_prob: f64,
    /// What warm-up would have aimed for.
    pub target_accept: f64,
}

/// How draws differ from those of an unbiased sampler.
#[derive(Clone, Debug, PartialEq)]
pub struct Bias {
    /// One per coordinate: see [`crate::adapt::compare`].
    pub coordinates: Vec<CoordinateBias>,
    /// Mean energy less that of the other sampler.
    pub energy: f64,
}

/// What speaks for and against draws. Made `from` a run, or field by field:
/// `Evidence { wells: &starts.wells, ..Evidence::from(&run) }`.
#[derive(Clone, Debug)]
pub struct Evidence<'a> {
    /// The draws with their energies, or of each chain as many of them, evenly spaced, as are to be looked at.
    pub draws: &'a Draws,
    /// How they were made.
    pub source: Source<'a>,
    /// E-BFMI of each chain, NaN where it is unknown; none of samplers without momenta.
    pub ebfmi: Vec<f64>,
    /// What the run found doubtful.
    pub warnings: &'a [Warning],
    /// Where transitions diverged, in the coordinates of the draws.
    pub divergences: &'a [Divergence],
    /// Separate wells, in the coordinates of the draws: see [`run::Starts`].
    pub wells: &'a [Vec<f64>],
    /// Transitions from one draw to the next.
    pub thin: usize,
    /// The step size, where it was given and the kernel rejects.
    pub step: Option<GivenStep>,
    /// How the draws differ from those of an unbiased sampler, where that was measured.
    pub bias: Option<&'a Bias>,
    /// For independent draws: the relative error of the distribution function that they are drawn from, as
    /// [`Grid::error`](crate::kernel::grid::Grid::error) estimates it.
    pub cdf_error: Option<f64>,
    /// For independent draws: where the energy jumps to infinity inside its support, as
    /// [`Grid::gap`](crate::kernel::grid::Grid::gap) finds it.
    pub gap: Option<Gap>,
    /// What is proved of the moments of each coordinate, as [`crate::check::moments`] gives it: the largest k for which the
    /// mean of |x_j|^k may exist. Empty where nothing is.
    pub moments: &'a [Option<u32>],
    /// How many coordinates, the last ones, are labels: one that never changes may be as it should be.
    pub n_labels: usize,
}

impl Bias {
    /// The larger z-score of mean and variance of each coordinate.
    pub fn z(&self) -> Vec<f64> {
        self.coordinates.iter().map(bias_z).collect()
    }
}

/// The larger z-score of mean and variance.
pub(super) fn bias_z(b: &CoordinateBias) -> f64 {
    if b.variance_z.abs() > b.mean_z.abs() { b.variance_z } else { b.mean_z }
}

impl<'a> From<&'a Draws> for Evidence<'a> {
    /// Markov chains of which nothing else is known.
    fn from(draws: &'a Draws) -> Self {
        Self {
            draws,
            source: Source::Chains,
            ebfmi: ebfmi(&draws.hamiltonian_chains()),
            warnings: &[],
            divergences: &[],
            wells: &[],
            thin: 1,
            step: None,
            bias: None,
            cdf_error: None,
            gap: None,
            moments: &[],
            n_labels: 0,
        }
    }
}

impl<'a, K> From<&'a run::Outcome<K>> for Evidence<'a> {
    fn from(run: &'a run::Outcome<K>) -> Self {
        Self { warnings: &run.warnings, divergences: &run.divergences, ..Self::from(&run.draws) }
    }
}

impl<'a> From<&'a Tempered> for Evidence<'a> {
    fn from(run: &'a Tempered) -> Self {
        Self { source: Source::Ladders(&run.verdict), warnings: &run.warnings, ..Self::from(&run.draws) }
    }
}

impl<'a> From<&'a AutoRun> for Evidence<'a> {
    fn from(run: &'a AutoRun) -> Self {
        let drawn = match &run.drawn {
            Drawn::Nuts(run) => Self::from(run),
            Drawn::Tempering(run) => Self::from(run),
        };
        Self { wells: &run.wells, thin: run.thin, ..drawn }
    }
}

impl Evidence<'_> {
    /// Whether the draws are exact and independent.
    pub fn is_independent(&self) -> bool {
        self.source == Source::Independent
    }

    /// Number of draws over all chains.
    pub(super) fn n(&self) -> usize {
        self.draws.energy().len()
    }

    /// All draws of coordinate `j`, chain after chain.
    pub(super) fn column(&self, j: usize) -> impl Iterator<Item = f64> + '_ {
        self.draws.values().iter().skip(j).step_by(self.draws.dim().max(1)).copied()
    }
}
