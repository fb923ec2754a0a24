//! Which pairs of sites are coupled, and how strongly.

use super::colours::colours;

/// A coupling between two sites.
pub type Edge = (usize, usize, f64);

/// Pairs of sites with a weight each, in the order they were given and by neighbours.
#[derive(Clone, Debug, PartialEq)]
pub struct Couplings {
    pairs: Vec<(u32, u32)>,
    weights: Vec<f64>,
    /// Where the neighbours of each site begin in what follows.
    start: Vec<u32>,
    neighbour: Vec<u32>,
    /// Which pair that is, and its weight again: neighbours are read far more often than weights change.
    pair: Vec<u32>,
    weight: Vec<f64>,
    blocks: Vec<Vec<usize>>,
}

/// Couplings that make no energy.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EdgeError {
    /// A site that is not there.
    #[error("the coupling between {a} and {b} needs more than the {d} sites there are", a = .a + 1, b = .b + 1)]
    Site {
        /// One site, from 0.
        a: usize,
        /// The other.
        b: usize,
        /// Number of sites.
        d: usize,
    },
    /// A site coupled to itself.
    #[error("site {site} is coupled to itself", site = .site + 1)]
    Loop {
        /// Which, from 0.
        site: usize,
    },
    /// A weight that is NaN or infinite.
    #[error("the coupling between {a} and {b} is {weight}", a = .a + 1, b = .b + 1)]
    NotFinite {
        /// One site, from 0.
        a: usize,
        /// The other.
        b: usize,
        /// The weight.
        weight: f64,
    },
    /// A pair that is there twice.
    #[error("{a} and {b} are coupled twice", a = .a + 1, b = .b + 1)]
    Twice {
        /// One site, from 0.
        a: usize,
        /// The other.
        b: usize,
    },
}

impl Couplings {
    /// Couplings between `d` sites.
    ///
    /// # Errors
    /// [`EdgeError`].
    pub fn new(d: usize, edges: &[Edge]) -> Result<Self, EdgeError> {
        let mut near: Vec<Vec<(u32, u32)>> = vec![Vec::new(); d];
        for (k, &(a, b, weight)) in edges.iter().enumerate() {
            if a.max(b) >= d {
                return Err(EdgeError::Site { a, b, d });
            }
            if a == b {
                return Err(EdgeError::Loop { site: a });
            }
            if !weight.is_finite() {
                return Err(EdgeError::NotFinite { a, b, weight });
            }
            near[a].push((b as u32, k as u32));
            near[b].push((a as u32, k as u32));
        }
        for (a, near) in near.iter_mut().enumerate() {
            near.sort_unstable();
            if let Some(w) = near.windows(2).find(|w| w[0].0 == w[1].0) {
                return Err(EdgeError::Twice { a, b: w[0].0 as usize });
            }
        }
        let blocks = colours(d, |site| near[site].iter().map(|(other, _)| *other as usize).collect());
        let mut start = vec![0];
        near.iter().for_each(|n| start.push(start[start.len() - 1] + n.len() as u32));
        let near: Vec<(u32, u32)> = near.into_iter().flatten().collect();
        let weights: Vec<f64> = edges.iter().map(|e| e.2).collect();
        Ok(Self {
            pairs: edges.iter().map(|(a, b, _)| (*a as u32, *b as u32)).collect(),
            start,
            neighbour: near.iter().map(|n| n.0).collect(),
            pair: near.iter().map(|n| n.1).collect(),
            weight: near.iter().map(|n| weights[n.1 as usize]).collect(),
            weights,
            blocks,
        })
    }

    /// The pairs, in the order given.
    pub fn pairs(&self) -> impl ExactSizeIterator<Item = (usize, usize)> + '_ {
        self.pairs.iter().map(|(a, b)| (*a as usize, *b as usize))
    }

    /// Their weights.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Sets the weights, as many as there are pairs.
    pub fn set_weights(&mut self, weights: &[f64]) {
        self.weights.copy_from_slice(weights);
        for (weight, pair) in self.weight.iter_mut().zip(&self.pair) {
            *weight = weights[*pair as usize];
        }
    }

    /// The neighbours of a site, in order, with the weights of the couplings.
    pub fn of(&self, site: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let range = self.start[site] as usize..self.start[site + 1] as usize;
        self.neighbour[range.clone()].iter().map(|n| *n as usize).zip(self.weight[range].iter().copied())
    }

    /// Sets of sites that are not coupled to each other.
    pub fn blocks(&self) -> &[Vec<usize>] {
        &self.blocks
    }
}
