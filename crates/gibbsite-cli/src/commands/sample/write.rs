//! The file that draws go to. It holds nothing but the draws, so that equal draws are equal bytes.

use std::path::{Path, PathBuf};

use gibbsite::run::store::Format;

use crate::outcome::Failure;

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
            #[cfg(feature = "parquet")]
            "parquet" => Format::Parquet,
            #[cfg(not(feature = "parquet"))]
            "parquet" => {
                let hint = format!("{ENDINGS}, or build with `cargo build --release --features parquet`");
                return Err(unknown(path, "Parquet files are not part of this build", hint));
            }
            _ => return Err(unknown(path, "no such format", ENDINGS)),
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

    /// How.
    pub fn format(&self) -> Format {
        self.format
    }
}

#[cfg(feature = "parquet")]
const ENDINGS: &str = "end the name in .csv, .npy, .npz or .parquet";

#[cfg(not(feature = "parquet"))]
const ENDINGS: &str = "end the name in .csv, .npy or .npz";

/// An ending that this build cannot write.
fn unknown(path: &Path, what: &str, hint: impl Into<String>) -> Failure {
    Failure::usage("unknown_format", format!("cannot write draws to '{}': {what}", path.display()), hint)
}
