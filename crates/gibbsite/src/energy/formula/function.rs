//! The elementary functions of formulas: names, values, derivatives.

use super::graph::{Graph, Id};
use crate::math;

/// Elementary functions of one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    Exp,
    Log,
    Log1p,
    Sqrt,
    Abs,
    Sign,
    Sin,
    Cos,
    Tan,
    Tanh,
    Sinh,
    Cosh,
    Erf,
    Softplus,
    Logistic,
}

/// The functions that a formula may call with one argument.
pub const NAMED: [(&str, Function); 14] = [
    ("exp", Function::Exp),
    ("log", Function::Log),
    ("ln", Function::Log),
    ("sqrt", Function::Sqrt),
    ("abs", Function::Abs),
    ("sin", Function::Sin),
    ("cos", Function::Cos),
    ("tan", Function::Tan),
    ("tanh", Function::Tanh),
    ("sinh", Function::Sinh),
    ("cosh", Function::Cosh),
    ("erf", Function::Erf),
    ("softplus", Function::Softplus),
    ("log1p", Function::Log1p),
];

/// The functions with several arguments.
pub const MULTIARY: [&str; 5] = ["min", "max", "pow", "logsumexp", "sum"];

impl Function {
    /// The value at `x`, with the same polynomials and hence the same bits as the vector loops.
    #[inline(always)]
    pub fn value(self, x: f64) -> f64 {
        let beyond = x.abs() > math::TRIG_MAX;
        match self {
            Function::Sin if beyond => x.sin(),
            Function::Cos if beyond => x.cos(),
            Function::Tan if beyond => x.tan(),
            Function::Exp => math::exp(x),
            Function::Log => math::ln(x),
            Function::Log1p => math::ln_1p(x),
            Function::Sqrt => x.sqrt(),
            Function::Abs => x.abs(),
            Function::Sign => sign(x),
            Function::Sin => math::sin(x),
            Function::Cos => math::cos(x),
            Function::Tan => math::tan(x),
            Function::Tanh => math::tanh(x),
            Function::Sinh => math::sinh(x),
            Function::Cosh => math::cosh(x),
            Function::Erf => math::erf(x),
            Function::Softplus => math::softplus(x),
            Function::Logistic => math::logistic(x),
        }
    }

    /// The derivative at the node `a`, given the node `value` of the function itself.
    pub fn derivative(self, g: &mut Graph, a: Id, value: Id) -> Id {
        let one = g.constant(1.0);
        match self {
            Function::Exp => value,
            Function::Log => g.div(one, a),
            Function::Log1p => {
                let b = g.add(a, one);
                g.div(one, b)
            }
            Function::Sqrt => {
                let half = g.constant(0.5);
                g.div(half, value)
            }
            Function::Abs => g.call(Function::Sign, a),
            Function::Sign => g.constant(0.0),
            Function::Sin => g.call(Function::Cos, a),
            Function::Cos => {
                let s = g.call(Function::Sin, a);
                g.neg(s)
            }
            Function::Tan => {
                let square = g.powi(value, 2);
                g.add(square, one)
            }
            Function::Tanh => {
                let square = g.powi(value, 2);
                g.sub(one, square)
            }
            Function::Sinh => g.call(Function::Cosh, a),
            Function::Cosh => g.call(Function::Sinh, a),
            Function::Erf => {
                let square = g.powi(a, 2);
                let minus = g.neg(square);
                let gauss = g.call(Function::Exp, minus);
                let scale = g.constant(2.0 / std::f64::consts::PI.sqrt());
                g.mul(scale, gauss)
            }
            Function::Softplus => g.call(Function::Logistic, a),
            Function::Logistic => {
                let rest = g.sub(one, value);
                g.mul(value, rest)
            }
        }
    }
}

/// -1, 0 or 1; the slope of |x|, which is taken as 0 at the kink. NaN stays NaN.
#[inline(always)]
pub fn sign(x: f64) -> f64 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        x
    }
}
