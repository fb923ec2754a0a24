//! Places that a formula names: where its sums with coordinates are zero, then its other numbers, its parameters, and quotients.

use super::parse::{Expr, ExprKind, parse};

/// Places kept at the most.
const MAX_LANDMARKS: usize = 96;

/// The zeros of the sums of a coordinate and a number (3 of `(x-3)^2`, 400 of `2*x - 800`), then the numbers and parameters of the
/// formula, then their quotients; each followed by its negative, the first 96. No exponents and no limits of sums.
pub(super) fn of(source: &str, theta: &[f64]) -> Vec<f64> {
    let mut named = Named::default();
    // The text was a formula when the formula was made.
    if let Ok(expr) = parse(source) {
        named.collect(&expr);
    }
    let Named { zeros, mut numbers } = named;
    numbers.extend(theta);
    let quotients = numbers.iter().flat_map(|a| numbers.iter().map(move |b| a / b));
    let mut found: Vec<f64> = Vec::new();
    for v in zeros.iter().copied().chain(numbers.iter().copied()).chain(quotients) {
        if found.len() + 2 > MAX_LANDMARKS {
            break;
        }
        if v.is_finite() && v != 0.0 && !found.contains(&v) {
            found.extend([v, -v]);
        }
    }
    found
}

#[derive(Default)]
struct Named {
    zeros: Vec<f64>,
    numbers: Vec<f64>,
}

impl Named {
    fn collect(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Number(v) => self.numbers.push(*v),
            ExprKind::Name(_) | ExprKind::Coordinate(_) => {}
            ExprKind::Neg(a) | ExprKind::Power(a, _) => self.collect(a),
            ExprKind::Terms(terms) => {
                let number = |(subtracted, a): &(bool, Expr)| match a.kind {
                    ExprKind::Number(v) => Some(if *subtracted { -v } else { v }),
                    _ => None,
                };
                let slope = |(subtracted, a): &(bool, Expr)| {
                    let slope = slope(a)?;
                    Some(if *subtracted { -slope } else { slope })
                };
                let zeros =
                    terms.iter().filter_map(number).flat_map(|v| terms.iter().filter_map(slope).map(move |c| -v / c));
                self.zeros.extend(zeros);
                terms.iter().for_each(|(_, a)| self.collect(a));
            }
            ExprKind::Factors(all) => all.iter().for_each(|(_, a)| self.collect(a)),
            ExprKind::Call(_, all) => all.iter().for_each(|a| self.collect(a)),
            ExprKind::Sum { body, .. } => self.collect(body),
        }
    }
}

/// The number by which a name or coordinate is multiplied; `None` for what is not just that.
fn slope(expr: &Expr) -> Option<f64> {
    match &expr.kind {
        ExprKind::Name(_) | ExprKind::Coordinate(_) => Some(1.0),
        ExprKind::Neg(a) => slope(a).map(|c| -c),
        ExprKind::Factors(factors) => {
            let (mut c, mut n_names) = (1.0, 0);
            for (divides, factor) in factors {
                match (&factor.kind, divides) {
                    (ExprKind::Number(v), false) => c *= v,
                    (ExprKind::Number(v), true) => c /= v,
                    (_, false) => {
                        c *= slope(factor)?;
                        n_names += 1;
                    }
                    _ => return None,
                }
            }
            (n_names == 1).then_some(c)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_come_first_then_numbers_and_their_quotients() {
        let found = of("-log(exp(-x^2/2)+exp(-(2*x-800)^2/2)) + a*x", &[77.0]);
        assert_eq!(found[..8], [400.0, -400.0, 2.0, -2.0, 800.0, -800.0, 77.0, -77.0], "{found:?}");
        assert!(found.contains(&(800.0 / 77.0)), "{found:?}");
        assert_eq!(of("(x[1]+3.3)^4 + sum(i,7..9,(5-x[i])^2)", &[])[..4], [-3.3, 3.3, 5.0, -5.0]);
        assert!(!of("(x[1]+3.3)^4 + sum(i,7..9,x[i]^6)", &[]).iter().any(|v| [4.0, 6.0, 7.0, 9.0].contains(v)));
        assert_eq!(of("x^2", &[]), Vec::<f64>::new());
        let many = (10..200).map(|k| format!("{k}*x")).collect::<Vec<_>>().join("+");
        assert_eq!(of(&many, &[]).len(), MAX_LANDMARKS);
    }
}
