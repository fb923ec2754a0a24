//! The draws of a run, laid out (chain, draw, coordinate) as ArviZ does.

use bytemuck::allocation::try_zeroed_vec;

use super::RunError;
use crate::energy::Energy;
use crate::kernel::ChainState;
use crate::points::{Matrix, Points, Space, Values};

/// Draws `(n_chains, n_draws, dim)`, labels by their values, the energy of each, and for Hamiltonian kernels the total energy of each transition.
#[derive(Clone, Debug, PartialEq)]
pub struct Draws {
    n_chains: usize,
    n_draws: usize,
    dim: usize,
    values: Vec<f64>,
    energy: Vec<f64>,
    hamiltonian: Vec<f64>,
}

impl Draws {
    /// Room for draws, all zero; with `hamiltonian` also for the total energies.
    ///
    /// # Errors
    /// [`RunError::TooLarge`] when memory does not suffice.
    pub fn with_room(n_chains: usize, n_draws: usize, dim: usize, hamiltonian: bool) -> Result<Self, RunError> {
        let too_large = RunError::TooLarge { n_chains, n_draws, dim };
        // Zero pages of the system: each is touched by the thread that first writes there.
        let zeros = |len: Option<usize>| try_zeroed_vec::<f64>(len?).ok();
        let n = n_chains.checked_mul(n_draws);
        let n_hamiltonian = if hamiltonian { n } else { Some(0) };
        match (zeros(n.and_then(|n| n.checked_mul(dim))), zeros(n), zeros(n_hamiltonian)) {
            (Some(values), Some(energy), Some(hamiltonian)) => {
                Ok(Self { n_chains, n_draws, dim, values, energy, hamiltonian })
            }
            _ => Err(too_large),
        }
    }

    /// Draws made elsewhere: `values` with index `(chain * n_draws + draw) * dim + j`, `energy` with index
    /// `chain * n_draws + draw`; no total energies.
    ///
    /// # Panics
    /// If the lengths do not match.
    pub fn from_parts(n_chains: usize, n_draws: usize, dim: usize, values: Vec<f64>, energy: Vec<f64>) -> Self {
        assert_eq!(energy.len(), n_chains * n_draws, "one energy for each draw");
        assert_eq!(values.len(), energy.len() * dim, "dim values for each draw");
        Self { n_chains, n_draws, dim, values, energy, hamiltonian: Vec::new() }
    }

    /// The values and the energies, laid out as [`Draws::values`] and [`Draws::energy`] are.
    pub fn into_parts(self) -> (Vec<f64>, Vec<f64>) {
        (self.values, self.energy)
    }

    /// Number of chains.
    pub fn n_chains(&self) -> usize {
        self.n_chains
    }

    /// Draws per chain.
    pub fn n_draws(&self) -> usize {
        self.n_draws
    }

    /// Number of coordinates.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// All values, index `(chain * n_draws + draw) * dim + j`.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The energy of each draw, index `chain * n_draws + draw`.
    pub fn energy(&self) -> &[f64] {
        &self.energy
    }

    /// Total energy H = E + |p|^2 / 2 at the start of each transition, index `chain * n_draws + draw`; empty for kernels
    /// without momenta.
    pub fn hamiltonian(&self) -> &[f64] {
        &self.hamiltonian
    }

    /// Coordinate `j` of one draw.
    pub fn get(&self, chain: usize, draw: usize, j: usize) -> f64 {
        self.values[(chain * self.n_draws + draw) * self.dim + j]
    }

    /// Coordinate `j` of one chain, in order.
    pub fn chain(&self, chain: usize, j: usize) -> impl ExactSizeIterator<Item = f64> + '_ {
        let start = chain * self.n_draws * self.dim;
        self.values[start..start + self.n_draws * self.dim].chunks_exact(self.dim.max(1)).map(move |row| row[j])
    }

    /// Coordinate `j` of every chain: what diagnostics take.
    pub fn coordinate(&self, j: usize) -> Vec<Vec<f64>> {
        (0..self.n_chains).map(|c| self.chain(c, j).collect()).collect()
    }

    /// The energies of every chain: what diagnostics take.
    pub fn energy_chains(&self) -> Vec<Vec<f64>> {
        self.energy.chunks(self.n_draws.max(1)).map(<[f64]>::to_vec).collect()
    }

    /// The total energies of every chain: what [`crate::diagnostics`] calls E-BFMI takes. Empty for kernels without momenta.
    pub fn hamiltonian_chains(&self) -> Vec<Vec<f64>> {
        self.hamiltonian.chunks(self.n_draws.max(1)).map(<[f64]>::to_vec).collect()
    }

    /// All draws as points with real coordinates, chain after chain.
    pub fn points(&self) -> Points {
        let n = self.n_chains * self.n_draws;
        Points::from_real(Matrix::from_fn(n, self.dim, |i, j| self.values[i * self.dim + j]))
    }

    /// Draw `t` of every chain as points of that space. A value that is none of its label's counts as the first.
    pub fn at(&self, t: usize, space: &Space) -> Points {
        let (n, dim) = (self.n_chains, space.dim());
        Points {
            real: Matrix::from_fn(n, dim, |i, j| self.get(i, t, j)),
            label: Matrix::from_fn(n, space.labels.len(), |i, j| {
                space.labels[j].label_of(self.get(i, t, dim + j)).unwrap_or(0)
            }),
        }
    }

    /// Replaces each value by `f(j, value)`, `j` its coordinate; the energies stay, see [`Draws::evaluate`].
    pub fn map_in_place(&mut self, f: impl Fn(usize, f64) -> f64) {
        for row in self.values.chunks_exact_mut(self.dim.max(1)) {
            for (j, v) in row.iter_mut().enumerate() {
                *v = f(j, *v);
            }
        }
    }

    /// Replaces the energies by those of `energy` at the draws.
    pub fn evaluate<E: Energy + ?Sized>(&mut self, energy: &E) {
        const ROWS: usize = 256;
        if self.dim == 0 {
            return;
        }
        for (out, rows) in self.energy.chunks_mut(ROWS).zip(self.values.chunks(ROWS * self.dim)) {
            let x = Points::from_real(Matrix::from_fn(out.len(), self.dim, |i, j| rows[i * self.dim + j]));
            energy.energy(&x, out);
        }
    }

    /// Chains whose draws are all equal; 0 when there is one draw.
    pub fn n_stuck(&self) -> usize {
        if self.n_draws < 2 || self.dim == 0 {
            return 0;
        }
        let len = self.n_draws * self.dim;
        let stuck = |chain: &[f64]| chain.chunks_exact(self.dim).all(|row| row == &chain[..self.dim]);
        self.values.chunks_exact(len).filter(|chain| stuck(chain)).count()
    }

    /// Cuts the room into blocks of `size` chains.
    pub(crate) fn rooms<'a>(&'a mut self, size: usize, labels: &'a [Values]) -> Vec<Room<'a>> {
        let (n_draws, dim) = (self.n_draws, self.dim);
        if dim == 0 {
            return Vec::new();
        }
        let values = self.values.chunks_mut(size * n_draws * dim);
        let energies = self.energy.chunks_mut(size * n_draws);
        let mut hamiltonians = self.hamiltonian.chunks_mut(size * n_draws);
        values
            .zip(energies)
            .map(|(values, energy)| {
                let hamiltonian = hamiltonians.next().unwrap_or_default();
                Room { n_draws, dim, labels, values, energy, hamiltonian }
            })
            .collect()
    }
}

/// Room for the draws of one block.
pub(crate) struct Room<'a> {
    n_draws: usize,
    dim: usize,
    /// What labels stand for: the last coordinates.
    labels: &'a [Values],
    values: &'a mut [f64],
    energy: &'a mut [f64],
    hamiltonian: &'a mut [f64],
}

impl Room<'_> {
    /// Writes draw `t` of every chain of the block.
    pub(crate) fn record(&mut self, t: usize, state: &impl ChainState) {
        for (i, e) in state.energy().iter().enumerate() {
            self.energy[i * self.n_draws + t] = *e;
        }
        if !self.hamiltonian.is_empty() {
            for (i, h) in state.hamiltonian().iter().enumerate() {
                self.hamiltonian[i * self.n_draws + t] = *h;
            }
        }
        let x = state.x();
        for j in 0..x.dim() {
            for (i, v) in x.real.col(j).iter().enumerate() {
                self.values[(i * self.n_draws + t) * self.dim + j] = *v;
            }
        }
        for (k, values) in self.labels.iter().enumerate() {
            for (i, label) in x.label.col(k).iter().enumerate() {
                self.values[(i * self.n_draws + t) * self.dim + x.dim() + k] = values.get(*label);
            }
        }
    }
}
