//! One line of a nested integral: the trapezoidal rule on a lattice that follows the mass.

use super::guess::{Accuracy, Guess, Guesses};

mod sums;

/// `x = centre + m sinh(t / m)` with m this many scales of the line: nearly x = t where a Gaussian has its mass, and
/// exponentially far out beyond, so that algebraic tails are followed to their end.
const STRETCH: f64 = 4.0;

/// `t / m` beyond which a line is not followed: some 1e13 scales out.
const REACH: f64 = 30.0;

/// Nodes asked for at once in one direction.
const MAX_STRIDE: i64 = 6;

/// Nodes of a line below the floor on its way up to its peak.
const MAX_CLIMB: usize = 60;

/// A line starts again when its mass is this far from the expected centre, in units of m, or its scale is off by this factor.
const OFF: f64 = 1.0;
const OFF_SCALE: f64 = 2.5;

/// Spectra above this are those of features that are not resolved yet.
const NOISE: f64 = 0.2;

/// Nodes after which a line is looked at before all that matter are visited.
const LONG: usize = 24;

/// How often it may.
const MAX_RESETS: usize = 8;

/// A point of the lattice, visited.
#[derive(Clone, Copy, Debug)]
struct Node {
    i: i64,
    x: f64,
    /// Log of its term of the sum: value and weight.
    ell: f64,
    /// Where its line's guesses are.
    kid: u32,
}

/// Why a line has no integral.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Endless {
    /// The terms do not fall as far as it was followed.
    Flat { upward: bool },
    /// They fall, too slowly to be followed.
    Slow { upward: bool, distance: f64 },
}

/// A lattice `t = (i + phase) step` on a line and the terms at its visited nodes.
#[derive(Debug)]
pub(super) struct Line {
    centre: f64,
    scale: f64,
    m: f64,
    step: f64,
    phase: f64,
    n_resets: usize,
    /// The spectrum before the step was halved, and how often that did not help.
    before: f64,
    n_noisy: usize,
    /// What inner lines looked like before the line started again.
    kept: Option<Guesses>,
    nodes: Vec<Node>,
    kids: Vec<Guesses>,
    /// Terms below this do not matter.
    floor: f64,
    accuracy: Accuracy,
}

impl Line {
    /// Before any evaluation; `phase` is in 0..1, and `floor` is on the scale of the logarithm of the line's terms.
    pub(super) fn new(guess: &Guess, phase: f64, floor: f64, accuracy: Accuracy) -> Self {
        let scale = guess.scale.max(guess.step);
        Self {
            centre: guess.centre,
            scale,
            m: STRETCH * scale,
            // A coarse lattice is part of the finer one, should it be needed.
            step: guess.step.max(0.4 * scale * accuracy.gaussian_step()),
            phase,
            n_resets: 0,
            before: f64::INFINITY,
            n_noisy: 0,
            kept: None,
            nodes: Vec::new(),
            kids: Vec::new(),
            floor,
            accuracy,
        }
    }

    /// The first nodes.
    pub(super) fn first(&self, guess: &Guess, out: &mut Vec<i64>) {
        self.about(guess.peaks, out);
    }

    fn about(&self, peaks: [f64; 2], out: &mut Vec<i64>) {
        out.extend([-1, 0, 1]);
        for peak in peaks {
            let i = self.index(peak);
            out.extend([i - 1, i, i + 1]);
        }
        out.sort_unstable();
        out.dedup();
    }

    fn index(&self, x: f64) -> i64 {
        let t = self.m * ((x - self.centre) / self.m).asinh();
        // Beyond the reach a position is as good as at it.
        (t / self.step - self.phase).round().clamp(-1e6, 1e6) as i64
    }

    fn t(&self, i: i64) -> f64 {
        (i as f64 + self.phase) * self.step
    }

    pub(super) fn x(&self, i: i64) -> f64 {
        self.centre + self.m * (self.t(i) / self.m).sinh()
    }

    /// Log of the weight of node i: `step dx/dt`.
    pub(super) fn log_weight(&self, i: i64) -> f64 {
        (self.step * (self.t(i) / self.m).cosh()).ln()
    }

    /// What the inner lines at node i will look like.
    pub(super) fn kid_guess(&self, i: i64, before_any: &Guesses) -> Guesses {
        // Lines that matter know better than those beyond the mass.
        let n_high = self.nodes.iter().filter(|n| n.ell > self.floor).count();
        let counts = |n: &Node| n_high == 0 || n.ell > self.floor;
        let known = self.nodes.iter().enumerate().filter(|(_, n)| counts(n));
        let Some((nearest, _)) = known.min_by_key(|(_, n)| (n.i - i).abs()) else {
            return self.kept.unwrap_or(*before_any);
        };
        let node = self.nodes[nearest];
        let mut guess = self.kids[node.kid as usize];
        let away = i - node.i;
        let behind = if away > 0 { nearest.checked_sub(1) } else { Some(nearest + 1) };
        if let Some(old) = behind.and_then(|b| self.nodes.get(b)).filter(|n| counts(n)) {
            let by = away as f64 / (node.i - old.i) as f64;
            if by <= 4.0 {
                let old = &self.kids[old.kid as usize];
                guess.iter_mut().zip(old).for_each(|(g, old)| *g = g.extrapolate(old, by));
            }
        }
        guess
    }

    /// Adds a visited node: `value` is the logarithm of the integrand, `kid` the guesses of its inner lines.
    pub(super) fn insert(&mut self, i: i64, value: f64, kid: Option<Guesses>) {
        let at = self.nodes.partition_point(|n| n.i < i);
        let node = Node { i, x: self.x(i), ell: value + self.log_weight(i), kid: self.kids.len() as u32 };
        self.kids.extend(kid);
        self.nodes.insert(at, node);
    }

    fn best(&self) -> Option<usize> {
        let seen = (0..self.nodes.len()).filter(|&k| self.nodes[k].ell > f64::NEG_INFINITY);
        seen.max_by(|&a, &b| self.nodes[a].ell.total_cmp(&self.nodes[b].ell))
    }

    /// The nodes wanted next; none when the line is done.
    pub(super) fn wants(&mut self, out: &mut Vec<i64>) -> Result<(), Endless> {
        if self.nodes.len() > LONG && self.reset(out) {
            return Ok(());
        }
        self.flood(out)?;
        if out.is_empty() && self.reset(out) {
            return Ok(());
        }
        if out.is_empty() && self.is_coarse() {
            let (spectrum, _) = self.spectrum();
            // A jump falls by half with the step; what does not fall is noise.
            if spectrum < NOISE && spectrum > 0.7 * self.before {
                self.n_noisy += 1;
                if self.n_noisy > 1 {
                    return Ok(());
                }
            }
            self.before = spectrum;
            self.step *= 0.5;
            self.phase *= 2.0;
            for node in &mut self.nodes {
                node.i *= 2;
                node.ell -= std::f64::consts::LN_2;
            }
            self.flood(out)?;
        }
        Ok(())
    }

    /// Starts again where the mass is when that is not where the line was expected to have it.
    fn reset(&mut self, out: &mut Vec<i64>) -> bool {
        let (spectrum, log) = self.spectrum();
        let Some(best) = self.best() else { return false };
        if self.n_resets >= MAX_RESETS {
            return false;
        }
        let (centre, scale) = if log <= self.floor {
            match self.parabola(best) {
                Some(peak) if peak.log > self.floor => (peak.centre, peak.scale),
                _ => (self.nodes[best].x, self.scale),
            }
        } else if spectrum.ln() > self.good_enough(log) || self.nodes.len() > LONG {
            (self.quantile(0.5, log), 0.5 * (self.quantile(0.84, log) - self.quantile(0.16, log)))
        } else {
            return false;
        };
        let ratio = scale / self.scale;
        let is_narrow = log <= self.floor && ratio < 1.0 / OFF_SCALE;
        if (centre - self.centre).abs() < OFF * self.m && ratio < OFF_SCALE && !is_narrow {
            return false;
        }
        self.n_resets += 1;
        let peaks = self.peaks();
        let kept = self.kids.get(self.nodes[best].kid as usize).copied();
        (self.centre, self.scale, self.m) = (centre, scale, STRETCH * scale);
        if log > self.floor || ratio != 1.0 {
            self.step = scale * self.accuracy.gaussian_step();
        }
        self.nodes.clear();
        self.kids.clear();
        self.kept = kept.or(self.kept);
        self.about(peaks, out);
        true
    }

    /// Neighbours of the nodes that matter, and of local maxima that may lead there.
    fn flood(&self, out: &mut Vec<i64>) -> Result<(), Endless> {
        let Some(best) = self.best() else { return Ok(()) };
        let is_light = self.nodes[best].ell <= self.floor;
        if is_light && self.nodes.len() > MAX_CLIMB {
            return Ok(());
        }
        for (k, node) in self.nodes.iter().enumerate() {
            let next = |up: bool| {
                let other = if up { self.nodes.get(k + 1) } else { k.checked_sub(1).map(|k| &self.nodes[k]) };
                other.filter(|o| (o.i - node.i).abs() == 1)
            };
            let (below, above) = (next(false), next(true));
            if below.is_some() && above.is_some() {
                continue;
            }
            let is_high = node.ell > self.floor;
            let is_peak = [below, above].iter().flatten().all(|o| o.ell <= node.ell);
            let may_lead = is_peak && (k == best || node.ell > self.floor - 10.0);
            if !(is_high || may_lead) || node.ell == f64::NEG_INFINITY {
                continue;
            }
            for up in [false, true] {
                if (if up { above } else { below }).is_some() {
                    continue;
                }
                if is_high && self.t(node.i).abs() > REACH * self.m && (node.i > 0) == up {
                    return Err(self.endless(k, up));
                }
                out.extend(self.onward(k, up));
            }
        }
        out.sort_unstable();
        out.dedup();
        out.retain(|i| self.nodes.binary_search_by_key(i, |n| n.i).is_err());
        Ok(())
    }

    /// The nodes beyond node k that seem to matter, by quadratic extrapolation.
    fn onward(&self, k: usize, up: bool) -> impl Iterator<Item = i64> + use<> {
        let sign = if up { 1 } else { -1 };
        let back = |n: usize| {
            let at = if up { k.checked_sub(n) } else { Some(k + n) };
            at.and_then(|at| self.nodes.get(at)).filter(|o| o.i == self.nodes[k].i - sign * n as i64)
        };
        let node = &self.nodes[k];
        let mut n = 1;
        if let (Some(one), Some(two)) = (back(1), back(2)) {
            let first = node.ell - one.ell;
            let second = (first - (one.ell - two.ell)).min(0.0);
            let rises = |n: f64| node.ell + n * first + 0.5 * n * (n + 1.0) * second;
            while n < MAX_STRIDE && rises(n as f64) > self.floor {
                n += 1;
            }
            if node.ell <= self.floor && first > 0.0 && second < 0.0 {
                // On the way up: the vertex of the parabola.
                n = ((first / -second).round() as i64).clamp(1, 30);
                let vertex = node.i + sign * n;
                return (vertex - 1).max(node.i - 1)..=vertex + 1;
            }
        }
        let (a, b) = (node.i + sign, node.i + sign * n);
        a.min(b)..=a.max(b)
    }

    fn endless(&self, k: usize, upward: bool) -> Endless {
        let node = self.nodes[k];
        // Five e-foldings of distance nearer to the centre.
        let nearer = node.i as f64 - (5.0 * self.m / self.step).copysign(node.i as f64);
        let inner =
            self.nodes.iter().min_by(|a, b| (a.i as f64 - nearer).abs().total_cmp(&(b.i as f64 - nearer).abs()));
        match inner {
            Some(inner) if inner.ell > node.ell + 0.05 => Endless::Slow { upward, distance: node.x.abs() },
            _ => Endless::Flat { upward },
        }
    }
}
