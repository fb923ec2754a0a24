//! Checkpoints: the whole state of a training in one file, written whole or not at all.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::TrainError;
use super::history::Row;
use super::state::State;
use crate::model_file::container::{Tensor, read, write};
use crate::table::atomic_write;

/// The file in the checkpoint folder.
pub const FILE: &str = "checkpoint.gibbs-state";
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Meta {
    checkpoint_version: u32,
    problem: u64,
    epoch: usize,
    n_updates: u64,
    t: u64,
    steps: Vec<u64>,
    n_rollbacks: usize,
}

fn error(path: &Path, reason: impl ToString) -> TrainError {
    TrainError::Checkpoint { path: path.to_path_buf(), reason: reason.to_string() }
}

/// Writes `state` of the training with hash `problem` into `dir`.
///
/// # Errors
/// [`TrainError::Checkpoint`] with the file system's reason.
pub fn save(dir: &Path, problem: u64, state: &State) -> Result<(), TrainError> {
    let path = dir.join(FILE);
    let meta = Meta {
        checkpoint_version: VERSION,
        problem,
        epoch: state.epoch,
        n_updates: state.n_updates,
        t: state.optimizer.t,
        steps: state.steps.clone(),
        n_rollbacks: state.n_rollbacks,
    };
    let json = serde_json::to_string(&meta).map_err(|e| error(&path, e))?;
    let rows: Vec<f64> = state.rows.iter().flat_map(|r| r.theta.iter().copied().chain(r.numbers())).collect();
    let tensors = [
        Tensor::vector("theta", &state.theta),
        Tensor::vector("m", &state.optimizer.m),
        Tensor::vector("v", &state.optimizer.v),
        Tensor::vector("positions", &state.positions),
        Tensor::vector("epoch_means", &state.epoch_means),
        Tensor::vector("rates", &[state.lr, state.step_size]),
        Tensor::vector("rows", &rows),
    ];
    let bytes = write(&json, &tensors).map_err(|e| error(&path, e))?;
    fs::create_dir_all(dir).map_err(|e| error(&path, e))?;
    atomic_write(&path, |out| out.write_all(&bytes)).map_err(|e| error(&path, e))
}

/// Reads the state in `dir` into `state`, which has the right shapes; `false` if there is no checkpoint.
///
/// # Errors
/// [`TrainError::Checkpoint`] if the file is damaged or belongs to another training.
pub fn load(dir: &Path, problem: u64, state: &mut State) -> Result<bool, TrainError> {
    let path: PathBuf = dir.join(FILE);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(error(&path, e)),
    };
    let (json, tensors) = read(&bytes).map_err(|e| error(&path, e))?;
    let meta: Meta = serde_json::from_str(&json).map_err(|e| error(&path, e))?;
    if meta.checkpoint_version != VERSION {
        return Err(error(
            &path,
            format!("it has version {}, this program reads version {VERSION}", meta.checkpoint_version),
        ));
    }
    if meta.problem != problem {
        return Err(error(&path, "it was made with other data, another energy or other options"));
    }
    let get = |name: &str, length: Option<usize>| {
        let found = tensors.iter().find(|t| t.name == name && length.is_none_or(|l| l == t.values.len()));
        found
            .map(|t| t.values.clone())
            .ok_or_else(|| error(&path, format!("{name} is missing or has the wrong length")))
    };
    let p = state.theta.len();
    let rates = get("rates", Some(2))?;
    let rows = get("rows", Some(meta.epoch * (p + 8)))?;
    let mut new = state.clone();
    new.theta = get("theta", Some(p))?;
    new.optimizer.m = get("m", Some(p))?;
    new.optimizer.v = get("v", Some(p))?;
    new.optimizer.t = meta.t;
    new.positions = get("positions", Some(state.positions.len()))?;
    new.epoch_means = get("epoch_means", Some(meta.epoch * p))?;
    if meta.steps.len() != state.steps.len() {
        return Err(error(&path, "it has another number of chains"));
    }
    new.steps = meta.steps;
    (new.lr, new.step_size) = (rates[0], rates[1]);
    (new.epoch, new.n_updates, new.n_rollbacks) = (meta.epoch, meta.n_updates, meta.n_rollbacks);
    new.rows = rows
        .chunks_exact(p + 8)
        .enumerate()
        .filter_map(|(i, r)| Some(Row::from_numbers(i + 1, r[..p].to_vec(), r[p..].try_into().ok()?)))
        .collect();
    *state = new;
    Ok(true)
}

/// A hash of everything that decides a training (FNV-1a, 64 bits).
#[derive(Clone, Copy, Debug)]
pub struct ProblemHash(u64);

impl Default for ProblemHash {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl ProblemHash {
    /// Adds bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.0 = (self.0 ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// Adds the bits of numbers.
    pub fn numbers(&mut self, values: &[f64]) {
        values.iter().for_each(|v| self.bytes(&v.to_bits().to_le_bytes()));
    }

    /// The hash.
    pub fn finish(self) -> u64 {
        self.0
    }
}
