//! "Did you mean": the one rule by which a mistyped name is recognised, for parameters, columns, functions and options.

/// The candidate that `name` is a slip of: equal but for case, or at most one edit away when the shorter of the two has up
/// to four letters, two edits when it is longer (an edit inserts, deletes or replaces a letter, or swaps two neighbours:
/// Damerau 1964, optimal string alignment). At least one letter must be common, so that `z` is no slip of `a`. The nearest
/// wins, among equals the most similar by Jaro and Winkler (1990), which weighs the beginning of a word.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = name.to_lowercase();
    let distance = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        let shorter = typed.chars().count().min(candidate.chars().count());
        let distance = strsim::osa_distance(&typed, &candidate);
        let most = if shorter <= 4 { 1 } else { 2 };
        (distance <= most && distance < shorter).then(|| (distance, 1.0 - strsim::jaro_winkler(&typed, &candidate)))
    };
    let near = candidates.into_iter().filter_map(|c| Some((distance(c)?, c)));
    near.min_by(|((d, j), _), ((e, k), _)| d.cmp(e).then(j.total_cmp(k))).map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let near = |name: &str, known: &[&'static str]| nearest(name, known.iter().copied());
        assert_eq!(near("mla", &["rwm", "ula", "mala"]), Some("mala"));
        assert_eq!(near("HCM", &["grid", "hmc"]), Some("hmc"));
        assert_eq!(near("A", &["b", "a"]), Some("a"));
        assert_eq!(near("rosenbrok", &["rosenbrock"]), Some("rosenbrock"));
        assert_eq!(near("hieght", &["weight", "height"]), Some("height"));
        for (name, candidate) in [
            ("import", "plot"),
            ("report", "plot"),
            ("compare", "completions"),
            ("ising", "ring"),
            ("foo", "cos"),
            ("a", "abs"),
            ("b", "abs"),
            ("E", "erf"),
            ("standardize", "start"),
            ("z", "a"),
            ("", "a"),
        ] {
            assert_eq!(near(name, &[candidate]), None, "{name}");
        }
    }
}
