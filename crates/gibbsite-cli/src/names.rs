//! "Did you mean": the nearest name of a list, and names that a later version will know.

pub use gibbsite::suggest::nearest;

use crate::outcome::Failure;

/// Commands, options and names that are planned and not part of this version.
const LATER: [&str; 13] = [
    "score",
    "predict",
    "impute",
    "import",
    "report",
    "--target",
    "--standardize",
    "--labels",
    "--explain",
    "rm",
    "dsm",
    "ssm",
    "nce",
];

/// What to say about a name of a later version: `'report' comes later;`.
pub fn later(name: &str) -> Option<String> {
    LATER.contains(&name).then(|| format!("'{name}' comes later and is not part of this version;"))
}

/// The failure of a name that is not in the list, with the nearest one and the whole list as a hint.
pub fn unknown(what: &str, name: &str, candidates: &[&str]) -> Failure {
    let meant = || nearest(name, candidates.iter().copied()).map(|c| format!("did you mean '{c}'?"));
    let guess = later(name).or_else(meant).map_or_else(String::new, |guess| guess + " ");
    let hint = format!("{guess}known: {}", candidates.join(", "));
    Failure::usage("unknown_name", format!("there is no {what} '{name}'"), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_strangers_and_later_names() {
        let samplers = ["grid", "rwm", "ula", "mala", "hmc"];
        assert!(unknown("sampler", "mla", &samplers).hint.starts_with("did you mean 'mala'? known: grid, "));
        assert!(unknown("sampler", "zebra", &samplers).hint.starts_with("known: grid, "));
        assert!(unknown("objective", "dsm", &samplers).hint.starts_with("'dsm' comes later"));
    }
}
