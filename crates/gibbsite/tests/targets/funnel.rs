//! Neal's funnel in 10 dimensions (Neal 2003, section 8): v = x1 ~ N(0, 9), the others N(0, exp(v)).

use super::{Target, Truth, from_menu, indicator, normal_cdf};

/// P(|x_j| < 1) for j > 1: the integral of N(v; 0, 9) erf(exp(-v/2) / sqrt 2) dv, by 30-digit quadrature.
const P_NECK: f64 = 0.622_315_543_471_449_32;

/// The funnel; log Z is 0.
pub fn funnel() -> Target {
    let mut truths = vec![
        Truth::exact("v", |x| x[0], 0.0),
        Truth::exact("v^2", |x| x[0] * x[0], 9.0),
        Truth::exact("P(v < -6)", |x| indicator(x[0] < -6.0), normal_cdf(-2.0)),
        Truth::exact("P(v < -3)", |x| indicator(x[0] < -3.0), normal_cdf(-1.0)),
        Truth::exact("P(v > 3)", |x| indicator(x[0] > 3.0), normal_cdf(-1.0)),
        Truth::exact("P(v > 6)", |x| indicator(x[0] > 6.0), normal_cdf(-2.0)),
    ];
    for j in [1, 9] {
        let name = format!("x{}", j + 1);
        truths.push(Truth::exact(format!("P({name} > 0)"), move |x| indicator(x[j] > 0.0), 0.5));
        truths.push(Truth::exact(format!("P(|{name}| < 1)"), move |x| indicator(x[j].abs() < 1.0), P_NECK));
        truths.push(Truth::exact(format!("{name}^2 exp(-v)"), move |x| x[j] * x[j] * (-x[0]).exp(), 1.0));
    }
    Target::new("funnel", from_menu("funnel", &[("d", 10.0), ("s", 3.0)]).formula, truths).with_log_z(0.0)
}
