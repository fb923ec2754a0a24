//! Walkers along a path between a reference and a target, in either direction.

use super::{LogZError, Temperatures, log_sum_exp};
use crate::diagnostics::ess_of_weights;
use crate::energy::{Bridge, Differentiable, Tractable};
use crate::kernel::{ChainState, Kernel};
use crate::math::exp;
use crate::points::{Matrix, Points};
use crate::rng::{Purpose, Streams};
use crate::simd::simd_fn;

/// The share of effective walkers below which they are drawn anew.
const RESAMPLED: f64 = 0.5;

/// Walkers on their way, all at one level.
pub(super) struct Walkers<'a, R, E: ?Sized, S> {
    bridge: Bridge<&'a R, &'a E>,
    state: S,
    streams: Streams,
    log_w: Vec<f64>,
    /// `E - E_ref` of each.
    gap: Vec<f64>,
    e_ref: Vec<f64>,
    grad_ref: Matrix<f64>,
    /// Whether the energies and gradients of the reference, and what the kernel has cached, are those of where the walkers are.
    is_known: bool,
    steps: Vec<Step>,
    n_evals: u64,
}

/// What a block of walkers has come to.
pub(super) struct Arrived {
    pub(super) x: Points,
    pub(super) log_w: Vec<f64>,
    pub(super) steps: Vec<Step>,
    pub(super) n_evals: u64,
}

/// The factors `u` by which one step from level to level changes the weights.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    n: f64,
    /// The largest `log u`.
    top: f64,
    /// Sum of `u / exp(top)`.
    sum: f64,
    /// Sum of `(u / exp(top))^2`.
    squares: f64,
}

impl Step {
    /// That of a move by `d_beta`.
    fn of(d_beta: f64, gap: &[f64]) -> Self {
        let mut sums = [f64::NEG_INFINITY, 0.0, 0.0];
        change(d_beta, gap, &mut sums);
        let [top, sum, squares] = sums;
        Self { n: gap.len() as f64, top, sum, squares }
    }

    fn add(&mut self, other: &Self) {
        let top = self.top.max(other.top);
        let scale = |s: &Self| if s.sum > 0.0 { exp(s.top - top) } else { 0.0 };
        let (a, b) = (scale(self), scale(other));
        self.n += other.n;
        self.sum = self.sum * a + other.sum * b;
        self.squares = self.squares * a * a + other.squares * b * b;
        self.top = top;
    }

    /// `(mean u)^2 / mean u^2`: the share of the walkers that the step leaves effective.
    fn overlap(&self) -> f64 {
        if self.sum > 0.0 { self.sum * self.sum / (self.n * self.squares) } else { 0.0 }
    }
}

simd_fn! {
    /// The largest `l = -d_beta gap`, the sum of `exp(l - largest)` and that of their squares.
    fn change(d_beta: f64, gap: &[f64], sums: &mut [f64; 3]) {
        let top = gap.iter().fold(f64::NEG_INFINITY, |top, gap| if -d_beta * gap > top { -d_beta * gap } else { top });
        let (mut sum, mut squares) = (0.0, 0.0);
        if top.is_finite() {
            for gap in gap {
                let u = exp(-d_beta * gap - top);
                sum += u;
                squares = u.mul_add(u, squares);
            }
        }
        *sums = [top, sum, squares];
    }
}

/// The step of all walkers that left the fewest of them effective; `betas` are those of the path.
pub(super) fn worst_step(betas: &[f64], blocks: &[Vec<Step>]) -> Option<Temperatures> {
    let mut total = blocks.first()?.clone();
    for block in &blocks[1..] {
        total.iter_mut().zip(block).for_each(|(t, s)| t.add(s));
    }
    let (k, overlap) = total.iter().map(Step::overlap).enumerate().min_by(|a, b| a.1.total_cmp(&b.1))?;
    Some(Temperatures { n: betas.len(), worst_beta: betas[k], worst_overlap: overlap })
}

impl Arrived {
    /// Refuses weights that are no numbers.
    pub(super) fn check(&self) -> Result<(), LogZError> {
        match self.log_w.iter().position(|w| w.is_nan() || *w == f64::INFINITY) {
            None => Ok(()),
            Some(i) if self.log_w[i].is_nan() => Err(LogZError::Undefined { point: self.x.real.row(i) }),
            Some(i) => Err(LogZError::Unbounded { point: self.x.real.row(i) }),
        }
    }
}

impl<'a, R, E, S> Walkers<'a, R, E, S>
where
    R: Differentiable + Tractable,
    E: Differentiable + ?Sized,
    S: ChainState,
{
    /// `n` exact draws of the reference.
    pub(super) fn at_reference<K>(reference: &'a R, energy: &'a E, kernel: &K, n: usize, mut streams: Streams) -> Self
    where
        K: Kernel<Bridge<&'a R, &'a E>, State = S>,
    {
        let x = reference.sample(n, &mut streams);
        streams.advance();
        Self::at(reference, energy, kernel, (0.0, x), streams)
    }

    /// At `x` on level `beta`.
    pub(super) fn at<K>(reference: &'a R, energy: &'a E, kernel: &K, (beta, x): (f64, Points), streams: Streams) -> Self
    where
        K: Kernel<Bridge<&'a R, &'a E>, State = S>,
    {
        let bridge = Bridge::new(reference, energy, beta);
        let (n, dim) = (x.n(), x.dim());
        let mut walkers = Self {
            state: kernel.init(&bridge, x),
            bridge,
            streams,
            log_w: vec![0.0; n],
            gap: vec![0.0; n],
            e_ref: vec![0.0; n],
            grad_ref: Matrix::new(n, dim),
            is_known: false,
            steps: Vec::new(),
            n_evals: 0,
        };
        walkers.evaluate();
        walkers
    }

    /// On to each of these levels in turn, with `n_steps` transitions where that is not an end of the path; with `resampled`, drawn
    /// anew before them where few carry the most.
    pub(super) fn follow<K>(&mut self, levels: &[(f64, &K)], n_steps: u64, resampled: bool)
    where
        K: Kernel<Bridge<&'a R, &'a E>, State = S>,
    {
        for &(beta, kernel) in levels {
            self.weigh(beta);
            if beta > 0.0 && beta < 1.0 {
                if resampled {
                    self.resample();
                }
                self.walk(beta, kernel, n_steps);
            }
        }
    }

    /// What they have come to.
    pub(super) fn arrived(&self) -> Arrived {
        let Self { log_w, steps, n_evals, .. } = self;
        Arrived { x: self.state.x().clone(), log_w: log_w.clone(), steps: steps.clone(), n_evals: *n_evals }
    }

    /// Log weights so far.
    pub(super) fn log_w(&self) -> &[f64] {
        &self.log_w
    }

    /// `E - E_ref` where they are.
    pub(super) fn gap(&self) -> &[f64] {
        &self.gap
    }

    /// Moves the weights on to level `beta`.
    fn weigh(&mut self, beta: f64) {
        let d_beta = beta - self.bridge.beta();
        self.steps.push(Step::of(d_beta, &self.gap));
        for (log_w, gap) in self.log_w.iter_mut().zip(&self.gap) {
            *log_w -= d_beta * gap;
        }
    }

    /// `n_steps` transitions at level `beta`. Both energies at the end follow from that of the level, which the kernel knows, and
    /// that of the reference, and so does what the kernel must know at the next level: the target is evaluated in its steps alone.
    fn walk<K>(&mut self, beta: f64, kernel: &K, n_steps: u64)
    where
        K: Kernel<Bridge<&'a R, &'a E>, State = S>,
    {
        // Where beta more than doubles, rounding errors would.
        let is_near = (0.5..=2.0).contains(&(beta / self.bridge.beta()));
        match self.state.cache().filter(|_| self.is_known && is_near) {
            Some(cache) => self.bridge.carry(beta, &self.e_ref, &self.grad_ref, cache),
            None => {
                self.bridge.set_beta(beta);
                kernel.refresh(&self.bridge, &mut self.state);
                self.n_evals += self.log_w.len() as u64;
            }
        }
        self.n_evals += kernel.steps(&self.bridge, &mut self.state, &mut self.streams, n_steps).n_evals;
        let energy = self.state.energy();
        // Some kernels do not know the energy of where they are; they say so by NaN.
        self.is_known = !energy.iter().any(|e| e.is_nan());
        if !self.is_known {
            return self.evaluate();
        }
        let x = self.state.x();
        self.bridge.ends().0.energy_grad(x, &mut self.e_ref, &mut self.grad_ref);
        for ((gap, e), e_ref) in self.gap.iter_mut().zip(energy).zip(&self.e_ref) {
            *gap = (e - e_ref) / beta;
        }
    }

    fn evaluate(&mut self) {
        self.bridge.both(self.state.x(), &mut self.e_ref, &mut self.gap);
        self.gap.iter_mut().zip(&self.e_ref).for_each(|(gap, e)| *gap -= e);
        self.n_evals += self.gap.len() as u64;
    }

    /// Draws the walkers anew in proportion to their weights when fewer than half are effective (systematic resampling: Kitagawa
    /// 1996); their weights are equal then, with the same mean. The next step refreshes what the kernel knows of them.
    fn resample(&mut self) {
        let n = self.log_w.len();
        let total = log_sum_exp(&self.log_w);
        if !(ess_of_weights(&self.log_w) < RESAMPLED * n as f64) || !total.is_finite() {
            return;
        }
        let offset = self.streams.shared_uniform(Purpose::Restart);
        let (mut chosen, mut sum) = (Vec::with_capacity(n), 0.0);
        for (i, log_w) in self.log_w.iter().enumerate() {
            sum += (log_w - total).exp() * n as f64;
            while chosen.len() < n && chosen.len() as f64 + offset < sum {
                chosen.push(i);
            }
        }
        // Rounding may leave out the last one.
        let last = self.log_w.iter().rposition(|w| *w > f64::NEG_INFINITY).unwrap_or(0);
        chosen.resize(n, last);
        let x = self.state.x_mut();
        *x = x.select(&chosen);
        self.is_known = false;
        self.gap = chosen.iter().map(|i| self.gap[*i]).collect();
        self.log_w.fill(total - (n as f64).ln());
    }
}
