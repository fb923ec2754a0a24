//! Arrays as they lie in a file: a type, a shape, an order and raw bytes; and how they become columns of `f64`.

use super::error::{Cell, DataError};
use super::{MAX_COLUMNS, MAX_VALUES, Selection, default_names};
use crate::points::Matrix;

/// A numeric type of one array element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    Bool,
    I1,
    I2,
    I4,
    I8,
    U1,
    U2,
    U4,
    U8,
    F2,
    F4,
    F8,
}

impl Scalar {
    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            Self::Bool | Self::I1 | Self::U1 => 1,
            Self::I2 | Self::U2 | Self::F2 => 2,
            Self::I4 | Self::U4 | Self::F4 => 4,
            Self::I8 | Self::U8 | Self::F8 => 8,
        }
    }

    /// The name numpy prints.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::I1 => "int8",
            Self::I2 => "int16",
            Self::I4 => "int32",
            Self::I8 => "int64",
            Self::U1 => "uint8",
            Self::U2 => "uint16",
            Self::U4 => "uint32",
            Self::U8 => "uint64",
            Self::F2 => "float16",
            Self::F4 => "float32",
            Self::F8 => "float64",
        }
    }
}

/// Type, shape and order of an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub scalar: Scalar,
    pub big_endian: bool,
    pub fortran: bool,
    pub shape: Vec<usize>,
}

impl Layout {
    /// Length of the data in bytes, `None` when it exceeds 64 bits.
    pub fn n_bytes(&self) -> Option<u64> {
        self.shape
            .iter()
            .try_fold(self.scalar.size() as u64, |n, &d| n.checked_mul(d as u64))
            .or_else(|| self.shape.contains(&0).then_some(0))
    }

    /// `float64[150, 4]`.
    pub fn describe(&self) -> String {
        let shape = self.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
        format!("{}[{shape}]", self.scalar.name())
    }
}

/// An array with its bytes, of which there are exactly `layout.n_bytes()`.
pub(super) struct Array {
    pub layout: Layout,
    pub data: Vec<u8>,
}

impl Array {
    /// The selected columns; rows are the first dimension, all further dimensions are flattened by row.
    /// With `bits`, each row of unsigned bytes is unpacked to that many columns of 0 and 1, high bit first.
    pub fn into_columns(
        self,
        file: &str,
        bits: Option<usize>,
        select: impl FnOnce(&[String]) -> Result<Selection, DataError>,
    ) -> Result<(Selection, Matrix<f64>), DataError> {
        let n_rows = self.layout.shape.first().copied().unwrap_or(0);
        if self.layout.shape.contains(&0) {
            let n_columns =
                if n_rows == 0 { self.layout.shape[1..].iter().fold(1usize, |n, &d| n.saturating_mul(d)) } else { 0 };
            return Err(DataError::NoRows { file: file.into(), n_columns });
        }
        // No dimension is 0, so this is at most the number of bytes there are.
        let n_stored: usize = self.layout.shape[1..].iter().product();
        let n_cols = match bits {
            None => n_stored,
            Some(bits) if self.layout.scalar == Scalar::U1 && bits.div_ceil(8) == n_stored => bits,
            Some(bits) => {
                let dtype = self.layout.scalar.name().into();
                return Err(DataError::Bits { file: file.into(), bits, dtype, n_cols: n_stored });
            }
        };
        check_limit(file, n_cols, "columns", MAX_COLUMNS)?;
        let names = default_names(n_cols);
        let selection = select(&names)?;
        let used = selection.all();
        check_limit(file, used.len().saturating_mul(n_rows), "values", MAX_VALUES)?;
        let values = match bits {
            None => self.numbers(n_rows, n_stored, &used),
            Some(_) => self.gather(n_rows, &used, |i, j| f64::from(self.data[i * n_stored + j / 8] >> (7 - j % 8) & 1)),
        };
        check_finite(file, &names, &used, &values)?;
        Ok((selection, values))
    }

    /// The columns `used` as numbers. (64-bit integers beyond 2^53 are rounded, as numpy's `astype(float)` does.)
    fn numbers(&self, n_rows: usize, n_cols: usize, used: &[usize]) -> Matrix<f64> {
        macro_rules! numbers {
            ($number:ty, $convert:expr) => {{
                const SIZE: usize = size_of::<$number>();
                let (elements, _) = self.data.as_chunks::<SIZE>();
                let from = if self.layout.big_endian { <$number>::from_be_bytes } else { <$number>::from_le_bytes };
                if self.layout.fortran {
                    let strides = FortranStrides::new(&self.layout.shape, used);
                    self.gather_positions(n_rows, used, |i, k| $convert(from(elements[strides.offset[k] + i])))
                } else {
                    self.gather(n_rows, used, |i, j| $convert(from(elements[i * n_cols + j])))
                }
            }};
        }
        match self.layout.scalar {
            Scalar::Bool => numbers!(u8, |v| if v == 0 { 0.0 } else { 1.0 }),
            Scalar::I1 => numbers!(i8, f64::from),
            Scalar::I2 => numbers!(i16, f64::from),
            Scalar::I4 => numbers!(i32, f64::from),
            Scalar::I8 => numbers!(i64, |v| v as f64),
            Scalar::U1 => numbers!(u8, f64::from),
            Scalar::U2 => numbers!(u16, f64::from),
            Scalar::U4 => numbers!(u32, f64::from),
            Scalar::U8 => numbers!(u64, |v| v as f64),
            Scalar::F2 => numbers!(u16, half_to_f64),
            Scalar::F4 => numbers!(f32, f64::from),
            Scalar::F8 => numbers!(f64, |v| v),
        }
    }

    /// Element `(i, k)` of the result is `f(i, used[k])`.
    fn gather(&self, n_rows: usize, used: &[usize], f: impl Fn(usize, usize) -> f64) -> Matrix<f64> {
        self.gather_positions(n_rows, used, |i, k| f(i, used[k]))
    }

    /// Element `(i, k)` of the result is `f(i, k)`; a few rows at a time, so that a row read for one column is still in
    /// cache for the next.
    fn gather_positions(&self, n_rows: usize, used: &[usize], f: impl Fn(usize, usize) -> f64) -> Matrix<f64> {
        const ROWS: usize = 64;
        let mut values = Matrix::new(n_rows, used.len());
        for first in (0..n_rows).step_by(ROWS) {
            let last = (first + ROWS).min(n_rows);
            for k in 0..used.len() {
                for (v, i) in values.col_mut(k)[first..last].iter_mut().zip(first..) {
                    *v = f(i, k);
                }
            }
        }
        values
    }
}

/// Where the columns in use begin in an array in Fortran order: column `j` in row order has the indices
/// `(i_2, ..., i_n)` with the last running fastest; in memory the first runs fastest.
struct FortranStrides {
    offset: Vec<usize>,
}

impl FortranStrides {
    fn new(shape: &[usize], used: &[usize]) -> Self {
        let offset = used
            .iter()
            .map(|&column| {
                let mut rest = column;
                let mut offset = 0;
                let mut stride: usize = shape.iter().product();
                for &d in shape[1..].iter().rev() {
                    stride /= d;
                    offset += rest % d * stride;
                    rest /= d;
                }
                offset
            })
            .collect();
        Self { offset }
    }
}

/// IEEE 754 half precision: sign, 5 bits of exponent, 10 of fraction.
fn half_to_f64(bits: u16) -> f64 {
    let fraction = f64::from(bits & 0x3ff);
    let magnitude = match bits >> 10 & 0x1f {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        e => (1024.0 + fraction) * 2f64.powi(i32::from(e) - 25),
    };
    if bits & 0x8000 == 0 { magnitude } else { -magnitude }
}

/// Refuses missing (NaN) and infinite values, naming the first of them in row order.
fn check_finite(file: &str, names: &[String], used: &[usize], values: &Matrix<f64>) -> Result<(), DataError> {
    let first = (0..used.len()).filter_map(|k| values.col(k).iter().position(|v| !v.is_finite()).map(|i| (i, k))).min();
    let Some((i, k)) = first else { return Ok(()) };
    let cell = Cell { file: file.into(), line: None, row: i + 1, column: used[k] + 1, name: names[used[k]].clone() };
    let value = values.get(i, k);
    if value.is_infinite() {
        return Err(DataError::Infinite { cell, text: value.to_string() });
    }
    let n_missing = values.as_slice().iter().filter(|v| v.is_nan()).count();
    let n_rows = values.n_rows();
    let n_rows_missing = (0..n_rows).filter(|&i| (0..used.len()).any(|k| values.get(i, k).is_nan())).count();
    Err(DataError::Missing { cell, n_missing, n_rows_missing, n_rows })
}

pub(super) fn check_limit(file: &str, found: usize, what: &'static str, limit: usize) -> Result<(), DataError> {
    if found <= limit {
        return Ok(());
    }
    Err(DataError::TooLarge { file: file.into(), found: found as u64, what, limit: limit as u64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves() {
        for (bits, value) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0400, 6.103515625e-5),
            (0x0001, 5.960464477539063e-8),
            (0x3555, 0.333251953125),
            (0xfc00, f64::NEG_INFINITY),
        ] {
            assert_eq!(half_to_f64(bits), value, "{bits:#x}");
        }
        assert!(half_to_f64(0x7e00).is_nan());
        assert!(half_to_f64(0x8000).is_sign_negative());
    }

    /// Element (i, j, k) = 100 i + 10 j + k in both orders gives the same table.
    #[test]
    fn both_orders_flatten_by_row() {
        let shape = [2usize, 3, 4];
        let (mut c, mut f) = (Vec::new(), Vec::new());
        for i in 0..2u8 {
            for j in 0..3u8 {
                for k in 0..4u8 {
                    c.push(100 * i + 10 * j + k);
                }
            }
        }
        for k in 0..4u8 {
            for j in 0..3u8 {
                for i in 0..2u8 {
                    f.push(100 * i + 10 * j + k);
                }
            }
        }
        let table = |data: Vec<u8>, fortran| {
            let layout = Layout { scalar: Scalar::U1, big_endian: false, fortran, shape: shape.to_vec() };
            let select = |_: &[String]| Ok(Selection { columns: vec![11, 0, 5], label: None });
            Array { layout, data }.into_columns("a", None, select).unwrap().1
        };
        assert_eq!(table(c.clone(), false).as_slice(), [23.0, 123.0, 0.0, 100.0, 11.0, 111.0]);
        assert_eq!(table(f, true), table(c, false));
    }
}
