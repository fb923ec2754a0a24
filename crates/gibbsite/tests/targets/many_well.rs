//! The many-well of 32 dimensions (Noe et al. 2019; Midgley et al. 2023, appendix F), 16 independent pairs
//! w^4 - 6 w^2 - w/2 + g^2/2, and the same reflected, where no coordinate is independent of another.

use gibbsite::energy::formula::{Formula, FormulaOptions};

use super::{Target, Truth, from_menu, indicator};

/// Dimensions.
pub const DIM: usize = 32;
/// P(w > 0), E w, E w^2 and E w^4 of one well, by 30-digit quadrature.
pub const RIGHT: f64 = 0.844_307_096_211_139_18;
/// E w.
pub const MEAN: f64 = 1.187_960_983_376_146_6;
/// E w^2.
pub const SQUARE: f64 = 2.959_806_090_488_936_8;
/// E w^4.
pub const FOURTH: f64 = 9.277_913_394_388_828_7;
/// The log of its integral.
pub const LOG_Z_WELL: f64 = 9.374_541_173_869_195_2;

/// The formula of the reflected many-well for `dim` dimensions: every coordinate is `u_i = x_i - (2/d) sum_j x_j`, the
/// reflection of x in the plane at right angles to (1, ..., 1). `Formula::with_options` needs the dimension.
pub const REFLECTED: &str = "sum(i, 1..d/2, (x[2*i-1] - (2/d)*sum(j, 1..d, x[j]))^4 \
    - 6*(x[2*i-1] - (2/d)*sum(j, 1..d, x[j]))^2 - (x[2*i-1] - (2/d)*sum(j, 1..d, x[j]))/2 \
    + (x[2*i] - (2/d)*sum(j, 1..d, x[j]))^2/2)";

/// u_i of the state x.
fn reflected(x: &[f64], i: usize) -> f64 {
    x[i] - 2.0 / x.len() as f64 * x.iter().sum::<f64>()
}

fn plain(x: &[f64], i: usize) -> f64 {
    x[i]
}

fn n_right(x: &[f64]) -> usize {
    x.iter().step_by(2).filter(|w| **w > 0.0).count()
}

fn n_right_reflected(x: &[f64]) -> usize {
    let shift = 2.0 / x.len() as f64 * x.iter().sum::<f64>();
    x.iter().step_by(2).filter(|w| **w > shift).count()
}

/// The truths of coordinates u that `u` reads off a state.
fn truths(u: fn(&[f64], usize) -> f64) -> Vec<Truth> {
    let mut truths = Vec::new();
    for i in (0..DIM).step_by(2) {
        let well = format!("u{}", i + 1);
        truths.push(Truth::exact(format!("P({well} > 0)"), move |x| indicator(u(x, i) > 0.0), RIGHT));
        truths.push(Truth::exact(well.clone(), move |x| u(x, i), MEAN));
        truths.push(Truth::exact(format!("{well}^2"), move |x| u(x, i).powi(2), SQUARE));
        let gaussian = format!("u{}", i + 2);
        truths.push(Truth::exact(gaussian.clone(), move |x| u(x, i + 1), 0.0));
        truths.push(Truth::exact(format!("{gaussian}^2"), move |x| u(x, i + 1).powi(2), 1.0));
    }
    // Neighbouring wells are independent.
    truths.push(Truth::exact("u1 u3", move |x| u(x, 0) * u(x, 2), MEAN * MEAN));
    truths
}

/// The 2^16 modes by the number of wells on the right: binomial weights.
fn binomial() -> Vec<f64> {
    let n = DIM / 2;
    let mut choose = 1.0;
    (0..=n)
        .map(|k| {
            if k > 0 {
                choose *= (n - k + 1) as f64 / k as f64;
            }
            choose * RIGHT.powi(k as i32) * (1.0 - RIGHT).powi((n - k) as i32)
        })
        .collect()
}

fn log_z() -> f64 {
    (DIM / 2) as f64 * (LOG_Z_WELL + 0.5 * (2.0 * std::f64::consts::PI).ln())
}

/// The many-well of the menu; mode k has k wells on the right.
pub fn many_well() -> Target {
    Target::new("many-well", from_menu("many-well", &[("d", DIM as f64)]).formula, truths(plain))
        .with_log_z(log_z())
        .with_modes(binomial(), n_right)
}

/// The many-well in reflected coordinates: the same truths, of u.
pub fn reflected_many_well() -> Target {
    let options = FormulaOptions { dim: Some(DIM), ..FormulaOptions::default() };
    let formula = Formula::with_options(REFLECTED, &options).expect("a formula");
    Target::new("reflected many-well", formula, truths(reflected))
        .with_log_z(log_z())
        .with_modes(binomial(), n_right_reflected)
}
