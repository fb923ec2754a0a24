//! Arrays and tables on disk. Files are written whole or not at all, and hold no times.

use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
use std::path::Path;

use zip::write::{SimpleFileOptions, ZipWriter};
use zip::{CompressionMethod, DateTime};

use super::atomic::atomic_write;
use super::error::DataError;
use super::npy::MAGIC;
use crate::points::Matrix;

/// Writes a `float64` array of `shape` in C order (last index fastest), NPY version 1.
///
/// # Errors
/// [`DataError::Shape`] if there are not as many values as the shape says; [`DataError::Write`].
pub fn write_npy(path: impl AsRef<Path>, shape: &[usize], values: &[f64]) -> Result<(), DataError> {
    check_shape(path.as_ref(), shape, values.len())?;
    written(path.as_ref(), |out| put_npy(out, shape, values))
}

/// Writes named `float64` arrays, each `(key, shape, values in C order)`, as an uncompressed NPZ. Equal arrays give
/// equal bytes: all times are 1 January 1980.
///
/// # Errors
/// [`DataError::Shape`] if an array has not as many values as its shape says; [`DataError::Write`].
pub fn write_npz(path: impl AsRef<Path>, arrays: &[(&str, &[usize], &[f64])]) -> Result<(), DataError> {
    for (_, shape, values) in arrays {
        check_shape(path.as_ref(), shape, values.len())?;
    }
    written(path.as_ref(), |out| {
        let mut archive = ZipWriter::new(out);
        for (key, shape, values) in arrays {
            put_npz_member(&mut archive, key, shape, |out| put_values(out, values))?;
        }
        archive.finish()?;
        Ok(())
    })
}

/// One array of an archive; `fill` writes its values in C order.
pub(crate) fn put_npz_member<W: Write + Seek>(
    archive: &mut ZipWriter<W>,
    key: &str,
    shape: &[usize],
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644)
        .large_file(shape.iter().product::<usize>() >= 1 << 28);
    archive.start_file(format!("{key}.npy"), options)?;
    let mut out = BufWriter::with_capacity(1 << 16, archive);
    out.write_all(&npy_header(shape)?)?;
    fill(&mut out)?;
    out.flush()
}

/// Writes a header and the rows as CSV, with the shortest decimals that read back to the same bits.
///
/// # Errors
/// [`DataError::Shape`] if there are not as many names as columns; [`DataError::Write`].
pub fn write_csv<S: AsRef<str>>(path: impl AsRef<Path>, names: &[S], rows: &Matrix<f64>) -> Result<(), DataError> {
    let path = path.as_ref();
    if names.len() != rows.n_cols() {
        let shape = vec![rows.n_rows(), rows.n_cols()];
        return Err(DataError::Shape { file: path.display().to_string(), shape, found: names.len() });
    }
    written(path, |out| {
        put_names(out, names)?;
        for i in 0..rows.n_rows() {
            out.write_all(b"\n")?;
            for j in 0..rows.n_cols() {
                put_separator(out, j)?;
                put_number(out, rows.get(i, j))?;
            }
        }
        out.write_all(b"\n")
    })
}

/// [`atomic_write`] whose error names the file.
pub(crate) fn written(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), DataError> {
    atomic_write(path, write).map_err(|source| DataError::Write { file: path.display().to_string(), source })
}

fn check_shape(path: &Path, shape: &[usize], found: usize) -> Result<(), DataError> {
    if shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)) == Some(found) {
        return Ok(());
    }
    Err(DataError::Shape { file: path.display().to_string(), shape: shape.to_vec(), found })
}

fn put_npy(out: &mut impl Write, shape: &[usize], values: &[f64]) -> io::Result<()> {
    out.write_all(&npy_header(shape)?)?;
    put_values(out, values)
}

/// Header of a `float64` array in C order, padded with spaces so that the data begin at a multiple of 64 bytes, as numpy
/// writes it.
pub(crate) fn npy_header(shape: &[usize]) -> io::Result<Vec<u8>> {
    let comma = if shape.len() == 1 { "," } else { "" };
    let shape = shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let mut header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({shape}{comma}), }}");
    let start = MAGIC.len() + 4;
    let padded = (start + header.len() + 1).next_multiple_of(64) - start;
    header.push_str(&" ".repeat(padded - 1 - header.len()));
    header.push('\n');
    let n_bytes = u16::try_from(header.len()).map_err(|_| io::Error::other("too many dimensions"))?;
    Ok([MAGIC, &[1, 0], &n_bytes.to_le_bytes(), header.as_bytes()].concat())
}

/// The bytes of the numbers, little-endian.
pub(crate) fn put_values(out: &mut (impl Write + ?Sized), values: &[f64]) -> io::Result<()> {
    const NUMBERS: usize = 512;
    let mut bytes = [0; 8 * NUMBERS];
    for some in values.chunks(NUMBERS) {
        for (b, v) in bytes.chunks_exact_mut(8).zip(some) {
            b.copy_from_slice(&v.to_le_bytes());
        }
        out.write_all(&bytes[..8 * some.len()])?;
    }
    Ok(())
}

/// The line of names of a CSV file, without its end.
pub(crate) fn put_names<S: AsRef<str>>(out: &mut impl Write, names: &[S]) -> io::Result<()> {
    for (j, name) in names.iter().enumerate() {
        put_separator(out, j)?;
        put_name(out, name.as_ref())?;
    }
    Ok(())
}

fn put_separator(out: &mut impl Write, j: usize) -> io::Result<()> {
    if j > 0 { out.write_all(b",") } else { Ok(()) }
}

fn put_name(out: &mut impl Write, name: &str) -> io::Result<()> {
    if name.is_empty() || name.contains([',', ';', '\t', '"', '\n', '\r']) {
        write!(out, "\"{}\"", name.replace('"', "\"\""))
    } else {
        out.write_all(name.as_bytes())
    }
}

pub(crate) fn put_number(out: &mut impl Write, v: f64) -> io::Result<()> {
    let size = v.abs();
    if size == 0.0 || (1e-5..1e16).contains(&size) || !v.is_finite() {
        write!(out, "{v}")
    } else {
        write!(out, "{v:e}")
    }
}
