//! A safetensors file of `f64` tensors and one JSON text, protected by a checksum. Model files and checkpoints are these.
//!
//! The only metadata key is `gibbsite`; its text is JSON whose first field is `crc32`, eight lower-case hexadecimal digits:
//! the CRC-32 of the whole file with these digits replaced by zeros. A CRC-32 detects every change within 32 bits, so a
//! file with any one byte changed is refused.

use std::collections::HashMap;
use std::ops::Range;

use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use thiserror::Error;

/// Everything up to the digits of the checksum, after the 8 bytes of the header's length.
const PREFIX: &[u8] = br#"{"__metadata__":{"gibbsite":"{\"crc32\":\""#;
const DIGITS: Range<usize> = 8 + PREFIX.len()..16 + PREFIX.len();

/// Why bytes are no container.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ContainerError {
    /// Not our header.
    #[error("not a file written by gibbsite")]
    Foreign,
    /// The checksum does not match.
    #[error("the file is damaged: its checksum is {found}, the content gives {computed}")]
    Checksum {
        /// Digits in the file.
        found: String,
        /// Digits of the content.
        computed: String,
    },
    /// Sizes or offsets are wrong.
    #[error("the file is malformed: {0}")]
    Malformed(String),
}

/// A named tensor, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its elements.
    pub values: Vec<f64>,
}

impl Tensor {
    /// A vector.
    pub fn vector(name: &str, values: &[f64]) -> Self {
        Self { name: name.into(), shape: vec![values.len()], values: values.to_vec() }
    }
}

fn checksum(bytes: &[u8]) -> String {
    let mut h = crc32fast::Hasher::new();
    h.update(&bytes[..DIGITS.start]);
    h.update(b"00000000");
    h.update(&bytes[DIGITS.end..]);
    format!("{:08x}", h.finalize())
}

/// The bytes of a container: the same for the same content. `json` is an object, `{...}`.
///
/// # Errors
/// [`ContainerError::Malformed`] if `json` is no object or a shape does not match its values.
pub fn write(json: &str, tensors: &[Tensor]) -> Result<Vec<u8>, ContainerError> {
    let malformed = |e: &dyn std::fmt::Display| ContainerError::Malformed(e.to_string());
    let body = json.strip_prefix('{').ok_or_else(|| malformed(&"metadata must be a JSON object"))?;
    let comma = if body.trim_start().starts_with('}') { "" } else { "," };
    let text = format!(r#"{{"crc32":"00000000"{comma}{body}"#);
    let data: Vec<Vec<u8>> = tensors.iter().map(|t| t.values.iter().flat_map(|v| v.to_le_bytes()).collect()).collect();
    let views = tensors
        .iter()
        .zip(&data)
        .map(|(t, d)| TensorView::new(Dtype::F64, t.shape.clone(), d).map(|v| (t.name.as_str(), v)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| malformed(&e))?;
    let mut bytes =
        serialize(views, Some(HashMap::from([("gibbsite".to_string(), text)]))).map_err(|e| malformed(&e))?;
    if !bytes.get(8..).is_some_and(|b| b.starts_with(PREFIX)) {
        return Err(malformed(&"unexpected header layout"));
    }
    let digits = checksum(&bytes);
    bytes[DIGITS].copy_from_slice(digits.as_bytes());
    Ok(bytes)
}

/// The JSON text and the tensors (sorted by name) of a container. Every size is checked before data are touched.
///
/// # Errors
/// [`ContainerError`]; never panics.
pub fn read(bytes: &[u8]) -> Result<(String, Vec<Tensor>), ContainerError> {
    let malformed = |e: &dyn std::fmt::Display| ContainerError::Malformed(e.to_string());
    if bytes.len() < DIGITS.end || !bytes[8..].starts_with(PREFIX) {
        return Err(ContainerError::Foreign);
    }
    let computed = checksum(bytes);
    if bytes[DIGITS] != *computed.as_bytes() {
        return Err(ContainerError::Checksum { found: String::from_utf8_lossy(&bytes[DIGITS]).into_owned(), computed });
    }
    let file = SafeTensors::deserialize(bytes).map_err(|e| malformed(&e))?;
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| malformed(&e))?;
    let keys = metadata.metadata().as_ref().filter(|m| m.len() == 1);
    let json = keys.and_then(|m| m.get("gibbsite")).ok_or(ContainerError::Foreign)?.clone();
    let mut tensors = Vec::new();
    for (name, view) in file.tensors() {
        if view.dtype() != Dtype::F64 {
            return Err(malformed(&format!("tensor {name} is {:?}, not F64", view.dtype())));
        }
        let values = view.data().chunks_exact(8).filter_map(|b| b.try_into().ok()).map(f64::from_le_bytes).collect();
        tensors.push(Tensor { name, shape: view.shape().to_vec(), values });
    }
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((json, tensors))
}
