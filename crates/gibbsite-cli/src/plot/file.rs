//! From scene to file: the format by extension, written to a sibling and renamed.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use super::error::PlotError;
use super::scene::Scene;
use super::{png, svg};

#[derive(Clone, Copy)]
enum Format {
    Svg,
    Png,
}

fn format_of(path: &Path) -> Result<Format, PlotError> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    match extension.to_ascii_lowercase().as_str() {
        "svg" => Ok(Format::Svg),
        "png" => Ok(Format::Png),
        _ => Err(PlotError::UnknownFormat { path: path.to_owned() }),
    }
}

/// Draws what `layout` lays out into `path`. The extension is looked at first, so a wrong name costs nothing.
///
/// # Errors
/// [`PlotError::UnknownFormat`], [`PlotError::Io`], [`PlotError::Encode`], and whatever `layout` refuses.
pub fn save(path: &Path, layout: impl FnOnce() -> Result<Scene, PlotError>) -> Result<(), PlotError> {
    let format = format_of(path)?;
    let scene = layout()?;
    let bytes = match format {
        Format::Svg => svg::encode(&scene)?.into_bytes(),
        Format::Png => png::encode(&scene)?,
    };
    write_whole(path, &bytes).map_err(|source| PlotError::Io { path: path.to_owned(), source })
}

/// Writes to a temporary sibling, then renames it over `path`; a failure leaves an older file as it was.
fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    let sibling = path.with_file_name(name);
    let result = fs::write(&sibling, bytes).and_then(|()| fs::rename(&sibling, path));
    if result.is_err() {
        let _ = fs::remove_file(&sibling); // the first error is the one to tell
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_decides_and_a_wrong_one_is_refused_before_layout() {
        let folder = tempfile::tempdir().unwrap();
        let wrong = folder.path().join("a.pdf");
        let error = save(&wrong, || unreachable!("laid out for nothing")).unwrap_err();
        assert!(matches!(error, PlotError::UnknownFormat { .. }));
        assert!(error.to_string().contains(".svg or .png") && error.hint().contains("landscape.svg"));
        let upper = folder.path().join("a.SVG");
        save(&upper, || Ok(Scene::new(10, 10))).unwrap();
        assert!(fs::read_to_string(upper).unwrap().starts_with("<svg "));
        let png = folder.path().join("a.png");
        save(&png, || Ok(Scene::new(10, 10))).unwrap();
        assert_eq!(&fs::read(png).unwrap()[..8], b"\x89PNG\r\n\x1a\n");
    }

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("taken.svg");
        fs::create_dir(&target).unwrap(); // a folder cannot be replaced by a file
        let error = save(&target, || Ok(Scene::new(10, 10))).unwrap_err();
        assert!(matches!(error, PlotError::Io { .. }));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let nowhere = folder.path().join("no/such/folder.png");
        assert!(matches!(save(&nowhere, || Ok(Scene::new(10, 10))), Err(PlotError::Io { .. })));
    }
}
