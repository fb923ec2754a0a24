//! The ends of a line: whether what lies beyond the samples is negligible, infinite, or not known.

use super::{FAR, Scan};
use crate::points::Support;

/// Distance to which a density is followed that neither decays nor rises steeply, before its trend is asked: in one dimension,
/// and in more, where every line that stays flat costs as much as the whole of one.
pub(super) const FLAT_FAR: [f64; 3] = [1e150, 1e20, 1e7];

/// The same in units of how far out the line itself lies: up to there a density of all coordinates is flat on it, whatever
/// becomes of it beyond.
pub(super) const FAR_OUT: f64 = 100.0;

/// Largest |x| to which a rising density of inner integrals is followed.
const RISE_FAR: f64 = 1e15;

/// Power of z with which it must rise: crude inner integrals are noisy.
const RISE: f64 = 0.5;

/// Ratio of distances over which a slope is taken, and its error, where l is known to rounding and where it comes from crude
/// inner integrals, which are good to a few per cent each.
const EXACT_SLOPE: (f64, f64) = (1.5, 1e-9);
const NESTED_SLOPE: (f64, f64) = (30.0, 0.2);

/// Log of the share of the mass that may be left out.
const NEGLIGIBLE: f64 = -39.0;

/// What is known about one end of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum End {
    /// The rest beyond the samples is negligible, or is a regular piece up to a finite end.
    Settled,
    /// More samples are needed.
    Open,
    /// The integral to this end is infinite.
    Diverges,
    /// As far out as samples go the density does not decay fast enough, but ever faster: the integral may be finite.
    Unseen,
    /// The samples cannot go further, and this is left.
    Cut(Rest),
}

/// The power-law tail beyond the last sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rest {
    /// Log of its mass.
    pub log_mass: f64,
    /// l at the last sample.
    pub ell: f64,
    /// How much lower than there l is in its mean.
    pub fall: f64,
}

/// What becomes of the slope of a density in log-log coordinates.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Trend {
    /// It approaches a limit, as that of a power law does, or rises.
    Settles,
    /// It falls from scale to scale by as much as before or more: sooner or later the density decays.
    Steepens,
}

impl Scan {
    /// Distance from the origin of the support and l, outermost finite sample first, then one a few samples inwards.
    pub(super) fn end_samples(&self, support: Support, upper: bool) -> Option<[(f64, f64); 2]> {
        let origin = self.origin(support, upper);
        let n = self.s.len();
        let at = |k: usize| if upper { &self.s[n - 1 - k] } else { &self.s[k] };
        let first = (0..n).find(|k| at(*k).ell > f64::NEG_INFINITY)?;
        // Compare over a ratio of at least 1.5 in distance, so that rounding of l does not decide.
        let z0 = (at(first).x - origin).abs();
        let second = (first + 1..n).find(|k| {
            let r = (at(*k).x - origin).abs() / z0;
            !(0.66..=1.5).contains(&r)
        })?;
        Some([(z0, at(first).ell), ((at(second).x - origin).abs(), at(second).ell)])
    }

    /// What lies beyond the last sample at one end; `total` is the log of the mass found so far.
    pub fn end(&self, support: Support, upper: bool, total: f64) -> End {
        let finite = if upper { support.upper() } else { support.lower() }.is_finite();
        let Some([(z0, l0), (z1, l1)]) = self.end_samples(support, upper) else { return End::Settled };
        if l0 == f64::INFINITY {
            return End::Diverges;
        }
        let outermost = if upper { self.s[self.s.len() - 1] } else { self.s[0] };
        let vanished = outermost.ell == f64::NEG_INFINITY;
        if vanished && (finite || z0 < 1e50) || l1 == f64::NEG_INFINITY {
            return End::Settled;
        }
        let noise = 8.0 * f64::EPSILON * l0.abs().max(l1.abs());
        let (change, log_ratio) = (l0 - l1, z0.ln() - z1.ln());
        if noise > 1e-3 && change.abs() < 10.0 * noise {
            return End::Settled;
        }
        // l = const + power ln z; the integral over d(ln z) needs power + 1 < 0 outwards, > 0 towards a finite end.
        let power = change / log_ratio + 1.0;
        let decays = if finite { power } else { -power };
        if finite && (power - 1.0).abs() < 1e-2 {
            return End::Settled;
        }
        let left = l0 + z0.ln() - decays.max(1e-300).ln();
        if decays > 1e-9 && left < total + NEGLIGIBLE {
            return End::Settled;
        }
        // Neither decaying nor rising steeply, and far out: unless it is on its way to decay, more samples do not help.
        if !finite && z0 > self.flat_far && decays <= 1e-9 && change <= 3.0 * log_ratio {
            match self.trend(support, upper) {
                Trend::Steepens if self.is_patient => {}
                Trend::Settles if z0 > FAR_OUT * self.scale => return End::Diverges,
                _ => return End::Unseen,
            }
        }
        if !finite && self.nested && z0 > RISE_FAR && change > RISE * log_ratio {
            return End::Diverges;
        }
        let smallest = if finite { 16.0 * f64::EPSILON * outermost.x.abs().min(1.0) } else { 0.0 };
        let origin_is_zero = finite && (if upper { support.upper() } else { support.lower() }) == 0.0;
        let can_extend = if !finite {
            !vanished && outermost.x.abs() < 0.5 * self.far()
        } else {
            z0 > if origin_is_zero { 1.0 / FAR } else { smallest.max(1.0 / FAR) }
        };
        if can_extend {
            End::Open
        } else if decays <= 1e-9 {
            // Within its own distance from the origin a line says nothing.
            let is_seen = z0 > FAR_OUT * self.scale && self.trend(support, upper) == Trend::Settles;
            if finite || is_seen { End::Diverges } else { End::Unseen }
        } else {
            // ln z lies 1 / decays beyond the last sample in the mean, and l falls by power - 1 per unit of it.
            let beyond = if finite { -1.0 / decays } else { 1.0 / decays };
            End::Cut(Rest { log_mass: left, ell: l0, fall: -(power - 1.0) * beyond })
        }
    }

    /// 32 more samples outwards (or towards the finite end), by factors of sqrt(e).
    pub(super) fn extend(&self, support: Support, upper: bool, out: &mut Vec<f64>) {
        let end = if upper { support.upper() } else { support.lower() };
        let x = if upper { self.s[self.s.len() - 1].x } else { self.s[0].x };
        let origin = self.origin(support, upper);
        let z = x - origin;
        let rising = self.end_samples(support, upper).is_some_and(|[a, b]| a.1 > b.1);
        let far = if self.nested && rising { 4.0 * RISE_FAR } else { self.far() };
        let step = if z.abs() < (FAR_OUT * self.scale).max(1e20) { 0.5 } else { 2.0 };
        let sign = if end.is_finite() { -0.5 } else { step };
        for k in 1..=32 {
            let y = origin + z * (sign * k as f64).exp();
            if y != origin && y.abs() < far {
                out.push(y);
            }
        }
    }

    /// How the slope dl / d ln z changes on the way out.
    fn trend(&self, support: Support, upper: bool) -> Trend {
        let Some([(far, _), _]) = self.end_samples(support, upper) else { return Trend::Settles };
        let out = far / self.scale;
        let at = |power: f64| self.slope(support, upper, self.scale * out.powf(power));
        let (Some(near), Some(middle), Some(end)) = (at(0.25), at(0.5), at(1.0)) else { return Trend::Settles };
        let (first, second) = (middle.0 - near.0, end.0 - middle.0);
        let noise = self.of_slope().1 + middle.1 + end.1;
        if second < -noise && second.abs() >= 0.5 * first.abs() { Trend::Steepens } else { Trend::Settles }
    }

    fn of_slope(&self) -> (f64, f64) {
        if self.nested { NESTED_SLOPE } else { EXACT_SLOPE }
    }

    /// `dl / d ln z` and its rounding error at the finite sample nearest to the distance `z` from within.
    fn slope(&self, support: Support, upper: bool, z: f64) -> Option<(f64, f64)> {
        let origin = self.origin(support, upper);
        let n = self.s.len();
        let at = |k: usize| if upper { &self.s[n - 1 - k] } else { &self.s[k] };
        let distance = |k: usize| (at(k).x - origin).abs();
        let is_outside = |k: &usize| if upper { at(*k).x > origin } else { at(*k).x < origin };
        let mut inwards = (0..n).filter(is_outside).skip_while(|k| distance(*k) > z || !at(*k).ell.is_finite());
        let outer = inwards.next()?;
        let inner = inwards.find(|k| distance(outer) >= self.of_slope().0 * distance(*k) && at(*k).ell.is_finite())?;
        let (l0, l1, log_ratio) = (at(outer).ell, at(inner).ell, (distance(outer) / distance(inner)).ln());
        Some(((l0 - l1) / log_ratio, 8.0 * f64::EPSILON * l0.abs().max(l1.abs()) / log_ratio))
    }

    /// Where distances to an end are counted from: the end itself, else the other one, else 0.
    fn origin(&self, support: Support, upper: bool) -> f64 {
        let ends = if upper { [support.upper(), support.lower()] } else { [support.lower(), support.upper()] };
        ends.into_iter().find(|e| e.is_finite()).unwrap_or(0.0)
    }
}
