//! From text to a syntax tree, with errors that point at the fault.

use super::error::{FormulaError, Span};

/// A piece of a formula and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

/// What a piece of a formula is.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    Number(f64),
    /// A variable, a parameter, a constant or a summation index.
    Name(String),
    /// `x[index]`.
    Coordinate(Box<Expr>),
    Neg(Box<Expr>),
    /// A sum of terms, each with whether it is subtracted.
    Terms(Vec<(bool, Expr)>),
    /// A product of factors, each with whether it divides.
    Factors(Vec<(bool, Expr)>),
    Power(Box<Expr>, Box<Expr>),
    Call(String, Vec<Expr>),
    /// `sum(index, from..to, body)`, both ends included.
    Sum {
        index: String,
        from: Box<Expr>,
        to: Box<Expr>,
        body: Box<Expr>,
    },
}

/// Longest formula accepted, in bytes.
pub const MAX_LENGTH: usize = 100_000;
/// Deepest nesting accepted.
pub const MAX_DEPTH: usize = 200;

/// Parses a formula.
pub fn parse(source: &str) -> Result<Expr, FormulaError> {
    if source.len() > MAX_LENGTH {
        return Err(FormulaError::TooLarge { what: "characters", size: source.len(), limit: MAX_LENGTH });
    }
    let tokens = tokenize(source)?;
    let mut parser = Parser { source, tokens, at: 0, depth: 0 };
    let expr = parser.sum()?;
    match parser.peek().kind {
        TokenKind::End => Ok(expr),
        _ => Err(parser.unexpected("an operator or the end of the formula")),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum TokenKind {
    Number(f64),
    Name(String),
    Symbol(&'static str),
    End,
}

#[derive(Clone, Debug, PartialEq)]
struct Token {
    kind: TokenKind,
    span: Span,
}

const SYMBOLS: [&str; 12] = ["..", "**", "+", "-", "*", "/", "^", "(", ")", "[", "]", ","];

fn tokenize(source: &str) -> Result<Vec<Token>, FormulaError> {
    let bytes = source.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    'scan: while at < bytes.len() {
        let rest = &source[at..];
        let c = rest.chars().next().unwrap_or(' ');
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        if c.is_ascii_digit() || (c == '.' && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)) {
            let end = number_end(bytes, at);
            let text = &source[at..end];
            let value: f64 = text.parse().map_err(|_| {
                FormulaError::syntax(source, Span::new(at, end), format!("`{text}` is not a number"), None)
            })?;
            if !value.is_finite() {
                return Err(FormulaError::syntax(
                    source,
                    Span::new(at, end),
                    format!("`{text}` is too large for a number"),
                    None,
                ));
            }
            tokens.push(Token { kind: TokenKind::Number(value), span: Span::new(at, end) });
            at = end;
            continue;
        }
        if c.is_alphabetic() || c == '_' {
            let end = at + rest.find(|c| !is_of_name(c)).unwrap_or(rest.len());
            if source[at..end] == *"π" {
                let hint = Some("write pi".to_string());
                return Err(FormulaError::syntax(source, Span::new(at, end), "`π` is not a name here".into(), hint));
            }
            tokens.push(Token { kind: TokenKind::Name(source[at..end].to_string()), span: Span::new(at, end) });
            at = end;
            continue;
        }
        for symbol in SYMBOLS {
            if rest.starts_with(symbol) {
                let span = Span::new(at, at + symbol.len());
                if symbol == "**" {
                    let hint = Some("powers are written with ^, as in x^2".to_string());
                    return Err(FormulaError::syntax(source, span, "`**` is not an operator".into(), hint));
                }
                tokens.push(Token { kind: TokenKind::Symbol(symbol), span });
                at += symbol.len();
                continue 'scan;
            }
        }
        let hint = hint_for(c, source[..at].trim_end());
        let span = Span::new(at, at + c.len_utf8());
        return Err(FormulaError::syntax(source, span, format!("`{c}` has no meaning in a formula"), hint));
    }
    tokens.push(Token { kind: TokenKind::End, span: Span::new(source.len(), source.len()) });
    Ok(tokens)
}

/// What a name goes on with. Superscripts and other digits are not part of it: `x²` is no parameter.
fn is_of_name(c: char) -> bool {
    c.is_alphabetic() || c.is_ascii_digit() || c == '_'
}

/// What to write instead of a character that has no meaning; `before` is the formula up to it.
fn hint_for(c: char, before: &str) -> Option<String> {
    const SUPERSCRIPTS: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹";
    const SUBSCRIPTS: &str = "₀₁₂₃₄₅₆₇₈₉";
    let start = before.char_indices().rev().take_while(|(_, c)| is_of_name(*c)).last().map_or(before.len(), |(i, _)| i);
    let base = &before[start..];
    if let Some(power) = SUPERSCRIPTS.chars().position(|s| s == c) {
        return Some(format!("write {base}^{power}"));
    }
    if let Some(index) = SUBSCRIPTS.chars().position(|s| s == c) {
        return Some(format!("write {}{index}", if base.is_empty() { "x" } else { base }));
    }
    let hint = match c {
        '|' => "write abs(x) for the absolute value",
        '−' | '–' | '—' => "this is a typographic dash; use the minus sign -",
        '·' | '×' | '⋅' | '∗' | '•' => "multiplication is *",
        '÷' | '∕' => "division is /",
        '√' => "write sqrt(x)",
        '∑' => "write sum(i, 1..d, x[i]^2)",
        '∞' => "numbers are finite; restrict the support with --bounds \"x=0..inf\"",
        '{' | '}' => "use ( and )",
        '=' => "a formula is an expression; set parameters with --param a=1",
        _ => return None,
    };
    Some(hint.to_string())
}

/// Where the number that starts at `at` ends: digits, one point (not the `..` of a range), an exponent.
fn number_end(bytes: &[u8], mut at: usize) -> usize {
    let digits = |mut i: usize| {
        while bytes.get(i).is_some_and(u8::is_ascii_digit) {
            i += 1;
        }
        i
    };
    at = digits(at);
    if bytes.get(at) == Some(&b'.') && bytes.get(at + 1) != Some(&b'.') {
        at = digits(at + 1);
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let end = digits(at + 1 + sign);
        if end > at + 1 + sign {
            at = end;
        }
    }
    at
}

struct Parser<'a> {
    source: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn eat(&mut self, symbol: &str) -> bool {
        let found = matches!(&self.peek().kind, TokenKind::Symbol(s) if *s == symbol);
        if found {
            self.at += 1;
        }
        found
    }

    fn expect(&mut self, symbol: &'static str) -> Result<Span, FormulaError> {
        let span = self.peek().span;
        if self.eat(symbol) { Ok(span) } else { Err(self.unexpected(&format!("`{symbol}`"))) }
    }

    fn unexpected(&self, wanted: &str) -> FormulaError {
        let token = self.peek();
        let after_value = self.at > 0
            && matches!(
                self.tokens[self.at - 1].kind,
                TokenKind::Number(_) | TokenKind::Name(_) | TokenKind::Symbol(")" | "]")
            );
        let (found, hint) = match &token.kind {
            TokenKind::End => ("the end of the formula".to_string(), None),
            TokenKind::Number(_) | TokenKind::Name(_) | TokenKind::Symbol("(") if after_value => {
                let text = &self.source[token.span.start..token.span.end];
                (format!("`{text}`"), Some("multiplication is written with *, as in 2*x".to_string()))
            }
            _ => (format!("`{}`", &self.source[token.span.start..token.span.end]), None),
        };
        FormulaError::syntax(self.source, token.span, format!("expected {wanted}, found {found}"), hint)
    }

    fn descend(&mut self) -> Result<(), FormulaError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(FormulaError::TooLarge { what: "levels of nesting", size: self.depth, limit: MAX_DEPTH });
        }
        Ok(())
    }

    /// sum := product (('+' | '-') product)*
    fn sum(&mut self) -> Result<Expr, FormulaError> {
        self.descend()?;
        let sum = self.chain(["+", "-"], Self::product, ExprKind::Terms)?;
        self.depth -= 1;
        Ok(sum)
    }

    /// product := unary (('*' | '/') unary)*
    fn product(&mut self) -> Result<Expr, FormulaError> {
        self.chain(["*", "/"], Self::unary, ExprKind::Factors)
    }

    /// A flat chain of operands joined by an operator or its inverse (flat, so that long sums are not deep).
    fn chain(
        &mut self,
        [operator, inverse]: [&str; 2],
        operand: fn(&mut Self) -> Result<Expr, FormulaError>,
        kind: fn(Vec<(bool, Expr)>) -> ExprKind,
    ) -> Result<Expr, FormulaError> {
        let first = operand(self)?;
        let mut operands = Vec::new();
        loop {
            let inverted = if self.eat(operator) {
                false
            } else if self.eat(inverse) {
                true
            } else {
                break;
            };
            operands.push((inverted, operand(self)?));
        }
        let Some((_, last)) = operands.last() else { return Ok(first) };
        let span = first.span.to(last.span);
        operands.insert(0, (false, first));
        Ok(Expr { kind: kind(operands), span })
    }

    /// unary := ('-' | '+') unary | power;  -x^2 is -(x^2)
    fn unary(&mut self) -> Result<Expr, FormulaError> {
        let start = self.peek().span;
        if self.eat("-") {
            self.descend()?;
            let inner = self.unary()?;
            self.depth -= 1;
            let span = start.to(inner.span);
            return Ok(Expr { kind: ExprKind::Neg(Box::new(inner)), span });
        }
        if self.eat("+") {
            self.descend()?;
            let inner = self.unary()?;
            self.depth -= 1;
            return Ok(inner);
        }
        self.power()
    }

    /// power := atom ('^' unary)?;  right-associative, and the exponent may carry a sign
    fn power(&mut self) -> Result<Expr, FormulaError> {
        let base = self.atom()?;
        if !self.eat("^") {
            return Ok(base);
        }
        self.descend()?;
        let exponent = self.unary()?;
        self.depth -= 1;
        let span = base.span.to(exponent.span);
        Ok(Expr { kind: ExprKind::Power(Box::new(base), Box::new(exponent)), span })
    }

    fn atom(&mut self) -> Result<Expr, FormulaError> {
        let token = self.peek().clone();
        match token.kind {
            TokenKind::Number(value) => {
                self.next();
                Ok(Expr { kind: ExprKind::Number(value), span: token.span })
            }
            TokenKind::Symbol("(") => {
                self.next();
                let inner = self.sum()?;
                let end = self.expect(")")?;
                Ok(Expr { kind: inner.kind, span: token.span.to(end) })
            }
            TokenKind::Name(name) => {
                self.next();
                if self.eat("(") {
                    return self.call(name, token.span);
                }
                if self.eat("[") {
                    if name != "x" {
                        let hint = Some("coordinates are x[1], x[2], ...".to_string());
                        let message = format!("`{name}` cannot be indexed");
                        return Err(FormulaError::syntax(self.source, token.span, message, hint));
                    }
                    let index = self.sum()?;
                    let end = self.expect("]")?;
                    return Ok(Expr { kind: ExprKind::Coordinate(Box::new(index)), span: token.span.to(end) });
                }
                Ok(Expr { kind: ExprKind::Name(name), span: token.span })
            }
            _ => Err(self.unexpected("a number, a variable or `(`")),
        }
    }

    fn call(&mut self, name: String, start: Span) -> Result<Expr, FormulaError> {
        if name == "sum" {
            return self.summation(start);
        }
        let mut args = vec![self.sum()?];
        while self.eat(",") {
            args.push(self.sum()?);
        }
        let end = self.expect(")")?;
        Ok(Expr { kind: ExprKind::Call(name, args), span: start.to(end) })
    }

    /// sum(i, from..to, body)
    fn summation(&mut self, start: Span) -> Result<Expr, FormulaError> {
        let token = self.next();
        let TokenKind::Name(index) = token.kind else {
            let hint = Some("a sum is written sum(i, 1..d, x[i]^2)".to_string());
            let message = "expected the name of the summation index".to_string();
            return Err(FormulaError::syntax(self.source, token.span, message, hint));
        };
        self.expect(",")?;
        let from = self.sum()?;
        self.expect("..")?;
        let to = self.sum()?;
        self.expect(",")?;
        let body = self.sum()?;
        let end = self.expect(")")?;
        let kind = ExprKind::Sum { index, from: Box::new(from), to: Box::new(to), body: Box::new(body) };
        Ok(Expr { kind, span: start.to(end) })
    }
}
