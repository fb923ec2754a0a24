//! Places that a formula names: its numbers and parameters, and what its linear terms make of them.

use super::parse::{Expr, ExprKind, parse};

/// Places kept at the most.
const MAX_LANDMARKS: usize = 48;

/// Nearer to the origin every search looks closely enough by itself.
const NEAR: f64 = 5.0;

/// The numbers of the formula and its parameters, with either sign, then their quotients (`2*x - 800` is about 400); those
/// beyond 5 only, the first 48.
pub(super) fn of(source: &str, theta: &[f64]) -> Vec<f64> {
    let mut numbers = theta.to_vec();
    // The text was a formula when the formula was made.
    if let Ok(expr) = parse(source) {
        collect(&expr, &mut numbers);
    }
    numbers.retain(|v| v.is_finite() && *v != 0.0);
    let mut seen: Vec<f64> = Vec::new();
    for v in numbers {
        if !seen.contains(&v.abs()) {
            seen.push(v.abs());
        }
    }
    let quotients = seen.iter().flat_map(|a| seen.iter().map(move |b| a / b));
    let mut found: Vec<f64> = Vec::new();
    for v in seen.iter().copied().chain(quotients) {
        if found.len() + 2 > MAX_LANDMARKS {
            break;
        }
        if v > NEAR && v.is_finite() && !found.contains(&v) {
            found.extend([v, -v]);
        }
    }
    found
}

fn collect(expr: &Expr, out: &mut Vec<f64>) {
    match &expr.kind {
        ExprKind::Number(v) => out.push(*v),
        ExprKind::Name(_) => {}
        ExprKind::Coordinate(a) | ExprKind::Neg(a) => collect(a, out),
        ExprKind::Terms(all) | ExprKind::Factors(all) => all.iter().for_each(|(_, a)| collect(a, out)),
        ExprKind::Power(a, b) => [a, b].into_iter().for_each(|a| collect(a, out)),
        ExprKind::Call(_, all) => all.iter().for_each(|a| collect(a, out)),
        ExprKind::Sum { from, to, body, .. } => [from, to, body].into_iter().for_each(|a| collect(a, out)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_their_quotients_are_named() {
        let found = of("-log(exp(-x^2/2)+exp(-(2*x-800)^2/2)) + a*x", &[77.0]);
        for v in [77.0, 800.0, 400.0, -400.0] {
            assert!(found.contains(&v), "{v}: {found:?}");
        }
        assert!(found.iter().all(|v| v.abs() > NEAR) && found.len() <= MAX_LANDMARKS, "{found:?}");
        assert_eq!(of("x^2/2", &[]), Vec::<f64>::new());
        let many = (10..200).map(|k| format!("{k}*x")).collect::<Vec<_>>().join("+");
        assert_eq!(of(&many, &[]).len(), MAX_LANDMARKS);
    }
}
