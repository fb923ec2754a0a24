//! Data from files: named numeric columns, read with errors that name file, row and column and say what to do.
//!
//! Where a number is not there, or not finite, nothing is made up: reading fails. What is not selected is not looked at.

use std::collections::HashSet;

use crate::points::{Matrix, Points};
use crate::suggest::nearest;

mod array;
mod atomic;
mod columns;
mod delimited;
mod error;
mod idx;
pub(crate) mod npy;
mod npz;
mod shape;
mod source;
mod spaced;
pub(crate) mod write;

pub use atomic::{atomic_write, remove_stale};
pub use columns::{ColumnSummary, Standardization};
pub use error::{Cell, DataError, column_list};
pub use npy::HeaderError;
pub use source::path_of;
pub use write::{write_csv, write_npy, write_npz};

/// Columns above this number are refused.
pub const MAX_COLUMNS: usize = 1 << 20;

/// Values (rows times columns) above this number are refused: 8 GiB.
pub const MAX_VALUES: usize = 1 << 30;

/// Which columns to read. A column is named by its name in the header or, where no column has that name, by its number
/// from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// The columns to use, in this order; all if `None`. Without a header they are named `x`, or `x1, x2, ...`.
    pub columns: Option<Vec<String>>,
    /// Columns to leave out; they need not be numeric.
    pub ignore: Vec<String>,
    /// A column kept apart from the others, or a file of its own (`FILE.npz:y`, or any file of one column).
    pub label: Option<String>,
}

/// Named numeric columns; every value is finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Names of the columns, all different.
    pub names: Vec<String>,
    /// The values, `(n_rows, n_cols)`.
    pub columns: Matrix<f64>,
    /// The label of each row, if one was asked for.
    pub label: Option<Label>,
    /// Where the data come from, as the user named it.
    pub source: String,
    /// What the reader decided and the user may not expect, such as a first line that could be a header but is data.
    pub notes: Vec<String>,
}

/// A column kept apart: never fitted to, only compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// Its name.
    pub name: String,
    /// One value per row: the number, or the position in `classes`.
    pub values: Vec<f64>,
    /// The different texts of a text column, sorted; empty for numbers.
    pub classes: Vec<String>,
}

impl Label {
    /// Numbers if every cell is a finite number, else classes.
    fn from_text(name: String, cells: Vec<String>) -> Self {
        let numbers: Option<Vec<f64>> = cells.iter().map(|c| c.parse().ok().filter(|v: &f64| v.is_finite())).collect();
        if let Some(values) = numbers {
            return Self { name, values, classes: Vec::new() };
        }
        let mut classes = cells.clone();
        classes.sort();
        classes.dedup();
        let values = cells.iter().map(|c| classes.partition_point(|k| k < c) as f64).collect();
        Self { name, values, classes }
    }
}

impl Table {
    /// Reads `FILE.csv`, `FILE.csv.gz`, `FILE.npy`, `FILE.npz:KEY`, `FILE.npz:KEY:bits=N`, an IDX file
    /// (`FILE-ubyte`, also `.gz`) or, for `-`, CSV from standard input. An NPZ with one array needs no key; arrays of
    /// more than two dimensions are flattened by row; `bits` unpacks bytes, high bit first, as `numpy.packbits` packs.
    /// The first line of a CSV file names the columns if it holds text; if it holds numbers only, it is data, and
    /// [`Table::notes`] says so where it looks like a header.
    ///
    /// # Errors
    /// [`DataError`], see its variants; [`DataError::hint`] says what to do.
    pub fn read(spec: &str, options: &ReadOptions) -> Result<Self, DataError> {
        let loaded = source::load(spec)?;
        let label_file = |label: &str| source::exists(label);
        let mut table = loaded.table(|file, names| Selection::new(file, names, options, label_file))?;
        if let (None, Some(label)) = (&table.label, &options.label) {
            let label = source::load(label)?.table(Selection::only_label)?;
            let n_label = label.n_rows();
            if n_label != table.n_rows() {
                let (file, n_rows) = (table.source, table.columns.n_rows());
                return Err(DataError::LabelRows { label: label.source, n_label, file, n_rows });
            }
            table.label = label.label;
        }
        Ok(table)
    }

    /// Reads a file that is already in memory. `source` names it in errors, and its ending tells the format; `key` and
    /// `bits` are the parts after the colons of [`Table::read`].
    ///
    /// # Errors
    /// As [`Table::read`]; a label must be a column.
    pub fn from_bytes(
        source: &str,
        bytes: Vec<u8>,
        key: Option<&str>,
        bits: Option<usize>,
        options: &ReadOptions,
    ) -> Result<Self, DataError> {
        let loaded = source::Loaded { file: source.into(), key: key.map(Into::into), bits, bytes };
        loaded.table(|file, names| Selection::new(file, names, options, |_| false))
    }

    /// A table of columns that are already numbers.
    ///
    /// # Panics
    /// If there are not as many names as columns.
    pub fn from_columns(source: &str, names: Vec<String>, columns: Matrix<f64>) -> Self {
        assert_eq!(names.len(), columns.n_cols(), "a table needs one name per column");
        Self { names, columns, label: None, source: source.into(), notes: Vec::new() }
    }

    /// The table with neither rows nor labels.
    fn without_values(&self) -> Self {
        let columns = Matrix::new(0, self.n_cols());
        Self { names: self.names.clone(), columns, label: None, source: self.source.clone(), notes: self.notes.clone() }
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.label.as_ref().map_or(self.columns.n_rows(), |label| label.values.len())
    }

    /// Number of columns; the label does not count.
    pub fn n_cols(&self) -> usize {
        self.columns.n_cols()
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&[f64]> {
        self.names.iter().position(|n| n == name).map(|j| self.columns.col(j))
    }

    /// The rows as points, a copy.
    pub fn points(&self) -> Points {
        Points::from_real(self.columns.clone())
    }

    /// The rows as points.
    pub fn into_points(self) -> Points {
        Points::from_real(self.columns)
    }

    /// The rows `rows`, in that order, with their labels.
    ///
    /// # Panics
    /// If a row does not exist.
    pub fn select_rows(&self, rows: &[usize]) -> Self {
        let label = self
            .label
            .as_ref()
            .map(|label| Label { values: rows.iter().map(|&i| label.values[i]).collect(), ..label.clone() });
        Self { columns: self.columns.select(rows), label, ..self.without_values() }
    }
}

/// `x` for one column, else `x1, x2, ...`.
fn default_names(n: usize) -> Vec<String> {
    if n == 1 { vec!["x".into()] } else { (1..=n).map(|j| format!("x{j}")).collect() }
}

/// Columns of a file, from 0.
struct Selection {
    columns: Vec<usize>,
    label: Option<usize>,
}

impl Selection {
    /// What the options pick among `names`. `is_file` tells whether a label that is no column is a file.
    fn new(
        file: &str,
        names: &[String],
        options: &ReadOptions,
        is_file: impl Fn(&str) -> bool,
    ) -> Result<Self, DataError> {
        let find = |name: &str| {
            let number = || name.parse::<usize>().ok().filter(|j| (1..=names.len()).contains(j)).map(|j| j - 1);
            names.iter().position(|n| n == name).or_else(number).ok_or_else(|| DataError::UnknownColumn {
                file: file.into(),
                name: name.into(),
                suggestion: nearest(name, names.iter().map(String::as_str)).map(str::to_string),
                names: names.to_vec(),
            })
        };
        let label = match &options.label {
            Some(label) => match find(label) {
                Ok(j) => Some(j),
                Err(_) if is_file(label) => None,
                Err(error) => return Err(error),
            },
            None => None,
        };
        let ignored = options.ignore.iter().map(|n| find(n)).collect::<Result<HashSet<_>, _>>()?;
        let mut columns: Vec<usize> = match &options.columns {
            Some(wanted) => wanted.iter().map(|n| find(n)).collect::<Result<_, _>>()?,
            None => (0..names.len()).collect(),
        };
        let mut seen = HashSet::new();
        if let Some(&j) = columns.iter().find(|j| !seen.insert(**j)) {
            return Err(DataError::RepeatedColumn { file: file.into(), name: names[j].clone() });
        }
        columns.retain(|j| !ignored.contains(j) && label != Some(*j));
        if columns.is_empty() {
            return Err(DataError::NoColumns { file: file.into(), names: names.to_vec() });
        }
        Ok(Self { columns, label })
    }

    /// A file whose one column is a label.
    fn only_label(file: &str, names: &[String]) -> Result<Self, DataError> {
        if names.len() != 1 {
            return Err(DataError::LabelColumns { file: file.into(), n_columns: names.len() });
        }
        Ok(Self { columns: Vec::new(), label: Some(0) })
    }

    /// The columns, then the label.
    fn all(&self) -> Vec<usize> {
        self.columns.iter().copied().chain(self.label).collect()
    }
}
