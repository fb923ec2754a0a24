//! CSV: rows of cells separated by commas, semicolons, tabs or, where nothing else separates them, spaces; with or without
//! a header. A first line of nothing but numbers is data; blank lines, and lines that begin with #, are left out.

use csv::ByteRecord;

use super::array::check_limit;
use super::error::{Cell, DataError, shorten};
use super::spaced::{COMMENT, squeeze};
use super::{Label, MAX_COLUMNS, MAX_VALUES, Selection, Table, default_names};
use crate::points::Matrix;

/// Reads the columns that `select` picks from the names; the others are not looked at. A text label becomes classes.
pub(super) fn read(
    file: &str,
    bytes: &[u8],
    select: impl FnOnce(&[String]) -> Result<Selection, DataError>,
) -> Result<Table, DataError> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(DataError::NotText { file: file.into(), found: "text in UTF-16" });
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes[..bytes.len().min(4096)].contains(&0) {
        return Err(DataError::NotText { file: file.into(), found: "binary data" });
    }
    let squeezed = squeeze(bytes);
    let (bytes, separator) = squeezed.as_deref().map_or_else(|| (bytes, separator(bytes)), |bytes| (bytes, b' '));
    let mut text = Text::new(bytes, separator);
    let (mut first, mut record) = (ByteRecord::new(), ByteRecord::new());
    if !text.next(&mut first) {
        return Err(DataError::Empty { file: file.into() });
    }
    check_limit(file, first.len(), "columns", MAX_COLUMNS)?;
    let mut more = text.next(&mut record);
    let mut notes = Vec::new();
    let names = if is_header(&first, more.then_some(&record)) {
        let names = header_names(file, &first)?;
        if !more {
            return Err(DataError::NoRows { file: file.into(), n_columns: names.len() });
        }
        notes.extend(numeric_names(file, &names));
        names
    } else {
        notes.extend(numeric_header(file, &first, more.then_some(&record)));
        text = Text::new(bytes, text.separator);
        more = text.next(&mut record);
        default_names(first.len())
    };
    let selection = select(&names)?;
    let mut rows = Rows::new(file, &names, &selection);
    while more {
        rows.push(&text, &record)?;
        more = text.next(&mut record);
    }
    notes.extend(text.notes(file));
    Ok(Table { notes, ..rows.finish(&names, &selection)? })
}

/// The records of a text, blank lines and comments left out.
struct Text<'a> {
    bytes: &'a [u8],
    separator: u8,
    reader: csv::Reader<&'a [u8]>,
    n_records: usize,
    /// Blank lines between records.
    n_blank: usize,
    n_comments: usize,
}

impl<'a> Text<'a> {
    fn new(bytes: &'a [u8], separator: u8) -> Self {
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator)
            .comment(Some(COMMENT))
            .buffer_capacity(1 << 16)
            .from_reader(bytes);
        Self { bytes, separator, reader, n_records: 0, n_blank: 0, n_comments: 0 }
    }

    /// The next record; lines of nothing but spaces are blank.
    fn next(&mut self, record: &mut ByteRecord) -> bool {
        // Reading from memory, with any bytes and any number of cells allowed, cannot fail.
        while self.reader.read_byte_record(record).unwrap_or(false) {
            let (_, n_blank, n_comments) = self.start(record);
            let blank = record.len() == 1 && !record[0].is_empty() && record[0].trim_ascii().is_empty();
            self.n_comments += n_comments;
            self.n_blank += if self.n_records > 0 { n_blank + usize::from(blank) } else { 0 };
            if !blank {
                self.n_records += 1;
                return true;
            }
        }
        false
    }

    /// The byte at which `record` begins, and how many blank lines and comments the reader passed over before it.
    fn start(&self, record: &ByteRecord) -> (usize, usize, usize) {
        let mut at = record.position().map_or(0, |p| p.byte() as usize).min(self.bytes.len());
        let (mut n_blank, mut n_comments) = (0, 0);
        // What is left of the end of the record before.
        if at > 0 && self.bytes[at..].starts_with(b"\n") && self.bytes[at - 1] == b'\r' {
            at += 1;
        }
        loop {
            let rest = &self.bytes[at..];
            let length = match rest.first() {
                Some(b'\n' | b'\r') => 0,
                Some(&COMMENT) => rest.iter().position(|&c| c == b'\n').unwrap_or(rest.len()),
                _ => return (at, n_blank, n_comments),
            };
            if length == 0 {
                n_blank += 1
            } else {
                n_comments += 1
            }
            let end = if rest[length..].starts_with(b"\r\n") { 2 } else { usize::from(length < rest.len()) };
            at += length + end;
        }
    }

    /// What was left out.
    fn notes(&self, file: &str) -> Vec<String> {
        let lines = |n: usize, what: &str| {
            let (s, are) = if n == 1 { ("", "is") } else { ("s", "are") };
            (n > 0).then(|| format!("{file}: {n} {what}{s} {are} left out"))
        };
        let comments = lines(self.n_comments, "comment line");
        [lines(self.n_blank, "blank line"), comments].into_iter().flatten().collect()
    }

    /// The line, from 1, on which `record` begins: counted only when an error needs it.
    fn line(&self, record: &ByteRecord) -> usize {
        let before = &self.bytes[..self.start(record).0];
        let lone_returns = before.windows(2).filter(|w| w[0] == b'\r' && w[1] != b'\n').count();
        1 + before.iter().filter(|&&c| c == b'\n').count() + lone_returns + usize::from(before.ends_with(b"\r"))
    }
}

/// Comma, semicolon or tab: the one that every one of the first lines has equally often, else the most frequent.
fn separator(bytes: &[u8]) -> u8 {
    let counts = |separator: u8| {
        let mut quoted = false;
        bytes
            .split(|&c| c == b'\n' || c == b'\r')
            .filter(|line| !line.trim_ascii().is_empty() && line[0] != COMMENT)
            .take(10)
            .map(|line| {
                let count = |&&c: &&u8| {
                    quoted ^= c == b'"';
                    c == separator && !quoted
                };
                line.iter().take(1 << 16).filter(count).count()
            })
            .collect::<Vec<_>>()
    };
    // Semicolons before commas: with semicolons between them, cells may hold decimal commas.
    let candidates = [b'\t', b';', b','].map(|s| (s, counts(s)));
    let regular = |n: &[usize]| n.first().is_some_and(|&first| first > 0 && n.iter().all(|&m| m == first));
    if let Some((s, _)) = candidates.iter().find(|(_, n)| regular(n)) {
        return *s;
    }
    let first = |n: &[usize]| n.first().copied().unwrap_or(0);
    candidates.iter().max_by_key(|(_, n)| first(n)).map_or(b',', |(s, _)| *s)
}

/// Whether the first row names the columns: some cell of it is text where the second row has none, or all cells are.
/// (Where rows hold text throughout, as class names in a file without header, text in the first row says nothing.)
fn is_header(first: &ByteRecord, second: Option<&ByteRecord>) -> bool {
    let is_text = |cell: &[u8]| matches!(parse(cell), Err(Fault::Text));
    let all_text = first.iter().all(is_text);
    let differs = |second: &ByteRecord| first.iter().zip(second).any(|(a, b)| is_text(a) && !is_text(b));
    all_text || second.map_or_else(|| first.iter().any(is_text), differs)
}

/// A note on a header some of whose names are numbers.
fn numeric_names(file: &str, names: &[String]) -> Option<String> {
    let number = names.iter().find(|name| parse(name.as_bytes()).is_ok())?;
    Some(format!("{file}: the first line names the columns, although {number} is a number"))
}

/// A note on a first line that is read as data, as all its cells are numbers, but may have been meant as a header: years,
/// or whole numbers counting up (as pandas numbers columns without names), over a row with decimals.
fn numeric_header(file: &str, first: &ByteRecord, second: Option<&ByteRecord>) -> Option<String> {
    let whole = |cell: &[u8]| std::str::from_utf8(cell).ok()?.trim().parse::<i64>().ok();
    let cells: Vec<i64> = first.iter().map(whole).collect::<Option<_>>()?;
    let has_decimals = second?.iter().any(|cell| parse(cell).is_ok() && whole(cell).is_none());
    let counts_up = cells.len() > 1 && cells.windows(2).all(|w| w[0].checked_add(1) == Some(w[1]));
    let years = cells.iter().all(|year| (1800..=2100).contains(year));
    (has_decimals && (counts_up || years)).then(|| {
        let shown = String::from_utf8_lossy(first.as_slice()).into_owned();
        let shown = if first.len() == 1 { shown } else { format!("{}, ...", cells[0]) };
        format!("{file}: the first line ({shown}) is read as data, as it holds numbers only; if it is a header, give the columns names")
    })
}

fn header_names(file: &str, first: &ByteRecord) -> Result<Vec<String>, DataError> {
    let defaults = default_names(first.len());
    let mut seen = std::collections::HashMap::new();
    let mut names = Vec::with_capacity(first.len());
    for (j, (cell, default)) in first.iter().zip(defaults).enumerate() {
        let name = String::from_utf8_lossy(cell.trim_ascii());
        let name = if name.is_empty() { default } else { name.into_owned() };
        if let Some(earlier) = seen.insert(name.clone(), j) {
            return Err(DataError::DuplicateName { file: file.into(), name, first: earlier + 1, second: j + 1 });
        }
        names.push(name);
    }
    Ok(names)
}

/// Why a cell is not a finite number.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Text,
    Missing,
    Infinite,
}

/// A finite number, or why not.
fn parse(cell: &[u8]) -> Result<f64, Fault> {
    let cell = cell.trim_ascii();
    let number = std::str::from_utf8(cell).ok().and_then(|text| text.parse::<f64>().ok());
    match number {
        Some(v) if v.is_finite() => Ok(v),
        Some(v) if v.is_infinite() => Err(Fault::Infinite),
        Some(_) => Err(Fault::Missing),
        None => {
            const MISSING: [&[u8]; 6] = [b"", b"na", b"n/a", b"null", b"none", b"?"];
            let missing = MISSING.iter().any(|m| cell.eq_ignore_ascii_case(m));
            Err(if missing { Fault::Missing } else { Fault::Text })
        }
    }
}

/// The rows read so far.
struct Rows<'a> {
    file: &'a str,
    names: &'a [String],
    used: &'a [usize],
    values: Vec<Vec<f64>>,
    label: Option<(usize, Vec<String>)>,
    n_rows: usize,
    /// The first faulty cell: kind, place, text, position among the used columns.
    fault: Option<(Fault, Cell, String, usize)>,
    n_missing: usize,
    n_rows_missing: usize,
    n_text: usize,
}

impl<'a> Rows<'a> {
    fn new(file: &'a str, names: &'a [String], selection: &'a Selection) -> Self {
        Self {
            file,
            names,
            used: &selection.columns,
            values: vec![Vec::new(); selection.columns.len()],
            label: selection.label.map(|j| (j, Vec::new())),
            n_rows: 0,
            fault: None,
            n_missing: 0,
            n_rows_missing: 0,
            n_text: 0,
        }
    }

    fn cell(&self, text: &Text, record: &ByteRecord, j: usize) -> Cell {
        let line = Some(text.line(record));
        Cell { file: self.file.into(), line, row: self.n_rows, column: j + 1, name: self.names[j].clone() }
    }

    /// Adds a row. A ragged row ends the reading; other faults are counted to the end of the file.
    fn push(&mut self, text: &Text, record: &ByteRecord) -> Result<(), DataError> {
        self.n_rows += 1;
        if record.len() != self.names.len() {
            return Err(self.take_fault().unwrap_or_else(|| DataError::Ragged {
                file: self.file.into(),
                line: text.line(record),
                row: self.n_rows,
                found: record.len(),
                expected: self.names.len(),
                spans_lines: record.iter().any(|c| c.contains(&b'\n')),
            }));
        }
        let n_missing = self.n_missing;
        for (k, &j) in self.used.iter().enumerate() {
            match parse(&record[j]) {
                Ok(v) => self.values[k].push(v),
                Err(fault) => {
                    self.n_missing += usize::from(fault == Fault::Missing);
                    if self.fault.is_none() {
                        let shown = shorten(&String::from_utf8_lossy(record[j].trim_ascii()));
                        self.fault = Some((fault, self.cell(text, record, j), shown, k));
                    }
                    let of_first = self.fault.as_ref().is_some_and(|(_, _, _, first)| *first == k);
                    self.n_text += usize::from(fault == Fault::Text && of_first);
                }
            }
        }
        if let Some((j, _)) = self.label {
            let cell = record[j].trim_ascii();
            if matches!(parse(cell), Err(Fault::Missing)) {
                self.n_missing += 1;
                if self.fault.is_none() {
                    self.fault = Some((Fault::Missing, self.cell(text, record, j), String::new(), usize::MAX));
                }
            }
            let cell = String::from_utf8_lossy(cell).into_owned();
            if let Some((_, cells)) = &mut self.label {
                cells.push(cell);
            }
        }
        self.n_rows_missing += usize::from(self.n_missing > n_missing);
        check_limit(self.file, self.n_rows.saturating_mul(self.used.len()), "values", MAX_VALUES)
    }

    fn take_fault(&mut self) -> Option<DataError> {
        let (fault, cell, text, _) = self.fault.take()?;
        let cell = Box::new(cell);
        let n_rows = self.n_rows;
        Some(match fault {
            Fault::Text => DataError::NonNumeric { cell, text, n_in_column: self.n_text, n_rows },
            Fault::Infinite => DataError::Infinite { cell, text },
            Fault::Missing => {
                let (n_missing, n_rows_missing) = (self.n_missing, self.n_rows_missing);
                DataError::Missing { cell, n_missing, n_rows_missing, n_rows }
            }
        })
    }

    fn finish(mut self, names: &[String], selection: &Selection) -> Result<Table, DataError> {
        if let Some(error) = self.take_fault() {
            return Err(error);
        }
        let n_cols = self.values.len();
        let mut columns = std::mem::take(&mut self.values);
        let data = if n_cols == 1 { std::mem::take(&mut columns[0]) } else { columns.concat() };
        let label = self.label.map(|(j, cells)| Label::from_text(names[j].clone(), cells));
        let used = selection.columns.iter().map(|&j| names[j].clone()).collect();
        let columns = Matrix::from_columns(self.n_rows, n_cols, data);
        Ok(Table { names: used, columns, label, source: self.file.into(), notes: Vec::new() })
    }
}
