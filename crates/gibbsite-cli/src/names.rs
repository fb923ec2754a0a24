//! "Did you mean": the nearest name of a list.

use crate::outcome::Failure;

/// The candidate nearest to `name`, if one is near enough to be a slip of the finger.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let near = |c: &str| {
        let c = c.to_lowercase();
        let one_slip = c.len() > 2 && strsim::osa_distance(&name, &c) <= 1;
        strsim::jaro_winkler(&name, &c) + if one_slip { 1.0 } else { 0.0 }
    };
    let scored = candidates.into_iter().map(|c| (near(c), c));
    scored.filter(|(s, _)| *s > 0.75).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, c)| c)
}

/// The failure of a name that is not in the list, with the nearest one and the whole list as a hint.
pub fn unknown(what: &str, name: &str, candidates: &[&str]) -> Failure {
    let guess = nearest(name, candidates.iter().copied()).map_or_else(String::new, |c| format!("did you mean '{c}'? "));
    let hint = format!("{guess}known: {}", candidates.join(", "));
    Failure::usage("unknown_name", format!("there is no {what} '{name}'"), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let samplers = ["grid", "rwm", "ula", "mala", "hmc"];
        assert_eq!(nearest("mla", samplers), Some("mala"));
        assert_eq!(nearest("HCM", samplers), Some("hmc"));
        assert_eq!(nearest("zebra", samplers), None);
        assert!(unknown("sampler", "mla", &samplers).hint.starts_with("did you mean 'mala'? known: grid, "));
    }
}
