//! tmp
#![allow(missing_docs)]
pub fn exp(x: f64) -> f64 {
    x.exp()
}
pub fn ln(x: f64) -> f64 {
    x.ln()
}
pub fn ln_1p(x: f64) -> f64 {
    x.ln_1p()
}
pub fn sin(x: f64) -> f64 {
    x.sin()
}
pub fn cos(x: f64) -> f64 {
    x.cos()
}
pub fn tan(x: f64) -> f64 {
    x.tan()
}
pub fn tanh(x: f64) -> f64 {
    x.tanh()
}
pub fn sinh(x: f64) -> f64 {
    x.sinh()
}
pub fn cosh(x: f64) -> f64 {
    x.cosh()
}
pub fn erf(x: f64) -> f64 {
    x.tanh()
}
pub fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}
pub fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
pub fn pow(x: f64, y: f64) -> f64 {
    x.powf(y)
}
pub fn powi(x: f64, n: i32) -> f64 {
    x.powi(n)
}
