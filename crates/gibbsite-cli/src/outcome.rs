//! What a command hands back: one [`Outcome`], or one [`Failure`]. Commands never print.

use std::error::Error;
use std::ops::Range;

use serde_json::{Map, Value};

/// The result of a command, in both languages: fields for scripts, text for people.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The fields of the JSON object, in the order they were put.
    pub json: Map<String, Value>,
    /// The same for people; printed to stdout without `--json`.
    pub text: String,
    /// What the reader must know before trusting the numbers; in JSON the last field.
    pub warnings: Vec<String>,
    /// The work is done but a verdict is bad: exit code 3.
    pub bad_verdict: bool,
    /// Names of numeric fields that were not finite and became null.
    non_finite: Vec<String>,
}

impl Outcome {
    /// An outcome without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field. JSON has no NaN and no infinity: they become null, and [`Self::into_object`] says so in `warnings`.
    pub fn put(&mut self, name: &str, value: impl Field) -> &mut Self {
        let value = value.into_json(name, &mut self.non_finite);
        self.json.insert(name.to_string(), value);
        self
    }

    /// Adds a warning; with `bad` the exit code becomes 3.
    pub fn warn(&mut self, message: impl Into<String>, bad: bool) -> &mut Self {
        self.warnings.push(message.into());
        self.bad_verdict |= bad;
        self
    }

    /// The JSON object: the fields, then `warnings`.
    pub fn into_object(mut self) -> Value {
        let nulls = self.non_finite.iter().map(|name| format!("{name}, which JSON cannot hold: null"));
        let warnings: Vec<Value> = self.warnings.iter().cloned().chain(nulls).map(Value::from).collect();
        self.json.insert("warnings".into(), warnings.into());
        Value::Object(self.json)
    }

    /// 0, or 3 after a bad verdict.
    pub fn exit_code(&self) -> u8 {
        if self.bad_verdict { 3 } else { 0 }
    }
}

/// Anything that can be a field of the JSON object.
pub trait Field {
    /// The value; every number that is not finite becomes null and is named in `non_finite`.
    fn into_json(self, name: &str, non_finite: &mut Vec<String>) -> Value;
}

impl Field for f64 {
    fn into_json(self, name: &str, non_finite: &mut Vec<String>) -> Value {
        if !self.is_finite() {
            non_finite.push(format!("{name} is {self}"));
        }
        Value::from(self)
    }
}

impl<T: Field> Field for Option<T> {
    fn into_json(self, name: &str, non_finite: &mut Vec<String>) -> Value {
        self.map_or(Value::Null, |v| v.into_json(name, non_finite))
    }
}

impl<T: Field> Field for Vec<T> {
    fn into_json(self, name: &str, non_finite: &mut Vec<String>) -> Value {
        let element = |(i, v): (usize, T)| v.into_json(&format!("{name}[{i}]"), non_finite);
        Value::Array(self.into_iter().enumerate().map(element).collect())
    }
}

impl<T: Field + Clone> Field for &[T] {
    fn into_json(self, name: &str, non_finite: &mut Vec<String>) -> Value {
        self.to_vec().into_json(name, non_finite)
    }
}

/// An object name -> value, as `theta` is.
impl<T: Field> Field for Vec<(String, T)> {
    fn into_json(self, name: &str, non_finite: &mut Vec<String>) -> Value {
        let entry = |(key, v): (String, T)| {
            let value = v.into_json(&format!("{name}.{key}"), non_finite);
            (key, value)
        };
        Value::Object(self.into_iter().map(entry).collect())
    }
}

macro_rules! plain_field {
    ($($t:ty),*) => {$(
        impl Field for $t {
            fn into_json(self, _: &str, _: &mut Vec<String>) -> Value {
                Value::from(self)
            }
        }
    )*};
}
plain_field!(bool, usize, u32, u64, i64, &str, String, Map<String, Value>, Value);

/// The part of an input that is at fault, to be shown with a caret under it.
#[derive(Clone, Debug, PartialEq)]
pub struct Snippet {
    /// The input, for example the formula.
    pub source: String,
    /// The bytes at fault.
    pub at: Range<usize>,
}

/// Why a command did not do its work.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// A stable name in `snake_case`, for scripts.
    pub kind: &'static str,
    /// What is wrong and where.
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// 1: the work failed or was refused; 2: the call was wrong.
    pub exit_code: u8,
    /// The input at fault, where there is one.
    pub snippet: Option<Snippet>,
}

impl Failure {
    /// The work failed or was refused: exit code 1.
    pub fn work(kind: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: hint.into(), exit_code: 1, snippet: None }
    }

    /// The call was wrong: exit code 2.
    pub fn usage(kind: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { exit_code: 2, ..Self::work(kind, message, hint) }
    }

    /// The work failed with an error of the engine, whose causes are written one after the other.
    pub fn caused_by(kind: &'static str, error: &dyn Error, hint: impl Into<String>) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(e) = cause {
            let text = e.to_string();
            if !message.contains(&text) {
                message.push_str(&format!(": {text}"));
            }
            cause = e.source();
        }
        Self::work(kind, message, hint)
    }

    /// Points at the bytes `at` of `source`.
    pub fn pointing_at(mut self, source: impl Into<String>, at: Range<usize>) -> Self {
        self.snippet = Some(Snippet { source: source.into(), at });
        self
    }

    /// `{"error": {"kind", "message", "hint"}}`, with `source`, `start` and `end` when there is a snippet.
    pub fn to_object(&self) -> Value {
        let mut error = Map::new();
        error.insert("kind".into(), self.kind.into());
        error.insert("message".into(), self.message.as_str().into());
        error.insert("hint".into(), self.hint.as_str().into());
        if let Some(s) = &self.snippet {
            error.insert("source".into(), s.source.as_str().into());
            error.insert("start".into(), s.at.start.into());
            error.insert("end".into(), s.at.end.into());
        }
        Value::Object(Map::from_iter([("error".to_string(), Value::Object(error))]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_order_and_floats_round_trip() {
        let mut out = Outcome::new();
        out.put("z", 0.1 + 0.2).put("a", &[1.0, 1e300][..]).put("theta", vec![("b".to_string(), -1.5)]);
        let text = out.into_object().to_string();
        assert_eq!(text, r#"{"z":0.30000000000000004,"a":[1.0,1e+300],"theta":{"b":-1.5},"warnings":[]}"#);
    }

    #[test]
    fn non_finite_numbers_become_null_and_are_named() {
        let mut out = Outcome::new();
        out.put("rhat", vec![1.0, f64::NAN]).put("log_z", f64::INFINITY).put("delta", None::<f64>);
        let object = out.into_object();
        assert!(object["rhat"][1].is_null() && object["log_z"].is_null() && object["delta"].is_null());
        let warnings = object["warnings"].as_array().unwrap();
        assert_eq!(warnings.len(), 2);
        assert!(warnings[0].as_str().unwrap().starts_with("rhat[1] is NaN"));
    }

    #[test]
    fn a_failure_names_its_causes() {
        let inner = std::io::Error::other("disk full");
        let failure = Failure::caused_by("io", &std::io::Error::other(inner), "free some space");
        assert!(failure.message.contains("disk full"));
        assert_eq!(failure.to_object()["error"]["hint"], "free some space");
    }
}
