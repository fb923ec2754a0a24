//! Energies written by hand, as a user would write one.

use gibbsite::energy::{Differentiable, Energy};
use gibbsite::points::{Matrix, Points, Space};

/// `E(x) = a x^2 / 2 + b x^4`.
pub struct Quartic {
    space: Space,
    pub a: f64,
    pub b: f64,
}

impl Quartic {
    pub fn new(a: f64, b: f64) -> Self {
        Self { space: Space::real(1), a, b }
    }
}

impl Energy for Quartic {
    fn space(&self) -> &Space {
        &self.space
    }
    fn energy(&self, x: &Points, out: &mut [f64]) {
        for (e, x) in out.iter_mut().zip(x.real.col(0)) {
            *e = 0.5 * self.a * x * x + self.b * x.powi(4);
        }
    }
    fn version(&self) -> u64 {
        self.a.to_bits() ^ self.b.to_bits().rotate_left(1)
    }
}

impl Differentiable for Quartic {
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        self.energy(x, e);
        for (g, x) in grad.col_mut(0).iter_mut().zip(x.real.col(0)) {
            *g = self.a * x + 4.0 * self.b * x.powi(3);
        }
    }
}

/// Gaussian with unit variances and correlation `rho`; coordinate 2 is then stretched by `stretch`.
pub struct Correlated {
    pub space: Space,
    pub rho: f64,
    pub stretch: f64,
}

impl Energy for Correlated {
    fn space(&self) -> &Space {
        &self.space
    }
    fn energy(&self, x: &Points, out: &mut [f64]) {
        let c = 0.5 / (1.0 - self.rho * self.rho);
        for (i, e) in out.iter_mut().enumerate() {
            let (x, y) = (x.real.get(i, 0), x.real.get(i, 1) / self.stretch);
            *e = c * (x * x - 2.0 * self.rho * x * y + y * y);
        }
    }
}

impl Differentiable for Correlated {
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        self.energy(x, e);
        let c = 1.0 / (1.0 - self.rho * self.rho);
        for i in 0..x.n() {
            let (u, v) = (x.real.get(i, 0), x.real.get(i, 1) / self.stretch);
            grad.set(i, 0, c * (u - self.rho * v));
            grad.set(i, 1, c * (v - self.rho * u) / self.stretch);
        }
    }
}

/// `E(x, y) = (|(x, y)| - r)^2 / (2 sigma^2)`.
pub struct Ring {
    space: Space,
    r: f64,
    sigma: f64,
}

impl Energy for Ring {
    fn space(&self) -> &Space {
        &self.space
    }
    fn energy(&self, x: &Points, out: &mut [f64]) {
        for (i, e) in out.iter_mut().enumerate() {
            let radius = x.real.get(i, 0).hypot(x.real.get(i, 1));
            *e = 0.5 * ((radius - self.r) / self.sigma).powi(2);
        }
    }
}

impl Differentiable for Ring {
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        self.energy(x, e);
        for i in 0..x.n() {
            let (u, v) = (x.real.get(i, 0), x.real.get(i, 1));
            let radius = u.hypot(v);
            let c = (radius - self.r) / (self.sigma * self.sigma * radius);
            grad.set(i, 0, c * u);
            grad.set(i, 1, c * v);
        }
    }
}

/// Finite only inside `|x| < 1`; NaN beyond `x > 0.9`: what kernels must survive.
pub struct Treacherous(pub Space);

impl Energy for Treacherous {
    fn space(&self) -> &Space {
        &self.0
    }
    fn energy(&self, x: &Points, out: &mut [f64]) {
        for (e, x) in out.iter_mut().zip(x.real.col(0)) {
            *e = if *x > 0.9 {
                f64::NAN
            } else if *x < -1.0 {
                f64::INFINITY
            } else {
                0.0
            };
        }
    }
}

impl Differentiable for Treacherous {
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        self.energy(x, e);
        grad.as_mut_slice().fill(0.0);
    }
}

pub fn correlated() -> Correlated {
    Correlated { space: Space::real(2), rho: 0.8, stretch: 5.0 }
}

pub fn ring() -> Ring {
    Ring { space: Space::real(2), r: 2.0, sigma: 0.4 }
}
