//! `--bounds "x=0..inf, y=-1..1"`.

use gibbsite::points::Support;

use crate::args::values;
use crate::names;
use crate::outcome::Failure;

/// A bound of one variable: name, lower end, upper end.
pub type Bound = (String, f64, f64);

const HINT: &str = "write --bounds \"x=0..inf, y=-1..1\"";

/// The bounds an energy has itself, narrowed by those the user gave, for the variables `known`.
///
/// # Errors
/// A usage failure for text that is not bounds, for an unknown or repeated variable, and where nothing is left.
pub fn merge(own: Vec<Bound>, text: Option<&str>, known: &[String]) -> Result<Vec<Bound>, Failure> {
    let mut bounds = own;
    let mut seen: Vec<String> = Vec::new();
    for part in text.unwrap_or("").split(',').filter(|p| !p.trim().is_empty()) {
        let (name, lower, upper) = parse(part.trim())?;
        for name in variables(&name, known)? {
            if seen.contains(&name) {
                return Err(Failure::usage("conflict", format!("--bounds restricts '{name}' twice"), HINT));
            }
            seen.push(name.clone());
            match bounds.iter_mut().find(|(n, ..)| *n == name) {
                Some((_, a, b)) => (*a, *b) = (a.max(lower), b.min(upper)),
                None => bounds.push((name, lower, upper)),
            }
        }
    }
    if text.is_some_and(|t| t.trim().is_empty()) {
        return Err(Failure::usage("invalid_value", "--bounds is empty", HINT));
    }
    if let Some((name, a, b)) = bounds.iter().find(|(_, a, b)| !(b - a > 0.0)) {
        let message = format!("the bounds of '{name}' are empty: {a} is not below {b}");
        return Err(Failure::usage("invalid_value", message, "write the smaller number first, as in x=0..1"));
    }
    // An infinite interval on both sides is no bound.
    bounds.retain(|(_, a, b)| Support::between(*a, *b) != Support::Real);
    Ok(bounds)
}

/// `x=0..inf`.
fn parse(part: &str) -> Result<Bound, Failure> {
    let fail = |why: &str| Failure::usage("invalid_value", format!("'{part}' in --bounds: {why}"), HINT);
    let (name, range) = part.split_once('=').ok_or_else(|| fail("expected NAME=LOWER..UPPER"))?;
    let (lower, upper) = range.split_once("..").ok_or_else(|| fail("expected NAME=LOWER..UPPER"))?;
    let end = |text: &str, open: f64| match text.trim() {
        "" => Ok(open),
        text => values::real(text).map_err(|e| fail(&e)),
    };
    Ok((name.trim().to_string(), end(lower, f64::NEG_INFINITY)?, end(upper, f64::INFINITY)?))
}

/// The variables that `name` stands for: itself, `x[3]` for x3, and x for every coordinate of x1, x2, ...
fn variables(name: &str, known: &[String]) -> Result<Vec<String>, Failure> {
    let plain = name.replace(['[', ']', ' '], "");
    if known.contains(&plain) {
        return Ok(vec![plain]);
    }
    if (plain == "x" || plain == "xi") && known.iter().all(|k| k.len() > 1) {
        return Ok(known.to_vec());
    }
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    let shown = match names.as_slice() {
        [first, .., last] if names.len() > 6 => format!("{first} to {last}"),
        _ => names.join(", "),
    };
    let guess = names::nearest(&plain, names).map_or_else(String::new, |n| format!("did you mean '{n}'? "));
    let message = format!("--bounds restricts '{name}', which is not a variable of the energy");
    Err(Failure::usage("unknown_name", message, format!("{guess}its variables: {shown}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(names: &[&str]) -> Vec<String> {
        names.iter().map(|n| n.to_string()).collect()
    }

    #[test]
    fn ends_may_be_open_and_coordinates_indexed() {
        let read = |text: &str, names: &[&str]| merge(Vec::new(), Some(text), &known(names)).unwrap();
        assert_eq!(read("x=0..inf, y=-1..1", &["x", "y"]), [("x".into(), 0.0, f64::INFINITY), ("y".into(), -1.0, 1.0)]);
        assert_eq!(read("x=0..", &["x"]), [("x".into(), 0.0, f64::INFINITY)]);
        assert_eq!(read("x[2]=0..1e3", &["x1", "x2"]), [("x2".into(), 0.0, 1e3)]);
        assert_eq!(read("x=0...5", &["x1", "x2"]).len(), 2);
        assert!(read("x=-inf..inf", &["x"]).is_empty());
        let own = vec![("x".to_string(), -3.0, 2.0)];
        assert_eq!(merge(own, Some("x=0..9"), &known(&["x", "y"])).unwrap(), [("x".into(), 0.0, 2.0)]);
    }

    #[test]
    fn faults_are_refused() {
        for text in ["x", "x=1", "x=1..0", "x=1..1", "q=0..1", "x=a..b", "x=0..1,x=0..2", "", "x=inf..inf", "x=nan..1"]
        {
            assert!(merge(Vec::new(), Some(text), &known(&["x", "y"])).is_err(), "{text}");
        }
    }
}
