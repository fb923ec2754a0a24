//! The IDX format of the MNIST files: two zero bytes, a type, the number of dimensions, the dimensions as big-endian
//! 32-bit integers, then the data by row, big-endian. Source: Y. LeCun, C. Cortes and C. Burges, the MNIST page.

use super::array::{Array, Layout, Scalar};
use super::npy::HeaderError;

/// Whether the bytes begin like an IDX file.
pub(super) fn is_idx(bytes: &[u8]) -> bool {
    matches!(bytes, [0, 0, 8..=14, 1..=255, ..])
}

/// Reads a whole file.
pub(super) fn read_array(bytes: &[u8]) -> Result<Array, HeaderError> {
    let (kind, n_dims, rest) = match bytes {
        [0, 0, kind, n_dims, rest @ ..] => (*kind, usize::from(*n_dims), rest),
        _ => return Err(HeaderError::Magic { kind: "IDX" }),
    };
    let scalar = match kind {
        0x08 => Scalar::U1,
        0x09 => Scalar::I1,
        0x0b => Scalar::I2,
        0x0c => Scalar::I4,
        0x0d => Scalar::F4,
        0x0e => Scalar::F8,
        _ => return Err(HeaderError::Dtype { dtype: format!("{kind:#04x}") }),
    };
    let (dims, data) = rest.split_at_checked(4 * n_dims).ok_or(HeaderError::TruncatedHeader)?;
    let shape: Vec<usize> = dims.as_chunks::<4>().0.iter().map(|d| u32::from_be_bytes(*d) as usize).collect();
    if shape.is_empty() {
        return Err(HeaderError::ZeroDimensional);
    }
    let layout = Layout { scalar, big_endian: true, fortran: false, shape };
    let needed = layout.n_bytes();
    match needed.and_then(|n| data.get(..usize::try_from(n).ok()?)) {
        Some(data) => Ok(Array { layout, data: data.to_vec() }),
        None => Err(HeaderError::Truncated {
            shape: layout.shape,
            dtype: scalar.name(),
            needed,
            available: data.len() as u64,
        }),
    }
}
