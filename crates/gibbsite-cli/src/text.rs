//! Numbers, vectors and tables for people. JSON keeps every digit; here a number shows as many as its error allows.

/// A number with 6 significant digits, without trailing zeros: `2.14971`, `1.5e-7`, `12345.7`.
pub fn number(x: f64) -> String {
    digits(x, 6)
}

/// A number with `n` significant digits, without trailing zeros.
pub fn digits(x: f64, n: usize) -> String {
    if x == 0.0 || !x.is_finite() {
        return if x == 0.0 { "0".into() } else { x.to_string() };
    }
    let n = n.clamp(1, 17);
    let scientific = format!("{x:.*e}", n - 1);
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..n.max(6) as i32).contains(&exponent) {
        trim_zeros(&format!("{x:.*}", (n as i32 - 1 - exponent).max(0) as usize)).to_string()
    } else {
        format!("{}e{exponent}", trim_zeros(mantissa))
    }
}

fn trim_zeros(s: &str) -> &str {
    if s.contains('.') { s.trim_end_matches('0').trim_end_matches('.') } else { s }
}

/// A value and its standard error, the error with two digits and the value to the same place: `0.6118 +- 0.0021`.
/// Without error (0) the value has 12 digits; an unknown error is said.
pub fn with_error(value: f64, error: f64) -> String {
    match place(value, error) {
        Place::Exact => digits(value, 12),
        Place::Unknown => format!("{} (error unknown)", number(value)),
        Place::Scientific => format!("{} +- {}", digits(value, 6), digits(error, 2)),
        Place::Decimals(n) => format!("{value:.n$} +- {error:.n$}"),
    }
}

/// The same in brackets, the error in units of the last place: `0.6118(21)`.
pub fn with_error_short(value: f64, error: f64) -> String {
    match place(value, error) {
        Place::Decimals(0) => format!("{value:.0}({error:.0})"),
        Place::Decimals(n) => format!("{value:.n$}({:.0})", error * 10f64.powi(n as i32)),
        _ => with_error(value, error),
    }
}

/// A value alone, to the place of the second digit of its error, whatever its size: `0.6118`, `9.51e-5`. With an unknown
/// or no error it has 6 digits.
pub fn to_error(value: f64, error: f64) -> String {
    let exponent = |v: f64| format!("{v:.1e}").split_once('e').and_then(|(_, e)| e.parse::<i32>().ok()).unwrap_or(0);
    match place(value, error) {
        Place::Exact | Place::Unknown => number(value),
        // Small values keep their digits in scientific notation; a value below its error shows one.
        _ if value != 0.0 && value.abs() < 1e-4 => {
            format!("{value:.*e}", (exponent(value) - exponent(error) + 1).clamp(0, 16) as usize)
        }
        Place::Decimals(n) if exponent(error) < 2 => format!("{value:.n$}"),
        _ => digits(value, (exponent(value) - exponent(error) + 2).clamp(1, 17) as usize),
    }
}

/// The support of one coordinate, as `--bounds` takes it: `x=0..inf`.
pub fn bounds(name: &str, lower: f64, upper: f64) -> String {
    format!("{name}={lower}..{upper}")
}

/// How far a value is to be written.
enum Place {
    Exact,
    Unknown,
    Scientific,
    Decimals(usize),
}

fn place(value: f64, error: f64) -> Place {
    if error == 0.0 {
        return Place::Exact;
    }
    if !(error.is_finite() && error > 0.0 && value.is_finite()) {
        return Place::Unknown;
    }
    // The exponent after rounding to two digits, so that 0.0999 counts as 0.10.
    let rounded = format!("{error:.1e}");
    let exponent: i32 = rounded.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    let large = value.abs().max(error) >= 1e9;
    if large || exponent < -12 { Place::Scientific } else { Place::Decimals((1 - exponent).max(0) as usize) }
}

/// A vector, shortened in the middle beyond 8 coordinates: `(1, 2.5, ... 96 more ..., 3)`.
pub fn vector(x: &[f64]) -> String {
    elements(&x.iter().map(|v| number(*v)).collect::<Vec<_>>())
}

/// A vector with errors, shortened like [`vector`].
pub fn vector_with_error(x: &[f64], error: &[f64]) -> String {
    elements(&x.iter().zip(error).map(|(v, e)| with_error_short(*v, *e)).collect::<Vec<_>>())
}

fn elements(items: &[String]) -> String {
    match items {
        [one] => one.clone(),
        [first @ .., last] if first.len() > 7 => {
            format!("({}, ... {} more ..., {last})", first[..3].join(", "), first.len() - 3)
        }
        _ => format!("({})", items.join(", ")),
    }
}

/// A count with thousands separated: `15,360,000`.
pub fn count(n: u64) -> String {
    let plain = n.to_string();
    let separated = plain.chars().enumerate().flat_map(|(i, c)| {
        let comma = i > 0 && (plain.len() - i).is_multiple_of(3);
        comma.then_some(',').into_iter().chain([c])
    });
    separated.collect()
}

/// A count with its noun: `1 chain`, `64 chains`.
pub fn plural(n: usize, noun: &str) -> String {
    format!("{} {noun}{}", count(n as u64), if n == 1 { "" } else { "s" })
}

/// `2nd`, `3rd`, `4th`, `11th`, `1,001st`.
pub fn ordinal(n: u64) -> String {
    let ending = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{}{ending}", count(n))
}

/// A share as a percentage: `23.4 %`.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// A time: `4.2 ms`, `1.73 s`, `2 min 5 s`.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{:.0} us", s * 1e6),
        s if s < 1.0 => format!("{} ms", digits(s * 1e3, 3)),
        s if s < 60.0 => format!("{} s", digits(s, 3)),
        s => format!("{:.0} min {:.0} s", (s / 60.0).floor(), s % 60.0),
    }
}

/// A small table: columns as wide as needed, numbers to the right, words to the left.
#[derive(Clone, Debug, Default)]
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these column titles; titles that are all empty are not shown.
    pub fn new<S: Into<String>>(header: impl IntoIterator<Item = S>) -> Self {
        Self { header: header.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Adds a row; missing cells are empty.
    pub fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) -> &mut Self {
        self.rows.push(cells.into_iter().map(Into::into).collect());
        self
    }

    /// The lines, each ending with a newline, indented by two blanks.
    pub fn render(&self) -> String {
        let cell = |row: &[String], j: usize| row.get(j).cloned().unwrap_or_default();
        let n_cols = self.rows.iter().map(Vec::len).chain([self.header.len()]).max().unwrap_or(0);
        let all = || [&self.header].into_iter().chain(&self.rows);
        let width = |j: usize| all().map(|r| cell(r, j).chars().count()).max().unwrap_or(0);
        let numeric = |j: usize| self.rows.iter().all(|r| is_numeric(&cell(r, j)));
        let columns: Vec<(usize, bool)> = (0..n_cols).map(|j| (width(j), numeric(j))).collect();
        let mut text = String::new();
        for row in all().filter(|r| r.iter().any(|c| !c.is_empty())) {
            let mut line = String::new();
            for (j, &(width, right)) in columns.iter().enumerate() {
                let cell = cell(row, j);
                let aligned = if right { format!("{cell:>width$}") } else { format!("{cell:<width$}") };
                line.push_str("  ");
                line.push_str(&aligned);
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

fn is_numeric(cell: &str) -> bool {
    let first = cell.trim_start_matches(['-', '+', '(']);
    cell.is_empty() || first.starts_with(|c: char| c.is_ascii_digit()) || ["inf", "NaN"].contains(&first)
}

/// Names and values, one per line, the values aligned.
pub fn pairs<A: Into<String>, B: Into<String>>(pairs: impl IntoIterator<Item = (A, B)>) -> String {
    let pairs: Vec<(String, String)> = pairs.into_iter().map(|(a, b)| (a.into(), b.into())).collect();
    let width = pairs.iter().map(|(a, _)| a.chars().count()).max().unwrap_or(0);
    pairs.iter().map(|(a, b)| format!("  {a:<width$}  {b}\n")).collect()
}

/// One line per item.
pub fn bullets<S: AsRef<str>>(items: &[S]) -> String {
    items.iter().map(|i| format!("  - {}\n", i.as_ref())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_sensible_digits() {
        let shown = [0.0, -0.0, 2.149705928, 1.5e-7, 12345.678, 123456.0, 1234567.0, 1e300, -0.25, 0.00012345678];
        let want = ["0", "0", "2.14971", "1.5e-7", "12345.7", "123456", "1.23457e6", "1e300", "-0.25", "0.000123457"];
        assert_eq!(shown.map(number), want);
        assert_eq!([f64::NAN, f64::NEG_INFINITY].map(number), ["NaN", "-inf"]);
        assert_eq!(digits(99.96, 3), "100");
    }

    #[test]
    fn the_error_sets_the_digits() {
        assert_eq!(with_error(0.611845, 0.00213), "0.6118 +- 0.0021");
        assert_eq!(with_error(-12.3456, 1.234), "-12.3 +- 1.2");
        assert_eq!(with_error(1234.5, 123.4), "1234 +- 123");
        assert_eq!(with_error(1.0, 0.0999), "1.00 +- 0.10");
        assert_eq!(with_error(2.149705928590586, 0.0), "2.14970592859");
        assert_eq!(with_error(1.5, f64::NAN), "1.5 (error unknown)");
        assert_eq!(with_error(1.5, f64::INFINITY), "1.5 (error unknown)");
        assert_eq!(with_error(3e12, 2e3), "3e12 +- 2000");
        assert_eq!(with_error_short(0.611845, 0.00213), "0.6118(21)");
        assert_eq!(with_error_short(1234.5, 123.4), "1234(123)");
    }

    #[test]
    fn a_value_alone_has_the_digits_of_its_error() {
        for (value, error, shown) in [
            (0.611845, 0.00213, "0.6118"),
            (-12.3456, 1.234, "-12.3"),
            (1234.5, 123.4, "1234"),
            (2_387_775.0, 1.5e6, "2.4e6"),
            (9.512_34e-5, 8.1e-6, "9.51e-5"),
            (-3.2e-9, 4e-8, "-3e-9"),
            (1.0, 0.0999, "1.00"),
            (0.0, 0.1, "0.00"),
            (1.234_567_89, f64::NAN, "1.23457"),
            (123_456_789_012.0, 2e5, "1.2345679e11"),
        ] {
            assert_eq!(to_error(value, error), shown);
        }
        assert_eq!(bounds("x", 0.0, f64::INFINITY), "x=0..inf");
    }

    #[test]
    fn vectors_are_shortened() {
        assert_eq!(vector(&[1.5]), "1.5");
        assert_eq!(vector(&[1.0, -2.5]), "(1, -2.5)");
        assert_eq!(vector(&[1.0; 100]), "(1, 1, 1, ... 96 more ..., 1)");
        assert_eq!(vector(&[]), "()");
    }

    #[test]
    fn counts_and_times() {
        assert_eq!([0, 999, 1000, 15_360_000].map(count), ["0", "999", "1,000", "15,360,000"]);
        assert_eq!([5e-6, 0.0042, 1.7312, 125.0].map(duration), ["5 us", "4.2 ms", "1.73 s", "2 min 5 s"]);
        assert_eq!(percent(0.2345), "23.4 %");
    }

    #[test]
    fn tables_align_numbers_to_the_right() {
        let mut table = Table::new(["", "mean", "rhat"]);
        table.row(["x1", "-0.25(3)", "1.001"]).row(["log_width", "12.5(11)", "NaN"]);
        assert_eq!(
            table.render(),
            "             mean   rhat\n  x1         -0.25(3)  1.001\n  log_width  12.5(11)    NaN\n".replacen(
                "             mean ",
                "                 mean ",
                1
            )
        );
        assert_eq!(pairs([("log Z", "1"), ("method", "exact")]), "  log Z   1\n  method  exact\n");
    }
}
