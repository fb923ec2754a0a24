//! What can be wrong with data: every variant names the value, the limit and the place; `hint` names a remedy.

use std::fmt;
use std::io;

use super::npy::HeaderError;

/// Where a value stands in a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The file, as the user named it.
    pub file: String,
    /// Line of a text file, from 1, as an editor shows it; where the row begins if it spans several.
    pub line: Option<usize>,
    /// Data row, from 1; the header does not count.
    pub row: usize,
    /// Column of the file, from 1.
    pub column: usize,
    /// Name of the column.
    pub name: String,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}, line {line} (data row {})", self.file, self.row)?,
            None => write!(f, "{}, row {}", self.file, self.row)?,
        }
        write!(f, ", column {} {:?}", self.column, self.name)
    }
}

/// A file, or a part of one, that does not hold usable numbers.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// There is no such file.
    #[error("{file}: no such file")]
    NotFound {
        /// The file asked for.
        file: String,
    },
    /// The operating system refused to read.
    #[error("{file}: cannot be read: {source}")]
    Read {
        /// The file.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// The operating system refused to write.
    #[error("{file}: cannot be written: {source}")]
    Write {
        /// The file.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// A Parquet file; the reader is not part of this build.
    #[error("{file}: reading Parquet is not built into this binary")]
    Parquet {
        /// The file.
        file: String,
    },
    /// A text file in UTF-16, or a binary file of unknown kind.
    #[error("{file}: is {found}, not text in UTF-8 with columns of numbers")]
    NotText {
        /// The file.
        file: String,
        /// What it looks like.
        found: &'static str,
    },
    /// A file with nothing in it.
    #[error("{file}: is empty")]
    Empty {
        /// The file.
        file: String,
    },
    /// A header, or a shape, without rows.
    #[error("{file}: has {n_columns} column{} but no rows", if *.n_columns == 1 { "" } else { "s" })]
    NoRows {
        /// The file.
        file: String,
        /// How many columns it names.
        n_columns: usize,
    },
    /// Nothing is left after `columns`, `ignore` and `label`.
    #[error("{file}: no column is left to use")]
    NoColumns {
        /// The file.
        file: String,
        /// The columns of the file.
        names: Vec<String>,
    },
    /// A cell that is not a number.
    #[error("{cell}: {text:?} is not a number")]
    NonNumeric {
        /// The first such cell.
        cell: Box<Cell>,
        /// What stands there, shortened.
        text: String,
        /// How many cells of this column are not numbers.
        n_in_column: usize,
        /// Rows of the file.
        n_rows: usize,
    },
    /// A cell without a value: empty, NA, NaN, null.
    #[error("{cell}: the value is missing ({n_missing} missing in all, in {n_rows_missing} of {n_rows} rows)")]
    Missing {
        /// The first such cell.
        cell: Box<Cell>,
        /// Missing cells in the columns in use.
        n_missing: usize,
        /// Rows with at least one.
        n_rows_missing: usize,
        /// Rows of the file.
        n_rows: usize,
    },
    /// A cell that is infinite, or too large for 64-bit floating point.
    #[error("{cell}: {text:?} is not finite")]
    Infinite {
        /// The first such cell.
        cell: Box<Cell>,
        /// What stands there, shortened.
        text: String,
    },
    /// A row with more or fewer cells than the first.
    #[error("{file}, line {line} (data row {row}): has {found} cells, where {expected} are expected")]
    Ragged {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Data row, from 1.
        row: usize,
        /// Cells of this row.
        found: usize,
        /// Cells of the first row.
        expected: usize,
        /// Whether the row holds a quoted cell that spans lines, as an unclosed quote makes.
        spans_lines: bool,
    },
    /// Two columns of one name.
    #[error("{file}: columns {first} and {second} are both named {name:?}")]
    DuplicateName {
        /// The file.
        file: String,
        /// The name.
        name: String,
        /// The first of them, from 1.
        first: usize,
        /// The second, from 1.
        second: usize,
    },
    /// A column that the file does not have.
    #[error("{file}: has no column {name:?}")]
    UnknownColumn {
        /// The file.
        file: String,
        /// The name asked for.
        name: String,
        /// The nearest name there is.
        suggestion: Option<String>,
        /// All names.
        names: Vec<String>,
    },
    /// A column asked for twice.
    #[error("{file}: column {name:?} is selected twice")]
    RepeatedColumn {
        /// The file.
        file: String,
        /// The name.
        name: String,
    },
    /// A column whose values are all equal, where a spread is needed.
    #[error("{file}: column {column} {name:?} is constant: every row is {value}")]
    ConstantColumn {
        /// The file.
        file: String,
        /// The column of the table, from 1.
        column: usize,
        /// Its name.
        name: String,
        /// The value.
        value: f64,
    },
    /// Too few rows for a column to have a spread.
    #[error("{file}: {n_rows} row{} not enough: a fit needs 2 or more", if *.n_rows == 1 { " is" } else { "s are" })]
    TooFewRows {
        /// The file.
        file: String,
        /// Its rows.
        n_rows: usize,
    },
    /// The archive holds several arrays and none was named.
    #[error("{file}: holds {} arrays; say which", .arrays.len())]
    MissingKey {
        /// The file.
        file: String,
        /// Its arrays, with type and shape.
        arrays: Vec<String>,
    },
    /// The archive has no such array.
    #[error("{file}: has no array {key:?}")]
    UnknownKey {
        /// The file.
        file: String,
        /// The key asked for.
        key: String,
        /// The nearest key there is.
        suggestion: Option<String>,
        /// Its arrays, with type and shape.
        arrays: Vec<String>,
    },
    /// `file:SOMETHING` where the format has no such part.
    #[error("{file}: {option:?} does not apply to a {kind} file")]
    BadOption {
        /// The file.
        file: String,
        /// What follows the colon.
        option: String,
        /// The format.
        kind: &'static str,
    },
    /// `:bits=N` that does not fit the array.
    #[error("{file}: bits={bits} does not fit an array of type {dtype} with {n_cols} columns")]
    Bits {
        /// The file.
        file: String,
        /// The number of bits of a row.
        bits: usize,
        /// The type of the array.
        dtype: String,
        /// Bytes of a row.
        n_cols: usize,
    },
    /// A zip archive that cannot be read.
    #[error("{file}: is not a readable npz (zip) file: {source}")]
    Zip {
        /// The file.
        file: String,
        /// Why.
        source: zip::result::ZipError,
    },
    /// An array whose header is not valid, or whose data are not all there.
    #[error("{file}: {source}")]
    Array {
        /// The file, with the key in an archive.
        file: String,
        /// What is wrong.
        source: HeaderError,
    },
    /// More than this program is willing to hold in memory.
    #[error("{file}: has {found} {what}, more than the limit of {limit}")]
    TooLarge {
        /// The file.
        file: String,
        /// How many there are (at least).
        found: u64,
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// A label file that is not one column.
    #[error("{file}: has {n_columns} columns, where a label is one")]
    LabelColumns {
        /// The label file.
        file: String,
        /// Its columns.
        n_columns: usize,
    },
    /// A label of the wrong length.
    #[error("{label}: has {n_label} rows, where {file} has {n_rows}")]
    LabelRows {
        /// The label file.
        label: String,
        /// Its rows.
        n_label: usize,
        /// The data file.
        file: String,
        /// Its rows.
        n_rows: usize,
    },
    /// A split that leaves one part empty, or a fraction outside [0, 1).
    #[error("{file}: {n_rows} rows cannot be split with a fraction of {fraction} held out")]
    Split {
        /// The data file.
        file: String,
        /// The fraction asked for.
        fraction: f64,
        /// Its rows.
        n_rows: usize,
    },
    /// Names, rows and columns that do not agree, when writing.
    #[error("{file}: {found} values cannot be written with shape {shape:?}")]
    Shape {
        /// The file.
        file: String,
        /// The shape asked for.
        shape: Vec<usize>,
        /// The number of values (or of names, for CSV) given.
        found: usize,
    },
}

impl DataError {
    /// What the user may do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotFound { file } if file.contains(':') => "write FILE, FILE.npz:KEY or FILE.npz:KEY:bits=N".into(),
            Self::NotFound { .. } => "check the path; it is relative to the current folder".into(),
            Self::Parquet { .. } => {
                "convert it, e.g. in Python: pandas.read_parquet(F).to_csv('data.csv', index=False)".into()
            }
            Self::NotText { found, .. } if found.contains("UTF-16") => "save it again as CSV in UTF-8".into(),
            Self::NotText { .. } => "data come as .csv, .csv.gz, .npy, .npz or -ubyte (IDX) files".into(),
            Self::NoColumns { names, .. } => format!("the columns are {}", list(names)),
            Self::NonNumeric { cell, text, .. } if is_decimal_comma(text) => {
                format!(
                    "numbers have a decimal point; if {:?} is not a number, --ignore {}",
                    cell.name,
                    column_list([&cell.name])
                )
            }
            Self::NonNumeric { text, .. } if is_spaced(text) => {
                "separate columns by commas; with spaces, every row needs as many numbers as the header has names"
                    .into()
            }
            Self::NonNumeric { cell, n_in_column, n_rows, .. } => match n_in_column {
                1 => format!("correct this cell, or leave the column out with --ignore {}", column_list([&cell.name])),
                n => format!(
                    "{n} of {n_rows} cells of this column are not numbers: leave it out with --ignore {}",
                    column_list([&cell.name])
                ),
            },
            Self::Missing { cell, .. } => {
                format!(
                    "fill in or remove the rows, or leave the column out with --ignore {}",
                    column_list([&cell.name])
                )
            }
            Self::Infinite { cell, .. } => {
                format!("remove the row, or leave the column out with --ignore {}", column_list([&cell.name]))
            }
            Self::Ragged { spans_lines: true, .. } => "a quote that opens in this row may never be closed".into(),
            Self::Ragged { .. } => "quote cells that contain the separator, as in \"a,b\"".into(),
            Self::DuplicateName { .. } => "rename one of them in the header".into(),
            Self::UnknownColumn { name, names, .. } if part_of(name, names).is_some() => {
                let whole = part_of(name, names).map_or_else(String::new, |whole| column_list([whole]));
                format!("did you mean {whole}? A name with a comma goes in quotes")
            }
            Self::UnknownColumn { suggestion, names, .. } => {
                suggest(suggestion, &format!("the columns are {}", list(names)))
            }
            Self::RepeatedColumn { .. } => "name each column once".into(),
            Self::ConstantColumn { name, .. } => format!("leave it out with --ignore {}", column_list([name])),
            Self::TooFewRows { .. } => "each line after the header is one data point".into(),
            Self::MissingKey { file, arrays } => {
                let key = arrays.first().and_then(|a| a.split(' ').next()).unwrap_or("KEY");
                format!("for example {file}:{key}; the arrays are {}", list(arrays))
            }
            Self::UnknownKey { suggestion, arrays, .. } => {
                suggest(suggestion, &format!("the arrays are {}", list(arrays)))
            }
            Self::BadOption { .. } => "only .npz files take :KEY, only arrays take :bits=N".into(),
            Self::Bits { n_cols, .. } => match n_cols.checked_mul(8) {
                Some(most @ 8..) => {
                    format!("bits=N needs unsigned bytes (u1); {n_cols} bytes a row hold {} to {most} bits", most - 7)
                }
                _ => "bits=N needs unsigned bytes (u1)".into(),
            },
            Self::Array { source, .. } => return source.hint(),
            Self::Zip { .. } => "write it again with numpy.savez or numpy.savez_compressed".into(),
            Self::TooLarge { .. } => "select fewer columns with --columns, or fewer rows".into(),
            Self::LabelColumns { .. } => "name a column of the data, FILE.npz:KEY or a file of one column".into(),
            Self::Split { .. } => "hold out between 0 and 1, with at least one row on either side".into(),
            Self::Empty { .. } | Self::NoRows { .. } => "each line after the header is one data point".into(),
            Self::Read { .. } | Self::Write { .. } | Self::LabelRows { .. } | Self::Shape { .. } => return None,
        };
        Some(hint)
    }
}

fn suggest(suggestion: &Option<String>, rest: &str) -> String {
    match suggestion {
        Some(name) => format!("did you mean {name:?}? {rest}"),
        None => rest.into(),
    }
}

/// The first names, and how many more there are.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The name with a comma of which `part` is a piece: what is left of it where nothing is quoted.
fn part_of<'a>(part: &str, names: &'a [String]) -> Option<&'a String> {
    names.iter().find(|n| n.contains(',') && n.split(',').any(|piece| piece.trim() == part))
}

fn is_decimal_comma(text: &str) -> bool {
    text.contains(',') && text.replace(',', ".").parse::<f64>().is_ok()
}

fn is_spaced(text: &str) -> bool {
    text.split_whitespace().nth(1).is_some() && text.split_whitespace().all(|t| t.parse::<f64>().is_ok())
}

/// Column names as they are typed after `--columns` or `--ignore` in a shell: separated by commas, a name that contains one
/// (or a double quote) in double quotes, and the whole in single quotes where the shell would take it apart.
pub fn column_list<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    let quoted = |name: &String| match name.contains([',', '"']) {
        true => format!("\"{}\"", name.replace('"', "\"\"")),
        false => name.clone(),
    };
    let list = names.into_iter().map(quoted).collect::<Vec<_>>().join(",");
    let plain = |c: char| c.is_alphanumeric() || "_-.,:/+@%".contains(c);
    if list.chars().all(plain) { list } else { format!("'{}'", list.replace('\'', "'\\''")) }
}

/// At most 40 characters of a cell.
pub(super) fn shorten(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.into(),
    }
}
