//! What can be wrong with a formula, and where.

use thiserror::Error;

/// A range of bytes of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The range `start..end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// From the start of this range to the end of another.
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end }
    }
}

/// A formula that cannot be used. `Display` says what and where; [`FormulaError::snippet`] draws the caret.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum FormulaError {
    /// The text is not a formula.
    #[error("{message}")]
    Syntax {
        /// The whole formula.
        source_text: String,
        /// Where the fault is.
        span: Span,
        /// What is wrong.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// A limit is exceeded.
    #[error("the formula has {size} {what}, the limit is {limit}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much.
        size: usize,
        /// How much is allowed.
        limit: usize,
    },
    /// A parameter was set that the formula does not have.
    #[error("the formula has no parameter `{name}`{}", list(" (it has ", .known, ")"))]
    UnknownParameter {
        /// The name given.
        name: String,
        /// The names there are.
        known: Vec<String>,
        /// A similar name.
        suggestion: Option<String>,
    },
    /// Bounds were given for a variable that the formula does not have.
    #[error("bounds are given for `{name}`, which is not a variable of the formula{}", list(" (they are ", .known, ")"))]
    UnknownVariable {
        /// The name given.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// Bounds with nothing between them.
    #[error("the bounds of `{name}` are empty: {lower} is not below {upper}")]
    EmptyBounds {
        /// The variable.
        name: String,
        /// Lower end.
        lower: f64,
        /// Upper end.
        upper: f64,
    },
    /// The number of dimensions asked for is not the formula's.
    #[error("the formula has {found} dimension(s), but {asked} were asked for")]
    Dimension {
        /// The formula's own.
        found: usize,
        /// The number asked for.
        asked: usize,
    },
}

fn list(before: &str, names: &[String], after: &str) -> String {
    if names.is_empty() { String::new() } else { format!("{before}{}{after}", names.join(", ")) }
}

impl FormulaError {
    pub(super) fn syntax(source: &str, span: Span, message: String, hint: Option<String>) -> Self {
        FormulaError::Syntax { source_text: source.to_string(), span, message, hint }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            FormulaError::Syntax { hint, .. } => hint.clone(),
            FormulaError::TooLarge { .. } => None,
            FormulaError::UnknownParameter { name, suggestion, .. } => match name.as_str() {
                "e" => Some("`e` is the constant 2.718281828...; give the parameter another name".into()),
                "pi" => Some("`pi` is the constant 3.141592653...; give the parameter another name".into()),
                _ => suggestion.as_ref().map(|s| format!("did you mean `{s}`?")),
            },
            FormulaError::UnknownVariable { .. } => Some("bounds are written \"x=0..inf, y=-1..1\"".into()),
            FormulaError::EmptyBounds { .. } => Some("write the smaller number first, as in x=0..1".into()),
            FormulaError::Dimension { .. } => Some("write coordinates as x[i] to let --dim choose their number".into()),
        }
    }

    /// The formula with a caret under the fault; two lines, `None` when no place is at fault.
    pub fn snippet(&self) -> Option<String> {
        let FormulaError::Syntax { source_text, span, .. } = self else { return None };
        // Show at most 60 characters on either side of the fault, on one line.
        let chars: Vec<(usize, char)> = source_text.char_indices().collect();
        let position = |byte: usize| chars.iter().take_while(|(at, _)| *at < byte).count();
        let (start, end) = (position(span.start), position(span.end).max(position(span.start) + 1));
        let (from, to) = (start.saturating_sub(60), (end + 60).min(chars.len()));
        let line: String = chars[from..to].iter().map(|(_, c)| if c.is_whitespace() { ' ' } else { *c }).collect();
        let (ellipsis, shift) = if from > 0 { ("...", 3) } else { ("", 0) };
        let carets = "^".repeat(end.min(to.max(start + 1)) - start);
        Some(format!("{ellipsis}{line}\n{}{carets}", " ".repeat(start - from + shift)))
    }
}
