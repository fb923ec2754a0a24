//! Expressions as text, for sentences that name a curve.

use crate::energy::formula::function::{Function, NAMED};
use crate::energy::formula::graph::{Graph, Id, Node};

/// How tightly a piece of text binds.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Binds {
    Sum,
    Product,
    Power,
    Atom,
}

/// The expression as a formula with these names, if it can be written so.
pub fn show(graph: &Graph, id: Id, names: &[String]) -> Option<String> {
    Some(text(graph, id, names, 0)?.0)
}

fn text(graph: &Graph, id: Id, names: &[String], depth: usize) -> Option<(String, Binds)> {
    if depth > 12 {
        return None;
    }
    let part = |id: Id, least: Binds| {
        let (text, binds) = text(graph, id, names, depth + 1)?;
        Some(if binds < least { format!("({text})") } else { text })
    };
    let list = |ids: &[Id]| ids.iter().map(|a| part(*a, Binds::Sum)).collect::<Option<Vec<_>>>().map(|a| a.join(", "));
    Some(match graph.node(id) {
        Node::Const(bits) => number(f64::from_bits(*bits)),
        Node::X(j) => (names.get(*j as usize)?.clone(), Binds::Atom),
        Node::Add(a, b) => (join(part(*a, Binds::Sum)?, &part(*b, Binds::Sum)?), Binds::Sum),
        Node::Mul(a, b) if graph.as_const(*a) == Some(-1.0) => (format!("-{}", part(*b, Binds::Product)?), Binds::Sum),
        Node::Mul(a, b) => (format!("{}*{}", part(*a, Binds::Product)?, part(*b, Binds::Product)?), Binds::Product),
        Node::Div(a, b) => (format!("{}/{}", part(*a, Binds::Product)?, part(*b, Binds::Power)?), Binds::Product),
        Node::PowI(a, n) if *n > 0 => (format!("{}^{n}", part(*a, Binds::Atom)?), Binds::Power),
        Node::PowI(a, n) => (format!("{}^({n})", part(*a, Binds::Atom)?), Binds::Power),
        Node::Pow(a, b) => (format!("{}^{}", part(*a, Binds::Atom)?, part(*b, Binds::Atom)?), Binds::Power),
        Node::Min(a, b) => (format!("min({})", list(&[*a, *b])?), Binds::Atom),
        Node::Max(a, b) => (format!("max({})", list(&[*a, *b])?), Binds::Atom),
        Node::Call(function, a) => (format!("{}({})", name(*function)?, list(&[*a])?), Binds::Atom),
        Node::Poly(a, coefficients) => {
            let base = part(*a, Binds::Atom)?;
            let mut sum = String::new();
            for (k, c) in coefficients.iter().enumerate().rev() {
                let c = graph.as_const(*c)?;
                let factor = match (c, k) {
                    (0.0, _) => continue,
                    (c, 0) => number(c).0,
                    (1.0, _) => String::new(),
                    (-1.0, _) => "-".into(),
                    (c, _) => format!("{}*", number(c).0),
                };
                let power = match k {
                    0 => String::new(),
                    1 => base.clone(),
                    k => format!("{base}^{k}"),
                };
                let term = format!("{factor}{power}");
                sum = if sum.is_empty() { term } else { join(sum, &term) };
            }
            (sum, Binds::Sum)
        }
        Node::LogSumExp(args) => (format!("logsumexp({})", list(args)?), Binds::Atom),
        Node::Theta(_) | Node::V(_) | Node::Below(..) => return None,
    })
}

fn number(c: f64) -> (String, Binds) {
    (c.to_string(), if c < 0.0 { Binds::Sum } else { Binds::Atom })
}

fn join(a: String, b: &str) -> String {
    match b.strip_prefix('-') {
        Some(size) => format!("{a} - {size}"),
        None => format!("{a} + {b}"),
    }
}

fn name(function: Function) -> Option<&'static str> {
    NAMED.iter().find(|(_, f)| *f == function).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::Energy;
    use crate::energy::formula::Formula;

    #[test]
    fn formulas_survive() {
        for source in
            ["x^2", "x^2 + y^2", "-x", "2*x*y", "exp(-x) + 1", "(x + y)^3", "x/(1 + y^2)", "3*x^2 - x - 1", "x^(-1)"]
        {
            let f = Formula::parse(source).unwrap();
            let (graph, root) = f.graph();
            let shown = show(graph, root, &f.space().names).unwrap();
            let again = Formula::parse(&shown).unwrap_or_else(|e| panic!("{source} -> {shown}: {e}"));
            let x = crate::points::Points::from_rows(&[&[0.7, -1.3][..f.space().dim()]]);
            let (mut a, mut b) = ([0.0], [0.0]);
            f.energy(&x, &mut a);
            again.energy(&x, &mut b);
            assert!((a[0] - b[0]).abs() < 1e-12, "{source} -> {shown}");
        }
    }
}
