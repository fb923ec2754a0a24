//! What a run has counted and summed: with the replicas, all that it reports and goes on from.

use super::rungs::Rung;
use super::swap::SwapCounts;
use crate::kernel::{AcceptSum, Info};
use crate::points::Matrix;
use crate::run::saved::{Saved, SavedError};
use crate::run::session::{info, put_info};

/// Counts and sums over all draws so far.
#[derive(Clone, Debug)]
pub(super) struct Sums {
    /// Of the transitions at each level.
    pub(super) info: Vec<Info>,
    /// Of the swaps of each pair of levels.
    pub(super) swaps: Vec<SwapCounts>,
    /// Of the round trips of each ladder.
    pub(super) n_round_trips: Vec<u64>,
    /// What log Z is made of, for each level and each ladder.
    pub(super) rungs: Vec<Vec<Rung>>,
}

/// Names of the running sums that log Z is made of, and what they are.
type Part = fn(&mut Rung) -> &mut f64;
const PARTS: [(&str, Part); 10] = [
    ("log_z_up_max", |r| &mut r.up.max),
    ("log_z_up_sum", |r| &mut r.up.sum),
    ("log_z_down_max", |r| &mut r.down.max),
    ("log_z_down_sum", |r| &mut r.down.sum),
    ("log_z_whole_max", |r| &mut r.whole.max),
    ("log_z_whole_sum", |r| &mut r.whole.sum),
    ("log_z_n", |r| &mut r.n_draws),
    ("difference_n", |r| &mut r.n),
    ("difference_mean", |r| &mut r.mean),
    ("difference_squares", |r| &mut r.squares),
];

impl Sums {
    pub(super) fn save(&self, saved: &mut Saved) {
        for (k, info) in self.info.iter().enumerate() {
            put_info(saved, &level(k), info);
        }
        let of = |f: fn(&SwapCounts) -> u64| self.swaps.iter().map(f).collect::<Vec<_>>();
        saved.put_integers("swap_attempts", &of(|s| s.n_attempts));
        saved.put_integers("swaps_undefined", &of(|s| s.n_undefined));
        let accept: Vec<u64> = self.swaps.iter().flat_map(|s| s.sum_accept.to_halves()).collect();
        saved.put_integers("swap_sum_accept", &accept);
        saved.put_integers("round_trips", &self.n_round_trips);
        let n_ladders = self.n_round_trips.len();
        for (name, part) in PARTS {
            let at = |k: usize, i: usize| *part(&mut self.rungs[k][i].clone());
            saved.put_matrix(name, &Matrix::from_fn(self.rungs.len(), n_ladders, at));
        }
    }

    /// # Errors
    /// Entries that are missing or not those of as many levels and ladders.
    pub(super) fn restore(saved: &Saved, n_levels: usize, n_ladders: usize) -> Result<Self, SavedError> {
        let n_pairs = n_levels - 1;
        let attempts = integers(saved, "swap_attempts", n_pairs)?;
        let undefined = integers(saved, "swaps_undefined", n_pairs)?;
        let accept = integers(saved, "swap_sum_accept", 2 * n_pairs)?;
        let swaps = (0..n_pairs).map(|k| SwapCounts {
            n_attempts: attempts[k],
            sum_accept: AcceptSum::from_halves([accept[2 * k], accept[2 * k + 1]]),
            n_undefined: undefined[k],
        });
        let mut rungs = vec![vec![Rung::default(); n_ladders]; n_levels];
        for (name, part) in PARTS {
            let values = saved.matrix(name, n_levels, n_ladders)?;
            for (k, level) in rungs.iter_mut().enumerate() {
                level.iter_mut().enumerate().for_each(|(i, r)| *part(r) = values.get(k, i));
            }
        }
        Ok(Self {
            info: (0..n_levels).map(|k| info(saved, &level(k))).collect::<Result<_, _>>()?,
            swaps: swaps.collect(),
            n_round_trips: integers(saved, "round_trips", n_ladders)?.to_vec(),
            rungs,
        })
    }
}

/// Under which the counts of a level are kept.
fn level(k: usize) -> String {
    format!("level {k} draws")
}

/// Integers, as many as asked for.
pub(super) fn integers<'a>(saved: &'a Saved, name: &str, n: usize) -> Result<&'a [u64], SavedError> {
    let found = saved.all_integers(name)?;
    if found.len() == n {
        return Ok(found);
    }
    Err(SavedError::Entry { name: name.into(), expected: format!("{n} integers") })
}

/// Numbers, as many as asked for.
pub(super) fn numbers<'a>(saved: &'a Saved, name: &str, n: usize) -> Result<&'a [f64], SavedError> {
    let found = saved.numbers(name)?;
    if found.len() == n {
        return Ok(found);
    }
    Err(SavedError::Entry { name: name.into(), expected: format!("{n} numbers") })
}
