//! The affine-invariant ensemble (Goodman and Weare 2010): chains that learn each other's shape, without a gradient.

use thiserror::Error;

use super::metropolis::Chains;
use super::{ChainState, Info, Kernel, Metric, Tunable};
use crate::energy::Energy;
use crate::math;
use crate::points::{Matrix, Points};
use crate::rng::{Purpose, Streams};
use crate::simd::simd_fn;

/// The stretch move of Goodman and Weare (2010, "Ensemble samplers with affine invariance", section 2) in groups of chains,
/// its halves in turn (Foreman-Mackey et al. 2013, section 3, which makes it parallel).
///
/// The chains are cut into groups of `group` consecutive ones. In each group first one half moves, then the other: chain x
/// picks a chain c of the other half, proposes `y = c + z (x - c)` with z of density proportional to `1 / sqrt(z)` on
/// `[1/a, a]`, and accepts with probability `min(1, z^(d-1) exp(E(x) - E(y)))`. A linear map of the coordinates changes
/// nothing, so that neither scales nor correlations matter. What is left invariant is the product of p over the chains.
///
/// Chains of one group are *not* independent while they run: errors from the spread between chains must be taken between
/// groups. Few chains span too little: a group that lies in a plane stays in it, hence [`Ensemble::check`].
/// In many dimensions (above about 10) the ensemble mixes slowly and misleads (Huijser, Goodman and Brewer 2015).
///
/// Proposals of energy `+inf` are ordinary rejections; NaN is counted as diverged.
#[derive(Clone, Debug, PartialEq)]
pub struct Ensemble {
    /// Chains of a group: even, and at least `2 (d + 1)` in d dimensions.
    pub group: usize,
    /// Greatest stretch `a`, above 1.
    pub a: f64,
}

/// Why an ensemble cannot run these chains.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum EnsembleError {
    /// Odd, or too few chains to span the space from either half.
    #[error(
        "a group of {group} chains in {dim} dimensions: give an even number of at least {minimum}, so that each half spans the space"
    )]
    Group {
        /// Chains of a group.
        group: usize,
        /// Dimensions.
        dim: usize,
        /// `2 (dim + 1)`.
        minimum: usize,
    },
    /// The chains do not make up whole groups.
    #[error("{n_chains} chains do not make up whole groups of {group}: give a multiple of {group}")]
    Chains {
        /// Chains of the run.
        n_chains: usize,
        /// Chains of a group.
        group: usize,
    },
    /// No stretch.
    #[error("the greatest stretch a is {a}, but must be a finite number above 1")]
    Stretch {
        /// The value given.
        a: f64,
    },
}

impl Ensemble {
    /// Groups of `group` chains and the usual stretch a = 2.
    pub fn new(group: usize) -> Self {
        Self { group, a: 2.0 }
    }

    /// The smallest groups that `n_chains` chains can be cut into, of at least `4 (d + 1)` chains if they can, else of at least
    /// `2 (d + 1)`: many groups make for many independent estimates.
    ///
    /// # Errors
    /// [`EnsembleError::Group`] when no size divides the number of chains.
    pub fn for_chains(n_chains: usize, dim: usize) -> Result<Self, EnsembleError> {
        let minimum = 2 * (dim + 1);
        let fits = |g: &usize| n_chains.is_multiple_of(*g);
        let from = |least: usize| (least..=n_chains).step_by(2).find(fits);
        match from(2 * minimum).or_else(|| from(minimum)) {
            Some(group) => Ok(Self::new(group)),
            None => Err(EnsembleError::Group { group: n_chains, dim, minimum }),
        }
    }

    /// Whether the ensemble can run `n_chains` chains in `dim` dimensions.
    ///
    /// # Errors
    /// [`EnsembleError`].
    pub fn check(&self, n_chains: usize, dim: usize) -> Result<(), EnsembleError> {
        let (group, minimum) = (self.group, 2 * (dim + 1));
        if !(self.a > 1.0 && self.a.is_finite()) {
            return Err(EnsembleError::Stretch { a: self.a });
        }
        if group < minimum || !group.is_multiple_of(2) {
            return Err(EnsembleError::Group { group, dim, minimum });
        }
        if !n_chains.is_multiple_of(group) {
            return Err(EnsembleError::Chains { n_chains, group });
        }
        Ok(())
    }

    /// One transition of both halves; positions of the halves alone are brought up to date.
    fn move_halves<E: Energy + ?Sized>(&self, energy: &E, state: &mut Groups, rng: &Streams) -> Info {
        let d = state.x.dim() as f64;
        let mut info = Info::default();
        for h in 0..2 {
            let (first, second) = state.halves.split_at_mut(1);
            let (moving, others) = if h == 0 { (&mut first[0], &second[0]) } else { (&mut second[0], &first[0]) };
            moving.chains.check_fresh(energy.version());
            moving.choose(self.group / 2, rng);
            rng.uniforms_of(Purpose::Proposal, 0, &moving.ids, &mut moving.z);
            stretches(self.a, &mut moving.z);
            let Half { chains, partner, z, u, ids } = moving;
            stretch(&chains.x.real, &others.chains.x.real, partner, z, &mut chains.y.real);
            energy.energy(&chains.y, &mut chains.energy_y);
            chains.start_log_ratio();
            add_log(d - 1.0, z, &mut chains.log_ratio);
            rng.uniforms_of(Purpose::Accept, 0, ids, u);
            info.add(chains.metropolis(u, f64::NEG_INFINITY));
        }
        info
    }
}

impl Tunable for Ensemble {
    /// The stretch a.
    fn step_size(&self) -> f64 {
        self.a
    }

    fn set_step_size(&mut self, step_size: f64) {
        self.a = step_size;
    }

    /// None: a = 2 suits every shape, and warm-up leaves it alone.
    fn target_accept(&self) -> Option<f64> {
        None
    }

    fn rejects(&self) -> bool {
        true
    }

    fn metric(&self) -> Option<&Metric> {
        None
    }

    /// The moves are affine invariant: a preconditioner changes nothing.
    fn set_metric(&mut self, _metric: &Metric) {}
}

/// A block of whole groups, by halves.
#[derive(Clone, Debug)]
pub struct Groups {
    x: Points,
    energy: Vec<f64>,
    halves: [Half; 2],
}

/// The chains of one half of every group, group after group.
#[derive(Clone, Debug)]
struct Half {
    chains: Chains,
    /// Their rows in the block.
    ids: Vec<u32>,
    /// The row, in the other half, of the chain that each is stretched about.
    partner: Vec<u32>,
    z: Vec<f64>,
    u: Vec<f64>,
}

impl Half {
    fn new(x: &Points, half: usize, group: usize) -> Self {
        let size = group / 2;
        let ids: Vec<usize> = (0..x.n()).filter(|i| i % group / size == half).collect();
        let n = ids.len();
        Self {
            chains: Chains::new(x.select(&ids), 0, 0),
            ids: ids.into_iter().map(|i| i as u32).collect(),
            partner: vec![0; n],
            z: vec![0.0; n],
            u: vec![0.0; n],
        }
    }

    /// Picks a partner of the same group for every chain.
    fn choose(&mut self, size: usize, rng: &Streams) {
        rng.uniforms_of(Purpose::Choice, 0, &self.ids, &mut self.u);
        for (r, (partner, u)) in self.partner.iter_mut().zip(&self.u).enumerate() {
            // The largest u, 1 - 2^-54, rounds to 1.
            let within = ((u * size as f64) as usize).min(size - 1);
            *partner = (r / size * size + within) as u32;
        }
    }

    /// Copies positions and energies into those of the block.
    fn write(&self, x: &mut Matrix<f64>, energy: &mut [f64]) {
        for j in 0..x.n_cols() {
            let (to, from) = (x.col_mut(j), self.chains.x.real.col(j));
            self.ids.iter().zip(from).for_each(|(i, from)| to[*i as usize] = *from);
        }
        self.ids.iter().zip(&self.chains.energy).for_each(|(i, e)| energy[*i as usize] = *e);
    }

    /// Takes positions and energies from those of the block.
    fn read(&mut self, x: &Points, energy: &[f64], version: u64) {
        for (r, i) in self.ids.iter().enumerate() {
            self.chains.x.real.copy_row(r, &x.real, *i as usize);
            self.chains.x.label.copy_row(r, &x.label, *i as usize);
            self.chains.energy[r] = energy[*i as usize];
        }
        self.chains.mark_fresh(version);
    }
}

impl ChainState for Groups {
    fn x(&self) -> &Points {
        &self.x
    }

    fn x_mut(&mut self) -> &mut Points {
        &mut self.x
    }

    fn energy(&self) -> &[f64] {
        &self.energy
    }

    fn diverged(&self, i: usize) -> bool {
        self.halves.iter().any(|h| h.ids.binary_search(&(i as u32)).is_ok_and(|r| h.chains.diverged(r)))
    }
}

impl<E: Energy + ?Sized> Kernel<E> for Ensemble {
    type State = Groups;

    /// # Panics
    /// If [`Ensemble::check`] refuses the chains.
    fn init(&self, energy: &E, x: Points) -> Groups {
        if let Err(e) = self.check(x.n(), x.dim()) {
            panic!("{e}");
        }
        let halves = [Half::new(&x, 0, self.group), Half::new(&x, 1, self.group)];
        let mut state = Groups { energy: vec![f64::NAN; x.n()], halves, x };
        self.refresh(energy, &mut state);
        state
    }

    fn step(&self, energy: &E, state: &mut Groups, rng: &mut Streams) -> Info {
        let info = self.move_halves(energy, state, rng);
        state.halves.iter().for_each(|h| h.write(&mut state.x.real, &mut state.energy));
        info
    }

    /// Positions of the block are needed at the end only.
    fn steps(&self, energy: &E, state: &mut Groups, rng: &mut Streams, n_steps: u64) -> Info {
        let mut info = Info::default();
        for _ in 0..n_steps {
            info.add(self.move_halves(energy, state, rng));
            rng.advance();
        }
        state.halves.iter().for_each(|h| h.write(&mut state.x.real, &mut state.energy));
        info
    }

    fn refresh(&self, energy: &E, state: &mut Groups) {
        energy.energy(&state.x, &mut state.energy);
        let version = energy.version();
        state.halves.iter_mut().for_each(|h| h.read(&state.x, &state.energy, version));
    }

    fn group(&self) -> usize {
        self.group
    }
}

simd_fn! {
    /// Uniforms to stretches of density proportional to `1 / sqrt(z)` on `[1/a, a]`: `z = (1 + (a - 1) u)^2 / a`.
    fn stretches(a: f64, u: &mut [f64]) {
        for u in u {
            let root = (a - 1.0).mul_add(*u, 1.0);
            *u = root * root / a;
        }
    }
}

simd_fn! {
    /// `y = c + z (x - c)`, with `c` the partner's row of `others`.
    fn stretch(x: &Matrix<f64>, others: &Matrix<f64>, partner: &[u32], z: &[f64], y: &mut Matrix<f64>) {
        let n = z.len();
        let partner = &partner[..n];
        for j in 0..x.n_cols() {
            let (x, others, y) = (&x.col(j)[..n], others.col(j), &mut y.col_mut(j)[..n]);
            for i in 0..n {
                let c = others[partner[i] as usize];
                y[i] = z[i].mul_add(x[i] - c, c);
            }
        }
    }
}

simd_fn! {
    /// `out += times log(z)`.
    fn add_log(times: f64, z: &[f64], out: &mut [f64]) {
        for (out, z) in out.iter_mut().zip(z) {
            *out = times.mul_add(math::ln(*z), *out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_that_cannot_span_the_space_are_refused() {
        assert!(Ensemble::new(8).check(64, 3).is_ok());
        assert_eq!(Ensemble::new(6).check(60, 3), Err(EnsembleError::Group { group: 6, dim: 3, minimum: 8 }));
        assert!(matches!(Ensemble::new(9).check(90, 3), Err(EnsembleError::Group { .. })));
        assert_eq!(Ensemble::new(8).check(66, 3), Err(EnsembleError::Chains { n_chains: 66, group: 8 }));
        for a in [1.0, 0.5, f64::NAN, f64::INFINITY] {
            assert!(matches!(Ensemble { group: 8, a }.check(64, 3), Err(EnsembleError::Stretch { .. })));
        }
    }

    #[test]
    fn chains_are_cut_into_groups_that_span() {
        assert_eq!(Ensemble::for_chains(64, 3), Ok(Ensemble::new(16)));
        assert_eq!(Ensemble::for_chains(64, 10), Ok(Ensemble::new(64)));
        assert_eq!(Ensemble::for_chains(40, 9), Ok(Ensemble::new(40)));
        assert_eq!(Ensemble::for_chains(20, 9), Ok(Ensemble::new(20)));
        let refused = Ensemble::for_chains(18, 9).unwrap_err();
        assert_eq!(refused, EnsembleError::Group { group: 18, dim: 9, minimum: 20 });
        assert!(Ensemble::for_chains(7, 1).is_err());
    }

    #[test]
    fn stretches_have_their_distribution() {
        // P(z <= t) = (sqrt(t) - sqrt(1/a)) / (sqrt(a) - sqrt(1/a)).
        let a: f64 = 3.0;
        let mut z = [0.0, 0.25, 1.0];
        stretches(a, &mut z);
        for (z, u) in z.iter().zip([0.0, 0.25, 1.0]) {
            let p = (z.sqrt() - a.sqrt().recip()) / (a.sqrt() - a.sqrt().recip());
            assert!((p - u).abs() < 1e-15, "{z}: {p}");
        }
    }
}
