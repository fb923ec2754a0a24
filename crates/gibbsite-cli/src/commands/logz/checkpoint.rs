//! The state of an estimate in a folder, so that work that was killed goes on.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use gibbsite::logz::LogZError;
use gibbsite::logz::sampled::{Forget, Keep};
use gibbsite::run::saved::Saved;
use gibbsite::table::atomic_write;

use super::super::identity::Identity;
use crate::args::logz::LogzArgs;
use crate::context::Context;
use crate::failures;
use crate::outcome::Failure;

/// How the names of the files end.
const ENDING: &str = "gibbs-state";

/// Under which the call is kept with every state.
const CALL: &str = "call";

/// Held by the process that is at work in the folder.
const LOCK: &str = "lock";

/// A folder of states.
struct Folder {
    path: PathBuf,
    call: String,
    identity: Identity,
    /// Released when the process ends, however it ends.
    _lock: File,
}

/// The keeper that the arguments ask for; `identity` tells what decides the results beside the options of estimates.
///
/// # Errors
/// `conflict` where states would be lost or another process is at work, `io`.
pub fn open(
    method: &str,
    args: &LogzArgs,
    identity: impl FnOnce(Vec<(&str, String)>) -> Identity,
    ctx: &Context,
) -> Result<Box<dyn Keep>, Failure> {
    let Some(path) = args.resume.as_ref().or(args.checkpoint_dir.as_ref()) else {
        return Ok(Box::new(Forget));
    };
    let shown = path.display().to_string();
    fs::create_dir_all(path).map_err(|e| failures::write(&shown, &e))?;
    let is_begun = has_states(path).map_err(|e| failures::write(&shown, &e))?;
    if is_begun && args.resume.is_none() {
        let message = format!("'{shown}' holds the state of an estimate already");
        return Err(Failure::work(
            "conflict",
            message,
            format!("go on with --resume {shown}, or choose another folder"),
        ));
    }
    if !is_begun && args.resume.is_some() {
        ctx.note(&format!("note: there is no state in '{shown}', starting afresh"));
    }
    let lock = File::create(path.join(LOCK)).map_err(|e| failures::write(&shown, &e))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let message = format!("another process is at work in '{shown}'");
            return Err(Failure::work("conflict", message, "wait for it, or choose another folder"));
        }
        Err(TryLockError::Error(e)) => return Err(failures::write(&shown, &e)),
    }
    let or_default = |given: Option<String>| given.unwrap_or_else(|| "the default".into());
    let betas = (!args.betas.is_empty()).then(|| format!("{:?}", args.betas));
    let options = vec![
        ("--method", method.to_string()),
        ("--tol", args.tol.to_string()),
        ("--n", or_default(args.n.map(|n| n.to_string()))),
        ("--betas", or_default(betas)),
    ];
    let identity = identity(options);
    let call = identity.to_text().map_err(|e| Failure::caused_by("checkpoint", &e, "leave out --checkpoint-dir"))?;
    Ok(Box::new(Folder { path: path.clone(), call, identity, _lock: lock }))
}

fn has_states(path: &Path) -> std::io::Result<bool> {
    for entry in fs::read_dir(path)? {
        if entry?.path().extension().is_some_and(|e| e == ENDING) {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Folder {
    fn file(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.{ENDING}"))
    }
}

impl Keep for Folder {
    fn load(&mut self, name: &str) -> Result<Option<Saved>, LogZError> {
        let file = self.file(name);
        if !file.exists() {
            return Ok(None);
        }
        let unusable = |why: String| LogZError::Checkpoint(format!("'{}' cannot be used: {why}", file.display()));
        let bytes = fs::read(&file).map_err(|e| unusable(e.to_string()))?;
        let saved = Saved::from_bytes(&bytes).map_err(|e| unusable(e.to_string()))?;
        let call = saved.text(CALL).map_err(|e| unusable(e.to_string()))?;
        let call = Identity::from_text(call).map_err(|e| unusable(e.to_string()))?;
        match self.identity.difference(&call) {
            Some(difference) => Err(unusable(format!("it is of another call, {difference}"))),
            None => Ok(Some(saved)),
        }
    }

    fn store(&mut self, name: &str, saved: &Saved) -> Result<(), LogZError> {
        let file = self.file(name);
        let failed = |why: String| LogZError::Checkpoint(format!("cannot write '{}': {why}", file.display()));
        let mut saved = saved.clone();
        saved.put_text(CALL, self.call.as_str());
        let bytes = saved.to_bytes().map_err(|e| failed(e.to_string()))?;
        atomic_write(&file, |f| f.write_all(&bytes)).map_err(|e| failed(e.to_string()))
    }
}
