//! The Mueller-Brown surface (1979) at beta = 0.1 on the box [-3.5, 2.5] x [-2, 3.5]: three minima.

use super::{Target, Truth, from_menu};

/// The minima, deepest first.
const MINIMA: [[f64; 2]; 3] = [[-0.558_224, 1.441_726], [0.623_499, 0.028_038], [-0.050_011, 0.466_694]];

/// The nearest minimum.
fn nearest(x: &[f64]) -> usize {
    let distance = |m: &[f64; 2]| (x[0] - m[0]).powi(2) + (x[1] - m[1]).powi(2);
    let [a, b, c] = [0, 1, 2].map(|k| distance(&MINIMA[k]));
    if a <= b && a <= c {
        0
    } else if b <= c {
        1
    } else {
        2
    }
}

/// The surface; a mode is the set of states nearest to one minimum, deepest first.
///
/// The numbers are composite 16-point Gauss-Legendre sums, 24 panels across the box in x and, for every x, 24 panels in y
/// between each two edges of modes; 12 and 48 panels agree to 1e-11. log Z is that of the shared references.
pub fn mueller_brown() -> Target {
    let truths = vec![
        Truth::exact("x", |x| x[0], -0.543_664_427_288),
        Truth::exact("y", |x| x[1], 1.394_512_233_978),
        Truth::exact("x^2", |x| x[0] * x[0], 0.340_295_475_615),
        Truth::exact("y^2", |x| x[1] * x[1], 2.004_658_975_491),
        Truth::exact("x y", |x| x[0] * x[1], -0.782_242_279_013),
    ];
    Target::new("mueller-brown", from_menu("mueller-brown", &[("beta", 0.1)]).formula, truths)
        .with_log_z(11.729_590_558_342_2)
        .with_modes(vec![0.974_365_737_687, 0.021_920_109_498, 0.003_714_152_815], nearest)
}
