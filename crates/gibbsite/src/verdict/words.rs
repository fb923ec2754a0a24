//! Names and numbers in sentences.

/// The name of coordinate `j`: x1, x2, ... beyond those given.
pub(super) fn name(j: usize, names: &[String]) -> String {
    names.get(j).cloned().unwrap_or_else(|| format!("x{}", j + 1))
}

/// Names of the coordinates, the first four of them.
pub(super) fn list(which: &[usize], names: &[String]) -> String {
    let shown: Vec<String> = which.iter().take(4).map(|j| name(*j, names)).collect();
    let more = which.len().saturating_sub(4);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

/// A number with `n` significant digits, without trailing zeros; in scientific notation where it is small or large.
pub(super) fn digits(x: f64, n: usize) -> String {
    let scientific = format!("{x:.*e}", n.max(1) - 1);
    let Some((mantissa, exponent)) = scientific.split_once('e').filter(|_| x != 0.0 && x.is_finite()) else {
        return if x == 0.0 { "0".into() } else { x.to_string() };
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trimmed = |s: &str| {
        let s = if s.contains('.') { s.trim_end_matches('0').trim_end_matches('.') } else { s };
        s.to_string()
    };
    if (-4..n.max(6) as i32).contains(&exponent) {
        trimmed(&format!("{x:.*}", (n as i32 - 1 - exponent).max(0) as usize))
    } else {
        format!("{}e{exponent}", trimmed(mantissa))
    }
}

/// A share of at least a half in two digits, without rounding it up to all: `92 %`, `more than 99.5 %`, `all`.
pub(super) fn share_in_words(share: f64) -> String {
    match share {
        1.0 => "all".into(),
        0.995.. => "more than 99.5 %".into(),
        _ => format!("{} %", digits(100.0 * share, 2)),
    }
}

/// A share as a percentage: `23.4 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_long_as_asked() {
        let cases = [(0.0, 2, "0"), (1.25, 2, "1.2"), (-12345.6, 2, "-12346"), (1.5e-7, 3, "1.5e-7"), (2e9, 4, "2e9")];
        for (x, n, text) in cases {
            assert_eq!(digits(x, n), text);
        }
        assert_eq!(
            (digits(f64::NAN, 2), digits(0.10004, 3), digits(f64::INFINITY, 1)),
            ("NaN".into(), "0.1".into(), "inf".into())
        );
    }

    #[test]
    fn lists_are_short() {
        let names = ["a", "b"].map(String::from);
        assert_eq!(list(&[0, 1, 2], &names), "a, b, x3");
        assert_eq!(list(&[0, 1, 2, 3, 4, 5], &[]), "x1, x2, x3, x4 and 2 more");
    }
}
