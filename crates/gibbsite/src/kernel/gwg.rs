//! Gibbs with gradients: one label at a time changes, where the energy says that it pays.

use super::metropolis::Chains;
use super::{Info, Kernel};
use crate::energy::{Discrete, n_logits};
use crate::math::exp;
use crate::points::{Matrix, Points, Values};
use crate::rng::{Purpose, Streams};

/// A transition proposes one change of one label, `x -> y`, with probability `q(y | x) ~ exp(d(x, y) / 2)`, d what
/// [`Discrete::slopes`] says that log p gains, and accepts it with `min(1, p(y) q(x | y) / (p(x) q(y | x)))`: the locally
/// informed proposals of Zanella 2020, with first-order differences those of Grathwohl, Swersky, Hashemi, Duvenaud and Maddison
/// 2021, "Oops I took a gradient". Labels of any number of values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Gwg;

untunable!(Gwg);

/// The columns of slopes that belong to each label.
fn columns(labels: &[Values]) -> impl Iterator<Item = (usize, std::ops::Range<usize>)> + '_ {
    let mut first = 0;
    labels.iter().enumerate().map(move |(site, values)| {
        let columns = first..first + values.arity() - 1;
        first = columns.end;
        (site, columns)
    })
}

/// What chain `i` is told of a label's value; of the first value that is 0.
fn slope(slopes: &Matrix<f64>, i: usize, first: usize, label: usize) -> f64 {
    if label == 0 { 0.0 } else { slopes.get(i, first + label - 1) }
}

/// All changes of one label of chain `i`: site, value, and half of what log p gains.
fn changes<'a>(
    labels: &'a [Values],
    x: &'a Matrix<u8>,
    slopes: &'a Matrix<f64>,
    i: usize,
) -> impl Iterator<Item = (usize, u8, f64)> + 'a {
    columns(labels).flat_map(move |(site, columns)| {
        let now = usize::from(x.get(i, site));
        let here = slope(slopes, i, columns.start, now);
        let others = (0..=columns.len()).filter(move |label| *label != now);
        others.map(move |label| (site, label as u8, 0.5 * (slope(slopes, i, columns.start, label) - here)))
    })
}

/// The log of the sum of the weights of all changes.
fn log_sum(labels: &[Values], x: &Matrix<u8>, slopes: &Matrix<f64>, i: usize) -> f64 {
    let top = changes(labels, x, slopes, i).fold(f64::NEG_INFINITY, |top, (_, _, half)| top.max(half));
    let sum: f64 = changes(labels, x, slopes, i).map(|(_, _, half)| exp(half - top)).sum();
    top + sum.ln()
}

impl<E: Discrete + ?Sized> Kernel<E> for Gwg {
    type State = Chains;

    fn init(&self, energy: &E, x: Points) -> Chains {
        let sites: Vec<usize> = (0..energy.space().labels.len()).collect();
        let mut state = Chains::new(x, n_logits(energy.space(), &sites), 0);
        self.refresh(energy, &mut state);
        state
    }

    fn step(&self, energy: &E, state: &mut Chains, rng: &mut Streams) -> Info {
        state.check_fresh(energy.version());
        let (n, labels) = (state.x.n(), &energy.space().labels);
        let u = rng.uniforms(Purpose::Proposal, n, 1);
        for i in 0..n {
            let log_total = log_sum(labels, &state.x.label, &state.grad, i);
            let mut left = u.col(0)[i];
            let mut chosen = None;
            for (site, label, half) in changes(labels, &state.x.label, &state.grad, i) {
                // Rounding leaves what is left to the last change.
                chosen = Some((site, label, half));
                left -= exp(half - log_total);
                if left < 0.0 {
                    break;
                }
            }
            for site in 0..labels.len() {
                state.y.label.set(i, site, state.x.label.get(i, site));
            }
            if let Some((site, label, half)) = chosen {
                state.y.label.set(i, site, label);
                state.log_ratio[i] = log_total - half;
            }
        }
        energy.energy(&state.y, &mut state.energy_y);
        energy.slopes(&state.y, &mut state.grad_y);
        for i in 0..n {
            let changed = |site: usize| state.x.label.get(i, site) != state.y.label.get(i, site);
            let back = columns(labels).find(|(site, _)| changed(*site)).map_or(0.0, |(site, columns)| {
                let at = |x: &Matrix<u8>| slope(&state.grad_y, i, columns.start, usize::from(x.get(i, site)));
                0.5 * (at(&state.x.label) - at(&state.y.label))
            });
            let log_total = log_sum(labels, &state.y.label, &state.grad_y, i);
            state.log_ratio[i] += state.energy[i] - state.energy_y[i] + back - log_total;
        }
        let u = rng.uniforms(Purpose::Accept, n, 1);
        state.metropolis(u.col(0), f64::NEG_INFINITY)
    }

    fn refresh(&self, energy: &E, state: &mut Chains) {
        energy.energy(&state.x, &mut state.energy);
        energy.slopes(&state.x, &mut state.grad);
        state.mark_fresh(energy.version());
    }
}
