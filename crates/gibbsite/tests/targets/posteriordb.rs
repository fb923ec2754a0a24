//! Data and reference moments of posteriordb (Magnusson et al. 2024), read at run time from `data/posteriordb` under
//! `GIBBSITE_SHARED` (by default the folder `shared` beside the repository); they are not part of it.
//!
//! The references are means over 10,000 nearly independent draws of Stan; each comes with its own standard error.

use std::path::PathBuf;

use serde_json::Value;

use super::Truth;

/// The folder of the data, or nothing, with a line that says so.
fn folder() -> Option<PathBuf> {
    let root = std::env::var_os("GIBBSITE_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let folder = root.join("data/posteriordb");
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return None;
    }
    Some(folder)
}

/// The data of one model, or nothing where the folder is not there.
///
/// # Panics
/// If the folder is there but the file is not, or is no JSON.
pub(super) fn data(name: &str) -> Option<Value> {
    Some(read(folder()?.join(format!("{name}.data.json"))))
}

fn read(path: PathBuf) -> Value {
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A list of numbers.
pub(super) fn numbers(json: &Value, key: &str) -> Vec<f64> {
    let list = json[key].as_array().unwrap_or_else(|| panic!("`{key}` is not a list"));
    list.iter().map(|v| v.as_f64().unwrap_or_else(|| panic!("`{key}` holds {v}"))).collect()
}

/// The references of a posterior: the mean and the mean square of each quantity. `quantity(name)` gives the function of a
/// state that has that name in the reference.
///
/// # Panics
/// If a file of the posterior is missing or malformed.
pub(super) fn truths<F>(posterior: &str, quantity: impl Fn(&str) -> F) -> Vec<Truth>
where
    F: Fn(&[f64]) -> f64 + Send + Sync + 'static,
{
    let folder = folder().expect("the data were read from there");
    let mut truths = Vec::new();
    for (file, key, suffix, squared) in
        [("mean", "mean_value", "", false), ("mean_squared", "mean_squared_value", "^2", true)]
    {
        let json = read(folder.join(format!("{posterior}.{file}.json")));
        let (values, errors) = (numbers(&json, key), numbers(&json, "mcse_mean"));
        let names = json["names"].as_array().expect("`names` is a list");
        assert!(names.len() == values.len() && names.len() == errors.len(), "{posterior}: lists differ in length");
        for (name, (exact, std_err)) in names.iter().zip(values.into_iter().zip(errors)) {
            let name = name.as_str().expect("a name");
            let of = quantity(name);
            let f = move |x: &[f64]| if squared { of(x).powi(2) } else { of(x) };
            truths.push(Truth { name: format!("{name}{suffix}"), f: Box::new(f), exact, std_err });
        }
    }
    truths
}

/// The `k` of `name[k]`, counted from 0.
pub(super) fn index(name: &str) -> Option<usize> {
    let (_, rest) = name.split_once('[')?;
    rest.strip_suffix(']')?.parse::<usize>().ok()?.checked_sub(1)
}
