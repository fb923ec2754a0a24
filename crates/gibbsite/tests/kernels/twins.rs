//! A slow, plain kernel, right or broken.

use gibbsite::energy::Energy;
use gibbsite::kernel::{ChainState, Info, Kernel};
use gibbsite::points::Points;
use gibbsite::rng::{Purpose, Streams};

use crate::energies::Quartic;

/// How a twin is broken.
#[derive(Clone, Copy, PartialEq)]
pub enum Broken {
    NoQRatio,
    NoAccept,
    FlippedSign,
}

/// A slow, plain kernel in one dimension, right when `broken` is `None`.
pub struct Twin {
    pub step_size: f64,
    pub n_leapfrog: usize,
    pub broken: Option<Broken>,
}

pub struct TwinState(Points, Vec<f64>);

impl ChainState for TwinState {
    fn x(&self) -> &Points {
        &self.0
    }
    fn x_mut(&mut self) -> &mut Points {
        &mut self.0
    }
    fn energy(&self) -> &[f64] {
        &self.1
    }
}

impl Kernel<Quartic> for Twin {
    type State = TwinState;
    fn init(&self, energy: &Quartic, x: Points) -> TwinState {
        let mut e = vec![0.0; x.n()];
        energy.energy(&x, &mut e);
        TwinState(x, e)
    }
    fn step(&self, q: &Quartic, state: &mut TwinState, rng: &mut Streams) -> Info {
        let n = state.0.n();
        let xi: Vec<f64> = rng.normals(Purpose::Proposal, n, 1).col(0).iter().map(|v| *v as f64).collect();
        let u = rng.uniforms(Purpose::Accept, n, 1).col(0);
        let value = |x: f64| 0.5 * q.a * x * x + q.b * x.powi(4);
        let slope = |x: f64| q.a * x + 4.0 * q.b * x.powi(3);
        let eps = self.step_size;
        for i in 0..n {
            let x = state.0.real.get(i, 0);
            let (y, log_ratio) = if self.n_leapfrog == 0 {
                let y = x - eps * slope(x) + (2.0 * eps).sqrt() * xi[i];
                let log_q = |to: f64, from: f64| -(to - from + eps * slope(from)).powi(2) / (4.0 * eps);
                let q_ratio = if self.broken == Some(Broken::NoQRatio) { 0.0 } else { log_q(x, y) - log_q(y, x) };
                (y, value(x) - value(y) + q_ratio)
            } else {
                let (mut y, mut p) = (x, xi[i]);
                for _ in 0..self.n_leapfrog {
                    p -= 0.5 * eps * slope(y);
                    y += eps * p;
                    p -= 0.5 * eps * slope(y);
                }
                (y, value(x) + 0.5 * xi[i] * xi[i] - value(y) - 0.5 * p * p)
            };
            let log_ratio = if self.broken == Some(Broken::FlippedSign) { -log_ratio } else { log_ratio };
            if self.broken == Some(Broken::NoAccept) || u[i] < log_ratio.exp() {
                state.0.real.set(i, 0, y);
                state.1[i] = value(y);
            }
        }
        Info { n: n as u64, ..Info::default() }
    }
    fn refresh(&self, _: &Quartic, _: &mut TwinState) {}
}
