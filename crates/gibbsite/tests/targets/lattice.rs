//! 25 equal Gaussians of sd 0.05 on a 5 x 5 lattice of spacing 2 (Dumoulin et al. 2017, section 4.1).

use super::{Target, Truth, from_menu};

/// The lattice point nearest to v, 0 to 4.
fn nearest(v: f64) -> usize {
    (v / 2.0 + 2.0).round().clamp(0.0, 4.0) as usize
}

/// The lattice; log Z is 0; mode 5 r + c is the Gaussian at x = 2 c - 4, y = 2 r - 4.
pub fn lattice() -> Target {
    let mut truths = vec![Truth::exact("x y", |x| x[0] * x[1], 0.0)];
    for (j, name) in ["x", "y"].into_iter().enumerate() {
        let centre = |v: f64| 2.0 * nearest(v) as f64 - 4.0;
        truths.push(Truth::exact(name, move |x| x[j], 0.0));
        truths.push(Truth::exact(format!("{name}^2"), move |x| x[j] * x[j], 8.0 + 0.0025));
        // 20 standard deviations separate a centre from the edge of its cell.
        truths.push(Truth::exact(
            format!("variance of {name} in its mode"),
            move |x| (x[j] - centre(x[j])).powi(2),
            0.0025,
        ));
    }
    Target::new("25-gaussians", from_menu("25-gaussians", &[("a", 2.0), ("s", 0.05)]).formula, truths)
        .with_log_z(0.0)
        .with_modes(vec![0.04; 25], |x| 5 * nearest(x[1]) + nearest(x[0]))
}
