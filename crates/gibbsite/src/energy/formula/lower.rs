//! From the syntax tree to the graph: names become coordinates, parameters and constants, sums are unrolled.

use std::collections::BTreeSet;

use super::error::{FormulaError, Span};
use super::function::{MULTIARY, NAMED};
use super::graph::{Graph, Id};
use super::parse::{Expr, ExprKind};
use crate::suggest;

/// Most coordinates accepted.
pub const MAX_DIM: usize = 65_536;
/// Most operations accepted after sums are unrolled.
pub const MAX_NODES: usize = 2_000_000;

/// A formula as a graph.
#[derive(Debug)]
pub struct Lowered {
    pub graph: Graph,
    pub root: Id,
    /// Names of the coordinates.
    pub variables: Vec<String>,
    /// Names of the parameters, in order of first appearance.
    pub parameters: Vec<String>,
}

/// Lowers `expr`; `dim` is the number of dimensions asked for, needed where the formula writes `d`.
pub fn lower(source: &str, expr: &Expr, dim: Option<usize>) -> Result<Lowered, FormulaError> {
    let variables = variables(source, expr, dim)?;
    let mut lowerer = Lowerer {
        source,
        graph: Graph::default(),
        indexed: uses_coordinates(expr),
        dim: variables.len(),
        variables: &variables,
        parameters: Vec::new(),
        indices: Vec::new(),
    };
    let root = lowerer.expr(expr)?;
    let (graph, parameters) = (lowerer.graph, lowerer.parameters);
    Ok(Lowered { graph, root, variables, parameters })
}

/// Names that appear free, i.e. not as summation indices.
fn free_names<'a>(expr: &'a Expr, bound: &mut Vec<&'a str>, out: &mut Vec<(&'a str, Span)>) {
    match &expr.kind {
        ExprKind::Number(_) => {}
        ExprKind::Name(name) => {
            if !bound.contains(&name.as_str()) {
                out.push((name, expr.span));
            }
        }
        ExprKind::Coordinate(a) | ExprKind::Neg(a) => free_names(a, bound, out),
        ExprKind::Terms(list) | ExprKind::Factors(list) => list.iter().for_each(|(_, a)| free_names(a, bound, out)),
        ExprKind::Power(a, b) => {
            free_names(a, bound, out);
            free_names(b, bound, out);
        }
        ExprKind::Call(_, args) => args.iter().for_each(|a| free_names(a, bound, out)),
        ExprKind::Sum { index, from, to, body } => {
            free_names(from, bound, out);
            free_names(to, bound, out);
            bound.push(index);
            free_names(body, bound, out);
            bound.pop();
        }
    }
}

fn uses_coordinates(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::Name(_) => false,
        ExprKind::Coordinate(_) => true,
        ExprKind::Neg(a) => uses_coordinates(a),
        ExprKind::Terms(list) | ExprKind::Factors(list) => list.iter().any(|(_, a)| uses_coordinates(a)),
        ExprKind::Power(a, b) => uses_coordinates(a) || uses_coordinates(b),
        ExprKind::Call(_, args) => args.iter().any(uses_coordinates),
        ExprKind::Sum { from, to, body, .. } => [from, to, body].iter().any(|e| uses_coordinates(e)),
    }
}

/// The largest literal index of `x[...]`, for formulas that need no `--dim`.
fn largest_literal_index(expr: &Expr) -> usize {
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::Name(_) => 0,
        ExprKind::Coordinate(index) => match index.kind {
            ExprKind::Number(n) if n >= 1.0 && n <= MAX_DIM as f64 => n as usize,
            _ => 0,
        },
        ExprKind::Neg(a) => largest_literal_index(a),
        ExprKind::Terms(list) | ExprKind::Factors(list) => {
            list.iter().map(|(_, a)| largest_literal_index(a)).max().unwrap_or(0)
        }
        ExprKind::Power(a, b) => largest_literal_index(a).max(largest_literal_index(b)),
        ExprKind::Call(_, args) => args.iter().map(largest_literal_index).max().unwrap_or(0),
        ExprKind::Sum { body, .. } => largest_literal_index(body),
    }
}

/// `x7` is coordinate 7.
fn numbered(name: &str) -> Option<usize> {
    let digits = name.strip_prefix('x')?;
    if digits.is_empty() || digits.starts_with('0') || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// The largest coordinate that is written as a number: `x[3]` or `x3`.
fn largest_index(expr: &Expr, names: &[(&str, Span)]) -> usize {
    names.iter().filter_map(|n| numbered(n.0)).max().unwrap_or(0).max(largest_literal_index(expr))
}

/// Whether the number of dimensions itself, `d`, is written.
fn writes_d(names: &[(&str, Span)]) -> bool {
    names.iter().any(|n| n.0 == "d")
}

/// Whether only `dim` can tell the number of dimensions.
pub fn has_open_dim(expr: &Expr) -> bool {
    let mut names = Vec::new();
    free_names(expr, &mut Vec::new(), &mut names);
    uses_coordinates(expr) && (writes_d(&names) || largest_index(expr, &names) == 0)
}

/// The coordinates of a formula, by the rules of the command line's contract.
fn variables(source: &str, expr: &Expr, dim: Option<usize>) -> Result<Vec<String>, FormulaError> {
    let mut names = Vec::new();
    free_names(expr, &mut Vec::new(), &mut names);
    let letters: BTreeSet<&str> = names.iter().map(|n| n.0).filter(|n| ["x", "y", "z"].contains(n)).collect();
    let numbers: BTreeSet<usize> = names.iter().filter_map(|n| numbered(n.0)).collect();
    let indexed = uses_coordinates(expr);
    let span_of = |wanted: &str| names.iter().find(|n| n.0 == wanted).map_or(expr.span, |n| n.1);
    if let (Some(letter), true) = (letters.first(), indexed || !numbers.is_empty()) {
        let other = numbers.first().map_or("x[i]".to_string(), |n| format!("x{n}"));
        let message = format!("`{letter}` and `{other}` cannot both be variables");
        let hint = Some("use either x, y, z or x1, x2, ... (x[i])".to_string());
        return Err(FormulaError::syntax(source, span_of(letter), message, hint));
    }
    if let Some(asked) = dim
        && asked > MAX_DIM
    {
        return Err(FormulaError::TooLarge { what: "dimensions", size: asked, limit: MAX_DIM });
    }
    if indexed {
        let found = dim.unwrap_or_else(|| largest_index(expr, &names));
        if found > MAX_DIM {
            return Err(FormulaError::TooLarge { what: "dimensions", size: found, limit: MAX_DIM });
        }
        if found == 0 || (dim.is_none() && writes_d(&names)) {
            let message = "the number of dimensions is not known".to_string();
            return Err(FormulaError::syntax(
                source,
                span_of("d"),
                message,
                Some("say it with --dim, as in --dim 10".into()),
            ));
        }
        return Ok((1..=found).map(|j| format!("x{j}")).collect());
    }
    let found: Vec<String> = if !numbers.is_empty() {
        if numbers.len() > 1 {
            let missing = (1..).find(|j| !numbers.contains(j)).unwrap_or(0);
            if missing <= numbers.len() {
                let message = format!("there is no x{missing} in the formula, but there are coordinates beyond it");
                let last = format!("x{}", numbers.last().unwrap_or(&0));
                let hint = Some("number the coordinates x1, x2, ... without gaps".to_string());
                return Err(FormulaError::syntax(source, span_of(&last), message, hint));
            }
        }
        numbers.iter().map(|j| format!("x{j}")).collect()
    } else {
        if letters.contains("z") && letters.len() == 2 {
            let missing = if letters.contains("x") { "y" } else { "x" };
            let message = format!("the formula uses z but not {missing}");
            let hint = Some("two variables are x and y, three are x, y and z".to_string());
            return Err(FormulaError::syntax(source, span_of("z"), message, hint));
        }
        letters.iter().map(|s| s.to_string()).collect()
    };
    if found.is_empty() {
        let hint = Some("variables are x, y, z or x1, x2, ... or x[i]; every other name is a parameter".to_string());
        return Err(FormulaError::syntax(source, expr.span, "the formula has no variable".into(), hint));
    }
    match dim {
        Some(asked) if asked != found.len() => Err(FormulaError::Dimension { found: found.len(), asked }),
        _ => Ok(found),
    }
}

struct Lowerer<'a> {
    source: &'a str,
    graph: Graph,
    indexed: bool,
    dim: usize,
    variables: &'a [String],
    parameters: Vec<String>,
    /// Summation indices in scope, innermost last.
    indices: Vec<(String, i64)>,
}

impl Lowerer<'_> {
    fn error<T>(&self, span: Span, message: String, hint: Option<String>) -> Result<T, FormulaError> {
        Err(FormulaError::syntax(self.source, span, message, hint))
    }

    fn expr(&mut self, expr: &Expr) -> Result<Id, FormulaError> {
        if self.graph.len() > MAX_NODES {
            return Err(FormulaError::TooLarge { what: "operations", size: self.graph.len(), limit: MAX_NODES });
        }
        match &expr.kind {
            ExprKind::Number(value) => Ok(self.graph.constant(*value)),
            ExprKind::Name(name) => self.name(name),
            ExprKind::Coordinate(index) => {
                let j = self.integer(index)?;
                if j < 1 || j > self.dim as i64 {
                    let message = format!("x[{j}] does not exist: coordinates run from 1 to {}", self.dim);
                    return self.error(expr.span, message, None);
                }
                Ok(self.graph.x(j as usize - 1))
            }
            ExprKind::Neg(a) => {
                let a = self.expr(a)?;
                Ok(self.graph.neg(a))
            }
            ExprKind::Terms(terms) => {
                let mut ids = Vec::with_capacity(terms.len());
                for (subtracted, term) in terms {
                    let id = self.expr(term)?;
                    ids.push(if *subtracted { self.graph.neg(id) } else { id });
                }
                Ok(self.graph.sum(&ids))
            }
            ExprKind::Factors(factors) => {
                let mut product = self.graph.constant(1.0);
                for (divides, factor) in factors {
                    let id = self.expr(factor)?;
                    product = if *divides { self.graph.div(product, id) } else { self.graph.mul(product, id) };
                }
                Ok(product)
            }
            ExprKind::Power(base, exponent) => {
                let (base, exponent) = (self.expr(base)?, self.expr(exponent)?);
                Ok(self.graph.pow(base, exponent))
            }
            ExprKind::Call(name, args) => self.call(name, args, expr.span),
            ExprKind::Sum { index, from, to, body } => {
                let (first, last) = (self.integer(from)?, self.integer(to)?);
                if last.saturating_sub(first) >= MAX_NODES as i64 {
                    let size = last.saturating_sub(first) as usize;
                    return Err(FormulaError::TooLarge { what: "terms in a sum", size, limit: MAX_NODES });
                }
                let mut terms = Vec::new();
                for i in first..=last {
                    self.indices.push((index.clone(), i));
                    let term = self.expr(body);
                    self.indices.pop();
                    terms.push(term?);
                    if terms.len() + self.graph.len() > MAX_NODES {
                        return Err(FormulaError::TooLarge {
                            what: "operations",
                            size: self.graph.len(),
                            limit: MAX_NODES,
                        });
                    }
                }
                Ok(self.graph.sum(&terms))
            }
        }
    }

    fn name(&mut self, name: &str) -> Result<Id, FormulaError> {
        if let Some((_, value)) = self.indices.iter().rev().find(|(index, _)| index == name) {
            return Ok(self.graph.constant(*value as f64));
        }
        if self.indexed && name == "d" {
            return Ok(self.graph.constant(self.dim as f64));
        }
        if let Some(j) = self.variables.iter().position(|v| v == name) {
            return Ok(self.graph.x(j));
        }
        match name {
            "pi" => return Ok(self.graph.constant(std::f64::consts::PI)),
            "e" => return Ok(self.graph.constant(std::f64::consts::E)),
            _ => {}
        }
        let k = self.parameters.iter().position(|p| p == name).unwrap_or_else(|| {
            self.parameters.push(name.to_string());
            self.parameters.len() - 1
        });
        Ok(self.graph.theta(k))
    }

    fn call(&mut self, name: &str, args: &[Expr], span: Span) -> Result<Id, FormulaError> {
        let name_span = Span::new(span.start, span.start + name.len());
        if let Some((_, function)) = NAMED.iter().find(|(n, _)| *n == name) {
            let [arg] = args else {
                return self.error(span, format!("`{name}` takes one argument, {} are given", args.len()), None);
            };
            let a = self.expr(arg)?;
            return Ok(self.graph.call(*function, a));
        }
        let known = NAMED.iter().map(|(n, _)| *n).chain(MULTIARY);
        match name {
            "min" | "max" | "logsumexp" | "pow" => {
                if args.len() < 2 || (name == "pow" && args.len() != 2) {
                    let wanted = if name == "pow" { "two" } else { "two or more" };
                    let message = format!("`{name}` takes {wanted} arguments, {} given", args.len());
                    return self.error(span, message, None);
                }
                let mut ids = Vec::with_capacity(args.len());
                for arg in args {
                    ids.push(self.expr(arg)?);
                }
                let g = &mut self.graph;
                Ok(match name {
                    "min" => ids[1..].iter().fold(ids[0], |a, &b| g.min(a, b)),
                    "max" => ids[1..].iter().fold(ids[0], |a, &b| g.max(a, b)),
                    "pow" => g.pow(ids[0], ids[1]),
                    _ => g.log_sum_exp(&ids),
                })
            }
            _ if self.variables.iter().any(|v| v == name) || name.len() == 1 => {
                let hint = Some(format!("multiplication is written with *, as in {name}*(...)"));
                self.error(name_span, format!("`{name}` is not a function"), hint)
            }
            _ => {
                let hint = match suggest::nearest(name, known) {
                    Some(n) => Some(format!("did you mean `{n}`?")),
                    None => Some(
                        "functions: exp log sqrt abs sin cos tan tanh sinh cosh erf softplus logsumexp min max pow"
                            .into(),
                    ),
                };
                self.error(name_span, format!("there is no function `{name}`"), hint)
            }
        }
    }

    /// The value of an index expression, which must be an integer known now.
    fn integer(&mut self, expr: &Expr) -> Result<i64, FormulaError> {
        let id = self.expr(expr)?;
        match self.graph.as_const(id) {
            Some(value) if value.fract() == 0.0 && value.abs() < 1e15 => Ok(value as i64),
            Some(value) => self.error(expr.span, format!("an index must be an integer, this is {value}"), None),
            None => {
                let hint = Some("indices may use numbers, d and summation indices only".to_string());
                self.error(expr.span, "this index is not known before sampling".into(), hint)
            }
        }
    }
}
