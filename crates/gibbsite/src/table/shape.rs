//! The shape of an array file, which a table of rows and columns has lost.

use super::error::DataError;
use super::{Table, source};

impl Table {
    /// The shape of the NPY or NPZ array that `spec` names as in [`Table::read`]: `(chains, draws, dim)` of stored draws.
    /// `None` for files that are no arrays, and for standard input, which can be read only once.
    ///
    /// # Errors
    /// [`DataError`] as [`Table::read`], for files that cannot be read.
    pub fn array_shape(spec: &str) -> Result<Option<Vec<usize>>, DataError> {
        if spec == "-" {
            return Ok(None);
        }
        source::load(spec)?.array_shape()
    }
}
