//! Values of arguments: numbers, vectors, assignments, ranges. Every parser of a value that may begin with a minus goes
//! through [`unescape`].

use std::ops::RangeInclusive;
use std::path::PathBuf;

use crate::argv::unescape;

/// Any text, for example a formula.
pub fn text(s: &str) -> Result<String, String> {
    Ok(unescape(s).to_string())
}

/// A path; `-` stays as it is.
pub fn path(s: &str) -> Result<PathBuf, String> {
    Ok(PathBuf::from(unescape(s)))
}

/// A number, infinite ones included, NaN not.
pub fn real(s: &str) -> Result<f64, String> {
    match unescape(s).trim().parse::<f64>() {
        Ok(v) if !v.is_nan() => Ok(v),
        _ => Err("expected a number, like -6 or 2.5e-3".into()),
    }
}

/// A finite number above zero.
pub fn positive(s: &str) -> Result<f64, String> {
    real(s).ok().filter(|v| *v > 0.0 && v.is_finite()).ok_or_else(|| "expected a number above 0, like 0.1".into())
}

/// A fraction, 0 included, 1 not.
pub fn fraction(s: &str) -> Result<f64, String> {
    real(s).ok().filter(|v| (0.0..1.0).contains(v)).ok_or_else(|| "expected a fraction from 0 to below 1".into())
}

/// A number strictly between 0 and 1.
pub fn rate(s: &str) -> Result<f64, String> {
    real(s).ok().filter(|v| 0.0 < *v && *v < 1.0).ok_or_else(|| "expected a number between 0 and 1".into())
}

fn integer(s: &str, range: RangeInclusive<usize>) -> Result<usize, String> {
    let fail = || format!("expected an integer from {} to {}", range.start(), range.end());
    unescape(s).trim().parse().ok().filter(|v| range.contains(v)).ok_or_else(fail)
}

/// A count of things to do or keep: 1 to 10^9.
pub fn count(s: &str) -> Result<usize, String> {
    integer(s, 1..=1_000_000_000)
}

/// A count that may be zero: 0 to 10^9.
pub fn count_or_zero(s: &str) -> Result<usize, String> {
    integer(s, 0..=1_000_000_000)
}

/// A number of dimensions: 1 to 10^6 (the engine has tighter limits and says so).
pub fn dim(s: &str) -> Result<usize, String> {
    integer(s, 1..=1_000_000)
}

/// A number of threads: 1 to 1024.
pub fn threads(s: &str) -> Result<usize, String> {
    integer(s, 1..=1024)
}

/// One `name=value`.
pub fn assignment(s: &str) -> Result<(String, f64), String> {
    let (name, value) = unescape(s).split_once('=').ok_or("expected NAME=VALUE, like a=1")?;
    let name = name.trim();
    if name.is_empty() {
        return Err("expected NAME=VALUE, like a=1".into());
    }
    let value = real(value).ok().filter(|v| v.is_finite());
    Ok((name.to_string(), value.ok_or_else(|| format!("the value of '{name}' is not a number"))?))
}

/// The seed of the random numbers: any unsigned 64-bit integer.
pub fn seed(s: &str) -> Result<u64, String> {
    unescape(s).trim().parse().map_err(|_| format!("expected an integer from 0 to {}", u64::MAX))
}

/// Names separated by commas; a name in double quotes may contain commas and doubled double quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameList(pub Vec<String>);

impl NameList {
    /// The names of an option that may be given several times, in order.
    pub fn all(lists: &[Self]) -> Vec<String> {
        lists.iter().flat_map(|l| l.0.iter().cloned()).collect()
    }
}

/// The name whose opening quote was just read, and what follows its closing one: nothing, or a comma.
fn quoted_name(mut text: &str) -> Result<(String, &str), String> {
    let mut name = String::new();
    loop {
        let (part, after) = text.split_once('"').ok_or("a quote is never closed")?;
        name.push_str(part);
        let Some(more) = after.strip_prefix('"') else {
            let after = after.trim_start();
            let ends = after.is_empty() || after.starts_with(',');
            return if ends { Ok((name, after)) } else { Err("a quote ends before a comma or at the end".into()) };
        };
        name.push('"');
        text = more;
    }
}

/// A [`NameList`].
pub fn name_list(s: &str) -> Result<NameList, String> {
    let mut names = Vec::new();
    let mut rest = unescape(s).trim();
    loop {
        let (name, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_name(quoted)?,
            None => {
                let (name, after) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
                (name.trim().to_string(), after)
            }
        };
        names.push(name);
        match after.strip_prefix(',') {
            Some(more) => rest = more.trim_start(),
            None => break,
        }
    }
    match names.iter().any(String::is_empty) {
        true => Err("expected names separated by commas, like a,b or \"a, b\",c".into()),
        false => Ok(NameList(names)),
    }
}

/// Points separated by `;`, coordinates by `,`: all of one length.
#[derive(Clone, Debug, PartialEq)]
pub struct PointList(pub Vec<Vec<f64>>);

/// A [`PointList`].
pub fn points(s: &str) -> Result<PointList, String> {
    let finite = |c: &str| {
        let value = real(c).ok().filter(|v| v.is_finite());
        value.ok_or_else(|| format!("'{}' is not a number; points go by ';', coordinates by ','", c.trim()))
    };
    let one = |p: &str| p.split(',').map(finite).collect::<Result<Vec<f64>, String>>();
    let trimmed = unescape(s).trim().trim_end_matches(';');
    let points = trimmed.split(';').map(one).collect::<Result<Vec<_>, _>>()?;
    let dim = points[0].len();
    match points.iter().position(|p| p.len() != dim) {
        Some(i) => Err(format!("point {} has {} coordinates, point 1 has {dim}", i + 1, points[i].len())),
        None => Ok(PointList(points)),
    }
}

/// A number of sampler steps that may grow over the epochs: `K`, or `FIRST..LAST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// Steps in the first epoch.
    pub first: usize,
    /// Steps in the last epoch.
    pub last: usize,
}

/// A [`Steps`].
pub fn steps(s: &str) -> Result<Steps, String> {
    let fail = |_| "expected a number of steps, like 30, or a growing one, like 1..30".to_string();
    let (first, last) = unescape(s).split_once("..").unwrap_or((s, s));
    let steps = Steps { first: count(first).map_err(fail)?, last: count(last).map_err(fail)? };
    if steps.first > steps.last { Err("the number of steps may grow, not shrink".into()) } else { Ok(steps) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_carry_a_minus_and_nan_is_none() {
        assert_eq!(real("\u{E000}-6"), Ok(-6.0));
        assert_eq!(real("-inf"), Ok(f64::NEG_INFINITY));
        assert!(real("nan").is_err() && real("").is_err() && real("6x").is_err());
        assert!(positive("0").is_err() && positive("inf").is_err() && fraction("1").is_err() && rate("0").is_err());
        assert!(count("0").is_err() && count("-1").is_err() && count("99999999999999999999").is_err());
    }

    #[test]
    fn names_may_be_quoted() {
        let names = |s: &str| name_list(s).map(|l| l.0);
        assert_eq!(names("a, b,c 1").unwrap(), ["a", "b", "c 1"]);
        assert_eq!(names(r#""name, full",b"#).unwrap(), ["name, full", "b"]);
        assert_eq!(names(r#"b, "say ""c""" , d"#).unwrap(), ["b", "say \"c\"", "d"]);
        assert_eq!(names("\u{E000}-1").unwrap(), ["-1"]);
        for bad in ["", "a,", ",a", "a,,b", "\"a", "\"a\"b", "\"\""] {
            assert!(names(bad).is_err(), "{bad}");
        }
        assert_eq!(seed("18446744073709551615"), Ok(u64::MAX));
        assert!(seed("abc").unwrap_err().starts_with("expected an integer from 0 to 1844"));
    }

    #[test]
    fn points_have_one_length() {
        assert_eq!(points("\u{E000}-1;0"), Ok(PointList(vec![vec![-1.0], vec![0.0]])));
        assert_eq!(points("0,1; 2,-3;"), Ok(PointList(vec![vec![0.0, 1.0], vec![2.0, -3.0]])));
        assert!(points("0,1;2").unwrap_err().contains("point 2 has 1"));
        assert!(points("").is_err() && points(";").is_err() && points("0;;1").is_err() && points("nan").is_err());
    }

    #[test]
    fn assignments_and_steps() {
        assert_eq!(assignment("a=-1"), Ok(("a".into(), -1.0)));
        assert!(assignment("a").is_err() && assignment("=1").is_err() && assignment("a=inf").is_err());
        assert_eq!(steps("30"), Ok(Steps { first: 30, last: 30 }));
        assert_eq!(steps("1..30"), Ok(Steps { first: 1, last: 30 }));
        assert!(steps("30..1").is_err() && steps("..").is_err() && steps("0").is_err());
    }
}
