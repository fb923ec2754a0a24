//! Random points of the support, at several scales.

use crate::points::{Matrix, Points, Space, Support};
use crate::rng::{Purpose, Run, Streams};

/// Scales of the points, in turn.
const SCALES: [f64; 4] = [0.3, 1.0, 3.0, 10.0];

/// `n` points: normal around 0 on the line, beyond the end of half-lines, uniform in intervals.
pub fn random_points(space: &Space, n: usize, seed: u64, step: u64) -> Points {
    let d = space.dim();
    let mut rng = Streams::new(seed, Run::Probe);
    rng.seek(step);
    let mut x = Matrix::new(n, d);
    let normals = rng.normals(Purpose::Init, n, d);
    for j in 0..d {
        for (i, (x, z)) in x.col_mut(j).iter_mut().zip(normals.col(j)).enumerate() {
            *x = f64::from(*z) * SCALES[i % SCALES.len()];
        }
    }
    let uniforms = rng.uniforms(Purpose::Choice, n, d);
    for j in 0..d {
        for (x, u) in x.col_mut(j).iter_mut().zip(uniforms.col(j)) {
            *x = match space.reals[j] {
                Support::Real => *x,
                Support::Above(a) => a + x.abs().max(1e-6),
                Support::Below(b) => b - x.abs().max(1e-6),
                Support::Interval(a, b) => a + (b - a) * u,
            };
        }
    }
    Points { real: x, label: Matrix::new(n, space.labels.len()) }
}
