//! Rosenbrock's valley, E = 100 (y - x^2)^2 + (1 - x)^2: x ~ N(1, 1/2), and y given x ~ N(x^2, 1/200).

use super::{Target, Truth, from_menu, indicator, normal_cdf};

/// The valley. Moments follow from those of x: E x^3 = 1 + 3/2, E x^4 = 1 + 6/2 + 3/4.
pub fn rosenbrock() -> Target {
    let truths = vec![
        Truth::exact("x", |x| x[0], 1.0),
        Truth::exact("x^2", |x| x[0] * x[0], 1.5),
        Truth::exact("y", |x| x[1], 1.5),
        Truth::exact("y^2", |x| x[1] * x[1], 4.75 + 0.005),
        Truth::exact("x y", |x| x[0] * x[1], 2.5),
        Truth::exact("(y - x^2)^2", |x| (x[1] - x[0] * x[0]).powi(2), 0.005),
        Truth::exact("P(x < 0)", |x| indicator(x[0] < 0.0), normal_cdf(-std::f64::consts::SQRT_2)),
        Truth::exact("P(x > 2)", |x| indicator(x[0] > 2.0), normal_cdf(-std::f64::consts::SQRT_2)),
    ];
    let log_z = std::f64::consts::PI.ln() - 0.5 * 100f64.ln();
    Target::new("rosenbrock", from_menu("rosenbrock", &[("a", 100.0)]).formula, truths).with_log_z(log_z)
}
