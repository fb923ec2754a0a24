//! Files that are either whole or absent: write beside, then rename.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes `path` by `write` into a temporary file of the same folder, then renames it: a reader, or a process killed at
/// any moment, never sees half a file. File and folder are on the device when this returns, so that after a power failure
/// no file is older than one that was written before it. A symbolic link keeps pointing where it did. What is there and is
/// no regular file (`/dev/stdout`, a pipe) is written to directly.
///
/// # Errors
/// Those of `write` and of the file system; the temporary file is then removed and an old file stays as it was.
pub fn atomic_write<T>(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<T>,
) -> io::Result<T> {
    let path = path.as_ref();
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    if fs::metadata(&target).is_ok_and(|m| !m.is_file() && !m.is_dir()) {
        let mut out = BufWriter::new(OpenOptions::new().write(true).open(&target)?);
        let value = write(&mut out)?;
        out.flush()?;
        return Ok(value);
    }
    let (temporary, file) = create_beside(&target)?;
    let mut out = BufWriter::with_capacity(1 << 16, file);
    let result = write(&mut out).and_then(|value| out.flush().map(|()| value));
    // The name must not reach the device before what it names.
    let result = result.and_then(|value| out.get_ref().sync_all().map(|()| value));
    drop(out);
    let result = result.and_then(|value| fs::rename(&temporary, &target).map(|()| value));
    let result = result.and_then(|value| sync_folder(&target).map(|()| value));
    if result.is_err() {
        // The first error is the one to report; a leftover temporary file does no harm.
        let _ = fs::remove_file(&temporary);
    }
    result
}

/// Brings the names in the folder of `target` to the device. Some file systems have no such thing for folders: the names are
/// then as safe as they can be.
#[cfg(unix)]
fn sync_folder(target: &Path) -> io::Result<()> {
    use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
    match File::open(folder_of(target)).and_then(|folder| folder.sync_all()) {
        // A folder may let files be made without letting its names be read.
        Err(e) if matches!(e.kind(), InvalidInput | PermissionDenied | Unsupported) => Ok(()),
        result => result,
    }
}

/// Folders cannot be opened here; the file system orders renames by itself.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

fn folder_of(target: &Path) -> &Path {
    target.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Removes what processes left beside `path` that were killed in the middle of [`atomic_write`]. No other process may be
/// writing it.
///
/// # Errors
/// Those of the file system.
pub fn remove_stale(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref();
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let Some(name) = target.file_name() else { return Ok(()) };
    let start = format!(".{}.", name.to_string_lossy());
    let is_own = |found: &str| {
        let middle = found.strip_prefix(&start).and_then(|rest| rest.strip_suffix(".tmp"));
        middle.and_then(|m| m.split_once('-')).is_some_and(|(pid, count)| {
            [pid, count].iter().all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
        })
    };
    for entry in fs::read_dir(folder_of(&target))? {
        let entry = entry?;
        if is_own(&entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// A new file `.NAME.PID-COUNT.tmp` in the folder of `target`.
fn create_beside(target: &Path) -> io::Result<(PathBuf, File)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = target.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a file name"))?;
    loop {
        let mut temporary = std::ffi::OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}-{}.tmp", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        let temporary = target.with_file_name(temporary);
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
            result => return result.map(|file| (temporary, file)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn failure_keeps_the_old_file_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        atomic_write(&path, |w| w.write_all(b"old")).unwrap();
        let failed: io::Result<()> = atomic_write(&path, |w| {
            w.write_all(b"new, but only half")?;
            Err(io::Error::other("out of luck"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "out of luck");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["a.bin"]);
        atomic_write(&path, |w| w.write_all(b"new")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["a.bin"]);
    }

    #[test]
    fn leftovers_are_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let others = [".a.bin", ".a.bin.12.tmp", ".a.bin.x-1.tmp", ".b.bin.12-0.tmp", "a.bin"];
        for name in others.into_iter().chain([".a.bin.12-0.tmp", ".a.bin.7-123.tmp"]) {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        remove_stale(folder.path().join("a.bin")).unwrap();
        assert_eq!(names(folder.path()), others);
        assert!(remove_stale(folder.path().join("no").join("a.bin")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_and_devices_are_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, b"old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        atomic_write(&link, |w| w.write_all(b"new")).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert!(atomic_write(&socket, |w| w.write_all(b"new")).is_err(), "a socket cannot be opened as a file");
        assert!(!fs::metadata(&socket).unwrap().is_file());
    }

    #[test]
    fn folders_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(atomic_write(folder.path(), |w| w.write_all(b"x")).is_err());
        assert!(atomic_write(folder.path().join("no").join("where"), |w| w.write_all(b"x")).is_err());
        assert!(atomic_write("/", |w| w.write_all(b"x")).is_err());
    }
}
