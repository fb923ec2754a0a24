//! Draws on disk while they are made: a folder of plain NPY files, one for each piece of a run, each of which numpy reads
//! on its own. Memory never holds more than a piece, or what is asked for.
//!
//! `draws-FIRST.npy` is `(chains, draws, dim)`, FIRST its first draw; `energy-FIRST.npy` is `(chains, draws)`, and so is
//! `total-energy-FIRST.npy`, which only Hamiltonian kernels have. A file is whole or absent.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::Draws;
use crate::table::npy::read_shape;
use crate::table::write::npy_header;
use crate::table::{DataError, write_npy};

mod export;
pub use export::Format;
#[cfg(feature = "parquet")]
mod parquet;

/// Numbers of a piece, energies included: 8 MiB.
const PIECE: usize = 1 << 20;

/// Numbers held while files are read.
const BUFFER: usize = 1 << 21;

/// What is kept of a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// The coordinates.
    Draws,
    /// The energy.
    Energy,
    /// The total energy at the start of the transition, of kernels with momenta.
    TotalEnergy,
}

impl Quantity {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Draws, Self::Energy, Self::TotalEnergy];

    /// The files of the quantity begin with it.
    pub fn name(self) -> &'static str {
        match self {
            Quantity::Draws => "draws",
            Quantity::Energy => "energy",
            Quantity::TotalEnergy => "total-energy",
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
}

impl Store {
    /// No draws yet, to be kept in `folder`, which exists.
    pub fn new(folder: impl Into<PathBuf>, n_chains: usize, dim: usize) -> Self {
        Self { folder: folder.into(), n_chains, dim, pieces: Vec::new() }
    }

    /// The first `n_draws` draws that are in `folder`; what is there beyond them, for a run that was killed between
    /// writing a piece and saying so, is left to be written again.
    ///
    /// # Errors
    /// [`StoreError`] if a piece is missing, cut short or of another shape.
    pub fn open(folder: impl Into<PathBuf>, n_chains: usize, dim: usize, n_draws: usize) -> Result<Self, StoreError> {
        let mut store = Self::new(folder, n_chains, dim);
        while store.n_draws() < n_draws {
            let first = store.n_draws();
            let n = store.check_piece(Quantity::Draws, first)?;
            if first + n > n_draws || store.check_piece(Quantity::Energy, first)? != n {
                let reason = format!("it does not end with draw {}, as the run does", n_draws - 1);
                return Err(StoreError::Damaged { file: show(&store.file(Quantity::Draws, first)), reason });
            }
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
        let shape = [self.n_chains, n, self.dim];
        for (quantity, shape, values) in [
            (Quantity::Draws, &shape[..], draws.values()),
            (Quantity::Energy, &shape[..2], draws.energy()),
            (Quantity::TotalEnergy, &shape[..2], draws.hamiltonian()),
        ] {
            if quantity == Quantity::TotalEnergy && values.is_empty() {
                continue;
            }
            let file = self.file(quantity, first);
            write_npy(&file, shape, values).map_err(|e| StoreError::Io {
                action: "write",
                file: show(&file),
                source: match e {
                    DataError::Write { source, .. } => source,
                    other => io::Error::other(other),
                },
            })?;
        }
        self.pieces.push((first, n));
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
        if !self.pieces.first().is_some_and(|(first, _)| self.file(quantity, *first).exists()) {
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

    fn shape(&self, quantity: Quantity, n: usize) -> Vec<usize> {
        let shape = [self.n_chains, n, self.dim];
        shape[..if quantity == Quantity::Draws { 3 } else { 2 }].to_vec()
    }

    fn file(&self, quantity: Quantity, first: usize) -> PathBuf {
        self.folder.join(format!("{}-{first:012}.npy", quantity.name()))
    }

    /// Draws of the piece that begins with draw `first`.
    fn check_piece(&self, quantity: Quantity, first: usize) -> Result<usize, StoreError> {
        let path = self.file(quantity, first);
        let damaged = |reason: String| StoreError::Damaged { file: show(&path), reason };
        let unreadable = |source| StoreError::Io { action: "read", file: show(&path), source };
        let mut file = File::open(&path).map_err(unreadable)?;
        let found = read_shape(&mut file).map_err(|e| damaged(format!("it {e}")))?;
        let n = found.get(1).copied().unwrap_or(0);
        let expected = self.shape(quantity, n);
        if found != expected || n == 0 {
            return Err(damaged(format!("its shape is {found:?}")));
        }
        let header = npy_header(&expected).map_err(unreadable)?;
        let n_bytes = expected.iter().try_fold(8usize, |a, b| a.checked_mul(*b)).map(|n| (n + header.len()) as u64);
        let length = file.metadata().map_err(unreadable)?.len();
        let mut start = vec![0; header.len()];
        file.seek(SeekFrom::Start(0)).and_then(|_| file.read_exact(&mut start)).map_err(unreadable)?;
        if n_bytes != Some(length) || start != header {
            return Err(damaged(format!("it has {length} bytes, which is not what shape {found:?} needs")));
        }
        Ok(n)
    }

    fn reader(&self, quantity: Quantity, first: usize, n: usize) -> Result<Reader, StoreError> {
        let path = self.file(quantity, first);
        let unreadable = |source| StoreError::Io { action: "read", file: show(&path), source };
        let start = npy_header(&self.shape(quantity, n)).map_err(unreadable)?.len();
        let file = File::open(&path).map_err(unreadable)?;
        Ok(Reader { file, path, start, of_chain: n * self.width(quantity), bytes: Vec::new() })
    }
}

/// An open piece.
struct Reader {
    file: File,
    path: PathBuf,
    /// Where the numbers begin.
    start: usize,
    /// Numbers of a chain.
    of_chain: usize,
    bytes: Vec<u8>,
}

impl Reader {
    /// All numbers of some chains.
    fn read(&mut self, chains: Range<usize>, out: &mut Vec<f64>) -> Result<(), StoreError> {
        let at = (self.start + 8 * chains.start * self.of_chain) as u64;
        self.bytes.resize(8 * chains.len() * self.of_chain, 0);
        let read = self.file.seek(SeekFrom::Start(at)).and_then(|_| self.file.read_exact(&mut self.bytes));
        read.map_err(|source| StoreError::Io { action: "read", file: show(&self.path), source })?;
        out.clear();
        out.extend(self.bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)));
        Ok(())
    }
}

fn show(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::energy::formula::Formula;
    use crate::kernel::{Hmc, Metric};
    use crate::run::saved::Saved;
    use crate::run::{KernelSession, RunOptions, Session, initial_points, sample};

    fn options() -> RunOptions {
        RunOptions { n_draws: 23, thin: 2, n_warmup: 80, seed: 3, block: 4 }
    }

    /// Seven chains cut at odd places, kept, and gone on with from the bytes of the checkpoint each time.
    #[test]
    fn pieces_of_a_run_are_the_run_to_the_bit() {
        compare(&options(), Hmc::new(0.5, 4), false);
        compare(&options(), crate::kernel::Nuts::new(0.5), false);
        // Steps so long that most of them diverge.
        compare(&RunOptions { n_warmup: 0, ..options() }, Hmc::new(3.0, 4), true);
    }

    fn compare<K>(options: &RunOptions, kernel: K, diverges: bool)
    where
        K: crate::adapt::Adapt<Formula> + PartialEq + std::fmt::Debug,
    {
        let options = || options.clone();
        let energy = Formula::parse("x^2 + 0.9*x*y + y^2/3 + 0.1*y^4").unwrap();
        let init = initial_points(&energy, 7, 1).unwrap();
        let whole = sample(&energy, &kernel, init.clone(), &options(), &|_| {}).unwrap();
        assert_eq!(whole.divergences.is_empty(), !diverges);
        let mut divergences = whole.divergences.clone();
        divergences.sort_by_key(|d| (d.chain, d.draw));
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::new(folder.path(), 7, 2);
        let mut state = KernelSession::start(&energy, &kernel, init, &options(), &|_| {}).unwrap().save();
        for n in [1, 5, 2, 15] {
            let saved = Saved::from_bytes(&state.to_bytes().unwrap()).unwrap();
            let mut session = KernelSession::resume(&energy, kernel.clone(), &options(), 7, &saved).unwrap();
            assert_eq!(session.n_done(), store.n_draws());
            store.append(&session.draw(n, &|_| {}).unwrap()).unwrap();
            state = session.save();
            assert_eq!(*session.kernel(), whole.kernel);
            if session.n_done() == 23 {
                assert_eq!((session.info(), session.judge().unwrap()), (&whole.info, whole.warnings.clone()));
                let outcome = session.finish(whole.draws.clone()).unwrap();
                assert_eq!((outcome.last, outcome.divergences), (whole.last.clone(), divergences.clone()));
            }
        }
        let store = Store::open(folder.path(), 7, 2, 23).unwrap();
        let all = |q, columns| store.every(q, columns, 23, 1).unwrap();
        assert_eq!(all(Quantity::Draws, 0..2), whole.draws.values());
        assert_eq!(all(Quantity::Energy, 0..1), whole.draws.energy());
        assert_eq!(all(Quantity::TotalEnergy, 0..1), whole.draws.hamiltonian());
        let second: Vec<f64> = (0..7).flat_map(|c| whole.draws.chain(c, 1).step_by(5).collect::<Vec<_>>()).collect();
        assert_eq!(store.every(Quantity::Draws, 1..2, 23, 5).unwrap(), second);
        let late: Vec<f64> = whole.draws.hamiltonian().chunks(23).flat_map(|c| c[19..].to_vec()).collect();
        assert_eq!(store.last(Quantity::TotalEnergy, 4).unwrap(), late);
        assert_eq!(store.last(Quantity::TotalEnergy, 99).unwrap(), whole.draws.hamiltonian());
    }

    #[test]
    fn a_metric_with_directions_is_kept() {
        let energy = Formula::parse("x^2 + y^2").unwrap();
        let s = std::f64::consts::FRAC_1_SQRT_2;
        let vectors = crate::points::Matrix::from_columns(2, 1, vec![s, s]);
        let kernel = Hmc { metric: Metric::low_rank(vec![1.0, 2.0], vectors, vec![3.0]), ..Hmc::new(0.3, 3) };
        let options = RunOptions { n_warmup: 0, ..options() };
        let init = initial_points(&energy, 3, 1).unwrap();
        let session = KernelSession::start(&energy, &kernel, init, &options, &|_| {}).unwrap();
        let back = KernelSession::resume(&energy, Hmc::new(9.0, 3), &options, 3, &session.save()).unwrap();
        assert_eq!(*back.kernel(), kernel);
        assert!(KernelSession::resume(&energy, Hmc::new(9.0, 3), &options, 4, &session.save()).is_err());
    }

    #[test]
    fn what_the_run_did_not_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::new(folder.path(), 2, 1);
        let draws = |n: usize| Draws::from_parts(2, n, 1, vec![1.0; 2 * n], vec![0.0; 2 * n]);
        store.append(&draws(3)).unwrap();
        store.append(&draws(2)).unwrap();
        let open = |chains, n| Store::open(folder.path(), chains, 1, n).map(|s| s.n_draws()).map_err(|e| e.to_string());
        assert_eq!((open(2, 5), open(2, 3), open(2, 0)), (Ok(5), Ok(3), Ok(0)));
        assert!(open(2, 4).unwrap_err().contains("end with draw 3"), "{:?}", open(2, 4));
        assert!(open(1, 5).unwrap_err().contains("shape"));
        assert!(open(2, 6).unwrap_err().contains("cannot read"));
        let file = folder.path().join("energy-000000000003.npy");
        let bytes = fs::read(&file).unwrap();
        fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
        assert!(open(2, 5).unwrap_err().contains("bytes"), "{:?}", open(2, 5));
    }

    /// Chains longer than the buffer are written piece by piece, shorter ones several at a time: the same file.
    #[test]
    fn exports_equal_files_of_draws_held_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        for (n_chains, n_draws, dim) in [(3, 40, 2), (2, BUFFER / 2 + 1, 2)] {
            let n = n_chains * n_draws;
            let value = |i: usize| (i as f64 * 0.37).sin() * 10f64.powi((i % 40) as i32 - 20);
            let values: Vec<f64> = (0..n * dim).map(value).collect();
            let energy: Vec<f64> = (0..n).map(value).collect();
            let mut store = Store::new(folder.path(), n_chains, dim);
            for first in (0..n_draws).step_by(n_draws / 3) {
                let cut = |v: &[f64], w: usize| -> Vec<f64> {
                    v.chunks(n_draws * w)
                        .flat_map(|c| c[first * w..(first + n_draws / 3).min(n_draws) * w].to_vec())
                        .collect()
                };
                let (values, energy) = (cut(&values, dim), cut(&energy, 1));
                store.append(&Draws::from_parts(n_chains, energy.len() / n_chains, dim, values, energy)).unwrap();
            }
            let (a, b) = (folder.path().join("a"), folder.path().join("b"));
            let same = || assert!(fs::read(&a).unwrap() == fs::read(&b).unwrap());
            let shape = [n_chains, n_draws, dim];
            store.export(&a, Format::Npy, n_draws).unwrap();
            write_npy(&b, &shape, &values).unwrap();
            same();
            store.export(&a, Format::Npz, n_draws).unwrap();
            crate::table::write_npz(&b, &[("draws", &shape, &values), ("energy", &shape[..2], &energy)]).unwrap();
            same();
            if n > 1000 {
                continue;
            }
            store.export(&a, Format::Csv, n_draws).unwrap();
            let number = |i: usize, j: usize| match j {
                0 => (i / n_draws) as f64,
                1 => (i % n_draws) as f64,
                j => values[i * dim + j - 2],
            };
            let names = ["chain", "draw", "x1", "x2"];
            crate::table::write_csv(&b, &names, &crate::points::Matrix::from_fn(n, dim + 2, number)).unwrap();
            same();
            // The same draws kept as one long chain.
            let one = tempfile::tempdir().unwrap();
            let mut long = Store::new(one.path(), 1, dim);
            long.append(&Draws::from_parts(1, n, dim, values.clone(), energy.clone())).unwrap();
            long.export(&a, Format::Csv, n_draws).unwrap();
            same();
            let every = |s: &Store| s.every(Quantity::Draws, 0..dim, n_draws, 7).unwrap();
            assert_eq!(every(&long), every(&store));
        }
    }
}
