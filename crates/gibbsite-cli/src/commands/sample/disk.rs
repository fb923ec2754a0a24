//! Runs that write their draws while they go on. Beside the file `F` of `--out` stands the folder `F.part` with the pieces
//! drawn so far and a checkpoint; when the run is complete, `F` is put together from them and the folder removed. A run
//! that was killed loses at most the piece in work and goes on with `--resume` to the bytes it would have had.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use gibbsite::run::saved::{Saved, SavedError};
use gibbsite::run::store::{Quantity, Store, StoreError, draws_of_a_piece};
use gibbsite::run::{Draws, Progress, Session};
use gibbsite::table::{atomic_write, remove_stale};

use super::super::identity::Identity;
use super::write::DrawsFile;
use crate::context::Context;
use crate::outcome::Failure;
use crate::{failures, text};

/// The state of the run, in the folder of the pieces.
const CHECKPOINT: &str = "checkpoint.gibbs-state";

/// Held by the process that is at work in the folder.
const LOCK: &str = "lock";

/// Draws of a coordinate beyond which diagnostics use every second, third, ...
const MAX_DIAGNOSED: usize = 1 << 22;

/// Numbers held for diagnostics, coordinates and energy together.
const MAX_HELD: usize = 1 << 25;

/// Draws of each chain that diagnostics use at least.
const MIN_DIAGNOSED: usize = 100;

/// The folder of a run, and what is in it.
pub struct Disk {
    file: DrawsFile,
    folder: PathBuf,
    /// Released when the process ends, however it ends.
    lock: Option<File>,
    identity: Identity,
    /// Draws that a chain is to have.
    n_draws: usize,
    saved: Option<Saved>,
    seconds_before: f64,
    started: Instant,
}

/// What is to be drawn.
pub struct Job<'a> {
    /// Chains of the session.
    pub n_chains: usize,
    /// Coordinates.
    pub dim: usize,
    /// Draws of each chain of the session.
    pub n_draws: usize,
    /// Brings draws into the coordinates of the model.
    pub convert: &'a dyn Fn(&mut Draws),
    /// Names and texts that are kept with the run, to be found in [`Disk::saved`].
    pub texts: &'a [(&'a str, String)],
    /// Where the progress is told.
    pub progress: Progress<'a>,
}

/// What is held of a run that is complete.
pub struct Kept {
    /// As many draws as diagnostics take.
    pub draws: Draws,
    /// They are those of each chain whose number is a multiple of this.
    pub every: usize,
    /// As many total energies of each chain, successive ones, for samplers that have them.
    pub hamiltonian: Vec<Vec<f64>>,
}

impl Disk {
    /// Opens the folder of the run that writes `file`: a new one, or with `resume` the one that was interrupted.
    ///
    /// # Errors
    /// `conflict` where an interrupted run would be lost or another process is at work, `finished` where there is nothing to
    /// resume, `checkpoint` where it is another run's or damaged, `io`.
    pub fn open(
        file: DrawsFile,
        identity: Identity,
        n_draws: usize,
        resume: bool,
        ctx: &Context,
    ) -> Result<Self, Failure> {
        let folder = beside(file.path());
        let is_there = folder.is_dir();
        if !is_there && folder.exists() {
            let message = format!("'{}' is in the way: the draws go to a folder of that name", folder.display());
            return Err(Failure::work("io", message, "move it, or choose another --out"));
        }
        let has_checkpoint = folder.join(CHECKPOINT).exists();
        if resume && !has_checkpoint && file.path().is_file() {
            let file = file.path().display();
            let message = format!("nothing to resume: '{file}' is complete, with no run in '{}'", folder.display());
            return Err(Failure::work("finished", message, "to draw anew, leave --resume out or remove the file"));
        }
        if resume && !is_there {
            ctx.note(&format!("note: there is no '{}' to resume, starting afresh", folder.display()));
        }
        if !is_there {
            fs::create_dir(&folder).map_err(|e| failures::write(&folder.display().to_string(), &e))?;
        }
        let mut disk = Self {
            lock: None,
            file,
            folder,
            identity,
            n_draws,
            saved: None,
            seconds_before: 0.0,
            started: Instant::now(),
        };
        if is_there && !has_checkpoint {
            disk.refuse_foreign()?;
            if resume {
                ctx.note(&format!("note: '{}' holds no draws yet, starting afresh", disk.folder.display()));
            }
        }
        disk.acquire(ctx)?;
        if disk.has_checkpoint() {
            disk.look(resume, ctx)?;
        }
        for name in disk.names()?.iter().filter(|n| is_temporary(n) || (!disk.has_checkpoint() && is_piece(n))) {
            let path = disk.folder.join(name);
            fs::remove_file(&path).map_err(|e| failures::write(&path.display().to_string(), &e))?;
        }
        remove_stale(disk.path()).map_err(|e| failures::write(&disk.path().display().to_string(), &e))?;
        Ok(disk)
    }

    /// The file that the complete run is written to.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Says where the draws of a run of more than one piece go, before they do.
    pub fn announce(&self, n_chains: usize, dim: usize, ctx: &Context) {
        if self.saved.is_none() && self.n_draws > draws_of_a_piece(n_chains, dim) {
            let folder = self.folder.display();
            ctx.note(&format!("draws go to '{folder}' first; if this is interrupted, repeat the call with --resume"));
        }
    }

    /// The state to go on from, if there is one.
    pub fn saved(&self) -> Option<&Saved> {
        self.saved.as_ref()
    }

    /// Time spent on the run, also by the processes before this one.
    pub fn seconds(&self) -> f64 {
        self.seconds_before + self.started.elapsed().as_secs_f64()
    }

    /// Draws what is left of the job and writes the complete file.
    ///
    /// # Errors
    /// Those of the session, upon which the folder is removed, for draws of a sampler that fails are worth nothing; `too_large`
    /// and `io` if memory or the disk do not suffice, upon which all that is there stays.
    pub fn draw<S: Session>(
        &self,
        session: &mut S,
        job: &Job,
        failure: impl Fn(S::Error) -> Failure,
    ) -> Result<Kept, Failure> {
        let Job { n_chains, dim, n_draws, .. } = *job;
        let mut store = Store::open(&self.folder, n_chains, dim, session.n_done()).map_err(|e| self.storage(&e))?;
        if store.n_draws() > n_draws {
            let message = format!(
                "'{}' holds {} draws already, more than the {} asked for",
                self.folder.display(),
                text::count(store.n_draws() as u64),
                text::count(n_draws as u64)
            );
            return Err(Failure::work("checkpoint", message, "ask for as many --draws as there are, or more"));
        }
        // Draws of a chain of the call, also where independent draws are kept as one long chain.
        let of_each = |n: usize| n / (n_draws / self.n_draws).max(1);
        if self.saved.is_none() {
            self.keep(session.save(), job, 0)?;
        }
        while store.n_draws() < n_draws {
            let n = draws_of_a_piece(n_chains, dim).min(n_draws - store.n_draws());
            let mut piece = match session.draw(n, job.progress) {
                Ok(piece) => piece,
                Err(e) => {
                    let failure = failure(e);
                    // What was drawn before memory ran out is as good as ever.
                    if failure.kind != "too_large" {
                        self.clean()?;
                    }
                    return Err(failure);
                }
            };
            (job.convert)(&mut piece);
            store.append(&piece).map_err(|e| self.storage(&e))?;
            self.keep(session.save(), job, of_each(store.n_draws()))?;
        }
        let export = store.export(self.path(), self.file.format(), self.n_draws);
        export.map_err(|e| self.stays(failures::data(e)))?;
        let n_chains = n_chains * n_draws / self.n_draws;
        let every = every(n_chains, self.n_draws, dim);
        let held =
            |quantity, columns| store.every(quantity, columns, self.n_draws, every).map_err(|e| self.storage(&e));
        let (values, energy) = (held(Quantity::Draws, 0..dim)?, held(Quantity::Energy, 0..1)?);
        let n_held = self.n_draws.div_ceil(every);
        let hamiltonian = store.last(Quantity::TotalEnergy, n_held).map_err(|e| self.storage(&e))?;
        Ok(Kept {
            draws: Draws::from_parts(n_chains, n_held, dim, values, energy),
            every,
            hamiltonian: hamiltonian.chunks(n_held).map(<[f64]>::to_vec).collect(),
        })
    }

    /// Removes the folder of a run that is complete.
    ///
    /// # Errors
    /// `io`.
    pub fn finish(self, ctx: &Context) -> Result<(), Failure> {
        if self.folder.is_dir() && !self.clean()? {
            let message = format!("note: '{}' holds files of yours, so it stays", self.folder.display());
            ctx.note(&message);
        }
        Ok(())
    }

    /// What a saved run that cannot be used means for the call.
    pub fn unusable(&self, error: &SavedError) -> Failure {
        let message = format!("'{}' cannot be resumed: {error}", self.checkpoint().display());
        Failure::work("checkpoint", message, self.to_start_anew())
    }

    /// Waits for nobody: two processes in one folder would write the same files.
    fn acquire(&mut self, ctx: &Context) -> Result<(), Failure> {
        let path = self.folder.join(LOCK);
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|e| failures::write(&path.display().to_string(), &e))?;
        match file.try_lock() {
            Ok(()) => self.lock = Some(file),
            Err(TryLockError::WouldBlock) => {
                let message = format!("another process is at work in '{}'", self.folder.display());
                return Err(Failure::work("conflict", message, "wait until it ends, or choose another --out"));
            }
            Err(TryLockError::Error(e)) => {
                ctx.note(&format!("note: '{}' cannot be locked ({e}); let no other run write there", path.display()));
                self.lock = Some(file);
            }
        }
        Ok(())
    }

    /// Reads the checkpoint that is there.
    fn look(&mut self, resume: bool, ctx: &Context) -> Result<(), Failure> {
        let path = self.checkpoint();
        let bytes = fs::read(&path).map_err(|e| {
            let message = format!("cannot read '{}': {e}", path.display());
            Failure::work("io", message, "check its permissions")
        })?;
        let saved = Saved::from_bytes(&bytes).map_err(|e| self.unusable(&e))?;
        let unusable = |e: SavedError| self.unusable(&e);
        let identity = saved.text("identity").map_err(unusable)?;
        let identity = Identity::from_text(identity).map_err(|e| unusable(SavedError::Description(e.to_string())))?;
        let [n_kept, n_draws] = saved.integers("draws_kept_and_asked_for").map_err(unusable)?;
        let [seconds] = saved.array("seconds").map_err(unusable)?;
        let folder = self.folder.display();
        let there = format!("{} of {} draws of each chain", text::count(n_kept), text::count(n_draws));
        let difference = self.identity.difference(&identity);
        if !resume {
            let message = format!("'{folder}' holds an interrupted run: {there}");
            let hint = match difference {
                None => format!("add --resume to go on with it, or {}", self.to_start_anew()),
                Some(_) => format!("choose another --out, or {}", self.to_start_anew()),
            };
            return Err(Failure::usage("conflict", message, hint));
        }
        if let Some(difference) = difference {
            let message = format!("'{folder}' holds another run ({there}): {difference}");
            let hint = format!("repeat the call that began it (only --draws may grow), or {}", self.to_start_anew());
            return Err(Failure::work("checkpoint", message, hint));
        }
        ctx.note(&format!("resuming '{folder}', which holds {there}"));
        (self.saved, self.seconds_before) = (Some(saved), seconds);
        Ok(())
    }

    /// Without a checkpoint the folder may hold what a run left that was killed before its first draw or after its last
    /// one, and nothing else.
    fn refuse_foreign(&self) -> Result<(), Failure> {
        let complete = self.path().is_file();
        for name in self.names()? {
            if name == LOCK || is_temporary(&name) || (complete && is_piece(&name)) {
                continue;
            }
            let message = format!("'{}' holds '{name}', but no checkpoint of a run", self.folder.display());
            let hint = format!("move it away, or choose another --out: the draws go to '{}'", self.folder.display());
            return Err(Failure::work("conflict", message, hint));
        }
        Ok(())
    }

    /// Writes the state after the draws that are on disk.
    fn keep(&self, mut saved: Saved, job: &Job, n_kept: usize) -> Result<(), Failure> {
        let identity = self.identity.to_text().map_err(|e| self.unusable(&SavedError::Description(e.to_string())))?;
        saved.put_text("identity", identity);
        job.texts.iter().for_each(|(name, text)| saved.put_text(name, text.as_str()));
        saved.put_integers("draws_kept_and_asked_for", &[n_kept as u64, self.n_draws as u64]);
        saved.put_numbers("seconds", &[self.seconds()]);
        let bytes = saved.to_bytes().map_err(|e| self.unusable(&e))?;
        let path = self.checkpoint();
        let written = atomic_write(&path, |out| out.write_all(&bytes));
        written.map_err(|e| self.stays(failures::write(&path.display().to_string(), &e)))
    }

    fn storage(&self, error: &StoreError) -> Failure {
        match error {
            StoreError::Damaged { .. } => Failure::caused_by("checkpoint", error, self.to_start_anew()),
            StoreError::Io { .. } => self.stays(Failure::caused_by("io", error, "")),
        }
    }

    /// A failure after which the run can go on.
    fn stays(&self, failure: Failure) -> Failure {
        let hint = format!(
            "all that was drawn stays in '{}': check the space left and the permissions, then go on with --resume",
            self.folder.display()
        );
        Failure { kind: "io", hint, ..failure }
    }

    fn to_start_anew(&self) -> String {
        format!(
            "remove the folder '{}' to start anew; each draws-*.npy in it can be read on its own, (chains, draws, dim)",
            self.folder.display()
        )
    }

    fn checkpoint(&self) -> PathBuf {
        self.folder.join(CHECKPOINT)
    }

    fn has_checkpoint(&self) -> bool {
        self.checkpoint().exists()
    }

    /// Names of the files in the folder.
    fn names(&self) -> Result<Vec<String>, Failure> {
        let names = || -> io::Result<Vec<String>> {
            fs::read_dir(&self.folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
        };
        names().map_err(|e| {
            let message = format!("cannot read the folder '{}': {e}", self.folder.display());
            Failure::work("io", message, "check its permissions")
        })
    }

    /// Removes what runs write, the checkpoint first: what is left when this is interrupted can be told from a run. Whether
    /// the folder is gone, too; it stays if it holds anything else.
    fn clean(&self) -> Result<bool, Failure> {
        let remove = |name: &str| match fs::remove_file(self.folder.join(name)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(failures::write(&self.folder.join(name).display().to_string(), &e))
            }
            _ => Ok(()),
        };
        remove(CHECKPOINT)?;
        for name in self.names()?.iter().filter(|n| is_piece(n) || is_temporary(n)) {
            remove(name)?;
        }
        remove(LOCK)?;
        Ok(fs::remove_dir(&self.folder).is_ok())
    }
}

/// A call that ends before there is anything to resume leaves nothing behind.
impl Drop for Disk {
    fn drop(&mut self) {
        let is_empty = || self.names().is_ok_and(|names| names.iter().all(|n| n == LOCK || is_temporary(n)));
        if self.lock.is_some() && self.folder.is_dir() && is_empty() {
            // What cannot be removed is in nobody's way: the next call takes an empty folder for what it is.
            let _ = self.clean();
        }
    }
}

/// `F.part` for `F`.
fn beside(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_os_string();
    name.push(".part");
    file.with_file_name(name)
}

/// `draws-000000008192.npy` and its like.
fn is_piece(name: &str) -> bool {
    name.strip_suffix(".npy")
        .and_then(|name| name.rsplit_once('-'))
        .is_some_and(|(what, first)| Quantity::ALL.iter().any(|q| q.name() == what) && first.parse::<u64>().is_ok())
}

fn is_temporary(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".tmp")
}

/// Every so manieth draw is used by diagnostics, so that their memory does not grow with the number of draws.
fn every(n_chains: usize, n_draws: usize, dim: usize) -> usize {
    let most = MAX_DIAGNOSED.min(MAX_HELD / (dim + 1)).max(1);
    n_chains.saturating_mul(n_draws).div_ceil(most).min(n_draws / MIN_DIAGNOSED).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diagnostics_hold_no_more_than_they_may() {
        assert_eq!((every(64, 1000, 2), every(64, 65_536, 1), every(64, 65_537, 1)), (1, 1, 2));
        assert_eq!(every(64, 1_000_000, 1), 16);
        // Many chains of few draws keep enough of each for their diagnostics.
        assert_eq!((every(1 << 22, 10, 1), every(1 << 22, 400, 1)), (1, 4));
    }

    #[test]
    fn own_files_are_told_from_others() {
        assert!(is_piece("draws-000000000000.npy") && is_piece("total-energy-000000008192.npy"));
        assert!(!is_piece("draws.npy") && !is_piece("mine-000000000000.npy") && !is_piece("draws-x.npy"));
        assert_eq!(beside(Path::new("a/b.csv")), Path::new("a/b.csv.part"));
        assert!(is_temporary(".lock.12-0.tmp") && !is_temporary("a.tmp"));
    }
}
