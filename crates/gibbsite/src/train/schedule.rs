//! What changes from epoch to epoch: learning rate, number of chain steps, order of the data.

use serde::{Deserialize, Serialize};

use crate::rng::{Purpose, Streams};

/// Learning rate over the training, as a share of its first value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decay {
    /// 1 throughout.
    Constant,
    /// `1 / (1 + 10 t)`, t from 0 to 1 over the training.
    InverseTime,
    /// `0.01 + 0.99 (1 + cos(pi t)) / 2`.
    Cosine,
}

impl Decay {
    /// The share at progress `t` in [0, 1).
    pub fn at(self, t: f64) -> f64 {
        match self {
            Decay::Constant => 1.0,
            Decay::InverseTime => 1.0 / (1.0 + 10.0 * t),
            Decay::Cosine => 0.01 + 0.99 * 0.5 * (1.0 + (std::f64::consts::PI * t).cos()),
        }
    }
}

/// Chain steps of an update, growing linearly from `first` to `last` over the epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Steps {
    /// In the first epoch.
    pub first: usize,
    /// In the last epoch.
    pub last: usize,
}

impl Steps {
    /// The same number throughout.
    pub fn constant(n: usize) -> Self {
        Self { first: n, last: n }
    }

    /// Steps of an update in `epoch` (from 0) of `n_epochs`, rounded to the nearest.
    pub fn at(self, epoch: usize, n_epochs: usize) -> usize {
        let t = epoch as f64 / (n_epochs.max(2) - 1) as f64;
        (self.first as f64 + t * (self.last as f64 - self.first as f64)).round() as usize
    }
}

/// The order of the data in `epoch`: a permutation that depends on the seed and the epoch only (Fisher and Yates).
pub fn shuffle(streams: &mut Streams, epoch: usize, order: &mut [u32]) {
    streams.seek(epoch as u64);
    let n = order.len();
    order.iter_mut().enumerate().for_each(|(i, o)| *o = i as u32);
    let u = streams.uniforms(Purpose::Shuffle, n, 1);
    let u = u.col(0);
    for i in (1..n).rev() {
        let j = ((u[i] * (i + 1) as f64) as usize).min(i);
        order.swap(i, j);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Run;

    #[test]
    fn steps_grow_to_their_end() {
        let s = Steps { first: 1, last: 30 };
        assert_eq!((s.at(0, 100), s.at(99, 100)), (1, 30));
        assert!((1..100).all(|e| s.at(e, 100) >= s.at(e - 1, 100)));
        assert_eq!(Steps::constant(7).at(3, 5), 7);
        assert_eq!(s.at(0, 1), 1);
    }

    #[test]
    fn shuffles_are_permutations_that_depend_on_the_epoch_only() {
        let mut streams = Streams::new(1, Run::Train);
        let (mut a, mut b, mut c) = (vec![0; 100], vec![0; 100], vec![0; 100]);
        shuffle(&mut streams, 3, &mut a);
        shuffle(&mut streams, 4, &mut b);
        shuffle(&mut Streams::new(1, Run::Train), 3, &mut c);
        assert_eq!(a, c);
        assert_ne!(a, b);
        b.sort_unstable();
        assert_eq!(b, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn rates_fall_to_their_ends() {
        assert_eq!(Decay::Constant.at(0.7), 1.0);
        assert!((Decay::InverseTime.at(1.0) - 1.0 / 11.0).abs() < 1e-15);
        assert!((Decay::Cosine.at(1.0) - 0.01).abs() < 1e-15 && (Decay::Cosine.at(0.0) - 1.0).abs() < 1e-15);
    }
}
