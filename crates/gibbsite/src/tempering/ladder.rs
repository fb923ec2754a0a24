//! A ladder: where its levels are, with which kernels they explore, and what is on them.

use thiserror::Error;

use super::betas::{BetasError, check_betas};
use super::trips::Leg;
use crate::energy::Energy;
use crate::points::{Matrix, Points};

/// Levels from a reference to a target, ready to draw: `beta_0 = 0 < beta_1 < ... < beta_{K-1} = 1`, a kernel for each, and
/// the states of `n` independent ladders.
#[derive(Clone, Debug)]
pub struct Ladder<R, K> {
    pub(super) reference: R,
    pub(super) betas: Vec<f64>,
    pub(super) kernels: Vec<K>,
    pub(super) replicas: Replicas,
    pub(super) n_evals: u64,
}

/// What is on every level of every ladder: all that a run needs to be continued to the bit.
#[derive(Clone, Debug, PartialEq)]
pub struct Replicas {
    /// Positions: for each level one row per ladder.
    pub x: Vec<Points>,
    /// Which replica is there: for each level and ladder, `0..K`; row `i` of all levels holds a permutation.
    pub replica: Vec<Vec<u32>>,
    /// Where that replica is going.
    pub leg: Vec<Vec<Leg>>,
    /// Iterations done; its parity says which pairs swap next, and the random numbers follow from it.
    pub iteration: u64,
}

/// Why levels make no ladder.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum LadderError {
    /// The betas do not rise from 0 to 1.
    #[error(transparent)]
    Betas(#[from] BetasError),
    /// A part has another number of levels than there are betas.
    #[error("{what} for {got} levels, but there are {n_levels} betas")]
    Levels {
        /// Which part.
        what: &'static str,
        /// Levels of the part.
        got: usize,
        /// Number of betas.
        n_levels: usize,
    },
    /// Levels have different numbers of ladders or coordinates, or none.
    #[error(
        "level {level} has {n} ladders in {dim} dimensions, but level 0 has {n_first} in {dim_first}, the reference {dim_reference}"
    )]
    Shape {
        /// Which level.
        level: usize,
        /// Its ladders.
        n: usize,
        /// Its coordinates.
        dim: usize,
        /// Ladders of level 0.
        n_first: usize,
        /// Coordinates of level 0.
        dim_first: usize,
        /// Coordinates of the reference.
        dim_reference: usize,
    },
    /// The replicas of a ladder are no permutation.
    #[error("the replicas of ladder {ladder} are no permutation of 0 to {last}")]
    Permutation {
        /// Which ladder.
        ladder: usize,
        /// The largest replica.
        last: usize,
    },
}

impl Replicas {
    /// New replicas at `x`, replica `k` on level `k`, before the first iteration.
    pub fn new(x: Vec<Points>) -> Self {
        let n = x.first().map_or(0, Points::n);
        let leg = |k| if k == 0 { Leg::Up } else { Leg::Unknown };
        Self {
            replica: (0..x.len()).map(|k| vec![k as u32; n]).collect(),
            leg: (0..x.len()).map(|k| vec![leg(k); n]).collect(),
            x,
            iteration: 0,
        }
    }
}

impl<R: Energy, K> Ladder<R, K> {
    /// A ladder as given, without adaptation.
    ///
    /// # Errors
    /// [`LadderError`] when the parts do not fit together.
    pub fn new(reference: R, betas: Vec<f64>, kernels: Vec<K>, replicas: Replicas) -> Result<Self, LadderError> {
        let n_levels = betas.len();
        check_betas(&betas)?;
        if kernels.len() != n_levels {
            return Err(LadderError::Levels { what: "kernels", got: kernels.len(), n_levels });
        }
        check(&replicas, n_levels, reference.space().n_coordinates())?;
        Ok(Self { reference, betas, kernels, replicas, n_evals: 0 })
    }

    /// Puts the ladder where another run was.
    ///
    /// # Errors
    /// [`LadderError`] when `replicas` are not of this ladder.
    pub fn set_replicas(&mut self, replicas: Replicas) -> Result<(), LadderError> {
        check(&replicas, self.betas.len(), self.reference.space().n_coordinates())?;
        self.replicas = replicas;
        Ok(())
    }

    /// Where the ladder is.
    pub fn replicas(&self) -> &Replicas {
        &self.replicas
    }

    /// Evaluations of energies and gradients by the chains that warmed it up; 0 where none did.
    pub fn n_evals(&self) -> u64 {
        self.n_evals
    }

    /// The levels, from 0 to 1.
    pub fn betas(&self) -> &[f64] {
        &self.betas
    }

    /// The kernel of each level; level 0 draws exactly and does not use its own.
    pub fn kernels(&self) -> &[K] {
        &self.kernels
    }

    /// The energy of level 0.
    pub fn reference(&self) -> &R {
        &self.reference
    }
}

fn check(replicas: &Replicas, n_levels: usize, dim_reference: usize) -> Result<(), LadderError> {
    let Replicas { x, replica, leg, .. } = replicas;
    for (what, got) in [("positions", x.len()), ("replicas", replica.len()), ("legs", leg.len())] {
        if got != n_levels {
            return Err(LadderError::Levels { what, got, n_levels });
        }
    }
    let (n_first, dim_first) = (x[0].n(), x[0].n_coordinates());
    for level in 0..n_levels {
        let (n, dim) = (x[level].n(), x[level].n_coordinates());
        let fits = n == n_first && dim == dim_reference && n > 0 && replica[level].len() == n && leg[level].len() == n;
        if !fits {
            return Err(LadderError::Shape { level, n, dim, n_first, dim_first, dim_reference });
        }
    }
    let mut seen = Matrix::<u8>::new(n_first, n_levels);
    for level in replica {
        for (i, r) in level.iter().enumerate() {
            if *r as usize >= n_levels || seen.get(i, *r as usize) > 0 {
                return Err(LadderError::Permutation { ladder: i, last: n_levels - 1 });
            }
            seen.set(i, *r as usize, 1);
        }
    }
    Ok(())
}
