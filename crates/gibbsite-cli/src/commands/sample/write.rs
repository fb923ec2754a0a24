//! Draws on disk. A file holds nothing but the draws, so that equal draws are equal bytes.

use std::path::{Path, PathBuf};

use gibbsite::points::Matrix;
use gibbsite::table::{write_csv, write_npy, write_npz};

use super::draw::Drawn;
use crate::failures;
use crate::outcome::Failure;

enum Format {
    Csv,
    Npy,
    Npz,
}

/// A file to be written, its format known and its folder there.
pub struct DrawsFile {
    path: PathBuf,
    format: Format,
}

impl DrawsFile {
    /// Looks at the name before any work is done.
    ///
    /// # Errors
    /// An ending that is no format, a folder that does not exist.
    pub fn new(path: &Path) -> Result<Self, Failure> {
        let ending = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
        let format = match ending.as_str() {
            "csv" => Format::Csv,
            "npy" => Format::Npy,
            "npz" => Format::Npz,
            _ => {
                let what =
                    if ending == "parquet" { "Parquet files are not part of this build" } else { "no such format" };
                let message = format!("cannot write draws to '{}': {what}", path.display());
                return Err(Failure::usage("unknown_format", message, "end the name in .csv, .npy or .npz"));
            }
        };
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|f| !f.is_dir()) {
            let message = format!("the folder '{}' does not exist", folder.display());
            return Err(Failure::work("not_found", message, "make it first, or choose another --out"));
        }
        if path.is_dir() {
            return Err(Failure::work("io", format!("'{}' is a folder", path.display()), "give the name of a file"));
        }
        Ok(Self { path: path.to_path_buf(), format })
    }

    /// Where.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Columns chain, draw (from 0), x1, ... in CSV; `(chains, draws, dim)` in NPY; the same as `draws` and the energies
    /// `(chains, draws)` as `energy` in NPZ.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write(&self, drawn: &Drawn) -> Result<(), Failure> {
        let Drawn { n_chains, n_draws, dim, .. } = *drawn;
        let shape = [n_chains, n_draws, dim];
        match self.format {
            Format::Csv => {
                let names: Vec<String> =
                    ["chain".into(), "draw".into()].into_iter().chain((1..=dim).map(|j| format!("x{j}"))).collect();
                let value = |i: usize, j: usize| match j {
                    0 => (i / n_draws) as f64,
                    1 => (i % n_draws) as f64,
                    j => drawn.values[i * dim + j - 2],
                };
                write_csv(&self.path, &names, &Matrix::from_fn(n_chains * n_draws, dim + 2, value))
            }
            Format::Npy => write_npy(&self.path, &shape, &drawn.values),
            Format::Npz => {
                let arrays: [(&str, &[usize], &[f64]); 2] =
                    [("draws", &shape, &drawn.values), ("energy", &shape[..2], &drawn.energy)];
                write_npz(&self.path, &arrays)
            }
        }
        .map_err(failures::data)
    }
}
