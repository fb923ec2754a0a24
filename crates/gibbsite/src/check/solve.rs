//! Where an expression of one coordinate has a given value.

use super::facts::Facts;
use crate::energy::formula::function::Function;
use crate::energy::formula::graph::{Graph, Id, Node};

/// A list that contains every x where the node `id` is `value` (to rounding); `None` where that is not known.
pub fn solve(graph: &Graph, id: Id, value: f64, all: &[Facts]) -> Option<Vec<f64>> {
    let f = all[id as usize];
    if value < f.lo || value > f.hi || (value == 0.0 && f.positive) || !value.is_finite() {
        return Some(Vec::new());
    }
    let any_of = |a: Id, values: &[f64]| {
        let found: Option<Vec<Vec<f64>>> = values.iter().map(|v| solve(graph, a, *v, all)).collect();
        found.map(|f| f.concat())
    };
    let number = |id: &Id| graph.as_const(*id).filter(|c| c.is_finite());
    match graph.node(id) {
        Node::X(_) => Some(vec![value]),
        Node::Add(a, b) => match (number(a), number(b)) {
            (_, Some(c)) => any_of(*a, &[value - c]),
            (Some(c), _) => any_of(*b, &[value - c]),
            _ => None,
        },
        Node::Mul(u, a) if number(u).is_some_and(|u| u != 0.0) => any_of(*a, &[value / number(u)?]),
        Node::Mul(a, b) if value == 0.0 => Some([any_of(*a, &[0.0])?, any_of(*b, &[0.0])?].concat()),
        Node::Div(a, _) if value == 0.0 => any_of(*a, &[0.0]),
        Node::PowI(a, n) if *n > 0 => {
            let root = value.abs().powf(1.0 / *n as f64);
            if value == 0.0 {
                any_of(*a, &[0.0])
            } else if n % 2 == 1 {
                any_of(*a, &[root.copysign(value)])
            } else if value > 0.0 {
                any_of(*a, &[root, -root])
            } else {
                Some(Vec::new())
            }
        }
        Node::Pow(a, _) if value == 0.0 => any_of(*a, &[0.0]),
        Node::Min(a, b) | Node::Max(a, b) => Some([any_of(*a, &[value])?, any_of(*b, &[value])?].concat()),
        Node::Call(function, a) => match function {
            Function::Abs => any_of(*a, &[value, -value]),
            Function::Sqrt => any_of(*a, &[value * value]),
            Function::Exp => any_of(*a, &[value.ln()]),
            Function::Log => any_of(*a, &[value.exp()]),
            Function::Log1p => any_of(*a, &[value.exp_m1()]),
            Function::Sinh | Function::Tanh | Function::Erf | Function::Sign if value == 0.0 => any_of(*a, &[0.0]),
            Function::Softplus | Function::Logistic if value == 0.0 => Some(Vec::new()),
            _ => None,
        },
        Node::Poly(a, coefficients) => {
            let mut c: Vec<f64> = coefficients.iter().map(number).collect::<Option<_>>()?;
            c[0] -= value;
            any_of(*a, &roots(&c)?)
        }
        _ => None,
    }
}

/// The real roots of `sum_k c_k u^k`, for what is quadratic after taking out powers of u.
fn roots(c: &[f64]) -> Option<Vec<f64>> {
    let first = c.iter().position(|c| *c != 0.0)?;
    let mut out = if first > 0 { vec![0.0] } else { Vec::new() };
    match c[first..] {
        [_] => {}
        [b, a] => out.push(-b / a),
        [c, b, a] => {
            let discriminant = b * b - 4.0 * a * c;
            // Near a double root rounding decides whether there is one.
            if discriminant.abs() <= 1e-14 * b * b && discriminant != 0.0 {
                return None;
            }
            if discriminant >= 0.0 {
                let q = -0.5 * (b + discriminant.sqrt().copysign(b));
                out.extend([q / a, if q == 0.0 { 0.0 } else { c / q }]);
            }
        }
        _ => return None,
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::super::facts::facts;
    use super::*;
    use crate::energy::formula::Formula;
    use crate::points::Support;

    #[test]
    fn zeros_are_found() {
        let cases: [(&str, Option<&[f64]>); 9] = [
            ("x - 3", Some(&[3.0])),
            ("2*x^2 - 8", Some(&[-2.0, 2.0])),
            ("abs(x - 1)", Some(&[1.0])),
            ("x^3 - x^2", Some(&[0.0, 1.0])),
            ("1 + x^2", Some(&[])),
            ("exp(x) - 1", Some(&[0.0])),
            ("log(abs(x))", Some(&[-1.0, 1.0])),
            ("(x - 1)*(x + 2)^2", Some(&[-2.0, 1.0])),
            ("x^5 - 3*x + 1", None),
        ];
        for (source, wanted) in cases {
            let f = Formula::parse(source).unwrap();
            let (graph, root) = f.graph();
            let all = facts(graph, &[root], &[Support::Real]);
            let found = solve(graph, root, 0.0, &all).map(|mut found| {
                found.sort_by(f64::total_cmp);
                found.dedup_by(|a, b| *a == *b);
                found
            });
            assert_eq!(found.as_deref(), wanted, "{source}");
        }
    }
}
