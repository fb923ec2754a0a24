//! What the visited nodes of a line say: its integral, whether the lattice resolves it, and where its mass is.

use super::super::guess::Guesses;
use super::{Line, OFF_SCALE};

/// cos(2 pi k / 16).
const COS: [f64; 16] = {
    const R: f64 = std::f64::consts::FRAC_1_SQRT_2;
    const A: f64 = 0.923_879_532_511_286_7;
    const B: f64 = 0.382_683_432_365_089_8;
    [1.0, A, R, B, 0.0, -B, -R, -A, -1.0, -A, -R, -B, 0.0, B, R, A]
};

/// The integral, centre and scale of a parabola.
pub(super) struct Peak {
    pub(super) log: f64,
    pub(super) centre: f64,
    pub(super) scale: f64,
}

impl Line {
    /// The peak by the parabola through the nodes about it. On a lattice that is far too fine all terms are so small that none
    /// seems to matter, and one that is far too coarse has no node on the peak.
    pub(super) fn parabola(&self, best: usize) -> Option<Peak> {
        let (below, above) = (self.nodes.get(best.checked_sub(1)?)?, self.nodes.get(best + 1)?);
        let here = &self.nodes[best];
        let second = (2.0 * here.ell - below.ell - above.ell).max(1e-6);
        let is_peak = below.i + 1 == here.i && above.i == here.i + 1 && below.ell.max(above.ell) <= here.ell;
        if !is_peak || !second.is_finite() {
            return None;
        }
        let slope = 0.5 * (above.ell - below.ell);
        let steps = second.powf(-0.5);
        let t = self.t(here.i) + (slope / second).clamp(-0.5, 0.5) * self.step;
        Some(Peak {
            log: here.ell + 0.5 * slope * slope / second + (2.0 * std::f64::consts::PI).sqrt().ln() + steps.ln(),
            centre: self.centre + self.m * (t / self.m).sinh(),
            scale: steps * self.step * (t / self.m).cosh(),
        })
    }

    /// `|sum_i f_i exp(2 pi i nu)| / sum_i f_i` at nu = 3/8 of a cycle per step, or what the values at 5/16, 7/16 and 1/2 say
    /// of it where that is more (two peaks can cancel at one frequency); and the logarithm of the sum.
    pub(super) fn spectrum(&self) -> (f64, f64) {
        let Some(best) = self.best() else { return (0.0, f64::NEG_INFINITY) };
        let top = self.nodes[best].ell;
        let (mut sum, mut c, mut s) = (0.0, [0.0; 4], [0.0; 4]);
        for node in &self.nodes {
            let f = (node.ell - top).exp();
            sum += f;
            for k in 0..4 {
                let turn = (node.i.rem_euclid(16) as usize * (5 + k)) % 16;
                c[k] += f * COS[turn];
                s[k] += f * COS[(turn + 4) % 16];
            }
        }
        let at = |k: usize| c[k].hypot(s[k]) / sum;
        // A Gaussian's logarithm is quadratic in the frequency.
        (at(0).powf(1.44).max(at(1)).max(at(2)).max(at(3)), top + sum.ln())
    }

    /// The logarithm of the spectrum that is good enough for a line of this integral: light lines need not be accurate.
    pub(super) fn good_enough(&self, log: f64) -> f64 {
        let lighter = (self.accuracy.depth - 5.0 - (log - self.floor)).max(0.0);
        (self.accuracy.ln_tau + 0.35 * lighter).min(-0.7)
    }

    pub(super) fn is_coarse(&self) -> bool {
        let (spectrum, log) = self.spectrum();
        log > self.floor && 2 * self.nodes.len() <= self.accuracy.max_nodes && spectrum.ln() > self.good_enough(log)
    }

    /// The integral and what its neighbours may expect, the inner lines included.
    pub(in super::super) fn finish(&self, j: usize, before: &Guesses) -> (f64, Guesses) {
        let (spectrum, mut log) = self.spectrum();
        let Some(best) = self.best() else { return (log, *before) };
        let mut guesses = self.kids.get(self.nodes[best].kid as usize).copied().unwrap_or(*before);
        let guess = &mut guesses[j];
        *guess = before[j];
        guess.step = self.step;
        if log > self.floor {
            let ratio = (spectrum.max(1e-300).ln() / (1.15 * self.good_enough(log))).sqrt();
            guess.step *= ratio.clamp(0.5, 1.4);
            let at = |q: f64| self.quantile(q, log);
            let (low, high) = (at(0.16), at(0.84));
            guess.centre = at(0.5);
            guess.scale = (0.5 * (high - low)).max(0.25 * guess.step);
        } else {
            guess.centre = self.nodes[best].x;
            guess.scale = self.scale;
            if let Some(peak) = self.parabola(best) {
                log = log.max(peak.log.min(self.floor));
                if !(1.0 / OFF_SCALE..OFF_SCALE).contains(&(peak.scale / self.scale)) {
                    guess.centre = peak.centre;
                    guess.scale = peak.scale;
                    guess.step = peak.scale * self.accuracy.gaussian_step();
                }
            }
        }
        guess.peaks = self.peaks();
        (log, guesses)
    }

    pub(super) fn quantile(&self, q: f64, log: f64) -> f64 {
        let mut below = 0.0;
        for node in &self.nodes {
            let f = (node.ell - log).exp();
            if below + f >= q {
                // Within the cell of the node.
                let part = (q - below) / f - 0.5;
                let t = self.t(node.i) + part * self.step;
                return self.centre + self.m * (t / self.m).sinh();
            }
            below += f;
        }
        self.centre
    }

    /// The two highest local maxima.
    pub(super) fn peaks(&self) -> [f64; 2] {
        let mut found = [(f64::NEG_INFINITY, self.centre); 2];
        for k in 0..self.nodes.len() {
            let ell = |k: Option<usize>| k.and_then(|k| self.nodes.get(k)).map_or(f64::NEG_INFINITY, |n| n.ell);
            let here = ell(Some(k));
            if here > f64::NEG_INFINITY && here >= ell(k.checked_sub(1)) && here > ell(Some(k + 1)) {
                if here > found[0].0 {
                    found = [(here, self.nodes[k].x), found[0]];
                } else if here > found[1].0 {
                    found[1] = (here, self.nodes[k].x);
                }
            }
        }
        if found[1].0 < found[0].0 - 30.0 {
            found[1] = found[0];
        }
        let (a, b) = (found[0].1, found[1].1);
        [a.min(b), a.max(b)]
    }
}
