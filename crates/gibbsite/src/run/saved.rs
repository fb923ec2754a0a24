//! What a run needs to go on after it was interrupted: named numbers, integers and texts, kept in one checksummed file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::model_file::container::{self, ContainerError, Tensor};
use crate::points::Matrix;

/// Version of the layout of a saved run.
const VERSION: u32 = 1;

/// The state of a run between two draws. Numbers keep their bits; equal states are equal bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Saved {
    texts: BTreeMap<String, String>,
    integers: BTreeMap<String, Vec<u64>>,
    numbers: BTreeMap<String, Tensor>,
}

/// What stands beside the numbers in the file.
#[derive(Serialize, Deserialize)]
struct Meta {
    run_version: u32,
    texts: BTreeMap<String, String>,
    integers: BTreeMap<String, Vec<u64>>,
}

/// Why a saved run cannot be used.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum SavedError {
    /// Damaged, or not written by this program.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// The texts are not what they should be.
    #[error("its description is not readable: {0}")]
    Description(String),
    /// Written by another version of the program.
    #[error("it has version {found}, this program reads version {VERSION}")]
    Version {
        /// The version of the file.
        found: u32,
    },
    /// An entry that is not there, or not of the expected size.
    #[error("its entry '{name}' is missing or not {expected}")]
    Entry {
        /// Which.
        name: String,
        /// What should be there.
        expected: String,
    },
}

impl Saved {
    /// Keeps a text.
    pub fn put_text(&mut self, name: &str, text: impl Into<String>) {
        self.texts.insert(name.into(), text.into());
    }

    /// Keeps integers.
    pub fn put_integers(&mut self, name: &str, values: &[u64]) {
        self.integers.insert(name.into(), values.to_vec());
    }

    /// Keeps numbers.
    pub fn put_numbers(&mut self, name: &str, values: &[f64]) {
        self.numbers.insert(name.into(), Tensor::vector(name, values));
    }

    /// Keeps a matrix.
    pub fn put_matrix(&mut self, name: &str, m: &Matrix<f64>) {
        let values = (0..m.n_rows()).flat_map(|i| m.row(i)).collect();
        self.numbers.insert(name.into(), Tensor { name: name.into(), shape: vec![m.n_rows(), m.n_cols()], values });
    }

    /// Whether numbers of this name were kept.
    pub fn has_numbers(&self, name: &str) -> bool {
        self.numbers.contains_key(name)
    }

    /// A text.
    ///
    /// # Errors
    /// [`SavedError::Entry`].
    pub fn text(&self, name: &str) -> Result<&str, SavedError> {
        self.texts.get(name).map(String::as_str).ok_or_else(|| missing(name, "a text"))
    }

    /// Integers, as many as asked for.
    ///
    /// # Errors
    /// [`SavedError::Entry`].
    pub fn integers<const N: usize>(&self, name: &str) -> Result<[u64; N], SavedError> {
        let found = self.integers.get(name).and_then(|v| <[u64; N]>::try_from(v.as_slice()).ok());
        found.ok_or_else(|| missing(name, &format!("{N} integers")))
    }

    /// Integers, of any count.
    ///
    /// # Errors
    /// [`SavedError::Entry`].
    pub fn all_integers(&self, name: &str) -> Result<&[u64], SavedError> {
        self.integers.get(name).map(Vec::as_slice).ok_or_else(|| missing(name, "integers"))
    }

    /// Numbers, of any count.
    ///
    /// # Errors
    /// [`SavedError::Entry`].
    pub fn numbers(&self, name: &str) -> Result<&[f64], SavedError> {
        self.numbers.get(name).map(|t| t.values.as_slice()).ok_or_else(|| missing(name, "numbers"))
    }

    /// Numbers, as many as asked for.
    ///
    /// # Errors
    /// [`SavedError::Entry`].
    pub fn array<const N: usize>(&self, name: &str) -> Result<[f64; N], SavedError> {
        self.numbers(name)?.try_into().map_err(|_| missing(name, &format!("{N} numbers")))
    }

    /// A matrix of this size.
    ///
    /// # Errors
    /// [`SavedError::Entry`].
    pub fn matrix(&self, name: &str, n_rows: usize, n_cols: usize) -> Result<Matrix<f64>, SavedError> {
        let found = self.numbers.get(name).filter(|t| t.shape == [n_rows, n_cols]);
        let t = found.ok_or_else(|| missing(name, &format!("a matrix of {n_rows} x {n_cols} numbers")))?;
        Ok(Matrix::from_fn(n_rows, n_cols, |i, j| t.values[i * n_cols + j]))
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// [`SavedError::Description`] and [`SavedError::Container`], for what could not be read back.
    pub fn to_bytes(&self) -> Result<Vec<u8>, SavedError> {
        let (texts, integers) = (self.texts.clone(), self.integers.clone());
        let meta = serde_json::to_string(&Meta { run_version: VERSION, texts, integers });
        let meta = meta.map_err(|e| SavedError::Description(e.to_string()))?;
        let tensors: Vec<Tensor> = self.numbers.values().cloned().collect();
        Ok(container::write(&meta, &tensors)?)
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// [`SavedError`]; never panics, and any single changed byte is an error.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SavedError> {
        #[derive(Deserialize)]
        struct Version {
            run_version: u32,
        }
        let description = |e: serde_json::Error| SavedError::Description(e.to_string());
        let (json, tensors) = container::read(bytes)?;
        let version: Version = serde_json::from_str(&json).map_err(description)?;
        if version.run_version != VERSION {
            return Err(SavedError::Version { found: version.run_version });
        }
        let meta: Meta = serde_json::from_str(&json).map_err(description)?;
        let numbers = tensors.into_iter().map(|t| (t.name.clone(), t)).collect();
        Ok(Self { texts: meta.texts, integers: meta.integers, numbers })
    }
}

fn missing(name: &str, expected: &str) -> SavedError {
    SavedError::Entry { name: name.into(), expected: expected.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_comes_back_and_every_flipped_one_is_seen() {
        let mut saved = Saved::default();
        saved.put_text("sampler", "hmc \"x\"\n");
        saved.put_integers("counts", &[0, u64::MAX]);
        saved
            .put_numbers("odd", &[-0.0, f64::MIN_POSITIVE / 2.0, f64::INFINITY, f64::from_bits(0x7ff8_0000_0000_0123)]);
        saved.put_matrix("x", &Matrix::from_fn(2, 3, |i, j| (10 * i + j) as f64));
        let bytes = saved.to_bytes().unwrap();
        let back = Saved::from_bytes(&bytes).unwrap();
        let bits = |s: &Saved| s.numbers("odd").unwrap().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&back), bits(&saved));
        assert_eq!(back.integers::<2>("counts").unwrap(), [0, u64::MAX]);
        assert_eq!((back.text("sampler").unwrap(), back.matrix("x", 2, 3).unwrap().get(1, 2)), ("hmc \"x\"\n", 12.0));
        assert_eq!(back.to_bytes().unwrap(), bytes);
        assert!(back.matrix("x", 3, 2).is_err() && back.integers::<3>("counts").is_err() && back.text("x").is_err());
        for i in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[i] ^= 4;
            assert!(Saved::from_bytes(&damaged).is_err(), "byte {i}");
            assert!(Saved::from_bytes(&bytes[..i]).is_err(), "cut at {i}");
        }
    }
}
