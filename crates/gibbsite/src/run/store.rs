//! Draws on disk while they are made: a folder of plain NPY files, one for each piece of a run, each of which numpy reads
//! on its own. Memory never holds more than a piece, or what is asked for.
//!
//! `draws-FIRST.npy` is `(chains, draws, dim)`, FIRST its first draw; `energy-FIRST.npy` is `(chains, draws)`, and so is
//! `total-energy-FIRST.npy`, which only Hamiltonian kernels have. `checksum-FIRST.npy` comes last: the CRC-32 of each of
//! these files, in this order. A file is whole or absent.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::Draws;
use crate::table::{DataError, write_npy};

mod export;
pub use export::Format;
#[cfg(feature = "parquet")]
mod parquet;
mod piece;
use piece::Reader;

/// Numbers of a piece, energies included: 8 MiB.
const PIECE: usize = 1 << 20;

/// Numbers held while files are read.
const BUFFER: usize = 1 << 21;

/// What the files of a piece hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// The coordinates.
    Draws,
    /// The energy.
    Energy,
    /// The total energy at the start of the transition, of kernels with momenta.
    TotalEnergy,
    /// No quantity of a draw: the checksums of the files of the others, CRC-32 as whole numbers.
    Checksum,
}

impl Quantity {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Draws, Self::Energy, Self::TotalEnergy, Self::Checksum];

    /// Those that are kept of every draw, in the order of their checksums; the last is left out of kernels without momenta.
    const KEPT: [Self; 3] = [Self::Draws, Self::Energy, Self::TotalEnergy];

    /// The files of the quantity begin with it.
    pub fn name(self) -> &'static str {
        match self {
            Quantity::Draws => "draws",
            Quantity::Energy => "energy",
            Quantity::TotalEnergy => "total-energy",
            Quantity::Checksum => "checksum",
        }
    }
}

/// Why draws cannot be kept or read.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The file system.
    #[error("cannot {action} {file}: {source}")]
    Io {
        /// `read`, `write` or `remove`.
        action: &'static str,
        /// The file.
        file: String,
        /// The system's reason.
        source: io::Error,
    },
    /// A file that is not what the run wrote.
    #[error("{file} is not what the run wrote: {reason}")]
    Damaged {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
}

impl StoreError {
    /// The same, with how many draws before the piece are as they were written.
    fn after(self, n_whole: usize) -> Self {
        match self {
            Self::Damaged { file, reason } if n_whole > 0 => Self::Damaged {
                file,
                reason: format!("{reason} (the {n_whole} draws of each chain before it are whole)"),
            },
            other => other,
        }
    }
}

/// Draws per chain of a piece; depends on the problem only, so that a run writes the same files however often it is
/// interrupted.
pub fn draws_of_a_piece(n_chains: usize, dim: usize) -> usize {
    (PIECE / n_chains.saturating_mul(dim + 1).max(1)).max(1)
}

/// The pieces of a run, in order.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
    n_chains: usize,
    dim: usize,
    /// First draw and number of draws of each piece.
    pieces: Vec<(usize, usize)>,
    /// Quantities of each piece: 2, or 3 with total energies.
    n_kept: usize,
}

impl Store {
    /// No draws yet, to be kept in `folder`, which exists.
    pub fn new(folder: impl Into<PathBuf>, n_chains: usize, dim: usize) -> Self {
        Self { folder: folder.into(), n_chains, dim, pieces: Vec::new(), n_kept: 2 }
    }

    /// The first `n_draws` draws that are in `folder`; what is there beyond them, for a run that was killed between
    /// writing a piece and saying so, is left to be written again. All of them are read, to compare them with their checksums.
    ///
    /// # Errors
    /// [`StoreError`] if a file of a piece is missing, cut short, of another shape, or changed in a single bit.
    pub fn open(folder: impl Into<PathBuf>, n_chains: usize, dim: usize, n_draws: usize) -> Result<Self, StoreError> {
        let mut store = Self::new(folder, n_chains, dim);
        while store.n_draws() < n_draws {
            let first = store.n_draws();
            let (n, n_kept) = store.verify(first).map_err(|e| e.after(first))?;
            if first + n > n_draws {
                let reason = format!("it does not end with draw {}, as the run does", n_draws - 1);
                return Err(piece::damaged(&store.file(Quantity::Draws, first), reason));
            }
            if first > 0 && n_kept != store.n_kept {
                let reason = format!("it lists {n_kept} files, those before {}", store.n_kept);
                return Err(piece::damaged(&store.file(Quantity::Checksum, first), reason));
            }
            store.n_kept = n_kept;
            store.pieces.push((first, n));
        }
        Ok(store)
    }

    /// Where the files are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Draws per chain.
    pub fn n_draws(&self) -> usize {
        self.pieces.last().map_or(0, |(first, n)| first + n)
    }

    /// Writes the next draws.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    ///
    /// # Panics
    /// If the draws have another number of chains or coordinates.
    pub fn append(&mut self, draws: &Draws) -> Result<(), StoreError> {
        assert_eq!((draws.n_chains(), draws.dim()), (self.n_chains, self.dim), "draws of another shape");
        let (first, n) = (self.n_draws(), draws.n_draws());
        let n_kept = if draws.hamiltonian().is_empty() { 2 } else { 3 };
        assert!(first == 0 || n_kept == self.n_kept, "draws of another kernel");
        let shape = [self.n_chains, n, self.dim];
        let write = |quantity: Quantity, shape: &[usize], values: &[f64]| {
            let file = self.file(quantity, first);
            let unwritable = |source| StoreError::Io { action: "write", file: show(&file), source };
            write_npy(&file, shape, values).map_err(|e| match e {
                DataError::Write { source, .. } => unwritable(source),
                other => unwritable(io::Error::other(other)),
            })?;
            piece::checksum(shape, values).map_err(unwritable)
        };
        let mut checksums = Vec::new();
        for (quantity, shape, values) in [
            (Quantity::Draws, &shape[..], draws.values()),
            (Quantity::Energy, &shape[..2], draws.energy()),
            (Quantity::TotalEnergy, &shape[..2], draws.hamiltonian()),
        ]
        .into_iter()
        .take(n_kept)
        {
            checksums.push(f64::from(write(quantity, shape, values)?));
        }
        write(Quantity::Checksum, &[n_kept], &checksums)?;
        self.pieces.push((first, n));
        self.n_kept = n_kept;
        Ok(())
    }

    /// The coordinates `columns` (0 for an energy) of every `every`-th draw, index `(chain * n_kept + draw / every) *
    /// columns + column`, `n_kept` the number of draws kept of each chain.
    ///
    /// `n_draws` is the number of draws in a chain as the caller counts them: independent draws may be kept as one long
    /// chain, and are then cut into chains of that length.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn every(
        &self,
        quantity: Quantity,
        columns: Range<usize>,
        n_draws: usize,
        every: usize,
    ) -> Result<Vec<f64>, StoreError> {
        let keep = |draw: usize| draw.is_multiple_of(every).then_some(draw / every);
        self.select(quantity, columns, n_draws, n_draws.div_ceil(every), &keep)
    }

    /// The last `n` draws of each chain of a quantity that is one number, index `chain * n + draw`; empty if it was not kept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn last(&self, quantity: Quantity, n: usize) -> Result<Vec<f64>, StoreError> {
        let total = self.n_draws();
        let n = n.min(total);
        if !Quantity::KEPT[..self.n_kept].contains(&quantity) {
            return Ok(Vec::new());
        }
        self.select(quantity, 0..1, total, n, &|draw| draw.checked_sub(total - n))
    }

    /// The draws that `keep` gives a place among the `n_kept` of a chain.
    fn select(
        &self,
        quantity: Quantity,
        columns: Range<usize>,
        n_draws: usize,
        n_kept: usize,
        keep: &dyn Fn(usize) -> Option<usize>,
    ) -> Result<Vec<f64>, StoreError> {
        let (width, total) = (self.width(quantity), self.n_draws());
        let n_columns = columns.len();
        let mut out = vec![0.0; (self.n_chains * total / n_draws.max(1)) * n_kept * n_columns];
        let mut rows = Vec::new();
        for &(first, n) in &self.pieces {
            if n_draws == total && (first..first + n).all(|draw| keep(draw).is_none()) {
                continue;
            }
            let mut reader = self.reader(quantity, first, n)?;
            let group = (BUFFER / (n * width)).max(1);
            for chain in (0..self.n_chains).step_by(group) {
                let chains = chain..(chain + group).min(self.n_chains);
                reader.read(chains.clone(), &mut rows)?;
                for (i, row) in rows.chunks_exact(width).enumerate() {
                    let place = (chain + i / n) * total + first + i % n;
                    if let Some(kept) = keep(place % n_draws) {
                        let to = (place / n_draws * n_kept + kept) * n_columns;
                        out[to..to + n_columns].copy_from_slice(&row[columns.clone()]);
                    }
                }
            }
        }
        Ok(out)
    }

    /// Calls `see` with all numbers of a quantity in the order (chain, draw, coordinate), some at a time.
    fn chain_after_chain(&self, quantity: Quantity, see: &mut dyn FnMut(&[f64]) -> io::Result<()>) -> io::Result<()> {
        let (width, total) = (self.width(quantity), self.n_draws());
        let of_chain = total * width;
        // Several chains at a time, where they fit, so that a file is not opened for every chain anew.
        let group = (BUFFER / of_chain.max(1)).clamp(1, self.n_chains.max(1));
        let (mut rows, mut whole) = (Vec::new(), vec![0.0; if of_chain <= BUFFER { group * of_chain } else { 0 }]);
        for chain in (0..self.n_chains).step_by(group) {
            let chains = chain..(chain + group).min(self.n_chains);
            for &(first, n) in &self.pieces {
                let read = self.reader(quantity, first, n).and_then(|mut r| r.read(chains.clone(), &mut rows));
                read.map_err(io::Error::other)?;
                if whole.is_empty() {
                    see(&rows)?;
                    continue;
                }
                for (c, row) in rows.chunks_exact(n * width).enumerate() {
                    let to = c * of_chain + first * width;
                    whole[to..to + row.len()].copy_from_slice(row);
                }
            }
            if !whole.is_empty() {
                see(&whole[..chains.len() * of_chain])?;
            }
        }
        Ok(())
    }

    fn width(&self, quantity: Quantity) -> usize {
        if quantity == Quantity::Draws { self.dim } else { 1 }
    }

    fn file(&self, quantity: Quantity, first: usize) -> PathBuf {
        self.folder.join(format!("{}-{first:012}.npy", quantity.name()))
    }

    /// Reads all files of a piece and compares them with their checksums. Number of its draws, and of the quantities kept.
    fn verify(&self, first: usize) -> Result<(usize, usize), StoreError> {
        // The draws come first, for they are what a reader of the message looks for.
        let [draws, checksums] = [Quantity::Draws, Quantity::Checksum].map(|q| self.file(q, first));
        piece::require(&draws)?;
        let checksums = piece::read_checksums(&checksums)?;
        let mut n_draws = None;
        for (quantity, checksum) in Quantity::KEPT.into_iter().zip(&checksums) {
            let path = self.file(quantity, first);
            let n = piece::verify(&path, &self.shape_of_draw(quantity), self.n_chains, *checksum)?;
            if *n_draws.get_or_insert(n) != n {
                return Err(piece::damaged(&path, format!("it holds {n} draws, the others of the piece do not")));
            }
        }
        Ok((n_draws.unwrap_or(0), checksums.len()))
    }

    /// Reads all pieces and compares them with their checksums.
    ///
    /// # Errors
    /// [`StoreError`], with the first file that is not what the run wrote.
    pub fn verify_all(&self) -> Result<(), StoreError> {
        for &(first, n) in &self.pieces {
            if self.verify(first)? != (n, self.n_kept) {
                let reason = format!("it does not hold the draws {first} to {}", first + n - 1);
                return Err(piece::damaged(&self.file(Quantity::Checksum, first), reason));
            }
        }
        Ok(())
    }

    /// Lengths after those of chains and draws.
    fn shape_of_draw(&self, quantity: Quantity) -> Vec<usize> {
        if quantity == Quantity::Draws { vec![self.dim] } else { Vec::new() }
    }

    fn reader(&self, quantity: Quantity, first: usize, n: usize) -> Result<Reader, StoreError> {
        let path = self.file(quantity, first);
        let shape = [&[self.n_chains, n], &self.shape_of_draw(quantity)[..]].concat();
        Reader::open(path, &shape, n * self.width(quantity))
    }
}

fn show(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests;
