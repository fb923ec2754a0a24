//! From what the user wrote (`FILE`, `FILE:KEY`, `FILE:KEY:bits=N`, `-`) to bytes, and from bytes to a table. The first
//! bytes tell the format; the ending of the name only where they do not.

use std::io::{self, Read};
use std::path::Path;

use super::array::Array;
use super::error::DataError;
use super::npy::{self, HeaderError};
use super::{Label, Selection, Table, delimited, idx, npz};
use crate::points::Matrix;

/// Text or arrays that unpack to more bytes than this are refused.
const MAX_UNPACKED: u64 = 8 << 30;

/// A file in memory.
pub(super) struct Loaded {
    pub file: String,
    pub key: Option<String>,
    pub bits: Option<usize>,
    pub bytes: Vec<u8>,
}

/// A path and what follows it.
#[derive(Debug, PartialEq, Eq)]
struct Spec {
    path: String,
    key: Option<String>,
    bits: Option<usize>,
}

impl Spec {
    /// The longest beginning that exists, up to a colon; the rest is `KEY`, `bits=N` or `KEY:bits=N`.
    fn parse(spec: &str, exists: impl Fn(&str) -> bool) -> Option<Self> {
        let ends = std::iter::once(spec.len()).chain(spec.rmatch_indices(':').map(|(at, _)| at));
        let end = ends.filter(|&end| end > 0).find(|&end| exists(&spec[..end]))?;
        let path = spec[..end].to_string();
        let rest = spec[end..].strip_prefix(':').unwrap_or("");
        let (key, option) = rest.rsplit_once(':').unwrap_or(("", rest));
        let (key, bits) = match option.strip_prefix("bits=").and_then(|n| n.parse().ok()) {
            Some(bits) => (key, Some(bits)),
            None => (rest, None),
        };
        Some(Self { path, key: (!key.is_empty()).then(|| key.to_string()), bits })
    }
}

fn is_file(path: &str) -> bool {
    Path::new(path).metadata().is_ok_and(|m| !m.is_dir())
}

/// Whether `spec` names a file that is there, or one that by its ending should be.
pub(super) fn exists(spec: &str) -> bool {
    Spec::parse(spec, is_file).is_some() || [".csv", ".npy", ".npz"].iter().any(|ending| spec.contains(ending))
}

/// The file that `spec` (`FILE`, `FILE:KEY`, `FILE:KEY:bits=N`) names, if it is there; `None` for standard input, `-`.
pub fn path_of(spec: &str) -> Option<std::path::PathBuf> {
    (spec != "-").then(|| Spec::parse(spec, is_file))?.map(|s| s.path.into())
}

/// Reads the file (or standard input) that `spec` names.
pub(super) fn load(spec: &str) -> Result<Loaded, DataError> {
    if spec == "-" {
        let file = "standard input".to_string();
        let mut bytes = Vec::new();
        return match io::stdin().lock().read_to_end(&mut bytes) {
            Ok(_) => Ok(Loaded { file, key: None, bits: None, bytes }),
            Err(source) => Err(DataError::Read { file, source }),
        };
    }
    let Some(Spec { path, key, bits }) = Spec::parse(spec, is_file) else {
        if Path::new(spec).is_dir() {
            return Err(DataError::Read { file: spec.into(), source: io::ErrorKind::IsADirectory.into() });
        }
        return Err(DataError::NotFound { file: spec.into() });
    };
    match std::fs::read(&path) {
        Ok(bytes) => Ok(Loaded { file: path, key, bits, bytes }),
        Err(source) => Err(DataError::Read { file: path, source }),
    }
}

impl Loaded {
    /// The table of the columns that `select` picks from the file's name and its columns.
    pub fn table(
        mut self,
        select: impl FnOnce(&str, &[String]) -> Result<Selection, DataError>,
    ) -> Result<Table, DataError> {
        let mut name = self.file.to_lowercase();
        if self.bytes.starts_with(b"\x1f\x8b") {
            self.bytes = gunzip(&self.file, &self.bytes)?;
            name = name.strip_suffix(".gz").unwrap_or(&name).to_string();
        }
        let file = self.file.clone();
        if self.bytes.starts_with(b"PAR1") || name.ends_with(".parquet") {
            return Err(DataError::Parquet { file });
        }
        if self.bytes.is_empty() {
            return Err(DataError::Empty { file });
        }
        let array_error = |source| DataError::Array { file: file.clone(), source };
        if self.bytes.starts_with(b"PK") || name.ends_with(".npz") {
            let (place, array) = npz::read_array(&file, &self.bytes, self.key.as_deref())?;
            return table_of(place, array, self.bits, select);
        }
        if self.bytes.starts_with(npy::MAGIC) || name.ends_with(".npy") {
            self.refuse_key("NPY")?;
            let array = npy::read_array(&mut self.bytes.as_slice(), self.bytes.len() as u64).map_err(array_error)?;
            return table_of(file, array, self.bits, select);
        }
        if idx::is_idx(&self.bytes) || name.ends_with("-ubyte") {
            self.refuse_key("IDX")?;
            let array = idx::read_array(&self.bytes).map_err(array_error)?;
            return table_of(file, array, self.bits, select);
        }
        self.refuse_key("CSV")?;
        if let Some(bits) = self.bits {
            return Err(DataError::BadOption { file, option: format!("bits={bits}"), kind: "CSV" });
        }
        delimited::read(&file, &self.bytes, |names| select(&file, names))
    }

    /// The shape of an NPY or NPZ array; nothing for other formats.
    pub fn array_shape(mut self) -> Result<Option<Vec<usize>>, DataError> {
        if self.bytes.starts_with(b"\x1f\x8b") {
            self.bytes = gunzip(&self.file, &self.bytes)?;
        }
        if self.bytes.starts_with(b"PK") {
            let (_, array) = npz::read_array(&self.file, &self.bytes, self.key.as_deref())?;
            return Ok(Some(array.layout.shape));
        }
        if !self.bytes.starts_with(npy::MAGIC) {
            return Ok(None);
        }
        let layout = npy::read_layout(&mut self.bytes.as_slice());
        layout.map(|l| Some(l.shape)).map_err(|source| DataError::Array { file: self.file, source })
    }

    fn refuse_key(&self, kind: &'static str) -> Result<(), DataError> {
        match &self.key {
            Some(key) => Err(DataError::BadOption { file: self.file.clone(), option: key.clone(), kind }),
            None => Ok(()),
        }
    }
}

/// The table of an array; the label is the last column of what was read.
fn table_of(
    file: String,
    array: Array,
    bits: Option<usize>,
    select: impl FnOnce(&str, &[String]) -> Result<Selection, DataError>,
) -> Result<Table, DataError> {
    let mut used_names = Vec::new();
    let (selection, mut columns) = array.into_columns(&file, bits, |names| {
        let selection = select(&file, names)?;
        used_names = selection.all().iter().map(|&j| names[j].clone()).collect();
        Ok(selection)
    })?;
    let label = selection.label.and_then(|_| {
        let n = selection.columns.len();
        let name = used_names.pop()?;
        let values = columns.col(n).to_vec();
        columns = Matrix::from_columns(columns.n_rows(), n, columns.as_slice()[..n * columns.n_rows()].to_vec());
        Some(Label { name, values, classes: Vec::new() })
    });
    Ok(Table { names: used_names, columns, label, source: file, notes: Vec::new() })
}

/// Unpacks gzip, also of several members.
fn gunzip(file: &str, bytes: &[u8]) -> Result<Vec<u8>, DataError> {
    let mut unpacked = Vec::new();
    let unpack = flate2::read::MultiGzDecoder::new(bytes).take(MAX_UNPACKED + 1).read_to_end(&mut unpacked);
    unpack.map_err(|e| DataError::Array { file: file.into(), source: HeaderError::Unpack(e) })?;
    if unpacked.len() as u64 > MAX_UNPACKED {
        let found = unpacked.len() as u64;
        return Err(DataError::TooLarge { file: file.into(), found, what: "bytes unpacked", limit: MAX_UNPACKED });
    }
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs() {
        let there = ["a.npz", "b:c.npz", "b", "d.csv:X"];
        let parse =
            |spec: &str| Spec::parse(spec, |p| there.contains(&p)).map(|s| (s.path, s.key.unwrap_or_default(), s.bits));
        let some = |path: &str, key: &str, bits| Some((path.to_string(), key.to_string(), bits));
        assert_eq!(parse("a.npz"), some("a.npz", "", None));
        assert_eq!(parse("a.npz:X"), some("a.npz", "X", None));
        assert_eq!(parse("a.npz:X:bits=784"), some("a.npz", "X", Some(784)));
        assert_eq!(parse("a.npz:bits=9"), some("a.npz", "", Some(9)));
        assert_eq!(parse("a.npz:X:bits=many"), some("a.npz", "X:bits=many", None));
        assert_eq!(parse("b:c.npz:k:l"), some("b:c.npz", "k:l", None));
        assert_eq!(parse("d.csv:X"), some("d.csv:X", "", None));
        assert_eq!(parse("e.csv"), None);
        assert_eq!(parse(":"), None);
        assert_eq!(parse(""), None);
    }
}
