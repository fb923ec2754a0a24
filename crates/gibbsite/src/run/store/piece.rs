//! The files of one piece: their checksums, whether they are what was written, and their numbers.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::{StoreError, show};
use crate::table::npy::read_shape;
use crate::table::write::{npy_header, put_values};

/// Bytes read at a time.
const CHUNK: usize = 1 << 16;

/// More files than a piece has.
const MAX_FILES: usize = 3;

pub(super) fn damaged(path: &Path, reason: impl Into<String>) -> StoreError {
    StoreError::Damaged { file: show(path), reason: reason.into() }
}

/// A file that is not there is damage: no more space and no other permissions bring it back.
fn unreadable(path: &Path, source: io::Error) -> StoreError {
    match source.kind() {
        io::ErrorKind::NotFound => damaged(path, "it is missing"),
        io::ErrorKind::UnexpectedEof => damaged(path, "it is cut short"),
        _ => StoreError::Io { action: "read", file: show(path), source },
    }
}

/// Says when a file is missing.
pub(super) fn require(path: &Path) -> Result<(), StoreError> {
    File::open(path).map(|_| ()).map_err(|e| unreadable(path, e))
}

/// CRC-32 of the file that holds these numbers.
pub(super) fn checksum(shape: &[usize], values: &[f64]) -> io::Result<u32> {
    struct Sum(crc32fast::Hasher);
    impl io::Write for Sum {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut sum = Sum(crc32fast::Hasher::new());
    sum.0.update(&npy_header(shape)?);
    put_values(&mut sum, values)?;
    Ok(sum.0.finalize())
}

/// The checksums of a piece.
pub(super) fn read_checksums(path: &Path) -> Result<Vec<u32>, StoreError> {
    let mut file = File::open(path).map_err(|e| unreadable(path, e))?;
    let shape = read_shape(&mut file).map_err(|e| damaged(path, format!("it {e}")))?;
    let &[n @ 2..=MAX_FILES] = &shape[..] else { return Err(damaged(path, format!("its shape is {shape:?}"))) };
    let mut bytes = vec![0; 8 * n];
    file.read_exact(&mut bytes).map_err(|e| unreadable(path, e))?;
    let whole = |v: f64| (v >= 0.0 && v <= f64::from(u32::MAX) && v.fract() == 0.0).then_some(v as u32);
    let sums: Option<Vec<u32>> = bytes.as_chunks().0.iter().map(|b| whole(f64::from_le_bytes(*b))).collect();
    sums.ok_or_else(|| damaged(path, "it holds no checksums"))
}

/// Reads a file `(n_chains, draws, ...)` and compares it with its checksum; the number of draws. `shape_of_draw` is what
/// follows the first two lengths.
pub(super) fn verify(
    path: &Path,
    shape_of_draw: &[usize],
    n_chains: usize,
    checksum: u32,
) -> Result<usize, StoreError> {
    let unreadable = |e| unreadable(path, e);
    let mut file = File::open(path).map_err(unreadable)?;
    let found = read_shape(&mut file).map_err(|e| damaged(path, format!("it {e}")))?;
    let n = found.get(1).copied().unwrap_or(0);
    let expected = [&[n_chains, n], shape_of_draw].concat();
    if found != expected || n == 0 {
        return Err(damaged(path, format!("its shape is {found:?}")));
    }
    let header = npy_header(&expected).map_err(unreadable)?;
    let n_bytes = expected.iter().try_fold(8usize, |a, b| a.checked_mul(*b)).map(|n| (n + header.len()) as u64);
    let length = file.metadata().map_err(unreadable)?.len();
    if n_bytes != Some(length) {
        return Err(damaged(path, format!("it has {length} bytes, which is not what shape {found:?} needs")));
    }
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let (mut sum, mut bytes) = (crc32fast::Hasher::new(), vec![0; CHUNK]);
    loop {
        match file.read(&mut bytes) {
            Ok(0) => break,
            Ok(n) => sum.update(&bytes[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(unreadable(e)),
        }
    }
    if sum.finalize() != checksum {
        return Err(damaged(path, "its checksum is another, so some of its numbers have changed"));
    }
    Ok(n)
}

/// An open piece.
pub(super) struct Reader {
    file: File,
    path: PathBuf,
    /// Where the numbers begin.
    start: usize,
    /// Numbers of a chain.
    of_chain: usize,
    bytes: Vec<u8>,
}

impl Reader {
    /// A file of this shape, with `of_chain` numbers of each chain.
    pub(super) fn open(path: PathBuf, shape: &[usize], of_chain: usize) -> Result<Self, StoreError> {
        let start = npy_header(shape).map_err(|e| unreadable(&path, e))?.len();
        let file = File::open(&path).map_err(|e| unreadable(&path, e))?;
        Ok(Self { file, path, start, of_chain, bytes: Vec::new() })
    }

    /// All numbers of some chains.
    pub(super) fn read(&mut self, chains: Range<usize>, out: &mut Vec<f64>) -> Result<(), StoreError> {
        let at = (self.start + 8 * chains.start * self.of_chain) as u64;
        self.bytes.resize(8 * chains.len() * self.of_chain, 0);
        let read = self.file.seek(SeekFrom::Start(at)).and_then(|_| self.file.read_exact(&mut self.bytes));
        read.map_err(|e| unreadable(&self.path, e))?;
        out.clear();
        out.extend(self.bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)));
        Ok(())
    }
}
