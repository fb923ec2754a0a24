//! Files of a call, looked at before any work: no output may replace an input or another output, each must be a file that
//! can be written.

use std::path::{Path, PathBuf};

use crate::outcome::Failure;

/// A file of the call: what the user calls it (an option, or what it holds) and where it is.
pub type Named<'a> = (&'a str, Option<PathBuf>);

/// Refuses outputs that are an input or one another, whatever way their paths are written, and outputs that cannot be
/// files. Files that the call does not name are `None`.
///
/// # Errors
/// `conflict` and `invalid_value` (the call is wrong), `not_found` for a folder that does not exist, `io` for an output
/// that is a folder.
pub fn check(inputs: &[Named], outputs: &[Named]) -> Result<(), Failure> {
    let named = |files: &[Named]| -> Vec<(String, PathBuf)> {
        files.iter().filter_map(|(what, path)| Some((what.to_string(), path.clone()?))).collect()
    };
    let (inputs, outputs) = (named(inputs), named(outputs));
    for (i, (what, path)) in outputs.iter().enumerate() {
        writable(what, path)?;
        // What is there and is no regular file, such as /dev/null, holds nothing that could be lost.
        if path.metadata().is_ok_and(|m| !m.is_file()) {
            continue;
        }
        let place = place(path);
        let taken = |(_, other): &&(String, PathBuf)| self::place(other) == place;
        let hint = format!("give {what} another name");
        if let Some((input, _)) = inputs.iter().find(taken) {
            let message = format!("{what} '{}' would overwrite {input}", path.display());
            return Err(Failure::usage("conflict", message, hint));
        }
        if let Some((other, _)) = outputs[..i].iter().find(taken) {
            let message = format!("{what} '{}' would overwrite what {other} writes", path.display());
            return Err(Failure::usage("conflict", message, hint));
        }
    }
    Ok(())
}

/// Refuses a name that does not end in `.gibbs`: only such a file is taken for a model later.
///
/// # Errors
/// `unknown_format`.
pub fn model_ending(path: &Path) -> Result<(), Failure> {
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    if ending.eq_ignore_ascii_case("gibbs") {
        return Ok(());
    }
    let message = format!("a model file ends in .gibbs, '{}' does not", path.display());
    let example = if path == Path::new("-") { PathBuf::from("model.gibbs") } else { path.with_extension("gibbs") };
    Err(Failure::usage("unknown_format", message, format!("like --out {}", example.display())))
}

/// The file of an energy that is a model file.
pub fn of_energy(energy: &str) -> Option<PathBuf> {
    let energy = energy.trim();
    energy.to_ascii_lowercase().ends_with(".gibbs").then(|| PathBuf::from(energy))
}

fn writable(what: &str, path: &Path) -> Result<(), Failure> {
    if path == Path::new("-") || path.file_name().is_none() {
        let message = format!("{what} '{}' is no name of a file", path.display());
        return Err(Failure::usage("invalid_value", message, "name a file; stdout is for the result"));
    }
    if path.is_dir() {
        return Err(Failure::work("io", format!("'{}' is a folder", path.display()), "give the name of a file"));
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    match folder.filter(|f| !f.is_dir()) {
        Some(folder) => {
            let message = format!("the folder '{}' does not exist", folder.display());
            Err(Failure::work("not_found", message, format!("make it first, or choose another {what}")))
        }
        None => Ok(()),
    }
}

/// One spelling for each file: links resolved, also for a file that does not exist yet.
fn place(path: &Path) -> PathBuf {
    let in_folder = || {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(folder.canonicalize().ok()?.join(path.file_name()?))
    };
    path.canonicalize().ok().or_else(in_folder).unwrap_or_else(|| path.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_spelling_of_a_name_hides_an_overwrite() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| Some(dir.path().join(name));
        std::fs::write(dir.path().join("data.csv"), "x\n1\n").unwrap();
        std::fs::create_dir(dir.path().join("sub")).unwrap();
        let kind = |inputs: &[Named], outputs: &[Named]| check(inputs, outputs).map_err(|f| (f.kind, f.exit_code));
        for spelling in ["data.csv", "./data.csv", "sub/../data.csv"] {
            assert_eq!(kind(&[("the data", at("data.csv"))], &[("--out", at(spelling))]), Err(("conflict", 2)));
        }
        let outputs = [("--history", at("new")), ("--out", at("sub/../new"))];
        assert_eq!(kind(&[], &outputs), Err(("conflict", 2)));
        assert_eq!(kind(&[("the data", None)], &[("--out", at("sub/data.csv")), ("--history", at("h.csv"))]), Ok(()));
        assert_eq!(kind(&[], &[("--out", Some("-".into()))]), Err(("invalid_value", 2)));
        assert_eq!(kind(&[], &[("--out", at("none/m.gibbs"))]), Err(("not_found", 1)));
        assert_eq!(kind(&[], &[("--out", at("sub"))]), Err(("io", 1)));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(dir.path().join("data.csv"), dir.path().join("link.csv")).unwrap();
            assert_eq!(kind(&[("the data", at("data.csv"))], &[("--out", at("link.csv"))]), Err(("conflict", 2)));
            let null = || Some(PathBuf::from("/dev/null"));
            assert_eq!(kind(&[], &[("--out", null()), ("--history", null())]), Ok(()));
        }
    }

    #[test]
    fn models_end_in_gibbs() {
        assert!(model_ending(Path::new("a/m.gibbs")).is_ok() && model_ending(Path::new("M.GIBBS")).is_ok());
        assert_eq!(model_ending(Path::new("model.txt")).unwrap_err().hint, "like --out model.gibbs");
        assert_eq!(model_ending(Path::new("-")).unwrap_err().hint, "like --out model.gibbs");
        assert!(model_ending(Path::new(".gibbs")).is_err());
    }
}
