//! Checkpoints: the whole state of a training in one file, written whole or not at all.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::TrainError;
use super::history::Row;
use super::options::TrainOptions;
use super::state::State;
use crate::model_file::container::{Tensor, read, write};
use crate::table::atomic_write;

/// The file in the checkpoint folder.
pub const FILE: &str = "checkpoint.gibbs-state";
const VERSION: u32 = 2;

/// What a training is decided by: hashes of the data, the energy and its first theta, and the options.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// Hash of the training rows.
    pub data: u64,
    /// Hash of the energy: names, space, values and statistics at some rows.
    pub energy: u64,
    /// Hash of the parameters at the start.
    pub start: u64,
    /// The options.
    pub options: TrainOptions,
}

impl Identity {
    /// What keeps a training with this identity from going on from a checkpoint made with `old` after `epoch` epochs.
    ///
    /// More epochs than before are no obstacle if no schedule depends on their number.
    fn differs(&self, old: &Self, epoch: usize) -> Option<String> {
        if self.data != old.data {
            return Some("it was made with other training data".into());
        }
        let fields =
            |o: &TrainOptions| serde_json::to_value(o).ok().and_then(|v| v.as_object().cloned()).unwrap_or_default();
        let (new, before) = (fields(&self.options), fields(&old.options));
        let mut other: Vec<String> = new
            .iter()
            .filter(|(name, value)| before.get(*name) != Some(value))
            .map(|(name, value)| {
                format!("{name} was {} and is {value}", before.get(name).unwrap_or(&serde_json::Value::Null))
            })
            .collect();
        if self.options.epochs != old.options.epochs {
            other.retain(|o| !o.starts_with("epochs "));
            if self.options.epochs < epoch {
                other.push(format!("it has {epoch} epochs already, more than the {} asked for", self.options.epochs));
            } else if let Some(schedule) = self.options.depends_on_epochs() {
                other.push(format!(
                    "epochs was {} and is {}, on which {schedule} depends",
                    old.options.epochs, self.options.epochs
                ));
            }
        }
        if other.is_empty() {
            return (self.energy != old.energy || self.start != old.start)
                .then(|| "it was made with another energy, or other parameters at the start".into());
        }
        Some(format!("it was made with other options: {}", other.join("; ")))
    }
}

/// Removes what writes that were killed left beside the checkpoint.
///
/// # Errors
/// [`TrainError::Checkpoint`] with the file system's reason.
pub fn remove_stale(dir: &Path) -> Result<(), TrainError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(error(dir, e)),
    };
    for entry in entries {
        let path = entry.map_err(|e| error(dir, e))?.path();
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with(&format!(".{FILE}.")) && name.ends_with(".tmp") {
            fs::remove_file(&path).map_err(|e| error(&path, e))?;
        }
    }
    Ok(())
}

#[derive(Serialize, Deserialize)]
struct Meta {
    checkpoint_version: u32,
    problem: Identity,
    epoch: usize,
    n_updates: u64,
    t: u64,
    steps: Vec<u64>,
    n_rollbacks: usize,
}

fn error(path: &Path, reason: impl ToString) -> TrainError {
    TrainError::Checkpoint { path: path.to_path_buf(), reason: reason.to_string() }
}

/// Writes `state` of the training `problem` into `dir`.
///
/// # Errors
/// [`TrainError::Checkpoint`] with the file system's reason.
pub fn save(dir: &Path, problem: &Identity, state: &State) -> Result<(), TrainError> {
    let path = dir.join(FILE);
    let meta = Meta {
        checkpoint_version: VERSION,
        problem: problem.clone(),
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
pub fn load(dir: &Path, problem: &Identity, state: &mut State) -> Result<bool, TrainError> {
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
    if let Some(reason) = problem.differs(&meta.problem, meta.epoch) {
        return Err(error(&path, reason));
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
