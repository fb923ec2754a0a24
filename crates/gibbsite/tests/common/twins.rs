//! Plain kernels, one chain at a time, each with one mistake that can be made or not: the mistake must be found out, and
//! without it the kernel must pass.

use gibbsite::points::Points;

use super::targets::ByHand;

/// SplitMix64 (Steele, Lea and Flood 2014): a generator of its own, so that the twins share nothing with the library.
pub struct Noise(u64);

impl Noise {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((z ^ (z >> 31)) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }
    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
    fn normals(&mut self, d: usize) -> Vec<f64> {
        (0..d).map(|_| self.normal()).collect()
    }
    fn accepts(&mut self, log_ratio: f64) -> bool {
        self.uniform().ln() < log_ratio
    }
}

/// One transition of all chains; `broken` makes the mistake.
pub type Twin = fn(energy: &ByHand, chains: &mut [Vec<f64>], noise: &mut Noise, broken: bool);

/// Where `n_steps` transitions of a twin lead.
pub fn run(twin: Twin, energy: &ByHand, x: &Points, n_steps: usize, broken: bool) -> Points {
    let mut chains: Vec<Vec<f64>> = (0..x.n()).map(|i| x.real.row(i)).collect();
    let mut noise = Noise(7);
    for _ in 0..n_steps {
        twin(energy, &mut chains, &mut noise, broken);
    }
    Points::from_rows(&chains)
}

fn gradient(energy: &ByHand, x: &[f64]) -> Vec<f64> {
    let mut g = vec![0.0; x.len()];
    (energy.gradient)(x, &mut g);
    g
}

fn half_square(p: &[f64]) -> f64 {
    0.5 * p.iter().map(|p| p * p).sum::<f64>()
}

/// One leapfrog step.
fn leapfrog(energy: &ByHand, h: f64, x: &mut [f64], p: &mut [f64]) {
    let kick = |x: &[f64], p: &mut [f64]| {
        p.iter_mut().zip(gradient(energy, x)).for_each(|(p, g)| *p -= 0.5 * h * g);
    };
    kick(x, p);
    x.iter_mut().zip(&*p).for_each(|(x, p)| *x += h * p);
    kick(x, p);
}

/// Langevin; broken: the densities of the proposals are left out.
pub fn mala(energy: &ByHand, chains: &mut [Vec<f64>], noise: &mut Noise, broken: bool) {
    const EPS: f64 = 0.25;
    let log_q = |to: &[f64], from: &[f64]| {
        let g = gradient(energy, from);
        -(0..to.len()).map(|j| (to[j] - from[j] + EPS * g[j]).powi(2)).sum::<f64>() / (4.0 * EPS)
    };
    for x in chains {
        let g = gradient(energy, x);
        let y: Vec<f64> = (0..x.len()).map(|j| x[j] - EPS * g[j] + (2.0 * EPS).sqrt() * noise.normal()).collect();
        let q_ratio = if broken { 0.0 } else { log_q(x, &y) - log_q(&y, x) };
        if noise.accepts((energy.value)(x) - (energy.value)(&y) + q_ratio) {
            *x = y;
        }
    }
}

/// Hamiltonian Monte Carlo; broken: every trajectory is accepted.
pub fn hmc(energy: &ByHand, chains: &mut [Vec<f64>], noise: &mut Noise, broken: bool) {
    for x in chains {
        let mut p = noise.normals(x.len());
        let mut y = x.clone();
        let start = (energy.value)(x) + half_square(&p);
        (0..4).for_each(|_| leapfrog(energy, 0.9, &mut y, &mut p));
        if broken || noise.accepts(start - (energy.value)(&y) - half_square(&p)) {
            *x = y;
        }
    }
}

/// Metropolis adjusted Langevin trajectories; broken: the energy that the noise brings in counts as an error.
pub fn malt(energy: &ByHand, chains: &mut [Vec<f64>], noise: &mut Noise, broken: bool) {
    let (h, keep) = (0.7, (-0.7f64).exp());
    for x in chains {
        let mut p = noise.normals(x.len());
        let mut y = x.clone();
        let (start, mut error) = ((energy.value)(x) + half_square(&p), 0.0);
        for k in 0..5 {
            if k > 0 {
                p.iter_mut().for_each(|p| *p = keep * *p + (1.0 - keep * keep).sqrt() * noise.normal());
            }
            error -= (energy.value)(&y) + half_square(&p);
            leapfrog(energy, h, &mut y, &mut p);
            error += (energy.value)(&y) + half_square(&p);
        }
        if broken {
            error = (energy.value)(&y) + half_square(&p) - start;
        }
        if noise.accepts(-error) {
            *x = y;
        }
    }
}

/// The stretch move in groups of 12, each chain with a partner of the other half; broken: without `z^(d-1)`.
pub fn ensemble(energy: &ByHand, chains: &mut [Vec<f64>], noise: &mut Noise, broken: bool) {
    for group in chains.chunks_exact_mut(12) {
        for i in 0..12 {
            let partner = group[(6.0 * noise.uniform()) as usize + if i < 6 { 6 } else { 0 }].clone();
            let x = &group[i];
            let z = (1.0 + noise.uniform()).powi(2) / 2.0;
            let y: Vec<f64> = x.iter().zip(&partner).map(|(x, c)| c + z * (x - c)).collect();
            let volume = if broken { 0.0 } else { (x.len() - 1) as f64 * z.ln() };
            if noise.accepts(volume + (energy.value)(x) - (energy.value)(&y)) {
                group[i] = y;
            }
        }
    }
}

/// How slice sampling can go wrong.
#[derive(Clone, Copy, PartialEq)]
enum SliceError {
    None,
    /// All steps out are to the right.
    Split,
    /// A point outside of the slice is drawn towards the chain, not drawn anew from a shrunk interval.
    Shrinkage,
}

fn slice(energy: &ByHand, chains: &mut [Vec<f64>], noise: &mut Noise, width: f64, error: SliceError) {
    const MAX_WIDTH: f64 = 4.0;
    for x in chains {
        for j in 0..x.len() {
            let level = (energy.value)(x) - noise.uniform().ln();
            let now = x.clone();
            let at = |t: f64| {
                let mut y = now.clone();
                y[j] = t;
                (energy.value)(&y)
            };
            let mut left = x[j] - width * noise.uniform();
            let mut right = left + width;
            let steps = if error == SliceError::Split { 0.0 } else { (MAX_WIDTH * noise.uniform()).floor() };
            let (mut to_left, mut to_right) = (steps, MAX_WIDTH - 1.0 - steps);
            while to_left > 0.0 && at(left) <= level {
                left -= width;
                to_left -= 1.0;
            }
            while to_right > 0.0 && at(right) <= level {
                right += width;
                to_right -= 1.0;
            }
            let mut t = left + (right - left) * noise.uniform();
            while at(t) > level {
                if error == SliceError::Shrinkage {
                    t = 0.5 * (t + now[j]);
                    continue;
                }
                if t < now[j] {
                    left = t
                } else {
                    right = t
                }
                t = left + (right - left) * noise.uniform();
            }
            x[j] = t;
        }
    }
}

/// Slice sampling; broken: the limit on the steps out is not split at random.
pub fn slice_split(energy: &ByHand, chains: &mut [Vec<f64>], noise: &mut Noise, broken: bool) {
    slice(energy, chains, noise, 0.5, if broken { SliceError::Split } else { SliceError::None });
}

/// Slice sampling; broken: points are drawn towards the chain instead of from a shrunk interval.
pub fn slice_shrinkage(energy: &ByHand, chains: &mut [Vec<f64>], noise: &mut Noise, broken: bool) {
    slice(energy, chains, noise, 3.0, if broken { SliceError::Shrinkage } else { SliceError::None });
}

/// Proposals from `N(0, 2^2)` in each coordinate; broken: their density is left out.
pub fn independence(energy: &ByHand, chains: &mut [Vec<f64>], noise: &mut Noise, broken: bool) {
    for x in chains {
        let y: Vec<f64> = noise.normals(x.len()).iter().map(|z| 2.0 * z).collect();
        let q_ratio = if broken { 0.0 } else { (half_square(&y) - half_square(x)) / 4.0 };
        if noise.accepts((energy.value)(x) - (energy.value)(&y) + q_ratio) {
            *x = y;
        }
    }
}
