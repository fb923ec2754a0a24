//! Minima without a curvature, as that of |x|: a compass search (Kolda, Lewis and Torczon 2003, figure 3.1) goes to the
//! bottom, where the energy must rise in every direction that is tried.

use super::candidate::Candidate;
use super::line::{Line, scan};
use super::problem::{At, Problem, largest, sign};
use super::settle::{QUADRATIC, Settled};
use crate::energy::Differentiable;

/// Judges `at` without a Hessian; a fall by more than `small` on the way is handed back to the descent.
pub(super) fn settle<E: Differentiable + ?Sized>(
    problem: &mut Problem<'_, E>,
    at: At,
    noise: f64,
    small: f64,
) -> Settled {
    let directions = directions(at.x.len());
    let (x, e) = compass(problem, at.x.clone(), at.e, &directions);
    if at.e - e > small.max(noise) {
        return Settled::Lower(At::new(problem, x));
    }
    let (x, e) = snap(problem, x, e);
    let (mut lowest_power, mut is_level) = (f64::INFINITY, false);
    for v in &directions {
        match scan(problem, &x, e, v, noise) {
            Line::Rises { power, .. } => lowest_power = lowest_power.min(power),
            Line::Level => is_level = true,
            Line::Falls { x, .. } => return Settled::Lower(At::new(problem, x)),
            Line::Escape(escape) => return Settled::Escape(escape),
        }
    }
    if lowest_power >= *QUADRATIC.start() && e < at.e {
        // No kink, but lower: the smooth test has something better to look at now.
        return Settled::Lower(At::new(problem, x));
    }
    Settled::Minimum(Box::new(Candidate::kink(problem, x, e, is_level)))
}

/// The axes, and as many directions again that lie between them.
fn directions(d: usize) -> Vec<Vec<f64>> {
    let axis = |k: usize| (0..d).map(|j| if j == k { 1.0 } else { 0.0 }).collect();
    let mut all: Vec<Vec<f64>> = (0..d).map(axis).collect();
    if d == 2 {
        let angle = |k: usize| (f64::from(k as u8) * std::f64::consts::PI / 12.0).sin_cos();
        all.extend((1..12).filter(|k| *k != 6).map(|k| [angle(k).1, angle(k).0].to_vec()));
    } else if d > 2 {
        all.extend((0..2 * d as u64).map(|k| (0..d).map(|j| sign(k, j)).collect()));
    }
    all
}

/// Tries a step along every direction, and a quarter of it when none is lower, until it is lost in rounding.
fn compass<E: Differentiable + ?Sized>(
    problem: &mut Problem<'_, E>,
    mut x: Vec<f64>,
    mut e: f64,
    directions: &[Vec<f64>],
) -> (Vec<f64>, f64) {
    let mut step = 1e-3 * largest(&x).max(1e-3);
    for _ in 0..500 {
        let mut ways = directions.iter().flat_map(|v| [(step, v), (-step, v)]);
        let lower = ways.find_map(|(t, v)| {
            let y = problem.step(&x, t, v);
            let here = problem.value(&y);
            (here < e).then_some((y, here))
        });
        match lower {
            Some((y, here)) => {
                (x, e) = (y, here);
                step *= 2.0;
            }
            None => step *= 0.25,
        }
        if step < 1e-17 * largest(&x).max(1e-13) || e == f64::NEG_INFINITY {
            break;
        }
    }
    (x, e)
}

/// Takes the round number next to each coordinate where the energy is no higher there.
fn snap<E: Differentiable + ?Sized>(problem: &mut Problem<'_, E>, mut x: Vec<f64>, mut e: f64) -> (Vec<f64>, f64) {
    for j in 0..x.len() {
        let place = 10f64.powf(largest(&x).max(1.0).log10().ceil() - 12.0);
        let kept = x[j];
        x[j] = problem.inside(j, (kept / place).round() * place);
        let here = problem.value(&x);
        if here <= e {
            e = here;
        } else {
            x[j] = kept;
        }
    }
    (x, e)
}
