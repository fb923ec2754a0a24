//! Draws as a Parquet file: columns `chain` and `draw` (unsigned, 32 bits, from 0) and `x1`, `x2`, ... (64-bit floating
//! point), one row group after the other, so that no more than a group is held.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{Encoding, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{DataType, DoubleType, Int32Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnPath, Type};

use super::{BUFFER, Quantity, Store};

/// Rows of a group. They depend on the number of coordinates only, so that the bytes do not tell how the run was cut.
fn rows_of_a_group(dim: usize) -> usize {
    (BUFFER / dim.max(1)).clamp(1 << 10, 1 << 20)
}

impl Store {
    pub(super) fn put_parquet(&self, out: &mut (impl Write + Send), n_chains: usize, n_draws: usize) -> io::Result<()> {
        if u32::try_from(n_chains.max(n_draws).saturating_sub(1)).is_err() {
            let message =
                format!("{n_chains} chains of {n_draws} draws cannot be numbered in the 32 bits of the columns");
            return Err(io::Error::other(message));
        }
        let mut groups = Groups::new(out, self.dim, n_draws).map_err(plain)?;
        self.chain_after_chain(Quantity::Draws, &mut |values| groups.put(values).map_err(plain))?;
        groups.finish().map_err(plain)
    }
}

/// A file in the making.
struct Groups<W: Write + Send> {
    file: SerializedFileWriter<W>,
    n_draws: usize,
    /// Rows of the groups that are written.
    n_written: usize,
    /// The coordinates of the group that is filled.
    columns: Vec<Vec<f64>>,
}

impl<W: Write + Send> Groups<W> {
    fn new(out: W, dim: usize, n_draws: usize) -> Result<Self, ParquetError> {
        let number = |name: &str| {
            Type::primitive_type_builder(name, Physical::INT32)
                .with_repetition(Repetition::REQUIRED)
                .with_logical_type(Some(LogicalType::integer(32, false)))
                .build()
        };
        let coordinate = |j: usize| {
            let name = format!("x{j}");
            Type::primitive_type_builder(&name, Physical::DOUBLE).with_repetition(Repetition::REQUIRED).build()
        };
        let fields = [number("chain"), number("draw")].into_iter().chain((1..=dim).map(coordinate));
        let fields = fields.map(|field| field.map(Arc::new)).collect::<Result<_, _>>()?;
        let schema = Type::group_type_builder("schema").with_fields(fields).build()?;
        // Draws hardly compress, numbers that count up do; the name of the writer carries no version, for equal draws are
        // equal bytes.
        let properties = WriterProperties::builder()
            .set_created_by("gibbsite".into())
            .set_dictionary_enabled(false)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_offset_index_disabled(true)
            .set_column_encoding(ColumnPath::from("chain"), Encoding::DELTA_BINARY_PACKED)
            .set_column_encoding(ColumnPath::from("draw"), Encoding::DELTA_BINARY_PACKED)
            .build();
        let file = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
        Ok(Self { file, n_draws, n_written: 0, columns: vec![Vec::new(); dim] })
    }

    /// Rows, one after the other.
    fn put(&mut self, mut values: &[f64]) -> Result<(), ParquetError> {
        let dim = self.columns.len();
        while !values.is_empty() {
            let room = rows_of_a_group(dim) - self.columns[0].len();
            let (now, rest) = values.split_at((room * dim).min(values.len()));
            for (j, column) in self.columns.iter_mut().enumerate() {
                column.extend(now.iter().skip(j).step_by(dim));
            }
            if self.columns[0].len() == rows_of_a_group(dim) {
                self.write_group()?;
            }
            values = rest;
        }
        Ok(())
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let rows = self.n_written..self.n_written + self.columns[0].len();
        let mut group = self.file.next_row_group()?;
        // The bits of an unsigned number are those of the physical type; `put_parquet` has looked at the size.
        let numbers = |f: &dyn Fn(usize) -> usize| -> Vec<i32> { rows.clone().map(|i| f(i) as u32 as i32).collect() };
        write_column::<Int32Type, _>(&mut group, &numbers(&|i| i / self.n_draws))?;
        write_column::<Int32Type, _>(&mut group, &numbers(&|i| i % self.n_draws))?;
        for column in &mut self.columns {
            write_column::<DoubleType, _>(&mut group, column)?;
            column.clear();
        }
        group.close()?;
        self.n_written = rows.end;
        Ok(())
    }

    fn finish(mut self) -> Result<(), ParquetError> {
        if !self.columns[0].is_empty() {
            self.write_group()?;
        }
        self.file.close().map(|_| ())
    }
}

fn write_column<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
) -> Result<(), ParquetError> {
    let column = group.next_column()?;
    let mut column = column.ok_or_else(|| ParquetError::General("more columns than the schema has".into()))?;
    column.typed::<T>().write_batch(values, None, None)?;
    column.close()
}

/// The system's reason, where there is one.
fn plain(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(cause) => cause.downcast::<io::Error>().map_or_else(io::Error::other, |e| *e),
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::path::Path;

    use parquet::column::reader::get_typed_column_reader;
    use parquet::file::reader::{FileReader, SerializedFileReader};

    use super::*;
    use crate::run::Draws;
    use crate::run::store::Format;

    fn value(i: usize) -> f64 {
        (i as f64 * 0.37).sin() * 10f64.powi((i % 600) as i32 - 300)
    }

    /// Draws kept in pieces that end after the draws `cuts`.
    fn kept(folder: &Path, (n_chains, n_draws, dim): (usize, usize, usize), cuts: &[usize]) -> Store {
        let mut store = Store::new(folder, n_chains, dim);
        for &end in cuts {
            let piece = store.n_draws()..end;
            let rows = (0..n_chains).flat_map(|c| piece.clone().map(move |t| c * n_draws + t));
            let values = rows.flat_map(|row| (0..dim).map(move |j| value(row * dim + j))).collect();
            let energy = vec![0.0; n_chains * piece.len()];
            store.append(&Draws::from_parts(n_chains, piece.len(), dim, values, energy)).unwrap();
        }
        store
    }

    fn column<T: DataType>(file: &SerializedFileReader<File>, j: usize) -> Vec<T::T> {
        let mut values = Vec::new();
        for i in 0..file.num_row_groups() {
            let group = file.get_row_group(i).unwrap();
            let n = group.metadata().num_rows() as usize;
            let mut reader = get_typed_column_reader::<T>(group.get_column_reader(j).unwrap());
            assert_eq!(reader.read_records(n, None, None, &mut values).unwrap().0, n);
        }
        values
    }

    /// Names, types, order and every bit, in one row group and in several whose ends are not those of pieces or chains.
    #[test]
    fn parquet_reads_back_chain_after_chain() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        for (shape, n_groups) in [((3, 40, 2), 1), ((3, 7, 1), 1), ((5, 700, 2048), 4)] {
            let (n_chains, n_draws, dim) = shape;
            let store = kept(folder.path(), shape, &[n_draws / 3, n_draws / 2, n_draws]);
            store.export(&path, Format::Parquet, n_draws).unwrap();
            let file = SerializedFileReader::new(File::open(&path).unwrap()).unwrap();
            assert_eq!(file.num_row_groups(), n_groups);
            let about = file.metadata().file_metadata();
            assert_eq!((about.created_by(), about.key_value_metadata()), (Some("gibbsite"), None));
            let schema = about.schema_descr();
            assert_eq!(schema.num_columns(), 2 + dim);
            for (j, column) in schema.columns().iter().enumerate() {
                let unsigned = LogicalType::integer(32, false);
                let (name, physical, logical) = match j {
                    0 => ("chain".into(), Physical::INT32, Some(unsigned)),
                    1 => ("draw".into(), Physical::INT32, Some(unsigned)),
                    j => (format!("x{}", j - 1), Physical::DOUBLE, None),
                };
                assert_eq!((column.name(), column.physical_type()), (name.as_str(), physical));
                assert_eq!((column.logical_type_ref(), column.max_def_level()), (logical.as_ref(), 0));
            }
            let n = n_chains * n_draws;
            let numbers = |f: &dyn Fn(usize) -> usize| -> Vec<i32> { (0..n).map(|i| f(i) as i32).collect() };
            assert_eq!(column::<Int32Type>(&file, 0), numbers(&|i| i / n_draws));
            assert_eq!(column::<Int32Type>(&file, 1), numbers(&|i| i % n_draws));
            for j in (0..dim).step_by(dim.div_ceil(16)) {
                let found = column::<DoubleType>(&file, 2 + j);
                assert!(
                    found.iter().enumerate().all(|(i, v)| v.to_bits() == value(i * dim + j).to_bits()),
                    "x{}",
                    j + 1
                );
            }
        }
    }

    /// However the run was cut into pieces, and also where it was kept as one long chain.
    #[test]
    fn equal_draws_are_equal_bytes_of_parquet() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = |shape, cuts: &[usize], n_draws| {
            let pieces = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.parquet");
            kept(pieces.path(), shape, cuts).export(&path, Format::Parquet, n_draws).unwrap();
            fs::read(path).unwrap()
        };
        let whole = bytes((4, 90, 300), &[90], 90);
        assert!(bytes((4, 90, 300), &[1, 50, 51, 90], 90) == whole);
        assert!(bytes((1, 360, 300), &[200, 360], 90) == whole);
    }

    #[test]
    fn chains_that_32_bits_cannot_number_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path(), 1, 1);
        let error = store.put_parquet(&mut Vec::new(), 1, (1 << 32) + 1).unwrap_err().to_string();
        assert!(error.contains("4294967297 draws cannot be numbered in the 32 bits"), "{error}");
        store.put_parquet(&mut Vec::new(), 1, 1 << 32).unwrap();
    }

    /// A full disk says so, in the system's words.
    #[test]
    fn the_systems_reason_is_kept() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let store = kept(folder.path(), (2, 30, 1), &[30]);
        assert_eq!(store.put_parquet(&mut Full, 2, 30).unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
