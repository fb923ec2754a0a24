//! What a line is expected to look like, and how well it is to be integrated.

/// Most dimensions of the nested rule.
pub const MAX_DIM: usize = 6;

/// What a line is expected to look like, from its neighbour.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Guess {
    /// The median.
    pub(super) centre: f64,
    /// Half the distance between the quantiles 16 % and 84 %.
    pub(super) scale: f64,
    /// Step of the lattice that suffices.
    pub(super) step: f64,
    /// The two highest local maxima, by position.
    pub(super) peaks: [f64; 2],
}

pub(super) type Guesses = [Guess; MAX_DIM];

impl Guess {
    /// The line at a distance `by` (in steps from this line, of which the one before is -1) if it goes on like that.
    pub(super) fn extrapolate(&self, before: &Self, by: f64) -> Self {
        let limit = 6.0 * self.scale;
        let shift = ((self.centre - before.centre) * by).clamp(-limit, limit);
        let grow = |now: f64, then: f64| now * ((now / then).ln() * by).clamp(-0.7, 0.7).exp();
        Self {
            centre: self.centre + shift,
            scale: grow(self.scale, before.scale),
            step: grow(self.step, before.step),
            peaks: [0, 1].map(|k| {
                let shift = (self.peaks[k] - before.peaks[k]) * by;
                self.peaks[k] + shift.clamp(-self.scale, self.scale)
            }),
        }
    }
}

/// How accurate lines are to be, and which terms matter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Accuracy {
    /// ln tau: the Fourier transform of the integrand at 3/8 of a cycle per step, relative to the integral, is to be below tau.
    pub(super) ln_tau: f64,
    /// Terms of Z smaller than `exp(-depth)` Z are left out.
    pub(super) depth: f64,
    /// Most nodes of a line.
    pub(super) max_nodes: usize,
}

impl Accuracy {
    /// The step that suffices for a Gaussian of scale 1, whose transform at 3/8 of a cycle per step is
    /// `exp(-2 pi^2 (3 / 8)^2 / step^2)`.
    pub(super) fn gaussian_step(&self) -> f64 {
        0.375 * std::f64::consts::PI * (2.0 / -self.ln_tau).sqrt()
    }
}
