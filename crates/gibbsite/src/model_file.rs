//! Models on disk: one `.gibbs` file holds the energy, its parameters, their errors and what is needed to use them.
//!
//! The file is safetensors: the tensor `theta` (f64) and one metadata key, `gibbsite`, with JSON. It holds no times, paths
//! or thread counts, so equal models are equal bytes. Numbers in the JSON are strings of the shortest decimal that reads
//! back the same, because JSON has neither NaN nor infinity.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub mod container;
mod exact;

use container::{ContainerError, Tensor};

use crate::table::atomic_write;

/// The version this program writes, and the newest it reads.
pub const FORMAT_VERSION: u32 = 1;
/// Largest file that is read, in bytes.
pub const MAX_BYTES: u64 = 1 << 32;
/// Largest number of coordinates.
pub const MAX_DIM: usize = 1 << 24;

/// The ends of one coordinate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// The coordinate.
    pub name: String,
    /// Lower end, or `-inf`.
    #[serde(with = "exact::number")]
    pub lower: f64,
    /// Upper end, or `inf`.
    #[serde(with = "exact::number")]
    pub upper: f64,
}

/// How to build the energy again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EnergySpec {
    /// A formula, with what its options were.
    Formula {
        /// Its text.
        formula: String,
        /// Dimension, for formulas that write `x[i]`.
        dim: Option<usize>,
        /// Bounds.
        bounds: Vec<Bound>,
    },
    /// A name of the menu with its parameters, as on the command line: `double-well:h=2,b=1`.
    Menu {
        /// The text.
        name: String,
    },
}

/// log Z, in nats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogZValue {
    /// The value.
    #[serde(with = "exact::number")]
    pub value: f64,
    /// Its standard or numerical error.
    #[serde(with = "exact::number")]
    pub std_err: f64,
    /// How it was computed.
    pub method: String,
}

/// The map `u_j = (x_j - shift_j) / scale_j` applied to the data before the fit: theta is in units of u.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standardize {
    /// Shifts, shape `(dim,)`.
    #[serde(with = "exact::numbers")]
    pub shift: Vec<f64>,
    /// Scales, shape `(dim,)`, positive.
    #[serde(with = "exact::numbers")]
    pub scale: Vec<f64>,
}

/// A fitted model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The energy.
    pub energy: EnergySpec,
    /// Number of coordinates.
    pub dim: usize,
    /// Parameter names.
    pub theta_names: Vec<String>,
    /// Parameters, shape `(n_theta,)`; kept in a tensor of its own.
    #[serde(skip)]
    pub theta: Vec<f64>,
    /// Standard errors, shape `(n_theta,)`, or empty: NaN where fixed, infinite where not determined.
    #[serde(with = "exact::numbers")]
    pub theta_std_err: Vec<f64>,
    /// Monte-Carlo errors, shape `(n_theta,)`, or empty where exact.
    #[serde(with = "exact::numbers")]
    pub theta_mcse: Vec<f64>,
    /// Inverse temperature that multiplies the energy.
    #[serde(with = "exact::number")]
    pub beta: f64,
    /// Names of the data columns, shape `(dim,)`, or empty.
    pub columns: Vec<String>,
    /// Rows the model was fitted to.
    pub n_data: u64,
    /// Objective of the fit.
    pub objective: String,
    /// log Z in the units of the data, where known.
    pub log_z: Option<LogZValue>,
    /// Standardisation, where chosen.
    pub standardize: Option<Standardize>,
}

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    format_version: u32,
    model: T,
}

/// Why a model file cannot be read or written.
#[derive(Debug, Error)]
pub enum ModelFileError {
    /// The file system.
    #[error("cannot {action} {file}: {source}")]
    Io {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        file: String,
        /// The system's reason.
        source: io::Error,
    },
    /// Too large to be a model.
    #[error("{file} has {bytes} bytes, more than the limit of {limit}")]
    TooLarge {
        /// The file.
        file: String,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// Damaged, or not a model file.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// Written by a newer program.
    #[error("the model has format version {found}, this program reads up to {newest}")]
    Version {
        /// Version of the file.
        found: u32,
        /// Newest readable.
        newest: u32,
    },
    /// The content contradicts itself.
    #[error("the model is inconsistent: {0}")]
    Inconsistent(String),
}

impl ModelFileError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io { .. } => "check the path and its permissions",
            Self::TooLarge { .. } | Self::Container(ContainerError::Foreign) => {
                "name a .gibbs file written by gibbsite fit"
            }
            Self::Container(_) => "copy the file again, or fit the model again",
            Self::Version { .. } => "update gibbsite",
            Self::Inconsistent(_) => "fit the model again",
        }
    }
}

impl Model {
    /// The bytes of the file; equal models give equal bytes.
    ///
    /// # Errors
    /// [`ModelFileError::Inconsistent`] for a model that could not be read back.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelFileError> {
        self.validate()?;
        let json = serde_json::to_string(&Versioned { format_version: FORMAT_VERSION, model: self });
        let json = json.map_err(|e| ModelFileError::Inconsistent(e.to_string()))?;
        Ok(container::write(&json, &[Tensor::vector("theta", &self.theta)])?)
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// [`ModelFileError`]; never panics, and any single changed byte is an error.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelFileError> {
        #[derive(Deserialize)]
        struct Version {
            format_version: u32,
        }
        let inconsistent = |e: serde_json::Error| ModelFileError::Inconsistent(e.to_string());
        let (json, tensors) = container::read(bytes)?;
        // The version first: a newer file may have other fields.
        let version: Version = serde_json::from_str(&json).map_err(inconsistent)?;
        if version.format_version != FORMAT_VERSION {
            return Err(ModelFileError::Version { found: version.format_version, newest: FORMAT_VERSION });
        }
        let Versioned { mut model, .. } = serde_json::from_str::<Versioned<Self>>(&json).map_err(inconsistent)?;
        let [theta] = <[Tensor; 1]>::try_from(tensors)
            .map_err(|t| ModelFileError::Inconsistent(format!("{} tensors where theta alone is expected", t.len())))?;
        if theta.name != "theta" || theta.shape.len() != 1 {
            return Err(ModelFileError::Inconsistent(format!("tensor {} where theta is expected", theta.name)));
        }
        model.theta = theta.values;
        model.validate()?;
        Ok(model)
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// [`ModelFileError::Io`], [`ModelFileError::Inconsistent`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), ModelFileError> {
        let bytes = self.to_bytes()?;
        let file = path.as_ref().display().to_string();
        atomic_write(path, |out| out.write_all(&bytes)).map_err(|source| ModelFileError::Io {
            action: "write",
            file,
            source,
        })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`ModelFileError`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ModelFileError> {
        let path = path.as_ref();
        let file = path.display().to_string();
        let io = |source| ModelFileError::Io { action: "read", file: file.clone(), source };
        let bytes = fs::metadata(path).map_err(io)?.len();
        if bytes > MAX_BYTES {
            return Err(ModelFileError::TooLarge { file, bytes, limit: MAX_BYTES });
        }
        Self::from_bytes(&fs::read(path).map_err(io)?)
    }

    fn validate(&self) -> Result<(), ModelFileError> {
        let bad = |reason: String| Err(ModelFileError::Inconsistent(reason));
        let n = self.theta_names.len();
        if self.theta.len() != n {
            return bad(format!("{} parameters with {n} names", self.theta.len()));
        }
        for (what, errors) in [("theta_std_err", &self.theta_std_err), ("theta_mcse", &self.theta_mcse)] {
            if !errors.is_empty() && errors.len() != n {
                return bad(format!("{} values of {what} for {n} parameters", errors.len()));
            }
        }
        if let Some(k) = self.theta.iter().position(|t| !t.is_finite()) {
            return bad(format!("the parameter {} is {}", self.theta_names[k], self.theta[k]));
        }
        if self.dim == 0 || self.dim > MAX_DIM {
            return bad(format!("{} coordinates, where 1 to {MAX_DIM} are possible", self.dim));
        }
        if !self.columns.is_empty() && self.columns.len() != self.dim {
            return bad(format!("{} column names for {} coordinates", self.columns.len(), self.dim));
        }
        if !(self.beta > 0.0 && self.beta.is_finite()) {
            return bad(format!("the inverse temperature is {}", self.beta));
        }
        if let EnergySpec::Formula { dim, bounds, .. } = &self.energy {
            if dim.is_some_and(|d| d != self.dim) {
                return bad(format!("a formula of another dimension than {}", self.dim));
            }
            if let Some(b) = bounds.iter().find(|b| b.lower.partial_cmp(&b.upper) != Some(std::cmp::Ordering::Less)) {
                return bad(format!("{} ranges from {} to {}", b.name, b.lower, b.upper));
            }
        }
        if let Some(s) = &self.standardize {
            let usable = |v: &f64| v.is_finite();
            if s.shift.len() != self.dim || s.scale.len() != self.dim || !s.shift.iter().all(usable) {
                return bad("the standardisation does not fit the coordinates".into());
            }
            if !s.scale.iter().all(|v| *v > 0.0 && v.is_finite()) {
                return bad("a scale is not positive".into());
            }
        }
        if self.log_z.as_ref().is_some_and(|z| !z.value.is_finite()) {
            return bad("log Z is not finite".into());
        }
        Ok(())
    }
}
